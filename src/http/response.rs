//! Writing responses: the one place where a head is written, and the one shape of an error.

use super::json::Json;
use super::json::Value::{Null, Object, Raw, Text};
use super::{RefusalReason, Response};
use crate::text::Language;

const JSON: &str = "application/json; charset=utf-8";

/// How long who is turned away is asked to wait, in seconds: what a restart takes, and more.
const RETRY_AFTER: &str = "5";

/// A response in the making.
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    refused: Option<RefusalReason>,
    is_slowed: bool,
}

impl Reply {
    /// A reply without a body.
    pub(super) fn empty(status: u16) -> Self {
        Reply { status, headers: Vec::new(), body: Vec::new(), refused: None, is_slowed: false }
    }

    /// A reply with `body`, which is of `kind`.
    pub(super) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Reply { body: body.into(), ..Reply::empty(status) }.with("Content-Type", kind)
    }

    /// A reply with an object, whose parts need not have ended.
    pub(super) fn json(status: u16, json: Json) -> Self {
        Reply::new(status, JSON, json.finish())
    }

    /// 200 with the result of a JSON-RPC response, whose members `tell` tells.
    pub(super) fn result(tell: impl FnOnce(&mut Json)) -> Self {
        let mut json = response();
        json.put("result", Object);
        tell(&mut json);
        Reply::json(200, json)
    }

    /// An error in the one shape they all have.
    pub(super) fn error(status: u16, code: i32, message: &str, details: &str) -> Self {
        let mut json = response();
        json.put("error", Object);
        json.put("code", Raw(&code.to_string()));
        json.put("message", Text(message));
        json.put("data", Object);
        json.put("details", Text(details));
        Reply::json(status, json)
    }

    /// The reply with one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The reply, with what was wrong with the request.
    pub(super) fn because(mut self, reason: RefusalReason) -> Self {
        self.refused = Some(reason);
        self
    }

    /// The reply to somebody who may have guessed at the key.
    pub(super) fn guessed_at(mut self) -> Self {
        self.is_slowed = true;
        self.because(RefusalReason::WrongKey)
    }

    /// The reply as it goes on the wire. Without its body it still tells the body's length.
    pub(super) fn finish(self, without_body: bool) -> Response {
        let length = self.body.len().to_string();
        let of_all = [
            ("Content-Length", length.as_str()),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        let connection = ("Connection", "close");
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let mut bytes = head(self.status, own.chain(of_all).chain([connection]));
        if !without_body {
            bytes.extend_from_slice(&self.body);
        }
        Response { status: self.status, refused: self.refused, is_slowed: self.is_slowed, bytes }
    }
}

/// The beginning of a JSON-RPC response to nobody's request.
fn response() -> Json {
    let mut json = Json::default();
    json.put("jsonrpc", Text("2.0"));
    json.put("id", Null);
    json
}

/// A whole response head. A control character in a value is left out, so no value can end its
/// line.
pub(super) fn head<'a>(
    status: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        head.push_str(name);
        head.push_str(": ");
        head.extend(value.chars().filter(|letter| !letter.is_control()));
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// The name of a status, as the standard gives it.
fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        204 => "No Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// Why a connection is answered before its request has been understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 400: what arrived is not a request.
    BadHead,
    /// 400: what arrived is the beginning of TLS.
    Tls,
    /// 408: the head was not complete in time.
    HeadTooSlow,
    /// 414: the first line alone is more than a head may have.
    TargetTooLong,
    /// 431: the head has too many bytes or headers.
    HeadTooLarge,
    /// 503: there are as many connections as may be.
    TooManyConnections,
    /// 503: the agent has as many connections as it may.
    TooManyOfAgent,
    /// 505: a version of HTTP other than 1.
    WrongVersion,
}

/// The response to a connection in `trouble`.
pub fn plain(trouble: Trouble, language: Language) -> Response {
    let (status, message, details) = match trouble {
        Trouble::BadHead | Trouble::Tls => (400, language.bad_head(), language.bad_head_details()),
        Trouble::HeadTooSlow => (408, language.head_too_slow(), language.head_too_slow_details()),
        Trouble::TargetTooLong => {
            (414, language.target_too_long(), language.target_too_long_details())
        }
        Trouble::HeadTooLarge => {
            (431, language.head_too_large(), language.head_too_large_details())
        }
        Trouble::TooManyConnections => {
            (503, language.too_many_connections(), language.too_many_connections_details())
        }
        Trouble::TooManyOfAgent => {
            (503, language.too_many_connections(), language.too_many_of_agent_details())
        }
        Trouble::WrongVersion => {
            (505, language.wrong_http_version(), language.wrong_http_version_details())
        }
    };
    let reply = Reply::error(status, i32::from(status), &message, &details);
    let reply = match trouble {
        Trouble::TooManyConnections => {
            reply.with("Retry-After", RETRY_AFTER).because(RefusalReason::TooManyConnections)
        }
        Trouble::TooManyOfAgent => reply.with("Retry-After", RETRY_AFTER),
        Trouble::HeadTooSlow => reply.because(RefusalReason::HeadTooSlow),
        Trouble::Tls => reply.because(RefusalReason::TlsSpoken),
        _ => reply,
    };
    reply.finish(false)
}
