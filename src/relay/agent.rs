//! One agent: its tools, its robots, and those it has just lost.
//!
//! What comes from a tool is handled in `from_tool.rs`, what comes from a robot in
//! `from_robot.rs`; where a request goes is decided in `routing.rs`; what all tools look like
//! together is made in `face.rs`.

use super::bucket::Bucket;
use super::catalogue::{Kind, PerKind};
use super::complaints::SILENCE;
use super::items::Items;
use super::liveness::Late;
use super::numbers::NumberMap;
use super::offers::Offers;
use super::reply::{self, Refusal};
use super::robot::{self, Queued, Robot};
use super::routing::Parked;
use super::tool::{self, Tool};
use super::trouble::Trouble;
use super::turn::Turn;
use super::{AgentView, Peer, Policy, ToolState, ToolView};
use crate::close::{CloseReason, Ending};
use crate::ledger::Account;
use crate::moment::Moment;
use crate::sorted::sorted;
use slab::Slab;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// A tool that went a moment ago and may come back.
#[derive(Debug)]
pub(super) struct Lost {
    pub line: u32,
    pub label: Box<str>,
    pub line_label: Box<str>,
    pub server_id: Option<Box<str>>,
    pub items: PerKind<Rc<Items>>,
    own_name: Option<Box<str>>,
    /// Until when requests wait for it.
    until: Moment,
}

impl Lost {
    /// What it called itself.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.own_name.as_deref()
    }

    /// Whether `tool` may turn out to be it, as far as can be said while its lists are unknown.
    fn may_be(&self, tool: &Tool) -> bool {
        let same_name = || tool.hello.is_none() || tool.own_name() == self.own_name.as_deref();
        match &self.server_id {
            Some(id) => tool.server_id.as_ref() == Some(id),
            None => tool.server_id.is_none() && same_name(),
        }
    }

    /// Whether it offered anything of `items`, or nothing at all.
    fn may_have_offered(&self, items: &Items) -> bool {
        let before = self.items.of(Kind::Tools);
        before.len() == 0 || before.shares_a_name_with(items)
    }
}

/// Whether and when robots are to be told that a list has changed.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// When they may be told again: a server that lists something else each time it is asked
    /// would otherwise have them ask for ever.
    pub not_before: Moment,
    pub due: bool,
}

/// Whether and when a merged list is to be made anew.
#[derive(Debug, Default)]
pub(super) struct MergeDue {
    pub due: bool,
    /// Robots are to be told even if the list stays as it is.
    pub tell: bool,
    /// The longer it takes, the longer it is before it is done again.
    pub not_before: Moment,
}

/// What tools without a name are remembered as when they go: one after the other, each would have a
/// label of its own.
pub(super) const NAMELESS: &str = "tool";

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub name: Box<str>,
    pub tools: Slab<Box<Tool>>,
    pub robots: Slab<Box<Robot>>,
    pub lost: Vec<Lost>,
    pub offers: PerKind<Offers>,
    pub telling: PerKind<Telling>,
    pub merging: PerKind<MergeDue>,
    /// Whether something is left to be done as soon as the other agents have had their turn.
    pub unfinished: bool,
    /// What its peers have made the relay send to several others.
    pub fan_out: Bucket,
    /// Requests that wait for a tool, the oldest first.
    pub parked: VecDeque<Parked>,
    /// Bytes of memory of the requests that wait here.
    pub held: usize,
    pub account: Account,
    /// Bytes of memory of everything that is kept for the agent, and those of its tool servers.
    pub kept: usize,
    pub tools_kept: usize,
    /// When the relay will call [`Agent::time`].
    pub armed: Option<Moment>,
    joined: u32,
    pub lines: u32,
    /// The place of the tool server that serves each line: the newest of its twins.
    pub serving: NumberMap<u32, usize>,
    /// The answer to a robot's `initialize`, as long as nothing changes it.
    pub hello: Option<Box<str>>,
}

impl Agent {
    pub(super) fn new(name: &str, account: Account) -> Self {
        let mut agent = Agent {
            name: name.into(),
            tools: Slab::new(),
            robots: Slab::new(),
            lost: Vec::new(),
            offers: PerKind::default(),
            telling: PerKind::default(),
            merging: PerKind::default(),
            unfinished: false,
            fan_out: Bucket::default(),
            parked: VecDeque::new(),
            held: 0,
            account,
            kept: 0,
            tools_kept: 0,
            armed: None,
            joined: 0,
            lines: 0,
            serving: NumberMap::default(),
            hello: None,
        };
        agent.kept = agent.own_memory();
        agent
    }

    /// Whether nobody is here, nor expected back.
    pub(super) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.robots.is_empty() && self.lost.is_empty()
    }

    /// The places of the tools that `wanted` picks, the oldest first.
    pub(super) fn tools_where(&self, wanted: impl Fn(&Tool) -> bool) -> Vec<usize> {
        let tools = self.tools.iter().filter(|(_, tool)| wanted(tool));
        let places = sorted(tools.map(|(place, tool)| (tool.order, place)));
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// A tool has connected; returns its place.
    pub(super) fn tool_joined(
        &mut self,
        turn: &mut Turn<'_>,
        peer: Peer,
        address: &str,
        server_id: Option<&str>,
    ) -> usize {
        self.joined += 1;
        let mut tool = Tool::new(peer, self.joined, address, server_id);
        tool.joined = turn.now;
        if !turn.policy.handshake {
            tool.state = ToolState::Transparent;
        }
        let place = self.tools.insert(Box::new(tool));
        turn.catalogue_changed();
        if server_id.is_some() {
            self.replace_older(turn, place, server_id);
        }
        self.name_tool(place);
        let Some(tool) = self.tools.get_mut(place) else { return place };
        log::info!("{}", turn.policy.language.tool_joined(tool::Who(&self.name, tool)));
        if turn.policy.handshake {
            tool.shake_hands(turn);
        } else {
            self.forget_lost(turn);
            self.settle(turn);
        }
        place
    }

    /// A tool takes the place of those of the same `server_id`.
    fn replace_older(&mut self, turn: &mut Turn<'_>, newer: usize, server_id: Option<&str>) {
        for place in self.tools_where(|tool| tool.server_id.as_deref() == server_id) {
            if place != newer {
                if let Some(old) = self.tools.get(place) {
                    turn.close(old.peer, CloseReason::Replaced);
                }
                self.tool_left(turn, place, &CloseReason::Replaced.into());
            }
        }
    }

    /// Gives a tool its label: what it calls itself, told apart from the others.
    pub(super) fn name_tool(&mut self, place: usize) {
        let Some(tool) = self.tools.get(place) else { return };
        let own = tool.server_id.as_deref();
        let hello_name = tool.own_name();
        let base = match own.or(hello_name) {
            Some(base) => base.to_owned(),
            None => format!("tool-{}", tool.order),
        };
        let others = self.tools.iter().filter(|(other, _)| *other != place);
        let taken: HashSet<&str> = others.map(|(_, tool)| &*tool.label).collect();
        let label = (1u32..)
            .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
            .find(|label| !taken.contains(&**label))
            .unwrap_or(base);
        if let Some(tool) = self.tools.get_mut(place) {
            tool.label = label.into();
            tool.line_label = tool.label.clone();
        }
    }

    /// A tool is gone: what it had not answered is answered, and it is kept in mind for a while.
    pub(super) fn tool_left(&mut self, turn: &mut Turn<'_>, place: usize, end: &Ending) {
        let Some(mut tool) = self.tools.try_remove(place) else { return };
        turn.catalogue_changed();
        self.hello = None;
        self.find_server(tool.line);
        let language = turn.policy.language;
        let why = end.told(language);
        log::info!("{}", language.tool_left(tool::Who(&self.name, &tool), &why));
        let label = if tool.is_nameless() { NAMELESS } else { &tool.label };
        turn.departures.note(turn.now, &self.name, (label, &tool.address), end);
        for number in tool.in_flight.numbers(|_| true) {
            if let Some(call) = tool.end_call(turn, number) {
                self.call_failed(turn, place, number, &call, Refusal::ToolLost(&why));
            }
        }
        self.pay_lists_owed(turn);
        let served_by_a_twin = self.serving(tool.line).is_some();
        if !served_by_a_twin && !turn.policy.reconnect_grace.is_zero() {
            let until = turn.now.after(turn.policy.reconnect_grace);
            turn.wake(until);
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
        self.merge_all(turn);
        self.settle(turn);
    }

    /// Does not wait any longer for lost tools whose grace has ended, unless one that has come
    /// since may turn out to be it.
    pub(super) fn give_up_lost(&mut self, turn: &mut Turn<'_>) {
        let is_over = |lost: &Lost| lost.until <= turn.now && !self.may_be_back(lost);
        let over: Vec<bool> = self.lost.iter().map(is_over).collect();
        if over.contains(&true) {
            let mut over = over.into_iter();
            self.lost.retain(|_| over.next() == Some(false));
            self.merge_all(turn);
        }
        if let Some(until) = self.grace_ends() {
            turn.wake(until);
        }
    }

    /// When the first of the lost tools is given up.
    fn grace_ends(&self) -> Option<Moment> {
        let lost = self.lost.iter().filter(|lost| !self.may_be_back(lost));
        lost.map(|lost| lost.until).min()
    }

    /// The tool server that serves a line.
    pub(super) fn serving(&self, line: u32) -> Option<usize> {
        self.serving.get(&line).copied()
    }

    /// Finds out anew who serves a line: the newest of its twins.
    pub(super) fn find_server(&mut self, line: u32) {
        let twins = self.tools.iter().filter(|(_, tool)| line != 0 && tool.line == line);
        match twins.max_by_key(|(_, tool)| tool.order) {
            Some((place, _)) => self.serving.insert(line, place),
            None => self.serving.remove(&line),
        };
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

    fn forget_lost(&mut self, turn: &mut Turn<'_>) {
        if !self.lost.is_empty() {
            self.lost.clear();
            self.merge_all(turn);
        }
    }

    /// A robot has connected; returns its place.
    pub(super) fn robot_joined(&mut self, turn: &mut Turn<'_>, peer: Peer, address: &str) -> usize {
        let mut robot = Robot::new(peer, address, turn.now);
        let speaks_by = turn.now.after(SILENCE);
        robot.speaks_by = Some(speaks_by);
        turn.wake(speaks_by);
        let language = turn.policy.language;
        log::info!("{}", language.robot_joined(robot::Who(&self.name, &robot), self.tools.len()));
        turn.keep(robot.memory());
        self.robots.insert(Box::new(robot))
    }

    /// A robot is gone: its requests are cancelled.
    pub(super) fn robot_left(&mut self, turn: &mut Turn<'_>, place: usize, end: &Ending) {
        let Some(robot) = self.robots.try_remove(place) else { return };
        turn.free(robot.memory());
        let language = turn.policy.language;
        log::info!("{}", language.robot_left(robot::Who(&self.name, &robot), &end.told(language)));
        for ticket in &robot.tickets {
            let call = self.withdraw(turn, ticket.tool, ticket.number, "client disconnected");
            turn.traffic.calls_cancelled += u64::from(call.is_some());
        }
        if robot.parked > 0 {
            let gone = |parked: &Parked| parked.robot == place;
            let freed: usize = self.parked.iter().filter(|p| gone(p)).map(Parked::memory).sum();
            self.parked.retain(|parked| !gone(parked));
            self.release(turn, freed);
        }
        let waiting = robot.waiting.iter().map(|waiting| waiting.memory());
        let freed = waiting.chain(robot.inbox.iter().map(Queued::memory)).sum();
        self.release(turn, freed);
    }

    /// Does what is due.
    pub(super) fn time(&mut self, turn: &mut Turn<'_>) {
        self.unfinished = false;
        for place in self.tools_where(|_| true) {
            self.tool_time(turn, place);
        }
        self.parked_time(turn);
        self.complain_of_silence(turn);
        self.settle(turn);
        self.tell_if_due(turn);
    }

    fn tool_time(&mut self, turn: &mut Turn<'_>, place: usize) {
        let now = turn.now;
        let Some(tool) = self.tools.get_mut(place) else { return };
        // First, for a list that has changed meanwhile is then asked for again at once.
        for late in tool.late_lists(turn) {
            self.list_is_late(turn, place, &late);
        }
        let Some(tool) = self.tools.get_mut(place) else { return };
        if let Err(trouble) = tool.time(turn) {
            self.tool_is_opaque(turn, place, trouble);
        }
        let Some(tool) = self.tools.get_mut(place) else { return };
        if tool.in_flight.first_deadline().is_none_or(|first| first > now) {
            return;
        }
        for number in tool.in_flight.numbers(|call| call.deadline <= now) {
            let Some(call) = self.withdraw(turn, place, number, "timed out") else { continue };
            self.call_failed(turn, place, number, &call, Refusal::TimedOut);
        }
    }

    /// A list was not answered in time.
    fn list_is_late(&mut self, turn: &mut Turn<'_>, place: usize, late: &Late) {
        let Some(tool) = self.tools.get_mut(place) else { return };
        let language = turn.policy.language;
        let (kind, words) = match late {
            Late::Repeated => (Kind::Tools, language.tools_awaited()),
            Late::Abandoned => (Kind::Tools, language.tools_not_told()),
            Late::GivenUp { kind, .. } => (*kind, language.list_silent(kind.row().list)),
        };
        let is_news = tool.note_trouble(Trouble::ListSilent(kind.row().list), turn.now);
        if is_news || matches!(late, Late::Abandoned) {
            log::warn!("{}", language.tool_trouble(tool::Who(&self.name, tool), words));
        }
        if let Late::GivenUp { kind, tell } = late {
            self.list_is_known(turn, place, *kind, *tell);
        }
    }

    /// A tool does not shake hands.
    pub(super) fn tool_is_opaque(&mut self, turn: &mut Turn<'_>, place: usize, trouble: Trouble) {
        let Some(tool) = self.tools.get_mut(place) else { return };
        let language = turn.policy.language;
        log::warn!("{}", language.tool_opaque(tool::Who(&self.name, tool), trouble.told(language)));
        tool.become_opaque(trouble, turn.now);
        self.settle(turn);
    }

    /// Follows new settings.
    pub(super) fn follow_policy(&mut self, turn: &mut Turn<'_>) {
        for (_, tool) in &mut self.tools {
            tool.follow_policy(turn);
        }
    }

    /// When [`Agent::time`] has something to do.
    pub(super) fn deadline(&self, policy: &Policy) -> Option<Moment> {
        let listing_timeout = policy.handshake_timeout;
        let tools = self.tools.iter().filter_map(|(_, tool)| tool.deadline(listing_timeout));
        let lost = self.grace_ends();
        let parked = self.parked.iter().map(|parked| parked.deadline);
        let waiting = self.patience_ends();
        let telling = self.telling_due().into_iter().chain(self.merge_due());
        let unfinished = self.unfinished.then(Moment::default);
        let silent = self.robots.iter().filter_map(|(_, robot)| robot.speaks_by);
        tools
            .chain(lost)
            .chain(silent)
            .chain(parked)
            .chain(waiting)
            .chain(telling)
            .chain(unfinished)
            .min()
    }

    /// The agent as who has the key may see it.
    pub(super) fn view(&self, now: Moment, language: crate::text::Language) -> AgentView {
        let offers = self.offers.of(Kind::Tools);
        let tools = self.tools_where(|_| true);
        let tools = tools.iter().filter_map(|place| Some((*place, self.tools.get(*place)?)));
        AgentView {
            robots: self.robots.len(),
            offered: offers.len(),
            kept: self.kept,
            tools: tools
                .map(|(place, tool)| {
                    let serves = self.serving(tool.line) == Some(place);
                    let (count, names) =
                        if serves { offers.names_of(tool.line) } else { Default::default() };
                    ToolView {
                        label: tool.label.to_string(),
                        address: tool.address.to_string(),
                        state: tool.state,
                        tools_count: count,
                        tools: names.to_owned(),
                        server_info: tool
                            .hello
                            .as_ref()
                            .and_then(|hello| hello.server_info())
                            .map(str::to_owned),
                        connected_seconds: now.since(tool.joined).as_secs(),
                        in_flight: tool.in_flight.call_count(),
                        last_error: tool.trouble_at(now).map(|trouble| trouble.told(language)),
                    }
                })
                .collect(),
        }
    }

    /// Takes a request back from a tool, which is told; returns it.
    pub(super) fn withdraw(
        &mut self,
        turn: &mut Turn<'_>,
        tool: usize,
        number: u32,
        reason: &str,
    ) -> Option<super::in_flight::Call> {
        let tool = self.tools.get_mut(tool)?;
        let call = tool.end_call(turn, number)?;
        if call.nature != super::in_flight::Nature::Initialize {
            let _ = turn.send_to_tool(tool.peer, &[&reply::cancelled(number, reason)]);
        }
        Some(call)
    }

    /// What must always hold.
    ///
    /// # Panics
    /// Where it does not: for tests and debug builds only.
    #[cfg(any(debug_assertions, test))]
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
            let newest = self.serving(tool.line).and_then(|place| self.tools.get(place));
            assert!(newest.is_some_and(|newest| newest.line == tool.line), "{place} is not served");
            assert!(newest.is_some_and(|newest| newest.order >= tool.order), "{place} is newer");
        }
        let tickets: usize = self.robots.iter().map(|(_, robot)| robot.tickets.len()).sum();
        assert_eq!(tickets, calls, "a ticket without its call");
        let parked: usize = self.robots.iter().map(|(_, robot)| robot.parked).sum();
        assert_eq!(parked, self.parked.len(), "parked requests are miscounted");
        assert_eq!(self.waiting_memory(), self.held, "held bytes are miscounted");
        assert_eq!(self.tools_memory(), self.tools_kept, "a change of the catalogue is not told");
        assert_eq!(self.memory(), self.kept, "kept bytes are miscounted");
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

/// How many lost tools are waited for; beyond that the one lost first is given up.
const MOST_LOST: usize = 64;

/// How long a robot's `initialize` or list waits for tools.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
