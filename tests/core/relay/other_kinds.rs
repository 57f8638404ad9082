//! Prompts, resources and templates:
//! docs/protocol.md#prompts-and-resources.

use super::world::World;
use mcp_endpoint_server::relay::Peer;
use serde_json::json;

const ABLE: &str = r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true}}"#;

fn able_tool(world: &mut World, name: &str) -> Peer {
    let tool = world.tool("a");
    world.handshake(tool, name, &[name], ABLE);
    tool
}

#[test]
fn they_are_asked_for_only_when_a_robot_first_asks_and_then_kept() {
    let mut world = World::new();
    let tool = able_tool(&mut world, "one");
    let unable = world.ready_tool("a", "two", &["x"]);
    let robot = world.initialised_robot("a");
    for (method, member, key) in [
        ("prompts/list", "prompts", "name"),
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ] {
        world.asks(robot, "1", method);
        let id = world.asked(tool, method);
        world.answers(tool, id, &json!({member: [{key: "p:1"}], "nextCursor": "2"}).to_string());
        let id = world.asked(tool, method);
        world.answers(tool, id, &json!({member: [{key: "p:2"}]}).to_string());
        let expected = json!({"jsonrpc":"2.0","id":1,"result":{member:[{key:"p:1"},{key:"p:2"}]}});
        let answers = world.receives_all(robot);
        assert_eq!(answers.iter().filter(|m| m.get("id").is_some()).count(), 1);
        assert!(answers.contains(&expected), "{answers:?}");
        world.asks(robot, "2", method);
        assert_eq!(world.receives(robot)["id"], 2);
        world.is_silent(tool);
    }
    world.is_silent(unable);
}

#[test]
fn a_prompt_goes_to_who_offers_it_even_if_nobody_has_listed_yet() {
    let mut world = World::new();
    let (one, two) = (able_tool(&mut world, "one"), able_tool(&mut world, "two"));
    let robot = world.initialised_robot("a");
    world.sends(robot, r#"{"id":1,"method":"prompts/get","params":{"name":"p"}}"#);
    let id = world.asked(one, "prompts/list");
    world.answers(one, id, r#"{"prompts":[{"name":"q"}]}"#);
    let id = world.asked(two, "prompts/list");
    world.answers(two, id, r#"{"prompts":[{"name":"p"}]}"#);
    let id = world.asked(two, "prompts/get");
    world.is_silent(one);
    world.answers(two, id, "{}");
    let answers = world.receives_all(robot);
    assert!(answers.iter().any(|m| m["id"] == 1 && m.get("result").is_some()), "{answers:?}");
    world.sends(robot, r#"{"id":2,"method":"prompts/get","params":{"name":"z"}}"#);
    let error = world.fails(robot, 2, -32602);
    assert_eq!(error["message"], "Unknown prompt: z");
}

#[test]
fn a_prompt_whose_name_is_taken_is_got_by_its_own_name() {
    let mut world = World::new();
    let (one, two) = (able_tool(&mut world, "one"), able_tool(&mut world, "two"));
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "prompts/list");
    for tool in [one, two] {
        let id = world.asked(tool, "prompts/list");
        world.answers(tool, id, r#"{"prompts":[{"name":"p"}]}"#);
    }
    world.receives_all(robot);
    world.sends(robot, r#"{"id":2,"method":"prompts/get","params":{"name":"two__p"}}"#);
    let message = world.receives(two);
    assert_eq!(message["params"]["name"], "p");
    world.is_silent(one);
}

#[test]
fn a_resource_goes_to_who_offers_its_address_or_a_template_of_it() {
    let mut world = World::new();
    let (one, two) = (able_tool(&mut world, "one"), able_tool(&mut world, "two"));
    let robot = world.initialised_robot("a");
    world.sends(robot, r#"{"id":1,"method":"resources/read","params":{"uri":"b://1"}}"#);
    for (tool, uri) in [(one, "a://1"), (two, "b://1")] {
        for message in world.receives_all(tool) {
            let (id, method) = (message["id"].as_u64().unwrap(), message["method"].clone());
            let result = match method.as_str().unwrap() {
                "resources/list" => json!({"resources":[{"uri":uri}]}),
                _ => json!({"resourceTemplates":[{"uriTemplate":format!("{uri}/{{x}}")}]}),
            };
            world.answers(tool, id, &result.to_string());
        }
    }
    assert_eq!(world.receives(two)["params"]["uri"], "b://1");
    for method in ["resources/subscribe", "resources/unsubscribe", "resources/read"] {
        world.sends(
            robot,
            &format!(r#"{{"id":2,"method":"{method}","params":{{"uri":"a:\/\/1\/y"}}}}"#),
        );
        assert_eq!(world.receives(one)["method"], method);
    }
    world.receives_all(robot);
    world.sends(robot, r#"{"id":3,"method":"resources/read","params":{"uri":"c://1"}}"#);
    let error = world.fails(robot, 3, -32602);
    assert_eq!(error["message"], "Unknown resource: c://1");
}

#[test]
fn an_update_of_a_resource_reaches_the_robots() {
    let mut world = World::new();
    let tool = able_tool(&mut world, "one");
    let robot = world.initialised_robot("a");
    let text = r#"{"method":"notifications/resources/updated","params":{"uri":"a://1"}}"#;
    world.sends(tool, text);
    assert_eq!(world.raw(robot), text);
}

#[test]
fn a_change_of_prompts_is_listed_again_and_reported_once_they_are_known() {
    let mut world = World::new();
    let tool = able_tool(&mut world, "one");
    let robot = world.initialised_robot("a");
    world.asks(robot, "1", "prompts/list");
    let id = world.asked(tool, "prompts/list");
    world.answers(tool, id, r#"{"prompts":[]}"#);
    world.receives(robot);
    world.sends(tool, r#"{"method":"notifications/prompts/list_changed"}"#);
    world.seconds(1.0);
    let id = world.asked(tool, "prompts/list");
    world.answers(tool, id, r#"{"prompts":[{"name":"p"}]}"#);
    assert_eq!(world.receives(robot)["method"], "notifications/prompts/list_changed");
    world.is_silent(tool);
}
