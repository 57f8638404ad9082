//! The world around the relay: who is connected, what each was sent, and what must hold of it.

use crate::python::without_words;
use crate::words::Asked;
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::relay::{Congested, Counts, Joining, Peer, Policy, Relay, Side, Wire};
use mcp_endpoint_server::time::Moment;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Once, OnceLock};
use std::time::Duration;

/// The agents. Whatever one of them says carries its name.
const AGENTS: [&str; 3] = ["⟦甲⟧", "⟦乙⟧", "⟦丙⟧"];

/// The client that takes a second reply to its `tools/list`.
const XIAOZHI: &str = "XiaozhiMCPEndpointClient";

/// More turns than this in a row without an end would be forever.
const MAX_TURNS: usize = 10_000;

/// Prints what happens if `RELAY_TRACE` is set.
fn trace(what: impl FnOnce() -> String) {
    static WANTED: OnceLock<bool> = OnceLock::new();
    if *WANTED.get_or_init(|| std::env::var_os("RELAY_TRACE").is_some()) {
        eprintln!("{}", what());
    }
}

/// One id a peer has asked under, as it spelled it.
#[derive(Default)]
struct Question {
    /// How many messages with it may be answered.
    asked: usize,
    /// How many of those must be.
    certain: usize,
    answered: usize,
    /// Whether it was ever taken back.
    cancelled: bool,
    /// Whether it was ever a list, which may be answered again.
    is_list: bool,
}

/// One connection.
pub struct Client {
    side: Side,
    agent: usize,
    /// Requests of the relay that it has not answered.
    asked: Vec<Asked>,
    /// Every id the relay has given it a request under.
    used: BTreeSet<u32>,
    questions: BTreeMap<String, Question>,
    said: usize,
    answered_without_id: usize,
    is_xiaozhi: bool,
}

impl Client {
    pub fn marker(&self) -> &'static str {
        AGENTS[self.agent]
    }
}

/// What is looked at in a message. A member that is there twice makes it none.
#[derive(serde::Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Spelled<'a>,
    #[serde(borrow, default)]
    method: Spelled<'a>,
    #[serde(borrow, default)]
    params: Spelled<'a>,
    #[serde(borrow, default)]
    result: Spelled<'a>,
    #[serde(borrow, default)]
    error: Spelled<'a>,
}

/// A member as it is spelled, `null` included.
#[derive(Default)]
struct Spelled<'a>(Option<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for Spelled<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|raw| Spelled(Some(raw.get())))
    }
}

impl Spelled<'_> {
    fn said(&self) -> Option<String> {
        serde_json::from_str(self.0?).ok()
    }

    /// What can be an id.
    fn id(&self) -> Option<&str> {
        let is_id = |raw: &&str| {
            raw.strip_prefix('-').unwrap_or(raw).starts_with(|c: char| c.is_ascii_digit())
                || raw.starts_with('"')
        };
        self.0.filter(is_id)
    }
}

fn read(text: &str) -> Option<Message<'_>> {
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

/// The connections, as the relay reaches them.
#[derive(Default)]
struct Lines {
    clients: BTreeMap<u32, Client>,
    full: BTreeSet<u32>,
}

impl Wire for Lines {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        if self.full.contains(&peer.slot) {
            trace(|| format!("  {peer} is full"));
            return Err(Congested);
        }
        let text = pieces.concat();
        trace(|| format!("  to {peer}: {text}"));
        assert!(!text.contains(['\n', '\r']), "more than one line: {text:?}");
        let text = without_words(&text);
        assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok(), "no JSON: {text:?}");
        let client = self.clients.get_mut(&peer.slot).expect("sent to somebody who is gone");
        for agent in AGENTS.iter().filter(|agent| **agent != client.marker()) {
            assert!(!text.contains(agent), "of another agent: {text}");
        }
        let Some(message) = read(&text) else { panic!("no message: {text}") };
        match client.side {
            Side::Tool => client.tool_receives(&message, &text),
            Side::Robot => client.robot_receives(&message, &text),
        }
        Ok(())
    }

    fn close(&mut self, peer: Peer, reason: CloseReason) {
        trace(|| format!("  {peer} is closed: {reason:?}"));
        self.full.remove(&peer.slot);
        assert!(self.clients.remove(&peer.slot).is_some(), "closed twice");
    }

    fn probe(&mut self, peer: Peer) {
        assert!(self.clients.contains_key(&peer.slot), "probed when it is gone");
    }
}

impl Client {
    fn tool_receives(&mut self, message: &Message<'_>, text: &str) {
        let Some(method) = message.method.said() else {
            return self.is_answered(message, text);
        };
        if let Some(id) = message.id.id() {
            let number: u32 = id.parse().unwrap_or_default();
            assert!((1..1 << 31).contains(&number) && number.to_string() == id, "id of {text}");
            assert!(self.used.insert(number), "an id again: {text}");
            self.asked.push(Asked { id: number, method });
        } else if method == "notifications/cancelled" {
            let params = message.params.0.and_then(read_request_id);
            let number: Option<u32> = params.and_then(|id| id.parse().ok());
            self.asked.retain(|asked| Some(asked.id) != number);
        }
    }

    fn robot_receives(&mut self, message: &Message<'_>, text: &str) {
        if message.method.0.is_some() {
            assert_eq!(message.id.id(), None, "the relay asks robots nothing: {text}");
        } else {
            self.is_answered(message, text);
        }
    }

    fn is_answered(&mut self, message: &Message<'_>, text: &str) {
        if message.id.0 == Some("null") {
            self.answered_without_id += 1;
            assert!(self.answered_without_id <= self.said, "answered unasked: {text}");
            return;
        }
        let id = message.id.0.unwrap_or_default();
        let Some(question) = self.questions.get_mut(id) else { panic!("never asked: {text}") };
        question.answered += 1;
        let may_repeat = question.is_list && self.is_xiaozhi;
        let once = question.answered <= question.asked;
        assert!(once || may_repeat, "answered once more: {text}");
    }

    /// Notes what it sends, before the relay gets it.
    fn sends(&mut self, text: &str) {
        // As it is: a line break inside a string makes it something else than JSON.
        let text = without_words(text.trim_matches(['\r', '\n']));
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let wrapped = read_wrapped(text).filter(|_| self.side == Side::Tool);
        let text = wrapped.unwrap_or(text);
        self.said += 1;
        self.is_xiaozhi |= text.contains(XIAOZHI);
        let Some(message) = read(text) else {
            // A member occurs twice. The id may still be readable.
            #[derive(serde::Deserialize)]
            struct OnlyId<'a> {
                #[serde(borrow, default)]
                id: Spelled<'a>,
            }
            let only: Option<OnlyId<'_>> = serde_json::from_str(text).ok();
            if let Some(id) = only.as_ref().and_then(|only| only.id.id()) {
                self.questions.entry(id.to_owned()).or_default().asked += 1;
            }
            return;
        };
        let method = message.method.said();
        if method.as_deref() == Some("notifications/cancelled") {
            if let Some(id) = message.params.0.and_then(read_request_id) {
                self.questions.entry(id.to_owned()).or_default().cancelled = true;
            }
        }
        let Some(id) = message.id.id() else { return };
        let is_reply =
            message.method.0.is_none() && (message.result.0.is_some() || message.error.0.is_some());
        if !is_reply {
            let question = self.questions.entry(id.to_owned()).or_default();
            question.asked += 1;
            question.certain += usize::from(method.is_some());
            question.is_list |= method.as_deref() == Some("tools/list");
        }
    }

    /// A robot that nothing can come for any more has been answered all it asked.
    fn has_been_answered(&self) {
        for (id, question) in &self.questions {
            let Question { asked, certain, answered, .. } = *question;
            if !question.cancelled {
                assert!(answered >= certain, "{id}: {answered} answers to {certain} of {asked}");
            }
        }
    }
}

/// The message in `{"type":"mcp","payload":{…}}`.
fn read_wrapped(text: &str) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow, default)]
        r#type: Spelled<'a>,
        #[serde(borrow, default)]
        payload: Spelled<'a>,
    }
    let is_wrapped = |wrapped: &Wrapped<'_>| wrapped.r#type.said().as_deref() == Some("mcp");
    let wrapped: Option<Wrapped<'_>> =
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
    wrapped.filter(is_wrapped)?.payload.0
}

fn read_request_id(params: &str) -> Option<&str> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Params<'a> {
        #[serde(borrow, default)]
        request_id: Spelled<'a>,
    }
    let params: Option<Params<'_>> =
        params.starts_with('{').then(|| serde_json::from_str(params).ok()).flatten();
    params?.request_id.0
}

/// The relay and everybody around it.
pub struct World {
    relay: Relay,
    lines: Lines,
    now: Moment,
    next: u32,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        World {
            relay: Relay::new(policy),
            lines: Lines::default(),
            now: Moment::default(),
            next: 0,
        }
    }

    pub fn count(&self) -> usize {
        self.lines.clients.len()
    }

    pub fn all(&self, side: Side) -> Vec<u32> {
        let clients = self.lines.clients.iter();
        clients.filter(|(_, client)| client.side == side).map(|(slot, _)| *slot).collect()
    }

    pub fn pick(&self, side: Side, which: u8) -> Option<u32> {
        let all = self.all(side);
        all.get(usize::from(which) % all.len().max(1)).copied()
    }

    pub fn pick_any(&self, which: u8) -> Option<u32> {
        let all: Vec<u32> = self.lines.clients.keys().copied().collect();
        all.get(usize::from(which) % all.len().max(1)).copied()
    }

    pub fn marker(&self, slot: u32) -> &'static str {
        self.lines.clients.get(&slot).map_or("", Client::marker)
    }

    pub fn asked(&self, slot: u32) -> Vec<Asked> {
        self.lines.clients.get(&slot).map(|client| client.asked.clone()).unwrap_or_default()
    }

    /// Takes out one of the requests a tool has not answered.
    pub fn take_asked(&mut self, slot: u32, which: u8) -> Option<Asked> {
        let asked = &mut self.lines.clients.get_mut(&slot)?.asked;
        let which = usize::from(which) % asked.len().max(1);
        (which < asked.len()).then(|| asked.remove(which))
    }

    pub fn join(&mut self, side: Side, agent: usize, server_id: Option<&str>) {
        let slot = self.next;
        self.next += 1;
        let client = Client {
            side,
            agent,
            asked: Vec::new(),
            used: BTreeSet::new(),
            questions: BTreeMap::new(),
            said: 0,
            answered_without_id: 0,
            is_xiaozhi: false,
        };
        self.lines.clients.insert(slot, client);
        trace(|| format!("{side:?} #{slot} joins {agent} as {server_id:?}"));
        let joining = Joining { side, agent: AGENTS[agent], server_id, address: "[::1]:1" };
        self.relay.joined(self.now, Peer { slot, generation: 0 }, joining, &mut self.lines);
    }

    pub fn leave(&mut self, which: u8) {
        if let Some(slot) = self.pick_any(which) {
            self.leaves(slot);
        }
    }

    fn leaves(&mut self, slot: u32) {
        trace(|| format!("#{slot} leaves"));
        self.lines.clients.remove(&slot);
        self.lines.full.remove(&slot);
        let peer = Peer { slot, generation: 0 };
        self.relay.left(self.now, peer, CloseReason::PeerVanished, &mut self.lines);
    }

    pub fn sends(&mut self, slot: u32, text: &str) {
        let Some(client) = self.lines.clients.get_mut(&slot) else { return };
        client.sends(text);
        trace(|| format!("#{slot} says: {text}"));
        self.relay.text(self.now, Peer { slot, generation: 0 }, text, &mut self.lines);
    }

    pub fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
        trace(|| format!("{time:?} pass"));
    }

    pub fn wait_until_woken(&mut self) {
        self.now = self.relay.wake_at().unwrap_or(self.now).max(self.now);
        trace(|| format!("it is {:?}", self.now));
    }

    pub fn toggle_congestion(&mut self, which: u8) {
        if let Some(slot) = self.pick_any(which) {
            trace(|| format!("#{slot} is full, or not any more"));
            if !self.lines.full.remove(&slot) {
                self.lines.full.insert(slot);
            }
        }
    }

    pub fn follow(&mut self, policy: Policy) {
        trace(|| format!("{policy:?}"));
        self.relay.set_policy(self.now, policy, &mut self.lines);
        // The relay looks after every other input itself.
        self.relay.check_invariants();
    }

    /// What the shell does in each turn, and what must hold after it.
    pub fn look(&mut self) {
        if self.relay.wake_at().is_some_and(|at| at <= self.now) {
            self.relay.time(self.now, &mut self.lines);
        }
        let next = self.relay.wake_at();
        assert!(next.is_none_or(|at| at > self.now), "it wants to be woken forever");
        let counts = self.relay.counts();
        assert_eq!(counts.tools, self.all(Side::Tool).len());
        assert_eq!(counts.robots, self.all(Side::Robot).len());
        assert_eq!(counts.held_bytes, self.relay.held_bytes());
    }

    /// What the key holder is shown.
    pub fn look_closely(&self) {
        for view in self.relay.details(self.now) {
            assert!(AGENTS.contains(&view.id));
            let labels: BTreeSet<_> = view.tools.iter().map(|tool| &tool.label).collect();
            assert_eq!(labels.len(), view.tools.len(), "a label twice");
        }
    }

    fn wait_for_the_last(&mut self) {
        for _ in 0..MAX_TURNS {
            if self.relay.wake_at().is_none() {
                return;
            }
            self.wait_until_woken();
            self.look();
        }
        panic!("something is always due: {:?}", self.relay.counts());
    }

    /// Everybody leaves, the tools first.
    pub fn end(&mut self) {
        self.lines.full.clear();
        for tool in self.all(Side::Tool) {
            self.leaves(tool);
        }
        self.wait_for_the_last();
        for robot in self.all(Side::Robot) {
            if let Some(client) = self.lines.clients.get(&robot) {
                client.has_been_answered();
            }
            self.leaves(robot);
            self.look();
        }
        self.wait_for_the_last();
        assert_eq!(self.relay.counts(), Counts::default());
        assert_eq!(self.relay.held_bytes(), 0);
    }
}

/// Has every sentence for the log made, for making one must not fail either.
pub fn listen_to_the_log() {
    struct Listener;
    impl log::Log for Listener {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let mut line = String::new();
            write!(line, "{}", record.args()).expect("a sentence");
        }
        fn flush(&self) {}
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = log::set_logger(&Listener);
        log::set_max_level(log::LevelFilter::Debug);
    });
}
