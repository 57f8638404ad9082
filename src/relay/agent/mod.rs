//! One agent: its tool servers, its robots, and those it has just lost.
//!
//! This folder is the only one that knows all owners of an agent's state. What comes from a tool server is
//! handled in `from_tool.rs`, what comes from a robot in `from_robot.rs`; where a request goes is
//! decided in `routing.rs`; what all tool servers offer together is made in `offer.rs`.

mod ask;
mod diagnostics;
mod from_robot;
mod from_tool;
#[cfg(any(debug_assertions, test))]
mod invariants;
mod memory;
mod offer;
mod roster;
mod routing;
mod snapshot;
mod subscriptions;
mod tool_server;
mod waiting;

use crate::close::{CloseReason, Ending};
use crate::ledger::Account;
use crate::relay::bucket::Bucket;
use crate::relay::calls::{Call, CallKey, CallTable, Nature, ToolKey};
use crate::relay::catalogue::MergedCatalogue;
use crate::relay::departures::LOOP;
use crate::relay::diagnostics::{level, SILENCE};
use crate::relay::quirks::Schemas;
use crate::relay::reply::{self, Refusal};
use crate::relay::robot::{Robot, RobotInLog};
use crate::relay::roster::Roster;
use crate::relay::subscriptions::Subscriptions;
use crate::relay::table::{in_order, RobotKey, Table, ToolServerKey};
use crate::relay::tool_server::{Doubt, ToolServer, ToolServerInLog};
use crate::relay::turn::Turn;
use crate::relay::waiting::{Waiting, MEMORY_OF_ROBOT};
use crate::relay::{Peer, ToolState};
use crate::time::{earlier, Moment};
use std::collections::VecDeque;

/// How tool servers without a name are remembered when they go: one after the other, each would have a
/// label of its own.
pub(super) const NAMELESS: &str = "tool";

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub name: Box<str>,
    pub tools: Table<ToolServerKey, ToolServer>,
    pub robots: Table<RobotKey, Robot>,
    /// The requests under way to its tool servers.
    pub calls: CallTable,
    /// Tool servers that have left, with calls that are still to be answered, and why they left.
    leaving: VecDeque<(ToolKey, Box<str>)>,
    pub roster: Roster,
    /// What it offers its robots.
    pub catalogue: MergedCatalogue,
    /// The schemas of its tools as `xiaozhi-server` reads them.
    pub schemas: Schemas,
    /// Whether something is left to be done as soon as the other agents have had their turn.
    pub unfinished: Option<Moment>,
    /// What its peers have made the relay send to several others.
    pub fan_out: Bucket,
    pub waiting: Waiting,
    pub account: Account,
    /// Bytes of memory of everything that is kept for the agent, and those of its tool servers.
    pub kept: usize,
    /// As much of it as the ledger knows.
    pub charged: usize,
    pub tools_kept: usize,
    /// When the relay will call [`Agent::time`].
    pub armed: Option<Moment>,
    joined: u32,
    /// The answer to a robot's `initialize`, as long as nothing changes it.
    pub initialize_result: Option<Box<str>>,
    /// How many of its tool servers joined while `handshake` was off.
    pub transparent: usize,
    pub subscriptions: Subscriptions,
}

impl Agent {
    pub(super) fn new(name: &str, account: Account) -> Self {
        let mut agent = Agent {
            name: name.into(),
            tools: Table::default(),
            robots: Table::default(),
            calls: CallTable::default(),
            leaving: VecDeque::new(),
            roster: Roster::default(),
            catalogue: MergedCatalogue::default(),
            schemas: Schemas::default(),
            unfinished: None,
            fan_out: Bucket::default(),
            waiting: Waiting::default(),
            account,
            kept: 0,
            charged: 0,
            tools_kept: 0,
            armed: None,
            joined: 0,
            initialize_result: None,
            transparent: 0,
            subscriptions: Subscriptions::default(),
        };
        agent.kept = agent.own_memory();
        agent.charged = agent.kept;
        agent
    }

    /// Whether nobody is here, nor expected back.
    pub(super) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.robots.is_empty() && self.roster.lost().is_empty()
    }

    /// The places of the tool servers that `wanted` picks, the oldest first.
    pub(super) fn tools_where(&self, wanted: &dyn Fn(&ToolServer) -> bool) -> Vec<ToolServerKey> {
        let tools = self.tools.iter().filter(|(_, tool)| wanted(tool));
        in_order(tools.map(|(key, tool)| (tool.order, key)))
    }

    /// A tool server has connected; returns its place.
    pub(super) fn tool_joined(
        &mut self,
        turn: &mut Turn<'_>,
        peer: Peer,
        address: &str,
        server_id: Option<&str>,
    ) -> ToolServerKey {
        self.joined += 1;
        let other_id = self.other_id(turn, peer, server_id);
        let server_id = other_id.as_deref().or(server_id);
        let mut tool = ToolServer::new(peer, self.joined, address, server_id);
        let rules = server_id.and_then(|id| turn.policy.selection.server(id));
        tool.request_timeout = rules.filter(|_| peer.is_seat()).and_then(|r| r.request_timeout);
        (tool.joined, tool.heard) = (turn.now, turn.now);
        if !turn.policy.handshake {
            tool.state = ToolState::Transparent;
            self.transparent += 1;
        }
        tool.key = self.calls.add_tool(self.tools.next_key());
        let key = self.tools.insert(tool);
        turn.catalogue_changed();
        if server_id.is_some() {
            self.replace_older(turn, key, server_id);
        }
        self.name_tool(turn, key);
        let Some(tool) = self.tools.expect_mut(key) else { return key };
        let is_loop = turn.departures.is_loop(turn.now, &self.name, server_id);
        let who = ToolServerInLog(&self.name, tool);
        log::log!(level(is_loop), "{}", turn.policy.language.tool_joined(who));
        if turn.policy.handshake {
            self.send_initialize(turn, key);
        } else {
            self.forget_lost(turn);
            turn.tools_changed();
        }
        key
    }

    /// A tool server takes the place of those of the same `server_id`.
    fn replace_older(
        &mut self,
        turn: &mut Turn<'_>,
        newer: ToolServerKey,
        server_id: Option<&str>,
    ) {
        let is_seat = self.tools.expect(newer).is_some_and(|tool| tool.peer.is_seat());
        let same = |tool: &ToolServer| {
            tool.server_id.as_deref() == server_id && tool.peer.is_seat() == is_seat
        };
        for key in self.tools_where(&same) {
            if key != newer {
                if let Some(old) = self.tools.expect(key) {
                    turn.close(old.peer, CloseReason::Replaced);
                }
                self.tool_left(turn, key, &CloseReason::Replaced.into());
            }
        }
    }

    /// A tool server is gone (docs/protocol.md#lost-tool-servers): its calls are answered with an error,
    /// and it may come back within the grace period.
    pub(super) fn tool_left(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, end: &Ending) {
        let Some(tool) = self.tools.remove(key) else { return };
        self.calls.tool_left(tool.key);
        self.transparent -= usize::from(tool.state == ToolState::Transparent);
        turn.catalogue_changed();
        self.initialize_result = None;
        self.find_server(tool.identity);
        let language = turn.policy.language;
        let why = language.ending(end);
        let is_lost = end.reason != CloseReason::NotNeeded;
        let label = if tool.is_nameless() { NAMELESS } else { &tool.label };
        let gone = (label, &*tool.address);
        let (times, replaced) = match is_lost {
            true => turn.departures.note(turn.now, &self.name, gone, end),
            false => (0, 0),
        };
        let who = ToolServerInLog(&self.name, &tool);
        log::log!(level(times >= LOOP || !is_lost), "{}", language.tool_left(&who, &why));
        if times >= LOOP {
            self.warn_of_loop(turn, &tool, times, &why);
        }
        if replaced >= LOOP && end.reason == CloseReason::Replaced {
            self.warn_of_evictions(turn, &tool, replaced);
        }
        self.leaving.push_back((tool.key, (&*why).into()));
        self.answer_lost_calls(turn);
        let served_by_a_twin = self.roster.serving(tool.identity).is_some();
        if is_lost && !served_by_a_twin && !turn.policy.reconnect_grace.is_zero() {
            self.lose(turn, tool);
        }
        self.merge_all(turn);
        // Not before it is known what is left.
        self.send_lists_again(turn);
        self.renew_subscriptions(turn);
        turn.tools_changed();
    }

    /// Answers what tool servers that have left had not answered: as much as there is time for.
    fn answer_lost_calls(&mut self, turn: &mut Turn<'_>) {
        while let Some((tool, why)) = self.leaving.pop_front() {
            while let Some(key) = self.calls.first_at(tool) {
                if turn.is_spent() {
                    self.leaving.push_front((tool, why));
                    return self.go_on_later(turn);
                }
                // The relay's own requests need no answer.
                if let Some(call) = self.close_call(turn, key) {
                    self.call_failed(turn, &call, Refusal::ToolLost(&why));
                }
            }
            self.calls.forget_tool(tool);
        }
    }

    /// A robot has connected; returns its place.
    pub(super) fn robot_joined(
        &mut self,
        turn: &mut Turn<'_>,
        peer: Peer,
        address: &str,
    ) -> RobotKey {
        let mut robot = Robot::new(peer, address, turn.now);
        let speaks_by = turn.now.after(SILENCE);
        robot.speaks_by = Some(speaks_by);
        robot.transparent = !turn.policy.handshake;
        let language = turn.policy.language;
        let is_loop = turn.diagnostics.is_crowd(turn.now, &self.name);
        let who = RobotInLog(&self.name, &robot);
        log::log!(level(is_loop), "{}", language.robot_joined(who, self.tools.len()));
        turn.keep(robot.memory() + MEMORY_OF_ROBOT);
        self.robots.insert(robot)
    }

    /// A robot is gone: its requests are cancelled.
    pub(super) fn robot_left(&mut self, turn: &mut Turn<'_>, key: RobotKey, end: &Ending) {
        let Some(robot) = self.robots.remove(key) else { return };
        turn.free(robot.memory() + MEMORY_OF_ROBOT);
        let language = turn.policy.language;
        let why = language.ending(end);
        let is_loop = turn.diagnostics.note_robot(turn.now, &self.name);
        let who = RobotInLog(&self.name, &robot);
        log::log!(level(is_loop), "{}", language.robot_left(who, &why));
        if is_loop {
            self.warn_of_crowd(turn, &robot, &why);
        }
        while let Some(call) = self.calls.first_of(key) {
            self.withdraw(turn, call, "client disconnected");
            turn.traffic.calls_cancelled += 1;
        }
        let before = self.waiting.bytes();
        self.waiting.take_all_of(key);
        self.waits_less(turn, before);
        self.unsubscribe_all(turn, key);
    }

    /// Does what is due.
    pub(super) fn time(&mut self, turn: &mut Turn<'_>) {
        self.unfinished = None;
        self.answer_lost_calls(turn);
        for key in self.tools_where(&|_| true) {
            self.tool_time(turn, key);
        }
        self.calls_time(turn);
        if self.roster.time(turn.now) {
            self.report_unused(turn);
        }
        self.give_up_parked(turn);
        self.warn_of_silence(turn);
        turn.is_time = true;
    }

    /// Ends an input: serves the requests that waited for what has changed.
    pub(super) fn end_input(&mut self, turn: &mut Turn<'_>) {
        if turn.has_news() || turn.is_time {
            self.serve_waiting(turn);
        }
        if turn.is_time {
            self.notify_robots_if_due(turn);
            self.tools.refresh_deadline();
            self.robots.refresh_deadline();
        }
    }

    /// Gives up the calls that were not answered in time.
    fn calls_time(&mut self, turn: &mut Turn<'_>) {
        while let Some(late) = self.calls.late(turn.now) {
            if turn.is_spent() {
                return self.go_on_later(turn);
            }
            let at = self.calls.place_and_id(late);
            let Some(call) = self.withdraw(turn, late, "timed out") else { break };
            self.call_failed(turn, &call, Refusal::TimedOut);
            if let Some((Some(key), _)) = at {
                self.doubts(turn, key, Doubt::TimedOut);
            }
        }
    }

    /// When [`Agent::time`] has something to do: then, or later.
    pub(super) fn next_deadline(&mut self) -> Option<Moment> {
        let mut next = self.calls.next_deadline();
        next = earlier(next, self.tools.next_deadline());
        next = earlier(next, self.robots.next_deadline());
        next = earlier(next, self.waiting.next_deadline());
        next = earlier(next, self.catalogue.next_deadline());
        next = earlier(next, self.roster.next_deadline());
        earlier(next, self.unfinished)
    }

    /// Takes a call out that is over.
    pub(super) fn close_call(&mut self, turn: &mut Turn<'_>, key: CallKey) -> Option<Call> {
        let call = self.calls.close(key)?;
        turn.free(call.memory());
        Some(call)
    }

    /// Takes a call back from its tool server, which is told; returns the call.
    pub(super) fn withdraw(
        &mut self,
        turn: &mut Turn<'_>,
        key: CallKey,
        reason: &str,
    ) -> Option<Call> {
        let at = self.calls.place_and_id(key);
        let call = self.close_call(turn, key)?;
        if let Some((Some(key), number)) = at.filter(|_| call.nature != Nature::Initialize) {
            if let Some(tool) = self.tools.expect(key) {
                let _ = turn.send_to_tool(tool.peer, &[&reply::cancelled(number, reason)]);
            }
        }
        Some(call)
    }

    /// How many requests of a robot are under way or wait.
    pub(super) fn load(&self, robot: RobotKey) -> usize {
        let (_, under_way) = self.calls.count_of(robot);
        under_way + self.waiting.count_of(robot)
    }
}
