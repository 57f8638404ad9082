//! This server and the old one: sound ones, and such as are set up wrongly.

use super::visit::{configured, free_port, read_head, serve, Visit};
use crate::common::{Server, ToolBuilder};
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};

const OTHER_KEY: &str = "ffffffffffffffffffffffffffffffff";

#[test]
fn a_sound_server_passes_every_step_with_the_key() {
    let server = Server::start();
    let visit = Visit::to(&server.console_address());
    visit.is_content();
    let steps = ["address", "connect", "server", "key", "tool", "robot", "list", "call", "silence"];
    assert_eq!(visit.passed(), steps);
    visit.warns(&["loopback", "0.0.0.0"]);
    visit.warns(&["no tool server is connected now"]);
    // Nothing of the visit stays.
    server.wait_health(crate::common::TIMEOUT, "that it is alone", |connections| {
        (connections["total_connections"] == 0).then_some(())
    });
}

#[test]
fn the_configured_server_is_visited_without_an_address() {
    let server = Server::start();
    let visit = Visit::with(configured(server.key(), server.port()), &["doctor"]);
    visit.is_content();
    assert!(visit.lines[0].contains(&server.port().to_string()), "{visit:?}");
    // Its base address takes the key from the configuration, too, by any of its names.
    let base = format!("http://localhost:{}", server.port());
    Visit::with(configured(server.key(), server.port()), &["doctor", &base]).is_content();
}

/// A server that shows its first page and refuses every key; what it was asked.
fn refusing() -> (u16, Arc<Mutex<Vec<String>>>) {
    const HOME: &str = r#"{"result":{"message":"MCP Endpoint Server","version":"1"}}"#;
    let received = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&received);
    let port = serve(move |mut stream| {
        let Some(head) = read_head(&mut stream) else { return };
        let (status, body) = match head.starts_with("GET /mcp_endpoint/ ") {
            true => ("200 OK", HOME),
            false => ("401 Unauthorized", r#"{"error":{"code":-32004}}"#),
        };
        received.lock().unwrap().push(head);
        let _ = write!(stream, "HTTP/1.1 {status}\r\nCache-Control: no-store\r\n\r\n{body}");
    });
    (port, asked)
}

#[test]
fn the_configured_key_is_sent_to_nobody_else() {
    let (port, asked) = refusing();
    let base = format!("http://127.0.0.1:{port}");
    let visit = Visit::with(configured(OTHER_KEY, 1), &["doctor", &base]);
    visit.is_content();
    visit.warns(&["key is not sent there", "console address"]);
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty() && !asked.concat().contains(OTHER_KEY), "{asked:?}");
}

#[test]
fn the_configured_key_stands_in_no_path_and_a_given_one_where_the_console_has_it() {
    let (port, asked) = refusing();
    let visit = Visit::with(configured(OTHER_KEY, port), &["doctor"]);
    visit.fails_at("key", &["does not use the key of this configuration"]);
    let last = asked.lock().unwrap().pop().unwrap();
    assert!(last.starts_with("GET /mcp_endpoint/health HTTP/1.1\r\n"), "{last}");
    assert!(last.contains(&format!("Authorization: Bearer {OTHER_KEY}\r\n")), "{last}");
    Visit::to(&format!("http://127.0.0.1:{port}/mcp_endpoint/health?key={OTHER_KEY}"))
        .fails_at("key", &["the key is wrong"]);
    let last = asked.lock().unwrap().pop().unwrap();
    assert!(last.starts_with(&format!("GET /mcp_endpoint/health?key={OTHER_KEY} ")), "{last}");
}

#[test]
fn however_often_it_comes_it_leaves_one_entry_among_those_who_went() {
    let server = Server::start();
    for _ in 0..2 {
        Visit::to(&server.console_address()).is_content();
        server.wait_health(crate::common::TIMEOUT, "that it is alone", |connections| {
            (connections["total_connections"] == 0).then_some(())
        });
    }
    let status = server.get(&format!("/mcp_endpoint/status?key={}", server.key())).json();
    let agents: Vec<_> = status["agents"].as_array().unwrap().iter().collect();
    let gone: Vec<_> = agents.iter().flat_map(|agent| agent["lost"].as_array().unwrap()).collect();
    assert_eq!((agents.len(), gone.len()), (1, 1), "{status:#}");
    assert_eq!((&agents[0]["id"], &gone[0]["label"]), (&json!("doctor"), &json!("doctor")));
}

#[test]
fn a_doctor_takes_an_agent_that_nobody_has() {
    for handshake in ["true", "false"] {
        let server = Server::builder().set("relay", "handshake", handshake).start();
        let _robot = server.ws(&server.robot_path("doctor"));
        let wait = |agent: &str| {
            server.wait_health(crate::common::TIMEOUT, agent, |connections| {
                let robots = &connections["robot_connections_by_agent"];
                robots.get(agent).map(drop)
            });
        };
        wait("doctor");
        std::thread::scope(|scope| {
            for agent in ["doctor-2", "doctor-3"] {
                scope.spawn(|| Visit::to(&server.console_address()).is_content());
                wait(agent);
            }
        });
    }
}

#[test]
fn doctors_that_come_at_the_same_moment_do_not_disturb_each_other() {
    let server = Server::start();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Visit::to(&server.console_address()).is_content());
        }
    });
}

#[test]
fn neither_the_key_nor_a_token_is_shown() {
    let server = Server::start();
    let visit = Visit::to(&server.console_address());
    assert!(!format!("{visit:?}").contains(server.key()));
}

#[test]
fn a_transparent_server_passes_every_step() {
    let server = Server::builder().set("relay", "handshake", "false").start();
    Visit::to(&server.console_address()).is_content();
}

#[test]
fn a_token_shows_the_tools_that_are_there_and_disturbs_nobody() {
    let server = Server::start();
    let tool = server.tool("single_module").offers(&["lamp", "fan"]).connect();
    tool.wait_listed(1);
    for address in [server.tool_address(), server.url(&server.robot_path("single_module"))] {
        let visit = Visit::to(&address);
        visit.is_content();
        assert_eq!(visit.passed(), ["address", "connect", "server", "robot", "list", "silence"]);
        assert!(visit.lines.iter().any(|line| line.contains("lamp, fan")), "{visit:?}");
    }
    assert_eq!(tool.count("tools/call"), 0);
    assert_eq!(tool.count("initialize"), 1);
}

#[test]
fn a_robot_address_is_reported_from_a_tool_address() {
    let server = Server::start();
    let visit = Visit::to(&server.url(&server.robot_path("a")));
    assert!(visit.lines.iter().any(|line| line.contains("tool servers need the one with /mcp/")));
}

#[test]
fn a_tool_that_is_not_started_is_named_with_the_command_that_starts_it() {
    let server = Server::start();
    let visit = Visit::to(&server.url(&server.robot_path("single_module")));
    let command = format!("MCP_ENDPOINT='{}", server.url("/mcp_endpoint/mcp/?token="));
    visit.fails_at("list", &["has no tools", "not running", &command]);
}

#[test]
fn a_wrong_key_is_named() {
    let server = Server::start();
    let address = format!("http://127.0.0.1:{}/mcp_endpoint/health?key={OTHER_KEY}", server.port());
    Visit::to(&address).fails_at("key", &["the key is wrong", "copy the console"]);
}

#[test]
fn a_configuration_that_is_not_the_running_servers_is_named() {
    let server = Server::start();
    let visit = Visit::with(configured(OTHER_KEY, server.port()), &["doctor"]);
    visit.fails_at("key", &["does not use the key of this configuration", "-c"]);
}

#[test]
fn a_token_made_with_another_key_is_named() {
    let server = Server::start();
    let token = crate::common::escape(&crate::common::token(OTHER_KEY, "single_module"));
    let visit = Visit::to(&server.url(&format!("/mcp_endpoint/mcp/?token={token}")));
    visit.fails_at("robot", &["1008 token解密失败", "another key"]);
}

#[test]
fn a_token_without_an_agent_is_named() {
    let server = Server::start();
    for (text, words) in [
        (json!({ "agent": "a" }).to_string(), "1008 无对应agentId"),
        ("agentId".to_owned(), "1008 token数据格式错误"),
    ] {
        let token = crate::common::escape(&server.token_of(&text));
        let visit = Visit::to(&server.url(&format!("/mcp_endpoint/call/?token={token}")));
        visit.fails_at("robot", &[words, "agentId"]);
    }
}

#[test]
fn a_server_without_a_free_place_is_named() {
    let server = Server::builder().set("websocket", "max_connections", 1).start();
    let _tool = server.tool("a").connect();
    Visit::to(&server.console_address()).fails_at("tool", &["connection limit is reached (503)"]);
}

#[test]
fn a_prefix_that_is_too_much_is_named() {
    let server = Server::start();
    let address = server.console_address().replace("/mcp_endpoint/", "/xiaozhi/mcp_endpoint/");
    Visit::to(&address).fails_at("server", &["the path prefix is wrong", "path_prefix"]);
}

#[test]
fn a_prefix_that_the_server_knows_is_none_that_is_wrong() {
    let server = Server::builder().set("server", "path_prefix", "/xiaozhi").start();
    let address = server.console_address();
    assert!(address.contains("/xiaozhi/"), "{address}");
    Visit::to(&address).is_content();
}

#[test]
fn a_public_url_that_fails_while_the_server_is_alive_is_reported_from_a_dead_server() {
    let server = Server::start();
    let public = format!("http://127.0.0.1:{}", free_port());
    let builder = configured(server.key(), server.port()).set("server", "public_url", &public);
    let visit = Visit::with(builder, &["doctor"]);
    visit.fails_at("connect", &["no program listens there"]);
    visit.warns(&["the server itself answers", &server.port().to_string()]);
    let builder = configured(server.key(), free_port()).set("server", "public_url", &public);
    Visit::with(builder, &["doctor"]).warns(&[
        "no server answers at",
        "on this machine either",
        "start it",
    ]);
}

#[test]
fn a_tool_of_another_agent_does_not_count() {
    let server = Server::start();
    let tool: ToolBuilder = server.tool("kitchen");
    let tool = tool.offers(&["lamp"]).connect();
    tool.wait_listed(1);
    Visit::to(&server.tool_address()).fails_at("list", &["another agent's address"]);
}
