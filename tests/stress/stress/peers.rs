//! What attackers are made of.

use crate::common::{Client, Ending, Event, Message, Raw};
use crate::load::{EchoTool, Target};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An address nobody else comes from.
pub(crate) fn stranger(number: usize) -> Ipv4Addr {
    let number = number as u32 + 1;
    Ipv4Addr::from(0x7f01_0000 + number)
}

/// One address for everybody.
pub(crate) fn one_stranger(_: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 9)
}

/// How sockets that were kept at the server ended, by what was answered first.
pub(crate) type Endings = BTreeMap<String, usize>;

/// What strangers do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strangers<'a> {
    /// How many sockets they keep at the server.
    pub(crate) count: usize,
    /// Where each of them comes from.
    pub(crate) source: fn(usize) -> Ipv4Addr,
    /// What they send at first, …
    pub(crate) opening: &'a [u8],
    /// … and once a head has come in answer.
    pub(crate) then: &'a [u8],
}

/// One socket of a stranger.
struct Kept {
    raw: Raw,
    has_answered: bool,
    has_ended: bool,
}

impl Strangers<'_> {
    /// Opens the sockets and keeps them at the server for this long: one that the server has thrown out is opened
    /// again, one that it says goodbye to stays as long as it may. Says what was answered to each.
    pub(crate) fn stay(&self, target: &Target, time: Duration) -> Endings {
        let mut end = Instant::now() + 5 * time;
        let mut sockets: Vec<Option<Kept>> = Vec::new();
        sockets.resize_with(self.count, || None);
        let (mut endings, mut number) = (Endings::new(), 0);
        while Instant::now() < end {
            let mut is_quiet = true;
            for socket in &mut sockets {
                match socket {
                    Some(kept) => {
                        if !self.is_over(kept) {
                            continue;
                        }
                        *endings.entry(answer_of(&kept.raw)).or_default() += 1;
                        *socket = None;
                    }
                    None if Instant::now() < end => {
                        number += 1;
                        let raw = Raw::dial_from((self.source)(number), target.address);
                        *socket = raw.ok().map(|raw| {
                            raw.offer(self.opening);
                            Kept { raw, has_answered: false, has_ended: false }
                        });
                    }
                    None => {}
                }
                is_quiet = false;
            }
            // The time begins when all are there.
            end = end.min(Instant::now() + time);
            if is_quiet {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        for kept in sockets.iter_mut().flatten() {
            self.is_over(kept);
            *endings.entry(answer_of(&kept.raw)).or_default() += 1;
        }
        endings
    }

    /// Goes on with one; says whether the server wants nothing more of it.
    fn is_over(&self, kept: &mut Kept) -> bool {
        let ending = take_what_came(&mut kept.raw);
        if !kept.has_answered && kept.raw.pending.windows(4).any(|four| four == b"\r\n\r\n") {
            kept.has_answered = true;
            kept.raw.offer(self.then);
        }
        match ending {
            None => false,
            Some(Ending::Reset) => true,
            // Where the server has closed its socket, this write is answered by a reset.
            Some(Ending::End) => {
                let was_reported = std::mem::replace(&mut kept.has_ended, true);
                !was_reported && !kept.raw.offer(b" ")
            }
        }
    }
}

/// Takes what is there, without waiting; says how it ended, if it did.
fn take_what_came(raw: &mut Raw) -> Option<Ending> {
    let Ok(()) = raw.stream().set_nonblocking(true) else { return Some(Ending::Reset) };
    let mut buffer = [0; 4096];
    let ending = loop {
        match Read::read(&mut raw.stream(), &mut buffer) {
            Ok(0) => break Some(Ending::End),
            Ok(count) => raw.pending.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break None,
            Err(_) => break Some(Ending::Reset),
        }
    };
    let _ = raw.stream().set_nonblocking(false);
    ending
}

/// A status, with the close code behind it where an upgrade was refused: `101 1008`; or `nothing`.
fn answer_of(raw: &Raw) -> String {
    let text = String::from_utf8_lossy(&raw.pending);
    let Some(status) = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) else {
        return "nothing".to_owned();
    };
    let frames = raw.pending.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    match frames.map(|at| &raw.pending[at..]) {
        Some([0x88, _, high, low, ..]) if status == "101" => {
            format!("101 {}", u16::from_be_bytes([*high, *low]))
        }
        _ => status.to_owned(),
    }
}

/// A list of items with these members, numbered from `first`: `$N` becomes the number.
pub(crate) fn items(item: &str, first: usize, count: usize) -> String {
    let mut list = String::with_capacity(count * (item.len() + 4) + 2);
    list.push('[');
    for number in first..first + count {
        if number > first {
            list.push(',');
        }
        match item.split_once("$N") {
            Some((before, after)) => write!(list, "{before}{number}{after}").unwrap(),
            None => list.push_str(item),
        }
    }
    list.push(']');
    list
}

/// The text of the four lists, each as an array of items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    pub(crate) tools: Arc<str>,
    pub(crate) prompts: Arc<str>,
    pub(crate) resources: Arc<str>,
    pub(crate) templates: Arc<str>,
}

impl Lists {
    /// Tools only.
    pub(crate) fn of_tools(tools: String) -> Self {
        let none: Arc<str> = "[]".into();
        Lists {
            tools: tools.into(),
            prompts: none.clone(),
            resources: none.clone(),
            templates: none,
        }
    }
}

/// What a tool server answers that offers these lists, each in one page; `initialize` as given.
pub(crate) fn answer_of_lists(
    message: &Message,
    capabilities: &str,
    lists: &Lists,
) -> Option<String> {
    let id = message.id.as_deref()?;
    let list = |name: &str, items: &str| format!(r#"{{"{name}":{items}}}"#);
    let result = match message.method.as_str() {
        "initialize" => format!(
            r#"{{"protocolVersion":"2024-11-05","capabilities":{capabilities},"serverInfo":{{"name":"hostile","version":"1"}}}}"#
        ),
        "tools/list" => list("tools", &lists.tools),
        "prompts/list" => list("prompts", &lists.prompts),
        "resources/list" => list("resources", &lists.resources),
        "resources/templates/list" => list("resourceTemplates", &lists.templates),
        "ping" => "{}".to_owned(),
        "resources/read" => r#"{"contents":[]}"#.to_owned(),
        _ => return None,
    };
    Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

/// What a tool server announces that has everything, and tells of changes.
pub(crate) const EVERYTHING: &str = r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true}}"#;

/// Connects a tool server with these lists, and waits for nothing.
pub(crate) fn offering(target: &Target, agent: &str, server_id: &str, lists: Lists) -> EchoTool {
    let path = format!("{}&server_id={server_id}", target.tool_path(agent));
    let script = move |message: &Message| answer_of_lists(message, EVERYTHING, &lists);
    EchoTool::scripted(target, &path, script)
}

/// The first request of every robot.
pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"robot","version":"1"}}}"#;
/// The end of its handshake.
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A robot that has said all that makes it hear of everything.
pub(crate) fn initialised_robot(target: &Target, agent: &str) -> Client {
    let mut robot = target.robot(agent);
    robot.send(INITIALIZE);
    loop {
        match robot.next() {
            Event::Text(text) if Message::read(&text).answers("\"i\"") => break,
            Event::Text(_) => {}
            other => panic!("{other:?} instead of an answer to initialize"),
        }
    }
    robot.send(INITIALIZED);
    robot
}

/// Reads whatever comes from many connections and throws it away, in a thread of its own, until it
/// is dropped. The sockets stay open as long as it lives.
#[derive(Debug)]
pub(crate) struct Sink {
    stop: Arc<AtomicBool>,
    bytes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Begins to read.
    pub(crate) fn of(clients: Vec<Client>) -> Self {
        let (stop, bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let thread = {
            let (stop, bytes) = (Arc::clone(&stop), Arc::clone(&bytes));
            std::thread::spawn(move || swallow(clients, &stop, &bytes))
        };
        Sink { stop, bytes, thread: Some(thread) }
    }

    /// How many bytes have come.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn swallow(mut clients: Vec<Client>, stop: &AtomicBool, bytes: &AtomicUsize) {
    use mio::{Events, Interest, Poll, Token};
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(256));
    let mut streams: Vec<mio::net::TcpStream> = Vec::new();
    for (number, client) in clients.iter_mut().enumerate() {
        let stream = client.raw().stream().try_clone().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut stream = mio::net::TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE).unwrap();
        streams.push(stream);
    }
    let mut buffer = vec![0; 256 * 1024];
    while !stop.load(Ordering::Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(20))).unwrap();
        for event in &events {
            let stream = &mut streams[event.token().0];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                bytes.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}
