//! The shell: sockets, buffers, frames. It never looks into a message.
//!
//! One thread, one poll loop ([`server`]), every connection in a slab. Handlers queue; what is
//! queued is written once per turn; each connection gets a bounded piece of work per turn; nothing
//! is freed inside its own handler.

mod accept;
mod accounts;
mod admission;
mod connection;
mod connections;
mod descriptors;
#[cfg(fuzzing)]
pub mod fuzzing;
mod head;
mod machine;
mod notify;
mod reading;
mod refusals;
mod requests;
pub mod server;
mod signals;
mod strangers;

pub use signals::survive_full_files;
