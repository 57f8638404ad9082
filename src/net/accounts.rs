//! Whose memory the connections take, and who gives way when `memory_limit` is reached.

use super::connection::{Caller, Connection, Phase, PutOff};
use super::connections::{Connections, SHORT};
use super::server::Server;
use crate::close::CloseReason;
use crate::ledger::{Account, Owner, Payer};
use crate::moment::Moment;
use crate::relay::Peer;
use ws::memory::allocated;

/// What a connection takes while nothing waits for it and nothing has come in part: its place,
/// twice for tables grow, and its deadline.
pub(super) const IDLE: usize = 2 * size_of::<Connection>() + 4 * size_of::<(Moment, usize)>();

/// Up to this many bytes still wait for a connection that is cut with a close frame.
const POLITE: usize = 64 * 1024;

/// A connection that was cut because its owner held the most.
#[derive(Debug)]
pub(super) struct Cut {
    pub peer: Peer,
    pub caller: Caller,
    pub owner: Owner,
    /// What the connection held, and its owner in all.
    pub held: usize,
    pub held_by_owner: usize,
}

impl Connection {
    /// How many bytes of memory its queue takes, and what has come in part.
    fn memory(&self) -> usize {
        let put_off = match &self.phase {
            Phase::PutOff { answer, .. } => match &**answer {
                PutOff::Answer { bytes, .. } => allocated(bytes.capacity()),
                // What a head takes is held.
                PutOff::Request(_) => 0,
            },
            _ => 0,
        };
        self.held.saturating_add(self.out.memory()).saturating_add(put_off)
    }

    /// What its owner is charged for it besides. Of one that is over that is nothing, though it is
    /// freed at the end of the turn only: who gives way does so until there is room, and no longer.
    pub(super) fn fixed(&self) -> usize {
        if matches!(self.phase, Phase::Dead) {
            0
        } else {
            IDLE
        }
    }
}

impl Connections {
    /// Says whose connection it is. Who that is, is known only once a head has been read.
    pub(super) fn set_owner(&mut self, slot: usize, owner: Owner) {
        let account = self.ledger.open(owner);
        let Some(connection) = self.get_mut(slot) else { return self.ledger.close(account) };
        let before = std::mem::replace(&mut connection.account, account);
        let charged = connection.charged.saturating_add(connection.fixed());
        self.ledger.charge(before, charged, 0);
        self.ledger.charge(account, 0, charged);
        self.ledger.close(before);
    }

    /// Charges a connection's owner for what the connection takes now.
    pub(super) fn settle_account(&mut self, slot: usize) {
        let Some(connection) = self.get_mut(slot) else { return };
        let now = connection.memory();
        let before = std::mem::replace(&mut connection.charged, now);
        if now != before {
            let account = connection.account;
            self.ledger.charge(account, before, now);
            self.queued = self.queued.saturating_sub(before).saturating_add(now);
        }
    }

    /// Charges for what a connection's unfinished message holds now, for which somebody may have to
    /// give way.
    pub(super) fn account(&mut self, slot: usize, held: usize) {
        if let Some(connection) = self.get_mut(slot) {
            connection.held = held;
            let account = connection.account;
            self.settle_account(slot);
            self.make_room(account, 0, true);
        }
    }

    /// Charges the server for the buffers nobody uses.
    pub(super) fn settle_spares(&mut self) {
        let now = self.spares.memory();
        let before = std::mem::replace(&mut self.spares_charged, now);
        self.charge_server(before, now);
    }

    /// Charges the server itself for something that takes `now` bytes and took `before`.
    pub(super) fn charge_server(&mut self, before: usize, now: usize) {
        self.ledger.charge(Account::SERVER, before, now);
    }

    /// Whether an agent may have `more` bytes without anybody giving way.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.ledger.bytes().saturating_add(more) <= self.limits.memory_limit
    }

    /// Makes room for `more` bytes of an owner, at the cost of who holds the most; with what it
    /// asks for that may be the owner itself. Says whether there is room.
    ///
    /// Of an owner the largest thing goes: what is asked for, what a connection holds, or, where
    /// `of_all`, what the relay keeps for the owner that asks.
    pub(super) fn make_room(&mut self, account: Account, more: usize, of_all: bool) -> bool {
        let limit = self.limits.memory_limit;
        loop {
            let payer = match self.ledger.payer(account, more, limit) {
                Payer::Nobody => return true,
                Payer::Asker => account,
                Payer::Other(other) => other,
            };
            // Nobody has to give way for what nobody uses.
            if self.spares.memory() > 0 {
                self.spares = Default::default();
                self.settle_spares();
                continue;
            }
            let (largest, mut held, held_by_all) = self.largest_of(payer);
            if matches!(self.ledger.owner(payer), Some(Owner::Stranger(_))) {
                // Of a stranger even an idle connection goes.
                held = held.saturating_add(IDLE);
            }
            let kept = self.ledger.bytes_of(payer).saturating_sub(held_by_all);
            let asked = if payer == account { more } else { 0 };
            // Something short, an error above all, is never refused because of what another holds.
            let is_let_pass = payer != account && more <= SHORT;
            match largest {
                Some(slot) if held > asked.max(kept) => self.cut(slot),
                _ if asked >= kept || (payer == account && !of_all) => {
                    self.ledger.note_gave_way(payer);
                    return is_let_pass;
                }
                _ => {
                    // What the relay keeps is given up when the present input has been handled.
                    if !self.giving_way.contains(&payer) {
                        self.giving_way.push(payer);
                    }
                    let all = self.ledger.bytes().saturating_add(more);
                    return is_let_pass || all <= limit.saturating_add(limit / 16);
                }
            }
        }
    }

    /// The connection of an owner that holds the most, what it holds, and what all of them take.
    fn largest_of(&self, account: Account) -> (Option<usize>, usize, usize) {
        let (mut largest, mut most, mut all) = (None, 0, 0usize);
        for (slot, connection) in self.iter().filter(|(_, c)| c.account == account) {
            all = all.saturating_add(connection.charged).saturating_add(connection.fixed());
            let is_alive = !matches!(connection.phase, Phase::Dead);
            if is_alive && (largest.is_none() || connection.charged > most) {
                (largest, most) = (Some(slot), connection.charged);
            }
        }
        (largest, most, all)
    }

    /// Cuts a connection off because its owner holds the most.
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
        if is_open && waits <= POLITE {
            self.start_closing(slot, CloseReason::MemorySpent);
            self.fallen.push((peer, CloseReason::MemorySpent));
        } else {
            self.kill(slot, CloseReason::MemorySpent);
        }
    }

    /// What must always hold, where the relay has charged `kept` for agents.
    ///
    /// # Panics
    /// Where it does not: debug builds only.
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
            assert_eq!(
                self.ledger.bytes_of(account),
                bytes,
                "{owner:?} is charged for something else"
            );
        }
        assert_eq!(self.ledger.bytes(), all, "somebody is charged for nothing");
        let queued: usize = self.iter().map(|(_, c)| c.charged).sum();
        assert_eq!(self.queued, queued, "queued bytes are miscounted");
        // Short messages are charged when they are written.
        for (_, connection) in self.iter().filter(|(_, connection)| !connection.dirty) {
            assert_eq!(
                connection.charged,
                connection.memory(),
                "{} is not settled",
                connection.peer
            );
        }
    }
}

impl Server {
    /// Has the relay keep less for agents that hold the most, where others need the room.
    pub(super) fn relieve(&mut self) {
        while let Some(account) = self.connections.giving_way.pop() {
            self.relay.give_way(self.now, account, &mut self.connections);
        }
    }

    /// Brings the accounts up to date at the end of a turn, and says who had to give way.
    pub(super) fn settle_accounts(&mut self) {
        self.relieve();
        self.connections.settle_spares();
        let language = self.settings.server.language;
        let limit = self.settings.websocket.memory_limit;
        for cut in std::mem::take(&mut self.connections.cuts) {
            let Some(said) = self.memory_cuts.note(cut.owner.clone(), self.now) else { continue };
            if said.others > 0 {
                log::warn!("{}", language.others_unsaid(said.others));
            }
            let who = match &cut.owner {
                Owner::Agent(agent) => format!("[agent {agent:?} {} {}]", cut.peer, cut.caller),
                _ => format!("[{} {}]", cut.peer, cut.caller),
            };
            let holds = (size_in_words(cut.held), size_in_words(cut.held_by_owner));
            let what = language.memory_cut(&size_in_words(limit), &holds.1, &holds.0);
            log::warn!("{}", language.complaint(who, &what, said.count));
        }
        #[cfg(debug_assertions)]
        self.connections.check_accounts(self.relay.kept());
    }
}

/// A number of bytes for a person.
fn size_in_words(bytes: usize) -> String {
    match bytes >> 20 {
        0..10 => format!("{} KB", bytes >> 10),
        megabytes => format!("{megabytes} MB"),
    }
}
