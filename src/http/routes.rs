//! The paths and their handlers.

use super::request::Request;
use super::response::Reply;
use super::{health, metrics, page, status, Side};
use crate::close::RefusalReason;
use crate::token::percent;

/// What answers at a path.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// A plain page. It gets the prefix of the request.
    Page(fn(&Request<'_>, &str) -> Reply),
    /// A plain page that checks the key.
    Keyed(fn(&Request<'_>, &str) -> Reply),
    /// A WebSocket endpoint.
    Socket(Side),
    /// Reading the settings again, for the key holder: POST only.
    Reload,
    /// The selection of an agent, for the key holder: to be seen, and to be changed by PUT.
    Selection,
}

/// The value of `Allow` for every path except `reload`.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// How much of an unknown path a 404 repeats.
const MAX_ECHOED_CHARS: usize = 128;

/// Every path, spelled as in [`Request::path`].
const ROUTES: [(&str, Handler); 13] = [
    ("", Handler::Page(to_home)),
    ("/mcp_endpoint", Handler::Page(page::home)),
    ("/mcp_endpoint/mcp", Handler::Socket(Side::Tool)),
    ("/mcp_endpoint/call", Handler::Socket(Side::Robot)),
    ("/mcp_endpoint/health", Handler::Keyed(health::with_key)),
    ("/mcp_endpoint/status", Handler::Keyed(status::status)),
    ("/mcp_endpoint/tools", Handler::Keyed(status::tools)),
    ("/mcp_endpoint/reload", Handler::Reload),
    ("/mcp_endpoint/selection", Handler::Selection),
    ("/mcp_endpoint/addresses", Handler::Keyed(status::agent_addresses)),
    ("/health", Handler::Page(health::alive)),
    ("/stats", Handler::Keyed(health::stats)),
    ("/metrics", Handler::Page(metrics::metrics)),
];

/// The route of a path, and the prefix before it.
pub(super) struct RouteMatch<'a> {
    pub(super) handler: Handler,
    pub(super) prefix: &'a str,
}

/// The route of `path`, as it is or else without `prefix`.
pub(super) fn find<'a>(path: &str, prefix: &'a str) -> Option<RouteMatch<'a>> {
    let of = |path: &str, prefix| {
        let route = ROUTES.iter().find(|(name, _)| *name == path);
        route.map(|(_, handler)| RouteMatch { handler: *handler, prefix })
    };
    of(path, "").or_else(|| of(path.strip_prefix(prefix)?, prefix))
}

/// The root redirects to the start page.
fn to_home(_: &Request<'_>, prefix: &str) -> Reply {
    Reply::empty(307).with("Location", format!("{}/mcp_endpoint/", percent::encode(prefix, b"/")))
}

/// Where MCP clients look for how to log in (RFC 8615, RFC 9728). The server has nothing there, and its
/// 404 must not look like such metadata.
const WELL_KNOWN: &str = "/.well-known";

/// 404, with the paths that exist.
pub(super) fn not_found(request: &Request<'_>) -> Reply {
    let below = request.path.strip_prefix(&*request.prefix).unwrap_or(&request.path);
    if [&*request.path, below].iter().any(|path| path.starts_with(WELL_KNOWN)) {
        return Reply::new(404, "text/plain; charset=utf-8", "Not Found\n");
    }
    let mut path: String = request.path.chars().take(MAX_ECHOED_CHARS).collect();
    if path.len() < request.path.len() {
        path.push('…');
    }
    let known = ROUTES.map(|(path, handler)| match handler {
        Handler::Page(_) if path.is_empty() => "/".to_owned(),
        Handler::Socket(_) => format!("{path}/"),
        _ => path.to_owned(),
    });
    let language = request.language();
    let details = language.not_found_details(&path, &known.join(" "));
    let reply = Reply::error(404, 404, &language.not_found(), &details);
    if request.parameter("token").is_some() || request.parameter("key").is_some() {
        return reply.refused_for(RefusalReason::WrongPath);
    }
    reply
}

/// 405, with the methods that are allowed.
pub(super) fn wrong_method(request: &Request<'_>, methods: &'static str) -> Reply {
    let language = request.language();
    let details = language.wrong_method_details(methods);
    Reply::error(405, 405, &language.wrong_method(), &details).with("Allow", methods)
}
