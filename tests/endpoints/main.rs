//! The real program by docs/protocol.md: plain HTTP, the two WebSocket endpoints, what passes between
//! them, and how it all ends.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod frames;
mod life;
mod loss;
mod plain_http;
mod proxies;
mod refusals;
mod relay;
mod selection;
mod status;
mod strangers;
#[cfg(unix)]
mod terminal;
mod upgrade;
