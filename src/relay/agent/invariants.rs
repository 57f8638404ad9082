//! What must always hold of an agent: for tests and debug builds.

use super::Agent;
use crate::relay::catalogue::Kind;
use crate::relay::identity::Identity;
use crate::relay::tool_server::ToolServer;
use crate::relay::ToolState;

impl Agent {
    /// What must always hold.
    ///
    /// # Panics
    /// Where it does not: for tests and debug builds only.
    #[allow(clippy::panic)]
    pub(in crate::relay) fn check_invariants(&self) {
        self.calls.check_invariants();
        for call in self.calls.iter() {
            assert!(self.robots.contains(call.robot()), "a call without its robot");
        }
        for (key, tool) in self.tools.iter().filter(|(_, tool)| tool.identity != Identity::UNKNOWN)
        {
            let serving = self.roster.serving(tool.identity).and_then(|key| self.tools.expect(key));
            let rank = |tool: &ToolServer| (tool.doubt.is_none(), tool.order);
            assert!(
                serving.is_some_and(|other| other.identity == tool.identity),
                "{key:?} is not served"
            );
            assert!(serving.is_some_and(|other| rank(other) >= rank(tool)), "{key:?} should serve");
        }
        self.waiting.check_invariants();
        assert!(self.waiting.is_only_of(|key| self.robots.contains(key)), "nobody waits for it");
        let transparent = self.tools.iter().filter(|(_, t)| t.state == ToolState::Transparent);
        assert_eq!(transparent.count(), self.transparent, "transparent ones are miscounted");
        for robot in self.subscriptions.robots() {
            assert!(self.robots.contains(robot), "a subscription without its robot");
        }
        assert_eq!(self.tools_memory(), self.tools_kept, "a change of the catalogue is not told");
        assert_eq!(self.memory(), self.kept, "kept bytes are miscounted");
        let uncharged = self.kept.abs_diff(self.charged);
        assert!(uncharged < crate::relay::turn::UNCHARGED, "the ledger does not know what is kept");
        self.catalogue.check_invariants(&self.name);
        for kind in Kind::all() {
            for (identity, _) in self.catalogue.offers.of(kind).counts() {
                let lost = self.roster.is_lost(identity);
                let stale = self.catalogue.is_due(kind);
                assert!(
                    stale || lost || self.roster.serving(identity).is_some(),
                    "nobody offers {identity:?}"
                );
            }
        }
        let own_deadlines = [
            ("a tool server's", self.tools.first_deadline()),
            ("a robot's", self.robots.first_deadline()),
            ("a call's", self.calls.next_deadline()),
            ("a waiting request's", self.waiting.next_deadline()),
            ("a waiting robot's", self.waiting.first_answer(&self.awaited())),
            ("a lost tool server's", self.first_grace()),
            ("a merged list's", self.catalogue.first_deadline()),
            ("unfinished work's", self.unfinished),
            ("an expected tool server's", self.roster.next_deadline()),
        ];
        for (whose, deadline) in own_deadlines {
            let is_announced = |at| self.armed.is_some_and(|armed| armed <= at);
            assert!(deadline.is_none_or(is_announced), "{whose} deadline is not announced");
        }
    }
}
