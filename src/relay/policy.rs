//! What the owner of the server decided about the relay.

use super::catalogue::Selection;
use crate::text::Language;
use std::sync::Arc;
use std::time::Duration;

/// The settings of `[relay]`, and what of the others the relay must know (docs/protocol.md#settings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether the relay initialises each tool server itself; `false` makes it transparent.
    pub handshake: bool,
    /// How long a tool server may take to answer `initialize` before it is asked again.
    pub handshake_timeout: Duration,
    /// How often an initialised tool server is sent a JSON-RPC `ping`; `None`: never.
    pub tool_ping_interval: Option<Duration>,
    /// How long a request may stay unanswered; each progress notification starts it again.
    pub request_timeout: Duration,
    /// How long requests wait for a tool server that went.
    pub reconnect_grace: Duration,
    /// How many requests of one robot may be under way or waiting.
    pub max_in_flight: usize,
    /// Whether the rules of `quirks.rs` apply.
    pub quirks: bool,
    /// How many bytes of requests may wait inside the relay for one agent: `max_queued`.
    pub max_held: usize,
    /// How many bytes of memory the relay may keep for one agent: half of `memory_limit`, so that
    /// there is room for the messages of the agent itself.
    pub max_kept: usize,
    /// Which tools agents offer.
    pub selection: Arc<Selection>,
    /// How many tools an agent may offer before a warning says that models choose worse among so many.
    pub warn_above: usize,
    /// Which texts errors and log lines carry.
    pub language: Language,
    /// Whether message bodies go to the log.
    pub debug: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            handshake: true,
            handshake_timeout: Duration::from_secs(10),
            tool_ping_interval: Some(Duration::from_secs(50)),
            request_timeout: Duration::from_secs(300),
            reconnect_grace: Duration::from_secs(5),
            max_in_flight: 1024,
            quirks: true,
            max_held: 16 << 20,
            max_kept: 32 << 20,
            selection: Arc::default(),
            warn_above: 40,
            language: Language::Zh,
            debug: false,
        }
    }
}
