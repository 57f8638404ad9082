//! One tool server that serves several agents: one handshake, one list, one stream of ids towards it.
//!
//! Each agent has a *seat*. To the relay a seat is a tool server of that agent like any other: the relay shakes
//! hands with it, lists it and calls it. What it sends to a seat is answered here, or goes to the server under an
//! id of the [`SharedServer`]; the answer finds its seat again. So nothing in the relay knows that the server
//! is shared, and nothing of one agent reaches another.
//!
//! It is pure: messages go in, messages come out, and the time is handed in.

mod from_server;
mod outbox;
mod pages;
mod requests;
#[cfg(test)]
mod tests;

use super::link::ToServer;
use crate::relay::Peer;
use crate::time::Moment;
use jsonrpc::message::{last_member, quoted};
use jsonrpc::{Id, Message, Splice};
use outbox::{Body, Outbox};
use pages::{PageKey, Pages, Wanted};
use requests::{Request, Requests};
use slab::Slab;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// The version of MCP that is asked for. Any answer is accepted.
const PROTOCOL_VERSION: &str = "2025-11-25";

/// The code of an error that says that none of the versions asked for is spoken.
pub(super) const TOO_NEW: &str = "-32022";

/// What begins a request or a response.
const ID: &str = r#"{"jsonrpc":"2.0","id":"#;

/// How many calls of one agent may be under way, at most.
const MAX_CALLS_OF_SEAT: usize = 64;

/// One agent may fill this part of the queue towards the server: a quarter.
const QUEUE_SHARE: usize = 4;

/// How many pings may stay unanswered in a row.
const MAX_MISSED_PINGS: u32 = 3;

/// What the server has become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It has answered `initialize`: agents may use it.
    Ready,
    /// It does not accept `initialize`: this is what it sent.
    Refused(String),
    /// It does not answer pings any more.
    Silent,
    /// It sent what is no message.
    Unreadable,
}

/// Why a message of a seat was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeatCongested;

#[derive(Debug)]
struct Seat {
    /// What the relay knows it as.
    peer: Peer,
    /// Its calls under way: the ids the agent gave, and those the server knows.
    calls: Vec<(u32, u32)>,
    /// The resources it is subscribed to, in their order.
    subscriptions: Vec<Rc<str>>,
    /// How many bytes it has sent since the queue towards the server was last empty, and when that was.
    queued: usize,
    emptied: u32,
}

/// A server that is shared by agents.
#[derive(Debug, Default)]
pub(super) struct SharedServer {
    /// The `result` of its `initialize`; `None` while it is not ready.
    initialize_result: Option<Box<str>>,
    seats: Slab<Seat>,
    /// The resources that seats are subscribed to, each with its seat.
    subscriptions: BTreeSet<(Rc<str>, usize)>,
    /// How many calls are under way, and the bytes of memory of all seats' calls and subscriptions: they are
    /// wanted for each message, and there may be many seats.
    calls: usize,
    kept_for_seats: usize,
    requests: Requests,
    pages: Pages,
    /// What it has sent to seats.
    outbox: Outbox,
    /// When it last sent something.
    received: Moment,
    /// When the last ping was sent, and how many were sent since it last answered anything.
    pinged: Moment,
    missed_pings: u32,
    answers_pings: bool,
}

impl SharedServer {
    /// The server was started: it is asked to initialise.
    pub(super) fn started(&mut self, now: Moment, server: &mut dyn ToServer) {
        self.ended();
        (self.received, self.pinged) = (now, now);
        let id = self.requests.ask(Request::Initialize).to_string();
        server.send(&[
            ID,
            &id,
            r#","method":"initialize","params":{"protocolVersion":""#,
            PROTOCOL_VERSION,
            r#"","capabilities":{},"clientInfo":{"name":"mcp-endpoint-server","version":""#,
            crate::VERSION,
            r#""}}}"#,
        ]);
    }

    /// The server has ended. Its seats are to leave their agents, which answers their calls.
    pub(super) fn ended(&mut self) {
        let mut requests = std::mem::take(&mut self.requests);
        requests.clear();
        *self = SharedServer { requests, ..SharedServer::default() };
    }

    /// Whether agents may use it.
    pub(super) fn is_ready(&self) -> bool {
        self.initialize_result.is_some()
    }

    /// Gives a seat to an agent. The relay knows it as `peer`.
    pub(super) fn take_seat(&mut self, peer: Peer) -> usize {
        let (calls, subscriptions) = (Vec::new(), Vec::new());
        self.seats.insert(Seat { peer, calls, subscriptions, queued: 0, emptied: 0 })
    }

    /// The agent needs the seat no more.
    pub(super) fn leave_seat(&mut self, seat: usize, server: &mut dyn ToServer) {
        let Some(gone) = self.seats.try_remove(seat) else { return };
        self.calls -= gone.calls.len();
        self.kept_for_seats -= gone.memory_of_calls();
        for (_, shared) in gone.calls {
            self.withdraw(shared, server);
        }
        let old = self.requests.forget_unsubscribing();
        self.withdraw_all(old, server);
        for uri in gone.subscriptions {
            self.kept_for_seats -= memory_of_subscription(&uri);
            self.subscriptions.remove(&(Rc::clone(&uri), seat));
            if !self.is_subscribed(&uri) {
                let shared = self.requests.ask(Request::Unsubscribe);
                let (id, uri) = (shared.to_string(), quoted(&uri));
                let method = r#","method":"resources/unsubscribe","params":{"uri":"#;
                if !server.send(&[ID, &id, method, &uri, "}}"]) {
                    self.requests.take(shared);
                }
            }
        }
        self.pages.forget_seat(seat);
        let pages = &self.pages;
        let is_useless =
            |request: &Request| matches!(request, Request::Page(key, _) if !pages.is_awaited(key));
        let useless = self.requests.forget(0, &is_useless);
        self.withdraw_all(useless, server);
        self.outbox.forget_seat(seat);
    }

    /// The next message for a seat.
    pub(super) fn next_message(&mut self) -> Option<(Peer, Rc<str>)> {
        self.outbox.next(&self.seats)
    }

    /// Its seats are about to leave. Returns how many messages they get before.
    pub(super) fn last_messages(&mut self) -> usize {
        self.outbox.forget_changes()
    }

    /// Whether there is a message for a seat.
    pub(super) fn has_messages(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// How many seats are taken.
    pub(super) fn seats(&self) -> usize {
        self.seats.len()
    }

    /// How many tools it has listed so far.
    pub(super) fn tools(&self) -> usize {
        self.pages.tools()
    }

    /// The bytes of memory of the lists that are kept.
    pub(super) fn memory_of_lists(&self) -> usize {
        self.pages.bytes()
    }

    /// Gives up the lists that are kept. The server is asked again where they are wanted.
    pub(super) fn forget_lists(&mut self) {
        self.pages.forget_results();
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.pages.bytes()
            + self.requests.memory()
            + self
                .initialize_result
                .as_ref()
                .map_or(0, |initialize_result| allocated(initialize_result.len()))
            + array_of::<Seat>(self.seats.capacity())
            + self.outbox.memory()
            + self.kept_for_seats
    }

    /// The relay sends something to a seat.
    ///
    /// # Errors
    /// [`SeatCongested`] where the agent has too much under way, or the server does not take more.
    pub(super) fn take_from_relay(
        &mut self,
        now: Moment,
        seat: usize,
        text: &str,
        server: &mut dyn ToServer,
    ) -> Result<(), SeatCongested> {
        let Ok(message) = Message::read(text) else { return Ok(()) };
        let Some(method) = &message.method else { return Ok(()) };
        let Id::Given(spelled) = message.id else {
            if **method == *"notifications/cancelled" {
                let id = message.read_params().request_id.and_then(|id| id.parse().ok());
                self.cancelled(seat, id, server);
            }
            return Ok(());
        };
        // The relay's own ids are such numbers.
        let Ok(id) = spelled.parse() else { return Ok(()) };
        match &**method {
            "initialize" => {
                let initialize_result =
                    self.initialize_result.clone().unwrap_or_else(|| "{}".into());
                let known = last_member(&initialize_result, "protocolVersion").unwrap_or_default();
                let asked =
                    message.params.and_then(|params| last_member(params, "protocolVersion"));
                let mut splice = Splice::of(&initialize_result);
                // No client gets a newer version than it asked for.
                if let Some(asked) = asked.filter(|asked| *asked < known) {
                    splice.put(known, asked);
                }
                let result = splice.pieces().concat();
                self.answer(seat, id, &result.into());
            }
            "ping" | "logging/setLevel" => self.answer(seat, id, &"{}".into()),
            "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
                return self.list(now, seat, id, &message, method, server);
            }
            "resources/subscribe" | "resources/unsubscribe" => {
                let uri = message.read_params().uri;
                let uri = uri.as_ref().map_or("", |(uri, _)| uri);
                let subscribes = **method == *"resources/subscribe";
                if !subscribes {
                    self.unsubscribe(seat, uri);
                }
                if !self.is_subscribed(uri) {
                    let uri = subscribes.then(|| uri.into());
                    return self.call(seat, id, &message, uri, server);
                }
                // Another agent is, so nothing changes for the server.
                if subscribes {
                    self.subscribe(seat, uri);
                }
                self.answer(seat, id, &"{}".into());
            }
            _ => return self.call(seat, id, &message, None, server),
        }
        Ok(())
    }

    /// Passes a request on. With `uri` it subscribes to a resource.
    fn call(
        &mut self,
        seat: usize,
        id: u32,
        message: &Message<'_>,
        uri: Option<Box<str>>,
        server: &mut dyn ToServer,
    ) -> Result<(), SeatCongested> {
        let Id::Given(spelled) = message.id else { return Ok(()) };
        let free = server.places().saturating_sub(self.calls);
        let Some(from) = self.seats.get_mut(seat) else { return Ok(()) };
        if from.emptied != server.emptied() {
            (from.emptied, from.queued) = (server.emptied(), 0);
        }
        let queued = from.queued.saturating_add(message.text.len());
        let is_too_much = from.queued > 0 && queued > server.limit() / QUEUE_SHARE;
        // No more than are free: there is always room for one that has less under way.
        if is_too_much || from.calls.len() >= MAX_CALLS_OF_SEAT.min(free) {
            return Err(SeatCongested);
        }
        let shared = self.requests.ask(Request::Call { seat, id, uri });
        let digits = shared.to_string();
        let mut splice = Splice::of(message.text);
        splice.put(spelled, &digits);
        if let Some(token) = message.read_params().asked_token {
            splice.put(token, &digits);
        }
        if !server.send(splice.pieces()) {
            self.requests.take(shared);
            return Err(SeatCongested);
        }
        from.queued = queued;
        let before = from.memory_of_calls();
        from.calls.push((id, shared));
        self.kept_for_seats += from.memory_of_calls() - before;
        self.calls += 1;
        Ok(())
    }

    /// Answers a seat's list from what is known, or asks the server once for all seats.
    fn list(
        &mut self,
        now: Moment,
        seat: usize,
        id: u32,
        message: &Message<'_>,
        method: &str,
        server: &mut dyn ToServer,
    ) -> Result<(), SeatCongested> {
        let cursor = message.params.and_then(|params| last_member(params, "cursor"));
        let key: PageKey = (method.into(), cursor.map(Into::into));
        match self.pages.want(now, &key, seat, id) {
            Wanted::Awaited => return Ok(()),
            Wanted::Unknown => (),
            Wanted::Known(result) => {
                self.answer(seat, id, &result);
                return Ok(());
            }
        }
        let old = self.requests.forget_pages(&key);
        self.withdraw_all(old, server);
        let shared = self.requests.ask(Request::Page(key.clone(), self.pages.ask()));
        let digits = shared.to_string();
        let mut splice = Splice::of(message.text);
        if let Id::Given(spelled) = message.id {
            splice.put(spelled, &digits);
        }
        if server.send(splice.pieces()) {
            return Ok(());
        }
        self.requests.take(shared);
        self.pages.give_up(&key, seat, id);
        Err(SeatCongested)
    }

    fn cancelled(&mut self, seat: usize, id: Option<u32>, server: &mut dyn ToServer) {
        let Some(calls) = self.seats.get_mut(seat).map(|seat| &mut seat.calls) else { return };
        let Some(at) = calls.iter().position(|(own, _)| Some(*own) == id) else { return };
        let (_, shared) = calls.swap_remove(at);
        self.calls -= 1;
        self.withdraw(shared, server);
    }

    fn withdraw_all(&mut self, ids: Vec<u32>, server: &mut dyn ToServer) {
        ids.into_iter().for_each(|shared| self.withdraw(shared, server));
    }

    /// Tells the server that nobody waits for an answer any more. A link may keep a connection for it until then.
    fn withdraw(&mut self, shared: u32, server: &mut dyn ToServer) {
        self.requests.take(shared);
        let id = shared.to_string();
        let start = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#;
        server.send(&[start, &id, "}}"]);
    }

    /// Pings the server where it is silent. What is not answered in time the relay gives up itself, and sends a
    /// cancellation.
    pub(super) fn time(
        &mut self,
        now: Moment,
        interval: Option<Duration>,
        server: &mut dyn ToServer,
    ) -> Option<News> {
        if self.deadline(interval).is_none_or(|due| due > now) {
            return None;
        }
        if self.answers_pings && self.missed_pings >= MAX_MISSED_PINGS {
            return Some(News::Silent);
        }
        self.requests.forget_pings();
        let id = self.requests.ask(Request::Ping).to_string();
        server.send(&[ID, &id, r#","method":"ping"}"#]);
        self.pinged = now;
        self.missed_pings = self.missed_pings.saturating_add(1);
        None
    }

    /// When [`SharedServer::time`] has something to do.
    pub(super) fn deadline(&self, interval: Option<Duration>) -> Option<Moment> {
        let interval = interval.filter(|_| self.is_ready() && self.calls == 0)?;
        Some(self.received.max(self.pinged).after(interval))
    }

    /// The seats that are subscribed to a resource.
    fn subscribers(&self, uri: &str) -> impl Iterator<Item = usize> + '_ {
        let uri: Rc<str> = uri.into();
        let from = self.subscriptions.range((Rc::clone(&uri), 0)..);
        from.take_while(move |(known, _)| *known == uri).map(|(_, seat)| *seat)
    }

    fn is_subscribed(&self, uri: &str) -> bool {
        self.subscribers(uri).next().is_some()
    }

    fn subscribe(&mut self, key: usize, uri: &str) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        if let Err(at) = seat.subscription(uri) {
            let uri: Rc<str> = uri.into();
            seat.subscriptions.insert(at, Rc::clone(&uri));
            self.kept_for_seats += memory_of_subscription(&uri);
            self.subscriptions.insert((uri, key));
        }
    }

    fn unsubscribe(&mut self, key: usize, uri: &str) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        if let Ok(at) = seat.subscription(uri) {
            let uri = seat.subscriptions.remove(at);
            self.kept_for_seats -= memory_of_subscription(&uri);
            self.subscriptions.remove(&(uri, key));
        }
    }

    fn answer(&mut self, seat: usize, id: u32, result: &Rc<str>) {
        self.outbox.put(seat, Body::Result(id, Rc::clone(result)));
    }
}

impl Seat {
    /// Where a subscription is, or would be.
    fn subscription(&self, uri: &str) -> Result<usize, usize> {
        self.subscriptions.binary_search_by(|known| (**known).cmp(uri))
    }

    fn memory_of_calls(&self) -> usize {
        array_of::<(u32, u32)>(self.calls.capacity())
    }
}

/// What a subscription takes: its text with two counts, and two places, each of which has as much room beside it.
fn memory_of_subscription(uri: &str) -> usize {
    allocated(uri.len() + 2 * size_of::<usize>()) + 10 * size_of::<usize>()
}
