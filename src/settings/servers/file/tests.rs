//! Every dialect that users have, and what is said of faults.

use super::*;

fn variables(name: &str) -> Option<String> {
    match name {
        "HA_TOKEN" => Some("a-long-lived-token".to_owned()),
        "SHORT" => Some("abc".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> ServersFile {
    ServersFile::read(text, &variables, Language::En).unwrap()
}

/// The only entry of a file.
fn entry(members: &str) -> ServerEntry {
    let mut file = read(&format!(r#"{{"mcpServers": {{"x": {{{members}}}}}}}"#));
    assert_eq!(file.entries.len(), 1);
    file.entries.remove(0)
}

fn fault(members: &str) -> String {
    entry(members).server.unwrap_err()
}

/// An entry's transport in short.
fn short(entry: &ServerEntry) -> String {
    match &entry.server.as_ref().unwrap().transport {
        Transport::Stdio { command, arguments, environment, folder } => {
            let mut text = [&[command.clone()][..], arguments].concat().join(" ");
            for (name, value) in environment {
                text += &format!(" {name}={value}");
            }
            text + &folder
                .as_ref()
                .map(|path| format!(" in {}", path.display()))
                .unwrap_or_default()
        }
        Transport::Http { url, headers, is_sse } => {
            let kind = if *is_sse { "sse" } else { "http" };
            let headers = headers.iter().map(|(name, value)| format!(" {name}: {value}"));
            format!("{kind} {url}{}", headers.collect::<String>())
        }
    }
}

#[test]
fn every_dialect_is_read() {
    for (dialect, text, expected) in [
        (
            "Claude Desktop, Cursor",
            r#"{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"], "env": {"TZ": "Asia/Shanghai"}}}}"#,
            &["uvx mcp-server-time TZ=Asia/Shanghai"][..],
        ),
        (
            "mcp_pipe 0.2.0",
            r#"{"mcpServers": {
                "local": {"type": "stdio", "command": "python", "args": ["-m", "calculator"]},
                "remote": {"type": "sse", "url": "http://host:8000/sse"},
                "other": {"transportType": "streamablehttp", "url": "http://host:8000/mcp"},
                "off": {"type": "http", "url": "http://host/mcp", "disabled": true}}}"#,
            &["python -m calculator", "sse http://host:8000/sse", "http http://host:8000/mcp", "off http http://host/mcp"],
        ),
        (
            "MCP2Xiaozhi",
            r#"{"mcpServers": {"a": {"type": "streamable_http", "url": "http://h/x", "endpoint": "ws://e", "timeout": 30, "sse_read_timeout": 300, "tools": {"allow": ["one", "t*"], "deny": ["two"]}}}}"#,
            &["http http://h/x"],
        ),
        (
            "xiaozhi-client",
            r#"{"mcpEndpoint": ["wss://api"], "mcpServers": {"calculator": {"command": "node", "args": ["./c.js"]}, "amap": {"url": "http://mcp/sse/"}},
                "mcpServerConfig": {"calculator": {"tools": {}}}, "connection": {"heartbeatInterval": 30000}}"#,
            &["node ./c.js", "sse http://mcp/sse/"],
        ),
        (
            "mcphub",
            r#"{"mcpServers": {"fetch": {"type": "stdio", "command": "uvx", "args": ["mcp-server-fetch"], "enabled": false, "owner": "admin",
                "tools": {"fetch": {"enabled": false, "description": ""}, "other": {"enabled": true, "description": "Better words"}}, "options": {"timeout": 5}}}}"#,
            &["off uvx mcp-server-fetch"],
        ),
        (
            "xiaozhi-esp32-server",
            r#"{"des": "…", "mcpServers": {"Home Assistant": {"command": "mcp-proxy", "args": ["http://YOUR_HA_HOST/mcp_server/sse"], "env": {"API_ACCESS_TOKEN": "YOUR_API_ACCESS_TOKEN"}, "link": "https://…"},
                "playwright": {"url": "http://h/mcp", "transport": "streamable-http", "headers": {"Authorization": "Bearer x"}, "terminate_on_close": true}}}"#,
            &[
                "mcp-proxy http://YOUR_HA_HOST/mcp_server/sse API_ACCESS_TOKEN=YOUR_API_ACCESS_TOKEN",
                "http http://h/mcp Authorization: Bearer x",
            ],
        ),
        (
            "1mcp",
            r#"{"serverDefaults": {}, "mcpServers": {"s": {"command": "node", "args": ["s"], "cwd": "/srv", "env": ["A=b", "PATH", "C=d=e"], "tags": ["x"], "restartOnExit": true, "maxRestarts": 3}}}"#,
            &["node s A=b C=d=e in /srv"],
        ),
        (
            "TBXark",
            r#"{"mcpProxy": {"addr": ":9090"}, "mcpServers": {"g": {"transportType": "stdio", "command": "npx", "args": ["-y", "g"], "options": {"toolFilter": {"mode": "block", "list": []}}}}}"#,
            &["npx -y g"],
        ),
        (
            "VS Code",
            "{\n  // servers of this folder\n  \"servers\": {\"m\": {\"type\": \"http\", \"url\": \"http://h/m\", \"headers\": {\"X-Key\": \"${env:SHORT}\"},},},\n  \"inputs\": [],\n}",
            &["http http://h/m X-Key: abc"],
        ),
        (
            "Claude Code, Codex, Cherry Studio, ModelScope",
            r#"{"mcpServers": {"a": {"type": "http", "url": "http://h/a"}, "b": {"url": "http://h/b", "http_headers": {"K": "v"}},
                "c": {"type": "streamableHttp", "url": "http://h/c"}, "d": {"type": "streamable_http", "url": "http://h/d"}}}"#,
            &["http http://h/a", "http http://h/b K: v", "http http://h/c", "http http://h/d"],
        ),
    ] {
        let file = read(text);
        let found: Vec<String> = file.entries.iter().map(|entry| {
            let off = if entry.is_enabled { "" } else { "off " };
            format!("{off}{}", short(entry))
        }).collect();
        assert_eq!(found, expected, "{dialect}");
    }
}

#[test]
fn tools_are_chosen_in_both_ways() {
    let tools = |members: &str| {
        entry(&format!(r#""command": "c", "tools": {members}"#)).server.unwrap().tools
    };
    let chosen = tools(r#"{"allow": ["a", "b*"], "deny": ["c"]}"#);
    assert_eq!(
        (chosen.only, chosen.hide),
        (vec!["a".to_owned(), "b*".to_owned()], vec!["c".to_owned()])
    );
    let chosen = tools(
        r#"{"a": {"enabled": false}, "b": {"enabled": true, "description": "B"}, "c": false, "allow": {"enable": false}}"#,
    );
    assert_eq!(chosen.only, [""; 0]);
    assert_eq!(chosen.hide, ["a", "c", "allow"]);
    assert_eq!(chosen.describe, [("b".to_owned(), "B".to_owned())]);
}

#[test]
fn an_entry_may_be_for_some_agents_and_have_a_timeout() {
    let one = |members: &str| {
        let server = entry(&format!(r#""command": "c", {members}"#)).server.unwrap();
        (server.agents, server.timeout)
    };
    let names =
        |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let seconds = |seconds| Some(Duration::from_secs_f64(seconds));
    assert_eq!(one(r#""agents": ["kitchen", "客厅"]"#).0, names(&["kitchen", "客厅"]));
    assert_eq!(one(r#""agents": "kitchen""#).0, names(&["kitchen"]));
    assert_eq!(one(r#""agents": null"#).0, None);
    for (timeout, expected) in
        [("30", 30.0), ("0.5", 0.5), ("\"45\"", 45.0), ("60000", 60.0), ("1000000000", 86400.0)]
    {
        assert_eq!(one(&format!(r#""timeout": {timeout}"#)).1, seconds(expected), "{timeout}");
    }
    let file = read(r#"{"mcpServers": {"x": {"command": "c", "timeout": 30000}}}"#);
    assert!(file.warnings.iter().any(|line| line.contains("x: ") && line.contains("milliseconds")));
}

#[test]
fn variables_are_put_in_and_become_secrets() {
    let entry = entry(
        r#""url": "http://h/mcp?k=${HA_TOKEN}", "headers": {"Authorization": "Bearer ${HA_TOKEN}", "X": "${SHORT}", "Y": "\u0024{NONE:-$$}"}"#,
    );
    let server = entry.server.unwrap();
    let Transport::Http { url, headers, .. } = &server.transport else { panic!("{server:?}") };
    assert_eq!(url, "http://h/mcp?k=a-long-lived-token");
    assert_eq!(headers[0].1, "Bearer a-long-lived-token");
    assert_eq!(headers[2].1, "$$");
    // What is short occurs everywhere by chance.
    assert_eq!(server.secrets, ["Bearer a-long-lived-token", "a-long-lived-token"]);
    assert_eq!(entry.variables, ["HA_TOKEN", "NONE", "SHORT"]);
}

/// (docs/protocol.md#stdio-environment)
#[test]
fn an_entry_that_does_not_run_names_its_variables_too() {
    let variables = |members| entry(members).variables;
    let off = r#""command": "c", "args": ["${KEY}"], "disabled": true"#;
    assert_eq!(variables(off), ["KEY"]);
    let wrong =
        r#""command": "${UNSET}", "args": 5, "env": {"A": "${SECRET}", "B": ["${env:OTHER:-x}"]}"#;
    assert!(entry(wrong).server.is_err());
    assert_eq!(variables(wrong), ["OTHER", "SECRET", "UNSET"]);
    let twice = r#"{"mcpServers": {"x": {"command": "${B}"}, "x": {"command": "${A}"}}}"#;
    assert_eq!(read(twice).entries[0].variables, ["A", "B"]);
}

#[test]
fn a_fault_of_an_entry_names_the_key_and_spares_the_others() {
    let file =
        read(r#"{"mcpServers": {"bad": {"command": 5, "args": 7}, "good": {"command": "c"}}}"#);
    assert!(file.entries[0].server.as_ref().unwrap_err().contains("args"));
    assert!(file.entries[1].server.is_ok());
    for (members, words) in [
        ("", "neither command"),
        (r#""command": "a", "url": "http://h""#, "both"),
        (r#""command": """#, "command is missing or empty"),
        (r#""command": ["a"]"#, "command must be a string"),
        (r#""command": "a", "args": "b c""#, "args must be a list"),
        (r#""command": "a", "args": [{}]"#, "args must be a string"),
        (r#""command": "a\u0000b""#, "NUL"),
        (r#""command": "a", "env": {"": "x"}"#, "env"),
        (r#""command": "a", "env": {"A=B": "x"}"#, "env"),
        (r#""command": "a", "env": {"A": []}"#, "env.A must be a string"),
        (r#""command": "a", "env": 5"#, "env must be a JSON object"),
        (r#""command": "a", "args": ["${NONE}"]"#, "NONE, which is not set"),
        (r#""command": "a", "env": {"K": "${NONE}"}"#, "env.K names"),
        (r#""command": "a", "args": ["${"]"#, "cannot be read"),
        (r#""command": "a", "disabled": 1"#, "disabled must be true or false"),
        (r#""command": "a", "timeout": 0"#, "timeout"),
        (r#""command": "a", "timeout": "soon""#, "timeout"),
        (r#""command": "a", "tools": []"#, "tools must be"),
        (r#""command": "a", "tools": {"x": 5}"#, "tools must be"),
        (r#""command": "a", "agents": 5"#, "agents must be a list"),
        (r#""type": "stdio", "url": "http://h""#, "command is missing"),
        (r#""type": "http", "command": "a""#, "url is missing"),
        (r#""type": "openapi", "url": "http://h""#, "openapi"),
        (r#""url": "ws://h""#, "http://"),
        (r#""url": "http://""#, "http://"),
        (r#""url": "http://h/a b""#, "blanks"),
        (r#""url": "http://[h/""#, "url must be"),
        (r#""url": "http://h:99999/""#, "the port in url"),
        (r#""url": "https://h/""#, "no TLS"),
        (r#""url": "http://h", "headers": {"A B": "x"}"#, "headers.A B"),
        (r#""url": "http://h", "headers": {"A": "x\r\nB: y"}"#, "headers.A"),
        (
            r#""url": "http://h", "headers": {"A": "x\u0000"}"#,
            "headers.A must not contain the character NUL",
        ),
    ] {
        let found = fault(members);
        assert!(found.contains(words) && !found.contains('\n'), "{members}: {found}");
    }
    let odd = read(&format!(
        r#"{{"servers": {{"": {{}}, "{}": {{}}, "a\nb": {{}}, "n": 5}}}}"#,
        "x".repeat(129)
    ));
    assert!(odd.entries.iter().all(|entry| entry.server.is_err()));
    let twice = read(r#"{"mcpServers": {"a": {"command": "c"}, "a": {"command": "d"}}}"#);
    assert!(twice.entries.len() == 1 && twice.entries[0].server.is_err());
}

#[test]
fn no_fault_tells_a_secret() {
    for members in [
        r#""url": "http://h", "headers": {"A": "${HA_TOKEN}\n"}"#,
        r#""url": "x${HA_TOKEN}""#,
        r#""url": "http://h:99999/api?token=${HA_TOKEN}""#,
        r#""url": "http://[${HA_TOKEN}/""#,
        r#""url": "https://h/?token=${HA_TOKEN}""#,
        r#""type": "${HA_TOKEN}", "url": "http://h""#,
        r#""command": "a", "env": {"A": "${HA_TOKEN}\u0000"}"#,
    ] {
        assert!(!fault(members).contains("a-long-lived-token"), "{members}");
    }
}

#[test]
fn unknown_keys_are_named_once() {
    let file = read(
        r#"{"$schema": "s", "mcpProxy": {}, "mcpServers": {"a": {"command": "c", "tags": [], "des": ""}, "b": {"command": "c", "tags": []}}}"#,
    );
    assert_eq!(file.warnings, ["this program does not use these keys: mcpProxy, tags, des"]);
}

#[test]
fn a_file_that_is_no_servers_file_is_an_error_with_its_place() {
    let error = |text: &str| ServersFile::read(text, &variables, Language::En).unwrap_err();
    assert!(error("{\n  \"mcpServers\": {\n    \"a\": {command: \"c\"}\n  }\n}")
        .contains("line 3, column 11"));
    assert!(error("").contains("line 1, column 1"));
    assert!(error(r#"{"mcpServers": {}"#).contains("line 1, column 18"));
    for text in ["[]", "5", "{}", r#"{"mcpServers": []}"#, r#"{"mcpServers": null}"#] {
        assert!(error(text).contains("mcpServers"), "{text}");
    }
    assert_eq!(read(r#"{"mcpServers": {}}"#).entries, []);
    // Both names at once.
    assert_eq!(read(r#"{"mcpServers": {"a": {}}, "servers": {"b": {}}}"#).entries.len(), 2);
}

#[test]
fn no_text_makes_the_reader_panic() {
    let text = r#"{"mcpServers": {"a": {"command": "c", "args": ["${HA_TOKEN}", 5], "env": {"A": "小"}, "timeout": 1e3, "tools": {"x": {"enabled": false}}}}} // end"#;
    for end in 0..=text.len() {
        if let Some(start) = text.get(..end) {
            let _ = ServersFile::read(start, &variables, Language::Zh);
        }
        for byte in [b'"', b'{', b']', b'/', b'$'] {
            let mut changed = text.as_bytes().to_vec();
            if let Some(at) = changed.get_mut(end) {
                *at = byte;
            }
            let _ = ServersFile::read(&String::from_utf8_lossy(&changed), &variables, Language::En);
        }
    }
}

#[test]
fn arguments_that_look_like_secrets_are_masked() {
    let entry = entry(
        r#""command": "x", "args": ["-y", "mcp-server-time", "--api-key", "abcdefgh1", "--token=abcdefgh2",
           "--header", "Authorization: Bearer abcdefgh3", "--max-tokens", "1000", "https://a.example/?q=abcdefgh"]"#,
    );
    let secrets = entry.server.unwrap().secrets;
    for secret in ["abcdefgh1", "abcdefgh2", "Bearer abcdefgh3", "abcdefgh3"] {
        assert!(secrets.iter().any(|known| known == secret), "{secret}: {secrets:?}");
    }
    assert!(!secrets.iter().any(|known| known.contains("mcp-server") || known.contains("1000")));
    assert!(!secrets.iter().any(|known| known.contains("https")), "{secrets:?}");
}

/// A service may repeat the token alone.
#[test]
fn what_follows_the_scheme_of_a_header_is_a_secret_too() {
    let entry = entry(
        r#""url": "http://h/mcp", "headers": {"Authorization": "Bearer literal-token", "X": "two words-of-8"}"#,
    );
    let secrets = entry.server.unwrap().secrets;
    assert_eq!(secrets, ["Bearer literal-token", "literal-token", "two words-of-8", "words-of-8"]);
}

/// docs/protocol.md#http-tool-servers
#[test]
fn a_user_in_the_address_is_sent_as_basic_authorization() {
    let of = |members: &str| {
        let server = entry(members).server.unwrap();
        let Transport::Http { headers, .. } = server.transport else { panic!() };
        (headers, server.secrets)
    };
    let header = |value: &str| vec![("Authorization".to_owned(), value.to_owned())];
    let (headers, secrets) = of(r#""url": "http://me:pass%40word@h/mcp""#);
    assert_eq!(headers, header("Basic bWU6cGFzc0B3b3Jk"));
    assert_eq!(secrets, ["Basic bWU6cGFzc0B3b3Jk", "bWU6cGFzc0B3b3Jk", "pass@word"]);
    let (headers, _) = of(r#""url": "http://me@h/mcp""#);
    assert_eq!(headers, header("Basic bWU="));
    // A header that is written counts.
    let headers = of(r#""url": "http://me:x@h", "headers": {"authorization": "Bearer y"}"#).0;
    assert_eq!(headers, [("authorization".to_owned(), "Bearer y".to_owned())]);
}
