//! The program.

#![forbid(unsafe_code)]

use mcp_endpoint_server::{cli, logging, net, settings};
use std::process::ExitCode;

fn main() -> ExitCode {
    net::survive_file_size_limit();
    let end = cli::run(std::env::args_os().skip(1), settings::environment());
    logging::finish();
    ExitCode::from(end.status())
}
