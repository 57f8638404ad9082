//! Who is refused again and again is answered ever later, and mentioned once a minute (contract,
//! section 3): some clients redial at once for ever, and some people guess keys.

use crate::moment::Moment;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// The longest an answer is put off.
const LONGEST: Duration = Duration::from_secs(5);

/// By how much each further refusal puts the answer off, once the first few are forgiven.
const STEP: Duration = Duration::from_millis(250);

/// How many refusals in a row are answered at once: a person tries a few tokens.
const FORGIVEN: u32 = 3;

/// After how long without a refusal an address starts afresh, and how often it is mentioned.
const MEMORY: Duration = Duration::from_secs(60);

/// How many addresses are remembered; beyond that the oldest are forgotten.
const MOST: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Record {
    count: u32,
    last: Moment,
    /// When it was mentioned, and how many came since.
    mentioned: Option<Moment>,
    unmentioned: u32,
}

/// What to do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Treatment {
    /// How long to put the answer off.
    pub delay: Duration,
    /// How many refusals to mention in the log; nothing where it is too early to say so again.
    pub mention: Option<u32>,
}

/// The addresses that were refused of late.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    records: HashMap<IpAddr, Record>,
}

impl Refusals {
    /// An address is refused.
    pub(super) fn note(&mut self, address: IpAddr, now: Moment) -> Treatment {
        if self.records.len() >= MOST && !self.records.contains_key(&address) {
            self.forget_old(now);
        }
        let fresh = Record { count: 0, last: now, mentioned: None, unmentioned: 0 };
        let record = self.records.entry(address).or_insert(fresh);
        if now.since(record.last) >= MEMORY {
            record.count = 0;
        }
        record.last = now;
        record.count = record.count.saturating_add(1);
        record.unmentioned = record.unmentioned.saturating_add(1);
        let too_early = record.mentioned.is_some_and(|then| now.since(then) < MEMORY);
        let mention = (!too_early).then(|| {
            record.mentioned = Some(now);
            std::mem::take(&mut record.unmentioned)
        });
        let delay = STEP.saturating_mul(record.count.saturating_sub(FORGIVEN)).min(LONGEST);
        Treatment { delay, mention }
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

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn refusals_that_keep_coming_are_answered_ever_later_and_mentioned_once_a_minute() {
        let mut refusals = Refusals::default();
        let address = IpAddr::from([127, 0, 0, 1]);
        let other = IpAddr::from([127, 0, 0, 2]);
        let first = refusals.note(address, at(0));
        assert_eq!(first, Treatment { delay: Duration::ZERO, mention: Some(1) });
        let delays: Vec<Duration> = (0..40).map(|_| refusals.note(address, at(1)).delay).collect();
        assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((delays[1], delays[39]), (Duration::ZERO, LONGEST));
        assert_eq!(refusals.note(other, at(1)).delay, Duration::ZERO);
        assert_eq!(refusals.note(address, at(60)).mention, Some(41));
        assert_eq!(refusals.note(address, at(200)).delay, Duration::ZERO, "it starts afresh");
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let mut refusals = Refusals::default();
        for n in 0..3000u32 {
            refusals.note(IpAddr::from(n.to_be_bytes()), at(u64::from(n / 1000)));
        }
        assert!(refusals.records.len() <= MOST);
    }
}
