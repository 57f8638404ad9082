//! What robots say, but for lists and `initialize`:
//! docs/protocol.md#ping, docs/protocol.md#tools-call, docs/protocol.md#other-requests,
//! docs/protocol.md#robot-notifications, docs/protocol.md#robot-replies, docs/protocol.md#bad-requests.

use super::world::{initialize_result, tool_list, World, ANNOUNCES};
use serde_json::json;

#[test]
fn ping_is_answered_where_there_is_a_tool() {
    let mut world = World::new();
    let robot = world.robot("a");
    world.asks(robot, "1", "ping");
    world.fails(robot, 1, -32001);
    let tool = world.tool("a");
    world.asks(robot, "2", "ping");
    assert_eq!(world.receives(robot), json!({"jsonrpc":"2.0","id":2,"result":{}}));
    world.receives(tool);
    world.is_silent(tool);
}

#[test]
fn initialized_is_kept_here() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    world.is_silent(tool);
    world.is_silent(robot);
}

#[test]
fn a_call_goes_to_the_tool_that_offers_it() {
    let mut world = World::new();
    let one = world.ready_tool("a", "one", &["x"]);
    let two = world.ready_tool("a", "two", &["y"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "y");
    let id = world.called(two, "y");
    world.is_silent(one);
    world.answers(two, id, "1");
    assert_eq!(world.receives(robot)["result"], 1);
    world.sends(robot, r#"{"id":2,"method":"tools\/call","params":{"name":"\u0078"}}"#);
    assert!(world.raw(one).contains(r#""name":"\u0078""#));
}

#[test]
fn a_call_that_nobody_offers_goes_to_the_only_tool() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "hidden");
    world.called(tool, "hidden");
}

#[test]
fn a_call_that_nobody_offers_goes_to_the_only_opaque_tool() {
    let mut world = World::new();
    let clear = world.ready_tool("a", "calc", &["add"]);
    let opaque = world.tool("a");
    let id = world.asked(opaque, "initialize");
    world.answers_error(opaque, id, -1);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "hidden");
    world.called(opaque, "hidden");
    world.calls(robot, "2", "add");
    world.called(clear, "add");
    let second = world.tool("a");
    let id = world.asked(second, "initialize");
    world.answers_error(second, id, -1);
    world.calls(robot, "3", "hidden");
    let error = world.fails(robot, 3, -32602);
    assert_eq!(error["message"], "Unknown tool: hidden");
}

#[test]
fn a_call_that_none_of_several_offers_is_an_unknown_tool() {
    let mut world = World::new();
    let one = world.ready_tool("a", "one", &["x"]);
    let two = world.ready_tool("a", "two", &["y"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "z");
    let error = world.fails(robot, 1, -32602);
    assert_eq!(error["message"], "Unknown tool: z");
    for params in ["null", "{}", "[]", r#"{"name":7}"#, "7"] {
        world.sends(robot, &format!(r#"{{"id":2,"method":"tools/call","params":{params}}}"#));
        world.fails(robot, 2, -32602);
    }
    world.is_silent(one);
    world.is_silent(two);
}

#[test]
fn a_call_without_any_tool_fails() {
    let mut world = World::new();
    let robot = world.initialised_robot("a");
    world.ready_tool("b", "calc", &["add"]);
    world.calls(robot, "1", "add");
    world.fails(robot, 1, -32001);
    world.asks(robot, "2", "logging/setLevel");
    world.fails(robot, 2, -32001);
    world.asks(robot, "3", "prompts/get");
    world.fails(robot, 3, -32001);
}

#[test]
fn params_null_are_passed_on() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.sends(robot, r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":null}"#);
    assert_eq!(world.receives(robot)["id"], 1);
    world.sends(robot, r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":null}"#);
    assert_eq!(world.shown_tools(robot), ["add"]);
    world.sends(robot, r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":null}"#);
    assert!(world.raw(tool).ends_with(r#""method":"tools/call","params":null}"#));
    world.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":null}"#);
    world.is_silent(tool);
}

#[test]
fn another_request_goes_to_the_only_tool() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"anything/at/all","params":[1.0]}"#;
    world.sends(robot, text);
    let received = world.raw(tool);
    let id = serde_json::from_str::<serde_json::Value>(&received).unwrap()["id"].clone();
    assert_eq!(received, text.replace("\"id\":1", &format!("\"id\":{id}")));
}

#[test]
fn another_request_goes_to_those_of_several_that_are_able_and_the_first_answer_counts() {
    let mut world = World::new();
    let able = r#"{"tools":{"listChanged":true},"logging":{},"completions":{}}"#;
    let (one, two) = (world.tool("a"), world.tool("a"));
    world.handshake(one, "one", &["x"], able);
    world.handshake(two, "two", &["y"], able);
    let three = world.ready_tool("a", "three", &["z"]);
    let robot = world.initialised_robot("a");
    for (id, method) in [(1, "logging/setLevel"), (2, "completion/complete")] {
        world.asks(robot, &id.to_string(), method);
        let first = world.asked(one, method);
        let second = world.asked(two, method);
        world.is_silent(three);
        world.answers(two, second, r#""two""#);
        let answer = world.receives(robot);
        assert_eq!((&answer["id"], &answer["result"]), (&json!(id), &json!("two")));
        world.answers(one, first, r#""one""#);
        world.is_silent(robot);
    }
    assert_eq!(world.relay.counts().in_flight, 0);
    world.asks(robot, "3", "foo/bar");
    world.fails(robot, 3, -32601);
    world.is_silent(one);
    world.is_silent(three);
}

#[test]
fn a_request_sent_to_several_is_answered_once_whoever_goes() {
    let mut world = World::new();
    let able = r#"{"tools":{"listChanged":true},"logging":{}}"#;
    let (one, two) = (world.tool("a"), world.tool("a"));
    world.handshake(one, "one", &["x"], able);
    world.handshake(two, "two", &["y"], able);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "logging/setLevel");
    let second = {
        world.receives(one);
        world.asked(two, "logging/setLevel")
    };
    world.leaves(one);
    world.receives_all(robot).iter().for_each(|m| assert!(m.get("id").is_none(), "{m}"));
    world.answers(two, second, "{}");
    assert_eq!(world.receives(robot)["id"], 1);
    world.asks(robot, "2", "logging/setLevel");
    world.leaves(two);
    let replies: Vec<_> =
        world.receives_all(robot).into_iter().filter(|m| m.get("id").is_some()).collect();
    assert_eq!(replies.len(), 1);
    assert_eq!(replies[0]["error"]["code"], -32003);
}

#[test]
fn a_notification_goes_to_every_initialised_tool_of_the_agent() {
    let mut world = World::new();
    let one = world.ready_tool("a", "one", &["x"]);
    let two = world.ready_tool("a", "two", &["y"]);
    let stranger = world.ready_tool("b", "three", &["z"]);
    let robot = world.initialised_robot("a");
    let shaking = world.tool("a");
    world.receives(shaking);
    let text = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    world.sends(robot, text);
    assert_eq!((world.raw(one), world.raw(two)), (text.to_owned(), text.to_owned()));
    world.is_silent(shaking);
    world.is_silent(stranger);
}

#[test]
fn a_notification_with_id_null_is_a_notification() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.sends(robot, r#"{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}"#);
    world.is_silent(robot);
    world.sends(tool, r#"{"jsonrpc":"2.0","method":"notifications/message"}"#);
    assert_eq!(world.receives(robot)["method"], "notifications/message");
}

#[test]
fn a_reply_of_a_robot_is_dropped_and_counted() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    let before = world.relay.traffic().messages_dropped;
    world.sends(robot, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    world.sends(robot, r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#);
    world.sends(robot, r#"{"jsonrpc":"2.0","id":null,"result":null}"#);
    assert_eq!(world.relay.traffic().messages_dropped - before, 3);
    world.is_silent(robot);
    world.is_silent(tool);
}

#[test]
fn what_is_not_json_and_what_is_no_request_is_reported_so() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    for text in ["", "hello", "{", r#"{"id":1,"method":"x""#, "{'a':1}", "[1"] {
        world.sends(robot, text);
        world.fails(robot, json!(null), -32700);
    }
    for text in ["1", "null", "\"x\"", "{}", r#"{"id":null,"method":"ping"}"#] {
        world.sends(robot, text);
        world.fails(robot, json!(null), -32600);
    }
    for text in [r#"{"id":4}"#, r#"{"id":4,"method":7}"#, r#"{"jsonrpc":"2.0","id":4,"x":1}"#] {
        world.sends(robot, text);
        world.fails(robot, 4, -32600);
    }
    for text in ["[]", r#"[{"jsonrpc":"2.0","id":4,"method":"ping"}]"#] {
        world.sends(robot, text);
        world.fails(robot, json!(null), -32600);
    }
    world.is_silent(tool);
    world.is_silent(robot);
}

#[test]
fn a_notification_is_never_answered() {
    let mut world = World::new();
    let robot = world.initialised_robot("a");
    for method in ["tools/call", "ping", "tools/list", "initialize", "x", "notifications/x"] {
        world.sends(robot, &format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#));
    }
    world.seconds(10.0);
    world.is_silent(robot);
}

#[test]
fn a_burst_of_a_whole_handshake_is_answered_in_order() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    world.asks(robot, "2", "tools/list");
    world.asks(robot, "3", "ping");
    world.calls(robot, "4", "add");
    world.is_silent(robot);
    world.answers(tool, id, &initialize_result("calc", ANNOUNCES));
    world.is_silent(robot);
    world.receives(tool);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &tool_list(&["add"]));
    assert_eq!(world.receives(robot)["id"], 1);
    let list = world.receives(robot);
    assert_eq!((&list["id"], &list["result"]["tools"][0]["name"]), (&json!(2), &json!("add")));
    assert_eq!(world.receives(robot)["id"], 3);
    let call = world.called(tool, "add");
    world.answers(tool, call, "{}");
    assert_eq!(world.receives(robot)["id"], 4);
    assert_eq!(world.relay.held_bytes(), 0);
}

#[test]
fn a_burst_without_any_tool_is_answered_at_once() {
    let mut world = World::new();
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    world.asks(robot, "2", "tools/list");
    assert_eq!(world.receives(robot)["id"], 1);
    assert!(world.shown_tools(robot).is_empty());
    // Nothing is waited for any more, but for the time when a silent robot would be wondered at.
    world.seconds(30.0);
    assert!(world.relay.wake_at().is_none());
}
