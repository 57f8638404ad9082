//! Sockets that have shown no token: how many there are from one address, who of them has been
//! silent longest, and how much memory their half-read heads take (docs/protocol.md#strangers).
//!
//! It only says who gives way. The connection keeps its [`Stranger`] and hands it in, so that
//! nothing has to be searched.

use crate::ledger::customer;
use crate::moment::Moment;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// How many sockets without a token one source may have.
const MAX_OF_ONE: usize = 64;

/// How long one of more than that must have been silent before it gives way.
const MIN_SILENCE: Duration = Duration::from_secs(1);

/// The same where there is no room for anybody. A client's first bytes come with its connection, and
/// whoever comes while nobody gives way is refused.
const MIN_SILENCE_WHEN_FULL: Duration = Duration::from_millis(100);

/// Whose socket it is. A trusted proxy stands for many until a head names one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    /// A customer's network.
    Customer(IpAddr),
    /// A trusted proxy.
    Proxy(IpAddr),
}

impl Source {
    pub(super) fn of(address: IpAddr, is_proxy: bool) -> Self {
        match is_proxy {
            true => Source::Proxy(address),
            false => Source::Customer(customer(address)),
        }
    }
}

/// What is known of one stranger.
#[derive(Debug)]
pub(super) struct Stranger {
    source: Source,
    heard: Moment,
    /// Since when its head has been read, and the bytes of memory that takes.
    head: (Moment, usize),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// Of each source: who was last heard when.
    sources: HashMap<Source, BTreeSet<(Moment, usize)>>,
    /// Those who have more than everybody may have.
    crowds: Vec<Source>,
    /// Who was last heard when, of all.
    silent: BTreeSet<(Moment, usize)>,
    /// Half-read heads that take memory, the oldest first.
    heads: BTreeSet<(Moment, usize)>,
    head_bytes: usize,
}

impl Strangers {
    /// A socket has come.
    pub(super) fn enter(&mut self, slot: usize, source: Source, now: Moment) -> Stranger {
        self.add(slot, source, now);
        Stranger { source, heard: now, head: (now, 0) }
    }

    /// Something has come from it.
    pub(super) fn heard(&mut self, stranger: &mut Stranger, slot: usize, now: Moment) {
        if stranger.heard != now {
            self.move_to(stranger, slot, stranger.source, now);
        }
    }

    /// Its head says whose it is.
    pub(super) fn named(&mut self, stranger: &mut Stranger, slot: usize, address: IpAddr) {
        self.move_to(stranger, slot, Source::of(address, false), stranger.heard);
    }

    /// Its head takes `held` bytes of memory now.
    pub(super) fn holds(&mut self, stranger: &mut Stranger, slot: usize, held: usize) {
        let (since, before) = stranger.head;
        self.head_bytes = self.head_bytes.saturating_sub(before).saturating_add(held);
        stranger.head.1 = held;
        if held > 0 {
            self.heads.insert((since, slot));
        } else if before > 0 {
            self.heads.remove(&(since, slot));
        }
    }

    /// It has shown a token, or is gone.
    pub(super) fn leave(&mut self, mut stranger: Stranger, slot: usize) {
        self.holds(&mut stranger, slot, 0);
        self.remove(slot, stranger.source, stranger.heard);
    }

    /// Who gives way because its source has too many, and when: the one that has been silent
    /// longest.
    fn crowded(&self) -> Option<(Moment, usize)> {
        let oldest = self.crowds.iter().filter_map(|source| match source {
            Source::Customer(_) => self.sources.get(source)?.first(),
            Source::Proxy(_) => None,
        });
        oldest.min().map(|(heard, slot)| (heard.after(MIN_SILENCE), *slot))
    }

    /// Who gives way now because its source has too many.
    pub(super) fn surplus(&self, now: Moment) -> Option<usize> {
        self.crowded().filter(|(at, _)| *at <= now).map(|(_, slot)| slot)
    }

    /// When somebody will have been silent for long enough to give way.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.crowded().map(|(at, _)| at)
    }

    /// Who gives way where there is no room for anybody: the one silent longest of the source who
    /// has the most, if that is more than everybody may have; else the one silent longest of all.
    pub(super) fn least_missed(&self, now: Moment) -> Option<usize> {
        let crowds =
            self.crowds.iter().filter_map(|source| Some((self.sources.get(source)?, source)));
        if let Some((theirs, _)) = crowds.max_by_key(|(theirs, source)| (theirs.len(), *source)) {
            return theirs.first().map(|(_, slot)| *slot);
        }
        let (heard, slot) = self.silent.first()?;
        (heard.after(MIN_SILENCE_WHEN_FULL) <= now).then_some(*slot)
    }

    /// Whose half-read head gives way where all together take more than `limit` bytes: the oldest.
    pub(super) fn oldest_head(&self, limit: usize) -> Option<usize> {
        let is_over = self.head_bytes > limit;
        self.heads.first().filter(|_| is_over).map(|(_, slot)| *slot)
    }

    fn move_to(&mut self, stranger: &mut Stranger, slot: usize, source: Source, heard: Moment) {
        self.remove(slot, stranger.source, stranger.heard);
        self.add(slot, source, heard);
        (stranger.source, stranger.heard) = (source, heard);
    }

    fn add(&mut self, slot: usize, source: Source, heard: Moment) {
        let theirs = self.sources.entry(source).or_default();
        theirs.insert((heard, slot));
        if theirs.len() == MAX_OF_ONE + 1 {
            self.crowds.push(source);
        }
        self.silent.insert((heard, slot));
    }

    fn remove(&mut self, slot: usize, source: Source, heard: Moment) {
        self.silent.remove(&(heard, slot));
        let Some(theirs) = self.sources.get_mut(&source) else { return };
        theirs.remove(&(heard, slot));
        if theirs.is_empty() {
            self.sources.remove(&source);
        } else if theirs.len() == MAX_OF_ONE {
            self.crowds.retain(|crowd| *crowd != source);
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

    /// `count` strangers of `source` who come one a millisecond from `start` on.
    fn crowd(all: &mut Strangers, source: Source, count: usize, start: usize) -> Vec<Stranger> {
        (start..start + count).map(|slot| all.enter(slot, source, at(slot as u64))).collect()
    }

    #[test]
    fn beyond_64_the_one_silent_longest_gives_way_after_a_second() {
        let mut all = Strangers::default();
        let mut few = crowd(&mut all, one(1), 64, 0);
        assert_eq!((all.surplus(at(9000)), all.next_deadline()), (None, None));
        let more = crowd(&mut all, one(1), 1, 64);
        assert_eq!(all.next_deadline(), Some(at(1000)));
        assert_eq!((all.surplus(at(999)), all.surplus(at(1000))), (None, Some(0)));
        all.heard(&mut few[0], 0, at(900));
        assert_eq!((all.surplus(at(1000)), all.surplus(at(1001))), (None, Some(1)));
        all.leave(few.remove(1), 1);
        assert_eq!(all.surplus(at(9000)), None);
        more.into_iter().for_each(|stranger| all.leave(stranger, 64));
        assert_eq!(all.silent.len(), 63);
    }

    #[test]
    fn others_are_counted_apart_and_a_proxy_not_at_all_until_a_head_names_somebody() {
        let mut all = Strangers::default();
        let mut behind = crowd(&mut all, proxy(), 500, 0);
        crowd(&mut all, one(2), 60, 500);
        assert_eq!(all.surplus(at(90_000)), None);
        for (slot, stranger) in behind.iter_mut().enumerate().take(65) {
            all.named(stranger, slot, [192, 0, 2, 7].into());
        }
        assert_eq!(all.surplus(at(90_000)), Some(0));
        for (slot, stranger) in behind.into_iter().enumerate() {
            all.leave(stranger, slot);
        }
        assert_eq!((all.sources.len(), all.crowds.len(), all.silent.len()), (1, 0, 60));
    }

    #[test]
    fn where_there_is_no_room_the_largest_crowd_makes_some_at_once_and_others_after_a_moment() {
        let mut all = Strangers::default();
        crowd(&mut all, one(1), 10, 0);
        let large = crowd(&mut all, proxy(), 65, 10);
        assert_eq!(all.least_missed(at(80)), Some(10));
        for (slot, stranger) in large.into_iter().enumerate() {
            all.leave(stranger, 10 + slot);
        }
        assert_eq!((all.least_missed(at(99)), all.least_missed(at(100))), (None, Some(0)));
        assert_eq!(Strangers::default().least_missed(at(1000)), None);
    }

    #[test]
    fn the_oldest_half_read_head_gives_way_first() {
        let mut all = Strangers::default();
        let mut crowd = crowd(&mut all, one(1), 3, 0);
        for (slot, stranger) in crowd.iter_mut().enumerate().skip(1) {
            all.holds(stranger, slot, 1000);
            all.holds(stranger, slot, 4000);
        }
        assert_eq!((all.oldest_head(8000), all.oldest_head(7999)), (None, Some(1)));
        all.holds(&mut crowd[1], 1, 0);
        assert_eq!((all.oldest_head(4000), all.oldest_head(3999)), (None, Some(2)));
        all.leave(crowd.remove(2), 2);
        assert_eq!((all.head_bytes, all.heads.len()), (0, 0));
    }
}
