use super::*;
use crate::token::Token;

const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const NEEDED: &str = "Host: h
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// An upgrade request for `target`, with `more` headers.
fn dial(target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\n{NEEDED}{more}")
}

/// An upgrade request with the header line `line` replaced by `instead`.
fn with(line: &str, instead: &str) -> String {
    assert!(NEEDED.contains(line), "{line}");
    let head = dial("/mcp_endpoint/mcp/", "").replace(line, instead);
    head.replace("\n\n", "\n").trim_end().to_owned()
}

fn token() -> String {
    Token::new(KEY, "小智").in_address()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_101_response_is_exactly_this() {
    let target = format!("/mcp_endpoint/mcp/?token={}", token());
    let upgrade = upgraded(&settings(), &dial(&target, ""));
    assert_eq!(
        text(&upgrade.bytes),
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
        )
    );
    assert_eq!(upgrade.side, Side::Tool);
    assert_eq!(upgrade.agent.as_deref(), Ok("小智"));
    assert_eq!(upgrade.server_id, None);
}

#[test]
fn each_endpoint_has_its_side_with_or_without_a_slash_at_the_end() {
    let token = token();
    for (path, side) in [
        ("/mcp_endpoint/mcp/", Side::Tool),
        ("/mcp_endpoint/mcp", Side::Tool),
        ("//mcp_endpoint//mcp//", Side::Tool),
        ("/foo/mcp_endpoint/mcp/", Side::Tool),
        ("ws://h:1/mcp_endpoint/call/", Side::Robot),
        ("/mcp_endpoint/call", Side::Robot),
    ] {
        let upgrade = upgraded(&under("/foo"), &dial(&format!("{path}?x=y&token={token}&z"), ""));
        assert_eq!((upgrade.side, upgrade.agent.as_deref()), (side, Ok("小智")), "{path}");
    }
}

#[test]
fn headers_may_be_written_in_any_case_and_order() {
    let head = "GET /mcp_endpoint/mcp/ HTTP/1.1
SEC-WEBSOCKET-KEY:dGhlIHNhbXBsZSBub25jZQ==
connection: keep-alive,  UPGRADE
UPGRADE:  h2c, WebSocket
sec-websocket-version:13 ";
    assert!(text(&upgraded(&settings(), head).bytes).contains(ACCEPT));
    let head = head.replace("connection: keep-alive,", "connection: keep-alive\nConnection:");
    assert!(text(&upgraded(&settings(), &head).bytes).contains(ACCEPT));
    assert!(text(&upgraded(&settings(), &head.replace("1.1", "1.0")).bytes).contains(ACCEPT));
}

#[test]
fn a_plain_request_to_an_endpoint_gets_426() {
    let heads = [
        "GET /mcp_endpoint/mcp/ HTTP/1.1".to_owned(),
        "GET /mcp_endpoint/call?token=x HTTP/1.1".to_owned(),
        with("Upgrade: websocket\n", ""),
        with("Upgrade: websocket", "Upgrade: h2c"),
        with("Upgrade: websocket", "Upgrade: websocket2"),
        with("Connection: Upgrade\n", ""),
        with("Connection: Upgrade", "Connection: keep-alive"),
        dial("/mcp_endpoint/mcp/", "").replace("GET", "HEAD"),
    ];
    for head in heads {
        let got = got(&settings(), &head);
        assert_eq!((got.status, got.header("Upgrade")), (426, Some("websocket")), "{head}");
        assert_eq!(got.header("Connection"), Some("close"));
    }
}

#[test]
fn another_method_does_not_upgrade() {
    let head = dial("/mcp_endpoint/mcp/", "").replace("GET", "POST");
    assert_eq!(got(&settings(), &head).status, 405);
}

#[test]
fn another_version_gets_the_right_one() {
    for instead in ["", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 130"] {
        let got = got(&settings(), &with("Sec-WebSocket-Version: 13", instead));
        assert_eq!((got.status, got.header("Sec-WebSocket-Version")), (426, Some("13")));
        assert_eq!(got.header("Upgrade"), Some("websocket"));
    }
    upgraded(&settings(), &with("Version: 13", "Version: 13, 8"));
}

#[test]
fn an_invalid_websocket_key_is_a_bad_request() {
    let line = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for instead in [
        "",
        "Sec-WebSocket-Key:",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==dGhl",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2 jZQ==",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jé==",
        &format!("{line}\n{line}"),
    ] {
        let got = got(&settings(), &with(line, instead));
        assert_eq!(
            (got.status, got.json()["error"]["code"].as_u64()),
            (400, Some(400)),
            "{instead}"
        );
    }
    // Any last letter is valid: some clients choose all 22 at random.
    upgraded(&settings(), &with("ZQ==", "ZZ=="));
}

#[test]
fn a_token_is_refused_after_the_upgrade() {
    use CloseReason::{TokenMalformed, TokenMissing, TokenUndecipherable, TokenWithoutAgent};
    let nobody = Token::new(KEY, "").in_address();
    for (query, reason) in [
        ("", TokenMissing),
        ("?", TokenMissing),
        ("?token", TokenMissing),
        ("?token=", TokenMissing),
        ("?Token=abc", TokenMissing),
        ("?server_id=s", TokenMissing),
        ("?token=abc", TokenUndecipherable),
        ("?token=%00%FF%0d%0a", TokenUndecipherable),
        (&format!("?token={nobody}"), TokenWithoutAgent),
    ] {
        let upgrade = upgraded(&settings(), &dial(&format!("/mcp_endpoint/mcp/{query}"), ""));
        assert_eq!(upgrade.agent, Err(reason), "{query}");
        assert!(text(&upgrade.bytes).starts_with("HTTP/1.1 101 "));
    }
    // An empty text, encrypted: one block of padding.
    let mut settings = settings();
    settings.server.key = "0".repeat(16);
    let token = "?token=NGvOC47tNNoQ9qj6u4RElA";
    let upgrade = upgraded(&settings, &dial(&format!("/mcp_endpoint/mcp/{token}"), ""));
    assert_eq!(upgrade.agent, Err(TokenMalformed));
}

#[test]
fn a_token_may_come_in_the_authorization_header() {
    let token = Token::new(KEY, "a");
    let other = Token::new(KEY, "b").in_address();
    let bearer = format!("\nAuthorization: Bearer {}", token.as_str());
    for (query, agent) in [("", "a"), ("?token=", "a"), (&format!("?token={other}"), "b")] {
        let upgrade = upgraded(&settings(), &dial(&format!("/mcp_endpoint/call/{query}"), &bearer));
        assert_eq!(upgrade.agent.as_deref(), Ok(agent), "{query}");
    }
    let upgrade = upgraded(&settings(), &dial("/mcp_endpoint/call/", "\nAuthorization: Bearer"));
    assert_eq!(upgrade.agent, Err(CloseReason::TokenMissing));
}

#[test]
fn a_token_may_come_in_the_query_in_every_spelling() {
    for number in 0..32 {
        let agent = format!("agent {number}");
        let token = Token::new(KEY, &agent);
        let twice = crate::token::percent::encode(&token.in_address(), b"");
        for query in [
            token.as_str().to_owned(),
            token.as_str().replace('+', "%20"),
            token.as_str().trim_end_matches('=').to_owned(),
            twice,
        ] {
            let head = dial(&format!("/mcp_endpoint/mcp/?token={query}"), "");
            assert_eq!(upgraded(&settings(), &head).agent.as_ref(), Ok(&agent), "{query}");
        }
    }
}

#[test]
fn a_server_id_is_cleaned_and_bounded() {
    let full = "s".repeat(128);
    for (given, taken) in [
        ("weather", Some("weather")),
        ("%E5%A4%A9%E6%B0%94", Some("天气")),
        ("a+b%2Bc", Some("a b+c")),
        ("%20a%0D%0A%00%7F%1Bb%20", Some("ab")),
        ("%FF", Some("\u{FFFD}")),
        ("", None),
        ("+", None),
        ("%0A%00", None),
        (&full, Some(full.as_str())),
        (&format!("{full}s"), None),
    ] {
        let target = format!("/mcp_endpoint/mcp/?server_id={given}&token={}", token());
        let upgrade = upgraded(&settings(), &dial(&target, ""));
        assert_eq!(upgrade.server_id.as_deref(), taken, "{given}");
        assert_eq!(upgrade.agent.as_deref(), Ok("小智"));
    }
}

#[test]
fn the_first_subprotocol_offered_is_selected() {
    for (offered, selected) in [
        ("\nSec-WebSocket-Protocol: mcp", Some("mcp")),
        ("\nSec-WebSocket-Protocol: mcp, other", Some("mcp")),
        ("\nSec-WebSocket-Protocol: a.b\nSec-WebSocket-Protocol: c", Some("a.b")),
        ("\nSec-WebSocket-Protocol: , no good, \"x\", fine", Some("fine")),
        ("\nSec-WebSocket-Protocol: a:b\tc", None),
        ("\nSec-WebSocket-Protocol: 小", None),
        ("\nSec-WebSocket-Protocol:", None),
    ] {
        let upgrade = upgraded(&settings(), &dial("/mcp_endpoint/mcp/", offered));
        let got = Got::read(&upgrade.bytes);
        assert_eq!(got.header("Sec-WebSocket-Protocol"), selected, "{offered}");
        assert_eq!(got.headers.len(), 3 + usize::from(selected.is_some()));
    }
}

#[test]
fn the_101_response_is_short_whatever_the_client_offers() {
    for length in [1, 256, 257, 4000] {
        let more = format!(
            "\nSec-WebSocket-Protocol: {}\nSec-WebSocket-Extensions: permessage-deflate",
            "p".repeat(length)
        );
        let upgrade = upgraded(&settings(), &dial("/mcp_endpoint/mcp/", &more));
        assert!(upgrade.bytes.len() < 512, "{}", upgrade.bytes.len());
        assert_eq!(text(&upgrade.bytes).contains("pp"), length == 256);
        assert!(!text(&upgrade.bytes).contains("Extensions"));
    }
}

#[test]
fn a_page_of_another_origin_cannot_upgrade() {
    let listed = only(&["https://a.example", "file://"]);
    let mut silent = listed.clone();
    silent.security.enable_cors = false;
    for (origin, any, by_list) in [
        ("", true, true),
        ("\nOrigin: https://A.example", true, true),
        ("\nOrigin: file://", true, true),
        ("\nOrigin: null", true, false),
        ("\nOrigin: https://b.example", true, false),
        ("\nOrigin: https://a.example\nOrigin: https://b.example", true, false),
        ("\nOrigin:", true, false),
    ] {
        let head = dial("/mcp_endpoint/mcp/", origin);
        let granted = |settings: &Settings| matches!(asked(settings, &head), Action::Upgrade(_));
        assert_eq!(granted(&settings()), any, "{origin}");
        assert_eq!(granted(&listed), by_list, "{origin}");
        assert_eq!(granted(&silent), by_list, "{origin}");
        if !by_list {
            assert_eq!(got(&listed, &head).status, 403);
        }
    }
}

#[test]
fn a_client_cannot_inject_headers_into_a_response() {
    let head = response::head(101, [("Sec-WebSocket-Protocol", "a\r\nSet-Cookie: b\u{85}\0")]);
    assert_eq!(
        text(&head),
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: aSet-Cookie: b\r\n\r\n"
    );
}

#[test]
fn an_upgrade_with_a_body_is_refused() {
    for (more, status) in [
        ("\nContent-Length: 0", 101),
        ("\nContent-Length: 5", 400),
        ("\nContent-Length: 0\nContent-Length: 1", 400),
        ("\nContent-Length: many", 400),
        ("\nTransfer-Encoding: chunked", 400),
    ] {
        let head = dial("/mcp_endpoint/call/?token=no", more);
        if status == 101 {
            upgraded(&settings(), &head);
        } else {
            assert_eq!(got(&settings(), &head).status, status, "{more}");
        }
        let plain = format!("GET /health HTTP/1.1\nHost: x{more}\nExpect: 100-continue");
        assert_eq!(got(&settings(), &plain).status, 200, "a body is not looked at: {more}");
    }
}
