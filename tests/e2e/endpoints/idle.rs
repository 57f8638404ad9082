//! A server that has nothing to do does nothing.

#[cfg(feature = "children")]
use crate::common::Builder;
use crate::common::{Server, TIMEOUT};
use std::fs;
use std::time::{Duration, Instant};

/// The CPU time that a process has used, in nanoseconds.
fn cpu_time(id: u32) -> u64 {
    let figures = fs::read_to_string(format!("/proc/{id}/schedstat")).unwrap();
    figures.split(' ').next().unwrap().parse().unwrap()
}

/// Waits until a server has used no CPU time for 200 ms. One that never sleeps does not get there.
fn wait_idle(server: &Server) {
    let id = server.process().id();
    let deadline = Instant::now() + TIMEOUT;
    let mut last = (cpu_time(id), Instant::now());
    while last.1.elapsed() < Duration::from_millis(200) {
        assert!(Instant::now() < deadline, "it is never idle");
        std::thread::sleep(Duration::from_millis(10));
        let now = cpu_time(id);
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
}

#[test]
fn a_server_sleeps_while_nothing_happens() {
    let server = Server::start();
    wait_idle(&server);
    let tool = server.tool("home").offers(&["now"]).connect();
    let mut robot = server.robot("home");
    robot.start();
    wait_idle(&server);
    drop((tool, robot));
    server.process().signal("HUP");
    server.wait_line("已重新读取配置");
    wait_idle(&server);
}

#[test]
#[cfg(feature = "children")]
fn a_server_sleeps_beside_a_quiet_managed_tool_server() {
    let server = Builder::default().set("server", "language", "en").arg("--demo").start();
    server.process().wait_line("ready", 1, TIMEOUT);
    let mut robot = server.robot("home");
    robot.start();
    wait_idle(&server);
    drop(robot);
    wait_idle(&server);
}
