//! Making a key, and putting it into the text of a configuration file without touching another
//! byte (docs/protocol.md#key-saving).

use super::lines::{lines, Line, Shape};
use std::fmt::Write;

/// The least number of characters of a key in a file.
pub const SHORTEST: usize = 32;

/// 32 random hexadecimal characters.
///
/// # Errors
/// Where the system has no random numbers to give.
pub(super) fn new_key() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; SHORTEST / 2];
    getrandom::fill(&mut random)?;
    Ok(random.iter().fold(String::new(), |mut key, byte| {
        // Writing into a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    }))
}

/// `text` with `key` as the key: in place of the one in force, else as a new line in `[server]`,
/// else in a new section at the end.
pub(super) fn with_key(text: &str, key: &str) -> String {
    let lines = lines(text);
    let change = key_in_force(&lines, key)
        .or_else(|| line_in_section(text, &lines, key))
        .unwrap_or_else(|| section_at_end(text, key));
    let before = text.get(..change.start).unwrap_or_default();
    let after = text.get(change.end..).unwrap_or_default();
    [before, &change.put, after].concat()
}

/// The bytes from `start` to `end` become `put`.
struct Change {
    start: usize,
    end: usize,
    put: String,
}

/// Replaces the value of the last `key` of `[server]`, which is the one that counts.
fn key_in_force(lines: &[Line<'_>], new: &str) -> Option<Change> {
    let mut here = false;
    let mut ours = false;
    let mut found = None;
    for line in lines {
        match line.shape {
            Shape::Header(name) => here = name.eq_ignore_ascii_case("server"),
            Shape::Entry { key, value, at } => {
                ours = here && key.eq_ignore_ascii_case("key");
                if ours {
                    let blank = if value.is_empty() { " " } else { "" };
                    let start = line.start + at;
                    let put = format!("{blank}{new}");
                    found = Some(Change { start, end: start + value.len(), put });
                }
            }
            Shape::More(more) if ours => {
                if let Some(change) = &mut found {
                    change.end = line.start + line.indent + more.len();
                }
            }
            _ => {}
        }
    }
    found
}

/// A new line behind the first `[server]`, indented as what follows: that, indented deeper, would
/// be taken for a part of the key.
fn line_in_section(text: &str, lines: &[Line<'_>], key: &str) -> Option<Change> {
    let is_server = |line: &Line<'_>| matches!(line.shape, Shape::Header(name) if name.eq_ignore_ascii_case("server"));
    let header = lines.iter().position(is_server)?;
    let line = lines.get(header)?;
    let next = lines.iter().skip(header + 1).find(|line| line.shape != Shape::Nothing);
    let indent = next.and_then(|next| text.get(next.start..next.start + next.indent));
    let indent = indent.unwrap_or_default();
    let at = line.start + line.whole;
    let end = line_end(text);
    let put = if ends_in_mid_line(text.get(..at)?) {
        format!("{end}{indent}key = {key}")
    } else {
        format!("{indent}key = {key}{end}")
    };
    Some(Change { start: at, end: at, put })
}

fn section_at_end(text: &str, key: &str) -> Change {
    let end = line_end(text);
    let apart = if ends_in_mid_line(text) { end } else { "" };
    let put = format!("{apart}[server]{end}key = {key}{end}");
    Change { start: text.len(), end: text.len(), put }
}

fn ends_in_mid_line(text: &str) -> bool {
    !text.trim_start_matches('\u{feff}').is_empty() && !text.ends_with(['\n', '\r'])
}

/// How the lines of this text end.
fn line_end(text: &str) -> &'static str {
    let end = text.find(['\n', '\r']).and_then(|at| text.get(at..)).unwrap_or_default();
    match end {
        _ if end.starts_with("\r\n") => "\r\n",
        _ if end.starts_with('\r') => "\r",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_new_key_is_32_hexadecimal_characters_and_another_each_time() {
        let (one, two) = (new_key().unwrap(), new_key().unwrap());
        assert!(one.len() == 32 && one.bytes().all(|b| b.is_ascii_hexdigit()), "{one}");
        assert_ne!(one, two);
    }

    #[test]
    fn only_the_value_changes() {
        for (text, expected) in [
            ("[server]\nkey = short\nport = 1\n", "[server]\nkey = @\nport = 1\n"),
            ("[server]\r\nKEY:short  ; why\r\n", "[server]\r\nKEY:@  ; why\r\n"),
            ("\u{feff}[Server]\rkey =", "\u{feff}[Server]\rkey = @"),
            ("[server]\nkey =   \n", "[server]\nkey = @   \n"),
            ("[server]\nkey=;c\n", "[server]\nkey=@\n"),
            ("[server]\nkey = ;c\n", "[server]\nkey = @ ;c\n"),
            ("[server]\nkey =\n  short \nport=1", "[server]\nkey = @ \nport=1"),
            ("[server]\nkey=a\nkey=b\n", "[server]\nkey=a\nkey=@\n"),
            ("[relay]\nkey=a\n[server]\nkey=b\n", "[relay]\nkey=a\n[server]\nkey=@\n"),
            ("[server]\n密=1\nkey = 密钥 \n", "[server]\n密=1\nkey = @ \n"),
        ] {
            assert_eq!(with_key(text, KEY), expected.replace('@', KEY), "{text:?}");
        }
    }

    #[test]
    fn a_missing_key_gets_a_line_or_a_section_of_its_own() {
        for (text, expected) in [
            ("[server]\nport = 1", "[server]\nkey = @\nport = 1"),
            ("[server]", "[server]\nkey = @"),
            ("[server]\r\n\r\n\tport=1\r\n", "[server]\r\n\tkey = @\r\n\r\n\tport=1\r\n"),
            ("[server]\n[relay]\n  quirks=1\n", "[server]\nkey = @\n[relay]\n  quirks=1\n"),
            ("[relay]\nquirks=1", "[relay]\nquirks=1\n[server]\nkey = @\n"),
            ("[relay]\r\n", "[relay]\r\n[server]\r\nkey = @\r\n"),
            ("[server]\n\t[relay]\n", "[server]\n\tkey = @\n\t[relay]\n"),
            ("", "[server]\nkey = @\n"),
            ("\u{feff}", "\u{feff}[server]\nkey = @\n"),
        ] {
            assert_eq!(with_key(text, KEY), expected.replace('@', KEY), "{text:?}");
        }
    }
}
