//! What an agent keeps, measured as memory, and what it gives up when it holds too much.

use super::Agent;
use crate::ledger::{table_of, GROWS};
use crate::relay::calls::Call;
use crate::relay::reply::{Cause, Refusal};
use crate::relay::table::{Key, RobotKey, ToolServerKey};
use crate::relay::tool_server::Trouble;
use crate::relay::turn::Turn;
#[cfg(any(debug_assertions, test))]
use crate::relay::waiting::MEMORY_OF_ROBOT;
use ws::memory::allocated;

impl Agent {
    /// How many bytes of memory the agent itself takes, with its name in the relay's table.
    pub(super) fn own_memory(&self) -> usize {
        let in_table = table_of::<Box<str>, usize>(GROWS);
        size_of::<Agent>() + 2 * allocated(self.name.len()) + in_table
    }

    /// How many bytes of memory its tool servers take with all their lists.
    pub(in crate::relay) fn tools_memory(&self) -> usize {
        let tools = self.tools.iter().map(|(_, tool)| tool.memory());
        tools.sum::<usize>() + self.catalogue_memory()
    }

    /// How many bytes of memory answers to `initialize` and lists take, with those of lost tool
    /// servers, and what was made of them. Looks at every tool server.
    pub(super) fn catalogue_memory(&self) -> usize {
        let tools = self.tools.iter().map(|(_, tool)| tool.catalogue_memory());
        let result = self.initialize_result.as_ref().map_or(0, |result| allocated(result.len()));
        let own = self.catalogue.memory() + self.schemas.memory() + self.roster.memory();
        tools.sum::<usize>() + own + result
    }

    /// Others need the room, and the agent holds the most: gives up the largest thing the relay
    /// keeps for it.
    pub(in crate::relay) fn give_way(&mut self, turn: &mut Turn<'_>) {
        let calls = self.calls.iter().map(Call::memory).sum::<usize>();
        let lists = self.tools.iter().map(|(key, tool)| (tool.catalogue_memory(), key)).max();
        let (lists, key) = lists.map_or((0, None), |(lists, key)| (lists, Some(key)));
        let lost = self.roster.lost_memory();
        let most = calls.max(self.waiting.bytes()).max(lists).max(lost);
        if most == calls {
            self.give_up_calls(turn);
        } else if most == self.waiting.bytes() {
            self.give_up_waiting(turn);
        } else if let Some(key) = key.filter(|_| most == lists) {
            self.give_up_lists(turn, key);
        } else {
            self.roster.forget(|_| true);
            self.merge_all_now(turn);
        }
    }

    /// Forgets the lists of a tool server. It stays connected, and may be asked again.
    fn give_up_lists(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        tool.forget_lists();
        if tool.note_trouble(Trouble::GaveWay, turn.now) {
            self.say_trouble(turn, key);
        }
        self.merge_all_now(turn);
    }

    /// Refuses what waits of the robot that has the most of it waiting.
    fn give_up_waiting(&mut self, turn: &mut Turn<'_>) {
        let Some(key) = self.waiting.largest() else { return };
        let before = self.waiting.bytes();
        let ids = self.waiting.take_all_of(key);
        self.waits_less(turn, before);
        for id in ids {
            self.refuse(turn, key, &id, Refusal::NotForwarded(Cause::MemorySpent));
        }
        self.send_list_again(turn, key);
    }

    /// Cancels and refuses the requests under way of the robot whose requests take the most.
    fn give_up_calls(&mut self, turn: &mut Turn<'_>) {
        let mut sums = vec![0usize; self.robots.capacity()];
        for call in self.calls.iter() {
            if let Some(sum) = sums.get_mut(call.robot().place()) {
                *sum += call.memory();
            }
        }
        let most = sums.into_iter().enumerate().max_by_key(|(_, sum)| *sum);
        let Some(key) = most.map(|(place, _)| RobotKey::of(place)) else { return };
        while let Some(call) = self.calls.first_of(key) {
            let Some(call) = self.withdraw(turn, call, "memory limit") else { break };
            self.call_failed(turn, &call, Refusal::NotForwarded(Cause::MemorySpent));
        }
        self.send_list_again(turn, key);
    }

    /// How many bytes of memory are kept for the agent, counted again.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn memory(&self) -> usize {
        let robots = self.robots.iter().map(|(_, robot)| robot.memory());
        let calls = self.calls.iter().map(Call::memory);
        self.own_memory()
            + self.tools_memory()
            + self.waiting.bytes()
            + self.robots.len() * MEMORY_OF_ROBOT
            + self.subscriptions.memory()
            + robots.chain(calls).sum::<usize>()
    }
}
