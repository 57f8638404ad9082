//! The request head: bytes in, a request out.

use crate::http::{self, Action, Context, RequestError, RequestHead};
use std::net::IpAddr;
use ws::memory::allocated;

/// The largest head, in bytes (docs/protocol.md#request-head).
const LARGEST: usize = 8 * 1024;

/// The most headers.
const MOST_HEADERS: usize = 100;

/// How TLS begins: a record of its hand-shake, version 3.
const TLS: [u8; 2] = [0x16, 0x03];

/// A head being read.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
}

/// What came of a head.
#[derive(Debug)]
pub(super) enum Outcome {
    /// More of it must come.
    Incomplete,
    /// It is whole.
    Whole {
        /// What is to be done about it.
        answer: Action,
        /// The bytes behind it, which belong to what follows.
        rest: Vec<u8>,
        /// Who it is from, where a trusted proxy says so.
        client: Option<IpAddr>,
    },
}

impl Head {
    /// How many bytes of memory are held.
    pub(super) fn held(&self) -> usize {
        allocated(self.bytes.capacity())
    }

    /// Takes what has just been read from `peer`, and answers the request once it is whole.
    pub(super) fn take(&mut self, bytes: &[u8], peer: IpAddr, context: &Context<'_>) -> Outcome {
        let room = LARGEST.saturating_sub(self.bytes.len());
        let first = self.bytes.is_empty();
        self.bytes.extend_from_slice(bytes);
        // Reading a head again for each byte of it would take quadratic time.
        if !first && !bytes.contains(&b'\n') && bytes.len() <= room {
            return Outcome::Incomplete;
        }
        self.answer(peer, context)
    }

    /// Answers what has come of the request, if it is whole.
    pub(super) fn answer(&self, peer: IpAddr, context: &Context<'_>) -> Outcome {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&self.bytes) {
            Ok(httparse::Status::Complete(length)) if length <= LARGEST => {
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
            Ok(httparse::Status::Partial) if self.bytes.len() <= LARGEST => Outcome::Incomplete,
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                refuse(RequestError::HeadTooLarge, context)
            }
            Err(httparse::Error::Version) => refuse(RequestError::WrongVersion, context),
            Err(_) if self.bytes.starts_with(&TLS) => refuse(RequestError::Tls, context),
            Err(_) => refuse(RequestError::BadHead, context),
        }
    }
}

fn refuse(error: RequestError, context: &Context<'_>) -> Outcome {
    let response = http::error_response(error, context.settings.server.language);
    Outcome::Whole { answer: Action::Respond(response), rest: Vec::new(), client: None }
}
