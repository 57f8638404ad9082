//! A WebSocket client that sees every frame.

use super::frame::{Frame, BINARY, CLOSE, PING, PONG, TEXT};
use super::raw::{reset_on_close, Ending, Raw, Response};
use super::Message;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The key of every handshake here, and what must be answered to it (RFC 6455, section 1.3).
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The answer to [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What can come from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message.
    Text(String),
    /// A ping, already answered unless that was switched off.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame, already answered: code (1005: none) and reason.
    Close(u16, String),
    /// The end of the connection.
    End,
    /// A reset of the connection.
    Reset,
}

/// The writing half of a client; clones write to the same socket.
#[derive(Clone, Debug)]
pub struct Sender(Arc<Mutex<Option<TcpStream>>>);

impl Sender {
    fn new(stream: TcpStream) -> Self {
        Sender(Arc::new(Mutex::new(Some(stream))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<TcpStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends bytes as they are.
    pub fn bytes(&self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        match self.lock().as_mut() {
            Some(stream) => stream.write_all(bytes.as_ref()),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Sends a frame.
    pub fn frame(&self, frame: &Frame) -> io::Result<()> {
        self.bytes(frame.bytes())
    }

    /// Sends a message as one text frame.
    pub fn text(&self, text: &str) -> io::Result<()> {
        self.frame(&Frame::text(text))
    }

    /// Ends without a close frame: with an end of the stream or with a reset. Also wakes the thread that
    /// reads from the socket; the reset is sent when that reader has let go of it.
    pub fn cut(&self, ending: Ending) {
        let Some(stream) = self.lock().take() else { return };
        match ending {
            Ending::End => drop(stream.shutdown(Shutdown::Both)),
            Ending::Reset => {
                reset_on_close(&stream);
                let _ = stream.shutdown(Shutdown::Read);
            }
        }
    }
}

/// A WebSocket connection. It answers pings and closes while it is read from.
#[derive(Debug)]
pub struct Client {
    raw: Raw,
    sender: Sender,
    /// The server's answer to the handshake.
    pub response: Response,
    /// Whether pings are answered.
    pub answer_pings: bool,
    /// Whether close frames are answered.
    pub answer_closes: bool,
}

impl Client {
    /// Connects to `path` and upgrades. Panics if the server does not switch protocols.
    pub fn connect(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::over(Raw::connect(address), path, headers)
    }

    /// Upgrades a connection that exists already.
    pub fn over(mut raw: Raw, path: &str, headers: &[(&str, &str)]) -> Self {
        raw.send(upgrade(path, headers));
        Self::accepted(raw)
    }

    /// Goes on after somebody else has sent the upgrade request.
    pub fn accepted(mut raw: Raw) -> Self {
        let response = Response::from_parts(raw.read_head(), Vec::new());
        assert_eq!(response.status, 101, "no upgrade: {}", response.head);
        assert_eq!(response.header("Sec-WebSocket-Accept"), Some(ACCEPT));
        let sender = Sender::new(raw.stream().try_clone().unwrap());
        Client { raw, sender, response, answer_pings: true, answer_closes: true }
    }

    /// The writing half, for another thread.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The socket below.
    pub fn raw(&mut self) -> &mut Raw {
        &mut self.raw
    }

    /// Sends a message as one text frame.
    pub fn send(&self, text: &str) {
        self.sender.text(text).expect("the server takes a message");
    }

    /// Sends a frame as it is.
    pub fn send_frame(&self, frame: &Frame) {
        self.sender.frame(frame).expect("the server takes a frame");
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&self, bytes: impl AsRef<[u8]>) {
        self.sender.bytes(bytes).expect("the server takes bytes");
    }

    /// The next thing that happens. Panics where the server breaks the promise that a message is
    /// one unfragmented text frame of one line (docs/protocol.md#outgoing-frames).
    pub fn event(&mut self) -> Event {
        let deadline = self.raw.deadline();
        let frame = loop {
            if let Some(frame) = Frame::take(&mut self.raw.pending) {
                break frame;
            }
            match self.raw.more(deadline) {
                Ok(()) => {}
                Err(Ending::End) => return Event::End,
                Err(Ending::Reset) => return Event::Reset,
            }
        };
        assert!(frame.last, "the server sends no fragments: {frame:?}");
        match frame.opcode {
            TEXT => {
                let text = String::from_utf8(frame.payload).expect("the server sends UTF-8");
                assert!(!text.contains(['\r', '\n']), "a message is one line: {text:?}");
                Event::Text(text)
            }
            PING => {
                if self.answer_pings {
                    let _ = self.sender.frame(&Frame::new(PONG, &frame.payload));
                }
                Event::Ping(frame.payload)
            }
            PONG => Event::Pong(frame.payload),
            CLOSE => {
                if self.answer_closes {
                    let _ = self.sender.frame(&Frame::new(CLOSE, &frame.payload));
                }
                closed(&frame.payload)
            }
            BINARY => panic!("the server sends no binary frames: {frame:?}"),
            other => panic!("no such opcode: {other}"),
        }
    }

    /// The next thing that is not a ping.
    pub fn next(&mut self) -> Event {
        loop {
            match self.event() {
                Event::Ping(_) => {}
                event => return event,
            }
        }
    }

    /// The next message. Panics where something else comes.
    pub fn recv(&mut self) -> String {
        match self.next() {
            Event::Text(text) => text,
            other => panic!("a message was to come, not {other:?}"),
        }
    }

    /// The next message, read.
    pub fn recv_message(&mut self) -> Message {
        Message::read(&self.recv())
    }

    /// Waits for a close frame, which must be next, and says its code and reason.
    pub fn expect_close(&mut self) -> (u16, String) {
        match self.next() {
            Event::Close(code, reason) => (code, reason),
            other => panic!("a close was to come, not {other:?}"),
        }
    }

    /// Waits for the end of the connection, which must be next.
    pub fn expect_end(&mut self) {
        let event = self.next();
        assert_eq!(event, Event::End);
    }

    /// Pings, and panics where anything but the pong comes next: so the server had nothing to
    /// say, and everything sent before has reached it.
    pub fn expect_silence(&mut self) {
        self.send_frame(&Frame::new(PING, b"silence?"));
        let event = self.next();
        assert_eq!(event, Event::Pong(b"silence?".to_vec()), "nothing was to come");
    }

    /// Says that nothing more will be sent, without a close frame.
    pub fn half_close(&self) {
        self.raw.half_close();
    }

    /// Ends with a reset.
    pub fn abort(self) {
        self.sender.cut(Ending::Reset);
    }

    /// Closes properly: close frame, the server's close frame, end.
    pub fn close(mut self) {
        self.answer_closes = false;
        self.send_frame(&Frame::close(1000, ""));
        loop {
            match self.next() {
                Event::Text(_) | Event::Pong(_) => {}
                Event::Close(code, _) => {
                    assert_eq!(code, 1000);
                    break;
                }
                other => panic!("a close was to come, not {other:?}"),
            }
        }
        self.expect_end();
    }
}

/// The request that asks for an upgrade.
pub fn upgrade(path: &str, headers: &[(&str, &str)]) -> String {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

fn closed(payload: &[u8]) -> Event {
    match payload.split_first_chunk() {
        None => Event::Close(1005, String::new()),
        Some((code, reason)) => {
            let reason = String::from_utf8(reason.to_vec()).expect("the server sends UTF-8");
            Event::Close(u16::from_be_bytes(*code), reason)
        }
    }
}
