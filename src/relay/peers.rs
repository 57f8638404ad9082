//! Which connection is which tool server or robot, and of which agent.

use super::numbers::NumberMap;
use super::{Peer, Side};

/// Where a connection belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub side: Side,
    /// The agent's place in the relay.
    pub agent: usize,
    /// Its place among the agent's tool servers or robots.
    pub place: usize,
}

/// All connections. The shell may give a slot to another one before the relay hears that the first one
/// is gone, so the slot alone does not name a connection.
pub(super) type Peers = NumberMap<Peer, Place>;
