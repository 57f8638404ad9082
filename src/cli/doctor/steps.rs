//! The steps of a visit: a list of them, and how each is played.

use super::cause::{of_close, of_home, of_key, of_refusal, of_reply, shown, Cause};
use super::managed::{of_health, Entry};
use crate::cli::client::http::{self, at, number_at, text_at, written, Answer};
use crate::cli::client::websocket::{random, Event, WebSocket};
use crate::cli::client::{connects, own, Address, Failure};
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::text::Language;
use crate::token::{percent, Token};
use serde_json::Value;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long an answer may take. A client that is refused again and again is answered up to 5 s later.
const TIMEOUT: Duration = Duration::from_secs(8);

/// How long a server may take to send `initialize` to a tool server. One without `handshake`
/// never does.
const HANDSHAKE_TIME: Duration = Duration::from_millis(1500);

/// How long both connections stay idle. This finds proxies that cut idle connections within
/// seconds. Those that do so after a minute are not found: the command would take too long.
const SILENT_TIME: Duration = Duration::from_secs(3);

/// How long one of the two connections is read before the other.
const READ_TIME: Duration = Duration::from_millis(5);

/// The agent of the doctor. It is always the same, because the server shows for minutes who left,
/// and would show one agent for each run.
const AGENT: &str = "doctor";

/// The most doctors that run at the same time with an agent each.
const MAX_AGENTS: usize = 100;

/// The longest line of names, in characters.
const MAX_LINE_CHARS: usize = 1000;

/// A step.
pub(super) struct Step {
    /// What it is called.
    pub(super) name: fn(Language) -> String,
    /// Whether it is on the way to the server, not at the server.
    pub(super) is_way: bool,
    /// Does it, and says what was seen.
    pub(super) play: fn(&mut Visit) -> Result<String, Cause>,
}

const fn step(
    name: fn(Language) -> String,
    is_way: bool,
    play: fn(&mut Visit) -> Result<String, Cause>,
) -> Step {
    Step { name, is_way, play }
}

/// What is done with an address only.
static WAY: [Step; 3] = [
    step(Language::step_address, false, Visit::address),
    step(Language::step_connect, true, Visit::connect),
    step(Language::step_server, true, Visit::server),
];

/// What is done with the key: as the console, then as a tool and a robot of an agent of our own.
static WITH_KEY: [Step; 9] = [
    step(Language::step_address, false, Visit::address),
    step(Language::step_connect, true, Visit::connect),
    step(Language::step_server, true, Visit::server),
    step(Language::step_key, false, Visit::key),
    step(Language::step_tool, false, Visit::tool),
    step(Language::step_robot, false, Visit::robot),
    step(Language::step_list, false, Visit::list_own),
    step(Language::step_call, false, Visit::call),
    step(Language::step_silence, false, Visit::silence),
];

/// What is done with a token: only what disturbs nobody, for the agent has tools of its own.
static WITH_TOKEN: [Step; 6] = [
    step(Language::step_address, false, Visit::address),
    step(Language::step_connect, true, Visit::connect),
    step(Language::step_server, true, Visit::server),
    step(Language::step_robot, false, Visit::robot),
    step(Language::step_list, false, Visit::list_theirs),
    step(Language::step_silence, false, Visit::silence),
];

/// A visit under way.
pub(super) struct Visit {
    address: Address,
    language: Language,
    key: Option<String>,
    /// Whether the key is the one of the configuration.
    key_is_own: bool,
    /// Whether there is a key in the configuration, which is not for this server.
    key_is_kept: bool,
    /// Whether the server is the Python one.
    python: bool,
    /// The token as it stands in an address.
    token: String,
    /// The tool that the doctor brings. Another doctor's has another name, so that neither is
    /// asked in place of the other where both have the same agent after all.
    echo: String,
    tool: Option<WebSocket>,
    robot: Option<WebSocket>,
    /// The number of the last request.
    last: u32,
    /// What there is to say about it all.
    pub(super) notes: Vec<String>,
}

impl Visit {
    /// A visit to `address`. With `given` it is not the configured one.
    pub(super) fn new(address: Address, loaded: &Loaded, given: bool, language: Language) -> Self {
        let own = &loaded.settings.server.key;
        let usable = address.token.is_none() && !own.is_empty();
        let for_own = !given || own::is_own(&loaded.settings, &address);
        let key_is_own = !given || address.key.is_none();
        let key_is_kept = usable && !for_own;
        let key = address.key.clone().or_else(|| (usable && for_own).then(|| own.clone()));
        let token = address.token.clone().unwrap_or_default();
        Visit {
            address,
            language,
            key,
            key_is_own,
            key_is_kept,
            python: false,
            token,
            echo: named("doctor_echo_"),
            tool: None,
            robot: None,
            last: 0,
            notes: Vec::new(),
        }
    }

    /// What is to be done.
    pub(super) fn steps(&self) -> &'static [Step] {
        match (&self.key, self.token.is_empty()) {
            (_, false) => &WITH_TOKEN,
            (Some(_), _) => &WITH_KEY,
            _ => &WAY,
        }
    }

    /// Ends it, properly.
    pub(super) fn leave(self) {
        for socket in [self.robot, self.tool].into_iter().flatten() {
            socket.close();
        }
    }

    fn address(&mut self) -> Result<String, Cause> {
        Ok(self.address.kind.text(self.language))
    }

    fn connect(&mut self) -> Result<String, Cause> {
        let stream = connects(&self.address, Instant::now() + TIMEOUT).map_err(Cause::Failure)?;
        Ok(stream.peer_addr().map(|place| place.to_string()).unwrap_or_default())
    }

    fn get(&self, below: &str, bearer: Option<&str>) -> Result<Answer, Cause> {
        let target = self.address.target(below);
        http::get(&self.address, &target, bearer, TIMEOUT).map_err(Cause::Failure)
    }

    fn server(&mut self) -> Result<String, Cause> {
        let answer = self.get("/", None)?;
        let home = match of_home(&answer) {
            Err(cause @ (Cause::WrongPath(_) | Cause::NotOurs(..)))
                if !self.address.prefix.is_empty() =>
            {
                // Perhaps it is only the prefix that is wrong.
                let bare = Address { prefix: String::new(), ..self.address.clone() };
                let found = http::get(&bare, &bare.target("/"), None, TIMEOUT);
                let there = found.is_ok_and(|answer| of_home(&answer).is_ok());
                return Err(if there { Cause::WrongPath(true) } else { cause });
            }
            seen => seen?,
        };
        let proxy = [answer.header("via"), answer.header("server")].join(" ");
        self.python = home.python;
        if home.python {
            self.notes.push(self.language.note_python());
        } else if !proxy.trim().is_empty() {
            self.notes.push(self.language.note_proxy(&shown(proxy.trim())));
        }
        if self.key.is_none() && self.token.is_empty() {
            self.notes.push(if self.key_is_kept {
                self.language.key_of_other(&self.address.base("http"))
            } else {
                self.language.note_no_key()
            });
        }
        Ok(self.language.server_seen(&home.version))
    }

    /// What the key holder sees.
    fn health(&self) -> Result<Answer, Cause> {
        let key = self.key.as_deref().unwrap_or_default();
        // An address is tried as the console asks it. A key of our own stays out of the logs of
        // proxies, but the Python server takes it in the query only.
        if !self.key_is_own || self.python {
            self.get(&format!("/health?key={}", percent::encode(key, b"")), None)
        } else {
            self.get("/health", Some(key))
        }
    }

    /// How the tool servers of the servers file are.
    pub(super) fn managed(&self) -> Vec<Entry> {
        let health = self.key.as_ref().and_then(|_| self.health().ok());
        health.map(|health| of_health(&health.json(), self.language)).unwrap_or_default()
    }

    fn key(&mut self) -> Result<String, Cause> {
        let key = self.key.clone().unwrap_or_default();
        let answer = self.health()?;
        let seen = of_key(&answer, self.key_is_own)?;
        // The Python server keeps one tool server for each agent, and does not say which are connected.
        let name = match self.python {
            true => named("doctor-"),
            false => free_agent(at(&answer.json(), "result")),
        };
        self.token = Token::new(&key, &name).in_address();
        if matches!(seen, Some((0, _))) {
            self.notes.push(self.language.note_no_tool());
        }
        Ok(match seen {
            Some((tools, robots)) => self.language.key_seen(tools, robots),
            None => String::new(),
        })
    }

    fn dial(&self, endpoint: &str) -> Result<WebSocket, Cause> {
        let target = self.address.target(&format!("/{endpoint}/?token={}", self.token));
        let until = Instant::now() + TIMEOUT;
        WebSocket::dial(&self.address, &target, until).map_err(of_refusal)
    }

    fn tool(&mut self) -> Result<String, Cause> {
        self.tool = Some(self.dial("mcp")?);
        // A refusal or `initialize`: both come by themselves.
        self.serve(Instant::now() + HANDSHAKE_TIME)?;
        Ok(self.language.tool_seen())
    }

    /// Answers for the tool until it has answered something, or until `until`.
    fn serve(&mut self, until: Instant) -> Result<(), Cause> {
        let Some(tool) = &mut self.tool else { return Ok(()) };
        let Some(text) = received(tool, until)? else { return Ok(()) };
        if let Some(reply) = reply(&text, &self.echo) {
            tool.send(&reply).map_err(cut)?;
        }
        Ok(())
    }

    fn robot(&mut self) -> Result<String, Cause> {
        self.robot = Some(self.dial("call")?);
        let params = format!(
            r#"{{"protocolVersion":"2024-11-05","capabilities":{{}},"clientInfo":{{"name":"doctor","version":"{}"}}}}"#,
            crate::VERSION
        );
        let result = self.ask("initialize", &params)?;
        if let Some(robot) = &mut self.robot {
            let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            robot.send(note).map_err(cut)?;
        }
        let name = shown(text_at(&result, "serverInfo.name"));
        Ok(self.language.robot_seen(&name))
    }

    /// Sends a request as the robot and waits for its answer, while the tool answers, too.
    fn ask(&mut self, method: &'static str, params: &str) -> Result<Value, Cause> {
        self.last = self.last.saturating_add(1);
        let id = self.last;
        let request =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let end = Instant::now() + TIMEOUT;
        self.robot.as_mut().ok_or(Cause::Cut)?.send(&request).map_err(cut)?;
        while Instant::now() < end {
            self.serve(Instant::now() + READ_TIME)?;
            let Some(robot) = &mut self.robot else { break };
            let Some(text) = received(robot, Instant::now() + READ_TIME)? else { continue };
            let reply = http::json(&text);
            if number_at(&reply, "id") == u64::from(id) && at(&reply, "method").is_null() {
                return of_reply(method, &reply);
            }
        }
        Err(Cause::Unanswered(method))
    }

    fn names(&mut self) -> Result<Vec<String>, Cause> {
        let result = self.ask("tools/list", "{}")?;
        let tools = at(&result, "tools").as_array().ok_or(Cause::WrongAnswer("tools/list"))?;
        Ok(tools.iter().map(|tool| shown(text_at(tool, "name"))).collect())
    }

    fn list_own(&mut self) -> Result<String, Cause> {
        let names = self.names()?;
        if names.contains(&self.echo) {
            Ok(joined(&names))
        } else {
            Err(Cause::WrongAnswer("tools/list"))
        }
    }

    fn list_theirs(&mut self) -> Result<String, Cause> {
        let names = match self.names() {
            // The Python server says so where ours gives an empty list.
            Err(Cause::Error(_, -32001, _)) => Vec::new(),
            names => names?,
        };
        if names.is_empty() {
            let base = self.address.base("ws");
            let root = crate::token::address::ROOT;
            return Err(Cause::NoTool(format!("{base}{root}/mcp/?token={}", self.token)));
        }
        Ok(self.language.tools_seen(names.len(), &joined(&names)))
    }

    fn call(&mut self) -> Result<String, Cause> {
        let word = named("echo-");
        let params = format!(r#"{{"name":"{}","arguments":{{"word":"{word}"}}}}"#, self.echo);
        let result = self.ask("tools/call", &params)?;
        let content = at(&result, "content").get(0);
        if content.is_some_and(|content| text_at(content, "text") == word) {
            Ok(self.language.call_seen())
        } else {
            Err(Cause::WrongAnswer("tools/call"))
        }
    }

    fn silence(&mut self) -> Result<String, Cause> {
        let end = Instant::now() + SILENT_TIME;
        let spared = |cause| match cause {
            Cause::Cut | Cause::Unanswered(_) => Cause::CutWhenSilent,
            other => other,
        };
        let turn = Duration::from_millis(25);
        while Instant::now() < end {
            self.serve(Instant::now() + turn).map_err(spared)?;
            if let Some(robot) = &mut self.robot {
                received(robot, Instant::now() + turn).map_err(spared)?;
            }
        }
        let answer = if self.tool.is_some() { self.call() } else { self.ping() };
        answer.map_err(spared)?;
        Ok(self.language.silence_seen(SILENT_TIME.as_secs()))
    }

    /// Any answer will do.
    fn ping(&mut self) -> Result<String, Cause> {
        match self.ask("ping", "{}") {
            Err(Cause::Error(..)) | Ok(_) => Ok(String::new()),
            Err(cause) => Err(cause),
        }
    }
}

/// Names in one line; some agents have hundreds of them.
fn joined(names: &[String]) -> String {
    visible_start(&names.join(", "), MAX_LINE_CHARS)
}

/// A name nobody else has.
fn named(beginning: &str) -> String {
    random::<4>().iter().fold(beginning.to_owned(), |mut name, byte| {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

fn cut(failure: Failure) -> Cause {
    match failure {
        Failure::Ended | Failure::Silent { .. } => Cause::Cut,
        other => Cause::Failure(other),
    }
}

/// The next text of a peer, until `until`.
fn received(socket: &mut WebSocket, until: Instant) -> Result<Option<String>, Cause> {
    match socket.next(until).map_err(cut)? {
        Some(Event::Text(text)) => Ok(Some(text)),
        Some(Event::Closed(code, reason)) => Err(of_close(code, &reason)),
        None => Ok(None),
    }
}

/// An agent of our own that nobody has now, going by what the console sees.
fn free_agent(seen: &Value) -> String {
    let connections = at(seen, "connections");
    let is_managed = |label: &String| at(seen, "managed_servers").get(label).is_some();
    let is_taken = |name: &str| {
        // The last doctor may be gone, while the tool servers of the servers file still serve its agent.
        let servers = at(connections, "mcp_servers").get(name).and_then(Value::as_object);
        servers.is_some_and(|servers| servers.is_empty() || !servers.keys().all(is_managed))
            || at(connections, "robot_connections_by_agent").get(name).is_some()
    };
    let mut names = (1..=MAX_AGENTS).map(|number| match number {
        1 => AGENT.to_owned(),
        _ => format!("{AGENT}-{number}"),
    });
    names.find(|name| !is_taken(name)).unwrap_or_else(|| AGENT.to_owned())
}

/// What the doctor's tool answers, whose name is `echo`.
fn reply(text: &str, echo: &str) -> Option<String> {
    let message = http::json(text);
    let (id, method) = (message.get("id")?, at(&message, "method").as_str()?);
    let result = match method {
        "initialize" => format!(
            r#"{{"protocolVersion":{},"capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"doctor","version":"{}"}}}}"#,
            written(at(&message, "params.protocolVersion")),
            crate::VERSION
        ),
        "tools/list" => format!(
            r#"{{"tools":[{{"name":"{echo}","description":"","inputSchema":{{"type":"object"}}}}]}}"#
        ),
        "tools/call" => {
            format!(
                r#"{{"content":[{{"type":"text","text":{}}}]}}"#,
                written(at(&message, "params.arguments.word"))
            )
        }
        _ => "{}".to_owned(),
    };
    Some(format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, written(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_of_the_doctor_gives_ids_back_as_they_came() {
        for id in ["7", "\"a\\\"b\"", "null", "1.5"] {
            let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let answer = reply(&request, "e").unwrap();
            assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        }
        assert_eq!(reply(r#"{"method":"notifications/initialized"}"#, "e"), None);
        assert_eq!(reply("no", "e"), None);
    }

    #[test]
    fn an_agent_that_somebody_has_is_left_to_them() {
        let free = |seen: &str| {
            let seen = [r#"{"managed_servers":{"time":{}},"connections":"#, seen, "}"].concat();
            free_agent(&http::json(&seen))
        };
        assert_eq!(free("{}"), "doctor");
        assert_eq!(free(r#"{"mcp_servers":{"doctor":{}}}"#), "doctor-2");
        let both = r#"{"mcp_servers":{"doctor-2":{}},"robot_connections_by_agent":{"doctor":1}}"#;
        assert_eq!(free(both), "doctor-3");
        assert_eq!(free(r#"{"mcp_servers":{"doctor":{"time":{}}}}"#), "doctor");
        assert_eq!(free(r#"{"mcp_servers":{"doctor":{"time":{},"doctor":{}}}}"#), "doctor-2");
    }

    #[test]
    fn a_thousand_names_are_cut() {
        let names = vec!["lamp".to_owned(); 1000];
        let line = joined(&names);
        assert!(line.starts_with("lamp, lamp, ") && line.ends_with('…'), "{line}");
        assert_eq!(line.chars().count(), MAX_LINE_CHARS + 1);
        assert_eq!(joined(&names[..2]), "lamp, lamp");
    }

    #[test]
    fn what_the_tool_of_the_doctor_says_is_json() {
        for request in [
            r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
            r#"{"id":1,"method":"initialize"}"#,
            r#"{"id":1,"method":"tools/list"}"#,
            r#"{"id":1,"method":"tools/call","params":{"arguments":{"word":"w"}}}"#,
        ] {
            let answer: Value = serde_json::from_str(&reply(request, "e").unwrap()).unwrap();
            assert!(answer["result"].is_object(), "{answer}");
        }
    }
}
