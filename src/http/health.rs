//! Health and statistics: numbers for everybody, names for the key holder.

use super::json::Json;
use super::json::Value::{Count, List, Null, Number, Object, Raw, Text};
use super::request::Request;
use super::response::Reply;
use super::ShellView;
use crate::relay::{AgentStatus, Counts, Section, ToolStatus, Traffic, COUNTERS};
use crate::time::Moment;
use crate::VERSION;
use jsonrpc::scan::{self, Notes};

/// The answer to `GET /mcp_endpoint/` for a program.
pub(super) fn home(_: &Request<'_>, _: &str) -> Reply {
    Reply::result(|json| {
        json.put("message", Text("MCP Endpoint Server"));
        json.put("version", Text(VERSION));
        json.put("status", Text("running"));
    })
}

/// The answer to `GET /health`: the server runs.
pub(super) fn alive(request: &Request<'_>, _: &str) -> Reply {
    let mut json = Json::default();
    json.put("status", Text("healthy"));
    json.put("version", Text(VERSION));
    json.put("uptime_seconds", Number(uptime(request)));
    json.put("connections", Object);
    write_connections(&mut json, &request.context.relay.counts(), None);
    Reply::json(200, json)
}

/// The answer to `GET /mcp_endpoint/health`, for the key holder.
pub(super) fn with_key(request: &Request<'_>, _: &str) -> Reply {
    if !request.has_key() {
        return key_refused(request);
    }
    let relay = request.context.relay;
    Reply::result(|json| {
        json.put("status", Text("success"));
        json.put("connections", Object);
        write_connections(json, &relay.counts(), Some(&relay.details(request.context.now)));
        json.end();
        super::managed::write(json, request);
    })
}

/// The answer to a request without the right key.
pub(super) fn key_refused(request: &Request<'_>) -> Reply {
    let language = request.language();
    let (message, details) = (language.key_refused(), language.key_refused_details());
    Reply::error(401, -32004, &message, &details).with("WWW-Authenticate", "Bearer").wrong_key()
}

/// The answer to `GET /stats`.
pub(super) fn stats(request: &Request<'_>, _: &str) -> Reply {
    let relay = request.context.relay;
    let details = request.has_key().then(|| details(request));
    let (counts, traffic) = (relay.counts(), relay.traffic());
    let mut json = Json::default();
    json.put("status", Text("success"));
    json.put("data", Object);
    write_connections(&mut json, &counts, details.as_deref());
    json.put("uptime_seconds", Number(uptime(request)));
    json.put_numbers("relay", &current_work(&counts));
    write_traffic(&mut json, &traffic);
    json.put_numbers("server", &server_counters(&request.context.shell));
    json.put_numbers("memory", &memory_usage(request));
    if let Some(details) = &details {
        json.put("memory_bytes_by_agent", Object);
        details.iter().for_each(|agent| json.put(agent.id, Count(agent.kept)));
        json.end();
    }
    let reply = Reply::json(200, json);
    // A guessed key is slowed down here as everywhere.
    if details.is_none() && request.offers_key() {
        return reply.wrong_key();
    }
    reply
}

/// How long the server has been running, in seconds.
pub(super) fn uptime(request: &Request<'_>) -> u64 {
    request.context.now.since(Moment::default()).as_secs()
}

/// The details for the key holder, with all the memory that is charged to each agent.
fn details<'a>(request: &Request<'a>) -> Vec<AgentStatus<'a>> {
    let mut details = request.context.relay.details(request.context.now);
    for agent in &mut details {
        agent.kept = request.context.machine.memory_of(agent.id).unwrap_or(agent.kept);
    }
    details
}

/// The memory charged to the owners of each kind, and how often one of them had to free some.
pub(super) fn memory_usage(request: &Request<'_>) -> [(&'static str, u64); 10] {
    let [server, strangers, agents, managed] = request.context.shell.memory;
    let all = [server, strangers, agents, managed].iter().map(|totals| totals.bytes).sum();
    [
        ("limit_bytes", number(request.context.settings.websocket.memory_limit)),
        ("bytes", number(all)),
        ("server_bytes", number(server.bytes)),
        ("agents", number(agents.owners)),
        ("agent_bytes", number(agents.bytes)),
        ("agents_gave_way", agents.gave_way),
        ("strangers", number(strangers.owners)),
        ("stranger_bytes", number(strangers.bytes)),
        ("strangers_gave_way", strangers.gave_way),
        ("managed_bytes", number(managed.bytes)),
    ]
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn current_work(counts: &Counts) -> [(&'static str, u64); 4] {
    [
        ("agents", number(counts.agents)),
        ("in_flight", number(counts.in_flight)),
        ("waiting", number(counts.waiting)),
        ("held_bytes", number(counts.held_bytes)),
    ]
}

/// The counters of the relay, as two objects.
pub(super) fn write_traffic(json: &mut Json, traffic: &Traffic) {
    for (section, name) in [(Section::Traffic, "traffic"), (Section::Errors, "errors")] {
        json.put(name, Object);
        for counter in COUNTERS.iter().filter(|counter| counter.section == section) {
            json.put(counter.name, Number((counter.get)(traffic)));
        }
        json.end();
    }
}

pub(super) fn server_counters(shell: &ShellView) -> [(&'static str, u64); 7] {
    [
        ("connections", number(shell.connections)),
        ("accepted", shell.accepted),
        ("turned_away", shell.turned_away),
        ("refused", shell.refused),
        ("queued_bytes", number(shell.queued_bytes)),
        ("bytes_in", shell.bytes_in),
        ("bytes_out", shell.bytes_out),
    ]
}

/// The members of `connections`, in the order of docs/protocol.md#http-connections. Members with names
/// are there only with the key.
fn write_connections(json: &mut Json, counts: &Counts, details: Option<&[AgentStatus<'_>]>) {
    json.put("tool_connections", Count(counts.tools));
    json.put("robot_connections", Count(counts.robots));
    json.put("total_connections", Count(counts.tools.saturating_add(counts.robots)));
    if let Some(details) = details {
        json.put("robot_connections_by_agent", Object);
        for agent in details.iter().filter(|agent| !agent.robots.is_empty()) {
            json.put(agent.id, Count(agent.robots.len()));
        }
        json.end();
    }
    json.put("mcp_server_connections", Count(counts.tools));
    if let Some(details) = details {
        json.put("mcp_servers", Object);
        for agent in with_tools(details) {
            json.put(agent.id, Object);
            agent.tools.iter().for_each(|tool| write_server(json, tool));
            json.end();
        }
        json.end();
    }
    json.put("total_tools", Count(counts.offered));
    if let Some(details) = details {
        json.put("multi_server_support", Raw("true"));
        json.put("available_agents", List);
        with_tools(details).for_each(|agent| json.add(Text(agent.id)));
        json.end();
    }
}

/// The agents that have tool servers: `available_agents`.
fn with_tools<'a>(details: &'a [AgentStatus<'a>]) -> impl Iterator<Item = &'a AgentStatus<'a>> {
    details.iter().filter(|agent| !agent.tools.is_empty())
}

/// One tool server, for the key holder.
fn write_server(json: &mut Json, tool: &ToolStatus<'_>) {
    json.put(tool.label, Object);
    json.put("tools_count", Count(tool.tools_count));
    json.put("tools", List);
    json.add(Raw(tool.names));
    json.end();
    let is_json = |info: &&str| scan::check(info, &mut Notes::default()).is_ok();
    json.put("server_info", tool.server_info.filter(is_json).map_or(Null, |info| Raw(info.trim())));
    json.put("state", Text(tool.state.label()));
    json.put("connected_seconds", Number(tool.connected_seconds));
    json.put("in_flight", Count(tool.in_flight));
    json.put("last_error", tool.last_error.as_deref().map_or(Null, Text));
    json.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{RobotStatus, ToolState};

    fn tool<'a>(label: &'a str, names: &'a str, server_info: Option<&'a str>) -> ToolStatus<'a> {
        ToolStatus {
            connection: "#1.1".to_owned(),
            label,
            address: "192.0.2.1:5",
            server_info,
            state: ToolState::Ready,
            connected_seconds: 9,
            in_flight: 2,
            answered: 0,
            tools_count: names.split_terminator(',').count(),
            names,
            own_count: 0,
            in_reserve: false,
            last_error: None,
        }
    }

    fn details() -> Vec<AgentStatus<'static>> {
        let mut opaque = tool("tool-1", "", Some("{not json"));
        opaque.state = ToolState::Opaque;
        opaque.last_error = Some("no \"answer\"\n".to_owned());
        let weather = tool("weather", r#""now","next""#, Some(r#"{"name": "w", "z":1.50, "a":2}"#));
        let robot = || RobotStatus {
            connection: "#2.1".to_owned(),
            address: "192.0.2.1:6",
            client: None,
            connected_seconds: 9,
            in_flight: 0,
        };
        let robots = vec![robot(), robot(), robot()];
        vec![
            AgentStatus { id: "a", robots, ..AgentStatus::default() },
            AgentStatus { id: "b", tools: vec![weather, opaque], ..AgentStatus::default() },
        ]
    }

    fn written(counts: &Counts, details: Option<&[AgentStatus<'_>]>) -> String {
        let mut json = Json::default();
        write_connections(&mut json, counts, details);
        json.finish()
    }

    #[test]
    fn details_have_the_order_of_the_protocol() {
        let counts = Counts { agents: 2, tools: 2, robots: 3, offered: 2, ..Counts::default() };
        let written = written(&counts, Some(&details()));
        assert_eq!(
            written,
            concat!(
                r#"{"tool_connections":2,"robot_connections":3,"total_connections":5,"#,
                r#""robot_connections_by_agent":{"a":3},"mcp_server_connections":2,"#,
                r#""mcp_servers":{"b":{"#,
                r#""weather":{"tools_count":2,"tools":["now","next"],"#,
                r#""server_info":{"name": "w", "z":1.50, "a":2},"state":"ready","#,
                r#""connected_seconds":9,"in_flight":2,"last_error":null},"#,
                r#""tool-1":{"tools_count":0,"tools":[],"server_info":null,"state":"opaque","#,
                r#""connected_seconds":9,"in_flight":2,"last_error":"no \"answer\"\n"}}},"#,
                r#""total_tools":2,"multi_server_support":true,"available_agents":["b"]}"#
            )
        );
    }

    #[test]
    fn without_details_there_are_numbers_only() {
        let counts = Counts { tools: 2, robots: 3, offered: 4, ..Counts::default() };
        assert_eq!(
            written(&counts, None),
            r#"{"tool_connections":2,"robot_connections":3,"total_connections":5,"mcp_server_connections":2,"total_tools":4}"#
        );
    }

    #[test]
    fn the_details_survive_inside_another_object() {
        let mut json = Json::default();
        json.put("data", Object);
        write_connections(&mut json, &Counts::default(), Some(&details()));
        let traffic = Traffic { calls: u64::MAX, ..Traffic::default() };
        write_traffic(&mut json, &traffic);
        let written = json.finish();
        assert!(written.contains(r#""server_info":{"name": "w", "z":1.50, "a":2}"#), "{written}");
        assert!(written.contains(r#""calls":18446744073709551615"#));
        assert!(written.starts_with(r#"{"data":{"tool_connections":0,"robot_connections":0,"#));
        assert!(written.ends_with("}}}"), "{written}");
    }
}
