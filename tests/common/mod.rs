//! What the integration tests are written on: the real program in a folder of its own, and peers
//! that speak to it over real sockets.
//!
//! * [`Server`]: starts the program, knows its address and key, stops and restarts it.
//! * [`Raw`]: a socket without opinions, for odd bytes.
//! * [`Client`]: a WebSocket client that sees every frame.
//! * [`Tool`]: a scripted MCP server at the tool endpoint, in a thread of its own.
//! * [`Robot`]: an MCP client at the robot endpoint.
//! * [`Parts`]: programs in Python made with the libraries that real peers are made with.
//!
//! Nothing here sleeps in the hope that something has happened by then: everything waits for an
//! event and gives up after [`TIMEOUT`].
//! The frames and tokens are made here and not with the product's own code or its libraries, so
//! that the two check each other.

// Each test program uses its own part of this module, and none of it is anybody's public face.
// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod client;
mod folder;
mod frame;
mod journal;
mod message;
pub mod parts;
mod process;
mod random;
mod raw;
mod robot;
mod server;
mod skip;
mod token;
mod tool;

pub use client::{upgrade, Client, Event, Sender, ACCEPT, KEY};
pub use folder::Folder;
pub use frame::{Frame, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
pub use journal::Journal;
pub use message::Message;
pub use parts::{Part, Parts};
#[cfg(unix)]
pub use process::signal;
pub use process::Process;
pub(crate) use random::Random;
pub use raw::{Ending, Raw, Response};
pub use robot::Robot;
pub use server::{program, Builder, Ended, Server, CONFIG, LOG};
pub(crate) use skip::skip;
pub use token::{encrypt, escape, token};
pub use tool::{Answer, Tool, ToolBuilder};

/// How long a test waits for something that must happen.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
