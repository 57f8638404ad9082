//! Decides when a managed tool server is started, ended and started again. It sees neither processes nor a
//! clock: it is given what happened and when, and returns what to do.

use crate::time::Moment;
use std::time::Duration;

/// The first wait before a child is started again, and the longest.
const MIN_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);

/// After so long without a fault the next wait is the first one again.
const STABLE: Duration = Duration::from_secs(5 * 60);

/// How long a child may take to answer at first. `npx` and `uvx` download what they run at the first start,
/// and a child that is ended meanwhile never gets that far.
const MAX_START: Duration = Duration::from_secs(5 * 60);

/// How long each step of the end takes at most.
const END_STEP: Duration = Duration::from_secs(2);

/// What is to be done with the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start it. [`Supervisor::exited`] follows if that is not possible.
    Start,
    /// Take a step of ending it.
    End(EndStep),
}

/// A step of ending a link. The next one follows if it has not ended after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndStep {
    /// Close the standard input, end the session: well-behaved servers end then.
    Close,
    /// Ask the process group to end (SIGTERM).
    Terminate,
    /// End the process group (SIGKILL), drop everything.
    Kill,
}

/// How a child is, as the status page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It runs, or is about to, and has not answered yet.
    Starting,
    /// It has answered.
    Ready,
    /// It has ended, or is made to, and will be started again.
    Restarting,
    /// It is to run no more.
    Stopped,
}

#[derive(Debug)]
enum Phase {
    /// Nothing runs until then.
    Waiting {
        until: Moment,
    },
    Running {
        /// Since when it has answered.
        ready: Option<Moment>,
        /// When it is given up unless it has answered.
        start_until: Moment,
    },
    /// It is made to end.
    Ending {
        /// The next step, and when it is due.
        step: Option<(EndStep, Moment)>,
        is_to_run_again: bool,
    },
    Stopped,
}

/// The supervisor of one child.
#[derive(Debug)]
pub(super) struct Supervisor {
    phase: Phase,
    /// How long the next wait is.
    wait: Duration,
    end_step: Duration,
    /// How often it was started after the first time.
    restarts: u32,
    has_run: bool,
}

impl Supervisor {
    /// A child that is to be started at once. Ending it takes no longer than `close_timeout`.
    pub(super) fn new(now: Moment, close_timeout: Duration) -> Self {
        Supervisor {
            phase: Phase::Waiting { until: now },
            wait: MIN_WAIT,
            end_step: END_STEP.min(close_timeout / 3),
            restarts: 0,
            has_run: false,
        }
    }

    /// What is to be done now. To be called until there is nothing more.
    pub(super) fn act(&mut self, now: Moment) -> Option<Action> {
        match &mut self.phase {
            Phase::Waiting { until } if *until <= now => {
                self.restarts += u32::from(self.has_run);
                self.has_run = true;
                self.phase = Phase::Running { ready: None, start_until: now.after(MAX_START) };
                Some(Action::Start)
            }
            Phase::Ending { step, .. } => {
                let (action, _) = step.filter(|(_, due)| *due <= now)?;
                let next = match action {
                    EndStep::Close => Some(EndStep::Terminate),
                    EndStep::Terminate => Some(EndStep::Kill),
                    EndStep::Kill => None,
                };
                *step = next.map(|next| (next, now.after(self.end_step)));
                Some(Action::End(action))
            }
            _ => None,
        }
    }

    /// When [`Supervisor::act`] has something to do next.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.phase {
            Phase::Waiting { until } => Some(*until),
            Phase::Running { ready: None, start_until } => Some(*start_until),
            Phase::Ending { step, .. } => step.map(|(_, due)| due),
            _ => None,
        }
    }

    /// The child has answered `initialize`.
    pub(super) fn is_ready(&mut self, now: Moment) {
        if let Phase::Running { ready, .. } = &mut self.phase {
            ready.get_or_insert(now);
        }
    }

    /// Whether the child has not answered in time, and is to be given up.
    pub(super) fn is_late(&self, now: Moment) -> bool {
        matches!(&self.phase, Phase::Running { ready: None, start_until } if *start_until <= now)
    }

    /// The child has ended by itself or was made to, or could not be started. Returns how long it is waited
    /// until it is started again.
    pub(super) fn exited(&mut self, now: Moment) -> Option<Duration> {
        let is_to_run_again = match &self.phase {
            Phase::Running { ready, .. } => {
                if ready.is_some_and(|ready| ready.after(STABLE) <= now) {
                    self.wait = MIN_WAIT;
                }
                true
            }
            Phase::Ending { is_to_run_again, .. } => *is_to_run_again,
            Phase::Waiting { .. } | Phase::Stopped => return None,
        };
        if !is_to_run_again {
            self.phase = Phase::Stopped;
            return None;
        }
        let wait = self.wait;
        self.phase = Phase::Waiting { until: now.after(wait) };
        self.wait = wait.saturating_mul(2).min(MAX_WAIT);
        Some(wait)
    }

    /// The child is to be ended and started again: it does not answer, or breaks the rules.
    pub(super) fn give_up(&mut self, now: Moment) {
        if let Phase::Running { .. } = self.phase {
            self.end(now, true);
        }
    }

    /// The child is to run no more.
    pub(super) fn stop(&mut self, now: Moment) {
        match &mut self.phase {
            Phase::Waiting { .. } => self.phase = Phase::Stopped,
            Phase::Running { .. } => self.end(now, false),
            Phase::Ending { is_to_run_again, .. } => *is_to_run_again = false,
            Phase::Stopped => (),
        }
    }

    fn end(&mut self, now: Moment, is_to_run_again: bool) {
        let step = Some((EndStep::Close, now));
        self.phase = Phase::Ending { step, is_to_run_again };
    }

    /// How it is.
    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Waiting { .. } if !self.has_run => State::Starting,
            Phase::Waiting { .. } | Phase::Ending { is_to_run_again: true, .. } => {
                State::Restarting
            }
            Phase::Running { ready: None, .. } => State::Starting,
            Phase::Running { .. } => State::Ready,
            Phase::Ending { .. } | Phase::Stopped => State::Stopped,
        }
    }

    /// Whether it has ended and will not run again.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Stopped)
    }

    /// How often it was started again.
    pub(super) fn restarts(&self) -> u32 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    /// A child that has just been started, at 0.
    fn running() -> Supervisor {
        let mut child = Supervisor::new(at(0), CLOSE_TIMEOUT);
        assert_eq!((child.state(), child.act(at(0))), (State::Starting, Some(Action::Start)));
        assert_eq!((child.state(), child.act(at(0))), (State::Starting, None));
        child
    }

    #[test]
    fn a_child_that_keeps_ending_is_started_ever_more_rarely() {
        let mut child = running();
        let mut now = 0;
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            child.is_ready(at(now));
            assert_eq!(child.exited(at(now)), Some(Duration::from_secs(wait)));
            assert_eq!(
                (child.state(), child.deadline()),
                (State::Restarting, Some(at(now + wait)))
            );
            assert_eq!(child.act(at(now + wait - 1)), None);
            now += wait;
            assert_eq!(child.act(at(now)), Some(Action::Start));
        }
        assert_eq!(child.restarts(), 8);
    }

    #[test]
    fn five_stable_minutes_make_the_first_wait_short_again() {
        for (lives, expected) in [(299, 2), (300, 1)] {
            let mut child = running();
            child.exited(at(0));
            child.act(at(1));
            child.is_ready(at(10));
            assert_eq!(child.exited(at(10 + lives)), Some(Duration::from_secs(expected)));
        }
    }

    #[test]
    fn a_child_that_never_answers_is_given_up_after_five_minutes() {
        let mut child = running();
        assert_eq!((child.deadline(), child.act(at(299))), (Some(at(300)), None));
        assert_eq!((child.is_late(at(299)), child.is_late(at(300))), (false, true));
        child.give_up(at(300));
        assert_eq!(child.act(at(300)), Some(Action::End(EndStep::Close)));
        assert_eq!((child.state(), child.act(at(301))), (State::Restarting, None));
        assert!(child.exited(at(301)).is_some());
        // One that has answered may be silent forever.
        let mut child = running();
        child.is_ready(at(1));
        assert!(!child.is_late(at(1000)));
        assert_eq!((child.state(), child.deadline()), (State::Ready, None));
    }

    #[test]
    fn a_child_that_does_not_end_is_made_to() {
        let mut child = running();
        child.stop(at(10));
        let steps = [EndStep::Close, EndStep::Terminate, EndStep::Kill].map(Action::End);
        for (number, step) in steps.into_iter().enumerate() {
            let due = at(10 + 2 * number as u64);
            assert_eq!((child.deadline(), child.act(due)), (Some(due), Some(step)));
            assert_eq!((child.state(), child.act(due)), (State::Stopped, None));
        }
        assert_eq!((child.deadline(), child.is_over()), (None, false));
        assert_eq!((child.exited(at(20)), child.is_over()), (None, true));
    }

    #[test]
    fn the_end_takes_no_longer_than_the_servers_own() {
        let mut child = Supervisor::new(at(0), Duration::from_secs(3));
        child.act(at(0));
        child.stop(at(1));
        let steps: Vec<_> = (1..4).map(|second| child.act(at(second))).collect();
        assert_eq!(
            steps,
            [
                Some(Action::End(EndStep::Close)),
                Some(Action::End(EndStep::Terminate)),
                Some(Action::End(EndStep::Kill))
            ]
        );
    }

    #[test]
    fn a_stop_is_not_undone() {
        let mut child = running();
        child.give_up(at(1));
        child.stop(at(1));
        child.act(at(1));
        assert_eq!(child.exited(at(2)), None);
        for second in 2..200 {
            assert_eq!(child.act(at(second)), None);
        }
        let mut waiting = running();
        waiting.exited(at(0));
        waiting.stop(at(0));
        assert_eq!((waiting.is_over(), waiting.act(at(5))), (true, None));
    }

    /// Random children: those that answer or not, end or not, at any moment.
    #[test]
    fn whatever_children_do_there_is_one_at_a_time_and_none_in_the_end() {
        for seed in 0..300_u64 {
            let mut random = seed.wrapping_mul(2862933555777941757).wrapping_add(3037000493);
            let mut dice = |sides: u64| {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (random >> 33) % sides
            };
            let (mut lives, mut is_stopped, mut now) = (false, false, 0);
            let mut last_end: Option<u64> = None;
            let mut child = Supervisor::new(at(0), CLOSE_TIMEOUT);
            let mut kills_at = None;
            for _ in 0..400 {
                let mut actions = 0;
                while let Some(action) = child.act(at(now)) {
                    actions += 1;
                    assert!(actions < 5, "it never has enough");
                    match action {
                        Action::Start => {
                            assert!(!lives && !is_stopped);
                            assert!(last_end.is_none_or(|end| now > end), "no pause");
                            lives = dice(5) > 0;
                            if !lives {
                                child.exited(at(now));
                                last_end = Some(now);
                            }
                        }
                        _ if !lives => panic!("{action:?} for a child that has ended"),
                        Action::End(EndStep::Kill) => kills_at = Some(now),
                        _ => kills_at = None,
                    }
                }
                if child.is_late(at(now)) {
                    child.give_up(at(now));
                    continue;
                }
                assert!(child.deadline().is_none_or(|due| due > at(now)), "it would be busy");
                assert!(
                    !lives
                        || child.state() != State::Restarting
                        || child.deadline().is_some()
                        || kills_at.is_some()
                );
                match dice(8) {
                    0 => child.is_ready(at(now)),
                    2 if lives => child.give_up(at(now)),
                    3 if dice(20) == 0 => {
                        child.stop(at(now));
                        is_stopped = true;
                    }
                    4 if lives => {
                        let wait = child.exited(at(now));
                        (lives, last_end) = (false, Some(now));
                        assert_eq!(wait.is_none(), is_stopped);
                        assert!(wait.is_none_or(|wait| wait >= MIN_WAIT && wait <= MAX_WAIT));
                    }
                    _ => now += 1 + dice(100),
                }
                if kills_at.is_some_and(|kill| kill < now) && lives {
                    // Nobody survives that.
                    child.exited(at(now));
                    (lives, last_end, kills_at) = (false, Some(now), None);
                }
            }
            child.stop(at(now));
            for _ in 0..4 {
                while child.act(at(now)) == Some(Action::End(EndStep::Kill)) {
                    child.exited(at(now));
                }
                now += 10;
            }
            assert!(child.is_over() || !lives, "a child is left");
        }
    }
}
