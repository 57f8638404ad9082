//! A robot's message that waits until the tool servers have settled.

use super::ask::{Ask, Turnstile};
use super::Agent;
use crate::relay::catalogue::Kind;
use crate::relay::robot::{memory_of_waiting, Waiting, PATIENCE};
use crate::relay::table::RobotKey;
use crate::relay::turn::Turn;
use crate::time::Moment;

impl Agent {
    /// Since when a message waits that has to wait for the lists of `kinds`; nothing where there
    /// is nothing to wait for, or it has waited long enough.
    pub(super) fn may_wait(&self, turn: &Turn<'_>, ask: Ask<'_>, kinds: &[Kind]) -> Option<Moment> {
        let Turnstile::First { since } = ask.state else { return None };
        let is_over = since.after(PATIENCE) <= turn.now;
        (!is_over && self.awaited().until(kinds) > Some(turn.now)).then_some(since)
    }

    /// Lets a message wait until the tools have settled; what comes behind it waits too.
    pub(super) fn wait(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        since: Moment,
        kinds: &[Kind],
    ) {
        let text = ask.message.text;
        let waits = self.robots.get(ask.robot).is_none_or(|robot| robot.waiting.is_some());
        if waits || self.hold(turn, memory_of_waiting(text, ask.id)).is_err() {
            // Too much waits already: answered from what is known.
            return self.robot_asks(turn, Ask { state: Turnstile::Settled, ..ask });
        }
        let Some(robot) = self.robots.get_mut(ask.robot) else { return };
        robot.waiting = Some(Box::new(Waiting {
            id: ask.id.into(),
            text: text.into(),
            kinds: kinds.into(),
            since,
        }));
        self.answers_at = self.first_answer();
    }

    /// Answers the robots whose patience has ended, or for whom there is nothing to wait for any
    /// more.
    pub(super) fn answer_waiting(&mut self, turn: &mut Turn<'_>) {
        if self.robots.values().all(|robot| robot.waiting.is_none()) {
            self.answers_at = None;
            return;
        }
        let awaited = self.awaited();
        let is_over = |waiting: &Waiting| waiting.ends(&awaited) <= turn.now;
        let over = self.robots.iter().filter(|(_, r)| r.waiting.as_deref().is_some_and(is_over));
        let over: Vec<RobotKey> = over.map(|(key, _)| key).collect();
        for key in over {
            if turn.is_spent() {
                break;
            }
            let robot = self.robots.get(key);
            let Some(waiting) = robot.and_then(|robot| robot.waiting.as_ref()) else { continue };
            let can_wait = waiting.since.after(PATIENCE) > turn.now;
            let kinds = waiting.kinds.iter().copied().filter(|kind| *kind != Kind::Tools);
            let mut stale = false;
            for kind in kinds.collect::<Vec<_>>() {
                // Not all have answered, perhaps: what is known has to do.
                self.merge(turn, kind, false);
                stale |= self.catalogue.merging.of(kind).due;
            }
            if stale && can_wait {
                continue;
            }
            let waiting = self.robots.get_mut(key).and_then(|robot| robot.waiting.take());
            let Some(waiting) = waiting else { continue };
            self.release(turn, waiting.memory());
            self.hear_again(turn, key, &waiting.text, Turnstile::Settled);
            self.hear_inbox(turn, key);
        }
        // Those who go on waiting may not have to wait as long.
        self.answers_at = self.first_answer();
    }
}
