//! Charges the memory of connections to their owners, and frees memory when `memory_limit` is
//! reached.

use super::connection::{Caller, Connection, DelayedAnswer, Phase};
use super::connections::{Connections, MAX_SHORT_MESSAGE};
use super::server::Server;
use crate::close::CloseReason;
use crate::ledger::{Account, Owner, Payer};
use crate::relay::Peer;
use crate::time::Moment;
use ws::memory::allocated;

/// The bytes charged for an idle connection: its entry in the slab, twice because the slab grows by
/// doubling, and its deadline.
pub(super) const IDLE_BYTES: usize = 2 * size_of::<Connection>() + 4 * size_of::<(Moment, usize)>();

/// A connection with more bytes than this to send is cut without a close frame.
const MAX_QUEUED_BEFORE_CLOSE: usize = 64 * 1024;

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

impl Connection {
    /// The bytes of memory of its send queue and of its incomplete message, head or delayed answer.
    fn memory(&self) -> usize {
        let delayed = match &self.phase {
            Phase::Delayed { answer, .. } => match &**answer {
                DelayedAnswer::Response { bytes, .. } => allocated(bytes.capacity()),
                // A head counts in `held`.
                DelayedAnswer::KeyCheck(_) => 0,
            },
            _ => 0,
        };
        self.held.saturating_add(self.out.memory()).saturating_add(delayed)
    }

    /// The bytes its owner is charged for the connection itself. A dead connection counts 0, although
    /// it is only freed at the end of the turn: otherwise more connections than needed would be cut.
    pub(super) fn fixed(&self) -> usize {
        if matches!(self.phase, Phase::Dead) {
            0
        } else {
            IDLE_BYTES
        }
    }
}

impl Connections {
    /// Moves a connection's charges to its real owner, which is known once the head has been read.
    pub(super) fn set_owner(&mut self, slot: usize, owner: Owner) {
        let account = self.ledger.open(owner);
        let Some(connection) = self.get_mut(slot) else { return self.ledger.close(account) };
        let before = std::mem::replace(&mut connection.account, account);
        let charged = connection.charged.saturating_add(connection.fixed());
        self.ledger.charge(before, charged, 0);
        self.ledger.charge(account, 0, charged);
        self.ledger.close(before);
    }

    /// Charges a connection's owner for the memory the connection takes now.
    pub(super) fn update_account(&mut self, slot: usize) {
        let Some(connection) = self.get_mut(slot) else { return };
        let now = connection.memory();
        let before = std::mem::replace(&mut connection.charged, now);
        if now != before {
            let account = connection.account;
            self.ledger.charge(account, before, now);
            self.queued = self.queued.saturating_sub(before).saturating_add(now);
        }
    }

    /// Charges for the `held` bytes of a connection's incomplete message, and frees memory of
    /// the largest owner if the limit is exceeded.
    pub(super) fn charge_held(&mut self, slot: usize, held: usize) {
        if let Some(connection) = self.get_mut(slot) {
            connection.held = held;
            let account = connection.account;
            self.update_account(slot);
            self.make_room(account, 0, true);
        }
    }

    /// Charges the server for the spare buffers.
    pub(super) fn update_spares(&mut self) {
        let now = self.spares.memory();
        let before = std::mem::replace(&mut self.spares_charged, now);
        self.charge_server(before, now);
    }

    /// Charges the server itself for something that took `before` bytes and takes `now`.
    pub(super) fn charge_server(&mut self, before: usize, now: usize) {
        self.ledger.charge(Account::SERVER, before, now);
    }

    /// Whether `more` bytes fit into the memory limit.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.ledger.bytes().saturating_add(more) <= self.limits.memory_limit
    }

    /// Makes room for `more` bytes of an owner, at the cost of the owner that holds the most. With
    /// `more` counted, that may be the asking owner itself. Returns whether there is room.
    ///
    /// Of the paying owner, the largest item goes: the bytes asked for, a connection, or the data
    /// the relay keeps for it. With `may_take_kept` false, the relay's data of the asking owner stays.
    pub(super) fn make_room(&mut self, account: Account, more: usize, may_take_kept: bool) -> bool {
        let limit = self.limits.memory_limit;
        loop {
            let payer = match self.ledger.payer(account, more, limit) {
                Payer::Nobody => return true,
                Payer::Asker => account,
                Payer::Other(other) => other,
            };
            // Spare buffers go before anything in use.
            if self.spares.memory() > 0 {
                self.spares = Default::default();
                self.update_spares();
                continue;
            }
            let (largest, mut held, held_by_all) = self.largest_of(payer);
            if matches!(self.ledger.owner(payer), Some(Owner::Stranger(_))) {
                // Even an idle connection of a stranger may be cut.
                held = held.saturating_add(IDLE_BYTES);
            }
            let kept = self.ledger.bytes_of(payer).saturating_sub(held_by_all);
            let asked = if payer == account { more } else { 0 };
            // A short message, such as an error, is not refused because of another owner's memory.
            let passes_anyway = payer != account && more <= MAX_SHORT_MESSAGE;
            match largest {
                Some(slot) if held > asked.max(kept) => self.cut(slot),
                _ if asked >= kept || (payer == account && !may_take_kept) => {
                    self.ledger.note_gave_way(payer);
                    return passes_anyway;
                }
                _ => {
                    // The relay frees its data after the current input (`reclaim_memory`).
                    if !self.giving_way.contains(&payer) {
                        self.giving_way.push(payer);
                    }
                    let all = self.ledger.bytes().saturating_add(more);
                    return passes_anyway || all <= limit.saturating_add(limit / 16);
                }
            }
        }
    }

    /// Returns the largest connection of an owner, the bytes it holds, and the bytes charged for all
    /// connections of the owner.
    fn largest_of(&self, account: Account) -> (Option<usize>, usize, usize) {
        let (mut largest, mut max, mut all) = (None, 0, 0usize);
        for (slot, connection) in self.iter().filter(|(_, c)| c.account == account) {
            all = all.saturating_add(connection.charged).saturating_add(connection.fixed());
            let is_alive = !matches!(connection.phase, Phase::Dead);
            if is_alive && (largest.is_none() || connection.charged > max) {
                (largest, max) = (Some(slot), connection.charged);
            }
        }
        (largest, max, all)
    }

    /// Closes a connection because its owner holds the most memory.
    fn cut(&mut self, slot: usize) {
        let Some(connection) = self.get_mut(slot) else { return };
        let (peer, caller, account) = (connection.peer, connection.caller, connection.account);
        let (held, waits, is_open) =
            (connection.charged, connection.out.len(), connection.is_open());
        self.ledger.note_gave_way(account);
        if let Some(owner) = self.ledger.owner(account).cloned() {
            let held_by_owner = self.ledger.bytes_of(account);
            self.cuts.push(Cut { peer, caller, owner, held, held_by_owner });
        }
        if is_open && waits <= MAX_QUEUED_BEFORE_CLOSE {
            self.start_closing(slot, CloseReason::MemorySpent);
            self.gone.push((peer, CloseReason::MemorySpent));
        } else {
            self.kill(slot, CloseReason::MemorySpent);
        }
    }

    /// Checks the invariants of the accounts. `kept` is what the relay has charged for agents.
    ///
    /// # Panics
    /// If an invariant does not hold. Debug builds only.
    #[cfg(debug_assertions)]
    #[allow(clippy::panic)]
    pub(super) fn check_accounts(&self, kept: impl Iterator<Item = (Account, usize, usize)>) {
        self.ledger.check_invariants();
        let mut sums = std::collections::HashMap::from([(Account::SERVER, self.spares_charged)]);
        let connections = self.iter().map(|(_, c)| (c.account, c.charged + c.fixed()));
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
        let queued: usize = self.iter().map(|(_, c)| c.charged).sum();
        assert_eq!(self.queued, queued, "queued bytes are miscounted");
        // A short message is charged when it is written, so a dirty connection may differ.
        for (_, connection) in self.iter().filter(|(_, connection)| !connection.dirty) {
            assert_eq!(
                connection.charged,
                connection.memory(),
                "the charge for {} is out of date",
                connection.peer
            );
        }
    }
}

impl Server {
    /// Lets the relay free data of the agents that hold the most memory, if others need it.
    pub(super) fn reclaim_memory(&mut self) {
        while let Some(account) = self.connections.giving_way.pop() {
            self.relay.give_way(self.now, account, &mut self.connections);
        }
    }

    /// Updates the accounts at the end of a turn, and logs the connections that were cut.
    pub(super) fn update_accounts(&mut self) {
        self.reclaim_memory();
        self.connections.update_spares();
        let language = self.settings.server.language;
        let limit = self.settings.websocket.memory_limit;
        for cut in std::mem::take(&mut self.connections.cuts) {
            let Some(due) = self.memory_cuts.note(cut.owner.clone(), self.now) else { continue };
            if due.others > 0 {
                log::warn!("{}", language.others_unsaid(due.others));
            }
            let who = match &cut.owner {
                Owner::Agent(agent) => format!("[agent {agent:?} {} {}]", cut.peer, cut.caller),
                _ => format!("[{} {}]", cut.peer, cut.caller),
            };
            let holds = (readable_size(cut.held), readable_size(cut.held_by_owner));
            let what = language.memory_cut(&readable_size(limit), &holds.1, &holds.0);
            log::warn!("{}", language.complaint(who, &what, due.count));
        }
        #[cfg(debug_assertions)]
        self.connections.check_accounts(self.relay.kept());
    }
}

/// Formats a number of bytes for a log message.
fn readable_size(bytes: usize) -> String {
    match bytes >> 20 {
        0..10 => format!("{} KB", bytes >> 10),
        megabytes => format!("{megabytes} MB"),
    }
}
