//! The loop.

use super::accept::{AcceptError, Listeners};
use super::connection::Phase;
use super::connections::{Connections, MUCH};
use super::descriptors;
use super::notify::Manager;
use super::refusals::Refusals;
use super::signals::{Signal, Signals};
use crate::close::CloseReason;
use crate::http::{self, RequestError, ShellView};
use crate::ledger::{Owner, OwnerKind};
use crate::moment::Moment;
use crate::relay::{Peer, Relay};
use crate::seldom::Seldom;
use crate::settings::Settings;
use mio::event::Event;
use mio::{Events, Poll, Token};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How much is read from one connection at a time, in bytes.
const READ: usize = 64 * 1024;

/// How many events are taken in one turn.
const EVENTS: usize = 1024;

/// How many connections may be reading heads or leaving, besides as many as may be open.
pub(super) const ANTEROOM: usize = 64;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Signals,
    Listener(usize),
    Connection(usize),
}

/// How many listeners there can be tokens for.
const LISTENERS: usize = 64;

impl Place {
    pub(super) fn token(self) -> Token {
        Token(match self {
            Place::Signals => 0,
            Place::Listener(number) => 1 + number.min(LISTENERS - 1),
            Place::Connection(slot) => 1 + LISTENERS + slot,
        })
    }

    fn of(Token(token): Token) -> Self {
        match token {
            0 => Place::Signals,
            token if token <= LISTENERS => Place::Listener(token - 1),
            token => Place::Connection(token - 1 - LISTENERS),
        }
    }
}

/// Reads the settings anew when the system or the key holder asks for it: what they are and what is odd
/// about them, or what is wrong. It has said all that in the log.
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
    pub(super) counted: ShellView,
    /// Where everything is read into first, but for the rest of a large frame.
    pub(super) buffer: Box<[u8]>,
    /// Places of the connections there may be something to read from.
    pending: Vec<usize>,
    started: Instant,
    pub(super) now: Moment,
    pub(super) stopping: Option<Moment>,
    manager: Manager,
    reload: Reload,
    /// Whether to say again that connections cannot be accepted.
    pub(super) not_accepted: Seldom<AcceptError>,
    /// Whether to say again that a peer sends binary frames: ones that hold text, or others.
    pub(super) binary_frames: Seldom<(Peer, bool)>,
    /// Whether to say again that an owner's connection was cut for its memory.
    pub(super) memory_cuts: Seldom<Owner>,
}

impl Server {
    /// Listens, and takes the process's signals.
    ///
    /// # Errors
    /// Where that is not possible: what the system says.
    pub fn open(settings: Settings, reload: Reload) -> io::Result<Self> {
        let poll = Poll::new()?;
        let server = &settings.server;
        let listeners = Listeners::open(&server.host, server.port, poll.registry())?;
        let signals = Signals::new(poll.registry(), Place::Signals.token())?;
        make_room(&settings);
        Ok(Server {
            poll,
            signals,
            listeners: Some(listeners),
            connections: Connections::new(settings.websocket.clone()),
            relay: Relay::new(settings.relay.clone()),
            settings,
            refusals: Refusals::default(),
            counted: ShellView::default(),
            buffer: vec![0; READ].into_boxed_slice(),
            pending: Vec::new(),
            started: Instant::now(),
            now: Moment::default(),
            stopping: None,
            manager: Manager::of_process(),
            reload,
            not_accepted: Seldom::default(),
            binary_frames: Seldom::default(),
            memory_cuts: Seldom::default(),
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.as_ref().map(Listeners::addresses).unwrap_or_default()
    }

    /// Serves until the system asks it to stop.
    ///
    /// # Errors
    /// Where the system does not let it wait for events any more.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        self.tell_ready();
        loop {
            self.wait(&mut events)?;
            for event in &events {
                self.notice(event);
            }
            self.accept();
            self.read_all();
            self.thin_out();
            self.fire_timers();
            self.tell_fallen();
            self.write_all();
            self.reap();
            if self.is_over() {
                return Ok(());
            }
        }
    }

    /// Reads from all who may have sent something.
    fn read_all(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        for slot in pending.drain(..) {
            self.read(slot);
            if self.connections.fresh >= MUCH {
                self.write_all();
            }
        }
        use_again(pending, &mut self.pending);
    }

    /// Writes to all for whom something was queued.
    fn write_all(&mut self) {
        let mut dirty = std::mem::take(&mut self.connections.dirty);
        for slot in dirty.drain(..) {
            self.write(slot);
        }
        use_again(dirty, &mut self.connections.dirty);
        self.connections.fresh = 0;
    }

    /// Waits for something to do, and looks at the clock.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let listeners = self.listeners.as_ref();
        let busy = !self.pending.is_empty()
            || !self.connections.dirty.is_empty()
            || !self.connections.fallen.is_empty()
            || listeners.is_some_and(Listeners::has_work);
        let deadlines = [
            self.connections.deadlines.next(),
            self.relay.wake_at(),
            self.stopping,
            listeners.and_then(Listeners::paused),
            self.connections.strangers.next_deadline(),
            self.manager.due(),
        ];
        let timeout = match deadlines.into_iter().flatten().min() {
            _ if busy => Some(Duration::ZERO),
            // What the turn took comes on top, which is less than anybody waits for.
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

    /// Notes what an event is about; the work comes later.
    fn notice(&mut self, event: &Event) {
        match Place::of(event.token()) {
            Place::Signals => {
                for signal in self.signals.take() {
                    match signal {
                        Signal::Stop => self.stop(),
                        // The log has heard what is wrong with them.
                        Signal::Reload => drop(self.reload()),
                    }
                }
            }
            Place::Listener(number) => {
                if let Some(listeners) = &mut self.listeners {
                    listeners.wake(number);
                }
            }
            Place::Connection(slot) => {
                let Some(connection) = self.connections.get_mut(slot) else { return };
                let ends = event.is_read_closed() || event.is_error();
                connection.ends |= ends;
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

    /// There may be more to read from a connection.
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
                self.look_after(slot);
                self.connections.rearm(slot);
            }
        }
        if self.relay.wake_at().is_some_and(|at| at <= self.now) {
            self.relay.time(self.now, &mut self.connections);
        }
        self.manager.turned(self.now);
    }

    /// Does what is due for a connection, if anything is.
    fn look_after(&mut self, slot: usize) {
        let now = self.now;
        let limits = &self.settings.websocket;
        let Some(connection) = self.connections.get_mut(slot) else { return };
        if connection.deadline(limits).is_none_or(|at| at > now) {
            return;
        }
        if connection.stalled.is_some_and(|since| since.after(limits.ping_timeout) <= now) {
            // The system says that there is room only when there is a lot: a slow reader may have
            // made some.
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
            Phase::PutOff { .. } => self.answer_put_off(slot),
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

    /// Tells the relay of the peers that are gone.
    fn tell_fallen(&mut self) {
        while let Some((peer, reason)) = self.connections.fallen.pop() {
            self.relay.left(self.now, peer, reason, &mut self.connections);
        }
        self.settle_accounts();
    }

    /// Frees the connections that are over.
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

    /// The system asks the server to stop; asked twice, it stops at once.
    fn stop(&mut self) {
        let language = self.settings.server.language;
        if self.stopping.is_some() {
            self.stopping = Some(self.now);
            return;
        }
        log::info!("{}", language.stopping(self.connections.open));
        self.manager.stopping();
        self.signals.end_at_the_next();
        self.stopping = Some(self.now.after(self.settings.websocket.close_timeout));
        self.listeners = None;
        for slot in self.connections.slots() {
            let Some(connection) = self.connections.get_mut(slot) else { continue };
            let is_refused = connection.stranger.is_some();
            let is_sent = connection.out.is_empty();
            match &connection.phase {
                Phase::Open(_) => self.connections.start_closing(slot, CloseReason::ServerStops),
                Phase::Head(_) | Phase::PutOff { .. } => {
                    self.connections.kill(slot, CloseReason::ServerStops);
                }
                // Who has its answer does not hold up the stop.
                Phase::Leaving { .. } if is_sent => {
                    self.connections.kill(slot, CloseReason::Answered);
                }
                Phase::Closing { .. } if is_refused && is_sent => {
                    self.connections.kill(slot, CloseReason::Answered);
                }
                Phase::Closing { .. } if is_refused => self.connections.leave(slot, false),
                _ => (),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.stopping.is_some_and(|until| self.connections.len() == 0 || until <= self.now)
    }

    /// The settings are to be read again. Says what is odd about them, or what is wrong.
    pub(super) fn reload(&mut self) -> Result<Vec<String>, Vec<String>> {
        if self.stopping.is_some() {
            return Ok(Vec::new());
        }
        self.manager.reloading();
        let outcome = (self.reload)().map(|(settings, warnings)| {
            self.follow(settings);
            warnings
        });
        self.tell_ready();
        outcome
    }

    /// Goes on with other settings.
    fn follow(&mut self, settings: Settings) {
        make_room(&settings);
        self.connections.limits = settings.websocket.clone();
        self.relay.set_policy(self.now, settings.relay.clone(), &mut self.connections);
        self.settings = settings;
        for slot in self.connections.slots() {
            self.connections.rearm(slot);
        }
    }

    /// Tells the service manager that the server serves.
    fn tell_ready(&mut self) {
        if let Err(error) = self.manager.ready(self.now) {
            log::warn!("{}", self.settings.server.language.cannot_notify(&error));
        }
    }

    /// What the shell tells about itself.
    pub(super) fn view(&self) -> ShellView {
        ShellView {
            connections: self.connections.len(),
            queued_bytes: self.connections.queued.saturating_add(self.relay.held_bytes()),
            memory: OwnerKind::ALL.map(|kind| self.connections.ledger.totals(kind)),
            ends: self.connections.ends,
            bytes_out: self.connections.written,
            ..self.counted
        }
    }
}

/// Keeps the memory of a list that was worked off, unless it was a long one.
fn use_again(done: Vec<usize>, list: &mut Vec<usize>) {
    if list.is_empty() && done.capacity() <= EVENTS {
        *list = done;
    }
}

/// Makes room for as many connections as the settings allow, and says so where there is less.
fn make_room(settings: &Settings) {
    let most = settings.websocket.max_connections;
    // One that makes way keeps its descriptor until the end of the turn.
    let wanted = most.saturating_mul(2).saturating_add(2 * ANTEROOM);
    if let Some(room) = descriptors::make_room(wanted) {
        if room < u64::try_from(most).unwrap_or(u64::MAX) {
            log::warn!("{}", settings.server.language.few_descriptors(most, room));
        }
    }
}
