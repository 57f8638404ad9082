//! The link to a child process: what it reads from the pipes, and what is queued for them.

use super::child::Child;
use super::lines::Lines;
use super::link::{Link, LinkEvent, Outside, ToServer};
use super::program::{Exit, Pipe, Program, StartError};
use super::queue::Queue;
use super::stderr::StandardError;
use super::supervisor::EndStep;
use crate::escape::readable;
use crate::settings::servers::{ServerConfig, Transport};
use crate::text::Language;
use crate::time::Moment;
use mio::event::Event;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

/// How often a pipe is read from in one turn.
const MAX_READS_PER_TURN: usize = 4;

/// The link to a child process.
pub(super) struct ChildLink {
    /// The name of the entry.
    name: Box<str>,
    config: ServerConfig,
    /// The variables that entries name, and those that its own names.
    named: Rc<[String]>,
    own: Vec<String>,
    process: Option<Child>,
    queue: Queue,
    lines: Lines,
    stderr: StandardError,
    /// Whether the pipes may have something to read.
    has_output: bool,
    has_error: bool,
    /// Whether nothing more is read of its messages, because it is to be ended.
    is_muted: bool,
    /// When it closed its standard output.
    closed: Option<Moment>,
}

/// How long a child may live without its standard output. One that ends closes it a moment before.
const MAX_MUTE: Duration = Duration::from_secs(1);

impl ChildLink {
    /// The link of an entry. Its child is not started yet.
    pub(super) fn new(name: &str, config: &ServerConfig) -> Self {
        ChildLink {
            name: name.into(),
            config: config.clone(),
            named: Rc::default(),
            own: Vec::new(),
            process: None,
            queue: Queue::default(),
            lines: Lines::default(),
            stderr: StandardError::default(),
            has_output: false,
            has_error: false,
            is_muted: false,
            closed: None,
        }
    }

    /// Reads no more messages.
    fn mute(&mut self) {
        self.lines = Lines::default();
        (self.has_output, self.is_muted) = (false, true);
    }

    /// Reads messages. Returns what is wrong with the child.
    fn read_output(
        &mut self,
        outside: &mut Outside<'_>,
        receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<String> {
        for _ in 0..MAX_READS_PER_TURN {
            let count = match self.process.as_mut()?.read_output(outside.buffer) {
                Ok(0) => {
                    // It may live on, but nothing more can come.
                    self.mute();
                    self.closed = Some(outside.now);
                    return None;
                }
                Ok(count) => count,
                Err(error) => {
                    self.has_output = error.kind() == ErrorKind::Interrupted;
                    return None;
                }
            };
            let bytes = outside.buffer.get(..count).unwrap_or_default();
            let (queue, limit) = (&mut self.queue, outside.max_message_size);
            let read = self.lines.read(bytes, limit, &mut |line| {
                receive(&readable(line), queue);
            });
            if read.is_err() {
                self.mute();
                return Some(outside.language.child_line_too_long(limit));
            }
            // More only for a large message: many small ones take time.
            if self.lines.memory() < outside.buffer.len() {
                return None;
            }
        }
        None
    }

    fn read_errors(&mut self, outside: &mut Outside<'_>) {
        for _ in 0..MAX_READS_PER_TURN {
            let Some(process) = &mut self.process else { return };
            match process.read_error(outside.buffer) {
                Ok(count @ 1..) => {
                    let bytes = outside.buffer.get(..count).unwrap_or_default();
                    self.stderr.read(
                        bytes,
                        &self.config.secrets,
                        outside.now,
                        &mut |line, more| {
                            log_line(&self.name, line, more, outside.language);
                        },
                    );
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                _ => {
                    self.has_error = false;
                    break;
                }
            }
        }
    }

    /// The child has ended. Returns how.
    fn has_ended(&mut self, exit: Exit, outside: &mut Outside<'_>) -> LinkEvent {
        self.read_errors(outside);
        self.stderr.end(&self.config.secrets, outside.now, &mut |line, more| {
            log_line(&self.name, line, more, outside.language);
        });
        if let Some(mut process) = self.process.take() {
            process.unwatch(outside.registry);
        }
        (self.has_output, self.has_error) = (false, false);
        (self.queue, self.lines, self.closed) = (Queue::default(), Lines::default(), None);
        LinkEvent::Ended(match exit {
            Exit::Status(status) => outside.language.child_exit_status(status),
            Exit::Signal(signal) => outside.language.child_exit_signal(signal),
        })
    }
}

impl Link for ChildLink {
    fn kind(&self) -> &'static str {
        "stdio"
    }

    fn name_variables(&mut self, named: &Rc<[String]>, own: &[String]) {
        (self.named, self.own) = (Rc::clone(named), own.to_vec());
    }

    fn start(&mut self, outside: &mut Outside<'_>) -> Result<String, String> {
        self.stderr.started();
        let language = outside.language;
        let Transport::Stdio { command, arguments, environment, folder } = &self.config.transport
        else {
            return Err(language.no_children_here());
        };
        let program = Program {
            command,
            arguments,
            environment,
            folder: folder.as_deref(),
            named: &self.named,
            own: &self.own,
        };
        let token = |pipe| (outside.token)(pipe as usize);
        match Child::start(&program, outside.registry, token) {
            Ok(process) => {
                let words = language.child_process(process.id());
                self.process = Some(process);
                self.queue = Queue::new(outside.max_queued);
                (self.lines, self.is_muted, self.closed) = (Lines::default(), false, None);
                // It may have written before it was watched.
                (self.has_output, self.has_error) = (true, true);
                Ok(words)
            }
            Err(error) => Err(match error {
                StartError::NotFound(Some(path)) => language.child_not_in_path(command, &path),
                StartError::NotFound(None) => language.child_not_found(command),
                StartError::NotExecutable => language.child_not_executable(command),
                StartError::NoFolder(folder) => language.child_no_folder(folder.display()),
                StartError::System(error) => error.to_string(),
            }),
        }
    }

    fn queue(&mut self) -> &mut dyn ToServer {
        &mut self.queue
    }

    fn end(&mut self, step: EndStep, outside: &mut Outside<'_>) {
        let Some(process) = &mut self.process else { return };
        match step {
            EndStep::Close => process.close_input(outside.registry),
            EndStep::Terminate => process.terminate(),
            EndStep::Kill => process.kill(),
        }
    }

    fn note_event(&mut self, part: usize, _event: &Event) {
        self.has_output |= part == Pipe::Output as usize && !self.is_muted;
        self.has_error |= part == Pipe::Error as usize;
    }

    fn has_work(&self) -> bool {
        self.has_output || self.has_error
    }

    fn work(
        &mut self,
        outside: &mut Outside<'_>,
        may_have_ended: bool,
        receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<LinkEvent> {
        let mut fault = None;
        if self.has_output {
            fault = self.read_output(outside, receive);
        }
        if self.has_error {
            self.read_errors(outside);
        }
        let exit = self.process.as_mut().filter(|_| may_have_ended).and_then(Child::exit);
        if let Some(exit) = exit {
            // Its last answer may be there still.
            if !self.is_muted {
                self.read_output(outside, receive);
            }
            return Some(self.has_ended(exit, outside));
        }
        if let Some(process) = &mut self.process {
            // That it has ended is known from its exit.
            let _ = self.queue.write_to(process);
        }
        if self.deadline().is_some_and(|at| at <= outside.now) {
            self.closed = None;
            fault = Some(outside.language.child_closed_output());
        }
        fault.map(LinkEvent::Faulty)
    }

    fn deadline(&self) -> Option<Moment> {
        self.closed.map(|closed| closed.after(MAX_MUTE))
    }

    fn memory(&self) -> usize {
        self.queue.memory() + self.lines.memory() + self.stderr.memory()
    }

    fn drop_memory(&mut self) {
        self.queue = Queue::default();
        self.mute();
    }

    fn last_line(&self) -> Option<&str> {
        self.stderr.last_line()
    }

    fn last_lines(&self) -> Vec<&str> {
        self.stderr.last_lines().collect()
    }
}

fn log_line(name: &str, line: &str, left_out: u32, language: Language) {
    if left_out > 0 {
        log::info!("{}", language.child_lines_left_out(name, left_out));
    }
    log::info!("[{name}] {line}");
}
