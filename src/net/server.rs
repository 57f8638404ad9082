//! The server and its poll loop.

mod admission;
mod control;
mod managed;
mod reading;
mod requests;

use super::accept::{AcceptError, Listeners};
use super::events::EventSource;
use super::notify::ServiceManager;
use super::refusals::Refusals;
use super::saver::Saver;
use super::shell::Shell;
use super::signals::{Signal, Signals};
use super::wire::WRITE_NOW_BYTES;
use crate::http::ShellView;
use crate::ledger::{Owner, OwnerKind};
use crate::log_throttle::LogThrottle;
use crate::relay::{Peer, Relay, Selection};
use crate::settings::Settings;
use crate::time::Moment;
use mio::event::Event;
use mio::{Events, Poll, Waker};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The size of the shared read buffer, in bytes.
const READ_BUFFER_LEN: usize = 64 * 1024;

/// How many events are handled in one turn.
const MAX_EVENTS_PER_TURN: usize = 1024;

/// Sockets allowed beyond twice `max_connections`, for heads, answers and closing connections.
const EXTRA_SOCKETS: usize = 64;

/// The files with the settings.
pub trait Files {
    /// Reads the settings again when a signal or the key holder asks for it.
    ///
    /// # Errors
    /// The mistakes found. They have been logged, as have the warnings about the new settings.
    fn reload(&mut self) -> Result<(Settings, Vec<String>), Vec<String>>;

    /// The selection file, if there is one.
    fn selection_file(&self) -> Option<PathBuf>;

    /// Returns the settings with a selection that was read from its file.
    fn choose(&mut self, selection: Selection) -> Settings;
}

/// The server.
pub struct Server {
    poll: Poll,
    signals: Signals,
    /// The listening sockets; `None` while the server stops.
    listeners: Option<Listeners>,
    shell: Shell,
    relay: Relay,
    refusals: Refusals,
    counters: ShellView,
    /// The buffer all connections are read into, except for the rest of a large message.
    buffer: Box<[u8]>,
    started: Instant,
    /// When the server has stopped at the latest, while it stops.
    stopping: Option<Moment>,
    manager: ServiceManager,
    files: Box<dyn Files>,
    saver: Saver,
    /// What helper threads wake the loop up with.
    waker: Arc<Waker>,
    /// Whether the settings were read while a change was being saved.
    is_to_reload: bool,
    /// Limits the log messages about connections that cannot be accepted.
    accept_errors: LogThrottle<AcceptError>,
    /// Limits the log messages about binary frames, by peer and whether they hold text.
    binary_frames: LogThrottle<(Peer, bool)>,
    /// Limits the log messages about connections cut for their owner's memory.
    memory_cuts: LogThrottle<Owner>,
}

impl Server {
    /// Opens the listening sockets and takes over the signals of the process.
    ///
    /// # Errors
    /// The system's error, if that is not possible.
    // Not inlined: the caller would move the server field by field.
    #[inline(never)]
    pub fn open(settings: Settings, files: Box<dyn Files>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let server = &settings.server;
        let listeners = Listeners::open(&server.host, server.port, poll.registry())?;
        let waker = Arc::new(Waker::new(poll.registry(), EventSource::Wake.token())?);
        let signals = Signals::new(poll.registry(), EventSource::Wake.token(), &waker)?;
        control::raise_descriptor_limit(&settings);
        Ok(Server {
            poll,
            signals,
            listeners: Some(listeners),
            relay: Relay::new(settings.relay.clone()),
            shell: Shell::new(settings),
            refusals: Refusals::default(),
            counters: ShellView::default(),
            buffer: vec![0; READ_BUFFER_LEN].into_boxed_slice(),
            started: Instant::now(),
            stopping: None,
            manager: ServiceManager::of_process(),
            files,
            saver: Saver::new(Arc::clone(&waker)),
            waker,
            is_to_reload: false,
            accept_errors: LogThrottle::default(),
            binary_frames: LogThrottle::default(),
            memory_cuts: LogThrottle::default(),
        })
    }

    /// The addresses it listens on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.as_ref().map(Listeners::addresses).unwrap_or_default()
    }

    /// Serves until a signal asks it to stop.
    ///
    /// # Errors
    /// The system's error, if waiting for events fails.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(MAX_EVENTS_PER_TURN);
        self.follow_servers_file();
        self.notify_ready();
        loop {
            self.wait(&mut events)?;
            for event in &events {
                self.handle_event(event);
            }
            self.accept();
            self.read_all();
            self.evict_surplus();
            self.fire_timers();
            self.report_gone();
            self.work_managed();
            self.write_all();
            self.reap();
            if self.is_over() {
                return Ok(());
            }
        }
    }

    /// Waits for something to do, and reads the clock.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let listeners = self.listeners.as_ref();
        let busy = self.shell.has_work() || listeners.is_some_and(Listeners::has_work);
        let deadlines = [
            self.shell.table.next_deadline(),
            self.relay.wake_at(),
            self.stopping,
            listeners.and_then(Listeners::next_deadline),
            self.shell.strangers.next_deadline(),
            self.manager.due(),
            self.shell.managed.next_deadline(),
        ];
        let timeout = match deadlines.into_iter().flatten().min() {
            _ if busy => Some(Duration::ZERO),
            // `now` is the start of the turn, so this is late by the turn's duration, which is short.
            Some(next) => Some(next.since(self.shell.now)),
            None => None,
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => (),
        }
        self.shell.now = Moment::from_start(self.started.elapsed());
        Ok(())
    }

    /// Notes what an event is about. Connections are read and written later in the turn.
    fn handle_event(&mut self, event: &Event) {
        match EventSource::of(event.token()) {
            EventSource::Wake => {
                self.finish_saves();
                self.shell.managed.note_wake();
                for signal in self.signals.take() {
                    match signal {
                        Signal::Stop => self.stop(),
                        // The mistakes are in the log already.
                        Signal::Reload => drop(self.reload()),
                        Signal::Child => self.shell.managed.note_exit(),
                    }
                }
            }
            EventSource::Listener(number) => {
                if let Some(listeners) = &mut self.listeners {
                    listeners.wake(number);
                }
            }
            EventSource::Connection(slot) => {
                let ends = event.is_read_closed() || event.is_error();
                self.shell.note_event(slot, event.is_readable(), event.is_writable(), ends);
            }
            EventSource::Managed(server, part) => {
                self.shell.managed.note_event(server, part, event)
            }
        }
    }

    /// Reads from all connections that may have something to read.
    fn read_all(&mut self) {
        let mut slots = self.shell.schedule.take_reads();
        for slot in slots.drain(..) {
            self.read(slot);
            if self.shell.schedule.fresh >= WRITE_NOW_BYTES {
                self.write_all();
            }
        }
        self.shell.schedule.reuse_reads(slots);
    }

    /// Writes to all connections with something newly queued.
    fn write_all(&mut self) {
        let mut slots = self.shell.schedule.take_writes();
        for slot in slots.drain(..) {
            self.write(slot);
        }
        self.shell.schedule.reuse_writes(slots);
    }

    fn fire_timers(&mut self) {
        while let Some(slot) = self.shell.table.pop_due(self.shell.now) {
            let action = self.shell.time(slot);
            self.act(slot, action);
            self.shell.rearm(slot);
        }
        if self.relay.wake_at().is_some_and(|at| at <= self.shell.now) {
            self.relay.time(self.shell.now, &mut self.shell);
        }
        self.manager.loop_turned(self.shell.now);
    }

    /// Reports to the relay the peers that are gone.
    fn report_gone(&mut self) {
        while let Some((peer, reason)) = self.shell.take_gone() {
            self.relay.left(self.shell.now, peer, reason, &mut self.shell);
        }
        self.update_accounts();
    }

    /// Frees the dead connections.
    fn reap(&mut self) {
        if self.shell.reap(self.poll.registry()) {
            if let Some(listeners) = &mut self.listeners {
                listeners.resume();
            }
        }
    }

    fn is_over(&self) -> bool {
        let are_idle = self.saver.is_idle() && self.shell.managed.are_over();
        let is_quiet = self.shell.table.len() == 0 && are_idle;
        self.stopping.is_some_and(|until| is_quiet || until <= self.shell.now)
    }

    /// The shell's part of the status.
    fn view(&self) -> ShellView {
        let budget = &self.shell.budget;
        ShellView {
            connections: self.shell.table.len(),
            managed_restarts: self.shell.managed.restarts(),
            queued_bytes: budget.queued().saturating_add(self.relay.held_bytes()),
            memory: OwnerKind::ALL.map(|kind| budget.ledger.totals(kind)),
            ends: self.shell.ends,
            bytes_out: self.shell.written,
            ..self.counters
        }
    }
}
