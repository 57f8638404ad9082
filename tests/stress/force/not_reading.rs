//! Peers that do not read.

use crate::common::{Client, Event, Message, Raw, Server, TEXT};
use crate::load::{alone, call, large_frame, wait_until, EchoTool, Good, Target, MIB};
use std::time::{Duration, Instant};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

#[test]
fn a_robot_that_never_reads_costs_its_queue_only_and_is_closed() {
    let _machine = alone();
    flood_a_robot_that_does_not_read(200 * MIB, "0");
}

#[test]
fn a_robot_that_never_reads_is_closed_though_it_is_pinged_too() {
    let _machine = alone();
    flood_a_robot_that_does_not_read(50 * MIB, "1");
}

#[test]
#[ignore = "a long campaign: cargo test --release --test stress gigabyte -- --ignored"]
fn a_gigabyte_for_a_robot_that_never_reads_costs_its_queue_only() {
    let _machine = alone();
    flood_a_robot_that_does_not_read(1024 * MIB, "0");
}

/// Has a tool send `bytes` of notifications to a robot that has initialised and never reads.
fn flood_a_robot_that_does_not_read(bytes: u64, ping_interval: &str) {
    let server = Server::builder()
        .set("websocket", "memory_limit", "24MB")
        .set("websocket", "max_queued", "8MB")
        .set("websocket", "ping_interval", ping_interval)
        .set("websocket", "ping_timeout", 1)
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let tool = EchoTool::connect(&target, "full");
    let mut beside = target.robot("full");
    let mut deaf = narrow_robot(&target, "full");
    deaf.send(INITIALIZE);
    deaf.recv();
    deaf.send(INITIALIZED);
    deaf.expect_silence();
    let peak = target.usage.watch();
    good.during(|| {
        let start = Instant::now();
        let text = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
        let mut frame = large_frame(0x80 | TEXT, b' ', MIB);
        frame[14..14 + text.len()].copy_from_slice(text.as_bytes());
        for number in 0..bytes / MIB {
            tool.sender.bytes(&frame).expect("the tool is not held up");
            if number % 10 == 0 {
                beside.send(&call(number));
                answer(&mut beside, number).result();
            }
        }
        // How soon its queue is full depends on how fast the tool server is let go on.
        let traffic = target.stats()["traffic"].clone();
        let left_out = ["sends_refused", "notifications_dropped"];
        let left_out = left_out.map(|count| traffic[count].as_u64().unwrap());
        assert!(left_out.iter().sum::<u64>() > 0, "some is left out: {traffic}");
        wait_until("the robot that does not read is closed", Duration::from_secs(4), || {
            target.stats()["robot_connections"] == 3
        });
        assert!(start.elapsed() > Duration::from_millis(900), "it had its ping_timeout");
    });
    beside.send(&call(7));
    answer(&mut beside, 7).result();
    wait_until("its queue is given back", Duration::from_secs(4), || target.queued_bytes() < MIB);
    peak.assert_growth_below(8 * MIB + 12 * MIB);
    good.assert_unharmed();
    drop(deaf);
}

#[test]
fn a_tool_that_never_reads_has_its_callers_reported_at_once() {
    let _machine = alone();
    let server = Server::builder()
        .set("websocket", "memory_limit", "24MB")
        .set("websocket", "max_queued", "2MB")
        .set("websocket", "ping_interval", 0)
        .set("websocket", "ping_timeout", 2)
        .start();
    let target = Target::of(&server);
    let good = Good::start(&target, 2);
    let mut tool =
        Client::over(Raw::connect_narrow(target.address), &target.tool_path("full"), &[]);
    handshake(&mut tool);
    let mut robot = target.robot("full");
    let peak = target.usage.watch();
    good.during(|| {
        let blank = "x".repeat(256 * 1024);
        let (mut refused, mut asked) = (0, 0_u64);
        while refused < 50 && asked < 200 {
            asked += 1;
            let start = Instant::now();
            robot.send(&call(asked).replace(r#""n":"#, &format!(r#""x":"{blank}","n":"#)));
            // What finds room in the queue is not answered; a ping behind it is.
            robot.send(r#"{"jsonrpc":"2.0","id":"behind","method":"ping"}"#);
            let first = robot.recv_message();
            if first.answers(&asked.to_string()) {
                assert_eq!(first.error(), -32002, "{}", first.text);
                refused += 1;
                robot.recv_message().result();
            }
            assert!(start.elapsed() < Duration::from_secs(1), "told after {:?}", start.elapsed());
        }
        assert_eq!(refused, 50, "of {asked} calls");
        let within = Duration::from_secs(5);
        wait_until("the tool that does not read is closed", within, || {
            target.stats()["tool_connections"] == 2
        });
        // What was in its queue is lost now, and said to be: each call exactly once.
        for _ in 0..asked - refused {
            assert_eq!(robot.recv_message().error(), -32003);
        }
        let tool = EchoTool::connect(&target, "full");
        robot.send(&call(9999));
        answer(&mut robot, 9999).result();
        drop(tool);
    });
    peak.assert_growth_below(2 * MIB + 12 * MIB);
    good.assert_unharmed();
}

/// A robot with a receive buffer as small as it gets.
fn narrow_robot(target: &Target, agent: &str) -> Client {
    Client::over(Raw::connect_narrow(target.address), &target.robot_path(agent), &[])
}

/// Answers what the relay asks a tool at first.
fn handshake(tool: &mut Client) {
    loop {
        let message = tool.recv_message();
        if let Some(answer) = crate::load::shaken(&message) {
            tool.send(&answer);
        }
        if message.method == "tools/list" {
            return tool.expect_silence();
        }
    }
}

/// The answer to a call, which must be the next message.
fn answer(robot: &mut Client, number: u64) -> Message {
    match robot.next() {
        Event::Text(text) => {
            let message = Message::read(&text);
            assert!(message.answers(&number.to_string()), "not of call {number}: {text}");
            message
        }
        other => panic!("{other:?} instead of the answer to {number}"),
    }
}
