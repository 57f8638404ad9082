//! The robots and the tool servers of an agent, each found by a key of its own type.
//!
//! A table knows when the first of its members has something to do: it notes which member may have got
//! another deadline, and looks at that one again.

use crate::sorted;
use crate::time::{earlier, Moment};
use slab::Slab;
use std::marker::PhantomData;

/// The key of a member.
pub(super) trait Key: Copy + PartialEq {
    fn of(place: usize) -> Self;
    fn place(self) -> usize;
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct $name(u32);

        impl Key for $name {
            fn of(place: usize) -> Self {
                $name(place as u32)
            }

            fn place(self) -> usize {
                self.0 as usize
            }
        }
    };
}

key! {
    /// An agent of the relay.
    AgentKey
}
key! {
    /// A robot of an agent.
    RobotKey
}
key! {
    /// A tool server of an agent.
    ToolServerKey
}

/// The keys of what has a number, in the order of the numbers.
pub(super) fn in_order<K: Key>(members: impl Iterator<Item = (u32, K)>) -> Vec<K> {
    let places = sorted::in_order(members.map(|(number, key)| (number, key.place())));
    places.into_iter().map(K::of).collect()
}

/// What a table holds.
pub(super) trait Member {
    /// When it has something to do.
    fn next_deadline(&self) -> Option<Moment>;
}

/// Members by their keys.
#[derive(Debug)]
pub(super) struct Table<K, M> {
    members: Slab<Box<M>>,
    /// No member but `changed` has something to do before that.
    next: Option<Moment>,
    /// The member that may have another deadline than when it was last asked.
    changed: Option<usize>,
    keys: PhantomData<K>,
}

impl<K, M> Default for Table<K, M> {
    fn default() -> Self {
        Table { members: Slab::new(), next: None, changed: None, keys: PhantomData }
    }
}

impl<K: Key, M: Member> Table<K, M> {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn contains(&self, key: K) -> bool {
        self.members.contains(key.place())
    }

    /// One more than the largest place of a key.
    pub(super) fn capacity(&self) -> usize {
        self.members.capacity()
    }

    /// The key that the next member will have.
    pub(super) fn next_key(&self) -> K {
        K::of(self.members.vacant_key())
    }

    pub(super) fn insert(&mut self, member: M) -> K {
        let place = self.members.insert(Box::new(member));
        self.note_change(place);
        K::of(place)
    }

    /// Removes a member that must be there.
    pub(super) fn remove(&mut self, key: K) -> Option<M> {
        debug_assert!(self.contains(key), "a key without its member");
        self.members.try_remove(key.place()).map(|member| *member)
    }

    /// A member that may be gone.
    pub(super) fn get(&self, key: K) -> Option<&M> {
        self.members.get(key.place()).map(|member| &**member)
    }

    /// A member, which may get another deadline.
    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut M> {
        if self.changed != Some(key.place()) {
            self.note_change(key.place());
        }
        self.get_quietly(key)
    }

    /// A member that keeps its deadline, or gets a later one.
    pub(super) fn get_quietly(&mut self, key: K) -> Option<&mut M> {
        self.members.get_mut(key.place()).map(|member| &mut **member)
    }

    /// A member that must be there.
    pub(super) fn expect(&self, key: K) -> Option<&M> {
        let found = self.get(key);
        debug_assert!(found.is_some(), "a key without its member");
        found
    }

    /// A member that must be there, and keeps its deadline or gets a later one.
    pub(super) fn expect_quietly(&mut self, key: K) -> Option<&mut M> {
        debug_assert!(self.contains(key), "a key without its member");
        self.get_quietly(key)
    }

    /// A member that must be there, and may get another deadline.
    pub(super) fn expect_mut(&mut self, key: K) -> Option<&mut M> {
        debug_assert!(self.contains(key), "a key without its member");
        self.get_mut(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &M)> {
        self.members.iter().map(|(place, member)| (K::of(place), &**member))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &M> {
        self.members.iter().map(|(_, member)| &**member)
    }

    /// All members. They keep their deadlines, or get later ones.
    pub(super) fn iter_quietly(&mut self) -> impl Iterator<Item = (K, &mut M)> {
        self.members.iter_mut().map(|(place, member)| (K::of(place), &mut **member))
    }

    pub(super) fn values_quietly(&mut self) -> impl Iterator<Item = &mut M> {
        self.iter_quietly().map(|(_, member)| member)
    }

    fn note_change(&mut self, place: usize) {
        self.next_deadline();
        self.changed = Some(place);
    }

    /// When a member has something to do: then, or later.
    pub(super) fn next_deadline(&mut self) -> Option<Moment> {
        if let Some(place) = self.changed.take() {
            let changed = self.members.get(place).and_then(|member| member.next_deadline());
            self.next = earlier(self.next, changed);
        }
        self.next
    }

    /// When the first member has something to do. Looks at all of them.
    pub(super) fn first_deadline(&self) -> Option<Moment> {
        self.values().filter_map(Member::next_deadline).min()
    }

    /// Looks at the deadlines of all members again.
    pub(super) fn refresh_deadline(&mut self) {
        (self.next, self.changed) = (self.first_deadline(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    impl Member for Option<Moment> {
        fn next_deadline(&self) -> Option<Moment> {
            *self
        }
    }

    fn at(seconds: u64) -> Option<Moment> {
        Some(Moment::from_start(Duration::from_secs(seconds)))
    }

    #[test]
    fn no_deadline_is_missed() {
        let mut table: Table<RobotKey, Option<Moment>> = Table::default();
        assert_eq!(table.next_deadline(), None);
        let one = table.insert(at(5));
        let other = table.insert(None);
        assert_eq!(table.next_deadline(), at(5));
        *table.get_mut(other).unwrap() = at(3);
        assert_eq!(table.next_deadline(), at(3));
        assert_eq!(table.next_deadline(), at(3));
        *table.get_mut(one).unwrap() = at(2);
        *table.get_mut(other).unwrap() = at(9);
        assert_eq!(table.next_deadline(), at(2));
        // What is put off is seen when all are looked at.
        *table.get_mut(one).unwrap() = at(7);
        *table.get_mut(other).unwrap() = None;
        assert_eq!(table.next_deadline(), at(2));
        table.refresh_deadline();
        assert_eq!(table.next_deadline(), at(7));
        assert!(table.remove(one).is_some() && !table.contains(one) && table.len() == 1);
    }
}
