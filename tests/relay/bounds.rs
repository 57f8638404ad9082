//! What a peer cannot make the relay keep, or do again and again.

use crate::world::{World, ANNOUNCES};
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn cancellations_do_not_read_what_stands_in_line_again() {
    let mut world = World::new();
    let silent = world.tool("a");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    let long =
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"x","params":"{}"}}"#, "y".repeat(1 << 20));
    for _ in 0..10 {
        world.says(robot, &long);
    }
    let start = Instant::now();
    for _ in 0..1000 {
        world.cancels(robot, "\"nobody's\"");
    }
    // To read ten megabytes a thousand times would take minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    world.cancels(robot, "2");
    world.hears(silent);
}

#[test]
fn an_id_or_a_token_too_long_to_be_kept_is_refused() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    let long = "i".repeat(2000);
    world.calls(robot, &format!("\"{long}\""), "add");
    world.fails(robot, Value::Null, -32600);
    world.says(
        robot,
        &format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"add","_meta":{{"progressToken":"{long}"}}}}}}"#
        ),
    );
    world.fails(robot, 1, -32600);
    world.is_silent(tool);
}

#[test]
fn tools_that_never_shake_hands_keep_no_lost_tool_in_mind_for_ever() {
    let mut world = World::new();
    let gone = world.ready_tool("a", "calc", &["add"]);
    world.robot("a");
    world.leaves(gone);
    world.seconds(4.0);
    let silent = world.tool("a");
    world.seconds(16.0);
    assert_eq!(world.relay.counts().offered, 1, "it came in time and may be the lost one");
    world.tool("a");
    world.leaves(silent);
    world.seconds(1.0);
    assert_eq!(world.relay.counts().offered, 0, "who comes after the grace is not");
}

#[test]
fn a_thousand_names_alike_are_told_apart_in_no_time() {
    let mut world = World::new();
    let names: Vec<String> = (0..5000).map(|n| format!("{}{n}", "n".repeat(70))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.ready_tool("a", "one", &names);
    let start = Instant::now();
    world.ready_tool("a", "two", &names);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(world.relay.counts().offered, 10_000);
}

#[test]
fn an_answer_to_initialize_too_large_to_be_kept_makes_a_tool_opaque() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    let large =
        format!(r#"{{"capabilities":{ANNOUNCES},"instructions":"{}"}}"#, "x".repeat(300_000));
    world.answers(tool, id, &large);
    world.is_silent(tool);
    let robot = world.robot("a");
    world.calls(robot, "1", "anything");
    world.called(tool, "anything");
}

#[test]
fn a_list_that_finds_no_room_is_an_error_and_not_the_end() {
    let mut world = World::new();
    let names: Vec<String> = (0..50).map(|n| format!("tool{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.ready_tool("a", "calc", &names);
    let robot = world.initialised_robot("a");
    world.takes_at_most(robot, 400);
    world.asks(robot, "1", "tools/list");
    world.fails(robot, 1, -32002);
    assert_eq!(world.relay.counts().robots, 1);
}
