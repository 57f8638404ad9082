//! Which connection is which tool server or robot, and of which agent.

use super::numbers::NumberMap;
use super::table::{RobotKey, ToolServerKey};
use super::Peer;

/// What a connection is to the relay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    /// The agent's place in the relay.
    pub agent: usize,
    pub role: Role,
}

/// What a connection is to its agent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Robot(RobotKey),
    ToolServer(ToolServerKey),
}

/// All connections. The shell may give a slot to another one before the relay hears that the first one
/// is gone, so the slot alone does not name a connection.
pub(super) type Peers = NumberMap<Peer, Connection>;
