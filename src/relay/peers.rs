//! Which connection is which tool server or robot, and of which agent.

use super::{Peer, Side};

/// Room for this many connections is never given back.
const MIN_ROOM: usize = 64;

/// Where a connection belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub side: Side,
    /// The agent's place in the relay.
    pub agent: usize,
    /// Its place among the agent's tool servers or robots.
    pub place: usize,
}

/// All connections, at the places that the shell keeps them at: finding one takes no search.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// The last entry is never empty.
    slots: Vec<Option<(u32, Place)>>,
    count: usize,
}

impl Peers {
    /// Adds a connection. One that had its slot before is forgotten.
    pub(super) fn insert(&mut self, peer: Peer, place: Place) {
        let slot = peer.slot as usize;
        if slot >= self.slots.len() {
            self.slots.resize(slot + 1, None);
        }
        if let Some(entry) = self.slots.get_mut(slot) {
            let before = entry.replace((peer.generation, place));
            self.count += usize::from(before.is_none());
        }
    }

    /// Where a connection belongs; nothing where it is not known any more.
    #[inline]
    pub(super) fn get(&self, peer: Peer) -> Option<Place> {
        match self.slots.get(peer.slot as usize) {
            Some(Some((generation, place))) if *generation == peer.generation => Some(*place),
            _ => None,
        }
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, peer: Peer) -> Option<Place> {
        let place = self.get(peer)?;
        if let Some(entry) = self.slots.get_mut(peer.slot as usize) {
            *entry = None;
            self.count -= 1;
        }
        while let Some(None) = self.slots.last() {
            self.slots.pop();
        }
        if self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to(MIN_ROOM.max(2 * self.slots.len()));
        }
        Some(place)
    }

    /// How many there are, and each of them.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn all(&self) -> (usize, impl Iterator<Item = (Peer, Place)> + '_) {
        let entries = self.slots.iter().enumerate().filter_map(|(slot, entry)| {
            let (generation, place) = (*entry)?;
            Some((Peer { slot: u32::try_from(slot).ok()?, generation }, place))
        });
        (self.count, entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_known_by_its_generation_and_room_is_given_back() {
        let mut peers = Peers::default();
        let peer = |slot, generation| Peer { slot, generation };
        let place = |place| Place { side: Side::Robot, agent: 0, place };
        for slot in 0..1000 {
            peers.insert(peer(slot, 1), place(slot as usize));
        }
        assert_eq!(peers.get(peer(7, 1)).map(|found| found.place), Some(7));
        assert!(peers.get(peer(7, 2)).is_none() && peers.remove(peer(7, 2)).is_none());
        assert!(peers.get(peer(1000, 1)).is_none());
        peers.insert(peer(7, 2), place(8));
        assert!(peers.get(peer(7, 1)).is_none());
        for slot in 0..1000 {
            let generation = if slot == 7 { 2 } else { 1 };
            assert!(peers.remove(peer(slot, generation)).is_some());
        }
        assert_eq!(peers.all().0, 0);
        assert!(peers.slots.is_empty() && peers.slots.capacity() <= 2 * MIN_ROOM);
    }
}
