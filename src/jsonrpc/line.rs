//! A text as it arrived: line breaks and a byte order mark go before it is read as a message.

use crate::message::{Message, MessageError, Unread};
use crate::scan::{first_break, is_break, Notes};

/// A message, or why a text is none. By reference, because a message is large.
pub type Read<'a> = Result<&'a Message<'a>, &'a Unread>;

/// Reads a received text and calls `then` with the text to forward and the message in it. Drops
/// line breaks at the end and a byte order mark at the start. Replaces line breaks between JSON
/// tokens by blanks, in a copy, if `has_room` allows a copy of that many bytes.
pub fn read_line<C>(
    context: &mut C,
    text: &str,
    has_room: &mut dyn FnMut(&mut C, usize) -> bool,
    then: &mut dyn FnMut(&mut C, &str, Read<'_>),
) {
    let (line, mut notes, mut message) = (without_end(text), Notes::default(), Message::default());
    match message.read_noting(line, &mut notes) {
        // The common case.
        Ok(()) if !notes.has_breaks => then(context, line, Ok(&message)),
        read => {
            let read = read.as_ref().map(|()| &message);
            read_odd_line(context, (line, notes), read, has_room, then);
        }
    }
}

/// Handles a text that `first` shows not to be a message of one line.
#[cold]
#[inline(never)]
fn read_odd_line<C>(
    context: &mut C,
    (line, mut notes): (&str, Notes),
    first: Read<'_>,
    has_room: &mut dyn FnMut(&mut C, usize) -> bool,
    then: &mut dyn FnMut(&mut C, &str, Read<'_>),
) {
    let (copy, no_room, unmarked_read, again_read);
    let (mut unmarked, mut again) = (Message::default(), Message::default());
    let (mut line, mut read) = (line, first);
    if let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK) {
        line = rest;
        unmarked_read = unmarked.read_noting(line, &mut notes);
        read = unmarked_read.as_ref().map(|()| &unmarked);
    }
    let is_json = !read.is_err_and(|unread| unread.why == MessageError::NotJson);
    if notes.has_breaks && is_json {
        let spread = line.trim_start_matches(BREAKS);
        let has_breaks = first_break(spread).is_some();
        if has_breaks && !has_room(context, spread.len()) {
            no_room = Unread::no_room(line, read);
            read = Err(&no_room);
        } else {
            line = spread;
            if has_breaks {
                copy = with_blanks(spread);
                line = &copy;
            }
            again_read = again.read_noting(line, &mut notes);
            read = again_read.as_ref().map(|()| &again);
        }
    }
    then(context, line, read);
}

/// What some programs write before a text.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// What ends a line.
pub(crate) const BREAKS: [char; 2] = ['\r', '\n'];

/// The text without the line breaks at its end.
#[inline]
fn without_end(text: &str) -> &str {
    match text.as_bytes() {
        [.., b'\r' | b'\n'] => {
            let end = text.bytes().rposition(|byte| !is_break(byte)).map_or(0, |last| last + 1);
            text.get(..end).unwrap_or_default()
        }
        _ => text,
    }
}

/// `text` with blanks in place of line breaks. Allocates only what the copy needs, because a text
/// may be large.
fn with_blanks(text: &str) -> String {
    let bytes = text.bytes().map(|byte| if is_break(byte) { b' ' } else { byte });
    String::from_utf8(bytes.collect()).unwrap_or_default()
}
