//! Several tool servers of one agent:
//! docs/protocol.md#server-id, docs/protocol.md#labels, docs/protocol.md#name-conflicts.

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::close::CloseReason;

#[test]
fn all_tools_of_an_agent_coexist() {
    let mut world = World::new();
    let one = world.ready_tool("a", "one", &["x"]);
    let two = world.ready_tool_with_id("a", "two", &["y"]);
    let three = world.ready_tool_with_id("a", "three", &["z"]);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["x", "y", "z"]);
    for (tool, name) in [(one, "x"), (two, "y"), (three, "z")] {
        world.calls(robot, "1", name);
        world.called(tool, name);
    }
    assert!(world.wire.closed.is_empty());
    assert_eq!(world.relay.counts().offered, 3);
}

#[test]
fn a_newer_tool_of_the_same_server_id_replaces_the_older() {
    let mut world = World::new();
    let older = world.ready_tool_with_id("a", "x", &["add"]);
    let elsewhere = world.ready_tool_with_id("b", "x", &["add"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "add");
    let newer = world.tool_with_id("a", "x");
    assert_eq!(world.wire.closed, [(older, CloseReason::Replaced)]);
    assert_eq!(CloseReason::Replaced.on_the_wire(), (4001, "replaced by a newer connection"));
    world.fails(robot, 1, -32003);
    world.calls(robot, "2", "add");
    world.handshake_and_call(newer);
    assert_eq!(world.labels("a"), ["x"]);
    world.is_silent(elsewhere);
    world.seconds(30.0);
    assert_eq!(world.listed(robot), ["add"]);
    world.is_silent(robot);
}

impl World {
    fn handshake_and_call(&mut self, tool: mcp_endpoint_server::relay::Peer) {
        self.greets(tool, "x", ANNOUNCES);
        self.lists(tool, &["add"]);
        self.called(tool, "add");
    }
}

#[test]
fn what_waits_for_a_tool_that_is_replaced_is_served_by_the_newer() {
    for grace in [0, 5] {
        let mut world = World::with(|policy| {
            policy.reconnect_grace = std::time::Duration::from_secs(grace);
        });
        world.tool_with_id("a", "x");
        let robot = world.robot("a");
        world.calls(robot, "1", "add");
        let newer = world.tool_with_id("a", "x");
        world.is_silent(robot);
        world.handshake_and_call(newer);
    }
}

#[test]
fn without_a_server_id_nobody_is_thrown_out() {
    let mut world = World::new();
    for _ in 0..20 {
        world.ready_tool("a", "calc", &["add"]);
    }
    world.seconds(60.0);
    assert!(world.wire.closed.is_empty());
    assert_eq!(world.relay.counts().tools, 20);
}

#[test]
fn labels_are_server_id_else_name_else_a_number_and_unique() {
    let mut world = World::new();
    world.ready_tool_with_id("a", "calc", &["a"]);
    world.ready_tool("a", "calc", &["b"]);
    world.ready_tool("a", "calc", &["c"]);
    let nameless = world.tool("a");
    world.handshake(nameless, "", &["d"], ANNOUNCES);
    let labels = world.labels("a");
    assert_eq!(labels[..3], ["calc", "calc-2", "calc-3"]);
    assert!(labels[3].starts_with("tool-"));
    let unnamed = world.tool("a");
    world.receives(unnamed);
    let label = world.labels("a").pop().unwrap();
    assert!(label.starts_with("tool-") && label != labels[3]);
}

#[test]
fn a_name_that_is_taken_is_offered_with_its_label_and_called_by_its_own() {
    let mut world = World::new();
    let one = world.ready_tool_with_id("a", "one", &["search"]);
    let two = world.ready_tool_with_id("a", "two", &["search", "x"]);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["search", "two__search", "x"]);
    world.calls(robot, "1", "search");
    world.called(one, "search");
    world.sends(
        robot,
        r#"{"id":2 ,"method":"tools/call","params":{ "arguments":{"n":1.0},"name": "two__search" }}"#,
    );
    let received = world.raw(two);
    assert!(
        received.ends_with(
            r#","method":"tools/call","params":{ "arguments":{"n":1.0},"name": "search" }}"#
        ),
        "{received}"
    );
    world.is_silent(one);
}

#[test]
fn a_name_made_from_a_label_is_one_that_models_may_use() {
    let mut world = World::new();
    let long = "n".repeat(100);
    let own = ["搜索", "a.b", &*long];
    world.ready_tool_with_id("a", "one", &own);
    let two = world.ready_tool_with_id("a", "家 里/x", &own);
    let robot = world.initialised_robot("a");
    let names = world.listed(robot);
    assert_eq!(names.len(), 6);
    for (offered, own) in names[3..].iter().zip(own) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(offered.chars().all(fits) && offered.len() <= 64, "{offered}");
        world.calls(robot, "1", offered);
        world.called(two, own);
    }
}

#[test]
fn names_stay_the_same_over_restarts_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        for with_id in [true, false] {
            let mut world = World::new();
            let labels = ["one", "two"];
            let join = |world: &mut World, label: &str| match with_id {
                true => world.ready_tool_with_id("a", label, &["search"]),
                false => world.ready_tool("a", label, &["search"]),
            };
            let tools = labels.map(|label| join(&mut world, label));
            world.seconds(2.0);
            let robot = world.initialised_robot("a");
            assert_eq!(world.listed(robot), ["search", "two__search"]);
            for tool in tools {
                world.leaves(tool);
            }
            world.seconds(1.0);
            let mut back = tools;
            for place in order {
                back[place] = join(&mut world, labels[place]);
            }
            assert_eq!(world.listed(robot), ["search", "two__search"]);
            world.calls(robot, "1", "search");
            world.called(back[0], "search");
            world.calls(robot, "2", "two__search");
            world.called(back[1], "search");
            world.seconds(30.0);
            world.is_silent(robot);
        }
    }
}

#[test]
fn a_name_passes_on_when_its_owner_is_gone_for_good_and_stays_there() {
    let mut world = World::new();
    let one = world.ready_tool_with_id("a", "one", &["search"]);
    let two = world.ready_tool_with_id("a", "two", &["search"]);
    world.seconds(2.0);
    let robot = world.initialised_robot("a");
    world.leaves(one);
    world.seconds(6.0);
    assert_eq!(world.receives(robot)["method"], "notifications/tools/list_changed");
    assert_eq!(world.listed(robot), ["search"]);
    let one = world.ready_tool_with_id("a", "one", &["search"]);
    world.receives_all(robot);
    let mut names = world.listed(robot);
    names.sort_unstable();
    assert_eq!(names, ["one__search", "search"]);
    world.calls(robot, "1", "search");
    world.called(two, "search");
    world.calls(robot, "2", "one__search");
    world.called(one, "search");
}

#[test]
fn agents_do_not_see_each_other() {
    let mut world = World::new();
    let (a, b) = (world.ready_tool("a", "calc", &["x"]), world.ready_tool("b", "calc", &["y"]));
    let (ra, rb) = (world.initialised_robot("a"), world.initialised_robot("b"));
    assert_eq!((world.listed(ra), world.listed(rb)), (vec!["x".into()], vec!["y".into()]));
    world.calls(ra, "1", "y");
    world.called(a, "y");
    world.is_silent(b);
    world.sends_list_changed(a);
    world.seconds(1.0);
    world.lists(a, &["z"]);
    world.is_silent(rb);
    world.leaves(a);
    world.fails_among(ra, 1, -32003);
    world.is_silent(rb);
}

impl World {
    fn fails_among(&mut self, robot: mcp_endpoint_server::relay::Peer, id: u64, code: i64) {
        let messages = self.receives_all(robot);
        assert!(messages.iter().any(|m| m["id"] == id && m["error"]["code"] == code));
    }
}
