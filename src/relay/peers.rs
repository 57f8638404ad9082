//! Which connection is which tool server or robot, and of which agent.

use super::table::{AgentKey, RobotKey, ToolServerKey};
use super::Peer;

/// What a connection is to the relay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub agent: AgentKey,
    pub role: Role,
}

/// What a connection is to its agent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Robot(RobotKey),
    ToolServer(ToolServerKey),
}

/// Only a table of more slots is shrunk.
const MIN_SHRINK: usize = 64;

/// All connections. Seats at managed tool servers have places of their own.
#[derive(Debug, Default)]
pub(super) struct Peers {
    sockets: Slots,
    seats: Slots,
}

impl Peers {
    pub(super) fn get(&self, peer: Peer) -> Option<Connection> {
        match peer.is_seat() {
            false => self.sockets.get(peer),
            true => self.seats.get(peer),
        }
    }

    pub(super) fn insert(&mut self, peer: Peer, connection: Connection) {
        self.slots(peer).insert(peer, connection);
    }

    pub(super) fn remove(&mut self, peer: Peer) -> Option<Connection> {
        self.slots(peer).remove(peer)
    }

    fn slots(&mut self, peer: Peer) -> &mut Slots {
        match peer.is_seat() {
            false => &mut self.sockets,
            true => &mut self.seats,
        }
    }

    /// Every connection.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn iter(&self) -> impl Iterator<Item = (Peer, Connection)> + '_ {
        let seats = self.seats.iter();
        let seats = seats.map(|(p, found)| (Peer::seat(p.place() as usize, p.generation), found));
        self.sockets.iter().chain(seats)
    }
}

/// The connections in the slots of a slab. The shell may give a slot to another one before the relay knows that
/// the first one is gone, so the slot alone does not name a connection.
#[derive(Debug, Default)]
struct Slots {
    /// The newest connection of each slot, with its generation.
    newest: Vec<Option<(u32, Connection)>>,
    /// Connections whose slot has a newer one. They are few, and gone soon.
    older: Vec<(Peer, Connection)>,
}

impl Slots {
    fn get(&self, peer: Peer) -> Option<Connection> {
        match self.newest.get(peer.place() as usize) {
            Some(Some((generation, connection))) if *generation == peer.generation => {
                Some(*connection)
            }
            _ => self.older.iter().find(|(older, _)| *older == peer).map(|(_, found)| *found),
        }
    }

    fn insert(&mut self, peer: Peer, connection: Connection) {
        let slot = peer.place() as usize;
        if self.newest.len() <= slot {
            self.newest.resize(slot + 1, None);
        }
        let Some(place) = self.newest.get_mut(slot) else { return };
        if let Some((generation, before)) = place.replace((peer.generation, connection)) {
            self.older.push((Peer { generation, ..peer }, before));
        }
    }

    fn remove(&mut self, peer: Peer) -> Option<Connection> {
        let found = self.get(peer)?;
        match self.newest.get_mut(peer.place() as usize) {
            Some(place) if place.is_some_and(|(generation, _)| generation == peer.generation) => {
                *place = None;
            }
            _ => self.older.retain(|(older, _)| *older != peer),
        }
        while let Some(None) = self.newest.last() {
            self.newest.pop();
        }
        let room = self.newest.capacity();
        if room > MIN_SHRINK && self.newest.len() < room / 4 {
            self.newest.shrink_to_fit();
        }
        Some(found)
    }

    /// Every connection.
    #[cfg(any(debug_assertions, test))]
    fn iter(&self) -> impl Iterator<Item = (Peer, Connection)> + '_ {
        let peer = |(slot, place): (usize, &Option<(u32, Connection)>)| {
            let (generation, connection) = (*place)?;
            Some((Peer { slot: slot as u32, generation }, connection))
        };
        self.newest.iter().enumerate().filter_map(peer).chain(self.older.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::table::Key;

    #[test]
    fn a_connection_is_found_while_its_slot_has_a_newer_one() {
        let mut peers = Slots::default();
        let peer = |slot, generation| Peer { slot, generation };
        let connection =
            |agent| Connection { agent: AgentKey::of(agent), role: Role::Robot(RobotKey::of(0)) };
        peers.insert(peer(5, 1), connection(1));
        peers.insert(peer(5, 2), connection(2));
        let agent = |peers: &Slots, peer| peers.get(peer).map(|found| found.agent.place());
        assert_eq!(agent(&peers, peer(5, 1)), Some(1));
        assert_eq!(agent(&peers, peer(5, 2)), Some(2));
        assert_eq!(agent(&peers, peer(5, 3)), None);
        assert_eq!(peers.remove(peer(5, 1)).map(|found| found.agent.place()), Some(1));
        assert_eq!(agent(&peers, peer(5, 1)), None);
        assert_eq!(agent(&peers, peer(5, 2)), Some(2));
        peers.insert(peer(5, 4), connection(4));
        assert_eq!(peers.iter().count(), 2);
        assert_eq!(peers.remove(peer(5, 4)).map(|found| found.agent.place()), Some(4));
        assert_eq!(agent(&peers, peer(5, 2)), Some(2));
        assert_eq!(peers.remove(peer(5, 2)).map(|found| found.agent.place()), Some(2));
        assert!(peers.remove(peer(9, 9)).is_none());
        assert_eq!((peers.iter().count(), peers.newest.len()), (0, 0));
    }
}
