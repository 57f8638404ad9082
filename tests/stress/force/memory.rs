//! The budget of memory: which owner pays when it is spent.

use crate::common::{Client, Event, Frame, Server, CONTINUATION, TEXT, TIMEOUT};
use crate::load::{alone, call, large_frame, wait_until, EchoTool, Good, Target, MIB};
use std::io::Write;
use std::time::Duration;

/// A large message is read in one piece: a moment for everybody.
const LARGE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5000 } else { 150 });

#[test]
fn half_read_messages_over_the_limit_cost_the_largest_first_and_nobody_else() {
    let _machine = alone();
    let server = Server::builder()
        .set("websocket", "memory_limit", "16MB")
        .set("websocket", "max_message_size", "8MB")
        .set("websocket", "max_queued", "8MB")
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let _tool = EchoTool::connect(&target, "full");
    let peak = target.usage.watch();
    good.during(|| {
        let mut largest = start_message(&target, 6 * MIB);
        let mut others: Vec<Client> = (1..=4).map(|_| start_message(&target, 2 * MIB)).collect();
        wait_until("all is held", TIMEOUT, || target.queued_bytes() >= 14 * MIB);
        assert!(target.queued_bytes() <= 15 * MIB, "{}", target.queued_bytes());
        others.push(start_message(&target, 3 * MIB));
        wait_until("the largest is gone", TIMEOUT, || target.queued_bytes() < 12 * MIB);
        let end = largest.next();
        assert!(matches!(end, Event::Close(1011, _) | Event::End | Event::Reset), "{end:?}");
        for other in &mut others {
            other.send_frame(&Frame::new(CONTINUATION, call(1)));
            other.recv_message().result();
        }
    });
    peak.assert_growth_below(16 * MIB + 8 * MIB);
    good.assert_unharmed();
}

#[test]
fn many_half_read_messages_stay_within_the_limit() {
    let _machine = alone();
    let server = Server::builder().set("websocket", "memory_limit", "16MB").start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let peak = target.usage.watch();
    good.during(|| {
        // Some of these are closed while they still send.
        let start = large_frame(TEXT, b'x', 256 * 1024);
        let next = large_frame(CONTINUATION, b'x', 256 * 1024);
        let mut clients: Vec<Client> = (0..100).map(|_| target.robot("full")).collect();
        for round in 0..4 {
            for client in &mut clients {
                let frame = if round == 0 { &start } else { &next };
                let _ = client.raw().stream().write_all(frame);
            }
            assert!(target.queued_bytes() <= 17 * MIB);
        }
    });
    // What grows is moved now and then; what is counted are the bytes that have come.
    peak.assert_growth_below(2 * 16 * MIB + 4 * MIB);
    wait_until("nothing is held any more", TIMEOUT, || target.queued_bytes() < 1000);
    // A hundred who all send as fast as they can have their turns, too.
    good.assert_unharmed_but_for(LARGE);
}

/// Requests that wait for tools that never answer `initialize` are held inside the relay, and are
/// part of the budget like any queue.
#[test]
fn requests_that_wait_for_mute_tools_cost_their_own_robots_and_nobody_else() {
    let _machine = alone();
    let server = Server::builder()
        .set("websocket", "memory_limit", "4MB")
        .set("websocket", "max_message_size", "1MB")
        .set("websocket", "max_queued", "1MB")
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let peak = target.usage.watch();
    good.during(|| {
        // Whole messages, a little at a time, and never more than one agent may have waiting: so
        // nobody's own queue or half-read message is there to be blamed.
        let blank = "x".repeat(2 * 1024);
        let mut peers = Vec::new();
        for agent in 0..6 {
            let name = format!("mute-{agent}");
            peers.push(target.mute_tool(&name));
            let robot = target.robot(&name);
            for number in 0..450 {
                let text = call(number).replace(r#""n":"#, &format!(r#""x":"{blank}","n":"#));
                let _ = robot.sender().text(&text);
                // Each in a read of its own, more often than not.
                std::thread::sleep(Duration::from_micros(100));
            }
            peers.push(robot);
        }
        assert!(target.queued_bytes() <= 4 * MIB, "{} bytes are held", target.queued_bytes());
        // A new pair can still work, too.
        let _tool = EchoTool::connect(&target, "new");
        let mut robot = target.robot("new");
        robot.send(&call(1));
        robot.recv_message().result();
    });
    peak.assert_growth_below(4 * MIB + 8 * MIB);
    good.assert_unharmed();
}

#[test]
fn a_budget_spent_on_queues_costs_the_largest_queue_first() {
    let _machine = alone();
    let server = Server::builder()
        .set("websocket", "memory_limit", "24MB")
        .set("websocket", "max_message_size", "2MB")
        .set("websocket", "max_queued", "8MB")
        .set("websocket", "ping_interval", 0)
        .set("websocket", "ping_timeout", 60)
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let peak = target.usage.watch();
    good.during(|| {
        let note = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
        let mut frame = large_frame(0x80 | TEXT, b' ', MIB);
        frame[14..14 + note.len()].copy_from_slice(note.as_bytes());
        let mut deaf = Vec::new();
        let mut tools = Vec::new();
        // Six robots that do not read, each with a little more to hear than the one before.
        for number in 0..6 {
            let agent = format!("deaf-{number}");
            let tool = EchoTool::connect(&target, &agent);
            let raw = crate::common::Raw::connect_narrow(target.address);
            let mut robot = Client::over(raw, &target.robot_path(&agent), &[]);
            robot.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#);
            robot.recv();
            robot.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
            robot.expect_silence();
            // What the sockets themselves hold comes on top.
            for _ in 0..10 + number {
                tool.sender.bytes(&frame).unwrap();
            }
            deaf.push(robot);
            tools.push(tool);
        }
        wait_until("the budget is spent", TIMEOUT, || target.stats()["robot_connections"] != 8);
        assert!(target.queued_bytes() <= 24 * MIB);
        assert_eq!(target.stats()["tool_connections"], 8, "no tool pays for it");
        assert!(target.stats()["robot_connections"].as_u64() >= Some(4), "not all pay for it");
    });
    peak.assert_growth_below(24 * MIB + 12 * MIB);
    good.assert_unharmed();
}

/// A robot that has sent this much of a message whose rest is [`call`]`(1)`.
fn start_message(target: &Target, size: u64) -> Client {
    let client = target.robot("full");
    client.send_bytes(large_frame(TEXT, b' ', size));
    client
}

#[test]
fn room_made_for_more_of_a_message_counts_though_nothing_comes() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let robot = target.robot("full");
    let frame = large_frame(TEXT, b' ', 8 * MIB);
    let piece = 32 * 1024;
    let wait_for = |bytes| {
        wait_until("it is counted", TIMEOUT, || target.queued_bytes() >= bytes as u64);
    };
    robot.send_bytes(&frame[..piece]);
    wait_for(piece);
    robot.send_bytes(&frame[piece..2 * piece]);
    // As much again as has come was made ready.
    wait_for(4 * piece);
}

#[test]
fn a_peer_whose_large_fragmented_message_is_done_holds_nothing() {
    let _machine = alone();
    let server = Server::start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let mut clients: Vec<Client> = (0..12).map(|_| target.robot("full")).collect();
    let size = if cfg!(debug_assertions) { 2 * MIB } else { 8 * MIB };
    good.during(|| {
        for client in &mut clients {
            client.send_bytes(large_frame(TEXT, b' ', size));
            client.send_frame(&Frame::new(CONTINUATION, r#"{"jsonrpc":"2.0","id":1}"#));
            assert!(client.recv_message().answers("1"));
        }
    });
    wait_until("nothing is held", TIMEOUT, || target.queued_bytes() < 1000);
    // One message's worth may stay with the allocator; the messages of all must not.
    let resident = target.usage.resident();
    assert!(resident < 8 * MIB + 4 * size, "{} KiB stay", resident >> 10);
    good.assert_unharmed_but_for(LARGE);
}
