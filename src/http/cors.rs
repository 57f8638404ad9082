//! Which web pages may use the server (docs/protocol.md#http-origins).

use super::request::Request;
use super::response::Reply;
use super::routes::METHODS;
use crate::settings::Origins;

/// How long a browser may cache the answer to a preflight request: a day, as most servers say.
const PREFLIGHT_MAX_AGE_SECONDS: &str = "86400";

/// Whether the origin of an upgrade is allowed. A client that is not a browser sends none.
pub(super) fn allows_origin_of(request: &Request<'_>) -> bool {
    request
        .headers("origin")
        .all(|origin| allows(&request.context.settings.security.allowed_origins, origin))
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

/// `reply` with the header that lets an allowed web page read it.
pub(super) fn with_origin_header(reply: Reply, request: &Request<'_>) -> Reply {
    let security = &request.context.settings.security;
    if !security.enable_cors {
        return reply;
    }
    let origins = &security.allowed_origins;
    if *origins == Origins::Any {
        return reply.with("Access-Control-Allow-Origin", "*");
    }
    let reply = reply.with("Vary", "Origin");
    match request.headers("origin").find(|origin| !origin.is_empty() && allows(origins, origin)) {
        Some(origin) => reply.with("Access-Control-Allow-Origin", origin),
        None => reply,
    }
}

/// The answer to `OPTIONS`: browsers send it as a preflight request.
pub(super) fn preflight(request: &Request<'_>) -> Reply {
    let reply = Reply::empty(204).with("Allow", METHODS);
    if !request.context.settings.security.enable_cors {
        return reply;
    }
    reply
        .with("Access-Control-Allow-Methods", METHODS)
        .with("Access-Control-Allow-Headers", "Authorization, Content-Type")
        .with("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_SECONDS)
}
