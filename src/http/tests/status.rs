use super::*;
use crate::relay::{Congested, Joining, Peer, Wire};
use crate::token::{percent, Token};

const PATHS: [&str; 3] =
    ["/mcp_endpoint/status", "/mcp_endpoint/tools?agent=a", "/mcp_endpoint/addresses?agent=a"];

struct Nowhere;

impl Wire for Nowhere {
    fn send(&mut self, _: Peer, _: &[&str]) -> Result<(), Congested> {
        Ok(())
    }
    fn close(&mut self, _: Peer, _: CloseReason) {}
    fn probe(&mut self, _: Peer) {}
}

/// A relay with one tool, named `secret`, of an agent of that name.
fn relay() -> Relay {
    let mut relay = Relay::new(Policy::default());
    let (peer, now) = (Peer { slot: 4, generation: 9 }, Moment::default());
    let joining =
        Joining { side: Side::Tool, agent: "secret", server_id: Some("secret"), address: "h:5" };
    relay.joined(now, peer, joining, &mut Nowhere);
    let result = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2024-11-05","serverInfo":{"name":"s", "z":1.50}}}"#;
    relay.text(now, peer, result, &mut Nowhere);
    let list = r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{ "name":"secret", "n":1E2 }]}}"#;
    relay.text(now, peer, list, &mut Nowhere);
    relay
}

fn with_key(head: &str) -> String {
    format!("{head}\nAuthorization: Bearer {KEY}")
}

/// The JSON of a `GET` with the key and these headers.
fn fetched(settings: &Settings, target: &str, headers: &str) -> serde_json::Value {
    let got = got_about(&relay(), settings, &with_key(&format!("GET {target} HTTP/1.1{headers}")));
    assert_eq!(got.status, 200, "{target}: {}", got.body);
    got.json()
}

#[test]
fn without_the_key_there_are_no_names() {
    for path in PATHS.map(|path| path.replace("=a", "=secret")) {
        for key in ["", "&key=", "&key=wrong", "&lang=en"] {
            let join = if path.contains('?') { "" } else { "?" };
            let got = got_about(&relay(), &settings(), &format!("GET {path}{join}{key} HTTP/1.1"));
            let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32004,"message":"密钥验证失败","data":{"details":"提供的密钥无效或缺失"}}}"#;
            assert_eq!((got.status, got.body.as_str()), (401, body), "{path}{key}");
            assert_eq!(got.header("WWW-Authenticate"), Some("Bearer"));
        }
    }
}

#[test]
fn every_path_accepts_the_key_in_every_spelling() {
    for path in PATHS {
        let join = if path.contains('?') { '&' } else { '?' };
        let query = format!("GET {path}{join}key={} HTTP/1.1", percent::encode(KEY, b""));
        assert_eq!(got(&settings(), &query).status, 200, "{path}");
        let bearer = got(&settings(), &with_key(&format!("GET {path} HTTP/1.1")));
        assert_eq!(bearer.status, 200, "{path}");
        let below = got(&under("/foo"), &with_key(&format!("GET /foo{path} HTTP/1.1")));
        assert_eq!(below.status, 200, "{path}");
    }
}

#[test]
fn the_status_has_what_the_page_shows() {
    let status = fetched(&settings(), "/mcp_endpoint/status", "");
    assert_eq!(status["version"], crate::VERSION);
    assert_eq!(status["uptime_seconds"], 61);
    assert_eq!(status["memory_bytes"], 3 << 20);
    assert_eq!((&status["counts"]["tools"], &status["counts"]["offered"]), (&1.into(), &1.into()));
    for (part, member) in
        [("traffic", "calls_answered"), ("errors", "timed_out"), ("server", "connections")]
    {
        assert!(status[part][member].is_u64(), "{part}.{member}");
    }
    let refusal = &status["refusals"][0];
    assert_eq!((&refusal["address"], &refusal["count"]), (&"192.0.2.66".into(), &7.into()));
    assert_eq!(
        (&refusal["reason"], &refusal["seconds_ago"]),
        (&"key_for_token".into(), &11.into())
    );
    assert!(!refusal["reason_text"].as_str().unwrap().is_ascii());
    let agent = &status["agents"][0];
    assert_eq!((&agent["id"], &agent["revision"]), (&"secret".into(), &1.into()));
    assert_eq!(agent["tools"][0]["label"], "secret");
    assert_eq!(agent["tools"][0]["connection"], "#4.9");
    assert_eq!(agent["tools"][0]["address"], "h:5");
    assert_eq!(agent["tools"][0]["connected_seconds"], 61);
    assert_eq!(agent["tools"][0]["tools_count"], 1);
}

#[test]
fn problems_are_described_in_the_language_of_the_reader() {
    let english = fetched(&settings(), "/mcp_endpoint/status?lang=en", "");
    assert!(english["refusals"][0]["reason_text"].as_str().unwrap().is_ascii());
}

#[test]
fn the_text_of_a_tool_server_is_passed_on_unchanged() {
    let body = |target: &str| {
        got_about(&relay(), &settings(), &with_key(&format!("GET {target} HTTP/1.1"))).body
    };
    let status = body("/mcp_endpoint/status");
    assert!(status.contains(r#""server_info":{"name":"s", "z":1.50},"#), "{status}");
    assert_eq!(
        body("/mcp_endpoint/tools?agent=secret"),
        r#"{"agent":"secret","revision":1,"servers":{"secret":["secret"]},"tools":[{ "name":"secret", "n":1E2 }]}"#
    );
}

#[test]
fn an_unknown_agent_has_no_tools() {
    let tools = fetched(&settings(), "/mcp_endpoint/tools?agent=no+%E5%B0%8F%2B", "");
    assert_eq!(
        tools,
        serde_json::json!({"agent": "no 小+", "revision": 0, "servers": {}, "tools": []})
    );
}

#[test]
fn an_impossible_agent_id_is_refused_in_the_requested_language() {
    let long = "x".repeat(257);
    for agent in ["", "agent=", "agent=%FF", &format!("agent={long}")] {
        for path in ["tools", "addresses"] {
            for (lang, ascii) in [("", false), ("&lang=en", true), ("&lang=zh", false)] {
                let head = format!("GET /mcp_endpoint/{path}?{agent}{lang} HTTP/1.1");
                let got = got(&settings(), &with_key(&head));
                assert_eq!((got.status, got.body.is_ascii()), (400, ascii), "{agent}{lang}");
            }
        }
    }
}

/// The tool server address of agent `a` without its query, and whether there are warnings.
fn place(settings: &Settings, query: &str, headers: &str) -> (String, bool) {
    let target = format!("/mcp_endpoint/addresses?agent=a{query}");
    let answer = fetched(settings, &target, headers);
    let address = |side: &str| answer[side].as_str().unwrap().to_owned();
    let (tool, robot) = (address("tool"), address("robot"));
    let (place, token) = tool.split_once("?token=").unwrap();
    assert_eq!(Token::read(KEY, token.as_bytes()), Ok("a".to_owned()));
    assert_eq!(robot, tool.replace("/mcp/?", "/call/?"));
    (place.to_owned(), !answer["warnings"].as_array().unwrap().is_empty())
}

#[test]
fn addresses_use_the_host_header() {
    for (headers, start, warned) in [
        ("\nHost: nas.lan:8004", "ws://nas.lan:8004", false),
        ("\nHost: 192.0.2.1", "ws://192.0.2.1", false),
        ("\nHost: [2001:db8::1]:80", "ws://[2001:db8::1]:80", false),
        ("\nHost: nas.lan\nX-Forwarded-Proto: https", "wss://nas.lan", false),
        ("\nHost: nas.lan\nX-Forwarded-Proto: http", "ws://nas.lan", false),
        ("\nHost: localhost:8004", "ws://localhost:8004", true),
        ("\nHost: 127.0.0.2:1", "ws://127.0.0.2:1", true),
        ("\nHost: [::1]", "ws://[::1]", true),
        ("", "ws://192.0.2.9:8004", false),
    ] {
        let expected = (format!("{start}/mcp_endpoint/mcp/"), warned);
        assert_eq!(place(&settings(), "", headers), expected, "{headers}");
    }
}

#[test]
fn an_invalid_host_is_not_repeated() {
    for host in [
        "a b",
        "a@b",
        "a/b",
        "a?b",
        "a#b",
        "a:",
        "a:0",
        "a:99999",
        "a:+1",
        "a:1:2",
        "[::1",
        "::1",
        "[x]",
        "小",
        "<img>",
        "a\"b",
        "a\\b",
        "a;b",
        "",
        &"a".repeat(600),
        "a\nHost: b",
    ] {
        let (place, _) = place(&settings(), "", &format!("\nHost: {host}"));
        assert_eq!(place, "ws://192.0.2.9:8004/mcp_endpoint/mcp/", "{host}");
    }
}

#[test]
fn the_page_can_say_where_it_was_opened() {
    let host = "\nHost: 127.0.0.1:8004";
    for (at, start) in [
        ("https://mcp.example", "wss://mcp.example"),
        ("http%3A%2F%2Fnas.lan%3A8004%2Ffoo", "ws://nas.lan:8004/foo"),
        ("https://mcp.example/a/b/", "wss://mcp.example/a/b"),
        ("ftp://mcp.example", "ws://127.0.0.1:8004"),
        ("javascript:alert(1)", "ws://127.0.0.1:8004"),
        ("https://user@mcp.example", "ws://127.0.0.1:8004"),
        ("https://mcp.example/%3Cb%3E", "ws://127.0.0.1:8004"),
        ("https:///x", "ws://127.0.0.1:8004"),
    ] {
        let (place, _) = place(&settings(), &format!("&at={at}"), host);
        assert_eq!(place, format!("{start}/mcp_endpoint/mcp/"), "{at}");
    }
}

#[test]
fn the_public_url_takes_precedence() {
    let mut settings = settings();
    settings.server.public_url = Some("https://mcp.example/x".to_owned());
    let headers = "\nHost: nas.lan\nX-Forwarded-Proto: http";
    let (place, warned) = place(&settings, "&at=http://other.example", headers);
    assert_eq!((&*place, warned), ("wss://mcp.example/x/mcp_endpoint/mcp/", false));
}

#[test]
fn addresses_keep_the_prefix_of_the_request() {
    let head = "GET /foo/mcp_endpoint/addresses?agent=a HTTP/1.1\nHost: nas.lan";
    let got = got(&under("/foo"), &with_key(head)).json();
    assert!(got["tool"].as_str().unwrap().starts_with("ws://nas.lan/foo/mcp_endpoint/mcp/"));
}
