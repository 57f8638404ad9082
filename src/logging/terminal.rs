//! Standard error and standard output, written by threads that may block.

use super::queue::{count, Job, Queue};
use crate::text::Language;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long [`print`] waits until its text is written.
const PRINT_TIMEOUT: Duration = Duration::from_secs(1);

/// Standard error, which gets every log line.
#[derive(Clone)]
pub(super) struct Terminal {
    has_colours: bool,
    pub(super) queue: Arc<Queue>,
}

impl Terminal {
    pub(super) fn start() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
            && std::env::var_os("TERM").is_some_and(|name| name != "dumb");
        let queue = writing_to("log-terminal", own_standard_error());
        Terminal { has_colours: wanted && io::stderr().is_terminal(), queue }
    }

    pub(super) fn coloured(&self, line: &[u8]) -> Option<Vec<u8>> {
        if self.has_colours {
            coloured(line)
        } else {
            None
        }
    }
}

fn coloured(line: &[u8]) -> Option<Vec<u8>> {
    let colour: &[u8] = match line.split(|byte| *byte == b' ').nth(1)? {
        b"[ERROR]" => b"\x1b[31m",
        b"[WARN]" => b"\x1b[33m",
        b"[DEBUG]" => b"\x1b[2m",
        _ => return None,
    };
    Some([colour, line.trim_ascii_end(), b"\x1b[0m\n"].concat())
}

/// Prints `text` to standard output. If nothing reads it, returns after a second.
pub fn print(text: &str) {
    let queue = writing_to("print", Box::new(io::stdout()));
    queue.push(text.as_bytes(), Language::default());
    queue.submit(Job::Stop);
    queue.finish(Instant::now() + PRINT_TIMEOUT);
}

/// A queue whose thread writes to `output`.
fn writing_to(name: &str, mut output: Box<dyn Output>) -> Arc<Queue> {
    let queue = Queue::new();
    let work = move |job| match job {
        Job::Write(lines) if write_all(&mut output, &lines).is_err() => count(&lines),
        _ => 0,
    };
    queue.start(name, Box::new(work));
    queue
}

/// Standard error without the standard library's lock: a thread that blocks here must not block others.
#[cfg(unix)]
fn own_standard_error() -> Box<dyn Output> {
    use std::os::fd::AsFd;
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(std::fs::File::from(own)),
        Err(_) => Box::new(io::stderr()),
    }
}

/// The standard library's, which can write to a Windows console.
#[cfg(not(unix))]
fn own_standard_error() -> Box<dyn Output> {
    Box::new(io::stderr())
}

/// An output that can be polled in case it is non-blocking.
#[cfg(unix)]
pub(super) trait Output: Write + std::os::fd::AsFd + Send {}
#[cfg(unix)]
impl<T: Write + std::os::fd::AsFd + Send> Output for T {}

/// An output.
#[cfg(not(unix))]
pub(super) trait Output: Write + Send {}
#[cfg(not(unix))]
impl<T: Write + Send> Output for T {}

/// Writes everything, however long it takes, even if another process made the output non-blocking.
fn write_all(output: &mut Box<dyn Output>, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match output.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_until_writable(&**output)?
            }
            Err(error) => return Err(error),
        }
    }
    output.flush()
}

#[cfg(unix)]
pub(super) fn wait_until_writable(output: &(impl std::os::fd::AsFd + ?Sized)) -> io::Result<()> {
    use rustix::event::{poll, PollFd, PollFlags};
    match poll(&mut [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::OUT)], None) {
        Err(error) if error != rustix::io::Errno::INTR => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn wait_until_writable<T: ?Sized>(_output: &T) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_coloured_by_its_level() {
        let line = b"2026 [WARN] careful\n";
        assert_eq!(coloured(line).unwrap(), b"\x1b[33m2026 [WARN] careful\x1b[0m\n");
        assert_eq!(coloured(b"2026 [INFO] [WARN]\n"), None);
        assert_eq!(coloured(b"short\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_full_non_blocking_stream_is_waited_for() {
        let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        let mut output: Box<dyn Output> = Box::new(writer);
        let sent = vec![b'x'; 300_000];
        let read = std::thread::spawn(move || {
            let mut all = Vec::new();
            io::Read::read_to_end(&mut reader, &mut all).map(|_| all.len())
        });
        write_all(&mut output, &sent).unwrap();
        drop(output);
        assert_eq!(read.join().unwrap().unwrap(), sent.len());
    }
}
