//! From a request to a WebSocket (docs/protocol.md#websocket-endpoints).

use super::ask::Ask;
use super::response::{head, Reply};
use super::{cors, refusal, RefusalReason, Side, Upgrade};
use crate::token::{percent, Token};
use tungstenite::handshake::derive_accept_key;

/// The only version of the WebSocket protocol there is.
const VERSION: &str = "13";

/// The longest `server_id`, in bytes.
const LONGEST_SERVER_ID: usize = 128;

/// The longest subprotocol that is selected, in bytes: microcontrollers read the 101 answer into
/// small buffers.
const LONGEST_PROTOCOL: usize = 256;

/// The upgrade that `ask` wants.
///
/// # Errors
/// The reply that refuses it: 426, 400 or 403. A token that is not valid is no reason: who sent
/// it is told after the upgrade.
pub(super) fn granted(ask: &Ask<'_>, side: Side) -> Result<Upgrade, Reply> {
    let key = checked(ask)?;
    let accept = derive_accept_key(key.as_bytes());
    let protocol = ask.listed("sec-websocket-protocol").find(|name| is_http_token(name));
    let bytes = head(
        101,
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept)]
            .into_iter()
            .chain(protocol.map(|name| ("Sec-WebSocket-Protocol", name))),
    );
    let token = ask.field("token").or_else(|| ask.bearer()).unwrap_or_default();
    let token = percent::decode(token.as_bytes());
    let agent = Token::read(&ask.context.settings.server.key, &token);
    let refused = agent.as_ref().err().map(|why| refusal::of_token(ask, &token, *why));
    Ok(Upgrade { bytes, side, agent, refused, server_id: server_id(ask) })
}

/// `reply` of a page, which knows it when somebody wanted a WebSocket there and used the key:
/// that is the console's address, and people paste it into tools.
pub(super) fn hinted(ask: &Ask<'_>, reply: Reply) -> Reply {
    if wants_websocket(ask) && ask.field("key").is_some() {
        return reply.because(RefusalReason::ConsoleAddress);
    }
    reply
}

fn wants_websocket(ask: &Ask<'_>) -> bool {
    ask.listed("upgrade").any(|name| name.eq_ignore_ascii_case("websocket"))
}

/// The `Sec-WebSocket-Key` of an upgrade that has all an upgrade needs.
fn checked<'a>(ask: &Ask<'a>) -> Result<&'a str, Reply> {
    let language = ask.language();
    let wants = |header, word: &str| ask.listed(header).any(|one| one.eq_ignore_ascii_case(word));
    if ask.request.method != "GET" || !wants_websocket(ask) || !wants("connection", "upgrade") {
        let (message, details) = (language.upgrade_needed(), language.upgrade_needed_details());
        return Err(Reply::error(426, 426, &message, &details)
            .with("Upgrade", "websocket")
            .because(RefusalReason::NoUpgrade));
    }
    if !wants("sec-websocket-version", VERSION) {
        let (message, details) = (language.upgrade_version(), language.upgrade_version_details());
        return Err(Reply::error(426, 426, &message, &details)
            .with("Upgrade", "websocket")
            .with("Sec-WebSocket-Version", VERSION));
    }
    let mut keys = ask.headers("sec-websocket-key");
    let (Some(key), None) = (keys.next().filter(|key| is_key(key)), keys.next()) else {
        let (message, details) = (language.upgrade_key(), language.upgrade_key_details());
        return Err(Reply::error(400, 400, &message, &details));
    };
    // What follows an upgrade are frames: a body would be read as such.
    let is_long = |length: &str| length.bytes().any(|digit| digit != b'0');
    if ask.headers("content-length").any(is_long)
        || ask.headers("transfer-encoding").next().is_some()
    {
        let (message, details) = (language.bad_head(), language.upgrade_with_body_details());
        return Err(Reply::error(400, 400, &message, &details));
    }
    if !cors::admits(ask) {
        let (message, details) = (language.origin_refused(), language.origin_refused_details());
        let reply = Reply::error(403, 403, &message, &details);
        return Err(reply.because(RefusalReason::ForbiddenOrigin));
    }
    Ok(key)
}

/// Whether `key` has the form of 16 bytes in base64. Like most servers we do not mind what the
/// unused bits of its last letter are: some clients make it of random letters.
fn is_key(key: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix("==").is_some_and(|key| key.len() == 22 && key.bytes().all(is_letter))
}

/// Whether `name` may stand in a header as one word.
fn is_http_token(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=LONGEST_PROTOCOL).contains(&name.len()) && name.bytes().all(is_token)
}

/// The `server_id` of the address, without control characters. One that is too long is taken
/// for none: cutting it might make two servers one, and they would replace each other for ever.
fn server_id(ask: &Ask<'_>) -> Option<String> {
    let value = percent::decode_form(ask.field("server_id")?.as_bytes());
    let value = String::from_utf8_lossy(&value);
    let clean: String = value.chars().filter(|letter| !letter.is_control()).collect();
    let clean = clean.trim();
    (1..=LONGEST_SERVER_ID).contains(&clean.len()).then(|| clean.to_owned())
}
