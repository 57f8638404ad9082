//! What happens: peers come, speak and go, and time passes.

use crate::actors::{Owed, Pending, Request, Robot, Server, Temper, Tool};
use crate::random::Random;
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::moment::Moment;
use mcp_endpoint_server::relay::{Congested, Counts, Peer, Policy, Relay, Seat, Side, Wire};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

/// How many events are told of a seed that fails.
const TOLD: usize = 60;

/// Ids as robots spell them.
const IDS: [&str; 12] = [
    "1",
    "2",
    "3",
    "0",
    "-5",
    "1.5",
    "1E2",
    "\"1\"",
    "\"\"",
    "\"null\"",
    "\"\\u0041小\"",
    "1180591620717411303424",
];

/// A wire that keeps what it is given until it is looked at.
#[derive(Default)]
struct FakeWire {
    sent: Vec<(Peer, String)>,
    full: HashSet<Peer>,
    gone: HashSet<Peer>,
    closed: Vec<Peer>,
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
}

/// One seed being played.
pub(crate) struct Play {
    random: Random,
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
    keys: u64,
    slots: u32,
    events: VecDeque<String>,
    loud: bool,
}

impl Play {
    pub(crate) fn new(seed: u64, loud: bool) -> Self {
        let mut random = Random::new(seed);
        let policy = policy(&mut random);
        let agents = random.below(3) + 1;
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
        if self.events.len() == TOLD {
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
    }

    fn forget(&mut self, peer: Peer) {
        if let Some(tool) = self.tools.remove(&peer) {
            self.epochs[tool.agent] += 1;
        }
        self.robots.remove(&peer);
    }

    /// One thing happens.
    pub(crate) fn step(&mut self) {
        match self.random.below(100) {
            0..=3 => self.tool_joins(),
            4..=5 => self.somebody_leaves(true),
            6..=8 => self.robot_joins(),
            9 => self.somebody_leaves(false),
            10..=44 => self.robot_speaks(),
            45..=72 => self.tool_answers(),
            73..=80 => self.tool_speaks(),
            81..=84 => self.queue_fills_or_empties(),
            _ => self.time_passes(),
        }
    }

    fn new_peer(&mut self) -> Peer {
        self.slots += 1;
        Peer { slot: self.slots, generation: self.slots % 3 }
    }

    fn any_tool(&mut self) -> Option<Peer> {
        let peers: Vec<Peer> = self.tools.keys().copied().collect();
        (!peers.is_empty()).then(|| *self.random.pick(&peers))
    }

    fn any_robot(&mut self) -> Option<Peer> {
        let peers: Vec<Peer> = self.robots.keys().copied().collect();
        (!peers.is_empty()).then(|| *self.random.pick(&peers))
    }

    fn tool_joins(&mut self) {
        if self.tools.len() >= 8 {
            return;
        }
        let agent = self.random.below(self.marks.len() as u64) as usize;
        let tool = Tool::any(&mut self.random, agent, self.now);
        let peer = self.new_peer();
        self.note(format!("tool {peer} joins {} {:?}", self.marks[agent], tool.server));
        let server_id = tool.server.server_id.clone();
        self.tools.insert(peer, tool);
        self.epochs[agent] += 1;
        let mark = self.marks[agent].clone();
        let seat = Seat {
            side: Side::Tool,
            agent: &mark,
            server_id: server_id.as_deref(),
            address: "192.0.2.1:1",
        };
        self.relay.joined(self.now, peer, seat, &mut self.wire);
        self.look();
    }

    fn robot_joins(&mut self) {
        if self.robots.len() < 8 {
            let agent = self.random.below(self.marks.len() as u64) as usize;
            self.robot_joins_at(agent);
        }
    }

    fn robot_joins_at(&mut self, agent: usize) -> Peer {
        let peer = self.new_peer();
        self.note(format!("robot {peer} joins {}", self.marks[agent]));
        self.robots.insert(peer, Robot { agent, ..Robot::default() });
        let mark = self.marks[agent].clone();
        let seat =
            Seat { side: Side::Robot, agent: &mark, server_id: None, address: "192.0.2.2:1" };
        self.relay.joined(self.now, peer, seat, &mut self.wire);
        self.look();
        peer
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
        self.relay.left(self.now, peer, CloseReason::PeerVanished, &mut self.wire);
        self.look();
        for (tool, id) in under_way {
            let pending =
                self.tools.get(&tool).is_some_and(|t| t.pending.iter().any(|p| p.id == id));
            assert!(!pending, "{id} is not cancelled at {tool} though its robot is gone");
        }
    }

    /// The requests of a robot that are certainly under way, and must be cancelled when it goes.
    fn under_way_for(&self, robot: Peer) -> Vec<(Peer, u64)> {
        let Some(owed) = self.robots.get(&robot).map(|robot| &robot.owed) else {
            return Vec::new();
        };
        let certain = owed.values().filter(|owed| owed.errors + owed.cancelled == 0);
        let keys: HashSet<u64> = certain.flat_map(|owed| &owed.keys).copied().collect();
        let tools = self.tools.iter().filter(|(peer, _)| !self.wire.full.contains(peer));
        tools
            .flat_map(|(peer, tool)| tool.pending.iter().map(|pending| (*peer, pending)))
            .filter(|(_, p)| p.method != "initialize" && p.key.is_some_and(|k| keys.contains(&k)))
            .map(|(peer, pending)| (peer, pending.id))
            .collect()
    }

    fn says(&mut self, peer: Peer, text: &str) {
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
            assert!(wakes < 10_000, "woken for ever");
        }
        self.now = end;
        // What was listed on the way may have changed again.
        self.everything_may_change();
    }

    fn everything_may_change(&mut self) {
        for epoch in &mut self.epochs {
            *epoch += 1;
        }
    }

    fn robot_speaks(&mut self) {
        let Some(peer) = self.any_robot() else { return };
        match self.random.below(30) {
            0..=1 => self.initialises(peer),
            2..=5 => self.asks(peer, "tools/list"),
            6 => self.asks(peer, "ping"),
            7 => {
                let method = *self.random.pick(&[
                    "prompts/list",
                    "resources/list",
                    "resources/templates/list",
                    "prompts/get",
                    "resources/read",
                    "logging/setLevel",
                    "completion/complete",
                    "x/y",
                    "z",
                ]);
                self.asks(peer, method);
            }
            8 => {
                let junk =
                    ["", "hello", "[1]", "7", "{", "{\"id\":true,\"method\":\"x\"}", "{\"a\":1}"];
                let text = *self.random.pick(&junk);
                self.robots.get_mut(&peer).unwrap().junk += 1;
                self.says(peer, text);
            }
            9 => self.says(peer, r#"{"id":1,"result":{}}"#),
            10 => {
                let mark = &self.marks[self.robots[&peer].agent];
                let text = format!(r#"{{"method":"notifications/any","params":{{"m":"{mark}"}}}}"#);
                self.says(peer, &text);
            }
            11..=14 => self.cancels(peer),
            _ => self.asks(peer, "tools/call"),
        }
    }

    fn initialises(&mut self, peer: Peer) {
        let robot = self.robots.get_mut(&peer).unwrap();
        // Who it is stays the same once it has said so: the quirks follow it.
        if robot.said_initialized {
            return self.asks(peer, "initialize");
        }
        robot.said_initialized = true;
        robot.is_xiaozhi = self.random.percent(50);
        self.asks(peer, "initialize");
        if self.robots.contains_key(&peer) {
            let mark = &self.marks[self.robots[&peer].agent];
            let text = format!(r#"{{"method":"notifications/initialized","m":"{mark}"}}"#);
            self.says(peer, &text);
        }
    }

    fn cancels(&mut self, peer: Peer) {
        let robot = self.robots.get_mut(&peer).unwrap();
        let mut in_flight: Vec<&String> =
            robot.owed.iter().filter(|(_, o)| !o.keys.is_empty()).map(|(id, _)| id).collect();
        in_flight.sort_unstable();
        let id = match in_flight.is_empty() {
            true => (*self.random.pick(&IDS)).to_owned(),
            false => (*self.random.pick(&in_flight)).clone(),
        };
        let owed = robot.owed.entry(id.clone()).or_default();
        match owed {
            // The only one of its id is over at once.
            Owed { keys, errors: 0, cancelled: 0 } if keys.len() <= 1 => keys.clear(),
            _ => owed.cancelled += 1,
        }
        let mark = &self.marks[robot.agent];
        let text = format!(
            r#"{{"method":"notifications/cancelled","params":{{"requestId":{id},"m":"{mark}"}}}}"#
        );
        self.says(peer, &text);
    }

    fn asks(&mut self, peer: Peer, method: &str) {
        self.keys += 1;
        let (key, random) = (self.keys, &mut self.random);
        let robot = self.robots.get_mut(&peer).unwrap();
        let id = (*random.pick(&IDS)).to_owned();
        let mark = &self.marks[robot.agent];
        let mut params = format!(r#""key":"{key}" ,"m":"{mark}""#);
        let (mut name, mut meant_for) = (String::new(), None);
        match method {
            "tools/call" | "prompts/get" => {
                let fresh = robot.epoch == self.epochs[robot.agent] && self.policy.handshake;
                name = (*random.pick(&["add", "sub", "nobody's", "server-1__add"])).to_owned();
                if !robot.offered.is_empty() && random.percent(80) && method == "tools/call" {
                    let (offered, server) = random.pick(&robot.offered).clone();
                    (name, meant_for) = (offered, fresh.then_some(server));
                }
                params = format!(r#""name":"@NAME@",{params}"#);
            }
            "resources/read" => params = format!(r#"{params},"uri":"a://1""#),
            "initialize" if robot.is_xiaozhi => {
                params = format!(r#"{params},"clientInfo":{{"name":"XiaozhiMCPEndpointClient"}}"#);
            }
            "tools/list" => {
                robot.list_ids.insert(id.clone());
            }
            _ => (),
        }
        let token = random.percent(30).then(|| (*random.pick(&["1", "\"t\"", "2.50"])).to_owned());
        if token.is_some() {
            params = format!(r#"{params},"_meta":{{"progressToken":@TOKEN@}}"#);
        }
        let text = match random.percent(50) {
            true => format!(
                r#"{{"jsonrpc":"2.0","id":@ID@,"method":"{method}","params":{{{params}}}}}"#
            ),
            false => {
                format!(r#"{{ "params":{{{params}}},"n":1.0, "method":"{method}","id": @ID@}}"#)
            }
        };
        let mut said = text.replace("@ID@", &id).replace("@NAME@", &name);
        said = said.replace("@TOKEN@", token.as_deref().unwrap_or(""));
        if random.percent(20) {
            said = said.replace(' ', "\n") + "\r\n";
        }
        robot.owed.entry(id).or_default().keys.push(key);
        let (epoch, method) = (self.epochs[robot.agent], method.to_owned());
        let answers = Vec::new();
        self.requests.insert(
            key,
            Request { robot: peer, method, text, token, name, meant_for, epoch, answers },
        );
        self.says(peer, &said);
    }

    fn tool_answers(&mut self) {
        let Some(peer) = self.any_tool() else { return };
        let tool = self.tools.get_mut(&peer).unwrap();
        if tool.pending.is_empty() {
            return;
        }
        let place = self.random.below(tool.pending.len() as u64) as usize;
        let pending = tool.pending[place].clone();
        let temper = match (pending.key, &*pending.method) {
            (Some(_), _) => tool.calls,
            (None, "initialize") => tool.hello,
            (None, _) => tool.lists,
        };
        if temper == Temper::Silent {
            return;
        }
        tool.pending.remove(place);
        self.tool_answers_to(peer, &pending, temper);
    }

    fn tool_answers_to(&mut self, peer: Peer, pending: &Pending, temper: Temper) {
        let confused = self.tools[&peer].confused;
        let answer = self.answer(peer, pending, temper == Temper::Refuses);
        if let Some(request) = pending.key.and_then(|key| self.requests.get_mut(&key)) {
            request.answers.push(answer.clone());
        }
        let tool = self.tools.get_mut(&peer).unwrap();
        if pending.key.is_none() && pending.method == "initialize" {
            tool.answered_hello = true;
            tool.initialised |= temper == Temper::Answers;
        }
        let said = answer.replace("@ID@", &pending.id.to_string());
        self.says(peer, &said);
        if confused && self.random.percent(50) {
            self.says(peer, &said);
        }
    }

    /// What a tool answers, with `@ID@` in its place.
    fn answer(&mut self, peer: Peer, pending: &Pending, refuses: bool) -> String {
        let tool = &self.tools[&peer];
        let mark = &self.marks[tool.agent];
        let key = pending.key.map_or(String::new(), |key| format!(r#""key":"{key}","#));
        if refuses || (pending.key.is_some() && self.random.percent(5)) {
            return format!(
                r#"{{ "id":@ID@,"error":{{"code":-1.0,"message":"\u4e0d","data":{{{key}"m":"{mark}"}}}}}}"#
            );
        }
        if pending.key.is_some() {
            let body = match self.random.percent(10) && pending.method == "tools/call" {
                true => r#""content":[{"type":"text","text":"bad"}],"isError":true"#,
                false => r#""content":[ {"type":"text","text":"\/\u5c0f"}],"n":1.50"#,
            };
            return format!(
                r#"{{"result":{{{key}{body},"m":"{mark}","by":"{peer}"}} ,"id": @ID@,"jsonrpc":"2.0"}}"#
            );
        }
        let result = match &*pending.method {
            "initialize" => hello(&tool.server, mark),
            "tools/list" => self.page(tool.server.clone(), mark.clone(), pending.cursor),
            "prompts/list" => format!(r#"{{"prompts":[{{"name":"add","m":"{mark}"}}]}}"#),
            "resources/list" => format!(r#"{{"resources":[{{"uri":"a://1","m":"{mark}"}}]}}"#),
            "resources/templates/list" => {
                format!(r#"{{"resourceTemplates":[{{"uriTemplate":"b://{{x}}","m":"{mark}"}}]}}"#)
            }
            _ => "{}".to_owned(),
        };
        format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#)
    }

    /// A page of a tool's list: all, or the first and then the rest.
    fn page(&mut self, server: Server, mark: String, rest: bool) -> String {
        let of = server.identity();
        let item = |name: &String| format!(r#"{{"of":"{of}","name":"{name}","m":"{mark}"}}"#);
        let items: Vec<String> = server.names.iter().map(item).collect();
        match items.split_first() {
            Some((_, others)) if rest => format!(r#"{{"tools":[{}]}}"#, others.join(",")),
            Some((first, _)) if self.random.percent(30) => {
                format!(r#"{{"tools":[{first}],"nextCursor":"{mark}"}}"#)
            }
            _ => format!(r#"{{"tools":[{}]}}"#, items.join(",")),
        }
    }

    fn tool_speaks(&mut self) {
        let Some(peer) = self.any_tool() else { return };
        let mark = self.marks[self.tools[&peer].agent].clone();
        let stray = self.random.below(50);
        let text = match self.random.below(12) {
            0 => r#"{"id":"p","method":"ping"}"#.to_owned(),
            1 => format!(r#"{{"id":1,"method":"initialize","m":"{mark}"}}"#),
            2 => r#"{"id":1,"method":"roots/list"}"#.to_owned(),
            3 => (*self.random.pick(&["", "log line", "[]", "{", "7", "{}"])).to_owned(),
            4..=5 => format!(r#"{{"method":"notifications/message","params":"{mark}"}}"#),
            6..=7 => return self.tool_changes_its_list(peer),
            8 => format!(r#"{{"id":null,"result":"{mark}"}}"#),
            // An answer to what it was not asked, or was asked and has answered.
            9 if self.tools[&peer].confused
                && !self.tools[&peer].pending.iter().any(|p| p.id == stray) =>
            {
                format!(r#"{{"id":{stray},"result":"{mark}"}}"#)
            }
            _ => return self.tool_makes_progress(peer),
        };
        self.says(peer, &text);
    }

    fn tool_changes_its_list(&mut self, peer: Peer) {
        let names = Server::any(&mut self.random).names;
        let tool = self.tools.get_mut(&peer).unwrap();
        tool.ever.extend(names.iter().cloned());
        tool.server.names = names;
        self.epochs[tool.agent] += 1;
        if tool.server.announces {
            self.says(peer, r#"{"method":"notifications/tools/list_changed"}"#);
        }
    }

    fn tool_makes_progress(&mut self, peer: Peer) {
        let tool = &self.tools[&peer];
        let keyed: Vec<(u64, u64)> =
            tool.pending.iter().filter_map(|p| Some((p.id, p.key?))).collect();
        if keyed.is_empty() {
            return;
        }
        let (id, key) = *self.random.pick(&keyed);
        let mark = &self.marks[tool.agent];
        let text = format!(
            r#"{{"method":"notifications/progress","params":{{"key":"{key}","progressToken":{id},"m":"{mark}"}}}}"#
        );
        self.says(peer, &text);
    }

    /// Nobody starts anything more, and everything that was started ends.
    pub(crate) fn comes_to_rest(&mut self) {
        self.note("it comes to rest".to_owned());
        self.wire.full.clear();
        self.advance(Duration::from_secs(1000));
        for robot in self.robots.values() {
            for (id, owed) in &robot.owed {
                assert_eq!(owed.at_least(), 0, "never answered: {id} {owed:?}");
            }
        }
        assert_eq!((self.relay.counts().in_flight, self.relay.counts().waiting), (0, 0));
        assert_eq!(self.relay.held_bytes(), 0);
        if self.policy.handshake {
            self.everything_is_listed();
        }
    }

    /// A robot that asks now is told of every server that answers.
    fn everything_is_listed(&mut self) {
        for agent in 0..self.marks.len() {
            let robot = self.robot_joins_at(agent);
            self.asks(robot, "tools/list");
            while let Some((peer, pending)) = self.relays_question() {
                self.tool_answers_to(peer, &pending, Temper::Answers);
            }
            self.advance(Duration::from_secs(3));
            let offered = &self.robots[&robot].offered;
            let mut identities = HashSet::new();
            for (_, tool) in self.tools.iter().rev().filter(|(_, tool)| tool.agent == agent) {
                let newest = identities.insert(tool.server.identity());
                if !newest || !tool.initialised || tool.lists != Temper::Answers {
                    continue;
                }
                let of = tool.server.identity();
                let count = offered.iter().filter(|(_, server)| *server == of).count();
                assert!(count >= tool.server.names.len(), "{of} is missing: {offered:?}");
            }
        }
    }

    /// A list the relay waits for from a tool that answers such questions.
    fn relays_question(&mut self) -> Option<(Peer, Pending)> {
        for (peer, tool) in &mut self.tools {
            let lists = tool.lists == Temper::Answers && tool.initialised;
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

fn hello(server: &Server, mark: &str) -> String {
    let info = match &*server.name {
        "" => String::new(),
        name => format!(r#","serverInfo":{{"name":"{name}","m":"{mark}"}}"#),
    };
    let announces = server.announces;
    format!(
        r#"{{"protocolVersion":"2024-11-05","capabilities":{{"tools":{{"listChanged":{announces}}},"prompts":{{}},"logging":{{}},"resources":{{}}}}{info}}}"#
    )
}

/// Settings of one kind or another.
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
