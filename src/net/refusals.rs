//! Delays the answers to clients that are refused again and again (docs/protocol.md#refusal-delay):
//! some clients reconnect without a pause, and some people guess keys.
//!
//! It also keeps the recent refusals, for the log, which reports each once a minute, and for the
//! status page.

use crate::http::{RecentRefusal, RefusalReason};
use crate::ledger::client_network;
use crate::log_throttle::{Due, LogThrottle};
use crate::time::Moment;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// The longest delay of an answer.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The extra delay for each refusal after the first [`UNDELAYED_REFUSALS`].
const DELAY_STEP: Duration = Duration::from_millis(250);

/// How many refusals in a row are answered at once: people try a few tokens.
const UNDELAYED_REFUSALS: u32 = 3;

/// How long after its last refusal an address is treated as new.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// The most client networks remembered. Beyond that, the one refused longest ago is forgotten.
const MAX_RECORDS: usize = 1024;

/// The most refusals kept for the status page, and for how long.
const MAX_RECENT: usize = 32;
const RECENT_TIME: Duration = Duration::from_secs(600);

/// How often a client network was refused in a row, and when last.
#[derive(Clone, Copy, Debug)]
struct Record {
    count: u32,
    last: Moment,
}

/// The recent refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    records: HashMap<IpAddr, Record>,
    /// For the status page, the newest last.
    recent: Vec<RecentRefusal>,
    log_throttle: LogThrottle<(IpAddr, RefusalReason)>,
}

impl Refusals {
    /// Counts a refusal of an address. Returns how long to delay the answer.
    pub(super) fn delay(&mut self, address: IpAddr, now: Moment) -> Duration {
        let delay = self.delay_of_key(address, now);
        self.was_wrong(address, now);
        delay
    }

    /// Returns how long to wait before checking a key that an address has sent. The request counts
    /// as a refusal until [`was_right`](Self::was_right), so that simultaneous guesses wait longer
    /// and longer, too.
    pub(super) fn delay_of_key(&mut self, address: IpAddr, now: Moment) -> Duration {
        let client_network = client_network(address);
        if self
            .records
            .get(&client_network)
            .is_some_and(|record| now.since(record.last) >= FORGET_AFTER)
        {
            self.records.remove(&client_network);
        }
        if self.records.len() >= MAX_RECORDS && !self.records.contains_key(&client_network) {
            // A search through all records costs little compared to a refused handshake.
            let oldest = self
                .records
                .iter()
                .min_by_key(|(client_network, record)| (record.last, **client_network));
            if let Some(oldest) = oldest.map(|(client_network, _)| *client_network) {
                self.records.remove(&oldest);
            }
        }
        let record = self.records.entry(client_network).or_insert(Record { count: 0, last: now });
        record.count = record.count.saturating_add(1);
        DELAY_STEP.saturating_mul(record.count.saturating_sub(UNDELAYED_REFUSALS)).min(MAX_DELAY)
    }

    /// Notes that the key from an address was wrong.
    pub(super) fn was_wrong(&mut self, address: IpAddr, now: Moment) {
        let client_network = client_network(address);
        if let Some(record) = self.records.get_mut(&client_network) {
            record.last = now;
        }
    }

    /// Notes that the key from an address was right, which takes back its refusal.
    pub(super) fn was_right(&mut self, address: IpAddr) {
        let client_network = client_network(address);
        let Some(record) = self.records.get_mut(&client_network) else { return };
        record.count = record.count.saturating_sub(1);
        if record.count == 0 {
            self.records.remove(&client_network);
        }
    }

    /// Records that an address was refused or turned away. Returns whether to log it.
    pub(super) fn note(
        &mut self,
        address: IpAddr,
        reason: RefusalReason,
        now: Moment,
    ) -> Option<Due> {
        self.recent.retain(|entry| now.since(entry.last) < RECENT_TIME);
        let same = |entry: &RecentRefusal| (entry.address, entry.reason) == (address, reason);
        let before = self.recent.iter().position(same).map(|place| self.recent.remove(place));
        let count = before.map_or(0, |entry| entry.count).saturating_add(1);
        if self.recent.len() >= MAX_RECENT {
            self.recent.remove(0);
        }
        self.recent.push(RecentRefusal { address, reason, count, last: now });
        self.log_throttle.note((address, reason), now)
    }

    /// The recent refusals, the newest first.
    pub(super) fn recent(&self, now: Moment) -> Vec<RecentRefusal> {
        let fresh = |entry: &&RecentRefusal| now.since(entry.last) < RECENT_TIME;
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
    fn repeated_refusals_are_delayed_longer_and_longer() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.delay(address(1), at(0)), Duration::ZERO);
        let delays: Vec<Duration> = (0..40).map(|_| refusals.delay(address(1), at(1))).collect();
        assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((delays[1], delays[39]), (Duration::ZERO, MAX_DELAY));
        assert_eq!(refusals.delay(address(2), at(1)), Duration::ZERO);
        assert_eq!(refusals.delay(address(1), at(200)), Duration::ZERO, "it is treated as new");
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_client_network() {
        let mut refusals = Refusals::default();
        let of = |number: u128| IpAddr::from((0x2001_0db8_u128 << 96 | number).to_be_bytes());
        let delays: Vec<Duration> = (0..9).map(|n| refusals.delay(of(n), at(1))).collect();
        assert_eq!(delays[8], DELAY_STEP * 6);
        assert_eq!(refusals.delay(of(1 << 64), at(1)), Duration::ZERO);
    }

    #[test]
    fn simultaneous_keys_wait_longer_and_longer_and_a_right_one_leaves_no_record() {
        let mut refusals = Refusals::default();
        let mut together: Vec<_> =
            (0..6).map(|_| refusals.delay_of_key(address(1), at(1))).collect();
        assert_eq!(together.pop(), Some(DELAY_STEP * 3));
        (0..6).for_each(|_| refusals.was_right(address(1)));
        assert!(refusals.records.is_empty());
        for second in 0..6 {
            refusals.delay(address(1), at(second));
        }
        // Right keys do not prolong the record of earlier wrong ones.
        for second in 6..65 {
            assert_eq!(refusals.delay_of_key(address(1), at(second)), DELAY_STEP * 4);
            refusals.was_right(address(1));
        }
        assert_eq!(refusals.delay_of_key(address(1), at(65)), Duration::ZERO);
    }

    #[test]
    fn each_address_and_reason_is_logged_once() {
        let mut refusals = Refusals::default();
        for (number, reason) in [(1, WrongKey), (1, TokenMissing), (2, WrongKey)] {
            assert!(refusals.note(address(number), reason, at(0)).is_some());
            assert_eq!(refusals.note(address(number), reason, at(1)), None);
        }
    }

    #[test]
    fn recent_refusals_have_one_entry_for_each_address_and_reason() {
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
        assert_eq!(
            refusals.recent(at(700)),
            [shown(1, TokenMissing, 1, 700)],
            "the counters start again"
        );
    }

    #[test]
    fn the_number_of_records_is_limited_and_the_newest_stay() {
        let mut refusals = Refusals::default();
        for n in 0..3000u32 {
            refusals.delay(address(n), at(u64::from(n / 1000)));
            refusals.note(address(n), WrongKey, at(u64::from(n)));
        }
        assert!(refusals.records.len() <= MAX_RECORDS && refusals.recent.len() <= MAX_RECENT);
        let recent = refusals.recent(at(3000));
        let addresses: Vec<IpAddr> = recent.iter().map(|shown| shown.address).collect();
        let newest: Vec<IpAddr> = (2968..3000).rev().map(address).collect();
        assert_eq!(addresses, newest);
    }
}
