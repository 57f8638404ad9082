//! `handshake = false`:
//! docs/protocol.md#transparent-mode.

use super::world::World;
use std::time::Duration;

fn transparent() -> World {
    World::with(|policy| policy.handshake = false)
}

#[test]
fn nothing_is_sent_to_a_tool_unasked() {
    let mut world = transparent();
    let tool = world.tool("a");
    world.robot("a");
    world.seconds(1000.0);
    world.is_silent(tool);
    assert!(world.relay.wake_at().is_none());
}

#[test]
fn everything_of_a_robot_goes_to_the_tool_and_back() {
    let mut world = transparent();
    let tool = world.tool("a");
    let robot = world.robot("a");
    for method in ["initialize", "ping", "tools/list", "prompts/list", "tools/call", "x/y"] {
        let text = format!(r#"{{ "id":"q" ,"method":"{method}","params":{{"name":"n"}}}}"#);
        world.sends(robot, &text);
        let received = world.raw(tool);
        let id = serde_json::from_str::<serde_json::Value>(&received).unwrap()["id"].clone();
        assert_eq!(received, text.replace("\"q\"", &id.to_string()));
        world.sends(tool, &format!(r#"{{"result":{{"m":"{method}"}},"id":{id}}}"#));
        assert_eq!(world.raw(robot), format!(r#"{{"result":{{"m":"{method}"}},"id":"q"}}"#));
    }
    let text = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    world.sends(robot, text);
    assert_eq!(world.raw(tool), text);
    world.is_silent(tool);
}

#[test]
fn without_a_tool_everything_fails() {
    let mut world = transparent();
    let robot = world.robot("a");
    for method in ["initialize", "ping", "tools/list", "tools/call"] {
        world.asks(robot, "1", method);
        world.fails(robot, 1, -32001);
    }
}

#[test]
fn of_several_tools_the_first_answer_counts() {
    let mut world = transparent();
    let (one, two) = (world.tool("a"), world.tool("a"));
    let robot = world.robot("a");
    for method in ["initialize", "tools/list", "ping"] {
        world.asks(robot, "1", method);
        let (first, second) = (world.asked(one, method), world.asked(two, method));
        world.answers(two, second, r#""two""#);
        assert_eq!(world.receives(robot)["result"], "two");
        world.answers(one, first, r#""one""#);
        world.is_silent(robot);
    }
}

#[test]
fn ids_tokens_and_cancellations_are_still_translated() {
    let mut world = transparent();
    let tool = world.tool("a");
    let (one, two) = (world.robot("a"), world.robot("a"));
    let call =
        r#"{"id":1,"method":"tools/call","params":{"name":"n","_meta":{"progressToken":"t"}}}"#;
    world.sends(one, call);
    world.sends(two, call);
    let (first, second) = (world.receives(tool), world.receives(tool));
    assert_ne!(first["id"], second["id"]);
    world.sends(
        tool,
        &format!(
            r#"{{"method":"notifications/progress","params":{{"progressToken":{}}}}}"#,
            second["params"]["_meta"]["progressToken"]
        ),
    );
    assert_eq!(world.receives(two)["params"]["progressToken"], "t");
    world.is_silent(one);
    world.cancels(one, "1");
    assert_eq!(world.receives(tool)["params"]["requestId"], first["id"]);
}

#[test]
fn a_cancellation_with_an_id_never_carries_another_robots_number() {
    let mut world = transparent();
    let tool = world.tool("a");
    let (one, two) = (world.robot("a"), world.robot("a"));
    world.calls(one, "\"x\"", "n");
    let first = world.called(tool, "n");
    world.calls(two, "1", "n");
    let second = world.called(tool, "n");
    let cancel = |id: u64| {
        format!(
            r#"{{"id":9,"method":"notifications/cancelled","params":{{"requestId":{id},"_meta":{{"progressToken":{first}}}}}}}"#
        )
    };
    // Nothing of its own is called so.
    world.sends(two, &cancel(first + 40));
    assert_eq!(world.receives(two)["id"], 9);
    world.is_silent(tool);
    world.sends(two, &cancel(1));
    assert_eq!(world.receives(two)["result"], serde_json::json!({}));
    let received = world.receives(tool);
    assert_eq!(received["params"]["requestId"], second);
    assert!(received["id"].as_u64().unwrap() > second);
    assert!(received["params"]["_meta"]["progressToken"].as_u64().unwrap() > second);
    world.answers(tool, first, "1");
    assert_eq!(world.receives(one)["id"], "x");
}

#[test]
fn a_tool_that_comes_back_serves_what_waits_at_once() {
    let mut world = transparent();
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "n");
    world.called(tool, "n");
    world.leaves(tool);
    world.fails(robot, 1, -32003);
    world.calls(robot, "2", "n");
    world.seconds(4.0);
    let back = world.tool("a");
    let id = world.called(back, "n");
    world.answers(back, id, "{}");
    assert_eq!(world.receives(robot)["id"], 2);
}

#[test]
fn a_newer_tool_of_the_same_server_id_still_replaces_the_older() {
    let mut world = transparent();
    let older = world.tool_with_id("a", "x");
    world.tool_with_id("a", "x");
    assert_eq!(world.wire.closed.len(), 1);
    assert_eq!(world.wire.closed[0].0, older);
}

#[test]
fn a_tools_own_requests_are_answered_here() {
    let mut world = transparent();
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.sends(tool, r#"{"id":1,"method":"ping"}"#);
    assert!(world.receives(tool).get("result").is_some());
    world.sends(tool, r#"{"id":2,"method":"roots/list"}"#);
    assert_eq!(world.receives(tool)["error"]["code"], -32601);
    world.is_silent(robot);
}

#[test]
fn notifications_of_a_tool_go_to_initialised_robots() {
    let mut world = transparent();
    let tool = world.tool("a");
    let (robot, fresh) = (world.robot("a"), world.robot("a"));
    world.sends(robot, r#"{"method":"notifications/initialized"}"#);
    let text = r#"{"method":"notifications/tools/list_changed"}"#;
    world.sends(tool, text);
    assert_eq!(world.raw(robot), text);
    world.is_silent(fresh);
}

#[test]
fn a_request_that_is_not_answered_is_given_up() {
    let mut world = World::with(|policy| {
        policy.handshake = false;
        policy.request_timeout = Duration::from_secs(3);
    });
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "n");
    let id = world.called(tool, "n");
    world.seconds(3.0);
    world.fails(robot, 1, -32005);
    assert_eq!(world.receives(tool)["params"]["requestId"], id);
}
