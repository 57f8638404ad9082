//! The selection of tools: its file, and what the status page does with it
//! (docs/protocol.md#selection-over-http).

use crate::common::{Folder, Response, Server};
use serde_json::{json, Value};
use std::time::Duration;

const PATH: &str = "/mcp_endpoint/selection?agent=kitchen";
const FILE: &str = "data/tools.json";

/// Files with a mistake of a hand, and what is told about each.
const WRONG: [(&str, &str); 6] = [
    ("{\"agents\":\n // none\n{}}", "tools.json, line 2, column 2: JSON does not allow comments"),
    ("{\"agents\":{\n  \"a\":{},\n}}", "tools.json, line 3, column 1: trailing comma"),
    (
        "{\"agents\":{\"kitchen\":\n {\"hide\": \"x\"}}}",
        "tools.json, line 2, column 11: agents.kitchen.hide: must be a list of strings",
    ),
    (
        "{\"agents\":{\"厨房\":{\"rename\":{\"a\":7}}}}",
        "tools.json, line 1, column 32: agents.厨房.rename.a: must be a string",
    ),
    (
        "{\"agents\":{\"kitchen\":\n {\"hidden\": []}}}",
        "tools.json, line 2, column 4: agents.kitchen.hidden: unknown key; known keys: only, hide",
    ),
    ("{\n\t\"agent\":{}}", "tools.json, line 2, column 3: agent: unknown key; known keys: agents"),
];

fn show(server: &Server) -> (Value, String) {
    let bearer = format!("Bearer {}", server.key());
    let response = server.http("GET", PATH, &[("Authorization", &bearer)]);
    assert_eq!(response.status, 200, "{}", response.text());
    (response.json(), response.header("ETag").unwrap().to_owned())
}

/// A PUT with these headers, the body in two parts.
fn put_with(server: &Server, headers: &[(&str, &str)], body: &str) -> Response {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head =
        format!("PUT {PATH} HTTP/1.1\r\nHost: nas.local:8004\r\nContent-Length: {length}\r\n");
    let (first, second) = body.split_at(body.len() / 2);
    let mut raw = server.raw();
    raw.send(format!("{head}{more}\r\n{first}"));
    std::thread::sleep(Duration::from_millis(20));
    raw.offer(second);
    Response::read(&mut raw)
}

fn put(server: &Server, tag: &str, body: &str) -> Response {
    let bearer = format!("Bearer {}", server.key());
    put_with(server, &[("Authorization", &bearer), ("If-Match", tag)], body)
}

fn named(tools: &Value, name: &str) -> Value {
    let tools = tools["tools"].as_array().unwrap();
    tools.iter().find(|tool| tool["tool"] == name).unwrap().clone()
}

#[test]
fn tools_are_chosen_over_http_at_once_and_stay_so_after_a_restart() {
    let server = Server::start();
    let _tool = server.tool("kitchen").named("time").offers(&["now", "zone", "debug"]).connect();
    let mut robot = server.robot("kitchen");
    robot.start();
    assert_eq!(robot.list(), ["now", "zone", "debug"]);
    let (shown, tag) = show(&server);
    assert_eq!((&shown["all"], &shown["entry"]), (&json!({}), &json!({})));
    let now = named(&shown, "now");
    assert_eq!(
        (&now["label"], &now["name"], &now["hidden"]),
        (&"time".into(), &"now".into(), &false.into())
    );
    assert_eq!((&now["stable_label"], &now["renamed"]), (&true.into(), &false.into()));
    assert!(now["characters"].as_u64().unwrap() > 10);

    let entry = r#"{"hide":["time/debug"],"rename":{"zone":"where"}}"#;
    let answer = put(&server, &tag, entry);
    assert_eq!(answer.status, 200, "{}", answer.text());
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now", "where"]);
    assert_eq!(robot.call("debug", json!({})).json["error"]["code"], -32602);
    let (shown, after) = show(&server);
    assert_eq!(answer.header("ETag"), Some(&*after));
    assert_eq!(shown["entry"], serde_json::from_str::<Value>(entry).unwrap());
    let debug = named(&shown, "debug");
    assert_eq!((&debug["hidden"], &debug["locked"]), (&true.into(), &false.into()));
    assert_eq!(debug.get("name"), None);
    assert_eq!(named(&shown, "zone")["name"], "where");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(server.folder().path().join(FILE)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    // What was shown before does not hold any more.
    assert_eq!(put(&server, &tag, "{}").status, 412);
    let text = server.folder().read(FILE);

    // Another server with the same file offers the same.
    let other = Server::builder();
    let other = other.set("tools", "selection_file", server.folder().path().join(FILE).display());
    let other = other.start();
    let _tool = other.tool("kitchen").named("time").offers(&["now", "zone", "debug"]).connect();
    let mut robot = other.robot("kitchen");
    robot.start();
    assert_eq!(robot.list(), ["now", "where"]);
    assert_eq!(server.folder().read(FILE), text);
    assert_eq!(put(&server, &after, "{}").status, 200);
}

#[test]
fn a_change_that_may_not_be_made_changes_nothing() {
    let server = Server::start();
    let bearer = format!("Bearer {}", server.key());
    let key = ("Authorization", &*bearer);
    let missing = || !server.folder().path().join(FILE).exists();
    // Only with the key as a credential, and from no page of another origin.
    assert_eq!(put_with(&server, &[], "{}").status, 401);
    assert_eq!(put_with(&server, &[("Authorization", "Bearer wrong")], "{}").status, 401);
    for origin in ["http://evil.example", "null", "http://nas.local.evil.example"] {
        assert_eq!(put_with(&server, &[key, ("Origin", origin)], "{}").status, 403, "{origin}");
    }
    for (body, words) in [
        ("{", "column 2"),
        (r#"{}},"x":{"#, "column 3"),
        (r#"{"hid":[]}"#, "agents.kitchen.hid"),
        ("[]", "agents.kitchen"),
        ("", "column 1"),
    ] {
        let answer = put_with(&server, &[key], body);
        assert_eq!(answer.status, 409, "{body}");
        assert!(answer.text().contains(words) || answer.text().contains("列"), "{}", answer.text());
    }
    let large = format!(r#"{{"hide":["{}"]}}"#, "x".repeat(64 << 10));
    assert_eq!(put_with(&server, &[key], &large).status, 413);
    let unclear = ("Transfer-Encoding", "chunked");
    assert_eq!(put_with(&server, &[key, unclear], "{}").status, 411);
    assert!(missing());
    // A file that was broken by hand is not touched.
    server.folder().write(FILE, "{\"agents\":{},}");
    assert_eq!(put_with(&server, &[key], "{}").status, 409);
    assert_eq!(server.folder().read(FILE), "{\"agents\":{},}");
    // One that was changed by hand is read, and then the change holds.
    server.folder().write(FILE, "{\"agents\":{\"other\":{\"hide\":[\"x\"]}}}\n");
    let (_, tag) = show(&server);
    assert_eq!(put(&server, &tag, "{}").status, 412);
    let (_, tag) = show(&server);
    assert_eq!(put(&server, &tag, r#"{"only":[]}"#).status, 200);
    assert_eq!(
        server.folder().read(FILE),
        "{\"agents\":{\n  \"kitchen\": {\"only\":[]},\"other\":{\"hide\":[\"x\"]}}}\n"
    );
    // An entry is taken away again, and the answer says what it was.
    let (_, tag) = show(&server);
    let answer = put(&server, &tag, "null");
    assert_eq!(answer.json()["result"]["before"], "{\"only\":[]}");
    assert_eq!(server.folder().read(FILE), "{\"agents\":{\"other\":{\"hide\":[\"x\"]}}}\n");
    // What an editor on Windows puts before the text is not part of it.
    server.folder().write(FILE, "\u{feff}{\"agents\":{}}");
    assert_eq!(put_with(&server, &[key], "\u{feff}{}\n").status, 200);
    assert_eq!(server.folder().read(FILE), "{\"agents\":{\n  \"kitchen\": {}\n}}");
    // PUT is for no page of another site.
    let preflight = server.http("OPTIONS", PATH, &[("Origin", "http://evil.example")]);
    assert!(!preflight.head.contains("PUT"), "{}", preflight.head);
    assert_eq!(server.http("DELETE", PATH, &[]).status, 405);
}

#[test]
fn a_body_that_does_not_come_is_given_up_and_one_may_be_asked_for() {
    let server = Server::builder().set("websocket", "handshake_timeout", 1).start();
    let head = |more: &str| {
        let key = server.key();
        format!("PUT {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n{more}Content-Length: 2\r\n\r\n")
    };
    let mut raw = server.raw();
    raw.send(head(""));
    let late = Response::read(&mut raw);
    assert_eq!(late.status, 408);
    assert!(late.text().contains("正文"), "{}", late.text());
    let mut raw = server.raw();
    raw.send(head("Expect: 100-continue\r\n"));
    assert!(raw.read_head().starts_with("HTTP/1.1 100 "));
    raw.send("{}");
    assert_eq!(Response::read(&mut raw).status, 200);
}

#[test]
#[cfg(unix)]
fn sighup_reads_the_selection_again_and_keeps_the_old_one_where_the_new_one_is_wrong() {
    let server = Server::builder().set("server", "language", "en").start();
    let _tool = server.tool("kitchen").named("time").offers(&["now", "zone"]).connect();
    let mut robot = server.robot("kitchen");
    robot.start();
    assert_eq!(robot.list(), ["now", "zone"]);
    server.folder().write(FILE, r#"{"agents":{"*":{"hide":["zone"]}}}"#);
    server.process().signal("HUP");
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now"]);
    for (text, words) in WRONG {
        server.folder().write(FILE, text);
        server.process().signal("HUP");
        let line = server.wait_line(words);
        assert!(line.contains("the old settings stay in force"), "{line}");
        assert_eq!(robot.list(), ["now"]);
    }
    server.folder().write(FILE, r#"{"agents":{"kitchen":{"hide":["time/nwo"]}}}"#);
    server.process().signal("HUP");
    server.wait_line(
        r#""time/nwo" in the selection file matches no tool; the nearest one is "time/now""#,
    );
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now", "zone"]);
}

#[test]
fn a_wrong_file_ends_the_start_and_the_check_with_status_2() {
    let folder = Folder::fresh();
    let path = folder.path().join(FILE);
    let run = |check: bool| {
        let builder = Server::builder().set("server", "language", "en");
        let builder = builder.set("tools", "selection_file", path.display());
        if check { builder.arg("-t") } else { builder }.run()
    };
    for (text, words) in WRONG {
        folder.write(FILE, text);
        for check in [false, true] {
            let ended = run(check);
            let said = ended.stderr.join("\n");
            assert_eq!(ended.status.code(), Some(2), "{text}: {said}");
            assert!(said.contains(words), "{said}");
            assert!(!said.contains("listening"), "nothing is opened: {said}");
        }
    }
    for right in ["{}", "\u{feff}{\"agents\": {\"a\": {\"hide\": [\"x\"]}}}\n"] {
        folder.write(FILE, right);
        let ended = run(true);
        assert_eq!(ended.status.code(), Some(0), "{:?}", ended.stderr);
    }
}
