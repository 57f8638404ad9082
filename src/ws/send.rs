//! What waits to be written to one connection.
//!
//! Frames are laid down here once, in the order they go out, and leave in as few writes as the
//! socket allows; a large one for which nothing waits leaves from where it lies. The queue is our
//! own so that a slow reader costs neither a copy of what is left for each write nor a buffer that
//! never shrinks.

use crate::frame::MAX_HEADER;
use crate::memory::{allocated, array_of};
use std::collections::VecDeque;
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
pub struct Spares {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl Spares {
    /// An empty buffer for about `size` bytes, which it need not have room for yet.
    pub fn take(&mut self, size: usize) -> Vec<u8> {
        let mut spare = self.take_used(size);
        spare.clear();
        spare
    }

    /// The same with anything in it: what is written over need not be made empty first.
    pub fn take_used(&mut self, size: usize) -> Vec<u8> {
        let spare = if size > SMALL { self.large.pop() } else { self.small.pop() };
        spare.unwrap_or_default()
    }

    /// How many bytes of memory they take.
    pub fn memory(&self) -> usize {
        self.small.iter().chain(&self.large).map(|buffer| allocated(buffer.capacity())).sum()
    }

    /// Takes a buffer back.
    pub fn give(&mut self, buffer: Vec<u8>) {
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
                } else {
                    release(buffer);
                }
            }
        }
    }
}

/// Frees a buffer that may be large. glibc learns from the size of a freed block: from then on it
/// takes blocks of that size from its heap, and keeps twice as much freed memory there. It learns
/// nothing from a block that was made small before.
pub(crate) fn release(mut buffer: Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(SMALL);
}

/// How far a write came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing waits any more.
    Empty,
    /// The socket takes no more for now; this many bytes went out.
    Blocked(usize),
}

/// From this length on a piece of the queue is full, in bytes, and what follows begins another one. So
/// a queue that grows is not copied, and takes little more memory than what waits in it.
const PIECE: usize = 64 * 1024;

/// The queue.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The first piece, which is being written.
    bytes: Vec<u8>,
    /// How many of its bytes are written already.
    sent: usize,
    /// The pieces behind it, and how many bytes they hold and take in memory.
    behind: VecDeque<Vec<u8>>,
    behind_len: usize,
    behind_memory: usize,
}

impl Outgoing {
    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.sent).saturating_add(self.behind_len)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        allocated(self.bytes.capacity())
            .saturating_add(self.behind_memory)
            .saturating_add(array_of::<Vec<u8>>(self.behind.capacity()))
    }

    /// Queues bytes that are no frame: an HTTP response.
    pub fn push_bytes(&mut self, bytes: &[u8], spares: &mut Spares) {
        self.push(bytes.len(), spares, |piece| piece.extend_from_slice(bytes));
    }

    /// Queues one text frame made of `pieces`.
    pub fn push_text(&mut self, pieces: &[&str], spares: &mut Spares) {
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.push(MAX_HEADER + size, spares, |bytes| {
            push_header(bytes, OpCode::Data(Data::Text), size);
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                bytes.extend_from_slice(piece.as_bytes());
            }
        });
    }

    /// Writes one text frame made of `pieces` from where they lie, and queues what the socket does
    /// not take. Nothing may wait before it. Says how many bytes went out.
    pub fn write_text(
        &mut self,
        pieces: &[&str],
        socket: &mut impl Write,
        spares: &mut Spares,
    ) -> usize {
        let size = pieces.iter().map(|piece| piece.len()).sum();
        self.clear(spares);
        let mut header = Vec::new();
        push_header(&mut header, OpCode::Data(Data::Text), size);
        let parts = || iter::once(&*header).chain(pieces.iter().map(|piece| piece.as_bytes()));
        let places: Vec<IoSlice<'_>> = parts().map(IoSlice::new).collect();
        // What hinders it now hinders the next write, too, which sees to it.
        let written = socket.write_vectored(&places).unwrap_or(0);
        let left = (header.len() + size).saturating_sub(written);
        if left > 0 {
            self.push(left, spares, |bytes| {
                let mut passed = written;
                for part in parts() {
                    bytes.extend_from_slice(part.get(passed..).unwrap_or_default());
                    passed = passed.saturating_sub(part.len());
                }
            });
        }
        written
    }

    /// Queues a control frame. Its payload is cut to the 125 bytes a control frame may have.
    pub fn push_control(&mut self, code: Control, payload: &[u8], spares: &mut Spares) {
        let payload = payload.get(..125).unwrap_or(payload);
        self.push(MAX_HEADER + payload.len(), spares, |bytes| {
            push_header(bytes, OpCode::Control(code), payload.len());
            bytes.extend_from_slice(payload);
        });
    }

    /// Adds what `fill` writes, `size` bytes or a few less.
    fn push(&mut self, size: usize, spares: &mut Spares, fill: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            self.bytes = spares.take(size);
        }
        self.drop_sent();
        let last = self.behind.back().unwrap_or(&self.bytes);
        if !last.is_empty() && last.len().saturating_add(size) > PIECE.max(last.capacity()) {
            self.behind.push_back(Vec::with_capacity(size.max(SMALL)));
            self.behind_memory += self.behind.back().map_or(0, |piece| allocated(piece.capacity()));
        }
        let Some(piece) = self.behind.back_mut() else {
            make_room(&mut self.bytes, size);
            return fill(&mut self.bytes);
        };
        let before = (piece.len(), allocated(piece.capacity()));
        make_room(piece, size);
        fill(piece);
        self.behind_len += piece.len().saturating_sub(before.0);
        self.behind_memory += allocated(piece.capacity()).saturating_sub(before.1);
    }

    /// Goes on to the next piece; says whether there is one.
    fn next_piece(&mut self, spares: &mut Spares) -> bool {
        self.sent = 0;
        let next = self.behind.pop_front();
        if let Some(next) = &next {
            self.behind_len = self.behind_len.saturating_sub(next.len());
            self.behind_memory = self.behind_memory.saturating_sub(allocated(next.capacity()));
        } else {
            self.behind = VecDeque::new();
        }
        let is_there = next.is_some();
        spares.give(std::mem::replace(&mut self.bytes, next.unwrap_or_default()));
        is_there
    }

    /// Drops what is written, where that is most of what the piece holds, and gives its memory back.
    fn drop_sent(&mut self) {
        if self.sent > 0 && self.sent >= self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
            self.shrink();
        }
    }

    /// Gives memory back of a buffer much larger than what it holds.
    fn shrink(&mut self) {
        self.bytes.shrink_to(self.bytes.len().saturating_mul(2));
    }

    /// Writes as much as the socket takes.
    ///
    /// # Errors
    /// What the socket says, but for `WouldBlock`.
    pub fn write_to(
        &mut self,
        socket: &mut impl Write,
        spares: &mut Spares,
    ) -> io::Result<Progress> {
        let start = self.len();
        loop {
            while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
                match socket.write(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => self.sent += written,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        let sent = start.saturating_sub(self.len());
                        self.drop_sent();
                        // It may have been another's, and larger.
                        self.shrink();
                        return Ok(Progress::Blocked(sent));
                    }
                    Err(error) => return Err(error),
                }
            }
            if !self.next_piece(spares) {
                return Ok(Progress::Empty);
            }
        }
    }

    /// Drops everything that waits.
    pub fn clear(&mut self, spares: &mut Spares) {
        while self.next_piece(spares) {}
    }
}

/// Makes room for `size` bytes more: for no more than that where it is much.
fn make_room(piece: &mut Vec<u8>, size: usize) {
    if size > SMALL {
        piece.reserve_exact(size);
    } else {
        piece.reserve(size);
    }
}

fn push_header(bytes: &mut Vec<u8>, opcode: OpCode, size: usize) {
    // Writing to memory does not fail.
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    let _ = header.format(size as u64, bytes);
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
    fn a_queue_that_grows_takes_little_more_memory_than_what_waits_in_it() {
        let mut spares = Spares::default();
        for size in [10, 1000, 30_000, 100_000, 3_000_000] {
            let mut out = Outgoing::default();
            let mut expected = Vec::new();
            let text = "x".repeat(size);
            while out.len() < 4 << 20 {
                out.push_text(&[&text], &mut spares);
                let mut alone = Outgoing::default();
                alone.push_text(&[&text], &mut Spares::default());
                expected.extend_from_slice(&alone.bytes);
                assert!(out.memory() >= out.len());
                let most = out.len() + out.len() / 2 + 2 * PIECE;
                assert!(out.memory() <= most, "{} for {} of {size}", out.memory(), out.len());
            }
            let mut socket = Narrow { room: expected.len() / 2, taken: Vec::new() };
            out.write_to(&mut socket, &mut spares).unwrap();
            assert!(out.memory() <= out.len() * 2 + 2 * PIECE, "what is written is given back");
            socket.room = usize::MAX;
            assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Empty);
            assert!(socket.taken == expected);
            assert_eq!((out.len(), out.memory()), (0, 0));
        }
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
