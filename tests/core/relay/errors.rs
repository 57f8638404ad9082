//! The relay's own errors:
//! docs/protocol.md#error-shape, docs/protocol.md#error-codes, docs/protocol.md#language.

use super::world::World;
use mcp_endpoint_server::text::Language;
use serde_json::{json, Value};

/// The four errors as an agent called `名"a` meets them.
fn four_errors(language: Language) -> [Value; 4] {
    let agent = "名\"a";
    let mut world = World::with(|policy| {
        policy.language = language;
        policy.reconnect_grace = std::time::Duration::ZERO;
    });
    let robot = world.robot(agent);
    world.calls(robot, "1", "add");
    let no_tool = world.receives(robot);
    let tool = world.ready_tool(agent, "calc", &["add"]);
    world.is_full(tool);
    world.calls(robot, "2", "add");
    let not_forwarded = world.receives(robot);
    world.reads_again(tool);
    world.calls(robot, "3", "add");
    world.seconds(301.0);
    let timed_out = world.receives(robot);
    world.calls(robot, "4", "add");
    world.leaves(tool);
    let lost = world.receives(robot);
    [no_tool, not_forwarded, lost, timed_out]
}

#[test]
fn the_errors_say_in_chinese_what_clients_know() {
    let [no_tool, not_forwarded, lost, timed_out] = four_errors(Language::Zh);
    assert_eq!(
        no_tool,
        json!({"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"工具端未连接",
            "data":{"agent_id":"名\"a","details":"请求的工具端连接不存在或已断开"}}})
    );
    assert_eq!(not_forwarded["error"]["code"], -32002);
    assert_eq!(not_forwarded["error"]["message"], "转发消息失败");
    let details = not_forwarded["error"]["data"]["details"].as_str().unwrap();
    assert!(details.starts_with("消息转发过程中发生错误") && details.contains("max_queued"));
    assert_eq!(lost["error"]["code"], -32003);
    assert_eq!(lost["error"]["message"], "工具端连接已断开");
    assert_eq!(timed_out["error"]["code"], -32005);
    assert_eq!(timed_out["error"]["message"], "工具端响应超时");
    for error in [&no_tool, &not_forwarded, &lost, &timed_out] {
        assert!(error.get("result").is_none());
        assert_eq!(error["error"]["data"]["agent_id"], "名\"a");
        assert!(error["error"]["data"]["details"].is_string());
        assert_eq!(error.as_object().unwrap().len(), 3);
    }
}

#[test]
fn the_errors_say_in_english_what_is_wrong() {
    for (error, code) in four_errors(Language::En).iter().zip([-32001, -32002, -32003, -32005]) {
        assert_eq!(error["error"]["code"], code);
        for text in [&error["error"]["message"], &error["error"]["data"]["details"]] {
            let text = text.as_str().unwrap();
            assert!(text.is_ascii() && !text.is_empty(), "{text}");
        }
    }
}

#[test]
fn a_name_is_repeated_so_that_it_stays_one_line_of_json() {
    let mut world = World::new();
    world.ready_tool("a", "one", &["x"]);
    world.ready_tool("a", "two", &["y"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", r#"a\n\"b\\"#);
    let error = world.fails(robot, 1, -32602);
    assert_eq!(error["message"], "Unknown tool: a\n\"b\\");
}

#[test]
fn each_error_is_counted_by_its_code() {
    let mut world = World::new();
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.sends(robot, "x");
    world.sends(robot, "[]");
    let errors = world.relay.traffic().errors;
    assert_eq!((errors.no_tool, errors.bad_request), (1, 2));
}
