//! What the key holder is shown of the agent.

use super::Agent;
use crate::relay::catalogue::Kind;
use crate::relay::identity::Identity;
use crate::relay::robot::Robot;
use crate::relay::tool_server::ToolServer;
use crate::relay::{AgentStatus, Catalogue, ChosenTool, RobotStatus, ToolState, ToolStatus};
use crate::text::Language;
use crate::time::Moment;
use std::collections::HashSet;

/// The `server_id` of a tool server, what it calls itself, and the label of its identity.
type ToolServerNames<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

/// The largest `serverInfo` that is shown where names are not, in bytes: one may be 64 KiB, there may be
/// many, and the page asks every two seconds.
const MAX_INFO_BYTES: usize = 2048;

impl Agent {
    /// What the key holder is shown of the agent: with the names of its tools and all of `serverInfo`, or
    /// without.
    pub(in crate::relay) fn status(
        &self,
        now: Moment,
        language: Language,
        with_names: bool,
    ) -> AgentStatus<'_> {
        let offers = self.catalogue.offers.of(Kind::Tools);
        // How many names each identity offers.
        let served: Vec<(Identity, usize)> = offers.counts().collect();
        let tools = self.tools_where(&|_| true).into_iter().filter_map(|key| {
            let tool = self.tools.expect(key)?;
            let at = served.binary_search_by_key(&tool.identity, |(identity, _)| *identity).ok();
            let serves = at.filter(|_| self.roster.serving(tool.identity) == Some(key));
            let serves = serves.and_then(|at| served.get(at)).map(|(_, count)| *count);
            let in_reserve = tool.identity != Identity::UNKNOWN
                && self.roster.serving(tool.identity) != Some(key);
            let serves = serves.unwrap_or_default();
            let names = match serves > 0 && with_names {
                true => offers.names_of(tool.identity).1,
                false => "",
            };
            let in_flight = self.calls.count_at(tool.key);
            let own = tool.status(now, language, serves);
            let is_shown = |info: &&str| with_names || info.len() <= MAX_INFO_BYTES;
            let server_info = own.server_info.filter(is_shown);
            Some(ToolStatus { in_reserve, in_flight, names, server_info, ..own })
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

    /// Every tool of the agent, offered or hidden.
    pub(in crate::relay) fn chosen_tools(&self) -> Vec<ChosenTool<'_>> {
        let mut tools = self.catalogue.chosen_tools(&self.name);
        let own = |tool: &'_ ToolServerNames<'_>| tool.0.or(tool.1) == Some(tool.2);
        let lost = self.roster.lost().iter();
        let lost =
            lost.map(|l| (l.server_id.as_deref(), l.own_name.as_deref(), &*l.identity_label));
        let here = self.tools.iter();
        let here = here.map(|(_, t)| (t.server_id.as_deref(), t.own_name(), &*t.identity_label));
        let stable: HashSet<&str> = lost.chain(here).filter(own).map(|names| names.2).collect();
        for tool in &mut tools {
            tool.is_label_stable = stable.contains(tool.label);
        }
        tools
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
            servers: self.tools_where(&|_| true).into_iter().filter_map(served).collect(),
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

impl ToolServer {
    fn status(&self, now: Moment, language: Language, serves: usize) -> ToolStatus<'_> {
        ToolStatus {
            connection: self.peer.to_string(),
            label: &self.label,
            address: &self.address,
            server_info: self
                .initialized
                .as_ref()
                .and_then(|initialized| initialized.server_info()),
            state: self.state,
            connected_seconds: now.since(self.joined).as_secs(),
            in_flight: 0,
            answered: self.answered,
            tools_count: serves,
            names: "",
            own_count: match self.state {
                ToolState::Ready => self.lists.of(Kind::Tools).items.len(),
                _ => serves,
            },
            in_reserve: false,
            last_error: self.trouble_at(now).map(|trouble| trouble.text(language)),
        }
    }
}
