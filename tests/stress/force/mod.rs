//! The limits (docs/protocol.md#limits-and-times), by force: nothing falls over, nothing leaks,
//! and nobody else notices. Each test attacks the real program while good calls are made on other
//! agents: none of them may fail, and their p99 may not pass five times that of the quiet before.
//!
//! The quick ones run with `cargo test --test stress force::`, the long campaigns with
//! `cargo test --release --test stress force:: -- --ignored --nocapture --test-threads 1`.

mod churn;
mod crowds;
mod floods;
mod life;
mod memory;
mod not_reading;
