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

#[cfg(test)]
mod tests {
    use super::*;

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
}
