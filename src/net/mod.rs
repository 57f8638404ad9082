//! The shell: sockets, connections, buffers. It never looks into a message.
//!
//! One thread runs one poll loop ([`server`]), and all connections are in a slab. Handlers only queue
//! bytes, which are written once per turn. Each connection gets a bounded amount of work per turn,
//! and is never freed inside its own handler.

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

pub use signals::survive_file_size_limit;
