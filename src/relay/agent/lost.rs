//! Tool servers that went a moment ago, and for which requests wait.

use super::Agent;
use crate::relay::catalogue::{Kind, PerKind};
use crate::relay::lost::{Lost, MOST_LOST};
use crate::relay::tool::Tool;
use crate::relay::turn::Turn;
use crate::time::Moment;

impl Agent {
    /// A tool server is gone, and may come back.
    pub(super) fn keep_in_mind(&mut self, turn: &mut Turn<'_>, mut tool: Tool) {
        let until = turn.now.after(turn.policy.reconnect_grace);
        self.grace_ends = Some(self.grace_ends.map_or(until, |ends| ends.min(until)));
        let mut items = PerKind::default();
        for kind in Kind::all() {
            *items.of_mut(kind) = std::mem::take(&mut tool.lists.of_mut(kind).items);
        }
        if self.lost.len() >= MOST_LOST {
            self.lost.remove(0);
        }
        self.lost.push(Lost {
            line: tool.line,
            label: tool.label,
            line_label: tool.line_label,
            own_name: tool.hello.and_then(|hello| hello.name),
            server_id: tool.server_id,
            items,
            until,
        });
    }

    /// Whether a tool server may come back that requests have to wait for.
    pub(super) fn expects_tools(&self) -> bool {
        !self.lost.is_empty() || self.expected_until.is_some()
    }

    /// Does not wait any longer for lost tools whose grace has ended, unless one that has come
    /// since may turn out to be it.
    pub(super) fn give_up_lost(&mut self, turn: &mut Turn<'_>) {
        let is_over = |lost: &Lost| lost.until <= turn.now && !self.may_be_back(lost);
        let over: Vec<bool> = self.lost.iter().map(is_over).collect();
        if over.contains(&true) {
            let mut over = over.into_iter();
            self.lost.retain(|_| over.next() == Some(false));
            turn.catalogue_changed();
            self.merge_all(turn);
        }
        self.grace_ends = self.first_grace();
    }

    /// When the first of the lost tools is given up.
    pub(super) fn first_grace(&self) -> Option<Moment> {
        let lost = self.lost.iter().filter(|lost| !self.may_be_back(lost));
        lost.map(|lost| lost.until).min()
    }

    /// Which of the lost tools a new one is: the one of its `server_id`; else the one that called
    /// itself the same and offered the same; else the one of its label, if they have anything in
    /// common.
    pub(super) fn lost_self(&self, tool: &Tool) -> Option<usize> {
        let items = &tool.lists.of(Kind::Tools).items;
        let known = |lost: &Lost| lost.line != 0 && lost.may_be(tool);
        let same = |lost: &Lost| {
            tool.server_id.is_some() || lost.items.of(Kind::Tools).has_names_of(items)
        };
        let alike = |lost: &Lost| lost.label == tool.label && lost.may_have_offered(items);
        let place =
            |of: &dyn Fn(&Lost) -> bool| self.lost.iter().position(|lost| known(lost) && of(lost));
        place(&same).or_else(|| place(&alike))
    }

    fn may_be_back(&self, lost: &Lost) -> bool {
        let in_time = |tool: &Tool| tool.joined <= lost.until;
        let mut tools = self.tools.iter().map(|(_, tool)| tool);
        tools.any(|tool| tool.is_settling() && in_time(tool) && lost.may_be(tool))
    }

    pub(super) fn forget_lost(&mut self, turn: &mut Turn<'_>) {
        // With others it is unknown which of them has come back, so those that offered nothing are
        // as good as back.
        let is_alone = self.transparent == self.tools.len();
        let before = self.lost.len();
        self.lost.retain(|lost| lost.line != 0 && !is_alone);
        if self.lost.len() < before {
            self.merge_all(turn);
        }
    }
}
