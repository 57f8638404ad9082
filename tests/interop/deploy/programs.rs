//! Programs that are not there on every machine.

use super::SERVER;
use crate::common::{skip, Process};
use crate::common::{Raw, Response, TIMEOUT};
use std::net::SocketAddr;
use std::process::{Command, Output};

/// Whether a program is there; says what is skipped where it is not. Under `CI` it must be.
pub(crate) fn have(program: &str, package: &str) -> bool {
    let asked = Command::new("sh").arg("-c").arg(format!("command -v {program}")).output();
    let found = asked.is_ok_and(|output| output.status.success());
    if !found {
        let needed = format!("needs {program} (apt-get install {package})");
        assert!(std::env::var_os("CI").is_none(), "{needed}");
        skip(&needed);
    }
    found
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Runs a command that must succeed and have nothing to say on standard error.
pub(crate) fn run_silently(command: &mut Command) -> String {
    let output = run(command);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success() && err.is_empty(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out
}

/// What a program wrote.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The real server, without an environment but what is said later.
pub(crate) fn server() -> Command {
    let mut command = Command::new(SERVER);
    command.env_clear();
    command
}

/// The port a server says that it listens on.
pub(crate) fn port(server: &Process) -> u16 {
    let line = server.wait_line("正在监听", 1, TIMEOUT);
    line.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Whether the server at this port of this machine says that it is healthy.
pub(crate) fn is_healthy(port: u16) -> bool {
    let mut raw = Raw::connect(SocketAddr::from(([127, 0, 0, 1], port)));
    raw.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    Response::read(&mut raw).json()["status"] == "healthy"
}
