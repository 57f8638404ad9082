//! Tool servers that the program runs itself: real children of the real program.
#![cfg(all(unix, feature = "children"))]

mod bad_children;
mod entries;
mod processes;
mod sharing;
mod shown;

use crate::common::{self, Builder, Folder, Robot, Server, TIMEOUT};
use serde_json::{json, Value};
use std::path::Path;
use std::time::{Duration, Instant};

/// The program's own tool server as an entry.
fn demo() -> Value {
    json!({"command": common::program().to_str().unwrap(), "args": ["demo", "--language", "en"]})
}

/// A tool server in the shell with one tool, whose calls are never answered. It begins with `start`.
fn shell(tool: &str, start: &str) -> Value {
    shell_that_answers(tool, start, ":")
}

/// The same, but a call runs `on_call`; `$id` is its id.
fn shell_that_answers(tool: &str, start: &str, on_call: &str) -> Value {
    let script = format!(
        r#"{start}
while read -r line; do
  id=${{line#*\"id\":}}; id=${{id%%,*}}
  case $line in
    *'"initialize"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"sh","version":"1"}}}}}}';;
    *'"tools/list"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"tools":[{{"name":"{tool}","inputSchema":{{"type":"object"}}}}]}}}}';;
    *'"tools/call"'*) {on_call};;
    *'"ping"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{}}}}';;
  esac
done"#
    );
    // A dollar is doubled in the servers file.
    json!({"command": "sh", "args": ["-c", script.replace('$', "$$")]})
}

/// A server with these entries. The folder holds its servers file.
fn start(entries: Value) -> (Server, Folder) {
    start_with(Server::builder(), entries)
}

fn start_with(builder: Builder, entries: Value) -> (Server, Folder) {
    let folder = Folder::fresh();
    folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
    let path = folder.path().join("servers.json");
    let builder = builder.env("MCP_CONFIG", path.display()).set("server", "language", "en");
    (builder.start(), folder)
}

fn wait_log(server: &Server, part: &str, count: usize) -> String {
    server.process().wait_line(part, count, TIMEOUT)
}

fn robot(server: &Server, agent: &str) -> Robot {
    let mut robot = server.robot(agent);
    robot.start();
    robot
}

/// The process id that the `count`th start of an entry logged.
fn process_of(server: &Server, name: &str, count: usize) -> u32 {
    let line = wait_log(server, &format!("tool server {name}: started, process "), count);
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn lives(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

/// Whether a process of a group lives, and is no zombie.
fn group_lives(group: u32) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.map(|entry| entry.path().join("stat")).any(|stat| {
        let stat = std::fs::read_to_string(stat).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        fields.get(2).is_some_and(|of| *of == group.to_string()) && !["Z", "X"].contains(&fields[0])
    })
}

fn product(robot: &mut Robot) -> String {
    robot.call("calculator", json!({"python_expression": "130000 * 130000"})).content().to_owned()
}

/// Waits until `is_done`, which nothing announces.
fn wait_until(what: &str, mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_done() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn wait_ready(server: &Server, names: &[&str]) {
    names.iter().for_each(|name| drop(wait_log(server, &format!("tool server {name}: ready"), 1)));
}

/// The most memory that a process has had, in bytes.
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
