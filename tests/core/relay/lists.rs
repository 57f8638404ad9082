//! A robot's `tools/list`:
//! docs/protocol.md#tools-list.

use super::world::{tool_list, World, ANNOUNCES};
use serde_json::json;

#[test]
fn without_a_tool_the_list_is_empty() {
    let mut world = World::new();
    let robot = world.robot("a");
    for (method, member) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        world.asks(robot, "1", method);
        assert_eq!(world.receives(robot), json!({"jsonrpc":"2.0","id":1,"result":{member:[]}}));
    }
}

#[test]
fn items_are_given_as_their_tools_spell_them_in_one_page() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let items = r#"{"inputSchema":{"a":1.50} ,"name":"a\/b","x":"\u5c0f"}"#;
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &format!(r#"{{"nextCursor":"2","tools":[ {items} ]}}"#));
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, r#"{"tools":[{"name":"c"}],"nextCursor":null}"#);
    let robot = world.robot("a");
    world.sends(
        robot,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"anything"}}"#,
    );
    assert_eq!(
        world.raw(robot),
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{items},{{"name":"c"}}]}}}}"#)
    );
    world.is_silent(tool);
}

#[test]
fn a_server_that_announces_changes_is_not_asked_again() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    for _ in 0..5 {
        assert_eq!(world.listed(robot), ["add"]);
    }
    world.is_silent(tool);
}

#[test]
fn servers_that_do_not_announce_changes_are_asked_afresh_all_at_once() {
    let mut world = World::new();
    let plain = [world.tool("a"), world.tool("a")];
    for (tool, able) in plain.iter().zip([r#"{"tools":{}}"#, r#"{"tools":{"listChanged":false}}"#])
    {
        let name = format!("{tool}");
        world.handshake(*tool, &name, &[&name], able);
    }
    let announcing = world.ready_tool("a", "calm", &["z"]);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.is_silent(announcing);
    world.lists(plain[1], &["y2"]);
    world.is_silent(robot);
    world.lists(plain[0], &["x2"]);
    assert_eq!(world.shown_tools(robot), ["x2", "y2", "z"]);
}

#[test]
fn one_that_does_not_answer_is_given_as_last_known_after_two_seconds() {
    let mut world = World::new();
    let (one, two) = (world.tool("a"), world.tool("a"));
    world.handshake(one, "one", &["x"], r#"{"tools":{}}"#);
    world.handshake(two, "two", &["y"], r#"{"tools":{}}"#);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.lists(one, &["x2"]);
    world.seconds(1.9);
    world.is_silent(robot);
    world.seconds(0.1);
    assert_eq!(world.shown_tools(robot), ["x2", "y"]);
    // Its late answer still counts, and is told.
    world.seconds(2.0);
    world.receives_all(robot);
    world.lists(two, &["y2"]);
    world.seconds(2.0);
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
}

#[test]
fn one_that_answers_with_an_error_is_given_as_last_known() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "one", &["x"], r#"{"tools":{}}"#);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    let id = world.asked(tool, "tools/list");
    world.answers_error(tool, id, -32603);
    assert_eq!(world.shown_tools(robot), ["x"]);
    world.asks(robot, "2", "tools/list");
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, r#"{"tools":"odd"}"#);
    assert_eq!(world.shown_tools(robot), ["x"]);
}

#[test]
fn a_list_that_was_never_answered_does_not_wait_for_ever() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    world.asked(tool, "tools/list");
    let robot = world.robot("a");
    world.asks(robot, "1", "tools/list");
    world.seconds(2.0);
    assert!(world.shown_tools(robot).is_empty());
    // A call waits for the tool, and goes to it once its list is late.
    world.calls(robot, "2", "add");
    world.seconds(7.9);
    world.is_silent(tool);
    world.seconds(0.1);
    world.asked(tool, "tools/list");
    world.called(tool, "add");
    // So it does where another tool is there, and cannot have it.
    world.ready_tool("a", "other", &["sub"]);
    world.receives_all(robot);
    world.calls(robot, "3", "mul");
    world.called(tool, "mul");
}

#[test]
fn two_robots_that_ask_at_once_cost_one_listing() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "one", &["x"], r#"{"tools":{}}"#);
    let (one, two) = (world.initialised_robot("a"), world.initialised_robot("a"));
    world.asks(one, "1", "tools/list");
    world.asks(two, "2", "tools/list");
    world.lists(tool, &["y"]);
    world.is_silent(tool);
    assert_eq!(world.shown_tools(one), ["y"]);
    assert_eq!(world.shown_tools(two), ["y"]);
}

#[test]
fn what_comes_behind_a_list_waits_its_turn() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "one", &["x"], r#"{"tools":{}}"#);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.asks(robot, "2", "ping");
    world.calls(robot, "3", "y");
    world.is_silent(robot);
    world.lists(tool, &["y"]);
    world.called(tool, "y");
    let ids: Vec<_> = world.receives_all(robot).iter().map(|m| m["id"].clone()).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_list_that_is_cancelled_while_it_waits_is_not_answered_and_holds_nobody_up() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "one", &["x"], r#"{"tools":{}}"#);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.asks(robot, "2", "ping");
    world.asks(robot, "3", "ping");
    world.cancels(robot, "2");
    world.cancels(robot, "1");
    assert_eq!(world.receives(robot)["id"], 3);
    world.lists(tool, &["x"]);
    world.is_silent(robot);
    assert_eq!(world.relay.held_bytes(), 0);
}

#[test]
fn an_item_twice_in_one_list_is_listed_once() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &tool_list(&["x", "x", "y"]));
    let robot = world.robot("a");
    assert_eq!(world.listed(robot), ["x", "y"]);
}

#[test]
fn a_tool_that_arrives_late_is_reported() {
    let mut world = World::new();
    let robot = world.initialised_robot("a");
    let stranger = world.initialised_robot("b");
    world.ready_tool("a", "calc", &["add"]);
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
    world.is_silent(robot);
    world.is_silent(stranger);
    assert_eq!(world.listed(robot), ["add"]);
}

/// The relay does not ask to be woken again at the same moment.
#[test]
fn what_is_due_is_done_in_one_turn() {
    let mut world = World::new();
    world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "0", "x");
    world.asks(robot, "3", "tools/list");
    world.asks(robot, "1", "ping");
    let due = world.relay.wake_at().unwrap();
    world.now = due;
    world.relay.time(due, &mut world.wire);
    let next = world.relay.wake_at();
    assert!(next.is_none_or(|at| at > due), "{due:?} {next:?}");
}
