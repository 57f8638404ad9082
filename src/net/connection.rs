//! One connection without its socket. Bytes, the end of the stream and the time go in; what to do comes
//! out as an [`Action`].
//!
//! ```text
//! a client with a token     Head ──► Open ──► Closing ──► Leaving ──► Dead
//! a refused one             Head ──► Delayed ──► Closing ──► Leaving ──► Dead
//! a plain request           Head ──► Leaving ──► Dead
//! ```
//!
//! Any phase may be followed by Dead at once.

mod phase;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;

pub(super) use phase::{Action, DelayedAnswer, Was};

use super::transport::{Farewell, Transport};
use crate::close::CloseReason;
use crate::settings::WebSocket;
use crate::time::Moment;
use phase::Phase;
use ws::{SendQueue, SpareBuffers};

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    phase: Phase,
    /// The bytes to be sent.
    pub out: SendQueue,
    accepted_at: Moment,
    /// When bytes were last received.
    heard_at: Moment,
    /// When it was pinged, if nothing was received since.
    pinged_at: Option<Moment>,
    /// Since when the socket has taken none of the queued bytes.
    stalled_since: Option<Moment>,
    /// The bytes of memory of an incomplete message, also while its reader is taken out.
    half_read: usize,
    /// How many bytes it has sent since it was refused, answered or closed.
    unwanted: usize,
    /// Whether the peer has closed its side, so that nothing more can come.
    read_closed: bool,
    /// Whether it has shown a token.
    has_token: bool,
    /// Whether the server stops, so that no peer is waited for that has its answer.
    is_stopping: bool,
}

impl Connection {
    /// A connection of which nothing is known yet.
    pub(super) fn new(now: Moment) -> Self {
        Connection {
            phase: Phase::Head(Box::default()),
            out: SendQueue::default(),
            accepted_at: now,
            heard_at: now,
            pinged_at: None,
            stalled_since: None,
            half_read: 0,
            unwanted: 0,
            read_closed: false,
            has_token: false,
            is_stopping: false,
        }
    }

    /// Whether it carries messages, and the relay knows it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether it has ended.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.phase, Phase::Dead)
    }

    /// Whether its answer is delayed.
    pub(super) fn is_delayed(&self) -> bool {
        matches!(self.phase, Phase::Delayed { .. })
    }

    /// The bytes of memory that an incomplete head, or one whose answer is delayed, takes.
    pub(super) fn head_memory(&self) -> usize {
        match &self.phase {
            Phase::Head(head) => head.held(),
            Phase::Delayed { answer, .. } => answer.head_memory(),
            _ => 0,
        }
    }

    /// The bytes of memory of its send queue and of its incomplete message, head or delayed answer.
    pub(super) fn memory(&self) -> usize {
        let held = match &self.phase {
            Phase::Open(_) => self.half_read,
            Phase::Head(head) => head.held(),
            Phase::Delayed { answer, .. } => answer.memory(),
            _ => 0,
        };
        held.saturating_add(self.out.memory())
    }

    /// When its next timeout is, if nothing happens before.
    pub(super) fn deadline(&self, limits: &WebSocket) -> Option<Moment> {
        let stalled = self.stalled_since.map(|since| since.after(limits.ping_timeout));
        let other = match &self.phase {
            Phase::Head(_) => Some(self.accepted_at.after(limits.handshake_timeout)),
            Phase::Delayed { until, .. }
            | Phase::Closing { until, .. }
            | Phase::Leaving { until, .. } => Some(*until),
            Phase::Open(transport) => match self.pinged_at {
                Some(pinged) => Some(pinged.after(limits.ping_timeout)),
                None => transport.ping_at(self.heard_at, limits),
            },
            Phase::Dead => return None,
        };
        stalled.into_iter().chain(other).min()
    }

    /// Does what is due at `now`, if anything.
    pub(super) fn time(
        &mut self,
        now: Moment,
        limits: &WebSocket,
        spares: &mut SpareBuffers,
    ) -> Action {
        if self.deadline(limits).is_none_or(|at| at > now) {
            return Action::Nothing;
        }
        if self.is_stalled(now, limits) {
            // The system reports a socket as writable only if it has a lot of room. A slow reader may
            // have made less than that.
            return Action::TryToWrite;
        }
        match &self.phase {
            Phase::Head(head) if head.held() > 0 => Action::RefuseSlowHead,
            Phase::Head(_) => Action::End(CloseReason::HeadTimeout),
            Phase::Delayed { .. } => Action::GiveAnswer,
            Phase::Open(_) if self.pinged_at.is_some() => Action::Close(CloseReason::PingTimeout),
            Phase::Open(_) => self.ping(now, spares),
            Phase::Closing { .. } | Phase::Leaving { .. } => Action::End(CloseReason::Answered),
            Phase::Dead => Action::Nothing,
        }
    }

    /// Whether the socket has taken nothing for too long.
    pub(super) fn is_stalled(&self, now: Moment, limits: &WebSocket) -> bool {
        self.stalled_since.is_some_and(|since| since.after(limits.ping_timeout) <= now)
    }

    /// Opens it: from now on it carries messages.
    pub(super) fn open(&mut self, transport: Transport) {
        self.phase = Phase::Open(transport);
        self.has_token = true;
    }

    /// Delays an answer.
    pub(super) fn delay(&mut self, answer: DelayedAnswer, until: Moment) {
        self.phase = Phase::Delayed { until, answer: Box::new(answer) };
    }

    /// Takes the delayed answer out, to be given now.
    pub(super) fn take_delayed(&mut self) -> Option<DelayedAnswer> {
        if !self.is_delayed() {
            return None;
        }
        match std::mem::replace(&mut self.phase, Phase::Head(Box::default())) {
            Phase::Delayed { answer, .. } => Some(*answer),
            _ => None,
        }
    }

    /// Closes an open one: tells the peer, and waits for its answer.
    pub(super) fn close(
        &mut self,
        reason: CloseReason,
        now: Moment,
        limits: &WebSocket,
        spares: &mut SpareBuffers,
    ) {
        if let Phase::Open(transport) = &self.phase {
            let farewell = transport.farewell();
            self.close_with(farewell, reason, now, limits, spares);
        }
    }

    fn close_with(
        &mut self,
        farewell: Farewell,
        reason: CloseReason,
        now: Moment,
        limits: &WebSocket,
        spares: &mut SpareBuffers,
    ) {
        farewell.say(reason, &mut self.out, spares);
        let until = now.after(limits.close_timeout);
        self.phase = Phase::Closing { until, farewell };
        if reason.discards_input() {
            self.leave(true, now, limits);
        }
    }

    /// Refuses it: upgrades, and closes at once.
    pub(super) fn refuse(
        &mut self,
        response: &[u8],
        reason: CloseReason,
        farewell: Farewell,
        now: Moment,
        limits: &WebSocket,
        spares: &mut SpareBuffers,
    ) {
        self.out.push_bytes(response, spares);
        self.close_with(farewell, reason, now, limits, spares);
        // The peer may have closed it before.
        if let Phase::Closing { farewell, .. } = &mut self.phase {
            if farewell.is_complete(&[]) {
                self.leave(false, now, limits);
            }
        }
    }

    /// Answers the peer's close, whose code this is, and ends once that is sent.
    pub(super) fn answer_close(
        &mut self,
        code: Option<u16>,
        now: Moment,
        limits: &WebSocket,
        spares: &mut SpareBuffers,
    ) {
        if let Phase::Open(transport) = &self.phase {
            transport.answer_close(code, &mut self.out, spares);
        }
        self.leave(false, now, limits);
    }

    /// Sends what is queued, and then ends. With `lingers`, waits for the peer to close
    /// its side first.
    pub(super) fn leave(&mut self, lingers: bool, now: Moment, limits: &WebSocket) -> Action {
        if self.is_dead() {
            return Action::Nothing;
        }
        let until = now.after(limits.close_timeout);
        self.phase = Phase::Leaving { until, lingers, shut: false };
        Action::WriteLater
    }

    /// Handles that the server stops. An open connection is to be closed instead.
    pub(super) fn stop(&mut self, now: Moment, limits: &WebSocket) -> Action {
        self.is_stopping = true;
        let is_sent = self.out.is_empty();
        match &self.phase {
            Phase::Delayed { answer, .. } if matches!(**answer, DelayedAnswer::Saving(_)) => {
                Action::Nothing
            }
            Phase::Head(_) | Phase::Delayed { .. } => Action::End(CloseReason::ServerStops),
            // A connection whose answer is sent does not delay the stop.
            Phase::Leaving { .. } if is_sent => Action::End(CloseReason::Answered),
            Phase::Closing { .. } if !self.has_token && is_sent => {
                Action::End(CloseReason::Answered)
            }
            Phase::Closing { .. } if !self.has_token => self.leave(false, now, limits),
            _ => Action::Nothing,
        }
    }

    /// Ends it. Returns what it was.
    pub(super) fn end(&mut self, spares: &mut SpareBuffers) -> Was {
        self.out.clear(spares);
        match std::mem::replace(&mut self.phase, Phase::Dead) {
            Phase::Head(_) => Was::Head,
            Phase::Delayed { .. } => Was::Delayed,
            Phase::Open(_) => Was::Open,
            Phase::Closing { .. } | Phase::Leaving { .. } => Was::Closed,
            Phase::Dead => Was::Dead,
        }
    }
}
