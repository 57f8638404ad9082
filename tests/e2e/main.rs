//! The real program over real sockets, files and terminals, among peers that the tests play.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod command_line;
mod doctor;
mod endpoints;
mod managed;
mod managed_http;
mod many_tools;
mod raw_frames;
mod settings_files;
mod tools_and_calls;
