//! Whose pages may use the server (docs/protocol.md#http-origins).

use super::ask::Ask;
use super::response::Reply;
use super::routes::METHODS;
use crate::settings::Origins;

/// How long a browser may remember the answer to its preflight, in seconds: a day, like most.
const PREFLIGHT_AGE: &str = "86400";

/// Whether an upgrade may go on: it comes from no page, or from one that is allowed.
pub(super) fn admits(ask: &Ask<'_>) -> bool {
    ask.headers("origin")
        .all(|origin| allows(&ask.context.settings.security.allowed_origins, origin))
}

fn allows(origins: &Origins, origin: &str) -> bool {
    match origins {
        Origins::Any => true,
        Origins::Only(allowed) => allowed.iter().any(|one| same_origin(one, origin)),
    }
}

fn same_origin(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// `reply` with the header that lets an allowed page read it.
pub(super) fn marked(reply: Reply, ask: &Ask<'_>) -> Reply {
    let security = &ask.context.settings.security;
    if !security.enable_cors {
        return reply;
    }
    let origins = &security.allowed_origins;
    if *origins == Origins::Any {
        return reply.with("Access-Control-Allow-Origin", "*");
    }
    let reply = reply.with("Vary", "Origin");
    match ask.headers("origin").find(|origin| !origin.is_empty() && allows(origins, origin)) {
        Some(origin) => reply.with("Access-Control-Allow-Origin", origin),
        None => reply,
    }
}

/// The answer to `OPTIONS`, which is how a browser asks before it asks.
pub(super) fn preflight(ask: &Ask<'_>) -> Reply {
    let reply = Reply::empty(204).with("Allow", METHODS);
    if !ask.context.settings.security.enable_cors {
        return reply;
    }
    reply
        .with("Access-Control-Allow-Methods", METHODS)
        .with("Access-Control-Allow-Headers", "Authorization, Content-Type")
        .with("Access-Control-Max-Age", PREFLIGHT_AGE)
}
