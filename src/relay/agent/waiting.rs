//! What waits: robots' messages for what tool servers offer, and requests for a tool server.

use super::ask::{Ask, Attempt};
use super::Agent;
use crate::relay::catalogue::{pause_after, Kind};
use crate::relay::reply::{Cause, Refusal};
use crate::relay::table::RobotKey;
use crate::relay::turn::Turn;
use crate::relay::waiting::{memory_of_delayed, Awaited, Delayed, Parked, MAX_DELAY};
use crate::time::Moment;

impl Agent {
    /// What there is to wait for before a robot is answered.
    pub(super) fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        for tool in self.tools.values() {
            awaited.add(tool.is_settling(), |kind| tool.listing_until(kind));
        }
        awaited.add(self.roster.expects_managed(), |_| None);
        for kind in Kind::all().filter(|kind| self.catalogue.is_due(*kind)) {
            awaited.add_merge(kind);
        }
        awaited
    }

    /// Since when a message waits that has to wait for the lists of `kinds`, and for what; nothing
    /// where there is nothing to wait for, or it has waited long enough.
    pub(super) fn must_wait(
        &self,
        turn: &Turn<'_>,
        ask: Ask<'_>,
        kinds: &[Kind],
    ) -> Option<(Moment, Awaited)> {
        let Attempt::First { since } = ask.attempt else { return None };
        if since.after(MAX_DELAY) <= turn.now {
            return None;
        }
        let awaited = self.awaited();
        (awaited.until(kinds) > Some(turn.now)).then_some((since, awaited))
    }

    /// Delays a message until tool servers have said what they offer; what comes behind it is queued.
    pub(super) fn delay(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        (since, awaited): (Moment, Awaited),
        kinds: &[Kind],
    ) {
        let (id, text) = (ask.id, ask.message.text);
        let is_first = !self.waiting.is_delayed(ask.robot);
        if !is_first || self.admit_waiting(turn, memory_of_delayed(text, id)).is_err() {
            // Too much waits already: answered from what is known.
            return self.robot_asks(turn, Ask { attempt: Attempt::Delayed, ..ask });
        }
        let delayed = Delayed { id: id.into(), text: text.into(), kinds: kinds.into(), since };
        self.waiting.delay(ask.robot, delayed, &awaited);
    }

    /// Answers the delayed messages that have waited long enough, or that have nothing to wait for any
    /// more.
    pub(super) fn answer_delayed(&mut self, turn: &mut Turn<'_>) {
        if !self.waiting.delays_any() {
            return;
        }
        let awaited = self.awaited();
        for key in self.waiting.answerable(turn.now, &awaited) {
            if turn.is_spent() {
                break;
            }
            let Some(delayed) = self.waiting.delayed(key) else { continue };
            let can_wait = delayed.since.after(MAX_DELAY) > turn.now;
            let kinds = delayed.kinds.iter().copied().filter(|kind| *kind != Kind::Tools);
            let mut stale = false;
            for kind in kinds.collect::<Vec<_>>() {
                // Not all have answered, perhaps: what is known has to do.
                self.merge(turn, kind, false);
                stale |= self.catalogue.is_due(kind);
            }
            if stale && can_wait {
                continue;
            }
            let before = self.waiting.bytes();
            let Some(delayed) = self.waiting.take_delayed(key) else { continue };
            self.waits_less(turn, before);
            self.read_again(turn, key, &delayed.text, Attempt::Delayed);
            self.serve_queue(turn, key);
        }
        // Those that go on waiting may not have to wait as long.
        if self.waiting.delays_any() {
            let awaited = self.awaited();
            self.waiting.refresh_deadline(&awaited);
        }
    }

    /// Goes on with what a robot sent while an earlier message of it was delayed.
    pub(super) fn serve_queue(&mut self, turn: &mut Turn<'_>, key: RobotKey) {
        while !self.waiting.is_delayed(key) {
            let before = self.waiting.bytes();
            let Some(queued) = self.waiting.next_queued(key) else {
                return self.send_list_again(turn, key);
            };
            self.waits_less(turn, before);
            self.read_again(turn, key, &queued.text, Attempt::First { since: queued.since });
        }
    }

    /// Takes back the request of a robot that waits, the newest of this id; says whether there was one.
    pub(super) fn withdraw_waiting(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        id: &str,
    ) -> bool {
        let before = self.waiting.bytes();
        if self.waiting.take_parked(key, id).is_some() || self.waiting.drop_queued(key, id) {
            self.waits_less(turn, before);
            return true;
        }
        if self.waiting.delayed(key).is_none_or(|delayed| &*delayed.id != id) {
            return false;
        }
        self.waiting.take_delayed(key);
        self.waits_less(turn, before);
        self.serve_queue(turn, key);
        true
    }

    /// Parks a request until its tool server is there.
    pub(super) fn park(&mut self, turn: &mut Turn<'_>, parked: Parked) {
        let key = parked.robot;
        let room = self.admit(turn, key).and_then(|()| self.admit_waiting(turn, parked.memory()));
        match room {
            Ok(()) => self.waiting.park(parked),
            Err(cause) => self.refuse(turn, key, &parked.id, Refusal::NotForwarded(cause)),
        }
    }

    /// Tries again what is parked: something about the tool servers has changed. The longer it takes,
    /// the longer it is before it is done again.
    pub(super) fn retry_parked(&mut self, turn: &mut Turn<'_>) {
        let round = &mut self.waiting.round;
        let is_under_way = round.from.is_some_and(|from| from > 0);
        round.again |= is_under_way && turn.has_news();
        round.from = round.from.or(Some(0));
        if round.not_before > turn.now {
            return;
        }
        loop {
            if turn.is_spent() {
                self.waiting.round.not_before = turn.now;
                return;
            }
            // A robot that is closed meanwhile takes its own along.
            let before = self.waiting.bytes();
            let Some(parked) = self.waiting.next_of_round() else { break };
            self.waits_less(turn, before);
            let cost = 1 + parked.text.len() / 1024;
            turn.work += cost;
            self.waiting.round.cost += cost;
            self.read_again(turn, parked.robot, &parked.text, Attempt::Parked(&parked));
        }
        let round = &mut self.waiting.round;
        round.not_before = turn.now.after(pause_after(std::mem::take(&mut round.cost)));
        round.from = std::mem::take(&mut round.again).then_some(0);
    }

    /// Gives up what has been parked too long.
    pub(super) fn give_up_parked(&mut self, turn: &mut Turn<'_>) {
        loop {
            let before = self.waiting.bytes();
            let Some(parked) = self.waiting.take_late(turn.now) else { break };
            self.waits_less(turn, before);
            self.refuse(turn, parked.robot, &parked.id, Refusal::TimedOut);
        }
    }

    /// Whether a message that takes `bytes` of memory may wait here; then it is charged.
    pub(super) fn admit_waiting(&self, turn: &mut Turn<'_>, bytes: usize) -> Result<(), Cause> {
        if !self.waiting.has_room(bytes, turn.policy.max_held) {
            return Err(Cause::TooMuchHeld);
        }
        if !turn.admits(bytes) {
            return Err(Cause::MemorySpent);
        }
        turn.keep(bytes);
        Ok(())
    }

    /// Messages do not wait any more: `before` is how many bytes all of them took.
    pub(super) fn waits_less(&self, turn: &mut Turn<'_>, before: usize) {
        turn.free(before - self.waiting.bytes());
    }
}
