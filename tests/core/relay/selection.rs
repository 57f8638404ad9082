//! Which of its tools an agent offers: docs/protocol.md#selection, docs/protocol.md#selection-names,
//! docs/protocol.md#selection-calls, docs/protocol.md#selection-scope, docs/protocol.md#selection-changes. How the
//! entries are joined (docs/protocol.md#selection-joined) is in the unit tests of `relay/catalogue/selection.rs`.

use super::world::{World, ANNOUNCES, XIAOZHI};
use mcp_endpoint_server::relay::{Patterns, Peer};
use mcp_endpoint_server::settings::selection::parse;
use mcp_endpoint_server::text::Language;
use std::sync::Arc;

impl World {
    /// The owner chooses tools, as after a SIGHUP.
    pub(crate) fn choose(&mut self, agents: &str) {
        let text = format!(r#"{{"agents":{agents}}}"#);
        let selection = parse(&text, "tools.json", Language::En).unwrap();
        self.change_policy(|policy| policy.selection = Arc::new(selection));
        // Robots are told of a change once a second at most.
        self.seconds(1.0);
    }

    /// A call by a name that nobody offers.
    #[track_caller]
    fn calls_in_vain(&mut self, robot: Peer, name: &str) {
        self.calls(robot, "9", name);
        let error = self.fails(robot, 9, -32602);
        let start = name.get(..64).unwrap_or(name);
        assert!(error["message"].as_str().unwrap().starts_with(&format!("Unknown tool: {start}")));
    }
}

const CHANGED: &str = "notifications/tools/list_changed";

#[test]
fn hidden_tools_are_neither_listed_nor_callable_and_other_agents_have_all() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "time", &["now", "zone", "debug_now"]);
    world.ready_tool("b", "time", &["now", "zone", "debug_now"]);
    let (robot, other) = (world.initialised_robot("a"), world.initialised_robot("b"));
    world.choose(r#"{"a":{"hide":["debug_*","time/zone"]}}"#);
    assert_eq!(world.receives(robot)["method"], CHANGED);
    world.is_silent(other);
    assert_eq!(world.listed(robot), ["now"]);
    assert_eq!(world.listed(other), ["now", "zone", "debug_now"]);
    // The only tool server of the agent is not sent what it hides.
    world.calls_in_vain(robot, "zone");
    world.calls_in_vain(robot, "debug_now");
    world.is_silent(tool);
    world.calls(robot, "1", "now");
    world.called(tool, "now");
    assert_eq!(world.relay.counts().offered, 4);
}

#[test]
fn what_is_chosen_no_longer_is_offered_again_at_once() {
    let mut world = World::new();
    world.ready_tool("a", "x", &["one", "two"]);
    let robot = world.initialised_robot("a");
    world.choose(r#"{"*":{"only":["one"]}}"#);
    assert_eq!(world.receives(robot)["method"], CHANGED);
    assert_eq!(world.listed(robot), ["one"]);
    world.choose("{}");
    assert_eq!(world.receives(robot)["method"], CHANGED);
    assert_eq!(world.listed(robot), ["one", "two"]);
    // A choice that changes nothing is no news.
    world.choose(r#"{"*":{"hide":["three"]}}"#);
    world.is_silent(robot);
}

#[test]
fn the_python_robot_gets_its_list_again() {
    let mut world = World::new();
    world.ready_tool("a", "x", &["one", "two"]);
    let robot = world.robot_named("a", XIAOZHI);
    assert_eq!(world.listed(robot), ["one", "two"]);
    world.choose(r#"{"a":{"hide":["one"]}}"#);
    assert_eq!(world.shown_tools(robot), ["two"]);
}

#[test]
fn a_renamed_tool_is_called_by_its_new_name_only() {
    let mut world = World::new();
    world.choose(r#"{"a":{"rename":{"time/get_current_time":"now"}}}"#);
    let tool = world.ready_tool("a", "time", &["get_current_time", "zone"]);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["now", "zone"]);
    world.calls_in_vain(robot, "get_current_time");
    world.calls(robot, "1", "now");
    world.called(tool, "get_current_time");
}

#[test]
fn only_what_was_chosen_of_an_element_is_written_anew() {
    let mut world = World::new();
    world.choose(
        r#"{"a":{"rename":{"one":"eins","three":"drei"},
                 "describe":{"eins":"\"A\"\n二","two":"Two.","three":"never","four":"Four."}}}"#,
    );
    let tool = world.tool("a");
    world.greets(tool, "x", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    world.answers(
        tool,
        id,
        concat!(
            r#"{"tools":[{"x" : 1.50, "description" : "old", "name" : "one"} ,"#,
            r#" { "name":"two"}, {"name":"three","description":null}, {"name":"\u0066our" } ]}"#,
        ),
    );
    let robot = world.initialised_robot("a");
    world.asks(robot, "7", "tools/list");
    assert_eq!(
        world.raw(robot),
        concat!(
            r#"{"jsonrpc":"2.0","id":7,"result":{"tools":["#,
            r#"{"x" : 1.50, "description" : "\"A\"\n二", "name" : "eins"},"#,
            r#"{"description":"Two.", "name":"two"},{"name":"drei","description":null},"#,
            r#"{"description":"Four.","name":"\u0066our" }]}}"#,
        )
    );
}

#[test]
fn an_own_name_beats_a_chosen_one_and_the_other_is_distinguished() {
    let mut world = World::new();
    world.choose(r#"{"a":{"rename":{"clock/get_time":"now"}}}"#);
    let clock = world.ready_tool("a", "clock", &["get_time"]);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["now"]);
    let other = world.ready_tool("a", "other", &["now"]);
    world.seconds(1.0);
    assert_eq!(world.receives(robot)["method"], CHANGED);
    assert_eq!(world.listed(robot), ["clock__now", "now"]);
    world.calls(robot, "1", "now");
    world.called(other, "now");
    world.calls(robot, "2", "clock__now");
    world.called(clock, "get_time");
    // A hidden name is free for others.
    world.choose(r#"{"a":{"rename":{"clock/get_time":"now"},"hide":["other/*"]}}"#);
    assert_eq!(world.receives(robot)["method"], CHANGED);
    assert_eq!(world.listed(robot), ["now"]);
    world.calls(robot, "3", "now");
    world.called(clock, "get_time");
}

#[test]
fn of_two_that_are_to_have_one_name_the_first_has_it_and_keeps_it() {
    let mut world = World::new();
    world.choose(r#"{"a":{"rename":{"x":"now","y":"now"}}}"#);
    let first = world.ready_tool_with_id("a", "one", &["x"]);
    let second = world.ready_tool_with_id("a", "two", &["y", "x"]);
    let robot = world.initialised_robot("a");
    assert_eq!(world.listed(robot), ["now", "two__now", "two__now-2"]);
    world.calls(robot, "1", "two__now-2");
    world.called(second, "x");
    world.leaves(first);
    world.seconds(6.0);
    world.receives_all(robot);
    // The owner of a name that went gives it to the next one.
    let listed = world.listed(robot);
    assert!(listed.contains(&"now".to_owned()) && listed.len() == 2, "{listed:?}");
    world.ready_tool_with_id("a", "one", &["x"]);
    world.receives_all(robot);
    assert_eq!(world.listed(robot)[..2], listed);
    // With other names nothing of the old ones is left.
    world.choose(r#"{"a":{"rename":{"y":"z"}}}"#);
    world.receives_all(robot);
    assert_eq!(world.listed(robot), ["z", "x", "one__x"]);
}

#[test]
fn an_opaque_tool_server_is_not_sent_what_is_hidden() {
    let mut world = World::new();
    world.choose(r#"{"a":{"hide":["debug_*"]},"b":{"only":["mine/*"]}}"#);
    for agent in ["a", "b"] {
        let tool = world.tool_with_id(agent, "opaque");
        let id = world.asked(tool, "initialize");
        world.answers_error(tool, id, -32601);
        let robot = world.initialised_robot(agent);
        world.calls_in_vain(robot, "debug_x");
        if agent == "a" {
            world.calls(robot, "1", "x");
            world.called(tool, "x");
        } else {
            world.calls_in_vain(robot, "x");
        }
        world.is_silent(tool);
    }
}

#[test]
fn an_opaque_tool_server_is_not_sent_a_name_that_was_renamed_away() {
    let mut world = World::new();
    world.choose(r#"{"a":{"rename":{"x":"now"}}}"#);
    let tool = world.tool_with_id("a", "opaque");
    let id = world.asked(tool, "initialize");
    world.answers_error(tool, id, -32601);
    let robot = world.initialised_robot("a");
    world.calls_in_vain(robot, "x");
    world.is_silent(tool);
    world.calls(robot, "1", "y");
    world.called(tool, "y");
}

#[test]
fn a_name_that_the_only_tool_server_does_not_list_is_chosen_like_the_others() {
    let mut world = World::new();
    world.choose(r#"{"*":{"only":["x/on*"]}}"#);
    let tool = world.ready_tool("a", "x", &["one"]);
    let robot = world.initialised_robot("a");
    world.calls_in_vain(robot, "secret");
    world.calls_in_vain(robot, &"o".repeat(2000));
    world.calls(robot, "1", "only_called");
    world.called(tool, "only_called");
}

#[test]
fn a_choice_outlives_the_tool_server() {
    let mut world = World::new();
    world.choose(r#"{"a":{"hide":["home/b"]}}"#);
    let tool = world.ready_tool("a", "home", &["a", "b"]);
    let robot = world.initialised_robot("a");
    world.leaves(tool);
    // What is hidden does not wait for it to come back.
    world.calls_in_vain(robot, "b");
    world.seconds(10.0);
    world.receives_all(robot);
    world.calls(robot, "1", "b");
    world.fails(robot, 1, -32001);
    world.ready_tool("a", "home", &["a", "b"]);
    world.receives_all(robot);
    assert_eq!(world.listed(robot), ["a"]);
    world.calls_in_vain(robot, "b");
}

#[test]
fn prompts_and_resources_are_not_chosen() {
    let mut world = World::new();
    world.choose(r#"{"*":{"only":[]}}"#);
    let tool = world.tool("a");
    world.greets(tool, "x", r#"{"tools":{},"prompts":{}}"#);
    world.lists(tool, &["t"]);
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "prompts/list");
    let id = world.asked(tool, "prompts/list");
    world.answers(tool, id, r#"{"prompts":[{"name":"p"}]}"#);
    assert_eq!(world.receives(robot)["result"]["prompts"][0]["name"], "p");
    world.calls_in_vain(robot, "t");
}

#[test]
fn transparent_tool_servers_are_not_chosen_from() {
    let mut world = World::with(|policy| policy.handshake = false);
    world.choose(r#"{"*":{"only":[]}}"#);
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "t");
    world.called(tool, "t");
}

#[test]
fn the_selection_is_charged_to_the_server() {
    let mut world = World::new();
    world.robot("a");
    let own = |world: &World| world.relay.kept().last().unwrap().1;
    let before = own(&world);
    let names: Vec<String> = (0..1000).map(|n| format!("\"name-{n}\"")).collect();
    world.choose(&format!(r#"{{"a":{{"hide":[{}]}}}}"#, names.join(",")));
    assert!(own(&world) > before + 20_000, "{before} {}", own(&world));
    world.choose("{}");
    assert!(own(&world) < before + 100);
}

#[test]
fn agents_that_hide_many_tools_make_their_lists_one_after_another() {
    let mut world = World::new();
    let names: Vec<String> = (0..2_000).map(|n| format!("t{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let robots = ["a", "b", "c"].map(|agent| {
        for n in 0..3 {
            world.ready_tool(agent, &format!("s{n}"), &names);
        }
        world.initialised_robot_after_waiting(agent)
    });
    world.choose(r#"{"*":{"hide":["t*"]}}"#);
    assert_eq!(world.relay.counts().offered, 0);
    robots.iter().for_each(|robot| drop(world.receives_all(*robot)));
    // What is still hidden is looked at, too: with the first agent the time is over.
    let all =
        r#"{"agents":{"*":{"hide":["t1*","t2*","t3*","t4*","t5*","t6*","t7*","t8*","t9*"]}}}"#;
    let selection = Arc::new(parse(all, "tools.json", Language::En).unwrap());
    world.change_policy(|policy| policy.selection = selection);
    assert_eq!(world.relay.counts().offered, 3, "t0 of the first agent");
    world.seconds(0.0);
    assert_eq!(world.relay.counts().offered, 9);
}

#[test]
fn matching_does_not_try_everything() {
    let start = std::time::Instant::now();
    for (pattern, name) in [
        ("*a".repeat(20_000) + "b", "a".repeat(19_999)),
        ("*ab".repeat(1000) + "b", "a".repeat(100_000)),
    ] {
        assert!(!Patterns::new(vec![pattern.into()]).pick(&name, ""));
    }
    assert!(start.elapsed().as_secs() < 5);
}
