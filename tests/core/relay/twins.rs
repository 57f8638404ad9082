//! Two tool servers that are the same:
//! docs/protocol.md#twins, docs/protocol.md#silent-twins.

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::relay::Peer;
use mcp_endpoint_server::text::Language;
use std::time::Duration;

#[test]
fn twins_are_listed_once_and_the_newest_serves() {
    let mut world = World::new();
    let older = world.ready_tool("a", "calc", &["add", "sub"]);
    let newer = world.ready_tool("a", "calc", &["sub", "add"]);
    let robot = world.initialised_robot("a");
    let mut names = world.listed(robot);
    names.sort_unstable();
    assert_eq!(names, ["add", "sub"]);
    world.calls(robot, "1", "add");
    world.called(newer, "add");
    world.is_silent(older);
    assert_eq!(world.relay.counts().offered, 2);
}

#[test]
fn the_next_twin_takes_over_when_the_newest_goes() {
    let mut world = World::new();
    let oldest = world.ready_tool("a", "calc", &["add"]);
    let older = world.ready_tool("a", "calc", &["add"]);
    let newest = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    for (gone, next) in [(newest, older), (older, oldest)] {
        world.calls(robot, "1", "add");
        world.called(gone, "add");
        world.leaves(gone);
        world.fails(robot, 1, -32003);
        world.calls(robot, "2", "add");
        let id = world.called(next, "add");
        world.answers(next, id, "{}");
        assert_eq!(world.receives(robot)["id"], 2);
        assert_eq!(world.listed(robot), ["add"]);
    }
}

#[test]
fn the_older_ones_are_probed_when_a_twin_arrives() {
    let mut world = World::new();
    let one = world.ready_tool("a", "calc", &["add"]);
    assert!(world.wire.probed.is_empty());
    let two = world.ready_tool("a", "calc", &["add"]);
    assert_eq!(world.wire.probed, [one]);
    world.ready_tool("b", "calc", &["add"]);
    assert_eq!(world.wire.probed, [one]);
    world.ready_tool("a", "calc", &["add"]);
    assert_eq!(world.wire.probed, [one, one, two]);
    world.seconds(10.0);
    assert!(world.wire.closed.is_empty());
}

#[test]
fn tools_of_other_names_or_with_other_tools_are_no_twins() {
    let mut world = World::new();
    world.ready_tool("a", "calc", &["add"]);
    world.ready_tool("a", "calc", &["add", "sub"]);
    world.ready_tool("a", "other", &["add"]);
    world.ready_tool_with_id("a", "calc", &["add"]);
    assert_eq!(world.relay.counts().offered, 5);
}

#[test]
fn tools_with_server_ids_are_no_twins() {
    let mut world = World::new();
    for id in ["one", "two"] {
        let tool = world.tool_with_id("a", id);
        world.handshake(tool, "calc", &["add"], ANNOUNCES);
    }
    let robot = world.robot("a");
    assert_eq!(world.listed(robot), ["add", "two__add"]);
}

#[test]
fn twins_are_twins_whichever_finishes_its_handshake_first() {
    let mut world = World::new();
    let (older, newer) = (world.tool("a"), world.tool("a"));
    world.handshake(newer, "calc", &["add"], ANNOUNCES);
    world.handshake(older, "calc", &["add"], ANNOUNCES);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["add"]);
    world.calls(robot, "1", "add");
    world.called(newer, "add");
    world.leaves(newer);
    world.fails(robot, 1, -32003);
    world.calls(robot, "2", "add");
    world.called(older, "add");
}

#[test]
fn a_server_that_redialled_before_its_dead_socket_was_found_may_redial_again() {
    let mut world = World::new();
    let dead = world.ready_tool("a", "calc", &["add"]);
    let second = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.leaves(dead);
    world.leaves(second);
    world.seconds(1.0);
    world.calls(robot, "1", "add");
    let third = world.tool("a");
    world.greets(third, "calc", ANNOUNCES);
    world.lists(third, &["add"]);
    world.called(third, "add");
    assert_eq!(world.listed(robot), ["add"]);
    world.seconds(20.0);
    world.is_silent(robot);
}

#[test]
fn a_twin_changes_nothing_for_the_robots() {
    let mut world = World::new();
    let older = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    let newer = world.ready_tool("a", "calc", &["add"]);
    world.leaves(older);
    world.ready_tool("a", "calc", &["add"]);
    world.leaves(newer);
    world.seconds(20.0);
    world.is_silent(robot);
}

/// A world in which twins, the older one first, are there with a robot, and how they are called.
fn twins(change: impl FnOnce(&mut mcp_endpoint_server::relay::Policy)) -> (World, [Peer; 3]) {
    let mut world = World::with(change);
    let older = world.ready_tool("a", "calc", &["add"]);
    let newer = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    (world, [older, newer, robot])
}

fn in_reserve(world: &World) -> Vec<bool> {
    let status = world.relay.status(world.now, Language::En);
    status[0].tools.iter().map(|tool| tool.in_reserve).collect()
}

#[test]
fn a_twin_that_leaves_a_request_unanswered_gives_its_turn_to_the_other() {
    let (mut world, [older, newer, robot]) = twins(|policy| {
        policy.request_timeout = Duration::from_secs(20);
        policy.tool_ping_interval = None;
    });
    assert_eq!(in_reserve(&world), [true, false]);
    world.calls(robot, "1", "add");
    world.calls(robot, "2", "add");
    let late = world.called(newer, "add");
    world.seconds(10.0);
    world.calls(robot, "3", "add");
    world.receives_all(newer);
    world.seconds(10.0);
    world.fails(robot, 1, -32005);
    world.fails(robot, 2, -32005);
    assert_eq!(in_reserve(&world), [false, true]);
    world.receives_all(newer);
    world.calls(robot, "4", "add");
    let id = world.called(older, "add");
    world.answers(older, id, "{}");
    assert_eq!(world.receives(robot)["id"], 4);
    assert_eq!(world.listed(robot), ["add"]);
    // What it has not answered when it goes is lost with it; but it comes round.
    world.answers(newer, late, "{}");
    assert_eq!(in_reserve(&world), [true, false]);
    world.calls(robot, "5", "add");
    world.called(newer, "add");
    world.leaves(newer);
    world.fails(robot, 3, -32003);
    world.fails(robot, 5, -32003);
    world.calls(robot, "6", "add");
    world.called(older, "add");
}

#[test]
fn a_twin_that_does_not_answer_a_ping_gives_its_turn_to_the_other_until_it_does() {
    let (mut world, [older, newer, robot]) = twins(|_| ());
    world.seconds(50.0);
    let (first, second) = (world.asked(older, "ping"), world.asked(newer, "ping"));
    world.answers(older, first, "{}");
    world.seconds(9.9);
    assert_eq!(in_reserve(&world), [true, false]);
    world.seconds(0.1);
    assert_eq!(in_reserve(&world), [false, true]);
    world.calls(robot, "1", "add");
    world.called(older, "add");
    world.answers(newer, second, "{}");
    assert_eq!(in_reserve(&world), [true, false]);
    world.is_silent(robot);
}

#[test]
fn a_twin_that_says_anything_behind_a_ping_is_alive() {
    let (mut world, [older, newer, _]) = twins(|_| ());
    world.seconds(50.0);
    world.asked(older, "ping");
    world.asked(newer, "ping");
    world.seconds(1.0);
    world.sends(newer, r#"{"method":"notifications/message","params":{}}"#);
    world.seconds(10.0);
    assert_eq!(in_reserve(&world), [true, false]);
}

#[test]
fn of_twins_that_all_do_not_answer_the_newest_serves() {
    let (mut world, [_, newer, robot]) = twins(|_| ());
    world.seconds(120.0);
    assert_eq!(in_reserve(&world), [true, false]);
    world.receives_all(newer);
    world.calls(robot, "1", "add");
    world.called(newer, "add");
}

/// A twin that is in doubt answers a request that another tool server has, too: trusting it again
/// opens a request, which must not touch the other call, however many calls have just ended.
#[test]
fn an_answer_that_ends_a_doubt_ends_its_request_and_no_other() {
    const ABLE: &str = r#"{"tools":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"logging":{}}"#;
    for left in 0..12 {
        let mut world = World::with(|policy| {
            policy.request_timeout = Duration::from_secs(20);
            policy.tool_ping_interval = None;
        });
        let [older, newer] = [(); 2].map(|()| {
            let tool = world.tool("a");
            world.handshake(tool, "calc", &["add"], ABLE);
            tool
        });
        let other = world.tool("a");
        world.handshake(other, "other", &["sub"], ABLE);
        let robot = world.initialised_robot("a");
        world.sends(
            robot,
            r#"{"jsonrpc":"2.0","id":"s","method":"resources/subscribe","params":{"uri":"a://1"}}"#,
        );
        for _ in 0..6 {
            for tool in [older, newer, other] {
                for asked in world.receives_all(tool) {
                    let Some(id) = asked["id"].as_u64() else { continue };
                    let answer = match asked["method"].as_str().unwrap() {
                        "resources/list" if tool != other => r#"{"resources":[{"uri":"a://1"}]}"#,
                        "resources/list" => r#"{"resources":[]}"#,
                        "resources/templates/list" => r#"{"resourceTemplates":[]}"#,
                        _ => "{}",
                    };
                    world.answers(tool, id, answer);
                }
            }
        }
        for n in 0..70 {
            world.calls(robot, &n.to_string(), "add");
        }
        let mut burst: Vec<u64> = (0..70).map(|_| world.called(newer, "add")).collect();
        for n in 0..12 {
            world.calls(robot, &format!("\"e{n}\""), "sub");
        }
        let extras: Vec<u64> = (0..12).map(|_| world.called(other, "sub")).collect();
        // One is never answered.
        burst.pop();
        for id in burst.iter().rev() {
            world.answers(newer, *id, "{}");
        }
        world.seconds(5.0);
        world.sends(
            robot,
            r#"{"jsonrpc":"2.0","id":"group","method":"logging/setLevel","params":{"level":"info"}}"#,
        );
        let [first, second] = [newer, other].map(|tool| world.asked(tool, "logging/setLevel"));
        for id in &extras {
            let params = format!(r#"{{"progressToken":{id},"progress":1}}"#);
            world.sends(
                other,
                &format!(r#"{{"method":"notifications/progress","params":{params}}}"#),
            );
        }
        world.receives_all(robot);
        world.seconds(15.5);
        assert!(world
            .receives_all(robot)
            .iter()
            .any(|received| received["error"]["code"] == -32005));
        let (gone, kept) = extras.split_at(12 - left);
        for id in gone {
            world.answers(other, *id, "{}");
        }
        world.receives_all(robot);
        for tool in [newer, older] {
            for asked in world.receives_all(tool) {
                let is_aside =
                    asked["method"].as_str().is_some_and(|m| m.starts_with("resources/"));
                if let Some(id) = asked["id"].as_u64().filter(|_| is_aside) {
                    world.answers(tool, id, "{}");
                }
            }
        }
        world.answers(newer, first, r#"{"from":"newer"}"#);
        let received = world.receives_all(robot);
        assert_eq!(
            received.iter().filter(|received| received["id"] == "group").count(),
            1,
            "{left}"
        );
        world.answers(other, second, r#"{"from":"other"}"#);
        assert!(
            world.receives_all(robot).iter().all(|received| received["id"] != "group"),
            "{left}"
        );
        for (n, id) in kept.iter().enumerate() {
            world.answers(other, *id, "{}");
            assert_eq!(world.receives(robot)["id"], format!("e{}", n + 12 - left), "{left}");
        }
    }
}
