//! Processes: their start, their end, what they inherit, and what is left of them.

use super::*;

/// (docs/protocol.md#stdio-loss)
#[test]
fn a_killed_child_fails_its_own_calls_only_and_comes_back_by_itself() {
    let (server, _folder) = start(json!({"demo": demo(), "other": shell("hang", "")}));
    let id = process_of(&server, "other", 1);
    wait_log(&server, "tool server demo: ready", 1);
    wait_log(&server, "tool server other: ready", 1);
    let mut robot = robot(&server, "kitchen");
    assert_eq!(robot.list().len(), 4);
    robot.request_call("77", "hang", json!({}));
    product(&mut robot);
    let killed = Instant::now();
    common::signal(id, "KILL");
    assert_eq!(robot.answer_to("77").error(), -32003);
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    assert!(product(&mut robot).contains("16900000000"));
    assert!(wait_log(&server, "tool server other: it has ended", 1).contains("signal 9"));
    wait_log(&server, "tool server other: ready", 2);
    assert_ne!(process_of(&server, "other", 2), id);
    robot.request_call("78", "hang", json!({}));
    assert_eq!(robot.list().len(), 4);
}

/// (docs/protocol.md#stdio-loss)
#[test]
fn what_a_child_answers_before_it_ends_is_passed_on() {
    let answer = r#"echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"last words"}]}}'; exit"#;
    let on_call = format!("echo asked >&2; read -r _ <\"$PAUSE\"; {answer}");
    let folder = Folder::fresh();
    let pause = folder.path().join("pause");
    assert!(std::process::Command::new("mkfifo").arg(&pause).status().unwrap().success());
    let mut entry = shell_that_answers("last", "", &on_call);
    entry["env"] = json!({"PAUSE": pause});
    let (server, _folder) = start(json!({"brief": entry}));
    wait_ready(&server, &["brief"]);
    let child = process_of(&server, "brief", 1);
    let mut robot = robot(&server, "kitchen");
    assert_eq!(robot.list(), ["last"]);
    robot.request_call("7", "last", json!({}));
    wait_log(&server, "[brief] asked", 1);
    // The server sees the answer and the end at once.
    common::signal(server.process().id(), "STOP");
    std::fs::write(&pause, "go\n").unwrap();
    wait_until("it has ended", || !group_lives(child));
    common::signal(server.process().id(), "CONT");
    assert_eq!(robot.answer_to("7").content(), "last words");
    wait_log(&server, "tool server brief: it has ended", 1);
}

#[test]
fn a_child_killed_under_load_fails_its_own_calls_and_none_of_others() {
    let (server, _folder) = start(json!({"victim": shell("victim", ""), "demo": demo()}));
    wait_ready(&server, &["victim", "demo"]);
    let busy: Vec<_> = ["one", "two"]
        .map(|agent| {
            let mut robot = robot(&server, agent);
            assert_eq!(robot.list().len(), 4);
            std::thread::spawn(move || {
                (0..500).for_each(|_| assert!(product(&mut robot).contains("16900000000")));
            })
        })
        .into_iter()
        .collect();
    let mut robot = robot(&server, "one");
    assert_eq!(robot.list().len(), 4);
    for round in 1..=2 {
        for id in 0..20 {
            robot.request_call(&format!("{}", 100 * round + id), "victim", json!({}));
        }
        product(&mut robot);
        common::signal(process_of(&server, "victim", round), "KILL");
        for id in 0..20 {
            assert_eq!(robot.answer_to(&format!("{}", 100 * round + id)).error(), -32003);
        }
        wait_log(&server, "tool server victim: ready", round + 1);
    }
    busy.into_iter().for_each(|robot| robot.join().unwrap());
    wait_until("its tool is back", || robot.list().contains(&"victim".to_owned()));
}

/// (docs/protocol.md#stdio-end)
#[test]
fn a_stop_leaves_no_child_and_no_grandchild() {
    let stubborn = shell(
        "hang",
        "trap '' TERM; (trap '' TERM; echo grandchild >&2; while :; do sleep 1000; done) &",
    );
    let (mut server, _folder) = start(json!({"demo": demo(), "stubborn": stubborn}));
    let ids = [process_of(&server, "demo", 1), process_of(&server, "stubborn", 1)];
    wait_log(&server, "[stubborn] grandchild", 1);
    wait_log(&server, "tool server stubborn: ready", 1);
    let group = ids[1];
    server.process().signal("TERM");
    assert!(server.wait_exit(TIMEOUT).success());
    assert!(!ids.iter().any(|id| lives(*id)));
    // SIGKILL needs a moment.
    let deadline = Instant::now() + TIMEOUT;
    while group_lives(group) {
        assert!(Instant::now() < deadline, "somebody of group {group} lives");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// (docs/protocol.md#stop)
#[test]
fn a_second_signal_to_stop_leaves_no_child_and_no_grandchild() {
    let start = "trap '' TERM; (trap '' TERM; echo grandchild >&2; while :; do sleep 1000; done) &";
    let builder = Server::builder().set("websocket", "close_timeout", 600);
    let (mut server, _folder) = start_with(builder, json!({"stubborn": shell("hang", start)}));
    let group = process_of(&server, "stubborn", 1);
    wait_log(&server, "[stubborn] grandchild", 1);
    wait_ready(&server, &["stubborn"]);
    // So it does not see the end of its input.
    common::signal(group, "STOP");
    server.process().signal("TERM");
    wait_log(&server, "stopping", 1);
    server.process().signal("TERM");
    assert!(server.wait_exit(TIMEOUT).success());
    wait_until("nobody of the group lives", || !group_lives(group));
}

#[test]
fn a_killed_server_takes_children_along_that_end_with_their_input() {
    let (server, _folder) = start(json!({"demo": demo()}));
    let id = process_of(&server, "demo", 1);
    wait_log(&server, "tool server demo: ready", 1);
    drop(server);
    let deadline = Instant::now() + TIMEOUT;
    while lives(id) {
        assert!(Instant::now() < deadline, "{id} lives");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn nothing_is_left_of_a_child_that_ends_before_its_own_children() {
    let script = "sleep 1000 & echo grandchild >&2; exit 1";
    let (server, _folder) = start(json!({"parent": {"command": "sh", "args": ["-c", script]}}));
    let group = process_of(&server, "parent", 1);
    assert!(wait_log(&server, "tool server parent: it has ended", 1).contains("exit status 1"));
    wait_until("the grandchild is gone", || !group_lives(group));
    assert!(!lives(group), "a zombie is left");
}

/// (docs/protocol.md#stdio-environment)
#[test]
fn a_child_gets_no_variable_of_the_server_and_of_other_entries() {
    let folder = Folder::fresh();
    let out = folder.path().join("out");
    let dump = |name: &str, value: &str| {
        let script =
            format!("env > {0}.{name}.new; mv {0}.{name}.new {0}.{name}; exec cat", out.display());
        json!({"command": "sh", "args": ["-c", script.replace('$', "$$")], "env": {"OWN": value}})
    };
    let builder = Server::builder().env("TOKEN_A", "secret-of-a").env("TOKEN_B", "secret-of-b");
    let builder = builder.env("MCP_ENDPOINT", "ws://secret").env("NOTIFY_SOCKET", "/nowhere");
    let builder =
        builder.env("PLAIN", "inherited").env("LISTEN_FDS", "3").env("WATCHDOG_USEC", "0");
    let entries = json!({"a": dump("a", "${TOKEN_A}"), "b": dump("b", "${TOKEN_B} $$HOME")});
    let (_server, _folder) = start_with(builder, entries);
    for (name, own, other) in
        [("a", "OWN=secret-of-a", "TOKEN_B"), ("b", "OWN=secret-of-b $HOME", "TOKEN_A")]
    {
        let path = format!("{}.{name}", out.display());
        wait_until("the file is there", || Path::new(&path).exists());
        let found = std::fs::read_to_string(&path).unwrap();
        let has = |start: &str| found.lines().any(|line| line.starts_with(start));
        assert!(has(own) && has("PLAIN=inherited"), "{found}");
        let none = [other, "MCP_ENDPOINT", "NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_"];
        assert!(!none.iter().any(|start| has(start)), "{found}");
    }
}
