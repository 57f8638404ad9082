//! What the status page asks for: all of it needs the key.
//!
//! `lang` in the query, `zh` or `en`, chooses the language of the sentences in the answers: a page
//! is read in the language of its reader, not of the server.

use super::ask::Ask;
use super::health::{errors_so_far, memory_now, server_so_far, traffic_so_far, uptime};
use super::json::Json;
use super::json::Value::{Count, List, Null, Number, Object, Raw, Text};
use super::response::Reply;
use crate::relay::{AgentStatus, Counts, ToolStatus};
use crate::text::Language;
use crate::token::address::{addresses, Base};
use crate::token::{percent, LONGEST_AGENT};
use crate::VERSION;

/// What `GET /mcp_endpoint/status` tells: small enough to be asked for every two seconds.
pub(super) fn status(ask: &Ask<'_>, _: &str) -> Reply {
    with_key(ask, |language| {
        let context = ask.context;
        let (relay, traffic) = (context.relay, context.relay.traffic());
        let mut json = Json::default();
        json.put("version", Text(VERSION));
        json.put("uptime_seconds", Number(uptime(ask)));
        json.put("memory_bytes", context.machine.memory().map_or(Null, Number));
        counted(&mut json, &relay.counts());
        json.put_numbers("traffic", &traffic_so_far(&traffic));
        json.put_numbers("errors", &errors_so_far(&traffic));
        json.put_numbers("server", &server_so_far(&context.shell));
        json.put_numbers("memory", &memory_now(ask));
        json.put("agents", List);
        for mut agent in relay.status(context.now, language) {
            agent.kept = context.machine.kept_for(agent.id).unwrap_or(agent.kept);
            tell_agent(&mut json, &agent);
        }
        json.end();
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

fn counted(json: &mut Json, counts: &Counts) {
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

fn tell_agent(json: &mut Json, agent: &AgentStatus<'_>) {
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
    agent.tools.iter().for_each(|tool| tell_tool(json, tool));
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

fn tell_tool(json: &mut Json, tool: &ToolStatus<'_>) {
    json.add(Object);
    json.put("connection", Text(&tool.connection));
    json.put("label", Text(tool.label));
    json.put("address", Text(tool.address));
    json.put("server_info", tool.server_info.map_or(Null, Raw));
    json.put("state", Text(tool.state));
    json.put("connected_seconds", Number(tool.connected_seconds));
    json.put("in_flight", Count(tool.in_flight));
    json.put("answered", Number(tool.answered.into()));
    json.put("tools_count", Count(tool.tools_count));
    json.put("own_count", Count(tool.own_count));
    json.put("in_reserve", Raw(if tool.in_reserve { "true" } else { "false" }));
    json.put("last_error", tool.last_error.as_deref().map_or(Null, Text));
    json.end();
}

/// What `GET /mcp_endpoint/tools?agent=ID` tells: names, descriptions, schemas.
pub(super) fn tools(ask: &Ask<'_>, _: &str) -> Reply {
    with_key(ask, |language| {
        let Some(agent) = agent(ask) else { return agent_missing(language) };
        let catalogue = ask.context.relay.catalogue(&agent);
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

/// What `GET /mcp_endpoint/addresses?agent=ID` tells: what is to be pasted where.
pub(super) fn pasted(ask: &Ask<'_>, _: &str) -> Reply {
    with_key(ask, |language| {
        let Some(agent) = agent(ask) else { return agent_missing(language) };
        let base = base(ask);
        let made = addresses(&base, &ask.context.settings.server.key, &agent, language);
        let loopback = base.is_loopback().then(|| language.address_loopback());
        let mut json = Json::default();
        json.put("agent", Text(&agent));
        json.put("tool", Text(&made.tool));
        json.put("robot", Text(&made.robot));
        json.put("warnings", List);
        loopback.iter().chain(&made.warning).for_each(|warning| json.add(Text(warning)));
        json.end();
        Reply::json(200, json)
    })
}

/// What `answer` says in the reader's language, to who has the key.
fn with_key(ask: &Ask<'_>, answer: impl FnOnce(Language) -> Reply) -> Reply {
    if !ask.has_key() {
        return super::health::key_refused(ask);
    }
    answer(match ask.field("lang") {
        Some("zh") => Language::Zh,
        Some("en") => Language::En,
        _ => ask.language(),
    })
}

/// `agent` of the query; nothing where no agent can have that id.
fn agent(ask: &Ask<'_>) -> Option<String> {
    let id = percent::decode_form(ask.field("agent")?.as_bytes());
    String::from_utf8(id).ok().filter(|id| id.len() <= LONGEST_AGENT)
}

fn agent_missing(language: Language) -> Reply {
    Reply::error(400, 400, &language.agent_missing(), &language.agent_missing_details())
}

/// Where the server is reached from outside: what its owner says; else where the asking page says
/// it was opened, which only a browser knows behind a proxy; else the host that was asked; else a
/// guess. That anybody can claim any of it does no harm: only the claimant is told.
fn base(ask: &Ask<'_>) -> Base {
    let server = &ask.context.settings.server;
    if let Some(url) = &server.public_url {
        return Base::public(url);
    }
    let at = ask.field("at").map(|at| percent::decode(at.as_bytes()));
    let at = at.and_then(|at| String::from_utf8(at).ok());
    if let Some(base) = at.and_then(|at| Base::seen(&at)) {
        return base;
    }
    let mut hosts = ask.headers("host");
    let secure = ask.listed("x-forwarded-proto").next().is_some_and(|scheme| scheme == "https");
    let scheme = if secure { "https" } else { "http" };
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) if !host.contains('/') => {
            Base::seen(&format!("{scheme}://{host}{}", ask.prefix))
        }
        _ => None,
    };
    host.unwrap_or_else(|| {
        let (host, port) = ask.context.machine.reached_at();
        Base::local(&host, port, &server.path_prefix)
    })
}
