//! What an agent keeps, measured as memory, and what it gives up when it holds too much.

use super::Agent;
use crate::ledger::{table_of, GROWS};
use crate::relay::calls::Call;
use crate::relay::catalogue::{Gathered, Kind};
use crate::relay::lost::Lost;
#[cfg(any(debug_assertions, test))]
use crate::relay::parked::Parked;
use crate::relay::reply::{Cause, Refusal};
use crate::relay::robot::Queued;
use crate::relay::table::{Key, RobotKey, ToolServerKey};
use crate::relay::trouble::Trouble;
use crate::relay::turn::Turn;
use std::rc::Rc;
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

    /// How many bytes of memory hellos and lists take, those just lost included, and what was made
    /// of them. Looks at every tool server.
    pub(super) fn catalogue_memory(&self) -> usize {
        let tools = self.tools.iter().map(|(_, tool)| tool.catalogue_memory());
        let lost = self.lost.iter().map(Lost::memory);
        let hello = self.hello.as_ref().map_or(0, |hello| allocated(hello.len()));
        let serving = table_of::<u32, usize>(GROWS * self.serving.len());
        tools.chain(lost).sum::<usize>()
            + self.catalogue.memory()
            + self.schemas.memory()
            + hello
            + serving
    }

    /// Keeps a message that takes `bytes` of memory here, if there is room.
    pub(super) fn hold(&mut self, turn: &mut Turn<'_>, bytes: usize) -> Result<(), Cause> {
        let held = self.held.saturating_add(bytes);
        if held > turn.policy.max_held && self.held > 0 {
            return Err(Cause::TooMuchHeld);
        }
        if !turn.admits(bytes) {
            return Err(Cause::MemorySpent);
        }
        self.held = held;
        *turn.held = turn.held.saturating_add(bytes);
        turn.keep(bytes);
        Ok(())
    }

    /// A message that takes `bytes` of memory is not kept here any more.
    pub(super) fn release(&mut self, turn: &mut Turn<'_>, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
        *turn.held = turn.held.saturating_sub(bytes);
        turn.free(bytes);
    }

    /// Others need the room, and the agent holds the most: gives up the largest thing the relay
    /// keeps for it.
    pub(in crate::relay) fn give_way(&mut self, turn: &mut Turn<'_>) {
        let calls = self.calls.iter().map(Call::memory).sum::<usize>();
        let lists = self.tools.iter().map(|(key, tool)| (tool.catalogue_memory(), key)).max();
        let (lists, key) = lists.map_or((0, None), |(lists, key)| (lists, Some(key)));
        let lost: usize = self.lost.iter().map(Lost::memory).sum();
        let most = calls.max(self.held).max(lists).max(lost);
        if most == calls {
            self.give_up_calls(turn);
        } else if most == self.held {
            self.give_up_waiting(turn);
        } else if let Some(key) = key.filter(|_| most == lists) {
            self.give_up_lists(turn, key);
        } else {
            self.lost.clear();
            self.merge_all_now(turn);
        }
    }

    /// Forgets the lists of a tool server. It stays connected, and may be asked again.
    fn give_up_lists(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        for kind in Kind::all() {
            let list = tool.lists.of_mut(kind);
            list.items = Rc::default();
            if let Some(listing) = &mut list.running {
                listing.gathered = Gathered::default();
            }
        }
        if tool.note_trouble(Trouble::GaveWay, turn.now) {
            self.say_trouble(turn, key);
        }
        self.merge_all_now(turn);
    }

    /// Refuses what waits of the robot that has the most of it waiting.
    fn give_up_waiting(&mut self, turn: &mut Turn<'_>) {
        let mut sums = vec![0usize; self.robots.capacity()];
        for (key, robot) in self.robots.iter() {
            let own = robot.waiting.iter().map(|waiting| waiting.memory());
            if let Some(sum) = sums.get_mut(key.place()) {
                *sum += own.chain(robot.inbox.iter().map(Queued::memory)).sum::<usize>();
            }
        }
        for parked in self.parked.iter() {
            if let Some(sum) = sums.get_mut(parked.robot.place()) {
                *sum += parked.memory();
            }
        }
        let most = sums.into_iter().enumerate().max_by_key(|(_, sum)| *sum);
        let Some(key) = most.map(|(place, _)| RobotKey::of(place)) else { return };
        let gone = self.parked.take_all_of(key);
        gone.iter().for_each(|parked| self.unparked(turn, parked));
        let Some(robot) = self.robots.get_mut(key) else { return };
        let (inbox, waiting) = (std::mem::take(&mut robot.inbox), robot.waiting.take());
        let freed = waiting.iter().map(|waiting| waiting.memory());
        self.release(turn, freed.chain(inbox.iter().map(Queued::memory)).sum());
        let ids = gone.iter().map(|parked| &*parked.id);
        let ids = ids.chain(waiting.iter().map(|waiting| &*waiting.id));
        for id in ids.chain(inbox.iter().filter_map(|queued| queued.id.as_deref())) {
            self.refuse(turn, key, id, Refusal::NotForwarded(Cause::MemorySpent));
        }
        self.pay_list_owed(turn, key);
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
        self.pay_list_owed(turn, key);
    }

    /// How many bytes of memory are kept for the agent, counted anew.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn memory(&self) -> usize {
        let robots = self.robots.iter().map(|(_, robot)| robot.memory());
        let calls = self.calls.iter().map(Call::memory);
        self.own_memory()
            + self.tools_memory()
            + self.waiting_memory()
            + self.subscriptions.memory()
            + robots.chain(calls).sum::<usize>()
    }

    /// How many bytes of memory the requests that wait take, counted anew.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn waiting_memory(&self) -> usize {
        let texts = self.robots.iter().flat_map(|(_, robot)| {
            let waiting = robot.waiting.iter().map(|waiting| waiting.memory());
            waiting.chain(robot.inbox.iter().map(Queued::memory))
        });
        texts.chain(self.parked.iter().map(Parked::memory)).sum()
    }
}
