//! Reads request heads: bytes to a request and its answer.

use crate::http::{self, Action, Context, RequestError, RequestHead};
use std::net::IpAddr;
use ws::memory::allocated;

/// The length of the longest head, in bytes (docs/protocol.md#request-head).
const MAX_HEAD_LEN: usize = 8 * 1024;

/// The most headers in a head.
const MAX_HEADERS: usize = 100;

/// The first bytes of TLS: a handshake record, major version 3.
const TLS_RECORD: [u8; 2] = [0x16, 0x03];

/// The most bytes that are kept of a body while the key of its request is checked.
const MAX_EARLY_BODY: usize = 64 * 1024;

/// The bytes received of a head, and of the body that is awaited.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    /// How many bytes head and body have together, once a body is awaited.
    whole: usize,
}

/// The result of reading a head.
#[derive(Debug)]
pub(super) enum Outcome {
    /// More bytes are needed.
    Incomplete,
    /// The head is complete.
    Whole {
        /// How to answer it.
        answer: Action,
        /// The bytes after the head.
        rest: Vec<u8>,
        /// The client's address if a trusted proxy gives it.
        client: Option<IpAddr>,
    },
}

impl Head {
    /// The bytes of memory it takes.
    pub(super) fn held(&self) -> usize {
        allocated(self.bytes.capacity())
    }

    /// Whether a body is awaited: then the key of the request is right.
    pub(super) fn has_body(&self) -> bool {
        self.whole > 0
    }

    /// Waits for `missing` more bytes of a body.
    pub(super) fn await_body(&mut self, missing: usize) {
        self.whole = self.bytes.len() + missing;
        self.bytes.reserve_exact(missing);
    }

    /// Keeps bytes that arrive before the request is answered. Returns whether there is room for them.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> bool {
        let has_room = self.bytes.len() + bytes.len() <= MAX_HEAD_LEN + MAX_EARLY_BODY;
        if has_room {
            self.bytes.extend_from_slice(bytes);
        }
        has_room
    }

    /// Appends bytes received from `peer`, and answers the request once the head is complete.
    pub(super) fn take(&mut self, bytes: &[u8], peer: IpAddr, context: &Context<'_>) -> Outcome {
        if self.has_body() {
            self.bytes.extend_from_slice(bytes);
            return match self.bytes.len() < self.whole {
                true => Outcome::Incomplete,
                false => self.answer(peer, context),
            };
        }
        let room = MAX_HEAD_LEN.saturating_sub(self.bytes.len());
        let first = self.bytes.is_empty();
        self.bytes.extend_from_slice(bytes);
        // httparse starts over each time, so parsing after each byte would take quadratic time. A
        // head can only be complete after a line feed.
        if !first && !bytes.contains(&b'\n') && bytes.len() <= room {
            return Outcome::Incomplete;
        }
        self.answer(peer, context)
    }

    /// Answers the request if its head is complete.
    pub(super) fn answer(&self, peer: IpAddr, context: &Context<'_>) -> Outcome {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&self.bytes) {
            Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD_LEN => {
                let request = RequestHead {
                    method: request.method.unwrap_or(""),
                    target: request.path.unwrap_or(""),
                    headers: request.headers,
                };
                Outcome::Whole {
                    answer: http::answer(&request, context),
                    rest: self.bytes.get(length..).unwrap_or(&[]).to_vec(),
                    client: http::client(
                        &request,
                        peer,
                        &context.settings.security.trusted_proxies,
                    ),
                }
            }
            Ok(httparse::Status::Partial) if self.bytes.len() <= MAX_HEAD_LEN => {
                Outcome::Incomplete
            }
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                refuse(RequestError::HeadTooLarge, context)
            }
            Err(httparse::Error::Version) => refuse(RequestError::WrongVersion, context),
            Err(_) if self.bytes.starts_with(&TLS_RECORD) => refuse(RequestError::Tls, context),
            Err(_) => refuse(RequestError::BadHead, context),
        }
    }
}

fn refuse(error: RequestError, context: &Context<'_>) -> Outcome {
    let response = http::error_response(error, context.settings.server.language);
    Outcome::Whole { answer: Action::Respond(response), rest: Vec::new(), client: None }
}
