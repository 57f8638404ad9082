//! What page, health, metrics, `status` and `doctor` show of the entries (docs/protocol.md#managed-servers-shown).

use super::*;
use crate::doctor::visit::{configured, free_port, read_head, serve, serve_http, Visit};
use std::io::Write;

const SECRETS: [&str; 3] = ["environment-secret", "argument-secret", "variable-secret"];

/// Entries in every state, one of which prints its secrets.
fn entries() -> Value {
    let leaks = "env | grep -e ^TOKEN= -e ^VARIABLE= >&2; echo $TOKEN $1 $2 >&2; exit 3";
    json!({
        "demo": demo(),
        "kitchen-only": {"command": "sh", "args": ["-c", "exec sleep 1000"], "agents": ["kitchen"]},
        "missing": {"command": "no-such-command"},
        "wrong": {"command": "sh", "timeout": "soon"},
        "off": {"command": "sh", "disabled": true},
        "leaks": {
            "command": "sh",
            "args": ["-c", leaks.replace('$', "$$"), "sh", "--token=argument-secret", "${VARIABLE}"],
            "env": {"TOKEN": "environment-secret"}
        }
    })
}

fn started() -> (Server, Folder) {
    let (server, folder) =
        start_with(Server::builder().env("VARIABLE", "variable-secret"), entries());
    wait_ready(&server, &["demo"]);
    wait_log(&server, "tool server leaks: it has ended (exit status 3)", 1);
    (server, folder)
}

fn managed(server: &Server) -> Value {
    let health = server.get(&format!("/mcp_endpoint/health?key={}", server.key())).json();
    health["result"]["managed_servers"].clone()
}

#[test]
fn the_key_holder_sees_every_entry_and_no_secret() {
    let (server, _folder) = started();
    wait_until("that the tools are listed", || managed(&server)["demo"]["tools_count"] == 3);
    let shown = managed(&server);
    for (name, kind, state) in [
        ("demo", "stdio", "ready"),
        ("kitchen-only", "stdio", "starting"),
        ("missing", "stdio", "restarting"),
        ("wrong", "", "misconfigured"),
        ("off", "", "stopped"),
    ] {
        let found = (shown[name]["kind"].as_str().unwrap(), &shown[name]["state"]);
        assert_eq!(found, (kind, &json!(state)), "{name}: {shown}");
    }
    assert_eq!(
        (&shown["demo"]["agents"], &shown["demo"]["agents_count"]),
        (&json!(null), &json!(2))
    );
    assert_eq!(shown["kitchen-only"]["agents"], json!(["kitchen"]));
    assert!(shown["missing"]["last_error"].as_str().unwrap().contains("in no folder of PATH"));
    assert!(shown["wrong"]["last_error"].as_str().unwrap().contains("timeout"), "{shown}");
    wait_until("a restart", || managed(&server)["leaks"]["restarts"].as_u64() > Some(0));
    let stderr = managed(&server)["leaks"]["stderr"].to_string();
    for line in ["TOKEN=****", "VARIABLE=****", "****"] {
        assert!(stderr.contains(line), "{line} in {stderr}");
    }
    let paths =
        ["health", "status"].map(|path| format!("/mcp_endpoint/{path}?key={}", server.key()));
    for path in paths.into_iter().chain(["/metrics".to_owned(), "/stats".to_owned()]) {
        let answer = server.get(&path).text().to_owned();
        assert!(!SECRETS.iter().any(|secret| answer.contains(secret)), "{path}: {answer}");
    }
}

#[test]
fn metrics_count_entries_by_state_and_have_no_names() {
    let (server, folder) = started();
    let metrics = || server.get("/metrics").text().to_owned();
    for line in [
        "mcp_endpoint_managed_servers{state=\"ready\"} 1\n",
        "mcp_endpoint_managed_servers{state=\"misconfigured\"} 1\n",
        "mcp_endpoint_managed_servers{state=\"stopped\"} 1\n",
    ] {
        assert!(metrics().contains(line), "{line} in {}", metrics());
    }
    for name in ["demo", "kitchen", "leaks"] {
        assert!(!metrics().contains(name), "{name}");
    }
    let restarts = || {
        let text = metrics();
        let found = text
            .lines()
            .find_map(|l| l.strip_prefix("mcp_endpoint_managed_server_restarts_total "));
        found.unwrap().parse::<u64>().unwrap()
    };
    wait_until("a restart", || restarts() > 0);
    // Those of an entry that is gone still count.
    let before = restarts();
    folder.write("servers.json", &json!({"mcpServers": {"demo": demo()}}).to_string());
    server.process().signal("HUP");
    wait_until("that the others are gone", || {
        managed(&server).as_object().is_some_and(|servers| servers.len() == 1)
    });
    assert!(restarts() >= before);
}

/// Its owner sees the tools before a device comes.
#[test]
fn the_tools_of_entries_are_seen_before_a_robot_comes() {
    let (server, _folder) = start(json!({"demo": demo(), "hall": shell("one", "")}));
    wait_ready(&server, &["demo", "hall"]);
    server.wait_health(TIMEOUT, "the tools", |seen| {
        let servers = &seen["mcp_servers"]["single_module"];
        (servers["demo"]["tools_count"] == 3 && servers["hall"]["tools_count"] == 1).then_some(())
    });
}

fn configured_as(server: &Server) -> Builder {
    configured(server.key(), server.port())
}

#[test]
fn status_lists_the_entries_and_says_why_one_does_not_run() {
    let (server, _folder) = started();
    let ended = configured_as(&server)
        .set("server", "language", "en")
        .env("COLUMNS", 80)
        .arg("status")
        .run();
    let said = ended.stdout.join("\n");
    assert!(said.contains("SERVERS FILE  KIND"), "{said}");
    let row = ended.stdout.iter().find(|line| line.starts_with("demo ")).unwrap();
    assert!(row.contains("stdio") && row.contains("ready"), "{said}");
    assert!(said.contains("  missing: no-such-command is in no folder of PATH"), "{said}");
    assert!(said.contains("    | "), "{said}");
    assert!(!SECRETS.iter().any(|secret| said.contains(secret)), "{said}");
}

#[test]
fn the_doctor_asks_a_running_server_about_its_entries() {
    let (server, _folder) = started();
    let visit = Visit::with(configured_as(&server), &["doctor"]);
    assert_eq!(visit.status, Some(1), "{visit:?}");
    for (mark, name, words) in [
        ('✓', "demo", "ready (stdio), tools: 3"),
        ('✓', "kitchen-only", "starting: it has not answered initialize yet"),
        ('✗', "missing", "in no folder of PATH"),
        ('✗', "wrong", "timeout must be"),
        ('✓', "off", "switched off in the file"),
        ('✗', "leaks", "does not run and is started again"),
    ] {
        let start = format!("{mark} {name}");
        let line = visit.lines.iter().find(|line| line.starts_with(&start));
        assert!(line.is_some_and(|line| line.contains(words)), "{name} in {visit:?}");
    }
    let verdict = visit.lines.last().unwrap();
    assert!(verdict.contains("leaks, missing, wrong") && verdict.contains("reload"), "{visit:?}");
    let said = visit.lines.join("\n");
    assert!(!SECRETS.iter().any(|secret| said.contains(secret)), "{said}");
    // It leaves nothing that the next one would stumble over.
    server.wait_health(TIMEOUT, "that its robot is gone", |seen| {
        (seen["robot_connections"] == 0).then_some(())
    });
    let again = Visit::with(configured_as(&server), &["doctor"]);
    assert!(again.lines.iter().any(|line| line.starts_with("✓ call")), "{again:?}");
    let agents = server.connections()["mcp_servers"].clone();
    assert!(agents.get("doctor-2").is_none(), "{agents}");
}

/// What an HTTP service says of a wrong token is shown, without the token.
#[test]
fn a_service_that_denies_access_is_named_and_its_token_is_not() {
    let denies = serve_http("401 Unauthorized", &[], "");
    let repeats = serve(|mut stream| {
        let Some(head) = read_head(&mut stream) else { return };
        let length = head.len();
        let _ = write!(stream, "HTTP/1.1 500 Oh\r\nContent-Length: {length}\r\n\r\n{head}");
    });
    let entry = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/mcp");
        json!({"url": url, "headers": {"X-Token": "${VARIABLE}", "Authorization": "Bearer a-header-secret"}})
    };
    let (server, _folder) = start_with(
        Server::builder().env("VARIABLE", "variable-secret"),
        json!({"denies": entry(denies), "repeats": entry(repeats)}),
    );
    let error =
        |name: &str| managed(&server)[name]["last_error"].as_str().unwrap_or_default().to_owned();
    wait_until("the answers", || !error("denies").is_empty() && !error("repeats").is_empty());
    assert!(
        error("denies").contains("401") && error("denies").contains("headers"),
        "{}",
        error("denies")
    );
    assert!(error("repeats").contains("HTTP 500"), "{}", error("repeats"));
    let visit = Visit::with(configured_as(&server), &["doctor"]);
    assert!(visit.lines.iter().any(|line| line.starts_with("✗ denies")), "{visit:?}");
    let said = [visit.lines.concat(), managed(&server).to_string(), server.log()].concat();
    assert!(!said.contains("-secret"), "{said}");
}

#[test]
fn without_a_server_the_doctor_looks_at_what_the_file_names() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = |port: u16| json!({"url": format!("http://127.0.0.1:{port}/mcp")});
    let folder = Folder::fresh();
    folder.write("plain.txt", "");
    let file = json!({"mcpServers": {
        "shell": {"command": "sh"},
        "missing": {"command": "no-such-command"},
        "secret": {"command": "/no/${VARIABLE}"},
        "plain": {"command": folder.path().join("plain.txt")},
        "nowhere": {"command": "sh", "cwd": "/no/such/folder"},
        "answers": url(listener.local_addr().unwrap().port()),
        "refuses": url(free_port()),
        "secure": {"url": "https://127.0.0.1:1/mcp"},
        "wrong": {"command": "sh", "timeout": "soon"},
        "off": {"command": "no-such-command", "disabled": true}
    }});
    folder.write("servers.json", &file.to_string());
    let builder = configured("0123456789abcdef0123456789abcdef", free_port());
    let builder = builder.env("MCP_CONFIG", folder.path().join("servers.json").display());
    let builder = builder.env("VARIABLE", "variable-secret");
    let visit = Visit::with(builder, &["doctor"]);
    for (mark, name, words) in [
        ('✗', "connect", ""),
        ('✓', "shell", "/sh; it was not started"),
        ('✗', "missing", "in no folder of PATH"),
        ('✗', "secret", "the file /no/**** does not exist"),
        ('✗', "plain", "is not executable"),
        ('✗', "nowhere", "/no/such/folder"),
        ('✓', "answers", "accepts connections"),
        ('✗', "refuses", "refuses the connection"),
        ('✗', "secure", "has no TLS"),
        ('✗', "wrong", "timeout must be"),
        ('✓', "off", "switched off"),
    ] {
        let start = format!("{mark} {name}");
        let line = visit.lines.iter().find(|line| line.starts_with(&start));
        assert!(line.is_some_and(|line| line.contains(words)), "{name} in {visit:?}");
    }
    assert!(visit.lines.last().unwrap().contains("no program listens there"), "{visit:?}");
}
