//! A WebSocket client: text messages, one at a time.

use super::http::{self, Answer};
use super::{Address, Failure, Stream};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use std::io::Cursor;
use std::time::Instant;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// The largest frame that is read, in bytes.
const LARGEST: usize = 16 << 20;

/// The largest payload of a control frame, in bytes, by the standard.
const LARGEST_CONTROL: usize = 125;

/// Why there is no WebSocket.
#[derive(Debug)]
pub enum Refusal {
    /// There was no answer.
    Failure(Failure),
    /// The answer is another one than 101.
    Answer(Answer),
    /// The answer is 101, but not to what was asked.
    WrongAccept,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A text message.
    Text(String),
    /// A close frame: its code and reason.
    Closed(u16, String),
}

/// An open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    stream: Stream,
    /// What has come and is not a whole frame yet.
    bytes: Vec<u8>,
    /// The message whose frames are coming.
    message: Vec<u8>,
}

impl WebSocket {
    /// Dials `target` at `address`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn dial(address: &Address, target: &str, until: Instant) -> Result<Self, Refusal> {
        let mut stream = Stream::open(address, until).map_err(Refusal::Failure)?;
        let key = STANDARD.encode(random::<16>());
        let more = format!(
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {key}\r\n"
        );
        let request = http::request("GET", address, target, &more);
        stream.send(request.as_bytes()).map_err(Refusal::Failure)?;
        let (mut answer, rest) = http::head(&mut stream, until).map_err(Refusal::Failure)?;
        if answer.status != 101 {
            answer.body = rest;
            return Err(Refusal::Answer(answer));
        }
        if answer.header("sec-websocket-accept") != derive_accept_key(key.as_bytes()) {
            return Err(Refusal::WrongAccept);
        }
        Ok(WebSocket { stream, bytes: rest, message: Vec::new() })
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn send(&mut self, text: &str) -> Result<(), Failure> {
        self.frame(OpCode::Data(Data::Text), text.as_bytes())
    }

    /// Says good-bye. Nobody waits for the answer.
    pub fn close(mut self) {
        let _ = self.frame(OpCode::Control(Control::Close), &1000_u16.to_be_bytes());
    }

    fn frame(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Failure> {
        let mask = random::<4>();
        let header = FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() };
        let mut frame = Vec::with_capacity(payload.len() + 14);
        // Writing to a vector cannot fail.
        let _ = header.format(u64::try_from(payload.len()).unwrap_or_default(), &mut frame);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.send(&frame)
    }

    /// The next thing heard, or nothing until `until`, however much is said besides. Pings are
    /// answered.
    ///
    /// # Errors
    /// The connection has ended without a close frame, or what comes is no WebSocket.
    pub fn next(&mut self, until: Instant) -> Result<Option<Event>, Failure> {
        while Instant::now() < until {
            let Some((header, payload)) = self.take()? else {
                let mut buffer = [0; 4096];
                let count = self.stream.read(&mut buffer, until)?;
                self.bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
                continue;
            };
            match header.opcode {
                OpCode::Control(Control::Ping) => {
                    self.frame(OpCode::Control(Control::Pong), &payload)?;
                }
                OpCode::Control(Control::Close) => return Ok(Some(closed(&payload))),
                OpCode::Control(_) => {}
                OpCode::Data(_) => {
                    self.message.extend_from_slice(&payload);
                    if header.is_final {
                        let message = std::mem::take(&mut self.message);
                        let text = String::from_utf8_lossy(&message).into_owned();
                        return Ok(Some(Event::Text(text)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Takes one whole frame. A server does not mask its frames.
    fn take(&mut self) -> Result<Option<(FrameHeader, Vec<u8>)>, Failure> {
        let mut cursor = Cursor::new(self.bytes.as_slice());
        let broken = |_| Failure::Ended;
        let Some((header, size)) = FrameHeader::parse(&mut cursor).map_err(broken)? else {
            return Ok(None);
        };
        let start = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > LARGEST || self.message.len() > LARGEST {
            return Err(Failure::TooLong);
        }
        if size > LARGEST_CONTROL && matches!(header.opcode, OpCode::Control(_)) {
            return Err(Failure::Ended);
        }
        let end = start.saturating_add(size);
        let Some(payload) = self.bytes.get(start..end) else { return Ok(None) };
        let payload = payload.to_vec();
        self.bytes.drain(..end);
        Ok(Some((header, payload)))
    }
}

fn closed(payload: &[u8]) -> Event {
    match payload {
        [high, low, reason @ ..] => Event::Closed(
            u16::from_be_bytes([*high, *low]),
            String::from_utf8_lossy(reason).into_owned(),
        ),
        // 1005 is the standard's word for no code.
        _ => Event::Closed(1005, String::new()),
    }
}

/// Random bytes. Where the system has none they are zero, which only makes them easy to guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = getrandom::fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::served;
    use super::*;
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::Duration;

    /// A WebSocket that has been opened.
    fn opened(address: &Address) -> WebSocket {
        let stream = Stream::open(address, Instant::now() + Duration::from_secs(60)).unwrap();
        WebSocket { stream, bytes: Vec::new(), message: Vec::new() }
    }

    fn for_ever(stream: &mut TcpStream, frame: &[u8]) -> std::io::Result<()> {
        while stream.write_all(frame).is_ok() {}
        Ok(())
    }

    #[test]
    fn who_only_says_pong_is_listened_to_no_longer_than_was_asked() {
        let heard = served(
            // As many as are read at once, and a part of one.
            |stream| for_ever(stream, &[0x8A, 0x00].repeat(5000)),
            |address| opened(&address).next(Instant::now() + Duration::from_millis(200)),
        );
        assert_eq!(heard, Ok(None));
    }

    #[test]
    fn a_message_that_never_ends_is_listened_to_no_longer_than_was_asked() {
        let heard = served(
            |stream| for_ever(stream, &[0x00, 0x01, b'x']),
            |address| opened(&address).next(Instant::now() + Duration::from_millis(200)),
        );
        assert_eq!(heard, Ok(None));
    }

    #[test]
    fn a_ping_that_no_standard_allows_is_not_answered() {
        let heard = served(
            |stream| for_ever(stream, &[&[0x89, 126, 0x40, 0x00][..], &[0; 0x4000]].concat()),
            |address| opened(&address).next(Instant::now() + Duration::from_secs(60)),
        );
        assert_eq!(heard, Err(Failure::Ended));
    }
}
