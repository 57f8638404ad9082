//! The listeners: who is let in, and what happens when there is no room or no descriptor left.

use super::server::Place;
use crate::moment::Moment;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// How many connections are accepted in one turn, so that a rush delays nobody.
const PER_TURN: usize = 64;

/// How long accepting pauses when the system has no descriptor left.
const PAUSE: Duration = Duration::from_millis(500);

/// What accepting brought.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A connection.
    Connection(TcpStream, SocketAddr),
    /// Nobody waits.
    Nobody,
    /// The system has no room for one more; accepting pauses.
    NoRoom(io::Error),
}

/// The listening sockets.
#[derive(Debug)]
pub(super) struct Listeners {
    sockets: Vec<TcpListener>,
    /// Whether somebody may be waiting: the system tells it once only.
    waiting: bool,
    /// Until when accepting pauses.
    pub paused: Option<Moment>,
}

impl Listeners {
    /// Listens on every address `host` stands for.
    ///
    /// # Errors
    /// Where none of them can be listened on: what the system says of the first.
    pub(super) fn open(host: &str, port: u16, registry: &Registry) -> io::Result<Self> {
        let mut sockets: Vec<TcpListener> = Vec::new();
        let mut first_error = None;
        let mut port = port;
        for address in addresses(host, port)? {
            let address = SocketAddr::new(address.ip(), port);
            match TcpListener::bind(address) {
                Ok(socket) => {
                    // Where the system chose the port, it is the same for the others.
                    port = socket.local_addr()?.port();
                    sockets.push(socket);
                }
                // `::` takes IPv4 too where the system lets it.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && !sockets.is_empty() => (),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        if sockets.is_empty() {
            let nothing = || io::Error::from(io::ErrorKind::AddrNotAvailable);
            return Err(first_error.unwrap_or_else(nothing));
        }
        for (number, socket) in sockets.iter_mut().enumerate() {
            registry.register(socket, Place::Listener(number).token(), Interest::READABLE)?;
        }
        Ok(Listeners { sockets, waiting: true, paused: None })
    }

    /// Where it listens.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Somebody has come.
    pub(super) fn wake(&mut self) {
        self.waiting = true;
    }

    /// A descriptor has become free, or time has passed.
    pub(super) fn resume(&mut self) {
        self.paused = None;
    }

    /// Whether there is something to accept now.
    pub(super) fn has_work(&self) -> bool {
        self.waiting && self.paused.is_none()
    }

    /// How many are accepted in one turn.
    pub(super) fn per_turn(&self) -> usize {
        PER_TURN
    }

    /// Accepts one connection.
    pub(super) fn accept(&mut self, now: Moment) -> Accepted {
        for socket in &self.sockets {
            loop {
                match socket.accept() {
                    Ok((stream, address)) => return Accepted::Connection(stream, address),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // It gave up while it waited.
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::ConnectionAborted
                                | io::ErrorKind::ConnectionReset
                                | io::ErrorKind::Interrupted
                        ) => {}
                    // Out of descriptors or memory: the system will not say when there are some.
                    Err(error) => {
                        self.paused = Some(now.after(PAUSE));
                        return Accepted::NoRoom(error);
                    }
                }
            }
        }
        self.waiting = false;
        Accepted::Nobody
    }
}

/// The addresses a host stands for. `::` stands for both families.
fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(any @ IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ok(vec![
            SocketAddr::new(any, port),
            SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
        ]),
        Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
        Err(_) => Ok((bare, port).to_socket_addrs()?.collect()),
    }
}
