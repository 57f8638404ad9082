//! What an owner should know of an agent whose robots find no tool, or of a peer at the wrong
//! address: said seldom, and from a memory that outlives the agent.

use super::agent::Agent;
use super::tool::{self, Tool};
use super::turn::Turn;
use super::{robot, Policy};
use crate::close::CloseReason;
use crate::moment::Moment;
use crate::seldom::Seldom;
use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

/// How many agents are remembered whose last tool has left.
const MOST_GONE: usize = 64;

/// After how long a robot that has not said a word is thought to be something else: every real
/// one speaks first, and at once. A tool waits to be spoken to.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What to complain about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    NoTool,
    RobotReplies,
    RobotSilent,
    ToolAsks,
}

/// The last tool of an agent, which left.
#[derive(Debug)]
struct Gone {
    agent: Box<str>,
    label: Box<str>,
    address: Box<str>,
    why: CloseReason,
    at: Moment,
}

/// What was complained about, and what is remembered for it.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    said: Seldom<(Box<str>, Cause)>,
    /// The one that left last stands last.
    gone: VecDeque<Gone>,
}

impl Complaints {
    /// The last tool of an agent has left.
    pub(super) fn tool_left(&mut self, agent: &str, tool: &Tool, why: CloseReason, at: Moment) {
        self.gone.retain(|gone| *gone.agent != *agent);
        if self.gone.len() >= MOST_GONE {
            self.gone.pop_front();
        }
        let (label, address) = (tool.label.clone(), tool.address.clone());
        self.gone.push_back(Gone { agent: agent.into(), label, address, why, at });
    }

    /// Why an agent has no tool, and what to do.
    fn why_no_tool(&self, agent: &str, policy: &Policy, now: Moment) -> String {
        let language = policy.language;
        match self.gone.iter().find(|gone| *gone.agent == *agent) {
            Some(Gone { label, address, why, at, .. }) => {
                let ago = language.duration(now.since(*at));
                language.no_tool_left(label, address, &ago, why.told(language))
            }
            None => language.no_tool_seen(&language.duration(now.since(Moment::default()))),
        }
    }

    fn say(
        &mut self,
        turn: (Moment, &Policy),
        about: (&str, Cause),
        who: &dyn Display,
        what: &dyn Fn(&Self) -> String,
    ) {
        let ((now, policy), (agent, cause)) = (turn, about);
        let Some(said) = self.said.note((agent.into(), cause), now) else { return };
        let language = policy.language;
        if said.others > 0 {
            log::warn!("{}", language.others_unsaid(said.others));
        }
        log::warn!("{}", language.complaint(who, &what(self), said.count));
    }
}

impl Agent {
    /// A robot is told that there is no tool.
    pub(super) fn complain_of_no_tool(&self, turn: &mut Turn<'_>, robot: usize) {
        let (now, policy) = (turn.now, turn.policy);
        let why = |complaints: &Complaints| complaints.why_no_tool(&self.name, policy, now);
        self.complain_of_robot(turn, robot, Cause::NoTool, &why);
    }

    /// A robot has sent a reply, though it was asked nothing.
    pub(super) fn complain_of_reply(&self, turn: &mut Turn<'_>, robot: usize) {
        let language = turn.policy.language;
        self.complain_of_robot(turn, robot, Cause::RobotReplies, &|_| language.robot_replies());
    }

    /// A tool has asked what only robots ask.
    pub(super) fn complain_of_request(&self, turn: &mut Turn<'_>, tool: usize, method: &str) {
        let Some(tool) = self.tools.get(tool) else { return };
        let who = tool::Who(&self.name, tool);
        let language = turn.policy.language;
        let about = (&*self.name, Cause::ToolAsks);
        let words = |_: &Complaints| language.tool_asks(method);
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Complains of the robots that have not said a word since they came.
    pub(super) fn complain_of_silence(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        for (_, robot) in &mut self.robots {
            if robot.speaks_by.take_if(|until| *until <= now).is_none() {
                continue;
            }
            let who = robot::Who(&self.name, robot);
            let language = turn.policy.language;
            let about = (&*self.name, Cause::RobotSilent);
            let words = |_: &Complaints| language.robot_silent(SILENCE.as_secs());
            turn.complaints.say((now, turn.policy), about, &who, &words);
        }
    }

    fn complain_of_robot(
        &self,
        turn: &mut Turn<'_>,
        robot: usize,
        cause: Cause,
        what: &dyn Fn(&Complaints) -> String,
    ) {
        let Some(robot) = self.robots.get(robot) else { return };
        let who = robot::Who(&self.name, robot);
        turn.complaints.say((turn.now, turn.policy), (&self.name, cause), &who, what);
    }
}
