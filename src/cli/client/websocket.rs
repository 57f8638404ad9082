//! A WebSocket client: text messages, one at a time.

use super::http::{self, Answer};
use super::{Address, Failure, Stream};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use std::time::Instant;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use ws::{append_masked, FrameError, Incoming, Input, Receiver, Role, SpareBuffers};

/// The size of the largest message, in bytes.
const MAX_MESSAGE_SIZE: usize = 16 << 20;

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

/// What was received.
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
    receiver: Receiver,
    /// The bytes that were read, and how many of them the receiver has.
    bytes: Vec<u8>,
    consumed: usize,
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
        Ok(WebSocket { stream, receiver: Receiver::new(Role::Client), bytes: rest, consumed: 0 })
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
        let mut frame = Vec::new();
        append_masked(&mut frame, opcode, &[payload], random());
        self.stream.send(&frame)
    }

    /// The next thing received, or nothing until `until`, however much is said besides. Pings are
    /// answered.
    ///
    /// # Errors
    /// The connection has ended without a close frame, or what comes is no WebSocket.
    pub fn next(&mut self, until: Instant) -> Result<Option<Event>, Failure> {
        while Instant::now() < until {
            let length = self.bytes.len();
            let unread = self.bytes.get_mut(self.consumed..).unwrap_or_default();
            let mut input = Input::new(unread);
            let mut spares = SpareBuffers::default();
            let (mut ping, mut event) = (None, None);
            match self.receiver.next(&mut input, MAX_MESSAGE_SIZE, &mut spares) {
                Ok(Some(Incoming::Text(text) | Incoming::Binary(Some(text)))) => {
                    event = Some(Event::Text(text.to_owned()));
                }
                Ok(Some(Incoming::Ping(payload))) => ping = Some(payload.to_vec()),
                Ok(Some(Incoming::Close(payload))) => event = Some(closed(payload)),
                Ok(Some(Incoming::Binary(None) | Incoming::Pong)) => {}
                Ok(None) => {
                    let mut buffer = [0; 16 * 1024];
                    let count = self.stream.read(&mut buffer, until)?;
                    self.bytes.clear();
                    self.bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    self.consumed = 0;
                    continue;
                }
                Err(FrameError::TooBig) => return Err(Failure::TooLong),
                Err(FrameError::CloseCode(code)) => {
                    return Ok(Some(Event::Closed(code, String::new())))
                }
                Err(_) => return Err(Failure::Ended),
            }
            self.consumed = length.saturating_sub(input.rest().len());
            if let Some(payload) = ping {
                self.frame(OpCode::Control(Control::Pong), &payload)?;
            }
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
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
        let receiver = Receiver::new(Role::Client);
        WebSocket { stream, receiver, bytes: Vec::new(), consumed: 0 }
    }

    fn for_ever(stream: &mut TcpStream, frame: &[u8]) -> std::io::Result<()> {
        while stream.write_all(frame).is_ok() {}
        Ok(())
    }

    #[test]
    fn who_only_says_pong_is_listened_to_no_longer_than_was_asked() {
        let received = served(
            // As many as are read at once, and a part of one.
            |stream| for_ever(stream, &[0x8A, 0x00].repeat(5000)),
            |address| opened(&address).next(Instant::now() + Duration::from_millis(200)),
        );
        assert_eq!(received, Ok(None));
    }

    #[test]
    fn a_message_that_never_ends_is_listened_to_no_longer_than_was_asked() {
        let received = served(
            |stream| {
                stream.write_all(&[0x01, 0x01, b'x'])?;
                for_ever(stream, &[0x00, 0x01, b'x'])
            },
            |address| opened(&address).next(Instant::now() + Duration::from_millis(200)),
        );
        assert_eq!(received, Ok(None));
    }

    #[test]
    fn a_ping_that_no_standard_allows_is_not_answered() {
        let received = served(
            |stream| for_ever(stream, &[&[0x89, 126, 0x40, 0x00][..], &[0; 0x4000]].concat()),
            |address| opened(&address).next(Instant::now() + Duration::from_secs(60)),
        );
        assert_eq!(received, Err(Failure::Ended));
    }
}
