//! Who is refused again and again is answered ever later (contract, section 3): some clients
//! redial at once for ever, and some people guess keys. And who was refused of late is remembered
//! for a while, for the log, which mentions it once a minute, and for the status page.

use crate::http::{RecentRefusal, RefusalReason};
use crate::moment::Moment;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// The longest an answer is put off.
const LONGEST: Duration = Duration::from_secs(5);

/// By how much each further refusal puts the answer off, once the first few are forgiven.
const STEP: Duration = Duration::from_millis(250);

/// How many refusals in a row are answered at once: a person tries a few tokens.
const FORGIVEN: u32 = 3;

/// After how long without a refusal an address starts afresh, and how often the same is mentioned.
const MEMORY: Duration = Duration::from_secs(60);

/// How many addresses are remembered; beyond that the oldest are forgotten.
const MOST: usize = 1024;

/// How many refusals are remembered to be shown, and for how long.
const MOST_RECENT: usize = 32;
const RECENT: Duration = Duration::from_secs(600);

/// How many mentions there are in a minute: an attacker has as many addresses as it likes.
const MENTIONS: u32 = 20;

/// How often an address was refused in a row.
#[derive(Clone, Copy, Debug)]
struct Record {
    count: u32,
    last: Moment,
}

/// A refusal that is remembered.
#[derive(Clone, Copy, Debug)]
struct Recent {
    shown: RecentRefusal,
    /// When it was mentioned, and how many came since.
    mentioned: Option<Moment>,
    unmentioned: u32,
}

/// What is to be said in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// How often it happened since it was last mentioned, this time included.
    pub count: u32,
    /// How many others were not mentioned in the minute before, because there were so many.
    pub others: u32,
}

/// The addresses that were refused of late.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    records: HashMap<IpAddr, Record>,
    recent: Vec<Recent>,
    /// When the minute began in which mentions are counted, and how many there were.
    minute: Moment,
    mentions: u32,
    /// How many were not mentioned because there had been too many.
    unsaid: u32,
}

impl Refusals {
    /// How long to put off the answer to an address that is refused.
    pub(super) fn delay(&mut self, address: IpAddr, now: Moment) -> Duration {
        if self.records.len() >= MOST && !self.records.contains_key(&address) {
            self.forget_old(now);
        }
        let record = self.records.entry(address).or_insert(Record { count: 0, last: now });
        if now.since(record.last) >= MEMORY {
            record.count = 0;
        }
        record.last = now;
        record.count = record.count.saturating_add(1);
        STEP.saturating_mul(record.count.saturating_sub(FORGIVEN)).min(LONGEST)
    }

    /// Remembers that an address was refused or turned away, and says whether to mention it.
    pub(super) fn note(
        &mut self,
        address: IpAddr,
        reason: RefusalReason,
        now: Moment,
    ) -> Option<Mention> {
        self.recent.retain(|entry| now.since(entry.shown.last) < RECENT);
        let same = |entry: &Recent| (entry.shown.address, entry.shown.reason) == (address, reason);
        if !self.recent.iter().any(same) {
            self.make_room(address, reason, now);
        }
        let entry = self.recent.iter_mut().find(|entry| same(entry))?;
        entry.shown.count = entry.shown.count.saturating_add(1);
        entry.shown.last = now;
        entry.unmentioned = entry.unmentioned.saturating_add(1);
        if entry.mentioned.is_some_and(|then| now.since(then) < MEMORY) {
            return None;
        }
        let count = std::mem::take(&mut entry.unmentioned);
        entry.mentioned = Some(now);
        if now.since(self.minute) >= MEMORY {
            self.minute = now;
            self.mentions = 0;
        }
        if self.mentions >= MENTIONS {
            self.unsaid = self.unsaid.saturating_add(count);
            return None;
        }
        self.mentions += 1;
        let others = if self.mentions == 1 { std::mem::take(&mut self.unsaid) } else { 0 };
        Some(Mention { count, others })
    }

    /// Who was refused of late, the newest first.
    pub(super) fn recent(&self, now: Moment) -> Vec<RecentRefusal> {
        let fresh = |entry: &&Recent| now.since(entry.shown.last) < RECENT;
        let mut recent: Vec<_> =
            self.recent.iter().filter(fresh).map(|entry| entry.shown).collect();
        recent.sort_by_key(|shown| Reverse(shown.last));
        recent
    }

    /// Begins an entry, in the place of the oldest where there are as many as may be.
    fn make_room(&mut self, address: IpAddr, reason: RefusalReason, now: Moment) {
        let oldest = self.recent.iter().enumerate().min_by_key(|(_, entry)| entry.shown.last);
        let oldest = oldest.map(|(place, _)| place);
        if let Some(oldest) = oldest.filter(|_| self.recent.len() >= MOST_RECENT) {
            self.recent.swap_remove(oldest);
        }
        let shown = RecentRefusal { address, reason, count: 0, last: now };
        self.recent.push(Recent { shown, mentioned: None, unmentioned: 0 });
    }

    fn forget_old(&mut self, now: Moment) {
        self.records.retain(|_, record| now.since(record.last) < MEMORY);
        if self.records.len() >= MOST {
            let oldest = self.records.iter().min_by_key(|(_, record)| record.last);
            if let Some(address) = oldest.map(|(address, _)| *address) {
                self.records.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RefusalReason::{TokenMangled, TokenMissing, WrongKey};

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    fn once(count: u32) -> Option<Mention> {
        Some(Mention { count, others: 0 })
    }

    #[test]
    fn refusals_that_keep_coming_are_answered_ever_later() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.delay(address(1), at(0)), Duration::ZERO);
        let delays: Vec<Duration> = (0..40).map(|_| refusals.delay(address(1), at(1))).collect();
        assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((delays[1], delays[39]), (Duration::ZERO, LONGEST));
        assert_eq!(refusals.delay(address(2), at(1)), Duration::ZERO);
        assert_eq!(refusals.delay(address(1), at(200)), Duration::ZERO, "it starts afresh");
    }

    #[test]
    fn a_cause_is_mentioned_once_a_minute_with_a_count() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.note(address(1), WrongKey, at(0)), once(1));
        assert_eq!(refusals.note(address(1), TokenMissing, at(1)), once(1), "another cause");
        assert_eq!(refusals.note(address(2), WrongKey, at(1)), once(1), "another address");
        for _ in 0..40 {
            assert_eq!(refusals.note(address(1), WrongKey, at(59)), None);
        }
        assert_eq!(refusals.note(address(1), WrongKey, at(60)), once(41));
        assert_eq!(refusals.note(address(1), WrongKey, at(61)), None);
    }

    #[test]
    fn ever_new_addresses_do_not_fill_the_log() {
        let mut refusals = Refusals::default();
        let mut said = 0;
        for number in 0..5000 {
            let mention = refusals.note(address(number), TokenMangled, at(60));
            assert!(mention.is_none_or(|mention| mention.others == 0));
            said += u32::from(mention.is_some());
        }
        assert_eq!(said, MENTIONS);
        let next = refusals.note(address(9999), TokenMangled, at(120));
        assert_eq!(next, Some(Mention { count: 1, others: 5000 - MENTIONS }));
        assert_eq!(refusals.note(address(9998), TokenMangled, at(120)), once(1));
    }

    #[test]
    fn what_was_refused_of_late_is_remembered_once_for_each_address_and_reason() {
        let mut refusals = Refusals::default();
        refusals.note(address(1), WrongKey, at(0));
        refusals.note(address(1), TokenMissing, at(5));
        refusals.note(address(1), WrongKey, at(9));
        let shown = |number, reason, count, last| RecentRefusal {
            address: address(number),
            reason,
            count,
            last: at(last),
        };
        let both = [shown(1, WrongKey, 2, 9), shown(1, TokenMissing, 1, 5)];
        assert_eq!(refusals.recent(at(10)), both);
        assert_eq!(refusals.recent(at(605)), both[..1], "forgotten after ten minutes");
        refusals.note(address(1), TokenMissing, at(700));
        assert_eq!(refusals.recent(at(700)), [shown(1, TokenMissing, 1, 700)], "counted anew");
    }

    #[test]
    fn only_so_much_is_remembered_and_the_newest_stays() {
        let mut refusals = Refusals::default();
        for n in 0..3000u32 {
            refusals.delay(address(n), at(u64::from(n / 1000)));
            refusals.note(address(n), WrongKey, at(u64::from(n)));
        }
        assert!(refusals.records.len() <= MOST && refusals.recent.len() <= MOST_RECENT);
        let recent = refusals.recent(at(3000));
        let addresses: Vec<IpAddr> = recent.iter().map(|shown| shown.address).collect();
        let newest: Vec<IpAddr> = (2968..3000).rev().map(address).collect();
        assert_eq!(addresses, newest);
    }
}
