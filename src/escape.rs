//! Makes text of peers safe to show in a log line or a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every character escaped that breaks the line, moves the cursor, changes the writing
/// direction or is invisible.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The start of `text`, of at most `max_chars` characters, as [`visible`] makes it; with `…` where more
/// follows.
pub fn visible_start(text: &str, max_chars: usize) -> String {
    let mut start: String = text.chars().take(max_chars).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    visible(&start).into_owned()
}

/// The start of `text`, of at most `max_bytes` bytes. It ends with a whole character.
pub fn start_of(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Whether `c` is a control character, a format character of Unicode or an invisible filler.
fn is_hidden(c: char) -> bool {
    // Most characters end here.
    !matches!(c, ' '..='~')
        && (c.is_control()
            || matches!(
                c,
                '\u{ad}'
                    | '\u{34f}'
                    | '\u{600}'..='\u{605}'
                    | '\u{61c}'
                    | '\u{6dd}'
                    | '\u{70f}'
                    | '\u{115f}'..='\u{1160}'
                    | '\u{17b4}'..='\u{17b5}'
                    | '\u{180b}'..='\u{180f}'
                    | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{3164}'
                    | '\u{feff}'
                    | '\u{ffa0}'
                    | '\u{fff0}'..='\u{fffb}'
                    | '\u{1bca0}'..='\u{1bca3}'
                    | '\u{1d173}'..='\u{1d17a}'
                    | '\u{e0000}'..='\u{e0fff}'
            ))
}

/// The text in bytes of others. What is not UTF-8 becomes `?`, so the text is never longer than the bytes.
pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push('?');
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf_8_make_no_text_longer() {
        assert!(matches!(readable("小米".as_bytes()), Cow::Borrowed("小米")));
        assert_eq!(readable(b"a\xff\xffb\xe5\xb0"), "a??b?");
        let bytes = [0xff; 1000];
        assert_eq!(readable(&bytes).len(), bytes.len());
    }

    #[test]
    fn invisible_characters_are_escaped() {
        for (text, shown) in [
            ("plain 中文 é ❤\u{fe0f}", "plain 中文 é ❤\u{fe0f}"),
            ("a\nb\u{1b}[31m\r\u{7f}", r"a\nb\u{1b}[31m\r\u{7f}"),
            ("\u{61c}\u{200b}\u{ad}\u{feff}", r"\u{61c}\u{200b}\u{ad}\u{feff}"),
            ("\u{202e}\u{2066}\u{2069}\u{200f}", r"\u{202e}\u{2066}\u{2069}\u{200f}"),
            ("\u{2028}\u{2064}\u{3164}\u{e0041}", r"\u{2028}\u{2064}\u{3164}\u{e0041}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(visible_start("灯\u{1b}[2J\nx", 80), r"灯\u{1b}[2J\nx");
        assert_eq!(visible_start("灯灯灯", 3), "灯灯灯");
        assert_eq!(visible_start("灯灯灯", 2), "灯灯…");
        assert_eq!([3, 5, 6, 9, 10].map(|max| start_of("灯灯灯", max).len()), [3, 3, 6, 9, 9]);
    }
}
