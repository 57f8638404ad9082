//! Admits new connections, and closes some without a token if there are too many.

use super::accept::{AcceptError, Accepted};
use super::connection::Caller;
use super::server::{EventSource, Server, EXTRA_SOCKETS};
use super::strangers::Source;
use crate::close::CloseReason;
use crate::http::{self, RefusalReason, RequestError};
use mio::net::TcpStream;
use mio::Interest;
use std::io::{self, Write};
use std::net::SocketAddr;

/// How many connections are examined, at most, to make room for a new one.
const MAX_CANDIDATES: usize = 16;

/// How many connections are closed in one turn because too many are from one address.
const MAX_EVICTIONS_PER_TURN: usize = 256;

impl Server {
    /// Accepts the connections that wait, up to a limit per turn.
    pub(super) fn accept(&mut self) {
        let now = self.now;
        let Some(listeners) = &mut self.listeners else { return };
        listeners.time(now);
        for _ in 0..listeners.max_per_turn() {
            let Some(listeners) = self.listeners.as_mut().filter(|l| l.has_work()) else { return };
            match listeners.accept(now) {
                Accepted::Connection(stream, address) => self.admit(stream, address),
                Accepted::Nobody => return,
                Accepted::Failed(kind, error) => self.log_accept_error(kind, &error),
            }
        }
    }

    fn admit(&mut self, mut stream: TcpStream, address: SocketAddr) {
        if self.connections.alive() >= self.max_sockets() && !self.evict_one() {
            self.counters.turned_away += 1;
            let language = self.settings.server.language;
            // If the write fails, the peer is gone.
            let _ = stream
                .write(&http::error_response(RequestError::TooManyConnections, language).bytes);
            let caller = Caller { address, client: None };
            return self.note_refused(&caller, RefusalReason::TooManyConnections);
        }
        // Without it a small answer may wait for the acknowledgement of the one before (Nagle).
        let _ = stream.set_nodelay(true);
        let token = EventSource::Connection(self.connections.next_slot()).token();
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, token, both) {
            return self.log_accept_error(AcceptError::Other, &error);
        }
        self.counters.accepted += 1;
        let trusted = &self.settings.security.trusted_proxies;
        let is_proxy = trusted.iter().any(|network| network.contains(address.ip()));
        let source = Source::of(address.ip(), is_proxy);
        let slot = self.connections.insert(stream, address, source);
        // Usually the first bytes have already arrived.
        self.mark_pending(slot);
    }

    /// Closes a connection that has shown no token, to make room for a new one. Returns whether
    /// there is room.
    fn evict_one(&mut self) -> bool {
        for _ in 0..MAX_CANDIDATES {
            let Some(slot) = self.connections.strangers.candidate_when_full(self.now) else {
                return false;
            };
            // It may have sent something that has not been read yet, and then it is not silent.
            self.read(slot);
            if self.connections.strangers.candidate_when_full(self.now) == Some(slot) {
                self.evict(slot, RefusalReason::GaveWay);
            }
            if self.connections.alive() < self.max_sockets() {
                return true;
            }
        }
        false
    }

    /// Closes connections without a token if there are too many from one address.
    pub(super) fn evict_surplus(&mut self) {
        for _ in 0..MAX_EVICTIONS_PER_TURN {
            let Some(slot) = self.connections.strangers.surplus(self.now) else { return };
            self.read(slot);
            if self.connections.strangers.surplus(self.now) == Some(slot) {
                self.evict(slot, RefusalReason::TooManySilent);
            }
        }
    }

    /// Closes the connections with the oldest incomplete heads if all heads take too much memory.
    pub(super) fn evict_heads(&mut self) {
        while let Some(slot) = self.connections.oldest_head() {
            self.evict(slot, RefusalReason::TooManyHeads);
        }
    }

    /// Closes a connection that has shown no token, to make room for others.
    fn evict(&mut self, slot: usize, why: RefusalReason) {
        let caller = self.connections.get_mut(slot).map(|connection| connection.caller);
        self.connections.kill(slot, CloseReason::Answered);
        self.counters.turned_away += 1;
        if let Some(caller) = caller {
            self.note_refused(&caller, why);
        }
    }

    /// The most sockets there may be, whatever their phase.
    fn max_sockets(&self) -> usize {
        self.settings.websocket.max_connections.saturating_mul(2).saturating_add(EXTRA_SOCKETS)
    }

    /// Logs that a connection could not be accepted, which may happen a thousand times a second.
    fn log_accept_error(&mut self, kind: AcceptError, error: &io::Error) {
        self.counters.turned_away += 1;
        if let Some(due) = self.accept_errors.note(kind, self.now) {
            let language = self.settings.server.language;
            let line = match kind {
                AcceptError::Lost => language.lost_before_accepted(error, due.count),
                AcceptError::Descriptors => language.no_descriptors(error, due.count),
                AcceptError::Memory => language.no_socket_memory(error, due.count),
                AcceptError::Other => language.cannot_accept(error, due.count),
            };
            log::warn!("{line}");
        }
    }

    /// Records and logs that a connection is refused or turned away.
    pub(super) fn note_refused(&mut self, caller: &Caller, why: RefusalReason) {
        self.note_refused_as(caller, why, self.settings.server.language.refusal_reason(why));
    }

    /// The same, with `reason` as the reason in the log.
    pub(super) fn note_refused_as(&mut self, caller: &Caller, why: RefusalReason, reason: &str) {
        let language = self.settings.server.language;
        if let Some(due) = self.refusals.note(caller.ip(), why, self.now) {
            if due.others > 0 {
                log::warn!("{}", language.others_unsaid(due.others));
            }
            log::warn!("{}", language.refused(caller, reason, due.count));
        }
    }
}
