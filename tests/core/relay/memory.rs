//! What the relay keeps for agents, and what it gives up when others need the room
//! (docs/protocol.md#memory-of-an-agent).

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::ledger::Account;

/// A `tools/call` whose id and progress token are as long as they may be.
fn large_call(number: usize) -> String {
    let id = format!("{number:0>1000}");
    format!(
        r#"{{"jsonrpc":"2.0","id":"{id}","method":"tools/call","params":{{"name":"add","_meta":{{"progressToken":"{id}"}}}}}}"#
    )
}

#[test]
fn ids_and_progress_tokens_in_flight_are_charged_until_the_answer() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    let before = world.kept_for("a");
    world.sends(robot, &large_call(1));
    assert!((2000..2600).contains(&(world.kept_for("a") - before)));
    let id = world.called(tool, "add");
    world.answers(tool, id, "{}");
    assert_eq!(world.kept_for("a"), before);
}

#[test]
fn where_memory_is_spent_one_more_call_is_refused_and_what_is_under_way_goes_on() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.ready_tool("b", "calc", &["add"]);
    let elsewhere = world.initialised_robot("b");
    world.wire.memory_limit = Some(world.wire.ledger.bytes() + 100_000);
    for number in 0..60 {
        world.sends(robot, &large_call(number));
    }
    let refused = world.receives_all(robot);
    assert!((10..30).contains(&refused.len()), "{}", refused.len());
    assert!(refused.iter().all(|message| message["error"]["code"] == -32002));
    let details = refused[0]["error"]["data"]["details"].as_str().unwrap();
    assert!(details.contains("memory_limit"), "{details}");
    let id = world.called(tool, "add");
    world.answers(tool, id, "{}");
    assert!(world.receives(robot).get("result").is_some());
    assert_eq!(world.wire.ledger.totals(mcp_endpoint_server::ledger::OwnerKind::Agent).owners, 2);
    // The agent that holds less does not pay.
    world.gives_way("a");
    world.calls(elsewhere, "1", "add");
    world.is_silent(elsewhere);
}

#[test]
fn no_agent_may_have_more_than_half_of_the_memory_kept_in_the_relay() {
    let mut world = World::with(|policy| policy.max_kept = 50_000);
    world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    for number in 0..40 {
        world.sends(robot, &large_call(number));
    }
    assert!(world.kept_for("a") <= 50_000);
    assert!(world.receives_all(robot).len() >= 10);
}

#[test]
fn calls_that_give_way_are_refused_and_cancelled() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (large, small) = (world.initialised_robot("a"), world.initialised_robot("a"));
    let before = world.kept_for("a");
    world.calls(small, "1", "add");
    world.called(tool, "add");
    for number in 0..10 {
        world.sends(large, &large_call(number));
        world.called(tool, "add");
    }
    world.gives_way("a");
    assert_eq!(world.receives_all(large).len(), 10);
    let cancelled = world.receives_all(tool);
    assert_eq!(cancelled.len(), 10);
    assert!(cancelled.iter().all(|message| message["method"] == "notifications/cancelled"));
    world.is_silent(small);
    assert!(world.kept_for("a") < before + 1000);
}

#[test]
fn waiting_requests_that_give_way_are_refused() {
    let mut world = World::new();
    world.tool("a");
    let (large, small) = (world.robot("a"), world.robot("a"));
    let before = world.kept_for("a");
    world.calls(small, "1", "add");
    for number in 0..10 {
        world.sends(large, &large_call(number));
    }
    world.asks(large, "11", "tools/list");
    world.asks(large, "12", "ping");
    world.gives_way("a");
    let refused = world.receives_all(large);
    assert_eq!(refused.len(), 12);
    assert!(refused.iter().all(|message| message["error"]["code"] == -32002));
    world.is_silent(small);
    assert!(world.kept_for("a") < before + 1000);
    assert_eq!(world.relay.counts().waiting, 1);
}

#[test]
fn lists_that_give_way_leave_their_tool_server_connected_and_say_why() {
    let mut world = World::new();
    let names: Vec<String> = (0..200).map(|number| format!("tool-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.ready_tool("a", "small", &["add"]);
    let large = world.tool("a");
    world.handshake(large, "large", &names, ANNOUNCES);
    let robot = world.initialised_robot("a");
    let before = world.kept_for("a");
    world.gives_way("a");
    assert!(world.kept_for("a") < before - 10_000);
    assert!(world.wire.closed.is_empty());
    let view = world.view("a");
    let trouble = view.tools[1].last_error.as_deref().unwrap();
    assert!(trouble.contains("memory_limit"), "{trouble}");
    world.receives_all(robot);
    world.asks(robot, "1", "tools/list");
    assert_eq!(world.shown_tools(robot), ["add"]);
}

#[test]
fn nothing_is_charged_any_more_once_everybody_is_gone() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add", "sub"]);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    world.sends(robot, &large_call(2));
    world.leaves(tool);
    world.sends(robot, &large_call(3));
    world.leaves(robot);
    world.seconds(60.0);
    let server = world.wire.ledger.bytes_of(Account::SERVER);
    assert_eq!(world.wire.ledger.bytes(), server);
}
