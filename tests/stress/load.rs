//! What tests by force stand on: what the server's process takes, good calls that are timed while
//! something else attacks, and tools that cost their test little.

use crate::common::{
    escape, program, token, Client, Ending, Event, Folder, Frame, Message, Process, Sender, Server,
    CONFIG, PING, TIMEOUT,
};
use serde_json::{json, Value};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One MiB, in bytes.
pub(crate) const MIB: u64 = 1 << 20;

/// A shorter delay is not counted: the scheduler may cause it, or a build that checks every invariant
/// after every message.
pub(crate) const FLOOR: Duration =
    Duration::from_millis(if cfg!(debug_assertions) { 2500 } else { 20 });

static MACHINE: Mutex<()> = Mutex::new(());

/// The machine for oneself: for tests that time something. Those that mostly wait do without.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits until `done`, asking again and again.
pub(crate) fn wait_until(what: &str, timeout: Duration, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + timeout;
    while !done() {
        assert!(Instant::now() < end, "{what}: not within {timeout:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a process takes of the machine, as `/proc` tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage(pub u32);

impl Usage {
    /// Memory, in bytes.
    pub(crate) fn resident(self) -> u64 {
        self.status("VmRSS:").expect("it still runs")
    }

    /// The most memory it ever had, in bytes; `None` where it has ended.
    pub(crate) fn most_resident(self) -> Option<u64> {
        self.status("VmHWM:")
    }

    fn status(self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// Open files.
    pub(crate) fn descriptors(self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0)).unwrap().count()
    }

    /// Time on a processor, in hundredths of a second.
    pub(crate) fn ticks(self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Watches the memory until it is asked for the most there was.
    pub(crate) fn watch(self) -> Peak {
        let (most, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (most, stop) = (Arc::clone(&most), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // In KiB: small processors have no number of 64 bits that threads can share.
                    most.fetch_max((self.resident() >> 10) as usize, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(5));
                }
            })
        };
        Peak { most, stop, thread: Some(thread), before: self.resident() }
    }
}

/// The most memory a process took.
#[derive(Debug)]
pub(crate) struct Peak {
    most: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// What it took before, in bytes.
    pub(crate) before: u64,
}

impl Peak {
    /// How many bytes it took more than before, at most.
    pub(crate) fn growth(&self) -> u64 {
        let most = (self.most.load(Ordering::Relaxed) as u64) << 10;
        most.saturating_sub(self.before)
    }

    /// Panics where it took over `most` bytes more than before.
    pub(crate) fn assert_growth_below(&self, most: u64) {
        let growth = self.growth();
        eprintln!("  memory: {} KiB before, at most {} KiB more", self.before >> 10, growth >> 10);
        assert!(growth <= most, "took {} KiB more, over {} KiB", growth >> 10, most >> 10);
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where a server is and what its key is: all that peers need to know.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Its key.
    pub(crate) key: String,
    /// Its process.
    pub(crate) usage: Usage,
}

impl Target {
    /// That of a running server.
    pub(crate) fn of(server: &Server) -> Self {
        Target {
            address: server.address(),
            key: server.key().to_owned(),
            usage: Usage(server.process().id()),
        }
    }

    /// The path of the tool endpoint for an agent.
    pub(crate) fn tool_path(&self, agent: &str) -> String {
        format!("/mcp_endpoint/mcp/?token={}", escape(&token(&self.key, agent)))
    }

    /// The path of the robot endpoint for an agent.
    pub(crate) fn robot_path(&self, agent: &str) -> String {
        format!("/mcp_endpoint/call/?token={}", escape(&token(&self.key, agent)))
    }

    /// A robot's connection.
    pub(crate) fn robot(&self, agent: &str) -> Client {
        Client::connect(self.address, &self.robot_path(agent), &[])
    }

    /// A tool's connection, on which nothing is answered.
    pub(crate) fn mute_tool(&self, agent: &str) -> Client {
        Client::connect(self.address, &self.tool_path(agent), &[])
    }

    /// `data` of `/stats`.
    pub(crate) fn stats(&self) -> Value {
        let mut raw = crate::common::Raw::connect(self.address);
        raw.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
        crate::common::Response::read(&mut raw).json()["data"].take()
    }

    /// Waits until only this many good pairs are there; says descriptors and resident memory then.
    pub(crate) fn settled(&self, pairs: u64) -> (usize, u64) {
        wait_until("all have left", TIMEOUT, || {
            let stats = self.stats();
            let small = |part: &str, name: &str| stats[part][name].as_u64() < Some(1000);
            stats["total_connections"] == 2 * pairs
                && stats["relay"]["agents"] == pairs
                && stats["relay"]["waiting"] == 0
                && stats["relay"]["held_bytes"] == 0
                && small("relay", "in_flight")
                && small("server", "queued_bytes")
        });
        // What is closing still is not counted there.
        let mut least = self.usage.descriptors();
        wait_until("sockets are closed", TIMEOUT, || {
            std::thread::sleep(Duration::from_millis(300));
            let now = self.usage.descriptors();
            std::mem::replace(&mut least, now) <= now
        });
        (least, self.usage.resident())
    }

    /// Bytes in queues and half-read messages.
    pub(crate) fn queued_bytes(&self) -> u64 {
        self.stats()["server"]["queued_bytes"].as_u64().expect("/stats tells the queued bytes")
    }
}

/// The program started through a shell, for what only a shell sets: `ulimit`.
#[derive(Debug)]
pub(crate) struct Bare {
    /// The process.
    pub(crate) process: Process,
    /// Where it is.
    pub(crate) target: Target,
    /// Where it runs.
    _folder: Folder,
}

impl Bare {
    /// Starts it with a configuration, after the shell's `before`.
    pub(crate) fn start(before: &str, config: &str) -> Self {
        let (process, folder, key) = Self::spawn(before, 0, config);
        let line = process.wait_line("/mcp_endpoint/mcp/?token=", 1, TIMEOUT);
        let rest = line.split_once("ws://").unwrap().1;
        let port = rest.split_once('/').unwrap().0.rsplit_once(':').unwrap().1.parse().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let target = Target { address, key, usage: Usage(process.id()) };
        Bare { process, target, _folder: folder }
    }

    fn spawn(before: &str, port: u16, config: &str) -> (Process, Folder, String) {
        let folder = Folder::fresh();
        let key = "a key for the tests, long enough".to_owned();
        folder.write(
            CONFIG,
            &format!("[server]\nhost = 127.0.0.1\nport = {port}\nkey = {key}\n{config}\n"),
        );
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{before}; exec \"$0\"")).arg(program());
        command.current_dir(folder.path());
        (Process::start("the server", &mut command), folder, key)
    }

    /// Starts it where nobody may see what it says: its port is chosen here.
    pub(crate) fn start_unseen(before: &str, config: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (process, folder, key) = Self::spawn(before, free.port(), config);
        wait_until("it listens", TIMEOUT, || TcpStream::connect(free).is_ok());
        let target = Target { address: free, key, usage: Usage(process.id()) };
        Bare { process, target, _folder: folder }
    }
}

/// What a tool that keeps no record does about a call: the text to send, if any.
pub(crate) type OnCall = Box<dyn FnMut(&Message) -> Option<String> + Send>;

/// A tool server that does the handshake and offers `echo`, in a thread of its own, without a record.
#[derive(Debug)]
pub(crate) struct EchoTool {
    /// For what the test sends itself.
    pub(crate) sender: Sender,
    listed: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl EchoTool {
    /// Connects, and waits until `echo` can be called. A call is answered with its arguments.
    pub(crate) fn connect(target: &Target, agent: &str) -> Self {
        Self::with(target, agent, Box::new(|call| Some(echoed(call))))
    }

    /// Connects, with an own opinion about calls.
    pub(crate) fn with(target: &Target, agent: &str, mut on_call: OnCall) -> Self {
        let script = move |message: &Message| match message.method.as_str() {
            "tools/call" => on_call(message),
            _ => shaken(message),
        };
        let tool = Self::scripted(target, &target.tool_path(agent), script);
        assert!(tool.is_listed_within(TIMEOUT), "the server knows the tool's list");
        tool
    }

    /// Connects to a path, and waits for nothing. `script` says what is sent for each message.
    pub(crate) fn scripted(
        target: &Target,
        path: &str,
        script: impl FnMut(&Message) -> Option<String> + Send + 'static,
    ) -> Self {
        let mut client = Client::connect(target.address, path, &[]);
        client.raw().timeout = None;
        let sender = client.sender();
        let (ready, listed) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || serve(client, script, &ready));
        EchoTool { sender, listed, thread: Some(thread) }
    }

    /// Waits until the server has taken in an answer to `tools/list`; says whether it has.
    pub(crate) fn is_listed_within(&self, timeout: Duration) -> bool {
        self.listed.recv_timeout(timeout).is_ok()
    }
}

impl Drop for EchoTool {
    fn drop(&mut self) {
        self.sender.cut(Ending::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The answer to a call: its arguments, as text.
pub(crate) fn echoed(call: &Message) -> String {
    let text = json!(call.json["params"]["arguments"].to_string());
    let id = call.id.as_deref().unwrap_or("null");
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":{text}}}]}}}}"#
    )
}

/// What a tool answers to the relay's own questions.
pub(crate) fn shaken(message: &Message) -> Option<String> {
    let id = message.id.as_deref()?;
    let result = match message.method.as_str() {
        "initialize" => json!({
            "protocolVersion": "2024-11-05",
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": "echo", "version": "1" },
        }),
        "tools/list" => {
            json!({ "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] })
        }
        "ping" => json!({}),
        _ => return None,
    };
    Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

fn serve(
    mut client: Client,
    mut script: impl FnMut(&Message) -> Option<String>,
    ready: &std::sync::mpsc::Sender<()>,
) {
    let sender = client.sender();
    loop {
        let message = match client.event() {
            Event::Text(text) => Message::read(&text),
            Event::Ping(_) => continue,
            Event::Pong(_) => {
                let _ = ready.send(());
                continue;
            }
            Event::Close(..) | Event::End | Event::Reset => return,
        };
        let answer = script(&message);
        if let Some(answer) = &answer {
            let _ = sender.bytes(Frame::bytes_of_text(answer));
        }
        if message.method == "tools/list" && answer.is_some() {
            // Its pong says that the list has been taken in.
            let _ = sender.frame(&Frame::new(PING, b"listed"));
        }
    }
}

/// A frame of `size` times `byte`, masked with zeros, so that it costs the test nothing to make.
pub(crate) fn large_frame(first: u8, byte: u8, size: u64) -> Vec<u8> {
    let mut frame = Frame::head_without_mask(first, size);
    frame.resize(frame.len() + size as usize, byte);
    frame
}

/// A call of `echo` whose id and argument are `number`.
pub(crate) fn call(number: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{{"name":"echo","arguments":{{"n":{number}}}}}}}"#
    )
}

/// Good calls, one after another, on agents of their own.
#[derive(Debug)]
pub(crate) struct Good {
    phase: Arc<AtomicU8>,
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Tally>>,
    _tools: Vec<EchoTool>,
    done: Arc<AtomicUsize>,
}

/// How long calls are made in quiet first.
const QUIET_FOR: Duration = Duration::from_millis(400);

const QUIET: u8 = 0;
const ATTACKED: u8 = 1;
const NOT_TIMED: u8 = 2;

/// What became of good calls.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How long each took: in quiet, and under attack.
    pub(crate) took: [Vec<Duration>; 2],
    /// How many were made.
    pub(crate) made: u64,
    /// Calls answered with an error, or wrongly.
    pub(crate) failed: Vec<String>,
    /// Calls that were not answered.
    pub(crate) lost: u64,
    /// Answers that had come before already, or that nobody had asked for.
    pub(crate) doubled: u64,
}

impl Tally {
    /// Adds another.
    pub(crate) fn add(&mut self, other: Tally) {
        for (mine, theirs) in self.took.iter_mut().zip(other.took) {
            mine.extend(theirs);
        }
        self.made += other.made;
        self.failed.extend(other.failed);
        self.lost += other.lost;
        self.doubled += other.doubled;
    }

    /// The time that this part of the calls of a phase stayed below.
    pub(crate) fn percentile(&self, phase: usize, part: f64) -> Duration {
        let mut times = self.took[phase].clone();
        times.sort_unstable();
        let at = (times.len() as f64 * part) as usize;
        times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl Good {
    /// Starts `pairs` of a tool and a robot, and makes calls in quiet for a moment.
    pub(crate) fn start(target: &Target, pairs: usize) -> Self {
        let good = Self::start_untimed(target, pairs);
        good.phase.store(QUIET, Ordering::SeqCst);
        std::thread::sleep(QUIET_FOR);
        good.phase.store(NOT_TIMED, Ordering::SeqCst);
        good
    }

    /// The same without the quiet.
    pub(crate) fn start_untimed(target: &Target, pairs: usize) -> Self {
        let (phase, stop) = (Arc::new(AtomicU8::new(NOT_TIMED)), Arc::new(AtomicBool::new(false)));
        let done = Arc::new(AtomicUsize::new(0));
        let (mut callers, mut tools) = (Vec::new(), Vec::new());
        for pair in 0..pairs {
            let agent = format!("good-{pair}");
            tools.push(EchoTool::connect(target, &agent));
            let robot = target.robot(&agent);
            let (phase, stop, done) = (Arc::clone(&phase), Arc::clone(&stop), Arc::clone(&done));
            callers.push(std::thread::spawn(move || make_calls(robot, &phase, &stop, &done)));
        }
        wait_until("the first good calls", TIMEOUT, || done.load(Ordering::SeqCst) > 20);
        Good { phase, stop, callers, _tools: tools, done }
    }

    /// Attacks; good calls are timed meanwhile. They go on for a moment after a short attack, so
    /// that there are some to judge.
    pub(crate) fn during<R>(&self, attack: impl FnOnce() -> R) -> R {
        self.phase.store(ATTACKED, Ordering::SeqCst);
        let before = self.done.load(Ordering::SeqCst);
        let result = attack();
        let end = Instant::now() + Duration::from_secs(1);
        while self.done.load(Ordering::SeqCst) < before + 200 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.phase.store(NOT_TIMED, Ordering::SeqCst);
        result
    }

    /// Time without an attack that counts as quiet.
    pub(crate) fn set_quiet(&self, quiet: bool) {
        self.phase.store(if quiet { QUIET } else { ATTACKED }, Ordering::SeqCst);
    }

    /// Ends the calls and says what became of them.
    pub(crate) fn finish(mut self) -> Tally {
        self.stop.store(true, Ordering::SeqCst);
        let mut tally = Tally::default();
        for caller in self.callers.drain(..) {
            match caller.join() {
                Ok(part) => tally.add(part),
                Err(_) => tally.lost += 1,
            }
        }
        tally
    }

    /// Ends the calls. Panics where one failed, or the attack delayed them.
    pub(crate) fn assert_unharmed(self) {
        self.assert_unharmed_but_for(FLOOR);
    }

    /// The same, where a delay of `floor` is nobody's fault.
    pub(crate) fn assert_unharmed_but_for(self, floor: Duration) {
        let tally = self.finish();
        let quiet = [tally.percentile(0, 0.5), tally.percentile(0, 0.99)];
        let attacked = [tally.percentile(1, 0.5), tally.percentile(1, 0.99)];
        eprintln!(
            "  good calls: quiet {} p50 {:?} p99 {:?}; attacked {} p50 {:?} p99 {:?}",
            tally.took[0].len(),
            quiet[0],
            quiet[1],
            tally.took[1].len(),
            attacked[0],
            attacked[1],
        );
        assert!(tally.failed.is_empty(), "good calls failed: {:?}", tally.failed);
        assert_eq!((tally.lost, tally.doubled), (0, 0), "(lost, doubled)");
        let most = floor.max(quiet[1] * 5);
        assert!(attacked[1] <= most, "p99 under attack {:?}, over {most:?}", attacked[1]);
    }
}

fn make_calls(mut robot: Client, phase: &AtomicU8, stop: &AtomicBool, done: &AtomicUsize) -> Tally {
    robot.raw().timeout = Some(TIMEOUT * 2);
    let mut tally = Tally::default();
    while !stop.load(Ordering::SeqCst) {
        tally.made += 1;
        let number = tally.made;
        let before = phase.load(Ordering::SeqCst);
        let start = Instant::now();
        if robot.sender().text(&call(number)).is_err() {
            tally.failed.push("its connection is gone".to_owned());
            break;
        }
        match robot.next() {
            Event::Text(text) => {
                let took = start.elapsed();
                judge(&mut tally, &text, number);
                let after = phase.load(Ordering::SeqCst);
                if before == after && after != NOT_TIMED {
                    tally.took[usize::from(after)].push(took);
                }
            }
            other => {
                tally.lost += 1;
                tally.failed.push(format!("{other:?} instead of an answer"));
                break;
            }
        }
        done.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1));
    }
    // Whatever comes before this pong came unasked.
    if robot.sender().frame(&Frame::new(PING, b"end")).is_ok() {
        while let Event::Text(_) = robot.next() {
            tally.doubled += 1;
        }
    }
    tally
}

fn judge(tally: &mut Tally, text: &str, number: u64) {
    let message = Message::read(text);
    let expected = format!(r#"{{"n":{number}}}"#);
    if !message.answers(&number.to_string()) {
        tally.doubled += 1;
    } else if message.json["result"]["content"][0]["text"] != json!(expected) {
        tally.failed.push(text.to_owned());
    }
}
