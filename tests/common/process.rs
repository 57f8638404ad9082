//! A child process whose every line is kept, and which does not outlive its test.

use super::{Journal, TIMEOUT};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A line a process wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// To standard output.
    Out(String),
    /// To standard error.
    Err(String),
    /// One of its two streams has ended.
    Eof,
}

/// A running process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    lines: Journal<Line>,
}

impl Process {
    /// Starts it, without standard input.
    pub fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let lines = Journal::default();
        drain(child.stdout.take().unwrap(), lines.clone(), Line::Out);
        drain(child.stderr.take().unwrap(), lines.clone(), Line::Err);
        Process { child, name: name.to_owned(), lines }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it wrote, for a person.
    pub fn transcript(&self) -> String {
        let mut text = format!("--- {} wrote:\n", self.name);
        for line in self.lines.all() {
            match line {
                Line::Out(line) => text.push_str(&format!("  {line}\n")),
                Line::Err(line) => text.push_str(&format!("! {line}\n")),
                Line::Eof => {}
            }
        }
        text
    }

    /// What it wrote to standard output.
    pub fn stdout(&self) -> Vec<String> {
        let kept = |line| if let Line::Out(text) = line { Some(text) } else { None };
        self.lines.all().into_iter().filter_map(kept).collect()
    }

    /// What it wrote to standard error.
    pub fn stderr(&self) -> Vec<String> {
        let kept = |line| if let Line::Err(text) = line { Some(text) } else { None };
        self.lines.all().into_iter().filter_map(kept).collect()
    }

    /// Waits for the `count`th line, on either stream, that contains `part`.
    pub fn wait_line(&self, part: &str, count: usize, timeout: Duration) -> String {
        let result = self.lines.try_wait(timeout, |lines| {
            let mut found = lines.iter().filter_map(|line| match line {
                Line::Out(text) | Line::Err(text) if text.contains(part) => Some(text.clone()),
                _ => None,
            });
            let ended = lines.iter().filter(|line| **line == Line::Eof).count() == 2;
            found.nth(count - 1).map(Ok).or(ended.then_some(Err(())))
        });
        match result {
            Ok(Ok(line)) => line,
            Ok(Err(())) => panic!("it ended without saying {part:?}\n{}", self.transcript()),
            Err(_) => panic!("it did not say {part:?} in time\n{}", self.transcript()),
        }
    }

    /// Waits for its end, `timeout` at most, with everything it wrote read.
    pub fn wait_exit(&mut self, timeout: Duration) -> ExitStatus {
        let ended = |lines: &[Line]| {
            (lines.iter().filter(|line| **line == Line::Eof).count() == 2).then_some(())
        };
        if self.lines.try_wait(timeout, ended).is_err() {
            panic!("it did not end within {timeout:?}\n{}", self.transcript());
        }
        self.child.wait().unwrap()
    }

    /// Sends it a signal by name: `TERM`, `HUP`, `STOP`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let closed = |lines: &[Line]| lines.contains(&Line::Eof).then_some(());
            let _ = self.lines.try_wait(TIMEOUT / 10, closed);
            eprintln!("{}", self.transcript());
        }
    }
}

/// Sends a signal to a process. The shell's own `kill` is there on every Unix; the program is not.
#[cfg(unix)]
pub fn signal(id: u32, name: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -s {name} {id}")).status();
    assert!(status.unwrap().success(), "cannot send {name} to {id}");
}

fn drain(stream: impl Read + Send + 'static, lines: Journal<Line>, kind: fn(String) -> Line) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line);
            lines.push(kind(text.trim_end_matches(['\r', '\n']).to_owned()));
            line.clear();
        }
        lines.push(Line::Eof);
    });
}
