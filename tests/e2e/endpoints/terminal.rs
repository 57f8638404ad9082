//! The terminal the server was started in: full, and closed.

use crate::common::{Folder, Process, CONFIG, LOG, TIMEOUT};
use rustix::fs::{open, Mode, OFlags};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A terminal: the end that a person looks at, and its name for programs.
fn terminal() -> (OwnedFd, std::ffi::CString) {
    let watcher = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&watcher).unwrap();
    unlockpt(&watcher).unwrap();
    let name = ptsname(&watcher, Vec::new()).unwrap();
    (watcher, name)
}

fn opened(name: &std::ffi::CString, more: OFlags) -> File {
    open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | more, Mode::empty())
        .unwrap()
        .into()
}

/// A server that writes to such a terminal. Its log file says where it listens.
struct Shown {
    child: std::process::Child,
    folder: Folder,
}

impl Shown {
    fn start(output: &File) -> Self {
        let folder = Folder::fresh();
        folder.write(CONFIG, "[server]\nhost = 127.0.0.1\nport = 0\ndebug = true\n");
        let child = Command::new(env!("CARGO_BIN_EXE_mcp-endpoint-server"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output.try_clone().unwrap())
            .spawn()
            .unwrap();
        Shown { child, folder }
    }

    fn wait_log(&self, part: &str) -> String {
        let end = Instant::now() + TIMEOUT;
        while Instant::now() < end {
            let log = self.folder.read(LOG);
            if let Some(line) = log.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not log {part:?}: {}", self.folder.read(LOG));
    }

    fn wait_exit(&mut self) -> Option<i32> {
        let end = Instant::now() + TIMEOUT;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end: {}", self.folder.read(LOG));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_full_terminal_freezes_neither_the_service_nor_the_stop() {
    let (_watcher, name) = terminal();
    let mut filler = opened(&name, OFlags::NONBLOCK);
    for size in [4096, 1] {
        loop {
            match filler.write(&vec![b'x'; size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    let mut shown = Shown::start(&opened(&name, OFlags::empty()));
    let line = shown.wait_log("127.0.0.1:");
    let port = line.rsplit_once(':').unwrap().1.parse().unwrap();
    for _ in 0..100 {
        let mut raw = crate::common::Raw::connect(([127, 0, 0, 1], port).into());
        raw.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(crate::common::Response::read(&mut raw).status, 200);
    }
    crate::common::signal(shown.child.id(), "TERM");
    assert_eq!(shown.wait_exit(), Some(0));
}

/// Whether SIGHUP is ignored here, as under `nohup`. The server inherits that, and a closed terminal then
/// does not end it.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & 1 == 1)
}

#[test]
fn a_closed_terminal_ends_the_server_and_an_open_one_has_it_reload() {
    if hangup_is_ignored() {
        return crate::common::skip("needs a shell that does not ignore SIGHUP (no nohup)");
    }
    let (watcher, name) = terminal();
    let output = opened(&name, OFlags::empty());
    let mut shown = Shown::start(&output);
    shown.wait_log("127.0.0.1:");
    crate::common::signal(shown.child.id(), "HUP");
    shown.wait_log("已重新读取配置");
    drop(watcher);
    // A process that another test starts at this moment has it, too, for a moment.
    while output.is_terminal() {
        std::thread::sleep(Duration::from_millis(1));
    }
    crate::common::signal(shown.child.id(), "HUP");
    assert_eq!(shown.wait_exit(), Some(0));
    shown.wait_log("正在停止");
}

#[test]
fn a_server_under_nohup_outlives_its_terminal() {
    let (watcher, name) = terminal();
    let output = opened(&name, OFlags::empty());
    let folder = Folder::fresh();
    folder.write(CONFIG, "[server]\nhost = 127.0.0.1\nport = 0\n");
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).stdout(output.try_clone().unwrap()).stderr(output);
    command.args(["-c", "trap '' HUP; exec \"$0\"", env!("CARGO_BIN_EXE_mcp-endpoint-server")]);
    let child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut shown = Shown { child, folder };
    shown.wait_log("127.0.0.1:");
    drop(watcher);
    crate::common::signal(shown.child.id(), "HUP");
    shown.wait_log("已重新读取配置");
    crate::common::signal(shown.child.id(), "TERM");
    assert_eq!(shown.wait_exit(), Some(0));
}

#[test]
fn a_limit_on_the_size_of_files_costs_lines_and_nothing_else() {
    let folder = Folder::fresh();
    folder.write(CONFIG, "[server]\nhost = 127.0.0.1\nport = 0\ndebug = true\nkey = 0123456789abcdef0123456789abcdef\n");
    folder.write(LOG, &"x".repeat(4096));
    let mut command = Command::new("sh");
    command.current_dir(folder.path());
    // Blocks of 512 bytes or of 1024, as the shell counts them.
    command.args(["-c", "ulimit -f 4; exec \"$0\"", env!("CARGO_BIN_EXE_mcp-endpoint-server")]);
    let mut process = Process::start("the server", &mut command);
    process.wait_line("127.0.0.1:", 1, TIMEOUT);
    for number in 1..=20 {
        process.signal("HUP");
        process.wait_line("已重新读取配置", number, TIMEOUT);
    }
    process.signal("TERM");
    assert_eq!(process.wait_exit(TIMEOUT).code(), Some(0));
    assert!(process.transcript().contains("无法写入日志文件"));
}
