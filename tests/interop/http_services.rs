//! Tool servers that are HTTP services, on the official MCP SDK (docs/protocol.md#http-tool-servers).

use crate::common::{parts, Folder, Parts, Server};
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};

/// The services: name, transport and modes.
const SERVICES: [(&str, &[&str]); 4] = [
    ("events", &["streamable-http"]),
    ("json", &["streamable-http", "json"]),
    ("stateless", &["streamable-http", "json", "stateless"]),
    ("old", &["sse"]),
];

/// Calls a tool of each service, one of which is restarted meanwhile.
fn call_services(parts: &Parts) {
    let start = |name: &str, port: &str, modes: &[&str]| {
        parts.start("http_server.py", &[&[name, modes[0], port], &modes[1..]].concat())
    };
    let mut entries = json!({});
    let mut running = Vec::new();
    for (name, modes) in SERVICES {
        let place = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let port = place.port().to_string();
        let path = if modes[0] == "sse" { "sse" } else { "mcp" };
        entries[name] = json!({"url": format!("http://{place}/{path}")});
        running.push((start(name, &port, modes), port));
    }
    let folder = Folder::fresh();
    folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
    let path = folder.path().join("servers.json");
    let builder = Server::builder().env("MCP_CONFIG", path.display());
    let server = builder.set("server", "language", "en").start();
    let wait_ready = |name: &str, count| {
        let line = format!("tool server {name}: ready");
        server.process().wait_line(&line, count, parts::TIMEOUT);
    };
    for (name, _) in SERVICES {
        wait_ready(name, 1);
    }
    let mut robot = server.robot("kitchen");
    robot.start();
    assert_eq!(robot.list().len(), SERVICES.len());
    for ((name, modes), (part, port)) in SERVICES.into_iter().zip(running) {
        let tool = format!("{name}_add");
        let params =
            json!({"name": tool, "arguments": {"a": 3, "b": 4}, "_meta": {"progressToken": name}});
        robot.request("7", "tools/call", params);
        // A service that answers in JSON has no place for progress.
        if !modes.contains(&"json") {
            let progress = robot.notification("notifications/progress");
            assert_eq!(progress.json["params"]["progressToken"], name);
        }
        assert_eq!(robot.answer_to("7").content(), "7", "{name}");
        if name != "events" {
            continue;
        }
        // It comes back with another session.
        drop(part);
        let _part = start(name, &port, modes);
        robot.call(&tool, json!({"a": 1, "b": 1}));
        wait_ready(name, 2);
    }
}

#[test]
fn services_of_the_python_sdk_are_dialled_by_each_transport() {
    let Some(parts) = Parts::find() else { return };
    call_services(&parts);
}

#[test]
fn services_of_generation_2_of_the_python_sdk_are_dialled_by_each_transport() {
    let Some(parts) = Parts::find() else { return };
    if parts.have_second_generation() {
        call_services(&parts.of_second_generation());
    }
}
