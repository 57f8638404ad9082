//! What the log says where robots find no tool, about peers at the wrong address, and about tools that are
//! chosen (docs/protocol.md#selection-unused, docs/protocol.md#warn-above).

use super::world::{World, ANNOUNCES};
use mcp_endpoint_server::text::Language;
use std::cell::RefCell;
use std::sync::Once;
use std::time::Duration;

thread_local! {
    /// What was logged by this thread, which is this test. Other tests of this program keep nothing.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn && LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| {
                lines.as_mut().unwrap().push(record.args().to_string());
            });
        }
    }

    fn flush(&self) {}
}

/// A world that speaks English, without a grace; its warnings are kept.
fn world() -> World {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_boxed_logger(Box::new(Capture)).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
    LINES.set(Some(Vec::new()));
    World::with(|policy| {
        policy.language = Language::En;
        policy.reconnect_grace = Duration::ZERO;
    })
}

/// What was warned of since the last time.
fn warned() -> Vec<String> {
    LINES.replace(Some(Vec::new())).unwrap()
}

/// The one warning since the last time.
fn warning() -> String {
    let mut lines = warned();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[test]
fn where_no_tool_was_ever_seen_its_owner_is_asked_to_start_one() {
    let mut world = world();
    world.seconds(125.0);
    let robot = world.robot("a");
    world.asks(robot, "1", "ping");
    world.fails(robot, 1, -32001);
    let line = warning();
    assert!(line.contains("[agent \"a\" robot "), "{line}");
    assert!(line.contains("none of this agent was seen in the 2 min"), "{line}");
    assert!(line.contains("Start the tool server with this agent's address"), "{line}");
}

#[test]
fn where_the_tool_has_left_the_log_says_when_and_why() {
    let mut world = world();
    let tool = world.ready_tool("a", "calc", &["add"]);
    world.leaves(tool);
    // The agent is forgotten meanwhile; its last tool is not.
    assert_eq!(world.relay.counts().agents, 0);
    world.seconds(35.0);
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.fails(robot, 1, -32001);
    let line = warning();
    assert!(line.contains("\"calc\"") && line.contains("disconnected 35 s ago: "), "{line}");
    assert!(line.contains("Check that its program still runs"), "{line}");
    // Another agent's robots are not told of it.
    let other = world.robot("b");
    world.asks(other, "1", "ping");
    assert!(warning().contains("none of this agent was seen"));
}

#[test]
fn the_same_is_said_once_a_minute_with_a_count() {
    let mut world = world();
    let robot = world.robot("a");
    for id in 0..50 {
        world.asks(robot, &id.to_string(), "ping");
    }
    assert!(warning().contains("(1 since the last such message;"));
    world.seconds(60.0);
    world.asks(robot, "50", "ping");
    assert!(warning().contains("(50 since the last such message;"));
}

#[test]
fn only_the_last_agents_whose_tools_left_are_remembered() {
    let mut world = world();
    for number in 0..200 {
        let tool = world.tool(&format!("agent-{number}"));
        world.leaves(tool);
    }
    let shown = |world: &mut World, agent: &str| {
        let robot = world.robot(agent);
        world.asks(robot, "1", "ping");
        warning()
    };
    assert!(shown(&mut world, "agent-0").contains("none of this agent was seen"));
    assert!(shown(&mut world, "agent-199").contains("disconnected 0 s ago"));
}

#[test]
fn ever_new_agents_do_not_fill_the_log() {
    let mut world = world();
    for number in 0..500 {
        let robot = world.robot(&format!("agent-{number}"));
        world.asks(robot, "1", "ping");
        world.fails(robot, 1, -32001);
    }
    assert_eq!(warned().len(), 20);
    world.seconds(61.0);
    let robot = world.robot("one more");
    world.asks(robot, "1", "ping");
    let lines = warned();
    assert!(
        lines.iter().any(|line| line.ends_with("because there were too many: 480")),
        "{lines:?}"
    );
}

#[test]
fn a_robot_that_replies_or_never_speaks_is_taken_for_a_tool_perhaps() {
    let mut world = world();
    let replier = world.robot("a");
    world.sends(replier, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    world.is_silent(replier);
    assert!(warning().contains("change /call/ to /mcp/"));
    let silent = world.robot("b");
    let speaks = world.robot("b");
    world.asks(speaks, "1", "initialize");
    world.seconds(29.0);
    assert_eq!(warned(), [""; 0]);
    world.seconds(2.0);
    let line = warning();
    assert!(
        line.contains("sent nothing in the 30 s") && line.contains(&silent.to_string()),
        "{line}"
    );
    world.seconds(300.0);
    assert_eq!(warned(), [""; 0], "said once");
}

#[test]
fn a_tool_that_asks_for_tools_is_taken_for_a_robot_perhaps() {
    let mut world = world();
    let tool = world.ready_tool("a", "calc", &["add"]);
    // Some real tools send these.
    world.sends(tool, r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#);
    world.sends(tool, r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#);
    assert_eq!(warned(), [""; 0]);
    world.sends(tool, r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#);
    world.sends(tool, r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{}}"#);
    let line = warning();
    assert!(line.contains("tools/list") && line.contains("change /mcp/ to /call/"));
}

#[test]
fn a_tool_that_is_there_is_no_reason_to_complain() {
    let mut world = world();
    let tool = world.tool("a");
    world.handshake(tool, "calc", &["add"], ANNOUNCES);
    let robot = world.robot("a");
    world.asks(robot, "1", "initialize");
    world.calls(robot, "2", "add");
    world.calls(robot, "3", "no such tool");
    world.seconds(100.0);
    assert_eq!(warned(), [""; 0]);
}

#[test]
fn twins_that_stay_are_reported_of_once_they_have_been_there_for_a_while() {
    let mut world = world();
    let older = world.ready_tool("a", "calc", &["add"]);
    let newer = world.ready_tool("a", "calc", &["add"]);
    world.seconds(14.0);
    assert_eq!(warned(), [""; 0]);
    world.seconds(1.0);
    let line = warning();
    assert!(line.contains(&older.to_string()) && line.contains("calc-2"), "{line}");
    assert!(line.contains("in reserve") && line.contains("server_id"), "{line}");
    // One that has redialled leaves its dead connection behind for a moment.
    let third = world.ready_tool("a", "calc", &["add"]);
    world.leaves(older);
    world.leaves(newer);
    world.seconds(100.0);
    assert_eq!(warned(), [""; 0]);
    world.leaves(third);
}

#[test]
fn tool_servers_that_evict_each_other_are_named_from_the_third_time() {
    let mut world = world();
    let mut replaced = Vec::new();
    for round in 0..4 {
        world.tool_with_id("a", "x");
        world.seconds(1.0);
        replaced
            .push(world.relay.status(world.now, Language::En)[0].lost.first().map(|l| l.replaced));
        let lines = warned();
        let is_named = lines.iter().any(|line| line.contains("same server_id \"x\""));
        assert_eq!(is_named, round == 3, "{lines:?}");
    }
    assert_eq!(replaced, [None, None, Some(2), Some(3)]);
    assert_eq!(world.wire.closed.len(), 3);
}

#[test]
fn who_comes_and_goes_in_a_loop_is_summed_up() {
    let mut world = world();
    let mut summed = 0;
    for _ in 0..100 {
        let tool = world.ready_tool("a", "calc", &["add"]);
        world.leaves(tool);
        world.seconds(2.0);
        summed += warned().iter().filter(|line| line.contains("again and again")).count();
    }
    assert!((3..=4).contains(&summed), "{summed}");
    let mut summed = 0;
    for _ in 0..100 {
        let robot = world.robot("b");
        world.asks(robot, "1", "initialize");
        world.leaves(robot);
        world.seconds(0.5);
        summed += warned().iter().filter(|line| line.contains("come and go")).count();
    }
    assert_eq!(summed, 1);
}

#[test]
fn a_pattern_that_matches_nothing_is_named_once_its_tool_server_is_there() {
    let mut world = world();
    world.ready_tool("a", "time", &["zone"]);
    world.choose(r#"{"a":{"hide":["zona","other/zona"]}}"#);
    let line = warning();
    let expected = r#""zona" in the selection file matches no tool; the nearest one is "zone""#;
    assert!(line.contains(expected), "{line}");
    world.ready_tool("a", "other", &["thing"]);
    let line = warning();
    assert!(line.contains(r#""other/zona" in the selection file matches no tool"#), "{line}");
    world.ready_tool("a", "third", &["x"]);
    assert_eq!(warned(), [""; 0]);
}

#[test]
fn a_pattern_is_named_again_only_where_it_was_changed() {
    let mut world = world();
    world.ready_tool("a", "time", &["zone"]);
    world.ready_tool("b", "time", &["zone"]);
    let named = |world: &mut World, entries: &str| {
        world.choose(entries);
        let lines = warned().into_iter();
        let named = lines.map(|line| line.split('"').nth(3).unwrap_or_default().to_owned());
        named.collect::<Vec<String>>()
    };
    let first = r#"{"a":{"hide":["zona"]},"*":{"hide":["time/x"]}}"#;
    assert_eq!(named(&mut world, first), ["time/x", "zona"]);
    // The others are not.
    let more = r#"{"a":{"hide":["new","zona"]},"*":{"hide":["time/x"]}}"#;
    assert_eq!(named(&mut world, more), ["new"]);
    // Elsewhere in the entry it means the same, and in another entry something else.
    let moved = r#"{"a":{"rename":{"zona":"z"},"hide":["new"]},"b":{"hide":["zona"]},"*":{"hide":["time/x"]}}"#;
    assert_eq!(named(&mut world, moved), ["zona"]);
    // A description is meant for a name that is offered.
    let described = r#"{"a":{"describe":{"zona":"z"}}}"#;
    assert_eq!(named(&mut world, described), ["zona"]);
    // What was taken out is new when it is there again; what has picked a tool is looked at anew.
    assert_eq!(
        named(&mut world, r#"{"a":{"rename":{"zone":"z"},"describe":{"z":"Z."}}}"#),
        [""; 0]
    );
    assert_eq!(named(&mut world, r#"{"a":{"describe":{"zona":"z","z":"Z."}}}"#), ["z", "zona"]);
}

#[test]
fn an_agent_with_many_tools_is_warned_of() {
    let mut world = world();
    world.change_policy(|policy| policy.warn_above = 2);
    world.ready_tool("a", "x", &["one", "two"]);
    assert_eq!(warned(), [""; 0]);
    world.ready_tool("a", "y", &["three"]);
    let line = warning();
    assert!(line.contains("offers 3 tools, more than warn_above = 2"), "{line}");
}
