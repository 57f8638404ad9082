//! Time as the house knows it: moments on one monotonic line, and the deadlines set on it.
//!
//! Only the shell reads a clock. Everybody else is told what time it is, so a test can be, too.

use std::collections::BTreeSet;
use std::time::Duration;

/// A point in time: milliseconds since the server started, never going backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment `elapsed` after the start.
    pub fn from_start(elapsed: Duration) -> Self {
        Moment(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment `wait` after this one; the end of time where there is none.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_add(wait))
    }

    /// How long ago `earlier` was; nothing where it lies ahead.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// When whom to look after: at most one deadline for each `K`.
///
/// The owner keeps the moment it is armed for beside its own state and hands it in, so that
/// nothing has to be searched.
#[derive(Debug)]
pub struct Deadlines<K> {
    queue: BTreeSet<(Moment, K)>,
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Deadlines { queue: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Deadlines<K> {
    /// Moves `key` from the deadline it is `armed` for to `next`.
    pub fn arm(&mut self, armed: &mut Option<Moment>, key: K, next: Option<Moment>) {
        if *armed == next {
            return;
        }
        if let Some(old) = *armed {
            self.queue.remove(&(old, key));
        }
        if let Some(new) = next {
            self.queue.insert((new, key));
        }
        *armed = next;
    }

    /// Sets the deadline of `key` to `next` unless an earlier one stands.
    pub fn arm_earlier(&mut self, armed: &mut Option<Moment>, key: K, next: Moment) {
        if armed.is_none_or(|old| next < old) {
            self.arm(armed, key, Some(next));
        }
    }

    /// The next deadline of all.
    pub fn next(&self) -> Option<Moment> {
        self.queue.first().map(|(moment, _)| *moment)
    }

    /// Takes out one key whose deadline has come. Its owner is not armed any more.
    pub fn pop_due(&mut self, now: Moment) -> Option<K> {
        let (moment, key) = *self.queue.first()?;
        if moment > now {
            return None;
        }
        self.queue.remove(&(moment, key));
        Some(key)
    }

    /// How many deadlines are set.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no deadline is set.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn a_moment_past_the_end_of_time_is_the_end_of_time() {
        assert!(at(1).after(Duration::MAX) > at(u64::from(u32::MAX)));
        assert_eq!(at(1).since(at(2)), Duration::ZERO);
    }

    #[test]
    fn deadlines_come_out_in_order_and_once() {
        let mut deadlines = Deadlines::default();
        let (mut one, mut two) = (None, None);
        deadlines.arm(&mut one, 1, Some(at(5)));
        deadlines.arm(&mut two, 2, Some(at(3)));
        deadlines.arm_earlier(&mut one, 1, at(4));
        deadlines.arm_earlier(&mut two, 2, at(9));
        assert_eq!((one, two, deadlines.len()), (Some(at(4)), Some(at(3)), 2));
        assert_eq!(deadlines.next(), Some(at(3)));
        assert_eq!(deadlines.pop_due(at(2)), None);
        assert_eq!(deadlines.pop_due(at(4)), Some(2));
        assert_eq!(deadlines.pop_due(at(4)), Some(1));
        assert!(deadlines.is_empty());
    }
}
