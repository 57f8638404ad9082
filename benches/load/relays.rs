//! The relays under test: the real program and the floor, each in its own process.

use super::floor;
use super::folder::Folder;
use super::process;
use mcp_endpoint_server::token::Token;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The program, as `cargo build --release` makes it.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-endpoint-server");

/// The key of every server here.
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A running relay. Dropping it ends it.
pub(crate) struct Relay {
    child: Child,
    /// Its standard output.
    _terminal: BufReader<ChildStdout>,
    _folder: Option<Folder>,
    pub(crate) port: u16,
    /// Whether it is the program; otherwise it is the floor.
    pub(crate) is_product: bool,
}

impl Relay {
    /// Starts the program with these settings, `SECTION_KEY` and value.
    pub(crate) fn product(settings: &[(&str, &str)]) -> Self {
        let folder = Folder::fresh();
        let (child, terminal, port, _) = start_product(folder.path(), settings);
        Relay { child, _terminal: terminal, _folder: Some(folder), port, is_product: true }
    }

    /// Starts the floor.
    pub(crate) fn floor() -> Self {
        let myself = std::env::current_exe().expect("the path of this program");
        let mut command = Command::new(myself);
        command.arg(floor::ARGUMENT).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the floor starts");
        let mut terminal = BufReader::new(child.stdout.take().expect("its output"));
        let port = line(&mut terminal).trim().parse().expect("the floor says its port");
        Relay { child, _terminal: terminal, _folder: None, port, is_product: false }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The path of an endpoint for an agent: `mcp` for tool servers, `call` for robots.
    pub(crate) fn path(endpoint: &str, agent: &str) -> String {
        let token = Token::new(KEY, agent).in_address();
        format!("/mcp_endpoint/{endpoint}/?token={token}")
    }

    /// How much processor time it has used, in nanoseconds.
    pub(crate) fn cpu_nanos(&self) -> u64 {
        process::cpu_nanos(self.pid())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long each of `count` starts takes, from `exec` until the program prints its address.
pub(crate) fn starting_times(count: usize) -> Vec<Duration> {
    let folder = Folder::fresh();
    let start = || {
        let (mut child, _terminal, _, took) = start_product(folder.path(), &[]);
        let _ = child.kill();
        let _ = child.wait();
        took
    };
    // The first one writes the configuration file.
    start();
    (0..count).map(|_| start()).collect()
}

fn start_product(
    folder: &Path,
    settings: &[(&str, &str)],
) -> (Child, BufReader<ChildStdout>, u16, Duration) {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MCP_ENDPOINT") {
            command.env_remove(name);
        }
    }
    let own = [("SERVER_PORT", "0"), ("SERVER_HOST", "127.0.0.1"), ("SERVER_KEY", KEY)];
    for (name, value) in own.iter().chain(settings) {
        command.env(format!("MCP_ENDPOINT_{name}"), value);
    }
    let begun = Instant::now();
    let mut child = command.spawn().expect("the server starts");
    let mut terminal = BufReader::new(child.stdout.take().expect("its output"));
    let address = loop {
        let line = line(&mut terminal);
        if let Some((_, rest)) = line.split_once("ws://") {
            break rest.to_owned();
        }
    };
    let took = begun.elapsed();
    let authority = address.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    (child, terminal, port.expect("the server says its port"), took)
}

fn line(terminal: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    let count = terminal.read_line(&mut line).expect("a line");
    assert!(count > 0, "the relay ended before it listened");
    line
}
