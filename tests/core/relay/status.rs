use super::world::World;
use mcp_endpoint_server::relay::AgentStatus;
use mcp_endpoint_server::text::Language;

fn status(world: &World) -> Vec<AgentStatus<'_>> {
    world.relay.status(world.now, Language::En)
}

fn ids(world: &World) -> Vec<&str> {
    status(world).iter().map(|agent| agent.id).collect()
}

fn first(world: &World) -> AgentStatus<'_> {
    status(world).into_iter().next().unwrap()
}

#[test]
fn a_page_sees_who_is_there_what_they_do_and_what_they_have_done() {
    let mut world = World::new();
    let tool = world.ready_tool("b", "weather", &["now", "later"]);
    let robot = world.robot_named("b", "somebody");
    world.robot("a");
    world.calls(robot, "1", "now");
    world.calls(robot, "2", "later");
    let id = world.called(tool, "now");
    world.answers(tool, id, "{}");
    world.seconds(3.0);
    assert_eq!(ids(&world), ["a", "b"]);
    let agent = &status(&world)[1];
    let robot = &agent.robots[0];
    assert_eq!((robot.client, robot.in_flight, robot.connected_seconds), (Some("somebody"), 1, 3));
    let tool = &agent.tools[0];
    assert_eq!((tool.label, tool.state.label(), agent.offered), ("weather", "ready", 2));
    assert_eq!((tool.in_flight, tool.answered), (1, 1));
    assert_eq!((tool.tools_count, tool.own_count), (2, 2));
    assert_eq!(tool.server_info, Some(r#"{"name":"weather","version":"1"}"#));
}

#[test]
fn the_revision_says_when_the_list_has_changed() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "one", &["x"]);
    let before = first(&world).revision;
    world.sends_list_changed(tool);
    world.seconds(0.2);
    world.lists(tool, &["x"]);
    assert_eq!(first(&world).revision, before, "it lists the same");
    world.sends_list_changed(tool);
    world.seconds(0.2);
    world.lists(tool, &["y"]);
    assert_ne!(first(&world).revision, before);
    let catalogue = world.relay.catalogue("a");
    assert_eq!(catalogue.revision, first(&world).revision);
    assert_eq!(catalogue.servers, [("one", r#""y""#)]);
    assert_eq!(catalogue.tools, r#"{"name":"y","inputSchema":{}}"#);
}

#[test]
fn a_twin_that_serves_nothing_now_shows_that_it_could() {
    let mut world = World::new();
    world.ready_tool("a", "one", &["x"]);
    world.ready_tool("a", "one", &["x"]);
    let first = first(&world);
    let served = first.tools.iter().map(|tool| (tool.tools_count, tool.own_count, tool.in_reserve));
    let served: Vec<_> = served.collect();
    assert_eq!(served, [(0, 1, true), (1, 1, false)], "the newest serves");
}

#[test]
fn a_tool_that_went_is_reported_of_with_its_reason_and_so_is_its_agent() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "one", &["x"]);
    world.leaves(tool);
    world.seconds(60.0);
    let agent = first(&world);
    assert_eq!((agent.id, agent.tools.len()), ("a", 0));
    let lost = &agent.lost[0];
    assert_eq!((lost.label, lost.reason), ("one", "peer_vanished"));
    assert_eq!((lost.seconds_ago, lost.times), (60, 1));
    world.seconds(600.0);
    assert!(ids(&world).is_empty(), "it is forgotten");
}

#[test]
fn a_huge_server_info_is_not_reported_every_two_seconds() {
    let mut world = World::new();
    let tool = world.tool("a");
    let name = "n".repeat(3000);
    world.handshake(tool, &name, &["x"], "{}");
    let agent = first(&world);
    assert_eq!((agent.tools[0].server_info, agent.tools[0].state.label()), (None, "ready"));
}
