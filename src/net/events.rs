//! What an event of the poll is about, as a token of mio.

use mio::Token;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventSource {
    /// A signal, or a helper thread that has finished.
    Wake,
    Listener(usize),
    Connection(usize),
}

/// How many listeners have tokens of their own.
const MAX_LISTENERS: usize = 64;

impl EventSource {
    pub(super) fn token(self) -> Token {
        Token(match self {
            EventSource::Wake => 0,
            EventSource::Listener(number) => 1 + number.min(MAX_LISTENERS - 1),
            EventSource::Connection(slot) => 1 + MAX_LISTENERS + slot,
        })
    }

    pub(super) fn of(Token(token): Token) -> Self {
        match token {
            0 => EventSource::Wake,
            token if token <= MAX_LISTENERS => EventSource::Listener(token - 1),
            token => EventSource::Connection(token - 1 - MAX_LISTENERS),
        }
    }
}
