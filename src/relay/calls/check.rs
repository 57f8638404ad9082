//! What must always hold of the table: for tests and debug builds.

use super::entry::{Ends, Entry, List};
use super::{CallTable, Request, ToolKey};
use crate::relay::table::Key;
use crate::time::Moment;

impl CallTable {
    /// What must always hold: every entry is found in each of its lists and indices.
    ///
    /// # Panics
    /// Where it does not: for tests and debug builds only.
    pub(in crate::relay) fn check_invariants(&self) {
        // A large table is checked only sometimes, because the check is slow.
        if self.used > 512 && self.used % 64 != 0 {
            return;
        }
        let mut at_tools = vec![0; self.tools.capacity()];
        let (mut used, mut calls) = (0, 0);
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.id != 0) {
            used += 1;
            let found = self.find_at_tool(ToolKey(entry.tool), entry.id);
            assert_eq!(found, Some(at as u32), "an upstream id does not lead to its request");
            if let Request::Call(call) = &entry.request {
                calls += 1;
                if let Some(count) = at_tools.get_mut(entry.tool as usize) {
                    *count += 1;
                }
                let found =
                    self.find(call.robot(), call.id()).and_then(|found| self.call_at(found.0));
                assert!(found.is_some_and(|found| found.id() == call.id()), "an id is not found");
            }
        }
        assert_eq!((used, calls), (self.used, self.calls), "requests are miscounted");
        for (place, tool) in &self.tools {
            let ids = self.walk(List::Tool, tool.ends).filter(|entry| entry.tool == place as u32);
            assert_eq!(ids.count(), self.walk(List::Tool, tool.ends).count());
            assert_eq!(at_tools.get(place), Some(&tool.calls), "a tool server's calls");
        }
        for (place, robot) in self.robots.iter().enumerate() {
            let mut last = 0;
            let (mut calls, mut requests) = (0, 0);
            for entry in self.walk(List::Robot, robot.ends) {
                let Request::Call(call) = &entry.request else { continue };
                assert_eq!(call.robot().place(), place, "a call of another robot");
                requests += usize::from(std::mem::replace(&mut last, entry.group) != entry.group);
                calls += 1;
            }
            assert_eq!((calls, requests), (robot.calls, robot.requests), "a robot's calls");
        }
        let mut last = Moment::default();
        for entry in self.walk(List::Due, self.due) {
            assert!(std::mem::replace(&mut last, entry.deadline) <= entry.deadline, "deadlines");
        }
        assert_eq!(self.walk(List::Due, self.due).count(), self.calls, "a call without a deadline");
    }

    fn walk(&self, list: List, ends: Ends) -> impl Iterator<Item = &Entry> {
        let entry = |at: u32| self.entries.get(at as usize).filter(|entry| entry.id != 0);
        std::iter::successors(entry(ends.first), move |last| {
            entry(last.links.get(list as usize)?.behind)
        })
    }
}
