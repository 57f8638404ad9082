//! The stage of an attack: a server, good calls of agents nobody attacks, and what is measured.
//!
//! # What a stall is
//! Attackers, good peers and the server share the processors here, so a good call may be late because
//! the scheduler let somebody else run, and not because of anything the server did. Linux counts for
//! every thread how long it was ready to run and did not (`/proc/…/schedstat`, second number). A good
//! call is played by one thread, which is robot and tool server in turn, so that at any moment of it
//! either this thread or the server's is to act. What remains after both have got back the time they
//! stood in the scheduler's queue is what the server took, computing or blocked. The time on the clock
//! is shown beside it.

use crate::common::{
    skip, upgrade, Builder, Client, Event, Frame, Message, Raw, Response, Server, PING,
};
use crate::load::{shaken, Target, MIB};
use serde_json::json;
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How large an attack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// For `cargo test`: a debug build, seconds for all rows together.
    Short,
    /// As large as the attack that was seen to work.
    Full,
}

impl Scale {
    /// The one or the other.
    pub(crate) fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Scale::Short => short,
            Scale::Full => full,
        }
    }

    /// How long an attack without an end of its own goes on.
    pub(crate) fn time(self) -> Duration {
        self.pick(Duration::from_millis(300), Duration::from_secs(4))
    }
}

/// How long a good peer waits for what must come.
const GOOD_TIMEOUT: Duration = Duration::from_secs(20);

/// Where visitors come from: no attacker does.
const VISITOR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// What is to be played.
pub(crate) struct Stage {
    builder: Builder,
    memory_limit: u64,
    most_stall: Duration,
    most_health: Duration,
    answer_sizes: Vec<usize>,
    is_visited: bool,
}

impl Stage {
    /// A server with the defaults, and good calls whose answers are short.
    pub(crate) fn new() -> Self {
        Stage {
            builder: Server::builder(),
            memory_limit: 64 * MIB,
            most_stall: Duration::from_millis(20),
            most_health: Duration::from_millis(100),
            answer_sizes: vec![20],
            is_visited: true,
        }
    }

    /// Sets a value of the configuration.
    pub(crate) fn set(mut self, section: &str, key: &str, value: impl ToString) -> Self {
        self.builder = self.builder.set(section, key, value);
        self
    }

    /// Sets `memory_limit`, in MiB.
    pub(crate) fn memory_limit(mut self, mib: u64) -> Self {
        self.memory_limit = mib * MIB;
        self.set("websocket", "memory_limit", format!("{mib}MB"))
    }

    /// Has a good tool server, too, whose answers are of this size. They are not timed, for they
    /// take their time in quiet already.
    pub(crate) fn with_answers_of(mut self, size: usize) -> Self {
        self.answer_sizes.push(size);
        self
    }

    /// Messages over 4 MiB are read meanwhile.
    pub(crate) fn with_large_messages(mut self) -> Self {
        self.most_stall = Duration::from_millis(60);
        self
    }

    /// A good call may be late by this much.
    pub(crate) fn most_stall(mut self, most: Duration) -> Self {
        self.most_stall = most;
        self
    }

    /// `/health` may take this long.
    pub(crate) fn most_health(mut self, most: Duration) -> Self {
        self.most_health = most;
        self
    }

    /// Nobody new comes meanwhile.
    pub(crate) fn without_visitors(mut self) -> Self {
        self.is_visited = false;
        self
    }

    /// Starts the server and plays it. `attack` may panic where an attacker is not answered as it
    /// must be.
    pub(crate) fn play(self, attack: impl FnOnce(&Target)) -> Report {
        let server = self.builder.clone().start();
        self.play_at(&Target::of(&server), attack)
    }

    /// Plays it at a server that is there.
    pub(crate) fn play_at(self, target: &Target, attack: impl FnOnce(&Target)) -> Report {
        let stop = Arc::new(AtomicBool::new(false));
        let mut peers: Vec<JoinHandle<Tally>> = Vec::new();
        for (number, size) in self.answer_sizes.iter().enumerate() {
            let pair = Pair::connect(target, &format!("good-{number}"), *size);
            let (target, stop) = (target.clone(), Arc::clone(&stop));
            peers.push(std::thread::spawn(move || pair.make_calls(&target, &stop)));
        }
        let visitor = self.is_visited.then(|| {
            let (target, stop) = (target.clone(), Arc::clone(&stop));
            std::thread::spawn(move || visit(&target, &stop))
        });
        std::thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        let attacked = catch_unwind(AssertUnwindSafe(|| attack(target)));
        let took = start.elapsed();
        stop.store(true, Ordering::SeqCst);
        let mut tallies = peers.into_iter().map(joined);
        let timed = tallies.next().unwrap_or_default();
        let others: Vec<Tally> = tallies.collect();
        let health = visitor.map(joined).unwrap_or_default();
        let mut report = Report {
            memory_limit: self.memory_limit,
            memory: target.usage.most_resident().unwrap_or_default(),
            most_stall: self.most_stall,
            most_health: self.most_health,
            stall: timed.most,
            on_clock: timed.most_on_clock,
            health: health.most,
            calls: timed.made,
            took,
            ..Report::default()
        };
        if let Err(panic) = attacked {
            report.failures.push(format!("the attacker: {}", message_of(&*panic)));
        }
        if report.memory == 0 {
            report.failures.push("the server has ended".to_owned());
        }
        for tally in others {
            report.calls += tally.made;
            report.failures.extend(tally.failures);
        }
        report.failures.extend(timed.failures);
        report.failures.extend(health.failures);
        report
    }
}

fn joined(thread: JoinHandle<Tally>) -> Tally {
    thread.join().unwrap_or_else(|panic| Tally {
        failures: vec![format!("a good peer: {}", message_of(&*panic))],
        ..Tally::default()
    })
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
    text.chars().take(300).collect()
}

/// What was seen while a row was played.
#[derive(Debug, Default)]
pub(crate) struct Report {
    memory_limit: u64,
    memory: u64,
    most_stall: Duration,
    most_health: Duration,
    stall: Duration,
    on_clock: Duration,
    health: Duration,
    calls: u64,
    took: Duration,
    failures: Vec<String>,
    skipped: Option<&'static str>,
}

impl Report {
    /// The result of a row that cannot be played here.
    pub(crate) fn skipped(reason: &'static str) -> Self {
        skip(&format!("needs {reason}"));
        Report { skipped: Some(reason), ..Report::default() }
    }

    /// Something else that went wrong.
    pub(crate) fn fail(&mut self, what: String) {
        self.failures.push(what);
    }

    fn most_memory(&self) -> u64 {
        self.memory_limit / 100 * 115 + 8 * MIB
    }

    /// What nobody's scheduler can be blamed for.
    fn harm(&self) -> Vec<String> {
        let mut harm = self.failures.clone();
        if self.memory > self.most_memory() {
            let (had, most) = (self.memory >> 10, self.most_memory() >> 10);
            harm.push(format!("memory {had} KiB, over {most} KiB"));
        }
        harm
    }

    fn delays(&self) -> Vec<String> {
        let mut delays = Vec::new();
        if self.stall > self.most_stall {
            delays.push(format!("a good call took {:?}, over {:?}", self.stall, self.most_stall));
        }
        if self.health > self.most_health {
            delays.push(format!("/health took {:?}, over {:?}", self.health, self.most_health));
        }
        delays
    }

    /// The short form: a debug build on a busy machine is not timed.
    pub(crate) fn assert_nobody_harmed(&self) {
        let harm = self.harm();
        assert!(harm.is_empty(), "{harm:#?}\n{self:#?}");
        assert!(self.calls > 0 || self.skipped.is_some(), "no good call was made");
    }
}

/// A row of the table: its name, and how it is played.
pub(crate) type Row = (&'static str, fn(Scale) -> Report);

/// Plays all rows, shows the table, and panics where one does not hold.
pub(crate) fn play_table(rows: &[Row]) {
    let only = std::env::var("STRESS_ONLY").unwrap_or_default();
    let (mut table, mut wrong) = (Vec::new(), Vec::new());
    for (name, play) in rows.iter().filter(|(name, _)| name.contains(&only)) {
        let mut report = play(Scale::Full);
        // What the machine's owner took from the machine no thread is told of. What the server does
        // it does again.
        if report.harm().is_empty() && !report.delays().is_empty() {
            eprintln!("{name}: again, for {:?}", report.delays());
            report = play(Scale::Full);
        }
        let faults: Vec<String> = report.harm().into_iter().chain(report.delays()).collect();
        table.push(line(name.rsplit(':').next().unwrap_or(name), &report, &faults));
        eprintln!("{}", table[table.len() - 1]);
        for fault in faults.iter().take(6) {
            eprintln!("    {fault}");
        }
        wrong.extend((!faults.is_empty()).then_some(*name));
    }
    let head = "row                                          memory MiB   stall ms  (clock)  /health ms   calls   s";
    eprintln!("\n{head}\n{}", table.join("\n"));
    assert!(wrong.is_empty(), "{} rows do not hold: {wrong:#?}", wrong.len());
}

fn line(name: &str, report: &Report, faults: &[String]) -> String {
    if let Some(reason) = report.skipped {
        return format!("{name:42}  skipped: needs {reason}");
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!(
        "{name:42}  {:5.1} of {:5.1}  {:8.1} {:8.1}  {:10.1}  {:6}  {:2.0}  {}",
        report.memory as f64 / MIB as f64,
        report.most_memory() as f64 / MIB as f64,
        ms(report.stall),
        ms(report.on_clock),
        ms(report.health),
        report.calls,
        report.took.as_secs_f64(),
        if faults.is_empty() { "holds".to_owned() } else { format!("{} FAULTS", faults.len()) },
    )
}

/// What became of good calls, or of visits.
#[derive(Debug, Default)]
struct Tally {
    made: u64,
    most: Duration,
    most_on_clock: Duration,
    failures: Vec<String>,
}

impl Tally {
    fn took(&mut self, (took, on_clock): (Duration, Duration)) {
        self.made += 1;
        self.most = self.most.max(took);
        self.most_on_clock = self.most_on_clock.max(on_clock);
    }
}

/// Times what one thread and the server do in turn.
struct Clock {
    queues: [Option<File>; 2],
}

impl Clock {
    /// For the thread it is made in. Without the scheduler's numbers it tells the time on the clock.
    fn new(target: &Target) -> Self {
        let server = format!("/proc/{}/schedstat", target.usage.0);
        Clock { queues: [&server, "/proc/thread-self/schedstat"].map(|path| File::open(path).ok()) }
    }

    /// How long the two were ready to run and did not.
    fn waited(&self) -> Duration {
        let waited = |file: &File| {
            let mut text = [0; 64];
            let count = file.read_at(&mut text, 0).ok()?;
            let text = std::str::from_utf8(&text[..count]).ok()?;
            text.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        let nanoseconds = self.queues.iter().flatten().filter_map(waited).sum();
        Duration::from_nanos(nanoseconds)
    }

    /// Does something, and says how long it took: of its own time, and on the clock.
    fn time<R>(&self, work: impl FnOnce() -> R) -> (R, (Duration, Duration)) {
        let (start, before) = (Instant::now(), self.waited());
        let result = work();
        let on_clock = start.elapsed();
        let waited = self.waited().saturating_sub(before);
        (result, (on_clock.saturating_sub(waited), on_clock))
    }
}

/// A robot and a tool server of one agent, both played by one thread.
struct Pair {
    robot: Client,
    tool: Client,
    answer: String,
}

impl Pair {
    fn connect(target: &Target, agent: &str, size: usize) -> Self {
        let mut tool = target.mute_tool(agent);
        tool.raw().timeout = Some(GOOD_TIMEOUT);
        loop {
            let message = tool.recv_message();
            if let Some(answer) = shaken(&message) {
                tool.send(&answer);
            }
            if message.method == "tools/list" {
                break;
            }
        }
        tool.expect_silence();
        let mut robot = target.robot(agent);
        robot.raw().timeout = Some(GOOD_TIMEOUT);
        let result = json!({ "content": [{ "type": "text", "text": "y".repeat(size) }] });
        Pair { robot, tool, answer: result.to_string() }
    }

    fn make_calls(mut self, target: &Target, stop: &AtomicBool) -> Tally {
        let clock = Clock::new(target);
        let mut tally = Tally::default();
        while !stop.load(Ordering::SeqCst) {
            let number = tally.made + 1;
            let (outcome, times) = clock.time(|| self.call(number));
            tally.took(times);
            if let Err(what) = outcome {
                tally.failures.push(format!("good call {number}: {what}"));
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        tally
    }

    fn call(&mut self, number: u64) -> Result<(), String> {
        let call = crate::load::call(number);
        self.robot.sender().text(&call).map_err(|error| format!("the robot is gone: {error}"))?;
        loop {
            let message = match self.tool.next() {
                Event::Text(text) => Message::read(&text),
                other => return Err(format!("{other:?} at the tool server")),
            };
            let is_call = message.method == "tools/call";
            let id = message.id.as_deref().unwrap_or("null");
            let answer = match is_call {
                true => {
                    let result = &self.answer;
                    Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
                }
                false => shaken(&message),
            };
            if let Some(answer) = answer {
                let sent = self.tool.sender().bytes(Frame::bytes_of_text(&answer));
                sent.map_err(|error| format!("the tool server is gone: {error}"))?;
            }
            if is_call {
                break;
            }
        }
        loop {
            let text = match self.robot.next() {
                Event::Text(text) => text,
                other => return Err(format!("{other:?} at the robot")),
            };
            let start = format!(r#"{{"jsonrpc":"2.0","id":{number},"#);
            if !text.starts_with(&start) {
                continue;
            }
            let whole = text.len() == start.len() + r#""result":}"#.len() + self.answer.len();
            let shown = || text.chars().take(200).collect::<String>();
            return if whole { Ok(()) } else { Err(shown()) };
        }
    }
}

/// Asks `/health`, again and again, and comes as a new robot now and then.
fn visit(target: &Target, stop: &AtomicBool) -> Tally {
    let clock = Clock::new(target);
    let mut tally = Tally::default();
    while !stop.load(Ordering::SeqCst) {
        let (outcome, times) = clock.time(|| ask_health(target));
        tally.took(times);
        tally.failures.extend(outcome.err());
        if tally.made % 10 == 0 {
            tally.failures.extend(join(target).err());
        }
        if tally.failures.len() > 5 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    tally
}

fn ask_health(target: &Target) -> Result<(), String> {
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    match ask(target, request)?.as_str() {
        answer if answer.starts_with("HTTP/1.1 200 ") => Ok(()),
        answer => Err(format!("/health: {answer:?}")),
    }
}

fn join(target: &Target) -> Result<(), String> {
    let mut request = upgrade(&target.robot_path("visitor"), &[]).into_bytes();
    request.extend(Frame::new(PING, b"here").bytes());
    request.extend(Frame::close(1000, "").bytes());
    let raw = dial(target)?;
    match exchange(raw, &request)?.as_str() {
        answer if answer.starts_with("HTTP/1.1 101 ") => Ok(()),
        answer => Err(format!("a new robot: {answer:?}")),
    }
}

fn ask(target: &Target, request: &str) -> Result<String, String> {
    let raw = dial(target)?;
    exchange(raw, request.as_bytes())
}

fn dial(target: &Target) -> Result<Raw, String> {
    Raw::dial_from(VISITOR, target.address).map_err(|error| format!("a visitor: {error}"))
}

/// Sends a request and reads to the end; says the first line of what came.
fn exchange(mut raw: Raw, request: &[u8]) -> Result<String, String> {
    if !raw.offer(request) {
        return Err("a visitor's request is not taken".to_owned());
    }
    raw.read_for(GOOD_TIMEOUT);
    let answer = String::from_utf8_lossy(&raw.pending).into_owned();
    Ok(answer.lines().next().unwrap_or("no answer").to_owned())
}

/// What a response says, for attackers who speak plain HTTP.
pub(crate) fn status_of(raw: &mut Raw) -> u16 {
    Response::from_parts(raw.read_head(), Vec::new()).status
}
