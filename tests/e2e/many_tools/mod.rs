//! Many tools of one agent, through the real program: what happens when they share names, go and
//! come back, change what they offer, behave oddly, or never answer (docs/protocol.md#the-relay).

mod company;
mod freshness;
mod in_flight;
mod kinds;
mod names;
mod odd_clients;
mod recovery;
mod under_load;
mod xiaozhi;

use crate::common::{escape, Robot, Server, Tool};
use serde_json::{json, Value};
use std::time::{Duration, Instant};

/// How long a robot's `initialize` or list may wait for tools, with what a busy machine adds.
const ROBOT_TIMEOUT: Duration = Duration::from_millis(2900);
/// What is answered in no more than this was not made to wait.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// What a piece of work hands back, and how long it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The names a robot is offered, sorted.
fn sorted_list(robot: &mut Robot) -> Vec<String> {
    let mut names = robot.list();
    names.sort();
    names
}

/// What the health page says about the tools of agent `a`, by label.
fn labels(server: &Server) -> Value {
    server.connections()["mcp_servers"]["a"].clone()
}

/// `data` of `/stats`, as the key holder sees it.
fn stats(server: &Server) -> Value {
    server.get(&format!("/stats?key={}", escape(server.key()))).json()["data"].take()
}

/// Waits until the health page shows this many tool connections.
fn wait_tools(server: &Server, count: usize) {
    server.wait_health(crate::common::TIMEOUT, "the number of tools", |connections| {
        (connections["tool_connections"] == count).then_some(())
    });
}

/// Waits until the health page shows a tool in this state under this label.
fn wait_state(server: &Server, label: &str, state: &str) {
    server.wait_health(crate::common::TIMEOUT, "the state of a tool", |connections| {
        (connections["mcp_servers"]["a"][label]["state"] == state).then_some(())
    });
}

/// What a tool declares that does not announce changes of its list.
fn without_list_changed() -> Value {
    json!({ "tools": {} })
}

/// Waits for a tool to have been asked something, and counts how often it was.
fn asked(tool: &Tool, method: &str) -> usize {
    tool.sync();
    tool.count(method)
}
