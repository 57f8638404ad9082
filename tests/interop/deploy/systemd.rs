//! The unit for systemd.

use super::notify::Manager;
use super::programs::{have, is_healthy, port, run, run_silently, server, text};
use super::{read, SERVER};
use crate::common::{Folder, Process, CONFIG, TIMEOUT};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const UNIT: &str = "deploy/systemd/mcp-endpoint-server.service";
/// Where the unit looks for the program.
const INSTALLED: &str = "/usr/local/bin/mcp-endpoint-server";

/// How exposed the unit may be, in tenths of systemd's scale from 0 to 10. What is left of it: the
/// network, which is its purpose, the service manager's socket, the host's own root, and what tool
/// servers need: memory that a compiler at run time writes, `/proc/meminfo`, the list of interfaces.
const EXPOSURE: &str = "11";

/// The values of a directive, in order.
fn values(name: &str) -> Vec<String> {
    let unit = read(UNIT);
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    if !have("systemd-analyze", "systemd") {
        return;
    }
    // It looks whether the program is there.
    let folder = Folder::fresh();
    folder.write("mcp-endpoint-server.service", &read(UNIT).replace(INSTALLED, SERVER));
    let unit = folder.path().join("mcp-endpoint-server.service");
    run_silently(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit));
}

#[test]
fn the_unit_is_no_more_exposed_than_it_must_be() {
    if !have("systemd-analyze", "systemd") {
        return;
    }
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--offline=true", "--no-pager", &format!("--threshold={EXPOSURE}")]);
    let output = run(command.arg(super::path(UNIT)));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && said.contains("Overall exposure level"), "{said}");
}

/// Node writes the code that it runs. `npx` and `uvx` keep programs in the home folder and run them
/// there, and systemd forbids that for the folders of dynamic users.
#[test]
fn the_unit_lets_tool_servers_start_and_keep_what_they_download() {
    assert_eq!(values("MemoryDenyWriteExecute"), [""; 0]);
    let home = &values("WorkingDirectory")[0];
    assert_eq!(values("DynamicUser"), ["yes"]);
    assert_eq!(values("ExecPaths"), [home.as_str()]);
    let environment = values("Environment");
    assert!(environment.contains(&format!("HOME={home}")), "{environment:?}");
    let path = environment.iter().find_map(|variable| variable.strip_prefix("PATH="));
    assert!(path.unwrap().starts_with(&format!("{home}/.local/bin:/usr/local/bin:")));
    // The server ends its tool servers itself; what is left when it is gone gets SIGKILL.
    assert_eq!(
        (values("KillMode"), values("OOMPolicy")),
        (vec!["mixed".into()], vec!["continue".into()])
    );
    let close_timeout = mcp_endpoint_server::settings::Settings::default().websocket.close_timeout;
    let seconds: u64 = values("TimeoutStopSec")[0].parse().unwrap();
    assert!(seconds >= close_timeout.as_secs() + 5);
}

#[test]
fn the_unit_starts_the_real_server() {
    assert_eq!(values("Type"), ["notify"]);
    assert_eq!(values("ExecStart"), [INSTALLED]);
    assert_eq!(values("WorkingDirectory"), ["%S/mcp-endpoint-server"]);
    assert_eq!(values("StateDirectory"), ["mcp-endpoint-server"]);
    let state = Folder::fresh();
    let manager = Manager::abstract_named("unit");
    let mut command = server();
    for variable in values("Environment") {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, value);
    }
    let seconds: u64 = values("WatchdogSec")[0].parse().unwrap();
    command.env("NOTIFY_SOCKET", &manager.name).env("WATCHDOG_USEC", format!("{seconds}000000"));
    command.env("MCP_ENDPOINT_SERVER_PORT", "0").current_dir(state.path());
    let mut process = Process::start("the unit", &mut command);
    assert_eq!(manager.receives(), "READY=1");
    assert!(is_healthy(port(&process)));
    process.signal("TERM");
    assert!(process.wait_exit(TIMEOUT).success());
    // The key is there for the next start, for nobody else; the journal is the only log.
    assert_eq!(state.files(), [CONFIG]);
    let mode = std::fs::metadata(state.path().join(CONFIG)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secrets = ["?key=", "?token="];
    let journal = process.stderr().join("\n");
    assert!(!secrets.iter().any(|secret| journal.contains(secret)), "{journal}");
}

#[test]
fn a_wrong_configuration_stops_start_and_reload_with_a_status_that_is_not_tried_again() {
    assert_eq!(values("RestartPreventExitStatus"), ["2"]);
    let reload = values("ExecReload");
    assert!(reload[1].ends_with("kill -HUP $MAINPID"), "{}", reload[1]);
    let check = reload[0].strip_prefix("/bin/sh -c '").and_then(|rest| rest.strip_suffix('\''));
    // `$$` is a dollar sign to systemd.
    let check = check
        .unwrap()
        .replace("$$", "$")
        .replace(INSTALLED, env!("CARGO_BIN_EXE_mcp-endpoint-server"));
    assert!(!check.contains('%') && !check.contains('\\'), "{check}");
    let state = Folder::fresh();
    let checked = || run(Command::new("/bin/sh").args(["-c", &check]).current_dir(state.path()));
    for (config, taken) in [("port = 1", true), ("prot = 1", true), ("port = x", false)] {
        state.write(CONFIG, &format!("[server]\n{config}\n"));
        assert_eq!(checked().status.success(), taken, "{config}");
    }
    state.write(CONFIG, "[server]\nport = x\n");
    for arguments in [&[][..], &["-t"]] {
        let output = run(server().args(arguments).current_dir(state.path()));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("port = x"), "{arguments:?}");
    }
}
