//! Replies in which something is odd: nobody waits for an answer that has come
//! (docs/protocol.md#odd-replies, docs/protocol.md#unreadable-replies).

use super::world::World;
use mcp_endpoint_server::relay::Peer;
use serde_json::Value;

fn pair() -> (World, Peer, Peer) {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    (world, tool, robot)
}

/// A call with the id `id`; its number at the tool server.
fn call(world: &mut World, tool: Peer, robot: Peer, id: &str) -> u64 {
    world.calls(robot, id, "add");
    world.called(tool, "add")
}

#[test]
fn what_is_unreadable_in_a_list_of_replies_fails_its_request_at_once() {
    let (mut world, tool, robot) = pair();
    for odd in [
        r#"{"id":#^}"#,
        r#"{"id":#,"error":null^}"#,
        r#"{"id":#,"error":false^}"#,
        r#"{"id":#,"result":1,"result":^2}"#,
        r#"{"id":#,"id":^98,"result":2}"#,
        r#"{"result":{"id":98},"id":#,"result":^{}}"#,
        r#"{"id":#,"method":^7,"result":{}}"#,
        r#"{"id":#,"method":^"x","result":1,"error":{}}"#,
        r#"{"Result":1,"id":#^}"#,
    ] {
        for list in [
            "[GOOD,ODD]",
            "\n[7, ODD,\n{\"id\":99},GOOD]",
            "{\"type\":\"mcp\",\"payload\":[ODD,GOOD]}",
        ] {
            let (one, two) =
                (call(&mut world, tool, robot, "1"), call(&mut world, tool, robot, "2"));
            let good = format!(r#"{{"id":{one},"result":1.50}}"#);
            let list =
                list.replace("GOOD", &good).replace("ODD", odd).replace('#', &two.to_string());
            let at = list.find('^').unwrap();
            world.sends(tool, &list.replace('^', ""));
            assert_eq!(world.raw(robot), r#"{"id":1,"result":1.50}"#, "{list}");
            let error = world.fails(robot, 2, -32002);
            let details = error["data"]["details"].as_str().unwrap();
            assert!(details.contains(&format!("第 {at} 字节")), "{list:?}: {details}");
            world.is_silent(robot);
        }
    }
}

#[test]
fn requests_in_a_list_fail_nothing() {
    let (mut world, tool, robot) = pair();
    let (one, two) = (call(&mut world, tool, robot, "1"), call(&mut world, tool, robot, "2"));
    world.sends(
        tool,
        &format!(r#"[{{"id":{two},"method":"ping"}},{{"id":{one},"result":1}},{{"method":7}}]"#),
    );
    assert_eq!(world.receives(robot)["result"], 1);
    world.is_silent(robot);
    world.answers(tool, two, "2");
    assert_eq!(world.receives(robot)["result"], 2);
}

#[test]
fn an_answer_that_is_written_into_its_request_counts_and_loses_the_method() {
    let (mut world, tool, robot) = pair();
    for (sent, received) in [
        (r#"{"id":#,"method":"tools/call","result":{}}"#, r#"{"id":7,"result":{}}"#),
        (
            r#"{"jsonrpc":"2.0", "method" : "x", "id":#,"params":{},"error":{"code":1}}"#,
            r#"{"jsonrpc":"2.0",  "id":7,"params":{},"error":{"code":1}}"#,
        ),
        (r#"{"id":#,"method":null,"result":1.50}"#, r#"{"id":7,"method":null,"result":1.50}"#),
        (r#"[{"id":#,"method":"x","result":1.50}]"#, r#"{"id":7,"result":1.50}"#),
    ] {
        let id = call(&mut world, tool, robot, "7");
        world.sends(tool, &sent.replace('#', &id.to_string()));
        assert_eq!(world.raw(robot), received);
        world.is_silent(tool);
    }
    // What nobody asked is a request.
    let id = call(&mut world, tool, robot, "7");
    world.sends(tool, &format!(r#"{{"id":{},"method":"ping","result":{{}}}}"#, id + 1));
    assert_eq!(world.receives(tool)["id"], id + 1);
    world.is_silent(robot);
    for broken in [
        "{\"id\":#,\"method\":\"x\",\"result\":\"\t\"}",
        "{\"method\":\"x\",\"error\":{},\"id\":#,,}",
    ] {
        let id = call(&mut world, tool, robot, "8");
        world.sends(tool, &broken.replace('#', &id.to_string()));
        world.fails(robot, 8, -32002);
    }
}

#[test]
fn a_tool_server_that_writes_its_answers_into_the_requests_becomes_ready() {
    let mut world = World::new();
    let tool = world.tool("a");
    let result = r#"{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}"#;
    let id = world.asked(tool, "initialize");
    world.sends(tool, &format!(r#"{{"id":{id},"method":"initialize","result":{result}}}"#));
    assert_eq!(world.receives(tool)["method"], "notifications/initialized");
    let id = world.asked(tool, "tools/list");
    world.sends(
        tool,
        &format!(r#"{{"id":{id},"method":"tools/list","result":{{"tools":[{{"name":"add"}}]}}}}"#),
    );
    assert_eq!(world.view("a").tools[0].state.label(), "ready");
}

#[test]
fn an_error_that_is_no_object_becomes_one_with_its_words() {
    let (mut world, tool, robot) = pair();
    let long = format!("[\"{}\"]", "x".repeat(10_000));
    for (error, message) in [
        (r#""no \u5c0f file""#, "no 小 file"),
        ("-3", "-3"),
        ("true", "true"),
        ("NaN", "NaN"),
        (r#"["a"]"#, r#"["a"]"#),
        (&long, &long[..256]),
    ] {
        let id = call(&mut world, tool, robot, "7");
        world.sends(tool, &format!(r#"{{"id":{id},"error":{error},"result":null}}"#));
        let shown = world.fails(robot, 7, -32603);
        assert_eq!(shown["message"], message);
    }
    // An object stays as it is, whatever it lacks.
    let id = call(&mut world, tool, robot, "7");
    world.sends(tool, &format!(r#"{{"id":{id},"error":{{"message":5}}}}"#));
    assert_eq!(world.raw(robot), r#"{"id":7,"error":{"message":5}}"#);
}

#[test]
fn an_error_of_false_is_none() {
    let (mut world, tool, robot) = pair();
    let id = call(&mut world, tool, robot, "7");
    world.sends(tool, &format!(r#"{{"id":{id},"error":false,"result":{{"n":1.50}}}}"#));
    assert_eq!(world.raw(robot), r#"{"id":7,"result":{"n":1.50}}"#);
    let id = call(&mut world, tool, robot, "7");
    world.sends(tool, &format!(r#"{{"id":{id},"error":false}}"#));
    let error: Value = world.fails(robot, 7, -32002);
    assert!(error["data"]["details"].is_string());
}
