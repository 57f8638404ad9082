//! What passes between tools and robots (docs/protocol.md#the-relay), seen from the wire.

use crate::common::{Answer, Message, Server};
use serde_json::json;

#[test]
fn a_tool_is_greeted_as_by_an_mcp_client() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let messages: Vec<Message> = tool.received().iter().map(|text| Message::read(text)).collect();
    let methods: Vec<&str> = messages.iter().map(|message| message.method.as_str()).collect();
    assert_eq!(methods[..3], ["initialize", "notifications/initialized", "tools/list"]);
    let params = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": {},
        "clientInfo": { "name": "mcp-endpoint-server", "version": env!("CARGO_PKG_VERSION") },
    });
    assert_eq!(messages[0].json["params"], params);
    assert!(messages[1].id.is_none(), "{}", messages[1].text);
}

#[test]
fn nothing_is_sent_to_a_tool_before_it_has_answered_initialize() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).on("initialize", |_| Answer::Never).dial();
    let initialize = tool.next("initialize");
    let mut robot = server.robot("a");
    robot.notify("notifications/roots/list_changed", json!({}));
    robot.request_call("1", "now", json!({}));
    tool.sync();
    let result = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "late", "version": "1" },
    });
    tool.reply(&initialize, result);
    assert_eq!(robot.answer_to("1").content(), "test-tool now {}");
    let methods: Vec<String> = tool
        .received()
        .iter()
        .map(|text| Message::read(text).method)
        .filter(|method| !method.is_empty())
        .collect();
    assert_eq!(methods[..2], ["initialize", "notifications/initialized"]);
}

#[test]
fn a_slow_starter_is_asked_to_initialize_again() {
    let server = Server::builder().set("relay", "handshake_timeout", 1).start();
    let mut asked = 0;
    let tool = server.tool("a").offers(&["now"]).on("initialize", move |_| {
        asked += 1;
        if asked == 1 {
            Answer::Never
        } else {
            Answer::Default
        }
    });
    let _tool = tool.connect();
    assert_eq!(server.robot("a").list(), ["now"]);
}

#[test]
fn every_page_of_a_list_is_fetched_and_robots_get_one() {
    let server = Server::start();
    let names: Vec<String> = (0..25).map(|number| format!("tool_{number}")).collect();
    let offered: Vec<&str> = names.iter().map(String::as_str).collect();
    let tool = server.tool("a").offers(&offered).in_pages_of(10).connect();
    assert!(tool.count("tools/list") >= 3);
    let mut robot = server.robot("a");
    let answer = robot.ask("tools/list", json!({}));
    assert!(answer.result().get("nextCursor").is_none(), "{}", answer.text);
    assert_eq!(robot.list(), names);
}

#[test]
fn ids_towards_a_tool_are_integers_from_one_up() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    for id in ["0", "\"x\"", "-7", "99999999999"] {
        robot.request_call(id, "now", json!({}));
        robot.answer_to(id);
    }
    let mut last = 0;
    for text in tool.received() {
        let message = Message::read(&text);
        if let (Some(id), false) = (&message.id, message.method.is_empty()) {
            let id: i32 = id.parse().unwrap_or_else(|_| panic!("not such an integer: {text}"));
            assert!(id > last, "{text} after {last}");
            last = id;
        }
    }
    assert!(last >= 6);
}

#[test]
fn every_id_comes_back_as_it_was_spelt() {
    let server = Server::start();
    let _tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    let ids = [
        "0",
        "-5",
        "1.5",
        "1E2",
        "1180591620717411303424",
        r#""""#,
        r#""null""#,
        r#""a_b_c""#,
        r#""小智""#,
        r#""\u5c0f\/\"""#,
    ];
    for id in ids {
        for method in ["initialize", "ping", "tools/list"] {
            robot.request(id, method, json!({}));
            assert_eq!(robot.next().id.as_deref(), Some(id), "{method}");
        }
        robot.request_call(id, "now", json!({ "id": 1 }));
        let answer = robot.next();
        assert_eq!(answer.id.as_deref(), Some(id));
        assert_eq!(answer.content(), r#"test-tool now {"id":1}"#);
        robot.request_call(id, "fails", json!({}));
        assert_eq!(robot.next().id.as_deref(), Some(id));
    }
}

#[test]
fn every_byte_but_the_id_reaches_the_tool_as_it_was_sent() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["echo"]).connect();
    let robot = server.robot("a");
    let messages = [
        concat!(
            r#"{ "params" :{"arguments":{"n":123456789012345678901234567890,"e":1E400,"z":-0.0, "#,
            r#""s":"\u5c0f\/ \ud83d\ude00 小智 \u0000","id":5,"k":[{"id":6}] },"name":"echo"  }  ,"#,
            r#" "unknown":{"id":7,"a":1.50},"method":"tools\/call", "id" :  "ID"  ,"jsonrpc":"2.0"}"#,
        ),
        r#"{"id":"ID","jsonrpc":"2.0","method":"tools/call","params":{"name":"\u0065cho"},"x":[]}"#,
        "\t{\"jsonrpc\":\"2.0\",\t\"id\":\"ID\",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}} ",
    ];
    for message in messages {
        robot.send(message);
        let call = tool.next("tools/call");
        let expected = message.replace("\"ID\"", &call.id.unwrap());
        assert_eq!(call.text.trim(), expected.trim());
    }
}

#[test]
fn every_byte_but_the_id_reaches_the_robot_as_it_was_sent() {
    let server = Server::start();
    let answer = concat!(
        r#"{"result" : {"content":[{"type":"text","text":"\u5c0f\/\ud83d\ude00"}],"#,
        r#""n":[1E400,-0.0,100000000000000000000000000],"id":3,"_meta":{"id":"x"}} , "id":$ID,"#,
        r#""extra" : 1.50,  "jsonrpc": "2.0" }"#,
    );
    let tool = server.tool("a").offers(&["echo"]).on_call(|_| Answer::Raw(answer.to_owned()));
    let _tool = tool.connect();
    let mut robot = server.robot("a");
    robot.request_call("\"mine\"", "echo", json!({}));
    assert_eq!(robot.ws.recv(), answer.replace("$ID", "\"mine\""));
}

#[test]
fn a_line_break_inside_a_message_is_sent_as_a_blank() {
    let server = Server::start();
    let answer = "{\r\n\"jsonrpc\":\"2.0\",\n\"id\":$ID,\"result\":\n{}}";
    let tool = server.tool("a").offers(&["echo"]).on_call(|_| Answer::Raw(answer.to_owned()));
    let tool = tool.connect();
    let mut robot = server.robot("a");
    robot.send("{\"jsonrpc\":\"2.0\",\"id\":1,\n\"method\":\"tools/call\",\r\n\"params\":{\"name\":\"echo\"}}");
    let call = tool.next("tools/call");
    let id = call.id.unwrap();
    let sent = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id}, \"method\":\"tools/call\",  \"params\":{{\"name\":\"echo\"}}}}");
    assert_eq!(call.text, sent);
    assert_eq!(robot.ws.recv(), "{  \"jsonrpc\":\"2.0\", \"id\":1,\"result\": {}}");
}

#[test]
fn ten_robots_that_use_the_same_ids_get_their_own_answers() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["echo"]).on_call(|_| Answer::Never).connect();
    let mut robots: Vec<_> = (0..10).map(|_| server.robot("a")).collect();
    for (number, robot) in robots.iter().enumerate() {
        robot.request_call("3", "echo", json!({ "robot": number }));
    }
    let calls: Vec<Message> = (0..10).map(|_| tool.next("tools/call")).collect();
    for call in calls.iter().rev() {
        let robot = &call.json["params"]["arguments"]["robot"];
        tool.reply_text(call, &format!("for {robot}"));
    }
    for (number, robot) in robots.iter_mut().enumerate() {
        assert_eq!(robot.answer_to("3").content(), format!("for {number}"));
        robot.expect_silence();
    }
}

#[test]
fn one_id_may_be_in_flight_twice() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["echo"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    robot.request_call("3", "echo", json!({ "n": 1 }));
    robot.request_call("3", "echo", json!({ "n": 2 }));
    let (first, second) = (tool.next("tools/call"), tool.next("tools/call"));
    tool.reply_text(&second, "two");
    tool.reply_text(&first, "one");
    assert_eq!((robot.next().content(), robot.next().content()), ("two", "one"));
}

#[test]
fn two_agents_never_see_each_others_bytes() {
    let server = Server::start();
    let agents = ["apple", "berry"];
    let tools = agents.map(|agent| server.tool(agent).named(agent).offers(&["echo"]).connect());
    let mut robots = agents.map(|agent| server.robot(agent));
    for robot in &mut robots {
        robot.start();
    }
    for round in 0..20 {
        for (robot, agent) in robots.iter().zip(agents) {
            robot.request_call("1", "echo", json!({ "from": agent, "round": round }));
        }
    }
    for (tool, agent) in tools.iter().zip(agents) {
        tool.notify("notifications/message", json!({ "data": agent }));
    }
    for (number, (robot, agent)) in robots.iter_mut().zip(agents).enumerate() {
        for _ in 0..20 {
            let answer = robot.answer_to("1");
            assert!(answer.content().starts_with(agent), "{}", answer.text);
        }
        let message = robot.notification("notifications/message");
        assert_eq!(message.json["params"]["data"], agent);
        tools[number].sync();
        let other = agents[1 - number];
        assert!(robot.aside.iter().all(|message| !message.text.contains(other)), "{robot:?}");
        assert!(tools[number].received().iter().all(|text| !text.contains(other)));
    }
}

#[test]
fn two_tools_of_one_agent_are_one_list_and_each_gets_its_own_calls() {
    let server = Server::start();
    let weather = server.tool("a").named("weather").offers(&["rain", "sun"]).connect();
    let lamp = server.tool("a").named("lamp").offers(&["on", "off"]).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["rain", "sun", "on", "off"]);
    assert_eq!(robot.call("sun", json!({})).content(), "weather sun {}");
    assert_eq!(robot.call("on", json!({})).content(), "lamp on {}");
    assert_eq!((weather.count("tools/call"), lamp.count("tools/call")), (1, 1));
    let unknown = robot.call("moon", json!({}));
    assert_eq!(unknown.error(), -32602);
    assert!(unknown.text.contains("Unknown tool: moon"), "{}", unknown.text);
}

#[test]
fn a_name_that_two_tools_offer_belongs_to_the_first_and_is_prefixed_for_the_second() {
    let server = Server::start();
    let _first = server.tool("a").named("one").offers(&["add", "x"]).connect();
    let second = server.tool("a").named("two").offers(&["add", "y"]).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["add", "x", "two__add", "y"]);
    assert_eq!(robot.call("add", json!({})).content(), "one add {}");
    assert_eq!(robot.call("two__add", json!({})).content(), "two add {}");
    assert_eq!(second.next("tools/call").json["params"]["name"], "add");
}

#[test]
fn the_same_server_id_again_replaces_the_older_connection() {
    let server = Server::start();
    let older = server.tool("a").server_id("s").offers(&["old"]).connect();
    let _newer = server.tool("a").server_id("s").offers(&["new"]).connect();
    let close = crate::common::Event::Close(4001, "replaced by a newer connection".to_owned());
    assert_eq!(older.wait_end(), close);
    assert_eq!(server.robot("a").list(), ["new"]);
}

#[test]
fn initialize_succeeds_with_and_without_a_tool() {
    let server = Server::start();
    let mut robot = server.robot("a");
    let alone = robot.start();
    assert!(alone.result()["serverInfo"]["name"].is_string(), "{}", alone.text);
    assert_eq!(robot.list(), [""; 0]);
    let _tool = server.tool("a").named("lamp").sends("instructions", json!("Be kind.")).connect();
    let answer = robot.start();
    let result = answer.result();
    assert_eq!(result["serverInfo"]["name"], "lamp");
    assert_eq!(result["instructions"], "Be kind.");
    assert_eq!(result["protocolVersion"], "2024-11-05");
    assert_eq!(result["capabilities"]["tools"]["listChanged"], true);
}

#[test]
fn progress_and_cancellation_carry_the_ids_of_their_receiver() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["slow"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    let params = json!({ "name": "slow", "_meta": { "progressToken": "mine" } });
    robot.request("\"call\"", "tools/call", params);
    let call = tool.next("tools/call");
    let token = call.json["params"]["_meta"]["progressToken"].clone();
    tool.notify("notifications/progress", json!({ "progressToken": token, "progress": 1 }));
    let progress = robot.notification("notifications/progress");
    assert_eq!(progress.json["params"], json!({ "progressToken": "mine", "progress": 1 }));
    robot.notify("notifications/cancelled", json!({ "requestId": "call", "reason": "enough" }));
    let cancelled = tool.next("notifications/cancelled");
    assert_eq!(cancelled.json["params"]["requestId"].to_string(), call.id.clone().unwrap());
    assert_eq!(cancelled.json["params"]["reason"], "enough");
    tool.reply_text(&call, "too late");
    tool.sync();
    robot.expect_silence();
}

#[test]
fn a_changed_list_is_fetched_and_announced() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["old"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    tool.change_tools(&["new", "newer"]);
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["new", "newer"]);
}

#[test]
fn requests_of_a_tool_are_answered_by_the_relay() {
    let server = Server::start();
    let tool = server.tool("a").connect();
    tool.send(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    tool.send(r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}"#);
    tool.send(r#"{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}"#);
    tool.sync();
    let answers: Vec<Message> = tool.received().iter().map(|text| Message::read(text)).collect();
    let to = |id: &str| answers.iter().find(|message| message.answers(id)).unwrap();
    assert_eq!(to("\"p\"").result(), &json!({}));
    assert_eq!(to("\"i\"").result()["serverInfo"]["name"], "mcp-endpoint-server");
    assert_eq!(to("\"s\"").error(), -32601);
}

#[test]
fn nonsense_from_a_tool_is_dropped_and_it_stays() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    for text in [
        "",
        "hello",
        "[]",
        "null",
        "{",
        r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":4711,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
    ] {
        tool.send(text);
    }
    tool.sync();
    robot.expect_silence();
    assert_eq!(robot.call("now", json!({})).content(), "test-tool now {}");
}

#[test]
fn what_a_robot_says_wrong_is_reported_to_it() {
    let server = Server::start();
    let _tool = server.tool("a").connect();
    let mut robot = server.robot("a");
    for (text, code, id) in [
        ("hello", -32700, "null"),
        ("{\"id\":3", -32700, "null"),
        ("[]", -32600, "null"),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, "null"),
        (r#"{"jsonrpc":"2.0","id":8}"#, -32600, "8"),
    ] {
        robot.send(text);
        let answer = robot.next();
        assert_eq!((answer.error(), answer.id.as_deref()), (code, Some(id)), "{text}");
    }
    robot.notify("notifications/whatever", json!({}));
    robot.expect_silence();
}

#[test]
fn without_a_tool_a_call_is_answered_with_the_agreed_error() {
    let server = Server::builder().set("relay", "reconnect_grace", 0).start();
    let mut robot = server.robot("an-agent");
    let answer = robot.call("now", json!({}));
    let expected = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "error": {
            "code": -32001,
            "message": "工具端未连接",
            "data": { "agent_id": "an-agent", "details": "请求的工具端连接不存在或已断开" },
        },
    });
    assert_eq!(answer.json, expected);
    assert_eq!(robot.ask("ping", json!({})).error(), -32001);
}

#[test]
fn a_transparent_relay_says_nothing_of_its_own() {
    let server = Server::builder().set("relay", "handshake", false).start();
    let tool = server.tool("a").named("own").offers(&["now"]).dial();
    let mut robot = server.robot("a");
    assert_eq!(robot.start().result()["serverInfo"]["name"], "own");
    assert_eq!(robot.list(), ["now"]);
    assert_eq!(robot.call("now", json!({})).content(), "own now {}");
    assert_eq!(robot.ask("ping", json!({})).result(), &json!({}));
    let methods: Vec<String> =
        tool.received().iter().map(|text| Message::read(text).method).collect();
    let passed = ["initialize", "notifications/initialized", "tools/list", "tools/call", "ping"];
    assert_eq!(methods, passed);
}
