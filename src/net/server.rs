//! The server and its poll loop.

use super::accept::{AcceptError, Listeners};
use super::connection::Phase;
use super::connections::{Connections, WRITE_NOW_BYTES};
use super::descriptors;
use super::notify::ServiceManager;
use super::refusals::Refusals;
use super::signals::{Signal, Signals};
use crate::close::CloseReason;
use crate::http::{self, RequestError, ShellView};
use crate::ledger::{Owner, OwnerKind};
use crate::log_throttle::LogThrottle;
use crate::relay::{Peer, Relay};
use crate::settings::Settings;
use crate::time::Moment;
use mio::event::Event;
use mio::{Events, Poll, Token};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The size of the shared read buffer, in bytes.
const READ_BUFFER_LEN: usize = 64 * 1024;

/// How many events are handled in one turn.
const MAX_EVENTS_PER_TURN: usize = 1024;

/// Sockets allowed beyond twice `max_connections`, for heads, answers and closing connections.
pub(super) const EXTRA_SOCKETS: usize = 64;

/// What an event is about, as a token of mio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventSource {
    Signals,
    Listener(usize),
    Connection(usize),
}

/// How many listeners have tokens of their own.
const MAX_LISTENERS: usize = 64;

impl EventSource {
    pub(super) fn token(self) -> Token {
        Token(match self {
            EventSource::Signals => 0,
            EventSource::Listener(number) => 1 + number.min(MAX_LISTENERS - 1),
            EventSource::Connection(slot) => 1 + MAX_LISTENERS + slot,
        })
    }

    fn of(Token(token): Token) -> Self {
        match token {
            0 => EventSource::Signals,
            token if token <= MAX_LISTENERS => EventSource::Listener(token - 1),
            token => EventSource::Connection(token - 1 - MAX_LISTENERS),
        }
    }
}

/// Reads the settings again when a signal or the key holder asks for it. Returns them with warnings, or
/// the mistakes found; both have been logged.
pub type Reload = Box<dyn FnMut() -> Result<(Settings, Vec<String>), Vec<String>>>;

/// The server.
pub struct Server {
    pub(super) poll: Poll,
    signals: Signals,
    pub(super) listeners: Option<Listeners>,
    pub(super) connections: Connections,
    pub(super) relay: Relay,
    pub(super) settings: Settings,
    pub(super) refusals: Refusals,
    pub(super) counters: ShellView,
    /// The buffer all connections are read into, except for the rest of a large frame.
    pub(super) buffer: Box<[u8]>,
    /// Slots of the connections that may have something to read.
    pending: Vec<usize>,
    started: Instant,
    pub(super) now: Moment,
    pub(super) stopping: Option<Moment>,
    manager: ServiceManager,
    reload: Reload,
    /// Limits the log messages about connections that cannot be accepted.
    pub(super) accept_errors: LogThrottle<AcceptError>,
    /// Limits the log messages about binary frames, by peer and whether they hold text.
    pub(super) binary_frames: LogThrottle<(Peer, bool)>,
    /// Limits the log messages about connections cut for their owner's memory.
    pub(super) memory_cuts: LogThrottle<Owner>,
}

impl Server {
    /// Opens the listening sockets and takes over the signals of the process.
    ///
    /// # Errors
    /// The system's error, if that is not possible.
    pub fn open(settings: Settings, reload: Reload) -> io::Result<Self> {
        let poll = Poll::new()?;
        let server = &settings.server;
        let listeners = Listeners::open(&server.host, server.port, poll.registry())?;
        let signals = Signals::new(poll.registry(), EventSource::Signals.token())?;
        raise_descriptor_limit(&settings);
        Ok(Server {
            poll,
            signals,
            listeners: Some(listeners),
            connections: Connections::new(settings.websocket.clone()),
            relay: Relay::new(settings.relay.clone()),
            settings,
            refusals: Refusals::default(),
            counters: ShellView::default(),
            buffer: vec![0; READ_BUFFER_LEN].into_boxed_slice(),
            pending: Vec::new(),
            started: Instant::now(),
            now: Moment::default(),
            stopping: None,
            manager: ServiceManager::of_process(),
            reload,
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
        self.tell_ready();
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
            self.write_all();
            self.reap();
            if self.is_over() {
                return Ok(());
            }
        }
    }

    /// Reads from all connections that may have something to read.
    fn read_all(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        for slot in pending.drain(..) {
            self.read(slot);
            if self.connections.fresh >= WRITE_NOW_BYTES {
                self.write_all();
            }
        }
        reuse(pending, &mut self.pending);
    }

    /// Writes to all connections with something newly queued.
    fn write_all(&mut self) {
        let mut dirty = std::mem::take(&mut self.connections.dirty);
        for slot in dirty.drain(..) {
            self.write(slot);
        }
        reuse(dirty, &mut self.connections.dirty);
        self.connections.fresh = 0;
    }

    /// Waits for something to do, and reads the clock.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let listeners = self.listeners.as_ref();
        let busy = !self.pending.is_empty()
            || !self.connections.dirty.is_empty()
            || !self.connections.gone.is_empty()
            || listeners.is_some_and(Listeners::has_work);
        let deadlines = [
            self.connections.deadlines.next(),
            self.relay.wake_at(),
            self.stopping,
            listeners.and_then(Listeners::next_deadline),
            self.connections.strangers.next_deadline(),
            self.manager.due(),
        ];
        let timeout = match deadlines.into_iter().flatten().min() {
            _ if busy => Some(Duration::ZERO),
            // `now` is the start of the turn, so this is late by the turn's duration, which is short.
            Some(next) => Some(next.since(self.now)),
            None => None,
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => (),
        }
        self.now = self.read_clock();
        self.connections.now = self.now;
        Ok(())
    }

    fn read_clock(&self) -> Moment {
        Moment::from_start(self.started.elapsed())
    }

    /// Notes what an event is about. Connections are read and written later in the turn.
    fn handle_event(&mut self, event: &Event) {
        match EventSource::of(event.token()) {
            EventSource::Signals => {
                for signal in self.signals.take() {
                    match signal {
                        Signal::Stop => self.stop(),
                        // The mistakes are in the log already.
                        Signal::Reload => drop(self.reload()),
                    }
                }
            }
            EventSource::Listener(number) => {
                if let Some(listeners) = &mut self.listeners {
                    listeners.wake(number);
                }
            }
            EventSource::Connection(slot) => {
                let Some(connection) = self.connections.get_mut(slot) else { return };
                let ends = event.is_read_closed() || event.is_error();
                connection.read_closed |= ends;
                let has_output = !connection.out.is_empty();
                if event.is_readable() || ends {
                    self.mark_pending(slot);
                }
                if event.is_writable() && has_output {
                    self.connections.mark_dirty(slot);
                }
            }
        }
    }

    /// Notes that a connection may have something to read.
    pub(super) fn mark_pending(&mut self, slot: usize) {
        if let Some(connection) = self.connections.get_mut(slot) {
            if !connection.pending {
                connection.pending = true;
                self.pending.push(slot);
            }
        }
    }

    fn fire_timers(&mut self) {
        while let Some(slot) = self.connections.deadlines.pop_due(self.now) {
            if let Some(connection) = self.connections.get_mut(slot) {
                connection.armed = None;
                self.handle_deadline(slot);
                self.connections.rearm(slot);
            }
        }
        if self.relay.wake_at().is_some_and(|at| at <= self.now) {
            self.relay.time(self.now, &mut self.connections);
        }
        self.manager.loop_turned(self.now);
    }

    /// Does what is due for a connection, if anything.
    fn handle_deadline(&mut self, slot: usize) {
        let now = self.now;
        let limits = &self.settings.websocket;
        let Some(connection) = self.connections.get_mut(slot) else { return };
        if connection.deadline(limits).is_none_or(|at| at > now) {
            return;
        }
        if connection.stalled.is_some_and(|since| since.after(limits.ping_timeout) <= now) {
            // The system reports a socket as writable only if it has a lot of room. A slow reader may
            // have made less than that.
            self.write(slot);
            let limits = &self.settings.websocket;
            let Some(connection) = self.connections.get_mut(slot) else { return };
            if connection.stalled.is_some_and(|since| since.after(limits.ping_timeout) <= now) {
                self.connections.kill(slot, CloseReason::NotReading);
            }
            return;
        }
        match &connection.phase {
            Phase::Head(head) if head.held() > 0 => {
                let language = self.settings.server.language;
                let response = http::error_response(RequestError::HeadTooSlow, language);
                self.respond(slot, &response);
            }
            Phase::Head(_) => self.connections.kill(slot, CloseReason::HeadTimeout),
            Phase::Delayed { .. } => self.answer_delayed(slot),
            Phase::Closing { .. } | Phase::Leaving { .. } => {
                self.connections.kill(slot, CloseReason::Answered);
            }
            Phase::Open(_) if connection.pinged.is_some() => {
                self.close(slot, CloseReason::PingTimeout);
            }
            Phase::Open(_) => self.connections.ping(slot),
            Phase::Dead => (),
        }
    }

    /// Reports to the relay the peers that are gone.
    fn report_gone(&mut self) {
        while let Some((peer, reason)) = self.connections.gone.pop() {
            self.relay.left(self.now, peer, reason, &mut self.connections);
        }
        self.update_accounts();
    }

    /// Frees the dead connections.
    fn reap(&mut self) {
        if self.connections.dead.is_empty() {
            return;
        }
        for slot in std::mem::take(&mut self.connections.dead) {
            if let Some(mut connection) = self.connections.remove(slot) {
                let _ = self.poll.registry().deregister(&mut connection.socket);
            }
        }
        self.connections.shrink();
        if let Some(listeners) = &mut self.listeners {
            listeners.resume();
        }
    }

    /// Starts to stop. The second call stops at once.
    fn stop(&mut self) {
        let language = self.settings.server.language;
        if self.stopping.is_some() {
            self.stopping = Some(self.now);
            return;
        }
        log::info!("{}", language.stopping(self.connections.open));
        self.manager.stopping();
        self.signals.exit_on_next_stop();
        self.stopping = Some(self.now.after(self.settings.websocket.close_timeout));
        self.listeners = None;
        for slot in self.connections.slots() {
            let Some(connection) = self.connections.get_mut(slot) else { continue };
            let is_refused = connection.stranger.is_some();
            let is_sent = connection.out.is_empty();
            match &connection.phase {
                Phase::Open(_) => self.connections.start_closing(slot, CloseReason::ServerStops),
                Phase::Head(_) | Phase::Delayed { .. } => {
                    self.connections.kill(slot, CloseReason::ServerStops);
                }
                // A connection whose answer is sent does not delay the stop.
                Phase::Leaving { .. } if is_sent => {
                    self.connections.kill(slot, CloseReason::Answered);
                }
                Phase::Closing { .. } if is_refused && is_sent => {
                    self.connections.kill(slot, CloseReason::Answered);
                }
                Phase::Closing { .. } if is_refused => self.connections.finish(slot, false),
                _ => (),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.stopping.is_some_and(|until| self.connections.len() == 0 || until <= self.now)
    }

    /// Reads the settings again and applies them.
    ///
    /// # Errors
    /// The mistakes found; then the old settings stay.
    pub(super) fn reload(&mut self) -> Result<Vec<String>, Vec<String>> {
        if self.stopping.is_some() {
            return Ok(Vec::new());
        }
        self.manager.reloading();
        let outcome = (self.reload)().map(|(settings, warnings)| {
            self.apply_settings(settings);
            warnings
        });
        self.tell_ready();
        outcome
    }

    /// Applies new settings to the running server.
    fn apply_settings(&mut self, settings: Settings) {
        raise_descriptor_limit(&settings);
        self.connections.limits = settings.websocket.clone();
        self.relay.set_policy(self.now, settings.relay.clone(), &mut self.connections);
        self.settings = settings;
        for slot in self.connections.slots() {
            self.connections.rearm(slot);
        }
    }

    /// Tells the service manager that the server is ready.
    fn tell_ready(&mut self) {
        if let Err(error) = self.manager.ready(self.now) {
            log::warn!("{}", self.settings.server.language.cannot_notify(&error));
        }
    }

    /// The shell's part of the status.
    pub(super) fn view(&self) -> ShellView {
        ShellView {
            connections: self.connections.len(),
            queued_bytes: self.connections.queued.saturating_add(self.relay.held_bytes()),
            memory: OwnerKind::ALL.map(|kind| self.connections.ledger.totals(kind)),
            ends: self.connections.ends,
            bytes_out: self.connections.written,
            ..self.counters
        }
    }
}

/// Keeps the memory of a list that has been processed, unless it is large.
fn reuse(done: Vec<usize>, list: &mut Vec<usize>) {
    if list.is_empty() && done.capacity() <= MAX_EVENTS_PER_TURN {
        *list = done;
    }
}

/// Raises the limit of open files for the connections the settings allow. Logs a warning if there is
/// room for fewer.
fn raise_descriptor_limit(settings: &Settings) {
    let max = settings.websocket.max_connections;
    // A closed connection keeps its descriptor until the end of the turn.
    let wanted = max.saturating_mul(2).saturating_add(2 * EXTRA_SOCKETS);
    if let Some(room) = descriptors::raise_limit(wanted) {
        if room < u64::try_from(max).unwrap_or(u64::MAX) {
            log::warn!("{}", settings.server.language.few_descriptors(max, room));
        }
    }
}
