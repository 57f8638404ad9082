//! What the log says about who was refused: which mistake was made, and what to do about it.

use crate::common::{escape, token, upgrade, Builder, Client, Response, Server};
use std::time::{Duration, Instant};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";

fn english() -> Builder {
    Server::builder().set("server", "language", "en").set("server", "key", KEY)
}

/// Dials `path`, and accepts any answer.
fn dial(server: &Server, path: &str, headers: &[(&str, &str)]) {
    let mut raw = server.raw();
    raw.send(upgrade(path, headers));
    if raw.read_head().starts_with("HTTP/1.1 101 ") {
        raw.half_close();
    }
    raw.read_to_end();
}

#[test]
fn each_mistake_with_an_address_is_distinguished_and_says_what_to_do() {
    let server = english().start();
    let whole = escape(&server.token("a"));
    let foreign = escape(&token(OTHER_KEY, "a"));
    let no_json = escape(&server.token_of("agentId=a"));
    let nobody = escape(&server.token_of("{}"));
    let cases = [
        ("/mcp_endpoint/mcp/".to_owned(), "in a shell, quote it"),
        (
            format!("/mcp_endpoint/mcp/?token={}", &whole[..whole.len() - 9]),
            "incomplete or changed",
        ),
        (format!("/mcp_endpoint/mcp/?token={foreign}"), "made with another key"),
        (format!("/mcp_endpoint/call/?token={no_json}"), "not the expected JSON"),
        (format!("/mcp_endpoint/call/?token={nobody}"), "has no agentId"),
        (format!("/mcp_endpoint/mcp/?token={KEY}"), "contains a key, not a token"),
        (format!("/mcp_endpoint/mcp/?key={KEY}"), "the console address (?key="),
        ("/mcp_endpoint/health?key=wrong".to_owned(), "the console address (?key="),
        (format!("/mcp/?token={whole}"), "there is nothing at this path (404)"),
    ];
    for (path, said) in &cases {
        dial(&server, path, &[]);
        let line = server.wait_line(said);
        assert!(line.contains("[WARN] [127.0.0.1:") && line.contains("refused: "), "{line}");
    }
    assert_eq!(server.get("/mcp_endpoint/health?key=no").status, 401);
    server.wait_line("the key is missing or wrong. Use the console address");
    let log = server.log();
    for secret in [KEY, OTHER_KEY, &whole[..16], &foreign[..16], &no_json[..16], &nobody[..16]] {
        assert!(!log.contains(secret), "a secret in the log: {log}");
    }
}

#[test]
fn the_console_address_dialled_as_a_websocket_is_answered_as_before_and_reported() {
    let server = english().start();
    let mut raw = server.raw();
    raw.send(upgrade(&format!("/mcp_endpoint/health?key={KEY}"), &[]));
    assert_eq!(Response::read(&mut raw).status, 200);
    server.wait_line("the console address (?key=");
    assert_eq!(server.get(&format!("/mcp_endpoint/health?key={KEY}")).status, 200);
    assert_eq!(server.log().matches("the console address (?key=").count(), 1);
}

#[test]
fn a_forbidden_page_a_proxy_without_upgrade_and_tls_are_reported() {
    let server = english().set("security", "allowed_origins", "http://a.example").start();
    dial(&server, &server.robot_path("a"), &[("Origin", "http://evil.example")]);
    server.wait_line("[security] allowed_origins");
    assert_eq!(server.get(&server.robot_path("a")).status, 426);
    server.wait_line("forward the headers Upgrade and Connection");
    let mut raw = server.raw();
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert_eq!(Response::read(&mut raw).status, 400);
    server.wait_line("the peer speaks TLS");
}

#[test]
fn a_connection_too_many_and_a_head_too_slow_name_their_settings() {
    let limits = english().set("websocket", "max_connections", 1);
    let server = limits.set("websocket", "handshake_timeout", 1).start();
    let _only = server.robot("a");
    dial(&server, &server.robot_path("a"), &[]);
    server.wait_line("[websocket] max_connections");
    let mut raw = server.raw();
    raw.send("GET / HTTP/1.1\r\nHost:");
    assert_eq!(Response::read(&mut raw).status, 408);
    server.wait_line("[websocket] handshake_timeout");
    // One that says nothing, as browsers keep one in reserve, is not worth a word.
    let mut silent = server.raw();
    silent.read_to_end();
    assert_eq!(server.log().matches("refused: ").count(), 2, "{}", server.log());
}

#[test]
fn a_cause_is_reported_once_however_often_it_comes() {
    let server = english().start();
    for _ in 0..5 {
        let mut client = server.ws("/mcp_endpoint/mcp/?token=no");
        assert_eq!(client.expect_close().0, 1008);
    }
    dial(&server, "/mcp_endpoint/mcp/", &[]);
    server.wait_line("the address has no token");
    let log = server.log();
    assert_eq!(log.matches("incomplete or changed").count(), 1, "{log}");
    assert!(log.contains("(1 since the last such message; at most one a minute)"), "{log}");
}

#[test]
fn every_sentence_has_its_chinese() {
    let server = Server::start();
    Client::connect(server.address(), "/mcp_endpoint/call/?token=no", &[]).expect_close();
    server.wait_line("token 不完整或被改动");
    dial(&server, "/mcp_endpoint/call/?key=no", &[]);
    server.wait_line("这是智控台的地址");
}

#[test]
fn who_guesses_the_key_at_the_statistics_waits_as_well() {
    let server = english().start();
    let ask = |path: &str| {
        let start = Instant::now();
        assert_eq!(server.get(path).status, 200);
        start.elapsed()
    };
    let waits: Vec<Duration> = (0..6).map(|guess| ask(&format!("/stats?key={guess}"))).collect();
    assert!(waits[5] >= Duration::from_millis(700), "{waits:?}");
    let free = ask("/stats");
    assert!(free < waits[5], "without a key nobody waits, but this took {free:?}");
    server.wait_line("the key is missing or wrong");
}

#[test]
fn no_header_spares_who_guesses_the_key_the_wait() {
    for path in ["/mcp_endpoint/health", "/mcp_endpoint/status", "/stats"] {
        let server = english().start();
        let start = Instant::now();
        for guess in 0..6 {
            let mut raw = server.raw();
            raw.send(upgrade(&format!("{path}?key={guess}"), &[]));
            raw.read_to_end();
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(1400), "{path}: {took:?}");
    }
}

#[test]
fn a_crowd_that_is_put_off_takes_nobodys_place_and_learns_nothing() {
    let server = english().start();
    let crowd: Vec<_> = (0..700)
        .map(|guess| {
            let mut raw = server.raw();
            raw.send(format!("GET /stats?key={guess} HTTP/1.1\r\nHost: x\r\n\r\n"));
            raw
        })
        .collect();
    let start = Instant::now();
    assert_eq!(server.get("/health").status, 200);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let turned_away = crowd
        .into_iter()
        .filter_map(|mut raw| (Response::read(&mut raw).status == 503).then_some(()));
    assert!(turned_away.count() >= 600);
}

#[test]
fn a_key_is_not_looked_at_before_its_delay_is_over_and_the_right_one_waits_as_long() {
    let server = english().start();
    for path in ["/mcp_endpoint/health", "/mcp_endpoint/status", "/mcp_endpoint/tools", "/stats"] {
        server.get(&format!("{path}?key=wrong"));
    }
    for guess in 0..3 {
        server.get(&format!("/mcp_endpoint/health?key={guess}"));
    }
    let start = Instant::now();
    let right = server.get(&format!("/mcp_endpoint/health?key={KEY}"));
    assert_eq!(right.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(1200), "{:?}", start.elapsed());
    // A client that hangs up first learns nothing, and other requests do not wait.
    let mut raw = server.raw();
    raw.send(format!("GET /mcp_endpoint/health?key={KEY} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let start = Instant::now();
    assert_eq!(server.get("/health").status, 200);
    server.ws(&server.robot_path("a")).expect_silence();
    assert!(start.elapsed() < Duration::from_millis(1000), "{:?}", start.elapsed());
    assert_eq!(Response::read(&mut raw).status, 200);
}

#[test]
fn the_right_key_never_waits_where_nobody_guesses() {
    let server = english().start();
    let start = Instant::now();
    for _ in 0..40 {
        assert_eq!(server.get(&format!("/mcp_endpoint/health?key={KEY}")).status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn one_agent_leaves_room_for_others() {
    let limits = english().set("websocket", "max_connections", 20);
    let server = limits.set("websocket", "max_connections_per_agent", 5).start();
    let mut mine: Vec<_> = (0..5).map(|_| server.robot("greedy")).collect();
    for _ in 0..20 {
        let mut raw = server.raw();
        raw.send(upgrade(&server.robot_path("greedy"), &[]));
        let answer = Response::read(&mut raw);
        assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("5")));
        assert!(answer.text().contains("this agent has as many connections"), "{}", answer.text());
    }
    let line = server.wait_line("max_connections_per_agent");
    assert!(line.contains("agent greedy ") && line.contains("limit of 5 connections"), "{line}");
    let _others: Vec<_> = (0..5).map(|_| server.robot("other")).collect();
    mine.pop().unwrap().ws.close();
    server.robot("greedy").expect_silence();
}
