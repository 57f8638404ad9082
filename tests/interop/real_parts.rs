//! The real program between peers made with the libraries that real peers are made with: tool
//! servers on the official MCP SDK behind a WebSocket bridge, and robots on `websockets`.
//!
//! Where the Python parts are not installed these tests say `skipped: needs …`; under `CI` they
//! fail instead.

use crate::common::{Parts, Robot, Server};
use serde_json::{json, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The agent that the printed stand-alone address is for.
const AGENT: &str = "single_module";
const PRODUCT: &str = "130000 * 130000";

#[test]
fn the_seed_messages_are_answered_by_the_real_calculator() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let _bridge = parts.bridge(&server.tool_address(), &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    let answers = parts.run("seed_robot.py", &[&robot_url(&server)]);
    assert_eq!(answers.len(), 4, "{answers:#?}");
}

#[test]
fn the_start_of_xiaozhi_server_in_one_burst_is_served() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let _bridge = parts.bridge(&server.tool_address(), &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    let expressions = ["2 ** 10", "math.sqrt(16)", "nonsense"];
    let lines = parts.run("python_robot.py", &[&[&*robot_url(&server)], &expressions[..]].concat());
    let text = lines.join("\n");
    assert_eq!(lines[0], "tools: calculator", "{text}");
    assert!(text.contains(r#""result": 1024"#) && text.contains(r#""result": 4.0"#), "{text}");
    // A failed call's text reaches a robot that looks for `result.error` only.
    assert!(text.contains("failed: Error executing tool calculator: not arithmetic"), "{text}");
}

/// The places of keys `$ref` in a schema.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").map(Value::to_string));
            members.values().for_each(|value| references(value, found));
        }
        _ => (),
    }
}

#[test]
fn nested_models_and_results_of_several_parts_reach_xiaozhi_server_whole() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let _bridge = parts.bridge(&server.tool_address(), &[&["nested.py"]]);
    let mut names: Vec<String> = (0..120).map(|number| format!("plan_{number}")).collect();
    names.push("report".to_owned());
    names.sort();
    wait_offered(&server, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut robot = server.robot(AGENT);
    robot.start();
    let sent = robot.ask("tools/list", json!({})).text;
    assert!(sent.contains("\"$ref\"") && sent.contains("\"$defs\""), "the SDK writes none");
    let lines = parts.run("python_robot.py", &[&*robot_url(&server), "schemas", "@report"]);
    let (schemas, report) = lines[1..].split_at(lines.len() - 1 - 3);
    assert_eq!(schemas.len(), 121);
    for schema in schemas {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let mut dangling = Vec::new();
        references(&schema, &mut dangling);
        assert!(dangling.is_empty(), "{dangling:?} in {schema}");
        if let Some(plan) = schema["properties"].get("plan") {
            let place = &plan["properties"]["start"];
            assert_eq!(place["properties"]["zone"]["enum"], json!(["utc", "cst"]), "{schema}");
            assert_eq!(place["properties"]["city"]["description"], "The name of the city");
            let home = &schema["properties"]["others"]["items"]["properties"]["home"];
            assert_eq!(home["description"], "Where the traveller lives");
            assert_eq!(home["properties"], place["properties"]);
        }
    }
    assert_eq!(report, ["one", "[image/png]", "two"]);
}

#[test]
fn the_console_finds_the_tools_of_an_agent_by_the_printed_address() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let console = server.console_address();
    // The first visit finds nobody, and learns the address that is to be given to the tool.
    let before = parts.run("console.py", &[&console, "agent-7"]);
    assert_eq!(before.len(), 1, "no tool is connected yet: {before:#?}");
    let _bridge = parts.bridge(&before[0], &[&["calculator.py"], &["many.py", "weather"]]);
    wait_offered(&server, &["calculator", "weather_add"]);
    let mut after = parts.run("console.py", &[&console, "agent-7"]);
    after[1..].sort();
    assert_eq!(after[1..], ["calculator", "weather_add"]);
}

#[test]
fn the_data_folder_of_the_python_server_works_as_it_is() {
    let Some(parts) = Parts::find() else { return };
    let key = "0123456789abcdef0123456789abcdef";
    let mut lines = parts.run("old_data.py", &[key, AGENT]);
    let token = lines.pop().unwrap();
    let file = lines.join("\n") + "\n";
    assert!(file.starts_with("[server]\nhost = 0.0.0.0\nport = 8004\n"), "{file}");
    // The file as it is, but no port that somebody else may have.
    let here = Server::builder().config(&file).env("MCP_ENDPOINT_SERVER_HOST", "127.0.0.1");
    let server = here.env("MCP_ENDPOINT_SERVER_PORT", 0).start();
    assert_eq!(server.key(), key);
    // What is printed is the address that was printed before.
    let address = server.tool_address();
    assert!(address.ends_with(&crate::common::escape(&token)), "{address} {token}");
    let _bridge = parts.bridge(&address, &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    // And an address that was given out, its token as Python made it.
    let robot = server.url(&format!("/mcp_endpoint/call/?token={token}"));
    let lines = parts.run("python_robot.py", &[&robot, "6 * 7"]);
    assert!(lines.join("").contains("\"result\": 42"), "{lines:?}");
    assert_eq!(server.folder().read(crate::common::CONFIG), file);
    // That others can read the key in it is all there is to say.
    let log = server.log();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("[WARN]")).collect();
    assert!(warnings.iter().all(|line| line.contains("chmod 600")), "{log}");
}

#[test]
fn a_robot_on_the_official_sdk_lists_and_calls() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let _bridge = parts.bridge(&server.tool_address(), &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    let lines = parts.run("sdk_robot.py", &[&robot_url(&server), PRODUCT]);
    assert_eq!(lines[0], "calculator");
    assert!(lines.join("\n").contains("16900000000"), "{lines:#?}");
}

#[test]
fn a_calculator_on_the_second_generation_of_the_sdk_is_served() {
    let Some(parts) = Parts::find() else { return };
    if !parts.have_second_generation() {
        return;
    }
    let server = Server::start();
    let url = server.tool_address();
    let _bridge = parts.bridge_second_generation(&url, &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    parts.run("seed_robot.py", &[&robot_url(&server)]);
}

#[test]
fn clients_on_both_generations_of_the_sdk_use_the_demo_on_standard_input_and_output() {
    let Some(parts) = Parts::find().filter(|_| cfg!(feature = "children")) else { return };
    let program = crate::common::program().into_string().unwrap();
    parts.run("demo_client.py", &[&program]);
    if parts.have_second_generation() {
        parts.of_second_generation().run("demo_client.py", &[&program]);
    }
}

#[test]
fn the_seed_messages_are_answered_by_the_demo_behind_a_bridge() {
    let Some(parts) = Parts::find().filter(|_| cfg!(feature = "children")) else { return };
    let server = Server::start();
    let program = crate::common::program().into_string().unwrap();
    let _bridge = parts.start("bridge.py", &[&server.tool_address(), &program, "demo"]);
    wait_offered(&server, &["calculator", "now", "roll_dice"]);
    let answers = parts.run("seed_robot.py", &[&robot_url(&server)]);
    assert_eq!(answers.len(), 4, "{answers:#?}");
}

#[test]
fn ten_robots_of_one_agent_use_the_same_ids_at_once() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let _bridge = parts.bridge(&server.tool_address(), &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    let mut robots: Vec<_> = (0..10).map(|_| server.robot(AGENT)).collect();
    robots.iter_mut().for_each(|robot| drop(robot.start()));
    for (number, robot) in robots.iter().enumerate() {
        let expression = format!("{number} + 1000");
        robot.request_call("3", "calculator", json!({ "python_expression": expression }));
    }
    for (number, robot) in robots.iter_mut().enumerate() {
        let answer = robot.answer_to("3");
        let expected = format!("\"result\": {}", number + 1000);
        assert!(answer.content().contains(&expected), "{}", answer.text);
    }
}

#[cfg(unix)]
#[test]
fn a_tool_process_that_is_killed_and_started_again_stays_reachable() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let bridge = parts.bridge(&server.tool_address(), &[&["calculator.py"]]);
    wait_offered(&server, &["calculator"]);
    let mut robot = server.robot(AGENT);
    robot.start();
    for round in 1..=2 {
        let up = bridge.wait_line("up: process", round);
        let answer = robot.call("calculator", json!({ "python_expression": PRODUCT }));
        assert!(answer.content().contains("16900000000"), "{}", answer.text);
        crate::common::signal(up.rsplit(' ').next().unwrap().parse().unwrap(), "KILL");
        bridge.wait_line("down: process", round);
        bridge.wait_line("up: process", round + 1);
        wait_offered(&server, &["calculator"]);
    }
    let answer = robot.call("calculator", json!({ "python_expression": "6 * 7" }));
    assert!(answer.content().contains("\"result\": 42"), "{}", answer.text);
}

#[test]
fn ten_tool_servers_behind_one_address_are_all_listed_and_each_is_called() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let names: Vec<String> = (0..10).map(|number| format!("part{number}")).collect();
    let servers: Vec<[&str; 2]> = names.iter().map(|name| ["many.py", name.as_str()]).collect();
    let servers: Vec<&[&str]> = servers.iter().map(|server| &server[..]).collect();
    let _bridge = parts.bridge(&server.tool_address(), &servers);
    let tools: Vec<String> = names.iter().map(|name| format!("{name}_add")).collect();
    wait_offered(&server, &tools.iter().map(String::as_str).collect::<Vec<_>>());
    let mut robot = server.robot(AGENT);
    robot.start();
    let mut listed = robot.list();
    listed.sort();
    assert_eq!(listed, tools);
    for (name, tool) in names.iter().zip(&tools) {
        let answer = robot.call(tool, json!({ "a": 40, "b": 2 }));
        assert_eq!(answer.content(), format!("{name}: 42"));
    }
}

/// One call of a robot that failed: of which server, and when.
#[derive(Debug)]
struct Failure {
    server: usize,
    sent: Instant,
    got: Instant,
    code: i64,
}

/// Calls every third server in turn, from `first` on, until it is told to stop; what failed, and how many calls there were.
fn call_in_turn(
    mut robot: Robot,
    names: &[String],
    first: usize,
    stop: &AtomicBool,
) -> (Vec<Failure>, usize) {
    let (mut failures, mut calls) = (Vec::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        for (server, name) in names.iter().enumerate().skip(first).step_by(3) {
            let sent = Instant::now();
            let answer = robot.call(&format!("{name}_add"), json!({ "a": calls, "b": 1 }));
            let got = Instant::now();
            calls += 1;
            if answer.json.get("error").is_some() {
                failures.push(Failure { server, sent, got, code: answer.error() });
            } else {
                assert_eq!(answer.content(), format!("{name}: {calls}"));
            }
        }
    }
    (failures, calls)
}

#[cfg(unix)]
#[test]
fn any_of_ten_tool_servers_may_be_killed_under_load_and_only_its_own_calls_fail() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let names: Vec<String> = (0..10).map(|number| format!("part{number}")).collect();
    let servers: Vec<[&str; 2]> = names.iter().map(|name| ["many.py", name.as_str()]).collect();
    let servers: Vec<&[&str]> = servers.iter().map(|server| &server[..]).collect();
    let bridge = parts.bridge(&server.tool_address(), &servers);
    let tools: Vec<String> = names.iter().map(|name| format!("{name}_add")).collect();
    let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
    wait_offered(&server, &tools);
    let stop = Arc::new(AtomicBool::new(false));
    // Each has servers of its own, so that one that waits does not keep the others from calling.
    let robots: Vec<_> = (0..3)
        .map(|first| {
            let mut robot = server.robot(AGENT);
            robot.ws.raw().timeout = Some(crate::common::parts::TIMEOUT);
            robot.start();
            let (names, stop) = (names.clone(), Arc::clone(&stop));
            std::thread::spawn(move || call_in_turn(robot, &names, first, &stop))
        })
        .collect();
    let mut kills: Vec<(usize, Instant)> = Vec::new();
    for dying in [&[3][..], &[7], &[0, 3, 9]] {
        // One robot at least has all its servers all the time.
        for number in dying {
            let lives = 1 + kills.iter().filter(|(killed, _)| killed == number).count();
            let up = bridge.wait_line(&format!("up: process of {}, ", names[*number]), lives);
            kills.push((*number, Instant::now()));
            crate::common::signal(up.rsplit(' ').next().unwrap().parse().unwrap(), "KILL");
        }
        for number in dying {
            let lives = 1 + kills.iter().filter(|(killed, _)| killed == number).count();
            bridge.wait_line(&format!("up: process of {}, ", names[*number]), lives);
        }
        // Whole again by itself, and each of them serves.
        wait_offered(&server, &tools);
        let mut robot = server.robot(AGENT);
        robot.ws.raw().timeout = Some(crate::common::parts::TIMEOUT);
        robot.start();
        let mut listed = robot.list();
        listed.sort();
        assert_eq!(listed, tools);
        for number in dying {
            let answer = robot.call(tools[*number], json!({ "a": 1, "b": 1 }));
            assert_eq!(answer.content(), format!("{}: 2", names[*number]));
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut calls = 0;
    for robot in robots {
        let (failures, called) = robot.join().unwrap();
        calls += called;
        for failure in failures {
            assert_eq!(failure.code, -32003, "{failure:?}");
            let own = kills.iter().filter(|(server, _)| *server == failure.server);
            // A killed process is noticed a moment after it was killed.
            let moment = Duration::from_secs(2);
            let mut during = own.map(|(_, at)| *at..*at + moment);
            assert!(
                during.any(|time| time.contains(&failure.got)),
                "not its own death: {failure:?} {kills:?}"
            );
            assert!(failure.got - failure.sent < moment, "not at once: {failure:?}");
        }
    }
    assert!(calls >= 100, "there was no load: {calls} calls");
}

fn robot_url(server: &Server) -> String {
    server.url(&server.robot_path(AGENT))
}

/// Waits until the server tells that it knows tools with these names, sorted, and no others.
fn wait_offered(server: &Server, names: &[&str]) {
    server.wait_health(crate::common::parts::TIMEOUT, "the tools", |connections| {
        let servers = connections["mcp_servers"].as_object()?.values();
        let labels = servers.filter_map(|agent| agent.as_object()).flat_map(|agent| agent.values());
        let mut known: Vec<&str> = labels
            .filter_map(|label| label["tools"].as_array())
            .flatten()
            .filter_map(|tool| tool.as_str())
            .collect();
        known.sort_unstable();
        (known == names).then_some(())
    });
}
