//! Who is refused again and again is answered ever later (contract, section 3): some clients
//! redial at once for ever, and some people guess keys. And who was refused of late is remembered
//! for a while, for the log, which mentions it once a minute, and for the status page.

use crate::http::{RecentRefusal, RefusalReason};
use crate::moment::Moment;
use crate::seldom::{Saying, Seldom};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// The longest an answer is put off.
const LONGEST: Duration = Duration::from_secs(5);

/// By how much each further refusal puts the answer off, once the first few are forgiven.
const STEP: Duration = Duration::from_millis(250);

/// How many refusals in a row are answered at once: a person tries a few tokens.
const FORGIVEN: u32 = 3;

/// After how long without a refusal an address starts afresh.
const MEMORY: Duration = Duration::from_secs(60);

/// How many addresses are remembered; beyond that the oldest are forgotten.
const MOST: usize = 1024;

/// How many refusals are remembered to be shown, and for how long.
const MOST_RECENT: usize = 32;
const RECENT: Duration = Duration::from_secs(600);

/// How often an address was refused in a row.
#[derive(Clone, Copy, Debug)]
struct Record {
    count: u32,
    last: Moment,
}

/// The addresses that were refused of late.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    records: HashMap<IpAddr, Record>,
    /// The newest last.
    recent: Vec<RecentRefusal>,
    mentions: Seldom<(IpAddr, RefusalReason)>,
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
    ) -> Option<Saying> {
        self.recent.retain(|entry| now.since(entry.last) < RECENT);
        let same = |entry: &RecentRefusal| (entry.address, entry.reason) == (address, reason);
        let before = self.recent.iter().position(same).map(|place| self.recent.remove(place));
        let count = before.map_or(0, |entry| entry.count).saturating_add(1);
        if self.recent.len() >= MOST_RECENT {
            self.recent.remove(0);
        }
        self.recent.push(RecentRefusal { address, reason, count, last: now });
        self.mentions.note((address, reason), now)
    }

    /// Who was refused of late, the newest first.
    pub(super) fn recent(&self, now: Moment) -> Vec<RecentRefusal> {
        let fresh = |entry: &&RecentRefusal| now.since(entry.last) < RECENT;
        self.recent.iter().rev().filter(fresh).copied().collect()
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
    use RefusalReason::{TokenMissing, WrongKey};

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
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
    fn each_address_and_each_cause_is_mentioned_once() {
        let mut refusals = Refusals::default();
        for (number, reason) in [(1, WrongKey), (1, TokenMissing), (2, WrongKey)] {
            assert!(refusals.note(address(number), reason, at(0)).is_some());
            assert_eq!(refusals.note(address(number), reason, at(1)), None);
        }
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
