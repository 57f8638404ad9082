//! Why an exchange failed, in words.

use super::exchange::ReadError;
use super::response::ResponseError;
use crate::text::Language;
use std::time::Duration;

/// How much of a body, or of another text of the server, is shown, in characters.
pub(super) const MAX_SHOWN: usize = 200;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DialError {
    /// The host has no address; what the system says about it, if anything.
    NoAddress(Option<String>),
    /// The machine is there, and nobody listens on the port.
    Refused,
    /// What the system says.
    System(String),
    /// Nobody answers.
    Silent,
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection.
    Dial(DialError),
    /// The server does not read.
    Unread,
    /// The server did not answer for this long.
    Silent(Duration),
    /// The connection ended without a response.
    Unanswered,
    /// The response broke off.
    Cut,
    /// The response cannot be read.
    Read(ReadError),
    /// 401 or 403.
    Denied(u16),
    /// Another status, and how the body begins.
    Status(u16, String),
    /// A redirect that is not followed, and where to.
    Redirect(String),
    /// A web page in place of an answer.
    WebPage,
    /// The answer is no message; how it begins.
    NoMessage(String),
    /// There is no answer in the response.
    NoAnswer,
    /// It speaks none of the versions of MCP that this program speaks.
    TooNew,
    /// The session is not known any more.
    SessionLost,
    /// There is no stream of events.
    NoStream,
    /// The older transport names no address that can be used.
    BadEndpoint,
}

impl Failure {
    /// What went wrong with the service at `host`, which is `authority` with its port.
    pub(super) fn text(&self, language: Language, host: &str, authority: &str) -> String {
        match self {
            Failure::Dial(DialError::NoAddress(error)) => {
                let error = error.clone().unwrap_or_else(|| language.service_lookup_timeout());
                language.service_no_address(host, &error)
            }
            Failure::Dial(DialError::Refused) => language.service_refused(authority),
            Failure::Dial(DialError::System(error)) => {
                language.service_unreachable(authority, error)
            }
            Failure::Dial(DialError::Silent) => language.service_no_connection(authority),
            Failure::Unread => language.service_does_not_read(),
            Failure::Silent(time) => language.service_silent(time.as_secs()),
            Failure::Unanswered => language.service_unanswered(),
            Failure::Cut | Failure::Read(ReadError::Response(ResponseError::CutShort)) => {
                language.service_cut()
            }
            Failure::Read(ReadError::Response(ResponseError::NotHttp)) => {
                language.service_not_http()
            }
            Failure::Read(ReadError::Response(_)) => language.service_bad_response(),
            Failure::Read(ReadError::TooLarge) => language.service_too_large(),
            Failure::Denied(status) => language.service_denied(*status),
            Failure::Status(status @ (404 | 405), body) => language.service_no_path(*status, body),
            Failure::Status(status, body) => language.service_status(*status, body),
            Failure::Redirect(to) => language.service_redirect(to),
            Failure::WebPage => language.service_web_page(),
            Failure::NoMessage(start) => language.service_no_message(start),
            Failure::NoAnswer => language.service_no_answer(),
            Failure::TooNew => language.child_too_new(),
            Failure::SessionLost => language.service_session_lost(),
            Failure::NoStream => language.service_no_stream(),
            Failure::BadEndpoint => language.service_bad_endpoint(),
        }
    }

    /// Whether the server had the request, and went before it answered.
    pub(super) fn is_loss(&self) -> bool {
        let cut = ReadError::Response(ResponseError::CutShort);
        match self {
            Failure::Unanswered | Failure::Cut | Failure::SessionLost => true,
            Failure::Read(error) => *error == cut,
            _ => false,
        }
    }
}
