//! A JSON-RPC message, borrowed: what kind it is, where its ids stand, and how to write it again
//! with other ids in their place (contract, section 4, "Pass-through").

use super::scan::{self, Key};
use std::borrow::Cow;
use std::ops::Range;

/// The id of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Id<'a> {
    /// There is none.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A string or a number, as it is spelled.
    Given(&'a str),
    /// Something that cannot be an id: a truth value, an object, a list.
    Odd,
}

/// A message, taken apart as far as the relay must look into it.
#[derive(Debug, Default)]
pub struct Envelope<'a> {
    /// The whole message, of one line.
    pub text: &'a str,
    /// Its id.
    pub id: Id<'a>,
    /// Its method; replies have none.
    pub method: Option<Cow<'a, str>>,
    /// Its `params`, as they are spelled.
    pub params: Option<&'a str>,
    /// Its `result`, as it is spelled.
    pub result: Option<&'a str>,
    /// Its `error`, as it is spelled.
    pub error: Option<&'a str>,
    /// Whether its result says `isError`.
    pub is_failure: bool,
    /// What stands in its `params`.
    inside: Inside<'a>,
}

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not JSON.
    NotJson,
    /// It is a list: JSON-RPC's batches are not spoken here.
    Batch,
    /// It is JSON, but neither request nor notification nor reply.
    NotAMessage,
}

/// Takes a member in, unless one of its name has come before.
fn once<'a>(slot: &mut Option<&'a str>, value: &'a str, twice: &mut bool) {
    *twice |= slot.replace(value).is_some();
}

/// The members of `params` the relay may have to know, as they are spelled.
#[derive(Debug, Default)]
struct Inside<'a> {
    name: Option<&'a str>,
    uri: Option<&'a str>,
    meta: Option<&'a str>,
    progress_token: Option<&'a str>,
    request_id: Option<&'a str>,
    client_info: Option<&'a str>,
    protocol_version: Option<&'a str>,
    twice: bool,
}

impl<'a> Inside<'a> {
    fn take(&mut self, key: Key<'a>, value: &'a str) {
        let slot = match &*key.name() {
            "name" => &mut self.name,
            "uri" => &mut self.uri,
            "_meta" => &mut self.meta,
            "progressToken" => &mut self.progress_token,
            "requestId" => &mut self.request_id,
            "clientInfo" => &mut self.client_info,
            "protocolVersion" => &mut self.protocol_version,
            _ => return,
        };
        once(slot, value, &mut self.twice);
    }
}

impl<'a> Envelope<'a> {
    /// Takes a text of one line apart: one with a line break is none that is JSON.
    ///
    /// # Errors
    /// [`Unreadable`] where it is no JSON-RPC message.
    pub fn read(text: &'a str) -> Result<Self, Unreadable> {
        let mut found = Envelope { text, ..Envelope::default() };
        let (mut id, mut method, mut is_error, mut twice) = (None, None, None, false);
        let scanned = scan::walk(text, |key, scanner| {
            let slot = match &*key.name() {
                "id" => &mut id,
                "method" => &mut method,
                "error" => &mut found.error,
                "params" => {
                    let inside = &mut found.inside;
                    let value = scanner.value_with_members(|key, value| inside.take(key, value))?;
                    once(&mut found.params, value, &mut twice);
                    return Ok(());
                }
                "result" => {
                    let value = scanner.value_with_members(|key, value| {
                        if key.name() == "isError" {
                            is_error = Some(value);
                        }
                    })?;
                    once(&mut found.result, value, &mut twice);
                    return Ok(());
                }
                _ => return scanner.value().map(|_| ()),
            };
            once(slot, scanner.value()?, &mut twice);
            Ok(())
        });
        if scanned.is_err() {
            return Err(match text.trim_start().as_bytes().first() {
                Some(b'{') => Unreadable::NotJson,
                _ if !scan::is_json(text) => Unreadable::NotJson,
                Some(b'[') => Unreadable::Batch,
                _ => Unreadable::NotAMessage,
            });
        }
        if twice {
            return Err(Unreadable::NotAMessage);
        }
        found.id = read_id(id);
        found.method = match method {
            // Some serialise every member they know of.
            None | Some("null") => None,
            Some(raw) => Some(string(raw).ok_or(Unreadable::NotAMessage)?),
        };
        let failed = found.error.is_some_and(|error| error != "null");
        found.result = found.result.filter(|result| !failed || *result != "null");
        found.is_failure = is_error == Some("true");
        Ok(found)
    }

    /// The id of a text that is no message, where one can be read.
    pub fn id_of_unreadable(text: &str) -> Option<&str> {
        let (mut id, mut twice) = (None, false);
        let scanned = scan::members(text, |key, value| {
            if key.name() == "id" {
                once(&mut id, value, &mut twice);
            }
        });
        match read_id(id) {
            Id::Given(id) if scanned.is_ok() && !twice => Some(id),
            _ => None,
        }
    }

    /// What its `params` say. Whatever is missing, odd or written twice is left out: the tool the
    /// message goes to will say so better than the relay could.
    pub fn read_params(&self) -> Params<'a> {
        let inside = &self.inside;
        if inside.twice {
            return Params::default();
        }
        let spelled = |raw: Option<&'a str>| raw.and_then(|raw| Some((string(raw)?, raw)));
        Params {
            name: spelled(inside.name),
            uri: spelled(inside.uri),
            asked_token: inside.meta.and_then(|meta| member(meta, "progressToken")),
            progress_token: inside.progress_token,
            request_id: inside.request_id,
            client_name: inside.client_info.and_then(|info| string(member(info, "name")?)),
            protocol_version: inside.protocol_version.and_then(string),
        }
    }
}

fn read_id(spelled: Option<&str>) -> Id<'_> {
    match spelled {
        None => Id::Absent,
        Some("null") => Id::Null,
        Some(raw) if matches!(raw.as_bytes(), [b'"' | b'-' | b'0'..=b'9', ..]) => Id::Given(raw),
        Some(_) => Id::Odd,
    }
}

/// Where `part`, which must be a slice of `whole`, stands in it.
pub fn place_in(whole: &str, part: &str) -> Option<Range<usize>> {
    let (before, after) = around(whole, part)?;
    Some(before.len()..whole.len().checked_sub(after.len())?)
}

/// What stands before `part`, which must be a slice of `whole`, and behind it.
#[inline(always)]
fn around<'a>(whole: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let (before, rest) = whole.split_at_checked(start)?;
    let (_, after) = rest.split_at_checked(part.len())?;
    Some((before, after))
}

/// What a JSON string says; nothing where `raw` is not a string.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// The members of `params` that the relay acts upon.
#[derive(Default)]
pub struct Params<'a> {
    /// `name`, decoded, and as it is spelled.
    pub name: Option<(Cow<'a, str>, &'a str)>,
    /// `uri`, likewise.
    pub uri: Option<(Cow<'a, str>, &'a str)>,
    /// `_meta.progressToken` of a request, as it is spelled.
    pub asked_token: Option<&'a str>,
    /// `progressToken` of a progress notification, as it is spelled.
    pub progress_token: Option<&'a str>,
    /// `requestId` of a cancellation, as it is spelled.
    pub request_id: Option<&'a str>,
    /// `clientInfo.name` of an `initialize`.
    pub client_name: Option<Cow<'a, str>>,
    /// `protocolVersion` of an `initialize`.
    pub protocol_version: Option<Cow<'a, str>>,
}

/// The member `name` of an object, as it is spelled; nothing where it is missing or there twice.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (mut found, mut twice) = (None, false);
    scan::members(object, |key, value| {
        if key.name() == name {
            once(&mut found, value, &mut twice);
        }
    })
    .ok()?;
    found.filter(|_| !twice)
}

/// The member `name` of an object, as it is spelled; the last one, where there are several.
pub fn last_member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    scan::members(object, |key, value| {
        if key.name() == name {
            found = Some(value);
        }
    })
    .ok()?;
    found
}

/// Reads an object's known members; nothing where `raw` is not an object or a member is odd.
pub fn object<'a, T: serde::Deserialize<'a>>(raw: Option<&'a str>) -> Option<T> {
    let raw = raw?;
    // A list would be taken for a struct with its members in order.
    if !raw.starts_with('{') {
        return None;
    }
    serde_json::from_str(raw).ok()
}

/// Tells `then` of a text that came: what it is as it is passed on, and as a message. Line breaks
/// at its end are left out; those between the parts of JSON become blanks.
pub fn hear<T>(text: &str, then: impl FnOnce(&str, Result<&Envelope<'_>, Unreadable>) -> T) -> T {
    let mut text = text;
    while let [.., b'\r' | b'\n'] = text.as_bytes() {
        text = text.get(..text.len() - 1).unwrap_or_default();
    }
    // Nearly all have no more of them, which need not be found out beforehand: with one it is no
    // JSON of one line.
    let why = match Envelope::read(text) {
        Ok(envelope) => return then(text, Ok(&envelope)),
        Err(why) => why,
    };
    match on_one_line(text) {
        None => then(text, Err(why)),
        Some(line) => match Envelope::read(&line) {
            Ok(envelope) => then(&line, Ok(&envelope)),
            Err(why) => then(&line, Err(why)),
        },
    }
}

/// JSON with line breaks, with blanks in their place; nothing where it is not that.
fn on_one_line(text: &str) -> Option<String> {
    text.find(['\r', '\n'])?;
    let text = text.trim_start_matches(['\r', '\n']);
    // In a string a tab is a fault just as a line break is.
    let is_json = scan::is_json(&text.replace(['\r', '\n'], "\t"));
    is_json.then(|| text.replace(['\r', '\n'], " "))
}

/// Three parts of one message may be written anew, its id, a name, a token; the others are kept.
const MOST_PIECES: usize = 7;

/// A message with some parts of it written anew, as the pieces it consists of then. Some may be empty.
#[derive(Debug)]
pub struct Splice<'a> {
    /// Those at even places are kept, those between them are new.
    pieces: [&'a str; MOST_PIECES],
    count: usize,
}

impl<'a> Splice<'a> {
    /// `text` as it is.
    pub fn of(text: &'a str) -> Self {
        Splice { pieces: [text, "", "", "", "", "", ""], count: 1 }
    }

    /// Writes `new` in place of `part`, which must be a slice of the text. Parts must not overlap.
    pub fn put(&mut self, part: &str, new: &'a str) {
        if self.count + 2 <= MOST_PIECES {
            let _ = (0..self.count).step_by(2).find_map(|at| self.cut(at, part, new));
        }
    }

    /// Cuts the piece at `at`, if `part` stands in it.
    fn cut(&mut self, at: usize, part: &str, new: &'a str) -> Option<()> {
        let piece = *self.pieces.get(at)?;
        let (before, after) = around(piece, part)?;
        for behind in (at + 1..self.count).rev() {
            *self.pieces.get_mut(behind + 2)? = *self.pieces.get(behind)?;
        }
        let [first, second, third] = self.pieces.get_mut(at..)?.first_chunk_mut()?;
        (*first, *second, *third) = (before, new, after);
        self.count += 2;
        Some(())
    }

    /// The pieces, one after another.
    pub fn pieces(&self) -> &[&'a str] {
        self.pieces.get(..self.count).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spliced(text: &str, parts: &[(&str, &str)]) -> String {
        let mut splice = Splice::of(text);
        parts.iter().for_each(|(part, new)| splice.put(part, new));
        splice.pieces().concat()
    }

    #[test]
    fn only_the_id_is_written_anew() {
        let text =
            r#" {"b" :1.50, "id"	: 1E2 ,"x":"\u5c0f\/","method":"tools\/call" , "params":{ }}"#;
        let envelope = Envelope::read(text).unwrap();
        assert_eq!(envelope.id, Id::Given("1E2"));
        assert_eq!(envelope.method.as_deref(), Some("tools/call"));
        let Id::Given(id) = envelope.id else { panic!() };
        assert_eq!(spliced(text, &[(id, "7")]), text.replace("1E2", "7"));
    }

    #[test]
    fn parts_are_written_in_whatever_order_they_come() {
        let text = "0123456789";
        let parts = [(&text[8..9], "<c>"), (&text[0..1], "<a>"), (&text[4..6], "<b>")];
        for [first, second, third] in
            [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        {
            let parts = [parts[first], parts[second], parts[third]];
            assert_eq!(spliced(text, &parts), "<a>123<b>67<c>9");
        }
        assert_eq!(spliced(text, &[(&text[1..1], "+")]), "0+123456789");
        assert_eq!(spliced(text, &[("3", "x")]), text, "it is no slice of it");
    }

    #[test]
    fn every_spelling_of_an_id_is_told_apart() {
        let id = |text: &str| match Envelope::read(text).map(|e| e.id) {
            Ok(Id::Given(raw)) => raw.to_owned(),
            other => format!("{other:?}"),
        };
        for raw in
            ["0", "-5", "1.5", "1E2", "1180591620717411303424", r#""""#, r#""null""#, "\"小智\""]
        {
            assert_eq!(id(&format!(r#"{{"id":{raw},"method":"x"}}"#)), raw);
        }
        assert_eq!(id(r#"{"method":"x"}"#), "Ok(Absent)");
        assert_eq!(id(r#"{"id":null,"method":"x"}"#), "Ok(Null)");
        assert_eq!(id(r#"{"id":true,"method":"x"}"#), "Ok(Odd)");
        assert_eq!(id(r#"{"id":[1],"method":"x"}"#), "Ok(Odd)");
    }

    #[test]
    fn what_is_no_message_is_said_to_be_none() {
        let error = |text| Envelope::read(text).err();
        for text in ["", "hello", "{", r#"{"id":1"#, "{\"a\":\"\u{1}\"}", "{}x", "[1"] {
            assert_eq!(error(text), Some(Unreadable::NotJson), "{text}");
        }
        assert_eq!(error(r#"["2.0", 1, "ping"]"#), Some(Unreadable::Batch));
        for text in ["1", "null", "\"x\"", r#"{"id":1,"id":2,"method":"x"}"#, r#"{"method":7}"#] {
            assert_eq!(error(text), Some(Unreadable::NotAMessage), "{text}");
        }
        assert_eq!(Envelope::id_of_unreadable(r#"{"id":4,"method":7}"#), Some("4"));
        assert_eq!(Envelope::id_of_unreadable(r#"{"id":4,"id":5}"#), None);
        assert_eq!(Envelope::id_of_unreadable(r#"["2.0",1]"#), None);
    }

    #[test]
    fn a_result_of_null_is_a_result() {
        let envelope = Envelope::read(r#"{"id":1,"result":null}"#).unwrap();
        assert_eq!((envelope.result, envelope.error), (Some("null"), None));
    }

    #[test]
    fn nesting_without_end_is_no_danger() {
        let deep = "[".repeat(500_000) + &"]".repeat(500_000);
        let text = format!(r#"{{"id":1,"method":"x","params":{{"name":"n","a":{deep}}}}}"#);
        let envelope = Envelope::read(&text).unwrap();
        assert_eq!(envelope.read_params().name.unwrap().0, "n");
        assert!(Envelope::read(&deep).is_err());
    }

    #[test]
    fn params_are_read_as_far_as_they_go() {
        let text = r#"{"method":"x","params":{"name":"a\u0062","_meta":{"progressToken":"t"},"requestI\u0064": 9,"clientInfo":{"name":"c"}}}"#;
        let params = Envelope::read(text).unwrap().read_params();
        let (name, raw) = params.name.unwrap();
        assert_eq!((&*name, raw), ("ab", r#""a\u0062""#));
        assert_eq!(params.asked_token, Some("\"t\""));
        assert_eq!(params.request_id, Some("9"));
        assert_eq!(params.client_name.as_deref(), Some("c"));
        for odd in
            ["null", "[]", "7", r#"{"name":7}"#, r#"{"name":"a","name":"b"}"#, r#"{"_meta":null}"#]
        {
            let text = format!(r#"{{"method":"x","params":{odd}}}"#);
            let params = Envelope::read(&text).unwrap().read_params();
            assert!(params.name.is_none() && params.asked_token.is_none(), "{odd}");
        }
    }

    #[test]
    fn line_breaks_become_blanks_and_the_ends_are_trimmed() {
        let heard = |text: &str| {
            hear(text, |text, read| {
                (text.to_owned(), read.map(|envelope| assert_eq!(envelope.text, text)))
            })
        };
        let ping = r#"{"method":"ping"}"#;
        assert_eq!(heard(&format!("{ping}\r\n\n")), (ping.to_owned(), Ok(())));
        assert_eq!(heard(&format!("\n\r{ping}")), (ping.to_owned(), Ok(())));
        let spread = (r#"{   "method": "ping" }"#.to_owned(), Ok(()));
        assert_eq!(heard("{\r\n \"method\": \"ping\"\n}\n"), spread);
        assert_eq!(heard("[1,\n2]\n"), ("[1, 2]".to_owned(), Err(Unreadable::Batch)));
        let id = "{\"id\":4,\n\"method\":7}";
        assert_eq!(heard(id), (id.replace('\n', " "), Err(Unreadable::NotAMessage)));
        for broken in ["{\"method\":\"pi\nng\"}", "{\n", "", "{\"a\":\"b\n\"}"] {
            let kept = broken.trim_end().to_owned();
            assert_eq!(heard(broken), (kept, Err(Unreadable::NotJson)), "it does not become JSON");
        }
    }
}
