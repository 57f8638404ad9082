//! A robot's `initialize`:
//! docs/protocol.md#initialize, docs/protocol.md#initialized.

use super::world::{initialize_result, World, ANNOUNCES};
use serde_json::{json, Value};

fn initialize(world: &mut World, agent: &str) -> Value {
    let robot = world.robot(agent);
    world.asks(robot, "1", "initialize");
    world.receives(robot)["result"].clone()
}

fn relay_info() -> Value {
    json!({"name":"mcp-endpoint-server","version":mcp_endpoint_server::VERSION})
}

#[test]
fn without_a_tool_it_succeeds() {
    let mut world = World::new();
    assert_eq!(
        initialize(&mut world, "a"),
        json!({"protocolVersion":"2024-11-05","capabilities":{"tools":{"listChanged":true}},
            "serverInfo":relay_info()})
    );
}

#[test]
fn one_tool_speaks_for_itself() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    world.answers(
        tool,
        id,
        r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"logging":{},"prompts":{"listChanged":false}},"serverInfo":{"name":"calc","title":"计","version":"1.0"},"instructions":"be kind","_meta":{"n":1.50}}"#,
    );
    world.receives(tool);
    world.lists(tool, &["add"]);
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    let raw = world.raw(robot);
    assert!(raw.contains(r#""serverInfo":{"name":"calc","title":"计","version":"1.0"}"#), "{raw}");
    assert!(raw.contains(r#""_meta":{"n":1.50}"#), "{raw}");
    let result = serde_json::from_str::<Value>(&raw).unwrap()["result"].clone();
    assert_eq!(result["protocolVersion"], "2025-06-18");
    assert_eq!(
        result["capabilities"],
        json!({"tools":{"listChanged":true},"logging":{},"prompts":{"listChanged":false}})
    );
    assert_eq!(result["instructions"], "be kind");
}

#[test]
fn several_tools_speak_with_one_voice() {
    let mut world = World::new();
    for (version, able, words) in [
        ("2025-03-26", r#"{"tools":{},"resources":{"subscribe":true}}"#, "first"),
        ("2024-11-05", r#"{"logging":{},"resources":{"listChanged":true}}"#, "second"),
    ] {
        let tool = world.tool("a");
        let id = world.asked(tool, "initialize");
        world.answers(
            tool,
            id,
            &format!(
                r#"{{"protocolVersion":"{version}","capabilities":{able},"serverInfo":{{"name":"{words}"}},"instructions":"{words}"}}"#
            ),
        );
        world.receives(tool);
        world.lists(tool, &[words]);
    }
    let result = initialize(&mut world, "a");
    assert_eq!(result["protocolVersion"], "2024-11-05");
    assert_eq!(
        result["capabilities"],
        json!({"tools":{"listChanged":true},"logging":{},
            "resources":{"subscribe":true,"listChanged":true}})
    );
    assert_eq!(result["serverInfo"], relay_info());
    let words = result["instructions"].as_str().unwrap();
    assert!(words.contains("first") && words.contains("second"));
}

#[test]
fn it_waits_for_tools_that_are_still_in_the_handshake() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.seconds(1.5);
    world.is_silent(robot);
    world.answers(tool, id, &initialize_result("calc", ANNOUNCES));
    world.receives(tool);
    world.is_silent(robot);
    world.lists(tool, &["add"]);
    assert_eq!(world.receives(robot)["result"]["serverInfo"]["name"], "calc");
}

#[test]
fn it_waits_for_a_silent_tool_two_seconds_at_most() {
    let mut world = World::new();
    world.tool("a");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.seconds(1.9);
    world.is_silent(robot);
    world.seconds(0.1);
    assert_eq!(world.receives(robot)["result"]["serverInfo"], relay_info());
    world.seconds(3.0);
    let later = world.robot("a");
    world.asks(later, "1", "initialize");
    world.asks(later, "2", "initialize");
    world.seconds(1.9);
    world.is_silent(later);
    world.seconds(0.1);
    assert_eq!(
        (&world.receives(later)["id"], &world.receives(later)["id"]),
        (&json!(1), &json!(2))
    );
}

#[test]
fn each_robot_waits_from_its_own_request() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    world.seconds(8.0);
    let robot = world.robot("a");
    world.asks(robot, "1", "tools/list");
    world.seconds(1.0);
    world.is_silent(robot);
    world.answers(tool, id, &initialize_result("calc", ANNOUNCES));
    world.receives(tool);
    world.seconds(0.9);
    world.lists(tool, &["add"]);
    assert_eq!(world.shown_tools(robot), ["add"]);
}

#[test]
fn tools_that_keep_coming_do_not_make_it_wait_longer_than_two_seconds() {
    let mut world = World::new();
    world.tool("a");
    world.seconds(1.0);
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    for _ in 0..8 {
        world.seconds(0.25);
        world.tool("a");
    }
    assert_eq!(world.receives(robot)["id"], 1);
}

#[test]
fn a_tool_that_answers_while_another_is_silent_shortens_nothing_and_breaks_nothing() {
    let mut world = World::new();
    let silent = world.tool("a");
    world.seconds(1.0);
    let tool = world.tool("a");
    world.seconds(0.5);
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.seconds(0.1);
    let id = world.asked(tool, "initialize");
    world.answers(tool, id, &initialize_result("calc", ANNOUNCES));
    world.receives(tool);
    world.lists(tool, &["add"]);
    world.seconds(1.8);
    world.is_silent(robot);
    world.seconds(0.1);
    assert_eq!(world.receives(robot)["result"]["serverInfo"]["name"], "calc");
    world.receives(silent);
    world.is_silent(silent);
}

#[test]
fn a_tool_that_goes_while_it_is_waited_for_is_not_waited_for() {
    let mut world = World::new();
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.leaves(tool);
    assert_eq!(world.receives(robot)["result"]["serverInfo"], relay_info());
}

#[test]
fn a_silent_tool_is_replaced_and_the_new_one_is_waited_for() {
    let mut world = World::new();
    world.tool_with_id("a", "x");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.seconds(1.0);
    let newer = world.tool_with_id("a", "x");
    world.is_silent(robot);
    world.handshake(newer, "calc", &["add"], ANNOUNCES);
    assert_eq!(world.receives(robot)["result"]["serverInfo"]["name"], "calc");
}

#[test]
fn it_may_be_sent_again() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "initialize");
    assert_eq!(world.receives(robot)["result"]["serverInfo"]["name"], "calc");
    world.is_silent(tool);
}

#[test]
fn opaque_tools_do_not_speak() {
    let mut world = World::new();
    let opaque = world.tool("a");
    let id = world.asked(opaque, "initialize");
    world.answers_error(opaque, id, -1);
    assert_eq!(initialize(&mut world, "a")["serverInfo"], relay_info());
    world.ready_tool("a", "calc", &["add"]);
    assert_eq!(initialize(&mut world, "a")["serverInfo"]["name"], "calc");
}

#[test]
fn twins_speak_once_and_as_themselves() {
    let mut world = World::new();
    world.ready_tool("a", "calc", &["add"]);
    world.ready_tool("a", "calc", &["add"]);
    assert_eq!(initialize(&mut world, "a")["serverInfo"]["name"], "calc");
}
