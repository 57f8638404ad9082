//! The samples in `deploy`, in the programs they are for: a tool and a robot made with the libraries
//! that real ones are made with find each other through each proxy, with TLS, and an agent's parts
//! find each other among several instances.
//!
//! Where a program or the Python parts are missing, these tests say `skipped: needs …`.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod one;
mod proxy;
mod several;
