//! What the status page asks for (docs/protocol.md#http-routes).

use crate::common::{escape, Server, TIMEOUT};
use serde_json::{json, Value};
use std::io::Read;
use std::time::{Duration, Instant};

fn ask(server: &Server, path: &str) -> Value {
    let bearer = format!("Bearer {}", server.key());
    let response = server.http("GET", path, &[("Authorization", &bearer)]);
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    response.json()
}

/// Asks for the status until `found` finds there what it looks for.
fn wait_status<R>(server: &Server, what: &str, found: impl Fn(&Value) -> Option<R>) -> R {
    let end = Instant::now() + TIMEOUT;
    loop {
        let status = ask(server, "/mcp_endpoint/status");
        if let Some(result) = found(&status) {
            return result;
        }
        assert!(Instant::now() < end, "{what}: not in time: {status:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_status_shows_real_peers_their_calls_and_their_loss() {
    let server = Server::start();
    let tool = server.tool("小智").named("weather").offers(&["now"]).connect();
    let mut robot = server.robot("小智");
    robot.start_as("a-robot");
    robot.call("now", json!({}));
    let status = ask(&server, "/mcp_endpoint/status");
    let agent = &status["agents"][0];
    assert_eq!(agent["id"], "小智");
    assert_eq!(agent["robots"][0]["client"], "a-robot");
    assert!(agent["robots"][0]["address"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(agent["tools"][0]["server_info"]["name"], "weather");
    assert_eq!(agent["tools"][0]["answered"], 1);
    assert_eq!(status["traffic"]["calls_answered"], 1);
    if cfg!(target_os = "linux") {
        assert!(status["memory_bytes"].as_u64().unwrap() > 100_000, "{status}");
    }
    let tools = ask(&server, &format!("/mcp_endpoint/tools?agent={}", escape("小智")));
    assert_eq!(tools["tools"][0]["name"], "now");
    assert_eq!(tools["servers"], json!({ "weather": ["now"] }));
    drop(tool);
    let lost = wait_status(&server, "the loss", |status| {
        let lost = &status["agents"][0]["lost"][0];
        (!lost.is_null()).then(|| lost.clone())
    });
    assert_eq!((&lost["label"], &lost["times"]), (&"weather".into(), &1.into()));
}

#[test]
fn the_addresses_that_are_reported_open_both_doors() {
    let server = Server::start();
    let shown = ask(&server, "/mcp_endpoint/addresses?agent=agent-7&lang=en");
    let address = shown["tool"].as_str().unwrap();
    // The harness calls its host `localhost`, without a port.
    let path = address.strip_prefix("ws://localhost").unwrap();
    let robot = shown["robot"].as_str().unwrap().strip_prefix("ws://localhost").unwrap();
    assert!(shown["warnings"][0].as_str().unwrap().contains("own machine only"), "{shown}");
    let _tool = server.ws(path);
    let _robot = server.ws(robot);
    wait_status(&server, "both are there", |status| {
        let agent = &status["agents"][0];
        (agent["id"] == "agent-7"
            && agent["tools"][0].is_object()
            && agent["robots"][0].is_object())
        .then_some(())
    });
}

#[test]
fn who_guesses_keys_at_the_status_is_answered_ever_later() {
    let server = Server::start();
    let times: Vec<Duration> = (0..6)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(server.get("/mcp_endpoint/status?key=guess").status, 401);
            start.elapsed()
        })
        .collect();
    assert!(times[5] >= Duration::from_millis(500), "{times:?}");
}

#[test]
fn a_browser_gets_the_page_that_start_up_names() {
    let server = Server::start();
    let line = server.wait_line("状态页: http://");
    let (_, address) = line.split_once(": ").unwrap();
    assert_eq!(address, format!("http://127.0.0.1:{}/mcp_endpoint/", server.port()));
    let page = server.http("GET", "/mcp_endpoint/", &[("Accept", "text/html,*/*;q=0.8")]);
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("Content-Encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*page.body).read_to_string(&mut text).unwrap();
    assert!(text.contains("</html>") && !text.contains(server.key()));
}
