//! What the status page asks for: all of it needs the key.
//!
//! `lang` in the query, `zh` or `en`, chooses the language of the sentences in the answers: a page
//! is read in the language of its reader, not of the server.

use super::ask::Ask;
use super::health::{errors_so_far, server_so_far, traffic_so_far, uptime, Members};
use super::response::Reply;
use crate::relay::{AgentStatus, Counts};
use crate::text::Language;
use crate::token::address::{addresses, Base};
use crate::token::{percent, LONGEST_AGENT};
use crate::VERSION;
use serde::Serialize;
use std::net::IpAddr;

/// What `GET /mcp_endpoint/status` tells: small enough to be asked for every two seconds.
#[derive(Serialize)]
struct Status<'a> {
    version: &'static str,
    uptime_seconds: u64,
    memory_bytes: Option<u64>,
    counts: Members<&'static str, usize>,
    traffic: Members<&'static str, u64>,
    errors: Members<&'static str, u64>,
    server: Members<&'static str, u64>,
    agents: Vec<AgentStatus<'a>>,
    refusals: Vec<Refusal>,
}

/// Who was refused or turned away in the last minutes, and why.
#[derive(Serialize)]
struct Refusal {
    address: IpAddr,
    reason: &'static str,
    reason_text: &'static str,
    count: u32,
    seconds_ago: u64,
}

pub(super) fn status(ask: &Ask<'_>, _: &str) -> Reply {
    with_key(ask, |language| {
        let context = ask.context;
        let traffic = context.relay.traffic();
        Reply::json(
            200,
            &Status {
                version: VERSION,
                uptime_seconds: uptime(ask),
                memory_bytes: context.machine.memory(),
                counts: counted(&context.relay.counts()),
                traffic: traffic_so_far(&traffic),
                errors: errors_so_far(&traffic),
                server: server_so_far(&context.shell),
                agents: context.relay.status(context.now, language),
                refusals: refused(ask, language),
            },
        )
    })
}

fn refused(ask: &Ask<'_>, language: Language) -> Vec<Refusal> {
    let refusals = ask.context.refusals.iter().map(|refusal| Refusal {
        address: refusal.address,
        reason: refusal.reason.label(),
        reason_text: language.refusal_reason(refusal.reason),
        count: refusal.count,
        seconds_ago: ask.context.now.since(refusal.last).as_secs(),
    });
    refusals.collect()
}

fn counted(counts: &Counts) -> Members<&'static str, usize> {
    Members(vec![
        ("agents", counts.agents),
        ("tools", counts.tools),
        ("robots", counts.robots),
        ("offered", counts.offered),
        ("in_flight", counts.in_flight),
        ("waiting", counts.waiting),
        ("held_bytes", counts.held_bytes),
    ])
}

/// What `GET /mcp_endpoint/tools?agent=ID` tells: names, descriptions, schemas.
pub(super) fn tools(ask: &Ask<'_>, _: &str) -> Reply {
    with_key(ask, |language| match agent(ask) {
        Some(agent) => Reply::json(200, &ask.context.relay.catalogue(&agent)),
        None => agent_missing(language),
    })
}

/// What `GET /mcp_endpoint/addresses?agent=ID` tells: what is to be pasted where.
#[derive(Serialize)]
struct Pasted<'a> {
    agent: &'a str,
    tool: String,
    robot: String,
    warnings: Vec<String>,
}

pub(super) fn pasted(ask: &Ask<'_>, _: &str) -> Reply {
    with_key(ask, |language| {
        let Some(agent) = agent(ask) else { return agent_missing(language) };
        let base = base(ask);
        let loopback = base.is_loopback().then(|| language.address_loopback());
        let made = addresses(&base, &ask.context.settings.server.key, &agent, language);
        let warnings = loopback.into_iter().chain(made.warning).collect();
        Reply::json(200, &Pasted { agent: &agent, tool: made.tool, robot: made.robot, warnings })
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
