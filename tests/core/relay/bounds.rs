//! What a peer cannot make the relay keep, or do again and again: docs/protocol.md#catalogue-limits,
//! docs/protocol.md#initialize-limits, docs/protocol.md#bounded-work.

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::text::Language;
use serde_json::{json, Value};
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
        world.sends(robot, &long);
    }
    let start = Instant::now();
    for _ in 0..1000 {
        world.cancels(robot, "\"nobody's\"");
    }
    // To read ten megabytes a thousand times would take minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    world.cancels(robot, "2");
    world.receives(silent);
}

#[test]
fn an_id_or_a_token_too_long_to_be_kept_is_refused() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    let long = "i".repeat(2000);
    world.calls(robot, &format!("\"{long}\""), "add");
    world.fails(robot, Value::Null, -32600);
    world.sends(
        robot,
        &format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"add","_meta":{{"progressToken":"{long}"}}}}}}"#
        ),
    );
    world.fails(robot, 1, -32600);
    world.is_silent(tool);
}

#[test]
fn tools_that_never_finish_the_handshake_keep_no_lost_tool_in_mind_for_ever() {
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
fn a_thousand_names_alike_are_distinguished_in_no_time() {
    let mut world = World::new();
    let names: Vec<String> = (0..2000).map(|n| format!("{}{n}", "n".repeat(70))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.ready_tool("a", "one", &names);
    let start = Instant::now();
    world.ready_tool("a", "two", &names);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    // A long list is merged when others have had their turn.
    world.seconds(0.1);
    assert_eq!(world.relay.counts().offered, 4_000);
}

#[test]
fn of_an_answer_to_initialize_that_is_too_large_single_members_are_left_out() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    let large = "x".repeat(300_000);
    world.answers(
        tool,
        id,
        &format!(
            r#"{{"protocolVersion":"2024-11-05","capabilities":{{"experimental":{{"x":"{large}"}},"tools":{{"listChanged":true}},"logging":{{}}}},"instructions":"{large}","serverInfo":{{"name":"calc"}}}}"#
        ),
    );
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    world.lists(tool, &["add"]);
    let error = world.view("a").tools[0].last_error.clone().unwrap();
    assert!(error.contains("instructions"), "{error}");
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    let result = world.receives(robot)["result"].clone();
    assert_eq!(result["serverInfo"]["name"], "calc");
    assert!(result.get("instructions").is_none());
    assert_eq!(result["capabilities"], json!({"tools":{"listChanged":true},"logging":{}}));
}

/// The items of a page: `{"name":"PREFIX-0"}` and so on, each of so many bytes more.
fn page(prefix: &str, count: usize, more: usize) -> String {
    let item = |n| format!(r#"{{"name":"{prefix}-{n}","description":"{}"}}"#, "x".repeat(more));
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

/// What is shown to be wrong with the first tool of an agent.
fn trouble(world: &World) -> String {
    world.view("a").tools[0].last_error.clone().unwrap_or_default()
}

#[test]
fn of_a_list_that_is_too_long_the_first_items_are_kept_and_no_more_pages_are_asked_for() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    for number in 0..2 {
        let id = world.asked(tool, "tools/list");
        let items = page(&number.to_string(), 1_500, 0);
        world.answers(tool, id, &format!(r#"{{"tools":[{items}],"nextCursor":"{number}"}}"#));
    }
    world.is_silent(tool);
    assert_eq!(world.relay.counts().offered, 2_000);
    assert!(trouble(&world).contains("2000"), "{}", trouble(&world));
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "1-499");
    world.called(tool, "1-499");
    world.calls(robot, "2", "0-0");
    world.called(tool, "0-0");
}

#[test]
fn of_five_pages_of_a_mebibyte_the_first_four_mebibytes_are_kept() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    for number in 0..5 {
        let id = world.asked(tool, "tools/list");
        let items = page(&number.to_string(), 10, 106_000);
        let next = if number < 4 { format!(r#""{number}""#) } else { "null".to_owned() };
        world.answers(tool, id, &format!(r#"{{"tools":[{items}],"nextCursor":{next}}}"#));
    }
    assert_eq!(world.relay.counts().offered, 39);
    assert!(trouble(&world).contains("39"), "{}", trouble(&world));
    assert_eq!(world.view("a").tools[0].state.label(), "ready");
}

#[test]
fn a_page_that_does_not_come_keeps_the_pages_before_it() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let robot = world.initialised_robot_after_waiting("a");
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, r#"{"tools":[{"name":"first"}],"nextCursor":"2"}"#);
    for _ in 0..4 {
        world.asked(tool, "tools/list");
        world.seconds(10.0);
    }
    assert!(!trouble(&world).is_empty());
    let shown = world.receives_all(robot);
    assert!(shown.iter().any(|message| message["method"] == "notifications/tools/list_changed"));
    assert_eq!(world.view("a").tools[0].state.label(), "ready");
    world.asks(robot, "1", "tools/list");
    world.seconds(2.0);
    assert_eq!(world.shown_tools(robot), ["first"]);
}

#[test]
fn a_page_that_fails_keeps_the_pages_before_it() {
    for failure in [r#""error":{"code":-1,"message":"no"}"#, r#""result":{"tools":null}"#] {
        let mut world = World::new();
        let tool = world.tool("a");
        world.greets(tool, "calc", ANNOUNCES);
        let id = world.asked(tool, "tools/list");
        world.answers(tool, id, r#"{"tools":[{"name":"first"}],"nextCursor":"2"}"#);
        let id = world.asked(tool, "tools/list");
        world.sends(tool, &format!(r#"{{"jsonrpc":"2.0","id":{id},{failure}}}"#));
        let robot = world.initialised_robot("a");
        assert_eq!(world.listed(robot), ["first"]);
        assert!(!trouble(&world).is_empty());
        // A list that was whole is not given up for a part of a newer one.
        world.sends_list_changed(tool);
        world.seconds(1.0);
        world.receives_all(robot);
        world.lists(tool, &["a", "b"]);
        world.sends_list_changed(tool);
        world.seconds(1.0);
        let id = world.asked(tool, "tools/list");
        world.answers(tool, id, r#"{"tools":[{"name":"c"}],"nextCursor":"2"}"#);
        let id = world.asked(tool, "tools/list");
        world.sends(tool, &format!(r#"{{"jsonrpc":"2.0","id":{id},{failure}}}"#));
        world.seconds(1.0);
        world.receives_all(robot);
        assert_eq!(world.listed(robot), ["a", "b"]);
    }
}

#[test]
fn what_is_no_list_is_reported_as_it_is() {
    for (result, words) in [
        (r#"{"tools":null}"#, "tools is null"),
        (r#"{"tools":{"a":1}}"#, r#"tools is {"a":1}"#),
        ("{}", "tools is missing"),
        ("null", "answered tools/list with null in place of a list"),
        ("[7]", "answered tools/list with [7] in place of a list"),
    ] {
        let mut world = World::with(|policy| policy.language = Language::En);
        let tool = world.tool("a");
        world.greets(tool, "calc", ANNOUNCES);
        let id = world.asked(tool, "tools/list");
        world.answers(tool, id, result);
        assert!(trouble(&world).contains(words), "{}", trouble(&world));
    }
}

#[test]
fn an_item_nested_too_deep_is_left_out_alone_and_named() {
    let mut world = World::with(|policy| policy.language = Language::En);
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let items = format!(r#"{{"name":"x","inputSchema":{deep}}},{{"name":"y"}}"#);
    world.answers(tool, id, &format!(r#"{{"tools":[{items}]}}"#));
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["y"]);
    let shown = trouble(&world);
    assert!(shown.contains("items kept: 1,") && shown.contains("128 levels"), "{shown}");
}

#[test]
fn an_agent_offers_eight_thousand_tools_and_names_who_has_more() {
    let mut world = World::new();
    for number in 0..5 {
        let tool = world.tool("a");
        world.greets(tool, &format!("s{number}"), ANNOUNCES);
        let id = world.asked(tool, "tools/list");
        world.answers(
            tool,
            id,
            &format!(r#"{{"tools":[{}]}}"#, page(&number.to_string(), 1_900, 0)),
        );
        world.seconds(1.0);
    }
    assert_eq!(world.relay.counts().offered, 8_000);
    let tools = world.view("a").tools;
    assert_eq!(tools.iter().map(|tool| tool.tools_count).sum::<usize>(), 8_000);
    assert_eq!(tools[4].tools_count, 400);
    assert!(tools[4].last_error.as_ref().unwrap().contains("1500"));
    assert!(tools[3].last_error.is_none());
}

#[test]
fn a_page_of_sixteen_megabytes_leaves_little_behind() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    let items = vec![r#"{"name":"a"}"#; 1_300_000].join(",");
    world.answers(tool, id, &format!(r#"{{"tools":[{items}]}}"#));
    assert_eq!(world.relay.counts().offered, 1);
    assert!(trouble(&world).contains("2000"), "{}", trouble(&world));
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

#[test]
fn a_large_request_that_has_waited_leaves_nothing_to_be_done_at_once() {
    let mut world = World::with(|policy| policy.max_held = 64 << 20);
    let tool = world.tool("a");
    let robot = world.robot("a");
    let text = "x".repeat(6 << 20);
    let params = format!(r#"{{"name":"add","arguments":"{text}"}}"#);
    world.sends(
        robot,
        &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#),
    );
    world.handshake(tool, "calc", &["add"], r#"{"tools":{"listChanged":true}}"#);
    // It fails where the relay wants to be woken forever.
    world.seconds(1.0);
    world.called(tool, "add");
}
