//! Requests of robots that wait for a tool server, in the order they came, found by their ids.

use super::catalogue::print;
use super::table::RobotKey;
use crate::ledger::GROWS;
use crate::time::Moment;
use std::collections::{BTreeMap, BTreeSet};
use ws::memory::allocated;

/// A request that waits for a tool.
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
    /// Whether it waits for a tool that was here and went.
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

/// The requests that wait at one agent.
#[derive(Debug, Default)]
pub(super) struct ParkedQueue {
    requests: BTreeMap<u64, Parked>,
    /// The robot and the id of each, the latter as a number.
    by_id: BTreeSet<(RobotKey, u64, u64)>,
    last: u64,
    /// No request is given up before that.
    first_deadline: Option<Moment>,
    /// What is left of trying the requests again.
    pub round: Round,
}

/// Trying again what waits: something about the tool servers has changed.
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

impl ParkedQueue {
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Parked> {
        self.requests.values()
    }

    /// Takes a request in: at its place, if it had one.
    pub(super) fn push(&mut self, mut parked: Parked) {
        if parked.place == 0 {
            self.last += 1;
            parked.place = self.last;
        }
        let first = self.first_deadline.unwrap_or(parked.deadline);
        self.first_deadline = Some(first.min(parked.deadline));
        self.by_id.insert((parked.robot, print(parked.id.as_bytes()), parked.place));
        self.requests.insert(parked.place, parked);
    }

    fn remove(&mut self, place: u64) -> Option<Parked> {
        let parked = self.requests.remove(&place)?;
        self.by_id.remove(&(parked.robot, print(parked.id.as_bytes()), place));
        if self.requests.is_empty() {
            self.first_deadline = None;
        }
        Some(parked)
    }

    /// Takes out the next request of a round.
    pub(super) fn next_of_round(&mut self) -> Option<Parked> {
        let (place, _) = self.requests.range(self.round.from?..).next()?;
        let place = *place;
        self.round.from = Some(place + 1);
        self.remove(place)
    }

    /// The places of a robot's requests with `id`, the oldest first.
    fn places(&self, robot: RobotKey, id: &str) -> impl DoubleEndedIterator<Item = u64> + '_ {
        let id = print(id.as_bytes());
        self.by_id.range((robot, id, 0)..=(robot, id, u64::MAX)).map(|(_, _, place)| *place)
    }

    fn has_id(&self, place: u64, id: &str) -> bool {
        self.requests.get(&place).is_some_and(|parked| *parked.id == *id)
    }

    /// Whether a robot has a request of this id here.
    pub(super) fn has(&self, robot: RobotKey, id: &str) -> bool {
        self.places(robot, id).any(|place| self.has_id(place, id))
    }

    /// Takes out the newest request of a robot with this id.
    pub(super) fn take_newest(&mut self, robot: RobotKey, id: &str) -> Option<Parked> {
        let place = self.places(robot, id).rev().find(|place| self.has_id(*place, id))?;
        self.remove(place)
    }

    /// Takes out all requests of a robot.
    pub(super) fn take_all_of(&mut self, robot: RobotKey) -> Vec<Parked> {
        let own = self.by_id.range((robot, 0, 0)..=(robot, u64::MAX, u64::MAX));
        let mut places: Vec<u64> = own.map(|(_, _, place)| *place).collect();
        places = crate::sorted::sorted(places);
        places.into_iter().filter_map(|place| self.remove(place)).collect()
    }

    /// Takes out a request that has waited too long.
    pub(super) fn take_late(&mut self, now: Moment) -> Option<Parked> {
        if self.first_deadline? > now {
            return None;
        }
        let late = self.requests.values().find(|parked| parked.deadline <= now);
        match late.map(|parked| parked.place) {
            Some(place) => self.remove(place),
            None => {
                self.first_deadline = self.requests.values().map(|parked| parked.deadline).min();
                None
            }
        }
    }

    /// When there is something to do.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let round = self.round.from.map(|_| self.round.not_before);
        round.into_iter().chain(self.first_deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Key;
    use super::*;

    fn parked(robot: RobotKey, id: &str, seconds: u64) -> Parked {
        let deadline = Moment::from_start(std::time::Duration::from_secs(seconds));
        Parked { place: 0, robot, id: id.into(), text: "".into(), deadline, for_lost: false }
    }

    #[test]
    fn requests_are_found_by_robot_and_id_and_keep_their_order() {
        let mut queue = ParkedQueue::default();
        for (robot, id) in [(1, "a"), (2, "a"), (1, "b"), (1, "a")] {
            queue.push(parked(RobotKey::of(robot), id, 9));
        }
        assert!(queue.has(RobotKey::of(2), "a") && !queue.has(RobotKey::of(2), "b"));
        assert_eq!(queue.take_newest(RobotKey::of(1), "a").unwrap().place, 4);
        queue.round.from = Some(0);
        let first = queue.next_of_round().unwrap();
        assert_eq!((first.robot.place(), &*first.id, first.place), (1, "a", 1));
        queue.push(first);
        assert_eq!(queue.next_of_round().unwrap().place, 2);
        let rest: Vec<u64> =
            queue.take_all_of(RobotKey::of(1)).iter().map(|parked| parked.place).collect();
        assert_eq!(rest, [1, 3]);
        assert!(queue.is_empty() && queue.by_id.is_empty());
    }

    #[test]
    fn what_has_waited_too_long_is_taken_out_once() {
        let at = |seconds| Moment::from_start(std::time::Duration::from_secs(seconds));
        let mut queue = ParkedQueue::default();
        for seconds in [5, 3, 9] {
            queue.push(parked(RobotKey::of(1), "a", seconds));
        }
        assert_eq!(queue.next_deadline(), Some(at(3)));
        assert!(queue.take_late(at(2)).is_none());
        assert_eq!(queue.take_late(at(5)).unwrap().deadline, at(5));
        assert_eq!(queue.take_late(at(5)).unwrap().deadline, at(3));
        assert!(queue.take_late(at(5)).is_none());
        assert_eq!(queue.next_deadline(), Some(at(9)));
    }
}
