//! What a connection sends, and what it does once it is sent.

use super::{Action, Connection, Phase};
use crate::close::CloseReason;
use crate::time::Moment;
use std::io;
use ws::{Progress, SpareBuffers};

/// A peer with more than this many bytes queued gets no pongs.
const MAX_QUEUED_FOR_PONG: usize = 64 * 1024;

impl Connection {
    /// Queues bytes as they are, such as an HTTP response.
    pub(in crate::net) fn push_bytes(&mut self, bytes: &[u8], spares: &mut SpareBuffers) {
        self.out.push_bytes(bytes, spares);
    }

    /// Queues a message.
    pub(in crate::net) fn send(&mut self, pieces: &[&str], spares: &mut SpareBuffers) {
        if let Phase::Open(transport) = &self.phase {
            transport.send(pieces, &mut self.out, spares);
        }
    }

    /// Writes a message to `socket` without copying it, and queues what the socket does not take. The
    /// queue must be empty. Returns the number of bytes written.
    pub(in crate::net) fn send_now(
        &mut self,
        pieces: &[&str],
        socket: &mut impl io::Write,
        spares: &mut SpareBuffers,
    ) -> usize {
        match &self.phase {
            Phase::Open(transport) => transport.send_now(pieces, &mut self.out, socket, spares),
            _ => 0,
        }
    }

    /// Pings the peer, unless a ping is unanswered.
    pub(in crate::net) fn ping(&mut self, now: Moment, spares: &mut SpareBuffers) -> Action {
        match &self.phase {
            Phase::Open(transport) if self.pinged_at.is_none() => {
                self.pinged_at = Some(now);
                transport.ping(&mut self.out, spares);
                Action::WriteLater
            }
            _ => Action::Nothing,
        }
    }

    /// Answers the peer's ping, unless much is queued already.
    pub(in crate::net) fn pong(&mut self, payload: &[u8], spares: &mut SpareBuffers) -> Action {
        match &self.phase {
            Phase::Open(transport) if self.out.len() <= MAX_QUEUED_FOR_PONG => {
                transport.pong(payload, &mut self.out, spares);
                Action::WriteLater
            }
            _ => Action::Nothing,
        }
    }

    /// Notes what a write has done; `sent` bytes were sent.
    pub(in crate::net) fn note_written(
        &mut self,
        written: &io::Result<Progress>,
        now: Moment,
    ) -> Action {
        match written {
            Ok(Progress::Empty) => self.stalled_since = None,
            Ok(Progress::Blocked(0)) if self.stalled_since.is_some() => (),
            _ => self.stalled_since = Some(now),
        }
        match written {
            Ok(Progress::Empty) => self.all_sent(),
            Ok(Progress::Blocked(_)) => Action::Nothing,
            Err(_) => Action::End(CloseReason::PeerVanished),
        }
    }

    /// Handles that the send queue is empty: a connection that is leaving may end.
    fn all_sent(&mut self) -> Action {
        match &mut self.phase {
            // The peer can no longer answer the server's close.
            Phase::Closing { .. } if self.read_closed => Action::End(CloseReason::PeerVanished),
            Phase::Leaving { lingers: true, shut, .. }
                if !self.read_closed && !self.is_stopping =>
            {
                // This tells the peer that the answer is complete. It then closes its side.
                match std::mem::replace(shut, true) {
                    true => Action::Nothing,
                    false => Action::EndSending,
                }
            }
            Phase::Leaving { .. } => Action::End(CloseReason::Answered),
            _ => Action::Nothing,
        }
    }
}
