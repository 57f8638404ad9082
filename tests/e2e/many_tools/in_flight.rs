//! Requests under way: cancelled, making progress, too many, and what is left of them.

use super::{asked, labels, stats, timed};
use crate::common::{Answer, Ending, Server, TIMEOUT};
use serde_json::json;
use std::time::{Duration, Instant};

const PROGRESS: &str = "notifications/progress";

#[test]
fn a_cancellation_of_nothing_goes_nowhere() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    robot.request_call("3", "now", json!({}));
    robot.answer_to("3");
    for id in [json!(3), json!("x"), json!(null), json!([1])] {
        robot.notify("notifications/cancelled", json!({ "requestId": id }));
    }
    robot.notify("notifications/cancelled", json!({}));
    robot.expect_silence();
    assert_eq!(asked(&tool, "notifications/cancelled"), 0);
}

#[test]
fn a_cancellation_by_a_tool_is_kept_from_robots() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    tool.send(r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#);
    tool.notify("notifications/cancelled", json!({ "requestId": 1, "reason": "enough" }));
    tool.sync();
    robot.expect_silence();
    assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
}

#[test]
fn progress_reaches_the_robot_it_is_for_although_two_use_the_same_token() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["slow"]).on_call(|_| Answer::Never).connect();
    let mut robots = [server.robot("a"), server.robot("a")];
    for token in ["\"same\"", "1", "0"] {
        for robot in &mut robots {
            robot.start();
            robot.send(&format!(
                r#"{{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{{"name":"slow","_meta":{{"progressToken":{token}}}}}}}"#
            ));
            // The order at the tool is to be known.
            robot.ws.expect_silence();
        }
        let calls = [tool.next("tools/call"), tool.next("tools/call")];
        let tokens =
            calls.each_ref().map(|call| call.json["params"]["_meta"]["progressToken"].clone());
        assert_ne!(tokens[0], tokens[1]);
        for (number, own) in tokens.iter().enumerate().rev() {
            tool.send(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progress":0.50,"total":1E0,"progressToken":{own},"message":"{number}"}}}}"#
            ));
        }
        for (number, robot) in robots.iter_mut().enumerate() {
            let expected = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progress":0.50,"total":1E0,"progressToken":{token},"message":"{number}"}}}}"#
            );
            assert_eq!(robot.notification("notifications/progress").text, expected);
            tool.reply_text(&calls[number], "done");
            assert_eq!(robot.answer_to("\"c\"").content(), "done");
            // Late progress is for nobody.
            tool.notify(
                "notifications/progress",
                json!({ "progressToken": tokens[number], "progress": 1 }),
            );
            tool.sync();
            robot.expect_silence();
        }
    }
}

#[test]
fn progress_starts_the_request_timeout_anew() {
    let server = Server::builder().set("relay", "request_timeout", 1).start();
    let tool = server.tool("a").offers(&["slow"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    let params = json!({ "name": "slow", "_meta": { "progressToken": "mine" } });
    robot.request("\"c\"", "tools/call", params);
    let token = tool.next("tools/call").json["params"]["_meta"]["progressToken"].clone();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2500) {
        tool.notify(PROGRESS, json!({ "progressToken": token, "progress": 1 }));
        robot.notification(PROGRESS);
        // Nothing is waited for here: it is the passing of time that is looked at.
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(robot.aside.is_empty(), "it goes on as long as there is progress: {:?}", robot.aside);
    let (answer, took) = timed(|| robot.answer_to("\"c\""));
    assert_eq!(answer.error(), -32005);
    assert!((Duration::from_millis(700)..TIMEOUT / 4).contains(&took), "{took:?}");
}

#[test]
fn a_robot_may_have_so_many_requests_in_flight_and_no_more() {
    let server = Server::builder().set("relay", "max_in_flight", 3).start();
    let tool = server.tool("a").offers(&["slow"]).on_call(|_| Answer::Never).connect();
    let (mut robot, other) = (server.robot("a"), server.robot("a"));
    for id in 0..5 {
        robot.request_call(&id.to_string(), "slow", json!({}));
    }
    for id in 3..5 {
        let answer = robot.answer_to(&id.to_string());
        assert_eq!(
            (answer.error(), &answer.json["error"]["message"]),
            (-32002, &json!("转发消息失败"))
        );
    }
    let calls = [tool.next("tools/call"), tool.next("tools/call"), tool.next("tools/call")];
    // What the relay answers itself is not a request in flight, and another robot has its own.
    assert_eq!(robot.ask("ping", json!({})).result(), &json!({}));
    assert_eq!(robot.list(), ["slow"]);
    other.request_call("0", "slow", json!({}));
    tool.next("tools/call");
    tool.reply_text(&calls[1], "one");
    assert_eq!(robot.answer_to("1").content(), "one");
    robot.request_call("5", "slow", json!({}));
    tool.next("tools/call");
    robot.notify("notifications/cancelled", json!({ "requestId": 0 }));
    robot.request_call("6", "slow", json!({}));
    tool.next("tools/call");
    robot.request_call("7", "slow", json!({}));
    assert_eq!(robot.answer_to("7").error(), -32002);
    assert_eq!(asked(&tool, "tools/call"), 6);
}

#[test]
fn a_request_that_goes_to_several_tools_is_one_request_in_flight() {
    let server = Server::builder().set("relay", "max_in_flight", 3).start();
    let able = |name: &str| {
        let capabilities = json!({ "tools": { "listChanged": true }, "logging": {} });
        let tool = server.tool("a").named(name).offers(&[name]).sends("capabilities", capabilities);
        tool.on("logging/setLevel", |_| Answer::Never).connect()
    };
    let tools = ["one", "two", "three", "four"].map(able);
    let mut robot = server.robot("a");
    robot.request("\"level\"", "logging/setLevel", json!({ "level": "info" }));
    let asked = tools.each_ref().map(|tool| tool.next("logging/setLevel"));
    assert_eq!(robot.call("two", json!({})).content(), "two two {}");
    // The last to answer is enough, and the first answer is the only one.
    for (tool, request) in tools.iter().zip(&asked).take(3) {
        tool.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"no"}}}}"#,
            request.id.clone().unwrap()
        ));
        tool.sync();
    }
    robot.ws.expect_silence();
    tools[3].reply(&asked[3], json!({ "level": "info" }));
    assert_eq!(robot.answer_to("\"level\"").result(), &json!({ "level": "info" }));
}

#[test]
fn a_timeout_tells_the_tool_and_its_late_answer_is_counted() {
    let server = Server::builder().set("relay", "request_timeout", 1).start();
    let tool = server.tool("a").offers(&["slow"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.call("slow", json!({})).error(), -32005);
    let call = tool.next("tools/call");
    let cancelled = tool.next("notifications/cancelled");
    assert_eq!(cancelled.json["params"]["requestId"].to_string(), call.id.clone().unwrap());
    let before = stats(&server)["traffic"]["replies_dropped"].as_u64().unwrap();
    tool.reply_text(&call, "late");
    tool.reply_text(&call, "later");
    tool.sync();
    assert_eq!(stats(&server)["traffic"]["replies_dropped"], before + 2);
    robot.expect_silence();
}

#[test]
fn nothing_is_left_over_when_robots_and_tools_have_left() {
    let server = Server::builder().set("relay", "reconnect_grace", 1).start();
    let slow =
        server.tool("a").named("slow").offers(&["slow"]).on_call(|_| Answer::Never).connect();
    let lost = server.tool("a").named("lost").offers(&["lost"]).connect();
    let robots = [server.robot("a"), server.robot("a"), server.robot("a")];
    lost.die(Ending::Reset);
    super::wait_tools(&server, 1);
    for mut robot in robots {
        for id in 0..20 {
            let name = if id % 2 == 0 { "slow" } else { "lost" };
            robot.request_call(&id.to_string(), name, json!({ "text": "x".repeat(1000) }));
        }
        robot.ws.expect_silence();
        let relay = stats(&server)["relay"].clone();
        assert_eq!((&relay["in_flight"], &relay["waiting"]), (&json!(10), &json!(10)));
        assert!(relay["held_bytes"].as_u64().unwrap() > 10_000, "{relay}");
        assert_eq!(labels(&server)["slow"]["in_flight"], 10);
        robot.ws.abort();
        server.wait_health(TIMEOUT, "no request left", |connections| {
            (connections["mcp_servers"]["a"]["slow"]["in_flight"] == 0).then_some(())
        });
        let relay = stats(&server)["relay"].clone();
        assert_eq!(
            (&relay["in_flight"], &relay["waiting"], &relay["held_bytes"]),
            (&json!(0), &json!(0), &json!(0))
        );
    }
    assert_eq!(asked(&slow, "notifications/cancelled"), 30);
    drop(slow);
    server.wait_health(TIMEOUT, "nobody left", |connections| {
        let nobody = connections["total_connections"] == 0 && connections["total_tools"] == 0;
        (nobody && connections["available_agents"] == json!([])).then_some(())
    });
}
