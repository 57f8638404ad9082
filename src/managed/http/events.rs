//! Reads server-sent events: bytes to events, in pieces of any size.

use crate::escape::readable;
use std::time::Duration;

/// A buffer of more than this is given back once it is empty.
const MAX_KEPT_BYTES: usize = 16 << 10;

/// The longest id of an event, in bytes. It is sent back in a header.
const MAX_ID_BYTES: usize = 1 << 10;

/// The longest pause that a server may ask for before a client comes back.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its data. Bytes that are not UTF-8 are replaced.
    pub data: String,
}

/// An event is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTooLong;

/// Reads a stream of events.
#[derive(Debug, Default)]
pub struct EventReader {
    /// The line that is incomplete.
    line: Vec<u8>,
    name: Vec<u8>,
    /// The lines of data, each with a line feed before it.
    data: Vec<u8>,
    /// Whether the last byte was a carriage return: a line feed behind it means nothing.
    after_return: bool,
    /// Whether a line has come: the first one may begin with a byte order mark.
    has_begun: bool,
    /// The id of the last event with one, fit for a header.
    pub last_id: Option<Box<str>>,
    /// The pause that the server asks for.
    pub retry: Option<Duration>,
}

impl EventReader {
    /// The next event in `bytes`, from which it is taken; `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`EventTooLong`] where it is longer than `limit` bytes.
    pub fn next(&mut self, bytes: &mut &[u8], limit: usize) -> Result<Option<Event>, EventTooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes.first() == Some(&b'\n') {
                *bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (piece, rest) =
                bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or_default();
            if self.line.len() + self.data.len() + piece.len() > limit {
                return Err(EventTooLong);
            }
            self.line.extend_from_slice(piece);
            let Some((&byte, rest)) = rest.split_first() else {
                *bytes = rest;
                break;
            };
            *bytes = rest;
            self.after_return = byte == b'\r';
            if let Some(event) = self.line() {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// A new stream begins. What is known of the last event stays.
    pub fn restart(&mut self) {
        let (last_id, retry) = (self.last_id.take(), self.retry);
        *self = EventReader { last_id, retry, ..EventReader::default() };
    }

    /// The bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.line.capacity() + self.name.capacity() + self.data.capacity()
    }

    /// A line is complete.
    fn line(&mut self) -> Option<Event> {
        let mut line = &*self.line;
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        let mut event = None;
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            if let Some((_, data)) = self.data.split_first() {
                event = Some(Event { name: text(&name), data: text(data) });
            }
            self.data.clear();
            self.data.shrink_to(MAX_KEPT_BYTES);
        } else {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (field, value) = line.split_at_checked(colon).unwrap_or_default();
            let value = value.strip_prefix(b":").unwrap_or(value);
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match field {
                b"data" => {
                    self.data.push(b'\n');
                    self.data.extend_from_slice(value);
                }
                b"event" => self.name = value.to_owned(),
                b"id" if value.len() <= MAX_ID_BYTES => {
                    let is_visible = value.iter().all(|byte| (b' '..=b'~').contains(byte));
                    self.last_id = (is_visible && !value.is_empty()).then(|| text(value).into());
                }
                b"retry" => {
                    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    let pause = number.map(Duration::from_millis).map(|time| time.min(MAX_RETRY));
                    self.retry = pause.or(self.retry);
                }
                // A comment, or something new.
                _ => (),
            }
        }
        self.line.clear();
        self.line.shrink_to(MAX_KEPT_BYTES);
        event
    }
}

fn text(bytes: &[u8]) -> String {
    readable(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// Names and data of the events in a stream, the same in pieces of every size.
    fn events(stream: &[u8]) -> Vec<(String, String)> {
        let read = |step: usize| {
            let (mut reader, mut found) = (EventReader::default(), Vec::new());
            for mut piece in stream.chunks(step) {
                while let Some(Event { name, data }) = reader.next(&mut piece, LIMIT).unwrap() {
                    found.push((name, data));
                }
                assert!(piece.is_empty());
            }
            found
        };
        let whole = read(stream.len());
        (1..stream.len()).for_each(|step| assert_eq!(read(step), whole, "{step}"));
        whole
    }

    fn data(stream: &str) -> Vec<String> {
        events(stream.as_bytes()).into_iter().map(|(_, data)| data).collect()
    }

    #[test]
    fn lines_may_end_in_each_of_three_ways() {
        for end in ["\n", "\r\n", "\r"] {
            let stream =
                "\u{feff}event: message|data: 小|data:智||:note|data|data: ||event: x||data: 2||";
            let found = events(stream.replace('|', end).as_bytes());
            let expected = [("message", "小\n智"), ("", "\n"), ("", "2")];
            let expected = expected.map(|(name, data)| (name.to_owned(), data.to_owned()));
            assert_eq!(found, expected, "{end:?}");
        }
    }

    #[test]
    fn an_event_that_is_cut_is_none() {
        assert_eq!(data("data: 1\n\ndata: 2\n"), ["1"]);
        assert_eq!(data("data: 1\n\ndata: 2"), ["1"]);
        assert_eq!(data("\n\n\r\r\n:\n\nid: 5\n\n"), [""; 0]);
    }

    #[test]
    fn what_is_not_utf_8_is_replaced() {
        assert_eq!(events(b"data: a\xffb\n\n"), [(String::new(), "a?b".to_owned())]);
    }

    #[test]
    fn ids_and_pauses_are_kept() {
        let mut reader = EventReader::default();
        let mut read = |bytes: &str| {
            reader.next(&mut bytes.as_bytes(), LIMIT).unwrap();
            (
                reader.last_id.as_deref().map(str::to_owned),
                reader.retry.map(|time| time.as_millis()),
            )
        };
        let id = |id: &str| Some(id.to_owned());
        assert_eq!(read("id: a 1\nretry: 250\n"), (id("a 1"), Some(250)));
        assert_eq!(read("retry: x\nretry: -1\n"), (id("a 1"), Some(250)));
        assert_eq!(read("retry: 99999999\n"), (id("a 1"), Some(60_000)));
        assert_eq!(read("id: a\u{1}\n"), (None, Some(60_000)));
        assert_eq!(read("id: 2\nid\n"), (None, Some(60_000)));
    }

    #[test]
    fn nothing_grows_beyond_the_limit() {
        let long = "x".repeat(LIMIT);
        for stream in
            [long.clone(), format!(":{long}"), format!("data: {long}\n"), "data\n".repeat(LIMIT)]
        {
            let mut reader = EventReader::default();
            assert_eq!(reader.next(&mut (stream + "y").as_bytes(), LIMIT), Err(EventTooLong));
            assert!(reader.memory() < 4 * LIMIT);
        }
    }
}
