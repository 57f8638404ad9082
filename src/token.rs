//! Agent tokens and the key (docs/protocol.md#key-and-tokens).
//!
//! A token says which agent a connection belongs to: AES-ECB over a small JSON text, as base64.
//! The ecosystem fixed that scheme; there is no second one.

pub mod address;
pub mod percent;

#[cfg(test)]
mod tests;

use crate::close::CloseReason;
use aes::cipher::{Block, BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use base64::Engine;
use std::fmt::{self, Write};
use subtle::{ConstantTimeEq, ConstantTimeGreater};

/// The longest `agentId`, in bytes.
pub const MAX_AGENT_ID_BYTES: usize = 256;

/// The agent of a stand-alone deployment (docs/protocol.md#single-module).
pub const SINGLE_MODULE: &str = "single_module";

/// The longest token that is looked at, in bytes as it came: no request head is longer.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The block of AES, in bytes.
const BLOCK: usize = 16;

/// Words that clients do not accept in a tool's address, in any case.
pub(crate) const REJECTED_WORDS: [&str; 2] = ["key", "call"];

/// A token as it was made: base64, standard alphabet, padded. It opens the door of its agent, so
/// it does not show itself in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token of `agent` under `key`. An agent that is empty or longer than [`MAX_AGENT_ID_BYTES`]
    /// gets one, too, but nobody will be let in with it.
    pub fn new(key: &str, agent: &str) -> Self {
        Token(encrypt(key, &text_of(agent)))
    }

    /// The token as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token as it stands in an address: escaped, and with a letter escaped of every word in
    /// it that clients do not accept.
    pub fn in_address(&self) -> String {
        let mut escaped = String::new();
        let mut rest = self.0.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            let word = REJECTED_WORDS.iter().any(|word| {
                rest.get(..word.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
            });
            percent::push(&mut escaped, byte, percent::is_unreserved(byte) && !word);
            rest = after;
        }
        escaped
    }

    /// The agent that `token` names, read with `key`. It may come in any spelling of base64,
    /// percent-encoded or raw.
    ///
    /// # Errors
    /// Why the connection is to be refused:
    /// * `TokenMissing`: it is empty;
    /// * `TokenUndecipherable`: it is too long or not base64, or what it decrypts to has no valid
    ///   padding or is not UTF-8, which is what a wrong key looks like;
    /// * `TokenMalformed`: it decrypts to a text that is not a JSON object;
    /// * `TokenWithoutAgent`: the object has no `agentId`, or one that is not a string, empty, or
    ///   longer than [`MAX_AGENT_ID_BYTES`].
    pub fn read(key: &str, token: &[u8]) -> Result<String, CloseReason> {
        if token.is_empty() {
            return Err(CloseReason::TokenMissing);
        }
        let text = decrypt(key, token).ok_or(CloseReason::TokenUndecipherable)?;
        let Ok(serde_json::Value::Object(members)) = serde_json::from_str(&text) else {
            return Err(CloseReason::TokenMalformed);
        };
        match members.get("agentId").and_then(serde_json::Value::as_str) {
            Some(agent) if (1..=MAX_AGENT_ID_BYTES).contains(&agent.len()) => Ok(agent.to_owned()),
            _ => Err(CloseReason::TokenWithoutAgent),
        }
    }
}

/// Whether `token` has the form of a token, whatever key it was made with: base64 of whole blocks.
pub fn has_token_form(token: &[u8]) -> bool {
    ciphertext(token).is_some()
}

/// Whether `given` is the key. How long it takes depends on `given` alone. An empty key is
/// nobody's.
pub fn same_key(given: &[u8], key: &[u8]) -> bool {
    if key.is_empty() {
        return false;
    }
    let mut same = given.len().ct_eq(&key.len());
    for (left, right) in given.iter().zip(key.iter().cycle()) {
        same &= left.ct_eq(right);
    }
    same.into()
}

/// The text inside a token, spelled as the makers of tokens in Python spell it: ASCII only.
fn text_of(agent: &str) -> String {
    let mut text = String::from("{\"agentId\": \"");
    for letter in agent.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push_str("\"}");
    text
}

/// The token whose text is `text`.
fn encrypt(key: &str, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let pad = BLOCK - bytes.len() % BLOCK;
    bytes.resize(bytes.len() + pad, u8::try_from(pad).unwrap_or_default());
    cipher(key, &mut bytes, Way::Encrypt);
    STANDARD.encode(bytes)
}

/// The text inside `token`, if it was made with `key`.
fn decrypt(key: &str, token: &[u8]) -> Option<String> {
    let mut bytes = ciphertext(token)?;
    cipher(key, &mut bytes, Way::Decrypt);
    bytes.truncate(unpadded(&bytes)?);
    String::from_utf8(bytes).ok()
}

/// The blocks that `token` is made of; nothing where it is cut or mangled.
fn ciphertext(token: &[u8]) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let token = percent::decode(token);
    // As it came first: a blank at the beginning may have been a `+`.
    whole_blocks(&token).or_else(|| whole_blocks(unwrapped(&token)?))
}

fn whole_blocks(token: &[u8]) -> Option<Vec<u8>> {
    let bytes = STANDARD_NO_PAD.decode(plain_base64(token)).ok()?;
    (!bytes.is_empty() && bytes.len() % BLOCK == 0).then_some(bytes)
}

/// The token without what people paste around it.
fn unwrapped(token: &[u8]) -> Option<&[u8]> {
    let around = |c: char| c.is_whitespace() || "\"'`<>“”‘’「」《》\u{200b}\u{feff}".contains(c);
    Some(std::str::from_utf8(token).ok()?.trim_matches(around).as_bytes())
}

/// The one spelling of base64 we decode: standard alphabet, no padding, in one line. A blank was
/// a `+` before somebody took it for a form's.
fn plain_base64(token: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(token.len());
    for &byte in token {
        match byte {
            b'-' | b' ' => plain.push(b'+'),
            b'_' => plain.push(b'/'),
            b'\r' | b'\n' | b'\t' => {}
            _ => plain.push(byte),
        }
    }
    while plain.last() == Some(&b'=') {
        plain.pop();
    }
    plain
}

/// How many bytes are left without their PKCS#7 padding, if it is valid. Takes the same time
/// whether it is or not: a refusal shall not tell where the padding went wrong.
fn unpadded(bytes: &[u8]) -> Option<usize> {
    let pad = *bytes.last()?;
    let mut valid = pad.ct_gt(&0);
    for (place, byte) in (0..=u8::MAX).zip(bytes.iter().rev().take(BLOCK)) {
        valid &= !pad.ct_gt(&place) | byte.ct_eq(&pad);
    }
    valid &= !pad.ct_gt(&u8::try_from(BLOCK).unwrap_or_default());
    bytes.len().checked_sub(usize::from(pad)).filter(|_| valid.into())
}

/// Which way a cipher goes.
#[derive(Clone, Copy)]
enum Way {
    Encrypt,
    Decrypt,
}

/// Runs whole blocks through AES-ECB. A key of 16, 24 or 32 bytes is taken as it is; any other is
/// cut or filled with zeros to 32.
fn cipher(key: &str, bytes: &mut [u8], way: Way) {
    let key = key.as_bytes();
    match key.len() {
        16 => blocks::<Aes128>(key, bytes, way),
        24 => blocks::<Aes192>(key, bytes, way),
        _ => {
            let mut filled = [0; 32];
            for (to, from) in filled.iter_mut().zip(key) {
                *to = *from;
            }
            blocks::<Aes256>(&filled, bytes, way);
        }
    }
}

/// Runs whole blocks through `C`, whose keys are as long as `key`.
fn blocks<C: KeyInit + BlockEncrypt + BlockDecrypt>(key: &[u8], bytes: &mut [u8], way: Way) {
    let Ok(cipher) = C::new_from_slice(key) else { return };
    for block in bytes.chunks_exact_mut(BLOCK) {
        let block = Block::<C>::from_mut_slice(block);
        match way {
            Way::Encrypt => cipher.encrypt_block(block),
            Way::Decrypt => cipher.decrypt_block(block),
        }
    }
}
