//! The selection of an agent: what `GET /mcp_endpoint/selection` shows, and what PUT may change
//! (docs/protocol.md#selection-over-http).

use super::json::Json;
use super::json::Value::{Count, List, Null, Object, Raw, Text};
use super::request::Request;
use super::response::Reply;
use super::status::{agent, agent_missing, reader_language, with_key};
use super::{health, RefusalReason, Response};
use crate::relay::ALL_AGENTS;
use crate::settings::selection::{entry_in, etag, ChangeError, Changed};
use crate::text::Language;
use crate::token::address;

/// The largest entry that is taken, in bytes.
const MAX_ENTRY: usize = 64 << 10;

/// A change of an agent's entry in the selection. Its body is still to come.
#[derive(Debug)]
pub struct SelectionChange {
    /// The agent's id, or `*` for all agents.
    pub agent: String,
    /// How long the body is.
    pub length: usize,
    /// The `ETag` of what the client was shown, if it says so.
    pub if_match: Option<String>,
    /// The language of the reader.
    pub language: Language,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// The answer to `GET /mcp_endpoint/selection?agent=ID`.
pub(super) fn show(request: &Request<'_>) -> Reply {
    with_key(request, |language| {
        let Some(agent) = agent(request) else { return agent_missing(language) };
        let policy = &request.context.settings.relay;
        let text = policy.selection.text();
        let switch = |on| Raw(if on { "true" } else { "false" });
        let mut json = Json::default();
        json.put("agent", Text(&agent));
        json.put("warn_above", Count(policy.warn_above));
        json.put("all", Raw(entry_in(text, ALL_AGENTS).unwrap_or("{}")));
        json.put("entry", Raw(entry_in(text, &agent).unwrap_or("{}")));
        json.put("tools", List);
        for tool in request.context.relay.chosen_tools(&agent) {
            json.add(Object);
            json.put("label", Text(tool.label));
            json.put("stable_label", switch(tool.is_label_stable));
            json.put("tool", Text(tool.tool));
            if let Some(name) = tool.offered {
                json.put("name", Text(name));
            }
            json.put("hidden", switch(tool.offered.is_none()));
            json.put("locked", switch(tool.is_locked));
            json.put("renamed", switch(tool.is_renamed));
            json.put("characters", Count(tool.characters));
            json.put("description", Text(&tool.description));
            json.end();
        }
        json.end();
        Reply::json(200, json).with("ETag", etag(text))
    })
}

/// What `PUT /mcp_endpoint/selection?agent=ID` asks for. Where the key is still to be checked, it is
/// only looked at whether there is one.
pub(super) fn change(request: &Request<'_>) -> Result<SelectionChange, Reply> {
    let language = reader_language(request);
    if !request.headers("origin").all(|origin| is_own_origin(request, origin)) {
        let (message, details) = (language.origin_refused(), language.foreign_page());
        let reply = Reply::error(403, 403, &message, &details);
        return Err(reply.refused_for(RefusalReason::ForbiddenOrigin));
    }
    let is_right = !request.context.may_see_key || request.has_bearer_key();
    if request.bearer().is_none() || !is_right {
        return Err(health::key_refused(request));
    }
    let Some(agent) = agent(request).filter(|agent| !agent.is_empty()) else {
        return Err(agent_missing(language));
    };
    let mut lengths = request.headers("content-length");
    let is_encoded = request.headers("transfer-encoding").next().is_some();
    let length = match (lengths.next(), lengths.next()) {
        (Some(length), None) if !is_encoded => digits(length),
        _ => None,
    };
    let Some(length) = length else {
        return Err(not_chosen(411, &language.length_missing(), language));
    };
    if length > MAX_ENTRY {
        return Err(not_chosen(413, &language.entry_too_large(MAX_ENTRY >> 10), language));
    }
    let expects = |value: &str| value.eq_ignore_ascii_case("100-continue");
    Ok(SelectionChange {
        agent,
        length,
        if_match: request.headers("if-match").next().map(str::to_owned),
        language,
        expects_continue: request.headers("expect").any(expects),
    })
}

fn not_chosen(status: u16, details: &str, language: Language) -> Reply {
    Reply::error(status, i32::from(status), &language.not_chosen(), details)
}

fn digits(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Whether a page of `origin` was loaded from this server.
fn is_own_origin(request: &Request<'_>, origin: &str) -> bool {
    let public = request.context.settings.server.public_url.as_deref();
    let own = request.headers("host").next().into_iter().chain(public);
    let host = host_of(origin);
    !host.is_empty() && own.map(host_of).any(|own| own.eq_ignore_ascii_case(host))
}

/// The host in an origin, an address or a `Host` header, without a port.
fn host_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    address::host_of(rest.split('/').next().unwrap_or_default())
}

/// The response after the selection was changed, or was not.
pub fn chosen(outcome: &Result<Changed, ChangeError>, language: Language) -> Response {
    let refuse = |status, details: &str| not_chosen(status, details, language);
    let reply = match outcome {
        Ok(Changed { selection, before, .. }) => {
            let reply = Reply::result(|json| {
                json.put("status", Text("success"));
                json.put("before", before.as_deref().map_or(Null, Text));
            });
            reply.with("ETag", etag(selection.text()))
        }
        Err(ChangeError::Changed(_)) => refuse(412, &language.selection_changed()),
        Err(ChangeError::Invalid(problems)) => refuse(409, &problems.join("\n")),
        Err(ChangeError::Busy) => refuse(503, &language.selection_busy()),
        Err(ChangeError::NotWritten(why)) => refuse(500, why),
    };
    reply.finish(false)
}

/// The response while a change takes too long.
pub fn save_is_slow(language: Language) -> Response {
    not_chosen(503, &language.selection_slow(), language).finish(false)
}
