//! JSON-RPC text, read and rewritten in place: nothing is parsed into values and serialised again.
//!
//! Every byte that the relay passes on goes through here once. So this is a crate of its own, which a
//! release build optimises for speed; the rest of the program is optimised for size.
//! It knows JSON-RPC and what several writers make of it, but no relay, no tool server and no robot.

#![forbid(unsafe_code)]

pub mod fault;
pub mod line;
mod members;
pub mod message;
pub mod scan;
pub mod splice;

#[cfg(test)]
#[allow(dead_code)]
#[path = "../../tests/common/random.rs"]
mod random;

pub use fault::{Fault, FaultKind};
pub use line::{read_line, Read};
pub use message::{Id, Message, MessageError, Params, Unread};
pub use splice::Splice;
