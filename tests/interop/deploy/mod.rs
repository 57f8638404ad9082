//! What lies in `deploy/`: checked by the tools of its trade where they are installed, and tried
//! with the real program.
//!
//! Where a tool is missing a test says `skipped: needs …`; under `CI` it fails instead.

mod container;
mod notify;
mod openwrt;
mod programs;
mod systemd;

/// The program itself.
const SERVER: &str = env!("CARGO_BIN_EXE_mcp-endpoint-server");

/// A file of the project.
fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a file of the project.
fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
