//! The data of the status page. All of it needs the key.
//!
//! The query parameter `lang`, `zh` or `en`, sets the language of the sentences in the answers: the
//! reader of the page may prefer another language than the server is set to.

use super::health::{memory_usage, server_counters, uptime, write_traffic};
use super::json::Json;
use super::json::Value::{Count, List, Null, Number, Object, Raw, Text};
use super::request::Request;
use super::response::Reply;
use crate::relay::{AgentStatus, Counts, ToolStatus};
use crate::text::Language;
use crate::token::address::{addresses, Base};
use crate::token::{percent, MAX_AGENT_ID_BYTES};
use crate::VERSION;

/// Whether this build runs commands. The page shows how to write some into the servers file.
const RUNS_COMMANDS: bool = cfg!(all(unix, feature = "children"));

/// The answer to `GET /mcp_endpoint/status`. It is small, because the page fetches it every two seconds.
pub(super) fn status(request: &Request<'_>, _: &str) -> Reply {
    with_key(request, |language| {
        let context = request.context;
        let (relay, traffic) = (context.relay, context.relay.traffic());
        let mut json = Json::default();
        json.put("version", Text(VERSION));
        json.put("uptime_seconds", Number(uptime(request)));
        json.put("memory_bytes", context.machine.memory().map_or(Null, Number));
        write_counts(&mut json, &relay.counts());
        write_traffic(&mut json, &traffic);
        json.put_numbers("server", &server_counters(&context.shell));
        json.put_numbers("memory", &memory_usage(request));
        json.put("agents", List);
        for mut agent in relay.status(context.now, language) {
            agent.kept = context.machine.memory_of(agent.id).unwrap_or(agent.kept);
            write_agent(&mut json, &agent);
        }
        json.end();
        super::managed::write(&mut json, request);
        let file = context.settings.tools.servers_file.as_deref().filter(|_| RUNS_COMMANDS);
        let file = file.map(|file| file.to_string_lossy());
        json.put("servers_file", file.as_deref().map_or(Null, Text));
        json.put("refusals", List);
        for refusal in context.machine.refusals() {
            json.add(Object);
            json.put("address", Text(&refusal.address.to_string()));
            json.put("reason", Text(refusal.reason.label()));
            json.put("reason_text", Text(language.refusal_reason(refusal.reason)));
            json.put("count", Number(refusal.count.into()));
            json.put("seconds_ago", Number(context.now.since(refusal.last).as_secs()));
            json.end();
        }
        json.end();
        Reply::json(200, json)
    })
}

fn write_counts(json: &mut Json, counts: &Counts) {
    json.put("counts", Object);
    for (name, count) in [
        ("agents", counts.agents),
        ("tools", counts.tools),
        ("robots", counts.robots),
        ("offered", counts.offered),
        ("in_flight", counts.in_flight),
        ("waiting", counts.waiting),
        ("held_bytes", counts.held_bytes),
    ] {
        json.put(name, Count(count));
    }
    json.end();
}

fn write_agent(json: &mut Json, agent: &AgentStatus<'_>) {
    json.add(Object);
    json.put("id", Text(agent.id));
    json.put("revision", Number(agent.revision.into()));
    json.put("offered", Count(agent.offered));
    json.put("waiting", Count(agent.waiting));
    json.put("memory_bytes", Count(agent.kept));
    json.put("robots", List);
    for robot in &agent.robots {
        json.add(Object);
        json.put("connection", Text(&robot.connection));
        json.put("address", Text(robot.address));
        json.put("client", robot.client.map_or(Null, Text));
        json.put("connected_seconds", Number(robot.connected_seconds));
        json.put("in_flight", Count(robot.in_flight));
        json.end();
    }
    json.end();
    json.put("tools", List);
    agent.tools.iter().for_each(|tool| write_tool(json, tool));
    json.end();
    json.put("lost", List);
    for lost in &agent.lost {
        json.add(Object);
        json.put("label", Text(lost.label));
        json.put("address", Text(lost.address));
        json.put("reason", Text(lost.reason));
        json.put("reason_text", Text(&lost.reason_text));
        json.put("seconds_ago", Number(lost.seconds_ago));
        json.put("times", Number(lost.times.into()));
        json.put("replaced", Number(lost.replaced.into()));
        json.end();
    }
    json.end();
    json.end();
}

fn write_tool(json: &mut Json, tool: &ToolStatus<'_>) {
    json.add(Object);
    json.put("connection", Text(&tool.connection));
    json.put("label", Text(tool.label));
    json.put("address", Text(tool.address));
    json.put("server_info", tool.server_info.map_or(Null, Raw));
    json.put("state", Text(tool.state.label()));
    json.put("connected_seconds", Number(tool.connected_seconds));
    json.put("in_flight", Count(tool.in_flight));
    json.put("answered", Number(tool.answered.into()));
    json.put("tools_count", Count(tool.tools_count));
    json.put("own_count", Count(tool.own_count));
    json.put("in_reserve", Raw(if tool.in_reserve { "true" } else { "false" }));
    json.put("last_error", tool.last_error.as_deref().map_or(Null, Text));
    json.end();
}

/// The answer to `GET /mcp_endpoint/tools?agent=ID`: names, descriptions, schemas.
pub(super) fn tools(request: &Request<'_>, _: &str) -> Reply {
    with_key(request, |language| {
        let Some(agent) = agent(request) else { return agent_missing(language) };
        let catalogue = request.context.relay.catalogue(&agent);
        let mut json = Json::default();
        json.put("agent", Text(&agent));
        json.put("revision", Number(catalogue.revision.into()));
        json.put("servers", Object);
        for (label, names) in &catalogue.servers {
            json.put(label, List);
            json.add(Raw(names));
            json.end();
        }
        json.end();
        json.put("tools", List);
        json.add(Raw(&catalogue.tools));
        json.end();
        Reply::json(200, json)
    })
}

/// The answer to `GET /mcp_endpoint/addresses?agent=ID`: the addresses to paste into other programs.
pub(super) fn agent_addresses(request: &Request<'_>, _: &str) -> Reply {
    with_key(request, |language| {
        let Some(agent) = agent(request) else { return agent_missing(language) };
        let base = base(request);
        let addresses = addresses(&base, &request.context.settings.server.key, &agent, language);
        let loopback = base.is_loopback().then(|| language.address_loopback());
        let mut json = Json::default();
        json.put("agent", Text(&agent));
        json.put("tool", Text(&addresses.tool));
        json.put("robot", Text(&addresses.robot));
        json.put("warnings", List);
        loopback.iter().chain(&addresses.warning).for_each(|warning| json.add(Text(warning)));
        json.end();
        Reply::json(200, json)
    })
}

/// Calls `answer` with the language of the reader if the request carries the key.
pub(super) fn with_key(request: &Request<'_>, answer: impl FnOnce(Language) -> Reply) -> Reply {
    if !request.has_key() {
        return super::health::key_refused(request);
    }
    answer(reader_language(request))
}

/// The language in the query parameter `lang`, or the server's.
pub(super) fn reader_language(request: &Request<'_>) -> Language {
    match request.parameter("lang") {
        Some("zh") => Language::Zh,
        Some("en") => Language::En,
        _ => request.language(),
    }
}

/// The query parameter `agent`, if an agent can have such an id.
pub(super) fn agent(request: &Request<'_>) -> Option<String> {
    let id = percent::decode_form(request.parameter("agent")?.as_bytes());
    String::from_utf8(id).ok().filter(|id| id.len() <= MAX_AGENT_ID_BYTES)
}

pub(super) fn agent_missing(language: Language) -> Reply {
    Reply::error(400, 400, &language.agent_missing(), &language.agent_missing_details())
}

/// The address of the server as seen from outside. In this order: `public_url`; the parameter `at`, in
/// which the status page says where it was opened, because behind a proxy only the browser knows; the
/// header `Host`; a guess. A client can forge the middle two, but only it gets the answer.
fn base(request: &Request<'_>) -> Base {
    let server = &request.context.settings.server;
    if let Some(url) = &server.public_url {
        return Base::public(url);
    }
    let at = request.parameter("at").map(|at| percent::decode(at.as_bytes()));
    let at = at.and_then(|at| String::from_utf8(at).ok());
    if let Some(base) = at.and_then(|at| Base::from_request(&at)) {
        return base;
    }
    let mut hosts = request.headers("host");
    let secure =
        request.list_items("x-forwarded-proto").next().is_some_and(|scheme| scheme == "https");
    let scheme = if secure { "https" } else { "http" };
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) if !host.contains('/') => {
            Base::from_request(&format!("{scheme}://{host}{}", request.prefix))
        }
        _ => None,
    };
    host.unwrap_or_else(|| {
        let (host, port) = request.context.machine.guessed_address();
        Base::local(&host, port, &server.path_prefix)
    })
}
