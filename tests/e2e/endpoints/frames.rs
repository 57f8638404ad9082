//! What comes in frames (docs/protocol.md#incoming-frames).

use crate::common::{Answer, Client, Event, Frame, Server, BINARY, CONTINUATION, PING, PONG, TEXT};
use serde_json::json;

const ASK: &str = r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{}}"#;

#[test]
fn a_binary_frame_that_holds_text_is_read_and_another_one_is_ignored() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    for _ in 0..3 {
        tool.send_frame(&Frame::new(BINARY, [0, 159, 146, 150]));
    }
    let mut robot = server.robot("a");
    for _ in 0..2 {
        robot.ws.send_frame(&Frame::new(BINARY, ASK));
        assert!(robot.ws.recv_message().answers("7"));
    }
    assert_eq!(robot.list(), ["now"]);
    tool.sync();
    let log = server.log();
    assert_eq!(log.matches("二进制帧").count(), 2, "once a minute for each kind: {log}");
}

#[test]
fn a_message_in_fragments_with_pings_between_them_is_one_message() {
    let server = Server::start();
    let mut robot = robot(&server);
    let (start, rest) = ASK.as_bytes().split_at(20);
    let (middle, end) = rest.split_at(9);
    robot.send_frame(&Frame::new(TEXT, start).unfinished());
    robot.send_frame(&Frame::new(PING, b"one"));
    robot.send_frame(&Frame::new(CONTINUATION, middle).unfinished());
    robot.send_frame(&Frame::new(PONG, b"unasked"));
    robot.send_frame(&Frame::new(CONTINUATION, b"").unfinished());
    robot.send_frame(&Frame::new(CONTINUATION, end));
    assert_eq!(robot.next(), Event::Pong(b"one".to_vec()));
    assert!(robot.recv_message().answers("7"));
}

#[test]
fn a_message_that_comes_byte_by_byte_is_read() {
    let server = Server::start();
    let mut robot = robot(&server);
    robot.raw().drip(Frame::text(ASK).bytes());
    assert!(robot.recv_message().answers("7"));
}

#[test]
fn many_messages_in_one_packet_are_all_answered_in_order() {
    let server = Server::start();
    let mut robot = robot(&server);
    let frames: Vec<u8> =
        (0..100).flat_map(|id| Frame::text(&ASK.replace('7', &id.to_string())).bytes()).collect();
    robot.send_bytes(frames);
    for id in 0..100 {
        assert!(robot.recv_message().answers(&id.to_string()));
    }
}

#[test]
fn a_trailing_line_end_is_not_part_of_a_message() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).on_call(|_| Answer::Never).connect();
    let mut robot = server.robot("a");
    for end in ["\n", "\r\n", "\n\n"] {
        robot.send(&format!("{ASK}{end}"));
        assert!(robot.answer_to("7").result().is_object());
        robot.request_call("1", "now", json!({}));
        let call = tool.next("tools/call");
        let result = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, call.id.unwrap());
        tool.send(&format!("{result}{end}"));
        assert_eq!(robot.ws.recv().trim_end(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    }
}

#[test]
fn a_frame_without_a_mask_is_a_protocol_error() {
    assert_closed_for(&Frame::text(ASK).unmasked(), 1002);
}

#[test]
fn reserved_bits_and_opcodes_are_protocol_errors() {
    assert_closed_for(&Frame { reserved: 4, ..Frame::text(ASK) }, 1002);
    assert_closed_for(&Frame::new(3, ""), 1002);
    assert_closed_for(&Frame::new(11, ""), 1002);
    assert_closed_for(&Frame::new(CONTINUATION, "x"), 1002);
    assert_closed_for(&Frame::new(PING, b"").unfinished(), 1002);
    assert_closed_for(&Frame::new(PING, [0; 126]), 1002);
}

#[test]
fn a_text_that_is_not_utf_8_is_closed_1007() {
    assert_closed_for(&Frame::new(TEXT, [b'"', 0xff, b'"']), 1007);
}

#[test]
fn a_message_over_the_limit_is_closed_1009_and_one_at_it_is_not() {
    let server = Server::builder().set("websocket", "max_message_size", "64KB").start();
    let fitting = format!("{ASK}{}", " ".repeat(64 * 1024 - ASK.len()));
    let mut robot = robot(&server);
    robot.send(&fitting);
    assert!(robot.recv_message().answers("7"));
    robot.send(&format!("{fitting} "));
    assert_eq!(robot.expect_close().0, 1009);
    let mut fragments = self::robot(&server);
    fragments.send_frame(&Frame::text(&fitting).unfinished());
    fragments.send_frame(&Frame::new(CONTINUATION, " "));
    assert_eq!(fragments.expect_close().0, 1009);
}

#[test]
fn a_proper_close_is_answered_with_its_own_code_and_the_end() {
    let server = Server::start();
    robot(&server).close();
    let mut empty = robot(&server);
    empty.answer_closes = false;
    empty.send_frame(&Frame::new(crate::common::CLOSE, ""));
    assert!(matches!(empty.next(), Event::Close(1000 | 1005, _)));
    empty.expect_end();
}

#[test]
fn one_peer_that_breaks_the_protocol_harms_no_other() {
    let server = Server::start();
    let tool = server.tool("a").offers(&["now"]).connect();
    let mut good = server.robot("a");
    let mut bad = robot(&server);
    bad.send_frame(&Frame::new(3, ""));
    bad.expect_close();
    robot(&server).abort();
    assert_eq!(good.list(), ["now"]);
    tool.sync();
}

fn robot(server: &Server) -> Client {
    server.ws(&server.robot_path("a"))
}

fn assert_closed_for(frame: &Frame, code: u16) {
    let server = Server::start();
    let mut robot = robot(&server);
    robot.send_frame(frame);
    assert_eq!(robot.expect_close().0, code, "{frame:?}");
    robot.expect_end();
}

#[test]
fn what_a_peer_closes_with_and_how_it_breaks_the_protocol_are_reported() {
    // Peers that come and go in a loop are logged at DEBUG.
    let server = Server::builder().set("server", "language", "en");
    let server = server.set("server", "log_level", "DEBUG").start();
    let path = server.tool_path("a");
    let mut client = server.ws(&path);
    client.answer_closes = false;
    client.send_frame(&Frame::close(4321, "bye\u{7}"));
    assert!(server.wait_line("closed by the peer (4321").contains(r#""bye\u{7}""#));
    for (bytes, words) in [
        (&[0x81, 0x01, b'x'][..], "a frame is not masked"),
        (&[0xC1, 0x80, 0, 0, 0, 0][..], "reserved bit"),
        (&[0x83, 0x80, 0, 0, 0, 0][..], "unknown opcode"),
        (&[0x09, 0x80, 0, 0, 0, 0][..], "comes in fragments"),
        (&[0x80, 0x80, 0, 0, 0, 0][..], "without a message to continue"),
        (&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED][..], "must not be sent: 1005"),
    ] {
        // Each of an agent of its own: those who come and go in a loop are summed up.
        let mut client = server.ws(&server.tool_path(words));
        client.send_bytes(bytes);
        server.wait_line(words);
        loop {
            match client.next() {
                Event::Text(_) => {}
                event => break assert_eq!(event, Event::Close(1002, "protocol error".into())),
            }
        }
    }
    let status = server.get(&format!("/mcp_endpoint/status?lang=en&key={}", server.key())).json();
    let shown = status["agents"][0]["lost"].to_string();
    assert!(shown.contains("must not be sent: 1005") || shown.contains("4321"), "{shown}");
}
