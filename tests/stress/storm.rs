//! Peers that misbehave, for a while.

use crate::common::{upgrade, Client, Event, Frame, Message, Random, Raw, PING, TEXT};
use crate::load::{call, large_frame, shaken, EchoTool, Target};
use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

/// Has `count` tools and robots come and go at random, some sixty at a time, each in its own way.
pub(crate) fn come_and_go(target: &Target, random: &mut Random, count: u64) {
    let mut present: Vec<(Raw, bool)> = Vec::new();
    for number in 0..count {
        let agent = format!("agent-{}", random.below(20));
        let is_tool = random.below(2) == 0;
        let path = if is_tool { target.tool_path(&agent) } else { target.robot_path(&agent) };
        let mut raw = Raw::connect(target.address);
        raw.send(upgrade(&path, &[]));
        // Some leave before they are answered.
        if random.below(10) > 0 {
            raw.read_head();
        }
        present.push((raw, is_tool));
        if !is_tool {
            say(&mut present.last_mut().unwrap().0, &call(number));
        }
        let somebody = random.below(present.len() as u64) as usize;
        let (raw, is_tool) = &mut present[somebody];
        if *is_tool {
            answer_what_has_come(raw);
        }
        if present.len() > 60 {
            let somebody = random.below(present.len() as u64) as usize;
            let (mut raw, _) = present.swap_remove(somebody);
            match random.below(4) {
                0 => raw.abort(),
                1 => raw.half_close(),
                2 => {
                    let _ = Write::write_all(&mut raw.stream(), &Frame::close(1000, "").bytes());
                }
                _ => {
                    // In the middle of a frame.
                    let _ = Write::write_all(&mut raw.stream(), &[0x81, 0xfe, 1]);
                    raw.pending.clear();
                }
            }
        }
    }
}

fn say(raw: &mut Raw, text: &str) {
    let _ = Write::write_all(&mut raw.stream(), &Frame::text(text).bytes());
}

/// Takes what a tool has been sent so far, and answers it.
fn answer_what_has_come(raw: &mut Raw) {
    raw.stream().set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = std::io::Read::read(&mut raw.stream(), &mut buffer) {
        raw.pending.extend(&buffer[..count]);
    }
    raw.stream().set_nonblocking(false).unwrap();
    // The answer to an upgrade may still stand before the frames.
    if raw.pending.starts_with(b"HTTP") {
        let end = raw.pending.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else { return };
        raw.pending.drain(..end + 4);
    }
    while let Some(frame) = Frame::take(&mut raw.pending) {
        let Ok(text) = String::from_utf8(frame.payload) else { continue };
        if frame.opcode == TEXT {
            if let Some(answer) = shaken(&Message::read(&text)) {
                say(raw, &answer);
            }
        }
    }
}

/// A robot that does not read what its tool sends, for as long as the server lets it.
pub(crate) fn do_not_read(target: &Target, random: &mut Random) {
    let agent = format!("deaf-{}", random.below(1000));
    let tool = EchoTool::connect(target, &agent);
    let raw = Raw::connect_narrow(target.address);
    let mut robot = Client::over(raw, &target.robot_path(&agent), &[]);
    robot.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#);
    robot.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    robot.recv();
    let text = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    let mut frame = large_frame(0x80 | TEXT, b' ', 200_000);
    frame[14..14 + text.len()].copy_from_slice(text.as_bytes());
    for _ in 0..random.below(100) {
        if tool.sender.bytes(&frame).is_err() {
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(random.below(3000)));
}

/// Sends many requests at once, and says how many were not answered, and how many too often.
pub(crate) fn flood(target: &Target, random: &mut Random) -> (u64, u64) {
    let agent = format!("flood-{}", random.below(1000));
    let tool = EchoTool::connect(target, &agent);
    let mut robot = target.robot(&agent);
    let count = 1 + random.below(3000);
    let frames: Vec<u8> =
        (1..=count).flat_map(|number| Frame::text(&call(number)).bytes()).collect();
    robot.send_bytes(frames);
    // Some tools go while they are asked.
    let tool = (random.below(3) > 0).then_some(tool);
    let mut answers: HashMap<String, u64> = HashMap::new();
    while (answers.len() as u64) < count {
        match robot.next() {
            Event::Text(text) => {
                let id = Message::read(&text).id.unwrap_or_default();
                *answers.entry(id).or_default() += 1;
            }
            _ => break,
        }
    }
    drop(tool);
    if robot.sender().frame(&Frame::new(PING, b"end")).is_ok() {
        while let Event::Text(text) = robot.next() {
            *answers.entry(Message::read(&text).id.unwrap_or_default()).or_default() += 1;
        }
    }
    let doubled = answers.values().map(|times| times - 1).sum();
    (count.saturating_sub(answers.len() as u64), doubled)
}

/// Bytes without sense, as heads, as frames and as messages.
pub(crate) fn talk_nonsense(target: &Target, random: &mut Random) {
    let mut noise = |most: u64| {
        let length = random.below(most);
        (0..length).map(|_| random.below(256) as u8).collect::<Vec<u8>>()
    };
    let mut head = Raw::connect(target.address);
    let _ = Write::write_all(&mut head.stream(), &noise(10_000));
    for path in [target.robot_path("noise"), target.tool_path("noise")] {
        let mut raw = Raw::connect(target.address);
        raw.send(upgrade(&path, &[]));
        raw.read_head();
        let _ = Write::write_all(&mut raw.stream(), &noise(5000));
        let client = Client::connect(target.address, &path, &[]);
        for text in [
            String::from_utf8_lossy(&noise(200)).into_owned(),
            "[".repeat(5000),
            r#"{"id":1,"id":2}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":{},"method":7}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#.to_owned(),
        ] {
            let _ = client.sender().text(&text);
        }
        client.abort();
    }
    head.pending.clear();
}

/// Pings without reading the pongs.
pub(crate) fn ping(target: &Target, random: &mut Random) {
    let raw = Raw::connect_narrow(target.address);
    let mut client = Client::over(raw, &target.robot_path("pings"), &[]);
    let pings = Frame::new(PING, [1; 125]).bytes().repeat(100);
    for _ in 0..random.below(300) {
        if Write::write_all(&mut client.raw().stream(), &pings).is_err() {
            return;
        }
    }
}

/// Heads and messages that are begun and not ended.
pub(crate) fn begin(target: &Target, random: &mut Random) {
    let mut begun = Vec::new();
    for number in 0..random.below(40) {
        let mut raw = Raw::connect(target.address);
        let head = upgrade(&target.robot_path("begins"), &[]);
        if number % 2 == 0 {
            raw.send(&head[..40]);
        } else {
            raw.send(&head);
            raw.read_head();
            let frame = large_frame(TEXT, b' ', 300_000);
            let part = random.below(frame.len() as u64) as usize;
            let _ = Write::write_all(&mut raw.stream(), &frame[..part]);
        }
        begun.push(raw);
    }
    std::thread::sleep(Duration::from_millis(random.below(1500)));
}
