//! Finds the ids in a text that cannot be read, to answer the requests it belongs to. In a large
//! text only the beginning and the end are searched.

use jsonrpc::line::BYTE_ORDER_MARK;
use jsonrpc::message::string;
use std::borrow::Cow;

/// How many bytes are looked at from the beginning of a text on, and before its end.
const HEAD: usize = 64 * 1024;
const TAIL: usize = 4 * 1024;

/// The blanks of JSON.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// How often a message may be written as a string within another one.
const MAX_QUOTED: usize = 3;

/// Calls `found` with each id in a text that is not a message, as spelled: the first id of each
/// message in it that is not a request. Follows brackets and strings as far as possible. Accepts
/// strings and keys as Python and JavaScript write them.
pub fn ids_in(text: &str, found: &mut dyn FnMut(&str)) {
    look(text, MAX_QUOTED, found);
}

fn look(text: &str, quoted: usize, found: &mut dyn FnMut(&str)) {
    let text = text.trim_start_matches(|c| c == BYTE_ORDER_MARK || BLANKS.contains(&c));
    let (head, rest) = text.split_at(boundary(text, HEAD));
    match text.as_bytes() {
        [b'"', ..] if quoted > 0 => look(&unescaped(simple_value(head)), quoted - 1, found),
        [b'{' | b'[', ..] => {
            let mut search = Search { quoted, ..Search::default() };
            search.run(head, found);
            if !rest.is_empty() {
                let start = boundary(rest, rest.len().saturating_sub(TAIL));
                search.end(rest.get(start..).unwrap_or_default());
            }
            search.report(found);
        }
        // A log line may quote a message; that is not an answer.
        _ => (),
    }
}

/// The last place up to `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// What was found so far.
#[derive(Default)]
struct Search<'a> {
    depth: usize,
    /// The depth at which the members of a message are.
    level: usize,
    id: Option<&'a str>,
    is_request: bool,
    is_answer: bool,
    quoted: usize,
}

impl<'a> Search<'a> {
    fn run(&mut self, text: &'a str, found: &mut dyn FnMut(&str)) {
        let bytes = text.as_bytes();
        let mut at = 0;
        // Whether a key may come next, on the level where the message is.
        let mut before_key = false;
        let mut last = b' ';
        while let Some(byte) = bytes.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'{' | b'[' => {
                    if self.depth == 0 {
                        self.level = if *byte == b'{' { 1 } else { 2 };
                    }
                    self.depth += 1;
                    before_key = *byte == b'{' && self.depth == self.level;
                }
                b'}' | b']' => {
                    before_key = false;
                    if self.depth == self.level {
                        self.report(found);
                    }
                    self.depth = self.depth.saturating_sub(1);
                }
                b',' => before_key = self.depth == self.level,
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                _ => {
                    let end = match byte {
                        b'"' => string_end(bytes, at, b'"'),
                        b'\'' if matches!(last, b'{' | b'[' | b',' | b':') => {
                            string_end(bytes, at, b'\'')
                        }
                        b'a'..=b'z' if before_key => word_end(bytes, at),
                        _ => at,
                    };
                    at = end;
                    let key = text.get(start..end).filter(|_| before_key).and_then(key_of);
                    before_key = false;
                    // Only behind a key: a look behind everything would take quadratic time.
                    if let Some(key) = key {
                        let behind = text.get(end..).unwrap_or_default().trim_start_matches(BLANKS);
                        if let Some(value) = behind.strip_prefix(':') {
                            let value = value.trim_start_matches(BLANKS);
                            at = text.len() - value.len();
                            last = b':';
                            self.member(&key, value, found);
                            continue;
                        }
                    }
                }
            }
            last = *byte;
        }
    }

    fn member(&mut self, key: &str, value: &'a str, found: &mut dyn FnMut(&str)) {
        match key {
            "id" if self.id.is_none() => self.id = Some(simple_value(value)),
            "method" => self.is_request |= value.starts_with(['"', '\'']),
            // Some write their answer into the request.
            "result" | "error" => self.is_answer = true,
            // The message may be wrapped.
            "payload" if self.id.is_none() && !self.is_request => match value.as_bytes() {
                [b'{', ..] => self.level += 1,
                [b'[', ..] => self.level += 2,
                [b'"', ..] if self.quoted > 0 => {
                    look(&unescaped(simple_value(value)), self.quoted - 1, found);
                }
                _ => (),
            },
            _ => (),
        }
    }

    /// Looks at the end of the text, backwards from its last bracket on, if the message may end there.
    fn end(&mut self, text: &'a str) {
        let bytes = text.as_bytes();
        let (mut at, mut depth) = (bytes.len(), 0_usize);
        // What is to the right: the next byte, and a value with its colon.
        let (mut next, mut value) = (b'}', None);
        let mut id = None;
        while let Some(byte) = at.checked_sub(1).and_then(|last| bytes.get(last)) {
            at -= 1;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                b'}' | b']' => depth += 1,
                b'{' | b'[' if depth <= self.level => break,
                b'{' | b'[' => depth -= 1,
                b':' if depth == self.level => value = text.get(at + 1..),
                b'"' | b'\'' if *byte == b'"' || matches!(next, b',' | b':' | b'}' | b']') => {
                    let Some(start) = string_start(bytes, at, *byte) else { break };
                    let key = text.get(start..=at).filter(|_| next == b':').and_then(key_of);
                    at = start;
                    match (key.as_deref(), value.take().map(str::trim_start)) {
                        (Some("id"), Some(value)) => id = Some(simple_value(value)),
                        (Some("method"), Some(value)) => {
                            self.is_request |= value.starts_with(['"', '\'']);
                        }
                        (Some("result" | "error"), _) => self.is_answer = true,
                        _ => (),
                    }
                }
                _ => (),
            }
            next = *byte;
        }
        self.id = self.id.or(id);
    }

    /// The message is over.
    fn report(&mut self, found: &mut dyn FnMut(&str)) {
        let is_answer = std::mem::take(&mut self.is_answer);
        let is_request = std::mem::take(&mut self.is_request) && !is_answer;
        self.id.take().filter(|_| !is_request).into_iter().for_each(found);
    }
}

/// What a key says, however it is quoted.
fn key_of(spelled: &str) -> Option<Cow<'_, str>> {
    match spelled.strip_prefix('\'') {
        Some(rest) => rest.strip_suffix('\'').map(Cow::Borrowed),
        None if spelled.starts_with('"') => string(spelled),
        None => Some(Cow::Borrowed(spelled)),
    }
}

/// The place behind the quote that ends a string.
fn string_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' => 2,
            byte if *byte == quote => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

/// The quote that begins the string that ends with the one at `end`.
fn string_start(bytes: &[u8], end: usize, quote: u8) -> Option<usize> {
    let mut before = bytes.get(..end)?;
    loop {
        let start = before.iter().rposition(|byte| *byte == quote)?;
        before = before.get(..start)?;
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes % 2 == 0 {
            return Some(start);
        }
    }
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// The string or the number, as far as it goes, that `text` begins with.
fn simple_value(text: &str) -> &str {
    let end = match text.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => string_end(text.as_bytes(), 1, *quote),
        _ => text.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(text.len()),
    };
    text.get(..end).unwrap_or_default()
}

/// What a string holds that is JSON again.
fn unescaped(spelled: &str) -> String {
    let mut letters = spelled.strip_prefix('"').unwrap_or(spelled).chars();
    let next = || {
        Some(match letters.next()? {
            '\\' => letters.next().filter(|l| matches!(l, '"' | '\\' | '/')).unwrap_or(' '),
            letter => letter,
        })
    };
    std::iter::from_fn(next).collect()
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
            (r#"{"id":5,"method":"x","result":"\x"}"#, &["5"]),
            (r#"[{"id":5,"method":"x","error":"\x"},{"id":6,"method":"x"}]"#, &["5"]),
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
    fn what_python_and_javascript_print_is_looked_at_as_well() {
        for (text, found) in [
            (r#"{'jsonrpc': '2.0', 'id': 5, 'result': {'a': "it's", 'id': 6}}"#, &["5"][..]),
            (r#"{'result': "it's", 'id': '5'}"#, &["'5'"]),
            (r#"{'method': 'ping', 'id': 5}"#, &[]),
            ("{id: 5, result: {id: 6}}", &["5"]),
            (r#"{"a":don't,"id":5}"#, &["5"]),
            (r#"{"id":05,"result":1}"#, &["05"]),
        ] {
            assert_eq!(ids(text), found, "{text:?}");
        }
    }

    #[test]
    fn a_message_is_found_in_whatever_it_is_wrapped() {
        for (text, found) in [
            (r#"{"payload":{"type":"mcp","payload":{"result":1,"id":5}}}"#, &["5"][..]),
            (r#"{"payload":[{"id":5,"result":x},{"id":6}]}"#, &["5", "6"]),
            (r#"{"payload":"{\"id\":5,\n\"result\":\"\\x\"}"}"#, &["5"]),
            (r#""{\"id\":5,\"result\":1}""#, &["5"]),
            (r#"{"method":"x","payload":[{"id":5},{"id":6}]}"#, &[]),
        ] {
            assert_eq!(ids(text), found, "{text:?}");
        }
    }

    #[test]
    fn of_a_large_text_beginning_and_end_are_looked_at() {
        let large = "{\"id\":7,小".repeat(30_000);
        for (text, found) in [
            (format!("{{\"id\":5,\"result\":\"\t{large}\",\"id\":6}}"), &["5"][..]),
            (format!("{{\"result\":\"\t{large}\", \"id\" : 5 , \"x\":{{\"id\":6}}}}\n"), &["5"]),
            (format!("{{'result': '\t{large}', 'id': 5, 'x': \"it's\"}}"), &["5"]),
            (format!("[{{\"result\":\"\t{large}\",\"id\":5}}]"), &["5"]),
            (format!("{{\"payload\":{{\"result\":\"\t{large}\",\"id\":5}}}}"), &["5"]),
            (format!("{{\"result\":\"\t{large}\",\"id\":5,\"method\":\"x\"}}"), &["5"]),
            (format!("{{\"x\":\"\t{large}\",\"id\":5,\"method\":\"x\"}}"), &[]),
            (format!("{{\"id\":5,\"params\":\"\t{large}\",\"method\":\"x\"}}"), &[]),
            (format!("{{\"result\":\"\t{large}\",\"x\":[{{\"id\":5}}]}}"), &[]),
            (format!("{{\"result\":\"\t{large}"), &[]),
        ] {
            assert_eq!(ids(&text), found, "{} …", text.get(..20).unwrap_or_default());
        }
    }
}
