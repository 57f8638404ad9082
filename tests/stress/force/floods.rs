//! Too much at once: requests, pings, fragments, claims, and messages as large as they may be.

use crate::common::{Client, Frame, Message, Raw, Server, CONTINUATION, PING, TEXT, TIMEOUT};
use crate::load::{alone, call, large_frame, wait_until, EchoTool, Good, Target, MIB};
use serde_json::json;
use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A message as large as may be is read in one piece: a moment for everybody.
const LARGE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5000 } else { 150 });

/// `max_in_flight` here. A debug build checks each request in flight after each message.
const MAX_CALLS: u64 = if cfg!(debug_assertions) { 100 } else { 1024 };

#[test]
fn requests_beyond_max_in_flight_are_refused_and_each_is_answered_once() {
    let _machine = alone();
    let server = Server::builder().set("relay", "max_in_flight", MAX_CALLS).start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let held: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&held);
    let tool = EchoTool::with(
        &target,
        "full",
        Box::new(move |call| {
            keep.lock().unwrap().push(crate::load::echoed(call));
            None
        }),
    );
    let mut robot = target.robot("full");
    good.during(|| {
        let all = 5 * MAX_CALLS;
        let frames: Vec<u8> =
            (1..=all).flat_map(|number| Frame::text(&call(number)).bytes()).collect();
        robot.send_bytes(&frames);
        let mut answers = HashMap::new();
        let mut note = |message: &Message| *answers.entry(message.id.clone()).or_insert(0) += 1;
        for _ in 0..all - MAX_CALLS {
            let message = robot.recv_message();
            assert_eq!(message.error(), -32002, "{}", message.text);
            note(&message);
        }
        wait_until("the calls at the tool", TIMEOUT, || {
            held.lock().unwrap().len() as u64 == MAX_CALLS
        });
        for answer in held.lock().unwrap().iter() {
            // Twice: the second has nobody who waits for it.
            tool.sender.text(answer).unwrap();
            tool.sender.text(answer).unwrap();
        }
        for _ in 0..MAX_CALLS {
            let message = robot.recv_message();
            message.result();
            note(&message);
        }
        assert_eq!(answers.len() as u64, all);
        assert!(answers.values().all(|count| *count == 1), "answered twice");
        robot.expect_silence();
        let dropped = || target.stats()["traffic"]["replies_dropped"].as_u64();
        wait_until("the second answers are counted", TIMEOUT, || dropped() >= Some(MAX_CALLS));
    });
    good.assert_unharmed();
}

#[test]
fn a_robot_that_asks_without_pause_delays_nobody() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let _tool = EchoTool::connect(&target, "full");
    let mut robot = target.robot("full");
    good.during(|| {
        let end = Instant::now() + Duration::from_secs(2);
        let mut number = 0;
        while Instant::now() < end {
            let first = number + 1;
            number += if cfg!(debug_assertions) { 20 } else { 500 };
            let frames: Vec<u8> =
                (first..=number).flat_map(|number| Frame::text(&call(number)).bytes()).collect();
            robot.send_bytes(&frames);
            for number in first..=number {
                let message = robot.recv_message();
                assert!(message.answers(&number.to_string()), "{number}: {}", message.text);
                message.result();
            }
        }
        robot.expect_silence();
    });
    good.assert_unharmed();
}

#[test]
fn pings_whose_pongs_are_not_read_cost_nothing() {
    let _machine = alone();
    let server = Server::builder()
        .set("websocket", "ping_interval", 0)
        .set("websocket", "ping_timeout", 1)
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let mut client =
        Client::over(Raw::connect_narrow(target.address), &target.robot_path("full"), &[]);
    let peak = target.usage.watch();
    good.during(|| {
        let pings = Frame::new(PING, [b'p'; 125]).bytes().repeat(1000);
        let raw = client.raw();
        let start = Instant::now();
        let mut sent = 0;
        let ended = loop {
            match raw.stream().write_all(&pings) {
                Ok(()) => sent += 1000,
                Err(error) => break error,
            }
            if start.elapsed() > Duration::from_secs(8) {
                panic!("it is still there after {sent} pings");
            }
            // A pause between them: a flood without end would be one of the socket only.
            std::thread::sleep(Duration::from_millis(10));
        };
        let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(gone.contains(&ended.kind()), "{ended}");
        assert!(sent > 10_000, "only {sent} pings");
        assert!(target.queued_bytes() < MIB);
    });
    peak.assert_growth_below(4 * MIB);
    good.assert_unharmed();
}

#[test]
fn a_message_of_very_many_fragments_is_one_message() {
    let _machine = alone();
    in_fragments_of_a_byte(100_000);
}

#[test]
#[ignore = "a long campaign: cargo test --release --test stress million -- --ignored"]
fn a_message_of_a_million_fragments_is_one_message() {
    let _machine = alone();
    in_fragments_of_a_byte(1_000_000);
}

fn in_fragments_of_a_byte(count: usize) {
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let _tool = EchoTool::connect(&target, "full");
    let mut robot = target.robot("full");
    let peak = target.usage.watch();
    good.during(|| {
        let text = call(1);
        let (start, rest) = text.split_at(text.len() - 1);
        robot.send_frame(&Frame::new(TEXT, start).unfinished());
        robot.send_bytes(Frame::new(CONTINUATION, " ").unfinished().bytes().repeat(count));
        robot.send_bytes(Frame::new(CONTINUATION, "").unfinished().bytes().repeat(count / 10));
        robot.send_frame(&Frame::new(CONTINUATION, rest));
        let answer = robot.recv_message();
        assert_eq!(answer.result()["content"][0]["text"], json!(r#"{"n":1}"#));
    });
    peak.assert_growth_below(8 * MIB);
    good.assert_unharmed();
}

#[test]
fn headers_that_claim_sixteen_megabytes_take_no_memory() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let peak = target.usage.watch();
    good.during(|| {
        let mut claim = Frame::head_without_mask(0x80 | TEXT, 16 * MIB);
        claim.extend([b'x'; 10]);
        let clients: Vec<Client> = (0..300)
            .map(|number| {
                let client = target.robot(&format!("claims-{}", number % 30));
                client.send_bytes(&claim);
                client
            })
            .collect();
        wait_until("the claims are there", TIMEOUT, || target.queued_bytes() >= 300 * 10);
        assert!(target.queued_bytes() < 300 * 100, "what has come is counted, not what is claimed");
        drop(clients);
        wait_until("they are forgotten", TIMEOUT, || target.queued_bytes() < 1000);
    });
    peak.assert_growth_below(8 * MIB);
    good.assert_unharmed();
}

#[test]
fn messages_as_large_as_they_may_be_pass_both_ways() {
    let _machine = alone();
    let size = if cfg!(debug_assertions) { 2 * MIB } else { 16 * MIB } as usize;
    let server = Server::builder().set("websocket", "max_message_size", size).start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let (head, tail) = (r#"{"jsonrpc":"2.0","id":1,"result":{"x":""#, r#""}}"#);
    // The relay's first requests to a tool are its own, and a call's number has one digit.
    let answer = Arc::new(format!("{head}{}{tail}", "y".repeat(size - head.len() - tail.len())));
    let _tool = EchoTool::with(
        &target,
        "full",
        Box::new(move |call| {
            assert_eq!(call.text.len(), size);
            Some(answer.replacen(":1,", &format!(":{},", call.id.as_deref().unwrap()), 1))
        }),
    );
    let mut robot = target.robot("full");
    let peak = target.usage.watch();
    let text = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo"}}"#;
    let mut frame = large_frame(0x80 | TEXT, b' ', size as u64);
    frame[14..14 + text.len()].copy_from_slice(text.as_bytes());
    let mut rests = Vec::new();
    good.during(|| {
        for _ in 0..3 {
            robot.send_bytes(&frame);
            let answer = robot.recv();
            assert_eq!(answer.len(), size);
            assert!(answer.starts_with(r#"{"jsonrpc":"2.0","id":5,"result":{"x":"yy"#));
            wait_until("nothing waits any more", TIMEOUT, || target.queued_bytes() < 1000);
            rests.push(target.usage.resident());
        }
    });
    // Half-read and queued at once, each as a whole.
    peak.assert_growth_below(64 * MIB);
    // The allocator may keep a message's worth for the next one, but not for each.
    eprintln!("  memory between them: {rests:?}");
    assert!(rests[2] < rests[0] + 8 * MIB, "{rests:?}");
    good.assert_unharmed_but_for(LARGE);
}

#[test]
fn what_comes_behind_a_large_message_is_received_wherever_that_pauses() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let _tool = EchoTool::connect(&target, "full");
    let mut robot = target.robot("full");
    let ping = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    let size = 300_000;
    for (at, pause) in [
        (1, size),
        (2, size + 13),
        (3, size + 14),
        (4, size + 15),
        (5, 32 * 1024),
        (6, 64 * 1024),
        (7, 128 * 1024),
        (8, 10),
    ] {
        let text = ping(2 * at);
        let mut bytes = large_frame(0x80 | TEXT, b' ', size as u64);
        assert_eq!(bytes.len(), size + 14);
        bytes[14..14 + text.len()].copy_from_slice(text.as_bytes());
        bytes.extend(Frame::text(&ping(2 * at + 1)).bytes());
        robot.send_bytes(&bytes[..pause]);
        if pause < size {
            wait_until("it is there", TIMEOUT, || target.queued_bytes() >= pause as u64);
        }
        robot.send_bytes(&bytes[pause..]);
        for id in [2 * at, 2 * at + 1] {
            assert!(robot.recv_message().answers(&id.to_string()), "{id}, a pause at {pause}");
        }
    }
}

#[test]
fn large_messages_that_are_tedious_to_read_delay_others_by_a_moment_only() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let mut robot = target.robot("full");
    let most = if cfg!(debug_assertions) { MIB } else { 16 * MIB };
    let start = r#"{"jsonrpc":"2.0","id":1,"method":"initialize""#;
    good.during(|| {
        for (before, tedious, after) in
            [("", "\n", "}"), (",\"x\":\"", "\\n", "\"}"), (",\"params\":", "[]", "}")]
        {
            let end = start.len() + before.len();
            let room = (most as usize - end - after.len()) / tedious.len();
            let mut text = format!("{start}{before}{}{after}", tedious.repeat(room));
            if tedious == "[]" {
                text = format!("{start}{before}{}{}{after}", "[".repeat(room), "]".repeat(room));
            }
            let mut frame = large_frame(0x80 | TEXT, b' ', text.len() as u64);
            frame[14..].copy_from_slice(text.as_bytes());
            for _ in 0..3 {
                robot.send_bytes(&frame);
                assert!(robot.recv_message().answers("1"));
            }
        }
    });
    good.assert_unharmed_but_for(LARGE);
}
