//! Connections that have shown no token: how many are from one address, which has been silent
//! longest, and how much memory their incomplete heads take (docs/protocol.md#strangers).
//!
//! This module only decides which connection is to be closed. The connection keeps its [`Stranger`]
//! and passes it in, so no search is needed.

use crate::ledger::client_network;
use crate::time::Moment;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// How many connections without a token one source may have.
const MAX_PER_SOURCE: usize = 64;

/// How long a surplus connection must have been silent before it is closed.
const MIN_SILENCE: Duration = Duration::from_secs(1);

/// The same if the server is full. It is short because a client's first bytes come with its
/// connection, and because new connections are refused until one can be closed.
const MIN_SILENCE_WHEN_FULL: Duration = Duration::from_millis(100);

/// Where a connection comes from. One from a trusted proxy may be any client's until its head is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    /// A client network.
    Client(IpAddr),
    /// A trusted proxy.
    Proxy(IpAddr),
}

impl Source {
    pub(super) fn of(address: IpAddr, is_proxy: bool) -> Self {
        match is_proxy {
            true => Source::Proxy(address),
            false => Source::Client(client_network(address)),
        }
    }
}

/// The entry of one connection without a token.
#[derive(Debug)]
pub(super) struct Stranger {
    source: Source,
    /// When bytes were last received.
    last_heard: Moment,
    /// When it was accepted, and the bytes of memory that its incomplete head takes.
    head: (Moment, usize),
}

/// All connections without a token.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// Of each source, its connections by the time they were last heard.
    sources: HashMap<Source, BTreeSet<(Moment, usize)>>,
    /// The sources with more than [`MAX_PER_SOURCE`] connections.
    oversized: Vec<Source>,
    /// All connections by the time they were last heard.
    by_silence: BTreeSet<(Moment, usize)>,
    /// The incomplete heads that take memory, the oldest first.
    heads: BTreeSet<(Moment, usize)>,
    head_bytes: usize,
}

impl Strangers {
    /// Adds a connection.
    pub(super) fn insert(&mut self, slot: usize, source: Source, now: Moment) -> Stranger {
        self.link(slot, source, now);
        Stranger { source, last_heard: now, head: (now, 0) }
    }

    /// Notes that bytes were received.
    pub(super) fn note_received(&mut self, stranger: &mut Stranger, slot: usize, now: Moment) {
        if stranger.last_heard != now {
            self.move_to(stranger, slot, stranger.source, now);
        }
    }

    /// Notes the client's address that a trusted proxy has given.
    pub(super) fn set_client(&mut self, stranger: &mut Stranger, slot: usize, address: IpAddr) {
        self.move_to(stranger, slot, Source::of(address, false), stranger.last_heard);
    }

    /// Notes that its head takes `held` bytes of memory now.
    pub(super) fn set_head_memory(&mut self, stranger: &mut Stranger, slot: usize, held: usize) {
        let (since, before) = stranger.head;
        self.head_bytes = self.head_bytes.saturating_sub(before).saturating_add(held);
        stranger.head.1 = held;
        if held > 0 {
            self.heads.insert((since, slot));
        } else if before > 0 {
            self.heads.remove(&(since, slot));
        }
    }

    /// Removes a connection that has shown a token or has ended.
    pub(super) fn remove(&mut self, mut stranger: Stranger, slot: usize) {
        self.set_head_memory(&mut stranger, slot, 0);
        self.unlink(slot, stranger.source, stranger.last_heard);
    }

    /// The next connection to be closed because its source has too many, and when: the one that has
    /// been silent longest.
    fn next_surplus(&self) -> Option<(Moment, usize)> {
        let oldest = self.oversized.iter().filter_map(|source| match source {
            Source::Client(_) => self.sources.get(source)?.first(),
            Source::Proxy(_) => None,
        });
        oldest.min().map(|(heard, slot)| (heard.after(MIN_SILENCE), *slot))
    }

    /// The connection to be closed now because its source has too many.
    pub(super) fn surplus(&self, now: Moment) -> Option<usize> {
        self.next_surplus().filter(|(at, _)| *at <= now).map(|(_, slot)| slot)
    }

    /// When the next surplus connection will have been silent long enough to be closed.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.next_surplus().map(|(at, _)| at)
    }

    /// The connection to be closed if the server is full. If sources have too many connections, it is
    /// the longest silent one of the largest source; otherwise the longest silent one of all.
    pub(super) fn candidate_when_full(&self, now: Moment) -> Option<usize> {
        let oversized =
            self.oversized.iter().filter_map(|source| Some((self.sources.get(source)?, source)));
        if let Some((theirs, _)) = oversized.max_by_key(|(theirs, source)| (theirs.len(), *source))
        {
            return theirs.first().map(|(_, slot)| *slot);
        }
        let (heard, slot) = self.by_silence.first()?;
        (heard.after(MIN_SILENCE_WHEN_FULL) <= now).then_some(*slot)
    }

    /// The connection with the oldest incomplete head, if all heads take more than `limit` bytes.
    pub(super) fn oldest_head(&self, limit: usize) -> Option<usize> {
        let is_over = self.head_bytes > limit;
        self.heads.first().filter(|_| is_over).map(|(_, slot)| *slot)
    }

    fn move_to(&mut self, stranger: &mut Stranger, slot: usize, source: Source, heard: Moment) {
        self.unlink(slot, stranger.source, stranger.last_heard);
        self.link(slot, source, heard);
        (stranger.source, stranger.last_heard) = (source, heard);
    }

    fn link(&mut self, slot: usize, source: Source, heard: Moment) {
        let theirs = self.sources.entry(source).or_default();
        theirs.insert((heard, slot));
        if theirs.len() == MAX_PER_SOURCE + 1 {
            self.oversized.push(source);
        }
        self.by_silence.insert((heard, slot));
    }

    fn unlink(&mut self, slot: usize, source: Source, heard: Moment) {
        self.by_silence.remove(&(heard, slot));
        let Some(theirs) = self.sources.get_mut(&source) else { return };
        theirs.remove(&(heard, slot));
        if theirs.is_empty() {
            self.sources.remove(&source);
        } else if theirs.len() == MAX_PER_SOURCE {
            self.oversized.retain(|crowd| *crowd != source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::from_start(Duration::from_millis(milliseconds))
    }

    fn one(number: u8) -> Source {
        Source::of([192, 0, 2, number].into(), false)
    }

    fn proxy() -> Source {
        Source::of([127, 0, 0, 1].into(), true)
    }

    /// Adds `count` connections of `source`, one each millisecond from `start` on.
    fn crowd(all: &mut Strangers, source: Source, count: usize, start: usize) -> Vec<Stranger> {
        (start..start + count).map(|slot| all.insert(slot, source, at(slot as u64))).collect()
    }

    #[test]
    fn beyond_64_the_longest_silent_one_is_closed_after_a_second() {
        let mut all = Strangers::default();
        let mut few = crowd(&mut all, one(1), 64, 0);
        assert_eq!((all.surplus(at(9000)), all.next_deadline()), (None, None));
        let more = crowd(&mut all, one(1), 1, 64);
        assert_eq!(all.next_deadline(), Some(at(1000)));
        assert_eq!((all.surplus(at(999)), all.surplus(at(1000))), (None, Some(0)));
        all.note_received(&mut few[0], 0, at(900));
        assert_eq!((all.surplus(at(1000)), all.surplus(at(1001))), (None, Some(1)));
        all.remove(few.remove(1), 1);
        assert_eq!(all.surplus(at(9000)), None);
        more.into_iter().for_each(|stranger| all.remove(stranger, 64));
        assert_eq!(all.by_silence.len(), 63);
    }

    #[test]
    fn sources_are_counted_apart_and_a_proxy_not_at_all_until_a_head_gives_the_client() {
        let mut all = Strangers::default();
        let mut behind = crowd(&mut all, proxy(), 500, 0);
        crowd(&mut all, one(2), 60, 500);
        assert_eq!(all.surplus(at(90_000)), None);
        for (slot, stranger) in behind.iter_mut().enumerate().take(65) {
            all.set_client(stranger, slot, [192, 0, 2, 7].into());
        }
        assert_eq!(all.surplus(at(90_000)), Some(0));
        for (slot, stranger) in behind.into_iter().enumerate() {
            all.remove(stranger, slot);
        }
        assert_eq!((all.sources.len(), all.oversized.len(), all.by_silence.len()), (1, 0, 60));
    }

    #[test]
    fn when_full_the_largest_source_gives_way_at_once_and_others_after_100_ms() {
        let mut all = Strangers::default();
        crowd(&mut all, one(1), 10, 0);
        let large = crowd(&mut all, proxy(), 65, 10);
        assert_eq!(all.candidate_when_full(at(80)), Some(10));
        for (slot, stranger) in large.into_iter().enumerate() {
            all.remove(stranger, 10 + slot);
        }
        assert_eq!(
            (all.candidate_when_full(at(99)), all.candidate_when_full(at(100))),
            (None, Some(0))
        );
        assert_eq!(Strangers::default().candidate_when_full(at(1000)), None);
    }

    #[test]
    fn the_oldest_incomplete_head_gives_way_first() {
        let mut all = Strangers::default();
        let mut crowd = crowd(&mut all, one(1), 3, 0);
        for (slot, stranger) in crowd.iter_mut().enumerate().skip(1) {
            all.set_head_memory(stranger, slot, 1000);
            all.set_head_memory(stranger, slot, 4000);
        }
        assert_eq!((all.oldest_head(8000), all.oldest_head(7999)), (None, Some(1)));
        all.set_head_memory(&mut crowd[1], 1, 0);
        assert_eq!((all.oldest_head(4000), all.oldest_head(3999)), (None, Some(2)));
        all.remove(crowd.remove(2), 2);
        assert_eq!((all.head_bytes, all.heads.len()), (0, 0));
    }
}
