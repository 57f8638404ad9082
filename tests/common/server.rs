//! The real program, in a folder of its own.

use super::client::Client;
use super::token::{encrypt, escape, token, unescape};
use super::{Folder, Process, Raw, Response, Robot, ToolBuilder, TIMEOUT};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Where the program looks for its configuration, below its working directory.
pub const CONFIG: &str = "data/.mcp-endpoint-server.cfg";
/// Where it logs unless told otherwise.
pub const LOG: &str = "logs/mcp_server.log";

/// The program under test: the one that was built with the tests, or another build that
/// `SERVER_UNDER_TEST` names, to compare the two.
pub fn program() -> OsString {
    let built = env!("CARGO_BIN_EXE_mcp-endpoint-server");
    std::env::var_os("SERVER_UNDER_TEST").unwrap_or_else(|| built.into())
}

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: BTreeMap<String, BTreeMap<String, String>>,
    config: Option<String>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Default for Builder {
    fn default() -> Self {
        let empty = Builder {
            settings: BTreeMap::new(),
            config: None,
            environment: Vec::new(),
            arguments: Vec::new(),
        };
        empty.set("server", "host", "127.0.0.1").set("server", "port", 0)
    }
}

impl Builder {
    /// Sets one value of the configuration file.
    #[must_use]
    pub fn set(mut self, section: &str, key: &str, value: impl ToString) -> Self {
        let section = self.settings.entry(section.to_owned()).or_default();
        section.insert(key.to_owned(), value.to_string());
        self
    }

    /// Uses this text as the configuration file instead of the values set.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config = Some(text.to_owned());
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts the server and waits until it says where it is.
    pub fn start(self) -> Server {
        let folder = self.folder();
        let process = self.spawn(&folder);
        let (port, key) = read_address(&process);
        Server { process, folder, builder: self, port, key }
    }

    /// Starts the program where it is to end by itself, and waits for that.
    pub fn run(self) -> Ended {
        let folder = self.folder();
        let mut process = self.spawn(&folder);
        let status = process.wait_exit(TIMEOUT);
        Ended { status, stdout: process.stdout(), stderr: process.stderr(), folder }
    }

    fn folder(&self) -> Folder {
        let folder = Folder::fresh();
        folder.write(CONFIG, &self.config.clone().unwrap_or_else(|| self.written()));
        folder
    }

    fn written(&self) -> String {
        let mut text = String::new();
        for (section, values) in &self.settings {
            text.push_str(&format!("[{section}]\n"));
            values.iter().for_each(|(key, value)| text.push_str(&format!("{key} = {value}\n")));
        }
        text
    }

    fn spawn(&self, folder: &Folder) -> Process {
        let mut command = Command::new(program());
        command.current_dir(folder.path()).args(&self.arguments);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("MCP_ENDPOINT") || name.starts_with("LC_") || name == "LANG" {
                command.env_remove(&*name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Process::start("the server", &mut command)
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The lines on standard output.
    pub stdout: Vec<String>,
    /// The lines on standard error.
    pub stderr: Vec<String>,
    /// The folder it ran in.
    pub folder: Folder,
}

/// A running server. Dropping it kills it; a failing test shows what it said.
#[derive(Debug)]
pub struct Server {
    process: Process,
    folder: Folder,
    builder: Builder,
    port: u16,
    key: String,
}

impl Server {
    /// Starts one with the defaults, on a port of the system's choice.
    pub fn start() -> Self {
        Builder::default().start()
    }

    /// How to start one that is not like all others.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address it listens on, as seen from here.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The token of an agent, as base64 writes it.
    pub fn token(&self, agent: &str) -> String {
        token(&self.key, agent)
    }

    /// Any text as a token.
    pub fn token_of(&self, text: &str) -> String {
        encrypt(&self.key, text)
    }

    /// The path of the tool endpoint for an agent.
    pub fn tool_path(&self, agent: &str) -> String {
        format!("/mcp_endpoint/mcp/?token={}", escape(&self.token(agent)))
    }

    /// The path of the robot endpoint for an agent.
    pub fn robot_path(&self, agent: &str) -> String {
        format!("/mcp_endpoint/call/?token={}", escape(&self.token(agent)))
    }

    /// A path as an address for other programs.
    pub fn url(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.port)
    }

    /// What start-up printed as the console's address.
    pub fn console_address(&self) -> String {
        address_in(&self.process, "http")
    }

    /// What start-up printed as the stand-alone tool's address.
    pub fn tool_address(&self) -> String {
        address_in(&self.process, "ws")
    }

    /// A plain socket to it.
    pub fn raw(&self) -> Raw {
        Raw::connect(self.address())
    }

    /// Sends a plain request and reads the response to the end of the connection.
    pub fn http(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let more: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut raw = self.raw();
        raw.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"));
        Response::read(&mut raw)
    }

    /// `GET` without headers of its own.
    pub fn get(&self, path: &str) -> Response {
        self.http("GET", path, &[])
    }

    /// `connections` of the health page, as the key holder sees them.
    pub fn connections(&self) -> Value {
        let path = format!("/mcp_endpoint/health?key={}", escape(&self.key));
        self.get(&path).json()["result"]["connections"].take()
    }

    /// Asks for the health page until `found` finds there what it looks for: for what no peer can
    /// wait for on its own connection.
    pub fn wait_health<R>(
        &self,
        timeout: Duration,
        what: &str,
        found: impl Fn(&Value) -> Option<R>,
    ) -> R {
        let end = Instant::now() + timeout;
        loop {
            let connections = self.connections();
            if let Some(result) = found(&connections) {
                return result;
            }
            assert!(Instant::now() < end, "{what}: not within {timeout:?}: {connections:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A WebSocket connection to a path.
    pub fn ws(&self, path: &str) -> Client {
        Client::connect(self.address(), path, &[])
    }

    /// A scripted tool of an agent, to be described and connected.
    pub fn tool(&self, agent: &str) -> ToolBuilder {
        ToolBuilder::new(self.address(), self.tool_path(agent))
    }

    /// A robot of an agent, connected; nothing is said yet.
    pub fn robot(&self, agent: &str) -> Robot {
        Robot::new(self.ws(&self.robot_path(agent)))
    }

    /// The log file, with every line that is on standard error by now: a thread of its own writes it.
    pub fn log(&self) -> String {
        let dated = |line: &String| line.starts_with(|first: char| first.is_ascii_digit());
        let last = self.process.stderr().into_iter().rfind(dated).unwrap_or_default();
        let end = Instant::now() + TIMEOUT / 4;
        loop {
            let log = self.folder.read(LOG);
            if log.contains(&last) || Instant::now() >= end {
                return log;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it wrote to standard error.
    pub fn stderr(&self) -> String {
        self.process.stderr().join("\n")
    }

    /// Waits until it has written a line with `part`, on either stream.
    pub fn wait_line(&self, part: &str) -> String {
        self.process.wait_line(part, 1, TIMEOUT)
    }

    /// Asks it to stop.
    #[cfg(unix)]
    pub fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// Waits for its end.
    pub fn wait_exit(&mut self, timeout: Duration) -> ExitStatus {
        self.process.wait_exit(timeout)
    }

    /// Starts it again in its folder and on its port, after it has ended.
    pub fn start_again(&mut self) {
        self.process.wait_exit(TIMEOUT);
        let builder = self.builder.clone().env("MCP_ENDPOINT_SERVER_PORT", self.port);
        self.process = builder.spawn(&self.folder);
        let port;
        (port, self.key) = read_address(&self.process);
        assert_eq!(port, self.port, "it came back on its own port");
    }

    /// Stops it and starts it again, on the same port.
    #[cfg(unix)]
    pub fn restart(&mut self) {
        self.terminate();
        self.start_again();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {LOG}:\n{}", self.log());
        }
    }
}

/// The port and the key, from what start-up prints. Behind a proxy the port is not that of the
/// addresses.
fn read_address(process: &Process) -> (u16, String) {
    let console = address_in(process, "http");
    let (authority, path) = console.split_once("://").unwrap().1.split_once('/').unwrap();
    let printed = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let listening = || {
        let line = process.wait_line(" 127.0.0.1:", 1, TIMEOUT);
        line.rsplit_once(':').unwrap().1.parse().unwrap()
    };
    let public = printed.is_none() || console.starts_with("https://") || !path.starts_with("mcp_");
    let port = if public { listening() } else { printed.unwrap() };
    (port, unescape(path.split_once("key=").unwrap().1))
}

/// The first address with this scheme, or its secure form, that the process prints beside our
/// path.
fn address_in(process: &Process, scheme: &str) -> String {
    let path =
        if scheme == "ws" { "/mcp_endpoint/mcp/?token=" } else { "/mcp_endpoint/health?key=" };
    let line = process.wait_line(path, 1, TIMEOUT);
    let start = [format!("{scheme}://"), format!("{scheme}s://")]
        .iter()
        .find_map(|start| line.find(start))
        .unwrap_or_else(|| panic!("no {scheme} in: {line}"));
    line[start..].split_whitespace().next().unwrap().to_owned()
}
