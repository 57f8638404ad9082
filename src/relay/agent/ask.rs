//! A robot's request, and how often it has been looked at.

use crate::relay::table::RobotKey;
use crate::relay::waiting::Parked;
use crate::time::Moment;
use jsonrpc::Message;

/// The longest id, and the longest progress token, a request may have, in bytes: both are kept
/// until it is answered.
pub(super) const MAX_ID_BYTES: usize = 1024;

/// Whether a robot's message comes for the first time, or has waited.
#[derive(Clone, Copy)]
pub(super) enum Attempt<'a> {
    /// It has just come, or was queued behind another one.
    First {
        /// When it came.
        since: Moment,
    },
    /// It has waited long enough for tool servers to say what they offer.
    Delayed,
    /// It has waited for a tool server.
    Parked(&'a Parked),
}

/// A robot's request being looked at.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    /// The robot's place in the agent.
    pub robot: RobotKey,
    pub id: &'a str,
    pub method: &'a str,
    pub message: &'a Message<'a>,
    pub attempt: Attempt<'a>,
}
