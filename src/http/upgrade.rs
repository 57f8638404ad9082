//! The WebSocket upgrade (docs/protocol.md#websocket-endpoints).

use super::request::Request;
use super::response::{head, Reply};
use super::{cors, refusal, RefusalReason, Side, Upgrade};
use crate::token::{percent, Token};
use tungstenite::handshake::derive_accept_key;

/// The version of the WebSocket protocol (RFC 6455).
const WEBSOCKET_VERSION: &str = "13";

/// The longest `server_id`.
const MAX_SERVER_ID_BYTES: usize = 128;

/// The longest subprotocol that is selected. Microcontrollers read the 101 response into small buffers.
const MAX_SUBPROTOCOL_BYTES: usize = 256;

/// The upgrade that `request` asks for.
///
/// # Errors
/// The reply that refuses it: 426, 400 or 403. An invalid token does not refuse the upgrade: the close
/// frame after it says what is wrong.
pub(super) fn granted(request: &Request<'_>, side: Side) -> Result<Upgrade, Reply> {
    let key = websocket_key(request)?;
    let accept = derive_accept_key(key.as_bytes());
    let protocol = request.list_items("sec-websocket-protocol").find(|name| is_http_token(name));
    let bytes = head(
        101,
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept)]
            .into_iter()
            .chain(protocol.map(|name| ("Sec-WebSocket-Protocol", name))),
    );
    let token = request.parameter("token").or_else(|| request.bearer()).unwrap_or_default();
    let token = percent::decode(token.as_bytes());
    let agent = Token::read(&request.context.settings.server.key, &token);
    let refused = agent.as_ref().err().map(|why| refusal::of_token(request, &token, *why));
    Ok(Upgrade { bytes, side, agent, refused, server_id: server_id(request) })
}

/// `reply` of a plain page, marked if the request asks for a WebSocket and carries the key. Then somebody
/// pasted the console's address into a tool server.
pub(super) fn note_console_address(request: &Request<'_>, reply: Reply) -> Reply {
    if wants_websocket(request) && request.parameter("key").is_some() {
        return reply.refused_for(RefusalReason::ConsoleAddress);
    }
    reply
}

fn wants_websocket(request: &Request<'_>) -> bool {
    request.list_items("upgrade").any(|name| name.eq_ignore_ascii_case("websocket"))
}

/// The `Sec-WebSocket-Key` of a valid upgrade request.
fn websocket_key<'a>(request: &Request<'a>) -> Result<&'a str, Reply> {
    let language = request.language();
    let wants =
        |header, word: &str| request.list_items(header).any(|one| one.eq_ignore_ascii_case(word));
    if request.head.method != "GET" || !wants_websocket(request) || !wants("connection", "upgrade")
    {
        let (message, details) = (language.upgrade_needed(), language.upgrade_needed_details());
        return Err(Reply::error(426, 426, &message, &details)
            .with("Upgrade", "websocket")
            .refused_for(RefusalReason::NoUpgrade));
    }
    if !wants("sec-websocket-version", WEBSOCKET_VERSION) {
        let (message, details) = (language.upgrade_version(), language.upgrade_version_details());
        return Err(Reply::error(426, 426, &message, &details)
            .with("Upgrade", "websocket")
            .with("Sec-WebSocket-Version", WEBSOCKET_VERSION));
    }
    let mut keys = request.headers("sec-websocket-key");
    let (Some(key), None) = (keys.next().filter(|key| is_key(key)), keys.next()) else {
        let (message, details) = (language.upgrade_key(), language.upgrade_key_details());
        return Err(Reply::error(400, 400, &message, &details));
    };
    // The bytes after the head are read as frames, so a body cannot follow it.
    let is_not_zero = |length: &str| length.bytes().any(|digit| digit != b'0');
    if request.headers("content-length").any(is_not_zero)
        || request.headers("transfer-encoding").next().is_some()
    {
        let (message, details) = (language.bad_head(), language.upgrade_with_body_details());
        return Err(Reply::error(400, 400, &message, &details));
    }
    if !cors::allows_origin_of(request) {
        let (message, details) = (language.origin_refused(), language.origin_refused_details());
        let reply = Reply::error(403, 403, &message, &details);
        return Err(reply.refused_for(RefusalReason::ForbiddenOrigin));
    }
    Ok(key)
}

/// Whether `key` looks like 16 bytes in base64. As in most servers, the unused bits of its last letter
/// do not matter: some clients build the key from random letters.
fn is_key(key: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix("==").is_some_and(|key| key.len() == 22 && key.bytes().all(is_letter))
}

/// Whether `name` is a token of HTTP, and short enough.
fn is_http_token(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=MAX_SUBPROTOCOL_BYTES).contains(&name.len()) && name.bytes().all(is_token)
}

/// The query parameter `server_id`, without control characters. A value that is too long is ignored: two
/// servers whose ids are equal after cutting would replace each other forever.
fn server_id(request: &Request<'_>) -> Option<String> {
    let value = percent::decode_form(request.parameter("server_id")?.as_bytes());
    let value = String::from_utf8_lossy(&value);
    let clean: String = value.chars().filter(|letter| !letter.is_control()).collect();
    let clean = clean.trim();
    (1..=MAX_SERVER_ID_BYTES).contains(&clean.len()).then(|| clean.to_owned())
}
