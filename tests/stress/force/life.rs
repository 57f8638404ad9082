//! Stop, reload and a log that cannot be written, under load.

use crate::common::{Client, Event, Server, CONFIG, LOG, TIMEOUT};
use crate::load::{alone, call, wait_until, EchoTool, Good, Target};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_stop_under_load_is_reported_to_all_and_gives_the_port_back() {
    let mut server = Server::builder().set("websocket", "close_timeout", 2).start();
    let target = Target::of(&server);
    let mut tools: Vec<Client> = (0..5).map(|n| target.mute_tool(&format!("a-{n}"))).collect();
    let robots: Vec<Client> = (0..20).map(|n| target.robot(&format!("a-{}", n % 5))).collect();
    let busy: Vec<_> =
        robots.into_iter().map(|robot| std::thread::spawn(|| flood(robot))).collect();
    // Somebody who neither reads nor answers a close.
    let _deaf = target.robot("deaf");
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    let start = Instant::now();
    for robot in busy {
        assert_eq!(robot.join().unwrap(), Some(1012));
    }
    for tool in &mut tools {
        let code = loop {
            match tool.next() {
                Event::Text(_) => {}
                Event::Close(code, _) => break code,
                other => panic!("{other:?} instead of a close"),
            }
        };
        assert_eq!(code, 1012);
    }
    assert_eq!(server.wait_exit(Duration::from_secs(4)).code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(3), "ended after {:?}", start.elapsed());
    server.start_again();
    assert_eq!(server.get("/health").status, 200);
}

/// Calls without pause, and says with which code that ended.
fn flood(mut robot: Client) -> Option<u16> {
    for number in 0.. {
        // It may be closing already.
        let _ = robot.sender().text(&call(number));
        loop {
            match robot.next() {
                Event::Text(text) if text.contains(&format!(r#""id":{number},"#)) => break,
                Event::Text(_) => {}
                Event::Close(code, _) => return Some(code),
                _ => return None,
            }
            // A mute tool answers nothing; the next call is made all the same.
        }
    }
    None
}

#[test]
fn settings_are_read_again_under_load_without_losing_a_call() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let config = server.folder().read(CONFIG);
    let with = |more: &str| server.folder().write(CONFIG, &format!("{config}\n{more}\n"));
    good.during(|| {
        for round in 0..20 {
            let (size, level) = if round % 2 == 0 { ("64KB", "DEBUG") } else { ("1MB", "WARN") };
            let level_line = format!("log_level = {level}\n");
            let changed = config.replacen("[server]\n", &format!("[server]\n{level_line}"), 1);
            let more = format!("[websocket]\nmax_message_size = {size}\n[security]\nallowed_origins = https://a.example");
            server.folder().write(CONFIG, &format!("{changed}\n{more}\n"));
            server.process().signal("HUP");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    // The last round let a megabyte in, and the one before it 64 KB.
    let mut robot = target.robot("new");
    robot.send(&" ".repeat(100 * 1024));
    assert_eq!(robot.recv_message().error(), -32700);
    with("[websocket]\nmax_message_size = 64KB\n[security]\nallowed_origins = https://a.example");
    server.process().signal("HUP");
    wait_until("the new size is in force", TIMEOUT, || {
        let mut robot = target.robot("new");
        robot.send(&" ".repeat(100 * 1024));
        matches!(robot.next(), Event::Close(1009, _))
    });
    let origin = [("Origin", "https://b.example")];
    let mut raw = server.raw();
    raw.send(crate::common::upgrade(&target.robot_path("new"), &origin));
    assert!(raw.read_head().starts_with("HTTP/1.1 403"), "the new origins are in force");
    good.assert_unharmed();
}

#[test]
fn a_wrong_file_is_reported_and_the_old_settings_stay() {
    let server = Server::builder().set("websocket", "max_message_size", "64KB").start();
    let target = Target::of(&server);
    let good = Good::start_untimed(&target, 1);
    let config = server.folder().read(CONFIG);
    for (number, wrong) in ["max_connections = many", "ping_timeout = -1"].iter().enumerate() {
        let text = config.replace("64KB", &format!("1MB\n{wrong}"));
        server.folder().write(CONFIG, &text);
        server.process().signal("HUP");
        let value = wrong.rsplit(' ').next().unwrap();
        server.process().wait_line(value, 1, TIMEOUT);
        wait_until("one line more in the log", TIMEOUT, || {
            server.log().matches("[ERROR]").count() == number + 1
        });
        let mut robot = target.robot("new");
        robot.send(&" ".repeat(100 * 1024));
        assert_eq!(robot.expect_close().0, 1009, "the old size is in force");
    }
    good.assert_unharmed_but_for(Duration::from_millis(500));
}

#[test]
fn a_log_file_on_a_full_disk_costs_no_call() {
    let _machine = alone();
    let server = Server::builder()
        .set("logging", "log_file", "/dev/full")
        .set("server", "debug", true)
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    good.during(|| {
        for number in 0..100 {
            drop(target.robot(&format!("a-{number}")));
        }
        server.process().signal("HUP");
        std::thread::sleep(Duration::from_millis(200));
    });
    let shown = server.stderr().lines().filter(|line| line.contains("/dev/full")).count();
    assert!((1..=3).contains(&shown), "the terminal is told, but not for each line: {shown}");
    good.assert_unharmed();
}

#[test]
fn a_log_folder_that_goes_away_costs_no_call() {
    let _machine = alone();
    let server = Server::builder()
        .set("server", "debug", true)
        .set("logging", "max_file_size", "8KB")
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let folder = server.folder().path().join(LOG).parent().unwrap().to_owned();
    good.during(|| {
        // A file stands where a folder should be: nobody can write there, not even root.
        std::fs::rename(&folder, folder.with_extension("gone")).unwrap();
        std::fs::write(&folder, "no folder").unwrap();
        server.process().signal("HUP");
        for number in 0..100 {
            drop(target.robot(&format!("a-{number}")));
        }
        server.process().wait_line("mcp_server.log", 1, TIMEOUT);
        std::fs::remove_file(&folder).unwrap();
        server.process().signal("HUP");
        wait_until("the log is written again", TIMEOUT, || !server.log().is_empty());
    });
    good.assert_unharmed();
}

#[test]
fn a_terminal_that_nobody_reads_costs_no_call() {
    use std::process::{Command, Stdio};
    let folder = crate::common::Folder::fresh();
    let key = "a key for the tests, long enough";
    let config = format!("[server]\nhost = 127.0.0.1\nport = 0\nkey = {key}\ndebug = true\n");
    folder.write(CONFIG, &config);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-endpoint-server"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    while !line.contains("ws://") {
        line.clear();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    }
    let rest = line.split_once("ws://").unwrap().1.split_once('/').unwrap().0;
    let port: u16 = rest.rsplit_once(':').unwrap().1.parse().unwrap();
    let target = Target {
        address: ([127, 0, 0, 1], port).into(),
        key: key.to_owned(),
        usage: crate::load::Usage(child.id()),
    };
    // 64 KiB fit into the pipe; debug says more than that about so many calls.
    let done = AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let _tool = EchoTool::connect(&target, "a");
            let mut robot = target.robot("a");
            for number in 0..1000 {
                robot.send(&call(number));
                robot.recv_message().result();
            }
            done.store(true, Ordering::SeqCst);
        });
        let end = Instant::now() + TIMEOUT / 3;
        while !done.load(Ordering::SeqCst) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let served = done.load(Ordering::SeqCst);
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = calls.join();
        served
    });
    assert!(served, "it waits for its terminal");
}

#[test]
fn a_new_key_is_reported_at_the_reload_and_only_what_differs_from_the_start_needs_another() {
    let key = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
    let server =
        Server::builder().set("server", "language", "en").set("server", "key", key[0]).start();
    let config = server.folder().read(CONFIG);
    let reload = |text: &str, times: usize| {
        server.folder().write(CONFIG, text);
        server.process().signal("HUP");
        wait_until("the settings are read again", TIMEOUT, || {
            server.log().matches("read again").count() == times
        });
    };
    reload(&config.replace("port = 0", "port = 1"), 1);
    reload(&config, 2);
    assert_eq!(server.log().matches("takes effect after a restart").count(), 1);
    assert!(!server.log().contains("the key has changed"));
    reload(&config.replace(key[0], key[1]), 3);
    assert_eq!(server.log().matches("the key has changed").count(), 1);
    assert_eq!(server.get(&format!("/mcp_endpoint/health?key={}", key[1])).status, 200);
}
