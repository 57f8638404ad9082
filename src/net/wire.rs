//! What the relay can do to connections.

use super::budget::MAX_SHORT_MESSAGE;
use super::shell::Shell;
use super::table::Entry;
use crate::close::CloseReason;
use crate::ledger::{Account, Owner};
use crate::relay::{Congested, Peer, Wire};

/// From this many bytes on, a message or all queued messages together are written without waiting
/// for the end of the turn: the bytes are still in the processor's cache then.
pub(super) const WRITE_NOW_BYTES: usize = 64 * 1024;

/// By how many bytes short messages may exceed the limit of a queue, so that errors get through.
const MAX_OVERDRAFT: usize = 64 * 1024;

impl Shell {
    /// Queues a message for the managed tool server of a seat.
    fn send_to_seat(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let Some((server, account)) = self.managed.server_of(peer) else { return Ok(()) };
        let size = pieces.iter().map(|piece| piece.len()).sum();
        if !self.has_room(size) && !self.make_room(account, size, true) {
            return Err(Congested);
        }
        let sent = self.managed.send(self.now, peer, pieces);
        self.charge_managed(server);
        sent
    }
}

impl Wire for Shell {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        if peer.is_seat() {
            return self.send_to_seat(peer, pieces);
        }
        let Some(slot) = self.table.slot_of(peer) else { return Ok(()) };
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        let Some(entry) = self.table.get(slot) else { return Ok(()) };
        let waiting = entry.connection.out.len();
        let allowance = if size <= MAX_SHORT_MESSAGE { MAX_OVERDRAFT } else { 0 };
        let room = self.limits().max_queued.saturating_add(allowance);
        if waiting > 0 && waiting.saturating_add(size) > room {
            return Err(Congested);
        }
        let account = entry.account;
        if !self.has_room(size) && !self.make_room(account, size, true) {
            return Err(Congested);
        }
        // Making room may have ended this connection; then it takes the message silently.
        let Some(entry) = self.table.get_mut(slot) else { return Ok(()) };
        let Entry { connection, socket, .. } = entry;
        if waiting == 0 && size >= WRITE_NOW_BYTES {
            let written = connection.send_now(pieces, socket, &mut self.budget.spares);
            self.written += written as u64;
        } else {
            connection.send(pieces, &mut self.budget.spares);
            self.schedule.fresh = self.schedule.fresh.saturating_add(size);
        }
        if connection.out.len() > waiting {
            self.schedule.write_later(slot, entry);
        }
        // A short message is charged when it is written, at the end of the turn at the latest.
        if size > MAX_SHORT_MESSAGE {
            self.budget.update(entry);
        }
        Ok(())
    }

    fn close(&mut self, peer: Peer, reason: CloseReason) {
        if peer.is_seat() {
            return self.managed.close(peer);
        }
        if let Some(slot) = self.table.slot_of(peer) {
            Shell::close(self, slot, reason);
        }
    }

    fn probe(&mut self, peer: Peer) {
        if let Some(slot) = self.table.slot_of(peer) {
            self.ping(slot);
        }
    }

    fn open_account(&mut self, agent: &str) -> Account {
        self.budget.ledger.open(Owner::Agent(agent.into()))
    }

    fn close_account(&mut self, account: Account) {
        self.budget.ledger.close(account);
    }

    fn charge(&mut self, account: Account, before: usize, now: usize) {
        self.budget.ledger.charge(account, before, now);
    }

    fn admits(&mut self, account: Account, bytes: usize) -> bool {
        self.has_room(bytes) || self.make_room(account, bytes, false)
    }
}
