//! What an event of the poll is about, as a token of mio.

use crate::managed::link::MAX_PARTS;
use mio::Token;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventSource {
    /// A signal, or a helper thread that has finished.
    Wake,
    Listener(usize),
    Connection(usize),
    /// A managed tool server, and which part of it: a pipe, or a socket.
    Managed(usize, usize),
}

/// How many listeners have tokens of their own.
const MAX_LISTENERS: usize = 64;

/// This bit says that a token is a managed tool server's.
const MANAGED_BIT: usize = 1 << (usize::BITS - 1);

impl EventSource {
    pub(super) fn token(self) -> Token {
        Token(match self {
            EventSource::Wake => 0,
            EventSource::Listener(number) => 1 + number.min(MAX_LISTENERS - 1),
            EventSource::Connection(slot) => 1 + MAX_LISTENERS + slot,
            EventSource::Managed(server, part) => {
                MANAGED_BIT | (server * MAX_PARTS + part.min(MAX_PARTS - 1))
            }
        })
    }

    pub(super) fn of(Token(token): Token) -> Self {
        match token {
            0 => EventSource::Wake,
            token if token <= MAX_LISTENERS => EventSource::Listener(token - 1),
            token if token & MANAGED_BIT != 0 => {
                let token = token & !MANAGED_BIT;
                EventSource::Managed(token / MAX_PARTS, token % MAX_PARTS)
            }
            token => EventSource::Connection(token - 1 - MAX_LISTENERS),
        }
    }
}
