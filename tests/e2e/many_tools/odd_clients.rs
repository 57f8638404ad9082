//! Tool servers that are not quite what the protocol asks for: each of them works.

use super::asked;
use crate::common::{Answer, Ending, Event, Frame, Message, Server, Tool, BINARY};
use serde_json::json;

/// Calls `now` and gets the answer of the test's own tool.
fn assert_works(server: &Server) {
    let mut robot = server.robot("a");
    robot.start();
    assert_eq!(robot.list(), ["now"]);
    for round in 0..3 {
        let answer = robot.call("now", json!({ "n": round }));
        assert_eq!(answer.content(), format!("test-tool now {{\"n\":{round}}}"));
    }
    robot.expect_silence();
}

/// The replies a tool was sent, in order.
fn replies(tool: &Tool) -> Vec<Message> {
    let messages = tool.received();
    messages
        .iter()
        .map(|text| Message::read(text))
        .filter(|message| message.method.is_empty())
        .collect()
}

#[test]
fn one_that_understands_small_integer_ids_only() {
    let server = Server::start();
    let small = |message: &Message| {
        let id: Option<i16> = message.id.as_ref().and_then(|id| id.parse().ok());
        match id {
            Some(1..) => Answer::Default,
            _ => Answer::Never,
        }
    };
    let tool = server.tool("a").offers(&["now"]).on("initialize", small).on("tools/list", small);
    let _tool = tool.on_call(small).connect();
    assert_works(&server);
    let mut robot = server.robot("a");
    for id in ["0", "-1", "\"x\"", "1.5", "4294967296", "1180591620717411303424", "\"\""] {
        robot.request_call(id, "now", json!({}));
        assert_eq!(robot.answer_to(id).content(), "test-tool now {}");
    }
}

#[test]
fn one_that_writes_the_id_it_got_as_a_longer_text_loses_nothing_but_its_answer() {
    let server = Server::builder().set("relay", "request_timeout", 1).start();
    let tool = server.tool("a").offers(&["now", "odd"]).on_call(|call| {
        if call.json["params"]["name"] == "odd" {
            let id = call.id.clone().unwrap();
            Answer::Raw(format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{}}}}"#))
        } else {
            Answer::Default
        }
    });
    let _tool = tool.connect();
    let mut robot = server.robot("a");
    robot.request_call("\"odd\"", "odd", json!({}));
    assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
    let answer = robot.answer_to("\"odd\"");
    assert!(answer.json.get("result").is_some() || answer.error() == -32005, "{}", answer.text);
}

#[test]
fn one_that_sends_its_own_initialize_and_waits_for_the_answer_first() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).on("initialize", |_| Answer::Never).dial();
    let initialize = tool.next("initialize");
    tool.send(concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26","#,
        r#""capabilities":{},"clientInfo":{"name":"board","version":"1"}}}"#
    ));
    let answer = tool.next("");
    assert!(answer.answers("1"), "{}", answer.text);
    assert_eq!(answer.result()["serverInfo"]["name"], "mcp-endpoint-server");
    assert_eq!(answer.result()["protocolVersion"], "2025-03-26");
    tool.notify("notifications/initialized", json!({}));
    tool.send(r#"{"jsonrpc":"2.0","id":"a-2","method":"ping"}"#);
    let answer = tool.next("");
    assert!(answer.answers("\"a-2\"") && answer.result() == &json!({}), "{}", answer.text);
    let result = json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } });
    tool.reply(&initialize, result);
    tool.wait_listed(1);
    assert_works(&server);
}

#[test]
fn one_that_pings_by_json_all_the_time() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).on_call(|_| {
        let ping = r#"{"jsonrpc":"2.0","id":$ID,"method":"ping","params":{}}"#;
        Answer::Many(vec![Answer::Raw(ping.to_owned()), Answer::Default])
    });
    let tool = tool.connect();
    assert_works(&server);
    // Its ids and the relay's have nothing to do with each other.
    tool.sync();
    let of_test = |reply: &&Message| reply.id.as_deref() != Some("\"sync\"");
    let pongs =
        replies(&tool).iter().filter(of_test).filter(|reply| reply.result() == &json!({})).count();
    assert_eq!(pongs, 3, "{:?}", tool.received());
}

#[test]
fn one_that_answers_notifications() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).dial();
    let mut robot = server.robot("a");
    robot.start();
    for method in ["notifications/initialized", "notifications/other"] {
        tool.next(method);
        tool.send(r#"{"jsonrpc":"2.0","id":null,"result":{}}"#);
        tool.send(r#"{"jsonrpc":"2.0","result":{}}"#);
        tool.send(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"what?"}}"#);
        tool.send(r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
        if method == "notifications/initialized" {
            tool.wait_listed(1);
            robot.notify("notifications/other", json!({}));
        }
    }
    tool.sync();
    assert_works(&server);
}

#[test]
fn one_that_replies_twice() {
    let server = Server::start();
    let twice = |_: &Message| Answer::Many(vec![Answer::Default, Answer::Default]);
    let tool = server.tool("a").offers(&["now"]).on("initialize", twice).on("tools/list", twice);
    let tool = tool.on_call(twice).connect();
    let mut robot = server.robot("a");
    // The same id again and again: a second reply must not be taken for that of the next.
    for round in 0..20 {
        robot.request_call("7", "now", json!({ "n": round }));
        assert_eq!(robot.next().content(), format!("test-tool now {{\"n\":{round}}}"));
    }
    tool.sync();
    robot.expect_silence();
    assert_eq!(asked(&tool, "notifications/initialized"), 1);
    assert_works(&server);
}

#[test]
fn one_that_never_answers_a_ping() {
    let server = Server::builder().set("relay", "tool_ping_interval", 1).start();
    let tool = server.tool("a").offers(&["now"]).on("ping", |_| Answer::Never).connect();
    let refusing = server
        .tool("a")
        .named("refusing")
        .on("ping", |_| Answer::Error(-32601, "Method not found".to_owned()));
    let refusing = refusing.connect();
    let pings =
        [tool.next("ping"), tool.next("ping"), refusing.next("ping"), refusing.next("ping")];
    assert!(pings.iter().all(|ping| ping.id.is_some()));
    assert_works(&server);
    tool.close();
    refusing.close();
}

#[test]
fn one_that_loses_the_first_initialize() {
    let server = Server::builder().set("relay", "handshake_timeout", 1).start();
    let tool = server.tool("a").offers(&["now"]);
    let mut asked = 0;
    let tool = tool.on("initialize", move |_| {
        asked += 1;
        if asked == 1 {
            Answer::Never
        } else {
            Answer::Default
        }
    });
    let tool = tool.dial();
    let mut robot = server.robot("a");
    robot.request_call("\"waits\"", "now", json!({}));
    assert_eq!(robot.answer_to("\"waits\"").content(), "test-tool now {}");
    assert_works(&server);
    let ids = [tool.next("initialize").id, tool.next("initialize").id];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(tool.count("initialize"), 2);
}

#[test]
fn one_that_answers_the_first_initialize_after_the_second() {
    let server = Server::builder().set("relay", "handshake_timeout", 1).start();
    let tool = server.tool("a").offers(&["now"]).on("initialize", |_| Answer::Never).dial();
    let (first, second) = (tool.next("initialize"), tool.next("initialize"));
    let result = json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } });
    tool.reply(&first, result.clone());
    tool.reply(&second, result);
    tool.wait_listed(1);
    assert_works(&server);
    assert_eq!((tool.count("initialize"), tool.count("notifications/initialized")), (2, 1));
}

#[test]
fn one_that_refuses_the_second_initialize_although_it_took_the_first() {
    let server = Server::builder().set("relay", "handshake_timeout", 1).start();
    let tool = server.tool("a").offers(&["now"]).on("initialize", |_| Answer::Never).dial();
    let (first, second) = (tool.next("initialize"), tool.next("initialize"));
    let id = second.id.unwrap();
    tool.send(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32600,"message":"already initialized"}}}}"#
    ));
    tool.sync();
    tool.reply(&first, json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } }));
    tool.wait_listed(1);
    assert_works(&server);
}

#[test]
fn one_that_answers_initialize_after_it_was_given_up() {
    let server = Server::builder().set("relay", "handshake_timeout", 1).start();
    let tool = server.tool("a").offers(&["now"]).on("initialize", |_| Answer::Never).dial();
    super::wait_state(&server, "tool-1", "opaque");
    assert_eq!(tool.count("initialize"), 4, "once, and again three times");
    let last = (0..4).map(|_| tool.next("initialize")).last().unwrap();
    tool.reply(&last, json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } }));
    tool.wait_listed(1);
    assert_works(&server);
}

#[test]
fn one_that_prints_its_log_to_the_endpoint() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    for text in ["", "INFO started", "[]", "null", "{", "{}", "\u{feff}{}", "[1,{\"id\":1}]"] {
        tool.send(text);
        tool.send_frame(&Frame::new(BINARY, text));
    }
    tool.sync();
    assert_works(&server);
    tool.close();
}

#[test]
fn one_that_closes_after_every_answer() {
    let server = Server::start();
    let connect = || {
        let tool = server.tool("a").offers(&["now"]);
        tool.on_call(|_| Answer::Many(vec![Answer::Default, Answer::Close(1000)])).connect()
    };
    let mut robot = server.robot("a");
    robot.start();
    for _ in 0..10 {
        let tool = connect();
        assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
        assert!(matches!(tool.wait_end(), Event::Close(1000, _)));
    }
}

#[test]
fn one_without_a_name_that_restarts() {
    let server = Server::start();
    let connect = || {
        let tool = server.tool("a").offers(&["now"]).on("initialize", |_| {
            Answer::Result(
                json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": {} } }),
            )
        });
        tool.connect()
    };
    let mut tool = connect();
    let mut robot = server.robot("a");
    for _ in 0..3 {
        tool.die(Ending::Reset);
        super::wait_tools(&server, 0);
        tool = connect();
        assert_eq!(robot.list(), ["now"]);
        let (answer, took) = super::timed(|| robot.call("now", json!({})));
        assert_eq!(answer.content(), "test-tool now {}");
        assert!(took < super::AT_ONCE, "it is back, and served after {took:?}");
    }
}

#[test]
fn one_without_a_name_or_capabilities() {
    let server = Server::start();
    let tool = server
        .tool("a")
        .offers(&["now"])
        .on("initialize", |_| Answer::Raw(r#"{"jsonrpc":"2.0","id":$ID,"result":{}}"#.to_owned()));
    let _tool = tool.connect();
    assert_works(&server);
    let answer = server.robot("a").start();
    assert_eq!(answer.result()["serverInfo"]["name"], "mcp-endpoint-server");
    assert_eq!(answer.result()["protocolVersion"], "2024-11-05");
}
