//! The core alone, without a socket: a fake clock, and a wire that keeps what is sent.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod relay;
mod simulation;
