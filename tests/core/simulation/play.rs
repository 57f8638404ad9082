//! What happens: peers come, speak and go, and time passes.

use super::actors::{Behaviour, Pending, Request, Robot, Tool};
use super::choices::Choice;
use crate::random::Random;
use mcp_endpoint_server::close::{CloseReason, Ending};
use mcp_endpoint_server::ledger::{Account, Ledger, Owner};
use mcp_endpoint_server::relay::{
    Congested, Counts, Joining, Peer, Policy, Relay, Selection, ServerRules, Side, Wire,
};
use mcp_endpoint_server::time::Moment;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How many events are told of a seed that fails.
const MAX_SHOWN: usize = 60;

/// A wire that keeps what it is given until it is looked at.
#[derive(Default)]
struct FakeWire {
    sent: Vec<(Peer, String)>,
    full: HashSet<Peer>,
    gone: HashSet<Peer>,
    closed: Vec<Peer>,
    ledger: Ledger,
}

impl Wire for FakeWire {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        assert!(!self.gone.contains(&peer), "{peer} is gone and is sent {pieces:?}");
        if self.full.contains(&peer) {
            return Err(Congested);
        }
        self.sent.push((peer, pieces.concat()));
        Ok(())
    }

    fn close(&mut self, peer: Peer, _: CloseReason) {
        assert!(self.gone.insert(peer), "{peer} is closed twice");
        self.closed.push(peer);
    }

    fn probe(&mut self, peer: Peer) {
        assert!(!self.gone.contains(&peer), "{peer} is gone and is probed");
    }

    fn open_account(&mut self, agent: &str) -> Account {
        self.ledger.open(Owner::Agent(agent.into()))
    }

    fn close_account(&mut self, account: Account) {
        self.ledger.close(account);
    }

    fn charge(&mut self, account: Account, before: usize, now: usize) {
        self.ledger.charge(account, before, now);
    }
}

/// One seed being played.
pub(crate) struct Play {
    pub(crate) random: Random,
    relay: Relay,
    wire: FakeWire,
    pub(crate) now: Moment,
    pub(crate) policy: Policy,
    /// The agents' names, which all their peers' messages carry.
    pub(crate) marks: Vec<String>,
    /// How often something happened at an agent that may change what it offers.
    pub(crate) epochs: Vec<u64>,
    pub(crate) tools: BTreeMap<Peer, Tool>,
    pub(crate) robots: BTreeMap<Peer, Robot>,
    pub(crate) requests: HashMap<u64, Request>,
    pub(crate) keys: u64,
    slots: u32,
    events: VecDeque<String>,
    loud: bool,
    /// The owner changes `handshake` now and then.
    pub(crate) toggles: bool,
    /// The owner chooses other tools now and then; what was chosen last for each agent.
    chooses: bool,
    pub(crate) choices: Vec<Choice>,
    /// There are managed tool servers, which several agents share.
    pub(crate) shares: bool,
}

/// The names of the managed tool servers.
const SHARED: [&str; 2] = ["id-1", "shared"];

impl Play {
    pub(crate) fn new(seed: u64, loud: bool) -> Self {
        let mut random = Random::new(seed);
        let mut policy = policy(&mut random);
        let agents = random.below(3) + 1;
        let (toggles, chooses) = (random.percent(20), random.percent(50));
        let shares = random.percent(40);
        if shares {
            policy.selection = Arc::new(with_shared(Selection::default()));
        }
        let mut play = Play {
            relay: Relay::new(policy.clone()),
            wire: FakeWire::default(),
            now: Moment::default(),
            marks: (0..agents).map(|agent| format!("agent-{agent}-mark")).collect(),
            epochs: vec![0; agents as usize],
            tools: BTreeMap::new(),
            robots: BTreeMap::new(),
            requests: HashMap::new(),
            keys: 0,
            slots: 0,
            events: VecDeque::new(),
            loud,
            toggles,
            chooses,
            choices: vec![Choice::default(); agents as usize],
            shares,
            random,
            policy,
        };
        play.note(format!("seed {seed}, {agents} agents, {:?}", play.policy));
        play
    }

    /// Remembers an event.
    pub(crate) fn note(&mut self, event: String) {
        if self.loud {
            println!("{event}");
        }
        if self.events.len() == MAX_SHOWN {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// What happened last.
    pub(crate) fn last_events(&self) -> String {
        self.events.iter().map(|event| format!("{event}\n")).collect()
    }

    pub(crate) fn agent_of(&self, peer: Peer) -> usize {
        let tool = self.tools.get(&peer).map(|tool| tool.agent);
        let robot = self.robots.get(&peer).map(|robot| robot.agent);
        tool.or(robot).unwrap_or_else(|| panic!("{peer} is unknown"))
    }

    /// Looks at what the relay did.
    fn look(&mut self) {
        for (peer, text) in std::mem::take(&mut self.wire.sent) {
            self.sent(peer, &text);
        }
        for peer in std::mem::take(&mut self.wire.closed) {
            self.note(format!("    closes {peer}"));
            self.forget(peer);
        }
        self.relay.check_invariants();
        self.wire.ledger.check_invariants();
        let charged: usize = self.relay.kept().map(|(_, _, charged)| charged).sum();
        assert_eq!(self.wire.ledger.bytes(), charged, "somebody is charged for nothing");
    }

    fn forget(&mut self, peer: Peer) {
        if let Some(tool) = self.tools.remove(&peer) {
            self.epochs[tool.agent] += 1;
        }
        self.robots.remove(&peer);
    }

    /// One thing happens.
    pub(crate) fn step(&mut self) {
        if self.toggles && self.random.percent(1) {
            return self.handshake_changes();
        }
        if self.chooses && self.random.percent(1) {
            return self.selection_changes();
        }
        if self.shares && self.random.percent(3) {
            return self.shared_servers_start();
        }
        match self.random.below(100) {
            0..=3 => self.tool_joins(),
            4..=5 => self.somebody_leaves(true),
            6..=8 => self.robot_joins(),
            9 => self.somebody_leaves(false),
            10..=44 => self.robot_speaks(),
            45..=72 => self.tool_answers(),
            73..=80 => self.tool_speaks(),
            81..=84 => self.queue_fills_or_empties(),
            85 => self.tool_hangs_or_recovers(),
            _ => self.time_passes(),
        }
    }

    /// The owner changes `handshake`, which holds for new connections.
    fn handshake_changes(&mut self) {
        self.policy.handshake = !self.policy.handshake;
        self.note(format!("handshake = {}", self.policy.handshake));
        self.everything_may_change();
        self.policy_changes();
    }

    /// The relay follows new settings.
    pub(crate) fn policy_changes(&mut self) {
        self.relay.set_policy(self.now, self.policy.clone(), &mut self.wire);
        self.look();
    }

    /// A tool server stops answering, or does again.
    fn tool_hangs_or_recovers(&mut self) {
        let Some(peer) = self.any_tool() else { return };
        let tool = self.tools.get_mut(&peer).unwrap();
        // It comes back as it was: one that refused to list still does.
        let silent = (Behaviour::Silent, Behaviour::Silent);
        let (now, kept) = match tool.hangs.take() {
            Some(before) => (before, None),
            None => (silent, Some((tool.calls, tool.lists))),
        };
        ((tool.calls, tool.lists), tool.hangs) = (now, kept);
        self.note(format!("{peer} is {now:?}"));
    }

    fn new_peer(&mut self) -> Peer {
        self.slots += 1;
        Peer { slot: self.slots, generation: self.slots % 3 }
    }

    pub(crate) fn any_tool(&mut self) -> Option<Peer> {
        let peers: Vec<Peer> = self.tools.keys().copied().collect();
        (!peers.is_empty()).then(|| *self.random.pick(&peers))
    }

    pub(crate) fn any_robot(&mut self) -> Option<Peer> {
        let peers: Vec<Peer> = self.robots.keys().copied().collect();
        (!peers.is_empty()).then(|| *self.random.pick(&peers))
    }

    fn tool_joins(&mut self) {
        if self.tools.len() >= 8 {
            return;
        }
        let agent = self.random.below(self.marks.len() as u64) as usize;
        let mut tool = Tool::any(&mut self.random, agent, self.now);
        tool.transparent = !self.policy.handshake;
        let mut peer = self.new_peer();
        if self.shares && self.random.percent(40) {
            // A seat at a managed tool server.
            peer = Peer::seat(peer.slot as usize, peer.generation);
            tool.server.server_id = Some((*self.random.pick(&SHARED)).to_owned());
        }
        self.note(format!("tool {peer} joins {} {:?}", self.marks[agent], tool.server));
        let server_id = tool.server.server_id.clone();
        self.tools.insert(peer, tool);
        self.epochs[agent] += 1;
        let mark = self.marks[agent].clone();
        let joining = Joining {
            side: Side::Tool,
            agent: &mark,
            server_id: server_id.as_deref(),
            address: "192.0.2.1:1",
        };
        self.relay.joined(self.now, peer, joining, &mut self.wire);
        self.look();
    }

    fn robot_joins(&mut self) {
        if self.robots.len() < 8 {
            let agent = self.random.below(self.marks.len() as u64) as usize;
            self.robot_joins_at(agent);
        }
    }

    pub(crate) fn robot_joins_at(&mut self, agent: usize) -> Peer {
        let peer = self.new_peer();
        self.note(format!("robot {peer} joins {}", self.marks[agent]));
        self.robots.insert(peer, Robot { agent, ..Robot::default() });
        let mark = self.marks[agent].clone();
        let joining =
            Joining { side: Side::Robot, agent: &mark, server_id: None, address: "192.0.2.2:1" };
        self.relay.joined(self.now, peer, joining, &mut self.wire);
        self.look();
        peer
    }

    /// Robots wait for managed tool servers that have just been started, or no more.
    fn shared_servers_start(&mut self) {
        let agent = self.random.pick(&self.marks).clone();
        let wait = Duration::from_millis(self.random.below(10_000));
        let until = self.random.percent(60).then(|| self.now.after(wait));
        self.note(format!("{agent} expects managed tool servers until {until:?}"));
        self.everything_may_change();
        self.relay.expect_managed(self.now, &agent, until, &mut self.wire);
        self.look();
    }

    fn somebody_leaves(&mut self, tool: bool) {
        let Some(peer) = (if tool { self.any_tool() } else { self.any_robot() }) else { return };
        self.leaves(peer);
    }

    fn leaves(&mut self, peer: Peer) {
        self.note(format!("{peer} leaves"));
        let under_way = self.under_way_for(peer);
        self.forget(peer);
        self.wire.gone.insert(peer);
        let end = match self.random.below(3) {
            0 if peer.is_seat() => CloseReason::NotNeeded.into(),
            1 if peer.is_seat() => Ending::of_managed("exit status 1"),
            _ => CloseReason::PeerVanished.into(),
        };
        self.relay.left(self.now, peer, end, &mut self.wire);
        self.look();
        for (tool, id) in under_way {
            let pending =
                self.tools.get(&tool).is_some_and(|t| t.pending.iter().any(|p| p.id == id));
            assert!(!pending, "{id} is not cancelled at {tool} though its robot is gone");
        }
    }

    /// The requests of a robot that are certainly under way, and must be cancelled when it goes.
    fn under_way_for(&self, robot: Peer) -> Vec<(Peer, u64)> {
        let Some(outstanding) = self.robots.get(&robot).map(|robot| &robot.outstanding) else {
            return Vec::new();
        };
        let certain = outstanding
            .values()
            .filter(|outstanding| outstanding.errors + outstanding.cancelled == 0);
        let keys: HashSet<u64> =
            certain.flat_map(|outstanding| &outstanding.keys).copied().collect();
        let tools = self.tools.iter().filter(|(peer, _)| !self.wire.full.contains(peer));
        tools
            .flat_map(|(peer, tool)| tool.pending.iter().map(|pending| (*peer, pending)))
            .filter(|(_, p)| p.method != "initialize" && p.key.is_some_and(|k| keys.contains(&k)))
            .map(|(peer, pending)| (peer, pending.id))
            .collect()
    }

    pub(crate) fn sends(&mut self, peer: Peer, text: &str) {
        self.note(format!("{peer} says {text:?}"));
        if let Some(tool) = self.tools.get(&peer) {
            self.epochs[tool.agent] += 1;
        }
        self.relay.text(self.now, peer, text, &mut self.wire);
        self.look();
    }

    fn queue_fills_or_empties(&mut self) {
        let peer = if self.random.percent(70) { self.any_tool() } else { self.any_robot() };
        let Some(peer) = peer else { return };
        if self.random.percent(40) {
            self.note(format!("{peer} takes nothing"));
            self.wire.full.insert(peer);
        } else {
            self.note("everybody reads".to_owned());
            self.wire.full.clear();
        }
    }

    fn time_passes(&mut self) {
        let wait = match self.random.below(40) {
            0 => 400_000,
            1..=2 => self.random.below(60_000),
            3..=9 => self.random.below(6_000),
            _ => self.random.below(300),
        };
        self.advance(Duration::from_millis(wait));
    }

    fn advance(&mut self, wait: Duration) {
        self.note(format!("{wait:?} pass"));
        self.everything_may_change();
        let end = self.now.after(wait);
        let mut wakes = 0;
        while let Some(at) = self.relay.wake_at().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.relay.time(self.now, &mut self.wire);
            self.look();
            wakes += 1;
            assert!(wakes < 10_000, "woken forever");
        }
        self.now = end;
        // What was listed on the way may have changed again.
        self.everything_may_change();
    }

    pub(crate) fn everything_may_change(&mut self) {
        for epoch in &mut self.epochs {
            *epoch += 1;
        }
    }

    /// Nobody starts anything more, and everything that was started ends.
    pub(crate) fn comes_to_rest(&mut self) {
        self.note("it comes to rest".to_owned());
        self.wire.full.clear();
        self.advance(Duration::from_secs(1000));
        for robot in self.robots.values() {
            for (id, outstanding) in &robot.outstanding {
                assert_eq!(outstanding.at_least(), 0, "never answered: {id} {outstanding:?}");
            }
        }
        assert_eq!((self.relay.counts().in_flight, self.relay.counts().waiting), (0, 0));
        assert_eq!(self.relay.held_bytes(), 0);
        if self.policy.handshake && !self.toggles {
            self.everything_is_listed();
        }
    }

    /// A robot that asks now is told of every server that answers.
    fn everything_is_listed(&mut self) {
        for agent in 0..self.marks.len() {
            let robot = self.robot_joins_at(agent);
            self.asks(robot, "tools/list");
            while let Some((peer, pending)) = self.relays_question() {
                self.tool_answers_to(peer, &pending, Behaviour::Answers);
            }
            self.advance(Duration::from_secs(3));
            let offered = &self.robots[&robot].offered;
            let mut identities = HashSet::new();
            for (_, tool) in self.tools.iter().rev().filter(|(_, tool)| tool.agent == agent) {
                let newest = identities.insert(tool.server.identity());
                if !newest || !tool.initialised || tool.lists != Behaviour::Answers {
                    continue;
                }
                let of = tool.server.identity();
                let choice = self.choices[agent];
                let chosen = tool.server.names.iter().filter(|name| !choice.hides(name)).count();
                let count = offered.iter().filter(|(_, server)| *server == of).count();
                assert!(count >= chosen, "{of} is missing: {offered:?}");
            }
            let offered = offered.clone();
            self.listed_is_callable(agent, &offered);
        }
    }

    /// A list the relay waits for from a tool that answers such questions.
    fn relays_question(&mut self) -> Option<(Peer, Pending)> {
        for (peer, tool) in &mut self.tools {
            let lists = tool.lists == Behaviour::Answers && tool.initialised;
            let asked = |p: &Pending| p.key.is_none() && p.method == "tools/list";
            if let Some(place) = tool.pending.iter().rposition(asked).filter(|_| lists) {
                return Some((*peer, tool.pending.remove(place)));
            }
        }
        None
    }

    /// When all have left, nothing is left.
    pub(crate) fn everybody_leaves(&mut self) {
        let mut peers: Vec<Peer> = self.tools.keys().chain(self.robots.keys()).copied().collect();
        while !peers.is_empty() {
            let place = self.random.below(peers.len() as u64) as usize;
            let peer = peers.swap_remove(place);
            if self.tools.contains_key(&peer) || self.robots.contains_key(&peer) {
                self.leaves(peer);
            }
        }
        self.advance(self.policy.reconnect_grace);
        assert_eq!(self.relay.counts(), Counts::default());
        assert_eq!(self.relay.held_bytes(), 0);
        assert_eq!(self.relay.wake_at(), None);
        assert!(self.relay.details(self.now).is_empty());
    }
}

/// Settings of one kind or another.
/// The same selection where there are managed tool servers.
pub(crate) fn with_shared(selection: Selection) -> Selection {
    let servers = SHARED.map(|name| (name.into(), ServerRules::default()));
    selection.with_servers(servers.into())
}

fn policy(random: &mut Random) -> Policy {
    let seconds = Duration::from_secs;
    Policy {
        handshake: random.percent(80),
        handshake_timeout: seconds(random.below(9) + 1),
        tool_ping_interval: random.percent(70).then(|| seconds(random.below(50) + 1)),
        request_timeout: seconds(*random.pick(&[5, 30, 300])),
        reconnect_grace: seconds(*random.pick(&[0, 1, 5])),
        max_in_flight: *random.pick(&[2, 5, 1024]),
        quirks: random.percent(70),
        max_held: *random.pick(&[300, 2000, 1 << 20]),
        ..Policy::default()
    }
}
