//! What passes unchanged, and the ids:
//! docs/protocol.md#pass-through, docs/protocol.md#upstream-ids, docs/protocol.md#robot-ids,
//! docs/protocol.md#unmatched-replies.

use super::world::World;

fn pair() -> (World, mcp_endpoint_server::relay::Peer, mcp_endpoint_server::relay::Peer) {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    (world, tool, robot)
}

#[test]
fn a_call_keeps_every_byte_but_the_id() {
    let (mut world, tool, robot) = pair();
    let call = r#" { "params" : {"arguments":{"x":1.50,"y":1E+2,"z":"\u5c0f\/小"},"name":"add"},"odd":null, "id"	: 7 ,"method":"tools\/call" ,"jsonrpc":"2.0"} "#;
    world.sends(robot, call);
    let received = world.raw(tool);
    let id = serde_json::from_str::<serde_json::Value>(&received).unwrap()["id"].clone();
    assert_eq!(received, call.replace("7 ,", &format!("{id} ,")));
    let answer = |id: &str| {
        format!(
            r#"{{"result" :{{"content":[{{"text":"\/\u00e9","type":"text"}}],"n":1.0E-7}}, "id":{id},"x":[ ] ,"jsonrpc":"2.0"}}"#
        )
    };
    world.sends(tool, &answer(&id.to_string()));
    assert_eq!(world.raw(robot), answer("7"));
}

#[test]
fn an_error_of_a_tool_keeps_every_byte_but_the_id() {
    let (mut world, tool, robot) = pair();
    world.calls(robot, "\"x\"", "add");
    let id = world.called(tool, "add");
    let answer = |id: &str| {
        format!(r#"{{"jsonrpc":"2.0", "error":{{"message":"\u4e0d","code":-1.0}},"id":{id}}}"#)
    };
    world.sends(tool, &answer(&id.to_string()));
    assert_eq!(world.raw(robot), answer("\"x\""));
}

#[test]
fn a_line_break_inside_a_message_is_sent_as_a_blank() {
    let (mut world, tool, robot) = pair();
    world.sends(
        robot,
        "{\"jsonrpc\":\"2.0\",\r\n\"id\":1,\n\"method\":\"tools/call\",\"params\":{\"name\":\"add\"}}\n",
    );
    let received = world.raw(tool);
    let id = serde_json::from_str::<serde_json::Value>(&received).unwrap()["id"].clone();
    assert_eq!(
        received,
        format!(
            r#"{{"jsonrpc":"2.0",  "id":{id}, "method":"tools/call","params":{{"name":"add"}}}}"#
        )
    );
    world.sends(tool, &format!("{{\n\"id\":{id},\n\"result\":{{}}\n}}\n"));
    assert_eq!(world.raw(robot), r#"{ "id":1, "result":{} }"#);
}

#[test]
fn a_notification_of_either_side_keeps_every_byte() {
    let (mut world, tool, robot) = pair();
    let from_robot = r#"{ "method":"notifications\/roots/list_changed","x":1.0}"#;
    world.sends(robot, from_robot);
    assert_eq!(world.raw(tool), from_robot);
    let from_tool =
        r#"{"params":{"level":"info","data":"\u5c0f"} ,"method":"notifications/message"}"#;
    world.sends(tool, from_tool);
    assert_eq!(world.raw(robot), from_tool);
}

#[test]
fn a_robot_gets_back_exactly_the_id_it_sent() {
    let (mut world, tool, robot) = pair();
    for id in [
        "0",
        "-5",
        "1.5",
        "1E2",
        "1e-3",
        r#""""#,
        r#""null""#,
        r#""\u0041\/""#,
        "\"小智\"",
        "1180591620717411303424",
        "-0",
        "2147483648",
    ] {
        world.calls(robot, id, "add");
        let number = world.called(tool, "add");
        world.answers(tool, number, "{}");
        assert_eq!(world.raw(robot), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        world.asks(robot, id, "ping");
        assert_eq!(world.raw(robot), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        world.asks(robot, id, "prompts/list");
        assert!(world.raw(robot).contains(&format!(r#""id":{id},"#)));
    }
}

#[test]
fn a_tool_gets_integers_from_one_up_per_connection() {
    let mut world = World::new();
    for agent in ["a", "b"] {
        let tool = world.tool(agent);
        let first = world.asked(tool, "initialize");
        assert_eq!(first, 1);
        world.answers(tool, first, &super::world::initialize_result("t", super::world::ANNOUNCES));
        world.receives(tool);
        world.lists(tool, &["add"]);
        let robot = world.initialised_robot(agent);
        let mut last = 2;
        for id in ["\"x\"", "0", "0", "7"] {
            world.calls(robot, id, "add");
            let number = world.called(tool, "add");
            assert!(number > last && number < 1 << 31);
            last = number;
        }
    }
}

#[test]
fn an_id_may_be_used_again_while_it_is_in_flight() {
    let (mut world, tool, robot) = pair();
    world.sends(robot, r#"{"id":1,"method":"tools/call","params":{"name":"add","n":"first"}}"#);
    world.sends(robot, r#"{"id":1,"method":"tools/call","params":{"name":"add","n":"second"}}"#);
    let first = world.called(tool, "add");
    let second = world.called(tool, "add");
    assert_ne!(first, second);
    world.answers(tool, second, r#""second""#);
    world.answers(tool, first, r#""first""#);
    assert_eq!(world.receives(robot)["result"], "second");
    assert_eq!(world.receives(robot)["result"], "first");
    world.is_silent(robot);
}

#[test]
fn two_robots_with_the_same_id_each_get_their_own_answer() {
    let (mut world, tool, one) = pair();
    let two = world.initialised_robot("a");
    world.calls(one, "1", "add");
    world.calls(two, "1", "add");
    let (first, second) = (world.called(tool, "add"), world.called(tool, "add"));
    world.answers(tool, second, r#""two""#);
    assert_eq!(world.receives(two)["result"], "two");
    world.is_silent(one);
    world.answers(tool, first, r#""one""#);
    assert_eq!(world.receives(one)["result"], "one");
}

#[test]
fn a_late_unknown_or_second_reply_is_dropped_and_counted() {
    let (mut world, tool, robot) = pair();
    world.calls(robot, "1", "add");
    let number = world.called(tool, "add");
    world.answers(tool, number, "{}");
    world.receives(robot);
    let dropped = world.relay.traffic().replies_dropped;
    world.answers(tool, number, "{}");
    world.answers(tool, number + 1000, "{}");
    for odd in ["null", "0", "-1", "1.0", "\"1\"", "99999999999999999999", "true", "[1]"] {
        world.sends(tool, &format!(r#"{{"jsonrpc":"2.0","id":{odd},"result":{{}}}}"#));
    }
    world.sends(tool, r#"{"jsonrpc":"2.0","result":{}}"#);
    world.sends(tool, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#);
    world.is_silent(robot);
    world.is_silent(tool);
    assert_eq!(world.relay.traffic().replies_dropped - dropped, 12);
    world.calls(robot, "2", "add");
    let cancelled = world.called(tool, "add");
    world.cancels(robot, "2");
    world.receives(tool);
    world.answers(tool, cancelled, "{}");
    world.is_silent(robot);
    assert_eq!(world.relay.traffic().replies_dropped - dropped, 13);
}

#[test]
fn a_reply_of_another_tool_answers_nothing() {
    let mut world = World::new();
    let one = world.ready_tool("a", "one", &["x"]);
    let two = world.ready_tool("a", "two", &["y"]);
    let stranger = world.ready_tool("b", "three", &["z"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "x");
    let number = world.called(one, "x");
    world.answers(two, number, r#""wrong""#);
    world.answers(stranger, number, r#""wrong""#);
    world.is_silent(robot);
    world.answers(one, number, r#""right""#);
    assert_eq!(world.receives(robot)["result"], "right");
}
