//! Peers that go, stall, or never answer (docs/protocol.md#loss).

use crate::common::{Answer, Ending, Event, Robot, Server, Tool};
use serde_json::json;

#[test]
fn a_tool_that_ends_with_a_call_in_flight_is_noticed_at_once() {
    assert_loss_is_reported(Ending::End);
}

#[test]
fn a_tool_that_resets_with_a_call_in_flight_is_noticed_at_once() {
    assert_loss_is_reported(Ending::Reset);
}

#[test]
fn a_tool_that_closes_properly_with_a_call_in_flight_is_noticed_at_once() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    robot.request_call("5", "now", json!({}));
    tool.next("tools/call");
    tool.close();
    assert_eq!(robot.answer_to("5").error(), -32003);
}

#[test]
fn a_tool_that_dies_on_every_other_call_serves_the_others() {
    let server = Server::start();
    let mut robot = server.robot("a");
    robot.start();
    for ending in [Ending::End, Ending::Reset, Ending::End] {
        let mut calls = 0;
        let tool = server.tool("a").offers(&["now"]).on_call(move |_| {
            calls += 1;
            if calls == 2 {
                Answer::Die(ending)
            } else {
                Answer::Default
            }
        });
        let _tool = tool.connect();
        assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
        assert_eq!(robot.call("now", json!({})).error(), -32003);
    }
}

#[test]
fn a_call_made_while_the_tool_is_away_is_served_when_it_is_back() {
    let server = Server::start();
    let mut robot = server.robot("a");
    dying_in_flight(&server, &mut robot).die(Ending::Reset);
    assert_eq!(robot.answer_to("5").error(), -32003);
    robot.request_call("6", "now", json!({}));
    let _tool = server.tool("a").offers(&["now"]).connect();
    assert_eq!(robot.answer_to("6").content(), "test-tool now {}");
}

#[test]
fn a_call_made_while_the_tool_stays_away_is_refused_after_the_grace() {
    let server = Server::builder().set("relay", "reconnect_grace", 1).start();
    let mut robot = server.robot("a");
    dying_in_flight(&server, &mut robot).die(Ending::End);
    assert_eq!(robot.answer_to("5").error(), -32003);
    assert_eq!(robot.call("now", json!({})).error(), -32001);
}

#[test]
fn a_tool_that_is_connected_but_silent_costs_its_caller_the_ping_timeout_only() {
    let server =
        Server::builder().set("websocket", "ping_interval", 1).set("websocket", "ping_timeout", 1);
    let server = server.start();
    let tool = server.tool("a").offers(&["now"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    robot.request_call("5", "now", json!({}));
    tool.next("tools/call");
    tool.stall();
    assert_eq!(robot.answer_to("5").error(), -32003);
    tool.resume();
    let end = tool.wait_end();
    assert!(matches!(end, Event::Close(1011, _) | Event::End | Event::Reset), "{end:?}");
}

#[test]
fn a_peer_that_answers_pings_stays_however_long_it_says_nothing() {
    let server =
        Server::builder().set("websocket", "ping_interval", 1).set("websocket", "ping_timeout", 1);
    let server = server.start();
    let _tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    for _ in 0..3 {
        assert!(matches!(robot.ws.event(), Event::Ping(_)));
    }
    assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
}

#[test]
fn a_call_that_is_never_answered_times_out_and_is_cancelled() {
    let server = Server::builder().set("relay", "request_timeout", 1).start();
    let tool = server.tool("a").offers(&["now"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    let answer = robot.call("now", json!({}));
    assert_eq!(
        (answer.error(), &answer.json["error"]["message"]),
        (-32005, &json!("工具端响应超时"))
    );
    let (call, cancelled) = (tool.next("tools/call"), tool.next("notifications/cancelled"));
    assert_eq!(cancelled.json["params"]["requestId"].to_string(), call.id.clone().unwrap());
    tool.reply_text(&call, "too late");
    tool.sync();
    robot.expect_silence();
}

#[test]
fn a_robot_that_goes_takes_its_calls_along() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).on_call(|_| Answer::Never).connect();
    let mut other = server.robot("a");
    for leave in [|robot: Robot| robot.ws.abort(), |robot: Robot| robot.ws.close(), drop] {
        let robot = server.robot("a");
        robot.request_call("5", "now", json!({}));
        let call = tool.next("tools/call");
        leave(robot);
        let cancelled = tool.next("notifications/cancelled");
        assert_eq!(cancelled.json["params"]["requestId"].to_string(), call.id.clone().unwrap());
        tool.reply_text(&call, "for nobody");
    }
    tool.sync();
    other.expect_silence();
}

#[test]
fn a_tool_that_half_closes_is_gone() {
    let server = Server::start();
    let client = server.ws(&server.tool_path("a"));
    client.half_close();
    server.wait_health(crate::common::TIMEOUT, "the tool's end", |connections| {
        (connections["tool_connections"] == 0).then_some(())
    });
}

/// A robot with call 5 in flight at a tool that is about to die.
fn dying_in_flight(server: &Server, robot: &mut Robot) -> Tool {
    let tool = server.tool("a").offers(&["now"]).on_call(|_| Answer::Never).connect();
    robot.start();
    robot.request_call("5", "now", json!({}));
    tool.next("tools/call");
    tool
}

fn assert_loss_is_reported(ending: Ending) {
    let server = Server::start();
    let (mut robot, mut other) = (server.robot("a"), server.robot("b"));
    let other_tool = server.tool("b").offers(&["now"]).on_call(|_| Answer::Never).connect();
    other.request_call("5", "now", json!({}));
    dying_in_flight(&server, &mut robot).die(ending);
    let lost = robot.answer_to("5");
    let expected = (-32003, &json!("工具端连接已断开"));
    assert_eq!((lost.error(), &lost.json["error"]["message"]), expected);
    // Nobody else has noticed anything.
    other_tool.reply_text(&other_tool.next("tools/call"), "still here");
    assert_eq!(other.answer_to("5").content(), "still here");
    // The same tool back, the next call works.
    let _tool = server.tool("a").offers(&["now"]).connect();
    assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
}
