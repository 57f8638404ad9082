//! What is wrong with a text that is not a message.

use crate::line::{BREAKS, BYTE_ORDER_MARK};
use crate::message::{Message, MessageError, Unread};

/// What is wrong with a text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// Its byte offset in the text.
    pub at: usize,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It ends in the middle of a value.
    EndsEarly,
    /// It has an unescaped control character, such as a tab in a string.
    ControlCharacter,
    /// A backslash in a string does not begin a valid escape.
    BadEscape,
    /// Text follows a complete message.
    MoreBehind,
    /// It has a character that is not allowed there.
    Unexpected,
    /// It is JSON, but no object.
    NoObject,
    /// A member is there twice, or the method is not a string.
    OddMember,
    /// It is an object, but no request, and neither `result` nor `error` is in it.
    NoAnswer,
    /// It is JSON with line breaks, and there is no room for a copy without them.
    NoRoom,
}

impl Fault {
    /// What is wrong with an object in a list, and where in it; `None` if it is a message.
    pub fn of_element(message: &Message<'_>) -> Option<Self> {
        if let Some(unread) = message.odd() {
            return Some(Fault { kind: FaultKind::OddMember, at: unread.at });
        }
        let end = message.text.len().saturating_sub(1);
        (!message.is_message()).then_some(Fault { kind: FaultKind::NoAnswer, at: end })
    }

    /// The fault in a received text. `line` is the text as it would be forwarded. `unread` says why
    /// it is not a message; `None` if it only lacks `result` and `error`.
    pub fn of(text: &str, line: &str, unread: Option<&Unread>) -> Self {
        let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let is_json = unread.is_none_or(|unread| unread.is_json());
        let rest = if is_json { rest.trim_start_matches(BREAKS) } else { rest };
        let (kind, at) = match unread {
            None => (FaultKind::NoAnswer, line.trim_end().len().saturating_sub(1)),
            Some(Unread { why: MessageError::NotJson, at, is_behind_value, .. }) => {
                not_json(line, *at, *is_behind_value)
            }
            Some(Unread { why: MessageError::NoRoom, at, .. }) => (FaultKind::NoRoom, *at),
            Some(Unread { at, .. }) if line.trim_start().starts_with('{') => {
                (FaultKind::OddMember, *at)
            }
            Some(_) => (FaultKind::NoObject, 0),
        };
        Fault { kind, at: at + (text.len() - rest.len()) }
    }
}

fn not_json(line: &str, at: usize, is_behind_value: bool) -> (FaultKind, usize) {
    let rest = line.as_bytes().get(at..).unwrap_or_default();
    let kind = match rest {
        [] | [b'\\'] => FaultKind::EndsEarly,
        [b'\\', b'u', digits @ ..]
            if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) =>
        {
            FaultKind::EndsEarly
        }
        [b'\\', ..] => FaultKind::BadEscape,
        [..0x20, ..] => FaultKind::ControlCharacter,
        _ if is_behind_value => FaultKind::MoreBehind,
        _ => FaultKind::Unexpected,
    };
    (kind, if kind == FaultKind::EndsEarly { line.len() } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(text: &str) -> Fault {
        let mut fault = None;
        crate::read_line(&mut fault, text, &mut |_, _| true, &mut |fault, line, read| {
            *fault = Some(Fault::of(text, line, read.err()));
        });
        fault.unwrap()
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        use FaultKind::*;
        for (text, kind, at) in [
            ("{\"id\":5,\"result\":{\"text\":\"a\tb\"}}", ControlCharacter, 27),
            ("{\"id\":5,\n\"result\":\"a\nb\"}", ControlCharacter, 20),
            ("\u{feff}{\"a\":\"\t\"}", ControlCharacter, 9),
            ("{\"id\":5,\0\"a\":1}", ControlCharacter, 8),
            (r#"{"id":5,"result":{"te"#, EndsEarly, 21),
            (r#"{"id":5,"result":"a\"#, EndsEarly, 20),
            (r#"{"id":5,"result":"a\u00e"#, EndsEarly, 24),
            (r#"{"id":5"#, EndsEarly, 7),
            ("", EndsEarly, 0),
            (r#"{"id":5,"result":"a\x41"}"#, BadEscape, 19),
            (r#"{"id":5,"result":"a\u00g0"}"#, BadEscape, 19),
            (r#"{"id":5,"result":{}}{"id":6,"result":{}}"#, MoreBehind, 20),
            ("{\"id\":5,\"result\":{}}\n{\"id\":6,\"result\":{}}", MoreBehind, 21),
            (r#"{"id":5,"result":{}}}"#, MoreBehind, 20),
            (r#"{"id":5,"result":{"a":1,}}"#, Unexpected, 24),
            (r#"{"id":5,"result":{'a':1}}"#, Unexpected, 18),
            (r#"{"id":5,"result":undefined}"#, Unexpected, 17),
            ("hello", Unexpected, 0),
            ("7", NoObject, 0),
            (r#"{"id":5,"id":6,"result":1}"#, OddMember, 13),
            (r#"{"id":5,"method":7}"#, OddMember, 17),
            (r#"{"id":5,"error":null}  "#, NoAnswer, 20),
            ("{}", NoAnswer, 1),
        ] {
            assert_eq!(fault_of(text), Fault { kind, at }, "{text:?}");
        }
    }
}
