//! The handshake with a tool server, and pings.

use super::{ToolServer, Trouble};
use crate::relay::initialize::{self, InitializeResult};
use crate::relay::reply;
use crate::relay::ToolState;
use crate::time::Moment;
use std::time::Duration;

/// How often `initialize` and the first list are asked for again.
pub(super) const MAX_REPEATS: u8 = 3;

/// How often a tool server's own handshake makes the relay ask once more.
const MAX_EARLY_REPEATS: u8 = 8;

/// What to do about `initialize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Repeat {
    /// Nothing, or nothing yet.
    Wait,
    /// It is sent again.
    Send,
    /// It was sent often enough.
    GiveUp,
}

impl ToolServer {
    /// `initialize` is sent, for the first time or again, and is answered by `late_at`.
    pub(in crate::relay) fn handshake_sent(&mut self, late_at: Moment) {
        self.repeat_at = Some(late_at);
    }

    /// Whether `initialize` is to be sent again because it was not answered in time.
    pub(in crate::relay) fn repeat_handshake(&mut self, now: Moment) -> Repeat {
        if self.repeat_at.take_if(|at| *at <= now).is_none() {
            return Repeat::Wait;
        }
        if self.repeats >= MAX_REPEATS {
            return Repeat::GiveUp;
        }
        self.repeats += 1;
        Repeat::Send
    }

    /// The tool server has shown that it has just become able to answer. Returns whether `initialize`
    /// is sent again: it is not answered, or was answered with an error.
    pub(in crate::relay) fn may_repeat_initialize(&mut self) -> bool {
        let waits = matches!(self.state, ToolState::Initializing | ToolState::Opaque);
        let is_due = waits && self.early_repeats < MAX_EARLY_REPEATS;
        if is_due {
            self.early_repeats += 1;
            self.state = ToolState::Initializing;
            self.repeats = 0;
        }
        is_due
    }

    /// How much memory an answer to `initialize` may take.
    pub(in crate::relay) fn memory_of_initialize(result: &str) -> usize {
        result.len().min(initialize::MAX_BYTES)
    }

    /// Takes the answer to `initialize`, a `result` or an `error`. The tool server is initialised by
    /// it, or there is an error.
    pub(in crate::relay) fn take_initialize(
        &mut self,
        now: Moment,
        answer: Result<&str, &str>,
    ) -> Result<(), Trouble> {
        let refused = |raw: &str| Trouble::HandshakeRefused(reply::shortened(raw).to_owned());
        let result = answer.map_err(refused)?;
        let initialized = InitializeResult::read(result).ok_or_else(|| refused(result))?;
        self.state = ToolState::Listing;
        self.trouble_since = now;
        self.trouble = initialized.left_out.clone().map(Trouble::InitializeCut);
        self.initialized = Some(initialized);
        self.repeat_at = None;
        Ok(())
    }

    /// When the next `ping` is sent; `None`: never.
    pub(in crate::relay) fn ping_after(&mut self, now: Moment, interval: Option<Duration>) {
        self.ping_at = interval.map(|wait| now.after(wait));
    }

    /// A `ping` is sent. Its id is `None` where the queue had no room for it.
    pub(in crate::relay) fn pinged(&mut self, now: Moment, id: Option<u32>) {
        self.last_ping = id;
        if id.is_some() {
            self.pinged = now;
        }
    }

    /// Gives up the handshake.
    pub(in crate::relay) fn become_opaque(&mut self, trouble: Trouble, now: Moment) {
        self.state = ToolState::Opaque;
        // What it sent instead of an answer says more than that it did not answer.
        let is_silent = trouble == Trouble::HandshakeSilent;
        if !is_silent || !matches!(self.trouble, Some(Trouble::NotAMessage(_))) {
            self.note_trouble(trouble, now);
        }
        self.repeat_at = None;
    }

    /// Keeps what is wrong, to be shown. Returns whether that is news.
    pub(in crate::relay) fn note_trouble(&mut self, trouble: Trouble, now: Moment) -> bool {
        let is_news = self.trouble_at(now) != Some(&trouble);
        self.trouble_since = now;
        self.trouble = Some(trouble);
        is_news
    }

    /// What is wrong now.
    pub(in crate::relay) fn trouble_at(&self, now: Moment) -> Option<&Trouble> {
        self.trouble.as_ref().filter(|trouble| trouble.is_shown(self.trouble_since, now))
    }

    /// Follows a changed `tool_ping_interval` and `handshake_timeout`.
    pub(in crate::relay) fn follow_policy(
        &mut self,
        now: Moment,
        ping_interval: Option<Duration>,
        handshake_timeout: Duration,
    ) {
        self.put_off_lists(handshake_timeout);
        if self.is_initialised() {
            self.ping_after(now, ping_interval);
        }
    }
}
