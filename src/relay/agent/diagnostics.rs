//! What an owner should know of an agent: said seldom.

use super::Agent;
use crate::relay::diagnostics::{why_no_tool, Topic, SILENCE};
use crate::relay::reply::shortened;
use crate::relay::robot::{Robot, RobotInLog};
use crate::relay::table::{RobotKey, ToolServerKey};
use crate::relay::tool_server::{ToolServer, ToolServerInLog};
use crate::relay::turn::Turn;
use jsonrpc::Fault;

impl Agent {
    /// A robot gets the answer that its agent has no tool server.
    pub(super) fn warn_of_no_tool(&self, turn: &mut Turn<'_>, robot: &Robot) {
        let Turn { now, policy, departures, diagnostics, .. } = turn;
        let why = || why_no_tool(&self.name, departures, policy, *now);
        let about = (&*self.name, Topic::NoTool);
        diagnostics.say((*now, *policy), about, &RobotInLog(&self.name, robot), &why);
    }

    /// A robot has sent a reply, though it was asked nothing.
    pub(super) fn warn_of_reply(&self, turn: &mut Turn<'_>, robot: RobotKey) {
        let Some(robot) = self.robots.expect(robot) else { return };
        let language = turn.policy.language;
        let (who, about) = (RobotInLog(&self.name, robot), (&*self.name, Topic::RobotReplies));
        let words = || language.robot_replies();
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// An answer is too large for a robot, which is told `words`.
    pub(super) fn warn_of_large_answer(&self, turn: &mut Turn<'_>, robot: RobotKey, words: &str) {
        let Some(robot) = self.robots.expect(robot) else { return };
        let (who, about) = (RobotInLog(&self.name, robot), (&*self.name, Topic::TooLarge));
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &|| words.to_owned());
    }

    /// A tool server has asked what only robots ask.
    pub(super) fn warn_of_request(&self, turn: &mut Turn<'_>, tool: ToolServerKey, method: &str) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let who = ToolServerInLog(&self.name, tool);
        let language = turn.policy.language;
        let about = (&*self.name, Topic::ToolAsks);
        let words = || language.tool_asks(method);
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// A tool server has sent a text that is not a message; `failed` says whether it was to be an answer.
    pub(super) fn warn_of_text(
        &self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        fault: Fault,
        failed: bool,
    ) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let language = turn.policy.language;
        let (who, topic) = (ToolServerInLog(&self.name, tool), Topic::ToolUnreadable(tool.peer));
        let words = || match language.fault(fault) {
            fault if failed => language.tool_answer_unreadable(&fault),
            fault => language.tool_text_unreadable(&fault),
        };
        turn.diagnostics.say((turn.now, turn.policy), (&self.name, topic), &who, &words);
    }

    /// A tool server has answered what nobody waits for; `error` is what it says went wrong.
    pub(super) fn warn_of_answer(
        &self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        id: &str,
        error: Option<&str>,
    ) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let language = turn.policy.language;
        let (who, topic) = (ToolServerInLog(&self.name, tool), Topic::ToolAnswers(tool.peer));
        let words = || {
            let said = error.map(|error| format!(": {}", shortened(error)));
            language.tool_reply_dropped(shortened(id), said.as_deref().unwrap_or(""))
        };
        turn.diagnostics.say((turn.now, turn.policy), (&self.name, topic), &who, &words);
    }

    /// A tool server sends more notifications than are passed on.
    pub(super) fn warn_of_notifications(&self, turn: &mut Turn<'_>, tool: ToolServerKey) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let who = ToolServerInLog(&self.name, tool);
        let language = turn.policy.language;
        let about = (&*self.name, Topic::Notifications);
        let words = || language.notifications_dropped();
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Twins have been there together for a while.
    pub(super) fn warn_of_twins(&self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some((serving, reserve)) = self.reserve_of(key) else { return };
        let Some(first) = reserve.first() else { return };
        let language = turn.policy.language;
        let about = (&*self.name, Topic::Twins);
        let words = || language.twin_in_reserve(&serving.label, &serving.address);
        let who = ToolServerInLog(&self.name, first);
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// A tool server comes and goes in a loop.
    pub(super) fn warn_of_loop(
        &self,
        turn: &mut Turn<'_>,
        tool: &ToolServer,
        times: u32,
        why: &str,
    ) {
        let language = turn.policy.language;
        let about = (&*self.name, Topic::ToolLoop);
        let words = || language.tool_loop(times, why);
        let who = ToolServerInLog(&self.name, tool);
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Robots of the agent come and go in a loop.
    pub(super) fn warn_of_crowd(&self, turn: &mut Turn<'_>, robot: &Robot, why: &str) {
        let language = turn.policy.language;
        let about = (&*self.name, Topic::RobotLoop);
        let words = || language.robot_loop(why);
        let who = RobotInLog(&self.name, robot);
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Tool servers take each other's place again and again.
    pub(super) fn warn_of_evictions(&self, turn: &mut Turn<'_>, older: &ToolServer, times: u32) {
        let mut tools = self.tools.iter().map(|(_, tool)| tool);
        let newer = tools.find(|tool| tool.server_id == older.server_id);
        let (Some(newer), Some(id)) = (newer, &older.server_id) else { return };
        let language = turn.policy.language;
        let about = (&*self.name, Topic::Evictions);
        let words = || language.server_id_evictions(id, &older.address, times);
        let who = ToolServerInLog(&self.name, newer);
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Warns of robots that have sent nothing since they connected.
    pub(super) fn warn_of_silence(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        for robot in self.robots.values_quietly() {
            if robot.speaks_by.take_if(|until| *until <= now).is_none() {
                continue;
            }
            let who = RobotInLog(&self.name, robot);
            let language = turn.policy.language;
            let about = (&*self.name, Topic::RobotSilent);
            let words = || language.robot_silent(SILENCE.as_secs());
            turn.diagnostics.say((now, turn.policy), about, &who, &words);
        }
    }
}
