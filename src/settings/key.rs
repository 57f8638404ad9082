//! Making a key, and putting it into the text of a configuration file without touching another
//! byte (docs/protocol.md#key-saving).

use super::lines::{Content, BOM};
use std::fmt::Write;
use std::ops::Range;

/// The least number of characters of a key in a file.
pub const MIN_KEY_CHARS: usize = 32;

/// 32 random hexadecimal characters.
///
/// # Errors
/// Where the system has no random numbers to give.
pub(super) fn new_key() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; MIN_KEY_CHARS / 2];
    getrandom::fill(&mut random)?;
    Ok(random.iter().fold(String::new(), |mut key, byte| {
        // Writing into a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    }))
}

/// `text`, which says `content`, with `key` as the key: in place of the one in force, else as a new line
/// in `[server]`, else in a new section at the end.
pub(super) fn with_key(text: &str, content: &Content, key: &str) -> String {
    let change = key_in_force(text, content, key)
        .or_else(|| line_in_section(text, content, key))
        .unwrap_or_else(|| section_at_end(text, key));
    let before = text.get(..change.place.start).unwrap_or_default();
    let after = text.get(change.place.end..).unwrap_or_default();
    [before, &change.put, after].concat()
}

/// The bytes at `place` become `put`.
struct Change {
    place: Range<usize>,
    put: String,
}

/// Replaces the value of `key`. One that goes on in an indented line stays, because that line may be
/// another option that somebody has indented: the new key gets a line behind it, which counts.
fn key_in_force(text: &str, content: &Content, new: &str) -> Option<Change> {
    let entry = content.last("server", "key")?;
    let place = entry.place.clone();
    if text.get(place.clone())?.contains(['\n', '\r']) {
        let rest = text.get(place.end..)?;
        let behind = rest.trim_start_matches(|c| !matches!(c, '\n' | '\r'));
        let behind = behind.strip_prefix("\r\n").or(behind.get(1..)).unwrap_or_default();
        let indent = text.get(entry.indent.clone())?;
        return Some(new_line(text, text.len() - behind.len(), indent, new));
    }
    // If nothing follows the `=` on its own line, a blank separates the two.
    let has_value = text.get(place.clone())?.starts_with(|c: char| !c.is_whitespace());
    let blank = if has_value { "" } else { " " };
    Some(Change { place, put: format!("{blank}{new}") })
}

/// A new line behind the first `[server]`, indented as what follows: that, indented deeper, would
/// be taken for a part of the key.
fn line_in_section(text: &str, content: &Content, key: &str) -> Option<Change> {
    let mut sections = content.sections.iter().skip_while(|section| !section.is("server"));
    let section = sections.next()?;
    let entry = section.entries.first().map(|entry| &entry.indent);
    let indent = entry.or_else(|| sections.next().map(|next| &next.indent));
    let indent = indent.and_then(|place| text.get(place.clone())).unwrap_or_default();
    Some(new_line(text, section.next_line, indent, key))
}

/// A line with the key at `at`, where a line begins or the text ends.
fn new_line(text: &str, at: usize, indent: &str, key: &str) -> Change {
    let end = line_end(text);
    let put = if ends_in_mid_line(text.get(..at).unwrap_or_default()) {
        format!("{end}{indent}key = {key}")
    } else {
        format!("{indent}key = {key}{end}")
    };
    Change { place: at..at, put }
}

fn section_at_end(text: &str, key: &str) -> Change {
    let end = line_end(text);
    let apart = if ends_in_mid_line(text) { end } else { "" };
    let put = format!("{apart}[server]{end}key = {key}{end}");
    Change { place: text.len()..text.len(), put }
}

fn ends_in_mid_line(text: &str) -> bool {
    !text.trim_start_matches(BOM).is_empty() && !text.ends_with(['\n', '\r'])
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

    fn with_key(text: &str, key: &str) -> String {
        super::with_key(text, &Content::read(text), key)
    }

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
            ("[server]\nkey=a\nkey=b\n", "[server]\nkey=a\nkey=@\n"),
            ("[relay]\nkey=a\n[server]\nkey=b\n", "[relay]\nkey=a\n[server]\nkey=@\n"),
            ("[server]\n密=1\nkey = 密钥 \n", "[server]\n密=1\nkey = @ \n"),
        ] {
            assert_eq!(with_key(text, KEY), expected.replace('@', KEY), "{text:?}");
        }
    }

    #[test]
    fn an_indented_line_below_a_key_stays_as_it_is() {
        for (text, expected) in [
            ("[server]\nkey =\n  short \nport=1", "[server]\nkey =\n  short \nkey = @\nport=1"),
            ("[server]\nkey =\n  port = 1", "[server]\nkey =\n  port = 1\nkey = @"),
            (
                "[server]\r\n key = a\r\n\t port = 1 ; why\r\n\r\n[relay]\r\n",
                "[server]\r\n key = a\r\n\t port = 1 ; why\r\n key = @\r\n\r\n[relay]\r\n",
            ),
            (
                "[server]\nkey =\n  a\n\n # b\n  c\nport = 1\n",
                "[server]\nkey =\n  a\n\n # b\n  c\nkey = @\nport = 1\n",
            ),
            ("[server]\rkey =\r  [relay]\r", "[server]\rkey =\r  [relay]\rkey = @\r"),
        ] {
            let written = with_key(text, KEY);
            assert_eq!(written, expected.replace('@', KEY), "{text:?}");
            let content = Content::read(&written);
            assert_eq!(content.last("server", "key").unwrap().value, KEY);
            assert_eq!(with_key(&written, KEY), written);
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
