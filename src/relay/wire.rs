//! What the shell is to the relay: connections, and what can be done with them.

use crate::close::CloseReason;
use crate::ledger::Account;
use std::fmt;

/// A connection, as the shell names it. A name is not used again while the relay may
/// still know the connection that had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Its place in the shell's slab.
    pub slot: u32,
    /// Which of the shell's connections it is: they are counted.
    pub generation: u32,
}

impl Peer {
    /// This bit of a slot says that the peer is a seat at a managed tool server.
    const SEAT: u32 = 1 << 31;

    /// A seat, the one in this place.
    pub fn seat(place: usize, generation: u32) -> Self {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        Peer { slot: place | Peer::SEAT, generation }
    }

    /// Whether it is a seat.
    pub fn is_seat(self) -> bool {
        self.slot & Peer::SEAT != 0
    }

    /// Its place, among the seats or among the connections.
    pub fn place(self) -> u32 {
        self.slot & !Peer::SEAT
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_seat() { '@' } else { '#' };
        write!(f, "{sign}{}.{}", self.place(), self.generation)
    }
}

/// Which end of the relay a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A connection from an MCP server, 工具端.
    Tool,
    /// A connection from the Xiaozhi side, 小智端.
    Robot,
}

/// Why a message was not queued: its receiver's queue is full, or the memory is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Congested;

/// What the relay can do to the world. The shell is one; a test is another.
///
/// Nothing here calls back into the relay.
pub trait Wire {
    /// Queues one message for `peer`: the pieces, one after another, are one JSON-RPC message of
    /// one line. A peer that is gone already takes it silently.
    ///
    /// # Errors
    /// [`Congested`] where the peer's queue has no room for it; then nothing was queued.
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested>;

    /// Closes the connection once what is queued has been sent. The relay has forgotten the peer:
    /// it need not be told that it left.
    fn close(&mut self, peer: Peer, reason: CloseReason);

    /// Pings the peer's connection at once, to find out whether it lives.
    fn probe(&mut self, peer: Peer);

    /// Opens the account of an agent the relay keeps something for, until it is closed again.
    fn open_account(&mut self, _agent: &str) -> Account {
        Account::default()
    }

    /// The relay keeps nothing for the agent any more.
    fn close_account(&mut self, _account: Account) {}

    /// What the relay keeps for an owner takes `now` bytes of memory and took `before`.
    fn charge(&mut self, _account: Account, _before: usize, _now: usize) {}

    /// Whether the relay may keep `bytes` more for an owner. Others may have to give way for it.
    fn admits(&mut self, _account: Account, _bytes: usize) -> bool {
        true
    }
}

/// What a connection joins as.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    /// Tool or robot.
    pub side: Side,
    /// The agent its token names.
    pub agent: &'a str,
    /// The `server_id` of a tool server's address.
    pub server_id: Option<&'a str>,
    /// Where it dialled in from, for log lines and the status page.
    pub address: &'a str,
}
