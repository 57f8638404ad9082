//! `$ref`s in the schemas of tools, as `xiaozhi-server` reads them (docs/protocol.md#quirk-references).

use super::world::{World, ANNOUNCES, XIAOZHI};
use mcp_endpoint_server::relay::Peer;
use serde_json::{json, Map, Value};

/// Of a schema `xiaozhi-server` keeps these members, and these alone.
fn as_read(tool: &Value) -> Value {
    let mut kept = Map::new();
    kept.insert("type".into(), json!("object"));
    kept.insert("properties".into(), json!({}));
    kept.insert("required".into(), json!([]));
    if let Some(schema) = tool["inputSchema"].as_object() {
        for (member, value) in &mut kept {
            if let Some(given) = schema.get(member) {
                *value = given.clone();
            }
        }
    }
    Value::Object(kept)
}

/// Whether a key `$ref` is anywhere in it.
fn refers(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(refers),
        Value::Object(members) => members.iter().any(|(key, value)| key == "$ref" || refers(value)),
        _ => false,
    }
}

/// What Python's SDK makes of a function with nested models.
fn nested(name: &str) -> String {
    format!(
        r##"{{"name":"{name}","description":"Plans.","inputSchema":{{"$defs":{{"Place":{{"properties":{{"city":{{"title":"City","type":"string"}},"zone":{{"$ref":"#/$defs/Zone","default":"utc"}}}},"required":["city"],"title":"Place","type":"object"}},"Zone":{{"enum":["utc","cst"],"title":"Zone","type":"string"}}}},"properties":{{"from":{{"$ref":"#/$defs/Place"}},"via":{{"anyOf":[{{"items":{{"$ref":"#/$defs/Place"}},"type":"array"}},{{"type":"null"}}],"default":null,"title":"Via"}}}},"required":["from"],"title":"{name}Arguments","type":"object"}}}}"##
    )
}

fn tool_that_lists(world: &mut World, tools: &str) -> Peer {
    let tool = world.tool("a");
    world.greets(tool, "calc", ANNOUNCES);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &format!(r#"{{"tools":[{tools}]}}"#));
    tool
}

#[test]
fn references_are_replaced_for_the_robot_that_drops_definitions_and_for_no_other() {
    let mut world = World::new();
    let plain = r##"{"name":"add", "inputSchema":{"default":{"$ref":"#/$defs/X"}} }"##;
    let list = format!("{},{plain},{}", nested("plan"), nested("again"));
    tool_that_lists(&mut world, &list);
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    let raw = world.raw(robot);
    assert!(raw.contains(plain), "what has no reference stays byte for byte: {raw}");
    let read: Value = serde_json::from_str(&raw).unwrap();
    let tools = read["result"]["tools"].as_array().unwrap();
    let place = json!({
        "properties": {
            "city": {"title": "City", "type": "string"},
            "zone": {"enum": ["utc", "cst"], "title": "Zone", "type": "string", "default": "utc"},
        },
        "required": ["city"], "title": "Place", "type": "object"
    });
    for tool in [&tools[0], &tools[2]] {
        let schema = as_read(tool);
        assert!(!refers(&schema), "{schema}");
        assert_eq!(schema["properties"]["from"], place);
        assert_eq!(schema["properties"]["via"]["anyOf"][0]["items"], place);
        assert_eq!(schema["required"], json!(["from"]));
        assert_eq!(tool["description"], "Plans.");
    }
    // Other robots get what the tool server sent.
    let other = world.robot_named("a", "test");
    world.asks(other, "2", "tools/list");
    assert!(world.raw(other).contains(&list));
}

#[test]
fn without_quirks_references_stay() {
    let mut world = World::with(|policy| policy.quirks = false);
    tool_that_lists(&mut world, &nested("plan"));
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    assert!(world.raw(robot).contains(&nested("plan")));
    world.change_policy(|policy| policy.quirks = true);
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    let raw = world.raw(robot);
    assert!(!raw.contains("$ref"), "{raw}");
    world.change_policy(|policy| policy.quirks = false);
    world.asks(robot, "2", "tools/list");
    assert!(world.raw(robot).contains(&nested("plan")));
}

#[test]
fn a_changed_list_and_a_renamed_tool_have_no_references_either() {
    let mut world = World::new();
    let tool = tool_that_lists(&mut world, &nested("plan"));
    let other = world.tool("a");
    world.greets(other, "pi", ANNOUNCES);
    let id = world.asked(other, "tools/list");
    world.answers(other, id, &format!(r#"{{"tools":[{}]}}"#, nested("plan")));
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    let raw = world.raw(robot);
    assert!(!raw.contains("$ref"), "{raw}");
    let read: Value = serde_json::from_str(&raw).unwrap();
    let names: Vec<_> = read["result"]["tools"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["plan", "pi__plan"]);
    world.seconds(2.0);
    world.sends_list_changed(tool);
    world.seconds(1.0);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, &format!(r#"{{"tools":[{}]}}"#, nested("other")));
    let again = world.raw(robot);
    assert!(again.contains("\"other\"") && !again.contains("$ref"), "{again}");
}

#[test]
fn schemas_are_made_once_for_each_list_and_accounted_for() {
    let mut world = World::new();
    let tools: Vec<String> = (0..120).map(|n| nested(&format!("plan{n}"))).collect();
    let tool = tool_that_lists(&mut world, &tools.join(","));
    let robot = world.robot_named("a", XIAOZHI);
    let before = world.kept_for("a");
    world.asks(robot, "2", "tools/list");
    world.raw(robot);
    let kept = world.kept_for("a");
    assert!(kept > before + 120 * 300, "{before} {kept}");
    for _ in 0..3 {
        world.asks(robot, "2", "tools/list");
        world.raw(robot);
        assert_eq!(world.kept_for("a"), kept);
    }
    world.sends_list_changed(tool);
    world.seconds(1.0);
    let id = world.asked(tool, "tools/list");
    world.answers(tool, id, r#"{"tools":[{"name":"add"}]}"#);
    assert_eq!(world.shown_tools(robot), ["add"]);
    assert!(world.kept_for("a") < before);
}

#[test]
fn pages_are_measured_without_references() {
    let mut world = World::new();
    // Each is small, and 8 KB once what it names stands in its place.
    let tool = |n: usize| {
        format!(
            r##"{{"name":"t{n}","inputSchema":{{"properties":{{"a":{{"$ref":"#/$defs/D"}},"b":{{"$ref":"#/$defs/D"}},"c":{{"$ref":"#/$defs/D"}},"d":{{"$ref":"#/$defs/D"}}}},"$defs":{{"D":{{"title":"{}"}}}}}}}}"##,
            "x".repeat(2000)
        )
    };
    let tools: Vec<String> = (0..170).map(tool).collect();
    assert!(tools.concat().len() < 500_000);
    tool_that_lists(&mut world, &tools.join(","));
    let robot = world.robot_named("a", XIAOZHI);
    let (mut names, mut params, mut pages) = (Vec::new(), "{}".to_owned(), 0);
    loop {
        world.sends(robot, &format!(r#"{{"id":2,"method":"tools/list","params":{params}}}"#));
        let raw = world.raw(robot);
        assert!(raw.len() < 1 << 20 && !raw.contains("$ref"));
        pages += 1;
        let page: Value = serde_json::from_str(&raw).unwrap();
        let tools = page["result"]["tools"].as_array().unwrap();
        names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["result"].get("nextCursor") else { break };
        params = format!(r#"{{"cursor":{cursor}}}"#);
    }
    assert_eq!((names.len(), pages), (170, 2));
}

#[test]
fn a_list_that_would_grow_without_end_stays_small() {
    let mut world = World::new();
    let definition = |n: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/{}"}}"##, n + 1);
        format!(r#""{n}":{{"anyOf":[{}]}}"#, vec![next; 10].join(","))
    };
    let definitions: Vec<String> = (0..20).map(definition).collect();
    let tool = format!(
        r##"{{"name":"laughs","inputSchema":{{"properties":{{"p":{{"$ref":"#/$defs/0"}}}},"$defs":{{{}}}}}}}"##,
        definitions.join(",")
    );
    tool_that_lists(&mut world, &format!("{tool},{}", nested("plan")));
    let robot = world.robot_named("a", XIAOZHI);
    world.asks(robot, "2", "tools/list");
    let raw = world.raw(robot);
    assert!(raw.len() < 100_000 && !raw.contains("$ref"), "{}", raw.len());
    assert!(raw.contains(r#""zone":{"enum""#), "the other tool is whole");
}
