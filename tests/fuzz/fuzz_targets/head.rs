//! A request head of any bytes, in any pieces: what is answered is well-formed.
//!
//! The first two bytes choose the settings and the pieces, the rest is the head.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::http::{Action, Context, ShellView, Upgrade};
use mcp_endpoint_server::net::fuzzing::HeadReader;
use mcp_endpoint_server::relay::{Congested, Joining, Peer, Policy, Relay, Side, Wire};
use mcp_endpoint_server::settings::{Origins, Settings};
use mcp_endpoint_server::text::Language;
use mcp_endpoint_server::time::Moment;
use mcp_endpoint_server::token::percent;
use std::time::Duration;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const AGENT: &str = "ag\"ent\r\n<一>";
const SECRET: &str = "<一>";
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Every header there is, in the one spelling of its name.
const NAMES: [&str; 21] = [
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Max-Age",
    "Allow",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "Location",
    "Referrer-Policy",
    "Retry-After",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Upgrade",
    "Vary",
    "WWW-Authenticate",
    "X-Content-Type-Options",
];

struct Nowhere;

impl Wire for Nowhere {
    fn send(&mut self, _: Peer, _: &[&str]) -> Result<(), Congested> {
        Ok(())
    }
    fn close(&mut self, _: Peer, _: CloseReason) {}
    fn probe(&mut self, _: Peer) {}
}

fn relay() -> Relay {
    let mut relay = Relay::new(Policy::default());
    for (slot, side) in (0..).zip([Side::Tool, Side::Tool, Side::Robot]) {
        let joining = Joining { side, agent: AGENT, server_id: Some(AGENT), address: "[::1]:1" };
        relay.joined(Moment::default(), Peer { slot, generation: 0 }, joining, &mut Nowhere);
    }
    relay
}

fn settings(choice: u8) -> Settings {
    let mut settings = Settings::default();
    settings.server.key = KEY.to_owned();
    settings.server.language = if choice & 1 == 0 { Language::Zh } else { Language::En };
    settings.server.path_prefix = ["", "/foo", "/a/b"][usize::from(choice >> 1) % 3].to_owned();
    settings.security.enable_cors = choice & 0x10 == 0;
    if choice & 0x20 != 0 {
        let allowed = vec!["https://a.example".to_owned(), "file://".to_owned()];
        settings.security.allowed_origins = Origins::Only(allowed);
    }
    settings
}

fuzz_target!(|data: &[u8]| {
    let [choice, step, head @ ..] = data else { return };
    let (settings, relay) = (settings(*choice), relay());
    let shell = ShellView { connections: 3, ..ShellView::default() };
    let now = Moment::from_start(Duration::from_secs(61));
    let (machine, may_see_key) = (&(), choice & 0x80 == 0);
    let context = Context { settings: &settings, relay: &relay, shell, machine, now, may_see_key };

    let step = usize::from(*step).pow(2).max(1);
    let Some((answer, rest)) = answered(head, step, &context) else { return };
    match &answer {
        Action::Respond(response) => {
            response_is_sound(response.status, &response.bytes, head);
        }
        Action::Upgrade(upgrade) => upgrade_is_sound(upgrade),
        Action::CheckKey => assert!(!may_see_key),
        // Only a client that has shown the key may ask for it.
        Action::Reload | Action::Choose(_) => assert!(may_see_key && has(head, KEY)),
    }
    if head.len() <= MAX_HEAD_BYTES {
        // What was clear from pieces is the same from the whole.
        let (whole, whole_rest) = answered(head, usize::MAX, &context).expect("an answer");
        assert_eq!(format!("{whole:?}"), format!("{answer:?}"));
        assert!(whole_rest.starts_with(&rest) && head.ends_with(&whole_rest));
    }
});

fn answered(head: &[u8], step: usize, context: &Context<'_>) -> Option<(Action, Vec<u8>)> {
    let mut reader = HeadReader::default();
    head.chunks(step.min(head.len().max(1))).find_map(|piece| reader.take(piece, context))
}

/// The parts of a response whose head is well-formed.
struct Parts<'a> {
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
    /// How many bytes the body has.
    sent: usize,
}

impl<'a> Parts<'a> {
    fn of(status: u16, bytes: &'a [u8]) -> Self {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").expect("an end of the head");
        let (head, body) = (&bytes[..end], &bytes[end + 4..]);
        let head = std::str::from_utf8(head).expect("UTF-8");
        // The page is packed: of it only the length matters here.
        let packed = head.contains("\r\nContent-Encoding: gzip");
        let text = if packed { Ok("") } else { std::str::from_utf8(body) };
        let text = text.expect("UTF-8");
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        assert!(first.starts_with(&format!("HTTP/1.1 {status} ")), "{first:?}");
        assert!(!head.replace("\r\n", "").contains(char::is_control), "{head:?}");
        let headers: Vec<_> = lines.map(|line| line.split_once(": ").expect(line)).collect();
        for (name, _) in &headers {
            assert!(NAMES.contains(name), "{name:?} in {head:?}");
            let count = headers.iter().filter(|(other, _)| other == name).count();
            assert_eq!(count, 1, "{name} more than once in {head:?}");
        }
        let mut parsed = [httparse::EMPTY_HEADER; NAMES.len()];
        let mut response = httparse::Response::new(&mut parsed);
        let length = bytes.len() - body.len();
        assert_eq!(response.parse(bytes), Ok(httparse::Status::Complete(length)));
        assert_eq!((response.code, response.headers.len()), (Some(status), headers.len()));
        Parts { headers, body: text, sent: body.len() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

fn response_is_sound(status: u16, bytes: &[u8], request: &[u8]) {
    let parts = Parts::of(status, bytes);
    let length: usize = parts.header("Content-Length").expect("a length").parse().expect("digits");
    let start = request.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or_default();
    let to_head = request[start.min(request.len())..].starts_with(b"HEAD");
    assert!(parts.sent == length || (to_head && parts.sent == 0), "a wrong length");
    assert_eq!(parts.header("Cache-Control"), Some("no-store"));
    assert_eq!(parts.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(parts.header("Connection"), Some("close"));
    let is_page = parts.header("Content-Type").is_some_and(|kind| kind.starts_with("text/html"));
    assert_eq!(is_page, parts.header("Content-Security-Policy").is_some());
    // Figures for Prometheus, and what is said of well-known addresses, are plain text.
    let is_plain = parts.header("Content-Type").is_some_and(|kind| kind.starts_with("text/plain"));
    if !parts.body.is_empty() && !is_page && !is_plain {
        let json: serde_json::Value = serde_json::from_str(parts.body).expect("JSON");
        assert!(json.is_object());
    }
    assert!(![101, 500].contains(&status));
    if status == 401 {
        assert!(!parts.body.contains("success"), "{}", parts.body);
    }
    assert_eq!(status == 405, parts.header("Allow").is_some() && status != 204);
    // Names are shown with the key, and to the client that sent them.
    if parts.body.contains(SECRET) {
        let is_reported = has(request, KEY) || has(request, SECRET);
        assert!(is_reported, "names for nothing: {}", parts.body);
    }
}

/// Whether `what` is in a request.
fn has(request: &[u8], what: &str) -> bool {
    percent::decode(request).windows(what.len()).any(|bytes| bytes == what.as_bytes())
}

fn upgrade_is_sound(upgrade: &Upgrade) {
    let first = b"HTTP/1.1 101 Switching Protocols\r\n";
    assert!(upgrade.bytes.starts_with(first) && upgrade.bytes.len() < 512);
    let parts = Parts::of(101, &upgrade.bytes);
    assert_eq!(parts.body, "");
    assert_eq!(parts.header("Upgrade"), Some("websocket"));
    assert_eq!(parts.header("Connection"), Some("Upgrade"));
    assert_eq!(parts.header("Sec-WebSocket-Accept").map(str::len), Some(28));
    let protocol = usize::from(parts.header("Sec-WebSocket-Protocol").is_some());
    assert_eq!(parts.headers.len(), 3 + protocol);
    if let Ok(agent) = &upgrade.agent {
        assert!((1..=256).contains(&agent.len()));
    }
    if let Some(server_id) = &upgrade.server_id {
        assert!((1..=128).contains(&server_id.len()) && !server_id.contains(char::is_control));
    }
}
