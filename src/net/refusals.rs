//! Who is refused again and again is answered ever later (docs/protocol.md#refusal-delay): some clients
//! redial at once for ever, and some people guess keys. And who was refused of late is remembered
//! for a while, for the log, which mentions it once a minute, and for the status page.

use crate::http::{RecentRefusal, RefusalReason};
use crate::ledger::customer;
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

/// How many customers are remembered; beyond that the oldest are forgotten.
const MOST: usize = 1024;

/// How many refusals are remembered to be shown, and for how long.
const MOST_RECENT: usize = 32;
const RECENT: Duration = Duration::from_secs(600);

/// How often a customer's address was refused in a row.
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
        let delay = self.delay_of_key(address, now);
        self.was_wrong(address, now);
        delay
    }

    /// How long an address has to wait until the key it shows is looked at. Until it turns out to
    /// be right it counts as a refusal, so that guesses made at the same time wait ever longer, too.
    pub(super) fn delay_of_key(&mut self, address: IpAddr, now: Moment) -> Duration {
        let customer = customer(address);
        if self.records.get(&customer).is_some_and(|record| now.since(record.last) >= MEMORY) {
            self.records.remove(&customer);
        }
        if self.records.len() >= MOST && !self.records.contains_key(&customer) {
            // A look at each of them is little beside the handshake that is refused.
            let oldest =
                self.records.iter().min_by_key(|(customer, record)| (record.last, **customer));
            if let Some(oldest) = oldest.map(|(customer, _)| *customer) {
                self.records.remove(&oldest);
            }
        }
        let record = self.records.entry(customer).or_insert(Record { count: 0, last: now });
        record.count = record.count.saturating_add(1);
        STEP.saturating_mul(record.count.saturating_sub(FORGIVEN)).min(LONGEST)
    }

    /// The key that an address has shown was wrong.
    pub(super) fn was_wrong(&mut self, address: IpAddr, now: Moment) {
        let customer = customer(address);
        if let Some(record) = self.records.get_mut(&customer) {
            record.last = now;
        }
    }

    /// The key that an address has shown was right.
    pub(super) fn was_right(&mut self, address: IpAddr) {
        let customer = customer(address);
        let Some(record) = self.records.get_mut(&customer) else { return };
        record.count = record.count.saturating_sub(1);
        if record.count == 0 {
            self.records.remove(&customer);
        }
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
    fn half_an_ipv6_address_is_one_customer() {
        let mut refusals = Refusals::default();
        let of = |number: u128| IpAddr::from((0x2001_0db8_u128 << 96 | number).to_be_bytes());
        let delays: Vec<Duration> = (0..9).map(|n| refusals.delay(of(n), at(1))).collect();
        assert_eq!(delays[8], STEP * 6);
        assert_eq!(refusals.delay(of(1 << 64), at(1)), Duration::ZERO);
    }

    #[test]
    fn keys_shown_at_the_same_time_wait_ever_longer_and_the_right_one_leaves_no_trace() {
        let mut refusals = Refusals::default();
        let mut together: Vec<_> =
            (0..6).map(|_| refusals.delay_of_key(address(1), at(1))).collect();
        assert_eq!(together.pop(), Some(STEP * 3));
        (0..6).for_each(|_| refusals.was_right(address(1)));
        assert!(refusals.records.is_empty());
        for second in 0..6 {
            refusals.delay(address(1), at(second));
        }
        // Who shows the right key often does not keep the memory of others fresh.
        for second in 6..65 {
            assert_eq!(refusals.delay_of_key(address(1), at(second)), STEP * 4);
            refusals.was_right(address(1));
        }
        assert_eq!(refusals.delay_of_key(address(1), at(65)), Duration::ZERO);
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
