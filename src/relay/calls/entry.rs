//! An entry of the table, and the lists through the entries.

use super::call::Request;
use super::NONE;
use crate::time::Moment;

/// How many bytes of memory a request takes in the table.
pub(in crate::relay) const ENTRY_SIZE: usize = size_of::<Entry>() + size_of::<u32>();

/// The lists that contain an entry.
#[derive(Clone, Copy)]
pub(super) enum List {
    /// The calls of its robot, the oldest first.
    Robot,
    /// The requests at its tool server, the oldest first.
    Tool,
    /// The calls of the agent, the first to be given up first.
    Due,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    pub(super) before: u32,
    pub(super) behind: u32,
}

/// The ends of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Default for Ends {
    fn default() -> Self {
        Ends { first: NONE, last: NONE }
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The upstream id; 0 where the place is free.
    pub(super) id: u32,
    pub(super) tool: u32,
    /// Which request of the robot it belongs to.
    pub(super) group: u32,
    /// The next entry with the same hash; the next free place.
    pub(super) chain: u32,
    pub(super) links: [Links; 3],
    pub(super) deadline: Moment,
    pub(super) request: Request,
}

impl Entry {
    /// A new place in the table.
    pub(super) fn free() -> Self {
        Entry {
            id: 0,
            tool: NONE,
            group: 0,
            chain: NONE,
            links: [Links { before: NONE, behind: NONE }; 3],
            deadline: Moment::default(),
            request: Request::Aside,
        }
    }
}

pub(super) fn links(entries: &mut [Entry], list: List, at: u32) -> Option<&mut Links> {
    entries.get_mut(at as usize)?.links.get_mut(list as usize)
}

/// Inserts an entry after the entry `before`, or at the beginning.
pub(super) fn link(entries: &mut [Entry], ends: &mut Ends, list: List, at: u32, before: u32) {
    let behind = match links(entries, list, before) {
        Some(links) => std::mem::replace(&mut links.behind, at),
        None => std::mem::replace(&mut ends.first, at),
    };
    match links(entries, list, behind) {
        Some(links) => links.before = at,
        None => ends.last = at,
    }
    if let Some(links) = links(entries, list, at) {
        *links = Links { before, behind };
    }
}

/// Takes an entry out of a list. Returns its neighbours.
pub(super) fn unlink(entries: &mut [Entry], ends: &mut Ends, list: List, at: u32) -> Links {
    let nowhere = Links { before: NONE, behind: NONE };
    let Some(own) = links(entries, list, at).map(|links| *links) else { return nowhere };
    match links(entries, list, own.before) {
        Some(links) => links.behind = own.behind,
        None => ends.first = own.behind,
    }
    match links(entries, list, own.behind) {
        Some(links) => links.before = own.before,
        None => ends.last = own.before,
    }
    own
}
