//! Which path is whose.

use super::ask::Ask;
use super::response::Reply;
use super::{health, metrics, page, status, Side};
use crate::close::RefusalReason;
use crate::token::percent;

/// Who answers on a path.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// A plain page. It is told the prefix that the request came under.
    Page(fn(&Ask<'_>, &str) -> Reply),
    /// A plain page that looks at the key.
    Keyed(fn(&Ask<'_>, &str) -> Reply),
    /// A WebSocket endpoint.
    Socket(Side),
    /// Reading the settings again, for the key holder: POST only.
    Reload,
}

/// The methods of every path, as `Allow` names them.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// How much of a strange path is repeated to who asked for it, in characters.
const LONGEST_ECHO: usize = 128;

/// Every path there is, in the spelling of [`Ask::path`].
const ROUTES: [(&str, Handler); 12] = [
    ("", Handler::Page(to_home)),
    ("/mcp_endpoint", Handler::Page(page::home)),
    ("/mcp_endpoint/mcp", Handler::Socket(Side::Tool)),
    ("/mcp_endpoint/call", Handler::Socket(Side::Robot)),
    ("/mcp_endpoint/health", Handler::Keyed(health::with_key)),
    ("/mcp_endpoint/status", Handler::Keyed(status::status)),
    ("/mcp_endpoint/tools", Handler::Keyed(status::tools)),
    ("/mcp_endpoint/reload", Handler::Reload),
    ("/mcp_endpoint/addresses", Handler::Keyed(status::pasted)),
    ("/health", Handler::Page(health::alive)),
    ("/stats", Handler::Keyed(health::stats)),
    ("/metrics", Handler::Page(metrics::metrics)),
];

/// A route that was found, and the prefix that the path has before it.
pub(super) struct Found<'a> {
    pub(super) handler: Handler,
    pub(super) prefix: &'a str,
}

/// Who answers on `path`: as it is, or else below `prefix`.
pub(super) fn find<'a>(path: &str, prefix: &'a str) -> Option<Found<'a>> {
    let of = |path: &str, prefix| {
        let route = ROUTES.iter().find(|(name, _)| *name == path);
        route.map(|(_, handler)| Found { handler: *handler, prefix })
    };
    of(path, "").or_else(|| of(path.strip_prefix(prefix)?, prefix))
}

/// The root shows the way.
fn to_home(_: &Ask<'_>, prefix: &str) -> Reply {
    Reply::empty(307).with("Location", format!("{}/mcp_endpoint/", percent::encode(prefix, b"/")))
}

/// Where MCP clients look for how to log in (RFC 8615, RFC 9728): nothing is there, and the answer
/// must not look like an answer.
const WELL_KNOWN: &str = "/.well-known";

/// 404, with the paths there are.
pub(super) fn not_found(ask: &Ask<'_>) -> Reply {
    let below = ask.path.strip_prefix(&*ask.prefix).unwrap_or(&ask.path);
    if [&*ask.path, below].iter().any(|path| path.starts_with(WELL_KNOWN)) {
        return Reply::new(404, "text/plain; charset=utf-8", "Not Found\n");
    }
    let mut path: String = ask.path.chars().take(LONGEST_ECHO).collect();
    if path.len() < ask.path.len() {
        path.push('…');
    }
    let known = ROUTES.map(|(path, handler)| match handler {
        Handler::Page(_) if path.is_empty() => "/".to_owned(),
        Handler::Page(_) | Handler::Keyed(_) | Handler::Reload => path.to_owned(),
        Handler::Socket(_) => format!("{path}/"),
    });
    let language = ask.language();
    let details = language.not_found_details(&path, &known.join(" "));
    let reply = Reply::error(404, 404, &language.not_found(), &details);
    if ask.field("token").is_some() || ask.field("key").is_some() {
        return reply.because(RefusalReason::WrongPath);
    }
    reply
}

/// 405, with the methods there are.
pub(super) fn wrong_method(ask: &Ask<'_>, methods: &'static str) -> Reply {
    let language = ask.language();
    let details = language.wrong_method_details(methods);
    Reply::error(405, 405, &language.wrong_method(), &details).with("Allow", methods)
}
