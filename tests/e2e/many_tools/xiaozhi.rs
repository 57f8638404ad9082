//! Kindness to `xiaozhi-server` (docs/protocol.md#quirks).

use super::wait_tools;
use crate::common::{Answer, Ending, Message, Robot, Server, Tool};
use serde_json::{json, Value};

const NAME: &str = "XiaozhiMCPEndpointClient";
const CHANGED: &str = "notifications/tools/list_changed";

/// A robot that behaves like the client of `xiaozhi-server`, its start sent in one burst.
fn xiaozhi(server: &Server) -> Robot {
    let mut robot = server.robot("a");
    let result = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": { "roots": { "listChanged": true }, "sampling": {} },
        "clientInfo": { "name": NAME, "version": "1.0.0" },
    });
    robot.request("1", "initialize", result);
    robot.notify("notifications/initialized", json!({}));
    robot.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    robot.answer_to("1").result();
    robot
}

fn names(list: &Message) -> Vec<&str> {
    let tools = list.result()["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn a_tool_that_comes_late_reaches_the_conversation_under_way() {
    let server = Server::start();
    let mut robot = xiaozhi(&server);
    assert_eq!(names(&robot.answer_to("2")), [""; 0]);
    let _lamp = server.tool("a").named("lamp").offers(&["on"]).connect();
    assert_eq!(names(&robot.answer_to("2")), ["on"]);
    robot.request_call("3", "on", json!({}));
    assert_eq!(robot.answer_to("3").content(), "lamp on {}");
    let fan = server.tool("a").named("fan").offers(&["cool"]).connect();
    assert_eq!(names(&robot.answer_to("2")), ["on", "cool"]);
    fan.change_tools(&["cool", "warm"]);
    assert_eq!(names(&robot.answer_to("2")), ["on", "cool", "warm"]);
    robot.expect_silence();
}

#[test]
fn a_tool_that_has_gone_for_good_leaves_the_conversation_under_way() {
    let server = Server::builder().set("relay", "reconnect_grace", 1).start();
    let lamp = server.tool("a").named("lamp").offers(&["on"]).connect();
    let mut robot = xiaozhi(&server);
    assert_eq!(names(&robot.answer_to("2")), ["on"]);
    lamp.die(Ending::Reset);
    assert_eq!(names(&robot.answer_to("2")), [""; 0]);
}

#[test]
fn a_standard_robot_is_reported_and_gets_no_second_reply() {
    let server = Server::start();
    let mut robot = server.robot("a");
    robot.start();
    robot.list();
    let _lamp = server.tool("a").named("lamp").offers(&["on"]).connect();
    robot.notification(CHANGED);
    robot.expect_silence();
}

#[test]
fn an_outdated_list_is_sent_when_the_request_of_its_id_is_refused() {
    let server = Server::builder().set("relay", "reconnect_grace", 1).start();
    let lamp = server.tool("a").named("lamp").offers(&["on"]).connect();
    let mut robot = xiaozhi(&server);
    robot.answer_to("2");
    lamp.die(Ending::Reset);
    wait_tools(&server, 0);
    robot.request_call("2", "on", json!({}));
    let refused = robot.answer_to("2");
    assert_eq!(refused.error(), -32001);
    assert_eq!(names(&robot.answer_to("2")), [""; 0]);
}

/// A tool whose call fails with this result.
fn failing(server: &Server, result: &'static str) -> Tool {
    let answer = format!(r#"{{"jsonrpc":"2.0", "id":$ID,"result": {result} ,"x":1.50}}"#);
    server
        .tool("a")
        .named("bad")
        .offers(&["fail"])
        .on_call(move |_| Answer::Raw(answer.clone()))
        .connect()
}

const FAILED: &str = concat!(
    r#"{ "content":[{"type":"image","data":""},{"type":"text","text":"\u574f\/了"}],"#,
    r#""isError" : true, "n":1E400}"#
);

#[test]
fn the_text_of_a_failing_tool_reaches_it_as_an_error_and_every_other_byte_stays() {
    let server = Server::start();
    let _tool = failing(&server, FAILED);
    let mut robot = xiaozhi(&server);
    robot.answer_to("2");
    robot.request_call("3", "fail", json!({}));
    let shown = robot.answer_to("3").text;
    let passed = format!(r#"{{"jsonrpc":"2.0", "id":3,"result": {FAILED} ,"x":1.50}}"#);
    let error = r#""error":"坏/了","#;
    assert_eq!(shown.replacen(error, "", 1), passed);
    let shown: Value = serde_json::from_str(&shown.replace("1E400", "0")).unwrap();
    assert_eq!(shown["result"]["error"], "坏/了");
}

#[test]
fn without_quirks_it_is_a_robot_like_any_other() {
    let server = Server::builder().set("relay", "quirks", false).start();
    let mut robot = xiaozhi(&server);
    robot.answer_to("2");
    let _tool = failing(&server, FAILED);
    assert_eq!(robot.next().method, CHANGED);
    robot.expect_silence();
    robot.request_call("3", "fail", json!({}));
    let passed = format!(r#"{{"jsonrpc":"2.0", "id":3,"result": {FAILED} ,"x":1.50}}"#);
    assert_eq!(robot.answer_to("3").text, passed);
}

#[test]
fn a_robot_of_xiaozhi_server_that_was_there_before_ten_tools_gets_them_all() {
    let server = Server::start();
    let mut robot = xiaozhi(&server);
    assert_eq!(names(&robot.answer_to("2")), [""; 0]);
    let _tools: Vec<Tool> = (0..10)
        .map(|n| server.tool("a").named(&format!("s{n}")).offers(&[&format!("t{n}")]).connect())
        .collect();
    // It may be told in several steps; the last of them is whole.
    while names(&robot.answer_to("2")).len() < 10 {}
    robot.expect_silence();
}
