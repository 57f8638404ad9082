//! What carries the messages of an open connection. This is the one place that knows the kinds; each
//! function answers one question: bytes to messages, messages to bytes, keepalive, end, memory.
//!
//! A [`Connection`](super::connection::Connection) has a transport while it is open. The send queue, the
//! timeouts and the end are the connection's. The socket, the place in the turn and the account of
//! memory are the table's. All of that is the same for every kind. A new kind adds a variant here, what
//! it reads and writes to [`Socket`](super::socket::Socket), and the phase before it is open, if
//! it has one. So these fit, too:
//!
//! - **A WebSocket in the client's role.** A phase before it waits until the socket is writable, which
//!   says that the connect has ended; the next one reads the head of the response. Then it is the
//!   variant below, and only the masks differ. TLS lies inside the socket, which gives and takes plain
//!   bytes.
//! - **A child process.** It is open at once, a line is a message, and it is never pinged. The socket
//!   holds three pipes, and an event's token names the slot and the pipe: stdin takes the send queue,
//!   stdout gives the bytes, and stderr goes to the log. The farewell ends stdin and waits for the exit
//!   status; its deadlines send the signals.
//! - **An HTTP exchange.** It lies between two heads on one socket. The body is the message, and the
//!   answer goes into the send queue as a response or an event. The relay's peer is the session: an
//!   entry of the table without a socket, whose transport knows in which slots its exchanges are.

use crate::close::CloseReason;
use crate::settings::WebSocket;
use crate::time::Moment;
use std::io::Write;
use tungstenite::protocol::frame::coding::Control;
use ws::{CloseFinder, FrameError, Incoming, Input, Receiver, SendQueue, SpareBuffers};

/// What carries the messages of an open connection.
#[derive(Debug)]
pub(super) enum Transport {
    /// A WebSocket in the server's role, with what has arrived of a message.
    WebSocket(Receiver),
}

/// What a connection waits for after the server has closed it.
#[derive(Debug)]
pub(super) enum Farewell {
    /// The peer's close frame.
    WebSocket(CloseFinder),
}

impl Transport {
    /// A WebSocket that a client has opened.
    pub(super) fn web_socket() -> Self {
        Transport::WebSocket(Receiver::default())
    }

    /// Where the next bytes of a large message may be read to, to save a copy; `None` for the shared
    /// buffer.
    pub(super) fn read_buffer(&mut self) -> Option<&mut [u8]> {
        match self {
            Transport::WebSocket(receiver) => receiver.read_buffer(),
        }
    }

    /// Notes that `count` bytes were read into [`read_buffer`](Self::read_buffer).
    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Transport::WebSocket(receiver) => receiver.advance(count),
        }
    }

    /// Takes out what has arrived of a message. What is left in its place can send, but not read.
    pub(super) fn take_reader(&mut self) -> Self {
        match self {
            Transport::WebSocket(receiver) => Transport::WebSocket(std::mem::take(receiver)),
        }
    }

    /// The next message in what has arrived; `None` if more bytes are needed. `limit` is the size of
    /// the largest message, in bytes.
    ///
    /// # Errors
    /// What is wrong with the bytes. Then the connection must be closed.
    pub(super) fn next<'a>(
        &'a mut self,
        input: &'a mut Input<'_>,
        limit: usize,
        spares: &mut SpareBuffers,
    ) -> Result<Option<Incoming<'a>>, FrameError> {
        match self {
            Transport::WebSocket(receiver) => receiver.next(input, limit, spares),
        }
    }

    /// Whether a message longer than `size` bytes has arrived in part.
    pub(super) fn is_mid_message_over(&self, size: usize) -> bool {
        match self {
            Transport::WebSocket(receiver) => receiver.is_mid_frame_over(size),
        }
    }

    /// The bytes of memory that an incomplete message takes.
    pub(super) fn held(&self) -> usize {
        match self {
            Transport::WebSocket(receiver) => receiver.held(),
        }
    }

    /// Queues a message: `pieces`, one after another.
    pub(super) fn send(&self, pieces: &[&str], out: &mut SendQueue, spares: &mut SpareBuffers) {
        match self {
            Transport::WebSocket(_) => out.push_text(pieces, spares),
        }
    }

    /// Writes a message without copying it, and queues what `socket` does not take. The queue must be
    /// empty. Returns the number of bytes written.
    pub(super) fn send_now(
        &self,
        pieces: &[&str],
        out: &mut SendQueue,
        socket: &mut impl Write,
        spares: &mut SpareBuffers,
    ) -> usize {
        match self {
            Transport::WebSocket(_) => out.write_text(pieces, socket, spares),
        }
    }

    /// When a peer that was last heard at `heard` is to be pinged; `None` for never.
    pub(super) fn ping_at(&self, heard: Moment, limits: &WebSocket) -> Option<Moment> {
        match self {
            Transport::WebSocket(_) => limits.ping_interval.map(|interval| heard.after(interval)),
        }
    }

    /// Queues a ping.
    pub(super) fn ping(&self, out: &mut SendQueue, spares: &mut SpareBuffers) {
        match self {
            Transport::WebSocket(_) => out.push_control(Control::Ping, b"", spares),
        }
    }

    /// Queues the answer to the peer's ping.
    pub(super) fn pong(&self, payload: &[u8], out: &mut SendQueue, spares: &mut SpareBuffers) {
        match self {
            Transport::WebSocket(_) => out.push_control(Control::Pong, payload, spares),
        }
    }

    /// Queues the answer to the peer's close: its code.
    pub(super) fn answer_close(
        &self,
        code: Option<u16>,
        out: &mut SendQueue,
        spares: &mut SpareBuffers,
    ) {
        let code = code.map(u16::to_be_bytes);
        let payload = code.as_ref().map_or(&[][..], |code| code);
        match self {
            Transport::WebSocket(_) => out.push_control(Control::Close, payload, spares),
        }
    }

    /// What to wait for once the connection is closed.
    pub(super) fn farewell(&self) -> Farewell {
        match self {
            Transport::WebSocket(receiver) => Farewell::WebSocket(receiver.close_finder()),
        }
    }
}

impl Farewell {
    /// That of a WebSocket from which nothing has come yet.
    pub(super) fn web_socket() -> Self {
        Farewell::WebSocket(CloseFinder::default())
    }

    /// Tells the peer that the connection is closed, and why.
    pub(super) fn say(&self, reason: CloseReason, out: &mut SendQueue, spares: &mut SpareBuffers) {
        let (code, text) = reason.on_the_wire();
        let payload = [&code.to_be_bytes(), text.as_bytes()].concat();
        match self {
            Farewell::WebSocket(_) => out.push_control(Control::Close, &payload, spares),
        }
    }

    /// Looks through bytes of the peer. Returns whether there is nothing more to wait for.
    pub(super) fn is_complete(&mut self, bytes: &[u8]) -> bool {
        match self {
            Farewell::WebSocket(close_finder) => close_finder.is_done(bytes),
        }
    }
}
