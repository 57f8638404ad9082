//! What the handling of one input may use and leave behind.

use super::catalogue::Unused;
use super::departures::Departures;
use super::diagnostics::Diagnostics;
use super::{Congested, Peer, Policy, Traffic, Wire};
use crate::close::CloseReason;
use crate::ledger::Account;
use crate::time::Moment;
use jsonrpc::Read;

/// How much work may be done for an agent in one go, in about as many microseconds; the rest is
/// done when the others have had their turn.
pub(super) const MAX_WORK: usize = 5_000;

/// How many bytes an agent may keep more, or fewer, than the ledger knows of.
pub(super) const UNCHARGED: usize = 2048;

/// Up to how many bytes of a text may be copied while it is handled, whoever holds how much.
const SMALL_COPY: usize = 64 * 1024;

/// One input being handled.
pub(super) struct Turn<'a> {
    pub now: Moment,
    pub policy: &'a Policy,
    pub traffic: &'a mut Traffic,
    pub diagnostics: &'a mut Diagnostics,
    pub departures: &'a mut Departures,
    pub unused: &'a mut Unused,
    wire: &'a mut dyn Wire,
    /// The agent's account, what is kept for the agent, and how much of it the ledger knows.
    account: Account,
    kept: usize,
    charged: usize,
    /// Whether tool servers or their lists are not what they were.
    new_catalogue: bool,
    /// How much has been done.
    pub work: usize,
    /// Whether something has changed that requests may wait for, see [`Turn::tools_changed`].
    has_news: bool,
    /// Whether time has passed: what was begun goes on.
    pub is_time: bool,
    /// Peers that were closed and must be forgotten.
    pub forgotten: Vec<Peer>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        now: Moment,
        policy: &'a Policy,
        traffic: &'a mut Traffic,
        (diagnostics, departures, unused): (
            &'a mut Diagnostics,
            &'a mut Departures,
            &'a mut Unused,
        ),
        wire: &'a mut dyn Wire,
    ) -> Self {
        let forgotten = Vec::new();
        Turn {
            now,
            policy,
            traffic,
            diagnostics,
            departures,
            unused,
            wire,
            account: Account::default(),
            kept: 0,
            charged: 0,
            new_catalogue: false,
            work: 0,
            has_news: false,
            is_time: false,
            forgotten,
        }
    }

    /// Sets the account that is charged for what is kept, and how much is kept already.
    pub(super) fn take_account(&mut self, account: Account, kept: usize, charged: usize) {
        (self.account, self.kept, self.charged) = (account, kept, charged);
    }

    /// Tells the ledger what is kept for the agent, where that has changed by more than a little: a
    /// call comes and goes without. Returns what is kept, and what the ledger knows of it.
    pub(super) fn settle_account(&mut self) -> (usize, usize) {
        if self.kept.abs_diff(self.charged) >= UNCHARGED {
            self.wire.charge(self.account, self.charged, self.kept);
            self.charged = self.kept;
        }
        (self.kept, self.charged)
    }

    /// Tells the ledger what is kept for the server itself.
    pub(super) fn charge_server(&mut self, before: usize, now: usize) {
        self.wire.charge(Account::SERVER, before, now);
    }

    /// `bytes` of memory are kept for the agent.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.kept = self.kept.saturating_add(bytes);
    }

    /// `bytes` of memory are not kept for the agent any more.
    pub(super) fn free(&mut self, bytes: usize) {
        debug_assert!(self.kept >= bytes, "more is freed than is kept");
        self.kept = self.kept.saturating_sub(bytes);
    }

    /// Something that is kept for the agent takes `now` bytes and took `before`.
    pub(super) fn replace(&mut self, before: usize, now: usize) {
        self.keep(now);
        self.free(before);
    }

    /// Whether `bytes` more may be kept for the agent: asked before anything large is kept, and
    /// before anything of which a peer can make much.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        self.settle_account();
        self.kept.saturating_add(bytes) <= self.policy.max_kept
            && self.wire.admits(self.account, bytes)
    }

    /// Reads a text that a peer has sent. A copy of it without line breaks is kept for the agent
    /// meanwhile, if there is room for that.
    pub(super) fn read_line(
        &mut self,
        text: &str,
        then: &mut dyn FnMut(&mut Self, &str, Read<'_>),
    ) {
        let mut copied = 0;
        let mut has_room = |turn: &mut Self, bytes| {
            let has_room = turn.keeps_copy(bytes);
            copied = if has_room { bytes } else { 0 };
            has_room
        };
        jsonrpc::read_line(self, text, &mut has_room, then);
        self.free(copied);
    }

    /// Keeps a copy of `bytes` for the agent until it is freed, if there is room for it.
    pub(super) fn keeps_copy(&mut self, bytes: usize) -> bool {
        let has_room = bytes <= SMALL_COPY || self.admits(bytes);
        if has_room {
            self.keep(bytes);
            self.settle_account();
        }
        has_room
    }

    /// Lists, listings under way, answers to `initialize`, lost tool servers or the tool servers
    /// themselves have changed. What they take is measured at the end of the input.
    pub(super) fn catalogue_changed(&mut self) {
        self.new_catalogue = true;
    }

    /// A tool server, or what is known of what it offers, has changed: at the end of the input
    /// whoever waited for that is served.
    pub(super) fn tools_changed(&mut self) {
        self.has_news = true;
    }

    /// Whether [`Turn::tools_changed`] was called.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Whether [`Turn::catalogue_changed`] was called.
    pub(super) fn has_new_catalogue(&self) -> bool {
        self.new_catalogue
    }

    /// Whether what need not be done at once is left for the next time.
    pub(super) fn is_spent(&self) -> bool {
        self.work > MAX_WORK
    }

    /// Queues a message for a tool server.
    pub(super) fn send_to_tool(&mut self, tool: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let bytes = self.send(tool, pieces)?;
        self.traffic.to_tools += 1;
        self.traffic.bytes_to_tools += bytes as u64;
        Ok(())
    }

    /// Queues a message for a robot.
    pub(super) fn send_to_robot(&mut self, robot: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let bytes = self.send(robot, pieces)?;
        self.traffic.to_robots += 1;
        self.traffic.bytes_to_robots += bytes as u64;
        Ok(())
    }

    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<usize, Congested> {
        if self.policy.debug {
            log::debug!("{peer} <- {}", pieces.concat());
        }
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.work += 1 + bytes / 2048;
        let sent = self.wire.send(peer, pieces);
        if sent.is_err() {
            self.traffic.sends_refused += 1;
        }
        sent.map(|()| bytes)
    }

    /// A peer has said something.
    pub(super) fn log_received(&self, peer: Peer, text: &str) {
        if self.policy.debug {
            log::debug!("{peer} -> {text}");
        }
    }

    /// Closes a peer for good: it is forgotten at once.
    pub(super) fn close(&mut self, peer: Peer, reason: CloseReason) {
        self.wire.close(peer, reason);
        self.forgotten.push(peer);
    }

    /// Finds out whether a peer lives.
    pub(super) fn probe(&mut self, peer: Peer) {
        self.wire.probe(peer);
    }
}
