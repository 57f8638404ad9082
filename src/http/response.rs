//! Writes responses. All heads and all errors are written here.

use super::json::Json;
use super::json::Value::{Null, Object, Raw, Text};
use super::{RefusalReason, Response};
use crate::text::Language;

const JSON: &str = "application/json; charset=utf-8";

/// How long a client that is turned away should wait: longer than a restart takes.
const RETRY_AFTER_SECONDS: &str = "5";

/// A response that is being built.
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

    /// A reply with `body`, whose media type is `kind`.
    pub(super) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Reply { body: body.into(), ..Reply::empty(status) }.with("Content-Type", kind)
    }

    /// A reply with a JSON object. Its parts may still be open.
    pub(super) fn json(status: u16, json: Json) -> Self {
        Reply::new(status, JSON, json.finish())
    }

    /// 200 with a JSON-RPC response. `write` adds the members of its result.
    pub(super) fn result(write: impl FnOnce(&mut Json)) -> Self {
        let mut json = response();
        json.put("result", Object);
        write(&mut json);
        Reply::json(200, json)
    }

    /// An error. All errors have this form.
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

    /// The reply, with what was wrong with the request for the owner of the server.
    pub(super) fn refused_for(mut self, reason: RefusalReason) -> Self {
        self.refused = Some(reason);
        self
    }

    /// The reply to a wrong key, which may be a guess.
    pub(super) fn wrong_key(mut self) -> Self {
        self.is_slowed = true;
        self.refused_for(RefusalReason::WrongKey)
    }

    /// The reply as it goes on the wire. Without its body it still states the length of the body.
    pub(super) fn finish(self, without_body: bool) -> Response {
        let length = self.body.len().to_string();
        let common = [
            ("Content-Length", length.as_str()),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        let connection = ("Connection", "close");
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let mut bytes = head(self.status, own.chain(common).chain([connection]));
        if !without_body {
            bytes.extend_from_slice(&self.body);
        }
        Response { status: self.status, refused: self.refused, is_slowed: self.is_slowed, bytes }
    }
}

/// The start of a JSON-RPC response that answers no JSON-RPC request.
fn response() -> Json {
    let mut json = Json::default();
    json.put("jsonrpc", Text("2.0"));
    json.put("id", Null);
    json
}

/// A whole response head. Control characters in values are left out, so that no value can end its
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

/// The reason phrase of a status code.
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
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// Why a connection is answered without a look at what it requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// 400: what arrived is not a request.
    BadHead,
    /// 400: what arrived is the beginning of TLS.
    Tls,
    /// 408: the head was not complete in time.
    HeadTooSlow,
    /// 408: the body was not complete in time.
    BodyTooSlow,
    /// 414: the first line alone exceeds the limit for the head.
    TargetTooLong,
    /// 431: the head has too many bytes or headers.
    HeadTooLarge,
    /// 503: `max_connections` is reached.
    TooManyConnections,
    /// 503: `max_connections_per_agent` is reached.
    TooManyOfAgent,
    /// 505: a version of HTTP other than 1.
    WrongVersion,
}

/// The response to a connection in `error`.
pub fn error_response(error: RequestError, language: Language) -> Response {
    let (status, message, details) = match error {
        RequestError::BadHead | RequestError::Tls => {
            (400, language.bad_head(), language.bad_head_details())
        }
        RequestError::HeadTooSlow => {
            (408, language.head_too_slow(), language.head_too_slow_details())
        }
        RequestError::BodyTooSlow => {
            (408, language.body_too_slow(), language.body_too_slow_details())
        }
        RequestError::TargetTooLong => {
            (414, language.target_too_long(), language.target_too_long_details())
        }
        RequestError::HeadTooLarge => {
            (431, language.head_too_large(), language.head_too_large_details())
        }
        RequestError::TooManyConnections => {
            (503, language.too_many_connections(), language.too_many_connections_details())
        }
        RequestError::TooManyOfAgent => {
            (503, language.too_many_connections(), language.too_many_of_agent_details())
        }
        RequestError::WrongVersion => {
            (505, language.wrong_http_version(), language.wrong_http_version_details())
        }
    };
    let reply = Reply::error(status, i32::from(status), &message, &details);
    let reply = match error {
        RequestError::TooManyConnections => reply
            .with("Retry-After", RETRY_AFTER_SECONDS)
            .refused_for(RefusalReason::TooManyConnections),
        RequestError::TooManyOfAgent => reply.with("Retry-After", RETRY_AFTER_SECONDS),
        RequestError::HeadTooSlow => reply.refused_for(RefusalReason::HeadTooSlow),
        RequestError::Tls => reply.refused_for(RefusalReason::TlsSpoken),
        _ => reply,
    };
    reply.finish(false)
}
