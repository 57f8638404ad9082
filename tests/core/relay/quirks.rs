//! What known clients need:
//! docs/protocol.md#quirks, docs/protocol.md#quirk-late-tools, docs/protocol.md#quirk-large-messages,
//! docs/protocol.md#quirk-failed-calls.

use super::world::{whole, World, ANNOUNCES, XIAOZHI};
use mcp_endpoint_server::relay::Peer;
use serde_json::json;

const FAILED: &str =
    r#"{"content":[{"type":"image"},{"type":"text","text":"\u574f \"x\""}],"isError":true}"#;

#[test]
fn a_failed_call_is_reported_as_xiaozhi_server_reads_it() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (robot, other) = (world.robot_named("a", XIAOZHI), world.robot_named("a", "other"));
    let raw = world.answered(tool, robot, FAILED);
    let shown: serde_json::Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(shown["result"]["error"], "坏 \"x\"");
    assert_eq!(shown["result"]["isError"], true);
    assert!(raw.contains(FAILED.strip_prefix('{').unwrap()), "{raw}");
    assert!(shown.get("error").is_none());
    assert_eq!(world.answered(tool, other, FAILED), whole(FAILED));
}

#[test]
fn a_success_or_an_error_reported_already_is_left_alone() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", XIAOZHI);
    for result in [
        r#"{"content":[{"type":"text","text":"x"}]}"#,
        r#"{"content":[{"type":"text","text":"x"}],"isError":false}"#,
        r#"{"content":[{"type":"text","text":"x"}],"isError":true,"error":"y"}"#,
    ] {
        assert_eq!(world.answered(tool, robot, result), whole(result));
    }
}

#[test]
fn a_long_reason_is_cut_before_the_answer_is_too_large() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", XIAOZHI);
    for size in [100_000, 600_000, (1 << 20) - 1_000] {
        let text = "x".repeat(size);
        let result = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":true}}"#);
        let raw = world.answered(tool, robot, &result);
        assert!(raw.len() <= 1 << 20 && raw.contains(&result[1..]), "{size}: {}", raw.len());
        let shown: serde_json::Value = serde_json::from_str(&raw).unwrap();
        let reason = shown["result"]["error"].as_str().unwrap();
        match reason.strip_suffix('…') {
            Some(start) => assert!(size > 500_000 && text.starts_with(start), "{size}"),
            None => assert_eq!(reason, text),
        }
    }
}

#[test]
fn only_calls_are_reported_differently() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "1", "custom/thing");
    let id = world.asked(tool, "custom/thing");
    world.answers(tool, id, FAILED);
    assert_eq!(world.raw(robot), whole(FAILED));
}

#[test]
fn a_changed_list_is_sent_again_under_the_id_of_the_last_one() {
    let mut world = World::new();
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    assert!(world.shown_tools(robot).is_empty());
    let tool = world.ready_tool("a", "calc", &["add"]);
    let again = world.receives(robot);
    assert_eq!((&again["id"], &again["result"]["tools"][0]["name"]), (&json!(2), &json!("add")));
    world.seconds(2.0);
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.lists(tool, &["add", "sub"]);
    assert_eq!(world.shown_tools(robot), ["add", "sub"]);
    world.seconds(20.0);
    let more = world.receives_all(robot);
    assert!(more.iter().all(|m| m.get("id").is_none()), "told again without a change: {more:?}");
}

#[test]
fn a_list_that_has_not_changed_is_not_sent_again() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", XIAOZHI);
    assert_eq!(world.listed(robot), ["add"]);
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.lists(tool, &["add"]);
    world.seconds(20.0);
    let more = world.receives_all(robot);
    assert!(more.iter().all(|m| m.get("id").is_none()), "{more:?}");
}

#[test]
fn a_robot_that_never_listed_is_sent_no_list() {
    let mut world = World::new();
    let robot = world.robot_named("a", XIAOZHI);
    world.ready_tool("a", "calc", &["add"]);
    assert!(world.receives_all(robot).iter().all(|m| m.get("id").is_none()));
}

#[test]
fn a_list_is_not_sent_again_while_its_id_is_in_flight() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    world.shown_tools(robot);
    world.calls(robot, "2", "add");
    let id = world.called(tool, "add");
    world.ready_tool("a", "other", &["x"]);
    world.seconds(5.0);
    world.is_silent(robot);
    world.answers(tool, id, r#""mine""#);
    assert_eq!(world.receives(robot)["result"], "mine");
    assert_eq!(world.shown_tools(robot), ["add", "x"]);
    world.is_silent(robot);
    // A cancellation frees the id as well.
    world.calls(robot, "2", "add");
    world.called(tool, "add");
    world.ready_tool("a", "third", &["y"]);
    world.seconds(5.0);
    world.is_silent(robot);
    world.cancels(robot, "2");
    assert_eq!(world.shown_tools(robot), ["add", "x", "y"]);
    world.is_silent(robot);
}

#[test]
fn a_list_is_sent_again_only_after_all_requests_of_its_id_have_failed() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.seconds(2.0);
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    world.shown_tools(robot);
    world.calls(robot, "2", "add");
    world.calls(robot, "2", "add");
    world.ready_tool("a", "other", &["x"]);
    world.seconds(2.0);
    world.is_silent(robot);
    world.leaves(tool);
    world.fails(robot, 2, -32003);
    world.fails(robot, 2, -32003);
    assert_eq!(world.shown_tools(robot), ["add", "x"]);
}

#[test]
fn a_list_is_not_sent_again_while_its_id_waits_for_a_tool() {
    let mut world = World::new();
    let robot = world.robot_named("a", XIAOZHI);
    world.ready_tool("a", "calc", &["add"]);
    world.asks(robot, "2", "tools/list");
    world.shown_tools(robot);
    let shaking = world.tool("a");
    world.calls(robot, "2", "unknown");
    world.ready_tool("a", "other", &["x"]);
    world.seconds(5.0);
    world.is_silent(robot);
    world.cancels(robot, "2");
    assert_eq!(world.shown_tools(robot), ["add", "x"]);
    world.receives(shaking);
}

#[test]
fn a_list_is_not_sent_again_while_its_id_stands_in_line() {
    let mut world = World::new();
    let able = r#"{"tools":{"listChanged":true},"prompts":{}}"#;
    let tool = world.tool("a");
    world.handshake(tool, "calc", &["add"], able);
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    world.shown_tools(robot);
    world.asks(robot, "3", "prompts/list");
    world.calls(robot, "2", "add");
    world.sends_list_changed(tool);
    world.seconds(1.0);
    let prompts = world.asked(tool, "prompts/list");
    world.lists(tool, &["add", "sub"]);
    world.is_silent(robot);
    world.answers(tool, prompts, r#"{"prompts":[]}"#);
    assert_eq!(world.receives(robot)["id"], 3);
    let call = world.called(tool, "add");
    world.is_silent(robot);
    world.answers(tool, call, r#""mine""#);
    assert_eq!(world.receives(robot)["result"], "mine");
    assert_eq!(world.shown_tools(robot), ["add", "sub"]);
}

#[test]
fn without_quirks_everybody_is_reported_the_same() {
    let mut world = World::with(|policy| policy.quirks = false);
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", XIAOZHI);
    assert_eq!(world.listed(robot), ["add"]);
    assert_eq!(world.answered(tool, robot, FAILED), whole(FAILED));
    world.seconds(2.0);
    world.ready_tool("a", "other", &["x"]);
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
    world.seconds(20.0);
    world.is_silent(robot);
}

/// The result of a call whose answer to the request `1` has `size` bytes.
fn result_of(size: usize) -> String {
    let empty = r#"{"jsonrpc":"2.0","id":1,"result":""}"#.len();
    format!("\"{}\"", "x".repeat(size - empty))
}

#[test]
fn an_answer_that_would_end_the_session_becomes_an_error_that_names_it() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "files", &["read"]);
    let robot = world.robot_named("a", XIAOZHI);
    world.calls(robot, "1", "read");
    let id = world.called(tool, "read");
    world.answers(tool, id, &result_of(1 << 20));
    assert_eq!(world.raw(robot).len(), 1 << 20);
    world.calls(robot, "1", "read");
    let id = world.called(tool, "read");
    world.answers(tool, id, &result_of((1 << 20) + 1));
    let error = world.fails(robot, 1, -32002);
    let details = error["data"]["details"].as_str().unwrap();
    for part in ["1048577", "\"read\"", "\"files\""] {
        assert!(details.contains(part), "{part} in {details}");
    }
    // The session goes on.
    world.calls(robot, "2", "read");
    world.called(tool, "read");
}

#[test]
fn other_robots_and_without_quirks_all_get_answers_of_any_size() {
    for quirks in [true, false] {
        let mut world = World::with(|policy| policy.quirks = quirks);
        let tool = world.ready_tool("a", "files", &["read"]);
        let robot = world.robot_named("a", if quirks { "test" } else { XIAOZHI });
        world.calls(robot, "1", "read");
        let id = world.called(tool, "read");
        world.answers(tool, id, &result_of(2 << 20));
        assert_eq!(world.raw(robot).len(), 2 << 20);
    }
}

/// A list of `count` tools of `size` bytes each.
fn large_list(names: &[String], size: usize) -> String {
    let item = |name: &String| {
        let empty = format!(r#"{{"name":"{name}","description":""}}"#).len();
        format!(r#"{{"name":"{name}","description":"{}"}}"#, "x".repeat(size - empty))
    };
    let items: Vec<String> = names.iter().map(item).collect();
    format!(r#"{{"tools":[{}]}}"#, items.join(","))
}

/// The pages of the tool list that a robot follows, all under the id 2.
fn pages(world: &mut World, robot: Peer) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let raw = world.raw(robot);
        assert!(raw.len() < 1 << 20, "a page of {}", raw.len());
        let page: serde_json::Value = serde_json::from_str(&raw).unwrap();
        assert_eq!(page["id"], 2);
        let tools = page["result"]["tools"].as_array().unwrap();
        pages.push(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect());
        let Some(cursor) = page["result"].get("nextCursor") else { return pages };
        world.sends(
            robot,
            &format!(r#"{{"id":2,"method":"tools/list","params":{{"cursor":{cursor}}}}}"#),
        );
    }
}

#[test]
fn a_list_that_would_end_the_session_is_given_in_pages() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "files", ANNOUNCES);
    let names: Vec<String> = (0..70).map(|n| format!("tool{n}")).collect();
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &large_list(&names, 50_000));
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    let found = pages(&mut world, robot);
    assert_eq!(found.len(), 4, "as few as will do");
    assert_eq!(found.concat(), names);
    // Another robot reads one page only.
    let other = world.robot_named("a", "test");
    assert_eq!(world.listed(other), names);
    // The second reply when the list has changed is in pages, too.
    let fewer: Vec<String> = names[..30].to_vec();
    world.sends_list_changed(tool);
    world.seconds(1.0);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &large_list(&fewer, 50_000));
    let found = pages(&mut world, robot);
    assert_eq!((found.len(), found.concat()), (2, fewer));
    world.is_silent(robot);
}

#[test]
fn a_tool_too_large_for_any_page_is_left_out_and_a_wrong_cursor_begins_anew() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "files", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    let large = large_list(&["large".to_owned()], 1 << 20);
    let item = large.strip_prefix(r#"{"tools":["#).unwrap();
    world.answers(
        tool,
        id,
        &format!(r#"{{"tools":[{{"name":"one"}},{item}"#).replace("]}", r#",{"name":"two"}]}"#),
    );
    let robot = world.robot_named("a", XIAOZHI);
    for params in ["{}", r#"{"cursor":"x"}"#, r#"{"cursor":null}"#, r#"{"cursor":"0"}"#] {
        world.sends(robot, &format!(r#"{{"id":2,"method":"tools/list","params":{params}}}"#));
        assert_eq!(pages(&mut world, robot), [["one", "two"]]);
    }
    world.sends(robot, r#"{"id":2,"method":"tools/list","params":{"cursor":"99"}}"#);
    assert!(pages(&mut world, robot).concat().is_empty());
}

#[test]
fn a_notification_that_would_end_the_session_is_dropped() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "files", &["read"]);
    let (robot, other) = (world.robot_named("a", XIAOZHI), world.robot_named("a", "test"));
    let text =
        format!(r#"{{"method":"notifications/message","params":"{}"}}"#, "x".repeat(1 << 20));
    world.sends(tool, &text);
    assert_eq!(world.raw(other), text);
    world.is_silent(robot);
}
