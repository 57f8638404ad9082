//! Prompts, resources and templates of several servers: merged, routed, asked for only when a
//! robot asks.

use super::{asked, wait_tools};
use crate::common::{Answer, Ending, Message, Robot, Server, Tool};
use serde_json::{json, Value};

/// A server with a prompt, a resource and a template of its own, and a prompt both have.
fn librarian(server: &Server, name: &'static str) -> Tool {
    let capabilities = json!({
        "tools": { "listChanged": true },
        "prompts": { "listChanged": true },
        "resources": { "subscribe": true, "listChanged": true },
    });
    let list = |member: &'static str, items: Value| {
        move |_: &Message| Answer::Result(json!({ member: items }))
    };
    let prompts = json!([{ "name": format!("{name}-prompt") }, { "name": "help" }]);
    let resources = json!([{ "uri": format!("{name}://index"), "name": "index" }]);
    let templates = json!([{ "uriTemplate": format!("{name}://book/{{id}}"), "name": "book" }]);
    let mut tool = server
        .tool("a")
        .named(name)
        .sends("capabilities", capabilities)
        .on("prompts/list", list("prompts", prompts))
        .on("resources/list", list("resources", resources))
        .on("resources/templates/list", list("resourceTemplates", templates));
    for method in ["prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe"]
    {
        tool = tool.on(method, move |message| {
            Answer::Result(json!({ "by": name, "asked": message.json["params"] }))
        });
    }
    tool.connect()
}

fn names(robot: &mut Robot, method: &str, member: &str, key: &str) -> Vec<String> {
    let answer = robot.ask(method, json!({}));
    assert!(answer.result().get("nextCursor").is_none(), "{}", answer.text);
    let items = answer.result()[member].as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

const LISTS: [&str; 3] = ["prompts/list", "resources/list", "resources/templates/list"];

#[test]
fn prompts_resources_and_templates_are_merged_and_asked_for_only_when_a_robot_asks() {
    let server = Server::start();
    let (one, two) = (librarian(&server, "one"), librarian(&server, "two"));
    let plain = server.tool("a").named("plain").offers(&["now"]).connect();
    let mut robot = server.robot("a");
    robot.start();
    robot.list();
    for tool in [&one, &two, &plain] {
        assert!(LISTS.iter().all(|method| asked(tool, method) == 0), "nobody has asked yet");
    }
    let prompts = names(&mut robot, "prompts/list", "prompts", "name");
    assert_eq!(prompts, ["one-prompt", "help", "two-prompt", "two__help"]);
    let resources = names(&mut robot, "resources/list", "resources", "uri");
    assert_eq!(resources, ["one://index", "two://index"]);
    let templates =
        names(&mut robot, "resources/templates/list", "resourceTemplates", "uriTemplate");
    assert_eq!(templates, ["one://book/{id}", "two://book/{id}"]);
    for method in LISTS {
        assert_eq!((asked(&one, method), asked(&two, method)), (1, 1), "{method}");
        assert_eq!(asked(&plain, method), 0, "it declares no such thing");
        robot.ask(method, json!({}));
        assert_eq!(asked(&one, method), 1, "it announces changes: {method}");
    }
}

#[test]
fn prompts_and_resources_are_routed_to_whom_they_belong_before_anybody_has_listed() {
    let server = Server::start();
    let (_one, _two) = (librarian(&server, "one"), librarian(&server, "two"));
    let mut robot = server.robot("a");
    for name in ["two", "one"] {
        let prompt = format!("{name}-prompt");
        let answer = robot.ask("prompts/get", json!({ "name": prompt, "arguments": {} }));
        assert_eq!(
            (&answer.result()["by"], &answer.result()["asked"]["name"]),
            (&json!(name), &json!(prompt))
        );
        for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
            for uri in [format!("{name}://index"), format!("{name}://book/42")] {
                let answer = robot.ask(method, json!({ "uri": uri }));
                assert_eq!(answer.result()["by"], name, "{method} {uri}");
                assert_eq!(answer.result()["asked"]["uri"], uri);
            }
        }
    }
    let answer = robot.ask("prompts/get", json!({ "name": "two__help" }));
    assert_eq!(answer.result(), &json!({ "by": "two", "asked": { "name": "help" } }));
    assert_eq!(robot.ask("prompts/get", json!({ "name": "nothing" })).error(), -32602);
    assert_eq!(robot.ask("resources/read", json!({ "uri": "three://index" })).error(), -32602);
}

#[test]
fn names_of_prompts_stay_when_their_first_owner_restarts() {
    let server = Server::start();
    let (one, _two) = (librarian(&server, "one"), librarian(&server, "two"));
    let mut robot = server.robot("a");
    let before = names(&mut robot, "prompts/list", "prompts", "name");
    one.die(Ending::Reset);
    wait_tools(&server, 1);
    let _one = librarian(&server, "one");
    let answer = robot.ask("prompts/get", json!({ "name": "help" }));
    assert_eq!(answer.result()["by"], "one", "who had the name first keeps it");
    assert_eq!(names(&mut robot, "prompts/list", "prompts", "name"), before);
    assert_eq!(robot.ask("prompts/get", json!({ "name": "two__help" })).result()["by"], "two");
}

#[test]
fn a_prompt_of_a_server_that_restarts_is_served_when_it_is_back() {
    let server = Server::start();
    let (one, _two) = (librarian(&server, "one"), librarian(&server, "two"));
    let mut robot = server.robot("a");
    names(&mut robot, "prompts/list", "prompts", "name");
    names(&mut robot, "resources/list", "resources", "uri");
    one.die(Ending::Reset);
    wait_tools(&server, 1);
    robot.request("\"p\"", "prompts/get", json!({ "name": "one-prompt" }));
    robot.request("\"r\"", "resources/read", json!({ "uri": "one://index" }));
    robot.ws.expect_silence();
    let _one = librarian(&server, "one");
    assert_eq!(robot.answer_to("\"p\"").result()["by"], "one");
    assert_eq!(robot.answer_to("\"r\"").result()["by"], "one");
}

#[test]
fn other_requests_go_to_those_who_declare_them() {
    let server = Server::start();
    let able = |name: &str, capability: &str| {
        let capabilities = json!({ "tools": {}, capability: {} });
        let tool = server.tool("a").named(name).sends("capabilities", capabilities);
        tool.on("logging/setLevel", |_| Answer::Result(json!({})))
            .on("completion/complete", |_| {
                Answer::Result(json!({ "completion": { "values": [] } }))
            })
            .connect()
    };
    let (logging, completing) = (able("logging", "logging"), able("completing", "completions"));
    let also_logging = able("also-logging", "logging");
    let mut robot = server.robot("a");
    robot.ask("logging/setLevel", json!({ "level": "info" })).result();
    robot.ask("completion/complete", json!({})).result();
    for (tool, counts) in [(&logging, (1, 0)), (&completing, (0, 1)), (&also_logging, (1, 0))] {
        assert_eq!((asked(tool, "logging/setLevel"), asked(tool, "completion/complete")), counts);
    }
    assert_eq!(robot.ask("sampling/createMessage", json!({})).error(), -32601);
    assert!(robot.aside.is_empty(), "one answer to each: {:?}", robot.aside);
}

#[test]
fn several_tools_introduce_themselves_as_one_server() {
    let server = Server::start();
    let tool = |name: &str, version: &str, says: &str| {
        server
            .tool("a")
            .named(name)
            .sends("protocolVersion", json!(version))
            .sends("instructions", json!(says))
            .connect()
    };
    let _new = tool("new", "2025-06-18", "Be kind.");
    let _old = tool("old", "2024-11-05", "Be brief.");
    let _librarian = librarian(&server, "one");
    let answer = server.robot("a").start();
    let result = answer.result();
    assert_eq!(result["protocolVersion"], "2024-11-05");
    assert_eq!(result["serverInfo"]["name"], "mcp-endpoint-server");
    let instructions = result["instructions"].as_str().unwrap();
    assert!(instructions.contains("Be kind.") && instructions.contains("Be brief."));
    let capabilities = &result["capabilities"];
    assert_eq!(capabilities["tools"]["listChanged"], true);
    assert_eq!(capabilities["resources"]["subscribe"], true);
    assert!(capabilities["prompts"].is_object(), "{capabilities}");
}
