//! What waits inside the relay, and the bytes it takes.
//!
//! A request that can go nowhere yet is *parked*: it waits for a tool server, in the order it came. A
//! robot's `initialize` or list is *delayed* until tool servers have said what they offer, and what
//! the robot sends behind it is *queued*.

#[cfg(test)]
mod tests;

use super::catalogue::{print, Kind, PerKind};
use super::table::{Key, RobotKey};
use crate::ledger::GROWS;
use crate::time::{earlier, Moment};
use std::collections::VecDeque;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// How long a robot's `initialize` or list is delayed at most.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(2);

/// How many bytes of memory are kept for each robot.
pub(super) const MEMORY_OF_ROBOT: usize = GROWS * size_of::<OfRobot>();

/// A request that waits for a tool server.
#[derive(Debug)]
pub(super) struct Parked {
    /// Its place in the order.
    pub place: u64,
    pub robot: RobotKey,
    /// Its id, as it is spelled.
    pub id: Box<str>,
    /// The whole message.
    pub text: Box<str>,
    /// When it is given up.
    pub deadline: Moment,
    /// Whether it waits for a tool server that was here and went.
    pub for_lost: bool,
}

impl Parked {
    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        allocated(self.text.len())
            + allocated(self.id.len())
            + GROWS * (size_of::<Parked>() + size_of::<[u64; 4]>())
    }
}

/// A message whose answer is delayed: everything behind it is queued.
#[derive(Debug)]
pub(super) struct Delayed {
    /// Its id, as it is spelled.
    pub id: Box<str>,
    /// The message.
    pub text: Box<str>,
    /// The lists it waits for, besides the handshakes.
    pub kinds: Vec<Kind>,
    /// When it came.
    pub since: Moment,
}

impl Delayed {
    /// When it is answered at the latest; at once where nothing is awaited.
    fn ends(&self, awaited: &Awaited) -> Moment {
        let latest = self.since.after(MAX_DELAY);
        awaited.until(&self.kinds).map_or(self.since, |until| until.min(latest))
    }

    /// How many bytes of memory it takes.
    fn memory(&self) -> usize {
        memory_of_delayed(&self.text, &self.id)
    }
}

/// How many bytes of memory a delayed message takes.
pub(super) fn memory_of_delayed(text: &str, id: &str) -> usize {
    let kinds = array_of::<Kind>(Kind::all().count());
    allocated(text.len()) + allocated(id.len()) + allocated(size_of::<Delayed>()) + kinds
}

/// A message behind a delayed one.
#[derive(Debug)]
pub(super) struct Queued {
    /// The id of a request, as it is spelled.
    pub id: Option<Box<str>>,
    /// The message.
    pub text: Box<str>,
    /// When it came.
    pub since: Moment,
}

impl Queued {
    /// How many bytes of memory it takes.
    fn memory(&self) -> usize {
        memory_of_queued(&self.text, self.id.as_deref())
    }
}

/// How many bytes of memory a queued message takes.
pub(super) fn memory_of_queued(text: &str, id: Option<&str>) -> usize {
    let id = id.map_or(0, |id| allocated(id.len()));
    allocated(text.len()) + id + GROWS * size_of::<Queued>()
}

/// What there is to wait for at the tool servers of an agent.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    /// A tool server has not finished its handshake, or is asked for its tools for the first time.
    is_settling: bool,
    /// Until when it is worthwhile to wait for a list of this kind.
    lists: PerKind<Option<Moment>>,
}

impl Awaited {
    /// Adds one tool server: whether what it offers will be known in a moment, and until when it is
    /// worthwhile to wait for each of its lists.
    pub(super) fn add(
        &mut self,
        is_settling: bool,
        listing_until: impl Fn(Kind) -> Option<Moment>,
    ) {
        self.is_settling |= is_settling;
        for kind in Kind::all() {
            let until = self.lists.of_mut(kind);
            *until = (*until).max(listing_until(kind));
        }
    }

    /// A merged list is about to be made again.
    pub(super) fn add_merge(&mut self, kind: Kind) {
        *self.lists.of_mut(kind) = Some(Moment::default().after(Duration::MAX));
    }

    /// Until when it is worthwhile to wait before `kinds` are listed; without any, before
    /// `initialize` is answered. A robot itself waits [`MAX_DELAY`] from its request at most.
    pub(super) fn until(&self, kinds: &[Kind]) -> Option<Moment> {
        let settling = self.is_settling.then(|| Moment::default().after(Duration::MAX));
        kinds.iter().filter_map(|kind| *self.lists.of(*kind)).chain(settling).max()
    }
}

/// What waits of one robot.
#[derive(Debug, Default)]
struct OfRobot {
    delayed: Option<Box<Delayed>>,
    queue: VecDeque<Queued>,
    /// The places of its parked requests, the oldest first, and the id of each as a number.
    parked: Vec<(u64, u64)>,
}

/// The parked requests in their order. A place that is empty stays until half of them are, so that a
/// request that is tried again finds its own.
#[derive(Debug, Default)]
struct Row {
    places: Vec<(u64, Option<Box<Parked>>)>,
    /// How many requests there are.
    len: usize,
}

/// How many empty places are kept in any case.
const MAX_EMPTY: usize = 16;

impl Row {
    /// Where a place is, or would be.
    fn find(&self, place: u64) -> Result<usize, usize> {
        self.places.binary_search_by(|(known, _)| known.cmp(&place))
    }

    fn get(&self, place: u64) -> Option<&Parked> {
        self.places.get(self.find(place).ok()?)?.1.as_deref()
    }

    fn put(&mut self, parked: Parked) {
        self.len += 1;
        let (place, parked) = (parked.place, Some(Box::new(parked)));
        match self.find(place) {
            Ok(at) => {
                if let Some(free) = self.places.get_mut(at) {
                    free.1 = parked;
                }
            }
            Err(at) => self.places.insert(at, (place, parked)),
        }
    }

    fn remove(&mut self, place: u64) -> Option<Parked> {
        let at = self.find(place).ok()?;
        let parked = self.places.get_mut(at)?.1.take()?;
        self.len -= 1;
        if self.places.len() > 2 * self.len + MAX_EMPTY {
            self.places.retain(|(_, parked)| parked.is_some());
            self.places.shrink_to_fit();
        }
        Some(*parked)
    }

    /// The place of the first request that has `place` or a later one.
    fn first_from(&self, place: u64) -> Option<u64> {
        let at = self.find(place).unwrap_or_else(|at| at);
        let (place, _) = self.places.get(at..)?.iter().find(|(_, parked)| parked.is_some())?;
        Some(*place)
    }

    fn iter(&self) -> impl Iterator<Item = &Parked> {
        self.places.iter().filter_map(|(_, parked)| parked.as_deref())
    }
}

/// Everything that waits at one agent.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    requests: Row,
    last: u64,
    /// No request is given up before that.
    first_deadline: Option<Moment>,
    /// What is left of trying the requests again.
    pub round: Round,
    robots: Vec<OfRobot>,
    /// How many robots have a delayed message, and when the first of them is answered.
    delayed: usize,
    answers_at: Option<Moment>,
    bytes: usize,
}

/// A round in which parked requests are tried again, because the tool servers have changed.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// From which place on requests are still to be tried.
    pub from: Option<u64>,
    /// Whether something has changed since it began.
    pub again: bool,
    /// When it goes on.
    pub not_before: Moment,
    /// How much work it was so far.
    pub cost: usize,
}

impl Waiting {
    /// How many bytes of memory the messages take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether `bytes` more may wait where `limit` may in all. One message alone always may.
    pub(super) fn has_room(&self, bytes: usize, limit: usize) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(bytes) <= limit
    }

    /// How many requests are parked.
    pub(super) fn parked(&self) -> usize {
        self.requests.len
    }

    /// Whether parked requests are to be tried again when something changes: a round that has none
    /// left ends like any other.
    pub(super) fn has_round(&self) -> bool {
        self.requests.len > 0 || self.round.from.is_some()
    }

    fn of(&mut self, robot: RobotKey) -> Option<&mut OfRobot> {
        if self.robots.len() <= robot.place() {
            self.robots.resize_with(robot.place() + 1, OfRobot::default);
        }
        self.robots.get_mut(robot.place())
    }

    /// Parks a request: at its place, if it had one.
    pub(super) fn park(&mut self, mut parked: Parked) {
        if parked.place == 0 {
            self.last += 1;
            parked.place = self.last;
        }
        let first = self.first_deadline.unwrap_or(parked.deadline);
        self.first_deadline = Some(first.min(parked.deadline));
        self.bytes += parked.memory();
        if let Some(robot) = self.of(parked.robot) {
            let at = robot.parked.partition_point(|(place, _)| *place < parked.place);
            robot.parked.insert(at, (parked.place, print(parked.id.as_bytes())));
        }
        self.requests.put(parked);
    }

    fn remove(&mut self, place: u64) -> Option<Parked> {
        let parked = self.requests.remove(place)?;
        if self.requests.len == 0 {
            self.first_deadline = None;
        }
        self.bytes -= parked.memory();
        if let Some(robot) = self.of(parked.robot) {
            if let Ok(at) = robot.parked.binary_search_by(|(known, _)| known.cmp(&place)) {
                robot.parked.remove(at);
                if robot.parked.capacity() > 4 * robot.parked.len() + MAX_EMPTY {
                    robot.parked.shrink_to(2 * robot.parked.len());
                }
            }
        }
        Some(parked)
    }

    /// Takes out the next request of a round.
    pub(super) fn next_of_round(&mut self) -> Option<Parked> {
        let place = self.requests.first_from(self.round.from?)?;
        self.round.from = Some(place + 1);
        self.remove(place)
    }

    /// The place of the newest parked request of a robot with `id`.
    fn place(&self, robot: RobotKey, id: &str) -> Option<u64> {
        let mut places = self.robots.get(robot.place())?.parked.iter().rev();
        let wanted = print(id.as_bytes());
        let has_id = |place| self.requests.get(place).is_some_and(|parked| *parked.id == *id);
        let is_it = |(place, print): &&(u64, u64)| *print == wanted && has_id(*place);
        places.find(is_it).map(|(place, _)| *place)
    }

    /// Whether a request of this id waits for a robot.
    pub(super) fn has(&self, robot: RobotKey, id: &str) -> bool {
        let of_robot = self.robots.get(robot.place()).is_some_and(|of| {
            of.delayed.iter().any(|delayed| &*delayed.id == id)
                || of.queue.iter().any(|queued| queued.id.as_deref() == Some(id))
        });
        of_robot || self.place(robot, id).is_some()
    }

    /// How many requests of a robot are parked, and how many messages of it are queued.
    pub(super) fn count_of(&self, robot: RobotKey) -> usize {
        self.robots.get(robot.place()).map_or(0, |of| of.parked.len() + of.queue.len())
    }

    /// Takes out the newest parked request of a robot with this id.
    pub(super) fn take_parked(&mut self, robot: RobotKey, id: &str) -> Option<Parked> {
        self.remove(self.place(robot, id)?)
    }

    /// Takes out everything that waits for a robot: the ids of the requests, parked ones first.
    pub(super) fn take_all_of(&mut self, robot: RobotKey) -> Vec<Box<str>> {
        let of = self.robots.get_mut(robot.place());
        let places = of.map(|of| std::mem::take(&mut of.parked)).unwrap_or_default();
        let parked = places.into_iter().filter_map(|(place, _)| self.remove(place));
        let mut ids: Vec<Box<str>> = parked.map(|parked| parked.id).collect();
        ids.extend(self.take_delayed(robot).map(|delayed| delayed.id));
        while let Some(queued) = self.next_queued(robot) {
            ids.extend(queued.id);
        }
        ids
    }

    /// The robot whose messages take the most memory.
    pub(super) fn largest(&self) -> Option<RobotKey> {
        let own = self.robots.iter().map(|of| {
            let delayed = of.delayed.iter().map(|delayed| delayed.memory());
            delayed.chain(of.queue.iter().map(Queued::memory)).sum()
        });
        let mut sums: Vec<usize> = own.collect();
        for parked in self.requests.iter() {
            if let Some(sum) = sums.get_mut(parked.robot.place()) {
                *sum += parked.memory();
            }
        }
        let most = sums.into_iter().enumerate().max_by_key(|(_, sum)| *sum);
        most.map(|(place, _)| RobotKey::of(place))
    }

    /// Takes out a parked request that has waited too long.
    pub(super) fn take_late(&mut self, now: Moment) -> Option<Parked> {
        if self.first_deadline? > now {
            return None;
        }
        let late = self.requests.iter().find(|parked| parked.deadline <= now);
        match late.map(|parked| parked.place) {
            Some(place) => self.remove(place),
            None => {
                self.first_deadline = self.requests.iter().map(|parked| parked.deadline).min();
                None
            }
        }
    }

    /// Whether a message of the robot is delayed, so that others have to be queued.
    pub(super) fn is_delayed(&self, robot: RobotKey) -> bool {
        self.delayed(robot).is_some()
    }

    /// The delayed message of a robot.
    pub(super) fn delayed(&self, robot: RobotKey) -> Option<&Delayed> {
        self.robots.get(robot.place())?.delayed.as_deref()
    }

    /// Whether any message is delayed.
    pub(super) fn delays_any(&self) -> bool {
        self.delayed > 0
    }

    /// Delays a message of a robot that has no other delayed one.
    pub(super) fn delay(&mut self, robot: RobotKey, delayed: Delayed, awaited: &Awaited) {
        let at = delayed.ends(awaited);
        self.answers_at = Some(self.answers_at.map_or(at, |first| first.min(at)));
        self.delayed += 1;
        self.bytes += delayed.memory();
        if let Some(of) = self.of(robot) {
            debug_assert!(of.delayed.is_none(), "a robot has two delayed messages");
            of.delayed = Some(Box::new(delayed));
        }
    }

    /// Takes out the delayed message of a robot.
    pub(super) fn take_delayed(&mut self, robot: RobotKey) -> Option<Delayed> {
        let delayed = self.robots.get_mut(robot.place())?.delayed.take()?;
        self.delayed -= 1;
        self.answers_at = self.answers_at.filter(|_| self.delayed > 0);
        self.bytes -= delayed.memory();
        Some(*delayed)
    }

    /// The robots whose delayed messages are to be answered now.
    pub(super) fn answerable(&self, now: Moment, awaited: &Awaited) -> Vec<RobotKey> {
        let robots = self.robots.iter().enumerate();
        let is_over = |of: &OfRobot| of.delayed.as_ref().is_some_and(|d| d.ends(awaited) <= now);
        robots.filter(|(_, of)| is_over(of)).map(|(place, _)| RobotKey::of(place)).collect()
    }

    /// Finds out again when the first delayed message is answered.
    pub(super) fn refresh_deadline(&mut self, awaited: &Awaited) {
        self.answers_at = self.first_answer(awaited);
    }

    /// When the first delayed message is answered. Looks at all of them.
    pub(super) fn first_answer(&self, awaited: &Awaited) -> Option<Moment> {
        let delayed = self.robots.iter().filter_map(|of| of.delayed.as_ref());
        delayed.map(|delayed| delayed.ends(awaited)).min()
    }

    /// Queues a message behind a delayed one.
    pub(super) fn queue(&mut self, robot: RobotKey, queued: Queued) {
        self.bytes += queued.memory();
        if let Some(of) = self.of(robot) {
            of.queue.push_back(queued);
        }
    }

    /// Takes out the first queued message of a robot.
    pub(super) fn next_queued(&mut self, robot: RobotKey) -> Option<Queued> {
        let queued = self.robots.get_mut(robot.place())?.queue.pop_front()?;
        self.bytes -= queued.memory();
        Some(queued)
    }

    /// Takes out the newest queued request of a robot with this id; says whether there was one.
    pub(super) fn drop_queued(&mut self, robot: RobotKey, id: &str) -> bool {
        let Some(of) = self.robots.get_mut(robot.place()) else { return false };
        let place = of.queue.iter().rposition(|queued| queued.id.as_deref() == Some(id));
        let Some(queued) = place.and_then(|place| of.queue.remove(place)) else { return false };
        self.bytes -= queued.memory();
        true
    }

    /// When there is something to do: then, or later.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let round = self.round.from.map(|_| self.round.not_before);
        earlier(earlier(round, self.first_deadline), self.answers_at)
    }

    /// What must always hold.
    ///
    /// # Panics
    /// Where it does not: for tests and debug builds only.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn check_invariants(&self) {
        assert_eq!(
            self.requests.iter().count(),
            self.requests.len,
            "parked requests are miscounted"
        );
        let places = self.robots.iter().flat_map(|of| &of.parked);
        let found = places.filter_map(|(place, _)| self.requests.get(*place)).count();
        assert_eq!(found, self.requests.len, "a parked request is not found");
        let delayed = self.robots.iter().filter(|of| of.delayed.is_some()).count();
        assert_eq!(delayed, self.delayed, "delayed messages are miscounted");
        let texts = self.robots.iter().flat_map(|of| {
            assert!(of.delayed.is_some() || of.queue.is_empty(), "a message is stuck");
            let delayed = of.delayed.iter().map(|delayed| delayed.memory());
            delayed.chain(of.queue.iter().map(Queued::memory))
        });
        let bytes = texts.chain(self.requests.iter().map(Parked::memory)).sum::<usize>();
        assert_eq!(bytes, self.bytes, "waiting bytes are miscounted");
        let first = self.requests.iter().map(|parked| parked.deadline).min();
        let is_seen = |at| self.first_deadline.is_some_and(|first| first <= at);
        assert!(first.is_none_or(is_seen), "a parked request is forgotten");
    }

    /// Whether nothing waits for the robots that `is_there` does not know.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn is_only_of(&self, is_there: impl Fn(RobotKey) -> bool) -> bool {
        let places = self.robots.iter().enumerate();
        places.into_iter().all(|(place, of)| {
            let has_none = of.delayed.is_none() && of.queue.is_empty() && of.parked.is_empty();
            has_none || is_there(RobotKey::of(place))
        })
    }
}
