//! The table of connections: who is in which slot, and when each has its next timeout.
//!
//! A connection that ends stays in its slot until the end of the turn. So a slot means the same
//! connection for the whole turn.

use super::connection::Connection;
use super::socket::Socket;
use super::strangers::Stranger;
use crate::ledger::Account;
use crate::relay::Peer;
use crate::settings::WebSocket;
use crate::time::{Deadlines, Moment};
use slab::Slab;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The slab keeps room for at least this many connections.
const MIN_CAPACITY: usize = 64;

/// The client of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The peer address of the socket.
    pub address: SocketAddr,
    /// The client's address as a trusted proxy gives it.
    pub client: Option<IpAddr>,
}

impl Caller {
    /// The client's address. An IPv4 address mapped into IPv6 becomes plain IPv4.
    pub(super) fn ip(&self) -> IpAddr {
        self.client.unwrap_or(self.address.ip()).to_canonical()
    }
}

/// For the log and the status page. The port of a client behind a proxy is unknown.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client {
            Some(client) => client.fmt(f),
            None => SocketAddr::new(self.ip(), self.address.port()).fmt(f),
        }
    }
}

/// A connection, and what the owners beside the table keep with it so that none has to search.
#[derive(Debug)]
pub(super) struct Entry {
    pub connection: Connection,
    pub socket: Socket,
    pub caller: Caller,
    /// Its name in the relay.
    pub peer: Peer,
    /// The account of its owner, and the bytes charged to it for what the connection holds.
    pub account: Account,
    pub charged: usize,
    /// Whether it is in the list of connections to read from, and to write to.
    pub is_to_read: bool,
    pub is_to_write: bool,
    /// Its entry among the connections that have shown no token; `None` once it has.
    pub stranger: Option<Stranger>,
    /// Its deadline in [`Deadlines`].
    armed: Option<Moment>,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Table {
    slab: Slab<Entry>,
    deadlines: Deadlines<usize>,
    /// How many connections there have been.
    generation: u32,
}

impl Table {
    /// Adds a connection to [`next_slot`](Self::next_slot).
    pub(super) fn insert(
        &mut self,
        socket: Socket,
        address: SocketAddr,
        account: Account,
        stranger: Stranger,
        now: Moment,
    ) {
        self.generation = self.generation.wrapping_add(1);
        let slot = u32::try_from(self.next_slot()).unwrap_or(u32::MAX);
        self.slab.insert(Entry {
            connection: Connection::new(now),
            socket,
            caller: Caller { address, client: None },
            peer: Peer { slot, generation: self.generation },
            account,
            charged: 0,
            is_to_read: false,
            is_to_write: false,
            stranger: Some(stranger),
            armed: None,
        });
    }

    /// The slot the next connection will get.
    pub(super) fn next_slot(&self) -> usize {
        self.slab.vacant_key()
    }

    /// Takes a connection out.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Entry> {
        let mut entry = self.slab.try_remove(slot)?;
        self.deadlines.arm(&mut entry.armed, slot, None);
        Some(entry)
    }

    /// Frees memory after a burst of connections.
    pub(super) fn shrink(&mut self) {
        let room = self.slab.capacity();
        if room > MIN_CAPACITY && self.slab.len() < room / 4 {
            self.slab.shrink_to_fit();
        }
    }

    /// The number of connections, dead ones included.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Entry> {
        self.slab.get(slot)
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Entry> {
        self.slab.get_mut(slot)
    }

    /// All connections with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.slab.iter()
    }

    /// The slots of all connections.
    pub(super) fn slots(&self) -> Vec<usize> {
        self.slab.iter().map(|(slot, _)| slot).collect()
    }

    /// The slot of an open connection.
    pub(super) fn slot_of(&self, peer: Peer) -> Option<usize> {
        let slot = usize::try_from(peer.slot).ok()?;
        let entry = self.slab.get(slot)?;
        (entry.peer == peer && entry.connection.is_open()).then_some(slot)
    }

    /// Updates the deadline of a connection.
    pub(super) fn rearm(&mut self, slot: usize, limits: &WebSocket) {
        if let Some(entry) = self.slab.get_mut(slot) {
            let next = entry.connection.deadline(limits);
            self.deadlines.arm(&mut entry.armed, slot, next);
        }
    }

    /// Updates the deadline of a connection if it has become earlier. A later one is set when the
    /// earlier one fires, which saves work on the hot path.
    pub(super) fn rearm_earlier(&mut self, slot: usize, limits: &WebSocket) {
        if let Some(entry) = self.slab.get_mut(slot) {
            if let Some(next) = entry.connection.deadline(limits) {
                self.deadlines.arm_earlier(&mut entry.armed, slot, next);
            }
        }
    }

    /// When the next deadline is.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// A connection whose deadline has passed. [`rearm`](Self::rearm) must follow.
    pub(super) fn pop_due(&mut self, now: Moment) -> Option<usize> {
        let slot = self.deadlines.pop_due(now)?;
        if let Some(entry) = self.slab.get_mut(slot) {
            entry.armed = None;
        }
        Some(slot)
    }
}
