//! Why a connection ends, with its close code, its reason on the wire and its metric label; and why a
//! connection is refused. `text/close.rs` has the sentences for people.

use ws::FrameError;

/// Why a connection ended, by us or by its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CloseReason {
    /// The address carried no token (docs/protocol.md#refused-tokens).
    TokenMissing,
    /// The token could not be decrypted with our key.
    TokenUndecipherable,
    /// The decrypted token is not a JSON object.
    TokenMalformed,
    /// The token names no agent.
    TokenWithoutAgent,
    /// A newer connection with the same `server_id` replaced it.
    Replaced,
    /// The peer sent a close frame.
    PeerClosed,
    /// The peer ended the stream or reset it, without a close frame.
    PeerVanished,
    /// Nothing arrived for `ping_timeout` after a ping.
    PingTimeout,
    /// The peer read nothing of its queue for `ping_timeout`.
    NotReading,
    /// `memory_limit` was reached, and this was the largest connection of the largest owner.
    MemorySpent,
    /// The peer broke the WebSocket protocol.
    ProtocolError,
    /// The peer sent text that is not UTF-8.
    BadUtf8,
    /// The peer sent a message larger than `max_message_size`.
    TooBig,
    /// The request head was not complete within `handshake_timeout`.
    HeadTimeout,
    /// It was a plain HTTP request, which is answered.
    Answered,
    /// The server stops or restarts.
    ServerStops,
    /// A tool server that the program runs or dials itself has ended (docs/protocol.md#managed-tool-servers).
    ManagedEnded,
    /// A tool server that the program runs or dials itself is not needed any more.
    NotNeeded,
}

impl CloseReason {
    /// Every reason, in the order of the metrics.
    pub const ALL: [CloseReason; 18] = [
        CloseReason::TokenMissing,
        CloseReason::TokenUndecipherable,
        CloseReason::TokenMalformed,
        CloseReason::TokenWithoutAgent,
        CloseReason::Replaced,
        CloseReason::PeerClosed,
        CloseReason::PeerVanished,
        CloseReason::PingTimeout,
        CloseReason::NotReading,
        CloseReason::MemorySpent,
        CloseReason::ProtocolError,
        CloseReason::BadUtf8,
        CloseReason::TooBig,
        CloseReason::HeadTimeout,
        CloseReason::Answered,
        CloseReason::ServerStops,
        CloseReason::ManagedEnded,
        CloseReason::NotNeeded,
    ];

    /// The WebSocket close code and reason that the peer is sent (docs/protocol.md#close-codes).
    /// Clients compare these reasons, so they are the same in every language.
    pub fn on_the_wire(self) -> (u16, &'static str) {
        match self {
            CloseReason::TokenMissing => (1008, "缺少token参数"),
            CloseReason::TokenUndecipherable => (1008, "token解密失败"),
            CloseReason::TokenMalformed => (1008, "token数据格式错误"),
            CloseReason::TokenWithoutAgent => (1008, "无对应agentId"),
            CloseReason::Replaced => (4001, "replaced by a newer connection"),
            CloseReason::PeerClosed
            | CloseReason::PeerVanished
            | CloseReason::HeadTimeout
            | CloseReason::Answered
            | CloseReason::ManagedEnded
            | CloseReason::NotNeeded => (1000, ""),
            CloseReason::PingTimeout => (1011, "keepalive ping timeout"),
            CloseReason::NotReading => (1011, "peer does not read"),
            CloseReason::MemorySpent => (1011, "memory limit reached"),
            CloseReason::ProtocolError => (1002, "protocol error"),
            CloseReason::BadUtf8 => (1007, "invalid UTF-8"),
            CloseReason::TooBig => (1009, "message too big"),
            CloseReason::ServerStops => (1012, "service restart"),
        }
    }

    /// Whether everything that the peer still sends is discarded, even its answer to our close frame.
    pub fn discards_input(self) -> bool {
        matches!(self, CloseReason::ProtocolError | CloseReason::BadUtf8 | CloseReason::TooBig)
    }

    /// A name for metric labels: lower case, words joined by `_`, never translated.
    pub fn label(self) -> &'static str {
        match self {
            CloseReason::TokenMissing => "token_missing",
            CloseReason::TokenUndecipherable => "token_undecipherable",
            CloseReason::TokenMalformed => "token_malformed",
            CloseReason::TokenWithoutAgent => "token_without_agent",
            CloseReason::Replaced => "replaced",
            CloseReason::PeerClosed => "peer_closed",
            CloseReason::PeerVanished => "peer_vanished",
            CloseReason::PingTimeout => "ping_timeout",
            CloseReason::NotReading => "not_reading",
            CloseReason::MemorySpent => "memory_spent",
            CloseReason::ProtocolError => "protocol_error",
            CloseReason::BadUtf8 => "bad_utf8",
            CloseReason::TooBig => "too_big",
            CloseReason::HeadTimeout => "head_timeout",
            CloseReason::Answered => "answered",
            CloseReason::ServerStops => "server_stops",
            CloseReason::ManagedEnded => "managed_ended",
            CloseReason::NotNeeded => "not_needed",
        }
    }
}

impl From<FrameError> for CloseReason {
    /// Why a connection with such a frame ends.
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TextNotUtf8 | FrameError::CloseNotUtf8 => CloseReason::BadUtf8,
            FrameError::TooBig => CloseReason::TooBig,
            _ => CloseReason::ProtocolError,
        }
    }
}

/// How a connection ended: why, and what exactly happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why it ended.
    pub reason: CloseReason,
    /// What exactly happened.
    pub detail: Detail,
}

/// What is known about an ending, besides its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    Nothing,
    /// The code and the reason in the peer's close frame. The reason has at most 123 bytes.
    Said(u16, Box<str>),
    /// What is wrong with a frame.
    Wrong(FrameError),
    /// In words: how a managed tool server has ended.
    Words(Box<str>),
}

impl Ending {
    /// The peer has sent a close frame with this payload.
    pub fn of_close_frame(payload: &[u8]) -> Self {
        let detail = match payload {
            [high, low, words @ ..] => {
                let words = String::from_utf8_lossy(words);
                Detail::Said(u16::from_be_bytes([*high, *low]), words.into())
            }
            _ => Detail::Nothing,
        };
        Ending { reason: CloseReason::PeerClosed, detail }
    }

    /// A managed tool server has ended, and that is how.
    pub fn of_managed(how: &str) -> Self {
        Ending { reason: CloseReason::ManagedEnded, detail: Detail::Words(how.into()) }
    }

    /// The code of the peer's close frame.
    pub fn code(&self) -> Option<u16> {
        match self.detail {
            Detail::Said(code, _) => Some(code),
            _ => None,
        }
    }
}

impl From<CloseReason> for Ending {
    fn from(reason: CloseReason) -> Self {
        Ending { reason, detail: Detail::Nothing }
    }
}

impl From<FrameError> for Ending {
    fn from(error: FrameError) -> Self {
        Ending { reason: error.into(), detail: Detail::Wrong(error) }
    }
}

/// Why a connection was refused. This is for the log and the status page, which belong to the owner of
/// the server. The peer, who may be a stranger, learns less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusalReason {
    /// The address carries no token.
    TokenMissing,
    /// The console's address was used for a WebSocket, or its `key` in place of a token.
    ConsoleAddress,
    /// The token is the key, or looks like a key.
    KeyForToken,
    /// The token is not base64 or has an impossible length: it is cut or damaged.
    TokenMangled,
    /// The token is complete, but was made with another key.
    TokenOfAnotherKey,
    /// The decrypted token is not a JSON object.
    TokenMalformed,
    /// The token names no agent.
    TokenWithoutAgent,
    /// The key is missing or wrong.
    WrongKey,
    /// The path does not exist, but the address has a token or a key.
    WrongPath,
    /// The web page has an origin that is not allowed.
    ForbiddenOrigin,
    /// The request to a WebSocket endpoint lacks the headers of an upgrade.
    NoUpgrade,
    /// The peer speaks TLS, and this port does not.
    TlsSpoken,
    /// `max_connections` is reached.
    TooManyConnections,
    /// `max_connections_per_agent` is reached.
    TooManyOfAgent,
    /// The limit of connections was reached, and this one without a token was closed for a newer one.
    GaveWay,
    /// One address had too many connections without a token, and this one had sent nothing.
    TooManySilent,
    /// Half-read request heads took too much memory, and this one was the oldest.
    TooManyHeads,
    /// The request head was not complete in time.
    HeadTooSlow,
}

impl RefusalReason {
    /// A name for programs: lower case, words joined by `_`, never translated.
    pub fn label(self) -> &'static str {
        match self {
            RefusalReason::TokenMissing => "token_missing",
            RefusalReason::ConsoleAddress => "console_address",
            RefusalReason::KeyForToken => "key_for_token",
            RefusalReason::TokenMangled => "token_mangled",
            RefusalReason::TokenOfAnotherKey => "token_of_another_key",
            RefusalReason::TokenMalformed => "token_malformed",
            RefusalReason::TokenWithoutAgent => "token_without_agent",
            RefusalReason::WrongKey => "wrong_key",
            RefusalReason::WrongPath => "wrong_path",
            RefusalReason::ForbiddenOrigin => "forbidden_origin",
            RefusalReason::NoUpgrade => "no_upgrade",
            RefusalReason::TlsSpoken => "tls_spoken",
            RefusalReason::TooManyConnections => "too_many_connections",
            RefusalReason::TooManyOfAgent => "too_many_of_agent",
            RefusalReason::GaveWay => "gave_way",
            RefusalReason::TooManySilent => "too_many_silent",
            RefusalReason::TooManyHeads => "too_many_heads",
            RefusalReason::HeadTooSlow => "head_too_slow",
        }
    }
}
