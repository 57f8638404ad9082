//! The link to an HTTP service: the sockets of its session.

use super::failure::DialError;
use super::lookup::Lookup;
use super::session::{Limits, Output, Service, Session};
use crate::managed::link::{Link, LinkEvent, Outside, ToServer};
use crate::managed::supervisor::EndStep;
use crate::settings::servers::{ServerConfig, Transport};
use crate::text::Language;
use crate::time::Moment;
use crate::token::url::Url;
use mio::event::Event;
use mio::net::TcpStream;
use mio::Interest;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// How often one socket is read from in one turn.
const MAX_READS_PER_TURN: usize = 4;

/// How often a lookup of a name may outlast the time for one address.
const MAX_LOOKUP_STEPS: usize = 3;

/// The link to an HTTP service.
pub(in crate::managed) struct HttpLink {
    service: Service,
    session: Session,
    is_up: bool,
    /// The connections of the exchanges, by their keys.
    sockets: Vec<Option<Socket>>,
    /// The addresses of the host, the one that answered last first.
    addresses: Vec<SocketAddr>,
    lookup: Lookup,
}

/// Nothing of it: it has secrets.
impl fmt::Debug for HttpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpLink")
    }
}

/// The connection of an exchange.
struct Socket {
    state: State,
    /// How many addresses were tried; while it waits for them, how often it was told to hurry.
    tried: usize,
    /// What may be done with it.
    is_readable: bool,
    is_writable: bool,
}

enum State {
    /// It waits for the addresses of the host.
    Waiting,
    /// It is dialled.
    Dialling(TcpStream),
    Open(TcpStream),
}

impl HttpLink {
    /// The link of an entry, which is down.
    ///
    /// # Errors
    /// What is wrong with the entry.
    pub(in crate::managed) fn new(
        config: &ServerConfig,
        language: Language,
    ) -> Result<Self, String> {
        let Transport::Http { url: text, headers, is_sse } = &config.transport else {
            return Err(language.servers_needs("url"));
        };
        // The servers file has no other. Its text may hold secrets.
        let url = Url::read(text).map_err(|_| language.servers_odd_url())?;
        let (headers, secrets) = (headers.clone(), config.secrets.clone());
        let service = Service { url, headers, is_sse: *is_sse, secrets };
        let limits = Limits { language, max_message_size: 0, max_queued: 0 };
        Ok(HttpLink {
            session: Session::new(Moment::default(), service.clone(), limits),
            service,
            is_up: false,
            sockets: Vec::new(),
            addresses: Vec::new(),
            lookup: Lookup::default(),
        })
    }

    fn socket(&mut self, key: usize) -> Option<&mut Socket> {
        self.sockets.get_mut(key)?.as_mut()
    }

    /// Dials for an exchange.
    fn dial(&mut self, key: usize, outside: &mut Outside<'_>) {
        let url = &self.service.url;
        if let (true, Ok(address)) = (self.addresses.is_empty(), url.host.parse::<IpAddr>()) {
            self.addresses.push(SocketAddr::new(address, url.port));
        }
        if self.sockets.len() <= key {
            self.sockets.resize_with(key + 1, || None);
        }
        let waiting =
            Socket { state: State::Waiting, tried: 0, is_readable: false, is_writable: false };
        if let Some(place) = self.sockets.get_mut(key) {
            *place = Some(waiting);
        }
        if !self.addresses.is_empty() {
            self.dial_next(key, DialError::Silent, outside);
        } else if let Err(error) = self.lookup.start(&url.host, url.port, outside.waker) {
            self.dial_failed(key, DialError::System(error.to_string()), outside.now);
        }
    }

    /// Dials the next address of the host. Where there is none left, the exchange has failed, for this reason.
    fn dial_next(&mut self, key: usize, mut error: DialError, outside: &mut Outside<'_>) {
        let Some(Some(socket)) = self.sockets.get_mut(key) else { return };
        while let Some(address) = self.addresses.get(socket.tried) {
            socket.tried += 1;
            let both = Interest::READABLE | Interest::WRITABLE;
            let dialled = TcpStream::connect(*address).and_then(|mut stream| {
                outside.registry.register(&mut stream, (outside.token)(key), both)?;
                Ok(stream)
            });
            match dialled {
                Ok(stream) => {
                    socket.state = State::Dialling(stream);
                    return;
                }
                Err(cause) => error = dial_error(&cause),
            }
        }
        self.dial_failed(key, error, outside.now);
    }

    fn dial_failed(&mut self, key: usize, error: DialError, now: Moment) {
        // The host may have got other addresses.
        self.addresses.clear();
        self.close(key);
        self.session.dial_failed(now, key, error);
    }

    /// The address that is dialled is silent, or the lookup takes long.
    fn hurry(&mut self, key: usize, outside: &mut Outside<'_>) {
        let Some(socket) = self.socket(key) else { return };
        if !matches!(socket.state, State::Waiting) {
            return self.dial_next(key, DialError::Silent, outside);
        }
        socket.tried += 1;
        if socket.tried >= MAX_LOOKUP_STEPS {
            self.dial_failed(key, DialError::NoAddress(None), outside.now);
        }
    }

    /// Closes a socket: the system ends the watch with it.
    fn close(&mut self, key: usize) {
        if let Some(place) = self.sockets.get_mut(key) {
            *place = None;
        }
    }

    /// The addresses of the host were found, or not.
    fn found(&mut self, found: Result<Vec<SocketAddr>, String>, outside: &mut Outside<'_>) {
        let error = match found {
            Ok(addresses) => {
                self.addresses = addresses;
                None
            }
            Err(error) => Some(error),
        };
        for key in 0..self.sockets.len() {
            match self.socket(key) {
                Some(socket) if matches!(socket.state, State::Waiting) => socket.tried = 0,
                _ => continue,
            }
            self.dial_next(key, DialError::NoAddress(error.clone()), outside);
        }
    }

    /// Finds out what has become of a socket that is dialled.
    fn check_dialled(&mut self, key: usize, outside: &mut Outside<'_>) {
        let Some(socket) = self.socket(key).filter(|socket| socket.is_writable) else { return };
        let State::Dialling(stream) = &socket.state else { return };
        let error = match stream.take_error() {
            Ok(Some(error)) | Err(error) => Err(error),
            Ok(None) => stream.peer_addr().map(drop),
        };
        match error {
            Ok(()) => {
                let tried = socket.tried;
                let state = std::mem::replace(&mut socket.state, State::Waiting);
                let State::Dialling(stream) = state else { return };
                // Without it the end of a request may wait for the acknowledgement of its beginning.
                let _ = stream.set_nodelay(true);
                socket.state = State::Open(stream);
                if let Some(first) = self.addresses.get_mut(..tried) {
                    first.rotate_right(1);
                }
                self.session.connected(outside.now, key);
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => socket.is_writable = false,
            Err(error) => self.dial_next(key, dial_error(&error), outside),
        }
    }

    /// Writes what is left of a request.
    fn write(&mut self, key: usize, now: Moment) {
        let Some(Some(socket)) = self.sockets.get_mut(key) else { return };
        let State::Open(stream) = &mut socket.state else { return };
        while socket.is_writable {
            let [head, message] = self.session.unwritten(key);
            if head.is_empty() && message.is_empty() {
                return;
            }
            match stream.write_vectored(&[IoSlice::new(head), IoSlice::new(message)]) {
                Ok(count) => self.session.wrote(now, key, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                // A peer that has closed its side may have answered before.
                Err(_) => socket.is_writable = false,
            }
        }
    }

    /// Reads once. Returns whether there may be more.
    fn read(&mut self, key: usize, outside: &mut Outside<'_>) -> bool {
        let Some(Some(socket)) = self.sockets.get_mut(key) else { return false };
        let State::Open(stream) = &mut socket.state else { return false };
        if !socket.is_readable {
            return false;
        }
        match stream.read(outside.buffer) {
            Ok(count @ 1..) => {
                let bytes = outside.buffer.get(..count).unwrap_or_default();
                self.session.read(outside.now, key, bytes);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.is_readable = false,
            _ => {
                self.close(key);
                self.session.closed(outside.now, key);
            }
        }
        true
    }

    /// Does what the session wants. Returns how it has ended, if it has.
    fn follow(
        &mut self,
        outside: &mut Outside<'_>,
        receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<LinkEvent> {
        while let Some(output) = self.session.next_output() {
            match output {
                Output::Dial(key) => self.dial(key, outside),
                Output::DialNext(key) => self.hurry(key, outside),
                Output::Close(key) => self.close(key),
                Output::Message(text) => {
                    receive(&text, &mut self.session);
                    self.session.time(outside.now);
                }
                Output::Ended(why) => {
                    self.is_up = false;
                    self.sockets.clear();
                    let why = why.unwrap_or_else(|| outside.language.service_session_over());
                    return Some(LinkEvent::Ended(why));
                }
            }
        }
        None
    }
}

impl Link for HttpLink {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn start(&mut self, outside: &mut Outside<'_>) -> Result<String, String> {
        let limits = Limits {
            language: outside.language,
            max_message_size: outside.max_message_size,
            max_queued: outside.max_queued,
        };
        self.session = Session::new(outside.now, self.service.clone(), limits);
        self.is_up = true;
        self.addresses.clear();
        Ok(outside.language.service_dialled(&self.service.url.authority()))
    }

    fn queue(&mut self) -> &mut dyn ToServer {
        &mut self.session
    }

    fn end(&mut self, step: EndStep, outside: &mut Outside<'_>) {
        match step {
            EndStep::Close => self.session.end(outside.now),
            EndStep::Terminate | EndStep::Kill => self.session.abort(),
        }
    }

    fn note_event(&mut self, part: usize, event: &Event) {
        if let Some(socket) = self.socket(part) {
            // An error shows at the next read, or where the connection is checked.
            let has_ended = event.is_read_closed() || event.is_error();
            socket.is_readable |= event.is_readable() || has_ended;
            socket.is_writable |= event.is_writable() || has_ended;
        }
    }

    fn has_work(&self) -> bool {
        let mut sockets = self.sockets.iter().flatten();
        sockets.any(|socket| socket.is_readable && matches!(socket.state, State::Open(_)))
    }

    fn work(
        &mut self,
        outside: &mut Outside<'_>,
        _may_have_ended: bool,
        receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<LinkEvent> {
        if let Some(found) = self.lookup.take() {
            self.found(found, outside);
        }
        if !self.is_up {
            return None;
        }
        self.session.time(outside.now);
        let mut end = self.follow(outside, receive);
        for key in 0..self.sockets.len() {
            self.check_dialled(key, outside);
            self.write(key, outside.now);
            for _ in 0..MAX_READS_PER_TURN {
                if end.is_some() || !self.read(key, outside) {
                    break;
                }
                end = self.follow(outside, receive);
            }
            end = end.or_else(|| self.follow(outside, receive));
            if end.is_some() {
                return end;
            }
        }
        end
    }

    fn deadline(&self) -> Option<Moment> {
        self.session.next_deadline().filter(|_| self.is_up)
    }

    fn end_text(&self, language: Language, name: &str, how: &str, wait: &str) -> String {
        language.service_lost(name, how, wait)
    }

    fn unreadable_text(&self, language: Language, name: &str, count: u32) -> String {
        language.service_unreadable(name, count)
    }

    fn memory(&self) -> usize {
        self.session.memory() + self.sockets.capacity() * size_of::<Option<Socket>>()
    }

    fn drop_memory(&mut self) {
        self.session.abort();
    }
}

fn dial_error(error: &io::Error) -> DialError {
    match error.kind() {
        ErrorKind::ConnectionRefused => DialError::Refused,
        ErrorKind::TimedOut => DialError::Silent,
        _ => DialError::System(error.to_string()),
    }
}
