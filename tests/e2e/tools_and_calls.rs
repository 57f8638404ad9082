//! The commands `tools` and `call`, against a running server.

use crate::common::{Answer, Builder, Ended, Parts, Server, Tool, TIMEOUT};
use serde_json::{json, Value};
use std::net::TcpListener;

/// The program with these arguments, in English, in a folder with the configuration of `server`.
fn run(server: &Server, arguments: &[&str]) -> Ended {
    with(Server::builder().set("server", "key", server.key()), server.port(), arguments)
}

fn with(builder: Builder, port: u16, arguments: &[&str]) -> Ended {
    let builder = builder.set("server", "port", port).env("LC_ALL", "en_GB.UTF-8");
    arguments.iter().fold(builder, |builder, argument| builder.arg(argument)).run()
}

fn said(ended: &Ended) -> (Option<i32>, String, String) {
    (ended.status.code(), ended.stdout.join("\n"), ended.stderr.join("\n"))
}

/// What is called with these arguments; the program has to be content.
fn printed(server: &Server, arguments: &[&str]) -> String {
    let (status, stdout, stderr) = said(&run(server, arguments));
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    stdout
}

/// Runs the program where it cannot succeed: it ends with `status`, and standard error has `part`.
fn refused(server: &Server, arguments: &[&str], status: i32, part: &str) {
    let (code, stdout, stderr) = said(&run(server, arguments));
    assert_eq!((code, stdout.as_str()), (Some(status), ""), "{stderr}");
    assert!(stderr.contains(part), "{arguments:?}: {part} is not in {stderr}");
}

/// A tool server with one tool, `echo`, whose answer is its arguments as they came.
fn echo(server: &Server, agent: &str) -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "text": { "type": "string" },
            "count": { "type": "integer" },
            "loud": { "anyOf": [{ "type": "boolean" }, { "type": "null" }] },
            "color": { "enum": ["red", "green"] },
            "list": { "type": "array" },
        },
        "required": ["text"],
    });
    let tool =
        json!({ "name": "echo", "description": "Says it again.\nMore.", "inputSchema": schema });
    let builder = server.tool(agent).named("parrot").offers_described(vec![tool]);
    let arguments = |text: &str| {
        let start = text.find(r#""arguments":"#).unwrap() + 12;
        text[start..text.find(r#","_meta""#).unwrap()].to_owned()
    };
    builder.on_call(move |message| Answer::Text(arguments(&message.text))).connect()
}

/// A tool server whose tool `act` answers with this result.
fn answering(server: &Server, result: Value) -> Tool {
    let builder = server.tool("single_module").offers(&["act"]);
    builder.on_call(move |_| Answer::Result(result.clone())).connect()
}

#[test]
fn a_call_prints_the_text_of_the_result_and_nothing_else() {
    let server = Server::start();
    let _tool = echo(&server, "single_module");
    let typed = ["call", "echo", "text=a=b", "count=3", "loud=true", "color=red", "list=[1,2]"];
    let expected = r#"{"text":"a=b","count":3,"loud":true,"color":"red","list":[1,2]}"#;
    assert_eq!(printed(&server, &typed), expected);
    // JSON goes as it is, with the spelling of its numbers.
    let json = r#"{"text": "小智",  "other": 1.50}"#;
    assert_eq!(printed(&server, &["call", "echo", json]), json);
    let whole = printed(&server, &["--json", "call", "echo", "text=x"]);
    let whole: Value = serde_json::from_str(&whole).unwrap();
    let content = json!([{ "type": "text", "text": r#"{"text":"x"}"# }]);
    assert_eq!(whole, json!({ "content": content, "isError": false }));
}

#[test]
fn the_agent_of_a_call_can_be_named() {
    let server = Server::start();
    let _tool = echo(&server, "客厅");
    assert_eq!(printed(&server, &["call", "--agent", "客厅", "echo", "text=x"]), r#"{"text":"x"}"#);
    refused(&server, &["call", "echo", "text=x"], 1, "the agent single_module has no tools");
    refused(&server, &["call", "echo", "--agent", ""], 2, "agent id");
    let (status, _, stderr) = said(&run(&server, &["tools", "客厅"]));
    assert_eq!((status, stderr.contains("tools: 1, about")), (Some(0), true), "{stderr}");
}

#[test]
fn wrong_use_of_a_tool_is_said_with_what_it_takes() {
    let server = Server::start();
    let tool = echo(&server, "single_module");
    for (arguments, part) in [
        (&["call"][..], "needs the name of a tool"),
        (&["call", "echo", "hello"], "NAME=VALUE"),
        (&["call", "echo", "{"], "not valid JSON"),
        (&["call", "echo", "{}", "text=x"], "nothing can be added"),
        (&["call", "echo", "txt=x"], "did you mean `text`?"),
        (&["call", "echo", "zzz=x"], "color, count, list, loud, text"),
        (&["call", "echo", "text=x", "count=many"], "a whole number"),
        (&["call", "echo", "text=x", "color=blue"], "allowed values: red, green"),
        (&["call", "echo", "count=1"], "missing arguments for the tool echo: text;"),
        (&["call", "echo", "--watch"], "--watch"),
        (&["tools", "a", "b"], "unknown argument b"),
    ] {
        refused(&server, arguments, 2, part);
    }
    assert_eq!(tool.count("tools/call"), 0);
}

#[test]
fn a_call_that_does_not_work_ends_with_status_1() {
    let server = Server::start();
    refused(&server, &["call", "act"], 1, "no tool server is connected");
    let failing =
        json!({ "content": [{ "type": "text", "text": "no\u{1b}[2J lamp" }], "isError": true });
    let tool = answering(&server, failing);
    refused(&server, &["call", "act"], 1, "the tool act reports an error:\nno\\u{1b}[2J lamp");
    let ended = run(&server, &["call", "act", "--json"]);
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(1), 0));
    assert!(ended.stdout[0].contains(r#""isError":true"#), "{:?}", ended.stdout);
    refused(&server, &["call", "atc"], 1, "did you mean `act`?");
    refused(&server, &["call", "lamp"], 1, "it has: act");
    drop(tool);
    let builder = server.tool("single_module").offers(&["act"]);
    let _tool = builder.on_call(|_| Answer::Error(-32050, "out of paper".to_owned())).connect();
    refused(&server, &["call", "act"], 1, "error -32050: out of paper");
    // Another key than the server's.
    let other = Server::builder().set("server", "key", "x".repeat(32));
    let (status, _, stderr) = said(&with(other, server.port(), &["call", "act"]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("does not use the key of this configuration"), "{stderr}");
}

#[test]
fn where_no_server_is_the_commands_say_so() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let builder = || Server::builder().set("server", "key", "x".repeat(32));
    for command in [&["call", "act"][..], &["tools"], &["tools", "--json"]] {
        let (status, stdout, stderr) = said(&with(builder(), port, command));
        assert_eq!((status, stdout.as_str()), (Some(1), ""), "{command:?}");
        assert!(stderr.contains("no program listens there"), "{stderr}");
        let (status, _, stderr) = said(&with(Server::builder(), port, command));
        assert_eq!(status, Some(2));
        assert!(stderr.contains("needs the key"), "{stderr}");
    }
}

#[test]
fn pictures_and_audio_become_new_files() {
    let server = Server::start();
    // Three bytes each.
    let picture = |data: &str| json!({ "type": "image", "mimeType": "image/png", "data": data });
    let _tool = answering(
        &server,
        json!({ "content": [
            { "type": "text", "text": "two pictures\n" },
            picture("AAEC"), picture("AwQF"),
            { "type": "audio", "mimeType": "audio/wav", "data": "BgcI" },
            { "type": "resource", "resource": { "uri": "file:///a", "text": "a file" } },
            { "type": "resource", "resource": { "uri": "file:///b", "blob": "CQoL" } },
            { "type": "resource_link", "uri": "file:///c", "name": "c" },
        ] }),
    );
    let ended = run(&server, &["call", "act"]);
    let (status, stdout, stderr) = said(&ended);
    assert_eq!((status, stdout.as_str()), (Some(0), "two pictures\na file\nfile:///c"), "{stderr}");
    let files = ["act-2.png", "act.bin", "act.png", "act.wav"];
    for (file, first) in files.iter().zip([3, 9, 0, 6]) {
        assert!(stderr.contains(&format!("saved as {file}")), "{stderr}");
        let bytes = std::fs::read(ended.folder.path().join(file)).unwrap();
        assert_eq!(bytes, [first, first + 1, first + 2], "{file}");
    }
    let mut expected = [&files[..], &[crate::common::CONFIG]].concat();
    expected.sort_unstable();
    assert_eq!(ended.folder.files(), expected);
    drop(_tool);
    let _tool = answering(&server, json!({ "content": [picture("?")] }));
    refused(&server, &["call", "act"], 1, "not valid base64");
}

#[test]
fn a_result_becomes_no_more_than_a_few_files() {
    let server = Server::start();
    let picture = json!({ "type": "image", "mimeType": "image/png", "data": "AAEC" });
    let mut content = vec![picture; 40];
    content.push(json!({ "type": "text", "text": "forty pictures" }));
    let _tool = answering(&server, json!({ "content": content }));
    let ended = run(&server, &["call", "act"]);
    let (status, stdout, stderr) = said(&ended);
    assert_eq!((status, stdout.as_str()), (Some(1), "forty pictures"), "{stderr}");
    assert!(stderr.contains("the first 32 are saved, the other 8 are not"), "{stderr}");
    assert_eq!(ended.folder.files().len(), 33);
    let whole: Value = serde_json::from_str(&printed(&server, &["call", "act", "--json"])).unwrap();
    assert_eq!(whole["content"], json!(content));
}

#[test]
fn commands_show_a_key_that_is_not_ascii() {
    let server = Server::builder().set("server", "key", format!("%41 é{}", "密钥".repeat(16)));
    let server = server.start();
    let key = format!("%41 é{}", "密钥".repeat(16));
    let _tool = echo(&server, "single_module");
    for arguments in [&["tools"][..], &["status"], &["reload"], &["call", "echo", "text=x"]] {
        let ended = with(Server::builder().set("server", "key", &key), server.port(), arguments);
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {ended:?}");
    }
    let hide = ["tools", "--hide", "echo"];
    let ended = with(Server::builder().set("server", "key", &key), server.port(), &hide);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(selection(&server)["agents"]["single_module"]["hide"], json!(["echo"]));
}

#[test]
fn a_result_without_content_is_printed_as_it_is() {
    let server = Server::start();
    let tool = answering(&server, json!({ "content": [], "structuredContent": { "a": 1 } }));
    assert_eq!(printed(&server, &["call", "act"]), r#"{"a":1}"#);
    drop(tool);
    let _tool = answering(&server, json!({ "toolResult": 5 }));
    assert_eq!(printed(&server, &["call", "act"]), r#"{"toolResult":5}"#);
}

#[test]
fn the_progress_of_a_call_goes_to_standard_error() {
    let server = Server::start();
    let builder = server.tool("single_module").offers(&["act"]).on_call(|message| {
        let token = &message.json["params"]["_meta"]["progressToken"];
        let note = |done: f64| {
            let params =
                json!({ "progressToken": token, "progress": done, "total": 2, "message": "busy" });
            let note =
                json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
            Answer::Raw(note.to_string())
        };
        Answer::Many(vec![note(0.5), note(1.0), Answer::Text("done".to_owned())])
    });
    let _tool = builder.connect();
    let (status, stdout, stderr) = said(&run(&server, &["call", "act"]));
    assert_eq!((status, stdout.as_str()), (Some(0), "done"));
    assert_eq!(stderr, "progress 0.5/2  busy\nprogress 1.0/2  busy");
}

#[test]
fn a_call_works_where_the_server_only_passes_messages_on() {
    let server = Server::builder().set("relay", "handshake", false).start();
    let tool = server.tool("single_module").offers(&["one", "two", "act"]).in_pages_of(1);
    let _tool = tool.on_call(|_| Answer::Text("done".to_owned())).dial();
    server.wait_health(TIMEOUT, "the tool server", |connections| {
        (connections["tool_connections"] == 1).then_some(())
    });
    assert_eq!(printed(&server, &["call", "act"]), "done");
}

#[test]
fn tools_lists_what_an_agent_is_offered() {
    let server = Server::start();
    let (status, stdout, stderr) = said(&run(&server, &["tools"]));
    assert_eq!((status, stdout.as_str()), (Some(0), ""));
    assert!(stderr.contains("the agent single_module has no tools"), "{stderr}");
    let _first = echo(&server, "single_module");
    let _second = server.tool("single_module").named("lights").offers(&["echo", "on"]).connect();
    let (status, stdout, stderr) = said(&run(&server, &["tools"]));
    let lines: Vec<&str> = stdout.lines().collect();
    let expected = [
        "TOOL          TOOL SERVER  DESCRIPTION",
        "echo          parrot       Says it again.",
        "lights__echo  lights       echo",
        "on            lights       on",
    ];
    assert_eq!((status, &lines[..]), (Some(0), &expected[..]));
    let listed = printed(&server, &["tools", "--json"]);
    let json: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(json["servers"]["lights"], json!(["lights__echo", "on"]));
    let chars: usize =
        json["tools"].as_array().unwrap().iter().map(|tool| tool.to_string().chars().count()).sum();
    assert_eq!(stderr, format!("tools: 3, about {} tokens (characters / 3)", chars.div_ceil(3)));
}

/// The file that says which tools agents offer.
const SELECTION: &str = "data/tools.json";

/// What `tools` with these arguments prints, and says besides; the program has to be content.
fn chosen(server: &Server, arguments: &[&str]) -> (Vec<String>, String) {
    let ended = run(server, &[&["tools"], arguments].concat());
    let (status, stdout, stderr) = said(&ended);
    assert_eq!(status, Some(0), "{stderr}");
    // The first column, without its head.
    let names = stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    (names.map(str::to_owned).collect(), stderr)
}

fn selection(server: &Server) -> Value {
    serde_json::from_str(&server.folder().read(SELECTION)).unwrap()
}

#[test]
fn hidden_tools_are_gone_at_once_and_shown_ones_are_back() {
    let server = Server::start();
    let _tool = server.tool("kitchen").named("time").offers(&["now", "zone", "debug"]).connect();
    let mut robot = server.robot("kitchen");
    robot.start();
    assert_eq!(robot.list(), ["now", "zone", "debug"]);
    // Twice is once.
    let hide = ["kitchen", "--hide", "time/debug", "--hide=zone", "--hide", "zone"];
    let (names, stderr) = chosen(&server, &hide);
    assert_eq!(names, ["now"]);
    let shown = r#"the selection of kitchen has changed and takes effect at once: {"hide": ["time/debug", "zone"]}"#;
    assert!(stderr.starts_with(shown), "{stderr}");
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now"]);
    assert_eq!(robot.call("debug", json!({})).json["error"]["code"], -32602);
    let (_, stderr) = chosen(&server, &hide);
    assert!(
        stderr.starts_with("nothing to change, the selection of kitchen is already: "),
        "{stderr}"
    );

    let (names, stderr) = chosen(&server, &["--agent=kitchen", "--show", "zone"]);
    assert_eq!((names, stderr.lines().count()), (vec!["now".to_owned(), "zone".into()], 2));
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now", "zone"]);
    assert_eq!(selection(&server), json!({ "agents": { "kitchen": { "hide": ["time/debug"] } } }));
    // Another pattern still hides it; so does one of all agents.
    let (_, stderr) = chosen(&server, &["kitchen", "--show", "debug"]);
    let shown = "To remove it: tools 'kitchen' --show 'time/debug'";
    assert!(stderr.contains(shown), "{stderr}");
    let (names, stderr) = chosen(&server, &["*", "--hide", "debug*"]);
    assert_eq!((names.len(), stderr.contains("the selection of * has changed")), (0, true));
    let (_, stderr) = chosen(&server, &["kitchen", "--show", "time/debug"]);
    assert!(stderr.contains("debug is still hidden by the pattern debug* of *."), "{stderr}");
    chosen(&server, &["*", "--show", "debug*"]);
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["now", "zone", "debug"]);
    assert_eq!(selection(&server), json!({ "agents": {} }));
}

#[test]
fn only_these_tools_are_offered_and_other_members_of_the_entry_stay() {
    let server = Server::start();
    let _tool = server.tool("single_module").named("time").offers(&["now", "zone"]).connect();
    let entry = r#"{"rename": {"zone": "where"},  "describe": {"where": "\u5c0f"}}"#;
    // A hand has written it, and nobody has told the server: the first PUT is answered 412.
    server.folder().write(SELECTION, &format!(r#"{{"agents": {{"single_module": {entry}}}}}"#));
    let (names, stderr) = chosen(&server, &["--only", "nwo", "--only", "time/z*", "--hide", "x/*"]);
    assert_eq!(names, ["where"]);
    for note in
        ["nwo matches none of the present tools; the nearest name is now", "x/* matches none"]
    {
        assert!(stderr.contains(note), "{stderr}");
    }
    let text = server.folder().read(SELECTION);
    let kept = r#""rename": {"zone": "where"}, "describe": {"where": "\u5c0f"}"#;
    assert!(text.contains(kept), "{text}");
    let (_, stderr) = chosen(&server, &["--show", "now"]);
    assert!(stderr.contains("`only` of single_module does not include it"), "{stderr}");
    let whole = run(&server, &["tools", "--only", "now", "--show", "x/*", "--json"]);
    let whole: Value = serde_json::from_str(&whole.stdout.join("\n")).unwrap();
    assert_eq!(whole["tools"][0]["name"], "now");
    let (names, _) = chosen(&server, &["--only", "*"]);
    assert_eq!(names, ["now", "where"]);
    assert!(!server.folder().read(SELECTION).contains("only"));
    // An agent without an entry of its own uses the one for all agents.
    chosen(&server, &["*", "--only", "now"]);
    assert_eq!(chosen(&server, &[]).0, ["now"]);
    assert_eq!(chosen(&server, &["--only", "*"]).0, ["now", "where"]);
    assert_eq!(chosen(&server, &["--only", ""]).0, ["now"]);
}

#[test]
fn patterns_that_contradict_each_other_are_wrong_use() {
    let server = Server::start();
    for (arguments, part) in [
        (&["tools", "--hide", ""][..], "a pattern that is not empty"),
        (&["tools", "--hide", "a", "--show", "a"], "a cannot be both hidden and offered"),
        (&["tools", "--only", "a", "--hide", "a"], "a cannot be both hidden and offered"),
        (&["tools", "--only", "a", "--only", "*"], "cannot be combined with another --only"),
        (&["tools", "--hide"], "--hide needs a value"),
        (&["call", "x", "--hide", "a"], "--hide"),
        (&["tools", "", "--hide", "a"], "agent id"),
    ] {
        refused(&server, arguments, 2, part);
    }
    assert!(!server.folder().path().join(SELECTION).exists());
}

#[test]
fn where_no_server_runs_the_file_is_changed() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let builder = || Server::builder().set("server", "key", "x".repeat(32));
    let hide = ["tools", "--hide", "小*", "--show", "b"];
    let ended = with(builder(), port, &hide);
    let (status, stdout, stderr) = said(&ended);
    assert_eq!((status, stdout.as_str()), (Some(0), ""), "{stderr}");
    assert!(stderr.contains("takes effect at the next start"), "{stderr}");
    let text = "{\"agents\": {\n  \"single_module\": {\"hide\": [\"小*\"]}\n}}\n";
    assert_eq!(ended.folder.read(SELECTION), text);
    let path = ended.folder.path().join(SELECTION);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let there = || builder().set("tools", "selection_file", path.display());
    let (status, _, stderr) = said(&with(there(), port, &["tools", "--show", "小爱"]));
    assert_eq!(status, Some(0));
    assert!(
        stderr.contains("小爱 is still hidden by the pattern 小* of single_module"),
        "{stderr}"
    );
    // What a hand has broken stays as it is.
    for broken in
        ["{\"agents\": {\n  \"a\": {\"hide\": [\"x\",]}}}", "{\"agents\": {\n  \"a\": 1}}"]
    {
        std::fs::write(&path, broken).unwrap();
        let (status, stdout, stderr) = said(&with(there(), port, &hide));
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("tools.json, line 2, column "), "{stderr}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
    }
    let none = builder().set("tools", "selection_file", "");
    let (status, _, stderr) = said(&with(none, port, &hide));
    assert_eq!(
        (status, stderr.contains("[tools] selection_file is empty")),
        (Some(2), true),
        "{stderr}"
    );
}

#[test]
fn a_server_that_cannot_take_the_change_says_why() {
    let server = Server::builder().set("server", "language", "en").start();
    let broken = "{\n  \"agents\": []}";
    server.folder().write(SELECTION, broken);
    refused(&server, &["tools", "--hide", "x"], 1, "tools.json, line 2, column 13: agents: ");
    assert_eq!(server.folder().read(SELECTION), broken);
}

#[test]
fn changes_at_the_same_time_are_all_made() {
    let server = Server::start();
    let names = ["a", "b", "c", "d"];
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(|| {
                assert_eq!(run(&server, &["tools", "--hide", name]).status.code(), Some(0))
            });
        }
    });
    let mut hidden: Vec<String> =
        serde_json::from_value(selection(&server)["agents"]["single_module"]["hide"].clone())
            .unwrap();
    hidden.sort_unstable();
    assert_eq!(hidden, names);
}

#[test]
fn the_tables_are_no_wider_than_the_terminal() {
    let server = Server::start();
    let long = "点灯，".repeat(100);
    let tool = json!({ "name": "lamp", "description": long, "inputSchema": { "type": "object" } });
    let builder = server.tool(&"agent-".repeat(20)).offers_described(vec![tool]);
    let _tool = builder.named(&"lights ".repeat(10)).connect();
    for command in [&["tools", &"agent-".repeat(20)][..], &["status"]] {
        let wide = Server::builder().set("server", "key", server.key()).env("COLUMNS", 80);
        let (status, stdout, _) = said(&with(wide, server.port(), command));
        assert_eq!(status, Some(0));
        let columns = |line: &str| line.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum();
        let widest: usize = stdout.lines().map(columns).max().unwrap();
        assert!((70..=80).contains(&widest), "{widest} columns:\n{stdout}");
    }
}

#[test]
fn each_command_has_help_that_needs_no_server() {
    for arguments in [&["call", "--help"][..], &["--help", "call"], &["call", "x", "-h"]] {
        let (status, stdout, stderr) = said(&with(Server::builder(), 0, arguments));
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains("NAME=VALUE") && stdout.contains("--agent"), "{stdout}");
    }
    let (_, stdout, _) = said(&with(Server::builder(), 0, &["tools", "--help"]));
    assert!(stdout.contains("tools [AGENT] [--json]"), "{stdout}");
}

#[test]
fn a_tool_of_the_python_sdk_is_called() {
    let Some(parts) = Parts::find() else { return };
    let server = Server::start();
    let _bridge = parts.bridge(&server.tool_address(), &[&["calculator.py"]]);
    server.wait_health(crate::common::parts::TIMEOUT, "the calculator", |connections| {
        (connections["total_tools"] == 1).then_some(())
    });
    let answer = printed(&server, &["call", "calculator", "python_expression=130000 * 130000"]);
    assert!(answer.contains("16900000000"), "{answer}");
    refused(&server, &["call", "calculator", "python_expression=x"], 1, "not arithmetic: x");
}
