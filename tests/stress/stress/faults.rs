//! Faults of the system: good calls go on during each, and the server still ends when it is asked to.

use super::measure::{Report, Scale, Stage};
use crate::common::{Event, Raw, TIMEOUT};
use crate::load::{wait_until, Bare, Target};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// `close_timeout` here, in seconds.
const CLOSE_TIMEOUT: u64 = 2;

/// Says much, and small files are soon full.
const CHATTY: &str = "debug = true\n[logging]\nmax_file_size = 100KB\nbackup_count = 1\n";

/// Starts the server after the shell's `before`, plays, and asks the server to end.
fn play(before: &str, config: &str, stage: Stage, attack: impl FnOnce(&Target)) -> Report {
    let config = format!("{config}\n[websocket]\nclose_timeout = {CLOSE_TIMEOUT}\n");
    let mut server = Bare::start_unseen(before, &config);
    let mut report = stage.play_at(&server.target, attack);
    server.process.signal("TERM");
    let most = Duration::from_secs(CLOSE_TIMEOUT + 1);
    let ended = catch_unwind(AssertUnwindSafe(|| server.process.wait_exit(most)));
    match ended {
        Ok(status) if status.success() => {}
        Ok(status) => report.fail(format!("asked to end, it ended with {status}")),
        Err(_) => report.fail(format!("asked to end, it did not within {most:?}")),
    }
    report
}

/// Has the server log much for a while: with `debug`, whatever it is sent.
fn chatter(target: &Target, time: Duration) {
    let mut robot = target.robot("chatter");
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#,
        "x".repeat(4000)
    );
    let (end, mut said) = (Instant::now() + time, 0);
    // More than all queues and buffers on the way hold, unless that takes forever.
    while Instant::now() < end || (said < 300 && Instant::now() < end + TIMEOUT) {
        robot.send(&text);
        let event = robot.next();
        assert!(matches!(event, Event::Text(_)), "{event:?} instead of an answer");
        said += 1;
    }
}

/// Whether a command of the shell works here.
fn works(command: &str) -> bool {
    let output = Command::new("sh").arg("-c").arg(command).output();
    output.is_ok_and(|output| output.status.success())
}

pub(crate) fn the_disk_of_the_log_file_is_full(scale: Scale) -> Report {
    let mount = "mount -t tmpfs -o size=64k none";
    if !works(&format!("unshare -m sh -c '{mount} /mnt'")) {
        return Report::skipped("the right to mount (root)");
    }
    let before = format!(r#"mkdir logs; exec unshare -m sh -c '{mount} logs && exec "$0"' "$0""#);
    play(&before, CHATTY, Stage::new(), |target| chatter(target, scale.time()))
}

pub(crate) fn the_log_file_is_a_pipe_nobody_reads(scale: Scale) -> Report {
    let before = "mkdir logs; mkfifo logs/pipe; exec 7<>logs/pipe";
    let config = format!("{CHATTY}log_file = logs/pipe\n");
    play(before, &config, Stage::new(), |target| chatter(target, scale.time()))
}

pub(crate) fn the_log_file_may_not_grow(scale: Scale) -> Report {
    play("ulimit -f 32", CHATTY, Stage::new(), |target| chatter(target, scale.time()))
}

pub(crate) fn output_to_a_pipe_nobody_reads(scale: Scale) -> Report {
    let before = "mkfifo pipe; exec 7<>pipe; exec >pipe 2>&1";
    play(before, CHATTY, Stage::new(), |target| chatter(target, scale.time()))
}

pub(crate) fn output_to_a_full_device(scale: Scale) -> Report {
    play("exec >/dev/full 2>&1", CHATTY, Stage::new(), |target| chatter(target, scale.time()))
}

pub(crate) fn output_to_a_terminal_nobody_reads(scale: Scale) -> Report {
    if !works("python3 -c 'import os; os.openpty()'") {
        return Report::skipped("python3 and a terminal");
    }
    // The other end stays open, in the server itself.
    let program = "import os, sys; m, s = os.openpty(); os.set_inheritable(m, True); \
                   os.dup2(s, 1); os.dup2(s, 2); os.execv(sys.argv[1], sys.argv[1:])";
    let before = format!(r#"exec python3 -c '{program}' "$0""#);
    play(&before, CHATTY, Stage::new(), |target| chatter(target, scale.time()))
}

pub(crate) fn no_descriptor_is_left(scale: Scale) -> Report {
    let stage = Stage::new().without_visitors();
    play("ulimit -n 64", "", stage, |target| {
        let crowd: Vec<Raw> = (0..100).map(|_| Raw::connect(target.address)).collect();
        wait_until("it is out of descriptors", TIMEOUT, || target.usage.descriptors() >= 60);
        std::thread::sleep(scale.time());
        drop(crowd);
    })
}

pub(crate) fn the_process_is_stopped_for_a_moment(scale: Scale) -> Report {
    let moment = Duration::from_millis(200);
    let most = moment + Duration::from_millis(60);
    let stage = Stage::new().most_stall(most).most_health(most);
    play(":", "", stage, |target| {
        for _ in 0..scale.pick(1, 8) {
            crate::common::signal(target.usage.0, "STOP");
            std::thread::sleep(moment);
            crate::common::signal(target.usage.0, "CONT");
            std::thread::sleep(moment);
        }
    })
}

/// The library of shim.c; none where there is no C compiler.
fn shim() -> Option<&'static PathBuf> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stress/stress/shim.c");
        let name = format!("shim-{}.so", std::process::id());
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]);
        compiler.status().is_ok_and(|status| status.success()).then_some(library)
    };
    SHIM.get_or_init(build).as_ref()
}

/// Plays with the shim between the program and its C library.
fn play_with_shim(
    variables: &str,
    config: &str,
    stage: Stage,
    attack: impl FnOnce(&Target),
) -> Report {
    let Some(shim) = shim() else { return Report::skipped("a C compiler (cc)") };
    let (shim, program) = (shim.display(), crate::common::program());
    let preload = format!("LD_PRELOAD={shim}");
    let is_loaded = format!(
        r#"d=$(mktemp -d); SHIM_SEEN=$d/seen {preload} "{}" --version >/dev/null; test -e $d/seen; e=$?; rm -r $d; exit $e"#,
        program.to_string_lossy()
    );
    if !works(&is_loaded) {
        return Report::skipped("a program that is linked dynamically");
    }
    play(&format!("export {variables} {preload}"), config, stage, attack)
}

pub(crate) fn the_log_file_takes_its_time(scale: Scale) -> Report {
    play_with_shim("SHIM_SLOW_WRITE=300", CHATTY, Stage::new(), |target| {
        chatter(target, scale.time());
    })
}

/// EPROTO and ECONNABORTED say something of one connection only, and EINTR nothing.
pub(crate) fn accept_fails_for_single_connections(scale: Scale) -> Report {
    play_with_shim("SHIM_ACCEPT=EPROTO,ECONNABORTED,EINTR", "", Stage::new(), |_| {
        std::thread::sleep(scale.time())
    })
}

/// ENOBUFS and ENOMEM: accepting pauses. New clients wait for that, and connected ones notice nothing.
pub(crate) fn accept_fails_for_want_of_memory(scale: Scale) -> Report {
    let stage = Stage::new().most_health(Duration::from_secs(5));
    play_with_shim("SHIM_ACCEPT=ENOBUFS,ENOMEM", "", stage, |_| std::thread::sleep(scale.time()))
}

pub(crate) fn the_clock_jumps(scale: Scale) -> Report {
    let years = 10 * 365 * 24 * 3600;
    play_with_shim(&format!("SHIM_CLOCK=-{years}"), CHATTY, Stage::new(), |target| {
        chatter(target, scale.time());
    })
}
