//! WebSocket framing without I/O: bytes to messages, and messages to bytes (RFC 6455).
//!
//! It serves both ends of a connection ([`Role`]): the server, and the commands that dial one.
//! Every byte the server forwards passes through here twice. This is therefore a crate of its own,
//! which release builds optimise for speed. It knows no connection, no clock and no JSON.

#![forbid(unsafe_code)]

mod close_finder;
mod frame;
pub mod memory;
mod partial;
mod receive;
mod role;
mod send;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub)]
#[path = "../../tests/common/frame.rs"]
mod test_frame;

pub use close_finder::CloseFinder;
pub use frame::FrameError;
pub use receive::{Incoming, Input, Receiver};
pub use role::{append_masked, Role};
pub use send::{Progress, SendQueue, SpareBuffers};
