//! The real program among programs of others: Python's MCP SDK, a browser, proxies, systemd, OpenWrt's shell.
//!
//! Where one of them is missing a test says `skipped: needs …`; under `CI` it fails instead.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

#[cfg(unix)]
mod behind_proxies;
mod browser;
#[cfg(target_os = "linux")]
mod deploy;
mod http_services;
#[cfg(all(target_os = "linux", feature = "children"))]
mod managed;
mod real_parts;
