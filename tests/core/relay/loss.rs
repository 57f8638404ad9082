//! Peers that go, and what is left when all have gone:
//! docs/protocol.md#lost-tool-servers, docs/protocol.md#reconnect-grace, docs/protocol.md#after-a-restart,
//! docs/protocol.md#silent-tool-servers, docs/protocol.md#lost-robots.

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::relay::{Counts, Joining, Peer, Side};
use std::time::Duration;

fn without_grace() -> World {
    World::with(|policy| policy.reconnect_grace = Duration::ZERO)
}

#[test]
fn requests_in_flight_are_answered_at_once_when_their_tool_goes() {
    for mut world in [World::new(), without_grace()] {
        let tool = world.ready_tool("a", "calc", &["add"]);
        let robot = world.robot("a");
        world.calls(robot, "1", "add");
        world.calls(robot, "\"two\"", "add");
        world.leaves(tool);
        world.fails(robot, 1, -32003);
        world.fails(robot, "two", -32003);
        world.is_silent(robot);
        assert_eq!(world.relay.counts().in_flight, 0);
    }
}

/// Eight robots with a thousand calls each lose their tool server.
#[test]
fn a_tool_server_with_many_calls_goes_and_other_agents_are_served_meanwhile() {
    const CALLS: usize = 1000;
    let mut world = World::with(|policy| policy.max_kept = usize::MAX);
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robots: Vec<Peer> = (0..8).map(|_| world.robot("a")).collect();
    let (other_tool, other) = (world.ready_tool("b", "calc", &["add"]), world.robot("b"));
    for id in 0..CALLS {
        let params = r#"{"name":"add"}"#;
        let call =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
        for robot in &robots {
            world.relay.text(world.now, *robot, &call, &mut world.wire);
        }
    }
    let all = robots.len() * CALLS;
    assert_eq!(world.relay.counts().in_flight, all);
    world.leaves(tool);
    let left = world.relay.counts().in_flight;
    assert!(0 < left && left < all, "{left} are left");

    world.calls(other, "1", "add");
    let id = world.called(other_tool, "add");
    world.answers(other_tool, id, r#""served""#);
    assert_eq!(world.receives(other)["result"], "served");
    assert_eq!(world.relay.counts().in_flight, left);

    // What is not answered yet can still be cancelled, and a robot that goes takes its own along.
    world.cancels(robots[6], "999");
    world.leaves(robots[7]);
    let mut turns = 1;
    while world.relay.counts().in_flight > 0 {
        assert_eq!(world.relay.wake_at(), Some(world.now));
        world.relay.time(world.now, &mut world.wire);
        turns += 1;
    }
    assert!(turns > 1, "{turns} turns");
    world.seconds(600.0);
    for (at, robot) in robots.iter().enumerate().take(7) {
        let answers = world.receives_all(*robot);
        let ids: Vec<u64> = answers.iter().filter_map(|answer| answer["id"].as_u64()).collect();
        let end = if at == 6 { CALLS - 1 } else { CALLS };
        assert_eq!(ids, (0..end as u64).collect::<Vec<u64>>(), "robot {at}");
        assert!(answers.iter().all(|answer| answer["error"]["code"] == -32003));
    }
}

#[test]
fn the_error_says_why_the_tool_server_went() {
    for (reason, word) in [
        (CloseReason::TooBig, "max_message_size"),
        (CloseReason::MemorySpent, "内存"),
        (CloseReason::PeerVanished, "对方"),
    ] {
        let mut world = World::new();
        let tool = world.ready_tool("a", "calc", &["add"]);
        let robot = world.robot("a");
        world.calls(robot, "1", "add");
        world.is_closed(tool, reason);
        let error = world.fails(robot, 1, -32003);
        let details = error["data"]["details"].as_str().unwrap();
        assert!(details.contains(word), "{details}");
    }
}

#[test]
fn without_grace_a_request_fails_at_once() {
    let mut world = without_grace();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.leaves(tool);
    world.calls(robot, "1", "add");
    world.fails(robot, 1, -32001);
    world.asks(robot, "2", "ping");
    world.fails(robot, 2, -32001);
    assert!(world.listed(robot).is_empty());
}

#[test]
fn requests_wait_for_the_same_tool_and_are_then_served() {
    for server_id in [Some("x"), None] {
        let mut world = World::new();
        let join = |world: &mut World| match server_id {
            Some(id) => world.tool_with_id("a", id),
            None => world.tool("a"),
        };
        let tool = join(&mut world);
        world.handshake(tool, "calc", &["add"], ANNOUNCES);
        let robot = world.initialised_robot("a");
        world.leaves(tool);
        world.calls(robot, "1", "add");
        world.asks(robot, "2", "ping");
        world.seconds(4.0);
        let back = join(&mut world);
        world.greets(back, "calc", ANNOUNCES);
        world.lists(back, &["add"]);
        let id = world.called(back, "add");
        world.answers(back, id, r#""served""#);
        let answers: Vec<_> =
            world.receives_all(robot).into_iter().filter(|m| m.get("id").is_some()).collect();
        assert!(answers.iter().any(|m| m["id"] == 1 && m["result"] == "served"), "{answers:?}");
        assert!(answers.iter().any(|m| m["id"] == 2 && m.get("result").is_some()));
        assert_eq!(answers.len(), 2);
    }
}

#[test]
fn a_tool_that_comes_back_changes_nothing_for_the_robots() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.leaves(tool);
    assert_eq!(world.listed(robot), ["add"]);
    world.seconds(3.0);
    world.ready_tool("a", "calc", &["add"]);
    world.seconds(30.0);
    assert_eq!(world.listed(robot), ["add"]);
    world.is_silent(robot);
}

#[test]
fn a_nameless_tool_that_comes_back_serves_what_waits() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "", &["add"]);
    let robot = world.robot("a");
    world.leaves(tool);
    world.calls(robot, "1", "add");
    let back = world.tool("a");
    world.greets(back, "", ANNOUNCES);
    world.lists(back, &["add"]);
    world.called(back, "add");
    assert_eq!(world.listed(robot), ["add"]);
}

#[test]
fn another_tool_that_comes_serves_what_waits() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.leaves(tool);
    world.calls(robot, "1", "add");
    world.asks(robot, "2", "logging/setLevel");
    world.seconds(1.0);
    let other = world.tool("a");
    world.greets(other, "other", ANNOUNCES);
    world.lists(other, &["add"]);
    world.seconds(5.0);
    let mut methods: Vec<_> = world
        .receives_all(other)
        .iter()
        .map(|m| m["method"].as_str().unwrap().to_owned())
        .collect();
    methods.sort_unstable();
    assert_eq!(methods, ["logging/setLevel", "tools/call"]);
    world.is_silent(robot);
}

#[test]
fn an_opaque_tool_that_comes_back_serves_what_waits() {
    let mut world = World::new();
    let mut tools = Vec::new();
    let robot = world.robot("a");
    for _ in 0..2 {
        let tool = world.tool("a");
        let id = world.asked(tool, "initialize");
        world.answers_error(tool, id, -1);
        if tools.is_empty() {
            world.leaves(tool);
            world.calls(robot, "1", "add");
            world.is_silent(robot);
        }
        tools.push(tool);
    }
    let id = world.called(tools[1], "add");
    world.answers(tools[1], id, "{}");
    assert_eq!(world.receives(robot)["id"], 1);
}

#[test]
fn requests_fail_when_nobody_is_back_in_time() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.leaves(tool);
    world.calls(robot, "1", "add");
    world.asks(robot, "2", "ping");
    world.asks(robot, "3", "foo/bar");
    world.seconds(4.9);
    world.is_silent(robot);
    world.seconds(0.1);
    let messages = world.receives_all(robot);
    for id in 1..=3 {
        let answers: Vec<_> = messages.iter().filter(|m| m["id"] == id).collect();
        assert_eq!(answers.len(), 1, "{messages:?}");
        assert_eq!(answers[0]["error"]["code"], -32001);
    }
    assert!(messages.iter().any(|m| m["method"] == "notifications/tools/list_changed"));
    assert!(world.listed(robot).is_empty());
    world.calls(robot, "4", "add");
    world.fails(robot, 4, -32001);
    assert_eq!(world.relay.held_bytes(), 0);
}

#[test]
fn a_request_for_a_lost_tool_waits_though_another_tool_is_there() {
    let mut world = World::new();
    let lost = world.ready_tool_with_id("a", "x", &["x"]);
    let other = world.ready_tool_with_id("a", "y", &["y"]);
    let robot = world.robot("a");
    world.leaves(lost);
    world.calls(robot, "1", "x");
    world.calls(robot, "2", "y");
    world.called(other, "y");
    world.is_silent(other);
    let back = world.tool_with_id("a", "x");
    world.greets(back, "x", ANNOUNCES);
    world.lists(back, &["x"]);
    world.called(back, "x");
    world.is_silent(other);
}

#[test]
fn when_all_have_left_nothing_is_left() {
    for mut world in [World::new(), without_grace()] {
        for agent in ["a", "b"] {
            let plain = world.tool(agent);
            world.handshake(plain, "plain", &["p"], r#"{"tools":{}}"#);
            let ready = world.ready_tool(agent, "calc", &["add"]);
            let shaking = world.tool(agent);
            let (one, two) = (world.robot(agent), world.robot(agent));
            world.calls(one, "1", "add");
            world.calls(one, "2", "waits");
            world.asks(two, "3", "tools/list");
            world.asks(two, "4", "ping");
            assert!(world.relay.held_bytes() > 0 && world.relay.counts().in_flight == 1);
            for peer in [plain, one, shaking, two, ready] {
                world.leaves(peer);
            }
        }
        world.seconds(5.0);
        assert_eq!(world.relay.counts(), Counts::default());
        assert_eq!(world.relay.held_bytes(), 0);
        assert_eq!(world.relay.wake_at(), None);
        assert!(world.relay.details(world.now).is_empty());
    }
}

#[test]
fn what_a_peer_says_after_it_has_left_is_not_received() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.leaves(tool);
    world.fails(robot, 1, -32003);
    world.answers(tool, id, "{}");
    world.leaves(tool);
    world.is_silent(robot);
}

#[test]
fn a_robots_place_taken_by_another_gets_none_of_its_answers() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.leaves(robot);
    let next = world.initialised_robot("a");
    world.calls(next, "1", "add");
    world.answers(tool, id, r#""old""#);
    world.is_silent(next);
    world.receives(tool);
    let id = world.called(tool, "add");
    world.answers(tool, id, r#""new""#);
    assert_eq!(world.receives(next)["result"], "new");
}

#[test]
fn a_name_stays_with_its_owner_who_is_back_in_time_but_slow_in_its_handshake() {
    let mut world = World::new();
    let first = world.ready_tool_with_id("a", "one", &["search"]);
    world.ready_tool_with_id("a", "two", &["search"]);
    let robot = world.initialised_robot("a");
    world.leaves(first);
    world.seconds(4.0);
    let back = world.tool_with_id("a", "one");
    world.seconds(3.0);
    world.handshake(back, "one", &["search"], ANNOUNCES);
    world.receives_all(robot);
    world.calls(robot, "1", "search");
    world.called(back, "search");
}

#[test]
fn after_the_servers_start_every_agent_counts_as_having_just_lost_its_tools() {
    let mut world = World::just_started();
    world.seconds(1.0);
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.asks(robot, "2", "ping");
    world.asks(robot, "3", "logging/setLevel");
    world.is_silent(robot);
    let first = world.tool("a");
    world.greets(first, "calc", ANNOUNCES);
    world.lists(first, &["sub"]);
    assert_eq!(world.receives(robot)["id"], 2);
    assert_eq!(world.receives(first)["method"], "logging/setLevel");
    // The tool it wants is not there yet.
    world.is_silent(first);
    world.seconds(2.0);
    let second = world.tool("a");
    world.greets(second, "other", ANNOUNCES);
    world.lists(second, &["add"]);
    world.called(second, "add");
    world.calls(robot, "4", "gone");
    world.seconds(1.9);
    world.is_silent(robot);
    world.seconds(0.1);
    world.fails(robot, 4, -32602);
}

#[test]
fn robots_whose_tools_do_not_come_after_the_start_are_reported_so() {
    let mut world = World::just_started();
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.asks(robot, "2", "ping");
    assert!(world.listed(robot).is_empty());
    world.seconds(4.9);
    world.is_silent(robot);
    world.seconds(0.1);
    world.fails(robot, 1, -32001);
    world.fails(robot, 2, -32001);
    world.calls(robot, "3", "add");
    world.fails(robot, 3, -32001);
    let newcomer = world.robot("b");
    world.calls(newcomer, "1", "add");
    world.fails(newcomer, 1, -32001);
}

#[test]
fn after_the_start_a_call_goes_at_once_to_a_tool_that_may_have_it() {
    let mut world = World::just_started();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    world.answers_error(tool, id, -1);
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.called(tool, "add");
}

#[test]
fn a_request_for_a_tool_that_has_been_silent_for_a_while_probes_it_once() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot("a");
    world.seconds(4.9);
    world.calls(robot, "1", "add");
    assert!(world.wire.probed.is_empty());
    world.seconds(0.1);
    world.calls(robot, "2", "add");
    world.calls(robot, "3", "add");
    assert_eq!(world.wire.probed, [tool]);
    world.seconds(4.9);
    world.calls(robot, "4", "add");
    assert_eq!(world.wire.probed, [tool]);
    world.seconds(0.1);
    world.calls(robot, "5", "add");
    assert_eq!(world.wire.probed, [tool, tool], "it may have died since");
    world.seconds(3.0);
    let id = world.called(tool, "add");
    world.answers(tool, id, "{}");
    world.seconds(4.9);
    world.calls(robot, "6", "add");
    assert_eq!(world.wire.probed.len(), 2);
}

#[test]
fn two_connections_may_have_one_slot_after_another_before_the_first_is_known_to_be_gone() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let first = world.robot("a");
    let second = Peer { generation: first.generation + 1000, ..first };
    let joining =
        Joining { side: Side::Robot, agent: "a", server_id: None, address: "192.0.2.1:5" };
    world.relay.joined(world.now, second, joining, &mut world.wire);
    world.leaves(first);
    world.relay.text(
        world.now,
        second,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}"#,
        &mut world.wire,
    );
    assert!(world.called(tool, "add") > 0);
}
