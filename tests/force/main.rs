//! The limits (docs/protocol.md#limits-and-times), by force: nothing falls over, nothing leaks,
//! and nobody else notices. Each test attacks the real program while good calls are made on other
//! agents: none of them may fail, and their p99 may not pass five times that of the quiet before.
//!
//! The quick ones run with `cargo test --test force`, the long campaigns with
//! `cargo test --release --test force -- --ignored --nocapture --test-threads 1`.

// What is looked at is what Linux tells in /proc.
#![cfg(target_os = "linux")]
// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/load.rs"]
mod load;
#[path = "../common/storm.rs"]
mod storm;

mod churn;
mod crowds;
mod floods;
mod life;
mod memory;
mod not_reading;
