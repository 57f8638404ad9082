//! Real processes. Everything waits for an event of theirs.

use super::*;
use mio::{Events, Poll};
use std::path::Path;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(20);

struct Trial {
    poll: Poll,
    child: Child,
    output: String,
    error: String,
}

fn start(program: &Program<'_>) -> Result<Trial, StartError> {
    let poll = Poll::new().unwrap();
    let token = |pipe| Token(pipe as usize);
    let child = Child::start(program, poll.registry(), token)?;
    Ok(Trial { poll, child, output: String::new(), error: String::new() })
}

fn shell(script: &str) -> Trial {
    let arguments = ["-c".to_owned(), script.to_owned()];
    start(&Program { command: "sh", arguments: &arguments, ..Program::default() }).unwrap()
}

impl Trial {
    /// Reads until `is_done`.
    fn wait(&mut self, is_done: impl Fn(&mut Self) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        let mut events = Events::with_capacity(8);
        loop {
            let mut room = [0; 4096];
            while let Ok(count @ 1..) = self.child.read_output(&mut room) {
                self.output += &String::from_utf8_lossy(&room[..count]);
            }
            while let Ok(count @ 1..) = self.child.read_error(&mut room) {
                self.error += &String::from_utf8_lossy(&room[..count]);
            }
            if is_done(self) {
                return;
            }
            assert!(Instant::now() < deadline, "{:?} {:?}", self.output, self.error);
            // There is no signal handler here, so an exit is looked for from time to time.
            self.poll.poll(&mut events, Some(Duration::from_millis(20))).unwrap();
        }
    }

    fn wait_exit(&mut self) -> Exit {
        let exit = std::cell::Cell::new(None);
        self.wait(|trial| {
            exit.set(exit.get().or_else(|| trial.child.exit()));
            exit.get().is_some()
        });
        // What it wrote at the end is still in the pipes.
        self.wait(|_| true);
        exit.get().unwrap()
    }

    fn wait_output(&mut self, line: &str) {
        self.wait(|trial| trial.output.contains(line));
    }
}

/// Whether a process lives, and is no zombie.
fn lives(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

fn wait_end(id: &str) {
    let deadline = Instant::now() + TIMEOUT;
    while lives(id) {
        assert!(Instant::now() < deadline, "{id} lives");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_child_talks_and_ends_with_its_input() {
    let mut trial = shell("echo warning >&2; exec cat");
    trial.child.write_all(b"{\"id\":1}\n").unwrap();
    trial.wait_output("{\"id\":1}\n");
    trial.child.close_input(trial.poll.registry());
    assert_eq!(trial.wait_exit(), Exit::Status(0));
    assert_eq!(trial.error, "warning\n");
    assert!(trial.child.write(b"x").is_err());
    trial.child.unwatch(trial.poll.registry());
}

#[test]
fn its_exit_status_or_signal_is_known_and_it_leaves_no_zombie() {
    let mut trial = shell("echo last words >&2; exit 7");
    let id = trial.child.id().to_string();
    assert_eq!((trial.wait_exit(), &*trial.error), (Exit::Status(7), "last words\n"));
    assert!(!Path::new(&format!("/proc/{id}")).exists());
    let mut trial = shell("kill -9 $$");
    assert_eq!(trial.wait_exit(), Exit::Signal(9));
}

#[test]
fn what_cannot_be_started_says_why() {
    let program = |command| Program { command, ..Program::default() };
    let found = start(&program("no-such-command-anywhere")).err();
    assert!(matches!(found, Some(StartError::NotFound(Some(path))) if path.contains("bin")));
    let found = start(&program("/no/such/file")).err();
    assert!(matches!(found, Some(StartError::NotFound(None))), "{found:?}");
    let found = start(&program("/proc/self/status")).err();
    assert!(matches!(found, Some(StartError::NotExecutable)), "{found:?}");
    let folder = Some(Path::new("/no/such/folder"));
    let found = start(&Program { folder, ..program("sh") }).err();
    assert!(matches!(found, Some(StartError::NoFolder(_))), "{found:?}");
}

#[test]
fn a_grandchild_that_keeps_the_pipes_goes_with_its_parent() {
    let mut trial = shell("sleep 1000 & echo $!; read line");
    trial.wait(|trial| trial.output.ends_with('\n'));
    let grandchild = trial.output.trim().to_owned();
    assert!(lives(&grandchild));
    trial.child.close_input(trial.poll.registry());
    trial.wait_exit();
    wait_end(&grandchild);
}

#[test]
fn one_that_ignores_requests_is_killed_with_its_group() {
    let mut trial =
        shell("trap '' TERM; (trap '' TERM; sleep 1000) & echo $!; while :; do sleep 1000; done");
    trial.wait(|trial| trial.output.ends_with('\n'));
    let grandchild = trial.output.trim().to_owned();
    trial.child.terminate();
    assert_eq!(trial.child.exit(), None);
    trial.child.kill();
    assert_eq!(trial.wait_exit(), Exit::Signal(9));
    wait_end(&grandchild);
}

#[test]
fn a_child_that_is_forgotten_is_ended() {
    let mut trial = shell("echo $$; exec sleep 1000");
    trial.wait(|trial| trial.output.ends_with('\n'));
    let id = trial.output.trim().to_owned();
    drop(trial);
    assert!(!Path::new(&format!("/proc/{id}")).exists());
}

#[test]
fn a_child_inherits_all_but_what_is_the_servers_and_what_is_hidden() {
    assert!(is_ours(OsStr::new("MCP_ENDPOINT")) && is_ours(OsStr::new("MCP_ENDPOINT_SERVER_KEY")));
    assert!(is_ours(OsStr::new("NOTIFY_SOCKET")) && is_ours(OsStr::new("LISTEN_FDS")));
    assert!(!is_ours(OsStr::new("MCP_ENDPOINTS")) && !is_ours(OsStr::new("PATH")));
    let arguments = ["-c".to_owned(), "echo \"$ADDED|${HOME+home}|${PATH+path}\"; pwd".to_owned()];
    let searched = [("PATH".to_owned(), "/no/folder".to_owned())];
    let missing = Program { command: "sh", environment: &searched, ..Program::default() };
    let error = start(&missing).err();
    assert!(matches!(error, Some(StartError::NotFound(Some(path))) if path == "/no/folder"));
    let environment = [("ADDED".to_owned(), "a b".to_owned())];
    let named = ["HOME", "PATH"].map(str::to_owned);
    let program = Program {
        command: "sh",
        arguments: &arguments,
        environment: &environment,
        folder: Some(Path::new("/")),
        named: &named,
        own: &named[1..],
    };
    let mut trial = start(&program).unwrap();
    assert_eq!((trial.wait_exit(), &*trial.output), (Exit::Status(0), "a b||path\n/\n"));
}
