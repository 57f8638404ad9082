//! Agent tokens, made by hand.

use aes::cipher::{generic_array::GenericArray, BlockEncrypt, KeyInit};
use base64::Engine;

const BLOCK: usize = 16;

/// The token of `agent` under `key`, as base64 writes it.
pub fn token(key: &str, agent: &str) -> String {
    encrypt(key, &serde_json::json!({ "agentId": agent }).to_string())
}

/// Any text as a token: AES-256-ECB with PKCS#7 under the first 32 bytes of `key`.
pub fn encrypt(key: &str, text: &str) -> String {
    let mut bytes = key.as_bytes().to_vec();
    bytes.resize(32, 0);
    let cipher = aes::Aes256::new_from_slice(&bytes).unwrap();
    let padding = BLOCK - text.len() % BLOCK;
    let mut data = text.as_bytes().to_vec();
    data.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
    for block in data.chunks_mut(BLOCK) {
        cipher.encrypt_block(GenericArray::from_mut_slice(block));
    }
    base64::engine::general_purpose::STANDARD.encode(data)
}

/// A text as part of a query: everything but letters, digits, `-`, `_` and `.` percent-encoded.
pub fn escape(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    text.bytes()
        .map(
            |byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") },
        )
        .collect()
}

/// A part of a query as text. Panics where it is not one.
pub(super) fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap().to_owned();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
