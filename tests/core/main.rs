//! The core alone, without a socket: a fake clock, and a wire that keeps what is sent.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/random.rs"]
#[allow(dead_code)]
mod random;
mod relay;
mod simulation;
