//! How the server is: for everybody in numbers, for who has the key in names.

use super::ask::Ask;
use super::response::Reply;
use super::ShellView;
use crate::moment::Moment;
use crate::relay::{Counts, Details, ToolView, Traffic};
use crate::VERSION;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// What `GET /mcp_endpoint/` tells a program.
#[derive(Serialize)]
struct Home {
    message: &'static str,
    version: &'static str,
    status: &'static str,
}

pub(super) fn home(_: &Ask<'_>, _: &str) -> Reply {
    Reply::result(&Home { message: "MCP Endpoint Server", version: VERSION, status: "running" })
}

/// What `GET /health` tells: the server is alive.
#[derive(Serialize)]
struct Alive<'a> {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    connections: Connections<'a>,
}

pub(super) fn alive(ask: &Ask<'_>, _: &str) -> Reply {
    Reply::json(
        200,
        &Alive {
            status: "healthy",
            version: VERSION,
            uptime_seconds: uptime(ask),
            connections: Connections::new(ask.context.relay.counts(), None),
        },
    )
}

/// What `GET /mcp_endpoint/health` tells who has the key.
#[derive(Serialize)]
struct WithKey<'a> {
    status: &'static str,
    connections: Connections<'a>,
}

pub(super) fn with_key(ask: &Ask<'_>, _: &str) -> Reply {
    if !ask.has_key() {
        return key_refused(ask);
    }
    let relay = ask.context.relay;
    let details = relay.details(ask.context.now);
    let connections = Connections::new(relay.counts(), Some(&details));
    Reply::result(&WithKey { status: "success", connections })
}

/// What is told to who has not the key.
pub(super) fn key_refused(ask: &Ask<'_>) -> Reply {
    let language = ask.language();
    let (message, details) = (language.key_refused(), language.key_refused_details());
    Reply::error(401, -32004, &message, &details).with("WWW-Authenticate", "Bearer").guessed_at()
}

/// What `GET /stats` tells.
#[derive(Serialize)]
struct Stats<'a> {
    status: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    connections: Connections<'a>,
    uptime_seconds: u64,
    relay: Members<&'static str, usize>,
    traffic: Members<&'static str, u64>,
    errors: Members<&'static str, u64>,
    server: Members<&'static str, u64>,
}

pub(super) fn stats(ask: &Ask<'_>, _: &str) -> Reply {
    let relay = ask.context.relay;
    let details = ask.has_key().then(|| relay.details(ask.context.now));
    let (counts, traffic) = (relay.counts(), relay.traffic());
    let data = Data {
        connections: Connections::new(counts, details.as_ref()),
        uptime_seconds: uptime(ask),
        relay: now_under_way(&counts),
        traffic: traffic_so_far(&traffic),
        errors: errors_so_far(&traffic),
        server: server_so_far(&ask.context.shell),
    };
    let reply = Reply::json(200, &Stats { status: "success", data });
    // Who guesses gets the answer as late here as anywhere.
    if details.is_none() && ask.claims_the_key() {
        return reply.guessed_at();
    }
    reply
}

/// How long the server has been running, in seconds.
pub(super) fn uptime(ask: &Ask<'_>) -> u64 {
    ask.context.now.since(Moment::default()).as_secs()
}

fn now_under_way(counts: &Counts) -> Members<&'static str, usize> {
    Members(vec![
        ("agents", counts.agents),
        ("in_flight", counts.in_flight),
        ("waiting", counts.waiting),
        ("held_bytes", counts.held_bytes),
    ])
}

pub(super) fn traffic_so_far(traffic: &Traffic) -> Members<&'static str, u64> {
    Members(vec![
        ("from_tools", traffic.from_tools),
        ("bytes_from_tools", traffic.bytes_from_tools),
        ("from_robots", traffic.from_robots),
        ("bytes_from_robots", traffic.bytes_from_robots),
        ("to_tools", traffic.to_tools),
        ("bytes_to_tools", traffic.bytes_to_tools),
        ("to_robots", traffic.to_robots),
        ("bytes_to_robots", traffic.bytes_to_robots),
        ("calls", traffic.calls),
        ("calls_answered", traffic.calls_answered),
        ("calls_cancelled", traffic.calls_cancelled),
        ("replies_dropped", traffic.replies_dropped),
        ("messages_dropped", traffic.messages_dropped),
        ("sends_refused", traffic.sends_refused),
    ])
}

pub(super) fn errors_so_far(traffic: &Traffic) -> Members<&'static str, u64> {
    Members(vec![
        ("no_tool", traffic.errors.no_tool),
        ("not_forwarded", traffic.errors.not_forwarded),
        ("tool_lost", traffic.errors.tool_lost),
        ("timed_out", traffic.errors.timed_out),
        ("bad_request", traffic.errors.bad_request),
    ])
}

pub(super) fn server_so_far(shell: &ShellView) -> Members<&'static str, u64> {
    let number = |size| u64::try_from(size).unwrap_or(u64::MAX);
    Members(vec![
        ("connections", number(shell.connections)),
        ("accepted", shell.accepted),
        ("turned_away", shell.turned_away),
        ("refused", shell.refused),
        ("queued_bytes", number(shell.queued_bytes)),
        ("bytes_in", shell.bytes_in),
        ("bytes_out", shell.bytes_out),
    ])
}

/// A JSON object whose members keep their order.
pub(super) struct Members<K, V>(pub(super) Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Members<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// `connections` of the contract, in its order. What names somebody is there only with the key.
#[derive(Serialize)]
struct Connections<'a> {
    tool_connections: usize,
    robot_connections: usize,
    total_connections: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    robot_connections_by_agent: Option<Members<&'a str, usize>>,
    mcp_server_connections: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_servers: Option<Members<&'a str, Members<&'a str, Server<'a>>>>,
    total_tools: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_server_support: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available_agents: Option<Vec<&'a str>>,
}

impl<'a> Connections<'a> {
    fn new(counts: Counts, details: Option<&'a Details>) -> Self {
        Connections {
            tool_connections: counts.tools,
            robot_connections: counts.robots,
            total_connections: counts.tools.saturating_add(counts.robots),
            robot_connections_by_agent: details.map(robots_by_agent),
            mcp_server_connections: counts.tools,
            mcp_servers: details.map(servers_by_agent),
            total_tools: counts.offered,
            multi_server_support: details.map(|_| true),
            available_agents: details.map(|all| with_tools(all).map(|(agent, _)| agent).collect()),
        }
    }
}

fn robots_by_agent(details: &Details) -> Members<&str, usize> {
    let robots = details.iter().map(|(agent, view)| (agent.as_str(), view.robots));
    Members(robots.filter(|(_, robots)| *robots > 0).collect())
}

fn servers_by_agent(details: &Details) -> Members<&str, Members<&str, Server<'_>>> {
    Members(
        with_tools(details)
            .map(|(agent, tools)| {
                let servers = tools.iter().map(|tool| (tool.label.as_str(), Server::new(tool)));
                (agent, Members(servers.collect()))
            })
            .collect(),
    )
}

/// The agents a robot can reach a tool of: available, as the contract calls it.
fn with_tools(details: &Details) -> impl Iterator<Item = (&str, &[ToolView])> {
    let tools = details.iter().map(|(agent, view)| (agent.as_str(), view.tools.as_slice()));
    tools.filter(|(_, tools)| !tools.is_empty())
}

/// One tool server, for who has the key.
#[derive(Serialize)]
struct Server<'a> {
    tools_count: usize,
    tools: &'a [String],
    server_info: Option<&'a RawValue>,
    state: &'static str,
    connected_seconds: u64,
    in_flight: usize,
    last_error: Option<&'a str>,
}

impl<'a> Server<'a> {
    fn new(tool: &'a ToolView) -> Self {
        Server {
            tools_count: tool.tools.len(),
            tools: &tool.tools,
            server_info: tool
                .server_info
                .as_deref()
                .and_then(|info| serde_json::from_str(info).ok()),
            state: tool.state.label(),
            connected_seconds: tool.connected_seconds,
            in_flight: tool.in_flight,
            last_error: tool.last_error.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{AgentView, ToolState};

    fn tool(label: &str, tools: &[&str], server_info: Option<&str>) -> ToolView {
        ToolView {
            label: label.to_owned(),
            address: "192.0.2.1:5".to_owned(),
            state: ToolState::Ready,
            tools: tools.iter().map(|name| (*name).to_owned()).collect(),
            server_info: server_info.map(str::to_owned),
            connected_seconds: 9,
            in_flight: 2,
            last_error: None,
        }
    }

    fn details() -> Details {
        let mut opaque = tool("tool-1", &[], Some("{not json"));
        opaque.state = ToolState::Opaque;
        opaque.last_error = Some("no \"answer\"\n".to_owned());
        let weather = tool("weather", &["now", "next"], Some(r#"{"name": "w", "z":1.50, "a":2}"#));
        Details::from([
            ("a".to_owned(), AgentView { robots: 3, offered: 0, tools: vec![] }),
            ("b".to_owned(), AgentView { robots: 0, offered: 2, tools: vec![weather, opaque] }),
        ])
    }

    #[test]
    fn details_stand_in_the_order_of_the_contract() {
        let counts = Counts { agents: 2, tools: 2, robots: 3, offered: 2, ..Counts::default() };
        let details = details();
        let written = serde_json::to_string(&Connections::new(counts, Some(&details))).unwrap();
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
            serde_json::to_string(&Connections::new(counts, None)).unwrap(),
            r#"{"tool_connections":2,"robot_connections":3,"total_connections":5,"mcp_server_connections":2,"total_tools":4}"#
        );
    }

    #[test]
    fn the_details_survive_inside_another_object() {
        let details = details();
        let data = Data {
            connections: Connections::new(Counts::default(), Some(&details)),
            uptime_seconds: 1,
            relay: now_under_way(&Counts::default()),
            traffic: traffic_so_far(&Traffic { calls: u64::MAX, ..Traffic::default() }),
            errors: errors_so_far(&Traffic::default()),
            server: server_so_far(&ShellView::default()),
        };
        let written = serde_json::to_string(&data).unwrap();
        assert!(written.contains(r#""server_info":{"name": "w", "z":1.50, "a":2}"#), "{written}");
        assert!(written.contains(r#""calls":18446744073709551615"#));
        assert!(written.starts_with(r#"{"tool_connections":0,"robot_connections":0,"#));
    }
}
