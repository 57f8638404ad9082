//! Tools that restart while a robot keeps talking, and tools that never answer.

use super::{asked, sorted_list, timed, wait_tools, AT_ONCE, ROBOT_TIMEOUT};
use crate::common::{Answer, Ending, Message, Server, ToolBuilder};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// A server that refuses everything before `initialize`, and calls and lists before
/// `notifications/initialized`.
fn strict(tool: ToolBuilder) -> ToolBuilder {
    let greeted = Arc::new(AtomicBool::new(false));
    let mut tool = tool;
    for method in ["initialize", "notifications/initialized"] {
        let greeted = Arc::clone(&greeted);
        tool = tool.on(method, move |_| {
            greeted.store(method != "initialize", Ordering::SeqCst);
            Answer::Default
        });
    }
    for method in ["tools/list", "tools/call", "ping", "notifications/roots/list_changed"] {
        let greeted = Arc::clone(&greeted);
        tool = tool.on(method, move |message| match greeted.load(Ordering::SeqCst) {
            true => Answer::Default,
            false if message.id.is_none() => Answer::Die(Ending::Reset),
            false => Answer::Error(-32602, "Received request before initialization".to_owned()),
        });
    }
    tool
}

#[test]
fn a_strict_server_that_restarts_serves_the_next_call_of_a_robot_that_just_goes_on() {
    let server = Server::start();
    let connect = || strict(server.tool("a").named("strict").offers(&["now"])).connect();
    let mut tool = connect();
    let mut robot = server.robot("a");
    robot.start();
    robot.list();
    for round in 0..10 {
        assert_eq!(
            robot.call("now", json!({ "n": round })).content(),
            format!("strict now {{\"n\":{round}}}")
        );
        tool.die(if round % 2 == 0 { Ending::Reset } else { Ending::End });
        wait_tools(&server, 0);
        robot.request_call("\"away\"", "now", json!({}));
        robot.notify("notifications/roots/list_changed", json!({}));
        tool = connect();
        assert_eq!(robot.answer_to("\"away\"").content(), "strict now {}");
        assert_eq!(robot.ask("ping", json!({})).result(), &json!({}));
        assert_eq!(robot.list(), ["now"]);
    }
}

#[test]
fn a_strict_server_that_is_slow_to_start_is_sent_nothing_but_initialize() {
    let server = Server::start();
    let mut robot = server.robot("a");
    robot.start();
    let tool = strict(server.tool("a").offers(&["now"])).on("initialize", |_| Answer::Never).dial();
    let initialize = tool.next("initialize");
    robot.request_call("\"call\"", "now", json!({}));
    robot.request("\"list\"", "tools/list", json!({}));
    robot.request("\"other\"", "completion/complete", json!({}));
    robot.notify("notifications/roots/list_changed", json!({}));
    tool.sync();
    let said = tool.received().iter().map(|text| Message::read(text).method).collect::<Vec<_>>();
    assert!(said.iter().all(|method| method.is_empty() || method == "initialize"), "{said:?}");
    let result = json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } });
    tool.reply(&initialize, result);
    assert_eq!(robot.answer_to("\"list\"").result()["tools"][0]["name"], "now");
    assert_eq!(robot.answer_to("\"call\"").content(), "test-tool now {}");
    assert_eq!(robot.answer_to("\"other\"").error(), -32601);
}

#[test]
fn a_server_that_dies_while_it_starts_and_comes_again_serves_what_has_waited() {
    let server = Server::start();
    let offered = || server.tool("a").named("lamp").offers(&["on"]);
    let _other = server.tool("a").named("other").offers(&["other"]).connect();
    let tool = offered().connect();
    let mut robot = server.robot("a");
    robot.list();
    tool.die(Ending::Reset);
    wait_tools(&server, 1);
    robot.request_call("\"waits\"", "on", json!({}));
    for method in ["initialize", "tools/list"] {
        let dying = offered().on(method, |_| Answer::Die(Ending::Reset)).dial();
        dying.wait_end();
        wait_tools(&server, 1);
    }
    assert_eq!(robot.call("other", json!({})).content(), "other other {}");
    let _tool = offered().connect();
    assert_eq!(robot.answer_to("\"waits\"").content(), "lamp on {}");
}

#[test]
fn a_ping_of_a_robot_waits_for_the_tool_that_is_about_to_be_back() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    tool.die(Ending::End);
    wait_tools(&server, 0);
    robot.request("\"p\"", "ping", json!({}));
    let _tool = server.tool("a").offers(&["now"]).connect();
    assert_eq!(robot.answer_to("\"p\"").result(), &json!({}));
}

#[test]
fn what_waited_for_a_tool_that_stays_away_is_refused_after_the_grace_and_others_are_served() {
    let server = Server::builder().set("relay", "reconnect_grace", 1).start();
    let lost = server.tool("a").named("lost").offers(&["gone"]).connect();
    let _other = server.tool("a").named("other").offers(&["here"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    lost.die(Ending::Reset);
    wait_tools(&server, 1);
    robot.request_call("\"gone\"", "gone", json!({}));
    let (answer, took) = timed(|| robot.call("here", json!({})));
    assert_eq!(answer.content(), "other here {}");
    assert!(took < AT_ONCE, "{took:?}");
    let shown = robot.notification("notifications/tools/list_changed");
    assert!(shown.id.is_none());
    // The agent has exactly one tool now: it gets what nobody offers, or the call that waited is
    // refused; it is answered in any case.
    robot.answer_to("\"gone\"");
    assert_eq!(robot.list(), ["here"]);
}

#[test]
fn one_tool_that_never_answers_delays_nobody() {
    let server = Server::start();
    let _good = server.tool("a").named("good").offers(&["now"]).connect();
    let silent = server.tool("a").on("initialize", |_| Answer::Never);
    let silent = silent.on("ping", |_| Answer::Never).dial();
    silent.next("initialize");
    let mut robot = server.robot("a");
    let ((), took) = timed(|| drop(robot.start()));
    assert!(took < ROBOT_TIMEOUT, "initialize took {took:?}");
    let (names, took) = timed(|| robot.list());
    assert_eq!(names, ["now"]);
    assert!(took < ROBOT_TIMEOUT, "tools/list took {took:?}");
    for _ in 0..3 {
        let (answer, took) = timed(|| robot.call("now", json!({})));
        assert_eq!(answer.content(), "good now {}");
        assert!(took < AT_ONCE, "a call took {took:?}");
        let (_, took) = timed(|| robot.ask("ping", json!({})));
        assert!(took < AT_ONCE, "a ping took {took:?}");
    }
    let (names, took) = timed(|| server.robot("a").list());
    assert_eq!(names, ["now"]);
    assert!(took < ROBOT_TIMEOUT, "another robot's list took {took:?}");
}

#[test]
fn one_tool_that_never_lists_delays_lists_only_and_those_by_two_seconds() {
    let server = Server::start();
    let _good = server.tool("a").named("good").offers(&["now"]).connect();
    let silent = server.tool("a").named("silent").on("tools/list", |_| Answer::Never).dial();
    silent.next("tools/list");
    let mut robot = server.robot("a");
    let (_, took) = timed(|| robot.start());
    assert!(took < ROBOT_TIMEOUT, "initialize took {took:?}");
    let (answer, took) = timed(|| robot.call("now", json!({})));
    assert_eq!(answer.content(), "good now {}");
    assert!(took < AT_ONCE, "a call took {took:?}");
    let (names, took) = timed(|| robot.list());
    assert_eq!(names, ["now"]);
    assert!(took < ROBOT_TIMEOUT, "tools/list took {took:?}");
}

#[test]
fn a_tool_that_answers_no_call_delays_only_its_own() {
    let server = Server::start();
    let silent = server.tool("a").named("silent").offers(&["slow"]).on_call(|_| Answer::Never);
    let silent = silent.connect();
    let _good = server.tool("a").named("good").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    for number in 0..100 {
        robot.request_call(&format!("\"s{number}\""), "slow", json!({}));
        assert_eq!(robot.call("now", json!({})).content(), "good now {}");
    }
    assert_eq!(asked(&silent, "tools/call"), 100);
    silent.die(Ending::Reset);
    for number in (0..100).rev() {
        assert_eq!(robot.answer_to(&format!("\"s{number}\"")).error(), -32003);
    }
    assert_eq!(sorted_list(&mut robot), ["now", "slow"]);
}
