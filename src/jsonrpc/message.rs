//! A borrowed JSON-RPC message: its kind, and the positions of its ids and of the members a relay
//! needs.

use crate::members::{Member, Members};
use crate::scan::{self, blanks_end, first_break, Notes, Scanned, Scanner, TextError};
use crate::splice::{around, place_in};
use std::borrow::Cow;
use std::ops::Range;

pub use crate::scan::string;

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
#[derive(Debug)]
pub struct Message<'a> {
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
    /// Its unusual part, if it has one, as spelled.
    unusual: Option<&'a str>,
    kind: Unusual,
    /// Whether its result says `isError`.
    pub is_failure: bool,
    /// The `content` of its result, if that is a list.
    pub content: Option<&'a str>,
    /// Whether that has several elements.
    pub has_many_parts: bool,
    /// What it is made of.
    members: Members<'a>,
}

/// Why a text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// It is not JSON.
    NotJson,
    /// It is a list. Batches are not supported.
    Batch,
    /// It is JSON, but neither request nor notification nor reply.
    NotAMessage,
    /// It has line breaks, and there is no room for a copy without them.
    NoRoom,
}

/// Why a text is not a message, and what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The reason.
    pub why: MessageError,
    /// The byte offset of the first error.
    pub(crate) at: usize,
    /// For [`MessageError::NotJson`]: whether the text before `at` is a complete value.
    pub(crate) is_behind_value: bool,
    /// The place of its id, if it is JSON and has an id that can be read.
    id: Option<Range<usize>>,
}

impl Unread {
    fn new(why: MessageError, at: usize) -> Self {
        Unread { why, at, is_behind_value: false, id: None }
    }

    /// The text has line breaks, and there is no room for a copy without them.
    pub(crate) fn no_room(text: &str, read: Result<&Message<'_>, &Self>) -> Self {
        let at = first_break(text).unwrap_or_default();
        let id = match read {
            Ok(Message { id: Id::Given(id), .. }) => place_in(text, id),
            Ok(_) => None,
            Err(unread) => unread.id.clone(),
        };
        Unread { id, ..Unread::new(MessageError::NoRoom, at) }
    }

    /// Whether the text is JSON that would be passed on as one line.
    pub(crate) fn is_json(&self) -> bool {
        !matches!(self.why, MessageError::NotJson | MessageError::NoRoom)
    }

    /// The id of the text, if it has one that can be read.
    pub fn id_in<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.get(self.id.clone()?)
    }
}

impl From<TextError> for Unread {
    fn from(TextError { at, is_behind_value }: TextError) -> Self {
        Unread { is_behind_value, ..Unread::new(MessageError::NotJson, at) }
    }
}

/// What is unusual about a part of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Unusual {
    /// The member to remove. Of `result` and `error` it is an `error` that says nothing, otherwise the
    /// `result`. Beside one of them it is the `method`.
    #[default]
    Surplus,
    /// The `payload` of `{"type":"mcp","payload":…}`.
    Payload,
    /// The first member that it must not have: it is not a message.
    Odd,
}

/// Marks a member that occurs twice; a real value is never empty.
const TWICE: &str = "";

impl Default for Message<'_> {
    /// Not inlined where it would be optimised for size.
    #[inline(never)]
    fn default() -> Self {
        Message {
            text: "",
            id: Id::Absent,
            method: None,
            params: None,
            result: None,
            error: None,
            unusual: None,
            kind: Unusual::Surplus,
            is_failure: false,
            content: None,
            has_many_parts: false,
            members: Members::default(),
        }
    }
}

impl<'a> Message<'a> {
    /// Parses a text. A text with a line break is an error.
    ///
    /// # Errors
    /// [`MessageError`] if it is not a JSON-RPC message of one line.
    pub fn read(text: &'a str) -> Result<Self, MessageError> {
        Self::take_apart(text).map_err(|unread| unread.why)
    }

    /// Like [`Message::read`], with a detailed error.
    ///
    /// # Errors
    /// [`Unread`] if it is not a JSON-RPC message of one line.
    pub fn take_apart(text: &'a str) -> Result<Self, Unread> {
        let (mut notes, mut found) = (Notes::default(), Message::default());
        let read = found.read_noting(text, &mut notes);
        if notes.has_breaks && !read.as_ref().is_err_and(|e| e.why == MessageError::NotJson) {
            let at = first_break(text).unwrap_or_default();
            return Err(Unread::new(MessageError::NotJson, at));
        }
        read.map(|()| found)
    }

    /// Like [`Message::take_apart`], but line breaks are only noted. The message must be a new one: it
    /// is too large to be returned.
    pub(crate) fn read_noting(&mut self, text: &'a str, notes: &mut Notes) -> Result<(), Unread> {
        let bytes = text.as_bytes();
        let start = blanks_end(bytes, 0, notes);
        if bytes.get(start) != Some(&b'{') {
            return Err(no_object(Scanner::new(text, notes)));
        }
        let end = self.scan(text, start, notes).map_err(TextError::from)?;
        let at = blanks_end(bytes, end, notes);
        if at != bytes.len() {
            return Err(TextError { at, is_behind_value: true }.into());
        }
        self.text = text;
        match self.kind {
            Unusual::Odd => Err(self.unread()),
            _ => Ok(()),
        }
    }

    /// Reads the object at `at`. Returns where it ends.
    fn scan(&mut self, text: &'a str, at: usize, notes: &mut Notes) -> Scanned<usize> {
        let end = self.members.read(text, at, notes)?;
        let members = &self.members;
        let mut odd = members.surplus;
        self.id = match members.get(Member::Id) {
            Some(_) if members.is_repeated(Member::Id) => Id::Odd,
            id => read_id(id),
        };
        self.method = match members.get(Member::Method) {
            // Some serialise every member they know of.
            None | Some("null") => None,
            Some(raw) => {
                let method = members.string(Member::Method);
                if method.is_none() {
                    odd = earlier(odd, raw);
                }
                method
            }
        };
        self.params = members.get(Member::Params);
        (self.result, self.error) = (members.get(Member::Result), members.get(Member::Error));
        if self.error.is_some() && self.result.is_some() {
            // Some write both, one of them `null`. A writer that sets an error means the error.
            let is_unset = self.error.is_some_and(is_no_error);
            self.unusual = if is_unset { self.error.take() } else { self.result.take() };
        }
        if self.method.is_some() && (self.error.is_some() || self.result.is_some()) {
            // Some write their answer into the request.
            let method = members.get(Member::Method);
            match self.unusual {
                None => self.unusual = method,
                Some(_) => odd = odd.or(method),
            }
        }
        if odd.is_some() {
            (self.unusual, self.kind) = (odd, Unusual::Odd);
        } else if let (Some(payload), None) = (members.get(Member::Payload), self.unusual) {
            let kind = members.string(Member::Type);
            self.unusual = Some(payload).filter(|_| kind.as_deref() == Some("mcp"));
            self.kind = Unusual::Payload;
        }
        self.is_failure = members.get(Member::IsError) == Some("true") && self.result.is_some();
        self.content = members.get(Member::Content).filter(|content| content.starts_with('['));
        self.has_many_parts = members.has_many_parts;
        Ok(end)
    }

    /// The error for a text that is not a message.
    #[cold]
    fn unread(&self) -> Unread {
        let place = |part: Option<&str>| place_in(self.text, part?);
        let id = if let Id::Given(id) = self.id { Some(id) } else { None };
        let at = place(self.unusual).map_or(0, |odd| odd.start);
        Unread { id: place(id), ..Unread::new(MessageError::NotAMessage, at) }
    }

    /// Calls `handle` for each object in a list until it returns false. Only the first elements of a
    /// long list are read.
    pub fn each_of(list: &'a str, handle: &mut dyn FnMut(&Message<'a>) -> bool) {
        let mut left = MAX_MESSAGES;
        let _ = scan::walk_elements(list, &mut |scanner| {
            left -= 1;
            if !scanner.is_at_object() {
                scanner.value()?;
                return Ok(left > 0);
            }
            let mut found = Message::default();
            found.text = scanner.take(|text, at, notes| found.scan(text, at, notes))?;
            Ok(handle(&found) && left > 0)
        });
    }

    /// Why an object in a list cannot be read, where a member is odd.
    pub(crate) fn odd(&self) -> Option<Unread> {
        (self.kind == Unusual::Odd).then(|| self.unread())
    }

    /// The `payload` of `{"type":"mcp","payload":…}`, the form in which devices send messages to their
    /// own server.
    pub fn wrapped(&self) -> Option<&'a str> {
        self.unusual.filter(|_| self.kind == Unusual::Payload)
    }

    /// Whether it is a request, a notification or a reply.
    pub fn is_message(&self) -> bool {
        self.method.is_some() || self.answer().is_some()
    }

    /// The answer in a reply: its `result` or its `error`, as spelled.
    pub fn answer(&self) -> Option<Result<&'a str, &'a str>> {
        match (self.result, self.error) {
            (Some(result), _) => Some(Ok(result)),
            (None, error) => Some(Err(error.filter(|error| !is_no_error(error))?)),
        }
    }

    /// The member that has to go before an answer is passed on, with one of the commas beside it: a
    /// success has no `error`, an error no `result`, and neither a `method`.
    pub fn surplus_member(&self) -> Option<&'a str> {
        let surplus = self.unusual.filter(|_| self.kind == Unusual::Surplus)?;
        let (before, behind) = around(self.text, surplus)?;
        let blank = [' ', '\t'];
        let key = before.trim_end_matches(blank).strip_suffix(':')?.trim_end_matches(blank);
        // None of the names has a quote in it, however it is spelled.
        let start = key.strip_suffix('"')?.rfind('"')?;
        let next = behind.trim_start_matches(blank);
        if let Some(next) = next.strip_prefix(',') {
            return self.text.get(start..self.text.len() - next.len());
        }
        let others = self.text.get(..start)?.trim_end_matches(blank).strip_suffix(',');
        let start = others.map_or(start, str::len);
        self.text.get(start..self.text.len() - behind.len())
    }

    /// Parses `params`. Omits members that are missing, invalid or repeated: the tool server
    /// reports those.
    pub fn read_params(&self) -> Params<'a> {
        let members = &self.members;
        let once = |member| members.get(member).filter(|_| !members.is_repeated(member));
        let spelled = |member| once(member).and_then(|raw| Some((members.string(member)?, raw)));
        let asked_token = match members.is_repeated(Member::Meta) {
            true => Some(TWICE),
            false => members.get(Member::Meta).and_then(|meta| member(meta, "progressToken")),
        };
        Params {
            name: spelled(Member::Name),
            uri: spelled(Member::Uri),
            // Some serialise every member they know of: `null` asks for nothing.
            asked_token: asked_token.filter(|token| is_id(token)),
            has_unclear_token: asked_token == Some(TWICE),
            progress_token: once(Member::ProgressToken),
            request_id: once(Member::RequestId),
            client_name: once(Member::ClientInfo).and_then(|info| string(member(info, "name")?)),
            protocol_version: once(Member::ProtocolVersion)
                .and_then(|_| members.string(Member::ProtocolVersion)),
        }
    }
}

/// Whether an `error` says that there is none.
fn is_no_error(error: &str) -> bool {
    matches!(error, "null" | "false")
}

/// How many elements of a list are looked at for messages.
const MAX_MESSAGES: u32 = 16 * 1024;

/// A text that does not begin as an object does.
#[cold]
fn no_object(mut scanner: Scanner<'_, '_>) -> Unread {
    let is_list = scanner.is_at_list();
    let end = scanner.value().map_err(TextError::from).and_then(|_| scanner.end());
    match (end, is_list) {
        (Err(why), _) => why.into(),
        (Ok(()), true) => Unread::new(MessageError::Batch, 0),
        (Ok(()), false) => Unread::new(MessageError::NotAMessage, 0),
    }
}

/// The one that comes first in a text.
#[cold]
fn earlier<'a>(one: Option<&'a str>, other: &'a str) -> Option<&'a str> {
    Some(one.filter(|one| one.as_ptr() < other.as_ptr()).unwrap_or(other))
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

/// The member `name` of an object, as spelled, or [`TWICE`]; `None` if it is missing.
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

/// The member `name` of an object, as spelled; the last one, if there are several.
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

/// A text as a JSON string.
pub fn quoted(text: &str) -> String {
    // A text is always written.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
