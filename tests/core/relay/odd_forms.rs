//! Messages in an odd form:
//! docs/protocol.md#other-spellings, docs/protocol.md#python-numbers, docs/protocol.md#unreadable-replies,
//! docs/protocol.md#two-messages-in-a-frame, docs/protocol.md#wrapped-messages,
//! docs/protocol.md#result-and-error, docs/protocol.md#repeated-members.

use super::world::{initialize_result, tool_list, World};
use mcp_endpoint_server::relay::Peer;
use serde_json::Value;

fn pair() -> (World, Peer, Peer) {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", "test");
    (world, tool, robot)
}

/// A robot's call under way, as number `id` at the tool server.
fn call(world: &mut World, tool: Peer, robot: Peer) -> u64 {
    world.calls(robot, "\"q\"", "add");
    world.called(tool, "add")
}

fn details(error: &Value) -> String {
    error["data"]["details"].as_str().unwrap().to_owned()
}

#[test]
fn the_words_python_writes_for_numbers_pass_in_both_directions() {
    let (mut world, tool, robot) = pair();
    let words = r#"[NaN, Infinity,-Infinity,{"NaN":NaN},"NaN"]"#;
    let ask = |id: &str| {
        format!(
            r#"{{"id":{id},"method":"tools/call","params":{{"name":"add","arguments":{{"x":{words}}}}}}}"#
        )
    };
    world.sends(robot, &ask("7"));
    let received = world.raw(tool);
    let id = received.split([':', ',']).nth(1).unwrap().to_owned();
    assert_eq!(received, ask(&id));
    let answer = |id: &str| format!(r#"{{"id":{id},"result":{{"content":{words}}}}}"#);
    world.sends(tool, &answer(&id));
    assert_eq!(world.raw(robot), answer("7"));
    world.sends(robot, r#"{"id":NaN,"method":"ping"}"#);
    world.fails(robot, Value::Null, -32600);
}

#[test]
fn a_list_with_such_words_is_offered_as_it_is_and_the_page_reads_it() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", r#"{"tools":{"listChanged":true},"x":NaN}"#);
    let id = world.asked(tool, "tools/list");
    let item = r#"{"name":"add","inputSchema":{"default":NaN,"maximum":Infinity}}"#;
    world.answers(tool, id, &format!(r#"{{"tools":[{item}]}}"#));
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "tools/list");
    assert!(world.raw(robot).contains(item));
    assert_eq!(world.view("a").tools[0].last_error, None);
}

#[test]
fn a_reply_is_known_by_its_number_however_it_is_spelled() {
    let (mut world, tool, robot) = pair();
    for spell in [r#""{}""#, "{}.0", "{}e0", "\t{}", r#""{}.0""#, "0.{}e1", "{}0E-1"] {
        let id = call(&mut world, tool, robot);
        let spelled = spell.replace("{}", &id.to_string());
        if spell.starts_with("0.") && id > 9 {
            continue;
        }
        world.sends(tool, &format!(r#"{{"result":{{}}, "id": {spelled} }}"#));
        assert_eq!(
            world.raw(robot),
            r#"{"result":{}, "id": "q" }"#
                .replace(": \"q", if spell.starts_with('\t') { ": \t\"q" } else { ": \"q" }),
            "{spelled}"
        );
    }
    let id = call(&mut world, tool, robot);
    let dropped = world.relay.traffic().replies_dropped;
    for other in [format!("{id}.5"), format!("-{id}"), format!("\"0{id}\""), format!("[{id}]")] {
        world.sends(tool, &format!(r#"{{"result":{{}},"id":{other}}}"#));
    }
    world.is_silent(robot);
    assert_eq!(world.relay.traffic().replies_dropped - dropped, 4);
}

#[test]
fn a_progress_token_is_known_by_its_number_however_it_is_spelled() {
    let (mut world, tool, robot) = pair();
    world.sends(
        robot,
        r#"{"id":1,"method":"tools/call","params":{"name":"add","_meta":{"progressToken":"t"}}}"#,
    );
    let id = world.called(tool, "add");
    for spelled in [format!("\"{id}\""), format!("{id}.0"), format!("{id}e0")] {
        let progress = |token: &str| {
            format!(
                r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
            )
        };
        world.sends(tool, &progress(&spelled));
        assert_eq!(world.raw(robot), progress("\"t\""));
    }
}

#[test]
fn the_relays_own_requests_are_answered_in_any_spelling() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    let result = initialize_result("calc", r#"{"tools":{}}"#);
    world.sends(tool, &format!(r#"{{"id":"{id}","result":{result}}}"#));
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    let id = world.asked(tool, "tools/list");
    world.sends(tool, &format!(r#"{{"id":{id}.0,"result":{}}}"#, tool_list(&["add"])));
    assert_eq!(world.view("a").tools[0].state.label(), "ready");
    world.seconds(50.0);
    let id = world.asked(tool, "ping");
    let dropped = world.relay.traffic().replies_dropped;
    world.sends(tool, &format!(r#"{{"id":{id}e0,"result":{{}}}}"#));
    assert_eq!(world.relay.traffic().replies_dropped, dropped);
}

#[test]
fn an_answer_that_cannot_be_read_fails_its_request_at_once() {
    let (mut world, tool, robot) = pair();
    // The number at the tool server stands for `#`, what is wrong begins at `^`.
    for broken in [
        "{\"id\":#,\"result\":{\"text\":\"a^\tb\"}}",
        "{\"result\":{\"text\":\"a^\tb\",\"id\":99},\"id\":#}",
        "{\"id\":#,\n\"result\":\"a^\n\"}",
        "{\"id\":#,\"result\":{}}^{\"id\":99,\"result\":{}}",
        "{\"id\":#,\"result\":{}}\n^{\"id\":99,\"result\":{}}",
        "\u{feff}{\"id\":#,\"result\":\"a^\u{0}\"}",
        "{\"id\":#,\"result\":{\"content\":[{\"te^",
        "{\"id\":\"#\",\"result\":\"^\\x41\"}",
        "{\"id\":#.0,\"result\":^undefined}",
        "{\"id\":#,\"result\":1,\"result\":^2}",
        "{\"id\":#,\"id\":^98,\"result\":2}",
        "{\"id\":#^}",
        "{\"id\":#,\"error\":null^}",
        "{\"id\":#,\"method\":null,\"params\":{}^}",
        "{\"id\":#,\"method\":^7}",
        "[{\"id\":#,\"result\":^x}]",
        "{\"type\":\"mcp\",\"payload\":{\"id\":#,\"result\":^x}}",
        "{\"type\":\"mcp\",\"payload\":{\"type\":\"mcp\",\"payload\":{\"id\":#,\"result\":1}}^}",
        "{\"type\":\"mcp\",\"payload\":\"{\\\"id\\\":#,\\\"result\\\":x}\"^}",
        "{\"type\":\"mcp\",\"payload\":[{\"id\":#}]^}",
        "{\"id\":0^#,\"result\":{}}",
        "{\"id\":^+#,\"result\":{}}",
        "{^'jsonrpc': '2.0', 'id': #, 'result': {'a': \"it's\"}}",
        "{^id: #, result: {}}",
        "^\"{\\\"id\\\":#,\\\"result\\\":1}\"",
    ] {
        let id = call(&mut world, tool, robot).to_string();
        let text = broken.replace('#', &id);
        let at = text.find('^').unwrap();
        world.sends(tool, &text.replace('^', ""));
        let error = world.fails(robot, "q", -32002);
        let details = details(&error);
        assert!(details.contains(&format!("第 {at} 字节")), "{text:?}: {details}");
        world.sends(tool, &format!(r#"{{"id":{id},"result":{{}}}}"#));
        world.is_silent(robot);
    }
    assert_eq!(world.relay.traffic().errors.not_forwarded, 25);
    assert!(world.wire.closed.is_empty());
}

#[test]
fn two_messages_in_one_frame_leave_nobody_waiting() {
    let (mut world, tool, robot) = pair();
    let (one, two) = (call(&mut world, tool, robot), call(&mut world, tool, robot));
    world.sends(
        tool,
        &format!(r#"{{"id":{one},"result":{{}}}}{{"method":"x"}} {{"id":{two},"result":{{}}}}"#),
    );
    world.fails(robot, "q", -32002);
    world.fails(robot, "q", -32002);
    world.is_silent(robot);
}

#[test]
fn what_is_no_answer_to_a_request_fails_none() {
    let (mut world, tool, robot) = pair();
    let id = call(&mut world, tool, robot);
    for other in [
        // Its own request, under a number that the relay uses, too.
        format!("{{\"id\":{id},\"method\":\"ping\",\"params\":\"\t\"}}"),
        // A line of its log.
        format!("got {{\"id\":{id},\"result\":{{}}}}"),
        format!("{{\"log\":\"x\",\"request\":{{\"id\":{id}}},,}}"),
        format!("{{\"id\":{},\"result\":,}}", id + 1),
    ] {
        world.sends(tool, &other);
        world.is_silent(robot);
    }
    world.answers(tool, id, "1");
    assert_eq!(world.receives(robot)["result"], 1);
}

#[test]
fn a_byte_order_mark_a_list_of_replies_and_a_wrapped_message_are_understood() {
    let (mut world, tool, robot) = pair();
    let id = call(&mut world, tool, robot);
    world.sends(tool, &format!("\u{feff}{{\"id\":{id},\"result\":1.50}}\n"));
    assert_eq!(world.raw(robot), r#"{"id":"q","result":1.50}"#);
    let (one, two) = (call(&mut world, tool, robot), call(&mut world, tool, robot));
    world.sends(tool, &format!(r#"[{{"id":{one},"result":1.50}}, {{"id":{two},"error":{{}}}},7]"#));
    assert_eq!(world.raw(robot), r#"{"id":"q","result":1.50}"#);
    assert_eq!(world.raw(robot), r#"{"id":"q","error":{}}"#);
    let id = call(&mut world, tool, robot);
    world.sends(
        tool,
        &format!(
            r#"{{"session_id":"","type":"mcp","payload":{{ "id":{id},"result":{{"n":1.50}} }} }}"#
        ),
    );
    assert_eq!(world.raw(robot), r#"{ "id":"q","result":{"n":1.50} }"#);
    world.sends(tool, r#"{"type":"mcp","payload":{"method":"notifications/x","n":1.50}}"#);
    assert_eq!(world.raw(robot), r#"{"method":"notifications/x","n":1.50}"#);
    world.sends(
        tool,
        r#"{"type":"mcp","payload":{"type":"mcp","payload":{"method":"ping","id":1}}}"#,
    );
    world.is_silent(tool);
}

#[test]
fn a_message_wrapped_as_a_string_or_in_a_list_is_understood() {
    let (mut world, tool, robot) = pair();
    let id = call(&mut world, tool, robot);
    world.sends(
        tool,
        &format!(r#"{{"type":"mcp","payload":"{{\"id\":{id},\n\"result\":1.50}}\r\n"}}"#),
    );
    assert_eq!(world.raw(robot), r#"{"id":"q", "result":1.50}"#);
    let (one, two) = (call(&mut world, tool, robot), call(&mut world, tool, robot));
    world.sends(
        tool,
        &format!(
            r#"{{"type":"mcp","payload":[{{"id":{one},"result":1.50}},{{"id":{two},"result":2}}]}}"#
        ),
    );
    assert_eq!(world.raw(robot), r#"{"id":"q","result":1.50}"#);
    assert_eq!(world.raw(robot), r#"{"id":"q","result":2}"#);
    world.sends(tool, r#"{"type":"mcp","payload":"{\"method\":\"ping\",\"id\":7}"}"#);
    assert_eq!(world.receives(tool)["id"], 7);
}

#[test]
fn a_large_answer_with_line_breaks_is_copied_only_where_there_is_memory() {
    let (mut world, tool, robot) = pair();
    let text = "x".repeat(200_000);
    let spread = |id: u64| format!("{{\"id\":{id},\n\"result\":\"{text}\"}}");
    let id = call(&mut world, tool, robot);
    let before = world.kept_for("a");
    world.wire.memory_limit = Some(world.wire.ledger.bytes() + 100_000);
    world.sends(tool, &spread(id));
    let error = world.fails(robot, "q", -32002);
    assert!(details(&error).contains("换行"), "{error}");
    let ask = format!("{{\"id\":8,\n\"method\":\"x\",\"params\":\"{text}\"}}");
    world.sends(robot, &ask);
    world.fails(robot, 8, -32002);
    // A notification is not answered, whatever becomes of it.
    world.sends(robot, &format!("{{\"method\":\"x\",\n\"params\":\"{text}\"}}"));
    world.is_silent(robot);
    assert!(world.kept_for("a") < before);
    world.wire.memory_limit = None;
    let id = call(&mut world, tool, robot);
    let before = world.kept_for("a");
    world.sends(tool, &spread(id));
    assert_eq!(world.raw(robot), format!("{{\"id\":\"q\", \"result\":\"{text}\"}}"));
    assert!(world.kept_for("a") < before, "the copy is still accounted for");
}

#[test]
fn the_id_of_a_large_answer_is_found_where_it_begins_or_ends() {
    let (mut world, tool, robot) = pair();
    let text = "\\\"id\\\":7 小".repeat(20_000);
    for broken in [
        format!("{{\"id\":#,\"result\":{{\"text\":\"{text}\t\"}}}}"),
        format!("{{\"result\":{{\"text\":\"\t{text}\"}},\"id\":#,\"jsonrpc\":\"2.0\"}}\n"),
        format!("{{\"result\":{{\"text\":\"{text}\"}},\"result\":1,\"id\":#}}"),
        format!("{{\"id\":#,\"result\":{{\"text\":\"{text}"),
        format!("{{'result': {{'text': \"{text}\"}}, 'id': #}}"),
    ] {
        let id = call(&mut world, tool, robot).to_string();
        world.sends(tool, &broken.replace('#', &id));
        world.fails(robot, "q", -32002);
    }
}

#[test]
fn an_unreadable_answer_to_initialize_is_not_waited_for() {
    let mut world = World::new();
    let tool = world.tool("a");
    let id = world.asked(tool, "initialize");
    world.sends(tool, &format!("{{\"id\":{id},\"result\":{{\"protocolVersion\":\"\t\"}}}}"));
    let view = world.view("a");
    assert_eq!(view.tools[0].state.label(), "opaque");
    let shown = view.tools[0].last_error.clone().unwrap();
    assert!(shown.contains("initialize") && shown.contains("控制字符"), "{shown}");
}

#[test]
fn an_unreadable_list_is_not_waited_for() {
    let mut world = World::new();
    let tool = world.tool("a");
    world.greets(tool, "calc", r#"{"tools":{}}"#);
    let id = world.asked(tool, "tools/list");
    let robot = world.robot("a");
    world.asks(robot, "1", "tools/list");
    world.sends(tool, &format!(r#"{{"id":{id},"result":{{"tools":[{{"name":"x"}}"#));
    assert!(world.shown_tools(robot).is_empty());
    let shown = world.view("a").tools[0].last_error.clone().unwrap();
    assert!(shown.contains("tools/list") && shown.contains("不完整"), "{shown}");
}

#[test]
fn a_success_never_carries_an_error_nor_an_error_a_result() {
    let (mut world, tool, robot) = pair();
    for (sent, received) in [
        (r#"{"id":#,"result":{"n":1.50},"error":null}"#, r#"{"id":"q","result":{"n":1.50}}"#),
        (r#"{"error" : null , "id":#,"result":null}"#, r#"{ "id":"q","result":null}"#),
        (r#"{"result":null,"id":#,"error":{"code":1.0}}"#, r#"{"id":"q","error":{"code":1.0}}"#),
        // A tool server that writes an error means it.
        (r#"{"id":#,"result":{},"error":{"code":1.0}}"#, r#"{"id":"q","error":{"code":1.0}}"#),
    ] {
        let id = call(&mut world, tool, robot).to_string();
        world.sends(tool, &sent.replace('#', &id));
        assert_eq!(world.raw(robot), received);
    }
}

#[test]
fn a_token_that_cannot_be_replaced_is_not_passed_on() {
    let (mut world, tool, robot) = pair();
    for meta in [
        r#""_meta":{"progressToken":5,"progressToken":6}"#,
        r#""_meta":{"progressToken":5,"progress\u0054oken":6}"#,
        r#""_meta":{"progressToken":5},"_meta":{"x":1}"#,
        r#""_meta":{},"\u005fmeta":{"progressToken":5}"#,
    ] {
        world.sends(
            robot,
            &format!(r#"{{"id":1,"method":"tools/call","params":{{"name":"add",{meta}}}}}"#),
        );
        world.fails(robot, 1, -32600);
        world.sends(robot, &format!(r#"{{"method":"notifications/x","params":{{{meta}}}}}"#));
        world.is_silent(tool);
    }
}

#[test]
fn a_token_is_replaced_whatever_else_is_written_twice() {
    let (mut world, tool, robot) = pair();
    world.sends(
        robot,
        r#"{"id":1,"method":"tools/call","params":{"name":"add","name":"sub","uri":1,"uri":2,"_meta":{"x":1,"x":2,"progress\u0054oken":77}}}"#,
    );
    let received = world.receives(tool);
    assert_eq!(received["params"]["_meta"]["progressToken"], received["id"]);
    // `null` asks for no progress.
    world.sends(
        robot,
        r#"{"id":1,"method":"tools/call","params":{"name":"add","_meta":{"progressToken":null}}}"#,
    );
    assert!(world.receives(tool)["params"]["_meta"]["progressToken"].is_null());
}

#[test]
fn a_token_in_a_notification_is_no_number_of_a_request() {
    let (mut world, tool, robot) = pair();
    let id = call(&mut world, tool, robot);
    let other = world.initialised_robot("a");
    world.sends(
        other,
        &format!(
            r#"{{"method":"notifications/progress","params":{{"progressToken":{id},"_meta":{{"progressToken":{id}}}}}}}"#
        ),
    );
    let received = world.receives(tool);
    assert!(received["params"]["progressToken"].as_u64().unwrap() > id);
    assert!(received["params"]["_meta"]["progressToken"].as_u64().unwrap() > id);
}
