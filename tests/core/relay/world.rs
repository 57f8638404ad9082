//! The world around a relay, made up: a clock that is turned by hand, and a wire that keeps what
//! it is given.

use jsonrpc::scan::strict;
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::ledger::{Account, Ledger, Owner, Payer};
use mcp_endpoint_server::relay::{
    AgentStatus, Congested, Joining, Peer, Policy, Relay, Side, Wire,
};
use mcp_endpoint_server::time::Moment;
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// How `xiaozhi-server` names itself.
pub(crate) const XIAOZHI: &str = "XiaozhiMCPEndpointClient";

/// What a tool declares that announces changes of its tools.
pub(crate) const ANNOUNCES: &str = r#"{"tools":{"listChanged":true}}"#;

/// A wire that keeps what it is given.
#[derive(Default)]
pub(crate) struct FakeWire {
    sent: HashMap<Peer, VecDeque<String>>,
    full: HashSet<Peer>,
    /// Peers that take only messages of at most this many bytes.
    narrow: HashMap<Peer, usize>,
    gone: HashSet<Peer>,
    pub(crate) closed: Vec<(Peer, CloseReason)>,
    pub(crate) probed: Vec<Peer>,
    /// How much each account keeps, and how much all may keep.
    pub(crate) ledger: Ledger,
    pub(crate) memory_limit: Option<usize>,
}

impl Wire for FakeWire {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let text = pieces.concat();
        assert!(!self.gone.contains(&peer), "{peer} is gone and is sent {text}");
        assert!(!text.contains(['\n', '\r']), "a message of several lines: {text}");
        let read: Result<Value, _> = serde_json::from_str(&strict(&text));
        assert!(read.is_ok_and(|value| value.is_object()), "no JSON-RPC: {text}");
        let narrow = self.narrow.get(&peer).is_some_and(|room| text.len() > *room);
        if narrow || self.full.contains(&peer) {
            return Err(Congested);
        }
        self.sent.entry(peer).or_default().push_back(text);
        Ok(())
    }

    fn close(&mut self, peer: Peer, reason: CloseReason) {
        self.gone.insert(peer);
        self.closed.push((peer, reason));
    }

    fn probe(&mut self, peer: Peer) {
        assert!(!self.gone.contains(&peer), "{peer} is gone and is probed");
        self.probed.push(peer);
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

    fn admits(&mut self, account: Account, bytes: usize) -> bool {
        let limit = self.memory_limit.unwrap_or(usize::MAX);
        self.ledger.payer(account, bytes, limit) == Payer::Nobody
    }
}

/// A relay and everything around it.
pub(crate) struct World {
    pub(crate) relay: Relay,
    pub(crate) wire: FakeWire,
    pub(crate) now: Moment,
    policy: Policy,
    slots: u32,
}

impl World {
    /// A world with the settings as they are without a configuration.
    pub(crate) fn new() -> Self {
        World::with(|_| ())
    }

    /// A world in which the server has just started.
    pub(crate) fn just_started() -> Self {
        World { now: Moment::default(), ..World::new() }
    }

    /// A world with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy::default();
        change(&mut policy);
        World {
            relay: Relay::new(policy.clone()),
            wire: FakeWire::default(),
            // No tool server is expected back from before the start any more.
            now: Moment::from_start(Duration::from_secs(10)),
            policy,
            slots: 0,
        }
    }

    /// What the ledger says is what the relay keeps.
    fn check(&self) {
        self.relay.check_invariants();
        self.wire.ledger.check_invariants();
        for (account, _, charged) in self.relay.kept() {
            assert_eq!(self.wire.ledger.bytes_of(account), charged);
        }
        let charged: usize = self.relay.kept().map(|(_, _, charged)| charged).sum();
        assert_eq!(self.wire.ledger.bytes(), charged, "somebody is charged for nothing");
    }

    /// The account of an agent.
    pub(crate) fn account(&self, agent: &str) -> Account {
        self.wire.ledger.find(&Owner::Agent(agent.into())).unwrap()
    }

    /// How many bytes of memory are kept for an agent.
    pub(crate) fn kept_for(&self, agent: &str) -> usize {
        let account = self.account(agent);
        self.relay.kept().filter(|kept| kept.0 == account).map(|(_, kept, _)| kept).sum()
    }

    /// Others need the room that an agent takes.
    pub(crate) fn gives_way(&mut self, agent: &str) {
        let account = self.account(agent);
        self.relay.give_way(self.now, account, &mut self.wire);
        self.check();
    }

    /// New settings, as after a SIGHUP.
    pub(crate) fn change_policy(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy);
        self.relay.set_policy(self.now, self.policy.clone(), &mut self.wire);
        self.check();
    }

    fn joins(&mut self, side: Side, agent: &str, server_id: Option<&str>) -> Peer {
        self.slots += 1;
        let peer = Peer { slot: self.slots, generation: 0 };
        let joining = Joining { side, agent, server_id, address: "192.0.2.1:5000" };
        self.relay.joined(self.now, peer, joining, &mut self.wire);
        self.check();
        peer
    }

    /// A tool connects.
    pub(crate) fn tool(&mut self, agent: &str) -> Peer {
        self.joins(Side::Tool, agent, None)
    }

    /// A tool connects with a `server_id`.
    pub(crate) fn tool_with_id(&mut self, agent: &str, server_id: &str) -> Peer {
        self.joins(Side::Tool, agent, Some(server_id))
    }

    /// A robot connects.
    pub(crate) fn robot(&mut self, agent: &str) -> Peer {
        self.joins(Side::Robot, agent, None)
    }

    /// A robot connects and has finished its handshake.
    pub(crate) fn initialised_robot(&mut self, agent: &str) -> Peer {
        self.robot_named(agent, "test")
    }

    /// A robot connects and finishes its handshake, while a tool does not finish its own.
    pub(crate) fn initialised_robot_after_waiting(&mut self, agent: &str) -> Peer {
        let robot = self.robot(agent);
        self.asks(robot, "\"hello\"", "initialize");
        self.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        self.seconds(2.0);
        assert_eq!(self.receives(robot)["id"], "hello");
        robot
    }

    /// A robot connects and says who it is.
    pub(crate) fn robot_named(&mut self, agent: &str, name: &str) -> Peer {
        let robot = self.robot(agent);
        self.sends(
            robot,
            &format!(
                r#"{{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{{"protocolVersion":"2024-11-05","capabilities":{{}},"clientInfo":{{"name":"{name}","version":"1"}}}}}}"#
            ),
        );
        self.sends(robot, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let result = self.receives(robot);
        assert_eq!(result["id"], "hello");
        assert!(result.get("result").is_some());
        robot
    }

    /// A peer sends a text.
    pub(crate) fn sends(&mut self, peer: Peer, text: &str) {
        self.relay.text(self.now, peer, text, &mut self.wire);
        self.check();
    }

    /// A peer is gone.
    pub(crate) fn leaves(&mut self, peer: Peer) {
        self.is_closed(peer, CloseReason::PeerVanished);
    }

    /// The shell has closed a peer, or it is gone.
    pub(crate) fn is_closed(&mut self, peer: Peer, reason: CloseReason) {
        self.wire.gone.insert(peer);
        self.relay.left(self.now, peer, reason, &mut self.wire);
        self.check();
    }

    /// Lets time pass, waking the relay whenever it wants to be woken.
    pub(crate) fn advance(&mut self, wait: Duration) {
        let end = self.now.after(wait);
        let mut wakes = 0;
        while let Some(at) = self.relay.wake_at().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.relay.time(self.now, &mut self.wire);
            self.check();
            wakes += 1;
            assert!(wakes < 100_000, "the relay wants to be woken forever");
        }
        self.now = end;
    }

    /// Lets seconds pass.
    pub(crate) fn seconds(&mut self, seconds: f64) {
        self.advance(Duration::from_secs_f64(seconds));
    }

    /// From now on the peer takes nothing.
    pub(crate) fn is_full(&mut self, peer: Peer) {
        self.wire.full.insert(peer);
    }

    /// From now on the peer takes messages again.
    pub(crate) fn reads_again(&mut self, peer: Peer) {
        self.wire.full.remove(&peer);
    }

    /// From now on the peer takes messages of up to so many bytes.
    pub(crate) fn takes_at_most(&mut self, peer: Peer, bytes: usize) {
        self.wire.narrow.insert(peer, bytes);
    }

    /// The next message to a peer as it stands on the wire.
    pub(crate) fn raw(&mut self, peer: Peer) -> String {
        let next = self.wire.sent.get_mut(&peer).and_then(VecDeque::pop_front);
        next.unwrap_or_else(|| panic!("{peer} is sent nothing"))
    }

    /// The next message to a peer.
    pub(crate) fn receives(&mut self, peer: Peer) -> Value {
        serde_json::from_str(&self.raw(peer)).unwrap()
    }

    /// Every message to a peer that it has not looked at yet.
    pub(crate) fn receives_all(&mut self, peer: Peer) -> Vec<Value> {
        let sent = self.wire.sent.remove(&peer).unwrap_or_default();
        sent.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// Nothing was sent to a peer.
    #[track_caller]
    pub(crate) fn is_silent(&mut self, peer: Peer) {
        let sent = self.wire.sent.get(&peer);
        assert!(sent.is_none_or(VecDeque::is_empty), "{peer} was sent {sent:?}");
    }

    /// The next message to a tool must be a request for `method`; its id.
    #[track_caller]
    pub(crate) fn asked(&mut self, tool: Peer, method: &str) -> u64 {
        let message = self.receives(tool);
        assert_eq!(message["method"], method, "{message}");
        message["id"].as_u64().unwrap()
    }

    /// A tool answers with a result.
    pub(crate) fn answers(&mut self, tool: Peer, id: u64, result: &str) {
        self.sends(tool, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
    }

    /// A tool answers with an error.
    pub(crate) fn answers_error(&mut self, tool: Peer, id: u64, code: i32) {
        self.sends(
            tool,
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no"}}}}"#),
        );
    }

    /// A tool server answers `initialize`, and receives `notifications/initialized`.
    #[track_caller]
    pub(crate) fn greets(&mut self, tool: Peer, name: &str, capabilities: &str) {
        let id = self.asked(tool, "initialize");
        self.answers(tool, id, &initialize_result(name, capabilities));
        assert_eq!(self.receives(tool)["method"], "notifications/initialized");
    }

    /// A tool answers `tools/list`.
    #[track_caller]
    pub(crate) fn lists(&mut self, tool: Peer, names: &[&str]) {
        let id = self.asked(tool, "tools/list");
        self.answers(tool, id, &tool_list(names));
    }

    /// A tool server does the handshake.
    #[track_caller]
    pub(crate) fn handshake(&mut self, tool: Peer, name: &str, names: &[&str], able: &str) {
        self.greets(tool, name, able);
        self.lists(tool, names);
        self.is_silent(tool);
    }

    /// A tool server connects and does the handshake; it announces changes.
    #[track_caller]
    pub(crate) fn ready_tool(&mut self, agent: &str, name: &str, names: &[&str]) -> Peer {
        let tool = self.tool(agent);
        self.handshake(tool, name, names, ANNOUNCES);
        tool
    }

    /// A tool server of a `server_id` connects and does the handshake; it announces changes.
    #[track_caller]
    pub(crate) fn ready_tool_with_id(&mut self, agent: &str, id: &str, names: &[&str]) -> Peer {
        let tool = self.tool_with_id(agent, id);
        self.handshake(tool, id, names, ANNOUNCES);
        tool
    }

    /// A robot asks for anything.
    pub(crate) fn asks(&mut self, robot: Peer, id: &str, method: &str) {
        self.sends(robot, &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#));
    }

    /// What a robot is sent of the result of a call, which is its request 1.
    pub(crate) fn answered(&mut self, tool: Peer, robot: Peer, result: &str) -> String {
        self.calls(robot, "1", "add");
        let id = self.called(tool, "add");
        self.answers(tool, id, result);
        self.raw(robot)
    }

    /// A robot calls a tool.
    pub(crate) fn calls(&mut self, robot: Peer, id: &str, name: &str) {
        self.sends(
            robot,
            &format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","arguments":{{}}}}}}"#
            ),
        );
    }

    /// A robot cancels a request.
    pub(crate) fn cancels(&mut self, robot: Peer, id: &str) {
        self.sends(
            robot,
            &format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
            ),
        );
    }

    /// A tool says that its tools have changed.
    pub(crate) fn sends_list_changed(&mut self, tool: Peer) {
        self.sends(tool, r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    }

    /// The next message to a tool must be a call of `name`; its id.
    #[track_caller]
    pub(crate) fn called(&mut self, tool: Peer, name: &str) -> u64 {
        let message = self.receives(tool);
        assert_eq!(message["method"], "tools/call", "{message}");
        assert_eq!(message["params"]["name"], name, "{message}");
        message["id"].as_u64().unwrap()
    }

    /// The next message to a robot must be the error `code` to `id`.
    #[track_caller]
    pub(crate) fn fails(&mut self, robot: Peer, id: impl Into<Value>, code: i64) -> Value {
        let message = self.receives(robot);
        assert_eq!(message["id"], id.into(), "{message}");
        assert_eq!(message["error"]["code"], code, "{message}");
        assert!(message.get("result").is_none(), "{message}");
        message["error"].clone()
    }

    /// The next message to a robot must be a list of tools; their names.
    #[track_caller]
    pub(crate) fn shown_tools(&mut self, robot: Peer) -> Vec<String> {
        let message = self.receives(robot);
        let list = message["result"]["tools"].as_array().unwrap_or_else(|| panic!("{message}"));
        list.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of the tools a robot is given when it asks.
    #[track_caller]
    pub(crate) fn listed(&mut self, robot: Peer) -> Vec<String> {
        self.asks(robot, "\"list\"", "tools/list");
        self.shown_tools(robot)
    }

    /// The label of a tool, by the order of joining among those connected.
    pub(crate) fn labels(&self, agent: &str) -> Vec<String> {
        self.view(agent).tools.iter().map(|tool| tool.label.to_owned()).collect()
    }

    /// What the key holder is shown of an agent.
    pub(crate) fn view(&self, agent: &str) -> AgentStatus<'_> {
        let details = self.relay.details(self.now);
        details.into_iter().find(|status| status.id == agent).expect("nobody there")
    }
}

/// The answer to `initialize` of a server called `name`; of one without a name where it is empty.
pub(crate) fn initialize_result(name: &str, capabilities: &str) -> String {
    let info = match name {
        "" => String::new(),
        name => format!(r#","serverInfo":{{"name":"{name}","version":"1"}}"#),
    };
    format!(r#"{{"protocolVersion":"2024-11-05","capabilities":{capabilities}{info}}}"#)
}

/// The answer to request 1.
pub(crate) fn whole(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)
}

/// The answer to `tools/list`.
pub(crate) fn tool_list(names: &[&str]) -> String {
    let tools: Vec<String> =
        names.iter().map(|name| format!(r#"{{"name":"{name}","inputSchema":{{}}}}"#)).collect();
    format!(r#"{{"tools":[{}]}}"#, tools.join(","))
}
