//! Agent tokens and the key (docs/protocol.md#key-and-tokens).
//!
//! A token names the agent of a connection: a small JSON text, encrypted with AES-ECB, in base64.
//! xiaozhi-server and its console use this scheme, so it cannot change.

pub mod address;
pub mod percent;
pub mod url;

#[cfg(test)]
mod tests;

use crate::close::CloseReason;
use aes::cipher::{Block, BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use base64::Engine;
use jsonrpc::scan;
use std::fmt::{self, Write};
use subtle::{ConstantTimeEq, ConstantTimeGreater};

/// The longest `agentId`.
pub const MAX_AGENT_ID_BYTES: usize = 256;

/// The agent of a stand-alone deployment (docs/protocol.md#single-module).
pub const SINGLE_MODULE: &str = "single_module";

/// The longest token that is read, before percent-decoding: the limit of a request head.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The block size of AES.
const BLOCK_BYTES: usize = 16;

/// Words that clients reject in the address for a tool server, in upper or lower case.
pub(crate) const REJECTED_WORDS: [&str; 2] = ["key", "call"];

/// A token that this program made: base64, standard alphabet, padded. It is a secret, so debug output
/// does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token of `agent`, made with `key`. If `agent` is empty or longer than [`MAX_AGENT_ID_BYTES`],
    /// [`Token::read`] refuses the token.
    pub fn new(key: &str, agent: &str) -> Self {
        Token(encrypt(key, &json_of(agent)))
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token for an address: percent-encoded, together with the first letter of every word that
    /// clients reject.
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

    /// The agent that `token` names, decrypted with `key`. The token may be any kind of base64,
    /// percent-encoded or not.
    ///
    /// # Errors
    /// Why the connection is refused:
    /// * `TokenMissing`: the token is empty;
    /// * `TokenUndecipherable`: it is too long or not base64; or, as with a wrong key, the decrypted
    ///   bytes have no valid padding or are not UTF-8;
    /// * `TokenMalformed`: the decrypted text is not a JSON object;
    /// * `TokenWithoutAgent`: the object has no `agentId`, or one that is not a string, is empty or is
    ///   longer than [`MAX_AGENT_ID_BYTES`].
    pub fn read(key: &str, token: &[u8]) -> Result<String, CloseReason> {
        if token.is_empty() {
            return Err(CloseReason::TokenMissing);
        }
        let text = decrypt(key, token).ok_or(CloseReason::TokenUndecipherable)?;
        let (mut agent, mut notes) = (None, scan::Notes::default());
        let is_json = scan::check(&text, &mut notes).is_ok() && !notes.is_deep;
        let read = scan::members(&text, |key, value| {
            if key.name() == "agentId" {
                agent = scan::string(value);
            }
        });
        if !is_json || read.is_err() {
            return Err(CloseReason::TokenMalformed);
        }
        match agent {
            Some(agent) if (1..=MAX_AGENT_ID_BYTES).contains(&agent.len()) => {
                Ok(agent.into_owned())
            }
            _ => Err(CloseReason::TokenWithoutAgent),
        }
    }
}

/// Whether `token` looks like a token, made with any key: base64 of whole blocks.
pub fn has_token_form(token: &[u8]) -> bool {
    ciphertext(token).is_some()
}

/// Whether `given` is the key. The time this takes depends only on the length of `given`. An empty key
/// never matches.
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

/// The JSON inside a token, exactly as Python's `json.dumps` writes it: ASCII only.
fn json_of(agent: &str) -> String {
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
    let pad = BLOCK_BYTES - bytes.len() % BLOCK_BYTES;
    bytes.resize(bytes.len() + pad, u8::try_from(pad).unwrap_or_default());
    cipher(key, &mut bytes, CipherDirection::Encrypt);
    STANDARD.encode(bytes)
}

/// The text inside `token`, if it was made with `key`.
fn decrypt(key: &str, token: &[u8]) -> Option<String> {
    let mut bytes = ciphertext(token)?;
    cipher(key, &mut bytes, CipherDirection::Decrypt);
    bytes.truncate(unpadded_length(&bytes)?);
    String::from_utf8(bytes).ok()
}

/// The decoded blocks of `token`; `None` if it is cut or damaged.
fn ciphertext(token: &[u8]) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let token = percent::decode(token);
    // Tried untrimmed first, because a leading space may have been a `+`.
    whole_blocks(&token).or_else(|| whole_blocks(without_wrapping(&token)?))
}

fn whole_blocks(token: &[u8]) -> Option<Vec<u8>> {
    let bytes = STANDARD_NO_PAD.decode(plain_base64(token)).ok()?;
    (!bytes.is_empty() && bytes.len() % BLOCK_BYTES == 0).then_some(bytes)
}

/// The token without the quotes and spaces that people paste around it.
fn without_wrapping(token: &[u8]) -> Option<&[u8]> {
    let around = |c: char| c.is_whitespace() || "\"'`<>“”‘’「」《》\u{200b}\u{feff}".contains(c);
    Some(std::str::from_utf8(token).ok()?.trim_matches(around).as_bytes())
}

/// `token` as the decoder expects it: standard alphabet, no padding, in one line. A space was a `+` that
/// some program decoded as in a form.
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

/// The length without PKCS#7 padding, if the padding is valid. Takes the same time either way, so that the
/// time of a refusal does not reveal where the padding is wrong.
fn unpadded_length(bytes: &[u8]) -> Option<usize> {
    let pad = *bytes.last()?;
    let mut valid = pad.ct_gt(&0);
    for (index, byte) in (0..=u8::MAX).zip(bytes.iter().rev().take(BLOCK_BYTES)) {
        valid &= !pad.ct_gt(&index) | byte.ct_eq(&pad);
    }
    valid &= !pad.ct_gt(&u8::try_from(BLOCK_BYTES).unwrap_or_default());
    bytes.len().checked_sub(usize::from(pad)).filter(|_| valid.into())
}

/// Whether the cipher encrypts or decrypts.
#[derive(Clone, Copy)]
enum CipherDirection {
    Encrypt,
    Decrypt,
}

/// Runs whole blocks through AES-ECB. A key of 16, 24 or 32 bytes is used as it is. Any other key is cut
/// or padded with zeros to 32 bytes.
fn cipher(key: &str, bytes: &mut [u8], direction: CipherDirection) {
    let key = key.as_bytes();
    match key.len() {
        16 => blocks::<Aes128>(key, bytes, direction),
        24 => blocks::<Aes192>(key, bytes, direction),
        _ => {
            let mut filled = [0; 32];
            for (to, from) in filled.iter_mut().zip(key) {
                *to = *from;
            }
            blocks::<Aes256>(&filled, bytes, direction);
        }
    }
}

/// Runs whole blocks through the cipher `C`, whose key length is that of `key`.
fn blocks<C: KeyInit + BlockEncrypt + BlockDecrypt>(
    key: &[u8],
    bytes: &mut [u8],
    direction: CipherDirection,
) {
    let Ok(cipher) = C::new_from_slice(key) else { return };
    for block in bytes.chunks_exact_mut(BLOCK_BYTES) {
        let block = Block::<C>::from_mut_slice(block);
        match direction {
            CipherDirection::Encrypt => cipher.encrypt_block(block),
            CipherDirection::Decrypt => cipher.decrypt_block(block),
        }
    }
}
