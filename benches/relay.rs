//! Measures the whole relay from outside: the real program in its own process, over loopback, compared
//! with the cheapest possible relay (`load/floor.rs`).
//!
//! `cargo bench` prints one table. `cargo bench --bench relay -- --only "10 agents" --seconds 5`
//! measures only the workloads with these words in their name, in rounds of that length; `--rounds 9`
//! sets the number of rounds. Without `--bench`, as in `cargo test --benches`, it only checks that calls
//! get through.

// A benchmark that cannot go on may say so and end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub
)]

mod load;

use load::folder::Folder;
use load::generator::Round;
use load::relays::{starting_times, Relay, PROGRAM};
use load::table::{Table, Target};
use load::workload::{idle_robots, median, Pair, Side, Workload, PLAIN};
use load::{floor, process};
use std::time::Duration;

/// Settings without pings during a measurement and without refused connections.
const QUIET_SETTINGS: [(&str, &str); 3] = [
    ("WEBSOCKET_MAX_CONNECTIONS", "20000"),
    ("WEBSOCKET_PING_INTERVAL", "3600"),
    ("RELAY_TOOL_PING_INTERVAL", "3600"),
];

/// How many idle connections are opened to measure the memory of one.
const IDLE_CONNECTIONS: usize = 10_000;

/// The options of the command line.
struct Wish {
    only: Option<String>,
    round: Duration,
    rounds: usize,
    measured: bool,
}

impl Wish {
    fn read() -> Self {
        let mut wish =
            Wish { only: None, round: Duration::from_millis(600), rounds: 5, measured: false };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|word| word.parse::<f64>().ok());
            match word.as_str() {
                "--bench" => wish.measured = true,
                "--seconds" => wish.round = Duration::from_secs_f64(number().expect("seconds")),
                "--rounds" => wish.rounds = number().expect("a number") as usize,
                "--only" => wish.only = words.next(),
                _ => (),
            }
        }
        wish
    }

    fn wants(&self, what: &str) -> bool {
        self.only.as_ref().is_none_or(|only| what.contains(only.as_str()))
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some(floor::ARGUMENT) {
        return floor::run().expect("the floor runs");
    }
    let wish = Wish::read();
    if !wish.measured {
        return try_out();
    }
    raise_limit();
    let mut table = Table::default();
    against_the_floor(&wish, &mut table);
    against_itself(&wish, &mut table);
    at_rest(&wish, &mut table);
    println!("\n{}", table.text());
    println!(
        "{}; medians of {} rounds of {} s on each side, in turns.",
        process::machine(),
        wish.rounds,
        wish.round.as_secs_f64()
    );
}

/// Both ends of every connection need a descriptor, each in its own process.
fn raise_limit() {
    #[cfg(unix)]
    {
        let wanted = IDLE_CONNECTIONS as u64 + 200;
        let limit = rlimit::increase_nofile_limit(wanted).unwrap_or(0);
        assert!(limit >= wanted, "needs {wanted} open files, may have {limit}: see `ulimit -Hn`");
    }
}

/// Whether calls go through both relays.
fn try_out() {
    let workload = Workload { agents: 3, in_flight: 2, ..PLAIN };
    let (first, second) = (Relay::product(&QUIET_SETTINGS), Relay::floor());
    let mut pair = Pair { first: Side::new(first, workload), second: Side::new(second, workload) };
    pair.measure(1, Duration::from_millis(50)).expect("both relays work");
    println!("test the_benchmark_goes_through ... ok");
}

/// The program compared with the floor.
fn against_the_floor(wish: &Wish, table: &mut Table) {
    use Target::{AtLeast, AtMost, None};
    let workloads = [
        ("1 agent, 1 call in flight", Workload { ..PLAIN }, [None, None]),
        ("10 agents, 1 in flight", Workload { agents: 10, ..PLAIN }, [None, AtMost(1.15)]),
        ("100 agents, 1 in flight", Workload { agents: 100, ..PLAIN }, [AtLeast(0.9), None]),
        (
            "10 agents, 16 in flight",
            Workload { agents: 10, in_flight: 16, ..PLAIN },
            [None, AtMost(2.0)],
        ),
        (
            "10 agents, results of 4 KiB",
            Workload { agents: 10, result: 4 << 10, ..PLAIN },
            [None, None],
        ),
        (
            "10 agents, results of 256 KiB",
            Workload { agents: 10, result: 256 << 10, ..PLAIN },
            [None, AtMost(1.75)],
        ),
    ];
    for (name, workload, [calls, cpu]) in workloads {
        if !wish.wants(name) {
            continue;
        }
        eprintln!("{name} …");
        let first = Side::new(Relay::product(&QUIET_SETTINGS), workload);
        let second = Side::new(Relay::floor(), workload);
        let mut pair = Pair { first, second };
        pair.measure(wish.rounds, wish.round).unwrap_or_else(|why| panic!("{name}: {why}"));
        eprintln!("    calls: {} and {}", pair.first.calls(), pair.second.calls());
        rows(table, name, &pair, calls, cpu);
    }
}

/// The result of a workload.
fn rows(table: &mut Table, name: &str, pair: &Pair, calls: Target, cpu: Target) {
    let both = |words: &dyn Fn(&Side) -> String| {
        [words(&pair.first), format!("floor {}", words(&pair.second))]
    };
    let rate = |round: &Round| round.calls_per_second;
    table.ratio(
        &format!("{name}: calls/s"),
        both(&|side| format!("{:.0}", side.median(rate))),
        pair.ratio(rate),
        calls,
    );
    table.ratio(
        &format!("{name}: latency p50 / p99"),
        both(&|side| format!("{:.0} / {:.0} µs", side.median(|r| r.p50), side.median(|r| r.p99))),
        pair.ratio(|round| round.p50),
        Target::None,
    );
    let used = |round: &Round| round.cpu_per_call;
    table.ratio(
        &format!("{name}: CPU per call"),
        both(&|side| format!("{:.2} µs", side.median(used))),
        pair.ratio(used),
        cpu,
    );
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    table.ratio(
        &format!("{name}: busy, relay / load"),
        both(&|side| {
            let (relay, own) = (side.median(|r| r.relay_busy), side.median(|r| r.own_busy));
            format!("{} / {} %", percent(relay), percent(own))
        }),
        f64::NAN,
        Target::None,
    );
}

/// The program compared with itself under another load.
fn against_itself(wish: &Wish, table: &mut Table) {
    let ten = Workload { agents: 10, ..PLAIN };
    let thousand = Workload { tools: 10, names: 100, called: 100, ..PLAIN };
    let hundred = Workload { called: 10, ..thousand };
    // All but the first ten names of each tool.
    let hide: Vec<String> = (1..10).map(|n| format!("\"self.light.*_0{n}*\"")).collect();
    let folder = Folder::fresh();
    let file = folder.path().join("tools.json");
    let text = format!(r#"{{"agents":{{"*":{{"hide":[{}]}}}}}}"#, hide.join(","));
    std::fs::write(&file, text).expect("the selection is written");
    let file = file.to_str().expect("a path of letters");
    let [first, second, third] = QUIET_SETTINGS;
    let chosen = [first, second, third, ("TOOLS_SELECTION_FILE", file)];
    let cases: [(_, _, _, &[_], _); 3] = [
        (
            "1 agent, 1,000 names of 10 tools against one name: CPU per call",
            thousand,
            PLAIN,
            &QUIET_SETTINGS,
            1.05,
        ),
        (
            "1 agent, 1,000 names, 900 of them hidden, against none hidden: CPU per call",
            hundred,
            hundred,
            &chosen,
            1.03,
        ),
        (
            "10 agents among 5,000 idle connections against none: CPU per call",
            Workload { idle: 5000, ..ten },
            ten,
            &QUIET_SETTINGS,
            1.1,
        ),
    ];
    for (name, more, less, settings, most) in cases {
        if !wish.wants(name) {
            continue;
        }
        eprintln!("{name} …");
        let first = Side::new(Relay::product(settings), more);
        let second = Side::new(Relay::product(&QUIET_SETTINGS), less);
        let mut pair = Pair { first, second };
        // Small differences need more rounds.
        let rounds = 2 * wish.rounds - 1;
        pair.measure(rounds, wish.round / 2).unwrap_or_else(|why| panic!("{name}: {why}"));
        let used = |round: &Round| round.cpu_per_call;
        let sides = [&pair.first, &pair.second].map(|side| format!("{:.2} µs", side.median(used)));
        table.ratio(name, sides, pair.ratio(used), Target::AtMost(most));
    }
}

/// The cost of starting and of being idle.
fn at_rest(wish: &Wish, table: &mut Table) {
    if wish.wants("memory") {
        eprintln!("memory …");
        let start = Relay::product(&[]);
        let mib = process::resident(start.pid()) as f64 / 1024.0;
        table.figure("memory (RSS) at start", mib, 3.0, "MiB");
        for (words, agents) in [("of 100 agents", 100), ("each of an own agent", IDLE_CONNECTIONS)]
        {
            let name = format!("memory (RSS) for each of 10,000 idle robots {words}");
            table.figure(&name, memory_of_one(agents), 1.5, "KiB");
        }
    }
    if wish.wants("start") {
        eprintln!("start …");
        let times = starting_times(20).iter().map(|took| took.as_secs_f64() * 1e3).collect();
        table.figure("exec to listening", median(times), 20.0, "ms");
    }
    if wish.wants("idle") {
        eprintln!("idle …");
        idle(table);
    }
    let size = std::fs::metadata(PROGRAM).map_or(f64::NAN, |data| data.len() as f64);
    table.figure("stripped release binary", size / 1024.0, 1024.0, "KiB");
}

/// The memory of one idle connection, in KiB.
fn memory_of_one(agents: usize) -> f64 {
    let relay = Relay::product(&QUIET_SETTINGS);
    let before = process::resident(relay.pid());
    let robots = idle_robots(&relay, IDLE_CONNECTIONS, agents);
    let after = process::resident(relay.pid());
    drop(robots);
    after.saturating_sub(before) as f64 / IDLE_CONNECTIONS as f64
}

/// What a server does while no peer sends anything.
fn idle(table: &mut Table) {
    const IDLE_DURATION: Duration = Duration::from_secs(4);
    let relay = Relay::product(&QUIET_SETTINGS);
    let _robots = idle_robots(&relay, 1000, 100);
    // The last hello may still be on its way.
    std::thread::sleep(Duration::from_millis(500));
    let before = (process::switches(relay.pid()), relay.cpu_nanos());
    std::thread::sleep(IDLE_DURATION);
    let after = (process::switches(relay.pid()), relay.cpu_nanos());
    let name = |what| format!("idle with 1,000 connections, no ping due in 4 s: {what}");
    table.figure(&name("wake-ups"), (after.0 - before.0) as f64, 0.0, "");
    table.figure(&name("CPU"), (after.1 - before.1) as f64 / 1e3, 0.0, "µs");
}
