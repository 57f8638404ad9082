//! Children that do what they should not. Each is named with what is wrong, and harms nobody.

use super::*;

/// (docs/protocol.md#stdio-messages)
#[test]
fn bad_children_are_named_with_what_is_wrong_and_harm_nobody() {
    let sh = |script: &str| json!({"command": "sh", "args": ["-c", script]});
    let (server, _folder) = start(json!({
        "demo": demo(),
        "missing": {"command": "no-such-command"},
        "file": {"command": "/etc/hostname"},
        "folder": {"command": "sh", "cwd": "/no/such/folder"},
        "quick": sh("echo why it ends >&2; exit 3"),
        "silent": sh("exec cat >/dev/null"),
        "banner": shell("banner", "echo Welcome"),
        "endless": sh("yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | tr -d '\\n'"),
        "flood": shell("flood", "yes stderr | head -c 20000000 >&2"),
        "mute": sh("exec >&-; exec sleep 1000"),
        "wrong": {"command": "sh", "timeout": "soon"},
        "secret": {"command": "sh", "args": ["-c", "echo $TOKEN >&2; exec cat"], "env": {"TOKEN": "do-not-show-me"}}
    }));
    for line in [
        "tool server missing: cannot be started: no-such-command is in no folder of PATH",
        "tool server file: cannot be started: /etc/hostname is not executable",
        "tool server folder: cannot be started: the folder /no/such/folder",
        "tool server quick: it has ended (exit status 3)",
        "why it ends",
        "tool server banner: 1 lines of its standard output are not JSON-RPC",
        "tool server endless: it has ended (a line has more than",
        "[flood] stderr",
        "tool server flood: ready",
        "tool server mute: it has ended (it has closed its standard output",
        "wrong: timeout must be",
        "[secret] ****",
    ] {
        wait_log(&server, line, 1);
    }
    wait_log(&server, "tool server demo: ready", 1);
    let mut robot = robot(&server, "kitchen");
    assert!(product(&mut robot).contains("16900000000"));
    let log = server.process().transcript();
    assert!(
        !log.contains("do-not-show-me") && log.matches("[flood] stderr").count() <= 40,
        "{log}"
    );
}

#[test]
fn an_answer_that_cannot_be_read_fails_its_own_call_at_once() {
    let bad = shell_that_answers("bad", "", r#"echo '{"jsonrpc":"2.0","id":'$id',"result":{x}}'"#);
    let (server, _folder) = start(json!({"bad": bad, "good": shell("good", "")}));
    wait_ready(&server, &["bad", "good"]);
    let mut robot = robot(&server, "kitchen");
    robot.request_call("5", "good", json!({}));
    assert_eq!(robot.call("bad", json!({})).error(), -32002);
    wait_log(&server, "sent a response that cannot be read", 1);
}

#[test]
fn text_that_is_not_utf_8_is_passed_on_readable() {
    let answer = r#"printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"a\377b"}]}}\n' $id"#;
    let (server, _folder) = start(json!({"bytes": shell_that_answers("bytes", "", answer)}));
    wait_ready(&server, &["bytes"]);
    let mut robot = robot(&server, "kitchen");
    assert_eq!(robot.call("bytes", json!({})).content(), "a?b");
}

/// (docs/protocol.md#managed-memory)
#[test]
fn floods_on_both_outputs_take_no_memory() {
    let (server, _folder) = start(json!({
        "demo": demo(),
        "errors": shell("errors", "yes stderr | head -c 20000000 >&2"),
        "lines": {"command": "sh", "args": ["-c", "yes not-json"]},
        "long": {"command": "sh", "args": ["-c", "yes x | tr -d '\\n'"]}
    }));
    wait_ready(&server, &["demo"]);
    let mut robot = robot(&server, "kitchen");
    for _ in 0..20 {
        assert!(product(&mut robot).contains("16900000000"));
    }
    wait_log(&server, "tool server long: it has ended (a line has more than", 1);
    wait_ready(&server, &["errors"]);
    let peak = peak_memory(server.process().id());
    assert!(peak < 150 << 20, "{peak} bytes");
}

#[test]
fn a_child_that_never_answers_is_starting_and_nobody_waits_for_long() {
    let silent = json!({"command": "sh", "args": ["-c", "exec sleep 1000"]});
    let (server, _folder) = start(json!({"silent": silent, "demo": demo()}));
    wait_ready(&server, &["demo"]);
    let asked = Instant::now();
    let mut robot = robot(&server, "kitchen");
    assert_eq!(robot.list().len(), 3);
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
}

#[test]
fn a_child_whose_grandchild_keeps_its_pipes_is_known_to_have_ended() {
    let script = "trap '' HUP; (sleep 1000) & exit 7";
    let (server, _folder) = start(json!({"parent": {"command": "sh", "args": ["-c", script]}}));
    assert!(wait_log(&server, "tool server parent: it has ended", 1).contains("exit status 7"));
}

#[test]
fn what_a_child_prints_of_its_secrets_is_masked() {
    let script = "echo header $TOKEN >&2; echo argument $1 >&2; echo $FILE >&2; exit 1";
    let (server, _folder) = start_with(
        Server::builder().env("VARIABLE", "variable-secret"),
        json!({"leaks": {
            "command": "sh",
            "args": ["-c", script.replace('$', "$$"), "--token=argument-secret", "${VARIABLE}"],
            "env": {"TOKEN": "environment-secret", "FILE": "short"}
        }}),
    );
    wait_log(&server, "[leaks] header ****", 1);
    wait_log(&server, "[leaks] argument ****", 1);
    wait_log(&server, "[leaks] short", 1);
    let shown = server.process().transcript() + &server.log();
    assert!(!shown.contains("-secret"), "{shown}");
}
