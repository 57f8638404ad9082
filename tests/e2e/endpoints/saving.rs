//! Saving the selection of tools while the disk, or another program, lets the server wait
//! (docs/protocol.md#selection-saving).

use crate::common::{Raw, Response, Server, TIMEOUT};
use rustix::fs::{flock, FlockOperation};
use serde_json::{json, Value};
use std::fs::File;
use std::time::{Duration, Instant};

const FILE: &str = "data/tools.json";

/// Has every save wait, as another program does that changes files in the folder, until it is dropped.
fn hold(server: &Server) -> File {
    let folder = File::open(server.folder().path().join("data")).unwrap();
    flock(&folder, FlockOperation::LockExclusive).unwrap();
    folder
}

/// Begins a PUT of the entry of `agent`.
fn put(server: &Server, agent: &str, more: &str, body: &str) -> Raw {
    let (key, length) = (server.key(), body.len());
    let raw = server.raw();
    raw.offer(format!(
        "PUT /mcp_endpoint/selection?agent={agent} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\
         {more}Content-Length: {length}\r\n\r\n{body}"
    ));
    raw
}

/// Waits until the helper thread is at work.
fn is_saving(server: &Server) {
    let end = Instant::now() + TIMEOUT;
    let tasks = format!("/proc/{}/task", server.process().id());
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
    };
    while !std::fs::read_dir(&tasks).unwrap().map(name).any(|name| name == "save\n") {
        assert!(Instant::now() < end, "nothing is saved");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn saved(server: &Server) -> Value {
    serde_json::from_str::<Value>(&server.folder().read(FILE)).unwrap()["agents"].take()
}

#[test]
fn calls_go_on_while_changes_wait_and_each_change_gets_its_answer() {
    let server = Server::start();
    let _tool = server.tool("kitchen").named("time").offers(&["now", "zone"]).connect();
    let mut robot = server.robot("kitchen");
    robot.start();
    let empty = server.http(
        "GET",
        "/mcp_endpoint/selection?agent=kitchen",
        &[("Authorization", &format!("Bearer {}", server.key()))],
    );
    let tag = format!("If-Match: {}\r\n", empty.header("ETag").unwrap());
    let lock = hold(&server);
    let mut first = put(&server, "kitchen", &tag, r#"{"hide":["zone"]}"#);
    is_saving(&server);
    // One client after the other asks while the first waits; some go away, and one is too many.
    let mut second = put(&server, "kitchen", &tag, r#"{"hide":["now"]}"#);
    let mut third = put(&server, "den", "", r#"{"only":[]}"#);
    let gone: Vec<Raw> = (0..5).map(|_| put(&server, "attic", "", r#"{"only":[]}"#)).collect();
    let mut last = put(&server, "den", "", r#"{"hide":["x"]}"#);
    let fastest = (0..20)
        .map(|_| {
            let start = Instant::now();
            assert!(robot.call("now", json!({})).json["result"].is_object());
            start.elapsed()
        })
        .min();
    assert!(fastest < Some(Duration::from_millis(20)), "{fastest:?}");
    let refused = Response::read(&mut put(&server, "den", "", "{}"));
    assert_eq!(refused.status, 503, "{}", refused.text());
    drop(gone);
    assert_eq!(first.read_for(Duration::from_millis(1)), None);
    assert!(first.pending.is_empty(), "nothing is said before it is done");
    assert!(!server.folder().path().join(FILE).exists());

    drop(lock);
    let answer = Response::read(&mut first);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["result"]["before"], Value::Null);
    assert_eq!(Response::read(&mut second).status, 412, "the first was faster");
    assert_eq!(Response::read(&mut third).status, 200);
    let answer = Response::read(&mut last);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["result"]["before"], json!(r#"{"only":[]}"#));
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now"]);
    let agents = saved(&server);
    assert_eq!(agents["kitchen"], json!({ "hide": ["zone"] }));
    assert_eq!(agents["den"], json!({ "hide": ["x"] }));
}

#[test]
fn settings_that_are_read_again_during_a_save_are_not_lost() {
    let server = Server::builder().set("server", "language", "en").start();
    let _tool = server.tool("kitchen").named("time").offers(&["now", "zone", "debug"]).connect();
    let mut robot = server.robot("kitchen");
    robot.start();
    let lock = hold(&server);
    let mut change = put(&server, "kitchen", "", r#"{"hide":["zone"]}"#);
    is_saving(&server);
    server.folder().write(FILE, r#"{"agents":{"*":{"hide":["debug"]}}}"#);
    server.process().signal("HUP");
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now", "zone"]);
    drop(lock);
    assert_eq!(Response::read(&mut change).status, 200);
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now"]);
    assert_eq!(saved(&server)["*"], json!({ "hide": ["debug"] }));
    assert_eq!(saved(&server)["kitchen"], json!({ "hide": ["zone"] }));
}

#[test]
fn a_stop_waits_for_a_save_but_not_for_ever() {
    let mut server = Server::builder().set("websocket", "close_timeout", 1).start();
    let lock = hold(&server);
    let mut change = put(&server, "kitchen", "", r#"{"hide":["zone"]}"#);
    is_saving(&server);
    server.terminate();
    drop(lock);
    assert_eq!(Response::read(&mut change).status, 200);
    assert!(server.wait_exit(TIMEOUT).success());
    assert_eq!(saved(&server), json!({ "kitchen": { "hide": ["zone"] } }));

    server.start_again();
    let _lock = hold(&server);
    let _change = put(&server, "kitchen", "", "null");
    is_saving(&server);
    server.terminate();
    assert!(server.wait_exit(TIMEOUT).success());
    assert_eq!(saved(&server), json!({ "kitchen": { "hide": ["zone"] } }));
    let left = std::fs::read_dir(server.folder().path().join("data")).unwrap();
    let left = left.map(|file| file.unwrap().file_name()).filter(|name| {
        let name = name.to_string_lossy();
        name.contains("tmp")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_change_that_takes_too_long_is_answered_and_says_so_in_the_language_of_the_page() {
    let server = Server::builder().set("server", "language", "en").start();
    let lock = hold(&server);
    let mut change = put(&server, "kitchen&lang=zh", "", "{}");
    let answer = Response::read(&mut change);
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("其他更改正在写入"), "{}", answer.text());
    drop(lock);
    let answer = Response::read(&mut put(&server, "kitchen&lang=zh", "", "[]"));
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("应为对象"), "{}", answer.text());
}
