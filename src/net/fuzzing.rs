//! Entry points for the fuzz targets: the readers of untrusted bytes, without a socket.

use super::head::{Head, Outcome};
use crate::close::CloseReason;
use crate::http::{Action, Context};
use std::net::Ipv4Addr;
use ws::{Incoming, Input, Receiver, SpareBuffers};

/// A reader of request heads.
#[derive(Debug, Default)]
pub struct HeadReader(Head);

impl HeadReader {
    /// Takes the next bytes. Returns, once the head is complete, the answer and the bytes after the
    /// head.
    pub fn take(&mut self, piece: &[u8], context: &Context<'_>) -> Option<(Action, Vec<u8>)> {
        match self.0.take(piece, Ipv4Addr::LOCALHOST.into(), context) {
            Outcome::Incomplete => None,
            Outcome::Whole { answer, rest, .. } => Some((answer, rest)),
        }
    }
}

/// A message or control frame, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A text message.
    Text(String),
    /// A binary message, and its text if it is UTF-8 and not empty.
    Binary(Option<String>),
    /// A ping with its payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// A close frame, with its code: the payload of the answer.
    Close(Vec<u8>),
}

/// A reader of WebSocket frames.
#[derive(Debug, Default)]
pub struct FrameReader(Receiver, SpareBuffers);

impl FrameReader {
    /// Takes the next bytes. Adds the messages of at most `limit` bytes to `received`, up to a
    /// close frame.
    ///
    /// # Errors
    /// The reason for which the connection must be closed.
    pub fn take(
        &mut self,
        piece: &[u8],
        limit: usize,
        received: &mut Vec<Received>,
    ) -> Result<(), CloseReason> {
        // The server also reads the rest of a large frame directly into its buffer.
        let mut rest = piece;
        while let Some(room) = self.0.read_buffer().filter(|_| !rest.is_empty()) {
            let (now, later) = rest.split_at(room.len().min(rest.len()));
            room[..now.len()].copy_from_slice(now);
            self.0.advance(now.len());
            self.receive(&mut [], limit, received)?;
            rest = later;
        }
        self.receive(&mut rest.to_vec(), limit, received)
    }

    fn receive(
        &mut self,
        bytes: &mut [u8],
        limit: usize,
        received: &mut Vec<Received>,
    ) -> Result<(), CloseReason> {
        let mut input = Input::new(bytes);
        while let Some(incoming) =
            self.0.next(&mut input, limit, &mut self.1).map_err(CloseReason::from)?
        {
            received.push(match incoming {
                Incoming::Text(text) => Received::Text(text.to_owned()),
                Incoming::Binary(text) => Received::Binary(text.map(str::to_owned)),
                Incoming::Ping(payload) => Received::Ping(payload.to_owned()),
                Incoming::Pong => Received::Pong,
                // The server's answer repeats only the code.
                Incoming::Close(payload) => {
                    Received::Close(payload.get(..2).unwrap_or_default().to_owned())
                }
            });
            if matches!(received.last(), Some(Received::Close(_))) {
                break;
            }
        }
        Ok(())
    }

    /// The bytes of memory that incomplete messages take.
    pub fn held(&self) -> usize {
        self.0.held()
    }
}
