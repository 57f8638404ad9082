//! What must always hold of an agent: for tests and debug builds.

use super::agent::Agent;
use super::catalogue::Kind;
use super::robot::Robot;
use super::tool::Tool;
use super::{Policy, ToolState};

impl Agent {
    /// What must always hold.
    ///
    /// # Panics
    /// Where it does not: for tests and debug builds only.
    #[allow(clippy::panic)]
    pub(super) fn check_invariants(&self, policy: &Policy) {
        let mut calls = 0;
        for (place, tool) in &self.tools {
            for (number, call) in tool.in_flight.calls() {
                calls += 1;
                let robot = self.robots.get(call.robot).map(|robot| &**robot);
                let ticket = |r: &Robot| {
                    r.tickets.iter().filter(|t| t.tool == place && t.number == number).count()
                };
                assert_eq!(robot.map(ticket), Some(1), "a call without its ticket");
            }
        }
        for (place, tool) in self.tools.iter().filter(|(_, tool)| tool.line != 0) {
            let serving = self.serving(tool.line).and_then(|place| self.tools.get(place));
            let rank = |tool: &Tool| (tool.doubt.is_none(), tool.order);
            assert!(serving.is_some_and(|other| other.line == tool.line), "{place} is not served");
            assert!(serving.is_some_and(|other| rank(other) >= rank(tool)), "{place} should serve");
        }
        let tickets: usize = self.robots.iter().map(|(_, robot)| robot.tickets.len()).sum();
        assert_eq!(tickets, calls, "a ticket without its call");
        let parked: usize = self.robots.iter().map(|(_, robot)| robot.parked).sum();
        assert_eq!(parked, self.parked.len(), "parked requests are miscounted");
        let transparent = self.tools.iter().filter(|(_, t)| t.state == ToolState::Transparent);
        assert_eq!(transparent.count(), self.transparent, "transparent ones are miscounted");
        for robot in self.subscriptions.robots() {
            assert!(self.robots.contains(robot), "a subscription without its robot");
        }
        assert_eq!(self.waiting_memory(), self.held, "held bytes are miscounted");
        assert_eq!(self.tools_memory(), self.tools_kept, "a change of the catalogue is not told");
        assert_eq!(self.memory(), self.kept, "kept bytes are miscounted");
        let uncharged = self.kept.abs_diff(self.charged);
        assert!(uncharged < super::turn::UNCHARGED, "the ledger does not know what is kept");
        for kind in Kind::all() {
            for (line, _) in self.offers.of(kind).counts() {
                let lost = self.lost.iter().any(|lost| lost.line == line);
                let stale = self.merging.of(kind).due;
                assert!(stale || lost || self.serving(line).is_some(), "nobody offers line {line}");
            }
        }
        if let Some(deadline) = self.deadline(policy) {
            assert!(self.armed.is_some_and(|armed| armed <= deadline), "a deadline is missed");
        }
        for (_, robot) in &self.robots {
            assert!(robot.waiting.is_some() || robot.inbox.is_empty(), "a message is stuck");
        }
    }
}
