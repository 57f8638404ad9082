//! Who has shown no token, or a wrong one, costs next to nothing (contract, section 6).

use crate::common::{upgrade, Client, Frame, Raw, Server, CLOSE, TEXT};
use std::io::Write;

/// The beginning of a text frame of 16 MB, of which `size` bytes come.
fn half_a_frame(size: usize) -> Vec<u8> {
    let mut frame = vec![0x80 | TEXT, 0x80 | 127];
    frame.extend((16u64 << 20).to_be_bytes());
    frame.extend([0; 4]);
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
