//! What is said once a minute however often it happens, so that nobody can fill the log.

use crate::moment::Moment;
use std::time::Duration;

/// How often the same is said.
const MINUTE: Duration = Duration::from_secs(60);

/// How many things are told apart; what has not been said for longest is forgotten.
const MOST: usize = 64;

/// How much is said in a minute altogether: peers have as many names and addresses as they like.
const MOST_SAID: u32 = 20;

/// What is to be said now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saying {
    /// How often it happened since it was last said, this time included.
    pub count: u32,
    /// How often other things happened in an earlier minute of which nothing was said, because
    /// there was so much to say.
    pub others: u32,
}

#[derive(Debug)]
struct Said {
    at: Moment,
    /// How often it has happened since.
    since: u32,
}

/// Decides what is worth saying again, for each `K`.
#[derive(Debug)]
pub struct Seldom<K> {
    /// What was said, at the same places as in `told`.
    keys: Vec<K>,
    told: Told,
}

/// When what was said, whatever it is.
#[derive(Debug, Default)]
struct Told {
    said: Vec<Said>,
    /// When the minute began in which sayings are counted, and how many there were.
    minute: Moment,
    sayings: u32,
    unsaid: u32,
}

impl<K> Default for Seldom<K> {
    fn default() -> Self {
        Seldom { keys: Vec::new(), told: Told::default() }
    }
}

impl<K: PartialEq> Seldom<K> {
    /// `key` has happened; returns whether to say so.
    pub fn note(&mut self, key: K, now: Moment) -> Option<Saying> {
        let known = self.keys.iter().position(|known| *known == key);
        if known.is_none() {
            if let Some(oldest) = self.told.make_room() {
                self.keys.swap_remove(oldest);
            }
            self.keys.push(key);
        }
        self.told.note(known, now)
    }
}

impl Told {
    /// What is `known` under this number has happened, or something new.
    #[inline(never)]
    fn note(&mut self, known: Option<usize>, now: Moment) -> Option<Saying> {
        let count = match known.and_then(|known| self.said.get_mut(known)) {
            Some(said) if now.since(said.at) < MINUTE => {
                said.since = said.since.saturating_add(1);
                return None;
            }
            Some(said) => {
                said.at = now;
                std::mem::take(&mut said.since).saturating_add(1)
            }
            None => {
                self.said.push(Said { at: now, since: 0 });
                1
            }
        };
        if now.since(self.minute) >= MINUTE {
            self.minute = now;
            self.sayings = 0;
        }
        if self.sayings >= MOST_SAID {
            self.unsaid = self.unsaid.saturating_add(count);
            return None;
        }
        self.sayings += 1;
        let others = if self.sayings == 1 { std::mem::take(&mut self.unsaid) } else { 0 };
        Some(Saying { count, others })
    }

    /// Forgets what has not been said for longest where there is no room for more, and returns
    /// where it stood; the last takes its place.
    #[inline(never)]
    fn make_room(&mut self) -> Option<usize> {
        if self.said.len() < MOST {
            return None;
        }
        let (oldest, _) = self.said.iter().enumerate().min_by_key(|(_, said)| said.at)?;
        let forgotten = self.said.swap_remove(oldest);
        self.unsaid = self.unsaid.saturating_add(forgotten.since);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn once(count: u32) -> Option<Saying> {
        Some(Saying { count, others: 0 })
    }

    #[test]
    fn the_same_is_said_once_a_minute_with_a_count() {
        let mut seldom = Seldom::default();
        assert_eq!(seldom.note("a", at(0)), once(1));
        assert_eq!(seldom.note("b", at(1)), once(1));
        for _ in 0..40 {
            assert_eq!(seldom.note("a", at(59)), None);
        }
        assert_eq!(seldom.note("a", at(60)), once(41));
        assert_eq!(seldom.note("a", at(61)), None);
    }

    #[test]
    fn ever_new_things_are_not_said_without_end_but_counted() {
        let mut seldom = Seldom::default();
        let sayings = (0..5000).filter(|key| seldom.note(*key, at(60)).is_some()).count();
        assert_eq!(sayings, MOST_SAID as usize);
        assert!(seldom.told.said.len() <= MOST && seldom.keys.len() <= MOST);
        let next = Saying { count: 1, others: 5000 - MOST_SAID };
        assert_eq!(seldom.note(9999, at(120)), Some(next));
        assert_eq!(seldom.note(9998, at(120)), once(1));
    }
}
