//! Tests of the call table.

use super::*;
use crate::random::Random;
use std::time::Duration;

fn at(seconds: u64) -> Moment {
    Moment::from_start(Duration::from_secs(seconds))
}

fn call(robot: usize, id: &str) -> Call {
    Call::new(RobotKey::of(robot), (id, ""), None, Nature::Other, at(0))
}

/// Opens a call of a request of its own.
fn open(
    table: &mut CallTable,
    tool: ToolKey,
    robot: usize,
    id: &str,
    seconds: u64,
) -> (CallKey, u32) {
    let group = table.new_group();
    table.open(tool, group, at(seconds), call(robot, id))
}

/// Takes the first late call out, and returns its upstream id.
fn take_late(table: &mut CallTable, now: Moment) -> Option<u32> {
    let late = table.late(now)?;
    let (_, id) = table.place_and_id(late)?;
    table.close(late).map(|_| id)
}

#[test]
fn ids_start_at_one_wrap_before_two_to_the_31_and_skip_those_under_way() {
    let mut table = CallTable::default();
    let (tool, other) =
        (table.add_tool(ToolServerKey::of(0)), table.add_tool(ToolServerKey::of(1)));
    assert_eq!(table.ask(tool, Request::Ping), 1);
    table.tools[0].last_id = MAX_UPSTREAM_ID - 1;
    assert_eq!(table.fresh_id(tool), MAX_UPSTREAM_ID);
    assert_eq!(table.ask(tool, Request::Ping), 2);
    assert_eq!(table.ask(other, Request::Ping), 1);
    assert!(table.answer(tool, 1).is_some());
    assert!(table.answer(tool, 1).is_none());
    assert!(table.has(other, 1));
    table.check_invariants();
}

#[test]
fn deadlines_come_in_order_whatever_is_put_off_or_over() {
    let mut table = CallTable::default();
    let tool = table.add_tool(ToolServerKey::of(0));
    for seconds in [5, 6, 4] {
        open(&mut table, tool, 0, "1", seconds);
    }
    assert_eq!(table.next_deadline(), Some(at(4)));
    table.put_off(tool, 3, at(7));
    table.answer(tool, 1);
    assert_eq!(take_late(&mut table, at(5)), None);
    assert_eq!(table.next_deadline(), Some(at(6)));
    for seconds in 8..1000 {
        table.put_off(tool, 2, at(seconds));
        table.check_invariants();
    }
    assert_eq!((take_late(&mut table, at(7)), table.len()), (Some(3), 1));
    assert_eq!(take_late(&mut table, at(2000)), Some(2));
    assert_eq!(table.next_deadline(), None);
}

#[test]
fn the_newest_call_of_an_id_is_found_and_each_robot_has_its_own_ids() {
    let mut table = CallTable::default();
    let tool = table.add_tool(ToolServerKey::of(0));
    let keys: Vec<CallKey> = [(0, "7"), (1, "7"), (0, "8"), (0, "7")]
        .map(|(robot, id)| open(&mut table, tool, robot, id, 9).0)
        .into();
    assert_eq!(table.find(RobotKey::of(0), "7"), Some(keys[3]));
    assert_eq!(table.find(RobotKey::of(1), "7"), Some(keys[1]));
    assert_eq!(
        (table.find(RobotKey::of(1), "8"), table.find(RobotKey::of(0), "\"7\"")),
        (None, None)
    );
    assert!(table.close(keys[3]).is_some_and(|call| call.id() == "7" && call.sibling().is_none()));
    assert!(table.close(keys[3]).is_none());
    assert_eq!(table.find(RobotKey::of(0), "7"), Some(keys[0]));
    assert_eq!(
        (
            table.first_of(RobotKey::of(0)),
            table.first_of(RobotKey::of(1)),
            table.first_of(RobotKey::of(2))
        ),
        (Some(keys[0]), Some(keys[1]), None)
    );
    assert_eq!((table.count_of(RobotKey::of(0)), table.count_at(tool)), ((2, 2), 3));
}

#[test]
fn a_request_to_several_tool_servers_is_one_request() {
    let mut table = CallTable::default();
    let tools: Vec<ToolKey> =
        (0..3).map(|place| table.add_tool(ToolServerKey::of(place))).collect();
    open(&mut table, tools[0], 0, "1", 9);
    let group = table.new_group();
    let keys: Vec<CallKey> =
        tools.iter().map(|tool| table.open(*tool, group, at(9), call(0, "2")).0).collect();
    open(&mut table, tools[0], 0, "3", 9);
    assert_eq!(table.count_of(RobotKey::of(0)), (5, 3));
    assert_eq!(
        table.find(RobotKey::of(0), "2").map(|call| table.first_of_request(call)),
        Some(keys[0])
    );
    let mut sibling = table.close(keys[1]).unwrap().sibling();
    assert_eq!((sibling, table.count_of(RobotKey::of(0))), (Some(keys[2]), (4, 3)));
    let mut siblings = 0;
    while let Some(key) = sibling {
        sibling = table.close(key).unwrap().sibling();
        siblings += 1;
    }
    assert_eq!((siblings, table.count_of(RobotKey::of(0))), (2, (2, 2)));
    table.check_invariants();
}

#[test]
fn what_is_under_way_outlives_its_tool_server() {
    let mut table = CallTable::default();
    let tool = table.add_tool(ToolServerKey::of(4));
    open(&mut table, tool, 0, "1", 9);
    table.ask(tool, Request::Ping);
    open(&mut table, tool, 0, "2", 9);
    assert_eq!(
        table.find(RobotKey::of(0), "1").and_then(|call| table.place_and_id(call)),
        Some((Some(ToolServerKey::of(4)), 1))
    );
    table.tool_left(tool);
    let other = table.add_tool(ToolServerKey::of(4));
    assert_eq!(open(&mut table, other, 0, "3", 9).1, 1);
    let mut ids = Vec::new();
    while let Some(key) = table.first_at(tool) {
        assert_eq!(table.place_and_id(key).map(|(place, _)| place), Some(None));
        ids.extend(table.close(key).map(|call| call.id().to_owned()));
    }
    table.forget_tool(tool);
    assert_eq!(ids, ["1", "2"]);
    assert_eq!((table.len(), table.count_at(other)), (1, 1));
    table.check_invariants();
}

#[test]
fn texts_of_any_length_come_back_as_they_were() {
    for length in 0..60 {
        for split in 0..=length {
            let text = "é23456789".repeat(7);
            let (Some(id), Some(name)) = (text.get(..split), text.get(split..length)) else {
                continue;
            };
            let token = (split % 3 > 0).then(|| text.get(..split)).flatten();
            let call = Call::new(RobotKey::of(0), (id, name), token, Nature::Other, at(0));
            assert_eq!((call.id(), call.token(), call.name()), (id, token, name));
        }
    }
}

#[test]
fn a_table_grows_and_shrinks_and_loses_nothing() {
    let mut table = CallTable::default();
    let tools = [table.add_tool(ToolServerKey::of(0)), table.add_tool(ToolServerKey::of(1))];
    let mut open_calls: Vec<(usize, u32, usize, String)> = Vec::new();
    let mut random = Random::new(1);
    for round in 0..4000u64 {
        let pick = random.place(1 << 31);
        // It fills up to a thousand, then empties, again and again.
        let grows = round % 1000 < 600;
        if open_calls.is_empty() || (pick % 10 < 8) == grows {
            let (tool, robot, id) = (pick % 2, pick % 3, (pick % 700).to_string());
            let (_, upstream) = open(&mut table, tools[tool], robot, &id, round);
            open_calls.push((tool, upstream, robot, id));
        } else {
            let (tool, upstream, robot, id) = open_calls.swap_remove(pick % open_calls.len());
            match table.answer(tools[tool], upstream) {
                Some(Request::Call(call)) => {
                    assert_eq!((call.robot().place(), call.id()), (robot, &*id))
                }
                other => panic!("{other:?}"),
            }
        }
        table.tidy();
        if round % 16 == 0 {
            table.check_invariants();
        }
        assert_eq!(table.len(), open_calls.len());
    }
    for (tool, upstream, ..) in open_calls {
        assert!(table.answer(tools[tool], upstream).is_some());
    }
    table.tidy();
    table.check_invariants();
    assert!(table.entries.len() <= MIN_SHRINK);
}

#[test]
fn a_key_stays_valid_until_the_table_is_tidied_and_a_burst_leaves_no_room() {
    let mut table = CallTable::default();
    let tool = table.add_tool(ToolServerKey::of(0));
    let ids: Vec<u32> = (0..500).map(|n| open(&mut table, tool, n, "1", 9).1).collect();
    let (kept, id) = open(&mut table, tool, 0, "kept", 9);
    for one in ids {
        assert!(table.answer(tool, one).is_some());
    }
    for _ in 0..5 {
        table.ask(tool, Request::Aside);
        assert_eq!(table.place_and_id(kept), Some((Some(ToolServerKey::of(0)), id)));
    }
    table.tidy();
    table.check_invariants();
    assert!(table.entries.len() == 6 && table.heads.len() <= 16 && table.robots.len() == 1);
    let kept = table.find(RobotKey::of(0), "kept").and_then(|kept| table.close(kept));
    assert_eq!(kept.map(|call| call.id().to_owned()).as_deref(), Some("kept"));
}
