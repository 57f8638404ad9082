//! The shell: sockets, connections, buffers. It never looks into a message.
//!
//! One thread runs one poll loop ([`server`]). It reads, lets the relay act, and writes what was queued,
//! once each turn. Each connection gets a bounded amount of work per turn, and is never freed inside
//! its own handler.
//!
//! [`shell`] joins the owners: `table` (who is in which slot), `budget` (memory), `schedule` (what is to
//! be read and written), `strangers` and `delays` (who has shown no token). `connection` decides
//! what happens to one connection, without its socket, and `transport` is what carries its messages.

mod accept;
mod budget;
mod connection;
mod delays;
mod descriptors;
mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod head;
mod machine;
mod notify;
mod refusals;
mod saver;
mod schedule;
pub mod server;
mod shell;
mod signals;
mod socket;
mod strangers;
mod table;
mod transport;
mod wire;

pub use signals::survive_file_size_limit;
