//! What a string with escapes says. serde_json cannot read strings without its reader of numbers, which would be
//! 12 KB of the program.

/// What stands between the quotes of a string, with its escapes decoded. `None` where an escape is not
/// well-formed, or is half of a surrogate pair: that is valid JSON, but not valid Unicode.
#[cold]
pub(super) fn decoded(spelled: &str) -> Option<String> {
    let (mut text, mut rest) = (String::with_capacity(spelled.len()), spelled);
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        let letter = *escape.as_bytes().first()?;
        rest = escape.get(1..)?;
        text.push(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = unit(&mut rest)?;
                if (0xD800..0xDC00).contains(&code) {
                    rest = rest.strip_prefix("\\u")?;
                    let low = unit(&mut rest).filter(|low| (0xDC00..0xE000).contains(low))?;
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                }
                char::from_u32(code)?
            }
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(text)
}

/// The four digits of an escape, which are taken from `rest`.
fn unit(rest: &mut &str) -> Option<u32> {
    let (digits, behind) = rest.split_at_checked(4)?;
    *rest = behind;
    digits.chars().try_fold(0, |code, digit| Some(code << 4 | digit.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::decoded;
    use crate::random::Random;

    #[test]
    fn a_string_says_what_serde_json_reads() {
        let parts = [
            "\\u00e9",
            "\\u5C0f",
            "\\ud83d",
            "\\uDE00",
            "\\ud83d\\ude00",
            "\\\"",
            "\\\\",
            "\\/",
            "\\b",
            "\\f",
            "\\n",
            "\\r",
            "\\t",
            "\\u0000",
            "\\uffff",
            "\\u+123",
            "\\u12",
            "\\x",
            "小",
            "é",
            "x",
            "u1234",
            "\\u小",
        ];
        let mut random = Random::new(1);
        let mut valid = 0;
        for _ in 0..20_000 {
            let count = 1 + random.place(4);
            let spelled: String = (0..count).map(|_| parts[random.place(parts.len())]).collect();
            let expected = serde_json::from_str::<String>(&format!("\"{spelled}\"")).ok();
            assert_eq!(decoded(&spelled), expected, "{spelled}");
            valid += u32::from(expected.is_some());
        }
        assert!(valid > 1000, "{valid}");
        assert_eq!(decoded("x\\"), None);
    }
}
