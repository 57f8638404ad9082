//! What the status page is told about everybody: little enough to be asked for every two seconds.
//!
//! Lists of names are not part of it: they are fetched when [`AgentStatus::revision`] says that there is something new.

use super::agent::{Agent, NAMELESS};
use super::catalogue::Kind;
use super::departures::Departed;
use super::numbers::NumberMap;
use super::robot::Robot;
use super::tool::Tool;
use super::{AgentView, Relay, ToolState, ToolView};
use crate::text::Language;
use crate::time::Moment;

/// The largest `serverInfo` that is told, in bytes: one may be 256 KiB, and there may be many.
const LARGEST_INFO: usize = 2048;

/// One agent, for who may see it.
#[derive(Debug, Default)]
pub struct AgentStatus<'a> {
    /// Its id.
    pub id: &'a str,
    /// How often the list of its tools has changed since it was first seen. A tool that comes or
    /// goes may change who serves a name and leave this as it is.
    pub revision: u32,
    /// How many tool names robots are offered.
    pub offered: usize,
    /// Requests that wait for a tool to come back.
    pub waiting: usize,
    /// How many bytes of memory the relay keeps for it.
    pub kept: usize,
    /// Its robots.
    pub robots: Vec<RobotStatus<'a>>,
    /// Its tools, in the order they came.
    pub tools: Vec<ToolStatus<'a>>,
    /// The tools that went in the last minutes, the latest first. One of them may be back.
    pub lost: Vec<Departed<'a>>,
}

/// One connected robot.
#[derive(Debug)]
pub struct RobotStatus<'a> {
    /// Its connection, as the log names it.
    pub connection: String,
    /// Where it dialled in from.
    pub address: &'a str,
    /// The name it gave itself when it said `initialize`.
    pub client: Option<&'a str>,
    /// Seconds since it connected.
    pub connected_seconds: u64,
    /// Its requests that are not answered yet.
    pub in_flight: usize,
}

/// One connected tool.
#[derive(Debug)]
pub struct ToolStatus<'a> {
    /// Its connection, as the log names it.
    pub connection: String,
    /// Its label, unique within the agent.
    pub label: &'a str,
    /// Where it dialled in from.
    pub address: &'a str,
    /// `serverInfo` as it sent it; nothing yet, or longer than is told here.
    pub server_info: Option<&'a str>,
    /// How far it has come.
    pub state: &'static str,
    /// Seconds since it connected.
    pub connected_seconds: u64,
    /// Requests it has not answered yet.
    pub in_flight: usize,
    /// Requests it has answered.
    pub answered: u32,
    /// How many tool names it serves.
    pub tools_count: usize,
    /// How many it has. More than it serves where a twin of it serves them.
    pub own_count: usize,
    /// Whether a twin of it serves them.
    pub in_reserve: bool,
    /// What last went wrong with it.
    pub last_error: Option<String>,
}

/// What the tools of one agent are, for a person who wants to call one.
#[derive(Debug, Default)]
pub struct Catalogue<'a> {
    /// The id of the agent.
    pub agent: &'a str,
    /// See [`AgentStatus::revision`].
    pub revision: u32,
    /// The tools' labels, each with the names it serves: the elements of a JSON list.
    pub servers: Vec<(&'a str, &'a str)>,
    /// The elements of the list as robots get it, every one spelled as its tool spelled it,
    /// separated by commas.
    pub tools: String,
}

impl Relay {
    /// Every agent that has a connection or has just lost its last tool, by its id: only for who
    /// has the key. What went wrong is told in `language`.
    pub fn status(&self, now: Moment, language: Language) -> Vec<AgentStatus<'_>> {
        let mut agents: Vec<AgentStatus<'_>> = Vec::new();
        for (_, agent) in &self.agents {
            if !agent.tools.is_empty() || !agent.robots.is_empty() {
                let place = agents.partition_point(|other| *other.id < *agent.name);
                agents.insert(place, agent.status(now, language));
            }
        }
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

    /// What the tools of `agent` are: only for who has the key. An agent that is not there has
    /// none.
    pub fn catalogue<'a>(&'a self, agent: &'a str) -> Catalogue<'a> {
        let found = self.names.get(agent).and_then(|place| self.agents.get(*place));
        found.map_or(Catalogue { agent, ..Catalogue::default() }, Agent::catalogue)
    }
}

impl Agent {
    /// The agent as who has the key may see it.
    pub(super) fn view(&self, now: Moment, language: Language) -> AgentView {
        let offers = self.catalogue.offers.of(Kind::Tools);
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
                        in_flight: self.calls.count_at(tool.key),
                        last_error: tool.trouble_at(now).map(|trouble| trouble.told(language)),
                    }
                })
                .collect(),
        }
    }

    fn status(&self, now: Moment, language: Language) -> AgentStatus<'_> {
        let offers = self.catalogue.offers.of(Kind::Tools);
        // How many names each line offers.
        let served: NumberMap<u32, usize> = offers.counts().collect();
        let tools = self.tools_where(|_| true).into_iter().filter_map(|place| {
            let tool = self.tools.get(place)?;
            let serves = served.get(&tool.line).filter(|_| self.serving(tool.line) == Some(place));
            let in_reserve = tool.line != 0 && self.serving(tool.line) != Some(place);
            let serves = serves.copied().unwrap_or_default();
            let in_flight = self.calls.count_at(tool.key);
            Some(ToolStatus { in_reserve, in_flight, ..tool.status(now, language, serves) })
        });
        AgentStatus {
            id: &self.name,
            revision: offers.version(),
            offered: offers.len(),
            waiting: self.parked.len(),
            kept: self.kept,
            robots: self
                .robots
                .iter()
                .map(|(at, robot)| robot.status(now, self.load(at)))
                .collect(),
            tools: tools.collect(),
            lost: Vec::new(),
        }
    }

    fn catalogue(&self) -> Catalogue<'_> {
        let offers = self.catalogue.offers.of(Kind::Tools);
        let served = |place| {
            let tool = self.tools.get(place)?;
            let serves = self.serving(tool.line) == Some(place);
            let names = if serves { offers.names_of(tool.line).1 } else { "" };
            Some((&*tool.label, names))
        };
        Catalogue {
            agent: &self.name,
            revision: offers.version(),
            servers: self.tools_where(|_| true).into_iter().filter_map(served).collect(),
            tools: offers.pieces().concat(),
        }
    }
}

impl Robot {
    fn status(&self, now: Moment, in_flight: usize) -> RobotStatus<'_> {
        RobotStatus {
            connection: self.peer.to_string(),
            address: &self.address,
            client: self.client.as_deref(),
            connected_seconds: now.since(self.joined).as_secs(),
            in_flight,
        }
    }
}

impl Tool {
    fn status(&self, now: Moment, language: Language, serves: usize) -> ToolStatus<'_> {
        let info = self.hello.as_ref().and_then(|hello| hello.server_info());
        ToolStatus {
            connection: self.peer.to_string(),
            label: &self.label,
            address: &self.address,
            server_info: info.filter(|info| info.len() <= LARGEST_INFO),
            state: self.state.label(),
            connected_seconds: now.since(self.joined).as_secs(),
            in_flight: 0,
            answered: self.answered,
            tools_count: serves,
            own_count: match self.state {
                ToolState::Ready => self.lists.of(Kind::Tools).items.len(),
                _ => serves,
            },
            in_reserve: false,
            last_error: self.trouble_at(now).map(|trouble| trouble.told(language)),
        }
    }
}
