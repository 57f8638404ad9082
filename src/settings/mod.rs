//! What the owner decided: one table of options, read from the file, the environment and the
//! command line (docs/protocol.md#settings).
//!
//! [`table`] has one row per option; everything else is made from it: reading, error messages, the
//! sample file, `--help` and the tables in docs/reference.md. [`load`] reads at the start, [`reload`] on
//! SIGHUP, [`check`] for `--test`. The environment is handed in, never looked up here.

pub mod environment;
mod file;
#[cfg(fuzzing)]
pub mod fuzzing;
mod key;
mod lines;
mod load;
mod network;
pub mod render;
mod row;
mod save;
pub mod selection;
pub mod servers;
pub mod table;
mod value;

pub use environment::{environment, Environment};
pub use key::MIN_KEY_CHARS;
pub use load::{check, check_files, key_is_wanted, load, reload, Loaded, Problems, Sources};
pub use network::Network;
pub(crate) use value::language as language_named;

use crate::escape::visible_start;
use crate::relay::{Policy, Selection};
use crate::text::Language;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where the configuration file is unless an option says otherwise; from the working directory.
pub const DEFAULT: &str = "data/.mcp-endpoint-server.cfg";

/// Everything an owner can set, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[websocket]`
    pub websocket: WebSocket,
    /// `[relay]`, with the language, `debug` and `max_queued` it needs.
    pub relay: Policy,
    /// `[tools]`, but for what the relay is told of it.
    pub tools: Tools,
    /// `[security]`
    pub security: Security,
    /// `[logging]`
    pub logging: Logging,
    /// What the servers file says.
    pub servers: Vec<servers::ServerEntry>,
}

impl Settings {
    /// From now on this selection holds, and what the servers file says of its tool servers.
    pub fn set_selection(&mut self, selection: Selection) {
        self.relay.selection = Arc::new(selection.with_servers(servers::rules(&self.servers)));
    }
}

/// `[server]`
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Where to listen: a name, an IPv4 or IPv6 address, or `::` for both families.
    pub host: String,
    /// The port; 0 lets the system choose one.
    pub port: u16,
    /// Level DEBUG, and message bodies in the log.
    pub debug: bool,
    /// The least important level that is logged; `debug` makes it DEBUG.
    pub log_level: log::LevelFilter,
    /// The key: at least 32 characters, unless the environment gave a shorter one. Never empty
    /// once [`load`]ed.
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
    /// How many connections one agent may have open, as it is set; 0: nine tenths of
    /// `max_connections`. [`WebSocket::connections_per_agent`] is the number that counts.
    pub max_connections_per_agent: usize,
    /// After how much silence a peer is pinged; `None`: never.
    pub ping_interval: Option<Duration>,
    /// How long a pinged peer may stay silent, and one that does not read may take nothing.
    pub ping_timeout: Duration,
    /// How long a closing handshake, and the stop of the server, may take.
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

impl WebSocket {
    /// How many connections one agent may have open: at least one, and never more than there may
    /// be in all.
    pub fn connections_per_agent(&self) -> usize {
        let all = self.max_connections;
        match self.max_connections_per_agent {
            0 => all.saturating_sub(all / 10).max(1),
            set => set.min(all),
        }
    }
}

/// `[tools]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    /// The selection file; `None`: no tools are chosen.
    pub selection_file: Option<std::path::PathBuf>,
    /// The servers file; `None`: none.
    pub servers_file: Option<std::path::PathBuf>,
}

/// `[security]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// Whose pages may use the server.
    pub allowed_origins: Origins,
    /// Whether CORS headers are sent.
    pub enable_cors: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
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

impl Settings {
    /// Chooses the language of the texts people read.
    fn speak(&mut self, language: Language) {
        self.server.language = language;
        self.relay.language = language;
    }

    /// The options, as `[section] key`, in which `new` differs and which only a restart changes.
    pub fn needs_restart(&self, new: &Settings) -> Vec<&'static str> {
        let (old, new) = (&self.server, &new.server);
        let mut names = Vec::new();
        if old.host != new.host {
            names.push("[server] host");
        }
        if old.port != new.port {
            names.push("[server] port");
        }
        names
    }
}

/// What is in force where nobody decided otherwise, as the table has it; without a key.
impl Default for Settings {
    fn default() -> Self {
        let mut settings = Settings {
            server: Server {
                host: String::new(),
                port: 0,
                debug: false,
                log_level: log::LevelFilter::Info,
                key: String::new(),
                public_url: None,
                path_prefix: String::new(),
                language: Language::Zh,
            },
            websocket: WebSocket {
                max_connections: 0,
                max_connections_per_agent: 0,
                ping_interval: None,
                ping_timeout: Duration::ZERO,
                close_timeout: Duration::ZERO,
                handshake_timeout: Duration::ZERO,
                max_message_size: 0,
                max_queued: 0,
                memory_limit: 0,
            },
            relay: Policy::default(),
            tools: Tools::default(),
            security: Security {
                allowed_origins: Origins::Any,
                enable_cors: false,
                trusted_proxies: Vec::new(),
            },
            logging: Logging { log_file: None, max_file_size: 0, backup_count: 0 },
            servers: Vec::new(),
        };
        for row in table::TABLE {
            row.kind.read(&mut settings, row.default);
        }
        settings
    }
}

/// Everything but the key, which no log may show.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("debug", &self.debug)
            .field("log_level", &self.log_level)
            .field("public_url", &self.public_url)
            .field("path_prefix", &self.path_prefix)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

/// How much of a text of the owner is repeated in a sentence, in characters.
const MAX_REPEATED_CHARS: usize = 60;

/// A text of the owner as a sentence repeats it: one line, cut where it is long.
pub(crate) fn short(text: &str) -> String {
    visible_start(text, MAX_REPEATED_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_table_are_those_of_the_relay() {
        assert_eq!(Settings::default().relay, Policy::default());
    }

    #[test]
    fn the_key_does_not_show_in_debug_output() {
        let mut settings = Settings::default();
        settings.server.key = "0123456789abcdef0123456789abcdef".to_owned();
        assert!(!format!("{settings:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn an_agent_gets_nine_tenths_of_the_connections_unless_set_otherwise() {
        let mut limits = Settings::default().websocket;
        assert_eq!(limits.connections_per_agent(), 900);
        for (all, set, expected) in [(1, 0, 1), (5, 0, 5), (10, 0, 9), (10, 20, 10), (10, 3, 3)] {
            limits.max_connections = all;
            limits.max_connections_per_agent = set;
            assert_eq!(limits.connections_per_agent(), expected, "{set} of {all}");
        }
    }

    #[test]
    fn only_host_and_port_need_a_restart() {
        let old = Settings::default();
        let mut new = old.clone();
        new.server.port = 1;
        new.websocket.max_connections = 1;
        assert_eq!(old.needs_restart(&new), ["[server] port"]);
    }
}
