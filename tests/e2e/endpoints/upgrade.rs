//! The handshake of the two WebSocket endpoints, and who is let in (docs/protocol.md#websocket-endpoints).

use crate::common::{escape, upgrade, Client, Event, Frame, Response, Server, ACCEPT};
use serde_json::json;

#[test]
fn the_101_answer_is_what_the_smallest_clients_compare_it_with() {
    let server = Server::start();
    for path in [server.tool_path("a"), server.robot_path("a")] {
        let client = server.ws(&path);
        let head = &client.response.head;
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
        assert!(head.len() < 512, "{head}");
        let mut headers = client.response.headers.clone();
        headers.sort();
        let expected =
            [("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT), ("Upgrade", "websocket")];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn the_first_subprotocol_offered_is_selected_and_no_extension() {
    let server = Server::start();
    let headers = [
        ("Sec-WebSocket-Protocol", "mcp, other"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    ];
    let client = Client::connect(server.address(), &server.robot_path("a"), &headers);
    assert_eq!(client.response.header("Sec-WebSocket-Protocol"), Some("mcp"));
    assert_eq!(client.response.header("Sec-WebSocket-Extensions"), None);
}

#[test]
fn nothing_is_sent_unasked_to_a_robot() {
    let server = Server::start();
    let _tool = server.tool("a").offers(&["x"]).connect();
    server.robot("a").ws.expect_silence();
}

#[test]
fn a_missing_slash_and_unknown_query_fields_are_fine() {
    let server = Server::start();
    let token = escape(&server.token("a"));
    for side in ["mcp", "call"] {
        for query in [format!("token={token}"), format!("x=1&y&token={token}&z=%20&=")] {
            for slash in ["", "/"] {
                let mut client = server.ws(&format!("/mcp_endpoint/{side}{slash}?{query}"));
                assert!(is_let_in(&mut client), "{side}{slash}?{query}");
            }
        }
    }
}

#[test]
fn a_token_is_read_in_every_spelling_of_base64() {
    let server = Server::start();
    let standard = (0..).map(|number| server.token(&format!("agent-{number}")));
    let token = standard.take(2000).find(|token| token.contains('+') && token.contains('/'));
    let token = token.expect("chance writes both signs soon");
    let bare = token.trim_end_matches('=');
    let spellings = [
        escape(&token),
        token.clone(),
        bare.to_owned(),
        escape(bare),
        token.replace('+', "-").replace('/', "_"),
        bare.replace('+', "-").replace('/', "_"),
        token.replace('+', "%20"),
        token.replace('=', "%3d").replace('+', "%2b").replace('/', "%2f"),
    ];
    for spelling in spellings {
        let mut client = server.ws(&format!("/mcp_endpoint/call/?token={spelling}"));
        assert!(is_let_in(&mut client), "{spelling}");
    }
}

#[test]
fn a_token_may_come_in_a_header_instead() {
    let server = Server::start();
    let _tool = server.tool("a").named("weather").offers(&["now"]).connect();
    let bearer = format!("Bearer {}", server.token("a"));
    let headers = [("Authorization", &*bearer)];
    let client = Client::connect(server.address(), "/mcp_endpoint/call/", &headers);
    let mut robot = crate::common::Robot::new(client);
    assert_eq!(robot.list(), ["now"]);
}

#[test]
fn a_token_may_carry_blanks_and_members_more() {
    let server = Server::start();
    let _tool = server.tool("a").offers(&["now"]).connect();
    for text in [
        r#"{"agentId":"a"}"#,
        r#"{ "agentId" : "a" }"#,
        r#"{"x":[1,{"agentId":"b"}],"agentId":"\u0061","y":null}"#,
    ] {
        let token = escape(&server.token_of(text));
        let client = server.ws(&format!("/mcp_endpoint/call/?token={token}"));
        assert_eq!(crate::common::Robot::new(client).list(), ["now"], "{text}");
    }
}

#[test]
fn a_connection_without_a_token_is_refused() {
    assert_refused("", "缺少token参数");
}

#[test]
fn a_token_of_another_key_is_refused() {
    // A fixed key: under a random one the wrong decryption looks right once in a great while.
    let server = Server::builder().set("server", "key", "0123456789abcdef".repeat(2)).start();
    let foreign = crate::common::token("fedcba9876543210fedcba9876543210", "a");
    assert_refused_by(&server, &format!("token={}", escape(&foreign)), "token解密失败");
}

#[test]
fn a_token_that_is_no_base64_is_refused() {
    assert_refused("token=%21%21%21", "token解密失败");
}

#[test]
fn a_token_that_holds_no_json_is_refused() {
    let server = Server::start();
    let query = format!("token={}", escape(&server.token_of("agentId=a")));
    assert_refused_by(&server, &query, "token数据格式错误");
}

#[test]
fn a_token_that_names_no_agent_is_refused() {
    let server = Server::start();
    for text in [r#"{"agent":"a"}"#, r#"{"agentId":""}"#] {
        let query = format!("token={}", escape(&server.token_of(text)));
        assert_refused_by(&server, &query, "无对应agentId");
    }
}

#[test]
fn who_redials_at_once_after_a_refusal_waits_ever_longer_while_others_do_not() {
    let server = Server::start();
    let mut robot = server.robot("a");
    for _ in 0..3 {
        assert_refused_by(&server, "token=no", "token解密失败");
        robot.expect_silence();
        assert_eq!(server.get("/health").status, 200);
    }
}

#[test]
fn a_page_of_an_origin_that_is_not_allowed_gets_no_socket() {
    let server = Server::builder().set("security", "allowed_origins", "http://a.example").start();
    let path = server.robot_path("a");
    let mut raw = server.raw();
    raw.send(upgrade(&path, &[("Origin", "http://evil.example")]));
    assert_eq!(Response::read(&mut raw).status, 403);
    let allowed = [("Origin", "http://a.example")];
    assert!(is_let_in(&mut Client::connect(server.address(), &path, &allowed)));
    assert!(is_let_in(&mut server.ws(&path)), "no Origin, so not a browser");
}

#[test]
fn any_origin_is_allowed_where_the_owner_allows_any() {
    let server = Server::start();
    for origin in ["http://a.example", "file://", "null"] {
        let headers = [("Origin", origin)];
        let mut client = Client::connect(server.address(), &server.tool_path("a"), &headers);
        assert!(is_let_in(&mut client), "{origin}");
    }
}

#[test]
fn an_upgrade_that_comes_byte_by_byte_is_granted() {
    let server = Server::start();
    let mut raw = server.raw();
    raw.drip(upgrade(&server.robot_path("a"), &[]));
    assert!(is_let_in(&mut Client::accepted(raw)));
}

#[test]
fn a_frame_in_the_packet_of_the_upgrade_is_not_lost() {
    let server = Server::start();
    let _tool = server.tool("a").connect();
    let mut raw = server.raw();
    let ping = Frame::text(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    raw.send([upgrade(&server.robot_path("a"), &[]).into_bytes(), ping.bytes()].concat());
    let answer = Client::accepted(raw).recv_message();
    assert!(answer.answers("7"), "{}", answer.text);
    assert_eq!(answer.result(), &json!({}));
}

#[test]
fn header_names_and_the_upgrade_are_read_without_regard_to_case() {
    let server = Server::start();
    let mut raw = server.raw();
    let request = upgrade(&server.robot_path("a"), &[])
        .replace("Upgrade: websocket", "UPGRADE: WebSocket")
        .replace("Connection: Upgrade", "connection: keep-alive, upgrade")
        .replace("Sec-WebSocket-", "sec-websocket-");
    raw.send(request);
    assert!(is_let_in(&mut Client::accepted(raw)));
}

/// Whether a connection stays open: a ping is answered.
fn is_let_in(client: &mut Client) -> bool {
    client.send_frame(&Frame::new(crate::common::PING, b"in?"));
    loop {
        match client.next() {
            Event::Text(_) => {}
            Event::Pong(payload) => return payload == b"in?",
            _ => return false,
        }
    }
}

fn assert_refused(query: &str, reason: &str) {
    assert_refused_by(&Server::start(), query, reason);
}

fn assert_refused_by(server: &Server, query: &str, reason: &str) {
    for side in ["mcp", "call"] {
        let mut client = server.ws(&format!("/mcp_endpoint/{side}/?{query}"));
        assert_eq!(client.expect_close(), (1008, reason.to_owned()), "{side} {query}");
        client.expect_end();
    }
}
