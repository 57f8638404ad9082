//! What the agent shows to who has the key.

use super::Agent;
use crate::relay::catalogue::Kind;
use crate::relay::numbers::NumberMap;
use crate::relay::robot::Robot;
use crate::relay::roster::UNKNOWN;
use crate::relay::tool::Tool;
use crate::relay::{
    AgentStatus, AgentView, Catalogue, RobotStatus, ToolState, ToolStatus, ToolView,
};
use crate::text::Language;
use crate::time::Moment;

/// The largest `serverInfo` that is told, in bytes: one may be 256 KiB, and there may be many.
const LARGEST_INFO: usize = 2048;

impl Agent {
    /// The agent as who has the key may see it.
    pub(in crate::relay) fn view(&self, now: Moment, language: Language) -> AgentView {
        let offers = self.catalogue.offers.of(Kind::Tools);
        let tools = self.tools_where(|_| true);
        let tools = tools.iter().filter_map(|key| Some((*key, self.tools.expect(*key)?)));
        AgentView {
            robots: self.robots.len(),
            offered: offers.len(),
            kept: self.kept,
            tools: tools
                .map(|(key, tool)| {
                    let serves = self.roster.serving(tool.identity) == Some(key);
                    let (count, names) =
                        if serves { offers.names_of(tool.identity) } else { Default::default() };
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

    pub(in crate::relay) fn status(&self, now: Moment, language: Language) -> AgentStatus<'_> {
        let offers = self.catalogue.offers.of(Kind::Tools);
        // How many names each identity offers.
        let served: NumberMap<u32, usize> = offers.counts().collect();
        let tools = self.tools_where(|_| true).into_iter().filter_map(|key| {
            let tool = self.tools.expect(key)?;
            let serves = served
                .get(&tool.identity)
                .filter(|_| self.roster.serving(tool.identity) == Some(key));
            let in_reserve =
                tool.identity != UNKNOWN && self.roster.serving(tool.identity) != Some(key);
            let serves = serves.copied().unwrap_or_default();
            let in_flight = self.calls.count_at(tool.key);
            Some(ToolStatus { in_reserve, in_flight, ..tool.status(now, language, serves) })
        });
        AgentStatus {
            id: &self.name,
            revision: offers.version(),
            offered: offers.len(),
            waiting: self.waiting.parked(),
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

    pub(in crate::relay) fn catalogue(&self) -> Catalogue<'_> {
        let offers = self.catalogue.offers.of(Kind::Tools);
        let served = |key| {
            let tool = self.tools.expect(key)?;
            let serves = self.roster.serving(tool.identity) == Some(key);
            let names = if serves { offers.names_of(tool.identity).1 } else { "" };
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
