//! -32002: full queues, spent budgets; and robots that do not read (docs/protocol.md#backpressure,
//! docs/protocol.md#max-in-flight).

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::relay::Counts;
use std::time::Duration;

#[test]
fn a_full_tool_is_reported_to_the_robot_at_once_and_harms_nobody_else() {
    let mut world = World::new();
    let full = world.ready_tool("a", "one", &["x"]);
    let other = world.ready_tool("a", "two", &["y"]);
    let robot = world.initialised_robot("a");
    world.is_full(full);
    world.calls(robot, "1", "x");
    world.fails(robot, 1, -32002);
    world.calls(robot, "2", "y");
    world.called(other, "y");
    assert_eq!(world.relay.counts().in_flight, 1);
    world.reads_again(full);
    world.calls(robot, "3", "x");
    world.called(full, "x");
    assert!(world.relay.traffic().sends_refused >= 1);
    assert_eq!(world.relay.traffic().errors.not_forwarded, 1);
}

#[test]
fn a_request_to_several_fails_only_if_all_are_full() {
    let mut world = World::new();
    let able = r#"{"tools":{"listChanged":true},"logging":{}}"#;
    let (one, two) = (world.tool("a"), world.tool("a"));
    world.handshake(one, "one", &["x"], able);
    world.handshake(two, "two", &["y"], able);
    let robot = world.initialised_robot("a");
    world.is_full(one);
    world.asks(robot, "1", "logging/setLevel");
    world.is_silent(robot);
    let id = world.asked(two, "logging/setLevel");
    world.answers_error(two, id, -1);
    world.fails(robot, 1, -1);
    world.is_full(two);
    world.asks(robot, "2", "logging/setLevel");
    world.fails(robot, 2, -32002);
}

#[test]
fn a_greeting_that_finds_no_room_is_said_again() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.receives(tool);
    world.is_full(tool);
    world.seconds(15.0);
    world.reads_again(tool);
    world.seconds(5.0);
    world.handshake(tool, "calc", &["add"], ANNOUNCES);
}

#[test]
fn a_robot_has_only_so_many_requests_under_way() {
    let mut world = World::with(|policy| policy.max_in_flight = 3);
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (robot, other) = (world.initialised_robot("a"), world.initialised_robot("a"));
    for id in ["1", "2", "3"] {
        world.calls(robot, id, "add");
    }
    let first = world.called(tool, "add");
    world.calls(robot, "4", "add");
    world.fails(robot, 4, -32002);
    world.calls(other, "1", "add");
    world.answers(tool, first, "{}");
    assert_eq!(world.receives(robot)["id"], 1);
    world.calls(robot, "5", "add");
    world.is_silent(robot);
    world.cancels(robot, "5");
    world.calls(robot, "6", "add");
    world.is_silent(robot);
    assert_eq!(world.relay.counts().in_flight, 4);
}

#[test]
fn requests_that_wait_count_as_under_way() {
    let mut world = World::with(|policy| policy.max_in_flight = 2);
    let tool = world.tool("a");
    let robot = world.robot("a");
    for id in ["1", "2", "3"] {
        world.calls(robot, id, "add");
    }
    world.fails(robot, 3, -32002);
    world.greets(tool, "calc", ANNOUNCES);
    world.lists(tool, &["add"]);
    world.called(tool, "add");
    world.called(tool, "add");
    world.is_silent(tool);
    world.is_silent(robot);
}

#[test]
fn what_comes_behind_a_waiting_message_is_limited_too() {
    let mut world = World::with(|policy| policy.max_in_flight = 2);
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.asks(robot, "0", "initialize");
    for id in 1..20 {
        world.asks(robot, &id.to_string(), "ping");
    }
    let refused = world.receives_all(robot);
    assert!((17..=18).contains(&refused.len()), "{}", refused.len());
    assert!(refused.iter().all(|m| m["error"]["code"] == -32002));
    world.handshake(tool, "calc", &["add"], ANNOUNCES);
    let answered = world.receives_all(robot);
    assert_eq!(answered.len() + refused.len(), 20);
    assert!(answered.iter().all(|m| m.get("result").is_some()));
}

#[test]
fn so_many_bytes_wait_for_one_agent_and_no_more() {
    let mut world = World::new();
    let tool = world.tool("a");
    let (robot, other) = (world.robot("a"), world.robot("a"));
    world.tool("b");
    let elsewhere = world.robot("b");
    world.calls(robot, "1", "add");
    // Measured as memory: what is around the text counts, too.
    let one = world.relay.held_bytes();
    assert!((150..400).contains(&one), "{one}");
    world.change_policy(|policy| policy.max_held = 3 * one);
    for id in ["2", "3", "4"] {
        world.calls(robot, id, "add");
    }
    assert_eq!(world.relay.held_bytes(), 3 * one);
    world.fails(robot, 4, -32002);
    world.calls(other, "1", "add");
    world.fails(other, 1, -32002);
    world.calls(elsewhere, "1", "add");
    world.is_silent(elsewhere);
    assert_eq!(world.relay.counts().held_bytes, 4 * one);
    world.greets(tool, "calc", ANNOUNCES);
    world.lists(tool, &["add"]);
    assert_eq!(world.relay.held_bytes(), one);
    world.calls(other, "2", "add");
    world.is_silent(other);
}

#[test]
fn an_initialize_that_finds_no_room_to_wait_is_answered_at_once() {
    let mut world = World::with(|policy| policy.max_held = 100);
    world.tool("a");
    let (one, two) = (world.robot("a"), world.robot("a"));
    world.calls(one, "1", "add");
    world.asks(two, "2", "initialize");
    world.asks(two, "3", "tools/list");
    assert_eq!(world.receives(two)["id"], 2);
    assert_eq!(world.receives(two)["id"], 3);
}

#[test]
fn an_answer_too_large_for_the_robots_queue_becomes_an_error() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.takes_at_most(robot, 1000);
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.answers(tool, id, &format!("\"{}\"", "x".repeat(2000)));
    world.fails(robot, 1, -32002);
    assert!(world.wire.closed.is_empty());
}

#[test]
fn a_robot_that_cannot_even_take_an_error_is_closed_and_its_requests_are_cancelled() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "add");
    world.calls(robot, "2", "add");
    let (first, second) = (world.called(tool, "add"), world.called(tool, "add"));
    world.is_full(robot);
    world.answers(tool, first, "{}");
    assert_eq!(world.wire.closed, [(robot, CloseReason::NotReading)]);
    let message = world.receives(tool);
    assert_eq!(message["params"]["requestId"], second);
    assert_eq!(world.relay.counts().robots, 0);
    world.leaves(robot);
    assert_eq!(world.relay.counts().in_flight, 0);
}

#[test]
fn notifications_for_a_full_robot_are_lost_but_do_not_cost_it_its_place() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.is_full(robot);
    world.sends(tool, r#"{"method":"notifications/message"}"#);
    world.reads_again(robot);
    world.calls(robot, "1", "add");
    world.called(tool, "add");
    assert!(world.wire.closed.is_empty());
}

#[test]
fn a_robot_that_is_closed_while_a_request_of_it_times_out_leaves_nothing_behind() {
    let mut world = World::with(|policy| policy.request_timeout = Duration::from_secs(5));
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.seconds(2.0);
    world.calls(robot, "2", "add");
    world.is_full(robot);
    world.seconds(3.0);
    assert_eq!(world.wire.closed, [(robot, CloseReason::NotReading)]);
    let next = world.robot("a");
    world.greets(tool, "calc", ANNOUNCES);
    world.lists(tool, &["add"]);
    world.is_silent(tool);
    world.is_silent(next);
    assert_eq!(world.relay.held_bytes(), 0);
    assert_eq!(world.relay.counts().waiting, 0);
}

#[test]
fn a_robot_that_is_closed_while_its_waiting_requests_fail_leaves_nothing_behind() {
    let mut world = World::new();
    let (one, two) = (world.ready_tool("a", "one", &["x"]), world.ready_tool("a", "two", &["y"]));
    let robot = world.robot("a");
    world.leaves(one);
    world.seconds(2.0);
    world.leaves(two);
    // The first is given up when `one` is, the second still waits for `two`.
    let shaking = world.tool("a");
    world.receives(shaking);
    world.calls(robot, "1", "x");
    world.calls(robot, "2", "y");
    world.asks(robot, "3", "ping");
    world.is_full(robot);
    world.leaves(shaking);
    world.seconds(60.0);
    assert_eq!(world.relay.held_bytes(), 0);
    assert_eq!(world.relay.counts(), Counts::default());
}

#[test]
fn many_requests_that_wait_are_tried_again_when_something_changes_and_not_all_the_time() {
    let mut world = World::new();
    let silent = world.tool("a");
    let robot = world.robot("a");
    for id in 0..200 {
        world.calls(robot, &id.to_string(), "late");
    }
    world.ready_tool("a", "one", &["x"]);
    world.ready_tool("a", "two", &["y"]);
    world.seconds(1.0);
    let next = world.relay.wake_at().unwrap();
    assert!(next > world.now.after(Duration::from_secs(1)), "{next:?}");
    let late = world.ready_tool("a", "three", &["z", "late"]);
    world.seconds(0.1);
    let called: Vec<u64> = (0..200).map(|_| world.called(late, "late")).collect();
    assert!(called.is_sorted(), "they keep their order");
    assert_eq!(world.relay.counts().waiting, 0);
    world.receives(silent);
}
