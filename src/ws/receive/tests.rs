//! Messages and errors that come of frames, however their bytes are split.

use super::*;
use crate::test_frame::Frame;

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let frame = Frame::new(first & 0x0f, payload);
    Frame { last: first & 0x80 != 0, reserved: first >> 4 & 7, ..frame }.bytes()
}

/// Receives `bytes` in pieces of `step`. Returns messages, error, and memory held.
fn receive(bytes: &[u8], step: usize, limit: usize) -> (Vec<String>, Option<FrameError>, usize) {
    let mut receiver = Receiver::default();
    let mut spares = SpareBuffers::default();
    let mut messages = Vec::new();
    for piece in bytes.chunks(step) {
        let mut piece = piece.to_vec();
        let mut input = Input::new(&mut piece);
        loop {
            match receiver.next(&mut input, limit, &mut spares) {
                Ok(Some(message)) => messages.push(format!("{message:?}")),
                Ok(None) => break,
                Err(error) => return (messages, Some(error), receiver.held()),
            }
        }
    }
    let held = receiver.held();
    (messages, None, held)
}

#[test]
fn messages_are_the_same_however_their_bytes_are_split() {
    let long = "长".repeat(30_000);
    let mut bytes = frame(0x81, b"{}");
    bytes.extend(frame(0x01, "小".as_bytes()));
    bytes.extend(frame(0x89, b"are you there"));
    bytes.extend(frame(0x00, &"智".as_bytes()[..2]));
    bytes.extend(frame(0x80, &"智".as_bytes()[2..]));
    bytes.extend(frame(0x82, &[0xFF; 200]));
    bytes.extend(frame(0x02, b"[1"));
    bytes.extend(frame(0x80, b"]"));
    bytes.extend(frame(0x82, b""));
    bytes.extend(frame(0x8A, b""));
    bytes.extend(frame(0x81, long.as_bytes()));
    bytes.extend(frame(0x81, b""));
    bytes.extend(frame(0x88, &[0x03, 0xE8, b'o', b'k']));
    let expected = [
        "Text(\"{}\")".to_owned(),
        format!("Ping({:?})", b"are you there"),
        "Text(\"小智\")".to_owned(),
        "Binary(None)".to_owned(),
        "Binary(Some(\"[1]\"))".to_owned(),
        "Binary(None)".to_owned(),
        "Pong".to_owned(),
        format!("Text({long:?})"),
        "Text(\"\")".to_owned(),
        "Close([3, 232, 111, 107])".to_owned(),
    ];
    for step in [1, 2, 3, 7, 64, 4096, usize::MAX] {
        let (messages, error, held) = receive(&bytes, step, 1 << 20);
        assert_eq!((messages.as_slice(), error), (expected.as_slice(), None), "step {step}");
        // The last frame may still be held.
        assert!(held < 20, "step {step} holds {held}");
    }
}

#[test]
fn held_counts_whole_buffers_and_an_idle_connection_holds_none() {
    let mut spares = SpareBuffers::default();
    spares.put_back(Vec::with_capacity(1 << 20));
    spares.put_back(Vec::with_capacity(1000));
    let mut receiver = Receiver::default();
    let mut whole = frame(0x81, &[b'x'; 100_000]);
    let (start, rest) = whole.split_at_mut(20_000);
    let mut input = Input::new(start);
    assert_eq!(receiver.next(&mut input, 1 << 20, &mut spares), Ok(None));
    assert!(receiver.held() >= 1 << 20, "the whole buffer counts: {}", receiver.held());
    let mut input = Input::new(rest);
    assert!(matches!(receiver.next(&mut input, 1 << 20, &mut spares), Ok(Some(_))));
    assert_eq!(receiver.next(&mut input, 1 << 20, &mut spares), Ok(None));
    assert_eq!(receiver.held(), 0);
}

#[test]
fn the_rest_of_a_large_frame_can_be_read_directly() {
    let text: String = ('a'..='z').cycle().take(300_000).collect();
    let whole = [frame(0x81, text.as_bytes()), frame(0x81, b"{}")].concat();
    let mut spares = SpareBuffers::default();
    // First with a fresh buffer, then with a spare one.
    for _ in 0..2 {
        let mut receiver = Receiver::default();
        let mut rest = &whole[..];
        let (mut messages, mut direct) = (Vec::new(), 0);
        while !rest.is_empty() {
            let mut piece = Vec::new();
            let count = if let Some(room) = receiver.read_buffer() {
                let count = room.len().min(rest.len()).min(50_000);
                room[..count].copy_from_slice(&rest[..count]);
                receiver.advance(count);
                direct += count;
                count
            } else {
                piece.extend(rest.iter().take(20_000));
                piece.len()
            };
            rest = &rest[count..];
            let mut input = Input::new(&mut piece);
            while let Some(message) = receiver.next(&mut input, 1 << 20, &mut spares).unwrap() {
                messages.push(format!("{message:?}"));
            }
        }
        assert_eq!(messages, [format!("Text({text:?})"), "Text(\"{}\")".to_owned()]);
        assert!(direct > 200_000, "{direct} bytes were read directly");
        assert_eq!(receiver.held(), 0);
    }
}

#[test]
fn protocol_violations_are_errors() {
    let unmasked = [0x81, 0x01, b'x'];
    for (wrong, bytes) in [
        (FrameError::ReservedBits, frame(0xC1, b"x")),
        (FrameError::Opcode, frame(0x83, b"x")),
        (FrameError::Opcode, frame(0x8B, b"x")),
        (FrameError::Unmasked, unmasked.to_vec()),
        (FrameError::ControlTooLong, frame(0x89, &[0; 126])),
        (FrameError::ControlInPieces, frame(0x09, b"x")),
        (FrameError::NothingToContinue, frame(0x80, b"x")),
        (FrameError::MessageInMessage, [frame(0x01, b"x"), frame(0x81, b"y")].concat()),
        (FrameError::CloseTooShort, frame(0x88, &[3])),
        (FrameError::CloseCode(1005), frame(0x88, &[0x03, 0xED])),
    ] {
        for step in [1, usize::MAX] {
            let (_, error, _) = receive(&bytes, step, 1000);
            assert_eq!(error, Some(wrong));
        }
    }
    for (wrong, bytes) in [
        (FrameError::TextNotUtf8, frame(0x81, &[0xC3, 0x28])),
        (FrameError::CloseNotUtf8, frame(0x88, &[0x03, 0xE8, 0xFF])),
    ] {
        assert_eq!(receive(&bytes, usize::MAX, 1000).1, Some(wrong));
    }
}

#[test]
fn a_message_too_big_is_refused_by_its_header_without_allocating() {
    let mut header = vec![0x81, 0xFF];
    header.extend(u64::MAX.to_be_bytes());
    header.extend([0; 4]);
    let (_, error, held) = receive(&header, usize::MAX, 16 << 20);
    assert_eq!((error, held), (Some(FrameError::TooBig), 0));
    for step in [3, usize::MAX] {
        for limit in [10, 300] {
            let too_much = frame(0x81, &vec![b'x'; limit + 1]);
            assert_eq!(receive(&too_much, step, limit).1, Some(FrameError::TooBig));
            assert_eq!(receive(&frame(0x81, &vec![b'x'; limit]), step, limit).1, None);
        }
    }
    let pieces = [frame(0x01, &[b'x'; 6]), frame(0x80, &[b'x'; 5])].concat();
    assert_eq!(receive(&pieces, usize::MAX, 10).1, Some(FrameError::TooBig));
    let with_ping = [frame(0x01, &[b'x'; 10]), frame(0x89, b"ping"), frame(0x80, b"")].concat();
    assert_eq!(receive(&with_ping, usize::MAX, 10).1, None);
}
