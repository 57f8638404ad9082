//! Tests of what waits.

use super::*;

fn parked(robot: RobotKey, id: &str, seconds: u64) -> Parked {
    let deadline = Moment::from_start(std::time::Duration::from_secs(seconds));
    Parked { place: 0, robot, id: id.into(), text: "".into(), deadline, for_lost: false }
}

#[test]
fn requests_are_found_by_robot_and_id_and_keep_their_order() {
    let mut waiting = Waiting::default();
    for (robot, id) in [(1, "a"), (2, "a"), (1, "b"), (1, "a")] {
        waiting.park(parked(RobotKey::of(robot), id, 9));
    }
    assert!(waiting.has(RobotKey::of(2), "a") && !waiting.has(RobotKey::of(2), "b"));
    assert_eq!(waiting.take_parked(RobotKey::of(1), "a").unwrap().place, 4);
    waiting.round.from = Some(0);
    let first = waiting.next_of_round().unwrap();
    assert_eq!((first.robot.place(), &*first.id, first.place), (1, "a", 1));
    waiting.park(first);
    assert_eq!(waiting.next_of_round().unwrap().place, 2);
    waiting.check_invariants();
    assert_eq!((waiting.count_of(RobotKey::of(1)), waiting.parked()), (2, 2));
    assert_eq!(waiting.take_all_of(RobotKey::of(1)).concat(), "ab");
    assert_eq!((waiting.parked(), waiting.bytes()), (0, 0));
    waiting.check_invariants();
}

#[test]
fn what_is_queued_is_counted_and_goes_with_its_robot() {
    let at = |seconds| Moment::from_start(Duration::from_secs(seconds));
    let (robot, mut waiting) = (RobotKey::of(3), Waiting::default());
    let mut awaited = Awaited::default();
    awaited.add(true, |_| None);
    let (id, text): (Box<str>, Box<str>) = ("1".into(), "{}".into());
    let delayed = Delayed { id, text, kinds: vec![Kind::Tools], since: at(7) };
    waiting.delay(robot, delayed, &awaited);
    for id in ["2", "3", "2"] {
        let queued = Queued { id: Some(id.into()), text: "{}".into(), since: at(8) };
        waiting.queue(robot, queued);
    }
    assert!(waiting.is_delayed(robot) && !waiting.is_delayed(RobotKey::of(2)));
    assert_eq!((waiting.next_deadline(), waiting.count_of(robot)), (Some(at(9)), 3));
    assert!(waiting.answerable(at(8), &awaited).is_empty());
    assert_eq!(waiting.answerable(at(8), &Awaited::default()), [robot]);
    assert!(waiting.drop_queued(robot, "2") && !waiting.drop_queued(robot, "4"));
    assert!(waiting.has(robot, "1") && waiting.has(robot, "2") && !waiting.has(robot, "4"));
    waiting.check_invariants();
    assert!(!waiting.has_room(1, waiting.bytes()) && waiting.has_room(1, waiting.bytes() + 1));
    assert_eq!(waiting.take_all_of(robot).concat(), "123");
    assert_eq!((waiting.bytes(), waiting.delays_any()), (0, false));
}

#[test]
fn what_has_waited_too_long_is_taken_out_once() {
    let at = |seconds| Moment::from_start(std::time::Duration::from_secs(seconds));
    let mut waiting = Waiting::default();
    for seconds in [5, 3, 9] {
        waiting.park(parked(RobotKey::of(1), "a", seconds));
    }
    assert_eq!(waiting.next_deadline(), Some(at(3)));
    assert!(waiting.take_late(at(2)).is_none());
    assert_eq!(waiting.take_late(at(5)).unwrap().deadline, at(5));
    assert_eq!(waiting.take_late(at(5)).unwrap().deadline, at(3));
    assert!(waiting.take_late(at(5)).is_none());
    assert_eq!(waiting.next_deadline(), Some(at(9)));
}

#[test]
fn requests_keep_their_order_when_most_places_are_empty() {
    let mut waiting = Waiting::default();
    for at in 0..200 {
        waiting.park(parked(RobotKey::of(at % 3), &at.to_string(), 9));
    }
    // A round in which every fourth request goes on waiting.
    waiting.round.from = Some(0);
    let mut seen = Vec::new();
    while let Some(parked) = waiting.next_of_round() {
        seen.push(parked.place);
        if parked.place % 4 == 0 {
            waiting.park(parked);
        }
        waiting.check_invariants();
    }
    assert_eq!(seen, (1..=200).collect::<Vec<u64>>());
    assert_eq!(waiting.parked(), 50);
    assert!(waiting.requests.places.len() <= 2 * 50 + MAX_EMPTY);
    assert_eq!(waiting.take_parked(RobotKey::of(0), "3").unwrap().place, 4);
    assert!(waiting.take_parked(RobotKey::of(0), "3").is_none());
    waiting.round.from = Some(0);
    let left = std::iter::from_fn(|| waiting.next_of_round().map(|parked| parked.place));
    assert_eq!(left.collect::<Vec<_>>(), (2..=50).map(|at| at * 4).collect::<Vec<u64>>());
    assert!(waiting.requests.places.len() <= MAX_EMPTY && waiting.bytes() == 0);
}
