//! One socket and how far its life has come: head, then WebSocket, then closing.

use super::head::Head;
use super::strangers::Stranger;
use crate::close::CloseReason;
use crate::ledger::Account;
use crate::moment::Moment;
use crate::relay::Peer;
use crate::settings::WebSocket;
use mio::net::TcpStream;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use ws::Outgoing;
use ws::Receiver;
use ws::Skimmer;

/// How far a connection's life has come.
#[derive(Debug)]
pub(super) enum Phase {
    /// Its request head is being read.
    Head(Box<Head>),
    /// It is refused, and the answer put off.
    PutOff {
        /// When it is answered.
        until: Moment,
        /// What is done then.
        answer: Box<PutOff>,
    },
    /// It is a WebSocket, and the relay knows it.
    Open(Receiver),
    /// Our close frame is on its way; the peer's is awaited.
    Closing {
        /// When it is given up.
        until: Moment,
        /// What looks for it.
        skimmer: Skimmer,
    },
    /// What is queued is sent, then the connection ends.
    Leaving {
        /// When it is given up.
        until: Moment,
        /// Whether the peer's end is awaited, lest what it still sends destroy our answer.
        lingers: bool,
        /// Whether our end is closed already.
        shut: bool,
    },
    /// It is over, and reaped at the end of the turn.
    Dead,
}

/// How much may still come from a connection that is refused or answered, in bytes. Reading on
/// keeps what it sends from destroying our answer.
const MAX_UNWANTED: usize = 1024 * 1024;

/// What is put off.
#[derive(Debug)]
pub(super) enum PutOff {
    /// An answer.
    Answer {
        /// The bytes to send.
        bytes: Vec<u8>,
        /// Why a WebSocket is closed then; nothing for a plain response.
        close: Option<CloseReason>,
        /// What looks for the peer's close frame meanwhile.
        skimmer: Skimmer,
    },
    /// A request whose key is not looked at before.
    Request(Box<Head>),
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The other end of the socket.
    pub address: SocketAddr,
    /// Who is behind it, where it is a trusted proxy that says so.
    pub client: Option<IpAddr>,
}

impl Caller {
    /// Whose connection it is. One of IPv4 that came over IPv6 is one of IPv4.
    pub(super) fn ip(&self) -> IpAddr {
        self.client.unwrap_or(self.address.ip()).to_canonical()
    }
}

/// For the log and the status page. Of a client behind a proxy the port is not known.
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
    pub out: Outgoing,
    /// When it was accepted.
    pub since: Moment,
    /// When something last came from it.
    pub heard: Moment,
    /// When it was pinged, if it has not been heard since.
    pub pinged: Option<Moment>,
    /// Since when it has taken nothing of what waits for it.
    pub stalled: Option<Moment>,
    /// Bytes of memory of its unfinished message or head.
    pub held: usize,
    /// Whose connection it is, and for how many bytes that owner is charged because of it.
    pub account: Account,
    pub charged: usize,
    /// When it is to be looked after.
    pub armed: Option<Moment>,
    /// Whether it stands on the list of those to be written to.
    pub dirty: bool,
    /// Whether it stands on the list of those to be read from.
    pub pending: bool,
    /// Whether the system says that the peer will send nothing more.
    pub ends: bool,
    /// What is known of it as long as it has shown no token.
    pub stranger: Option<Stranger>,
    /// How many bytes it has sent that nobody wants any more.
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
            out: Outgoing::default(),
            since: now,
            heard: now,
            pinged: None,
            stalled: None,
            held: 0,
            account,
            charged: 0,
            armed: None,
            dirty: false,
            pending: false,
            ends: false,
            stranger: None,
            unwanted: 0,
        }
    }

    /// Whether the relay knows it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether a message of it has come in part that takes more than `size` bytes.
    pub(super) fn is_amid_a_message_over(&self, size: usize) -> bool {
        matches!(&self.phase, Phase::Open(receiver) if receiver.is_amid_a_frame_over(size))
    }

    /// Notes `count` bytes that nobody wants. Says whether they are too many.
    pub(super) fn sends_too_much(&mut self, count: usize, limits: &WebSocket) -> bool {
        let most = if self.stranger.is_none() { limits.max_message_size } else { 0 };
        self.unwanted = self.unwanted.saturating_add(count);
        self.unwanted > most.max(MAX_UNWANTED)
    }

    /// When it has to be looked after, if nothing happens before.
    pub(super) fn deadline(&self, limits: &WebSocket) -> Option<Moment> {
        if matches!(self.phase, Phase::Dead) {
            return None;
        }
        let stalled = self.stalled.map(|since| since.after(limits.ping_timeout));
        let other = match &self.phase {
            Phase::Head(_) => Some(self.since.after(limits.handshake_timeout)),
            Phase::PutOff { until, .. }
            | Phase::Closing { until, .. }
            | Phase::Leaving { until, .. } => Some(*until),
            Phase::Open(_) => match (self.pinged, limits.ping_interval) {
                (Some(pinged), _) => Some(pinged.after(limits.ping_timeout)),
                (None, Some(interval)) => Some(self.heard.after(interval)),
                (None, None) => None,
            },
            Phase::Dead => None,
        };
        stalled.into_iter().chain(other).min()
    }
}
