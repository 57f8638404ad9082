//! What the owner decided: one table of options, read from the file, the environment and the
//! command line (contract, section 6).

use crate::relay::Policy;
use crate::text::Language;
use std::time::Duration;

/// Everything an owner can set, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[websocket]`
    pub websocket: WebSocket,
    /// `[relay]`, with the language, `debug` and `max_queued` it needs.
    pub relay: Policy,
    /// `[security]`
    pub security: Security,
    /// `[logging]`
    pub logging: Logging,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where to listen: a name, an IPv4 or IPv6 address, or `::` for both families.
    pub host: String,
    /// The port; 0 lets the system choose one.
    pub port: u16,
    /// Level DEBUG, and message bodies in the log.
    pub debug: bool,
    /// The least important level that is logged; `debug` makes it DEBUG.
    pub log_level: log::LevelFilter,
    /// The key: at least 32 characters.
    pub key: String,
    /// What start-up prints instead of the guessed address, without a last slash.
    pub public_url: Option<String>,
    /// Under which prefix every route also answers: empty, or `/foo` without a last slash.
    pub path_prefix: String,
    /// The language of the texts people read.
    pub language: Language,
}

/// `[websocket]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// How many connections may be open.
    pub max_connections: usize,
    /// After how much silence a peer is pinged; `None`: never.
    pub ping_interval: Option<Duration>,
    /// How long a pinged peer may stay silent, and one that does not read may take nothing.
    pub ping_timeout: Duration,
    /// How long a closing hand-shake, and the stop of the server, may take.
    pub close_timeout: Duration,
    /// How long the whole HTTP head may take.
    pub handshake_timeout: Duration,
    /// The largest message a peer may send, in bytes.
    pub max_message_size: usize,
    /// How much may wait for one connection, in bytes.
    pub max_queued: usize,
    /// How much may wait in all queues and half-read messages together, in bytes.
    pub memory_limit: usize,
}

/// `[security]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// Whose pages may use the server.
    pub allowed_origins: Origins,
    /// Whether CORS headers are sent.
    pub enable_cors: bool,
}

/// `allowed_origins`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// `*`
    Any,
    /// These only, as they were written, without a last slash.
    Only(Vec<String>),
}

/// `[logging]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// The log file; `None`: no file.
    pub log_file: Option<std::path::PathBuf>,
    /// At which size a file is put aside, in bytes; 0: never.
    pub max_file_size: u64,
    /// How many files put aside are kept; 0: none.
    pub backup_count: usize,
}
