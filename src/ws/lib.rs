//! WebSocket without a socket: bytes in, frames and messages out, and back (RFC 6455).
//!
//! Every byte passes through here twice, so this is a crate of its own, which a release build
//! optimises for speed. It knows no connection, no clock and no JSON.

#![forbid(unsafe_code)]

mod frame;
pub mod memory;
mod partial;
mod receive;
mod send;
mod skimmer;

pub use frame::FrameError;
pub use receive::{Heard, Input, Receiver};
pub use send::{Outgoing, Progress, Spares};
pub use skimmer::Skimmer;
