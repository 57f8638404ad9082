//! The table of connections, and what may be done to a connection outside its own handler.
//!
//! Nothing is freed here: a connection that ends is marked, and freed at the end of the turn. So a
//! slot stays valid for the whole turn.

use super::accounts::{Cut, IDLE_BYTES};
use super::connection::{Connection, DelayedAnswer, Phase};
use super::strangers::{Source, Strangers};
use crate::close::CloseReason;
use crate::http::CloseCounts;
use crate::ledger::{customer, Account, Ledger, Owner};
use crate::relay::{Congested, Peer, Wire};
use crate::settings::WebSocket;
use crate::time::{Deadlines, Moment};
use mio::net::TcpStream;
use slab::Slab;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tungstenite::protocol::frame::coding::Control;
use ws::{CloseFinder, Progress, SpareBuffers};

/// The slab keeps room for at least this many connections.
const MIN_CAPACITY: usize = 64;

/// From this many bytes on, a message or all queued messages together are written without waiting
/// for the end of the turn: the bytes are still in the processor's cache then.
pub(super) const WRITE_NOW_BYTES: usize = 64 * 1024;

/// The size of the largest short message, in bytes.
pub(super) const MAX_SHORT_MESSAGE: usize = 1024;

/// By how many bytes short messages may exceed the limit of a queue, so that errors get through.
const MAX_OVERDRAFT: usize = 64 * 1024;

/// All connections, and the [`Wire`] of the relay.
#[derive(Debug)]
pub(super) struct Connections {
    slab: Slab<Connection>,
    /// The time of the current turn.
    pub now: Moment,
    pub limits: WebSocket,
    pub deadlines: Deadlines<usize>,
    /// Slots of connections with something queued since they were last written to.
    pub dirty: Vec<usize>,
    /// Bytes of messages queued since all connections were last written to.
    pub fresh: usize,
    /// Bytes sent since the start.
    pub written: u64,
    /// Slots of dead connections, to be freed.
    pub dead: Vec<usize>,
    /// Peers whose end must be reported to the relay.
    pub gone: Vec<(Peer, CloseReason)>,
    pub spares: SpareBuffers,
    /// The memory charged to each owner.
    pub ledger: Ledger,
    /// Bytes of memory of all send queues and incomplete messages.
    pub queued: usize,
    /// The bytes charged to the server for `spares`.
    pub spares_charged: usize,
    /// Accounts of agents whose data in the relay must shrink.
    pub giving_way: Vec<Account>,
    /// Connections that were cut because their owners held the most memory, for the log.
    pub cuts: Vec<Cut>,
    /// The number of open WebSockets.
    pub open: usize,
    /// The number of delayed answers of each customer.
    delayed: HashMap<IpAddr, usize>,
    /// The connections that have shown no token.
    pub strangers: Strangers,
    /// How many connections ended, by reason.
    pub ends: CloseCounts,
    generation: u32,
}

impl Connections {
    pub(super) fn new(limits: WebSocket) -> Self {
        Connections {
            slab: Slab::new(),
            now: Moment::default(),
            limits,
            deadlines: Deadlines::default(),
            dirty: Vec::new(),
            fresh: 0,
            written: 0,
            dead: Vec::new(),
            gone: Vec::new(),
            spares: SpareBuffers::default(),
            ledger: Ledger::default(),
            queued: 0,
            spares_charged: 0,
            giving_way: Vec::new(),
            cuts: Vec::new(),
            open: 0,
            delayed: HashMap::new(),
            strangers: Strangers::default(),
            ends: CloseCounts::default(),
            generation: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The number of connections that are not dead.
    pub(super) fn alive(&self) -> usize {
        self.slab.len().saturating_sub(self.dead.len())
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slab.get_mut(slot)
    }

    /// All connections with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Connection)> {
        self.slab.iter()
    }

    /// The slots of all connections.
    pub(super) fn slots(&self) -> Vec<usize> {
        self.slab.iter().map(|(slot, _)| slot).collect()
    }

    /// Whether a connection is dead. A handler must check this after each step that may free memory,
    /// because that may have ended its own connection.
    pub(super) fn is_over(&self, slot: usize) -> bool {
        self.slab.get(slot).is_none_or(|connection| matches!(connection.phase, Phase::Dead))
    }

    /// The slot the next connection will get.
    pub(super) fn next_slot(&self) -> usize {
        self.slab.vacant_key()
    }

    /// Adds a new connection and returns its slot.
    pub(super) fn insert(
        &mut self,
        socket: TcpStream,
        address: SocketAddr,
        source: Source,
    ) -> usize {
        self.generation = self.generation.wrapping_add(1);
        let slot = u32::try_from(self.slab.vacant_key()).unwrap_or(u32::MAX);
        let peer = Peer { slot, generation: self.generation };
        let account = self.ledger.open(Owner::stranger(address.ip()));
        self.ledger.charge(account, 0, IDLE_BYTES);
        let slot = self.slab.insert(Connection::new(socket, peer, address, self.now, account));
        if let Some(connection) = self.slab.get_mut(slot) {
            connection.stranger = Some(self.strangers.insert(slot, source, self.now));
        }
        self.rearm(slot);
        slot
    }

    /// Frees a dead connection and its charges.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Connection> {
        let mut connection = self.slab.try_remove(slot)?;
        self.deadlines.arm(&mut connection.armed, slot, None);
        if let Some(stranger) = connection.stranger.take() {
            self.strangers.remove(stranger, slot);
        }
        self.queued = self.queued.saturating_sub(connection.charged);
        let charged = connection.charged.saturating_add(connection.fixed());
        self.ledger.charge(connection.account, charged, 0);
        self.ledger.close(connection.account);
        connection.out.clear(&mut self.spares);
        Some(connection)
    }

    /// Frees memory of the slab after a burst of connections.
    pub(super) fn shrink(&mut self) {
        let room = self.slab.capacity();
        if room > MIN_CAPACITY && self.slab.len() < room / 4 {
            self.slab.shrink_to_fit();
        }
    }

    /// Updates the deadline of a connection.
    pub(super) fn rearm(&mut self, slot: usize) {
        if let Some(connection) = self.slab.get_mut(slot) {
            let next = connection.deadline(&self.limits);
            self.deadlines.arm(&mut connection.armed, slot, next);
        }
    }

    /// Updates the deadline of a connection if it has become earlier. A later one is set when the
    /// earlier one fires, which saves work on the hot path.
    pub(super) fn rearm_earlier(&mut self, slot: usize) {
        if let Some(connection) = self.slab.get_mut(slot) {
            if let Some(next) = connection.deadline(&self.limits) {
                self.deadlines.arm_earlier(&mut connection.armed, slot, next);
            }
        }
    }

    /// Delays an answer, unless `max` answers of the same customer are delayed already. Returns
    /// whether it did.
    pub(super) fn delay_answer(
        &mut self,
        slot: usize,
        delay: Duration,
        answer: DelayedAnswer,
        max: usize,
    ) -> bool {
        let Some(connection) = self.slab.get_mut(slot) else { return true };
        let count = self.delayed.entry(customer(connection.caller.ip())).or_default();
        if *count >= max {
            return false;
        }
        *count += 1;
        let until = self.now.after(delay);
        connection.phase = Phase::Delayed { until, answer: Box::new(answer) };
        self.update_account(slot);
        self.rearm(slot);
        true
    }

    /// Takes a delayed answer out, to be given now.
    pub(super) fn take_delayed(&mut self, slot: usize) -> Option<DelayedAnswer> {
        let connection = self.slab.get_mut(slot)?;
        if !matches!(connection.phase, Phase::Delayed { .. }) {
            return None;
        }
        forget_one(&mut self.delayed, connection.caller.ip());
        let phase = std::mem::replace(&mut connection.phase, Phase::Head(Box::default()));
        self.update_account(slot);
        match phase {
            Phase::Delayed { answer, .. } => Some(*answer),
            _ => None,
        }
    }

    /// The slot of an open connection.
    fn slot_of(&self, peer: Peer) -> Option<usize> {
        let slot = usize::try_from(peer.slot).ok()?;
        self.slab.get(slot).filter(|c| c.peer == peer && c.is_open()).map(|_| slot)
    }

    /// Notes that bytes were received.
    pub(super) fn note_received(&mut self, slot: usize) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.last_heard = self.now;
        connection.pinged = None;
        if let Some(stranger) = &mut connection.stranger {
            self.strangers.note_received(stranger, slot, self.now);
        }
    }

    /// Notes that a connection has shown a token.
    pub(super) fn has_shown_token(&mut self, slot: usize) {
        let stranger = self.slab.get_mut(slot).and_then(|connection| connection.stranger.take());
        if let Some(stranger) = stranger {
            self.strangers.remove(stranger, slot);
        }
    }

    /// Notes the client's address that a trusted proxy has given.
    pub(super) fn set_client(&mut self, slot: usize, client: IpAddr) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.caller.client = Some(client);
        if let Some(stranger) = &mut connection.stranger {
            self.strangers.set_client(stranger, slot, client);
        }
        self.set_owner(slot, Owner::stranger(client));
    }

    /// Charges for the `held` bytes that a connection's head takes while it is read or kept.
    pub(super) fn charge_head(&mut self, slot: usize, held: usize) {
        self.update_head(slot, held);
        self.charge_held(slot, held);
    }

    fn update_head(&mut self, slot: usize, held: usize) {
        let connection = self.slab.get_mut(slot);
        if let Some(stranger) = connection.and_then(|connection| connection.stranger.as_mut()) {
            self.strangers.set_head_memory(stranger, slot, held);
        }
    }

    /// The connection with the oldest incomplete head, if all heads take too much memory.
    pub(super) fn oldest_head(&self) -> Option<usize> {
        self.strangers.oldest_head(self.limits.memory_limit / 4)
    }

    /// Queues bytes as they are, such as an HTTP response.
    pub(super) fn push_bytes(&mut self, slot: usize, bytes: &[u8]) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.out.push_bytes(bytes, &mut self.spares);
        self.update_account(slot);
        self.mark_dirty(slot);
    }

    /// Queues a control frame.
    pub(super) fn push_control(&mut self, slot: usize, code: Control, payload: &[u8]) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.out.push_control(code, payload, &mut self.spares);
        self.update_account(slot);
        self.mark_dirty(slot);
    }

    /// Pings a peer, unless a ping is unanswered.
    pub(super) fn ping(&mut self, slot: usize) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        if connection.pinged.is_none() {
            connection.pinged = Some(self.now);
            self.push_control(slot, Control::Ping, b"");
        }
        self.rearm(slot);
    }

    pub(super) fn mark_dirty(&mut self, slot: usize) {
        if let Some(connection) = self.slab.get_mut(slot) {
            if !connection.dirty {
                connection.dirty = true;
                self.dirty.push(slot);
            }
        }
    }

    /// Sends as many queued bytes as the socket takes. Returns `None` for a dead connection.
    pub(super) fn write(&mut self, slot: usize) -> Option<io::Result<Progress>> {
        let connection = self.slab.get_mut(slot)?;
        connection.dirty = false;
        if matches!(connection.phase, Phase::Dead) {
            return None;
        }
        let before = connection.out.len();
        let written = connection.out.write_to(&mut connection.socket, &mut self.spares);
        let sent = before.saturating_sub(connection.out.len());
        match written {
            Ok(Progress::Empty) => connection.stalled = None,
            Ok(Progress::Blocked(0)) if connection.stalled.is_some() => (),
            _ => connection.stalled = Some(self.now),
        }
        self.written += sent as u64;
        self.update_account(slot);
        Some(written)
    }

    /// Closes a WebSocket with a close frame. The relay is not told.
    pub(super) fn start_closing(&mut self, slot: usize, reason: CloseReason) {
        let until = self.now.after(self.limits.close_timeout);
        let (code, text) = reason.on_the_wire();
        let payload = [&code.to_be_bytes(), text.as_bytes()].concat();
        let Some(connection) = self.slab.get_mut(slot) else { return };
        let close_finder = match std::mem::replace(&mut connection.phase, Phase::Dead) {
            Phase::Open(receiver) => {
                self.open = self.open.saturating_sub(1);
                receiver.close_finder()
            }
            _ => CloseFinder::default(),
        };
        connection.phase = Phase::Closing { until, close_finder };
        // What had come in part is forgotten.
        connection.held = 0;
        self.ends.note(reason);
        self.push_control(slot, Control::Close, &payload);
        if reason.discards_input() {
            self.finish(slot, true);
        } else {
            self.rearm(slot);
        }
    }

    /// Sends what is queued and then ends the connection. With `lingers`, waits for the peer to close
    /// its side first.
    pub(super) fn finish(&mut self, slot: usize, lingers: bool) {
        let until = self.now.after(self.limits.close_timeout);
        if self.is_over(slot) {
            return;
        }
        if let Some(connection) = self.slab.get_mut(slot) {
            connection.phase = Phase::Leaving { until, lingers, shut: false };
            // What had come in part is forgotten.
            connection.held = 0;
        }
        self.update_head(slot, 0);
        self.update_account(slot);
        self.mark_dirty(slot);
        self.rearm(slot);
    }

    /// Ends a connection at once. Reports it to the relay if it was open.
    pub(super) fn kill(&mut self, slot: usize, reason: CloseReason) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.held = 0;
        connection.out.clear(&mut self.spares);
        let phase = std::mem::replace(&mut connection.phase, Phase::Dead);
        let (peer, address) = (connection.peer, connection.caller.ip());
        let account = connection.account;
        let stranger = connection.stranger.take();
        if let Some(stranger) = stranger {
            self.strangers.remove(stranger, slot);
        }
        self.update_account(slot);
        if !matches!(phase, Phase::Dead) {
            self.ledger.charge(account, IDLE_BYTES, 0);
        }
        match phase {
            Phase::Dead => return,
            Phase::Open(_) => {
                self.open = self.open.saturating_sub(1);
                self.gone.push((peer, reason));
                self.ends.note(reason);
            }
            Phase::Head(_) if reason == CloseReason::HeadTimeout => self.ends.note(reason),
            Phase::Delayed { .. } => forget_one(&mut self.delayed, address),
            _ => (),
        }
        self.dead.push(slot);
    }
}

/// Counts one delayed answer of a customer less.
fn forget_one(waiting: &mut HashMap<IpAddr, usize>, address: IpAddr) {
    let customer = customer(address);
    if let Some(count) = waiting.get_mut(&customer) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            waiting.remove(&customer);
        }
    }
}

impl Wire for Connections {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let Some(slot) = self.slot_of(peer) else { return Ok(()) };
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        let Some(connection) = self.slab.get(slot) else { return Ok(()) };
        let waiting = connection.out.len();
        let allowance = if size <= MAX_SHORT_MESSAGE { MAX_OVERDRAFT } else { 0 };
        let room = self.limits.max_queued.saturating_add(allowance);
        if waiting > 0 && waiting.saturating_add(size) > room {
            return Err(Congested);
        }
        let account = connection.account;
        if !self.has_room(size) && !self.make_room(account, size, true) {
            return Err(Congested);
        }
        // Making room may have ended this connection.
        let Some(connection) = self.slab.get_mut(slot).filter(|c| c.is_open()) else {
            return Ok(());
        };
        let Connection { out, socket, .. } = connection;
        if waiting == 0 && size >= WRITE_NOW_BYTES {
            let written = out.write_text(pieces, socket, &mut self.spares);
            self.written += written as u64;
        } else {
            out.push_text(pieces, &mut self.spares);
            self.fresh = self.fresh.saturating_add(size);
        }
        if out.len() > waiting {
            self.mark_dirty(slot);
        }
        // A short message is charged when it is written, at the end of the turn at the latest.
        if size > MAX_SHORT_MESSAGE {
            self.update_account(slot);
        }
        Ok(())
    }

    fn close(&mut self, peer: Peer, reason: CloseReason) {
        if let Some(slot) = self.slot_of(peer) {
            self.start_closing(slot, reason);
        }
    }

    fn probe(&mut self, peer: Peer) {
        if let Some(slot) = self.slot_of(peer) {
            self.ping(slot);
        }
    }

    fn open_account(&mut self, agent: &str) -> Account {
        self.ledger.open(Owner::Agent(agent.into()))
    }

    fn close_account(&mut self, account: Account) {
        self.ledger.close(account);
    }

    fn charge(&mut self, account: Account, before: usize, now: usize) {
        self.ledger.charge(account, before, now);
    }

    fn admits(&mut self, account: Account, bytes: usize) -> bool {
        self.has_room(bytes) || self.make_room(account, bytes, false)
    }
}
