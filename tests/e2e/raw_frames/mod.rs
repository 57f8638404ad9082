//! Frames by hand against the real program: what RFC 6455 allows is answered, what it forbids is
//! closed with the code it asks for, and the server serves on (docs/protocol.md#close-codes).
//!
//! `cargo test --test e2e raw_frames::`

mod cases;

use crate::common::{upgrade, Client, Event, Message, Raw, Server};
use cases::{Case, Expected, LIMIT};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// How the bytes of a case reach the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    AtOnce,
    ByteByByte,
    WithTheUpgrade,
}

/// Longer cases are not sent byte by byte.
const SHORT: usize = 1500;

#[test]
fn every_frame_gets_what_the_protocol_asks_for_however_it_arrives() {
    let server = Server::builder().set("websocket", "max_message_size", LIMIT).start();
    let cases = cases::all();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let mut beside = server.ws(&server.robot_path("beside"));
    let mut wrong = Vec::new();
    for case in &cases {
        for manner in [Manner::AtOnce, Manner::ByteByByte, Manner::WithTheUpgrade] {
            if manner == Manner::ByteByByte && (case.bytes.len() > SHORT || !case.in_pieces) {
                continue;
            }
            let attempt = AssertUnwindSafe(|| play(&server, case, manner));
            if catch_unwind(attempt).is_err() {
                wrong.push(format!("{} ({manner:?})", case.name));
            }
            beside.send(cases::ASK);
            assert!(beside.recv_message().answers("7"), "{} harms another", case.name);
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases: {wrong:#?}", wrong.len(), cases.len());
}

fn play(server: &Server, case: &Case, manner: Manner) {
    let path = server.robot_path("raw");
    let mut client = match manner {
        Manner::WithTheUpgrade => {
            let mut raw = Raw::connect(server.address());
            raw.send([upgrade(&path, &[]).as_bytes(), &case.bytes].concat());
            Client::accepted(raw)
        }
        Manner::AtOnce | Manner::ByteByByte => server.ws(&path),
    };
    // A second close frame would meet a socket that is closed already.
    client.answer_closes = false;
    match manner {
        Manner::AtOnce => client.raw().send(&case.bytes),
        Manner::ByteByByte => client.raw().drip(&case.bytes),
        Manner::WithTheUpgrade => {}
    }
    for expected in &case.expected {
        let event = client.next();
        match (expected, &event) {
            (Expected::Answer(id), Event::Text(text)) if Message::read(text).answers(id) => {}
            (Expected::Pong(payload), Event::Pong(sent)) if payload == sent => {}
            (Expected::Closed(codes), Event::Close(code, _)) if codes.contains(code) => {
                client.expect_end();
                return;
            }
            _ => panic!("{} ({manner:?}): {event:?} instead of {expected:?}", case.name),
        }
    }
    // It lives on, and has nothing more to say.
    client.expect_silence();
}
