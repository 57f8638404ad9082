//! The core: what goes where, and when it is too late (docs/protocol.md#the-relay).
//!
//! The relay is told that a peer joined, what it said, that it left, and what time it is. It
//! answers through a [`Wire`]. It never sees a socket, a clock, a file or a random number.

mod agent;
mod bucket;
mod calls;
mod catalogue;
mod counters;
mod departures;
mod diagnostics;
mod identity;
mod ids;
mod initialize;
mod numbers;
mod peers;
mod policy;
mod quirks;
mod reply;
mod robot;
mod roster;
mod route;
mod snapshot;
mod subscriptions;
mod table;
mod tool_server;
mod turn;
mod waiting;
mod wire;

pub use catalogue::{Patterns, Selection, SelectionEntry, ServerRules, Texts, ALL_AGENTS};
pub use counters::{Counter, Counts, Errors, Latency, Section, Traffic, COUNTERS, FAMILIES};
pub use departures::Departed;
pub use ids::ids_in;
pub use numbers::{number, number_loosely};
pub use policy::Policy;
#[cfg(fuzzing)]
pub use quirks::inlined;
pub use snapshot::{AgentStatus, Catalogue, ChosenTool, RobotStatus, ToolState, ToolStatus};
pub use wire::{Congested, Joining, Peer, Side, Wire};

use crate::close::Ending;
use crate::ledger::Account;
use crate::sorted::sorted;
use crate::text::Language;
use crate::time::{Deadlines, Moment};
use agent::{Agent, NAMELESS};
use catalogue::{Kind, Unused};
use departures::Departures;
use diagnostics::Diagnostics;
use peers::{Connection, Peers, Role};
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;
use table::{AgentKey, Key};
use turn::Turn;

/// The relay.
#[derive(Debug, Default)]
pub struct Relay {
    policy: Policy,
    agents: Slab<Agent>,
    names: HashMap<Box<str>, AgentKey>,
    peers: Peers,
    /// The places of the agents, by what they have to do next.
    deadlines: Deadlines<usize>,
    traffic: Traffic,
    held: usize,
    /// What the server itself is charged for.
    own_kept: usize,
    diagnostics: Diagnostics,
    departures: Departures,
    /// Which patterns of the selection are still to be looked at.
    unused: Unused,
    /// How much work was done since the relay was last told the time, see [`turn::MAX_WORK`].
    work: usize,
}

impl Relay {
    /// A relay without anybody.
    pub fn new(policy: Policy) -> Self {
        let mut relay = Relay::default();
        relay.unused.follow(&Selection::default(), &policy.selection);
        relay.policy = policy;
        relay
    }

    /// Follows new settings from now on. Whoever is connected stays as it is.
    pub fn set_policy(&mut self, now: Moment, policy: Policy, wire: &mut dyn Wire) {
        if self.policy.handshake != policy.handshake && !self.agents.is_empty() {
            log::warn!("{}", policy.language.handshake_for_new(policy.handshake));
        }
        if !Arc::ptr_eq(&self.policy.selection, &policy.selection) {
            self.unused.follow(&self.policy.selection, &policy.selection);
        }
        self.policy = policy;
        self.work = 0;
        let agents: Vec<AgentKey> = self.agents.iter().map(|(at, _)| AgentKey::of(at)).collect();
        for agent in agents {
            // What many agents have to do now, they do in portions.
            let is_enough = self.work > turn::MAX_WORK;
            self.handle(now, agent, wire, |agent, turn| {
                agent.follow_policy(turn);
                match is_enough {
                    true => agent.go_on_later(turn),
                    false => agent.time(turn),
                }
            });
        }
    }

    /// A peer has connected with a token of `joining.agent`. A newer tool server of the same `server_id`
    /// takes the place of the older one.
    pub fn joined(&mut self, now: Moment, peer: Peer, joining: Joining<'_>, wire: &mut dyn Wire) {
        let agent = match self.names.get(joining.agent) {
            Some(agent) => *agent,
            None => {
                let account = wire.open_account(joining.agent);
                let mut agent = Agent::new(joining.agent, account);
                // After a restart robots are back before their tool servers.
                agent.catalogue.follow(&self.policy.selection);
                let until = Moment::default().after(self.policy.reconnect_grace);
                if now < until {
                    agent.roster.expect_until(until);
                }
                wire.charge(account, 0, agent.charged);
                let agent = AgentKey::of(self.agents.insert(agent));
                self.names.insert(joining.agent.into(), agent);
                agent
            }
        };
        let role = self.handle(now, agent, wire, |agent, turn| match joining.side {
            Side::Tool => {
                let server_id = joining.server_id;
                Role::ToolServer(agent.tool_joined(turn, peer, joining.address, server_id))
            }
            Side::Robot => Role::Robot(agent.robot_joined(turn, peer, joining.address)),
        });
        if let Some(role) = role {
            self.peers.insert(peer, Connection { agent, role });
        }
        self.check();
    }

    /// A peer has sent a text.
    pub fn text(&mut self, now: Moment, peer: Peer, text: &str, wire: &mut dyn Wire) {
        let Some(Connection { agent, role }) = self.peers.get(peer) else { return };
        self.handle(now, agent, wire, |agent, turn| match role {
            Role::ToolServer(key) => agent.tool_sent(turn, key, text),
            Role::Robot(key) => agent.robot_sent(turn, key, text),
        });
        self.check();
    }

    /// A peer is gone, and that is how. One that was closed through [`Wire::close`] is gone already.
    pub fn left(&mut self, now: Moment, peer: Peer, end: impl Into<Ending>, wire: &mut dyn Wire) {
        self.is_gone(now, peer, &end.into(), wire);
    }

    fn is_gone(&mut self, now: Moment, peer: Peer, end: &Ending, wire: &mut dyn Wire) {
        let Some(Connection { agent, role }) = self.peers.remove(peer) else { return };
        self.handle(now, agent, wire, |agent, turn| match role {
            Role::ToolServer(key) => agent.tool_left(turn, key, end),
            Role::Robot(key) => agent.robot_left(turn, key, end),
        });
        self.check();
    }

    /// Time has passed.
    pub fn time(&mut self, now: Moment, wire: &mut dyn Wire) {
        // Each agent once: whatever is due again at once has its turn in the next call.
        let due: Vec<_> = std::iter::from_fn(|| self.deadlines.pop_due(now)).collect();
        self.work = 0;
        for place in due {
            let enough = self.work > turn::MAX_WORK;
            if let Some(found) = self.agents.get_mut(place) {
                found.armed = None;
                if enough {
                    self.deadlines.arm(&mut found.armed, place, Some(now));
                    continue;
                }
            }
            self.handle(now, AgentKey::of(place), wire, |agent, turn| agent.time(turn));
        }
        self.check();
    }

    /// When [`Relay::time`] wants to be called next.
    pub fn wake_at(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// How many bytes of requests wait inside the relay.
    pub fn held_bytes(&self) -> usize {
        self.held
    }

    /// The owner of `account` holds the most, and others need the room: the largest thing that is
    /// kept for it here is given up.
    pub fn give_way(&mut self, now: Moment, account: Account, wire: &mut dyn Wire) {
        let mut agents = self.agents.iter();
        let Some((at, _)) = agents.find(|(_, agent)| agent.account == account) else { return };
        self.handle(now, AgentKey::of(at), wire, |agent, turn| agent.give_way(turn));
        self.check();
    }

    /// What is kept for each agent, and for the server itself, in bytes of memory; and as much of it
    /// as the ledger knows.
    pub fn kept(&self) -> impl Iterator<Item = (Account, usize, usize)> + '_ {
        let agents = self.agents.iter();
        let agents = agents.map(|(_, agent)| (agent.account, agent.kept, agent.charged));
        agents.chain([(Account::SERVER, self.own_kept, self.own_kept)])
    }

    /// How many connections an agent has.
    pub fn connections_of(&self, agent: &str) -> usize {
        let agent = self.agent(agent);
        agent.map_or(0, |agent| agent.tools.len() + agent.robots.len())
    }

    /// Whether an agent has a robot.
    pub fn has_robots(&self, agent: &str) -> bool {
        let agent = self.names.get(agent).and_then(|at| self.agents.get(at.place()));
        agent.is_some_and(|agent| !agent.robots.is_empty())
    }

    /// The agents that have robots.
    pub fn agents_with_robots(&self) -> Vec<Box<str>> {
        let agents = self.agents.iter().filter(|(_, agent)| !agent.robots.is_empty());
        agents.map(|(_, agent)| agent.name.clone()).collect()
    }

    /// The robots of an agent wait until then for managed tool servers that were started a moment ago, if for
    /// any.
    pub fn expect_managed(
        &mut self,
        now: Moment,
        agent: &str,
        until: Option<Moment>,
        wire: &mut dyn Wire,
    ) {
        let Some(at) = self.names.get(agent).copied() else { return };
        self.handle(now, at, wire, |agent, turn| {
            if agent.roster.expect_managed(until) {
                turn.tools_changed();
            }
        });
        self.check();
    }

    /// How many of everything there is. Looks at every agent.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { held_bytes: self.held, ..Counts::default() };
        for (_, agent) in &self.agents {
            counts.agents += usize::from(!agent.tools.is_empty() || !agent.robots.is_empty());
            counts.tools += agent.tools.len();
            counts.robots += agent.robots.len();
            counts.offered += agent.catalogue.offers.of(Kind::Tools).len();
            counts.in_flight += agent.calls.len();
            counts.waiting += agent.waiting.parked();
        }
        counts
    }

    /// What has happened since the start.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Every agent that has a connection, by its id, with the names of the tools: only for the key
    /// holder.
    pub fn details(&self, now: Moment) -> Vec<AgentStatus<'_>> {
        self.connected(|agent| agent.status(now, self.policy.language, true))
    }

    /// What there is to say of the agents that have a connection, by their ids.
    fn connected<'a>(
        &'a self,
        status: impl Fn(&'a Agent) -> AgentStatus<'a>,
    ) -> Vec<AgentStatus<'a>> {
        let agents = self.agents.iter().map(|(_, agent)| agent);
        let somebody = agents.filter(|agent| !agent.tools.is_empty() || !agent.robots.is_empty());
        let names = sorted(somebody.map(|agent| (&*agent.name, 0)));
        names.into_iter().filter_map(|(name, _)| self.agent(name).map(&status)).collect()
    }

    /// The agent of that id, if it has anybody.
    fn agent(&self, id: &str) -> Option<&Agent> {
        self.agents.get(self.names.get(id)?.place())
    }

    /// Every agent that has a connection or has just lost its last tool server, by its id: only for the key
    /// holder. What went wrong is told in `language`.
    pub fn status(&self, now: Moment, language: Language) -> Vec<AgentStatus<'_>> {
        let mut agents = self.connected(|agent| agent.status(now, language, false));
        for (id, departed) in self.departures.recent(now, language) {
            let place = agents.partition_point(|other| other.id < id);
            if agents.get(place).is_none_or(|agent| agent.id != id) {
                agents.insert(place, AgentStatus { id, ..AgentStatus::default() });
            }
            let Some(agent) = agents.get_mut(place) else { continue };
            // One that has come back is no news, unless it keeps going.
            let is_same = |tool: &ToolStatus<'_>| {
                tool.label == departed.label
                    || (departed.label == NAMELESS && tool.label.starts_with(NAMELESS))
            };
            let is_back = agent.tools.iter().any(is_same);
            if !is_back || departed.times > 1 {
                agent.lost.push(departed);
            }
        }
        agents
    }

    /// What the tools of `agent` are: only for the key holder. An agent without anybody has
    /// none.
    pub fn catalogue<'a>(&'a self, agent: &'a str) -> Catalogue<'a> {
        let found = self.agent(agent);
        found.map_or(Catalogue { agent, ..Catalogue::default() }, Agent::catalogue)
    }

    /// Every tool of `agent`, offered or hidden: only for the key holder.
    pub fn chosen_tools(&self, agent: &str) -> Vec<ChosenTool<'_>> {
        let found = self.agent(agent);
        found.map(Agent::chosen_tools).unwrap_or_default()
    }

    /// Lets an agent handle one input and tidies up behind it.
    fn handle<T>(
        &mut self,
        now: Moment,
        key: AgentKey,
        wire: &mut dyn Wire,
        work: impl FnOnce(&mut Agent, &mut Turn<'_>) -> T,
    ) -> Option<T> {
        let at = key.place();
        let agent = self.agents.get_mut(at)?;
        let held = agent.waiting.bytes();
        let memory = (&mut self.diagnostics, &mut self.departures, &mut self.unused);
        let mut turn = Turn::new(now, &self.policy, &mut self.traffic, memory, wire);
        turn.take_account(agent.account, agent.kept, agent.charged);
        let result = work(agent, &mut turn);
        agent.end_input(&mut turn);
        self.held = self.held - held + agent.waiting.bytes();
        if turn.has_new_catalogue() {
            let tools = agent.tools_memory();
            turn.replace(agent.tools_kept, tools);
            agent.tools_kept = tools;
        }
        agent.calls.tidy();
        (agent.kept, agent.charged) = turn.settle_account();
        let chosen = self.policy.selection.memory() + turn.unused.memory();
        let own = turn.departures.memory() + chosen;
        if own != self.own_kept {
            turn.charge_server(self.own_kept, own);
            self.own_kept = own;
        }
        let Turn { is_time, forgotten, work, .. } = turn;
        self.work += work;
        // A deadline that has moved back is announced when the earlier one has come.
        match agent.next_deadline() {
            next if is_time => self.deadlines.arm(&mut agent.armed, at, next),
            Some(next) => self.deadlines.arm_earlier(&mut agent.armed, at, next),
            None => (),
        }
        if agent.is_empty() {
            self.deadlines.arm(&mut agent.armed, at, None);
            wire.charge(agent.account, agent.charged, 0);
            wire.close_account(agent.account);
            self.names.remove(&agent.name);
            self.agents.remove(at);
        }
        for peer in forgotten {
            self.peers.remove(peer);
        }
        Some(result)
    }

    fn check(&self) {
        #[cfg(debug_assertions)]
        self.check_invariants();
    }

    /// What must always hold, over all agents.
    ///
    /// # Panics
    /// Where it does not. Debug builds look after every input; release builds never do.
    #[cfg(any(debug_assertions, test))]
    pub fn check_invariants(&self) {
        let mut held = 0;
        for (at, agent) in &self.agents {
            agent.check_invariants();
            held += agent.waiting.bytes();
            assert_eq!(
                self.names.get(&agent.name),
                Some(&AgentKey::of(at)),
                "an agent cannot be found"
            );
            assert!(!agent.is_empty(), "an agent without anybody is kept");
        }
        assert_eq!(held, self.held, "held bytes are miscounted");
        assert_eq!(self.names.len(), self.agents.len(), "a name without its agent");
        let peers: usize =
            self.agents.iter().map(|(_, agent)| agent.tools.len() + agent.robots.len()).sum();
        assert_eq!(self.peers.iter().count(), peers, "a connection is kept that no agent has");
        for (peer, Connection { agent, role }) in self.peers.iter() {
            let agent = self.agents.get(agent.place());
            let found = agent.and_then(|agent| match role {
                Role::ToolServer(key) => agent.tools.get(key).map(|tool| tool.peer),
                Role::Robot(key) => agent.robots.get(key).map(|robot| robot.peer),
            });
            assert_eq!(found, Some(peer), "a connection is taken for another");
        }
        let in_flight = u64::try_from(self.counts().in_flight).unwrap_or(u64::MAX);
        let ended = self.traffic.calls_ended();
        assert_eq!(self.traffic.calls, ended + in_flight, "calls do not add up");
        let armed = self.agents.iter().filter(|(_, agent)| agent.armed.is_some()).count();
        assert_eq!(armed, self.deadlines.len(), "a deadline without its agent");
    }
}
