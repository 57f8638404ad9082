//! Twins: several connections of what seems to be one tool server. They are one line, of which the
//! newest that answers serves; the others are in reserve.

use super::Agent;
use crate::relay::table::ToolServerKey;
use crate::relay::tool::{Doubt, Tool, Who};
use crate::relay::turn::Turn;
use crate::time::Moment;
use std::time::Duration;

/// How long twins are there together before that is said: a tool server that has redialled leaves
/// a dead connection behind, which is found sooner.
const NOTICE_AFTER: Duration = Duration::from_secs(15);

impl Agent {
    /// The tool server that serves a line.
    pub(super) fn serving(&self, line: u32) -> Option<ToolServerKey> {
        self.serving.get(&line).copied()
    }

    /// Finds out anew who serves a line: the newest of its twins that is trusted, else the newest.
    pub(super) fn find_server(&mut self, line: u32) {
        let twins = self.tools.iter().filter(|(_, tool)| line != 0 && tool.line == line);
        match twins.max_by_key(|(_, tool)| (tool.doubt.is_none(), tool.order)) {
            Some((key, _)) => self.serving.insert(line, key),
            None => self.serving.remove(&line),
        };
    }

    fn has_twin(&self, key: ToolServerKey) -> bool {
        let line = self.tools.expect(key).map_or(0, |tool| tool.line);
        line != 0 && self.tools.iter().any(|(other, tool)| other != key && tool.line == line)
    }

    /// The tool server in `place` has joined a line. Where others are in it, the owner is told
    /// after a while, if they are still there.
    pub(super) fn has_joined_line(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let at = self.has_twin(key).then(|| turn.now.after(NOTICE_AFTER));
        if let Some(tool) = self.tools.expect_mut(key) {
            tool.notice_at = at;
        }
    }

    /// The tool server has not answered: it is the turn of its twin.
    pub(super) fn doubts(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, doubt: Doubt) {
        self.judge(turn, key, Some(doubt));
    }

    /// The tool server has answered: it may serve again.
    pub(super) fn trusts(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        self.judge(turn, key, None);
    }

    fn judge(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, doubt: Option<Doubt>) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let line = tool.line;
        let old = std::mem::replace(&mut tool.doubt, doubt);
        if old.is_some() == doubt.is_some() || !self.has_twin(key) {
            return;
        }
        self.find_server(line);
        self.hello = None;
        turn.catalogue_changed();
        self.renew_subscriptions(turn);
        let serving = self.serving(line).and_then(|serving| self.tools.expect(serving));
        if let (Some(tool), Some(serving)) = (self.tools.expect(key), serving) {
            let language = turn.policy.language;
            let who = Who(&self.name, tool);
            match doubt {
                Some(_) => log::warn!("{}", language.twin_silent(who, &serving.label)),
                None => log::info!("{}", language.twin_answers(who, &serving.label)),
            }
        }
    }

    /// Does what is due for a tool server because of its twins. It may just have been pinged.
    pub(super) fn twin_time(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let now = turn.now;
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let due = |at: &mut Moment| *at <= now;
        let failed = tool.ping_fails_at.take_if(due).is_some() && tool.heard <= tool.pinged;
        let notice = tool.notice_at.take_if(due).is_some();
        let is_pinged = tool.last_ping.is_some() && tool.pinged == now;
        if failed {
            self.doubts(turn, key, Doubt::PingFailed);
        }
        if is_pinged && self.has_twin(key) {
            let at = now.after(turn.policy.handshake_timeout);
            if let Some(tool) = self.tools.expect_mut(key) {
                tool.ping_fails_at = Some(at);
            }
        }
        if notice {
            self.complain_of_twins(turn, key);
        }
    }

    /// Those of the line of `place` that are in reserve, the oldest first, and who serves.
    pub(super) fn reserve_of(&self, key: ToolServerKey) -> Option<(&Tool, Vec<&Tool>)> {
        let line = self.tools.expect(key)?.line;
        let serving = self.tools.expect(self.serving(line)?)?;
        let in_line = self.tools_where(|tool| tool.line == line && tool.peer != serving.peer);
        let reserve = in_line.iter().filter_map(|key| self.tools.expect(*key));
        Some((serving, reserve.collect()))
    }
}
