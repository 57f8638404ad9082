//! The real program attacked, in its limits and beyond: memory and time are measured.
//!
//! Tests that time something have the machine for themselves ([`load::alone`]); the long campaigns run only
//! when they are asked for, each by the name of its module.

// What is looked at is what Linux tells in /proc.
#![cfg(target_os = "linux")]
// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod force;
mod load;
mod soak;
mod storm;
mod stress;
