//! The listening sockets: accepting in turns, and pausing when the system has no room.

use super::events::EventSource;
use crate::time::Moment;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// How many connections are accepted in one turn, so that a burst does not delay open connections.
const MAX_ACCEPTS_PER_TURN: usize = 64;

/// How many connections may wait to be accepted. The system lowers it to its own limit. mio asks for
/// 128. One burst fills that, the system drops the next SYN, and that client connects 1 s late.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

/// How long a listener pauses if the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(500);

/// After this many failed connections in a row a listener pauses, too, so that permanent failure
/// does not keep the loop busy.
const MAX_LOST_IN_A_ROW: u32 = 1024;

/// Why a connection could not be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AcceptError {
    /// This connection failed before it was accepted. The next one may succeed.
    Lost,
    /// The process or the system has no file descriptor left.
    Descriptors,
    /// The system has no memory left for sockets.
    Memory,
    /// Another error, which is likely to persist.
    Other,
}

impl AcceptError {
    /// Classifies an error of accept(2). Linux also returns network errors of the new connection.
    fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
            NetworkUnreachable, OutOfMemory, PermissionDenied, TimedOut, Unsupported,
        };
        match error.kind() {
            // EPERM (`PermissionDenied`): a firewall rule forbids the connection.
            ConnectionAborted | ConnectionReset | Interrupted | NetworkDown
            | NetworkUnreachable | HostUnreachable | PermissionDenied | TimedOut | Unsupported => {
                AcceptError::Lost
            }
            OutOfMemory => AcceptError::Memory,
            _ => error.raw_os_error().map_or(AcceptError::Other, Self::of_system),
        }
    }

    /// Classifies errors for which `io::ErrorKind` has no name.
    #[cfg(unix)]
    fn of_system(code: i32) -> Self {
        use rustix::io::Errno;
        match Errno::from_raw_os_error(code) {
            Errno::MFILE | Errno::NFILE => AcceptError::Descriptors,
            Errno::NOBUFS => AcceptError::Memory,
            Errno::PROTO | Errno::NOPROTOOPT | Errno::HOSTDOWN | Errno::OPNOTSUPP => {
                AcceptError::Lost
            }
            #[cfg(target_os = "linux")]
            Errno::NONET => AcceptError::Lost,
            _ => AcceptError::Other,
        }
    }

    #[cfg(not(unix))]
    fn of_system(code: i32) -> Self {
        match code {
            // WSAEMFILE and WSAENOBUFS.
            10_024 => AcceptError::Descriptors,
            10_055 => AcceptError::Memory,
            _ => AcceptError::Other,
        }
    }
}

/// The result of [`Listeners::accept`].
#[derive(Debug)]
pub(super) enum Accepted<S> {
    /// A new connection.
    Connection(S, SocketAddr),
    /// No connection waits.
    Nobody,
    /// A connection that could not be accepted.
    Failed(AcceptError, io::Error),
}

/// A listening socket. Tests have their own.
pub(super) trait Accept {
    /// A connection.
    type Stream;

    /// accept(2).
    fn accept(&self) -> io::Result<(Self::Stream, SocketAddr)>;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        TcpListener::accept(self)
    }
}

/// One listening socket.
#[derive(Debug)]
struct Listener<L> {
    socket: L,
    /// Whether a connection may be waiting. The system reports it only once.
    waiting: bool,
    /// When the pause ends, while it pauses.
    paused: Option<Moment>,
    /// How many connections have failed in a row.
    lost: u32,
}

/// The listening sockets. They take turns, and an error of one does not stop the others.
#[derive(Debug)]
pub(super) struct Listeners<L = TcpListener> {
    all: Vec<Listener<L>>,
    /// The index of the listener whose turn is next.
    next: usize,
}

impl Listeners {
    /// Listens on every address of `host`. Addresses that fail are ignored if another one works.
    ///
    /// # Errors
    /// If no address works: the system's error for the first.
    pub(super) fn open(host: &str, port: u16, registry: &Registry) -> io::Result<Self> {
        let mut sockets: Vec<TcpListener> = Vec::new();
        let mut first_error = None;
        let mut port = port;
        for address in addresses(host, port)? {
            let address = SocketAddr::new(address.ip(), port);
            match TcpListener::bind(address) {
                Ok(socket) => {
                    // If the system chose the port (0), the other addresses get the same one.
                    port = socket.local_addr()?.port();
                    #[cfg(unix)]
                    rustix::net::listen(&socket, BACKLOG)?;
                    sockets.push(socket);
                }
                // On many systems a socket on `::` accepts IPv4, too.
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
            registry.register(socket, EventSource::Listener(number).token(), Interest::READABLE)?;
        }
        Ok(Listeners::new(sockets))
    }

    /// The addresses it listens on.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().filter_map(|listener| listener.socket.local_addr().ok()).collect()
    }
}

impl<L: Accept> Listeners<L> {
    fn new(sockets: Vec<L>) -> Self {
        let listener = |socket| Listener { socket, waiting: true, paused: None, lost: 0 };
        Listeners { all: sockets.into_iter().map(listener).collect(), next: 0 }
    }

    /// Notes that a connection waits at a listener.
    pub(super) fn wake(&mut self, number: usize) {
        if let Some(listener) = self.all.get_mut(number) {
            listener.waiting = true;
        }
    }

    /// Ends all pauses, because a file descriptor has become free.
    pub(super) fn resume(&mut self) {
        self.all.iter_mut().for_each(|listener| listener.paused = None);
    }

    /// Ends the pauses whose time is over.
    pub(super) fn time(&mut self, now: Moment) {
        for listener in &mut self.all {
            listener.paused = listener.paused.filter(|until| *until > now);
        }
    }

    /// When the next pause ends.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.all.iter().filter_map(|listener| listener.paused).min()
    }

    /// Whether a connection may be waiting at a listener that does not pause.
    pub(super) fn has_work(&self) -> bool {
        self.all.iter().any(|listener| listener.waiting && listener.paused.is_none())
    }

    /// How many connections are accepted in one turn.
    pub(super) fn max_per_turn(&self) -> usize {
        MAX_ACCEPTS_PER_TURN
    }

    /// Accepts one connection, from the listener whose turn it is.
    pub(super) fn accept(&mut self, now: Moment) -> Accepted<L::Stream> {
        for _ in 0..self.all.len() {
            let count = self.all.len();
            let Some(listener) = self.all.get_mut(self.next) else { break };
            self.next = (self.next + 1) % count;
            if !listener.waiting || listener.paused.is_some() {
                continue;
            }
            match listener.socket.accept() {
                Ok((stream, address)) => {
                    listener.lost = 0;
                    return Accepted::Connection(stream, address);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listener.lost = 0;
                    listener.waiting = false;
                }
                Err(error) => {
                    let kind = AcceptError::of(&error);
                    listener.lost = listener.lost.saturating_add(1);
                    // The system does not report when there is room again, so a timer must.
                    if kind != AcceptError::Lost || listener.lost >= MAX_LOST_IN_A_ROW {
                        listener.lost = 0;
                        listener.paused = Some(now.after(PAUSE));
                    }
                    return Accepted::Failed(kind, error);
                }
            }
        }
        Accepted::Nobody
    }
}

/// The addresses of a host. `::` stands for all addresses of IPv6 and IPv4.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;

    /// A socket that returns these results in order, and then `WouldBlock`.
    struct Script(RefCell<VecDeque<io::Result<u32>>>);

    impl Accept for Script {
        type Stream = u32;

        fn accept(&self) -> io::Result<(u32, SocketAddr)> {
            let next = self.0.borrow_mut().pop_front();
            let number = next.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
            Ok((number, SocketAddr::from(([127, 0, 0, 1], 1))))
        }
    }

    fn listeners<const N: usize>(scripts: [Vec<io::Result<u32>>; N]) -> Listeners<Script> {
        let script = |events: Vec<_>| Script(RefCell::new(events.into()));
        Listeners::new(scripts.into_iter().map(script).collect())
    }

    fn system(code: i32) -> io::Result<u32> {
        Err(io::Error::from_raw_os_error(code))
    }

    /// Accepts until no connection waits or all listeners pause. Returns the connections and errors.
    fn admitted(listeners: &mut Listeners<Script>) -> (Vec<u32>, Vec<AcceptError>) {
        let (mut numbers, mut failed) = (Vec::new(), Vec::new());
        while listeners.has_work() {
            match listeners.accept(Moment::default()) {
                Accepted::Connection(number, _) => numbers.push(number),
                Accepted::Failed(kind, _) => failed.push(kind),
                Accepted::Nobody => break,
            }
        }
        (numbers, failed)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_burst_of_connections_waits_to_be_accepted() {
        const BURST: usize = 300;
        let max = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        if max.trim().parse::<usize>().unwrap() < BURST {
            return crate::skip::skip(&format!("needs net.core.somaxconn of {BURST}"));
        }
        let poll = mio::Poll::new().unwrap();
        let listeners = Listeners::open("127.0.0.1", 0, poll.registry()).unwrap();
        let address = listeners.addresses()[0];
        let timeout = Duration::from_millis(900);
        let connect = |_| std::net::TcpStream::connect_timeout(&address, timeout).unwrap();
        assert_eq!((0..BURST).map(connect).collect::<Vec<_>>().len(), BURST);
    }

    #[test]
    fn listeners_take_turns() {
        let mut two = listeners([vec![Ok(1), Ok(2), Ok(3)], vec![Ok(11), Ok(12)]]);
        assert_eq!(admitted(&mut two), (vec![1, 11, 2, 12, 3], vec![]));
        assert!(!two.has_work());
        two.wake(1);
        assert!(two.has_work());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_failed_connection_delays_neither_the_next_one_nor_the_loop() {
        use rustix::io::Errno;
        let lost = [
            Errno::PROTO,
            Errno::NETDOWN,
            Errno::NOPROTOOPT,
            Errno::HOSTDOWN,
            Errno::NONET,
            Errno::HOSTUNREACH,
            Errno::OPNOTSUPP,
            Errno::NETUNREACH,
            Errno::CONNABORTED,
            Errno::CONNRESET,
            Errno::PERM,
            Errno::TIMEDOUT,
            Errno::INTR,
        ];
        for errno in lost {
            let code = errno.raw_os_error();
            let mut one = listeners([vec![system(code), system(code), system(code), Ok(1)]]);
            assert_eq!(admitted(&mut one), (vec![1], vec![AcceptError::Lost; 3]), "{errno:?}");
            assert_eq!(one.next_deadline(), None, "{errno:?}");
        }
        let endless = (0..5000).map(|_| system(Errno::PERM.raw_os_error())).collect();
        let mut one = listeners([endless]);
        assert_eq!(admitted(&mut one).1.len(), MAX_LOST_IN_A_ROW as usize);
        assert!(one.next_deadline().is_some(), "a listener that only fails pauses");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_room_one_listener_pauses_and_the_others_go_on() {
        use rustix::io::Errno;
        for (errno, fault) in [
            (Errno::MFILE, AcceptError::Descriptors),
            (Errno::NFILE, AcceptError::Descriptors),
            (Errno::NOBUFS, AcceptError::Memory),
            (Errno::NOMEM, AcceptError::Memory),
            (Errno::BADF, AcceptError::Other),
        ] {
            let code = errno.raw_os_error();
            let mut two = listeners([vec![system(code), Ok(1)], vec![Ok(11), Ok(12)]]);
            assert_eq!(admitted(&mut two), (vec![11, 12], vec![fault]), "{errno:?}");
            let until = two.next_deadline().unwrap();
            assert_eq!(until.since(Moment::default()), PAUSE);
            two.time(until);
            assert_eq!(admitted(&mut two).0, [1], "it goes on by itself");
        }
    }
}
