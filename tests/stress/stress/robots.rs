//! Attacks by robots, and by tool servers through robots.

use super::measure::{status_of, Report, Scale, Stage};
use super::peers::{initialised_robot, Sink};
use crate::common::{upgrade, Client, Frame, Raw, TIMEOUT};
use crate::load::{wait_until, EchoTool, Target};
use std::time::Instant;

pub(crate) fn calls_with_long_ids_and_tokens(scale: Scale) -> Report {
    let (robots, calls) = scale.pick((10, 100), (60, 1024));
    Stage::new().memory_limit(16).play(|target| {
        // The tool server takes every call and answers none.
        let _tool = EchoTool::with(target, "long", Box::new(|_| None));
        let mut kept = Vec::new();
        for robot in 0..robots {
            let client = target.robot("long");
            let long = "i".repeat(1000);
            let mut frames = Vec::new();
            for call in 0..calls {
                frames.extend(Frame::bytes_of_text(&format!(
                    r#"{{"jsonrpc":"2.0","id":"{long}{robot}-{call}","method":"tools/call","params":{{"name":"echo","arguments":{{}},"_meta":{{"progressToken":"{long}{robot}-{call}"}}}}}}"#
                )));
            }
            // Whoever asks for too much is refused or closed, and nobody else is.
            let _ = client.sender().bytes(frames);
            kept.push(client);
        }
        let sink = Sink::of(kept);
        std::thread::sleep(scale.time() / 4);
        drop(sink);
    })
}

pub(crate) fn notifications_to_many_robots(scale: Scale) -> Report {
    let (robots, notifications) = scale.pick((20, 500), (300, 16_000));
    Stage::new().play(|target| {
        let tool = EchoTool::connect(target, "loud");
        let sink = Sink::of((0..robots).map(|_| initialised_robot(target, "loud")).collect());
        let notification = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"data":"{}"}}}}"#,
            "x".repeat(930)
        );
        let frame = Frame::bytes_of_text(&notification);
        let end = Instant::now() + scale.time() * 2;
        let mut sent = 0;
        while sent < notifications && Instant::now() < end {
            let chunk = frame.repeat(16);
            if tool.sender.bytes(&chunk).is_err() {
                break;
            }
            sent += 16;
        }
        eprintln!("  {} KB in, {} KB out", sent * frame.len() / 1000, sink.bytes() / 1000);
        let some = frame.len();
        wait_until("some of it reaches the robots", TIMEOUT, || sink.bytes() > some);
    })
}

pub(crate) fn one_token_opens_a_thousand_connections(scale: Scale) -> Report {
    let most = scale.pick(100, 1000);
    Stage::new().set("websocket", "max_connections", most).play(|target| {
        let mut inside: Vec<Client> = Vec::new();
        let mut refused = 0;
        for _ in 0..most + 20 {
            match knock(target) {
                Ok(client) => inside.push(client),
                Err(status) => {
                    assert_eq!(status, 503, "beyond its share");
                    refused += 1;
                }
            }
        }
        assert!(inside.len() >= most / 2, "{} of its connections are let in", inside.len());
        assert!(refused > 0, "none of its connections is refused");
        std::thread::sleep(scale.time() / 2);
    })
}

/// Asks to be let in as a robot of the agent that wants all the places.
fn knock(target: &Target) -> Result<Client, u16> {
    let mut raw = Raw::connect(target.address);
    raw.send(upgrade(&target.robot_path("greedy"), &[]));
    let head = raw.read_until(b"\r\n\r\n");
    raw.pending.splice(0..0, head);
    if raw.pending.starts_with(b"HTTP/1.1 101") {
        return Ok(Client::accepted(raw));
    }
    Err(status_of(&mut raw))
}
