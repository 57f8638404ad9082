//! What the relay asks tool servers:
//! docs/protocol.md#tool-server-handshake, docs/protocol.md#handshake-repeats,
//! docs/protocol.md#opaque-tool-servers, docs/protocol.md#slow-lists, docs/protocol.md#last-error,
//! docs/protocol.md#tool-server-ping.

use super::world::{initialize_result, tool_list, World, ANNOUNCES};
use mcp_endpoint_server::relay::ToolState;
use serde_json::json;

fn state(world: &World, agent: &str) -> ToolState {
    world.view(agent).tools[0].state
}

#[test]
fn a_tool_is_greeted_initialised_and_asked_for_its_tools() {
    let mut world = World::new();
    let tool = world.tool("a");
    let message = world.receives(tool);
    assert_eq!(
        message,
        json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{
            "protocolVersion":"2024-11-05","capabilities":{},
            "clientInfo":{"name":"mcp-endpoint-server","version":mcp_endpoint_server::VERSION}}})
    );
    world.is_silent(tool);
    assert_eq!(state(&world, "a"), ToolState::Initializing);
    world.answers(tool, 1, &initialize_result("calc", ANNOUNCES));
    assert_eq!(world.receives(tool), json!({"jsonrpc":"2.0","method":"notifications/initialized"}));
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
    while let Some(ask) = world.receives_all(tool).pop() {
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
        assert_eq!(state(&world, "a"), ToolState::Initializing);
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
    world.answers(tool, first, &initialize_result("calc", ANNOUNCES));
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    let list = world.asked(tool, "tools/list");
    world.answers(tool, second, &initialize_result("calc", ANNOUNCES));
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
    assert_eq!(world.receives(robot)["result"], "done");
    world.seconds(200.0);
    world.is_silent(tool);
}

#[test]
fn an_opaque_tool_that_answers_late_is_initialised_after_all() {
    let mut world = World::new();
    let tool = world.tool("a");
    let first = world.asked(tool, "initialize");
    world.seconds(41.0);
    world.receives_all(tool);
    assert_eq!(state(&world, "a"), ToolState::Opaque);
    let robot = world.initialised_robot("a");
    world.answers(tool, first, &initialize_result("calc", ANNOUNCES));
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    world.lists(tool, &["add"]);
    assert_eq!(state(&world, "a"), ToolState::Ready);
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
    assert_eq!(world.listed(robot), ["add"]);
}

#[test]
fn requests_for_a_tool_wait_until_it_is_initialised_and_nothing_else_is_sent() {
    let mut world = World::new();
    let tool = world.tool("a");
    let initialize_id = world.asked(tool, "initialize");
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.calls(robot, "2", "sub");
    world.asks(robot, "3", "logging/setLevel");
    world.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#);
    world.is_silent(tool);
    world.is_silent(robot);
    assert_eq!(world.relay.counts().waiting, 3);
    assert!(world.relay.held_bytes() > 0);
    world.answers(
        tool,
        initialize_id,
        &initialize_result("calc", r#"{"tools":{"listChanged":true}}"#),
    );
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    world.lists(tool, &["add", "sub"]);
    assert_eq!(world.called(tool, "add"), 3);
    assert_eq!(world.called(tool, "sub"), 4);
    assert_eq!(world.receives(tool)["method"], "logging/setLevel");
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
    for message in world.receives_all(tool) {
        assert_eq!(message["method"], "initialize");
    }
    world.seconds(0.2);
    let id = world.called(tool, "add");
    world.answers(tool, id, "1");
    assert_eq!(world.receives(robot)["result"], 1);
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
    assert!(world.shown_tools(robot).is_empty());
    world.calls(robot, "2", "anything");
    world.called(tool, "anything");
}

#[test]
fn a_first_list_that_is_late_is_asked_for_again_three_times_and_then_when_a_robot_asks() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let mut ids = vec![world.asked(tool, "tools/list")];
    for _ in 0..3 {
        world.seconds(10.0);
        ids.push(world.asked(tool, "tools/list"));
        assert_eq!(state(&world, "a"), ToolState::Listing);
        assert!(world.view("a").tools[0].last_error.is_some());
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
    world.seconds(30.0);
    world.asked(tool, "ping");
    world.seconds(15.0);
    world.is_silent(tool);
    assert_eq!(state(&world, "a"), ToolState::Listing);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.lists(tool, &["add"]);
    assert_eq!(world.shown_tools(robot), ["add"]);
    assert_eq!(state(&world, "a"), ToolState::Ready);
    assert_eq!(world.view("a").tools[0].last_error, None);
}

#[test]
fn a_late_answer_to_any_request_for_the_first_list_counts_and_robots_get_of_it() {
    for (waits, answered) in [(0, 0), (1, 0), (1, 1), (3, 0), (3, 2), (9, 0), (9, 3)] {
        let mut world = World::new();
        let tool = world.tool("a");
        world.greets(tool, "calc", ANNOUNCES);
        let robot = world.initialised_robot_after_waiting("a");
        let xiaozhi = world.robot("a");
        world.sends(
            xiaozhi,
            r#"{"id":1,"method":"initialize","params":{"clientInfo":{"name":"XiaozhiMCPEndpointClient"}}}"#,
        );
        world.seconds(2.0);
        world.receives(xiaozhi);
        world.asks(xiaozhi, "2", "tools/list");
        world.seconds(2.0);
        assert!(world.shown_tools(xiaozhi).is_empty());
        world.seconds(10.0 * f64::from(waits));
        let asked = world.receives_all(tool);
        let asked: Vec<_> = asked.iter().filter(|m| m["method"] == "tools/list").collect();
        assert_eq!(asked.len(), usize::min(waits as usize, 3) + 1);
        let id = asked[answered].clone()["id"].as_u64().unwrap();
        world.answers(tool, id, r#"{"tools":[{"name":"add"}],"nextCursor":"2"}"#);
        let next = world.asked(tool, "tools/list");
        // Another answer to the same question is one too many.
        if let Some(other) = asked.iter().find(|m| m["id"] != id) {
            world.answers(tool, other["id"].as_u64().unwrap(), &tool_list(&["other"]));
        }
        world.answers(tool, next, &tool_list(&["sub"]));
        assert_eq!(state(&world, "a"), ToolState::Ready);
        world.seconds(1.0);
        assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
        let again = world.receives(xiaozhi);
        assert_eq!(again["id"], 2);
        assert_eq!(again["result"]["tools"].as_array().unwrap().len(), 2);
        assert_eq!(world.listed(robot), ["add", "sub"]);
    }
}

#[test]
fn a_later_list_that_is_late_still_counts() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "calc", &["x"], r#"{"tools":{}}"#);
    let robot = world.initialised_robot("a");
    let mut ids = Vec::new();
    for round in 0..2 {
        world.asks(robot, &round.to_string(), "tools/list");
        ids.push(world.asked(tool, "tools/list"));
        world.seconds(2.0);
        assert_eq!(world.shown_tools(robot), ["x"]);
        world.seconds(10.0);
        assert_eq!(state(&world, "a"), ToolState::Ready);
        assert!(world.view("a").tools[0].last_error.is_some());
    }
    world.answers(tool, ids[0], &tool_list(&["y"]));
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
    assert_eq!(world.view("a").tools[0].last_error, None);
    world.answers(tool, ids[1], &tool_list(&["z"]));
    world.is_silent(robot);
}

#[test]
fn one_unanswered_list_of_resources_marks_nobody_for_ever() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "calc", &["add"], r#"{"tools":{"listChanged":true},"resources":{}}"#);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "resources/list");
    world.seconds(11.0);
    let last_error = |world: &World| world.view("a").tools[0].last_error.clone();
    assert!(last_error(&world).unwrap().contains("resources/list"));
    world.seconds(600.0);
    assert_eq!(last_error(&world), None);
    world.asks(robot, "2", "resources/list");
    world.seconds(11.0);
    assert!(last_error(&world).is_some());
    world.receives_all(tool);
    world.asks(robot, "3", "resources/list");
    let id = world.asked(tool, "resources/list");
    world.answers(tool, id, r#"{"resources":[]}"#);
    assert_eq!(last_error(&world), None);
}

/// A tool server sends `initialize` itself, and is answered.
fn introduces_itself(world: &mut World, tool: mcp_endpoint_server::relay::Peer) {
    world.sends(tool, r#"{"jsonrpc":"2.0","id":"own","method":"initialize","params":{}}"#);
    assert_eq!(world.receives(tool)["id"], "own");
}

#[test]
fn a_tools_own_initialize_has_an_unanswered_one_repeated_at_once() {
    let mut world = World::new();
    let tool = world.tool("a");
    let first = world.asked(tool, "initialize");
    introduces_itself(&mut world, tool);
    let second = world.asked(tool, "initialize");
    assert_ne!(first, second);
    world.sends(tool, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    world.is_silent(tool);
    world.answers(tool, second, &initialize_result("red", ANNOUNCES));
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    world.lists(tool, &["add"]);
    introduces_itself(&mut world, tool);
    world.seconds(20.0);
    world.is_silent(tool);
    assert_eq!(state(&world, "a"), ToolState::Ready);
}

#[test]
fn a_tool_that_refused_initialize_before_its_own_is_asked_again() {
    for by_notification in [false, true] {
        let mut world = World::new();
        let tool = world.tool("a");
        let first = world.asked(tool, "initialize");
        world.answers_error(tool, first, -32000);
        assert_eq!(state(&world, "a"), ToolState::Opaque);
        if by_notification {
            world.sends(tool, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        } else {
            introduces_itself(&mut world, tool);
        }
        let robot = world.robot("a");
        world.calls(robot, "1", "add");
        let second = world.asked(tool, "initialize");
        world.is_silent(tool);
        world.answers(tool, second, &initialize_result("red", ANNOUNCES));
        assert_eq!(world.receives(tool)["method"], "notifications/initialized");
        world.lists(tool, &["add"]);
        world.called(tool, "add");
        assert_eq!(world.view("a").tools[0].last_error, None);
    }
}

#[test]
fn a_tool_that_introduces_itself_without_end_is_not_asked_without_end() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.receives(tool);
    for _ in 0..100 {
        world.sends(tool, r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#);
    }
    let asked = world.receives_all(tool).iter().filter(|m| m["method"] == "initialize").count();
    assert_eq!(asked, 8);
}
