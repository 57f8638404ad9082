//! A JSON-RPC message, borrowed: what kind it is, where its ids stand, and how to write it again
//! with other ids in their place (docs/protocol.md#pass-through).

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
    /// The one of `result` and `error` that has to go where both are there, as it is spelled: an
    /// `error` of `null`, or the `result` beside any other.
    surplus: Option<&'a str>,
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

/// Stands for the value of a member that was written twice: a value is never empty.
const TWICE: &str = "";

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
        *slot = Some(if slot.is_some() { TWICE } else { value });
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
        if found.error.is_some() && found.result.is_some() {
            // Some write both, one of them `null`. Who writes an error means it.
            let is_null = found.error == Some("null");
            found.surplus = if is_null { found.error.take() } else { found.result.take() };
        }
        found.is_failure = is_error == Some("true") && found.result.is_some();
        Ok(found)
    }

    /// Whether it is a request, a notification or a reply.
    pub fn is_message(&self) -> bool {
        self.method.is_some() || self.answer().is_some()
    }

    /// What it answers, where it is a reply: a `result` or an `error`, as it is spelled.
    pub fn answer(&self) -> Option<Result<&'a str, &'a str>> {
        match (self.result, self.error) {
            (Some(result), _) => Some(Ok(result)),
            (None, error) => Some(Err(error.filter(|error| *error != "null")?)),
        }
    }

    /// The member that has to go before the message is passed on, with one of the commas beside it:
    /// a success has no `error`, and an error no `result`.
    pub fn surplus_member(&self) -> Option<&'a str> {
        let (before, behind) = around(self.text, self.surplus?)?;
        let blank = [' ', '\t'];
        let key = before.trim_end_matches(blank).strip_suffix(':')?.trim_end_matches(blank);
        // Neither name has a quote in it, however it is spelled.
        let start = key.strip_suffix('"')?.rfind('"')?;
        let next = behind.trim_start_matches(blank);
        if let Some(next) = next.strip_prefix(',') {
            return self.text.get(start..self.text.len() - next.len());
        }
        let others = self.text.get(..start)?.trim_end_matches(blank).strip_suffix(',');
        let start = others.map_or(start, str::len);
        self.text.get(start..self.text.len() - behind.len())
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
        let spelled = |raw: Option<&'a str>| raw.and_then(|raw| Some((string(raw)?, raw)));
        let asked_token = match inside.meta {
            Some(TWICE) => Some(TWICE),
            meta => meta.and_then(|meta| member(meta, "progressToken")),
        };
        Params {
            name: spelled(inside.name),
            uri: spelled(inside.uri),
            // Some serialise every member they know of: `null` asks for nothing.
            asked_token: asked_token.filter(|token| is_id(token)),
            has_unclear_token: asked_token == Some(TWICE),
            progress_token: inside.progress_token.filter(|token| *token != TWICE),
            request_id: inside.request_id.filter(|id| *id != TWICE),
            client_name: inside.client_info.and_then(|info| string(member(info, "name")?)),
            protocol_version: inside.protocol_version.and_then(string),
        }
    }
}

fn read_id(spelled: Option<&str>) -> Id<'_> {
    match spelled {
        None => Id::Absent,
        Some("null") => Id::Null,
        Some(raw) if is_id(raw) => Id::Given(raw),
        Some(_) => Id::Odd,
    }
}

/// Whether a value can be an id: a string, or a number that is one.
fn is_id(raw: &str) -> bool {
    matches!(raw.as_bytes(), [b'"' | b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..])
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
    /// Whether `_meta` or its `progressToken` is written twice: nobody knows which one the tool
    /// server takes.
    pub has_unclear_token: bool,
    /// `progressToken` of a progress notification, as it is spelled.
    pub progress_token: Option<&'a str>,
    /// `requestId` of a cancellation, as it is spelled.
    pub request_id: Option<&'a str>,
    /// `clientInfo.name` of an `initialize`.
    pub client_name: Option<Cow<'a, str>>,
    /// `protocolVersion` of an `initialize`.
    pub protocol_version: Option<Cow<'a, str>>,
}

/// The member `name` of an object, as it is spelled, or [`TWICE`]; nothing where it is missing.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    scan::members(object, |key, value| {
        if key.name() == name {
            found = Some(if found.is_some() { TWICE } else { value });
        }
    })
    .ok()?;
    found
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
/// at its end are left out, as is a byte order mark before it; those between the parts of JSON
/// become blanks.
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
    let marked = text.strip_prefix(BYTE_ORDER_MARK);
    let text = marked.unwrap_or(text);
    let spread = on_one_line(text);
    let line = spread.as_deref().unwrap_or(text);
    if marked.is_none() && spread.is_none() {
        return then(line, Err(why));
    }
    match Envelope::read(line) {
        Ok(envelope) => then(line, Ok(&envelope)),
        Err(why) => then(line, Err(why)),
    }
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
pub(super) fn has_breaks(text: &str) -> bool {
    let is_break = |found, byte: &u8| found | matches!(byte, b'\r' | b'\n');
    text.as_bytes().chunks(256).any(|bytes| bytes.iter().fold(false, is_break))
}

/// A text with `other`, which must be ASCII, in the place of each line break, in no more memory than
/// that takes: a text may be large.
pub(super) fn with_breaks_as(text: &str, other: u8) -> String {
    let bytes = text.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { other } else { byte });
    String::from_utf8(bytes.collect()).unwrap_or_default()
}

/// Four parts of one message may be written anew, such as its id, a name, a token; the others are kept.
const MOST_PIECES: usize = 9;

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
        Splice { pieces: [text, "", "", "", "", "", "", "", ""], count: 1 }
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
mod tests;
