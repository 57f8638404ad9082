//! What tool servers say:
//! docs/protocol.md#tool-server-requests, docs/protocol.md#list-changed,
//! docs/protocol.md#tool-server-notifications, docs/protocol.md#ignored-messages.

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::relay::Peer;
use serde_json::json;

#[test]
fn a_ping_of_a_tool_is_answered_whatever_its_id_and_at_any_time() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.receives(tool);
    for id in ["1", "\"x\"", "0", "-1.5e3"] {
        world.sends(tool, &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        assert_eq!(world.raw(tool), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[test]
fn initialize_of_a_tool_is_answered_with_the_relays_own_name() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.sends(
        tool,
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}"#,
    );
    let answer = world.receives(tool);
    assert_eq!(answer["id"], 0);
    assert_eq!(
        answer["result"]["serverInfo"],
        json!({"name":"mcp-endpoint-server","version":mcp_endpoint_server::VERSION})
    );
    assert_eq!(answer["result"]["protocolVersion"], "2024-11-05");
    world.sends(tool, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    world.is_silent(tool);
}

#[test]
fn any_other_request_of_a_tool_is_not_found() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    for method in ["roots/list", "sampling/createMessage", "tools/list", "tools/call", "x"] {
        world.sends(tool, &format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}"}}"#));
        let answer = world.receives(tool);
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("q"), &json!(-32601)));
    }
    world.is_silent(robot);
}

#[test]
fn a_notification_goes_to_every_initialised_robot_of_the_agent_only() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (one, two) = (world.initialised_robot("a"), world.initialised_robot("a"));
    let (fresh, stranger) = (world.robot("a"), world.initialised_robot("b"));
    let text = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1.0}}"#;
    world.sends(tool, text);
    assert_eq!((world.raw(one), world.raw(two)), (text.to_owned(), text.to_owned()));
    world.is_silent(fresh);
    world.is_silent(stranger);
    world.is_silent(tool);
}

#[test]
fn what_is_no_message_is_dropped_counted_and_never_fatal() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    let before = world.relay.traffic();
    let junk =
        ["", "hello", "{", "[]", "[{}]", "null", "1", "\"x\"", "{\"method\":7}", "\u{0}", "{}x"];
    for text in junk {
        world.sends(tool, text);
    }
    let after = world.relay.traffic();
    assert_eq!(after.messages_dropped - before.messages_dropped, junk.len() as u64);
    for reply in [r#"{"id":null,"result":1}"#, r#"{"result":1}"#, r#"{"error":{}}"#, "{}"] {
        world.sends(tool, reply);
    }
    let dropped = world.relay.traffic().replies_dropped - before.replies_dropped;
    assert_eq!(dropped, 4);
    world.is_silent(tool);
    world.is_silent(robot);
    assert!(world.wire.closed.is_empty());
    world.calls(robot, "1", "add");
    world.called(tool, "add");
}

#[test]
fn list_changed_is_listed_again_and_then_reported() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (robot, fresh) = (world.initialised_robot("a"), world.robot("a"));
    let stranger = world.initialised_robot("b");
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.is_silent(robot);
    world.lists(tool, &["add", "sub"]);
    assert_eq!(
        world.receives(robot),
        json!({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})
    );
    assert_eq!(world.listed(robot), ["add", "sub"]);
    world.is_silent(fresh);
    world.is_silent(stranger);
}

#[test]
fn a_change_is_reported_once_and_listed_once() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.lists(tool, &["add", "sub"]);
    world.seconds(40.0);
    world.is_silent(tool);
    assert_eq!(world.receives_all(robot).len(), 1);
}

#[test]
fn a_burst_of_list_changed_is_one_listing() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    for _ in 0..50 {
        world.sends_list_changed(tool);
        world.seconds(0.001);
    }
    world.seconds(1.0);
    world.lists(tool, &["add", "sub"]);
    world.seconds(20.0);
    world.is_silent(tool);
}

#[test]
fn a_change_while_the_list_is_on_its_way_is_listed_again_soon() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.sends_list_changed(tool);
    world.seconds(1.0);
    let id = world.asked(tool, "tools/list");
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.answers(tool, id, &super::world::tool_list(&["stale"]));
    world.seconds(1.0);
    world.lists(tool, &["fresh"]);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["fresh"]);
    world.seconds(20.0);
    world.is_silent(tool);
}

#[test]
fn a_list_that_changes_all_the_time_does_not_flood_the_robots() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    for round in 0..100 {
        world.sends_list_changed(tool);
        world.seconds(0.1);
        for ask in world.receives_all(tool) {
            let name = format!("n{round}");
            let list = super::world::tool_list(&[&name]);
            world.answers(tool, ask["id"].as_u64().unwrap(), &list);
        }
    }
    world.seconds(5.0);
    let shown = world.receives_all(robot).len();
    assert!((3..=6).contains(&shown), "{shown} in ten seconds");
}

#[test]
fn a_list_that_keeps_changing_is_asked_for_ever_more_seldom_and_at_once_when_it_is_calm() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let mut asked = 0;
    for round in 0..600 {
        world.sends_list_changed(tool);
        world.seconds(0.1);
        for ask in world.receives_all(tool).iter().filter(|ask| ask["method"] == "tools/list") {
            asked += 1;
            let list = super::world::tool_list(&[&format!("n{round}")]);
            world.answers(tool, ask["id"].as_u64().unwrap(), &list);
        }
    }
    assert!((10..=20).contains(&asked), "{asked} in a minute");
    world.seconds(30.0);
    world.receives_all(tool);
    for _ in 0..10 {
        world.seconds(2.0);
        world.receives_all(tool);
        world.sends_list_changed(tool);
        world.seconds(0.1);
        world.lists(tool, &["add"]);
    }
}

#[test]
fn notifications_beyond_a_burst_are_dropped_and_counted_and_harm_no_answer() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robots: Vec<Peer> = (0..50).map(|_| world.initialised_robot("a")).collect();
    let text =
        format!(r#"{{"method":"notifications/message","params":"{}"}}"#, "x".repeat(100_000));
    for _ in 0..10 {
        world.sends(tool, &text);
    }
    let sent: usize = robots.iter().map(|robot| world.receives_all(*robot).len()).sum();
    assert!((80..=90).contains(&sent), "{sent}");
    assert_eq!(world.relay.traffic().notifications_dropped, 500 - sent as u64);
    // What robots ask for is not affected, nor its progress.
    let robot = robots[49];
    world.sends(
        robot,
        r#"{"id":1,"method":"tools/call","params":{"name":"add","_meta":{"progressToken":"t"}}}"#,
    );
    let id = world.called(tool, "add");
    world.sends(
        tool,
        &format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{id}}}}}"#),
    );
    assert_eq!(world.receives(robot)["params"]["progressToken"], "t");
    world.answers(tool, id, "{}");
    assert_eq!(world.receives(robot)["id"], 1);
    // After a while there is room again.
    world.seconds(2.0);
    world.sends(tool, &text);
    assert_eq!(world.receives(robots[49])["method"], "notifications/message");
}

#[test]
fn a_server_that_does_not_announce_changes_may_say_so_all_the_same() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.handshake(tool, "calc", &["add"], r#"{"tools":{}}"#);
    let robot = world.initialised_robot("a");
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.lists(tool, &["sub"]);
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
}

#[test]
fn list_changed_before_the_handshake_is_harmless() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.sends_list_changed(tool);
    world.seconds(1.0);
    world.handshake(tool, "calc", &["add"], ANNOUNCES);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["add"]);
}
