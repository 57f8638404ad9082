//! What an owner should know of an agent: said seldom.

use super::Agent;
use crate::relay::complaints::{why_no_tool, Cause, SILENCE};
use crate::relay::reply::shortened;
use crate::relay::robot;
use crate::relay::table::{RobotKey, ToolServerKey};
use crate::relay::tool::{self, Tool};
use crate::relay::turn::Turn;
use jsonrpc::Fault;

impl Agent {
    /// A robot is told that there is no tool.
    pub(super) fn complain_of_no_tool(&self, turn: &mut Turn<'_>, robot: RobotKey) {
        let Some(robot) = self.robots.get(robot) else { return };
        let Turn { now, policy, departures, complaints, .. } = turn;
        let why = || why_no_tool(&self.name, departures, policy, *now);
        let about = (&*self.name, Cause::NoTool);
        complaints.say((*now, *policy), about, &robot::Who(&self.name, robot), &why);
    }

    /// A robot has sent a reply, though it was asked nothing.
    pub(super) fn complain_of_reply(&self, turn: &mut Turn<'_>, robot: RobotKey) {
        let Some(robot) = self.robots.get(robot) else { return };
        let language = turn.policy.language;
        let (who, about) = (robot::Who(&self.name, robot), (&*self.name, Cause::RobotReplies));
        let words = || language.robot_replies();
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// An answer is too large for a robot, which is told `words`.
    pub(super) fn complain_of_large_answer(
        &self,
        turn: &mut Turn<'_>,
        robot: RobotKey,
        words: &str,
    ) {
        let Some(robot) = self.robots.get(robot) else { return };
        let (who, about) = (robot::Who(&self.name, robot), (&*self.name, Cause::TooLarge));
        turn.complaints.say((turn.now, turn.policy), about, &who, &|| words.to_owned());
    }

    /// A tool has asked what only robots ask.
    pub(super) fn complain_of_request(
        &self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        method: &str,
    ) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let who = tool::Who(&self.name, tool);
        let language = turn.policy.language;
        let about = (&*self.name, Cause::ToolAsks);
        let words = || language.tool_asks(method);
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// A tool server has sent what is no message; `failed` says whether it was to be an answer.
    pub(super) fn complain_of_text(
        &self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        fault: Fault,
        failed: bool,
    ) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let language = turn.policy.language;
        let (who, cause) = (tool::Who(&self.name, tool), Cause::ToolUnreadable(tool.peer));
        let words = || match language.fault(fault) {
            fault if failed => language.tool_answer_unreadable(&fault),
            fault => language.tool_text_unreadable(&fault),
        };
        turn.complaints.say((turn.now, turn.policy), (&self.name, cause), &who, &words);
    }

    /// A tool server has answered what nobody waits for; `error` is what it says went wrong.
    pub(super) fn complain_of_answer(
        &self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        id: &str,
        error: Option<&str>,
    ) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let language = turn.policy.language;
        let (who, cause) = (tool::Who(&self.name, tool), Cause::ToolAnswers(tool.peer));
        let words = || {
            let said = error.map(|error| format!(": {}", shortened(error)));
            language.tool_reply_dropped(shortened(id), said.as_deref().unwrap_or(""))
        };
        turn.complaints.say((turn.now, turn.policy), (&self.name, cause), &who, &words);
    }

    /// A tool server sends more notifications than are passed on.
    pub(super) fn complain_of_notifications(&self, turn: &mut Turn<'_>, tool: ToolServerKey) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let who = tool::Who(&self.name, tool);
        let language = turn.policy.language;
        let about = (&*self.name, Cause::Notifications);
        let words = || language.notifications_dropped();
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Twins have been there together for a while.
    pub(super) fn complain_of_twins(&self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some((serving, reserve)) = self.reserve_of(key) else { return };
        let Some(first) = reserve.first() else { return };
        let language = turn.policy.language;
        let about = (&*self.name, Cause::Twins);
        let words = || language.twin_in_reserve(&serving.label, &serving.address);
        let who = tool::Who(&self.name, first);
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// A tool server comes and goes in a loop.
    pub(super) fn complain_of_loop(&self, turn: &mut Turn<'_>, tool: &Tool, times: u32, why: &str) {
        let language = turn.policy.language;
        let about = (&*self.name, Cause::ToolLoop);
        let words = || language.tool_loop(times, why);
        let who = tool::Who(&self.name, tool);
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Robots of the agent come and go in a loop.
    pub(super) fn complain_of_crowd(&self, turn: &mut Turn<'_>, robot: &robot::Robot, why: &str) {
        let language = turn.policy.language;
        let about = (&*self.name, Cause::RobotLoop);
        let words = || language.robot_loop(why);
        let who = robot::Who(&self.name, robot);
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Tool servers take each other's place again and again.
    pub(super) fn complain_of_war(&self, turn: &mut Turn<'_>, older: &Tool, times: u32) {
        let mut tools = self.tools.iter().map(|(_, tool)| tool);
        let newer = tools.find(|tool| tool.server_id == older.server_id);
        let (Some(newer), Some(id)) = (newer, &older.server_id) else { return };
        let language = turn.policy.language;
        let about = (&*self.name, Cause::War);
        let words = || language.server_id_war(id, &older.address, times);
        let who = tool::Who(&self.name, newer);
        turn.complaints.say((turn.now, turn.policy), about, &who, &words);
    }

    /// Complains of the robots that have not said a word since they came.
    pub(super) fn complain_of_silence(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        for robot in self.robots.values_quietly() {
            if robot.speaks_by.take_if(|until| *until <= now).is_none() {
                continue;
            }
            let who = robot::Who(&self.name, robot);
            let language = turn.policy.language;
            let about = (&*self.name, Cause::RobotSilent);
            let words = || language.robot_silent(SILENCE.as_secs());
            turn.complaints.say((now, turn.policy), about, &who, &words);
        }
    }
}
