//! Time as a number: moments of a monotonic clock, and the deadlines set on it.
//!
//! Only the shell reads a clock. Everything else is told the time, so a test can set it.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

/// A point in time: milliseconds since the server started, and one. It never goes backwards.
// Not zero, so that a deadline that may be missing takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(NonZeroU64);

/// The start.
impl Default for Moment {
    fn default() -> Self {
        Moment(NonZeroU64::MIN)
    }
}

impl Moment {
    /// The moment `elapsed` after the start, rounded down to milliseconds.
    pub fn from_start(elapsed: Duration) -> Self {
        Moment::default().after(elapsed)
    }

    /// The moment `wait` after this one, at most the last moment that can be represented.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_add(wait))
    }

    /// The time since `earlier`; zero if `earlier` is in the future.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.get().saturating_sub(earlier.0.get()))
    }
}

/// The earlier of two deadlines. Several are compared for every message, so this has no branches: no
/// deadline, a zero, becomes the largest number.
#[inline(always)]
pub fn earlier(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    let rank = |moment: Option<Moment>| moment.map_or(0, |at| at.0.get()).wrapping_sub(1);
    if rank(other) < rank(one) {
        other
    } else {
        one
    }
}

/// A queue of deadlines: at most one for each `K`.
///
/// The caller keeps the deadline of each key beside its own state (`armed`) and passes it in, so
/// the queue is never searched.
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

    /// Sets the deadline of `key` to `next` unless it has an earlier one.
    pub fn arm_earlier(&mut self, armed: &mut Option<Moment>, key: K, next: Moment) {
        if armed.is_none_or(|old| next < old) {
            self.arm(armed, key, Some(next));
        }
    }

    /// The earliest deadline of all keys.
    pub fn next(&self) -> Option<Moment> {
        self.queue.first().map(|(moment, _)| *moment)
    }

    /// Removes one key whose deadline has passed. The caller must clear its `armed` value.
    pub fn pop_due(&mut self, now: Moment) -> Option<K> {
        let (moment, key) = *self.queue.first()?;
        if moment > now {
            return None;
        }
        self.queue.remove(&(moment, key));
        Some(key)
    }

    /// The number of deadlines set.
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
    fn of_two_deadlines_one_is_earlier() {
        assert_eq!(earlier(Some(at(2)), Some(at(1))), Some(at(1)));
        assert_eq!(earlier(Some(at(1)), Some(at(2))), Some(at(1)));
        assert_eq!(
            (earlier(None, Some(at(3))), earlier(Some(at(3)), None)),
            (Some(at(3)), Some(at(3)))
        );
        assert_eq!(earlier(None, None), None);
    }

    #[test]
    fn moments_saturate_at_both_ends() {
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
