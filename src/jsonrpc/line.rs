//! A text as it arrived: line breaks and a byte order mark go before it is read as a message.

use crate::message::{Message, MessageError};
use crate::scan;

/// Tells `then` of a text that came: what it is as it is passed on, and as a message. Line breaks
/// at its end are left out, as is a byte order mark before it; those between the parts of JSON
/// become blanks.
pub fn read_line<T>(
    text: &str,
    then: impl FnOnce(&str, Result<&Message<'_>, MessageError>) -> T,
) -> T {
    let mut text = text;
    while let [.., b'\r' | b'\n'] = text.as_bytes() {
        text = text.get(..text.len() - 1).unwrap_or_default();
    }
    // Nearly all have no more of them, which need not be found out beforehand: with one it is no
    // JSON of one line.
    let read = Message::read(text);
    let why = match &read {
        // Where it lies: it is large to copy.
        Ok(message) => return then(text, Ok(message)),
        Err(why) => *why,
    };
    let marked = text.strip_prefix(BYTE_ORDER_MARK);
    let text = marked.unwrap_or(text);
    let spread = on_one_line(text);
    let line = spread.as_deref().unwrap_or(text);
    if marked.is_none() && spread.is_none() {
        return then(line, Err(why));
    }
    then(line, Message::read(line).as_ref().map_err(|why| *why))
}

/// What some programs write before a text.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// JSON with line breaks, with blanks in their place; nothing where it is not that.
fn on_one_line(text: &str) -> Option<String> {
    if !has_breaks(text) {
        return None;
    }
    let text = text.trim_start_matches(['\r', '\n']);
    // In a string a tab is a fault just as a line break is.
    let is_json = scan::is_json(&with_breaks_as(text, b'\t'));
    is_json.then(|| with_breaks_as(text, b' '))
}

/// Whether there are line breaks in a text. A large one is looked through many bytes at a time.
pub(crate) fn has_breaks(text: &str) -> bool {
    let is_break = |found, byte: &u8| found | matches!(byte, b'\r' | b'\n');
    text.as_bytes().chunks(256).any(|bytes| bytes.iter().fold(false, is_break))
}

/// A text with `other`, which must be ASCII, in the place of each line break, in no more memory than
/// that takes: a text may be large.
pub(crate) fn with_breaks_as(text: &str, other: u8) -> String {
    let bytes = text.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { other } else { byte });
    String::from_utf8(bytes.collect()).unwrap_or_default()
}
