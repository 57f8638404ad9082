//! What the relay asks a tool server on its own, and asks again: `initialize`, `ping`, lists that
//! are late.

use super::calls::{CallTable, Request};
use super::catalogue::Kind;
use super::hello::{self, Hello};
use super::reply;
use super::table::Member;
use super::tool::{Listing, Tool};
use super::trouble::Trouble;
use super::turn::Turn;
use super::waiting::MAX_DELAY;
use super::ToolState;
use crate::time::Moment;
use std::time::Duration;

/// How often `initialize` and the first list are asked for again.
pub(super) const MAX_REPEATS: u8 = 3;

/// How often a tool server's own handshake makes the relay ask once more.
const MAX_INVITATIONS: u8 = 8;

/// A listing that was not answered in time.
pub(super) enum Late {
    /// It is the first list of tools: it was asked for again.
    Repeated,
    /// It is the first list of tools, was asked for often enough, and nothing of it came. The tool
    /// server stays `listing`.
    Abandoned,
    /// What was known before stays in use. Robots are to be told if `tell`.
    GivenUp { kind: Kind, tell: bool },
}

impl Tool {
    /// Sends `initialize`, for the first time or again.
    pub(super) fn shake_hands(&mut self, turn: &mut Turn<'_>, calls: &mut CallTable) {
        let number = calls.ask(self.key, Request::Initialize);
        let at = turn.now.after(turn.policy.handshake_timeout);
        self.repeat_at = Some(at);
        // A full queue loses it; it is said again.
        let _ = turn.send_to_tool(self.peer, &[&reply::initialize(number)]);
    }

    /// The tool server has shown that it has just become able to answer: `initialize` is sent
    /// again if it is not answered, or was answered with an error.
    pub(super) fn invites(&mut self, turn: &mut Turn<'_>, calls: &mut CallTable) {
        let waits = matches!(self.state, ToolState::Shaking | ToolState::Opaque);
        if waits && self.invitations < MAX_INVITATIONS {
            self.invitations += 1;
            self.state = ToolState::Shaking;
            self.repeats = 0;
            self.shake_hands(turn, calls);
        }
    }

    /// Takes the answer to `initialize`, a `result` or an `error`. Returns whether it makes the
    /// tool server initialised.
    pub(super) fn hear_hello(
        &mut self,
        turn: &mut Turn<'_>,
        calls: &mut CallTable,
        answer: Result<&str, &str>,
    ) -> Result<(), Trouble> {
        if self.is_initialised() {
            return Ok(());
        }
        let refused = |raw: &str| Trouble::HandshakeRefused(reply::shortened(raw).to_owned());
        let result = answer.map_err(refused)?;
        if !turn.admits(result.len().min(hello::MAX_BYTES)) {
            return Err(Trouble::NoMemory("initialize"));
        }
        let hello = Hello::read(result).ok_or_else(|| refused(result))?;
        self.state = ToolState::Listing;
        self.trouble_since = turn.now;
        self.trouble = hello.left_out.clone().map(Trouble::HelloCut);
        self.hello = Some(hello);
        self.repeat_at = None;
        let _ = turn.send_to_tool(self.peer, &[reply::INITIALIZED]);
        self.ping_at = turn.policy.tool_ping_interval.map(|wait| turn.now.after(wait));
        self.start_listing(turn, calls, Kind::Tools, false);
        Ok(())
    }

    /// Gives up the handshake.
    pub(super) fn become_opaque(&mut self, trouble: Trouble, now: Moment) {
        self.state = ToolState::Opaque;
        // What it sent instead of an answer says more than that it did not answer.
        let is_silent = trouble == Trouble::HandshakeSilent;
        if !is_silent || !matches!(self.trouble, Some(Trouble::NotAMessage(_))) {
            self.note_trouble(trouble, now);
        }
        self.repeat_at = None;
    }

    /// Keeps what is wrong, to be shown. Returns whether that is news.
    pub(super) fn note_trouble(&mut self, trouble: Trouble, now: Moment) -> bool {
        let is_news = self.trouble_at(now) != Some(&trouble);
        self.trouble_since = now;
        self.trouble = Some(trouble);
        is_news
    }

    /// What is wrong now.
    pub(super) fn trouble_at(&self, now: Moment) -> Option<&Trouble> {
        self.trouble.as_ref().filter(|trouble| trouble.is_shown(self.trouble_since, now))
    }

    /// Looks after the listings that were not answered in time.
    pub(super) fn late_lists(&mut self, turn: &mut Turn<'_>, calls: &mut CallTable) -> Vec<Late> {
        let mut late = Vec::new();
        let is_first = self.state == ToolState::Listing;
        for kind in Kind::all() {
            let list = self.lists.of_mut(kind);
            let Some(listing) = list.running.as_mut().filter(|listing| !listing.given_up) else {
                continue;
            };
            if listing.late_at > turn.now {
                continue;
            }
            let is_first = is_first && kind == Kind::Tools;
            if is_first && listing.repeats < MAX_REPEATS {
                listing.repeats += 1;
                self.ask_page(turn, calls, kind);
                late.push(Late::Repeated);
            } else {
                listing.given_up = true;
                // A late answer may still add to it.
                let gathered = listing.gathered.clone();
                // The first pages of a first list are news to every robot.
                let is_nothing = is_first && gathered.len() == 0;
                let tell = listing.tell || is_first;
                turn.catalogue_changed();
                list.known = false;
                list.keep_what_came(gathered);
                late.push(match is_nothing {
                    true => Late::Abandoned,
                    false => Late::GivenUp { kind, tell },
                });
            }
        }
        late
    }

    /// Asks for the page that the listing of `kind` has come to, for the first time or again.
    pub(super) fn ask_page(&mut self, turn: &mut Turn<'_>, calls: &mut CallTable, kind: Kind) {
        let Some(listing) = &mut self.lists.of_mut(kind).running else { return };
        let number = calls.ask(self.key, Request::List(kind));
        listing.numbers.push(number);
        if listing.numbers.len() > usize::from(MAX_REPEATS) + 1 {
            calls.answer(self.key, listing.numbers.remove(0));
        }
        listing.asked = turn.now;
        listing.given_up = false;
        listing.late_at = turn.now.after(turn.policy.handshake_timeout);
        let text = reply::list(number, kind.row().list, listing.cursor.as_deref());
        let _ = turn.send_to_tool(self.peer, &[&text]);
    }

    /// The page that the listing asked for is there: later answers to the same question are
    /// dropped.
    pub(super) fn page_came(&mut self, calls: &mut CallTable, listing: &mut Listing) {
        for number in listing.numbers.drain(..) {
            calls.answer(self.key, number);
        }
        listing.repeats = 0;
    }

    /// Until when it is worthwhile to wait for a list that is on its way. What was known before
    /// does once this listing has had its time, whoever asks later.
    pub(super) fn listing_until(&self, kind: Kind) -> Option<Moment> {
        let list = self.lists.of(kind);
        let listing = list.running.as_ref().filter(|listing| !listing.given_up)?;
        let is_known = list.known || list.items.len() > 0;
        let wait = if is_known { MAX_DELAY } else { Duration::MAX };
        Some(listing.asked.after(wait))
    }

    /// Does what is due: `initialize` again, a ping, a list that has changed. An error is what
    /// makes the tool server opaque.
    pub(super) fn time(
        &mut self,
        turn: &mut Turn<'_>,
        calls: &mut CallTable,
    ) -> Result<(), Trouble> {
        let due = |at: &mut Moment| *at <= turn.now;
        if self.repeat_at.take_if(due).is_some() {
            if self.repeats >= MAX_REPEATS {
                return Err(Trouble::HandshakeSilent);
            }
            self.repeats += 1;
            self.shake_hands(turn, calls);
        }
        if self.ping_at.is_some_and(|at| at <= turn.now) {
            self.ping(turn, calls);
        }
        for kind in Kind::all() {
            let list = self.lists.of(kind);
            if !list.is_running() && list.again_at.is_some_and(|at| at <= turn.now) {
                self.start_listing(turn, calls, kind, true);
            }
        }
        Ok(())
    }

    fn ping(&mut self, turn: &mut Turn<'_>, calls: &mut CallTable) {
        if let Some(unanswered) = self.last_ping.take() {
            calls.answer(self.key, unanswered);
        }
        let number = calls.ask(self.key, Request::Ping);
        let sent = turn.send_to_tool(self.peer, &[&reply::ping(number)]);
        if sent.is_ok() {
            self.last_ping = Some(number);
            self.pinged = turn.now;
        } else {
            calls.answer(self.key, number);
        }
        self.ping_at = turn.policy.tool_ping_interval.map(|wait| turn.now.after(wait));
    }

    /// Follows a changed `tool_ping_interval` and `handshake_timeout`.
    pub(super) fn follow_policy(&mut self, turn: &mut Turn<'_>) {
        for kind in Kind::all() {
            if let Some(listing) = &mut self.lists.of_mut(kind).running {
                listing.late_at = listing.asked.after(turn.policy.handshake_timeout);
            }
        }
        if self.is_initialised() {
            self.ping_at = turn.policy.tool_ping_interval.map(|wait| turn.now.after(wait));
        }
    }
}

impl Member for Tool {
    fn next_deadline(&self) -> Option<Moment> {
        let lists =
            Kind::all().map(|kind| self.lists.of(kind)).flat_map(|list| match &list.running {
                Some(listing) if !listing.given_up => Some(listing.late_at),
                _ => list.again_at,
            });
        let own = [self.repeat_at, self.ping_at, self.ping_fails_at, self.notice_at];
        own.into_iter().flatten().chain(lists).min()
    }
}
