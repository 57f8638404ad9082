//! What the relay acts on: the connections, with the time and the settings they follow.
//!
//! The table, the memory, the turn's work, the delays and the strangers are owners that know nothing of
//! each other. This file does what must happen in all of them when a connection comes, changes or ends.

#[cfg(test)]
mod tests;

use super::budget::{Budget, Room};
use super::connection::{Action, DelayedAnswer, Was};
use super::delays::Delays;
use super::schedule::Schedule;
use super::socket::Socket;
use super::strangers::{Source, Strangers};
use super::table::{Entry, Table};
use super::transport::{Farewell, Transport};
use crate::close::{CloseReason, Ending};
use crate::http::CloseCounts;
use crate::ledger::{Account, Owner};
use crate::managed::ManagedServers;
use crate::relay::Peer;
use crate::settings::{Settings, WebSocket};
use crate::text::Language;
use crate::time::Moment;
use mio::Registry;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use ws::Progress;

/// A connection with more bytes than this to send is cut without a close frame.
const MAX_QUEUED_BEFORE_CLOSE: usize = 64 * 1024;

/// All connections, and the [`Wire`](crate::relay::Wire) of the relay.
#[derive(Debug)]
pub(super) struct Shell {
    pub settings: Settings,
    /// The time of the current turn.
    pub now: Moment,
    pub table: Table,
    pub budget: Budget,
    pub schedule: Schedule,
    /// The tool servers that the program runs or dials itself.
    pub managed: ManagedServers,
    /// The connections that have shown no token.
    pub strangers: Strangers,
    delays: Delays,
    /// Slots of dead connections, to be freed.
    dead: Vec<usize>,
    /// Peers whose end must be reported to the relay.
    gone: Vec<(Peer, CloseReason)>,
    /// The number of open connections.
    pub open: usize,
    /// How many connections ended, by reason.
    pub ends: CloseCounts,
    /// Bytes sent since the start.
    pub written: u64,
}

impl Shell {
    pub(super) fn new(settings: Settings) -> Self {
        Shell {
            settings,
            now: Moment::default(),
            table: Table::default(),
            budget: Budget::default(),
            schedule: Schedule::default(),
            managed: ManagedServers::default(),
            strangers: Strangers::default(),
            delays: Delays::default(),
            dead: Vec::new(),
            gone: Vec::new(),
            open: 0,
            ends: CloseCounts::default(),
            written: 0,
        }
    }

    /// The language of log messages.
    pub(super) fn language(&self) -> Language {
        self.settings.server.language
    }

    /// The limits of connections.
    pub(super) fn limits(&self) -> &WebSocket {
        &self.settings.websocket
    }

    /// Whether something is to be done before the next event.
    pub(super) fn has_work(&self) -> bool {
        self.schedule.has_work() || !self.gone.is_empty() || self.managed.has_work()
    }

    // A connection comes.

    /// Adds a new connection to [`Table::next_slot`]. Usually its first bytes have already arrived.
    pub(super) fn insert(&mut self, socket: Socket, address: SocketAddr, source: Source) {
        let slot = self.table.next_slot();
        let account = self.budget.open(Owner::stranger(address.ip()));
        let stranger = self.strangers.insert(slot, source, self.now);
        self.table.insert(socket, address, account, stranger, self.now);
        self.table.rearm(slot, &self.settings.websocket);
        self.read_later(slot);
    }

    /// Notes the client's address that a trusted proxy has given.
    pub(super) fn set_client(&mut self, slot: usize, client: IpAddr) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        entry.caller.client = Some(client);
        if let Some(stranger) = &mut entry.stranger {
            self.strangers.set_client(stranger, slot, client);
        }
        self.budget.set_owner(entry, Owner::stranger(client));
    }

    /// Charges a connection to its real owner.
    pub(super) fn set_owner(&mut self, slot: usize, owner: Owner) {
        if let Some(entry) = self.table.get_mut(slot) {
            self.budget.set_owner(entry, owner);
        }
    }

    /// Opens a connection that has shown a token of `agent`.
    pub(super) fn open(&mut self, slot: usize, transport: Transport, agent: &str) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        entry.connection.open(transport);
        self.budget.set_owner(entry, Owner::Agent(agent.into()));
        if let Some(stranger) = entry.stranger.take() {
            self.strangers.remove(stranger, slot);
        }
        self.open += 1;
        self.table.rearm(slot, &self.settings.websocket);
    }

    /// The number of connections that are not dead.
    pub(super) fn alive(&self) -> usize {
        self.table.len().saturating_sub(self.dead.len())
    }

    /// Whether a connection is dead. A handler must check this after each step that may free memory,
    /// because that may have ended its own connection.
    pub(super) fn is_over(&self, slot: usize) -> bool {
        self.table.get(slot).is_none_or(|entry| entry.connection.is_dead())
    }

    /// Whether a connection is open.
    pub(super) fn is_open(&self, slot: usize) -> bool {
        self.table.get(slot).is_some_and(|entry| entry.connection.is_open())
    }

    // It changes.

    /// Notes an event of a connection. `ends` if the peer has closed its side, or the socket is broken.
    pub(super) fn note_event(&mut self, slot: usize, readable: bool, writable: bool, ends: bool) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        if ends {
            entry.connection.note_read_closed();
        }
        if readable || ends {
            self.schedule.read_later(slot, entry);
        }
        if writable && !entry.connection.out.is_empty() {
            self.schedule.write_later(slot, entry);
        }
    }

    /// Updates the deadline of a connection.
    pub(super) fn rearm(&mut self, slot: usize) {
        self.table.rearm(slot, &self.settings.websocket);
    }

    /// Does what is due for a connection now, if anything.
    pub(super) fn time(&mut self, slot: usize) -> Action {
        let Some(entry) = self.table.get_mut(slot) else { return Action::Nothing };
        let (limits, spares) = (&self.settings.websocket, &mut self.budget.spares);
        entry.connection.time(self.now, limits, spares)
    }

    /// Notes that a connection may have something to read.
    pub(super) fn read_later(&mut self, slot: usize) {
        if let Some(entry) = self.table.get_mut(slot) {
            self.schedule.read_later(slot, entry);
        }
    }

    /// Notes that bytes were received.
    pub(super) fn note_received(&mut self, slot: usize) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        entry.connection.note_received(self.now);
        if let Some(stranger) = &mut entry.stranger {
            self.strangers.note_received(stranger, slot, self.now);
        }
    }

    /// Charges for what a connection's head takes while it is read or kept.
    pub(super) fn charge_head(&mut self, slot: usize) {
        if let Some(entry) = self.table.get_mut(slot) {
            if let Some(stranger) = &mut entry.stranger {
                let held = entry.connection.head_memory();
                self.strangers.set_head_memory(stranger, slot, held);
            }
            self.charge(slot);
        }
    }

    /// The connection with the oldest incomplete head, if all heads take too much memory.
    pub(super) fn oldest_head(&self) -> Option<usize> {
        self.strangers.oldest_head(self.limits().memory_limit / 4)
    }

    /// Charges for what a connection holds, and frees memory of the largest owner if the limit is
    /// exceeded.
    pub(super) fn charge(&mut self, slot: usize) {
        if let Some(entry) = self.table.get_mut(slot) {
            self.budget.update(entry);
            let account = entry.account;
            self.make_room(account, 0, true);
        }
    }

    /// Queues bytes as they are, such as an HTTP response.
    pub(super) fn push_bytes(&mut self, slot: usize, bytes: &[u8]) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        entry.connection.push_bytes(bytes, &mut self.budget.spares);
        self.budget.update(entry);
        self.schedule.write_later(slot, entry);
    }

    /// Pings a peer, unless a ping is unanswered.
    pub(super) fn ping(&mut self, slot: usize) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        if entry.connection.ping(self.now, &mut self.budget.spares) == Action::WriteLater {
            self.has_queued(slot);
        }
    }

    /// Answers a peer's ping.
    pub(super) fn pong(&mut self, slot: usize, payload: &[u8]) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        if entry.connection.pong(payload, &mut self.budget.spares) == Action::WriteLater {
            self.has_queued(slot);
        }
    }

    /// Notes that a connection has queued something or wants to end.
    pub(super) fn has_queued(&mut self, slot: usize) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        self.budget.update(entry);
        self.schedule.write_later(slot, entry);
        self.table.rearm(slot, &self.settings.websocket);
    }

    /// Sends as many queued bytes as the socket takes.
    pub(super) fn write(&mut self, slot: usize) -> Action {
        let Some(entry) = self.table.get_mut(slot) else { return Action::Nothing };
        entry.is_to_write = false;
        let Entry { connection, socket, .. } = entry;
        if connection.is_dead() {
            return Action::Nothing;
        }
        let before = connection.out.len();
        let written = connection.out.write_to(socket, &mut self.budget.spares);
        let sent = before.saturating_sub(connection.out.len());
        self.written += sent as u64;
        let action = connection.note_written(&written, self.now);
        self.budget.update(entry);
        if let Ok(Progress::Blocked(_)) = written {
            self.table.rearm_earlier(slot, &self.settings.websocket);
        }
        action
    }

    /// Delays an answer, unless too many of one client network are delayed. Returns whether it did.
    pub(super) fn delay_answer(
        &mut self,
        slot: usize,
        delay: Duration,
        answer: DelayedAnswer,
    ) -> bool {
        let Some(entry) = self.table.get_mut(slot) else { return true };
        if !self.delays.begin(entry.caller.ip()) {
            return false;
        }
        entry.connection.delay(answer, self.now.after(delay));
        self.budget.update(entry);
        self.table.rearm(slot, &self.settings.websocket);
        true
    }

    /// Takes a delayed answer out, to be given now.
    pub(super) fn take_delayed(&mut self, slot: usize) -> Option<DelayedAnswer> {
        let entry = self.table.get_mut(slot)?;
        let answer = entry.connection.take_delayed()?;
        self.delays.end(entry.caller.ip());
        self.budget.update(entry);
        Some(answer)
    }

    // It ends.

    /// Closes an open connection: tells the peer, and waits for its answer. The relay is not told.
    pub(super) fn close(&mut self, slot: usize, reason: CloseReason) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        self.open = self.open.saturating_sub(1);
        self.ends.note(reason);
        let spares = &mut self.budget.spares;
        entry.connection.close(reason, self.now, &self.settings.websocket, spares);
        self.has_queued(slot);
    }

    /// Refuses a connection: upgrades, and closes at once.
    pub(super) fn refuse(
        &mut self,
        slot: usize,
        response: &[u8],
        reason: CloseReason,
        farewell: Farewell,
    ) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        self.ends.note(reason);
        let (limits, spares) = (&self.settings.websocket, &mut self.budget.spares);
        entry.connection.refuse(response, reason, farewell, self.now, limits, spares);
        self.has_queued(slot);
    }

    /// Answers the peer's close of an open connection. The relay is not told.
    pub(super) fn answer_close(&mut self, slot: usize, end: &Ending) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        self.open = self.open.saturating_sub(1);
        self.ends.note(end.reason);
        let (limits, spares) = (&self.settings.websocket, &mut self.budget.spares);
        entry.connection.answer_close(end.code(), self.now, limits, spares);
        self.has_queued(slot);
    }

    /// Sends what is queued and then ends the connection. With `lingers`, waits for the peer to close
    /// its side first.
    pub(super) fn leave(&mut self, slot: usize, lingers: bool) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        if entry.connection.is_dead() {
            return;
        }
        entry.connection.leave(lingers, self.now, &self.settings.websocket);
        if let Some(stranger) = &mut entry.stranger {
            self.strangers.set_head_memory(stranger, slot, 0);
        }
        self.has_queued(slot);
    }

    /// Ends a connection at once. Reports it to the relay if it was open.
    pub(super) fn end(&mut self, slot: usize, reason: CloseReason) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        let was = entry.connection.end(&mut self.budget.spares);
        if was == Was::Dead {
            return;
        }
        self.budget.note_end(entry);
        if let Some(stranger) = entry.stranger.take() {
            self.strangers.remove(stranger, slot);
        }
        match was {
            Was::Open => {
                self.open = self.open.saturating_sub(1);
                self.gone.push((entry.peer, reason));
                self.ends.note(reason);
            }
            Was::Head if reason == CloseReason::HeadTimeout => self.ends.note(reason),
            Was::Delayed => self.delays.end(entry.caller.ip()),
            _ => (),
        }
        self.dead.push(slot);
    }

    /// Ends a connection whose socket has taken nothing for too long.
    pub(super) fn end_if_stalled(&mut self, slot: usize) {
        let Some(entry) = self.table.get(slot) else { return };
        if entry.connection.is_stalled(self.now, self.limits()) {
            self.end(slot, CloseReason::NotReading);
        }
    }

    /// Handles that the server stops. The relay is not told.
    pub(super) fn stop(&mut self, slot: usize) -> Action {
        let Some(entry) = self.table.get_mut(slot) else { return Action::Nothing };
        let action = entry.connection.stop(self.now, &self.settings.websocket);
        if entry.connection.is_open() {
            self.close(slot, CloseReason::ServerStops);
        }
        action
    }

    /// The next peer whose end must be reported to the relay.
    pub(super) fn take_gone(&mut self) -> Option<(Peer, CloseReason)> {
        self.gone.pop()
    }

    /// Frees the dead connections. Returns whether there were any.
    pub(super) fn reap(&mut self, registry: &Registry) -> bool {
        if self.dead.is_empty() {
            return false;
        }
        for slot in std::mem::take(&mut self.dead) {
            if let Some(mut entry) = self.table.remove(slot) {
                self.budget.close(&mut entry);
                entry.socket.unwatch(registry);
            }
        }
        self.table.shrink();
        true
    }

    // Memory.

    /// Whether `more` bytes fit into the memory limit.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.budget.has_room(more, self.limits().memory_limit)
    }

    /// Makes room for `more` bytes of an owner, at the cost of the owner that holds the most (see
    /// [`Budget::make_room`]). Returns whether there is room.
    pub(super) fn make_room(&mut self, account: Account, more: usize, may_take_kept: bool) -> bool {
        let limit = self.limits().memory_limit;
        loop {
            match self.budget.make_room(&self.table, account, more, may_take_kept, limit) {
                Room::Known(is_there) => return is_there,
                Room::Cut(slot) => self.cut(slot),
            }
        }
    }

    /// Charges a managed tool server for what it keeps.
    pub(super) fn charge_managed(&mut self, server: usize) {
        if let Some((account, before, now)) = self.managed.charge(server) {
            self.budget.ledger.charge(account, before, now);
            if now > before {
                self.make_room(account, 0, true);
            }
        }
    }

    /// Closes a connection because its owner holds the most memory.
    fn cut(&mut self, slot: usize) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        self.budget.note_cut(entry);
        let (connection, peer) = (&entry.connection, entry.peer);
        if connection.is_open() && connection.out.len() <= MAX_QUEUED_BEFORE_CLOSE {
            self.close(slot, CloseReason::MemorySpent);
            self.gone.push((peer, CloseReason::MemorySpent));
        } else {
            self.end(slot, CloseReason::MemorySpent);
        }
    }
}
