//! Hours of everything at once, or minutes: `SOAK_MINUTES` (10), `SOAK_SEED` (the time).
//!
//! `cargo test --release --test stress soak:: -- --ignored --nocapture`

use crate::common::{Random, Server, CONFIG};
use crate::load::{Good, Tally, Target};
use crate::storm;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Good pairs, and those that attack at the same time.
const PAIRS: usize = 3;
const ATTACKERS: u64 = 4;

/// The server's `memory_limit`, in MiB.
const MEMORY_LIMIT: u64 = 64;

/// What became of the calls of attackers, which have to be answered too.
#[derive(Debug, Default)]
struct Rough {
    attacks: AtomicUsize,
    lost: AtomicUsize,
    doubled: AtomicUsize,
}

#[test]
#[ignore = "takes SOAK_MINUTES (10): cargo test --release --test stress soak:: -- --ignored --nocapture"]
fn good_calls_are_all_answered_once_whatever_else_happens() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let minutes = number("SOAK_MINUTES").unwrap_or(10);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = number("SOAK_SEED").unwrap_or(now);
    eprintln!("{minutes} minutes; SOAK_SEED={seed}");
    let server = start();
    let target = Target::of(&server);
    let good = Good::start_untimed(&target, PAIRS);
    let rough = Rough::default();
    attack(&server, &target, &rough, seed, Duration::from_secs(20));
    let before = target.settled(PAIRS as u64);
    let length = Duration::from_secs(minutes * 60);
    let rounds = 5;
    let mut least = Vec::new();
    for round in 0..rounds {
        good.set_quiet(true);
        std::thread::sleep(length / rounds / 10);
        good.set_quiet(false);
        let seed = seed.wrapping_add(u64::from(round) + 1);
        let seen = attack(&server, &target, &rough, seed, length / rounds / 10 * 9);
        let now = target.usage.resident() >> 10;
        eprintln!("  round {}: {} KiB at the least, {now} KiB after it", round + 1, seen >> 10);
        least.push(seen);
    }
    good.set_quiet(true);
    let after = target.settled(PAIRS as u64);
    let stats = target.stats();
    let tally = good.finish();
    show(&tally, &rough, before, after);
    eprintln!("the server counted: {:#}", stats);
    judge(&tally, &rough, before, after);
    judge_memory(&least, after.1);
}

fn start() -> Server {
    Server::builder()
        .set("server", "log_level", "WARN")
        .set("websocket", "ping_interval", 1)
        .set("websocket", "ping_timeout", 2)
        .set("websocket", "close_timeout", 2)
        .set("websocket", "handshake_timeout", 2)
        .set("websocket", "max_message_size", "1MB")
        .set("websocket", "max_queued", "4MB")
        .set("websocket", "memory_limit", format!("{MEMORY_LIMIT}MB"))
        .set("relay", "reconnect_grace", 1)
        .set("logging", "max_file_size", "1MB")
        .set("logging", "backup_count", 1)
        .start()
}

/// Attacks with all there is until the time is over. Returns the least memory that was seen, in bytes.
fn attack(server: &Server, target: &Target, rough: &Rough, seed: u64, length: Duration) -> u64 {
    let end = Instant::now() + length;
    let mut least = u64::MAX;
    let config = server.folder().read(CONFIG);
    std::thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let mut random = Random::new(seed.wrapping_mul(31).wrapping_add(attacker));
            scope.spawn(move || {
                while Instant::now() < end {
                    attack_once(target, rough, &mut random);
                }
            });
        }
        let mut round = 0;
        while Instant::now() < end {
            // Its settings change meanwhile, sometimes to wrong ones.
            round += 1;
            let more = ["max_connections = 900", "max_connections = 1000", "max_connections = no"];
            let line = format!("[websocket]\n{}\n", more[round % more.len()]);
            let changed = config.replacen("[websocket]\n", &line, 1);
            server.folder().write(CONFIG, &changed);
            server.process().signal("HUP");
            std::thread::sleep(Duration::from_secs(1));
            least = least.min(target.usage.resident());
        }
        server.folder().write(CONFIG, &config);
        server.process().signal("HUP");
    });
    least
}

fn attack_once(target: &Target, rough: &Rough, random: &mut Random) {
    rough.attacks.fetch_add(1, Ordering::Relaxed);
    match random.below(12) {
        0..=4 => {
            let count = 1 + random.below(300);
            storm::come_and_go(target, random, count);
        }
        5..=6 => {
            let (lost, doubled) = storm::flood(target, random);
            rough.lost.fetch_add(lost as usize, Ordering::Relaxed);
            rough.doubled.fetch_add(doubled as usize, Ordering::Relaxed);
        }
        7 => storm::do_not_read(target, random),
        8..=9 => storm::talk_nonsense(target, random),
        10 => storm::ping(target, random),
        _ => storm::begin(target, random),
    }
}

fn show(tally: &Tally, rough: &Rough, before: (usize, u64), after: (usize, u64)) {
    let load = |number: &AtomicUsize| number.load(Ordering::Relaxed);
    let times = |phase: usize| {
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|part| tally.percentile(phase, part));
        format!("p50 {p50:?}  p99 {p99:?}  most {most:?}  of {}", tally.took[phase].len())
    };
    eprintln!("| good calls          | {}", tally.made);
    eprintln!("| failed              | {}", tally.failed.len());
    eprintln!("| lost                | {} (attackers: {})", tally.lost, load(&rough.lost));
    eprintln!("| doubled             | {} (attackers: {})", tally.doubled, load(&rough.doubled));
    eprintln!("| attacks             | {}", load(&rough.attacks));
    eprintln!("| quiet               | {}", times(0));
    eprintln!("| under attack        | {}", times(1));
    eprintln!("| descriptors         | {} before, {} after", before.0, after.0);
    eprintln!("| resident memory     | {} KiB before, {} KiB after", before.1 >> 10, after.1 >> 10);
}

fn judge(tally: &Tally, rough: &Rough, before: (usize, u64), after: (usize, u64)) {
    let load = |number: &AtomicUsize| number.load(Ordering::Relaxed);
    assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
    assert_eq!((tally.lost, tally.doubled), (0, 0), "good calls (lost, doubled)");
    assert_eq!((load(&rough.lost), load(&rough.doubled)), (0, 0), "attackers' (lost, doubled)");
    assert_eq!(after.0, before.0, "descriptors");
    let most = crate::load::FLOOR.max(tally.percentile(0, 0.99) * 5);
    let attacked = tally.percentile(1, 0.99);
    assert!(attacked <= most, "p99 under attack {attacked:?}, over {most:?}");
}

/// What is lost is missing forever; what the system's allocator keeps for a while comes and goes, by
/// megabytes. So the least of each round is looked at, and whether it rises from the first two on.
fn judge_memory(least: &[u64], after: u64) {
    let (first, later) = least.split_at(2);
    let (first, later) = (*first.iter().max().unwrap(), *later.iter().min().unwrap());
    assert!(
        later <= first + first / 10 + crate::load::MIB,
        "memory, the least in each round: {least:?}"
    );
    assert!(after <= MEMORY_LIMIT * crate::load::MIB, "memory when all is over: {after}");
}
