//! What an owner should know of an agent whose robots find no tool server, or of a peer at the wrong
//! address: said seldom.

use super::departures::{Departure, Departures};
use super::{Peer, Policy};
use crate::log_throttle::LogThrottle;
use crate::time::Moment;
use std::fmt::Display;
use std::time::Duration;

/// After how long a robot that has not said a word is thought to be something else: every real
/// one speaks first, and at once. A tool server waits for a message.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What to warn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Notifications,
    NoTool,
    RobotReplies,
    RobotSilent,
    ToolAsks,
    ToolUnreadable(Peer),
    ToolAnswers(Peer),
    TooLarge,
    Twins,
    NameTaken,
    ToolLoop,
    RobotLoop,
    Evictions,
}

/// How many robots of an agent may come and go in a minute and still be logged one by one, and of
/// how many agents that is counted.
const CROWD: u32 = 20;
const MAX_CROWDS: usize = 64;
const MINUTE: Duration = Duration::from_secs(60);

/// At which level the log says that a peer came or went: those that do so in a loop are summed up.
pub(super) fn level(is_loop: bool) -> log::Level {
    if is_loop {
        log::Level::Debug
    } else {
        log::Level::Info
    }
}

/// How many robots of an agent have left in the minute that began at `since`.
#[derive(Debug)]
struct Crowd {
    agent: Box<str>,
    since: Moment,
    left: u32,
}

/// What was warned of.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    crowds: Vec<Crowd>,
    said: LogThrottle<(Box<str>, Topic)>,
}

/// Why an agent has no tool server, and what to do.
pub(super) fn why_no_tool(
    agent: &str,
    departures: &Departures,
    policy: &Policy,
    now: Moment,
) -> String {
    let language = policy.language;
    match departures.last_of(agent) {
        Some(Departure { label, address, end, at, .. }) => {
            let ago = language.duration(now.since(*at));
            language.no_tool_left(label, address, &ago, &language.ending(end))
        }
        None => language.no_tool_seen(&language.duration(now.since(Moment::default()))),
    }
}

impl Diagnostics {
    /// Whether so many robots of the agent come and go that they are summed up.
    pub(super) fn is_crowd(&self, now: Moment, agent: &str) -> bool {
        let crowd = self.crowds.iter().find(|crowd| *crowd.agent == *agent);
        crowd.is_some_and(|crowd| now.since(crowd.since) < MINUTE && crowd.left >= CROWD)
    }

    /// A robot of the agent has left. Returns whether it is one of many.
    pub(super) fn note_robot(&mut self, now: Moment, agent: &str) -> bool {
        let known = self.crowds.iter_mut().find(|crowd| *crowd.agent == *agent);
        let crowd = match known {
            Some(crowd) => crowd,
            None => {
                if self.crowds.len() >= MAX_CROWDS {
                    let all = self.crowds.iter().enumerate();
                    let oldest = all.min_by_key(|(_, crowd)| crowd.since);
                    let oldest = oldest.map_or(0, |(place, _)| place);
                    self.crowds.swap_remove(oldest);
                }
                self.crowds.push(Crowd { agent: agent.into(), since: now, left: 0 });
                let Some(crowd) = self.crowds.last_mut() else { return false };
                crowd
            }
        };
        if now.since(crowd.since) >= MINUTE {
            (crowd.since, crowd.left) = (now, 0);
        }
        crowd.left = crowd.left.saturating_add(1);
        crowd.left > CROWD
    }

    pub(super) fn say(
        &mut self,
        turn: (Moment, &Policy),
        about: (&str, Topic),
        who: &dyn Display,
        what: &dyn Fn() -> String,
    ) {
        let ((now, policy), (agent, topic)) = (turn, about);
        let Some(said) = self.said.note((agent.into(), topic), now) else { return };
        let language = policy.language;
        if said.others > 0 {
            log::warn!("{}", language.others_unsaid(said.others));
        }
        log::warn!("{}", language.complaint(who, &what(), said.count));
    }
}
