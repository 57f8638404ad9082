//! Who takes part: tool servers that behave in many ways, robots, and which answers each awaits.

use crate::random::Random;
use mcp_endpoint_server::relay::Peer;
use mcp_endpoint_server::time::Moment;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// How a tool meets a request of one sort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaviour {
    Answers,
    Refuses,
    Silent,
}

/// A server as it would introduce itself.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) server_id: Option<String>,
    pub(crate) names: Vec<String>,
    pub(crate) announces: bool,
}

impl Server {
    /// One of a few, so that twins and quarrels over names are frequent.
    pub(crate) fn any(random: &mut Random) -> Self {
        let number = random.below(4);
        let lists: [&[&str]; 5] =
            [&["add", "sub"], &["add"], &["search", "add"], &["x-y", "小"], &[]];
        let names = *random.pick(&lists);
        Server {
            name: if number == 3 { String::new() } else { format!("server-{number}") },
            server_id: random.percent(30).then(|| format!("id-{}", random.below(3))),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            announces: random.percent(60),
        }
    }

    /// What tells it from other servers.
    pub(crate) fn identity(&self) -> String {
        self.server_id.clone().unwrap_or_else(|| self.name.clone())
    }
}

/// A request a tool has not answered.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: u64,
    pub(crate) method: String,
    /// The key of a robot's request; none where the relay asks.
    pub(crate) key: Option<u64>,
    pub(crate) cursor: bool,
}

/// A connected tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) agent: usize,
    pub(crate) server: Server,
    pub(crate) initialize: Behaviour,
    pub(crate) lists: Behaviour,
    pub(crate) calls: Behaviour,
    /// It says things twice, and things nobody asked for.
    pub(crate) confused: bool,
    pub(crate) joined: Moment,
    /// If it hangs: how it answers calls and lists otherwise.
    pub(crate) hangs: Option<(Behaviour, Behaviour)>,
    /// It joined while `handshake` was off.
    pub(crate) transparent: bool,
    /// It has answered `initialize`, well or badly.
    pub(crate) answered_initialize: bool,
    pub(crate) initialised: bool,
    pub(crate) pending: Vec<Pending>,
    pub(crate) ids: HashSet<u64>,
    /// Every name it ever offered.
    pub(crate) ever: HashSet<String>,
}

impl Tool {
    pub(crate) fn any(random: &mut Random, agent: usize, joined: Moment) -> Self {
        let server = Server::any(random);
        let behaviour = |random: &mut Random| match random.below(20) {
            0 => Behaviour::Refuses,
            1 => Behaviour::Silent,
            _ => Behaviour::Answers,
        };
        Tool {
            agent,
            ever: server.names.iter().cloned().collect(),
            server,
            initialize: behaviour(random),
            lists: behaviour(random),
            calls: behaviour(random),
            confused: random.percent(15),
            joined,
            hangs: None,
            transparent: false,
            answered_initialize: false,
            initialised: false,
            pending: Vec::new(),
            ids: HashSet::new(),
        }
    }
}

/// The answers a robot awaits under one id.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    /// The keys of the requests that were not answered by name.
    pub(crate) keys: Vec<u64>,
    /// How many of them were answered with an error of the relay, which does not say which.
    pub(crate) errors: usize,
    /// How many of them were cancelled while the id was in flight more than once.
    pub(crate) cancelled: usize,
}

impl Outstanding {
    /// How many answers must still come.
    pub(crate) fn at_least(&self) -> usize {
        self.keys.len().saturating_sub(self.errors + self.cancelled)
    }

    /// Forgets what is settled for certain.
    pub(crate) fn tidy(&mut self) {
        assert!(self.errors <= self.keys.len(), "more errors than requests: {self:?}");
        if self.errors == self.keys.len() {
            *self = Outstanding::default();
        }
    }
}

/// A connected robot.
#[derive(Debug, Default)]
pub(crate) struct Robot {
    pub(crate) agent: usize,
    pub(crate) is_xiaozhi: bool,
    pub(crate) said_initialized: bool,
    /// The answers it awaits, by id as it is spelled.
    pub(crate) outstanding: HashMap<String, Outstanding>,
    /// How much it sent that can only be answered with an error without an id.
    pub(crate) junk: usize,
    /// The ids of its `tools/list`.
    pub(crate) list_ids: HashSet<String>,
    /// The names it was last offered, each with the server that has it.
    pub(crate) offered: Vec<(String, String)>,
    /// When that was.
    pub(crate) epoch: u64,
}

/// A request of a robot.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) robot: Peer,
    pub(crate) method: String,
    /// The text with `@ID@`, `@TOKEN@` and `@NAME@` in their places.
    pub(crate) text: String,
    pub(crate) token: Option<String>,
    pub(crate) name: String,
    /// Which server must get it as long as nothing happens.
    pub(crate) meant_for: Option<String>,
    pub(crate) epoch: u64,
    /// What tools answered, with `@ID@` in its place.
    pub(crate) answers: Vec<String>,
}

/// The key in a message.
pub(crate) fn key_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(r#""key":""#)?;
    rest.split_once('"')?.0.parse().ok()
}

/// A member of a message as it is spelled.
pub(crate) fn spelled(text: &str, path: &[&str]) -> Option<String> {
    use serde_json::value::RawValue;
    let mut raw = text.to_owned();
    for name in path {
        let members: HashMap<String, Box<RawValue>> = serde_json::from_str(&raw).ok()?;
        raw = members.get(*name)?.get().to_owned();
    }
    Some(raw)
}

/// A message, read.
pub(crate) fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}
