//! What waits to be written to one connection.
//!
//! Frames are laid down here once, in the order they go out, and leave in as few writes as the
//! socket allows; a large one for which nothing waits leaves from where it lies. The queue is our
//! own so that a slow reader costs neither a copy of what is left for each write nor a buffer that
//! never shrinks.

use super::frame::LONGEST_HEADER;
use std::io::{self, IoSlice, Write};
use std::iter;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// Up to this capacity a buffer is small, in bytes.
const SMALL: usize = 16 * 1024;

/// How many empty small buffers are kept for the next one who has something to say.
const SMALL_SPARES: usize = 32;

/// How many bytes of large buffers are kept, a single one half of that at most: fresh memory costs
/// more than filling it, and a few results of many kilobytes may be coming at a time.
const LARGE_SPARES: usize = 2 * LARGEST;
const LARGEST: usize = 1024 * 1024;

/// Buffers nobody uses. A connection holds one only while something waits for it, or has come in part.
#[derive(Debug, Default)]
pub(super) struct Spares {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl Spares {
    /// An empty buffer for about `size` bytes, which it need not have room for yet.
    pub(super) fn take(&mut self, size: usize) -> Vec<u8> {
        let mut spare = self.take_used(size);
        spare.clear();
        spare
    }

    /// The same with anything in it: what is written over need not be made empty first.
    pub(super) fn take_used(&mut self, size: usize) -> Vec<u8> {
        let spare = if size > SMALL { self.large.pop() } else { self.small.pop() };
        spare.unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn give(&mut self, buffer: Vec<u8>) {
        match buffer.capacity() {
            0 => (),
            small if small <= SMALL => {
                if self.small.len() < SMALL_SPARES {
                    self.small.push(buffer);
                }
            }
            large => {
                let kept: usize = self.large.iter().map(Vec::capacity).sum();
                if large <= LARGEST && kept + large <= LARGE_SPARES {
                    self.large.push(buffer);
                }
            }
        }
    }
}

/// How far a write came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing waits any more.
    Empty,
    /// The socket takes no more for now; this many bytes went out.
    Blocked(usize),
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// How many of the bytes are written already.
    sent: usize,
}

impl Outgoing {
    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.sent)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Queues bytes that are no frame: an HTTP response.
    pub(super) fn push_bytes(&mut self, bytes: &[u8], spares: &mut Spares) {
        self.make_ready(bytes.len(), spares);
        self.bytes.extend_from_slice(bytes);
    }

    /// Queues one text frame made of `pieces`.
    pub(super) fn push_text(&mut self, pieces: &[&str], spares: &mut Spares) {
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.make_ready(size, spares);
        self.bytes.reserve(LONGEST_HEADER + size);
        self.push_header(OpCode::Data(Data::Text), size);
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            self.bytes.extend_from_slice(piece.as_bytes());
        }
    }

    /// Writes one text frame made of `pieces` from where they lie, and queues what the socket does
    /// not take. Nothing may wait before it. Says how many bytes went out.
    pub(super) fn write_text(
        &mut self,
        pieces: &[&str],
        socket: &mut impl Write,
        spares: &mut Spares,
    ) -> usize {
        let size = pieces.iter().map(|piece| piece.len()).sum();
        self.clear(spares);
        self.push_header(OpCode::Data(Data::Text), size);
        let header = std::mem::take(&mut self.bytes);
        let parts = || iter::once(&*header).chain(pieces.iter().map(|piece| piece.as_bytes()));
        let places: Vec<IoSlice<'_>> = parts().map(IoSlice::new).collect();
        // What hinders it now hinders the next write, too, which sees to it.
        let written = socket.write_vectored(&places).unwrap_or(0);
        let left = (header.len() + size).saturating_sub(written);
        if left > 0 {
            self.make_ready(left, spares);
            self.bytes.reserve(left);
        }
        let mut passed = written;
        for part in parts() {
            self.bytes.extend_from_slice(part.get(passed..).unwrap_or_default());
            passed = passed.saturating_sub(part.len());
        }
        written
    }

    /// Queues a control frame. Its payload is cut to the 125 bytes a control frame may have.
    pub(super) fn push_control(&mut self, code: Control, payload: &[u8], spares: &mut Spares) {
        self.make_ready(payload.len(), spares);
        let payload = payload.get(..125).unwrap_or(payload);
        self.push_header(OpCode::Control(code), payload.len());
        self.bytes.extend_from_slice(payload);
    }

    fn push_header(&mut self, opcode: OpCode, size: usize) {
        // Writing to memory does not fail.
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        let _ = header.format(size as u64, &mut self.bytes);
    }

    /// Takes a buffer where there is none.
    fn make_ready(&mut self, size: usize, spares: &mut Spares) {
        if self.bytes.capacity() == 0 {
            self.bytes = spares.take(size);
        }
        self.drop_sent();
    }

    /// Drops what is written, where that is most of what is held, and gives its memory back.
    fn drop_sent(&mut self) {
        if self.sent > 0 && self.sent >= self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
            self.shrink();
        }
    }

    /// Gives memory back of a buffer much larger than what it holds: what waits is what is accounted
    /// for.
    fn shrink(&mut self) {
        self.bytes.shrink_to(self.bytes.len().saturating_mul(2));
    }

    /// Writes as much as the socket takes.
    ///
    /// # Errors
    /// What the socket says, but for `WouldBlock`.
    pub(super) fn write_to(
        &mut self,
        socket: &mut impl Write,
        spares: &mut Spares,
    ) -> io::Result<Progress> {
        let start = self.sent;
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match socket.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let sent = self.sent - start;
                    self.drop_sent();
                    // It may have been another's, and larger.
                    self.shrink();
                    return Ok(Progress::Blocked(sent));
                }
                Err(error) => return Err(error),
            }
        }
        self.clear(spares);
        Ok(Progress::Empty)
    }

    /// Drops everything that waits.
    pub(super) fn clear(&mut self, spares: &mut Spares) {
        self.sent = 0;
        spares.give(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket that takes `room` bytes and then blocks.
    struct Narrow {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.room -= count;
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            self.write(&parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<u8>>())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn frames_leave_in_order_however_little_the_socket_takes() {
        let mut spares = Spares::default();
        let mut out = Outgoing::default();
        let mut socket = Narrow { room: 0, taken: Vec::new() };
        let mut expected = Vec::new();
        for n in 0..100 {
            let text = "x".repeat(n * 7);
            let mut alone = Outgoing::default();
            alone.push_text(&[&text, "y"], &mut Spares::default());
            expected.extend_from_slice(&alone.bytes);
            out.push_text(&[&text, "y"], &mut spares);
            socket.room = 11;
            assert!(matches!(
                out.write_to(&mut socket, &mut spares),
                Ok(Progress::Blocked(_)) | Ok(Progress::Empty)
            ));
        }
        socket.room = usize::MAX;
        assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Empty);
        assert!(out.is_empty());
        assert_eq!(socket.taken, expected);
    }

    #[test]
    fn what_is_written_from_where_it_lies_is_the_same_frame_wherever_the_socket_stops() {
        let text = "x".repeat(300);
        let pieces = ["{\"id\":", "", "7", &text];
        let mut spares = Spares::default();
        let mut expected = Outgoing::default();
        expected.push_text(&pieces, &mut spares);
        for room in 0..=expected.len() {
            let mut out = Outgoing::default();
            let mut socket = Narrow { room, taken: Vec::new() };
            let written = out.write_text(&pieces, &mut socket, &mut spares);
            assert_eq!((written, socket.taken.len()), (room, room));
            assert_eq!(out.len(), expected.len() - room);
            assert!(!out.is_empty() || out.bytes.capacity() == 0, "what is empty holds no memory");
            socket.room = usize::MAX;
            assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Empty);
            assert_eq!(socket.taken, expected.bytes);
        }
    }

    #[test]
    fn a_queue_that_waits_holds_little_more_than_what_waits() {
        let mut spares = Spares::default();
        spares.give(Vec::with_capacity(LARGEST));
        let mut out = Outgoing::default();
        out.push_text(&[&"x".repeat(SMALL + 1)], &mut spares);
        assert_eq!(out.bytes.capacity(), LARGEST, "it came by a large buffer");
        let mut socket = Narrow { room: 10, taken: Vec::new() };
        assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Blocked(10));
        assert!(out.bytes.capacity() <= 4 * SMALL, "{} are held", out.bytes.capacity());
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut spares = Spares::default();
        let mut out = Outgoing::default();
        let mut socket = Narrow { room: usize::MAX, taken: Vec::new() };
        out.push_text(&[&"x".repeat(100_000)], &mut spares);
        out.write_to(&mut socket, &mut spares).unwrap();
        assert_eq!(out.bytes.capacity(), 0);
        assert_eq!(spares.large.len(), 1, "it is there for the next one");
        out.push_text(&[&"x".repeat(LARGEST + 1)], &mut spares);
        out.write_to(&mut socket, &mut spares).unwrap();
        assert!(spares.large.is_empty(), "more than that is not kept");
    }

    #[test]
    fn a_control_frame_is_never_too_long() {
        let mut out = Outgoing::default();
        out.push_control(Control::Pong, &[7; 200], &mut Spares::default());
        assert_eq!(out.len(), 2 + 125);
    }
}
