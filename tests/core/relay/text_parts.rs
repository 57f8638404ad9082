//! Results of several parts, as `xiaozhi-server` reads them (docs/protocol.md#quirk-text-parts).

use super::world::{whole, World, XIAOZHI};
use mcp_endpoint_server::relay::Peer;
use serde_json::Value;

const SEVERAL: &str = r#"{"_meta":{"n":1.50}, "content":[{"type":"image","data":"AAAA","mimeType":"image/png"},{"type":"text","text":"\u4f60\n"},{"type":"text","text":"b"}] ,"structuredContent":{"content":[]}}"#;

/// What `xiaozhi-server` makes of a result.
fn as_read(result: &Value) -> String {
    match result["content"].get(0).and_then(|part| part.get("text")) {
        Some(text) => text.as_str().unwrap().to_owned(),
        None => result.to_string(),
    }
}

fn pair(robot: &str) -> (World, Peer, Peer) {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.robot_named("a", robot);
    (world, tool, robot)
}

#[test]
fn the_first_part_has_the_text_of_all_parts_and_the_rest_of_the_result_stays() {
    let (mut world, tool, robot) = pair(XIAOZHI);
    let raw = world.answered(tool, robot, SEVERAL);
    assert_eq!(
        raw,
        whole(
            r#"{"_meta":{"n":1.50}, "content":[{"type":"text","text":"[image/png]\n\u4f60\n\nb"}] ,"structuredContent":{"content":[]}}"#
        )
    );
    let read: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(as_read(&read["result"]), "[image/png]\n你\n\nb");
}

#[test]
fn a_result_of_one_text_and_a_result_for_another_robot_stay_byte_for_byte() {
    let (mut world, tool, robot) = pair(XIAOZHI);
    for result in [
        r#"{"content":[{"type":"text","text":"a"}]}"#,
        r#"{ "content" : [ {"text":"a" , "type":"text"} ] , "x":1.50}"#,
        r#"{"content":[{"type":"text","text":"a"},{"type":"image","data":""}]}"#,
        r#"{"content":[],"structuredContent":{}}"#,
        r#"{"content":"x"}"#,
        r#"[{"content":[]}]"#,
        r#""x""#,
    ] {
        assert_eq!(world.answered(tool, robot, result), whole(result));
    }
    let other = world.robot_named("a", "test");
    assert_eq!(world.answered(tool, other, SEVERAL), whole(SEVERAL));
    world.asks(robot, "1", "custom/thing");
    let id = world.asked(tool, "custom/thing");
    world.answers(tool, id, SEVERAL);
    assert_eq!(world.raw(robot), whole(SEVERAL), "only calls are told differently");
    world.change_policy(|policy| policy.quirks = false);
    assert_eq!(world.answered(tool, robot, SEVERAL), whole(SEVERAL));
}

#[test]
fn a_failure_of_several_parts_is_reported_by_its_error() {
    let (mut world, tool, robot) = pair(XIAOZHI);
    let failed =
        r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"isError":true}"#;
    let expected = failed.replacen('{', r#"{"error":"a\nb","#, 1);
    assert_eq!(world.answered(tool, robot, failed), whole(&expected));
}

#[test]
fn what_is_sent_is_what_counts_as_too_large() {
    let (mut world, tool, robot) = pair(XIAOZHI);
    // A large picture does not reach the robot, so it does no harm.
    let picture = format!(
        r#"{{"content":[{{"type":"image","mimeType":"image/png","data":"{}"}},{{"type":"text","text":"a"}}]}}"#,
        "A".repeat(2 << 20)
    );
    let raw = world.answered(tool, robot, &picture);
    assert_eq!(raw, whole(r#"{"content":[{"type":"text","text":"[image/png]\na"}]}"#));
    for size in [600_000, 2 << 20] {
        let text = "x".repeat(size);
        let large = format!(
            r#"{{"content":[{{"type":"text","text":"{text}"}},{{"type":"text","text":"{text}"}}]}}"#
        );
        world.calls(robot, "1", "add");
        let id = world.called(tool, "add");
        world.answers(tool, id, &large);
        let error = world.fails(robot, 1, -32002);
        assert!(error["data"]["details"].as_str().unwrap().contains("\"add\""), "{error}");
    }
}

#[test]
fn an_answer_with_an_error_beside_its_result_keeps_the_error() {
    let (mut world, tool, robot) = pair(XIAOZHI);
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.sends(tool, &format!(r#"{{"id":{id},"result":{SEVERAL},"error":{{"code":1}}}}"#));
    assert_eq!(world.raw(robot), r#"{"id":1,"error":{"code":1}}"#);
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.sends(tool, &format!(r#"{{"error":null,"result":{SEVERAL},"id":{id}}}"#));
    let raw = world.raw(robot);
    assert!(raw.starts_with(r#"{"result":{"_meta""#) && raw.ends_with(r#","id":1}"#), "{raw}");
    assert!(raw.contains(r#"[image/png]\n"#) && !raw.contains("AAAA"), "{raw}");
}
