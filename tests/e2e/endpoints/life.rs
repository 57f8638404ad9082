//! Start, stop and what stays between them (docs/protocol.md#stop).

use crate::common::{escape, Server, CONFIG, LOG};
#[cfg(unix)]
use crate::common::{Event, Robot, TIMEOUT};
use serde_json::json;

#[test]
fn the_printed_addresses_are_ones_that_clients_accept() {
    for _ in 0..5 {
        let server = Server::start();
        let tool = server.tool_address();
        assert_eq!(tool.matches("/mcp/").count(), 1, "{tool}");
        let lower = tool.to_lowercase();
        assert!(!lower.contains("key") && !lower.contains("call"), "{tool}");
        let value = tool.split_once("token=").unwrap().1;
        assert!(!value.contains(['+', '/', '=']), "{tool}");
        let path = &tool[tool.find("/mcp_endpoint").unwrap()..];
        drop(server.ws(path));
        let console = server.console_address();
        let path = &console[console.find("/mcp_endpoint").unwrap()..];
        assert_eq!(server.get(path).status, 200, "{console}");
    }
}

#[test]
fn the_printed_tool_address_is_that_of_the_stand_alone_agent() {
    let server = Server::start();
    let address = server.tool_address();
    let path = address[address.find("/mcp_endpoint").unwrap()..].to_owned();
    let tool = crate::common::ToolBuilder::new(server.address(), path).offers(&["now"]).connect();
    assert_eq!(server.robot("single_module").list(), ["now"]);
    tool.close();
}

#[test]
fn a_key_is_made_once_and_kept_over_a_restart() {
    let text = "# mine\r\n[server]\nport=0 ; any\n\n; nothing below\n[relay]\nquirks : yes\n";
    let mut server = Server::builder().config(text).start();
    let key = server.key().to_owned();
    assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    let written = server.folder().read(CONFIG);
    let rest: Vec<&str> =
        written.split_inclusive('\n').filter(|line| !line.contains(&key)).collect();
    assert_eq!(rest.concat(), text, "every other byte stays");
    let token = server.token("a");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(server.folder().path().join(CONFIG)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        server.restart();
        assert_eq!((server.key(), server.token("a")), (&*key, token));
        assert_eq!(server.folder().read(CONFIG), written);
    }
}

#[test]
fn a_key_of_the_owners_choice_is_used() {
    let key = "my own key, which is long enough to be one";
    let server = Server::builder().set("server", "key", key).start();
    assert_eq!(server.key(), key);
    let _tool = server.tool("a").offers(&["now"]).connect();
    assert_eq!(server.robot("a").list(), ["now"]);
    assert_eq!(server.get(&format!("/mcp_endpoint/health?key={}", escape(key))).status, 200);
}

#[test]
fn keys_and_tokens_never_reach_the_log_file() {
    let server = Server::builder().set("server", "debug", true).start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    robot.call("now", json!({}));
    server.get(&format!("/mcp_endpoint/health?key={}", server.key()));
    let refused = server.token_of("{}");
    server.ws(&format!("/mcp_endpoint/call/?token={}", escape(&refused))).expect_close();
    tool.close();
    let log = server.log();
    assert!(!log.is_empty(), "there is a log");
    let secrets = [server.key().to_owned(), server.token("a"), escape(&server.token("a")), refused];
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in: {log}");
    }
}

#[test]
fn only_the_two_folders_are_written_to() {
    let server = Server::start();
    let mut robot = server.robot("a");
    robot.expect_silence();
    let mut files = server.folder().files();
    files.retain(|name| !name.starts_with(LOG));
    assert_eq!(files, [CONFIG]);
}

#[cfg(unix)]
#[test]
fn a_stop_is_reported_to_everybody_and_ends_well() {
    let mut server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robots = [server.robot("a"), server.robot("b")];
    robots.iter_mut().for_each(Robot::expect_silence);
    server.terminate();
    assert!(matches!(tool.wait_end(), Event::Close(1012, _)));
    for robot in &mut robots {
        assert_eq!(robot.ws.expect_close().0, 1012);
        robot.ws.expect_end();
    }
    assert_eq!(server.wait_exit(TIMEOUT).code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_peer_that_does_not_answer_the_close_delays_a_stop_by_the_close_timeout_only() {
    let mut server = Server::builder().set("websocket", "close_timeout", 1).start();
    let mut robot = server.robot("a");
    robot.expect_silence();
    robot.ws.answer_closes = false;
    server.terminate();
    assert_eq!(robot.ws.expect_close().0, 1012);
    assert_eq!(server.wait_exit(TIMEOUT).code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::builder().set("websocket", "close_timeout", 300).start();
    let mut robot = server.robot("a");
    robot.expect_silence();
    robot.ws.answer_closes = false;
    server.terminate();
    assert_eq!(robot.ws.expect_close().0, 1012);
    server.terminate();
    assert_eq!(server.wait_exit(TIMEOUT).code(), Some(0));
}

#[cfg(unix)]
#[test]
fn who_is_answered_refused_or_silent_does_not_hold_up_a_stop() {
    let mut server = Server::builder().set("websocket", "close_timeout", 60).start();
    let mut robot = server.robot("a");
    robot.expect_silence();
    // Answered, and does not close its end.
    let mut answered = server.raw();
    answered.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    answered.read_head();
    // Refused, and does not answer the close frame.
    let mut refused = server.ws("/mcp_endpoint/call/?token=no");
    refused.answer_closes = false;
    refused.expect_close();
    // Half a head, none at all, and a key that is not looked at yet.
    let mut half = server.raw();
    half.send("GET /health HTTP/1.1\r\n");
    let _silent = server.raw();
    for guess in 0..5 {
        server.get(&format!("/mcp_endpoint/health?key={guess}"));
    }
    let mut put_off = server.raw();
    put_off.send("GET /stats?key=no HTTP/1.1\r\nHost: localhost\r\n\r\n");
    robot.expect_silence();
    server.terminate();
    assert_eq!(robot.ws.expect_close().0, 1012);
    robot.ws.expect_end();
    assert_eq!(server.wait_exit(TIMEOUT).code(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_a_stop_too() {
    let mut server = Server::start();
    server.process().signal("INT");
    assert_eq!(server.wait_exit(TIMEOUT).code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_restart_has_the_port_back_at_once() {
    // The robot below does not read, so the stop waits for its answer as long as it may.
    let mut server = Server::builder().set("websocket", "close_timeout", 1).start();
    for _ in 0..3 {
        let _tool = server.tool("a").offers(&["now"]).dial();
        let robot = server.robot("a");
        server.restart();
        drop(robot);
        assert_eq!(server.get("/health").status, 200);
    }
}

#[test]
fn a_wrong_value_is_reported_in_one_line_before_anything_is_opened() {
    let text = "[server]\nhost = 127.0.0.1\n\n# the door\nport = banana\n";
    let ended = Server::builder().config(text).run();
    assert_eq!(ended.status.code(), Some(2));
    let lines: Vec<String> = [ended.stdout, ended.stderr].concat();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in [".mcp-endpoint-server.cfg", "5", "server", "port", "banana"] {
        assert!(lines[0].contains(part), "{part} in: {}", lines[0]);
    }
    assert_eq!(ended.folder.files(), [CONFIG], "nothing was written");
    assert_eq!(ended.folder.read(CONFIG), text);
}

#[test]
fn a_wrong_value_in_the_environment_is_reported_by_its_name() {
    let ended = Server::builder().env("MCP_ENDPOINT_RELAY_QUIRKS", "perhaps").run();
    assert_eq!(ended.status.code(), Some(2));
    let said = [ended.stdout, ended.stderr].concat().join("\n");
    assert!(said.contains("MCP_ENDPOINT_RELAY_QUIRKS") && said.contains("perhaps"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_reported_and_is_a_failure() {
    let server = Server::start();
    let ended = Server::builder().set("server", "port", server.port()).run();
    assert!(!ended.status.success());
    let said = [ended.stdout, ended.stderr].concat().join("\n");
    assert!(said.contains(&server.port().to_string()), "{said}");
}
