//! Too many at once: connections, descriptors, heads that never end, and clients that are refused
//! and redial.

use crate::common::{escape, upgrade, Client, Event, Frame, Raw, Response, Server, PING, TIMEOUT};
use crate::load::{alone, call, wait_until, Bare, EchoTool, Good, Target};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn beyond_max_connections_the_next_are_refused_and_nobody_is_thrown_out() {
    let _machine = alone();
    crowd(300, 150);
}

#[test]
#[ignore = "a long campaign: cargo test --release --test stress thousand -- --ignored"]
fn a_thousand_connections_stay_while_five_hundred_more_are_refused() {
    let _machine = alone();
    crowd(1000, 500);
}

fn crowd(most: usize, more: usize) {
    let server = Server::builder().set("websocket", "max_connections", most).start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    good.during(|| {
        // The good ones have four of the places.
        let mut inside: Vec<Client> =
            (0..most - 4).map(|n| target.robot(&format!("crowd-{}", n % 50))).collect();
        for number in 0..more {
            assert_eq!(knock(&target).status, 503, "{number}");
            if number % 50 == 0 {
                assert_eq!(server.get("/health").status, 200, "plain requests are answered");
            }
        }
        let left = inside.swap_remove(most / 2);
        left.close();
        inside.push(target.robot("crowd-again"));
        assert_eq!(knock(&target).status, 503);
        for client in &mut inside {
            client.send_frame(&Frame::new(PING, b"there?"));
            assert_eq!(client.next(), Event::Pong(b"there?".to_vec()));
        }
        assert_eq!(target.stats()["robot_connections"], most - 2);
    });
    good.assert_unharmed();
}

/// Asks for an upgrade, and says what is answered.
fn knock(target: &Target) -> Response {
    let mut raw = Raw::connect(target.address);
    raw.send(upgrade(&target.robot_path("late"), &[]));
    let head = raw.read_head();
    Response::from_parts(head, Vec::new())
}

#[test]
fn out_of_descriptors_accepting_pauses_and_goes_on_by_itself() {
    let server = Bare::start("ulimit -n 64", "[websocket]\nhandshake_timeout = 60");
    let target = &server.target;
    let _tool = EchoTool::connect(target, "a");
    let mut robot = target.robot("a");
    let crowd: Vec<Raw> = (0..100).map(|_| Raw::connect(target.address)).collect();
    wait_until("it is out of descriptors", TIMEOUT, || target.usage.descriptors() >= 64);
    let mut late = Raw::connect(target.address);
    late.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let before = target.usage.ticks();
    std::thread::sleep(Duration::from_secs(2));
    let spent = target.usage.ticks() - before;
    assert!(spent <= 10, "{spent} hundredths of a second in two seconds");
    for number in 0..50 {
        robot.send(&call(number));
        robot.recv_message().result();
    }
    drop(crowd);
    let response = Response::read(&mut late);
    assert_eq!(response.status, 200, "who waited is served");
    let start = Instant::now();
    let mut after = target.robot("a");
    after.send(&call(1));
    after.recv_message().result();
    assert!(start.elapsed() < Duration::from_secs(1), "served after {:?}", start.elapsed());
}

#[test]
fn a_thousand_slow_heads_delay_nobody_and_are_gone_in_time() {
    let _machine = alone();
    let server = Server::builder().set("websocket", "handshake_timeout", 3).start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    good.during(|| {
        let head = upgrade(&target.robot_path("slow"), &[]);
        // A debug build is too slow for a rush of a thousand: the system's queue overflows.
        let count = if cfg!(debug_assertions) { 300 } else { 1000 };
        let mut slow: Vec<(Raw, Instant)> =
            (0..count).map(|_| (Raw::connect(target.address), Instant::now())).collect();
        let start = Instant::now();
        for byte in head.bytes().take(10) {
            for (raw, _) in slow.iter().step_by(2) {
                // The others say nothing at all.
                let _ = raw.stream().write_all(&[byte]);
            }
            let dialled = Instant::now();
            let mut robot = target.robot("new");
            robot.expect_silence();
            let took = dialled.elapsed();
            assert!(took < Duration::from_millis(500), "a new client waited {took:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(start.elapsed() < Duration::from_secs(3), "the slow ones were not slow enough");
        let last = slow.last().unwrap().1;
        for (raw, since) in &mut slow {
            let (answer, _) = raw.read_to_end();
            let took = since.elapsed();
            assert!(took > Duration::from_millis(2900), "gone after {took:?} already");
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"));
        }
        let took = last.elapsed();
        assert!(took < Duration::from_millis(4500), "the last was there for {took:?}");
    });
    good.assert_unharmed();
}

#[test]
fn silent_connections_are_gone_in_time_too() {
    let server = Server::builder().set("websocket", "handshake_timeout", 1).start();
    let start = Instant::now();
    let mut silent: Vec<Raw> = (0..100).map(|_| server.raw()).collect();
    for raw in &mut silent {
        raw.read_to_end();
    }
    let took = start.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn who_is_refused_and_redials_waits_ever_longer_and_good_clients_do_not() {
    redial_storm(Duration::from_secs(11), 2);
}

#[test]
#[ignore = "takes more than a minute: cargo test --release --test stress once_a_minute -- --ignored"]
fn a_redial_storm_is_mentioned_once_a_minute_with_a_count() {
    redial_storm(Duration::from_secs(70), 4);
}

/// Ten clients with wrong tokens and ten with wrong keys, all of one address, redial at once
/// whenever they are refused. One line a minute tells of each of the two causes.
fn redial_storm(length: Duration, lines: usize) {
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start_untimed(&target, 2);
    let stop = AtomicBool::new(false);
    let wrong_token = format!("/mcp_endpoint/call/?token={}", escape(&server.token_of("{}")));
    let wrong_key = "/mcp_endpoint/health?key=wrong";
    let redial = |once: &(dyn Fn() + Sync)| {
        let mut waits = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            let start = Instant::now();
            once();
            waits.push(start.elapsed());
        }
        waits
    };
    let with_token = || {
        let mut raw = Raw::connect(target.address);
        raw.send(upgrade(&wrong_token, &[]));
        assert_eq!(Client::accepted(raw).expect_close().0, 1008);
    };
    let with_key = || assert_eq!(server.get(wrong_key).status, 401);
    good.during(|| {
        std::thread::scope(|scope| {
            let storm: Vec<_> = (0..20)
                .map(|number| {
                    let once: &(dyn Fn() + Sync) =
                        if number % 2 == 0 { &with_token } else { &with_key };
                    let redial = &redial;
                    scope.spawn(move || redial(once))
                })
                .collect();
            let end = Instant::now() + length;
            while Instant::now() < end {
                let start = Instant::now();
                let mut robot = target.robot("good-0");
                robot.send(&call(1));
                robot.recv_message().result();
                robot.close();
                let took = start.elapsed();
                assert!(took < Duration::from_secs(1), "a good client waited {took:?}");
                std::thread::sleep(Duration::from_millis(100));
            }
            stop.store(true, Ordering::SeqCst);
            for client in storm {
                let waits = client.join().unwrap();
                let last = *waits.last().unwrap();
                // Beside the delay there is what the machine does besides.
                let jitter = Duration::from_millis(50);
                let grows = |pair: &[Duration]| pair[1] + pair[1] / 10 + jitter >= pair[0];
                assert!(waits.windows(2).all(grows), "{waits:?}");
                assert!(last >= Duration::from_millis(4900), "{waits:?}");
                assert!(last <= Duration::from_millis(6500), "{waits:?}");
            }
        });
    });
    let log = server.log();
    // That the good robot comes and goes is told, too.
    let is_reported = |line: &&str| line.contains("[WARN]") && !line.contains("[agent ");
    let shown: Vec<&str> = log.lines().filter(is_reported).collect();
    assert_eq!(shown.len(), lines, "{shown:#?}");
    // Other tests run at the same time.
    good.assert_unharmed_but_for(Duration::from_millis(500));
}

#[test]
fn a_plain_request_whose_client_never_reads_the_answer_is_given_up() {
    let server = Server::builder().set("websocket", "close_timeout", 1).start();
    let clients: Vec<Raw> = (0..50)
        .map(|_| {
            let mut raw = server.raw();
            raw.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
            raw
        })
        .collect();
    let usage = Target::of(&server).usage;
    wait_until("they are given up", Duration::from_secs(4), || usage.descriptors() < 40);
    for raw in &clients {
        // What was answered is still there to be read.
        let mut first = [0; 12];
        raw.stream().read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
    }
}
