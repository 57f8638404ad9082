//! How fresh a list is, and who is told that it has changed.

use super::{asked, timed, wait_tools, without_list_changed, AT_ONCE, ROBOT_TIMEOUT};
use crate::common::{Answer, Client, Ending, Frame, Message, Server, Tool};
use serde_json::{json, Value};
use std::time::Duration;

const CHANGED: &str = "notifications/tools/list_changed";

#[test]
fn a_robot_that_is_initialised_is_reported_of_a_tool_that_comes() {
    let server = Server::start();
    let mut robot = server.robot("a");
    robot.start();
    assert_eq!(robot.list(), [""; 0]);
    let mut unfinished = server.robot("a");
    unfinished.ask("initialize", json!({}));
    let _tool = server.tool("a").offers(&["now"]).connect();
    robot.notification(CHANGED);
    assert_eq!(robot.list(), ["now"]);
    unfinished.expect_silence();
}

#[test]
fn a_burst_of_list_changed_is_one_listing() {
    let server = Server::start();
    let mut tool = server.ws(&server.tool_path("a"));
    let answer = |tool: &mut Client, method: &str, result: Value| {
        let asked = tool.recv_message();
        assert_eq!(asked.method, method, "{}", asked.text);
        if let Some(id) = asked.id {
            tool.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
        }
    };
    let result = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": { "tools": { "listChanged": true } },
        "serverInfo": { "name": "fickle", "version": "1" },
    });
    answer(&mut tool, "initialize", result);
    answer(&mut tool, "notifications/initialized", json!(null));
    answer(&mut tool, "tools/list", json!({ "tools": [] }));
    let mut robot = server.robot("a");
    robot.start();
    for round in 0..2 {
        let burst =
            Frame::text(&json!({ "jsonrpc": "2.0", "method": CHANGED }).to_string()).bytes();
        tool.send_bytes(burst.repeat(50));
        let name = format!("tool{round}");
        answer(&mut tool, "tools/list", json!({ "tools": [{ "name": name, "inputSchema": {} }] }));
        robot.notification(CHANGED);
        // It is asked nothing more: the next thing to come is the pong, and the robot's call.
        tool.expect_silence();
    }
    robot.request_call("1", "tool1", json!({}));
    answer(&mut tool, "tools/call", json!({ "content": [] }));
    robot.answer_to("1");
    assert!(robot.aside.is_empty(), "{:?}", robot.aside);
}

#[test]
fn a_change_is_listed_once_and_reported_once() {
    let server = Server::start();
    let tool = server.tool("a").named("one").offers(&["old"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    robot.list();
    tool.change_tools(&["new"]);
    tool.wait_listed(2);
    while robot.list() != ["new"] {}
    // Robots are told at most once a second: by the time they are told of the other tool, a
    // change that is told again and again would have shown.
    let _other = server.tool("a").named("other").offers(&["now"]).connect();
    robot.notification(CHANGED);
    if robot.list().len() < 2 {
        robot.notification(CHANGED);
    }
    assert_eq!(robot.list(), ["new", "now"]);
    assert_eq!(asked(&tool, "tools/list"), 2);
}

#[test]
fn a_change_announced_while_the_list_is_being_fetched_is_fetched_too() {
    let server = Server::start();
    let mut asked = 0;
    let tool = server.tool("a").offers(&["old"]).on("tools/list", move |_| {
        asked += 1;
        if asked == 2 {
            Answer::Never
        } else {
            Answer::Default
        }
    });
    let tool = tool.connect();
    let mut robot = server.robot("a");
    robot.start();
    tool.change_tools(&["middle"]);
    tool.next("tools/list");
    let second = tool.next("tools/list");
    tool.change_tools(&["new"]);
    tool.sync();
    tool.reply(&second, json!({ "tools": [{ "name": "middle", "inputSchema": {} }] }));
    tool.next("tools/list");
    tool.wait_listed(2);
    robot.notification(CHANGED);
    assert_eq!(robot.list(), ["new"]);
}

#[test]
fn a_tool_that_does_not_announce_changes_is_asked_each_time() {
    let server = Server::start();
    let tool = server.tool("a").named("mute").offers(&["old"]);
    let tool = tool.sends("capabilities", without_list_changed()).connect();
    let announcing = server.tool("a").named("announcing").offers(&["sure"]).connect();
    let mut robot = server.robot("a");
    for round in 1..=3 {
        robot.list();
        assert_eq!((asked(&tool, "tools/list"), asked(&announcing, "tools/list")), (1 + round, 1));
    }
    robot.call("old", json!({}));
    robot.ask("initialize", json!({}));
    assert_eq!(asked(&tool, "tools/list"), 4);
}

#[test]
fn what_a_tool_has_changed_without_a_word_is_seen_at_the_next_list() {
    let server = Server::start();
    let mut asked = 0;
    let tool = server.tool("a").sends("capabilities", without_list_changed());
    let tool = tool.on("tools/list", move |_| {
        asked += 1;
        let name = format!("tool{asked}");
        Answer::Result(json!({ "tools": [{ "name": name, "inputSchema": {} }] }))
    });
    let _tool = tool.dial();
    let mut robot = server.robot("a");
    server
        .wait_health(crate::common::TIMEOUT, "the list", |c| (c["total_tools"] == 1).then_some(()));
    assert_eq!(robot.list(), ["tool2"]);
    assert_eq!(robot.list(), ["tool3"]);
    assert_eq!(robot.call("tool3", json!({})).content(), "test-tool tool3 {}");
}

#[test]
fn a_slow_lister_is_given_as_last_known() {
    let server = Server::start();
    let mut asked = 0;
    let slow = server.tool("a").named("slow").offers(&["old"]);
    let slow = slow.sends("capabilities", without_list_changed()).on("tools/list", move |_| {
        asked += 1;
        if asked == 2 {
            Answer::Never
        } else {
            Answer::Default
        }
    });
    let slow = slow.connect();
    let _quick = server.tool("a").named("quick").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    let (names, took) = timed(|| robot.list());
    assert_eq!(names, ["old", "now"]);
    assert!((Duration::from_millis(1900)..ROBOT_TIMEOUT).contains(&took), "{took:?}");
    let (answer, took) = timed(|| robot.call("old", json!({})));
    assert_eq!(answer.content(), "slow old {}");
    assert!(took < AT_ONCE, "{took:?}");
    // Another robot does not wait for the same listing anew.
    let (names, took) = timed(|| server.robot("a").list());
    assert_eq!(names, ["old", "now"]);
    assert!(took < AT_ONCE, "{took:?}");
    // What comes late is known from then on.
    slow.next("tools/list");
    let late = slow.next("tools/list");
    slow.reply(&late, json!({ "tools": [{ "name": "late", "inputSchema": {} }] }));
    slow.sync();
    assert_eq!(robot.call("late", json!({})).content(), "slow late {}");
}

#[test]
fn the_catalogue_of_a_lost_tool_goes_after_the_grace_and_robots_are_reported() {
    let server = Server::builder().set("relay", "reconnect_grace", 1).start();
    let lost = server.tool("a").named("lost").offers(&["gone"]).connect();
    let _kept = server.tool("a").named("kept").offers(&["here"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    assert_eq!(robot.list(), ["gone", "here"]);
    lost.die(Ending::Reset);
    wait_tools(&server, 1);
    assert_eq!(robot.list(), ["gone", "here"], "it may be back");
    // The first word may still be of the tools that came just before the robot.
    robot.notification(CHANGED);
    if robot.list() != ["here"] {
        robot.notification(CHANGED);
    }
    assert_eq!(robot.list(), ["here"]);
}

#[test]
fn a_tool_that_is_back_within_the_grace_is_no_news() {
    let server = Server::start();
    let connect = || server.tool("a").named("lamp").offers(&["on"]).connect();
    let mut tool: Tool = connect();
    let mut robot = server.robot("a");
    robot.start();
    for _ in 0..3 {
        tool.die(Ending::Reset);
        wait_tools(&server, 0);
        tool = connect();
    }
    robot.expect_silence();
}

#[test]
fn without_a_grace_a_lost_tool_is_gone_at_once() {
    let server = Server::builder().set("relay", "reconnect_grace", 0).start();
    let tool = server.tool("a").offers(&["on"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    tool.die(Ending::Reset);
    robot.notification(CHANGED);
    assert_eq!(robot.list(), [""; 0]);
    let answer = robot.call("on", json!({}));
    assert_eq!(answer.error(), -32001, "{}", answer.text);
}

#[test]
fn pages_of_several_tools_are_one_page_and_cursors_of_robots_change_nothing() {
    let server = Server::start();
    let names: Vec<String> = (0..12).map(|number| format!("tool{number}")).collect();
    let offered: Vec<&str> = names.iter().map(String::as_str).collect();
    let _one = server.tool("a").named("one").offers(&offered[..7]).in_pages_of(3).connect();
    let _two = server.tool("a").named("two").offers(&offered[7..]).in_pages_of(1);
    let _two = _two.sends("capabilities", without_list_changed()).connect();
    let mut robot = server.robot("a");
    for params in [json!({}), json!({ "cursor": "3" }), json!(null)] {
        let answer = robot.ask("tools/list", params);
        assert!(answer.result().get("nextCursor").is_none(), "{}", answer.text);
        let tools = answer.result()["tools"].as_array().unwrap();
        let listed: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(listed, names);
    }
}

#[test]
fn a_list_that_never_ends_costs_nobody_anything() {
    let server = Server::start();
    let endless = server.tool("a").named("endless").on("tools/list", |_| {
        Answer::Result(
            json!({ "tools": [{ "name": "x", "inputSchema": {} }], "nextCursor": "same" }),
        )
    });
    let endless = endless.dial();
    let _good = server.tool("a").named("good").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.call("now", json!({})).content(), "good now {}");
    super::wait_state(&server, "endless", "ready");
    let mut listed = robot.list();
    listed.sort();
    assert_eq!(listed, ["now", "x"]);
    let pages = asked(&endless, "tools/list");
    assert!(pages < 10, "{pages}");
    assert!(endless
        .received()
        .iter()
        .map(|text| Message::read(text))
        .all(|m| m.method != "tools/call"));
}
