//! The session with an HTTP service: which request goes when, and on which connection.
//!
//! Each request has a connection of its own. `initialize` and `notifications/initialized` go one after the
//! other, since some servers refuse what overtakes them; everything later goes at once.

mod responses;
#[cfg(test)]
mod tests;

use super::exchange::{Exchange, Purpose};
use super::failure::{DialError, Failure, MAX_SHOWN};
use crate::managed::link::ToServer;
use crate::managed::secrets::{fit_to_show, masked};
use crate::text::Language;
use crate::time::{earlier, Moment};
use crate::token::url::Url;
use jsonrpc::message::quoted;
use jsonrpc::{Id, Message};
use slab::Slab;
use std::collections::VecDeque;
use std::time::Duration;

/// How many calls one service has under way at most. One agent may have 64, and no more than are free, so three
/// agents whose calls hang leave 64 to the others.
const MAX_CALLS: usize = 256;

/// How many connections it has at most. Besides calls there are lists and the ends of subscriptions, of which the
/// older ones are withdrawn.
const MAX_CONNECTIONS: usize = 384;

/// How many of them are kept for what no answer is awaited of: pings, cancellations, replies.
const RESERVED: usize = 64;

/// How long one address of the server may take to accept a connection.
const DIAL_TIME: Duration = Duration::from_secs(5);

/// How long the server may take nothing of a request, and how long to answer what needs no work.
const SHORT_TIME: Duration = Duration::from_secs(10);

/// How long it may take to answer `initialize`, or to begin the stream of HTTP+SSE.
const START_TIME: Duration = Duration::from_secs(30);

/// How long the end of the session, and the body that says why a request failed, may take.
const END_TIME: Duration = Duration::from_secs(2);

/// The first pause before a stream is opened again, and the longest.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// An HTTP service.
#[derive(Clone)]
pub(super) struct Service {
    /// Its address.
    pub url: Url,
    /// Headers for each request.
    pub headers: Vec<(String, String)>,
    /// Whether it speaks only HTTP+SSE, the older transport.
    pub is_sse: bool,
    /// What no text for people may show.
    pub secrets: Vec<String>,
}

/// What limits a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The language of errors.
    pub language: Language,
    /// The size of the largest message, in bytes.
    pub max_message_size: usize,
    /// How many bytes may wait to be sent.
    pub max_queued: usize,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Connect to the server, for the exchange with this key. [`Session::connected`] or
    /// [`Session::dial_failed`] follows.
    Dial(usize),
    /// The address that is dialled does not answer: dial the next one, if there is any.
    DialNext(usize),
    /// Close the connection of an exchange, or stop dialling. The key may be used again.
    Close(usize),
    /// The server says something: a message of one line.
    Message(String),
    /// The session is over: it was to be, or this has happened. Nothing follows.
    Ended(Option<String>),
}

/// What may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Nothing yet.
    Shut,
    /// One message at a time.
    Narrow,
    Open,
    /// The session is over.
    Over,
}

/// A session.
pub(super) struct Session {
    service: Service,
    limits: Limits,
    /// Whether it speaks HTTP+SSE.
    is_old: bool,
    /// Where messages are sent.
    post_url: Url,
    /// What was wrong before the older transport was tried.
    first_fault: Option<String>,
    gate: Gate,
    /// `Mcp-Session-Id`, and the version that was agreed upon.
    id: Option<Box<str>>,
    version: Option<Box<str>>,
    exchanges: Slab<Exchange>,
    /// What waits for a connection, the oldest first, and its bytes.
    waiting: VecDeque<Exchange>,
    waiting_bytes: usize,
    /// How often all that waited was sent.
    emptied: u32,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A session that has not begun. It begins with the `initialize` that is sent.
    pub(super) fn new(now: Moment, service: Service, limits: Limits) -> Self {
        let mut session = Session {
            post_url: service.url.clone(),
            is_old: service.is_sse,
            service,
            limits,
            first_fault: None,
            gate: Gate::Narrow,
            id: None,
            version: None,
            exchanges: Slab::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            emptied: 0,
            outputs: VecDeque::new(),
        };
        if session.is_old {
            session.gate = Gate::Shut;
            session.open_stream(now);
        }
        session
    }

    /// The next thing to do.
    pub(super) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What is left to be written for an exchange: the head and the message.
    pub(super) fn unwritten(&self, key: usize) -> [&[u8]; 2] {
        let Some(exchange) = self.exchanges.get(key) else { return [&[], &[]] };
        let head = exchange.request.get(exchange.sent..).unwrap_or_default();
        let begun = exchange.sent.saturating_sub(exchange.request.len());
        [head, exchange.message.as_bytes().get(begun..).unwrap_or_default()]
    }

    /// So many bytes of it were written.
    pub(super) fn wrote(&mut self, now: Moment, key: usize, count: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        exchange.sent += count;
        if exchange.head.is_some() {
            return;
        }
        let is_sent = exchange.unsent() == 0;
        let wait = match exchange.purpose {
            Purpose::Delete => return,
            _ if !is_sent => Some(SHORT_TIME),
            Purpose::Initialize | Purpose::Ping => Some(START_TIME),
            Purpose::Stream if self.gate == Gate::Shut => Some(START_TIME),
            // The relay withdraws a call that takes too long.
            Purpose::Stream | Purpose::Call => None,
            Purpose::Initialized | Purpose::Notice => Some(SHORT_TIME),
        };
        exchange.deadline = wait.map(|wait| now.after(wait));
    }

    /// An exchange has its connection.
    pub(super) fn connected(&mut self, now: Moment, key: usize) {
        if let Some(exchange) = self.exchanges.get_mut(key) {
            exchange.is_connected = true;
            self.wrote(now, key, 0);
        }
    }

    /// An exchange gets no connection.
    pub(super) fn dial_failed(&mut self, now: Moment, key: usize, error: DialError) {
        self.failed(now, key, Failure::Dial(error));
        self.pump(now);
    }

    /// Does what is due, and sends what waits.
    pub(super) fn time(&mut self, now: Moment) {
        let is_due = |at: Option<Moment>| at.is_some_and(|at| at <= now);
        let due = self
            .exchanges
            .iter()
            .filter(|(_, exchange)| is_due(exchange.dial_at) || is_due(exchange.deadline));
        for key in due.map(|(key, _)| key).collect::<Vec<_>>() {
            let Some(exchange) = self.exchanges.get_mut(key) else { continue };
            if is_due(exchange.dial_at) {
                self.dial(now, key);
                continue;
            }
            let is_end = exchange.purpose == Purpose::Delete;
            if !exchange.is_connected && !is_end {
                exchange.deadline = Some(now.after(DIAL_TIME));
                self.outputs.push_back(Output::DialNext(key));
            } else if exchange.head.is_some() && !exchange.is_success() {
                self.refused(now, key);
            } else if exchange.unsent() > 0 {
                self.failed(now, key, Failure::Unread);
            } else {
                let is_short = matches!(exchange.purpose, Purpose::Initialized | Purpose::Notice);
                let time = if is_short { SHORT_TIME } else { START_TIME };
                self.failed(now, key, Failure::Silent(time));
            }
        }
        self.pump(now);
    }

    /// When [`Session::time`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let of = |(_, exchange): (_, &Exchange)| earlier(exchange.dial_at, exchange.deadline);
        self.exchanges.iter().map(of).fold(None, earlier)
    }

    /// Ends the session: the server is told, if it wants to know.
    pub(super) fn end(&mut self, now: Moment) {
        if self.gate == Gate::Over {
            return;
        }
        self.clear();
        if self.id.is_none() || self.is_old {
            self.outputs.push_back(Output::Ended(None));
            return;
        }
        let key = self.exchanges.insert(Exchange::new(Purpose::Delete, Box::default(), ""));
        self.dial(now, key);
        if let Some(exchange) = self.exchanges.get_mut(key) {
            exchange.deadline = Some(now.after(END_TIME));
        }
    }

    /// Ends the session at once.
    pub(super) fn abort(&mut self) {
        self.clear();
        self.outputs.push_back(Output::Ended(None));
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        let exchanges = self.exchanges.iter().map(|(_, exchange)| exchange.memory());
        let waiting = self.waiting.capacity() * size_of::<Exchange>() + self.waiting_bytes;
        waiting + exchanges.sum::<usize>()
    }

    /// The bytes of requests that have a connection, or will have one, and are not sent.
    fn unsent(&self) -> usize {
        self.exchanges.iter().map(|(_, exchange)| exchange.unsent()).sum()
    }

    /// Starts what waits, as far as it may.
    fn pump(&mut self, now: Moment) {
        loop {
            if self.waiting.is_empty() {
                return;
            }
            let are = |purpose| self.exchanges.iter().filter(move |(_, e)| e.purpose == purpose);
            let next = match self.gate {
                Gate::Shut | Gate::Over => None,
                Gate::Narrow => (are(Purpose::Stream).count() == self.exchanges.len()).then_some(0),
                Gate::Open if self.exchanges.len() >= MAX_CONNECTIONS => None,
                Gate::Open => {
                    let takes_all = are(Purpose::Call).count() < MAX_CONNECTIONS - RESERVED;
                    let mut waiting = self.waiting.iter();
                    waiting.position(|next| takes_all || next.purpose != Purpose::Call)
                }
            };
            let Some(exchange) = next.and_then(|at| self.waiting.remove(at)) else { return };
            self.waiting_bytes -= exchange.message.len();
            self.emptied = self.emptied.wrapping_add(u32::from(self.waiting.is_empty()));
            let key = self.exchanges.insert(exchange);
            self.dial(now, key);
        }
    }

    fn open_stream(&mut self, now: Moment) {
        let key = self.exchanges.insert(Exchange::new(Purpose::Stream, Box::default(), ""));
        self.dial(now, key);
    }

    /// Nobody waits for the answer to a request any more. Returns whether the server does not know of it.
    fn withdraw(&mut self, id: &str) -> bool {
        let is_it = |exchange: &Exchange| *exchange.id == *id && !id.is_empty();
        if let Some(at) = self.waiting.iter().position(is_it) {
            self.waiting_bytes -= self.waiting.remove(at).map_or(0, |gone| gone.message.len());
            return true;
        }
        let found = self.exchanges.iter().find(|(_, exchange)| is_it(exchange));
        if let Some(key) = found.map(|(key, _)| key) {
            self.drop_exchange(key);
        }
        false
    }

    /// Dials for an exchange, with a request that is made now.
    fn dial(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get(key) else { return };
        let is_old_stream = self.is_old && exchange.purpose == Purpose::Stream;
        let url = if is_old_stream { &self.service.url } else { &self.post_url };
        let authority = url.authority();
        let (method, accept) = match exchange.purpose {
            Purpose::Delete => ("DELETE ", "application/json"),
            _ if exchange.is_get() => ("GET ", "text/event-stream"),
            _ => ("POST ", "application/json, text/event-stream"),
        };
        let mut head = [method, &url.request_target(), " HTTP/1.1\r\n"].concat();
        let mut put = |name: &str, value: &str| {
            [name, ": ", value, "\r\n"].iter().for_each(|piece| head.push_str(piece));
        };
        let ours = ["accept", "connection", "content-length", "content-type", "transfer-encoding"];
        let mut host = Some(&*authority);
        for (name, value) in &self.service.headers {
            let lower = name.to_ascii_lowercase();
            // A server behind a name needs another one, if it is reached by its address.
            host = host.filter(|_| lower != "host");
            if !ours.contains(&&*lower) {
                put(name, value);
            }
        }
        host.into_iter().for_each(|host| put("Host", host));
        put("User-Agent", concat!("mcp-endpoint-server/", env!("CARGO_PKG_VERSION")));
        put("Accept", accept);
        put("Connection", "close");
        if method == "POST " {
            put("Content-Type", "application/json");
            put("Content-Length", itoa::Buffer::new().format(exchange.message.len()));
        }
        if let Some(id) = &self.id {
            put("Mcp-Session-Id", id);
        }
        if let Some(version) = &self.version {
            put("MCP-Protocol-Version", version);
        }
        if let Some(last) = exchange.events.last_id.as_ref().filter(|_| exchange.is_get()) {
            put("Last-Event-ID", last);
        }
        head.push_str("\r\n");
        if let Some(exchange) = self.exchanges.get_mut(key) {
            (exchange.request, exchange.dial_at) = (head.into_bytes(), None);
            exchange.deadline = Some(now.after(DIAL_TIME));
            if exchange.is_get() {
                exchange.message = Box::default();
            }
        }
        self.outputs.push_back(Output::Dial(key));
    }

    /// The exchange is over, whatever comes.
    fn drop_exchange(&mut self, key: usize) {
        if self.exchanges.try_remove(key).is_some() {
            self.outputs.push_back(Output::Close(key));
        }
    }

    /// Drops everything; nothing more is sent.
    fn clear(&mut self) {
        let keys: Vec<usize> = self.exchanges.iter().map(|(key, _)| key).collect();
        keys.into_iter().for_each(|key| self.drop_exchange(key));
        self.waiting.clear();
        (self.waiting_bytes, self.gate) = (0, Gate::Over);
    }

    /// The session is over, for this reason.
    fn lose(&mut self, why: String) {
        self.clear();
        let why = self.first_fault.take().unwrap_or(why);
        self.outputs.push_back(Output::Ended(Some(why)));
    }

    /// How a text of the server begins, as people may read it.
    fn start_of(&self, text: &str) -> String {
        fit_to_show(text, &self.service.secrets, MAX_SHOWN)
    }

    fn words(&self, failure: &Failure) -> String {
        let authority = self.service.url.authority();
        let text = failure.text(self.limits.language, &self.service.url.host, &authority);
        masked(&text, &self.service.secrets)
    }

    /// Answers a request that failed.
    fn answer_failed(&mut self, id: &str, failure: &Failure, why: String) {
        let language = self.limits.language;
        let (code, message, details) = if failure.is_loss() {
            ("-32003", language.tool_lost(), language.tool_lost_details(&why))
        } else {
            ("-32002", language.not_forwarded(), language.not_forwarded_details(why))
        };
        let (message, details) = (quoted(&message), quoted(&details));
        let pieces = [
            r#"{"jsonrpc":"2.0","id":"#,
            id,
            r#","error":{"code":"#,
            code,
            r#","message":"#,
            &message,
            r#","data":{"details":"#,
            &details,
            "}}}",
        ];
        self.outputs.push_back(Output::Message(pieces.concat()));
    }
}

/// Messages wait until [`Session::time`] is called.
impl ToServer for Session {
    fn send(&mut self, pieces: &[&str]) -> bool {
        if self.gate == Gate::Over {
            return true;
        }
        let message = pieces.concat();
        let mut exchange = Exchange::new(Purpose::Notice, Box::default(), "");
        if let Ok(read) = Message::read(&message) {
            let id = if let Id::Given(id) = read.id { id } else { "" };
            exchange.purpose = match read.method.as_deref() {
                Some("initialize") => Purpose::Initialize,
                Some("notifications/initialized") => Purpose::Initialized,
                // Even where there is no room for it, it makes some.
                Some("notifications/cancelled") => {
                    if self.withdraw(read.read_params().request_id.unwrap_or_default()) {
                        return true;
                    }
                    Purpose::Notice
                }
                Some("ping") if !id.is_empty() => Purpose::Ping,
                Some(_) if !id.is_empty() => Purpose::Call,
                _ => Purpose::Notice,
            };
            // The id of a reply is the server's own.
            exchange.id = if read.method.is_some() { id.into() } else { Box::default() };
        }
        let waiting = self.waiting_bytes + self.unsent();
        if waiting > 0 && waiting.saturating_add(message.len()) > self.limits.max_queued {
            return false;
        }
        self.waiting_bytes += message.len();
        exchange.message = message.into();
        self.waiting.push_back(exchange);
        true
    }

    fn emptied(&self) -> u32 {
        self.emptied
    }

    fn limit(&self) -> usize {
        self.limits.max_queued
    }

    fn places(&self) -> usize {
        MAX_CALLS
    }
}
