//! A changed `handshake` holds for new connections: each keeps the mode it began with
//! (docs/protocol.md#mixed-modes).

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::relay::Peer;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;

fn switch(world: &mut World, handshake: bool) {
    world.change_policy(|policy| policy.handshake = handshake);
}

/// A tool server that joins in this mode, and is ready.
fn tool(world: &mut World, handshake: bool, name: &str) -> Peer {
    switch(world, handshake);
    let tool = world.tool("a");
    if handshake {
        world.handshake(tool, name, &[name], ANNOUNCES);
    } else {
        world.is_silent(tool);
    }
    tool
}

fn robot(world: &mut World, handshake: bool) -> Peer {
    switch(world, handshake);
    world.robot("a")
}

/// What the robot sends is passed on to the tool server and back.
fn is_passed_on(world: &mut World, robot: Peer, tool: Peer) {
    for method in ["initialize", "ping", "tools/list", "tools/call", "x/y"] {
        world.asks(robot, "\"q\"", method);
        let id = world.asked(tool, method);
        world.answers(tool, id, r#"{"own":1}"#);
        let answer = world.receives(robot);
        assert_eq!((&answer["id"], &answer["result"]["own"]), (&"q".into(), &1.into()));
    }
    let text = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    world.sends(robot, text);
    assert_eq!(world.raw(tool), text);
}

/// The relay answers the robot, and calls go where the name is offered.
fn is_served(world: &mut World, robot: Peer, tool: Peer, name: &str) {
    world.sends(robot, INITIALIZE);
    assert_eq!(world.receives(robot)["result"]["serverInfo"]["name"], name);
    world.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(world.listed(robot), [name]);
    world.asks(robot, "2", "ping");
    assert_eq!(world.receives(robot)["id"], 2);
    world.is_silent(tool);
    world.calls(robot, "3", name);
    let id = world.called(tool, name);
    world.answers(tool, id, "{}");
    assert_eq!(world.receives(robot)["id"], 3);
}

#[test]
fn where_all_tools_are_of_one_mode_every_robot_is_served_in_it() {
    for of_robot in [false, true] {
        for of_tool in [false, true] {
            for robot_first in [false, true] {
                for switched_back in [false, true] {
                    let mut world = World::new();
                    let early = robot_first.then(|| robot(&mut world, of_robot));
                    let tool = tool(&mut world, of_tool, "calc");
                    let robot = early.unwrap_or_else(|| robot(&mut world, of_robot));
                    switch(&mut world, of_tool != switched_back);
                    if of_tool {
                        is_served(&mut world, robot, tool, "calc");
                    } else {
                        is_passed_on(&mut world, robot, tool);
                    }
                    world.is_silent(tool);
                    world.is_silent(robot);
                    world.seconds(20.0);
                    world.is_silent(tool);
                }
            }
        }
    }
}

#[test]
fn among_tools_of_both_modes_a_robot_meets_those_of_its_own() {
    for transparent_first in [false, true] {
        let mut world = World::new();
        let order = if transparent_first { [false, true] } else { [true, false] };
        let tools = order.map(|handshake| tool(&mut world, handshake, "calc"));
        let [transparent, shaken] = if transparent_first { tools } else { [tools[1], tools[0]] };
        let through = robot(&mut world, false);
        let served = robot(&mut world, true);
        is_passed_on(&mut world, through, transparent);
        world.is_silent(shaken);
        is_served(&mut world, served, shaken, "calc");
        world.is_silent(transparent);
        // Nobody but the transparent one can have what is offered nowhere.
        world.calls(served, "9", "unknown");
        world.called(transparent, "unknown");
        world.is_silent(shaken);
    }
}

#[test]
fn a_call_is_carried_out_once_whatever_the_modes() {
    for of_robot in [false, true] {
        let mut world = World::new();
        let tools = [false, true, true].map(|mode| tool(&mut world, mode, "calc"));
        let robot = robot(&mut world, of_robot);
        world.calls(robot, "1", "calc");
        let received: usize = tools.iter().map(|tool| world.receives_all(*tool).len()).sum();
        assert_eq!(received, 1);
    }
}

#[test]
fn a_request_that_waits_is_served_in_the_mode_of_the_tool_that_comes_back() {
    for of_robot in [false, true] {
        for [before, after] in [[false, true], [true, false]] {
            let mut world = World::new();
            let gone = tool(&mut world, before, "calc");
            let robot = robot(&mut world, of_robot);
            world.leaves(gone);
            world.calls(robot, "1", "calc");
            world.is_silent(robot);
            switch(&mut world, after);
            let back = world.tool("a");
            if after {
                world.greets(back, "calc", ANNOUNCES);
                world.lists(back, &["calc"]);
            }
            let id = world.called(back, "calc");
            world.answers(back, id, "{}");
            assert_eq!(world.receives(robot)["id"], 1);
        }
    }
}
