//! A scripted MCP server at the tool endpoint, in a thread of its own.

use super::client::{Client, Event, Sender};
use super::frame::{Frame, CLOSE, PONG};
use super::raw::{Ending, Raw};
use super::token::escape;
use super::{Journal, Message, TIMEOUT};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What a tool does about a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Answers with this result.
    Result(Value),
    /// Answers a `tools/call` with this text.
    Text(String),
    /// Answers with an error.
    Error(i64, String),
    /// Sends this text, in which `$ID` becomes the id of the request.
    Raw(String),
    /// Does several things, one after another.
    Many(Vec<Answer>),
    /// Nothing: the test answers later with [`Tool::reply`], or never.
    Never,
    /// Ends the connection without a close frame: with an end of the stream or with a reset.
    Die(Ending),
    /// Closes the connection properly with this code.
    Close(u16),
    /// What a tool does that was told nothing special.
    Default,
}

type Behaviour = Box<dyn FnMut(&Message) -> Answer + Send>;

/// A tool to be connected.
pub struct ToolBuilder {
    address: SocketAddr,
    path: String,
    headers: Vec<(String, String)>,
    narrow: bool,
    script: Script,
}

struct Script {
    name: String,
    initialize: Value,
    tools: Arc<Mutex<Vec<Value>>>,
    page: usize,
    behaviours: HashMap<String, Behaviour>,
}

impl ToolBuilder {
    /// A tool without tools, named `test-tool`.
    pub fn new(address: SocketAddr, path: String) -> Self {
        let name = "test-tool".to_owned();
        let initialize = json!({
            "protocolVersion": "2024-11-05",
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": name, "version": "1.0.0" },
        });
        let script = Script {
            name,
            initialize,
            tools: Arc::default(),
            page: usize::MAX,
            behaviours: HashMap::new(),
        };
        ToolBuilder { address, path, headers: Vec::new(), narrow: false, script }
    }

    /// `serverInfo.name`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.script.name = name.to_owned();
        self.script.initialize["serverInfo"]["name"] = json!(name);
        self
    }

    /// `serverInfo.version`.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.script.initialize["serverInfo"]["version"] = json!(version);
        self
    }

    /// Any member of the result of `initialize`: `protocolVersion`, `capabilities`,
    /// `instructions`, …
    #[must_use]
    pub fn sends(mut self, member: &str, value: Value) -> Self {
        self.script.initialize[member] = value;
        self
    }

    /// Offers tools with these names.
    #[must_use]
    pub fn offers(self, names: &[&str]) -> Self {
        self.offers_described(names.iter().map(|name| described(name)).collect())
    }

    /// Offers tools with these descriptions.
    #[must_use]
    pub fn offers_described(mut self, tools: Vec<Value>) -> Self {
        self.script.tools = Arc::new(Mutex::new(tools));
        self
    }

    /// Gives its list in pages of so many.
    #[must_use]
    pub fn in_pages_of(mut self, count: usize) -> Self {
        self.script.page = count;
        self
    }

    /// Dials in with a `server_id`.
    #[must_use]
    pub fn server_id(mut self, id: &str) -> Self {
        self.path.push_str("&server_id=");
        self.path.push_str(&escape(id));
        self
    }

    /// Sends a header more when it dials in.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has a receive buffer so small that [`Tool::stall`] is felt soon.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// What it does about messages with this method; [`Answer::Default`] is what it would do anyway.
    #[must_use]
    pub fn on(
        mut self,
        method: &str,
        behaviour: impl FnMut(&Message) -> Answer + Send + 'static,
    ) -> Self {
        self.script.behaviours.insert(method.to_owned(), Box::new(behaviour));
        self
    }

    /// What it does about `tools/call`.
    #[must_use]
    pub fn on_call(self, behaviour: impl FnMut(&Message) -> Answer + Send + 'static) -> Self {
        self.on("tools/call", behaviour)
    }

    /// Connects, and waits until the handshake is over and the server knows its tools.
    pub fn connect(self) -> Tool {
        let tool = self.dial();
        tool.wait_listed(1);
        tool
    }

    /// Connects, and waits for nothing.
    pub fn dial(self) -> Tool {
        let raw = if self.narrow { Raw::connect_narrow } else { Raw::connect };
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut client = Client::over(raw(self.address), &self.path, &headers);
        client.raw().timeout = None;
        (client.answer_pings, client.answer_closes) = (false, false);
        let shared = Arc::new(Shared::default());
        let (sender, tools) = (client.sender(), Arc::clone(&self.script.tools));
        let name = self.script.name.clone();
        let thread = {
            let shared = Arc::clone(&shared);
            let work = move || Thread { client, script: self.script, shared }.run();
            std::thread::Builder::new().name(name.clone()).spawn(work).unwrap()
        };
        Tool { name, sender, tools, shared, taken: Mutex::default(), thread: Some(thread) }
    }
}

/// What has happened to a tool.
#[derive(Clone, Debug)]
enum Entry {
    Message(Message),
    Answered(String),
    Ended(Event),
}

#[derive(Debug, Default)]
struct Shared {
    entries: Journal<Entry>,
    stalled: Mutex<bool>,
    resumed: Condvar,
}

impl Shared {
    fn set_stalled(&self, stalled: bool) {
        *self.stalled.lock().unwrap_or_else(PoisonError::into_inner) = stalled;
        self.resumed.notify_all();
    }

    fn wait_while_stalled(&self) {
        let stalled = self.stalled.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.resumed.wait_while(stalled, |stalled| *stalled));
    }
}

/// A connected tool. Dropping it ends its connection; a failing test shows what it was sent.
pub struct Tool {
    name: String,
    sender: Sender,
    tools: Arc<Mutex<Vec<Value>>>,
    shared: Arc<Shared>,
    taken: Mutex<HashMap<String, usize>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tool({}: {:#?})", self.name, self.shared.entries.all())
    }
}

impl Tool {
    /// Every message it was sent, to the byte.
    pub fn received(&self) -> Vec<String> {
        let text =
            |entry| if let Entry::Message(message) = entry { Some(message.text) } else { None };
        self.shared.entries.all().into_iter().filter_map(text).collect()
    }

    /// How many messages with this method it was sent so far.
    pub fn count(&self, method: &str) -> usize {
        let entries = self.shared.entries.all();
        entries.iter().filter(|entry| is_message(entry, method)).count()
    }

    /// The first message with this method that this function has not handed out before. Waits
    /// for it.
    pub fn next(&self, method: &str) -> Message {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = taken.entry(method.to_owned()).or_default();
        let what = format!("{method}, number {}, at {}", *taken + 1, self.name);
        let message = self.shared.entries.wait(&what, |entries| {
            entries.iter().filter(|entry| is_message(entry, method)).nth(*taken).cloned()
        });
        *taken += 1;
        match message {
            Entry::Message(message) => message,
            other => panic!("not a message: {other:?}"),
        }
    }

    /// Waits until the server has taken in the whole list of its tools for the `count`th time.
    pub fn wait_listed(&self, count: usize) {
        let what = format!("the list of {}, time {count}", self.name);
        self.shared.entries.wait(&what, |entries| {
            let last =
                |entry: &&Entry| matches!(entry, Entry::Answered(method) if method == "tools/list");
            entries.iter().filter(last).nth(count - 1).map(|_| ())
        });
        self.sync();
    }

    /// Waits until the server has taken in everything this tool has sent.
    pub fn sync(&self) {
        let answers =
            |entries: &[Entry]| entries.iter().filter(|entry| answers_sync(entry)).count();
        let before = answers(&self.shared.entries.all());
        self.send(r#"{"jsonrpc":"2.0","id":"sync","method":"ping"}"#);
        self.shared
            .entries
            .wait("the answer to a ping", |entries| (answers(entries) > before).then_some(()));
    }

    /// Sends a text as it is.
    pub fn send(&self, text: &str) {
        self.sender.text(text).expect("the server takes a message");
    }

    /// Sends a frame as it is.
    pub fn send_frame(&self, frame: &Frame) {
        self.sender.frame(frame).expect("the server takes a frame");
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Answers a request with a result.
    pub fn reply(&self, request: &Message, result: Value) {
        self.send(&reply(request, &result));
    }

    /// Answers a `tools/call` with a text.
    pub fn reply_text(&self, request: &Message, text: &str) {
        self.reply(request, content(text));
    }

    /// Offers other tools from now on, and says so.
    pub fn change_tools(&self, names: &[&str]) {
        let tools = names.iter().map(|name| described(name)).collect();
        *self.tools.lock().unwrap_or_else(PoisonError::into_inner) = tools;
        self.notify("notifications/tools/list_changed", json!({}));
    }

    /// Waits for the end of its connection, and says how it came.
    pub fn wait_end(&self) -> Event {
        self.shared.entries.wait("the end of the tool's connection", |entries| {
            match entries.last() {
                Some(Entry::Ended(event)) => Some(event.clone()),
                _ => None,
            }
        })
    }

    /// Reads nothing from now on, and so answers no ping either.
    pub fn stall(&self) {
        self.shared.set_stalled(true);
    }

    /// Reads again.
    pub fn resume(&self) {
        self.shared.set_stalled(false);
    }

    /// Ends its connection without a close frame.
    pub fn die(mut self, ending: Ending) {
        self.cut(ending);
    }

    /// Closes its connection properly, and waits for the server's close frame.
    pub fn close(self) {
        self.send_frame(&Frame::close(1000, ""));
        assert_eq!(self.wait_end(), Event::Close(1000, String::new()));
    }

    fn cut(&mut self, ending: Ending) {
        self.sender.cut(ending);
        self.resume();
        if let Some(thread) = self.thread.take() {
            let fine = thread.join().is_ok();
            assert!(fine || std::thread::panicking(), "the tool {} found a fault", self.name);
        }
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {self:?}");
        }
        self.cut(Ending::End);
    }
}

/// What runs in the tool's thread.
struct Thread {
    client: Client,
    script: Script,
    shared: Arc<Shared>,
}

impl Thread {
    fn run(mut self) {
        loop {
            let event = self.client.event();
            self.shared.wait_while_stalled();
            match event {
                Event::Text(text) => self.take(&text),
                Event::Ping(payload) => {
                    let _ = self.client.sender().frame(&Frame::new(PONG, payload));
                }
                Event::Pong(_) => {}
                Event::Close(code, _) => {
                    let answer =
                        if code == 1005 { Vec::new() } else { code.to_be_bytes().to_vec() };
                    let _ = self.client.sender().frame(&Frame::new(CLOSE, answer));
                    return self.shared.entries.push(Entry::Ended(event));
                }
                Event::End | Event::Reset => return self.shared.entries.push(Entry::Ended(event)),
            }
        }
    }

    fn take(&mut self, text: &str) {
        let message = Message::read(text);
        self.shared.entries.push(Entry::Message(message.clone()));
        let answer = match self.script.behaviours.get_mut(&message.method) {
            Some(behaviour) => behaviour(&message),
            None => Answer::Default,
        };
        self.act(&message, answer);
    }

    fn act(&mut self, message: &Message, answer: Answer) {
        match answer {
            Answer::Result(result) => self.send(&reply(message, &result)),
            Answer::Text(text) => self.send(&reply(message, &content(&text))),
            Answer::Error(code, text) => self.send(&format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#,
                id_of(message),
                json!({ "code": code, "message": text })
            )),
            Answer::Raw(text) => self.send(&text.replace("$ID", &id_of(message))),
            Answer::Many(answers) => {
                answers.into_iter().for_each(|answer| self.act(message, answer));
            }
            Answer::Never => {}
            Answer::Die(ending) => self.client.sender().cut(ending),
            Answer::Close(code) => {
                let _ = self.client.sender().frame(&Frame::close(code, ""));
            }
            Answer::Default => self.act_by_default(message),
        }
    }

    fn act_by_default(&mut self, message: &Message) {
        if message.id.is_none() || message.method.is_empty() {
            return;
        }
        let params = &message.json["params"];
        let result = match message.method.as_str() {
            "initialize" => self.script.initialize.clone(),
            "ping" => json!({}),
            "tools/list" => self.page(params["cursor"].as_str()),
            "tools/call" => content(&format!(
                "{} {} {}",
                self.script.name,
                params["name"].as_str().unwrap_or("?"),
                params["arguments"]
            )),
            _ => return self.act(message, Answer::Error(-32601, "Method not found".to_owned())),
        };
        let whole = result.get("nextCursor").is_none();
        self.send(&reply(message, &result));
        if whole {
            self.shared.entries.push(Entry::Answered(message.method.clone()));
        }
    }

    fn page(&self, cursor: Option<&str>) -> Value {
        let tools = self.script.tools.lock().unwrap_or_else(PoisonError::into_inner);
        let start: usize = cursor.map_or(0, |cursor| cursor.parse().expect("our own cursor"));
        let end = start.saturating_add(self.script.page).min(tools.len());
        let mut result = json!({ "tools": tools[start..end] });
        if end < tools.len() {
            result["nextCursor"] = json!(end.to_string());
        }
        result
    }

    /// A tool that was cut off in the middle of an answer has nobody to tell.
    fn send(&self, text: &str) {
        let _ = self.client.sender().text(text);
    }
}

fn described(name: &str) -> Value {
    json!({ "name": name, "description": name, "inputSchema": { "type": "object", "properties": {} } })
}

fn content(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "isError": false })
}

fn id_of(request: &Message) -> String {
    request.id.clone().unwrap_or_else(|| panic!("not a request: {}", request.text))
}

fn reply(request: &Message, result: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, id_of(request))
}

fn is_message(entry: &Entry, method: &str) -> bool {
    matches!(entry, Entry::Message(message) if message.method == method)
}

fn answers_sync(entry: &Entry) -> bool {
    matches!(entry, Entry::Message(message) if message.answers("\"sync\""))
}
