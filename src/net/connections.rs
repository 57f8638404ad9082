//! All connections: what may be done to one from outside its own handler.
//!
//! Nothing is freed here: a connection that is over is marked and reaped at the end of the turn,
//! so that whoever holds its place finds it still there.

use super::accounts::{Cut, IDLE};
use super::connection::{Connection, Phase, PutOff};
use super::strangers::{Source, Strangers};
use crate::close::CloseReason;
use crate::http::CloseCounts;
use crate::ledger::{customer, Account, Ledger, Owner};
use crate::moment::{Deadlines, Moment};
use crate::relay::{Congested, Peer, Wire};
use crate::settings::WebSocket;
use mio::net::TcpStream;
use slab::Slab;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tungstenite::protocol::frame::coding::Control;
use ws::Skimmer;
use ws::{Progress, Spares};

/// Room for this many connections is never given back.
const FEW: usize = 64;

/// How many bytes are written without waiting for the end of the turn, together or of one message:
/// they are still in the processor's cache then.
pub(super) const MUCH: usize = 64 * 1024;

/// Messages up to this size, in bytes, …
pub(super) const SHORT: usize = 1024;

/// … may overdraw a full queue by this much: an error is worth more than silence.
const OVERDRAFT: usize = 64 * 1024;

/// The connections.
#[derive(Debug)]
pub(super) struct Connections {
    slab: Slab<Connection>,
    /// Now, for those who queue and close.
    pub now: Moment,
    pub limits: WebSocket,
    pub deadlines: Deadlines<usize>,
    /// Places of those something was queued for since they were last written to.
    pub dirty: Vec<usize>,
    /// Bytes of messages queued since all were last written to.
    pub fresh: usize,
    /// Bytes written so far.
    pub written: u64,
    /// Places of those that are over, to be reaped.
    pub dead: Vec<usize>,
    /// Peers the relay has to be told of that they are gone.
    pub fallen: Vec<(Peer, CloseReason)>,
    pub spares: Spares,
    /// Who keeps how much.
    pub ledger: Ledger,
    /// Bytes of memory of all queues and of all unfinished messages.
    pub queued: usize,
    /// What the server is charged for `spares`.
    pub spares_charged: usize,
    /// Accounts of agents for which the relay has to keep less.
    pub giving_way: Vec<Account>,
    /// Connections that were cut because their owners held the most, for the log.
    pub cuts: Vec<Cut>,
    /// WebSockets the relay knows.
    pub open: usize,
    /// How many of each customer wait for an answer that is put off.
    put_off: HashMap<IpAddr, usize>,
    /// Those that have shown no token.
    pub strangers: Strangers,
    /// How they ended so far.
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
            fallen: Vec::new(),
            spares: Spares::default(),
            ledger: Ledger::default(),
            queued: 0,
            spares_charged: 0,
            giving_way: Vec::new(),
            cuts: Vec::new(),
            open: 0,
            put_off: HashMap::new(),
            strangers: Strangers::default(),
            ends: CloseCounts::default(),
            generation: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// How many are not over.
    pub(super) fn alive(&self) -> usize {
        self.slab.len().saturating_sub(self.dead.len())
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slab.get_mut(slot)
    }

    /// All connections with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Connection)> {
        self.slab.iter()
    }

    /// The places of all connections.
    pub(super) fn slots(&self) -> Vec<usize> {
        self.slab.iter().map(|(slot, _)| slot).collect()
    }

    /// Whether a connection has ended, perhaps just now, because others needed its memory. Nothing
    /// may become of it any more.
    pub(super) fn is_over(&self, slot: usize) -> bool {
        self.slab.get(slot).is_none_or(|connection| matches!(connection.phase, Phase::Dead))
    }

    /// The place the next connection will get.
    pub(super) fn next_slot(&self) -> usize {
        self.slab.vacant_key()
    }

    /// Takes a new connection in.
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
        self.ledger.charge(account, 0, IDLE);
        let slot = self.slab.insert(Connection::new(socket, peer, address, self.now, account));
        if let Some(connection) = self.slab.get_mut(slot) {
            connection.stranger = Some(self.strangers.enter(slot, source, self.now));
        }
        self.rearm(slot);
        slot
    }

    /// Frees a connection that is over.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Connection> {
        let mut connection = self.slab.try_remove(slot)?;
        self.deadlines.arm(&mut connection.armed, slot, None);
        if let Some(stranger) = connection.stranger.take() {
            self.strangers.leave(stranger, slot);
        }
        self.queued = self.queued.saturating_sub(connection.charged);
        let charged = connection.charged.saturating_add(connection.fixed());
        self.ledger.charge(connection.account, charged, 0);
        self.ledger.close(connection.account);
        connection.out.clear(&mut self.spares);
        Some(connection)
    }

    /// Gives memory back that a burst of connections needed.
    pub(super) fn shrink(&mut self) {
        let room = self.slab.capacity();
        if room > FEW && self.slab.len() < room / 4 {
            self.slab.shrink_to_fit();
        }
    }

    /// Sets the deadline of a connection anew.
    pub(super) fn rearm(&mut self, slot: usize) {
        if let Some(connection) = self.slab.get_mut(slot) {
            let next = connection.deadline(&self.limits);
            self.deadlines.arm(&mut connection.armed, slot, next);
        }
    }

    /// Sets the deadline of a connection to an earlier one where that is due. A later one is
    /// found when the earlier has come.
    pub(super) fn rearm_earlier(&mut self, slot: usize) {
        if let Some(connection) = self.slab.get_mut(slot) {
            if let Some(next) = connection.deadline(&self.limits) {
                self.deadlines.arm_earlier(&mut connection.armed, slot, next);
            }
        }
    }

    /// Puts an answer off, unless `most` of its customer wait for one already. Says whether it did.
    pub(super) fn put_off(
        &mut self,
        slot: usize,
        delay: Duration,
        answer: PutOff,
        most: usize,
    ) -> bool {
        let Some(connection) = self.slab.get_mut(slot) else { return true };
        let count = self.put_off.entry(customer(connection.caller.ip())).or_default();
        if *count >= most {
            return false;
        }
        *count += 1;
        let until = self.now.after(delay);
        connection.phase = Phase::PutOff { until, answer: Box::new(answer) };
        self.settle_account(slot);
        self.rearm(slot);
        true
    }

    /// Takes an answer that was put off, to give it now.
    pub(super) fn take_put_off(&mut self, slot: usize) -> Option<PutOff> {
        let connection = self.slab.get_mut(slot)?;
        if !matches!(connection.phase, Phase::PutOff { .. }) {
            return None;
        }
        forget_one(&mut self.put_off, connection.caller.ip());
        let phase = std::mem::replace(&mut connection.phase, Phase::Head(Box::default()));
        self.settle_account(slot);
        match phase {
            Phase::PutOff { answer, .. } => Some(*answer),
            _ => None,
        }
    }

    /// The place of an open connection.
    fn slot_of(&self, peer: Peer) -> Option<usize> {
        let slot = usize::try_from(peer.slot).ok()?;
        self.slab.get(slot).filter(|c| c.peer == peer && c.is_open()).map(|_| slot)
    }

    /// Something has come from a connection.
    pub(super) fn heard(&mut self, slot: usize) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.heard = self.now;
        connection.pinged = None;
        if let Some(stranger) = &mut connection.stranger {
            self.strangers.heard(stranger, slot, self.now);
        }
    }

    /// A connection has shown a token.
    pub(super) fn is_no_stranger(&mut self, slot: usize) {
        let stranger = self.slab.get_mut(slot).and_then(|connection| connection.stranger.take());
        if let Some(stranger) = stranger {
            self.strangers.leave(stranger, slot);
        }
    }

    /// A trusted proxy has named the client of a connection.
    pub(super) fn named(&mut self, slot: usize, client: IpAddr) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.caller.client = Some(client);
        if let Some(stranger) = &mut connection.stranger {
            self.strangers.named(stranger, slot, client);
        }
        self.set_owner(slot, Owner::stranger(client));
    }

    /// Accounts for what a connection's head takes now, while it is read or kept.
    pub(super) fn account_head(&mut self, slot: usize, held: usize) {
        self.settle_head(slot, held);
        self.account(slot, held);
    }

    fn settle_head(&mut self, slot: usize, held: usize) {
        let connection = self.slab.get_mut(slot);
        if let Some(stranger) = connection.and_then(|connection| connection.stranger.as_mut()) {
            self.strangers.holds(stranger, slot, held);
        }
    }

    /// The connection whose half-read head gives way, where all of them take too much.
    pub(super) fn oldest_head(&self) -> Option<usize> {
        self.strangers.oldest_head(self.limits.memory_limit / 4)
    }

    /// Queues bytes that are no message.
    pub(super) fn push_bytes(&mut self, slot: usize, bytes: &[u8]) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.out.push_bytes(bytes, &mut self.spares);
        self.settle_account(slot);
        self.mark_dirty(slot);
    }

    /// Queues a control frame.
    pub(super) fn push_control(&mut self, slot: usize, code: Control, payload: &[u8]) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.out.push_control(code, payload, &mut self.spares);
        self.settle_account(slot);
        self.mark_dirty(slot);
    }

    /// Pings a peer, unless it has been pinged and not heard since.
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

    /// Writes what waits for a connection, as far as its socket takes it.
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
        self.settle_account(slot);
        Some(written)
    }

    /// Closes a WebSocket with a close frame. The relay is not told.
    pub(super) fn start_closing(&mut self, slot: usize, reason: CloseReason) {
        let until = self.now.after(self.limits.close_timeout);
        let (code, words) = reason.on_the_wire();
        let payload = [&code.to_be_bytes(), words.as_bytes()].concat();
        let Some(connection) = self.slab.get_mut(slot) else { return };
        let skimmer = match std::mem::replace(&mut connection.phase, Phase::Dead) {
            Phase::Open(receiver) => {
                self.open = self.open.saturating_sub(1);
                receiver.skimmer()
            }
            _ => Skimmer::default(),
        };
        connection.phase = Phase::Closing { until, skimmer };
        // What had come in part is forgotten.
        connection.held = 0;
        self.ends.note(reason);
        self.push_control(slot, Control::Close, &payload);
        if reason.discards_input() {
            self.leave(slot, true);
        } else {
            self.rearm(slot);
        }
    }

    /// Sends what is queued and then ends the connection.
    pub(super) fn leave(&mut self, slot: usize, lingers: bool) {
        let until = self.now.after(self.limits.close_timeout);
        if self.is_over(slot) {
            return;
        }
        if let Some(connection) = self.slab.get_mut(slot) {
            connection.phase = Phase::Leaving { until, lingers, shut: false };
            // What had come in part is forgotten.
            connection.held = 0;
        }
        self.settle_head(slot, 0);
        self.settle_account(slot);
        self.mark_dirty(slot);
        self.rearm(slot);
    }

    /// Ends a connection at once. The relay is told, where it knew it.
    pub(super) fn kill(&mut self, slot: usize, reason: CloseReason) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.held = 0;
        connection.out.clear(&mut self.spares);
        let phase = std::mem::replace(&mut connection.phase, Phase::Dead);
        let (peer, address) = (connection.peer, connection.caller.ip());
        let account = connection.account;
        let stranger = connection.stranger.take();
        if let Some(stranger) = stranger {
            self.strangers.leave(stranger, slot);
        }
        self.settle_account(slot);
        if !matches!(phase, Phase::Dead) {
            self.ledger.charge(account, IDLE, 0);
        }
        match phase {
            Phase::Dead => return,
            Phase::Open(_) => {
                self.open = self.open.saturating_sub(1);
                self.fallen.push((peer, reason));
                self.ends.note(reason);
            }
            Phase::Head(_) if reason == CloseReason::HeadTimeout => self.ends.note(reason),
            Phase::PutOff { .. } => forget_one(&mut self.put_off, address),
            _ => (),
        }
        self.dead.push(slot);
    }
}

/// One fewer of a customer waits.
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
        let allowance = if size <= SHORT { OVERDRAFT } else { 0 };
        let room = self.limits.max_queued.saturating_add(allowance);
        if waiting > 0 && waiting.saturating_add(size) > room {
            return Err(Congested);
        }
        let account = connection.account;
        if !self.has_room(size) && !self.make_room(account, size, true) {
            return Err(Congested);
        }
        // It may have held the most itself.
        let Some(connection) = self.slab.get_mut(slot).filter(|c| c.is_open()) else {
            return Ok(());
        };
        let Connection { out, socket, .. } = connection;
        if waiting == 0 && size >= MUCH {
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
        if size > SHORT {
            self.settle_account(slot);
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
