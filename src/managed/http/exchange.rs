//! One request and its response, on a connection of their own.

use super::events::{Event, EventReader};
use super::response::{Content, Head, Part, ResponseError, ResponseReader};
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// How much of a body is kept that only says why a request failed.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `initialize`
    Initialize,
    /// `notifications/initialized`
    Initialized,
    /// A request whose answer nobody waits for.
    Ping,
    /// Another request.
    Call,
    /// A notification, or a reply.
    Notice,
    /// The stream of what the server sends unasked.
    Stream,
    /// The end of the session.
    Delete,
}

/// An exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    pub purpose: Purpose,
    /// The message; empty for a request without a body.
    pub message: Box<str>,
    /// The id of a request, as it is spelled; otherwise empty.
    pub id: Box<str>,
    /// Whether its answer is fetched with a GET: the stream that should have brought it ended early.
    pub is_resumed: bool,
    /// The bytes of the request, and how many of them are sent.
    pub request: Vec<u8>,
    pub sent: usize,
    /// Whether there is a connection.
    pub is_connected: bool,
    reader: ResponseReader,
    /// The head of the response, once it has come.
    pub head: Option<Head>,
    pub events: EventReader,
    /// The events that have come, and are not read yet.
    come: VecDeque<Event>,
    /// The body, where it is no stream.
    pub body: Vec<u8>,
    /// When it is dialled, if not yet.
    pub dial_at: Option<Moment>,
    /// When it is given up.
    pub deadline: Option<Moment>,
    /// Whether its stream was open before.
    pub was_open: bool,
    /// How often it was sent elsewhere.
    pub redirects: u32,
    /// How often it was tried in a row without anything coming of it.
    pub failures: u32,
}

/// What comes of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes are needed.
    Incomplete,
    /// The head has come.
    Head,
    /// An event has come.
    Event(Event),
    /// The response is complete.
    End,
}

/// Why bytes are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadError {
    Response(ResponseError),
    TooLarge,
}

impl Exchange {
    pub(super) fn new(purpose: Purpose, message: Box<str>, id: &str) -> Self {
        Exchange {
            purpose,
            message,
            id: id.into(),
            is_resumed: false,
            request: Vec::new(),
            sent: 0,
            is_connected: false,
            reader: ResponseReader::default(),
            head: None,
            events: EventReader::default(),
            come: VecDeque::new(),
            body: Vec::new(),
            dial_at: None,
            deadline: None,
            was_open: false,
            redirects: 0,
            failures: 0,
        }
    }

    /// Whether it is a GET.
    pub(super) fn is_get(&self) -> bool {
        self.is_resumed || self.purpose == Purpose::Stream
    }

    /// Whether the response is one that the request asked for.
    pub(super) fn is_success(&self) -> bool {
        self.head.as_ref().is_some_and(|head| (200..300).contains(&head.status))
    }

    /// Whether the response is an error, or sends the request elsewhere.
    pub(super) fn has_failed(&self) -> bool {
        self.head.is_some() && !self.is_success()
    }

    /// How many bytes of the request are not sent.
    pub(super) fn unsent(&self) -> usize {
        (self.request.len() + self.message.len()).saturating_sub(self.sent)
    }

    /// The request has arrived, and is not sent again.
    pub(super) fn forget_request(&mut self) {
        (self.request, self.message, self.sent) = (Vec::new(), Box::default(), 0);
    }

    /// Whether the body is a stream of events.
    pub(super) fn is_stream(&self) -> bool {
        self.is_success() && self.head.as_ref().is_some_and(|head| head.content == Content::Events)
    }

    /// Makes it new, to be dialled `pause` from now. What is known of its last event stays.
    pub(super) fn restart(&mut self, now: Moment, pause: Duration) {
        self.events.restart();
        self.come.clear();
        (self.reader, self.head, self.body) = (ResponseReader::default(), None, Vec::new());
        (self.request, self.sent, self.is_connected) = (Vec::new(), 0, false);
        (self.dial_at, self.deadline) = (Some(now.after(pause)), None);
    }

    /// The next part of the response in `bytes`, from which it is taken. `limit` is the size of the largest
    /// message.
    ///
    /// # Errors
    /// Why they are no answer.
    pub(super) fn next(&mut self, bytes: &mut &[u8], limit: usize) -> Result<Step, ReadError> {
        loop {
            if let Some(event) = self.come.pop_front() {
                return Ok(Step::Event(event));
            }
            self.come.shrink_to(0);
            match self.reader.next(bytes).map_err(ReadError::Response)? {
                Part::Incomplete => return Ok(Step::Incomplete),
                Part::End => return Ok(Step::End),
                Part::Head(head) => {
                    self.head = Some(head);
                    return Ok(Step::Head);
                }
                Part::Body(mut piece) if self.is_stream() => {
                    let next = |_| ReadError::TooLarge;
                    while let Some(event) = self.events.next(&mut piece, limit).map_err(next)? {
                        self.come.push_back(event);
                    }
                }
                Part::Body(piece) if self.is_success() => {
                    if self.body.len() + piece.len() > limit {
                        return Err(ReadError::TooLarge);
                    }
                    self.body.extend_from_slice(piece);
                }
                Part::Body(piece) => {
                    let room = MAX_ERROR_BYTES.saturating_sub(self.body.len()).min(piece.len());
                    self.body.extend_from_slice(piece.get(..room).unwrap_or_default());
                    // The rest says nothing more.
                    if room < piece.len() {
                        return Ok(Step::End);
                    }
                }
            }
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`ResponseError::CutShort`] where the response is not complete.
    pub(super) fn end(&mut self) -> Result<(), ResponseError> {
        self.reader.end()
    }

    /// Whether nothing of a response has come.
    pub(super) fn is_unanswered(&self) -> bool {
        self.head.is_none() && self.reader.is_fresh()
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        let come: usize = self.come.iter().map(|event| event.data.capacity()).sum();
        let read = self.reader.memory() + self.events.memory() + self.body.capacity() + come;
        size_of::<Self>() + self.message.len() + self.request.capacity() + read
    }
}
