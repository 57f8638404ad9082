//! WebSocket frames of any bytes, in any pieces: read as tungstenite reads them, and the same
//! however they arrive.
//!
//! The first three bytes choose how the rest is read, the largest message, and the pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::net::fuzzing::{FrameReader, Received};
use std::io::{self, Read, Write};
use tungstenite::error::{CapacityError, Error};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::Message;

fuzz_target!(|data: &[u8]| {
    let [way, limit, step, rest @ ..] = data else { return };
    let limit = [usize::from(*limit), 1024, 70_000][usize::from(*way >> 1) % 3];
    let bytes = if way & 1 == 0 { rest.to_vec() } else { written(rest) };
    let step = usize::from(*step).pow(2).max(1);

    let (ours, our_end, held) = receive(&bytes, step, limit);
    if our_end.is_none() && !matches!(ours.last(), Some(Received::Close(_))) {
        // Buffers grow by as much as they hold, and those of earlier messages are used again.
        let most = 4 * bytes.len() + 64;
        assert!(held <= most, "{held} bytes are held of {}", bytes.len());
    }
    let (whole, whole_end, _) = receive(&bytes, usize::MAX, limit);
    assert_eq!((&whole, whole_end), (&ours, our_end), "pieces of {step} change what is heard");

    let mut other = Other::new(&bytes, limit);
    other.receive();
    if other.perhaps_wrong && ours.last() != other.said.last() {
        other.said.pop();
        other.end = Some(CloseReason::ProtocolError);
    }
    match (our_end, &other.end) {
        (None, None) => assert_eq!(ours, other.said),
        // It looks at the beginning of a text whose end has not come yet.
        (_, Some(CloseReason::BadUtf8)) => assert!(ours.starts_with(&other.said)),
        (Some(_), Some(_)) => assert_eq!(ours, other.said),
        // We look at a header before its payload has come.
        (Some(reason), None) => {
            assert_eq!(ours, other.said);
            other.input.more = 200_000;
            other.receive();
            assert_eq!(ours, other.said);
            assert!(other.end.is_some(), "{reason:?} is no error to the other");
        }
        (None, Some(reason)) => panic!("{reason:?} is no error to us: {ours:?}"),
    }
    if let (Some(our_end), Some(other_end)) = (our_end, other.end) {
        // Where a frame is wrong in two ways, each may name another.
        let alike = our_end == other_end
            || (our_end == CloseReason::ProtocolError && other_end == CloseReason::TooBig)
            || other_end == CloseReason::BadUtf8
            || (our_end == CloseReason::TooBig && other_end == CloseReason::ProtocolError);
        assert!(alike, "{our_end:?} is {other_end:?} to the other");
    }
});

/// Frames from descriptions of them: first byte, kind of length, length, mask, payload.
fn written(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [first, kind, length, mask, after @ ..] = rest {
        let size = usize::from(*length) * if kind & 8 == 0 { 1 } else { 300 };
        let filler = if kind & 16 == 0 { b'x' } else { 0xE4 };
        let (payload, after) = after.split_at(size.min(after.len()));
        let payload: Vec<u8> =
            payload.iter().copied().chain(std::iter::repeat(filler)).take(size).collect();
        let masked = if kind & 0xE0 == 0xE0 { 0 } else { 0x80 };
        bytes.push(*first);
        match kind & 3 {
            0 | 3 if size <= 125 => bytes.push(masked | size as u8),
            0 | 1 => {
                bytes.push(masked | 126);
                bytes.extend((size as u16).to_be_bytes());
            }
            _ => {
                bytes.push(masked | 127);
                bytes.extend((size as u64).to_be_bytes());
            }
        }
        let mask = [*mask, mask.rotate_left(1), 0, !*mask];
        if masked != 0 {
            bytes.extend(mask);
            bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend(payload);
        }
        rest = after;
    }
    bytes.extend(rest);
    bytes
}

fn receive(bytes: &[u8], step: usize, limit: usize) -> (Vec<Received>, Option<CloseReason>, usize) {
    let mut reader = FrameReader::default();
    let mut said = Vec::new();
    for piece in bytes.chunks(step) {
        if let Err(reason) = reader.take(piece, limit, &mut said) {
            return (said, Some(reason), reader.held());
        }
        if matches!(said.last(), Some(Received::Close(_))) {
            break;
        }
    }
    (said, None, reader.held())
}

/// Bytes that come, then as many zeros as are wanted, then nothing for now.
struct Bytes<'a> {
    rest: &'a [u8],
    more: usize,
}

impl Read for Bytes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            let count = self.more.min(into.len());
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            into[..count].fill(0);
            self.more -= count;
            return Ok(count);
        }
        self.rest.read(into)
    }
}

impl Write for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same bytes as tungstenite reads them.
struct Other<'a> {
    context: WebSocketContext,
    input: Bytes<'a>,
    said: Vec<Received>,
    end: Option<CloseReason>,
    closed: bool,
    /// The last thing said is a close frame, or what stands for one that is wrong.
    perhaps_wrong: bool,
}

impl<'a> Other<'a> {
    fn new(bytes: &'a [u8], limit: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit.max(125)));
        Other {
            context: WebSocketContext::new(Role::Server, Some(config)),
            input: Bytes { rest: bytes, more: 0 },
            said: Vec::new(),
            end: None,
            closed: false,
            perhaps_wrong: false,
        }
    }

    fn receive(&mut self) {
        while self.end.is_none() && !self.closed {
            let said = match self.context.read(&mut self.input) {
                Ok(Message::Text(text)) => Received::Text(text.to_string()),
                Ok(Message::Binary(bytes)) => {
                    let text = String::from_utf8(bytes.to_vec()).ok();
                    Received::Binary(text.filter(|text| !text.is_empty()))
                }
                Ok(Message::Ping(payload)) => Received::Ping(payload.to_vec()),
                Ok(Message::Pong(_)) => Received::Pong,
                Ok(Message::Close(None)) => Received::Close(Vec::new()),
                Ok(Message::Close(Some(frame))) => {
                    // It puts this in the place of a code that nobody may send.
                    self.perhaps_wrong = frame.reason == "Protocol violation";
                    Received::Close(u16::from(frame.code).to_be_bytes().to_vec())
                }
                Ok(Message::Frame(frame)) => panic!("{frame:?}"),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.end = Some(match error {
                        Error::Utf8(_) => CloseReason::BadUtf8,
                        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
                            CloseReason::TooBig
                        }
                        Error::Protocol(_) => CloseReason::ProtocolError,
                        error => panic!("{error}"),
                    });
                    return;
                }
            };
            self.closed = matches!(said, Received::Close(_));
            self.said.push(said);
        }
    }
}
