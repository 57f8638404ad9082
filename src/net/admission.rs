//! Who is let in, and which stranger goes where there are too many.

use super::accept::{AcceptError, Accepted};
use super::connection::Caller;
use super::server::{Place, Server, ANTEROOM};
use super::strangers::Source;
use crate::close::CloseReason;
use crate::http::{self, RefusalReason, RequestError};
use mio::net::TcpStream;
use mio::Interest;
use std::io::{self, Write};
use std::net::SocketAddr;

/// How many connections are looked at so that one makes room for another.
const MAX_ASKED: usize = 16;

/// How many connections are let go in one turn because too many are from one address.
const MAX_LET_GO: usize = 256;

impl Server {
    /// Accepts connections.
    pub(super) fn accept(&mut self) {
        let now = self.now;
        let Some(listeners) = &mut self.listeners else { return };
        listeners.time(now);
        for _ in 0..listeners.per_turn() {
            let Some(listeners) = self.listeners.as_mut().filter(|l| l.has_work()) else { return };
            match listeners.accept(now) {
                Accepted::Connection(stream, address) => self.take_in(stream, address),
                Accepted::Nobody => return,
                Accepted::Failed(fault, error) => self.mention_not_accepted(fault, &error),
            }
        }
    }

    fn take_in(&mut self, mut stream: TcpStream, address: SocketAddr) {
        if self.connections.alive() >= self.most_connections() && !self.make_way() {
            self.counted.turned_away += 1;
            let language = self.settings.server.language;
            // Whoever cannot even be told is gone.
            let _ = stream
                .write(&http::error_response(RequestError::TooManyConnections, language).bytes);
            let caller = Caller { address, client: None };
            return self.note_refused(&caller, RefusalReason::TooManyConnections);
        }
        // Without it a small answer may wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let token = Place::Connection(self.connections.next_slot()).token();
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, token, both) {
            return self.mention_not_accepted(AcceptError::Other, &error);
        }
        self.counted.accepted += 1;
        let trusted = &self.settings.security.trusted_proxies;
        let is_proxy = trusted.iter().any(|network| network.contains(address.ip()));
        let source = Source::of(address.ip(), is_proxy);
        let slot = self.connections.insert(stream, address, source);
        // What came with the connection is there already, more often than not.
        self.mark_pending(slot);
    }

    /// Lets a connection without a token go, so that another one can be taken in. Says whether
    /// one went.
    fn make_way(&mut self) -> bool {
        for _ in 0..MAX_ASKED {
            let Some(slot) = self.connections.strangers.least_missed(self.now) else {
                return false;
            };
            // What it has sent is read before it is called silent.
            self.read(slot);
            if self.connections.strangers.least_missed(self.now) == Some(slot) {
                self.give_way(slot, RefusalReason::GaveWay);
            }
            if self.connections.alive() < self.most_connections() {
                return true;
            }
        }
        false
    }

    /// Lets those go who have shown no token, where too many are from one address.
    pub(super) fn thin_out(&mut self) {
        for _ in 0..MAX_LET_GO {
            let Some(slot) = self.connections.strangers.surplus(self.now) else { return };
            self.read(slot);
            if self.connections.strangers.surplus(self.now) == Some(slot) {
                self.give_way(slot, RefusalReason::TooManySilent);
            }
        }
    }

    /// Lets the oldest half-read heads go, where all of them take too much memory.
    pub(super) fn thin_out_heads(&mut self) {
        while let Some(slot) = self.connections.oldest_head() {
            self.give_way(slot, RefusalReason::TooManyHeads);
        }
    }

    /// A connection that has shown no token makes room for others.
    fn give_way(&mut self, slot: usize, why: RefusalReason) {
        let caller = self.connections.get_mut(slot).map(|connection| connection.caller);
        self.connections.kill(slot, CloseReason::Answered);
        self.counted.turned_away += 1;
        if let Some(caller) = caller {
            self.note_refused(&caller, why);
        }
    }

    /// How many connections there may be, of all kinds.
    fn most_connections(&self) -> usize {
        self.settings.websocket.max_connections.saturating_mul(2).saturating_add(ANTEROOM)
    }

    /// A connection could not be accepted, which may happen a thousand times a second.
    fn mention_not_accepted(&mut self, fault: AcceptError, error: &io::Error) {
        self.counted.turned_away += 1;
        if let Some(said) = self.not_accepted.note(fault, self.now) {
            let language = self.settings.server.language;
            let line = match fault {
                AcceptError::Lost => language.lost_before_accepted(error, said.count),
                AcceptError::Descriptors => language.no_descriptors(error, said.count),
                AcceptError::Memory => language.no_socket_memory(error, said.count),
                AcceptError::Other => language.cannot_accept(error, said.count),
            };
            log::warn!("{line}");
        }
    }

    /// Remembers that a connection is refused or turned away, and mentions it.
    pub(super) fn note_refused(&mut self, caller: &Caller, why: RefusalReason) {
        self.note_refused_as(caller, why, self.settings.server.language.refusal_reason(why));
    }

    /// The same, with what the log says of it.
    pub(super) fn note_refused_as(&mut self, caller: &Caller, why: RefusalReason, reason: &str) {
        let language = self.settings.server.language;
        if let Some(said) = self.refusals.note(caller.ip(), why, self.now) {
            if said.others > 0 {
                log::warn!("{}", language.others_unsaid(said.others));
            }
            log::warn!("{}", language.refused(caller, reason, said.count));
        }
    }
}
