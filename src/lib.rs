//! The library behind the program: its modules.
//!
//! An *MCP endpoint server* is the meeting point between Xiaozhi voice devices and the MCP tool
//! servers their owners run. A pure core stands inside a thin shell:
//!
//! * [`relay`] is the core. It knows agents, tools, robots, ids, catalogues and deadlines. It is
//!   given what happened and the time, and says what to send. It never sees a socket, a clock, a
//!   file or a random number.
//! * [`http`] is pure too: a parsed request and a view of the relay in, a response out.
//! * [`net`] is the shell: sockets, connections, buffers. It never looks into a message.
//! * The crates `jsonrpc` and `ws` read and write JSON-RPC text and WebSocket frames.
//! * [`cli`] is the command line: it runs the server, and has the commands beside it, which dial a
//!   server as everybody does.
//!
//! Imports run downward only; ARCHITECTURE.md has the order, and `tests/docs/layers.rs` holds it.

#![forbid(unsafe_code)]

pub mod cli;
pub mod close;
pub mod escape;
pub mod helper;
pub mod http;
pub mod lan;
pub mod ledger;
pub mod log_throttle;
pub mod logging;
pub mod managed;
pub mod net;
pub mod ownership;
pub mod relay;
pub mod settings;
pub mod sorted;
pub mod spelling;
pub mod text;
pub mod time;
pub mod token;

#[cfg(test)]
#[path = "../tests/common/skip.rs"]
mod skip;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub)]
#[path = "../tests/common/frame.rs"]
mod test_frame;

#[cfg(test)]
#[allow(dead_code)]
#[path = "../tests/common/random.rs"]
mod random;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub)]
#[path = "../tests/common/folder.rs"]
mod folder;

/// The version of this program, as every answer that names one gives it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
