//! The memory of connections: what is charged to whom, and who has to free some when `memory_limit` is
//! reached.

use super::table::{Caller, Entry, Table};
use crate::ledger::{Account, Ledger, Owner, Payer};
use crate::relay::Peer;
use crate::time::Moment;
use ws::SpareBuffers;

/// The bytes charged for an idle connection: its entry in the slab, twice because the slab grows by
/// doubling, and its deadline.
const IDLE_BYTES: usize = 2 * size_of::<Entry>() + 4 * size_of::<(Moment, usize)>();

/// The size of the largest short message, in bytes.
pub(super) const MAX_SHORT_MESSAGE: usize = 1024;

/// A connection that was cut because its owner held the most memory.
#[derive(Debug)]
pub(super) struct Cut {
    pub peer: Peer,
    pub caller: Caller,
    pub owner: Owner,
    /// The bytes the connection held, and those its owner held in all.
    pub held: usize,
    pub held_by_owner: usize,
}

/// What must happen so that more can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Nothing. Is there room?
    Known(bool),
    /// This connection must be cut. Then ask again.
    Cut(usize),
}

/// The memory of all connections.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// The memory charged to each owner.
    pub ledger: Ledger,
    /// Buffers in no use.
    pub spares: SpareBuffers,
    /// The bytes charged to the server for `spares`.
    spares_charged: usize,
    /// Bytes of memory of all send queues and incomplete messages.
    queued: usize,
    /// Accounts of agents whose data in the relay must shrink.
    giving_way: Vec<Account>,
    /// The connections that were cut, for the log.
    cuts: Vec<Cut>,
}

impl Budget {
    /// Opens an account and charges it for an idle connection.
    pub(super) fn open(&mut self, owner: Owner) -> Account {
        let account = self.ledger.open(owner);
        self.ledger.charge(account, 0, IDLE_BYTES);
        account
    }

    /// Takes back the charge for a connection that has just ended, although it is only freed at the end
    /// of the turn: otherwise more connections than needed would be cut.
    pub(super) fn note_end(&mut self, entry: &mut Entry) {
        self.update(entry);
        self.ledger.charge(entry.account, IDLE_BYTES, 0);
    }

    /// Takes back all charges for a connection that is freed.
    pub(super) fn close(&mut self, entry: &mut Entry) {
        self.queued = self.queued.saturating_sub(entry.charged);
        self.ledger.charge(entry.account, all_charged(entry), 0);
        self.ledger.close(entry.account);
    }

    /// Moves a connection's charges to its real owner, which is known once the head has been read.
    pub(super) fn set_owner(&mut self, entry: &mut Entry, owner: Owner) {
        let account = self.ledger.open(owner);
        let before = std::mem::replace(&mut entry.account, account);
        let charged = all_charged(entry);
        self.ledger.charge(before, charged, 0);
        self.ledger.charge(account, 0, charged);
        self.ledger.close(before);
    }

    /// Charges a connection's owner for the memory the connection takes now.
    pub(super) fn update(&mut self, entry: &mut Entry) {
        let now = entry.connection.memory();
        let before = std::mem::replace(&mut entry.charged, now);
        if now != before {
            self.ledger.charge(entry.account, before, now);
            self.queued = self.queued.saturating_sub(before).saturating_add(now);
        }
    }

    /// Charges the server for the spare buffers.
    pub(super) fn update_spares(&mut self) {
        let now = self.spares.memory();
        let before = std::mem::replace(&mut self.spares_charged, now);
        self.ledger.charge(Account::SERVER, before, now);
    }

    /// Bytes of memory of all send queues and incomplete messages.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Whether `more` bytes fit into `limit`.
    pub(super) fn has_room(&self, more: usize, limit: usize) -> bool {
        self.ledger.bytes().saturating_add(more) <= limit
    }

    /// Makes room for `more` bytes of an owner, at the cost of the owner that holds the most. With
    /// `more` counted, that may be the asking owner itself.
    ///
    /// Of the paying owner, the largest item goes: the bytes asked for, a connection, or the data
    /// the relay keeps for it. With `may_take_kept` false, the relay's data of the asking owner stays.
    pub(super) fn make_room(
        &mut self,
        table: &Table,
        account: Account,
        more: usize,
        may_take_kept: bool,
        limit: usize,
    ) -> Room {
        let payer = loop {
            let payer = match self.ledger.payer(account, more, limit) {
                Payer::Nobody => return Room::Known(true),
                Payer::Asker => account,
                Payer::Other(other) => other,
            };
            // Spare buffers go before anything in use.
            if self.spares.memory() == 0 {
                break payer;
            }
            self.spares = SpareBuffers::default();
            self.update_spares();
        };
        let (largest, mut held, held_by_all) = largest_of(table, payer);
        if matches!(self.ledger.owner(payer), Some(Owner::Stranger(_))) {
            // Even an idle connection of a stranger may be cut.
            held = held.saturating_add(IDLE_BYTES);
        }
        let kept = self.ledger.bytes_of(payer).saturating_sub(held_by_all);
        let asked = if payer == account { more } else { 0 };
        // A short message, such as an error, is not refused because of another owner's memory.
        let passes_anyway = payer != account && more <= MAX_SHORT_MESSAGE;
        match largest {
            Some(slot) if held > asked.max(kept) => Room::Cut(slot),
            _ if asked >= kept || (payer == account && !may_take_kept) => {
                self.ledger.note_gave_way(payer);
                Room::Known(passes_anyway)
            }
            _ => {
                // The relay frees its data after the current input (`take_giving_way`).
                if !self.giving_way.contains(&payer) {
                    self.giving_way.push(payer);
                }
                let all = self.ledger.bytes().saturating_add(more);
                Room::Known(passes_anyway || all <= limit.saturating_add(limit / 16))
            }
        }
    }

    /// Notes that a connection is cut.
    pub(super) fn note_cut(&mut self, entry: &Entry) {
        let account = entry.account;
        self.ledger.note_gave_way(account);
        if let Some(owner) = self.ledger.owner(account).cloned() {
            self.cuts.push(Cut {
                peer: entry.peer,
                caller: entry.caller,
                owner,
                held: entry.charged,
                held_by_owner: self.ledger.bytes_of(account),
            });
        }
    }

    /// The next agent whose data in the relay must shrink.
    pub(super) fn take_giving_way(&mut self) -> Option<Account> {
        self.giving_way.pop()
    }

    /// The connections that were cut, for the log.
    pub(super) fn take_cuts(&mut self) -> Vec<Cut> {
        std::mem::take(&mut self.cuts)
    }

    /// Checks what must always hold. `kept` is what the relay has charged for agents.
    ///
    /// # Panics
    /// If an invariant does not hold. Debug builds only.
    #[cfg(debug_assertions)]
    #[allow(clippy::panic)]
    pub(super) fn check_invariants(
        &self,
        table: &Table,
        kept: impl Iterator<Item = (Account, usize, usize)>,
    ) {
        self.ledger.check_invariants();
        let mut sums = std::collections::HashMap::from([(Account::SERVER, self.spares_charged)]);
        let connections = table.iter().map(|(_, entry)| (entry.account, all_charged(entry)));
        for (account, bytes) in
            connections.chain(kept.map(|(account, _, charged)| (account, charged)))
        {
            *sums.entry(account).or_default() += bytes;
        }
        let all: usize = sums.values().sum();
        for (account, bytes) in sums {
            let owner = self.ledger.owner(account);
            assert_eq!(self.ledger.bytes_of(account), bytes, "{owner:?} is charged a wrong sum");
        }
        assert_eq!(self.ledger.bytes(), all, "the ledger's total is wrong");
        let queued: usize = table.iter().map(|(_, entry)| entry.charged).sum();
        assert_eq!(self.queued, queued, "queued bytes are miscounted");
        // A short message is charged when it is written, so a connection to write to may differ.
        for (_, entry) in table.iter().filter(|(_, entry)| !entry.is_to_write) {
            let (charged, memory) = (entry.charged, entry.connection.memory());
            assert_eq!(charged, memory, "the charge for {} is out of date", entry.peer);
        }
    }
}

/// The bytes charged for a connection: for itself and for what it holds. A dead one is only charged for
/// what it holds (see [`Budget::note_end`]).
fn all_charged(entry: &Entry) -> usize {
    let fixed = if entry.connection.is_dead() { 0 } else { IDLE_BYTES };
    entry.charged.saturating_add(fixed)
}

/// Returns the largest connection of an owner, the bytes it holds, and the bytes charged for all
/// connections of the owner.
fn largest_of(table: &Table, account: Account) -> (Option<usize>, usize, usize) {
    let (mut largest, mut max, mut all) = (None, 0, 0usize);
    for (slot, entry) in table.iter().filter(|(_, entry)| entry.account == account) {
        all = all.saturating_add(all_charged(entry));
        let is_alive = !entry.connection.is_dead();
        if is_alive && (largest.is_none() || entry.charged > max) {
            (largest, max) = (Some(slot), entry.charged);
        }
    }
    (largest, max, all)
}
