//! Limits how often a message is logged, so that no peer can fill the log.

use crate::time::Moment;
use std::time::Duration;

/// The shortest time between two log lines about the same key.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// The most keys remembered. Beyond it the key logged longest ago is forgotten.
const MAX_KEYS: usize = 64;

/// The most lines in [`MIN_INTERVAL`] for all keys together: a peer can make up any number of
/// names, and come from many addresses.
const MAX_LINES: u32 = 20;

/// A line to log now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// How often the event happened since it was last logged, this time included.
    pub count: u32,
    /// How many other events of an earlier interval were not logged because [`MAX_LINES`] was
    /// reached.
    pub others: u32,
}

#[derive(Debug)]
struct Record {
    logged_at: Moment,
    /// How often the event has happened since.
    repeats: u32,
}

/// Decides which events to log. A `K` says which events count as the same.
#[derive(Debug)]
pub struct LogThrottle<K> {
    /// The key of each record, at the same index as in `history`.
    keys: Vec<K>,
    history: History,
}

/// The part that does not depend on the type of the keys, so that it is compiled once.
#[derive(Debug, Default)]
struct History {
    records: Vec<Record>,
    /// When the interval began in which `lines` are counted.
    interval_start: Moment,
    lines: u32,
    /// The events not logged because of [`MAX_LINES`].
    suppressed: u32,
}

impl<K> Default for LogThrottle<K> {
    fn default() -> Self {
        LogThrottle { keys: Vec::new(), history: History::default() }
    }
}

impl<K: PartialEq> LogThrottle<K> {
    /// Counts an event. Returns whether to log it.
    pub fn note(&mut self, key: K, now: Moment) -> Option<Due> {
        let known = self.keys.iter().position(|known| *known == key);
        if known.is_none() {
            if let Some(oldest) = self.history.make_room() {
                self.keys.swap_remove(oldest);
            }
            self.keys.push(key);
        }
        self.history.note(known, now)
    }
}

impl History {
    /// Counts an event: one with a record at index `known`, or a new one.
    #[inline(never)]
    fn note(&mut self, known: Option<usize>, now: Moment) -> Option<Due> {
        let count = match known.and_then(|known| self.records.get_mut(known)) {
            Some(record) if now.since(record.logged_at) < MIN_INTERVAL => {
                record.repeats = record.repeats.saturating_add(1);
                return None;
            }
            Some(record) => {
                record.logged_at = now;
                std::mem::take(&mut record.repeats).saturating_add(1)
            }
            None => {
                self.records.push(Record { logged_at: now, repeats: 0 });
                1
            }
        };
        if now.since(self.interval_start) >= MIN_INTERVAL {
            self.interval_start = now;
            self.lines = 0;
        }
        if self.lines >= MAX_LINES {
            self.suppressed = self.suppressed.saturating_add(count);
            return None;
        }
        self.lines += 1;
        let others = if self.lines == 1 { std::mem::take(&mut self.suppressed) } else { 0 };
        Some(Due { count, others })
    }

    /// If the history is full, forgets the record logged longest ago and returns its index. The
    /// last record takes its place.
    #[inline(never)]
    fn make_room(&mut self) -> Option<usize> {
        if self.records.len() < MAX_KEYS {
            return None;
        }
        let (oldest, _) =
            self.records.iter().enumerate().min_by_key(|(_, record)| record.logged_at)?;
        let forgotten = self.records.swap_remove(oldest);
        self.suppressed = self.suppressed.saturating_add(forgotten.repeats);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn due(count: u32) -> Option<Due> {
        Some(Due { count, others: 0 })
    }

    #[test]
    fn the_same_event_is_logged_once_a_minute_with_a_count() {
        let mut throttle = LogThrottle::default();
        assert_eq!(throttle.note("a", at(0)), due(1));
        assert_eq!(throttle.note("b", at(1)), due(1));
        for _ in 0..40 {
            assert_eq!(throttle.note("a", at(59)), None);
        }
        assert_eq!(throttle.note("a", at(60)), due(41));
        assert_eq!(throttle.note("a", at(61)), None);
    }

    #[test]
    fn many_different_events_are_limited_and_the_rest_is_counted() {
        let mut throttle = LogThrottle::default();
        let lines = (0..5000).filter(|key| throttle.note(*key, at(60)).is_some()).count();
        assert_eq!(lines, MAX_LINES as usize);
        assert!(throttle.history.records.len() <= MAX_KEYS && throttle.keys.len() <= MAX_KEYS);
        let next = Due { count: 1, others: 5000 - MAX_LINES };
        assert_eq!(throttle.note(9999, at(120)), Some(next));
        assert_eq!(throttle.note(9998, at(120)), due(1));
    }
}
