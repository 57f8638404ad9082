//! Robots subscribe to resources, and tool servers are told.

use super::Agent;
use crate::relay::calls::Request;
use crate::relay::identity::Identity;
use crate::relay::subscriptions::{memory_of_subscription, CAPABILITY, SUBSCRIBE, UNSUBSCRIBE};
use crate::relay::table::{RobotKey, ToolServerKey};
use crate::relay::turn::Turn;
use crate::relay::Peer;
use jsonrpc::message::quoted;

impl Agent {
    /// Whether a robot may subscribe to a resource: there is an end to what is kept for it.
    pub(super) fn may_subscribe(&self, turn: &mut Turn<'_>, robot: RobotKey, uri: &str) -> bool {
        self.subscriptions.has(robot, uri)
            || (self.subscriptions.has_room(robot, uri) && turn.admits(memory_of_subscription(uri)))
    }

    /// A robot's subscription is on its way to a tool server.
    pub(super) fn subscribed(
        &mut self,
        turn: &mut Turn<'_>,
        robot: RobotKey,
        uri: &str,
        tool: ToolServerKey,
    ) {
        let tool = self.tools.expect(tool).filter(|tool| tool.declares(CAPABILITY));
        if let Some(tool) = tool {
            let server = (tool.identity, &*tool.label, tool.peer);
            turn.keep(self.subscriptions.add(robot, uri, server));
        }
    }

    /// A robot does not want a resource any more. Returns whether others still do, so that the
    /// tool server must not be sent it.
    pub(super) fn unsubscribed(&mut self, turn: &mut Turn<'_>, robot: RobotKey, uri: &str) -> bool {
        let (freed, is_wanted) = self.subscriptions.remove(robot, uri);
        turn.free(freed);
        is_wanted
    }

    /// A robot has left: what only it wanted is not wanted any more.
    pub(super) fn unsubscribe_all(&mut self, turn: &mut Turn<'_>, robot: RobotKey) {
        for (uri, at) in self.subscriptions.of(robot) {
            if !self.unsubscribed(turn, robot, &uri) {
                self.send_subscription(turn, at, UNSUBSCRIBE, &uri);
            }
        }
    }

    /// Other tool servers may serve the resources now: one that has come back, or whose turn it is, is
    /// subscribed to what is wanted of it.
    pub(super) fn renew_subscriptions(&mut self, turn: &mut Turn<'_>) {
        if self.subscriptions.is_empty() {
            return;
        }
        let (roster, tools) = (&self.roster, &self.tools);
        let moved = self.subscriptions.moved(|identity, label| {
            let of_identity = roster.serving(identity);
            let of_label = || {
                let found = tools
                    .iter()
                    .find(|(_, tool)| tool.identity != Identity::UNKNOWN && *tool.label == *label);
                found.map(|(key, _)| key)
            };
            let tool = of_identity.or_else(of_label).and_then(|key| tools.get(key));
            tool.filter(|tool| tool.declares(CAPABILITY)).map(|tool| (tool.identity, tool.peer))
        });
        for (uri, from, to) in moved {
            self.send_subscription(turn, to, SUBSCRIBE, &uri);
            self.send_subscription(turn, from, UNSUBSCRIBE, &uri);
        }
    }

    /// Sends a tool server a request of the relay's own about a resource, if it is there.
    fn send_subscription(&mut self, turn: &mut Turn<'_>, to: Peer, method: &str, uri: &str) {
        let tool = self.tools.values_quietly().find(|tool| tool.peer == to);
        let Some(tool) = tool.filter(|tool| tool.is_initialised()) else { return };
        let number = self.calls.ask(tool.key, Request::Aside);
        if let Some(older) = tool.asked_aside(number) {
            self.calls.answer(tool.key, older);
        }
        let uri = quoted(uri);
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"{method}","params":{{"uri":{uri}}}}}"#
        );
        let _ = turn.send_to_tool(to, &[&text]);
    }
}
