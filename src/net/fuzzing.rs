//! Doors for the fuzz targets: what reads the bytes of strangers, without its socket.

use super::head::{Head, Outcome};
use crate::close::CloseReason;
use crate::http::{Action, Context};
use std::net::Ipv4Addr;
use ws::FrameError;
use ws::Spares;
use ws::{Heard, Input, Receiver};

/// A request head being read.
#[derive(Debug, Default)]
pub struct HeadReader(Head);

impl HeadReader {
    /// Takes one piece. Once the head is whole: the answer, and the bytes behind the head.
    pub fn take(&mut self, piece: &[u8], context: &Context<'_>) -> Option<(Action, Vec<u8>)> {
        match self.0.take(piece, Ipv4Addr::LOCALHOST.into(), context) {
            Outcome::Incomplete => None,
            Outcome::Whole { answer, rest, .. } => Some((answer, rest)),
        }
    }
}

/// What was heard in WebSocket frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text message.
    Text(String),
    /// A binary message, and the text in it.
    Binary(Option<String>),
    /// A ping with its payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// A close frame, with the payload to answer it with.
    Close(Vec<u8>),
}

/// The receiving end of a WebSocket.
#[derive(Debug, Default)]
pub struct FrameReader(Receiver, Spares);

impl FrameReader {
    /// Takes one piece of at most `limit` bytes a message; adds what was heard to `said`, up to a
    /// close frame.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub fn take(
        &mut self,
        piece: &[u8],
        limit: usize,
        said: &mut Vec<Said>,
    ) -> Result<(), CloseReason> {
        // As the server reads: the rest of a large frame to where it lies.
        let mut rest = piece;
        while let Some(room) = self.0.room().filter(|_| !rest.is_empty()) {
            let (now, later) = rest.split_at(room.len().min(rest.len()));
            room[..now.len()].copy_from_slice(now);
            self.0.came(now.len());
            self.hear(&mut [], limit, said)?;
            rest = later;
        }
        self.hear(&mut rest.to_vec(), limit, said)
    }

    fn hear(
        &mut self,
        bytes: &mut [u8],
        limit: usize,
        said: &mut Vec<Said>,
    ) -> Result<(), CloseReason> {
        let mut input = Input::new(bytes);
        while let Some(heard) =
            self.0.next(&mut input, limit, &mut self.1).map_err(CloseReason::from)?
        {
            said.push(match heard {
                Heard::Text(text) => Said::Text(text.to_owned()),
                Heard::Binary(text) => Said::Binary(text.map(str::to_owned)),
                Heard::Ping(payload) => Said::Ping(payload.to_owned()),
                Heard::Pong => Said::Pong,
                // Only the code is given back.
                Heard::Close(payload) => {
                    Said::Close(payload.get(..2).unwrap_or_default().to_owned())
                }
            });
            if matches!(said.last(), Some(Said::Close(_))) {
                break;
            }
        }
        Ok(())
    }

    /// How many bytes of unfinished messages are held.
    pub fn held(&self) -> usize {
        self.0.held()
    }
}
