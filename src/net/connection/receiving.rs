//! What a connection does with what arrives.

use super::{Action, Connection, DelayedAnswer, Phase};
use crate::close::CloseReason;
use crate::net::head::Head;
use crate::net::transport::Transport;
use crate::settings::WebSocket;
use crate::time::Moment;

/// How many bytes a refused or answered connection may still send. They are read and dropped:
/// unread bytes would reset the connection when it is closed, and the peer might lose the answer.
pub(super) const MAX_UNWANTED_BYTES: usize = 1024 * 1024;

impl Connection {
    /// Where to read the next bytes to, if not into the shared buffer.
    pub(in crate::net) fn read_buffer(&mut self) -> Option<&mut [u8]> {
        match &mut self.phase {
            Phase::Open(transport) => transport.read_buffer(),
            _ => None,
        }
    }

    /// Notes that the poll has reported the end of the stream. Bytes may still be there.
    pub(in crate::net) fn note_read_closed(&mut self) {
        self.read_closed = true;
    }

    /// Whether the peer has closed its side.
    pub(in crate::net) fn is_read_closed(&self) -> bool {
        self.read_closed
    }

    /// Notes that something has arrived.
    pub(in crate::net) fn note_received(&mut self, now: Moment) {
        self.heard_at = now;
        self.pinged_at = None;
    }

    /// Takes bytes that were read into the shared buffer.
    pub(in crate::net) fn take(&mut self, bytes: &[u8], now: Moment, limits: &WebSocket) -> Action {
        match &mut self.phase {
            Phase::Head(_) => Action::ReadHead(bytes.len()),
            Phase::Open(_) => Action::ReadMessages(bytes.len()),
            Phase::Closing { .. } => self.look_for_close(bytes, now, limits),
            Phase::Delayed { answer, .. } => {
                match &mut **answer {
                    DelayedAnswer::Refusal { farewell, .. } => drop(farewell.is_complete(bytes)),
                    // They may be the body.
                    DelayedAnswer::KeyCheck(head) => {
                        if head.keep(bytes) {
                            return Action::ChargeHead;
                        }
                    }
                    DelayedAnswer::Response(_) | DelayedAnswer::Saving(_) => (),
                }
                self.drop_unwanted(bytes.len(), limits)
            }
            Phase::Leaving { .. } => self.drop_unwanted(bytes.len(), limits),
            Phase::Dead => Action::Nothing,
        }
    }

    /// Takes `count` bytes that were read into [`read_buffer`](Self::read_buffer), which may have
    /// grown for it.
    pub(in crate::net) fn take_direct(&mut self, count: usize) -> Action {
        let Phase::Open(transport) = &mut self.phase else { return Action::Nothing };
        transport.advance(count);
        if transport.is_mid_message_over(0) {
            self.half_read = transport.held();
            return Action::Charge;
        }
        Action::ReadMessages(0)
    }

    /// Whether a message longer than `size` bytes has arrived in part.
    pub(in crate::net) fn is_mid_message_over(&self, size: usize) -> bool {
        matches!(&self.phase, Phase::Open(transport) if transport.is_mid_message_over(size))
    }

    /// Takes out what has arrived of a message, so that messages can be read while the relay acts on
    /// the connection; [`return_reader`](Self::return_reader) must follow.
    pub(in crate::net) fn take_reader(&mut self) -> Option<Transport> {
        match &mut self.phase {
            Phase::Open(transport) => Some(transport.take_reader()),
            _ => None,
        }
    }

    /// Puts the reader back. `rest` is what it has not read. If the connection was closed meanwhile,
    /// looks for the peer's answer in it.
    pub(in crate::net) fn return_reader(
        &mut self,
        reader: Transport,
        rest: &[u8],
        now: Moment,
        limits: &WebSocket,
    ) -> Action {
        match &mut self.phase {
            Phase::Open(transport) => {
                self.half_read = reader.held();
                *transport = reader;
                Action::Charge
            }
            Phase::Closing { farewell, .. } => {
                *farewell = reader.farewell();
                match farewell.is_complete(rest) {
                    true => self.leave(false, now, limits),
                    false => Action::Nothing,
                }
            }
            _ => Action::Nothing,
        }
    }

    /// Takes the incomplete head out, to be completed.
    pub(in crate::net) fn take_head(&mut self) -> Option<Box<Head>> {
        match &mut self.phase {
            Phase::Head(head) => Some(std::mem::take(head)),
            _ => None,
        }
    }

    /// Puts a head back that is still incomplete.
    pub(in crate::net) fn return_head(&mut self, head: Box<Head>) {
        self.phase = Phase::Head(head);
    }

    /// Handles that the peer has closed its side.
    pub(in crate::net) fn end_of_stream(&mut self) -> Action {
        match self.phase {
            // It may still be waiting for the answer.
            Phase::Delayed { .. } => self.read_closed = true,
            Phase::Leaving { .. } if !self.out.is_empty() => self.read_closed = true,
            Phase::Leaving { .. } => return Action::End(CloseReason::Answered),
            _ => return Action::End(CloseReason::PeerVanished),
        }
        Action::Nothing
    }

    /// Looks for the peer's answer to the server's close.
    fn look_for_close(&mut self, bytes: &[u8], now: Moment, limits: &WebSocket) -> Action {
        let Phase::Closing { farewell, .. } = &mut self.phase else { return Action::Nothing };
        match farewell.is_complete(bytes) {
            true => self.leave(false, now, limits),
            false => self.drop_unwanted(bytes.len(), limits),
        }
    }

    /// Drops `count` bytes of a connection that is refused, answered or closed. It ends if there are too
    /// many.
    fn drop_unwanted(&mut self, count: usize, limits: &WebSocket) -> Action {
        let max = if self.has_token { limits.max_message_size } else { 0 };
        self.unwanted = self.unwanted.saturating_add(count);
        match self.unwanted > max.max(MAX_UNWANTED_BYTES) {
            true => Action::End(CloseReason::Answered),
            false => Action::Nothing,
        }
    }
}
