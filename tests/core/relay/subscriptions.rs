//! `resources/subscribe` and `resources/unsubscribe`:
//! docs/protocol.md#subscriptions.

use super::world::World;
use mcp_endpoint_server::relay::Peer;
use serde_json::{json, Value};

const ABLE: &str =
    r#"{"tools":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true}}"#;

/// A tool server that offers resources connects.
fn tool(world: &mut World, name: &str) -> Peer {
    let tool = world.tool("a");
    world.handshake(tool, name, &[name], ABLE);
    tool
}

/// The tool server answers what it is asked, and lists its two resources; what else it was asked.
fn answers_all(world: &mut World, tool: Peer) -> Vec<(String, String)> {
    let mut asked = Vec::new();
    loop {
        let messages = world.receives_all(tool);
        if messages.is_empty() {
            return asked;
        }
        for message in messages {
            let Some(id) = message["id"].as_u64() else { continue };
            let method = message["method"].as_str().unwrap().to_owned();
            let result = match &*method {
                "resources/list" => json!({"resources":[{"uri":"a://1"},{"uri":"a://2"}]}),
                "resources/templates/list" => json!({"resourceTemplates":[]}),
                _ => {
                    asked.push((method, message["params"]["uri"].as_str().unwrap().to_owned()));
                    json!({})
                }
            };
            world.answers(tool, id, &result.to_string());
        }
    }
}

fn sends(world: &mut World, robot: Peer, method: &str, uri: &str) {
    world.sends(
        robot,
        &format!(r#"{{"id":7,"method":"resources/{method}","params":{{"uri":"{uri}"}}}}"#),
    );
}

fn is_answered(world: &mut World, robot: Peer) -> Value {
    let all = world.receives_all(robot);
    let mut answers = all.into_iter().filter(|message| message.get("id").is_some());
    let answer = answers.next().expect("no answer");
    assert!(answer["id"] == 7 && answers.next().is_none());
    answer
}

/// The robot subscribes, and the tool server is asked to.
fn subscribes(world: &mut World, robot: Peer, tool: Peer, uri: &str) {
    sends(world, robot, "subscribe", uri);
    assert_eq!(answers_all(world, tool), [("resources/subscribe".to_owned(), uri.to_owned())]);
    assert_eq!(is_answered(world, robot)["result"], json!({}));
}

fn unsubscribe(uri: &str) -> (String, String) {
    ("resources/unsubscribe".to_owned(), uri.to_owned())
}

#[test]
fn the_last_robot_that_unsubscribes_ends_the_subscription() {
    let mut world = World::new();
    let tool = tool(&mut world, "calc");
    let [one, two] = [(); 2].map(|()| world.initialised_robot("a"));
    subscribes(&mut world, one, tool, "a://1");
    subscribes(&mut world, two, tool, "a://1");
    subscribes(&mut world, two, tool, "a://1");
    let stranger = world.initialised_robot("a");
    for robot in [stranger, one] {
        sends(&mut world, robot, "unsubscribe", "a://1");
        assert_eq!(is_answered(&mut world, robot)["result"], json!({}));
        world.is_silent(tool);
    }
    sends(&mut world, two, "unsubscribe", "a://1");
    assert_eq!(answers_all(&mut world, tool), [unsubscribe("a://1")]);
    assert_eq!(is_answered(&mut world, two)["result"], json!({}));
    // Nobody is subscribed: it is passed on like anything else.
    sends(&mut world, two, "unsubscribe", "a://1");
    assert_eq!(answers_all(&mut world, tool), [unsubscribe("a://1")]);
}

#[test]
fn what_only_a_robot_wanted_that_has_left_is_unsubscribed() {
    let mut world = World::new();
    let tool = tool(&mut world, "calc");
    let [one, two] = [(); 2].map(|()| world.initialised_robot("a"));
    subscribes(&mut world, one, tool, "a://1");
    subscribes(&mut world, two, tool, "a://1");
    subscribes(&mut world, one, tool, "a://2");
    world.leaves(one);
    assert_eq!(answers_all(&mut world, tool), [unsubscribe("a://2")]);
    world.leaves(two);
    assert_eq!(answers_all(&mut world, tool), [unsubscribe("a://1")]);
    assert_eq!(world.relay.traffic().replies_dropped, 0);
}

#[test]
fn a_tool_that_comes_back_is_subscribed_again_to_what_is_wanted() {
    for wait in [1.0, 100.0] {
        let mut world = World::new();
        let gone = tool(&mut world, "calc");
        let [one, two] = [(); 2].map(|()| world.initialised_robot("a"));
        subscribes(&mut world, one, gone, "a://1");
        subscribes(&mut world, two, gone, "a://2");
        world.leaves(gone);
        world.leaves(two);
        world.seconds(wait);
        let other = world.tool("a");
        world.handshake(other, "other", &["other"], ABLE);
        let back = world.tool("a");
        world.greets(back, "calc", ABLE);
        world.lists(back, &["calc"]);
        let asked = answers_all(&mut world, back);
        assert_eq!(asked, [("resources/subscribe".to_owned(), "a://1".to_owned())]);
        world.is_silent(other);
        world.leaves(one);
        assert_eq!(answers_all(&mut world, back), [unsubscribe("a://1")]);
    }
}

#[test]
fn of_twins_the_one_that_serves_has_the_subscription() {
    let mut world = World::new();
    let older = tool(&mut world, "calc");
    let robot = world.initialised_robot("a");
    subscribes(&mut world, robot, older, "a://1");
    let newer = world.tool("a");
    world.greets(newer, "calc", ABLE);
    world.lists(newer, &["calc"]);
    let subscribe = [("resources/subscribe".to_owned(), "a://1".to_owned())];
    assert_eq!(answers_all(&mut world, newer), subscribe);
    assert_eq!(answers_all(&mut world, older), [unsubscribe("a://1")]);
    world.leaves(newer);
    assert_eq!(answers_all(&mut world, older), subscribe);
}

#[test]
fn there_is_an_end_to_what_a_robot_may_subscribe_to() {
    let mut world = World::new();
    let tool = tool(&mut world, "calc");
    let robot = world.initialised_robot("a");
    sends(&mut world, robot, "subscribe", "a://1");
    answers_all(&mut world, tool);
    is_answered(&mut world, robot);
    for number in 1..256 {
        sends(&mut world, robot, "subscribe", &format!("b://{number}"));
        assert_eq!(answers_all(&mut world, tool).len(), 1);
        is_answered(&mut world, robot);
    }
    for uri in ["b://more", &"x".repeat(8193)] {
        sends(&mut world, robot, "subscribe", uri);
        assert_eq!(is_answered(&mut world, robot)["error"]["code"], -32002);
        world.is_silent(tool);
    }
    subscribes(&mut world, robot, tool, "a://1");
    world.leaves(robot);
    assert_eq!(answers_all(&mut world, tool).len(), 256);
    world.leaves(tool);
    world.seconds(5.0);
    assert_eq!(world.relay.counts(), Default::default());
}
