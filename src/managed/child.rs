//! A child process and its three pipes, watched by the poll.
//!
//! Each child leads a process group of its own, because `npx`, `uvx` and `sh` are only wrappers of what runs.
//! When the leader has ended, the group is killed before the leader is reaped: until then no other process can
//! get its id.

use super::program::{Exit, Pipe, Program, StartError};
use mio::unix::pipe::{Receiver, Sender};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use rustix::process::{kill_process_group, waitid, Pid, Signal, WaitId, WaitIdOptions};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};

/// A child process.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    group: Pid,
    /// `None` once it is closed.
    input: Option<Sender>,
    output: Receiver,
    error: Receiver,
    /// How it has ended, once it is reaped. From then on its id may be somebody else's.
    exit: Option<Exit>,
}

impl Child {
    /// Starts a program. `token` names its pipes in events.
    ///
    /// # Errors
    /// [`StartError`] where it does not start. Then nothing is left of it.
    pub(super) fn start(
        program: &Program<'_>,
        registry: &Registry,
        token: impl Fn(Pipe) -> Token,
    ) -> Result<Self, StartError> {
        let mut command = Command::new(program.command);
        command.args(program.arguments).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let has = |names: &[String], name: &str| {
            names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
        };
        let is_hidden = |name: &str| has(program.named, name) && !has(program.own, name);
        for (name, _) in std::env::vars_os() {
            if is_ours(&name) || name.to_str().is_some_and(is_hidden) {
                command.env_remove(&name);
            }
        }
        let environment = program.environment.iter().map(|(name, value)| (name, value));
        command.envs(environment);
        if let Some(folder) = program.folder {
            if !folder.is_dir() {
                return Err(StartError::NoFolder(folder.to_owned()));
            }
            command.current_dir(folder);
        }
        let mut process = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let is_path = program.command.contains('/');
                // The variables of the entry count when it is looked up.
                let own = program.environment.iter().rev().find(|(name, _)| name == "PATH");
                let path = own.map(|(_, path)| path.into()).or_else(|| std::env::var_os("PATH"));
                let path = path.filter(|_| !is_path);
                StartError::NotFound(path.map(|path| path.to_string_lossy().into_owned()))
            }
            ErrorKind::PermissionDenied => StartError::NotExecutable,
            _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                StartError::NotExecutable
            }
            _ => StartError::System(error),
        })?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let (Some(group), (Some(input), Some(output), Some(error))) = (id, pipes) else {
            // All of them were asked for.
            let _ = process.kill();
            let _ = process.wait();
            return Err(StartError::System(ErrorKind::Other.into()));
        };
        let (input, output, error) =
            (Sender::from(input), Receiver::from(output), Receiver::from(error));
        let mut child = Child { process, group, input: Some(input), output, error, exit: None };
        child.watch(registry, token).map_err(|error| {
            child.end();
            StartError::System(error)
        })?;
        Ok(child)
    }

    fn watch(&mut self, registry: &Registry, token: impl Fn(Pipe) -> Token) -> io::Result<()> {
        if let Some(input) = &mut self.input {
            input.set_nonblocking(true)?;
            registry.register(input, token(Pipe::Input), Interest::WRITABLE)?;
        }
        self.output.set_nonblocking(true)?;
        self.error.set_nonblocking(true)?;
        registry.register(&mut self.output, token(Pipe::Output), Interest::READABLE)?;
        registry.register(&mut self.error, token(Pipe::Error), Interest::READABLE)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Reads from its standard output.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn read_output(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.output.read(room)
    }

    /// Reads from its standard error.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn read_error(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.error.read(room)
    }

    /// Closes its standard input.
    pub(super) fn close_input(&mut self, registry: &Registry) {
        if let Some(mut input) = self.input.take() {
            let _ = registry.deregister(&mut input);
        }
    }

    /// Asks its process group to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends its process group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if self.exit.is_none() {
            let _ = kill_process_group(self.group, signal);
        }
    }

    /// Ends it, and waits for its end.
    fn end(&mut self) {
        if self.exit().is_none() {
            self.kill();
            self.reap();
        }
    }

    /// Whether it has ended, and how. Then its group is gone as well, and only [`Child::unwatch`] is left.
    pub(super) fn exit(&mut self) -> Option<Exit> {
        if self.exit.is_some() {
            return self.exit;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.group), options) {
            Ok(None) => return None,
            // It is a zombie still, so its id is nobody else's.
            Ok(Some(_)) => self.kill(),
            // Somebody else has reaped it.
            Err(_) => self.exit = Some(Exit::Status(-1)),
        }
        self.reap();
        self.exit
    }

    fn reap(&mut self) {
        if self.exit.is_some() {
            return;
        }
        let status = self.process.wait().unwrap_or(ExitStatus::from_raw(-1));
        self.exit = Some(match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Status(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        });
    }

    /// Ends the watch over its pipes.
    pub(super) fn unwatch(&mut self, registry: &Registry) {
        self.close_input(registry);
        let _ = registry.deregister(&mut self.output);
        let _ = registry.deregister(&mut self.error);
    }
}

/// Writes to its standard input.
impl Write for Child {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.input {
            Some(input) => input.write(bytes),
            None => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.input {
            Some(input) => input.write_vectored(parts),
            None => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A child that is forgotten does not outlive it, and leaves no zombie.
impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a variable is meant for the server itself: its settings with the key, and what systemd gives it.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let starts = ["MCP_ENDPOINT_", "WATCHDOG_", "LISTEN_"];
    matches!(&*name, "MCP_ENDPOINT" | "NOTIFY_SOCKET")
        || starts.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests;
