//! One connection and its phase: request head, WebSocket, closing.

use super::head::Head;
use super::strangers::Stranger;
use crate::close::CloseReason;
use crate::ledger::Account;
use crate::relay::Peer;
use crate::settings::WebSocket;
use crate::time::Moment;
use mio::net::TcpStream;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use ws::{CloseFinder, Receiver, SendQueue};

/// The phase of a connection.
#[derive(Debug)]
pub(super) enum Phase {
    /// The request head is being read.
    Head(Box<Head>),
    /// The answer is delayed, because the client was refused before.
    Delayed {
        /// When it is sent.
        until: Moment,
        /// What to do then.
        answer: Box<DelayedAnswer>,
    },
    /// It is an open WebSocket, known to the relay.
    Open(Receiver),
    /// The server's close frame is queued or sent; the peer's is awaited.
    Closing {
        /// When to stop waiting.
        until: Moment,
        /// Finds the peer's close frame.
        close_finder: CloseFinder,
    },
    /// The send queue is emptied, then the connection ends.
    Leaving {
        /// When to give up.
        until: Moment,
        /// Whether to wait until the peer closes its side. Closing earlier, while it still sends,
        /// would reset the connection, and the peer might lose the answer.
        lingers: bool,
        /// Whether the server's side is closed already.
        shut: bool,
    },
    /// It has ended, and is freed at the end of the turn.
    Dead,
}

/// How many bytes a refused or answered connection may still send. They are read and dropped:
/// unread bytes would reset the connection when it is closed, and the peer might lose the answer.
const MAX_UNWANTED_BYTES: usize = 1024 * 1024;

/// What to do when the delay ends.
#[derive(Debug)]
pub(super) enum DelayedAnswer {
    /// Send a response.
    Response {
        /// The bytes to send.
        bytes: Vec<u8>,
        /// Why the WebSocket is closed then; `None` for a plain response.
        close: Option<CloseReason>,
        /// Finds a close frame that the peer sends before.
        close_finder: CloseFinder,
    },
    /// Check the key of this request and answer it.
    KeyCheck(Box<Head>),
}

/// The client of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The peer address of the socket.
    pub address: SocketAddr,
    /// The client's address as a trusted proxy gives it.
    pub client: Option<IpAddr>,
}

impl Caller {
    /// The client's address. An IPv4 address mapped into IPv6 becomes plain IPv4.
    pub(super) fn ip(&self) -> IpAddr {
        self.client.unwrap_or(self.address.ip()).to_canonical()
    }
}

/// For the log and the status page. The port of a client behind a proxy is unknown.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client {
            Some(client) => client.fmt(f),
            None => SocketAddr::new(self.ip(), self.address.port()).fmt(f),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub socket: TcpStream,
    pub peer: Peer,
    pub caller: Caller,
    pub phase: Phase,
    pub out: SendQueue,
    /// When the connection was accepted.
    pub accepted_at: Moment,
    /// When bytes were last received.
    pub last_heard: Moment,
    /// When it was pinged, if nothing was received since.
    pub pinged: Option<Moment>,
    /// Since when the socket has taken none of the queued bytes.
    pub stalled: Option<Moment>,
    /// The bytes of memory of an incomplete message or head.
    pub held: usize,
    /// The account of its owner, and the bytes charged to it for `held` and `out`.
    pub account: Account,
    pub charged: usize,
    /// Its deadline in [`Deadlines`](crate::time::Deadlines).
    pub armed: Option<Moment>,
    /// Whether it is in the list of connections to write to.
    pub dirty: bool,
    /// Whether it is in the list of connections to read from.
    pub pending: bool,
    /// Whether the peer has closed its side, so that nothing more can come.
    pub read_closed: bool,
    /// Its entry among the connections that have shown no token; `None` once it has.
    pub stranger: Option<Stranger>,
    /// How many bytes it has sent since it was refused, answered or closed.
    pub unwanted: usize,
}

impl Connection {
    pub(super) fn new(
        socket: TcpStream,
        peer: Peer,
        address: SocketAddr,
        now: Moment,
        account: Account,
    ) -> Self {
        Connection {
            socket,
            peer,
            caller: Caller { address, client: None },
            phase: Phase::Head(Box::default()),
            out: SendQueue::default(),
            accepted_at: now,
            last_heard: now,
            pinged: None,
            stalled: None,
            held: 0,
            account,
            charged: 0,
            armed: None,
            dirty: false,
            pending: false,
            read_closed: false,
            stranger: None,
            unwanted: 0,
        }
    }

    /// Whether it is an open WebSocket, known to the relay.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether it has an incomplete frame longer than `size` bytes.
    pub(super) fn is_mid_message_over(&self, size: usize) -> bool {
        matches!(&self.phase, Phase::Open(receiver) if receiver.is_mid_frame_over(size))
    }

    /// Counts `count` dropped bytes. Returns whether there are too many in all.
    pub(super) fn sends_too_much(&mut self, count: usize, limits: &WebSocket) -> bool {
        let max = if self.stranger.is_none() { limits.max_message_size } else { 0 };
        self.unwanted = self.unwanted.saturating_add(count);
        self.unwanted > max.max(MAX_UNWANTED_BYTES)
    }

    /// When its next timeout is, if nothing happens before.
    pub(super) fn deadline(&self, limits: &WebSocket) -> Option<Moment> {
        if matches!(self.phase, Phase::Dead) {
            return None;
        }
        let stalled = self.stalled.map(|since| since.after(limits.ping_timeout));
        let other = match &self.phase {
            Phase::Head(_) => Some(self.accepted_at.after(limits.handshake_timeout)),
            Phase::Delayed { until, .. }
            | Phase::Closing { until, .. }
            | Phase::Leaving { until, .. } => Some(*until),
            Phase::Open(_) => match (self.pinged, limits.ping_interval) {
                (Some(pinged), _) => Some(pinged.after(limits.ping_timeout)),
                (None, Some(interval)) => Some(self.last_heard.after(interval)),
                (None, None) => None,
            },
            Phase::Dead => None,
        };
        stalled.into_iter().chain(other).min()
    }
}
