//! Admits new connections, and closes some without a token if there are too many.

use super::{Server, EXTRA_SOCKETS};
use crate::close::CloseReason;
use crate::http::{self, RefusalReason, RequestError};
use crate::net::accept::{AcceptError, Accepted};
use crate::net::socket::Socket;
use crate::net::strangers::Source;
use crate::net::table::Caller;
use mio::net::TcpStream;
use std::io::{self, Write};
use std::net::SocketAddr;

/// How many connections are examined, at most, to make room for a new one.
const MAX_CANDIDATES: usize = 16;

/// How many connections are closed in one turn because too many are from one address.
const MAX_EVICTIONS_PER_TURN: usize = 256;

impl Server {
    /// Accepts the connections that wait, up to a limit per turn.
    pub(super) fn accept(&mut self) {
        let now = self.shell.now;
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
        if self.shell.alive() >= self.max_sockets() && !self.evict_one() {
            self.counters.turned_away += 1;
            let language = self.shell.language();
            // If the write fails, the peer is gone.
            let _ = stream
                .write(&http::error_response(RequestError::TooManyConnections, language).bytes);
            let caller = Caller { address, client: None };
            return self.note_refused(&caller, RefusalReason::TooManyConnections);
        }
        let slot = self.shell.table.next_slot();
        let socket = match Socket::watch(stream, slot, self.poll.registry()) {
            Ok(socket) => socket,
            Err(error) => return self.log_accept_error(AcceptError::Other, &error),
        };
        self.counters.accepted += 1;
        let trusted = &self.shell.settings.security.trusted_proxies;
        let is_proxy = trusted.iter().any(|network| network.contains(address.ip()));
        let source = Source::of(address.ip(), is_proxy);
        self.shell.insert(socket, address, source);
    }

    /// Closes a connection that has shown no token, to make room for a new one. Returns whether
    /// there is room.
    fn evict_one(&mut self) -> bool {
        for _ in 0..MAX_CANDIDATES {
            let Some(slot) = self.shell.strangers.candidate_when_full(self.shell.now) else {
                return false;
            };
            // It may have sent something that has not been read yet, and then it is not silent.
            self.read(slot);
            if self.shell.strangers.candidate_when_full(self.shell.now) == Some(slot) {
                self.evict(slot, RefusalReason::GaveWay);
            }
            if self.shell.alive() < self.max_sockets() {
                return true;
            }
        }
        false
    }

    /// Closes connections without a token if there are too many from one address.
    pub(super) fn evict_surplus(&mut self) {
        for _ in 0..MAX_EVICTIONS_PER_TURN {
            let Some(slot) = self.shell.strangers.surplus(self.shell.now) else { return };
            self.read(slot);
            if self.shell.strangers.surplus(self.shell.now) == Some(slot) {
                self.evict(slot, RefusalReason::TooManySilent);
            }
        }
    }

    /// Closes the connections with the oldest incomplete heads if all heads take too much memory.
    pub(super) fn evict_heads(&mut self) {
        while let Some(slot) = self.shell.oldest_head() {
            self.evict(slot, RefusalReason::TooManyHeads);
        }
    }

    /// Closes a connection that has shown no token, to make room for others.
    fn evict(&mut self, slot: usize, why: RefusalReason) {
        let caller = self.shell.table.get(slot).map(|entry| entry.caller);
        self.shell.end(slot, CloseReason::Answered);
        self.counters.turned_away += 1;
        if let Some(caller) = caller {
            self.note_refused(&caller, why);
        }
    }

    /// The most sockets there may be, whatever their phase.
    fn max_sockets(&self) -> usize {
        self.shell.limits().max_connections.saturating_mul(2).saturating_add(EXTRA_SOCKETS)
    }

    /// Logs that a connection could not be accepted, which may happen a thousand times a second.
    fn log_accept_error(&mut self, kind: AcceptError, error: &io::Error) {
        self.counters.turned_away += 1;
        if let Some(due) = self.accept_errors.note(kind, self.shell.now) {
            let language = self.shell.language();
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
        let language = self.shell.language();
        self.note_refused_as(caller, why, language.refusal_reason(why));
    }

    /// The same, with `reason` as the reason in the log.
    pub(super) fn note_refused_as(&mut self, caller: &Caller, why: RefusalReason, reason: &str) {
        let language = self.shell.language();
        if let Some(due) = self.refusals.note(caller.ip(), why, self.shell.now) {
            if due.others > 0 {
                log::warn!("{}", language.others_unsaid(due.others));
            }
            log::warn!("{}", language.refused(caller, reason, due.count));
        }
    }
}
