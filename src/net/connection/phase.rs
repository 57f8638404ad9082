//! The phases of a connection, and what is to be done for it.

use crate::close::CloseReason;
use crate::net::head::Head;
use crate::net::transport::{Farewell, Transport};
use crate::time::Moment;
use ws::memory::allocated;

/// The phase of a connection.
#[derive(Debug)]
pub(super) enum Phase {
    /// The request head is being read.
    Head(Box<Head>),
    /// The answer is delayed, because the client was refused before, or a file is being saved.
    Delayed {
        /// When it is sent.
        until: Moment,
        answer: Box<DelayedAnswer>,
    },
    /// It carries messages, and the relay knows it.
    Open(Transport),
    /// The server has closed it. The peer's answer is awaited.
    Closing {
        /// When to stop waiting.
        until: Moment,
        farewell: Farewell,
    },
    /// The send queue is emptied, then the connection ends.
    Leaving {
        /// When to give up.
        until: Moment,
        /// Whether to wait until the peer closes its side. Closing earlier, while it still sends,
        /// would reset the connection, and the peer might lose the answer.
        lingers: bool,
        /// Whether the server's side is closed already.
        shut: bool,
    },
    /// It has ended, and is freed at the end of the turn.
    Dead,
}

/// What to do when the delay of an answer ends.
#[derive(Debug)]
pub(in crate::net) enum DelayedAnswer {
    /// Send a response.
    Response(Vec<u8>),
    /// Send a response that upgrades, and close at once.
    Refusal {
        response: Vec<u8>,
        reason: CloseReason,
        /// What to wait for then. The peer may send it before.
        farewell: Farewell,
    },
    /// Check the key of this request and answer it.
    KeyCheck(Box<Head>),
    /// Send a response that says that a file is not saved yet. Usually a better one comes before.
    Saving(Vec<u8>),
}

impl DelayedAnswer {
    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        match self {
            DelayedAnswer::Response(bytes)
            | DelayedAnswer::Saving(bytes)
            | DelayedAnswer::Refusal { response: bytes, .. } => allocated(bytes.capacity()),
            DelayedAnswer::KeyCheck(head) => head.held(),
        }
    }

    /// The bytes of memory that a request head takes.
    pub(super) fn head_memory(&self) -> usize {
        match self {
            DelayedAnswer::KeyCheck(head) => head.held(),
            _ => 0,
        }
    }
}

/// What is to be done for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Action {
    /// Nothing.
    Nothing,
    /// Read the request head in this many bytes at the start of the shared buffer.
    ReadHead(usize),
    /// Read the messages in this many bytes at the start of the shared buffer, and in the bytes that
    /// arrived before.
    ReadMessages(usize),
    /// Charge for what the connection holds.
    Charge,
    /// Charge for a request that has become longer.
    ChargeHead,
    /// Answer that the request head comes too slowly.
    RefuseSlowHead,
    /// Give the delayed answer.
    GiveAnswer,
    /// Try to write, and end the connection if its socket still takes nothing.
    TryToWrite,
    /// Write what is queued, later in the turn.
    WriteLater,
    /// Tell the peer that nothing more will be sent.
    EndSending,
    /// Close the connection for this reason, and tell the relay.
    Close(CloseReason),
    /// End the connection at once.
    End(CloseReason),
}

/// What a connection was when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Was {
    Head,
    Delayed,
    Open,
    Closed,
    Dead,
}
