//! A JSON-RPC message, borrowed: its kind, and where its ids and the members stand that a relay needs.

use crate::scan::{self, Key};
use crate::splice::around;
use std::borrow::Cow;

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
pub enum MessageError {
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
        let slot = match &*key.bytes() {
            b"name" => &mut self.name,
            b"uri" => &mut self.uri,
            b"_meta" => &mut self.meta,
            b"progressToken" => &mut self.progress_token,
            b"requestId" => &mut self.request_id,
            b"clientInfo" => &mut self.client_info,
            b"protocolVersion" => &mut self.protocol_version,
            _ => return,
        };
        *slot = Some(if slot.is_some() { TWICE } else { value });
    }
}

impl<'a> Message<'a> {
    /// Takes a text of one line apart: one with a line break is none that is JSON.
    ///
    /// # Errors
    /// [`MessageError`] where it is no JSON-RPC message.
    pub fn read(text: &'a str) -> Result<Self, MessageError> {
        let mut found = Message { text, ..Message::default() };
        let (mut id, mut method, mut is_error, mut twice) = (None, None, None, false);
        let scanned = scan::walk(text, |key, scanner| {
            let slot = match &*key.bytes() {
                b"id" => &mut id,
                b"method" => &mut method,
                b"error" => &mut found.error,
                b"params" => {
                    let inside = &mut found.inside;
                    let value = scanner.value_with_members(|key, value| inside.take(key, value))?;
                    once(&mut found.params, value, &mut twice);
                    return Ok(());
                }
                b"result" => {
                    let value = scanner.value_with_members(|key, value| {
                        if *key.bytes() == *b"isError" {
                            is_error = Some(value);
                        }
                    })?;
                    once(&mut found.result, value, &mut twice);
                    return Ok(());
                }
                _ => return scanner.skip(),
            };
            once(slot, scanner.value()?, &mut twice);
            Ok(())
        });
        if scanned.is_err() {
            return Err(match text.trim_start().as_bytes().first() {
                Some(b'{') => MessageError::NotJson,
                _ if !scan::is_json(text) => MessageError::NotJson,
                Some(b'[') => MessageError::Batch,
                _ => MessageError::NotAMessage,
            });
        }
        if twice {
            return Err(MessageError::NotAMessage);
        }
        found.id = read_id(id);
        found.method = match method {
            // Some serialise every member they know of.
            None | Some("null") => None,
            Some(raw) => Some(string(raw).ok_or(MessageError::NotAMessage)?),
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

#[cfg(test)]
mod tests;
