//! Section 4, "Several tools": twins.

use crate::world::{World, ANNOUNCES};

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
        assert_eq!(world.hears(robot)["id"], 2);
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
        world.hand_shake(tool, "calc", &["add"], ANNOUNCES);
    }
    let robot = world.robot("a");
    assert_eq!(world.listed(robot), ["add", "two__add"]);
}

#[test]
fn twins_are_twins_whichever_finishes_its_hand_shake_first() {
    let mut world = World::new();
    let (older, newer) = (world.tool("a"), world.tool("a"));
    world.hand_shake(newer, "calc", &["add"], ANNOUNCES);
    world.hand_shake(older, "calc", &["add"], ANNOUNCES);
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
