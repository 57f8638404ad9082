//! Why a connection ends: one enum for the close code, the reason on the wire and the metric label.
//! And why one came to nothing. The words that people read for them are in `text/close.rs`.

use ws::FrameError;

/// Why a connection was closed, by us or by its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CloseReason {
    /// The address carried no token (docs/protocol.md#refused-tokens).
    TokenMissing,
    /// The token could not be decrypted with our key.
    TokenUndecipherable,
    /// The token was decrypted, but it is not the JSON it should be.
    TokenMalformed,
    /// The token names no agent.
    TokenWithoutAgent,
    /// A newer connection of the same `server_id` took the place.
    Replaced,
    /// The peer closed, properly.
    PeerClosed,
    /// The peer was gone without a closing hand-shake: end of stream or reset.
    PeerVanished,
    /// Nothing was heard for `ping_timeout` after a ping.
    PingTimeout,
    /// The peer took nothing of what waited for it for `ping_timeout`.
    NotReading,
    /// The budget of memory was spent, and this connection's queue was the largest.
    MemorySpent,
    /// The peer broke the WebSocket protocol.
    ProtocolError,
    /// A text that is not UTF-8.
    BadUtf8,
    /// A message larger than `max_message_size`.
    TooBig,
    /// The request head was not complete within `handshake_timeout`.
    HeadTimeout,
    /// A plain HTTP request, answered.
    Answered,
    /// The server stops or restarts.
    ServerStops,
}

impl CloseReason {
    /// Every reason there is, in the order of the metrics.
    pub const ALL: [CloseReason; 16] = [
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
            | CloseReason::Answered => (1000, ""),
            CloseReason::PingTimeout => (1011, "keepalive ping timeout"),
            CloseReason::NotReading => (1011, "peer does not read"),
            CloseReason::MemorySpent => (1011, "memory limit reached"),
            CloseReason::ProtocolError => (1002, "protocol error"),
            CloseReason::BadUtf8 => (1007, "invalid UTF-8"),
            CloseReason::TooBig => (1009, "message too big"),
            CloseReason::ServerStops => (1012, "service restart"),
        }
    }

    /// Whether what the peer still sends means nothing any more, its answer to our close frame
    /// included.
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

/// What is known of an ending beside its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    Nothing,
    /// The code and the words of the peer's close frame, which have at most 123 bytes.
    Said(u16, Box<str>),
    /// What is wrong with a frame.
    Wrong(FrameError),
}

impl Ending {
    /// The peer has closed with a close frame of this payload.
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

/// What was wrong with a connection that came to nothing. Finer than what its peer is told: the
/// peer may be a stranger, the log and the status page are the owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusalReason {
    /// The address carries no token.
    TokenMissing,
    /// The console's address was dialled as a WebSocket, or its `key` stands in place of a token.
    ConsoleAddress,
    /// The key, or what looks like one, was given as the token.
    KeyForToken,
    /// The token is no base64, or has a length no token has: it is cut or mangled.
    TokenMangled,
    /// The token is whole, but was made with another key.
    TokenOfAnotherKey,
    /// The token's content is not the JSON it should be.
    TokenMalformed,
    /// The token names no agent.
    TokenWithoutAgent,
    /// The key is missing or wrong.
    WrongKey,
    /// There is nothing at this path, though the address carries a token or a key.
    WrongPath,
    /// A web page of an origin that is not allowed.
    ForbiddenOrigin,
    /// A WebSocket endpoint was asked without the headers of an upgrade.
    NoUpgrade,
    /// The peer speaks TLS, and this port does not.
    TlsSpoken,
    /// There are as many connections as may be.
    TooManyConnections,
    /// One agent has as many connections as it may.
    TooManyOfAgent,
    /// All places were taken, and this connection without a token made room for another one.
    GaveWay,
    /// Too many connections without a token are from one address, and this one said nothing.
    TooManySilent,
    /// The half-read request heads take too much memory, and this one was the oldest.
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
