//! Section 4, "Towards a tool, on connect".

use crate::world::{hello, tool_list, World, ANNOUNCES};
use mcp_endpoint_server::relay::ToolState;
use serde_json::json;

fn state(world: &World, agent: &str) -> ToolState {
    world.view(agent).tools[0].state
}

#[test]
fn a_tool_is_greeted_initialised_and_asked_for_its_tools() {
    let mut world = World::new();
    let tool = world.tool("a");
    let message = world.hears(tool);
    assert_eq!(
        message,
        json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{
            "protocolVersion":"2024-11-05","capabilities":{},
            "clientInfo":{"name":"mcp-endpoint-server","version":mcp_endpoint_server::VERSION}}})
    );
    world.is_silent(tool);
    assert_eq!(state(&world, "a"), ToolState::Shaking);
    world.answers(tool, 1, &hello("calc", ANNOUNCES));
    assert_eq!(world.hears(tool), json!({"jsonrpc":"2.0","method":"notifications/initialized"}));
    let list = world.asked(tool, "tools/list");
    world.is_silent(tool);
    world.answers(tool, list, &tool_list(&["add"]));
    assert_eq!(state(&world, "a"), ToolState::Ready);
    world.is_silent(tool);
}

#[test]
fn every_page_is_followed_with_the_cursor_as_it_is_spelled() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, r#"{"tools":[{"name":"a"}],"nextCursor":"p\/2"}"#);
    let next = world.raw(tool);
    assert!(next.contains(r#""params":{"cursor":"p\/2"}"#), "{next}");
    let id = serde_json::from_str::<serde_json::Value>(&next).unwrap()["id"].as_u64().unwrap();
    world.answers(tool, id, r#"{"tools":[{"name":"b"}],"nextCursor":"3"}"#);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, r#"{"tools":[{"name":"c"}]}"#);
    world.is_silent(tool);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["a", "b", "c"]);
}

#[test]
fn pages_that_never_end_are_not_followed_for_ever() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let mut pages = 0;
    while let Some(ask) = world.hears_all(tool).pop() {
        pages += 1;
        assert!(pages < 10_000);
        let result = format!(r#"{{"tools":[{{"name":"n{pages}"}}],"nextCursor":"{pages}"}}"#);
        world.answers(tool, ask["id"].as_u64().unwrap(), &result);
    }
    assert_eq!(state(&world, "a"), ToolState::Ready);
}

#[test]
fn a_slow_starter_is_asked_again_up_to_three_times_and_then_opaque() {
    let mut world = World::new();
    let tool = world.tool("a");
    let mut ids = vec![world.asked(tool, "initialize")];
    for _ in 0..3 {
        world.seconds(9.9);
        world.is_silent(tool);
        world.seconds(0.1);
        ids.push(world.asked(tool, "initialize"));
        assert_eq!(state(&world, "a"), ToolState::Shaking);
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
    world.seconds(10.0);
    assert_eq!(state(&world, "a"), ToolState::Opaque);
    world.seconds(1000.0);
    world.is_silent(tool);
    assert!(world.wire.closed.is_empty());
}

#[test]
fn a_slow_starter_may_answer_any_of_its_greetings() {
    let mut world = World::new();
    let tool = world.tool("a");
    let first = world.asked(tool, "initialize");
    world.seconds(10.0);
    let second = world.asked(tool, "initialize");
    world.answers(tool, first, &hello("calc", ANNOUNCES));
    assert_eq!(world.hears(tool)["method"], "notifications/initialized");
    let list = world.asked(tool, "tools/list");
    world.answers(tool, second, &hello("calc", ANNOUNCES));
    world.is_silent(tool);
    world.answers(tool, list, &tool_list(&["add"]));
    assert_eq!(state(&world, "a"), ToolState::Ready);
    world.seconds(30.0);
    world.is_silent(tool);
}

#[test]
fn an_error_to_initialize_makes_a_tool_opaque_and_it_stays_connected() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    world.answers_error(tool, id, -32601);
    assert_eq!(state(&world, "a"), ToolState::Opaque);
    world.is_silent(tool);
    assert!(world.wire.closed.is_empty());
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "whatever");
    let id = world.called(tool, "whatever");
    world.answers(tool, id, r#""done""#);
    assert_eq!(world.hears(robot)["result"], "done");
    world.seconds(200.0);
    world.is_silent(tool);
}

#[test]
fn an_opaque_tool_that_answers_late_is_initialised_after_all() {
    let mut world = World::new();
    let tool = world.tool("a");
    let first = world.asked(tool, "initialize");
    world.seconds(41.0);
    world.hears_all(tool);
    assert_eq!(state(&world, "a"), ToolState::Opaque);
    let robot = world.initialised_robot("a");
    world.answers(tool, first, &hello("calc", ANNOUNCES));
    assert_eq!(world.hears(tool)["method"], "notifications/initialized");
    world.lists(tool, &["add"]);
    assert_eq!(state(&world, "a"), ToolState::Ready);
    assert_eq!(world.hears(robot)["method"], "notifications/tools/list_changed");
    assert_eq!(world.listed(robot), ["add"]);
}

#[test]
fn requests_for_a_tool_wait_until_it_is_initialised_and_nothing_else_is_sent() {
    let mut world = World::new();
    let tool = world.tool("a");
    let hello_id = world.asked(tool, "initialize");
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.calls(robot, "2", "sub");
    world.asks(robot, "3", "logging/setLevel");
    world.says(robot, r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#);
    world.is_silent(tool);
    world.is_silent(robot);
    assert_eq!(world.relay.counts().waiting, 3);
    assert!(world.relay.held_bytes() > 0);
    world.answers(tool, hello_id, &hello("calc", r#"{"tools":{"listChanged":true}}"#));
    assert_eq!(world.hears(tool)["method"], "notifications/initialized");
    world.lists(tool, &["add", "sub"]);
    assert_eq!(world.called(tool, "add"), 3);
    assert_eq!(world.called(tool, "sub"), 4);
    assert_eq!(world.hears(tool)["method"], "logging/setLevel");
    assert_eq!(world.relay.counts().waiting, 0);
    assert_eq!(world.relay.held_bytes(), 0);
}

#[test]
fn requests_that_wait_for_a_silent_tool_go_to_it_once_it_is_opaque() {
    let mut world = World::new();
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.seconds(39.9);
    for message in world.hears_all(tool) {
        assert_eq!(message["method"], "initialize");
    }
    world.seconds(0.2);
    let id = world.called(tool, "add");
    world.answers(tool, id, "1");
    assert_eq!(world.hears(robot)["result"], 1);
}

#[test]
fn an_initialised_tool_is_pinged_and_need_not_answer() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.seconds(49.9);
    world.is_silent(tool);
    world.seconds(0.2);
    let first = world.asked(tool, "ping");
    world.answers_error(tool, first, -32601);
    world.seconds(50.0);
    world.asked(tool, "ping");
    for _ in 0..20 {
        world.seconds(50.0);
        world.asked(tool, "ping");
        world.is_silent(tool);
    }
    assert!(world.wire.closed.is_empty());
    assert_eq!(world.relay.counts().tools, 1);
    assert_eq!(state(&world, "a"), ToolState::Ready);
}

#[test]
fn a_tool_is_never_pinged_where_the_interval_is_off() {
    let mut world = World::with(|policy| policy.tool_ping_interval = None);
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.seconds(3600.0);
    world.is_silent(tool);
}

#[test]
fn new_settings_change_the_ping_interval_of_who_is_connected() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.change_policy(|policy| {
        policy.tool_ping_interval = Some(std::time::Duration::from_secs(5));
    });
    world.seconds(5.0);
    world.asked(tool, "ping");
    world.change_policy(|policy| policy.tool_ping_interval = None);
    world.seconds(500.0);
    world.is_silent(tool);
}

#[test]
fn a_tool_whose_first_list_is_an_error_is_ready_without_tools() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", r#"{}"#);
    let id = world.asked(tool, "tools/list");
    world.answers_error(tool, id, -32601);
    assert_eq!(state(&world, "a"), ToolState::Ready);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    let id = world.asked(tool, "tools/list");
    world.answers_error(tool, id, -32601);
    assert!(world.told_tools(robot).is_empty());
    world.calls(robot, "2", "anything");
    world.called(tool, "anything");
}

#[test]
fn a_tool_that_loses_its_first_list_is_asked_for_it_again_when_a_robot_wants_it() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    world.asked(tool, "tools/list");
    world.seconds(15.0);
    world.is_silent(tool);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.lists(tool, &["add"]);
    assert_eq!(world.told_tools(robot), ["add"]);
}
