//! A client with no token, or a wrong one, costs next to nothing (docs/protocol.md#strangers).

use crate::common::{upgrade, Client, Frame, Raw, Server, CLOSE, TEXT, TIMEOUT};
use std::io::Write;
use std::time::{Duration, Instant};

/// The beginning of a text frame of 16 MB, of which `size` bytes come.
fn half_a_frame(size: usize) -> Vec<u8> {
    let mut frame = Frame::head_without_mask(0x80 | TEXT, 16 << 20);
    frame.resize(frame.len() + size, b'x');
    frame
}

#[test]
fn nothing_of_what_a_refused_connection_sends_is_kept() {
    let server = Server::builder().set("websocket", "memory_limit", "1MB").start();
    let mut good = server.robot("a");
    let crowd: Vec<Raw> = (0..20)
        .map(|_| {
            let mut raw = server.raw();
            // Its first frame begins in the packet of the request.
            let request = upgrade("/mcp_endpoint/mcp/?token=no", &[]);
            raw.send([request.as_bytes(), &half_a_frame(600_000)].concat());
            raw
        })
        .collect();
    good.expect_silence();
    let queued = server.get("/stats").json()["data"]["server"]["queued_bytes"].as_u64();
    assert!(queued < Some(10_000), "{queued:?}");
    drop(crowd);
    good.expect_silence();
}

#[test]
fn the_close_of_a_refused_connection_is_found_behind_what_it_sent_unasked() {
    let server = Server::start();
    for at_once in [true, false] {
        let mut raw = server.raw();
        let mut bytes = upgrade("/mcp_endpoint/mcp/?token=no", &[]).into_bytes();
        let messages = [Frame::text("{}").bytes(), Frame::text(&"x".repeat(70_000)).bytes()];
        let close = Frame::new(CLOSE, 1008u16.to_be_bytes()).bytes();
        let cut = bytes.len() + if at_once { 0 } else { 9 };
        bytes.extend([messages.concat(), close].concat());
        raw.send(&bytes[..cut]);
        let mut client = Client::accepted(raw);
        client.answer_closes = false;
        client.send_bytes(&bytes[cut..]);
        assert_eq!(client.expect_close().0, 1008);
        // Long before `close_timeout`.
        client.expect_end();
    }
}

#[test]
fn a_refused_connection_that_goes_on_sending_is_cut() {
    let server = Server::start();
    let mut client = server.ws("/mcp_endpoint/mcp/?token=no");
    assert_eq!(client.expect_close().0, 1008);
    let endless = vec![0; 256 * 1024];
    let sent = (0..200).take_while(|_| client.raw().stream().write_all(&endless).is_ok()).count();
    assert!(sent < 100, "{sent} times 256 KiB were taken");
}

/// An address of this machine that is not a trusted proxy.
#[cfg(target_os = "linux")]
const STRANGER: [u8; 4] = [127, 0, 0, 2];

#[cfg(target_os = "linux")]
#[test]
fn beyond_64_sockets_of_one_address_the_silent_ones_give_way() {
    let server = Server::builder().set("server", "language", "en").start();
    let mut other = Raw::connect_from([127, 0, 0, 3], server.address());
    let mut slow = Raw::connect_from(STRANGER, server.address());
    let head = upgrade(&server.robot_path("a"), &[]);
    let mut rest = head.bytes();
    let connect = |_| Raw::connect_from(STRANGER, server.address());
    let mut silent: Vec<Raw> = (0..100).map(connect).collect();
    let start = Instant::now();
    let mut ended = 0;
    while ended < 37 {
        assert!(start.elapsed() < TIMEOUT, "{ended} gave way");
        slow.send([rest.next().unwrap()]);
        std::thread::sleep(Duration::from_millis(100));
        ended = silent.iter_mut().map(|raw| usize::from(raw.has_ended())).sum();
        assert!(ended == 0 || start.elapsed() >= Duration::from_millis(900));
    }
    assert_eq!(ended, 37, "64 stay, with the slow one");
    assert!(!other.has_ended(), "other addresses are not affected");
    slow.send(rest.collect::<Vec<u8>>());
    assert_eq!(Client::accepted(slow).response.status, 101);
    let line = server.wait_line("more than 64 connections without a token");
    assert!(line.contains("[127.0.0.2:"), "{line}");
}

#[test]
fn a_crowd_of_silent_sockets_keeps_nobody_out() {
    let server = Server::builder().set("websocket", "max_connections", 50).start();
    let mut good = server.robot("a");
    let connect = |_| Raw::connect(server.address());
    let mut silent: Vec<Raw> = (0..300).map(connect).collect();
    for _ in 0..20 {
        let start = Instant::now();
        assert_eq!(server.get("/health").status, 200);
        assert!(start.elapsed() < Duration::from_millis(1000), "{:?}", start.elapsed());
        silent.extend((0..10).map(connect));
        server.robot("b").expect_silence();
    }
    good.expect_silence();
    let ended = silent.iter_mut().filter_map(|raw| raw.has_ended().then_some(())).count();
    assert!((300..=420).contains(&ended), "{ended} gave way");
}

#[test]
fn half_read_heads_take_a_quarter_of_the_memory_and_the_oldest_gives_way() {
    let server = Server::builder()
        .set("server", "language", "en")
        .set("websocket", "memory_limit", "2MB")
        .set("websocket", "max_connections", "2000")
        .start();
    let mut good = server.robot("a");
    let request = upgrade(&server.robot_path("a"), &[("X-Long", &"x".repeat(7000))]);
    let (half, rest) = request.split_at(6000);
    let mut heads: Vec<Raw> = (0..200)
        .map(|_| {
            let mut raw = server.raw();
            raw.send(half);
            raw
        })
        .collect();
    good.expect_silence();
    server.wait_line("incomplete request heads take a quarter");
    let queued = server.get("/stats").json()["data"]["server"]["queued_bytes"].as_u64();
    assert!(queued <= Some(600_000), "{queued:?}");
    let mut last = heads.pop().unwrap();
    last.send(rest);
    assert_eq!(Client::accepted(last).response.status, 101, "the newest stays");
    heads[0].read_to_end();
    good.expect_silence();
}

#[cfg(target_os = "linux")]
// With smaller addresses as many sockets do not fill the memory.
#[cfg(target_pointer_width = "64")]
#[test]
fn who_gives_way_to_others_does_so_until_there_is_room_and_no_longer() {
    let server = Server::builder().set("websocket", "memory_limit", "1MB").start();
    // Idle sockets of one owner that take a little more than half of the memory.
    let mut idle: Vec<Raw> = (0..800).map(|_| Raw::connect(server.address())).collect();
    let mut one = Raw::connect(server.address());
    one.send("GET /health HTTP/1.1\r\nHost");
    one.read_to_end();
    // It is the first of those that go; what comes later comes behind all of them.
    let mut other = Raw::connect_from([127, 0, 0, 3], server.address());
    other.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    other.read_to_end();
    let ended = idle.iter_mut().filter_map(|raw| raw.has_ended().then_some(())).count();
    assert!((1..400).contains(&ended), "{ended} gave way");
}
