//! The doctor in broken set-ups, each of them real: what stops people from having their tools at
//! hand, and whether it is called by its name.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod others;
mod proxies;
mod servers;
mod tls;
mod visit;
