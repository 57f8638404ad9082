//! The servers file of a running server (docs/protocol.md#servers-file).

use super::*;

#[test]
fn an_entry_for_one_agent_is_not_seen_by_another() {
    let mut entry = demo();
    entry["agents"] = json!(["kitchen"]);
    let (server, _folder) = start(json!({"demo": entry, "all": shell("hang", "")}));
    wait_log(&server, "tool server demo: ready", 1);
    wait_log(&server, "tool server all: ready", 1);
    assert_eq!(robot(&server, "kitchen").list().len(), 4);
    assert_eq!(robot(&server, "bedroom").list(), ["hang"]);
}

/// (docs/protocol.md#servers-file-tools)
#[test]
fn an_entry_says_which_tools_it_offers_and_how_long_a_call_may_take() {
    let mut entry = demo();
    entry["tools"] =
        json!({"calculator": {"description": "Adds."}, "roll_dice": {"enabled": false}});
    let mut slow = shell("hang", "");
    slow["timeout"] = json!(0.5);
    slow["tools"] = json!({"allow": ["h*"]});
    let (server, _folder) = start(json!({"demo": entry, "slow": slow}));
    wait_ready(&server, &["demo", "slow"]);
    let mut robot = robot(&server, "kitchen");
    let answer = robot.ask("tools/list", json!({}));
    let tools = answer.result()["tools"].as_array().unwrap().clone();
    let mut names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["calculator", "hang", "now"]);
    let calculator = tools.iter().find(|tool| tool["name"] == "calculator").unwrap();
    assert_eq!(calculator["description"], "Adds.");
    assert_eq!(robot.call("roll_dice", json!({})).error(), -32602);
    assert_eq!(robot.call("hang", json!({})).error(), -32005);
}

/// (docs/protocol.md#servers-file-reload)
#[test]
fn a_reload_touches_only_the_entries_that_have_changed() {
    let entries = json!({"same": demo(), "changed": shell("one", ""), "gone": shell("two", "")});
    let (server, folder) = start(entries);
    for name in ["same", "changed", "gone"] {
        wait_log(&server, &format!("tool server {name}: ready"), 1);
    }
    let ids = ["same", "changed", "gone"].map(|name| process_of(&server, name, 1));
    let mut robot = robot(&server, "kitchen");
    assert_eq!(robot.list().len(), 5);
    let entries = json!({"same": demo(), "changed": shell("three", ""), "new": shell("four", "")});
    folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
    // Two in a row restart nothing twice.
    server.process().signal("HUP");
    wait_log(&server, "tool server gone: stopped", 1);
    wait_log(&server, "tool server changed: ready", 2);
    wait_log(&server, "tool server new: ready", 1);
    server.process().signal("HUP");
    wait_log(&server, "configuration was read again", 2);
    // What was lost just now is still listed for `reconnect_grace`.
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let mut tools = robot.list();
        tools.sort();
        if tools == ["calculator", "four", "now", "roll_dice", "three"] {
            break;
        }
        assert!(Instant::now() < deadline, "{tools:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(lives(ids[0]) && !lives(ids[1]) && !lives(ids[2]));
    let log = server.process().transcript();
    let starts = |name: &str| log.matches(&format!("tool server {name}: started")).count();
    assert_eq!((starts("same"), starts("changed"), starts("new")), (1, 2, 1));
    // A file that is wrong changes nothing.
    folder.write("servers.json", "{");
    server.process().signal("HUP");
    wait_log(&server, "line 1, column 2", 1);
    assert!(product(&mut robot).contains("16900000000"));
}

/// (docs/protocol.md#servers-file-reload)
#[test]
fn two_signals_at_once_restart_a_changed_entry_once_and_never_run_it_twice_at_a_time() {
    let slow = |tool: &str| shell(tool, "trap 'sleep 0.3; echo is over >&2' EXIT");
    let (server, folder) = start(json!({"changed": slow("one"), "last": demo()}));
    wait_ready(&server, &["changed", "last"]);
    folder.write(
        "servers.json",
        &json!({"mcpServers": {"changed": slow("two"), "last": demo()}}).to_string(),
    );
    server.process().signal("HUP");
    server.process().signal("HUP");
    wait_log(&server, "tool server changed: ready", 2);
    // Once more, to see all that was started.
    folder.write("servers.json", &json!({"mcpServers": {"last": demo()}}).to_string());
    server.process().signal("HUP");
    wait_log(&server, "tool server changed: stopped", 2);
    let log = server.process().transcript();
    let events = log.lines().filter_map(|line| {
        let events = ["changed: started", "[changed] is over"];
        events.into_iter().find(|event| line.contains(event))
    });
    let events: Vec<&str> = events.collect();
    let run = ["changed: started", "[changed] is over"];
    assert_eq!(events, [run, run].concat());
    assert_eq!(log.matches("last: started").count(), 1);
}

/// (docs/protocol.md#stdio-environment)
#[test]
fn no_child_inherits_what_another_entry_names_even_if_that_does_not_run() {
    let mut child = shell("hang", r#"echo has "${HIDDEN_A-}${HIDDEN_B-}${LATER-}$OWN." >&2"#);
    child["env"] = json!({"NAMES": "${OWN}"});
    let off = json!({"command": "x", "args": ["${HIDDEN_A}"], "disabled": true});
    let wrong = json!({"command": "x", "args": ["${UNSET}"], "env": {"X": "${HIDDEN_B}"}});
    let variables = [("HIDDEN_A", "a"), ("HIDDEN_B", "b"), ("LATER", "later"), ("OWN", "own")];
    let builder =
        variables.iter().fold(Server::builder(), |all, (name, value)| all.env(name, value));
    let (server, folder) = start_with(builder, json!({"child": child, "off": off, "wrong": wrong}));
    wait_log(&server, "[child] has laterown.", 1);
    wait_ready(&server, &["child"]);
    // One that has run for long is told of new entries, for its next start.
    let later = json!({"command": "x", "args": ["${LATER}"], "disabled": true});
    let entries = json!({"child": child, "off": off, "wrong": wrong, "later": later});
    folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
    server.process().signal("HUP");
    wait_log(&server, "configuration was read again", 1);
    common::signal(process_of(&server, "child", 1), "KILL");
    wait_log(&server, "[child] has own.", 1);
}

/// (docs/protocol.md#servers-file-faults)
#[test]
fn a_file_that_its_group_may_write_is_a_warning_and_so_is_a_url_that_cannot_be_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::fresh();
    folder.write("servers.json", r#"{"mcpServers": {"far": {"url": "ftp://h/mcp"}}}"#);
    let path = folder.path().join("servers.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o620)).unwrap();
    let builder = Server::builder().set("server", "language", "en");
    let builder = builder.set("tools", "servers_file", path.to_str().unwrap());
    // An empty variable names no file.
    let server = builder.env("MCP_CONFIG", "").start();
    wait_log(&server, "far: url must be an address", 1);
    wait_log(&server, "chmod go-w", 1);
    folder.write("servers.json", r#"{"mcpServers": {"far": {"url": "https://h/mcp"}}}"#);
    server.process().signal("HUP");
    wait_log(&server, "far: this build has no TLS", 1);
}

/// (docs/protocol.md#servers-file-faults)
#[test]
fn a_file_that_is_no_servers_file_stops_the_start() {
    let folder = Folder::fresh();
    folder.write("servers.json", "{\n  mcpServers: {}\n}");
    let path = folder.path().join("servers.json");
    for arguments in [&[][..], &["-t"]] {
        let builder = Server::builder().set("server", "language", "en").arg("--servers");
        let builder = builder.arg(path.to_str().unwrap());
        let ended = arguments.iter().fold(builder, |builder, argument| builder.arg(argument)).run();
        let said = ended.stderr.join("\n");
        assert!(ended.status.code() == Some(2) && said.contains("line 2, column 3"), "{said}");
    }
}

/// (docs/protocol.md#servers-file-variables)
#[test]
fn an_entry_with_an_unset_variable_does_not_run_and_the_others_do() {
    let wrong = json!({"command": "sh", "args": ["${NO_SUCH_VARIABLE}"]});
    let dialled = json!({"url": "http://127.0.0.1:9/mcp"});
    let (server, _folder) = start(json!({"wrong": wrong, "dialled": dialled, "demo": demo()}));
    wait_log(&server, "wrong: args names the environment variable NO_SUCH_VARIABLE", 1);
    wait_ready(&server, &["demo"]);
    assert_eq!(robot(&server, "kitchen").list().len(), 3);
}

/// (docs/protocol.md#servers-file-faults)
#[test]
fn the_test_of_all_files_fails_for_an_entry_that_does_not_do_what_its_owner_means() {
    for (entry, part, right) in [
        (json!({"command": "sh"}), "", true),
        (json!({"command": "sh", "commnad": "x"}), "commnad", false),
        (json!({"command": ""}), "wrong", false),
    ] {
        let folder = Folder::fresh();
        folder.write("servers.json", &json!({"mcpServers": {"wrong": entry}}).to_string());
        let path = folder.path().join("servers.json");
        let builder = Server::builder().set("server", "language", "en").arg("-t");
        let ended = builder.arg("--servers").arg(path.to_str().unwrap()).run();
        let said = ended.stderr.join("\n");
        assert_eq!(ended.status.code(), Some(i32::from(!right)), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let builder = Server::builder().set("server", "language", "en");
    let ended = builder.arg("--servers").arg("/nowhere/servers.json").run();
    let said = ended.stderr.join("\n");
    assert!(ended.status.code() == Some(2) && said.contains("this file does not exist"), "{said}");
}

/// Nobody then wonders where its tools are.
#[test]
fn an_entry_that_has_the_name_of_the_demonstration_is_named() {
    let builder = Server::builder().arg("--demo");
    let (server, _folder) = start_with(builder, json!({"demo": shell("mine", "")}));
    wait_log(&server, "with --demo, the entry demo of the servers file does not run", 1);
    wait_ready(&server, &["demo"]);
}
