//! Percent-encoding of addresses (RFC 3986).

/// Whether `byte` never needs escaping in an address.
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends `byte`: unescaped if `keep` is set and it is ASCII, else escaped.
pub fn push(text: &mut String, byte: u8, keep: bool) {
    if keep && byte.is_ascii() {
        text.push(char::from(byte));
        return;
    }
    text.push('%');
    for digit in [byte >> 4, byte & 0xF] {
        text.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
    }
}

/// `text` with every byte escaped, except unreserved bytes and those in `kept`.
pub fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        push(&mut encoded, byte, is_unreserved(byte) || kept.contains(&byte));
    }
    encoded
}

/// `text` with every escape decoded. A `%` that starts no escape stays, and so does `+`.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'%', [high, low, beyond @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    beyond
                }
                _ => {
                    decoded.push(byte);
                    after
                }
            },
            _ => {
                decoded.push(byte);
                after
            }
        };
    }
    decoded
}

/// Like [`decode`], but `+` means a space, as in forms and most query strings.
pub fn decode_form(text: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    decode(&text.iter().map(blank).collect::<Vec<_>>())
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let every: String = (0..0x250).filter_map(char::from_u32).collect();
        let encoded = encode(&every, b"");
        assert!(encoded.bytes().all(|byte| byte == b'%' || is_unreserved(byte)));
        assert_eq!(decode(encoded.as_bytes()), every.as_bytes());
        assert_eq!(encode("/小?", b"/"), "/%E5%B0%8F%3F");
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_stays() {
        for text in ["%", "%4", "100%", "%zz", "%%", "a%+1b"] {
            assert_eq!(decode(text.as_bytes()), text.as_bytes());
        }
        assert_eq!(decode(b"%%41%2b%2B+"), b"%A+++");
        assert_eq!(decode_form(b"%%41%2b%2B+"), b"%A++ ");
    }
}
