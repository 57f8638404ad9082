//! Plain HTTP (docs/protocol.md#plain-http).

use crate::common::{escape, Ending, Response, Server};
use serde_json::Value;

const HEALTH: &str = "/mcp_endpoint/health";

#[test]
fn the_root_leads_to_the_start_page() {
    let response = Server::start().get("/");
    assert_eq!((response.status, response.header("Location")), (307, Some("/mcp_endpoint/")));
}

#[test]
fn the_start_page_is_json_for_programs() {
    let server = Server::start();
    let json = server.get("/mcp_endpoint/").json();
    let expected = serde_json::json!({
        "jsonrpc": "2.0",
        "id": null,
        "result": {
            "message": "MCP Endpoint Server",
            "version": env!("CARGO_PKG_VERSION"),
            "status": "running",
        },
    });
    assert_eq!(json, expected);
}

#[test]
fn liveness_needs_no_key_and_names_nobody() {
    let server = Server::start();
    let _tool = server.tool("secret-agent").named("secret-name").offers(&["secret"]).connect();
    let _robot = server.robot("secret-agent");
    for path in ["/health", "/stats", "/metrics"] {
        let response = server.get(path);
        assert_eq!(response.status, 200, "{path}");
        assert!(!response.text().contains("secret"), "{path}: {}", response.text());
    }
    let health = server.get("/health").json();
    assert_eq!(health["status"], "healthy");
    assert!(health["uptime_seconds"].is_number() && health["version"].is_string(), "{health}");
    assert_eq!(health["connections"]["tool_connections"], 1);
    assert_eq!(health["connections"]["robot_connections"], 1);
    assert_eq!(server.get("/stats").json()["status"], "success");
}

#[test]
fn the_right_key_opens_the_details() {
    let server = Server::start();
    let _tool = server.tool("a").named("weather").offers(&["now", "later"]).connect();
    let _robots = [server.robot("a"), server.robot("a"), server.robot("b")];
    let bearer = format!("Bearer {}", server.key());
    let answers = [
        server.get(&format!("{HEALTH}?key={}", server.key())),
        server.http("GET", HEALTH, &[("Authorization", &bearer)]),
    ];
    for answer in answers {
        assert_eq!((answer.status, &answer.json()["result"]["status"]), (200, &"success".into()));
        let connections = &answer.json()["result"]["connections"];
        assert_eq!(connections["tool_connections"], 1);
        assert_eq!(connections["mcp_server_connections"], 1);
        assert_eq!(connections["robot_connections"], 3);
        assert_eq!(connections["total_connections"], 4);
        assert_eq!(connections["total_tools"], 2);
        assert_eq!(connections["multi_server_support"], true);
        assert_eq!(connections["robot_connections_by_agent"]["a"], 2);
        let weather = &connections["mcp_servers"]["a"]["weather"];
        assert_eq!(weather["tools_count"], 2);
        assert_eq!(weather["tools"], serde_json::json!(["now", "later"]));
        assert_eq!(weather["state"], "ready");
        assert_eq!(weather["server_info"]["name"], "weather");
        assert!(connections["available_agents"].as_array().unwrap().contains(&"a".into()));
    }
    let stats = server.get(&format!("/stats?key={}", server.key()));
    assert!(stats.text().contains("weather"), "{}", stats.text());
}

/// docs/protocol.md#key-spellings
#[test]
fn a_key_that_is_not_ascii_opens_the_details_as_it_is_and_percent_encoded() {
    let key = format!("%41 é{}", "密钥".repeat(16));
    let server = Server::builder().set("server", "key", &key).start();
    let ask = |credential: &str| {
        let bearer = format!("Bearer {credential}");
        server.http("GET", HEALTH, &[("Authorization", &bearer)]).status
    };
    assert_eq!((ask(&key), ask(&escape(&key))), (200, 200));
    assert_eq!(ask(&key.replace("%41", "A")), 401);
    assert_eq!(server.get(&format!("{HEALTH}?key={}", escape(&key))).status, 200);
}

#[test]
fn a_wrong_key_opens_nothing() {
    let server = Server::start();
    let wrong = format!("{HEALTH}?key={}0", server.key());
    let cut = format!("{HEALTH}?key={}", &server.key()[..31]);
    for path in [HEALTH, "/mcp_endpoint/health?key=", &wrong, &cut] {
        let response = server.get(path);
        assert_eq!(response.status, 401, "{path}");
        assert!(!response.text().contains("success"), "{}", response.text());
        let json = response.json();
        assert_eq!(json["error"]["code"], -32004);
        assert_eq!(json["error"]["message"], "密钥验证失败");
        assert_eq!(json["error"]["data"]["details"], "提供的密钥无效或缺失");
    }
}

#[test]
fn metrics_are_prometheus_text() {
    let server = Server::start();
    let _tool = server.tool("secret-agent").offers(&["now"]).connect();
    let mut robot = server.robot("secret-agent");
    robot.call("now", serde_json::json!({}));
    let response = server.get("/metrics");
    assert!(response.header("Content-Type").unwrap().starts_with("text/plain"));
    let text = response.text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit_once(' ').map(|(_, value)| value.parse::<f64>());
        assert!(matches!(value, Some(Ok(_))), "not a sample: {line}");
    }
    for line in [
        "# TYPE mcp_endpoint_calls_total counter",
        "mcp_endpoint_calls_total 1",
        "mcp_endpoint_connections{side=\"tool\"} 1",
        "mcp_endpoint_call_outcomes_total{outcome=\"answered\"} 1",
        "mcp_endpoint_call_duration_seconds_count 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
}

#[test]
fn every_response_has_the_promised_headers() {
    let server = Server::start();
    let robot = server.robot_path("a");
    for path in ["/", "/mcp_endpoint/", "/health", "/stats", HEALTH, "/metrics", "/no", &robot] {
        let response = server.get(path);
        assert_eq!(response.header("Content-Length"), Some(&*response.body.len().to_string()));
        assert_eq!(response.header("Connection"), Some("close"), "{path}");
        assert_eq!(response.header("Cache-Control"), Some("no-store"), "{path}");
        assert_eq!(response.header("X-Content-Type-Options"), Some("nosniff"), "{path}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    for path in ["/", "/mcp_endpoint/", HEALTH, "/no"] {
        let (get, head) = (server.get(path), server.http("HEAD", path, &[]));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("Content-Length"), get.header("Content-Length"), "{path}");
        assert_eq!(head.header("Content-Type"), get.header("Content-Type"), "{path}");
    }
    for path in ["/health", "/stats", "/metrics"] {
        let head = server.http("HEAD", path, &[]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
}

#[test]
fn an_unknown_path_is_404_and_an_unknown_method_405() {
    let server = Server::start();
    let missing = server.get("/mcp_endpoint/nothing");
    assert_eq!(missing.status, 404);
    assert!(missing.json().is_object());
    for method in ["POST", "DELETE", "PUT", "BREW"] {
        let response = server.http(method, "/health", &[("Content-Length", "0")]);
        assert_eq!(response.status, 405, "{method}");
        let allowed = response.header("Allow").unwrap();
        assert!(allowed.contains("GET") && allowed.contains("HEAD"), "{allowed}");
        assert!(response.json().is_object());
    }
}

#[test]
fn a_websocket_path_without_an_upgrade_is_426() {
    let server = Server::start();
    for path in [server.tool_path("a"), server.robot_path("a")] {
        let response = server.get(&path);
        assert_eq!((response.status, response.header("Upgrade")), (426, Some("websocket")));
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    let server = Server::start();
    let mut raw = server.raw();
    raw.drip("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(Response::read(&mut raw).status, 200);
}

#[test]
fn a_second_request_in_the_same_packet_is_not_answered() {
    let server = Server::start();
    let mut raw = server.raw();
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    raw.send(format!("{request}{request}"));
    let head = raw.read_head();
    let (body, _) = raw.read_to_end();
    let response = Response::from_parts(head, body);
    assert_eq!(response.header("Content-Length"), Some(&*response.body.len().to_string()));
}

#[test]
fn what_is_not_http_is_turned_away_and_harms_nobody() {
    let server = Server::start();
    let mut robot = server.robot("a");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\r\n\r\nnonsense\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ] {
        let mut raw = server.raw();
        raw.send(bytes);
        raw.half_close();
        let (answer, _) = raw.read_to_end();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    robot.expect_silence();
}

#[test]
fn a_head_that_never_ends_is_cut_off_in_time() {
    let server = Server::builder().set("websocket", "handshake_timeout", 1).start();
    let mut silent = server.raw();
    let mut slow = server.raw();
    slow.send("GET /health HTTP/1.1\r\nHost");
    for raw in [&mut silent, &mut slow] {
        let (_, ending) = raw.read_to_end();
        assert_eq!(ending, Ending::End);
    }
}

#[test]
fn pages_of_other_origins_may_read_as_far_as_they_are_allowed() {
    let anybody = Server::start();
    let response = anybody.http("GET", "/health", &[("Origin", "http://a.example")]);
    assert_eq!(response.header("Access-Control-Allow-Origin"), Some("*"));
    let some = Server::builder()
        .set("security", "allowed_origins", "http://a.example, http://b.example")
        .start();
    let allowed = some.http("GET", "/health", &[("Origin", "http://b.example")]);
    assert_eq!(allowed.header("Access-Control-Allow-Origin"), Some("http://b.example"));
    let refused = some.http("GET", "/health", &[("Origin", "http://c.example")]);
    assert_eq!(refused.header("Access-Control-Allow-Origin"), None);
    let none = Server::builder().set("security", "enable_cors", false).start();
    let silent = none.http("GET", "/health", &[("Origin", "http://a.example")]);
    assert_eq!(silent.header("Access-Control-Allow-Origin"), None);
}

#[test]
fn a_preflight_is_204() {
    let server = Server::start();
    let headers = [("Origin", "http://a.example"), ("Access-Control-Request-Method", "GET")];
    let response = server.http("OPTIONS", "/health", &headers);
    assert_eq!((response.status, response.body.len()), (204, 0));
    assert!(response.header("Access-Control-Allow-Methods").unwrap().contains("GET"));
}

#[test]
fn routes_answer_with_and_without_the_prefix_of_a_proxy() {
    let server = Server::builder().set("server", "path_prefix", "/foo").start();
    for path in ["/health", "/foo/health", "/mcp_endpoint/", "/foo/mcp_endpoint/"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let mut robot = server.ws(&format!("/foo{}", server.robot_path("a")));
    robot.expect_silence();
}

#[test]
fn counts_of_a_health_page_follow_connections_down_too() {
    let server = Server::start();
    let (tool, robot) = (server.tool("a").offers(&["x"]).connect(), server.robot("a"));
    tool.close();
    robot.ws.close();
    let timeout = crate::common::TIMEOUT;
    server.wait_health(timeout, "nobody connected", |connections: &Value| {
        (connections["total_connections"] == 0).then_some(())
    });
}
