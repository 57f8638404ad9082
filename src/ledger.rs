//! Memory accounts: one for each owner, and the choice of the owner that pays when the limit is
//! reached.
//!
//! An owner is an agent, the address of a client without a token (a stranger), or the server itself.
//! Everything the server keeps for a peer is charged to its owner, in bytes of memory. The ledger only
//! has the numbers; the callers own the data and free it.

use slab::Slab;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use ws::memory::allocated;

/// The network that a provider gives to one client: an IPv4 address, or the first 64 bits of an IPv6
/// address.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

/// To whom memory is charged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The server itself.
    Server,
    /// The network of a client that has shown no token.
    Stranger(IpAddr),
    /// The agent that a token names.
    Agent(Box<str>),
    /// A tool server that the program runs or dials itself, by its name.
    Managed(Box<str>),
}

impl Owner {
    /// The owner of a connection from `address` that has shown no token. All addresses of one
    /// [`client_network`] are one owner.
    pub fn stranger(address: IpAddr) -> Self {
        Owner::Stranger(client_network(address))
    }

    /// The kind of the owner.
    pub fn kind(&self) -> OwnerKind {
        match self {
            Owner::Server => OwnerKind::Server,
            Owner::Stranger(_) => OwnerKind::Stranger,
            Owner::Agent(_) => OwnerKind::Agent,
            Owner::Managed(_) => OwnerKind::Managed,
        }
    }
}

/// A kind of owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKind {
    /// The server itself.
    Server,
    /// Clients that have shown no token.
    Stranger,
    /// Agents.
    Agent,
    /// Tool servers that the program runs or dials itself.
    Managed,
}

impl OwnerKind {
    /// Every kind, in the order of the totals.
    pub const ALL: [OwnerKind; 4] =
        [OwnerKind::Server, OwnerKind::Stranger, OwnerKind::Agent, OwnerKind::Managed];

    /// The name in metrics, never translated.
    pub fn label(self) -> &'static str {
        match self {
            OwnerKind::Server => "server",
            OwnerKind::Stranger => "stranger",
            OwnerKind::Agent => "agent",
            OwnerKind::Managed => "managed",
        }
    }
}

/// The account of an owner: its index in the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(u32);

impl Account {
    /// The account of the server itself.
    pub const SERVER: Account = Account(0);

    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The sums over all owners of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The number of owners.
    pub owners: usize,
    /// The bytes they hold.
    pub bytes: usize,
    /// How often one of them had to give way since the start.
    pub gave_way: u64,
}

/// The owner that has to give way so that more can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// There is room.
    Nobody,
    /// The owner that asks, because with what it asks for it would hold the most.
    Asker,
    /// Another owner, which holds the most.
    Other(Account),
}

/// One owner's entry.
#[derive(Debug)]
struct Entry {
    owner: Owner,
    bytes: usize,
    /// How often the account is open: by connections, and by the relay for its agents.
    users: u32,
}

/// The accounts of all owners.
#[derive(Debug)]
pub struct Ledger {
    entries: Slab<Entry>,
    accounts: HashMap<Owner, Account>,
    bytes: usize,
    totals: [Totals; OwnerKind::ALL.len()],
}

impl Default for Ledger {
    fn default() -> Self {
        let mut ledger = Ledger {
            entries: Slab::new(),
            accounts: HashMap::new(),
            bytes: 0,
            totals: [Totals::default(); OwnerKind::ALL.len()],
        };
        // The first index is 0, which is [`Account::SERVER`].
        ledger.open(Owner::Server);
        ledger
    }
}

impl Ledger {
    /// Opens the account of `owner`. It stays open until it has been closed as often.
    pub fn open(&mut self, owner: Owner) -> Account {
        if let Some(account) = self.accounts.get(&owner) {
            if let Some(entry) = self.entries.get_mut(account.index()) {
                entry.users = entry.users.saturating_add(1);
            }
            return *account;
        }
        let index = u32::try_from(self.entries.vacant_key()).unwrap_or(u32::MAX);
        let account = Account(index);
        self.totals_mut(owner.kind()).owners += 1;
        self.accounts.insert(owner.clone(), account);
        self.entries.insert(Entry { owner, bytes: 0, users: 1 });
        account
    }

    /// Closes an account once. Bytes still charged when the last user closes it are dropped.
    pub fn close(&mut self, account: Account) {
        let Some(entry) = self.entries.get_mut(account.index()) else { return };
        entry.users = entry.users.saturating_sub(1);
        if entry.users > 0 || account == Account::SERVER {
            return;
        }
        debug_assert_eq!(entry.bytes, 0, "{:?} still has charges", entry.owner);
        let rest = entry.bytes;
        self.charge(account, rest, 0);
        if let Some(entry) = self.entries.try_remove(account.index()) {
            self.accounts.remove(&entry.owner);
            let totals = self.totals_mut(entry.owner.kind());
            totals.owners = totals.owners.saturating_sub(1);
        }
        let room = self.entries.capacity();
        if room > 64 && self.entries.len() < room / 4 {
            self.entries.shrink_to_fit();
            self.accounts.shrink_to_fit();
        }
    }

    /// Charges an account for something that took `before` bytes and takes `now`.
    pub fn charge(&mut self, account: Account, before: usize, now: usize) {
        let Some(entry) = self.entries.get_mut(account.index()) else { return };
        debug_assert!(entry.bytes >= before, "{:?} frees more than it holds", entry.owner);
        let update = |sum: &mut usize| *sum = sum.saturating_sub(before).saturating_add(now);
        update(&mut entry.bytes);
        update(&mut self.bytes);
        let kind = entry.owner.kind();
        update(&mut self.totals_mut(kind).bytes);
    }

    /// The bytes that all owners hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes that an owner holds.
    pub fn bytes_of(&self, account: Account) -> usize {
        self.entries.get(account.index()).map_or(0, |entry| entry.bytes)
    }

    /// The owner of an account.
    pub fn owner(&self, account: Account) -> Option<&Owner> {
        self.entries.get(account.index()).map(|entry| &entry.owner)
    }

    /// The account of an owner, if it is open.
    pub fn find(&self, owner: &Owner) -> Option<Account> {
        self.accounts.get(owner).copied()
    }

    /// The sums over all owners of a kind.
    pub fn totals(&self, kind: OwnerKind) -> Totals {
        let [server, stranger, agent, managed] = self.totals;
        match kind {
            OwnerKind::Server => server,
            OwnerKind::Stranger => stranger,
            OwnerKind::Agent => agent,
            OwnerKind::Managed => managed,
        }
    }

    fn totals_mut(&mut self, kind: OwnerKind) -> &mut Totals {
        let [server, stranger, agent, managed] = &mut self.totals;
        match kind {
            OwnerKind::Server => server,
            OwnerKind::Stranger => stranger,
            OwnerKind::Agent => agent,
            OwnerKind::Managed => managed,
        }
    }

    /// Counts that the owner of an account has given way.
    pub fn note_gave_way(&mut self, account: Account) {
        if let Some(kind) = self.owner(account).map(Owner::kind) {
            let totals = self.totals_mut(kind);
            totals.gave_way = totals.gave_way.saturating_add(1);
        }
    }

    /// Chooses who has to give way before the owner of `account` may hold `more` bytes, so that all
    /// together hold at most `limit` bytes.
    ///
    /// It is the owner that holds the most, and therefore at least its share. Agents never give way
    /// to strangers. Strangers may hold half of the limit while there is room. While they hold more
    /// than a quarter, they give way before any agent does. They may always hold a sixteenth, even if
    /// agents hold the whole limit: otherwise no new client could connect.
    pub fn payer(&self, account: Account, more: usize, limit: usize) -> Payer {
        let fits = self.bytes.saturating_add(more) <= limit;
        let asker = self.entries.get(account.index());
        let is_stranger = |entry: &Entry| entry.owner.kind() == OwnerKind::Stranger;
        let asks_a_stranger = asker.is_some_and(is_stranger);
        let strangers = self.totals(OwnerKind::Stranger).bytes;
        if asks_a_stranger {
            let strangers = strangers.saturating_add(more);
            if strangers <= limit / 16 || (fits && strangers <= limit / 2) {
                return Payer::Nobody;
            }
        } else if fits {
            return Payer::Nobody;
        }
        let strangers_pay = asks_a_stranger || strangers > limit / 4;
        let may_pay = |entry: &Entry| match entry.owner.kind() {
            OwnerKind::Server => false,
            OwnerKind::Stranger => true,
            OwnerKind::Agent | OwnerKind::Managed => !strangers_pay,
        };
        let others = self.entries.iter().filter(|(index, _)| *index != account.index());
        let largest =
            others.filter(|(_, entry)| may_pay(entry)).max_by_key(|(_, entry)| entry.bytes);
        let asked = match asker {
            Some(entry) if asks_a_stranger || !strangers_pay => entry.bytes.saturating_add(more),
            _ => 0,
        };
        match largest {
            Some((index, entry)) if entry.bytes > asked => {
                Payer::Other(Account(u32::try_from(index).unwrap_or(u32::MAX)))
            }
            _ => Payer::Asker,
        }
    }

    /// Checks the invariants, in tests and debug builds only.
    ///
    /// # Panics
    /// If an invariant does not hold.
    #[cfg(any(debug_assertions, test))]
    pub fn check_invariants(&self) {
        let all = || self.entries.iter();
        assert_eq!(all().map(|(_, entry)| entry.bytes).sum::<usize>(), self.bytes);
        for kind in OwnerKind::ALL {
            let of = || all().filter(|(_, entry)| entry.owner.kind() == kind);
            let bytes: usize = of().map(|(_, entry)| entry.bytes).sum();
            let totals = self.totals(kind);
            assert_eq!((of().count(), bytes), (totals.owners, totals.bytes), "{kind:?}");
        }
        assert_eq!(
            self.accounts.len(),
            self.entries.len(),
            "an account cannot be found by its owner"
        );
    }
}

const WORD: usize = size_of::<usize>();

/// The bytes on the heap of a `HashMap` with room for `capacity` entries: each bucket has one control
/// byte, and one bucket in eight stays empty.
pub fn table_of<K, V>(capacity: usize) -> usize {
    let buckets = capacity.saturating_add(capacity / 7);
    allocated(buckets.saturating_mul(size_of::<(K, V)>().saturating_add(1)))
}

/// A table or a queue that grows has up to twice the room it uses.
pub const GROWS: usize = 2;

/// The bytes on the heap of a `BTreeMap` of `len` entries. Its nodes are only a little more than half
/// full if keys are inserted in order.
pub fn tree_of<K, V>(len: usize) -> usize {
    let entry = size_of::<(K, V)>().saturating_add(2 * WORD);
    len.saturating_mul(entry).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn agent(name: &str) -> Owner {
        Owner::Agent(name.into())
    }

    fn stranger(address: &str) -> Owner {
        Owner::stranger(address.parse().unwrap())
    }

    /// A ledger in which each owner holds the given bytes.
    fn ledger(owners: &[(&Owner, usize)]) -> (Ledger, Vec<Account>) {
        let mut ledger = Ledger::default();
        let accounts = owners.iter().map(|(owner, bytes)| {
            let account = ledger.open((*owner).clone());
            ledger.charge(account, 0, *bytes);
            account
        });
        let accounts = accounts.collect();
        ledger.check_invariants();
        (ledger, accounts)
    }

    #[test]
    fn an_account_stays_until_its_last_user_closes_it() {
        let mut ledger = Ledger::default();
        let one = ledger.open(agent("a"));
        assert_eq!(ledger.open(agent("a")), one);
        ledger.charge(one, 0, 100);
        ledger.charge(one, 40, 10);
        assert_eq!((ledger.bytes(), ledger.bytes_of(one)), (70, 70));
        ledger.close(one);
        assert_eq!(ledger.find(&agent("a")), Some(one));
        ledger.charge(one, 70, 0);
        ledger.close(one);
        assert_eq!((ledger.find(&agent("a")), ledger.totals(OwnerKind::Agent).owners), (None, 0));
        ledger.close(Account::SERVER);
        assert_eq!(ledger.owner(Account::SERVER), Some(&Owner::Server));
        ledger.check_invariants();
    }

    #[test]
    fn strangers_of_one_network_are_one_owner() {
        assert_eq!(stranger("2001:db8:1:2::3"), stranger("2001:db8:1:2:ffff::"));
        assert_ne!(stranger("2001:db8:1:2::3"), stranger("2001:db8:1:3::3"));
        assert_eq!(stranger("::ffff:192.0.2.1"), stranger("192.0.2.1"));
        assert_ne!(stranger("192.0.2.1"), stranger("192.0.2.2"));
    }

    #[test]
    fn the_owner_that_holds_the_most_pays_and_the_bytes_asked_for_count() {
        let (a, b, c) = (agent("a"), agent("b"), agent("c"));
        let (ledger, accounts) = ledger(&[(&a, 500), (&b, 300), (&c, 100)]);
        let (a, b, c) = (accounts[0], accounts[1], accounts[2]);
        assert_eq!(ledger.payer(c, 100, 1000), Payer::Nobody);
        assert_eq!(ledger.payer(c, 101, 1000), Payer::Other(a));
        assert_eq!(ledger.payer(b, 101, 1000), Payer::Other(a));
        assert_eq!(ledger.payer(a, 101, 1000), Payer::Asker);
        assert_eq!(
            ledger.payer(c, 400, 1000),
            Payer::Asker,
            "with 400 more it holds as much as the largest"
        );
        assert_eq!(ledger.payer(c, 399, 1000), Payer::Other(a));
    }

    #[test]
    fn agents_never_give_way_to_strangers() {
        let (a, x, y) = (agent("a"), stranger("192.0.2.1"), stranger("192.0.2.2"));
        let (mut ledger, accounts) = ledger(&[(&a, 400), (&x, 450), (&y, 40)]);
        let (a, x, y) = (accounts[0], accounts[1], accounts[2]);
        assert_eq!(ledger.payer(y, 10, 1000), Payer::Nobody);
        assert_eq!(ledger.payer(y, 11, 1000), Payer::Other(x), "strangers hold half");
        assert_eq!(ledger.payer(x, 11, 1000), Payer::Asker);
        ledger.charge(x, 450, 250);
        assert_eq!(ledger.payer(a, 400, 1000), Payer::Other(x), "strangers give way to agents");
        ledger.charge(x, 250, 200);
        assert_eq!(ledger.payer(a, 400, 1000), Payer::Asker, "down to a quarter");
        ledger.charge(a, 400, 950);
        assert_eq!(
            ledger.payer(y, 1, 1000),
            Payer::Other(x),
            "not the agent, although it is larger"
        );
        ledger.charge(x, 200, 10);
        assert_eq!(
            ledger.payer(y, 12, 1000),
            Payer::Nobody,
            "strangers may always hold a sixteenth"
        );
        assert_eq!(ledger.payer(y, 13, 1000), Payer::Asker);
    }

    #[test]
    fn the_payer_always_holds_at_least_its_share() {
        let mut random = Random::new(7);
        let mut random = |below: usize| random.place(below);
        for _ in 0..10_000 {
            let owners: Vec<Owner> = (0..1 + random(6)).map(|n| agent(&n.to_string())).collect();
            let holdings: Vec<usize> = owners.iter().map(|_| random(400)).collect();
            let pairs: Vec<_> = owners.iter().zip(holdings.iter().copied()).collect();
            let (ledger, accounts) = ledger(&pairs);
            let (asker, more) = (accounts[random(accounts.len())], random(600));
            let share = 1000 / accounts.len();
            match ledger.payer(asker, more, 1000) {
                Payer::Nobody => assert!(ledger.bytes() + more <= 1000),
                Payer::Asker => assert!(ledger.bytes_of(asker) + more >= share),
                Payer::Other(other) => assert!(ledger.bytes_of(other) >= share),
            }
        }
    }

    #[test]
    fn sizes_include_the_allocators_overhead() {
        assert_eq!(allocated(0), 0);
        let small: Vec<usize> = [1, 24, 25, 40, 41, 1000].map(allocated).into();
        if WORD == 8 {
            assert_eq!(small, [32, 32, 48, 48, 64, 1008]);
        }
        assert_eq!(ws::memory::array_of::<u64>(3), allocated(24));
        assert!(table_of::<u64, u64>(7) >= 8 * 17);
        assert!(tree_of::<u64, u64>(10) >= 10 * 16);
        assert!(allocated(usize::MAX) > 0);
    }
}
