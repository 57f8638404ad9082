//! Configuration files of every odd kind, as a whole: each works, or ends in clear lines that
//! name what is wrong and what is accepted. None panics, and none loses a byte.

use crate::common::{skip, Folder, Random};
use mcp_endpoint_server::settings::table::{Row, TABLE};
use mcp_endpoint_server::settings::{self, Loaded, Origins, Problems, Settings, Sources};
use mcp_endpoint_server::text::Language;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, process};

const FILE: &str = "data/.mcp-endpoint-server.cfg";
const KEY: &str = "0123456789abcdef0123456789abcdef";

impl Folder {
    /// One with this configuration file.
    fn with(bytes: impl AsRef<[u8]>) -> Self {
        let folder = Folder::fresh();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.file(), bytes).unwrap();
        #[cfg(unix)]
        folder.allow(0o600);
        folder
    }

    #[cfg(unix)]
    fn allow(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.file(), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.path().join(FILE)
    }

    fn text(&self) -> String {
        String::from_utf8(fs::read(self.file()).unwrap()).unwrap()
    }

    fn sources(&self) -> Sources {
        Sources { folder: self.path().to_owned(), ..Sources::default() }
    }

    fn load(&self) -> Result<Loaded, Problems> {
        settings::load(&self.sources())
    }

    fn load_with(&self, environment: &[(&str, &str)]) -> Result<Loaded, Problems> {
        settings::load(&self.sources_with(environment))
    }

    fn sources_with(&self, environment: &[(&str, &str)]) -> Sources {
        let pairs = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Sources { environment: pairs.collect(), ..self.sources() }
    }
}

fn load(text: impl AsRef<[u8]>) -> Result<Loaded, Problems> {
    Folder::with(text).load()
}

/// `text` below a key, so that nothing is written.
fn keyed(text: &str) -> String {
    format!("[server]\nkey = {KEY}\n{text}")
}

fn row(section: &str, key: &str) -> &'static Row {
    settings::table::row(section, key).unwrap()
}

/// Problems that are one line each, which is fit for a terminal and not endless.
fn clear_lines(problems: &Problems) -> &[String] {
    assert!(!problems.0.is_empty());
    for line in &problems.0 {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!((20..600).contains(&line.len()), "{line}");
    }
    assert_eq!(problems.to_string().lines().count(), problems.0.len());
    &problems.0
}

fn one_line(read: Result<Loaded, Problems>) -> String {
    let problems = read.unwrap_err();
    let [line] = clear_lines(&problems) else { panic!("more than one line: {problems}") };
    line.clone()
}

/// Values that are wrong for a row, whatever they would be elsewhere.
fn wrong_values(row: &Row) -> Vec<&'static str> {
    use settings::table::Kind;
    match (row.kind, row.key) {
        (Kind::Switch(_), _) => {
            vec!["maybe", "2", "-1", "tru", "是", "true false", "\"true\"", "None"]
        }
        (Kind::Count { .. }, _) => vec![
            "-1",
            "1.5",
            "abc",
            "99999999999999999999",
            "0x10",
            "１２",
            "1e3",
            "NaN",
            "+5",
            "1 000",
            "1,000",
            "4294967296",
            "2000000",
            "%(port)s",
        ],
        (Kind::Bytes { .. }, _) => {
            vec![
                "-1",
                "10XB",
                "1.5MB",
                "MB",
                "99999999999999999999MB",
                "∞",
                "2000TB",
                "10 M B",
                "1e6",
                "１MB",
            ]
        }
        (Kind::Seconds { .. }, _) => vec![
            "-1",
            "nan",
            "inf",
            "1e3",
            "30s",
            "0.05",
            "86401",
            "86400.001",
            "off",
            ".5",
            "1.",
            "３０",
            "99999999999999999999999999999999",
            "1,5",
        ],
        (_, "host") => {
            vec!["http://a", "1.2.3.4:80", "a b", "[::1]", "256.0.0.1", "*", ":::", "0.0.0.0/0"]
        }
        (_, "log_level") => vec!["LOUD", "10", "INFO,DEBUG", "信息", "OFF"],
        (_, "language") => vec!["fr", "中文", "zh-CN", "1"],
        (_, "public_url") => {
            vec!["example.com", "ftp://a", "http://", "https:// a", "http://a?b=1", "http://中"]
        }
        (_, "path_prefix") => vec!["/a b", "/a?b", "/a//b", "/中", "/../x"],
        (_, "allowed_origins") => vec!["example.com", "https://a/b", "https://a, b", "://", ","],
        (_, "trusted_proxies") => {
            vec!["localhost", "10.0.0.0/33", "::1/129", "10.0.0.1:80", "10/8", "*", "127.0.0.1;::1"]
        }
        (_, "log_file" | "selection_file" | "servers_file") => vec!["a\u{7}b", "a\u{1b}[2J"],
        (_, "key") => vec![],
        (_, other) => panic!("no wrong value for {other}"),
    }
}

#[test]
fn a_wrong_value_names_file_line_section_key_value_and_what_is_accepted() {
    let mut count = 0;
    for language in [Language::Zh, Language::En] {
        let shown = if language == Language::En { "en" } else { "zh" };
        for row in TABLE {
            for value in wrong_values(row) {
                let (section, key) = (row.section, row.key);
                let mut text =
                    format!("[server]\nlanguage = {shown}\n\n[{section}]\n{key} = {value}\n");
                if key == "language" {
                    text = format!("[server]\n\n\n\n{key} = {value}\n");
                }
                let folder = Folder::with(&text);
                let line = one_line(folder.load());
                let language = if key == "language" { Language::Zh } else { language };
                let number = if language == Language::En { "line 5" } else { "第 5 行" };
                let accepted = row.kind.accepted(language);
                let option = format!("[{section}] {key} = ");
                for named in [FILE, number, &option, &accepted] {
                    assert!(line.contains(named), "{named} is not in {line}");
                }
                let plain = !value.chars().any(char::is_control) && value.len() < 30;
                assert!(!plain || line.contains(value), "{value} is not in {line}");
                assert_eq!(folder.text(), text, "a wrong file was written to");
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn all_wrong_values_are_reported_at_once() {
    let problems = load("[server]\nport = x\ndebug = x\n[relay]\nquirks = x\n").unwrap_err();
    let lines = clear_lines(&problems);
    assert_eq!(lines.len(), 3);
    for named in ["第 2 行", "第 3 行", "第 5 行"] {
        assert!(lines.iter().any(|line| line.contains(named)), "{named}");
    }
}

/// Files that cannot be used, and what the one line about each must name.
fn unusable() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let utf16 = |text: &str, mark: [u8; 2]| {
        let units = text.encode_utf16().flat_map(|unit| {
            if mark == [0xff, 0xfe] {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        });
        mark.into_iter().chain(units).collect::<Vec<u8>>()
    };
    vec![
        ("UTF-16, little end first", utf16("[server]\r\n", [0xff, 0xfe]), "UTF-8"),
        ("UTF-16, big end first", utf16("[server]\r\n", [0xfe, 0xff]), "UTF-8"),
        ("UTF-16 without a mark", utf16("[server]\r\n", [0xff, 0xfe])[2..].to_vec(), "UTF-8"),
        ("GBK", b"[server]\n# \xc4\xe3\xba\xc3\n".to_vec(), "第 2 行"),
        ("a lone surrogate", b"[server]\n\n\xed\xa0\x80".to_vec(), "第 3 行"),
        ("a program", b"\x7fELF\x02\x01\x01\0\0\0".to_vec(), "NUL"),
        ("random bytes", (0..=255).rev().collect(), "UTF-8"),
        ("a NUL in the third line", b"[server]\n# x\nhost = a\0b\n".to_vec(), "第 3 行"),
        ("10 MB of zeros", vec![0; 10 << 20], "1MB"),
        ("10 MB of text", b"# comment\n".repeat(1 << 20), "1MB"),
        ("one line of 2 MB", vec![b'x'; 2 << 20], "1MB"),
        ("no header", b"port = 8004\nhost = a\n".to_vec(), "[server]"),
        ("an entry before the header", b"# c\nport = 8004\n[server]\n".to_vec(), "第 2 行"),
        ("a line without a sign", b"[server]\nport 8004\n".to_vec(), "第 2 行"),
        ("a full-width sign", "[server]\nport＝8004\n".into(), "第 2 行"),
        ("a full-width colon", "[server]\nport：8004\n".into(), "第 2 行"),
        (
            "a key alone above a header",
            b"[server]\nport\n[relay]\nquirks = 1\n".to_vec(),
            "第 2 行",
        ),
        ("a value alone", b"[server]\n= 8004\n".to_vec(), "第 2 行"),
        ("a sign alone", b"[server]\n:\n".to_vec(), "第 2 行"),
        ("an open header", b"[server\nport = 8004\n".to_vec(), "[server]"),
        ("a closed header", b"server]\n".to_vec(), "第 1 行"),
        ("an empty header", b"[]\n".to_vec(), "[server]"),
        ("a blank header", b"[ \t ]\n".to_vec(), "[server]"),
        ("a header with an entry behind it", b"[server] port = 1\n".to_vec(), "第 1 行"),
        ("a header in a header", b"[[server]]\n".to_vec(), "第 1 行"),
        ("full-width brackets", "［server］\n".into(), "第 1 行"),
        ("YAML", b"---\n".to_vec(), "第 1 行"),
        ("a word", b"hello".to_vec(), "第 1 行"),
        (
            "an indented entry that goes on with the one above",
            b"[server]\nhost = a\n  port = 1\n".to_vec(),
            "第 2 行",
        ),
        ("an indented header", b"[server]\nport = 1\n  [relay]\n".to_vec(), "第 2 行"),
        (
            "a key of two lines",
            b"[server]\nkey = 0123456789\n  0123456789abcdef0123456789\n".to_vec(),
            "***",
        ),
        (
            "a value of many lines",
            [&b"[server]\nport = 1\n"[..], &b" 2\n".repeat(1000)].concat(),
            "第 2 行",
        ),
        (
            "an endless value",
            [&b"[server]\nport = "[..], &b"9".repeat(1 << 19)].concat(),
            "第 2 行",
        ),
        ("escapes in a value", b"[server]\nport = \x1b[31m8004\x08\n".to_vec(), "第 2 行"),
        (
            "the last of two is wrong",
            b"[server]\nport = 1\n[server]\nport = x\n".to_vec(),
            "第 4 行",
        ),
    ]
}

#[test]
fn a_file_that_cannot_be_read_ends_in_one_clear_line() {
    for (what, bytes, named) in unusable() {
        let folder = Folder::with(&bytes);
        let problems = folder.load().expect_err(what);
        let [line] = clear_lines(&problems) else { panic!("{what}: {problems}") };
        assert!(line.contains(FILE) && line.contains(named), "{what}: {line}");
        assert!(fs::read(folder.file()).unwrap() == bytes, "{what}: it was written to");
    }
}

#[test]
fn of_many_unreadable_lines_a_few_are_reported() {
    let problems = load("[server]\n".to_owned() + &"nonsense\n".repeat(10_000)).unwrap_err();
    let lines = clear_lines(&problems);
    assert!(lines.len() < 10 && lines.last().unwrap().contains("9995"), "{problems}");
}

/// Files that work, and what they make of the port.
fn usable() -> Vec<(&'static str, String, u16)> {
    let keyed = |text: &str| keyed(text);
    vec![
        ("nothing but a key", keyed(""), 8004),
        ("plain", keyed("port = 1"), 1),
        ("a colon", keyed("port: 2\n"), 2),
        ("no blanks", keyed("port=3"), 3),
        ("many blanks", keyed("port \t = \t 4 \t \n"), 4),
        ("capital letters", keyed("PORT = 5\n"), 5),
        ("a section in capitals", keyed("[SERVER]\nport = 6\n"), 6),
        ("blanks in a header", keyed("[ server ]\nport = 7\n"), 7),
        ("CRLF", keyed("port = 8\r\n").replace('\n', "\r\n"), 8),
        ("old Mac line ends", keyed("port = 9\n").replace('\n', "\r"), 9),
        ("mixed line ends", keyed("\r\rport = 10\r\n\n"), 10),
        ("a byte order mark", format!("\u{feff}{}", keyed("port = 11\n")), 11),
        (
            "a byte order mark and CRLF",
            format!("\u{feff}{}", keyed("port = 12\n").replace('\n', "\r\n")),
            12,
        ),
        ("a comment behind", keyed("port = 13 # thirteen\n"), 13),
        ("another comment behind", keyed("port = 14\t; = fourteen\n"), 14),
        ("a comment behind a header", keyed("[server] ; again\nport = 15\n"), 15),
        ("indented comments", keyed("port = 16\n   # = 17\n  ; port = 18\n"), 16),
        (
            "indented entries",
            format!("[server]\n    key = {KEY}\n    port = 17\n    debug = 0\n"),
            17,
        ),
        ("entries indented by a tab", format!("[server]\n\tkey = {KEY}\n\tport = 18\n"), 18),
        ("a value below its key", keyed("port =\n   19\n"), 19),
        ("the same section twice", keyed("port = 1\n[relay]\n[server]\nport = 20\n"), 20),
        ("the same key twice", keyed("port = 1\nPort = 21\n"), 21),
        ("an empty value", keyed("port = 1\nport =\n"), 8004),
        ("an empty value and a comment", keyed("port = ; none\n"), 8004),
        ("form feeds", keyed("\u{c}\nport = 22\n\u{c}"), 22),
        ("full-width blanks", keyed("port\u{3000}=\u{3000}23\n"), 23),
        ("leading zeros", keyed("port = 00024\n"), 24),
        ("no line end at the end", keyed("\n\n\n\nport = 25"), 25),
        ("an empty section at the end", keyed("port = 26\n[logging]"), 26),
        (
            "a backslash at a line's end",
            keyed("[logging]\nlog_file = logs\\\n[server]\nport = 27\n"),
            27,
        ),
        (
            "quotes",
            keyed("[logging]\nlog_file = \"it's\nmax_file_size = 1MB\n[server]\nport = 28"),
            28,
        ),
        ("percent signs", keyed("[logging]\nlog_file = %(asctime)s-100%\n[server]\nport = 29"), 29),
        ("an unknown section", keyed("[DEFAULT]\nport = 1\n[server]\nport = 30\n"), 30),
        ("an unknown key", keyed("reload = true\nport = 31\n"), 31),
        ("a long line", keyed(&format!("# {}\nport = 32\n", "长".repeat(100_000))), 32),
        ("a long unknown key", keyed(&format!("{} = 1\nport = 33\n", "k".repeat(500_000))), 33),
        ("many unknown keys", keyed(&format!("{}port = 34\n", "k = v\n".repeat(1000))), 34),
        ("much blank space", keyed(&format!("{}port = 35\n", " \t\n".repeat(100_000))), 35),
        ("line separators of Unicode", keyed("port = 36\u{2028}\n# \u{85}\n"), 36),
        (
            "equals signs in a value",
            keyed("[security]\nallowed_origins = http://a=b:1\n[server]\nport = 37"),
            37,
        ),
    ]
}

#[test]
fn a_file_that_can_be_read_is_and_stays_as_it_is() {
    for (what, text, port) in usable() {
        let folder = Folder::with(&text);
        let loaded = folder.load().unwrap_or_else(|problems| panic!("{what}: {problems}"));
        assert_eq!((loaded.settings.server.port, what), (port, what));
        assert_eq!(loaded.settings.server.key, KEY, "{what}");
        assert!(folder.text() == text, "{what}: it was written to");
        for warning in &loaded.warnings {
            assert!(!warning.chars().any(char::is_control) && warning.len() < 600, "{warning}");
        }
    }
}

#[test]
fn the_file_of_the_python_server_is_read_without_a_word() {
    let text = format!(
        "[server]\nhost = 0.0.0.0\nport = 8004\ndebug = false\nlog_level = INFO\nkey = {KEY}\n\n\
         [websocket]\nmax_connections = 1000\nping_interval = 30\nping_timeout = 10\n\
         close_timeout = 10\n\n[security]\nallowed_origins = *\nenable_cors = true\n\n[logging]\n\
         log_file = logs/mcp_server.log\nmax_file_size = 10MB\nbackup_count = 5\n\n"
    );
    let folder = Folder::with(&text);
    let loaded = folder.load().unwrap();
    let mut expected = Settings::default();
    expected.server.host = "0.0.0.0".into();
    expected.server.key = KEY.into();
    assert_eq!(loaded.settings, expected);
    assert_eq!((loaded.warnings, loaded.notes, folder.text()), (vec![], vec![], text));
}

#[test]
fn every_option_can_be_set_in_the_file() {
    let loaded = load(keyed(
        "host = ::\nport = 1\nlog_level = warn\npublic_url = https://a.example/\npath_prefix = foo/\n\
         language = EN\n[websocket]\nmax_connections = 2\nmax_connections_per_agent = 3\nping_interval = 0\nping_timeout = 0.5\n\
         close_timeout = 3.25\nhandshake_timeout = 4\nmax_message_size = 4096\nmax_queued = 8kb\n\
         memory_limit = 1 GB\n[relay]\nhandshake = no\nhandshake_timeout = 5\n\
         tool_ping_interval = 0.0\nrequest_timeout = 6\nreconnect_grace = 0\nmax_in_flight = 7\n\
         quirks = off\n[tools]\nservers_file =\nselection_file =\nwarn_above = 8\n[security]\nallowed_origins = https://a/, http://b:1\nenable_cors = 0\n\
         trusted_proxies =\n\
         [logging]\nlog_file =\nmax_file_size = 0\nbackup_count = 0\n",
    ))
    .unwrap();
    let Settings { server, websocket, relay, tools, security, logging, servers } = loaded.settings;
    assert_eq!((server.host.as_str(), server.port, server.debug), ("::", 1, false));
    assert_eq!((server.log_level, server.language), (log::LevelFilter::Warn, Language::En));
    assert_eq!(server.public_url.as_deref(), Some("https://a.example"));
    assert_eq!(server.path_prefix, "/foo");
    assert_eq!((websocket.max_connections, websocket.ping_interval), (2, None));
    assert_eq!((websocket.max_connections_per_agent, websocket.connections_per_agent()), (3, 2));
    let times = [websocket.ping_timeout, websocket.close_timeout, websocket.handshake_timeout];
    assert_eq!(times, [500, 3250, 4000].map(Duration::from_millis));
    assert_eq!((websocket.max_message_size, websocket.max_queued), (4096, 8192));
    assert_eq!((websocket.memory_limit, relay.max_held), (1 << 30, 8192));
    assert_eq!((relay.handshake, relay.quirks, relay.debug), (false, false, false));
    assert_eq!((relay.tool_ping_interval, relay.max_in_flight), (None, 7));
    let times = [relay.handshake_timeout, relay.request_timeout, relay.reconnect_grace];
    assert_eq!(times, [5, 6, 0].map(Duration::from_secs));
    assert_eq!(relay.language, Language::En);
    assert_eq!((tools.selection_file, relay.warn_above), (None, 8));
    let only = Origins::Only(vec!["https://a".into(), "http://b:1".into()]);
    assert_eq!((security.allowed_origins, security.enable_cors), (only, false));
    assert!(security.trusted_proxies.is_empty());
    assert_eq!((logging.log_file, logging.max_file_size, logging.backup_count), (None, 0, 0));
    assert_eq!((tools.servers_file, servers), (None, Vec::new()));
}

#[test]
fn debug_means_level_debug_and_bodies_and_verbose_only_the_level() {
    let debug = load(keyed("log_level = ERROR\ndebug = on\n")).unwrap().settings;
    assert_eq!((debug.server.log_level, debug.relay.debug), (log::LevelFilter::Debug, true));
    let folder = Folder::with(keyed(""));
    let overrides = vec![(row("server", "log_level"), "DEBUG".to_owned())];
    let verbose = settings::load(&Sources { overrides, ..folder.sources() }).unwrap().settings;
    assert_eq!((verbose.server.log_level, verbose.relay.debug), (log::LevelFilter::Debug, false));
}

#[test]
fn unknown_names_are_warned_about_with_the_nearest_known_one() {
    let loaded = load(keyed(
        "prot = 1\nping_timeout = 1\n[websockets]\nping_interval = 1\n[relay]\nqirks = 0\n",
    ))
    .unwrap();
    let expected = [
        ("第 3 行", "prot", "[server] port"),
        ("第 4 行", "ping_timeout", "[websocket] ping_timeout"),
        ("第 5 行", "[websockets]", "[websocket]"),
        ("第 8 行", "qirks", "[relay] quirks"),
    ];
    assert_eq!(loaded.warnings.len(), expected.len());
    for (line, name, nearest) in expected {
        let shown =
            |warning: &String| [line, name, nearest].iter().all(|part| warning.contains(part));
        assert!(loaded.warnings.iter().any(shown), "{name}: {:?}", loaded.warnings);
    }
}

#[test]
fn what_is_said_twice_counts_the_last_time_and_is_warned_about() {
    let loaded = load(keyed("port = x\n[relay]\n[server]\nport = 2\n")).unwrap();
    let [warning] = &loaded.warnings[..] else { panic!("{:?}", loaded.warnings) };
    assert!(warning.contains("第 6 行") && warning.contains("第 3 行"), "{warning}");
}

#[test]
fn option_goes_over_environment_over_file() {
    let folder = Folder::with(keyed("port = 1\nhost = a\n[websocket]\nping_interval = 1\n"));
    let environment = [
        ("MCP_ENDPOINT_SERVER_PORT", " 2 "),
        ("MCP_ENDPOINT_SERVER_HOST", "b"),
        ("MCP_ENDPOINT_WEBSOCKET_PING_INTERVAL", "2"),
        ("MCP_ENDPOINT_SERVER_LOG_LEVEL", ""),
        ("MCP_ENDPOINT_LOGGING_LOG_FILE", ""),
    ];
    let overrides = vec![(row("server", "port"), "3".into()), (row("server", "port"), "4".into())];
    let sources = Sources { overrides, ..folder.sources_with(&environment) };
    let settings = settings::load(&sources).unwrap().settings;
    assert_eq!((settings.server.port, settings.server.host.as_str()), (4, "b"));
    assert_eq!(settings.websocket.ping_interval, Some(Duration::from_secs(2)));
    assert_eq!(settings.server.log_level, log::LevelFilter::Info);
    assert_eq!(settings.logging.log_file, None);
}

#[test]
fn every_option_can_be_set_by_the_environment() {
    for row in TABLE {
        for value in wrong_values(row) {
            let folder = Folder::with(keyed(""));
            let line = one_line(folder.load_with(&[(row.variable().as_str(), value)]));
            assert!(line.contains(&row.variable()), "{line}");
            assert!(line.contains(&row.kind.accepted(Language::Zh)), "{line}");
        }
    }
}

#[test]
fn a_wrong_option_of_the_command_line_is_named() {
    let folder = Folder::with(keyed(""));
    let overrides = vec![(row("server", "port"), "70000".to_owned())];
    let line = one_line(settings::load(&Sources { overrides, ..folder.sources() }));
    assert!(line.contains("--port") && line.contains("70000"), "{line}");
}

#[test]
fn variables_of_kubernetes_and_slips_of_the_finger_are_warned_about() {
    let folder = Folder::with(keyed(""));
    let loaded = folder
        .load_with(&[
            ("MCP_ENDPOINT_SERVER_PORT", "tcp://10.0.0.1:8004"),
            ("MCP_ENDPOINT_SERVER_SERVICE_HOST", "10.0.0.1"),
            ("MCP_ENDPOINT_SERVER_PORT_8004_TCP_ADDR", "10.0.0.1"),
            ("MCP_ENDPOINT_SERVER_HOSTS", "a"),
        ])
        .unwrap();
    assert_eq!((loaded.settings.server.port, loaded.warnings.len()), (8004, 2));
    assert!(loaded.warnings[0].contains("MCP_ENDPOINT_SERVER_PORT"));
    assert!(loaded.warnings[1].contains("MCP_ENDPOINT_SERVER_HOST"));
}

#[test]
fn limits_and_addresses_that_cannot_work_together_are_warned_about() {
    let loaded =
        load(keyed("path_prefix = /monkeys\n[websocket]\nmax_queued = 1MB\nmemory_limit = 1MB\n"))
            .unwrap();
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
}

#[test]
fn a_public_url_without_the_path_prefix_is_warned_about() {
    let warnings = |url: &str| {
        let text = format!("path_prefix = /foo\npublic_url = {url}\n");
        load(keyed(&text)).unwrap().warnings
    };
    for url in ["", "https://a.example/foo", "https://a.example/foo/mcp_endpoint/"] {
        assert!(warnings(url).is_empty(), "{url}");
    }
    for url in ["https://a.example", "https://a.example/bar"] {
        let warnings = warnings(url);
        assert!(warnings.len() == 1 && warnings[0].contains("/foo"), "{url}: {warnings:?}");
    }
}

#[test]
fn problems_are_reported_in_the_language_of_the_settings() {
    let text = "[server]\nport = x\nlanguage = en\n";
    assert!(one_line(load(text)).contains("is not accepted"));
    assert!(one_line(load("[server]\nport = x\n")).contains("无效"));
    assert!(one_line(load("[server]\nlanguage = en\nnonsense\n")).contains("cannot be understood"));
    let chinese = [("MCP_ENDPOINT_SERVER_LANGUAGE", "zh")];
    assert!(one_line(Folder::with(text).load_with(&chinese)).contains("无效"));
    let overrides = vec![(row("server", "language"), "en".to_owned())];
    let folder = Folder::with(text);
    let sources = Sources { overrides, ..folder.sources_with(&chinese) };
    assert!(one_line(settings::load(&sources)).contains("is not accepted"));
}

#[test]
fn without_a_file_the_built_in_sample_is_copied_with_a_key() {
    let folder = Folder::fresh();
    let loaded = folder.load().unwrap();
    assert_eq!((loaded.warnings.len(), loaded.notes.len()), (0, 2), "{loaded:?}");
    let key = &loaded.settings.server.key;
    assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let sample = settings::render::sample_file();
    assert_eq!(folder.text(), sample.replace("\nkey =\n", &format!("\nkey = {key}\n")));
    let again = folder.load().unwrap();
    assert_eq!((again.settings, again.notes), (loaded.settings, vec![]));
    let names: Vec<_> = fs::read_dir(folder.path().join("data")).unwrap().collect();
    assert_eq!(names.len(), 1, "something was left behind");
}

#[test]
fn without_a_file_the_sample_beside_it_is_copied() {
    let folder = Folder::fresh();
    fs::write(folder.path().join("mcp-endpoint-server.cfg"), "[server]\nport = 1 ; mine\n")
        .unwrap();
    let loaded = folder.load().unwrap();
    assert_eq!(loaded.settings.server.port, 1);
    let key = &loaded.settings.server.key;
    assert_eq!(folder.text(), format!("[server]\nkey = {key}\nport = 1 ; mine\n"));
}

#[test]
fn a_wrong_sample_is_named_and_not_copied() {
    let folder = Folder::fresh();
    fs::write(folder.path().join("mcp-endpoint-server.cfg"), "[server]\nport = x\n").unwrap();
    let line = one_line(folder.load());
    assert!(line.contains("mcp-endpoint-server.cfg") && !line.contains(FILE), "{line}");
    assert!(!folder.file().exists());
}

#[test]
fn a_file_named_by_an_option_must_be_there_unless_it_is_the_default_one() {
    let folder = Folder::fresh();
    let with = |path: &str| Sources { config: Some(path.into()), ..folder.sources() };
    let line = one_line(settings::load(&with("other.cfg")));
    assert!(line.contains("other.cfg"), "{line}");
    assert!(settings::load(&with(FILE)).is_ok() && folder.file().exists());
    fs::write(folder.path().join("other.cfg"), keyed("port = 9")).unwrap();
    assert_eq!(settings::load(&with("other.cfg")).unwrap().settings.server.port, 9);
}

#[test]
fn a_directory_is_not_a_file() {
    let folder = Folder::fresh();
    fs::create_dir_all(folder.file()).unwrap();
    assert!(one_line(folder.load()).contains(FILE));
    let other = Sources { config: Some("".into()), ..folder.sources() };
    assert_eq!(clear_lines(&settings::load(&other).unwrap_err()).len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_loops_pipes_and_devices_refused() {
    use std::os::unix::fs::symlink;
    let folder = Folder::fresh();
    fs::create_dir(folder.path().join("data")).unwrap();
    symlink(".mcp-endpoint-server.cfg", folder.file()).unwrap();
    assert!(one_line(folder.load()).contains(FILE));
    for odd in ["/dev/null", "/dev/zero", "/nowhere/at/all"] {
        fs::remove_file(folder.file()).unwrap();
        symlink(odd, folder.file()).unwrap();
        assert!(one_line(folder.load()).contains(FILE), "{odd}");
    }
    fs::remove_file(folder.file()).unwrap();
    let made = process::Command::new("mkfifo").arg(folder.file()).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(one_line(folder.load()).contains(FILE));
    }
}

#[cfg(unix)]
#[test]
fn of_a_link_to_nowhere_both_ends_are_named() {
    let folder = Folder::fresh();
    fs::create_dir(folder.path().join("data")).unwrap();
    std::os::unix::fs::symlink("/nowhere/a.cfg", folder.file()).unwrap();
    for config in [None, Some(FILE.into()), Some("data/../data/.mcp-endpoint-server.cfg".into())] {
        let line = one_line(settings::load(&Sources { config, ..folder.sources() }));
        assert!(line.contains("-server.cfg 是一个链接"), "{line}");
        assert!(line.contains("/nowhere/a.cfg") && !line.contains("-c "), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with(keyed("port = 7"));
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(folder.file()).is_ok() {
        return skip("needs a user who is not root, who can read every file");
    }
    assert!(one_line(folder.load()).contains(FILE));
}

/// A folder that cannot be made even by root: its place is taken by a file.
#[test]
fn where_nothing_can_be_saved_the_server_runs_and_says_how_long_the_key_lasts() {
    let folder = Folder::fresh();
    fs::write(folder.path().join("data"), "in the way").unwrap();
    let loaded = folder.load().unwrap();
    let [warning] = &loaded.warnings[..] else { panic!("{:?}", loaded.warnings) };
    assert!(warning.contains("重启") && warning.contains(FILE), "{warning}");
    let in_the_way = format!("{} 不是目录", folder.path().join("data").display());
    assert!(warning.contains(&in_the_way) && warning.contains("移走"), "{warning}");
    assert!(!warning.contains(&loaded.settings.server.key));
    assert_eq!(loaded.settings.server.key.len(), 32);
    assert_eq!(fs::read_to_string(folder.path().join("data")).unwrap(), "in the way");
    let given = folder.load_with(&[("MCP_ENDPOINT_SERVER_KEY", KEY)]).unwrap();
    assert!(given.warnings.len() == 1 && given.settings.server.key == KEY);
    assert!(given.warnings[0].contains(&in_the_way), "{}", given.warnings[0]);
    let config = Some(FILE.replace(".cfg", "-2.cfg").into());
    let line = one_line(settings::load(&Sources { config, ..folder.sources() }));
    assert!(line.contains(&in_the_way), "{line}");
}

#[test]
fn a_short_key_is_replaced_and_not_another_byte() {
    for (before, after) in [
        ("[server]\nkey = ", " \t\nport = 1\n\n# the end  \n"),
        ("\u{feff}; 我的配置\r\n[relay]\r\n[server]\r\n  Key:", "  ; why\r\n  port=1\r\n"),
        ("[server]\nport=1\nunknown = ü\nkey=", ""),
        ("[server]\rkey = ", "\r\r"),
    ] {
        let folder = Folder::with(format!("{before}tooshort{after}"));
        let loaded = folder.load().unwrap();
        let key = &loaded.settings.server.key;
        assert_eq!(folder.text(), format!("{before}{key}{after}"));
        assert_eq!(folder.load().unwrap().settings, loaded.settings);
        for shown in loaded.warnings.iter().chain(&loaded.notes) {
            assert!(!shown.contains(key.as_str()) && !shown.contains("tooshort"), "{shown}");
        }
    }
}

#[test]
fn a_key_is_counted_in_characters_and_may_hold_any() {
    let short = "密".repeat(31);
    let folder = Folder::with(format!("[server]\nkey = {short}\n"));
    assert_ne!(folder.load().unwrap().settings.server.key, short);
    for key in
        ["密".repeat(32), format!("a=b:c%d\\\"'[x]{}", "#;".repeat(16)), "\u{1f511}".repeat(40)]
    {
        let text = format!("[server]\nkey = {key}\n");
        let folder = Folder::with(&text);
        assert_eq!((folder.load().unwrap().settings.server.key, folder.text()), (key, text));
    }
}

#[test]
fn a_key_of_the_environment_is_used_as_it_is_and_never_written() {
    let folder = Folder::with("[server]\nport = 1\n");
    let loaded = folder.load_with(&[("MCP_ENDPOINT_SERVER_KEY", "sixteen letters!")]).unwrap();
    assert_eq!(loaded.settings.server.key, "sixteen letters!");
    assert!(loaded.warnings.len() == 1 && !loaded.warnings[0].contains("sixteen"));
    assert_eq!(folder.text(), "[server]\nport = 1\n");
    let empty = folder.load_with(&[("MCP_ENDPOINT_SERVER_KEY", "")]).unwrap();
    assert_eq!(empty.settings.server.key.len(), 32);
}

#[test]
fn no_problem_shows_a_key() {
    let text = "[server]\nkey = 0123456789abcdef\n  0123456789abcdef\n";
    assert!(!one_line(load(text)).contains("0123456789"));
    let folder = Folder::with(keyed(""));
    let line = one_line(folder.load_with(&[("MCP_ENDPOINT_SERVER_KEY", "secret\nsecret")]));
    assert!(!line.contains("secret"), "{line}");
}

#[cfg(unix)]
#[test]
fn a_file_with_a_key_is_for_its_owner_only_and_a_link_stays_a_link() {
    use std::os::unix::fs::{symlink, PermissionsExt};
    let folder = Folder::fresh();
    fs::create_dir(folder.path().join("data")).unwrap();
    let real = folder.path().join("real.cfg");
    fs::write(&real, "[server]\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("../real.cfg", folder.file()).unwrap();
    let key = folder.load().unwrap().settings.server.key;
    assert!(fs::symlink_metadata(folder.file()).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), format!("[server]\nkey = {key}\n"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    let fresh = Folder::fresh();
    fresh.load().unwrap();
    assert_eq!(fs::metadata(fresh.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn reading_again_writes_nothing_and_keeps_the_key() {
    let folder = Folder::fresh();
    let first = folder.load().unwrap().settings;
    fs::write(folder.file(), "[server]\nkey = short\nport = 9\n").unwrap();
    let again = settings::reload(&folder.sources(), &first, true).unwrap();
    assert!(again.warnings.iter().any(|warning| warning.contains("32")), "{:?}", again.warnings);
    let again = again.settings;
    assert_eq!((again.server.key.as_str(), again.server.port), (first.server.key.as_str(), 9));
    assert_eq!(folder.text(), "[server]\nkey = short\nport = 9\n");
    assert_eq!(first.needs_restart(&again), ["[server] port"]);
    fs::remove_file(folder.file()).unwrap();
    assert_eq!(settings::reload(&folder.sources(), &first, false).unwrap().settings, first);
    let problems = settings::reload(&folder.sources(), &first, true).unwrap_err().to_string();
    assert!(problems.contains(".mcp-endpoint-server.cfg"), "{problems}");
    assert!(!folder.file().exists());
    fs::write(folder.file(), "[server]\nport = x\n").unwrap();
    assert!(settings::reload(&folder.sources(), &first, true).is_err());
}

#[test]
fn a_check_writes_nothing() {
    let folder = Folder::fresh();
    assert!(settings::check(&folder.sources()).is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let text = "[server]\nkey = short\n";
    let folder = Folder::with(text);
    assert!(settings::check(&folder.sources()).is_ok());
    assert_eq!(folder.text(), text);
}

#[test]
fn texts_made_at_random_never_panic_and_get_their_key() {
    let pieces = [
        "[server]", "[relay]", "\n", "\n", "\r\n", "\r", "key", "port", " ", "\t", "=", ":", "#",
        ";", "\\", "short", "1", "中", "\u{feff}", "\u{3000}", "[", "]", "%",
    ];
    let mut random = Random::new(11);
    let mut keyed = 0;
    for _ in 0..3000 {
        let mut text = "[server]\n".to_owned();
        for _ in 0..14 {
            text.push_str(pieces[random.place(pieces.len())]);
        }
        let folder = Folder::with(&text);
        let Ok(loaded) = folder.load() else {
            assert_eq!(folder.text(), text);
            continue;
        };
        keyed += 1;
        let again = folder.load().unwrap_or_else(|problems| panic!("{text:?}: {problems}"));
        assert_eq!(again.settings, loaded.settings, "{text:?} became {:?}", folder.text());
        assert!(again.notes.is_empty(), "{text:?} got another key");
    }
    assert!(keyed > 100, "only {keyed} texts could be read");
}

#[test]
fn only_our_variables_are_collected() {
    let environment = settings::environment();
    let ours = ["MCP_ENDPOINT_", "LC_", "LANG"];
    assert!(environment.iter().all(|(name, _)| ours.iter().any(|our| name.starts_with(our))));
}

#[cfg(unix)]
#[test]
fn a_key_that_everybody_can_read_is_warned_about() {
    let folder = Folder::with(keyed(""));
    for (mode, warned) in [(0o600, false), (0o640, false), (0o644, true), (0o666, true)] {
        folder.allow(mode);
        let warnings = folder.load().unwrap().warnings.concat();
        let command = format!("chmod 600 {}", folder.file().display());
        assert_eq!(warnings.contains(&command), warned, "{mode:o}: {warnings}");
        assert!(!warnings.contains(KEY));
    }
    let elsewhere = [("MCP_ENDPOINT_SERVER_KEY", KEY)];
    assert!(folder.load_with(&elsewhere).unwrap().warnings.is_empty());
}

#[test]
fn starts_at_the_same_time_end_with_the_key_in_the_file() {
    for round in 0..10 {
        let folder =
            if round % 2 == 0 { Folder::fresh() } else { Folder::with("[server]\nport = 1\n") };
        let keys: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| folder.load().unwrap().settings.server.key))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        if cfg!(unix) {
            let line = format!("key = {}", keys[0]);
            assert!(
                folder.text().contains(&line) && keys.iter().all(|key| *key == keys[0]),
                "{keys:?}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_named() {
    let folder = Folder::fresh();
    std::os::unix::fs::symlink("gone/away", folder.path().join("data")).unwrap();
    let warnings = folder.load().unwrap().warnings.concat();
    assert!(warnings.contains("gone/away") && warnings.contains("不存在"), "{warnings}");
}

#[test]
fn a_folder_that_docker_made_is_reported_what_to_do_about() {
    let folder = Folder::fresh();
    fs::create_dir_all(folder.file()).unwrap();
    let line = one_line(folder.load());
    assert!(line.contains("Docker"), "{line}");
}

#[test]
fn auto_is_the_language_of_the_locale() {
    for (text, locale, english) in [
        ("", "", false),
        ("", "en_US.UTF-8", true),
        ("language = auto", "en", true),
        ("language = auto", "C.UTF-8", false),
        ("language = zh", "en_US.UTF-8", false),
        ("language = en", "zh_CN.UTF-8", true),
    ] {
        let folder = Folder::with(keyed(text));
        let settings = folder.load_with(&[("LANG", locale)]).unwrap().settings;
        let expected = if english { Language::En } else { Language::Zh };
        let spoken = (settings.server.language, settings.relay.language);
        assert_eq!(spoken, (expected, expected), "{text} {locale}");
    }
}

/// A folder with a right configuration file and this selection file.
fn folder_with_selection(text: &str) -> Folder {
    let folder = Folder::with(keyed("language = en\n"));
    fs::write(folder.path().join("data/tools.json"), text).unwrap();
    folder
}

#[test]
fn the_selection_file_is_read_at_the_start_on_a_reload_and_for_a_check() {
    let folder = folder_with_selection(r#"{"agents":{"a":{"hide":["x"]}}}"#);
    let loaded = folder.load().unwrap();
    assert!(!loaded.settings.relay.selection.is_empty() && loaded.warnings.is_empty());
    let again = settings::reload(&folder.sources(), &loaded.settings, true).unwrap();
    assert_eq!(again.settings.relay.selection, loaded.settings.relay.selection);
    // Commands that do not need it are not kept from their work by it.
    fs::write(folder.path().join("data/tools.json"), "{").unwrap();
    assert!(settings::check(&folder.sources()).is_ok());
    for read in [
        folder.load(),
        settings::reload(&folder.sources(), &loaded.settings, true),
        settings::check_files(&folder.sources()),
    ] {
        let line = one_line(read);
        assert!(line.contains("tools.json, line 1, column 2: "), "{line}");
    }
    fs::remove_file(folder.path().join("data/tools.json")).unwrap();
    assert!(folder.load().unwrap().settings.relay.selection.is_empty());
}

#[test]
fn a_selection_without_effect_is_warned_about() {
    let folder = folder_with_selection(r#"{"agents":{"a":{"hide":["x"]}}}"#);
    let loaded = folder.load_with(&[("MCP_ENDPOINT_RELAY_HANDSHAKE", "false")]).unwrap();
    assert!(loaded.warnings[0].contains("handshake = false"), "{:?}", loaded.warnings);
    let folder = folder_with_selection("{}");
    let loaded = folder.load_with(&[("MCP_ENDPOINT_RELAY_HANDSHAKE", "false")]).unwrap();
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_selection_file_that_is_no_text_is_refused() {
    for bytes in [&[b'x'; (1 << 20) + 1][..], b"\xff\xfe{", b"{\0}", b"\xa1\xa1"] {
        let folder = folder_with_selection("");
        fs::write(folder.path().join("data/tools.json"), bytes).unwrap();
        assert!(one_line(folder.load()).contains("tools.json"));
    }
    let folder = folder_with_selection("");
    fs::remove_file(folder.path().join("data/tools.json")).unwrap();
    fs::create_dir(folder.path().join("data/tools.json")).unwrap();
    assert!(one_line(folder.load()).contains("tools.json"));
}
