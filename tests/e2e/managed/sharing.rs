//! One child for several agents (docs/protocol.md#shared-tool-servers).

use super::*;

#[test]
fn every_agent_sees_and_calls_the_tools_of_all_entries() {
    let (server, _folder) = start(json!({
        "demo": demo(), "other": shell("hang", ""), "off": {"command": "x", "disabled": true}
    }));
    wait_log(&server, "tool server demo: ready", 1);
    wait_log(&server, "tool server other: ready", 1);
    for agent in ["kitchen", "客厅"] {
        let mut robot = robot(&server, agent);
        let mut tools = robot.list();
        tools.sort();
        assert_eq!(tools, ["calculator", "hang", "now", "roll_dice"]);
        assert_eq!(product(&mut robot), r#"{"success": true, "result": 16900000000}"#);
    }
}

#[test]
fn two_agents_use_the_same_ids_at_once_and_nothing_is_mixed_up() {
    let (server, _folder) = start(json!({"demo": demo()}));
    wait_log(&server, "tool server demo: ready", 1);
    let agents: Vec<_> = (0..2)
        .map(|agent| {
            let mut robot = robot(&server, &format!("agent {agent}"));
            robot.list();
            std::thread::spawn(move || {
                for round in 0..50 {
                    for id in 0..20 {
                        let sum = format!("{agent} * 1000000 + {round} * 1000 + {id}");
                        robot.request_call(
                            &format!("{}", 100 + id),
                            "calculator",
                            json!({"python_expression": sum}),
                        );
                    }
                    for id in 0..20 {
                        let answer = robot.answer_to(&format!("{}", 100 + id)).content().to_owned();
                        let sum = agent * 1_000_000 + round * 1000 + id;
                        assert_eq!(answer, format!(r#"{{"success": true, "result": {sum}}}"#));
                    }
                }
            })
        })
        .collect();
    agents.into_iter().for_each(|agent| agent.join().unwrap());
}

/// (docs/protocol.md#share-of-a-tool-server)
#[test]
fn an_agent_that_floods_a_child_delays_no_other() {
    let (server, _folder) = start(json!({"slow": shell("hang", ""), "demo": demo()}));
    wait_ready(&server, &["slow", "demo"]);
    let (mut one, mut other) = (robot(&server, "one"), robot(&server, "other"));
    assert_eq!((one.list().len(), other.list().len()), (4, 4));
    // 64 calls that are never answered, and one more.
    for id in 0..64 {
        one.request_call(&format!("{}", 1000 + id), "hang", json!({}));
    }
    one.request_call("2000", "hang", json!({}));
    let refused = one.answer_to("2000");
    assert_eq!(refused.error(), -32002);
    assert!(refused.text.contains("64 calls"), "{}", refused.text);
    let padding = "x".repeat(1 << 16);
    let arguments = json!({"python_expression": "1 + 1", "padding": padding});
    (0..60).for_each(|id| {
        one.request_call(&format!("{}", 3000 + id), "calculator", arguments.clone())
    });
    let asked = Instant::now();
    assert!(product(&mut other).contains("16900000000"));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    (0..60).for_each(|id| drop(one.answer_to(&format!("{}", 3000 + id))));
}

/// (docs/protocol.md#stdio-start)
#[test]
fn a_robot_that_comes_at_the_same_time_waits_for_a_child() {
    let (server, _folder) = start(json!({"late": shell("late", "sleep 1")}));
    let mut robot = robot(&server, "kitchen");
    assert_eq!(robot.list(), ["late"]);
}

/// (docs/protocol.md#managed-names)
#[test]
fn a_connection_with_the_name_of_an_entry_gets_another_label() {
    let (server, _folder) = start(json!({"demo": demo()}));
    wait_log(&server, "tool server demo: ready", 1);
    let path = format!("{}&server_id=demo", server.tool_path("kitchen"));
    let _tool = server.ws(&path);
    wait_log(&server, r#"it is called "demo-2""#, 1);
    let mut robot = robot(&server, "kitchen");
    assert!(product(&mut robot).contains("16900000000"));
}

#[test]
fn a_connection_that_calls_itself_like_an_entry_gets_another_label() {
    let (server, _folder) = start(json!({"demo": demo(), "test-tool": shell("own", "")}));
    wait_ready(&server, &["demo", "test-tool"]);
    let _tool = server.tool("kitchen").offers(&["theirs"]).connect();
    let mut robot = robot(&server, "kitchen");
    wait_until("all are there", || robot.list().len() == 5);
    let servers = server.connections();
    let servers = servers["mcp_servers"]["kitchen"].as_object().unwrap();
    let tools = |label: &str| servers[label]["tools"][0].as_str().unwrap().to_owned();
    assert_eq!((tools("test-tool"), tools("test-tool-2")), ("own".into(), "theirs".into()));
}

#[test]
fn entries_do_not_count_towards_the_limits_of_connections() {
    let builder = Server::builder().set("websocket", "max_connections", 2);
    let builder = builder.set("websocket", "max_connections_per_agent", 2);
    let (server, _folder) = start_with(
        builder,
        json!({"demo": demo(), "one": shell("one", ""), "two": shell("two", "")}),
    );
    wait_ready(&server, &["demo", "one", "two"]);
    let (mut first, mut second) = (robot(&server, "kitchen"), robot(&server, "kitchen"));
    assert_eq!((first.list().len(), second.list().len()), (5, 5));
}

#[test]
fn a_demonstration_has_a_calculator_at_once() {
    let server = Server::builder().arg("--demo").start();
    let mut robot = robot(&server, "single_module");
    assert_eq!(robot.list(), ["calculator", "now", "roll_dice"]);
    assert!(product(&mut robot).contains("16900000000"));
}

#[test]
fn the_tools_of_known_agents_are_seen_before_robots_come() {
    let mut entry = demo();
    entry["agents"] = json!(["kitchen"]);
    let (server, _folder) = start(json!({"all": shell("one", ""), "demo": entry}));
    wait_ready(&server, &["all", "demo"]);
    let count = |agent: &str| {
        let servers = &server.connections()["mcp_servers"][agent];
        let servers = servers.as_object().map(|servers| servers.values().cloned().collect());
        let counts = servers.unwrap_or_else(Vec::new);
        counts.iter().map(|server| server["tools_count"].as_u64().unwrap()).sum::<u64>()
    };
    wait_until("they are listed", || (count("single_module"), count("kitchen")) == (1, 4));
}
