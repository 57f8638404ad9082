//! Several connections of one agent: with a `server_id`, without one, twins, and those that are
//! not understood.

use super::{asked, labels, stats, wait_state, wait_tools};
use crate::common::{Answer, Ending, Event, Server, Tool, TIMEOUT};
use serde_json::json;
use std::time::{Duration, Instant};

fn replaced() -> Event {
    Event::Close(4001, "replaced by a newer connection".to_owned())
}

#[test]
fn the_newer_connection_of_a_server_id_takes_over_what_waits() {
    let server = Server::start();
    let older = server.tool("a").server_id("灯").offers(&["on"]).on_call(|_| Answer::Never);
    let older = older.connect();
    let mut robot = server.robot("a");
    robot.request_call("1", "on", json!({}));
    older.next("tools/call");
    let newer =
        server.tool("a").server_id("灯").offers(&["on"]).on("initialize", |_| Answer::Never);
    let newer = newer.dial();
    assert_eq!(older.wait_end(), replaced());
    assert_eq!(robot.answer_to("1").error(), -32003);
    robot.request_call("2", "on", json!({}));
    let result = json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } });
    newer.reply(&newer.next("initialize"), result);
    assert_eq!(robot.answer_to("2").content(), "test-tool on {}");
    let labels = labels(&server);
    assert_eq!(labels.as_object().unwrap().keys().collect::<Vec<_>>(), ["灯"], "{labels}");
}

#[test]
fn different_server_ids_of_the_same_server_live_side_by_side() {
    let server = Server::start();
    let left = server.tool("a").server_id("left").offers(&["on"]).connect();
    let right = server.tool("a").server_id("right").offers(&["on"]).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["on", "right__on"]);
    robot.call("on", json!({}));
    robot.call("right__on", json!({}));
    assert_eq!((left.count("tools/call"), right.count("tools/call")), (1, 1));
    let other = server.tool("b").server_id("left").offers(&["on"]).connect();
    for tool in [left, right, other] {
        tool.close();
    }
}

#[test]
fn a_server_id_may_be_taken_over_again_and_again() {
    let server = Server::start();
    let mut robot = server.robot("a");
    let mut last = server.tool("a").server_id("s").offers(&["on"]).connect();
    for _ in 0..20 {
        let next = server.tool("a").server_id("s").offers(&["on"]).dial();
        robot.request_call("\"x\"", "on", json!({}));
        assert_eq!(robot.answer_to("\"x\"").content(), "test-tool on {}");
        assert_eq!(last.wait_end(), replaced());
        last = next;
    }
    wait_tools(&server, 1);
}

#[test]
fn an_empty_server_id_is_none() {
    let server = Server::start();
    let one = server.tool("a").server_id("").named("one").offers(&["x"]).connect();
    let two = server.tool("a").server_id("").named("two").offers(&["y"]).connect();
    assert_eq!(server.robot("a").list(), ["x", "y"]);
    one.close();
    two.close();
}

#[test]
fn without_a_server_id_nobody_is_thrown_out_however_often_they_redial() {
    let server = Server::start();
    let connect = || server.tool("a").named("lamp").offers(&["on"]).connect();
    let mut tools: Vec<Tool> = Vec::new();
    for round in 0..8 {
        tools.push(connect());
        tools.push(connect());
        if round % 2 == 1 {
            tools.remove(0).die(Ending::Reset);
        }
    }
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["on"]);
    assert_eq!(robot.call("on", json!({})).content(), "lamp on {}");
    wait_tools(&server, tools.len());
    for tool in tools {
        tool.close();
    }
}

#[test]
fn of_twins_the_newest_serves_and_the_next_takes_over() {
    let server = Server::start();
    let twin = || {
        let tool = server.tool("a").named("lamp").offers(&["off", "on"]);
        tool.on_call(|_| Answer::Never).connect()
    };
    let (first, second, third) = (twin(), twin(), twin());
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["off", "on"]);
    for (id, tool) in [("1", third), ("2", second)] {
        robot.request_call(id, "on", json!({}));
        tool.next("tools/call");
        tool.die(Ending::Reset);
        assert_eq!(robot.answer_to(id).error(), -32003);
        assert_eq!(robot.list(), ["off", "on"], "whoever is left offers the same");
    }
    robot.request_call("3", "on", json!({}));
    first.reply_text(&first.next("tools/call"), "the first");
    assert_eq!(robot.answer_to("3").content(), "the first");
    assert!(robot.aside.is_empty(), "nothing has changed for robots: {:?}", robot.aside);
}

#[test]
fn calls_under_way_at_an_older_twin_are_still_answered_by_it() {
    let server = Server::start();
    let twin = || {
        let tool = server.tool("a").named("lamp").offers(&["on"]);
        tool.on_call(|_| Answer::Never).connect()
    };
    let older = twin();
    let mut robot = server.robot("a");
    robot.request_call("1", "on", json!({}));
    let call = older.next("tools/call");
    let newer = twin();
    robot.request_call("2", "on", json!({}));
    newer.reply_text(&newer.next("tools/call"), "newer");
    assert_eq!(robot.answer_to("2").content(), "newer");
    older.reply_text(&call, "older");
    assert_eq!(robot.answer_to("1").content(), "older");
}

#[test]
fn a_dead_twin_is_found_soon_after_the_new_one_has_come() {
    let server = Server::builder().set("websocket", "ping_interval", 30);
    let server = server.set("websocket", "ping_timeout", 1).start();
    let twin = || server.tool("a").named("lamp").offers(&["on"]);
    let dead = twin().on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    robot.request_call("1", "on", json!({}));
    dead.next("tools/call");
    dead.stall();
    let start = Instant::now();
    let _alive = twin().connect();
    assert_eq!(robot.call("on", json!({})).content(), "lamp on {}");
    robot.ws.raw().timeout = Some(TIMEOUT / 2);
    assert_eq!(robot.answer_to("1").error(), -32003);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(4), "found after {took:?}");
    dead.resume();
    let end = dead.wait_end();
    assert!(matches!(end, Event::Close(1011, _) | Event::End | Event::Reset), "{end:?}");
}

#[test]
fn a_twin_that_answers_its_ping_stays() {
    let server = Server::builder().set("websocket", "ping_interval", 30);
    let server = server.set("websocket", "ping_timeout", 1).start();
    let twin = || server.tool("a").named("lamp").offers(&["on"]).connect();
    let (older, newer) = (twin(), twin());
    let stalled = twin();
    stalled.stall();
    let _fourth = twin();
    // The stalled one is gone after `ping_timeout`; the others had as much time.
    wait_tools(&server, 3);
    stalled.resume();
    older.close();
    newer.close();
}

#[test]
fn servers_that_offer_different_tools_are_no_twins_although_they_did_at_first() {
    let server = Server::start();
    let one = server.tool("a").named("home").connect();
    let two = server.tool("a").named("home").connect();
    one.change_tools(&["lamp"]);
    one.wait_listed(2);
    two.change_tools(&["fan"]);
    two.wait_listed(2);
    let mut robot = server.robot("a");
    let mut listed = robot.list();
    listed.sort();
    assert_eq!(listed, ["fan", "lamp"]);
    assert_eq!(robot.call("lamp", json!({})).content(), "home lamp {}");
    assert_eq!((asked(&one, "tools/call"), asked(&two, "tools/call")), (1, 0));
}

#[test]
fn a_twin_that_offers_something_else_from_now_on_leaves_the_rest_to_the_other() {
    let server = Server::start();
    let older = server.tool("a").named("home").offers(&["lamp"]).connect();
    let newer = server.tool("a").named("home").offers(&["lamp"]).connect();
    newer.change_tools(&["fan"]);
    newer.wait_listed(2);
    let mut robot = server.robot("a");
    let mut listed = robot.list();
    listed.sort();
    assert_eq!(listed, ["fan", "lamp"]);
    robot.call("lamp", json!({}));
    assert_eq!(asked(&older, "tools/call"), 1);
}

#[test]
fn a_server_that_refuses_initialize_gets_what_nobody_else_offers() {
    let server = Server::start();
    let odd = server.tool("a").on("initialize", |_| Answer::Error(-32000, "no such thing".into()));
    let odd = odd.dial();
    let lamp = server.tool("a").named("lamp").offers(&["on"]).connect();
    wait_state(&server, "tool-1", "opaque");
    let mut robot = server.robot("a");
    robot.start();
    assert_eq!(robot.list(), ["on"]);
    assert_eq!(robot.call("on", json!({})).content(), "lamp on {}");
    assert_eq!(robot.call("secret", json!({})).content(), "test-tool secret {}");
    assert_eq!((asked(&odd, "tools/call"), asked(&lamp, "tools/call")), (1, 1));
    let shown = labels(&server)["tool-1"].clone();
    assert!(shown["last_error"].as_str().unwrap().contains("no such thing"), "{shown}");
    assert_eq!((&shown["tools_count"], &shown["server_info"]), (&json!(0), &json!(null)));
    // It is sent nothing it was not asked for: no second `initialize`, no list, no ping.
    assert_eq!((asked(&odd, "initialize"), asked(&odd, "tools/list")), (1, 0));
}

#[test]
fn of_two_servers_that_are_not_understood_neither_gets_what_nobody_offers() {
    let server = Server::start();
    let refuse =
        || server.tool("a").on("initialize", |_| Answer::Error(-32000, "no".into())).dial();
    let (_one, _two) = (refuse(), refuse());
    wait_state(&server, "tool-1", "opaque");
    wait_state(&server, "tool-2", "opaque");
    let answer = server.robot("a").call("secret", json!({}));
    assert_eq!(
        (answer.error(), &answer.json["error"]["message"]),
        (-32602, &json!("Unknown tool: secret"))
    );
}

#[test]
fn who_has_the_key_sees_every_server_as_it_is() {
    let server = Server::start();
    let web = server.tool("a").named("web").version("1.50").offers(&["search"]).connect();
    let _mail = server.tool("a").server_id("m").offers(&["search", "send"]).connect();
    let _silent = server.tool("a").on("initialize", |_| Answer::Never).dial();
    let _twin = server.tool("a").named("web").offers(&["search"]).connect();
    web.send("Listening on port 80");
    web.sync();
    for shown in [labels(&server), stats(&server)["mcp_servers"]["a"].clone()] {
        let names: Vec<&String> = shown.as_object().unwrap().keys().collect();
        assert_eq!(names, ["m", "tool-3", "web", "web-2"], "{shown}");
        assert_eq!(shown["web"]["server_info"], json!({ "name": "web", "version": "1.50" }));
        assert!(shown["web"]["last_error"].is_string(), "{shown}");
        assert_eq!(shown["web-2"]["tools"], json!(["search"]), "the newest of the twins serves");
        assert_eq!(shown["web"]["tools"], json!([]));
        assert_eq!(shown["m"]["tools"], json!(["m__search", "send"]), "as they are offered");
        assert_eq!(
            (&shown["m"]["tools_count"], &shown["m"]["state"]),
            (&json!(2), &json!("ready"))
        );
        assert_eq!(shown["tool-3"]["state"], "initializing");
        assert!(shown["m"]["last_error"].is_null(), "{shown}");
    }
    let data = stats(&server);
    assert_eq!((&data["total_tools"], &data["tool_connections"]), (&json!(3), &json!(4)));
    let without_key = server.get("/stats").text().to_owned();
    assert!(!without_key.contains("search") && !without_key.contains("web"), "{without_key}");
}

#[test]
fn a_transparent_relay_gives_one_tool_every_byte_but_the_id() {
    let server = Server::builder().set("relay", "handshake", false).start();
    let tool = server.tool("a").named("own").on("initialize", |_| {
        Answer::Raw(
            r#"{ "id":$ID,"result":{"protocolVersion":"9","x":1E400} ,"jsonrpc":"2.0"}"#.into(),
        )
    });
    let tool = tool.dial();
    wait_tools(&server, 1);
    assert!(tool.received().is_empty(), "nothing is said unasked");
    let mut robot = server.robot("a");
    robot.send(r#"{"id" : "ID","params":{"n":1.50,"clientInfo":{}},"method":"initialize"}"#);
    let asked = tool.next("initialize");
    let id = asked.id.clone().unwrap();
    let expected = r#"{"id" : ID,"params":{"n":1.50,"clientInfo":{}},"method":"initialize"}"#;
    assert_eq!(asked.text, expected.replace("ID", &id));
    let answer = r#"{ "id":"ID","result":{"protocolVersion":"9","x":1E400} ,"jsonrpc":"2.0"}"#;
    assert_eq!(robot.ws.recv(), answer);
    robot.request_call("7", "anything", json!({}));
    assert_eq!(robot.answer_to("7").content(), "own anything {}");
    tool.notify("notifications/tools/list_changed", json!({}));
    tool.sync();
    // The robot has not said `notifications/initialized`.
    robot.ws.expect_silence();
    robot.notify("notifications/initialized", json!({}));
    tool.next("notifications/initialized");
    tool.notify("notifications/tools/list_changed", json!({}));
    robot.notification("notifications/tools/list_changed");
    tool.die(Ending::Reset);
    wait_tools(&server, 0);
    robot.request("8", "resources/list", json!({}));
    let tool = server.tool("a").on("resources/list", |_| Answer::Result(json!({ "back": true })));
    let _tool = tool.dial();
    assert_eq!(robot.answer_to("8").result(), &json!({ "back": true }));
}

#[test]
fn a_transparent_relay_asks_several_tools_and_gives_the_first_answer() {
    let server = Server::builder().set("relay", "handshake", false).start();
    let tool = |name: &str| {
        let own = format!("{name}_on");
        let tool = server.tool("a").named(name).offers(&[&own]);
        let tool = tool.on_call(move |call| {
            if call.json["params"]["name"] == own.as_str() {
                Answer::Default
            } else {
                Answer::Error(-32602, "not mine".to_owned())
            }
        });
        tool.dial()
    };
    let tools = [tool("lamp"), tool("fan")];
    wait_tools(&server, 2);
    let mut robot = server.robot("a");
    let info = robot.start().result()["serverInfo"]["name"].clone();
    assert!(info == "lamp" || info == "fan", "{info}");
    for name in ["lamp", "fan"] {
        let answer = robot.call(&format!("{name}_on"), json!({}));
        assert_eq!(answer.content(), format!("{name} {name}_on {{}}"));
    }
    assert_eq!(robot.call("secret", json!({})).error(), -32602);
    robot.notify("notifications/roots/list_changed", json!({}));
    assert_eq!(robot.ask("ping", json!({})).result(), &json!({}));
    for tool in &tools {
        tool.next("notifications/roots/list_changed");
        let passed: Vec<String> = tool
            .received()
            .iter()
            .map(|text| crate::common::Message::read(text).method)
            .filter(|method| !method.is_empty())
            .collect();
        let expected = [
            "initialize",
            "notifications/initialized",
            "tools/call",
            "tools/call",
            "tools/call",
            "notifications/roots/list_changed",
        ];
        assert_eq!(passed[..6], expected);
    }
    robot.expect_silence();
    assert_eq!(labels(&server)["tool-1"]["state"], "transparent");
}
