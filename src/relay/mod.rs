//! The core: what goes where, and when it is too late (contract, sections 4 and 5).
//!
//! The relay is told that a peer joined, what it said, that it left, and what time it is. It
//! answers through a [`Wire`]. It never sees a socket, a clock, a file or a random number.

mod policy;
mod view;

pub use policy::Policy;
pub use view::{AgentView, Counts, Details, Errors, ToolState, ToolView, Traffic};

use crate::close::CloseReason;
use crate::moment::Moment;
use std::fmt;

/// A connection, as the shell names it. A name is never given twice while the relay may still
/// know the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Its place in the shell's slab.
    pub slot: u32,
    /// How often that place has been given away before.
    pub generation: u32,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.slot, self.generation)
    }
}

/// Which end of the relay a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A connection from an MCP server, 工具端.
    Tool,
    /// A connection from the Xiaozhi side, 小智端.
    Robot,
}

/// Why a message was not queued: its receiver's queue is full, or the memory is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Congested;

/// What the relay can do to the world. The shell is one; a test is another.
///
/// Nothing here calls back into the relay.
pub trait Wire {
    /// Queues one message for `peer`: the pieces, one after another, are one JSON-RPC message of
    /// one line. A peer that is gone already takes it silently.
    ///
    /// # Errors
    /// [`Congested`] where the peer's queue has no room for it; then nothing was queued.
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested>;

    /// Closes the connection once what is queued has been sent. The relay has forgotten the peer.
    fn close(&mut self, peer: Peer, reason: CloseReason);

    /// Pings the peer's connection at once, to find out whether it lives.
    fn probe(&mut self, peer: Peer);
}

/// Where and as what a peer takes its seat.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// Tool or robot.
    pub side: Side,
    /// The agent its token names.
    pub agent: &'a str,
    /// The `server_id` of a tool's address.
    pub server_id: Option<&'a str>,
    /// Where it dialled in from, for log lines and the status page.
    pub address: &'a str,
}

/// The relay.
#[derive(Debug, Default)]
pub struct Relay {}

impl Relay {
    /// A relay without anybody.
    pub fn new(policy: Policy) -> Self {
        let _ = policy;
        Relay {}
    }

    /// Follows new settings from now on.
    pub fn set_policy(&mut self, policy: Policy) {
        let _ = policy;
    }

    /// A peer has connected with a token of `seat.agent`.
    pub fn joined(&mut self, now: Moment, peer: Peer, seat: Seat<'_>, wire: &mut dyn Wire) {
        let _ = (now, peer, seat, wire);
    }

    /// A peer has sent a text.
    pub fn text(&mut self, now: Moment, peer: Peer, text: &str, wire: &mut dyn Wire) {
        let _ = (now, peer, text, wire);
    }

    /// A peer is gone, for `reason`.
    pub fn left(&mut self, now: Moment, peer: Peer, reason: CloseReason, wire: &mut dyn Wire) {
        let _ = (now, peer, reason, wire);
    }

    /// Time has passed.
    pub fn time(&mut self, now: Moment, wire: &mut dyn Wire) {
        let _ = (now, wire);
    }

    /// When [`Relay::time`] wants to be called next.
    pub fn wake_at(&self) -> Option<Moment> {
        None
    }

    /// How many of everything there is.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// What has happened since the start.
    pub fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// Everything about everybody: only for who has the key.
    pub fn details(&self, now: Moment) -> Details {
        let _ = now;
        Details::new()
    }
}
