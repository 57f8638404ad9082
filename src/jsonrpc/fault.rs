//! What a tool server sends that cannot be read as a message: what is wrong with it, and whose answer
//! it was meant to be.

use crate::line::{has_breaks, with_breaks_as, BYTE_ORDER_MARK};
use crate::message::{string, Message};
use crate::scan;

/// What is wrong with a text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// How many bytes of the text stand before it.
    pub at: usize,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It ends in the middle of a value.
    EndsEarly,
    /// A control character stands in it as it is, such as a tab in a string.
    ControlCharacter,
    /// A backslash in a string begins none of the escapes there are.
    BadEscape,
    /// Something comes behind a whole message.
    MoreBehind,
    /// A character cannot stand where it stands.
    Unexpected,
    /// It is JSON, but no object.
    NoObject,
    /// A member is there twice, or the method is no string.
    OddMember,
    /// It is an object, but no request, and neither `result` nor `error` is in it.
    NoAnswer,
}

impl Fault {
    /// Finds what is wrong with a text that is no message.
    pub fn of(text: &str) -> Self {
        let marked = text.strip_prefix(BYTE_ORDER_MARK);
        let skipped = if marked.is_some() { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        // Between values a line break does what a tab does; in a string neither may stand.
        let text = marked.unwrap_or(text);
        let spread = has_breaks(text).then(|| with_breaks_as(text, b'\t'));
        let line = spread.as_deref().unwrap_or(text);
        let (kind, at) = match scan::check(line) {
            Err(scan::SyntaxError { at }) => not_json(line, at),
            Ok(()) => not_a_message(line),
        };
        Fault { kind, at: at + skipped }
    }
}

fn not_json(line: &str, at: usize) -> (FaultKind, usize) {
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
        _ if line.get(..at).is_some_and(scan::is_json) => FaultKind::MoreBehind,
        _ => FaultKind::Unexpected,
    };
    (kind, if kind == FaultKind::EndsEarly { line.len() } else { at })
}

/// JSON that is no message.
fn not_a_message(line: &str) -> (FaultKind, usize) {
    let mut seen: [bool; 5] = [false; 5];
    let mut odd = None;
    let place = |value: &str| (value.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    let is_object = scan::members(line, |key, value| {
        let name = key.name();
        let members = ["id", "method", "params", "result", "error"];
        let Some(known) = members.iter().position(|known| *known == name) else { return };
        let is_odd = seen.get_mut(known).is_some_and(|seen| std::mem::replace(seen, true))
            || (name == "method" && value != "null" && string(value).is_none());
        if is_odd && odd.is_none() {
            odd = Some(place(value));
        }
    });
    match (is_object, odd) {
        (Err(_), _) => (FaultKind::NoObject, 0),
        (Ok(()), Some(at)) => (FaultKind::OddMember, at),
        (Ok(()), None) => (FaultKind::NoAnswer, line.trim_end().len().saturating_sub(1)),
    }
}

/// The message in `{"type":"mcp","payload":{…}}`, as which devices send it to their own server.
pub fn unwrapped(text: &str) -> Option<&str> {
    let (mut is_mcp, mut payload) = (false, None);
    scan::members(text, |key, value| match &*key.name() {
        "type" => is_mcp = string(value).as_deref() == Some("mcp"),
        "payload" => payload = Some(value),
        _ => (),
    })
    .ok()?;
    payload.filter(|_| is_mcp)
}

/// The replies in a list of messages.
pub fn replies_of<'a>(list: &'a str, hear: &mut dyn FnMut(&Message<'a>)) {
    let _ = scan::elements(list, &mut |element| match Message::read(element) {
        Ok(message) if message.method.is_none() && message.answer().is_some() => hear(&message),
        _ => (),
    });
}

/// Hears of the ids in a text that is no message, as they are spelled: of each object in it the first
/// id at its depth, unless a method stands beside it. Brackets and strings are followed as far as they
/// go.
pub fn ids_in(text: &str, hear: &mut dyn FnMut(&str)) {
    let text = text.trim_start_matches([BYTE_ORDER_MARK, ' ', '\t', '\r', '\n']);
    // A line of somebody's log may have a message in it that is none of its own.
    if !text.starts_with(['{', '[']) {
        return;
    }
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut level) = (0, 0_usize, 1);
    // Whether a key may come next, on the level where the message is.
    let mut before_key = false;
    let (mut id, mut is_request) = (None, false);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                if depth == 0 {
                    level = if *byte == b'{' { 1 } else { 2 };
                }
                depth += 1;
                before_key = *byte == b'{' && depth == level;
            }
            b'}' | b']' => {
                before_key = false;
                if depth == level {
                    id.take().filter(|_| !is_request).into_iter().for_each(&mut *hear);
                    is_request = false;
                }
                depth = depth.saturating_sub(1);
            }
            b',' => before_key = depth == level,
            b'"' => {
                let end = loose_string_end(bytes, at);
                let key = text.get(at - 1..end).filter(|_| before_key).and_then(string);
                before_key = false;
                at = end;
                let Some(key) = key else { continue };
                let behind = text.get(end..).unwrap_or_default().trim_start();
                let Some(value) = behind.strip_prefix(':').map(str::trim_start) else { continue };
                at = text.len() - value.len();
                match &*key {
                    "id" if id.is_none() => id = Some(simple_value(value)),
                    "method" => is_request |= value.starts_with('"'),
                    // The message may be wrapped.
                    "payload" if id.is_none() && depth == 1 && value.starts_with('{') => level = 2,
                    _ => (),
                }
            }
            _ => (),
        }
    }
    id.filter(|_| !is_request).into_iter().for_each(hear);
}

/// Behind the quote that ends a string, whatever stands in it.
fn loose_string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    bytes.len()
}

/// The string or the number, as far as it goes, that `text` begins with.
fn simple_value(text: &str) -> &str {
    let end = match text.as_bytes().first() {
        Some(b'"') => loose_string_end(text.as_bytes(), 1),
        _ => text.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(text.len()),
    };
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        let mut ids = Vec::new();
        ids_in(text, &mut |id| ids.push(id.to_owned()));
        ids
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
            assert_eq!(Fault::of(text), Fault { kind, at }, "{text:?}");
        }
    }

    #[test]
    fn the_first_id_at_depth_one_is_found_in_whatever_is_broken() {
        for (text, found) in [
            ("{\"id\":5,\"result\":{\"text\":\"a\tb\",\"id\":6}}", &["5"][..]),
            ("{\"result\":{\"text\":\"a\tb\",\"id\":6}, \"id\" : 5 }", &["5"]),
            ("\u{feff}\r\n {\"result\":[{\"id\":1}],\"i\\u0064\":\"5\",\"id\":6", &["\"5\""]),
            (r#"{"jsonrpc":"2.0","id":5,"result":{"content":[{"te"#, &["5"]),
            (r#"{"result":{"a":"\x},\"id\":6"},"id":5}"#, &["5"]),
            (r#"{"id":5"#, &["5"]),
            (r#"{"id":"#, &[""]),
            (r#"{"id":5,"result":{}}{"id":6,"result":{"id":7}}"#, &["5", "6"]),
            (r#"{"method":"notifications/x"}{"id":6,"result":{}}"#, &["6"]),
            (r#"[{"id":5,"result":"\x"},{"id":6}"#, &["5", "6"]),
            (r#"{"type":"mcp","payload":{"id":5,"result":"\x"}}"#, &["5"]),
            (r#"{"id":5,"payload":{"id":6,"result":"\x"}}"#, &["5"]),
            (r#"{"id":5,"method":"ping","params":"\x"}"#, &[]),
            (r#"{"id":5,"method":null,"result":"\x"}"#, &["5"]),
            (r#"INFO sent {"id":5,"result":{}}"#, &[]),
            (r#"{"a":"id","id":5,,}"#, &["5"]),
            (r#"{"a":["id",5,"id"],"x":{"id":5}"#, &[]),
            (r#"{"result":"x"}},"id":5}"#, &[]),
            ("hello", &[]),
            ("", &[]),
        ] {
            assert_eq!(ids(text), found, "{text:?}");
        }
    }

    #[test]
    fn a_wrapped_message_is_found() {
        let text = r#"{"session_id":"x","type":"m\u0063p","payload":{"id":5, "result":{}}}"#;
        assert_eq!(unwrapped(text), Some(r#"{"id":5, "result":{}}"#));
        for other in
            [r#"{"type":"tts","payload":{}}"#, r#"{"payload":{}}"#, r#"{"type":"mcp"}"#, "[]"]
        {
            assert_eq!(unwrapped(other), None, "{other}");
        }
    }
}
