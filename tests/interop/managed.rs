//! Real tool servers that the program runs itself: of npm behind `npx`, of PyPI behind `uvx`, and one on the
//! Python SDK (docs/protocol.md#managed-tool-servers).

use crate::common::parts::TIMEOUT;
use crate::common::{signal, Folder, Parts, Robot, Server};
use serde_json::{json, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The entries, and a tool of each with arguments and what its answer contains.
const NAMES: [&str; 5] = ["time", "everything", "memory", "files", "calculator"];

fn calls() -> [(&'static str, Value, &'static str); 5] {
    [
        ("get_current_time", json!({"timezone": "Asia/Shanghai"}), "+08:00"),
        ("echo", json!({"message": "130000"}), "Echo: 130000"),
        ("read_graph", json!({}), "entities"),
        ("list_allowed_directories", json!({}), "shown"),
        ("calculator", json!({"python_expression": "130000 * 130000"}), "16900000000"),
    ]
}

/// A server with five entries. What they start has a mark in its environment.
struct Five {
    server: Server,
    mark: String,
    /// What the entries read and write.
    _folder: Folder,
}

impl Five {
    fn start() -> Option<Self> {
        let parts = Parts::find()?;
        let (npm, uvx, from_pypi) = parts.tool_servers()?;
        let (python, calculator) = parts.command("calculator.py");
        let folder = Folder::fresh();
        let shown = folder.path().join("shown");
        std::fs::create_dir(&shown).unwrap();
        let package = |name: &str| json!(["-y", format!("@modelcontextprotocol/server-{name}")]);
        let mut files = package("filesystem");
        files.as_array_mut().unwrap().push(json!(shown));
        let memory = folder.path().join("memory.json");
        let entries = json!({
            "time": {"command": uvx, "args": ["--offline", from_pypi]},
            "everything": {"command": "npx", "args": package("everything"), "cwd": npm},
            "memory": {
                "command": "npx", "args": package("memory"), "cwd": npm,
                "env": {"MEMORY_FILE_PATH": memory},
            },
            "files": {"command": "npx", "args": files, "cwd": npm},
            "calculator": {"command": python, "args": [calculator]},
        });
        folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
        let mark = format!("TRIAL_MARK={}", folder.path().display());
        let (name, value) = mark.split_once('=').unwrap();
        let servers = folder.path().join("servers.json");
        let builder = Server::builder().set("server", "language", "en").env(name, value);
        let server = builder.env("MCP_CONFIG", servers.display()).start();
        let five = Five { server, mark, _folder: folder };
        NAMES.iter().for_each(|name| five.wait_ready(name, 1));
        Some(five)
    }

    /// Waits until an entry is ready for the `count`th time.
    fn wait_ready(&self, name: &str, count: usize) {
        let line = format!("tool server {name}: ready");
        self.server.process().wait_line(&line, count, TIMEOUT);
    }

    /// The process that the `count`th start of an entry made: the leader of a group.
    fn leader(&self, name: &str, count: usize) -> u32 {
        let line = format!("tool server {name}: started, process ");
        let line = self.server.process().wait_line(&line, count, TIMEOUT);
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// The processes that live and have the mark, but the server: id, parent, group.
    fn processes(&self) -> Vec<[u32; 3]> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            // One that has ended meanwhile has no files any more, and a zombie no environment.
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let is_ours = environment.split(|byte| *byte == 0).any(|v| v == self.mark.as_bytes());
            let Some((_, behind)) = stat.rsplit_once(") ").filter(|_| is_ours) else { continue };
            let fields: Vec<u32> = behind.split(' ').skip(1).take(2).flat_map(str::parse).collect();
            if id != self.server.process().id() {
                found.push([id, fields[0], fields[1]]);
            }
        }
        found
    }

    /// The process of a group that is at the end of the chain: the tool server itself.
    fn innermost(&self, leader: u32) -> u32 {
        let all = self.processes();
        let mut inner = leader;
        while let Some([child, ..]) = all.iter().find(|[_, parent, _]| *parent == inner) {
            inner = *child;
        }
        inner
    }

    fn robot(&self, agent: &str) -> Robot {
        let mut robot = self.server.robot(agent);
        robot.ws.raw().timeout = Some(TIMEOUT);
        robot.start();
        robot
    }

    /// Waits until what the entries have started is gone: SIGKILL needs a moment.
    fn wait_gone(&self) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left: {left:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until a robot is offered a tool of each entry.
fn wait_offered(robot: &mut Robot) {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let listed = robot.list();
        if calls().iter().all(|(tool, ..)| listed.iter().any(|name| name == tool)) {
            return;
        }
        assert!(Instant::now() < deadline, "{listed:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn call_each(robot: &mut Robot) {
    for (tool, arguments, expected) in calls() {
        let answer = robot.call(tool, arguments);
        assert!(answer.content().contains(expected), "{}", answer.text);
    }
}

#[test]
fn five_real_tool_servers_serve_two_agents_and_a_stop_leaves_no_process() {
    let Some(mut five) = Five::start() else { return };
    for agent in ["kitchen", "hall"] {
        let mut robot = five.robot(agent);
        wait_offered(&mut robot);
        call_each(&mut robot);
    }
    // One process for both agents, some of them behind another one.
    let running = five.processes();
    for name in NAMES {
        let leader = five.leader(name, 1);
        assert!(running.iter().any(|[id, _, group]| *id == leader && *group == leader), "{name}");
        assert_eq!(five.innermost(leader) != leader, name != "calculator", "{name}");
    }
    five.server.terminate();
    assert!(five.server.wait_exit(TIMEOUT).success());
    five.wait_gone();
}

#[test]
fn a_server_that_is_killed_leaves_no_real_tool_server() {
    let Some(mut five) = Five::start() else { return };
    assert!(five.processes().len() >= 2 * NAMES.len() - 1);
    five.server.process().signal("KILL");
    five.server.wait_exit(TIMEOUT);
    five.wait_gone();
}

#[test]
fn a_real_tool_server_killed_under_load_fails_its_own_calls_and_is_back_by_itself() {
    let Some(mut five) = Five::start() else { return };
    let stop = Arc::new(AtomicBool::new(false));
    // The tools of entries that nobody kills, called all the time.
    let busy: Vec<_> = ["kitchen", "hall"]
        .into_iter()
        .map(|agent| {
            let mut robot = five.robot(agent);
            wait_offered(&mut robot);
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut rounds = 0;
                while !stop.load(Ordering::SeqCst) {
                    for (tool, arguments, expected) in &calls()[2..] {
                        let answer = robot.call(tool, arguments.clone());
                        assert!(answer.content().contains(expected), "{}", answer.text);
                    }
                    rounds += 1;
                }
                rounds
            })
        })
        .collect();
    let mut robot = five.robot("kitchen");
    wait_offered(&mut robot);
    // Behind npx the tool server is a grandchild, behind uvx a child. The wrapper may die as well.
    let long = ("trigger-long-running-operation", json!({"duration": 600, "steps": 2}));
    for (round, is_wrapper) in [(1, false), (2, true)] {
        robot.request_call(&format!("{round}00"), long.0, long.1.clone());
        // Once this is answered the call before it is under way, too.
        assert!(robot.call("echo", json!({"message": "now"})).content().contains("now"));
        let leader = five.leader("everything", round);
        signal(if is_wrapper { leader } else { five.innermost(leader) }, "KILL");
        let killed = Instant::now();
        let answer = robot.answer_to(&format!("{round}00"));
        assert_eq!(answer.error(), -32003, "{}", answer.text);
        assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
        let leader = five.leader("time", round);
        signal(if is_wrapper { leader } else { five.innermost(leader) }, "KILL");
        five.wait_ready("everything", round + 1);
        five.wait_ready("time", round + 1);
        wait_offered(&mut robot);
        call_each(&mut robot);
    }
    stop.store(true, Ordering::SeqCst);
    for robot in busy {
        assert!(robot.join().unwrap() > 0, "there was no load");
    }
    // Nothing is left of those that were killed.
    let leaders: Vec<u32> =
        NAMES.iter().map(|name| five.leader(name, if is_victim(name) { 3 } else { 1 })).collect();
    let strangers: Vec<_> =
        five.processes().into_iter().filter(|[.., group]| !leaders.contains(group)).collect();
    assert!(strangers.is_empty(), "{strangers:?} beside {leaders:?}");
    five.server.terminate();
    assert!(five.server.wait_exit(TIMEOUT).success());
    five.wait_gone();
}

/// Whether an entry was killed twice.
fn is_victim(name: &str) -> bool {
    ["everything", "time"].contains(&name)
}
