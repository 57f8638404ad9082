//! What the program does beside the server: `token`, `status`, `health`, and its `--help`.

use crate::common::{Builder, Ended, Folder, Process, Server, CONFIG, TIMEOUT};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The program with these arguments, in English, in a folder with the configuration of `builder`.
fn run(builder: Builder, arguments: &[&str]) -> Ended {
    let builder = arguments.iter().fold(builder, |builder, argument| builder.arg(argument));
    builder.env("LC_ALL", "en_GB.UTF-8").run()
}

/// A configuration with the key and port of `server`.
fn like(server: &Server) -> Builder {
    configured(server.key(), server.port())
}

fn configured(key: &str, port: u16) -> Builder {
    Server::builder().set("server", "key", key).set("server", "port", port)
}

fn said(ended: &Ended) -> (Option<i32>, String, String) {
    (ended.status.code(), ended.stdout.join("\n"), ended.stderr.join("\n"))
}

#[test]
fn token_prints_what_start_up_printed_and_the_robots_address() {
    let server = Server::start();
    let ended = run(like(&server), &["token"]);
    let robot = server.tool_address().replace("/mcp/", "/call/");
    let lines = [
        format!("智控台MCP参数配置: {}", server.console_address()),
        format!("单模块部署MCP接入点: {}", server.tool_address()),
        format!("robot address: {robot}"),
        format!("Status page: http://127.0.0.1:{}/mcp_endpoint/", server.port()),
    ];
    assert_eq!((ended.status.code(), &ended.stdout[..]), (Some(0), &lines[..]));
    // Where each is pasted is for people, not for a pipe.
    let (_, _, hints) = said(&ended);
    assert!(hints.contains("server.mcp_endpoint") && hints.contains("MCP_ENDPOINT"), "{hints}");
    assert!(!hints.contains(server.key()), "{hints}");
}

#[test]
fn the_addresses_of_any_agent_open_its_door_and_do_not_tell_the_key() {
    let server = Server::start();
    let (status, stdout, stderr) = said(&run(like(&server), &["token", "客厅 living-room"]));
    assert_eq!(status, Some(0), "{stderr}");
    assert!(!stdout.contains(server.key()) && !stderr.contains(server.key()), "{stdout}");
    let path = |name: &str| {
        let line = stdout.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        let (_, path) = line.split_once(&format!(":{}", server.port())).unwrap();
        path.to_owned()
    };
    let mut robot = crate::common::Robot::new(server.ws(&path("robot address")));
    robot.start();
    let _tool = server.ws(&path("tool server address"));
    server.wait_health(TIMEOUT, "both of the agent", |connections| {
        let robots = &connections["robot_connections_by_agent"]["客厅 living-room"];
        let tools = connections["mcp_servers"]["客厅 living-room"].is_object();
        (robots == 1 && tools).then_some(())
    });
}

#[test]
fn token_reads_option_over_environment_over_file() {
    let builder = configured(KEY, 1).env("MCP_ENDPOINT_SERVER_PORT", 2);
    let (_, stdout, _) = said(&run(builder.clone(), &["token"]));
    assert!(stdout.contains("http://127.0.0.1:2/") && stdout.contains(KEY), "{stdout}");
    let (_, stdout, _) = said(&run(builder, &["--port", "3", "token"]));
    assert!(stdout.contains("http://127.0.0.1:3/"), "{stdout}");
    let builder = configured(KEY, 1).set("server", "public_url", "https://mcp.example/x");
    let (_, stdout, _) = said(&run(builder, &["token"]));
    assert!(stdout.contains("wss://mcp.example/x/mcp_endpoint/call/?token="), "{stdout}");
}

#[test]
fn without_a_key_token_makes_none_and_says_what_to_do() {
    for key in ["", "short"] {
        let ended = run(configured(key, 1), &["token"]);
        let (status, stdout, stderr) = said(&ended);
        assert_eq!((status, stdout.as_str()), (Some(2), ""));
        assert!(stderr.contains("has no key yet") && stderr.contains("start the server once"));
        assert!(!stderr.contains("short"), "{stderr}");
        assert_eq!(ended.folder.files(), [CONFIG]);
        assert!(ended.folder.read(CONFIG).contains(&format!("key = {key}\n")));
    }
}

#[test]
fn where_the_port_is_the_systems_choice_the_commands_ask_for_an_address() {
    for command in ["token", "status", "doctor", "health"] {
        let (status, stdout, stderr) = said(&run(configured(KEY, 0), &[command]));
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{command}");
        assert!(stderr.contains("port = 0"), "{stderr}");
    }
}

#[test]
fn health_is_0_where_the_server_is_alive_and_1_where_not() {
    let server = Server::start();
    let (status, stdout, _) = said(&run(like(&server), &["health"]));
    assert_eq!((status, stdout.lines().count()), (Some(0), 1), "{stdout}");
    assert!(stdout.starts_with("healthy: ") && stdout.contains("tool servers 0"), "{stdout}");
    let builder = || configured(KEY, 9);
    assert_eq!(run(builder(), &["health", &server.console_address()]).status.code(), Some(0));
    drop(server);
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = nobody.local_addr().unwrap().port();
    // It listens and says nothing: the command gives up by itself.
    let (status, stdout, stderr) = said(&run(configured(KEY, port), &["health"]));
    assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(1), "", 1), "{stderr}");
    drop(nobody);
    assert_eq!(run(configured(KEY, port), &["health"]).status.code(), Some(1));
    let broken = Server::builder().config("[server]\nport = x\n");
    assert_eq!(run(broken, &["health"]).status.code(), Some(1));
}

/// Answers one request with `head`, then with `rest` again and again; the address.
fn answering(head: &'static str, rest: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(head.as_bytes());
        while !rest.is_empty() && stream.write_all(rest).is_ok() {
            std::thread::sleep(Duration::from_micros(300));
        }
    });
    address
}

#[test]
fn health_shows_nothing_of_a_stranger_that_a_terminal_would_obey() {
    let address = answering(
        "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"healthy\",\"version\":\"\\u001b[2J\\nnext\"}",
        b"",
    );
    let (status, stdout, _) = said(&run(configured(KEY, 9), &["health", &address]));
    assert_eq!((status, stdout.lines().count()), (Some(0), 1), "{stdout}");
    assert!(stdout.contains(r"version \u{1b}[2J\nnext, up"), "{stdout}");
}

#[test]
fn health_waits_no_longer_for_who_never_comes_to_an_end() {
    let begun = Instant::now();
    let address = answering("HTTP/1.1 200 OK\r\n\r\n", b"x");
    let (status, _, stderr) = said(&run(configured(KEY, 9), &["health", &address]));
    assert_eq!((status, stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[test]
fn health_reaches_a_server_that_listens_on_all_addresses() {
    let server = Server::builder().set("server", "host", "0.0.0.0").start();
    let ended = run(like(&server).set("server", "host", "0.0.0.0"), &["health"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn status_shows_agents_tools_robots_and_refusals() {
    let server = Server::start();
    let tool = server.tool("kitchen").named("Lamps").offers(&["on", "off"]).connect();
    tool.wait_listed(1);
    let mut robot = server.robot("kitchen");
    robot.start();
    server.ws("/mcp_endpoint/mcp/").expect_close();
    let (status, stdout, stderr) = said(&run(like(&server), &["status"]));
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("tool servers 1  robots 1"), "{stdout}");
    assert!(stdout.contains("127.0.0.1, 1x"), "{stdout}");
    let row = |name: &str| -> Vec<String> {
        let line = stdout.lines().filter(|line| line.starts_with("kitchen"));
        let mut line = line.filter(|line| line.contains(name));
        line.next()
            .unwrap_or_else(|| panic!("{stdout}"))
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let lamps = row("Lamps");
    assert_eq!(lamps[..4], ["kitchen", "Lamps", "Lamps", "1.0.0"], "{stdout}");
    assert_eq!((lamps[4].as_str(), lamps[6].as_str(), lamps[7].as_str()), ("ready", "2", "0"));
    assert_eq!(row("test-robot")[1], "test-robot");
    let (status, by_address, _) =
        said(&run(configured(KEY, 9), &["status", &server.console_address()]));
    assert_eq!(status, Some(0));
    assert!(by_address.contains("Lamps"), "{by_address}");
}

#[test]
fn status_sends_the_configured_key_to_nobody_else() {
    let stranger = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    stranger.set_nonblocking(true).unwrap();
    let base = format!("http://{}", stranger.local_addr().unwrap());
    let (status, stdout, stderr) = said(&run(configured(KEY, 9), &["status", &base]));
    assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(2), "", 1), "{stderr}");
    assert!(stderr.contains("key is not sent there") && stderr.contains("console address"));
    assert!(stranger.accept().is_err(), "it was not even dialled");
    // The configured server is known by any name this machine has for itself.
    let server = Server::start();
    let base = format!("http://localhost:{}", server.port());
    let ended = run(like(&server), &["status", &base]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn status_says_why_there_is_none() {
    let server = Server::start();
    let (status, _, stderr) = said(&run(configured(KEY, server.port()), &["status"]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("does not use the key of this configuration"), "{stderr}");
    let (status, _, stderr) = said(&run(configured("", server.port()), &["status"]));
    assert_eq!(status, Some(2));
    assert!(stderr.contains("needs the key"), "{stderr}");
    let port = server.port();
    drop(server);
    let (status, _, stderr) = said(&run(configured(KEY, port), &["status"]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("no program listens there"), "{stderr}");
}

#[test]
fn reload_has_the_settings_read_again_and_tells_what_came_of_it() {
    let server = Server::builder().set("server", "language", "en").start();
    let reload = |more: &str| {
        let config = format!(
            "[server]\nhost = 127.0.0.1\nport = 0\nkey = {}\nlanguage = en\n{more}",
            server.key()
        );
        server.folder().write(CONFIG, &config);
        said(&run(like(&server), &["reload"]))
    };
    let (status, stdout, stderr) = reload("[websocket]\nmax_connections = 50\n");
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains("has read its configuration again") && stderr.is_empty(), "{stderr}");
    let (status, _, stderr) = reload("[websocket]\nmax_connection = 50\n");
    assert!(status == Some(0) && stderr.contains("max_connections"), "{stderr}");
    let (status, _, stderr) = reload("[websocket]\nmax_connections = many\n");
    assert_eq!(status, Some(1));
    assert!(stderr.contains("keeps its old settings") && stderr.contains("many"), "{stderr}");
    server.wait_line("the old settings stay in force");
    let (status, _, stderr) = said(&run(configured(KEY, server.port()), &["reload"]));
    assert!(status == Some(1) && stderr.contains("does not use the key"), "{stderr}");
    let get = server.get("/mcp_endpoint/reload");
    assert_eq!((get.status, get.header("Allow")), (405, Some("POST")));
}

#[test]
fn status_watches_a_server_that_goes() {
    let server = Server::start();
    let folder = Folder::fresh();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-endpoint-server"));
    command.current_dir(folder.path()).env("LC_ALL", "en_GB.UTF-8");
    let mut process =
        Process::start("status", command.args(["status", "--watch", &server.console_address()]));
    process.wait_line("up ", 2, TIMEOUT);
    drop(server);
    process.wait_line("does not answer", 1, TIMEOUT);
    // Not on a terminal: nothing is repainted.
    assert!(!process.stdout().concat().contains('\x1b'));
    #[cfg(unix)]
    {
        // Not INT: what starts the tests in the background may have it ignored by all below.
        process.signal("TERM");
        assert!(!process.wait_exit(TIMEOUT).success());
    }
}

#[test]
fn help_is_reported_in_the_language_of_the_locale_or_the_option() {
    let (status, english, _) = said(&run(Server::builder(), &["--help"]));
    assert_eq!(status, Some(0));
    let (_, chinese, _) = said(&run(Server::builder(), &["--language", "zh", "--help"]));
    for name in ["token [AGENT]", "status [--watch] [URL]", "doctor [URL]", "health [URL]"] {
        assert!(english.contains(name) && chinese.contains(name), "{english}\n{chinese}");
    }
    assert!(english.contains("Usage:") && chinese.contains("用法:"));
}

#[test]
fn a_slip_in_a_command_gets_the_nearest_name_one() {
    let (status, stdout, stderr) = said(&run(Server::builder(), &["docter"]));
    assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(2), "", 1));
    assert!(stderr.contains("`doctor`"), "{stderr}");
}

#[test]
fn a_command_speaks_the_language_of_its_caller_rather_than_that_of_the_configuration() {
    let server = Server::start();
    let spoken = |language: &str, locale: &str| {
        let builder = like(&server).set("server", "language", language).arg("health");
        builder.env("LC_ALL", locale).run().stdout.join("\n")
    };
    assert!(spoken("en", "zh_CN.UTF-8").starts_with("正常: "));
    assert!(spoken("zh", "en_US.UTF-8").starts_with("healthy: "));
    assert!(spoken("en", "C.UTF-8").starts_with("healthy: "));
    assert!(spoken("auto", "C.UTF-8").starts_with("正常: "));
}

#[test]
fn a_check_fails_where_an_option_is_misspelt_or_a_value_wrong() {
    for (text, expected) in [("", 0), ("prot = 1\n", 1), ("port = x\n", 2)] {
        let config = format!("[server]\nkey = {KEY}\n{text}");
        let (status, _, stderr) = said(&run(Server::builder().config(&config), &["-t"]));
        assert_eq!(status, Some(expected), "{stderr}");
        assert!(stderr.contains(text.split(' ').next().unwrap()), "{stderr}");
    }
}
