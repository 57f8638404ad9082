//! The send queue of a connection.
//!
//! Each frame is copied into the queue once and sent in as few writes as the socket allows. A large
//! message is written without a copy if nothing is queued before it. tungstenite's own buffer is not
//! used: after each partial write it moves the rest, and it never shrinks.

use crate::frame::MAX_HEADER_LEN;
use crate::memory::{allocated, array_of};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::iter;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// The largest capacity of a small buffer, in bytes.
const MAX_SMALL_CAPACITY: usize = 16 * 1024;

/// How many spare small buffers are kept.
const MAX_SMALL_SPARES: usize = 32;

/// How many bytes of spare large buffers are kept, and the largest one kept. Fresh memory costs
/// more than filling it, and several large results may arrive at the same time.
const MAX_LARGE_SPARE_BYTES: usize = 2 * MAX_LARGE_CAPACITY;
const MAX_LARGE_CAPACITY: usize = 1024 * 1024;

/// Buffers in no use. A connection holds a buffer only while it has bytes to send or an incomplete
/// frame.
#[derive(Debug, Default)]
pub struct SpareBuffers {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl SpareBuffers {
    /// Returns an empty buffer for about `size` bytes. Its capacity may be smaller, even 0.
    pub fn take(&mut self, size: usize) -> Vec<u8> {
        let mut spare = self.take_uncleared(size);
        spare.clear();
        spare
    }

    /// The same, but the buffer may have old content: clearing it is wasted if it is overwritten.
    pub fn take_uncleared(&mut self, size: usize) -> Vec<u8> {
        let spare = if size > MAX_SMALL_CAPACITY { self.large.pop() } else { self.small.pop() };
        spare.unwrap_or_default()
    }

    /// The bytes of memory they take.
    pub fn memory(&self) -> usize {
        self.small.iter().chain(&self.large).map(|buffer| allocated(buffer.capacity())).sum()
    }

    /// Takes a buffer back for reuse, or frees it if there are enough spares.
    pub fn put_back(&mut self, buffer: Vec<u8>) {
        match buffer.capacity() {
            0 => (),
            small if small <= MAX_SMALL_CAPACITY => {
                if self.small.len() < MAX_SMALL_SPARES {
                    self.small.push(buffer);
                }
            }
            large => {
                let kept: usize = self.large.iter().map(Vec::capacity).sum();
                if large <= MAX_LARGE_CAPACITY && kept + large <= MAX_LARGE_SPARE_BYTES {
                    self.large.push(buffer);
                } else {
                    free_buffer(buffer);
                }
            }
        }
    }
}

/// Frees a buffer that may be large. It is shrunk first because of glibc: when a large block is
/// freed, glibc raises its threshold for separate mappings to that size, takes such blocks from the
/// heap from then on, and keeps twice as much freed memory there.
pub(crate) fn free_buffer(mut buffer: Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(MAX_SMALL_CAPACITY);
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The queue is empty.
    Empty,
    /// The socket is full. This many bytes were sent.
    Blocked(usize),
}

/// The length of a full chunk of the queue, in bytes; what follows goes into a new chunk. So a growing
/// queue is not copied, and takes little more memory than the bytes in it.
const CHUNK_LEN: usize = 64 * 1024;

/// The bytes to be sent to one connection.
#[derive(Debug, Default)]
pub struct SendQueue {
    /// The first chunk, which is being sent.
    front: Vec<u8>,
    /// How many of its bytes are sent.
    sent: usize,
    /// The chunks behind it, the bytes in them, and the bytes of memory they take.
    back: VecDeque<Vec<u8>>,
    back_len: usize,
    back_memory: usize,
}

impl SendQueue {
    /// The number of bytes to be sent.
    pub fn len(&self) -> usize {
        self.front.len().saturating_sub(self.sent).saturating_add(self.back_len)
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of memory it takes.
    pub fn memory(&self) -> usize {
        allocated(self.front.capacity())
            .saturating_add(self.back_memory)
            .saturating_add(array_of::<Vec<u8>>(self.back.capacity()))
    }

    /// Queues bytes as they are, such as an HTTP response.
    pub fn push_bytes(&mut self, bytes: &[u8], spares: &mut SpareBuffers) {
        self.push(bytes.len(), spares, |piece| piece.extend_from_slice(bytes));
    }

    /// Queues `pieces` as one text frame. Not inlined where it would be optimised for size.
    #[inline(never)]
    pub fn push_text(&mut self, pieces: &[&str], spares: &mut SpareBuffers) {
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.push(MAX_HEADER_LEN + size, spares, |bytes| {
            match u16::try_from(size).map(u16::to_be_bytes) {
                Ok([0, short @ ..=125]) => bytes.extend_from_slice(&[TEXT, short]),
                Ok([high, low]) => bytes.extend_from_slice(&[TEXT, 126, high, low]),
                Err(_) => push_header(bytes, OpCode::Data(Data::Text), size),
            }
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                bytes.extend_from_slice(piece.as_bytes());
            }
        });
    }

    /// Writes `pieces` as one text frame without copying them, and queues what the socket does not
    /// take. The queue must be empty. Returns the number of bytes sent.
    pub fn write_text(
        &mut self,
        pieces: &[&str],
        socket: &mut impl Write,
        spares: &mut SpareBuffers,
    ) -> usize {
        let size = pieces.iter().map(|piece| piece.len()).sum();
        self.clear(spares);
        let mut header = Vec::new();
        push_header(&mut header, OpCode::Data(Data::Text), size);
        let parts = || iter::once(&*header).chain(pieces.iter().map(|piece| piece.as_bytes()));
        let slices: Vec<IoSlice<'_>> = parts().map(IoSlice::new).collect();
        // An error comes back at the next write, which handles it.
        let written = socket.write_vectored(&slices).unwrap_or(0);
        let left = (header.len() + size).saturating_sub(written);
        if left > 0 {
            self.push(left, spares, |bytes| {
                let mut skip = written;
                for part in parts() {
                    bytes.extend_from_slice(part.get(skip..).unwrap_or_default());
                    skip = skip.saturating_sub(part.len());
                }
            });
        }
        written
    }

    /// Queues a control frame. A payload of more than 125 bytes, which a control frame may not have,
    /// is cut.
    pub fn push_control(&mut self, code: Control, payload: &[u8], spares: &mut SpareBuffers) {
        let payload = payload.get(..125).unwrap_or(payload);
        self.push(MAX_HEADER_LEN + payload.len(), spares, |bytes| {
            push_header(bytes, OpCode::Control(code), payload.len());
            bytes.extend_from_slice(payload);
        });
    }

    /// Appends what `fill` writes: `size` bytes or a few less.
    fn push(&mut self, size: usize, spares: &mut SpareBuffers, fill: impl FnOnce(&mut Vec<u8>)) {
        if self.front.capacity() == 0 {
            self.front = spares.take(size);
        }
        self.drop_sent();
        let last = self.back.back().unwrap_or(&self.front);
        if !last.is_empty() && last.len().saturating_add(size) > CHUNK_LEN.max(last.capacity()) {
            self.back.push_back(Vec::with_capacity(size.max(MAX_SMALL_CAPACITY)));
            self.back_memory += self.back.back().map_or(0, |piece| allocated(piece.capacity()));
        }
        let Some(piece) = self.back.back_mut() else {
            make_room(&mut self.front, size);
            return fill(&mut self.front);
        };
        let before = (piece.len(), allocated(piece.capacity()));
        make_room(piece, size);
        fill(piece);
        self.back_len += piece.len().saturating_sub(before.0);
        self.back_memory += allocated(piece.capacity()).saturating_sub(before.1);
    }

    /// Drops the first chunk. Returns whether there is another one.
    fn next_chunk(&mut self, spares: &mut SpareBuffers) -> bool {
        self.sent = 0;
        let next = self.back.pop_front();
        if let Some(next) = &next {
            self.back_len = self.back_len.saturating_sub(next.len());
            self.back_memory = self.back_memory.saturating_sub(allocated(next.capacity()));
        } else {
            self.back = VecDeque::new();
        }
        let is_there = next.is_some();
        spares.put_back(std::mem::replace(&mut self.front, next.unwrap_or_default()));
        is_there
    }

    /// Drops the sent bytes of the first chunk if they are at least half of it, and shrinks it.
    fn drop_sent(&mut self) {
        if self.sent > 0 && self.sent >= self.front.len() / 2 {
            self.front.drain(..self.sent);
            self.sent = 0;
            self.shrink();
        }
    }

    /// Shrinks the first chunk to twice the bytes in it.
    fn shrink(&mut self) {
        self.front.shrink_to(self.front.len().saturating_mul(2));
    }

    /// Sends as much as the socket takes.
    ///
    /// # Errors
    /// The socket's error, except `WouldBlock` and `Interrupted`.
    pub fn write_to(
        &mut self,
        socket: &mut impl Write,
        spares: &mut SpareBuffers,
    ) -> io::Result<Progress> {
        let start = self.len();
        loop {
            while let Some(rest) = self.front.get(self.sent..).filter(|rest| !rest.is_empty()) {
                match socket.write(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => self.sent += written,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        let sent = start.saturating_sub(self.len());
                        self.drop_sent();
                        // A spare buffer may be much larger than needed.
                        self.shrink();
                        return Ok(Progress::Blocked(sent));
                    }
                    Err(error) => return Err(error),
                }
            }
            if !self.next_chunk(spares) {
                return Ok(Progress::Empty);
            }
        }
    }

    /// Drops all bytes to be sent.
    pub fn clear(&mut self, spares: &mut SpareBuffers) {
        while self.next_chunk(spares) {}
    }
}

/// Reserves room for `size` more bytes, without slack if that is a lot.
fn make_room(piece: &mut Vec<u8>, size: usize) {
    if size > MAX_SMALL_CAPACITY {
        piece.reserve_exact(size);
    } else {
        piece.reserve(size);
    }
}

/// How the header of an unfragmented text message begins.
const TEXT: u8 = 0x81;

fn push_header(bytes: &mut Vec<u8>, opcode: OpCode, size: usize) {
    // Writing to a `Vec` does not fail.
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    let _ = header.format(size as u64, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket that blocks after `room` bytes.
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
    fn frames_are_sent_in_order_however_little_the_socket_takes() {
        let mut spares = SpareBuffers::default();
        let mut out = SendQueue::default();
        let mut socket = Narrow { room: 0, taken: Vec::new() };
        let mut expected = Vec::new();
        for n in 0..100 {
            let text = "x".repeat(n * 7);
            let mut alone = SendQueue::default();
            alone.push_text(&[&text, "y"], &mut SpareBuffers::default());
            expected.extend_from_slice(&alone.front);
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
    fn a_message_written_without_a_copy_is_the_same_frame_wherever_the_socket_stops() {
        let text = "x".repeat(300);
        let pieces = ["{\"id\":", "", "7", &text];
        let mut spares = SpareBuffers::default();
        let mut expected = SendQueue::default();
        expected.push_text(&pieces, &mut spares);
        for room in 0..=expected.len() {
            let mut out = SendQueue::default();
            let mut socket = Narrow { room, taken: Vec::new() };
            let written = out.write_text(&pieces, &mut socket, &mut spares);
            assert_eq!((written, socket.taken.len()), (room, room));
            assert_eq!(out.len(), expected.len() - room);
            assert!(!out.is_empty() || out.front.capacity() == 0, "an empty queue holds no memory");
            socket.room = usize::MAX;
            assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Empty);
            assert_eq!(socket.taken, expected.front);
        }
    }

    #[test]
    fn a_blocked_queue_shrinks_a_large_spare_buffer() {
        let mut spares = SpareBuffers::default();
        spares.put_back(Vec::with_capacity(MAX_LARGE_CAPACITY));
        let mut out = SendQueue::default();
        out.push_text(&[&"x".repeat(MAX_SMALL_CAPACITY + 1)], &mut spares);
        assert_eq!(out.front.capacity(), MAX_LARGE_CAPACITY, "it got a large spare buffer");
        let mut socket = Narrow { room: 10, taken: Vec::new() };
        assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Blocked(10));
        assert!(
            out.front.capacity() <= 4 * MAX_SMALL_CAPACITY,
            "{} are held",
            out.front.capacity()
        );
    }

    #[test]
    fn a_growing_queue_takes_little_more_memory_than_its_bytes() {
        let mut spares = SpareBuffers::default();
        for size in [10, 1000, 30_000, 100_000, 3_000_000] {
            let mut out = SendQueue::default();
            let mut expected = Vec::new();
            let text = "x".repeat(size);
            while out.len() < 4 << 20 {
                out.push_text(&[&text], &mut spares);
                let mut alone = SendQueue::default();
                alone.push_text(&[&text], &mut SpareBuffers::default());
                expected.extend_from_slice(&alone.front);
                assert!(out.memory() >= out.len());
                let max = out.len() + out.len() / 2 + 2 * CHUNK_LEN;
                assert!(out.memory() <= max, "{} for {} of {size}", out.memory(), out.len());
            }
            let mut socket = Narrow { room: expected.len() / 2, taken: Vec::new() };
            out.write_to(&mut socket, &mut spares).unwrap();
            assert!(
                out.memory() <= out.len() * 2 + 2 * CHUNK_LEN,
                "the memory of sent bytes is freed"
            );
            socket.room = usize::MAX;
            assert_eq!(out.write_to(&mut socket, &mut spares).unwrap(), Progress::Empty);
            assert!(socket.taken == expected);
            assert_eq!((out.len(), out.memory()), (0, 0));
        }
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut spares = SpareBuffers::default();
        let mut out = SendQueue::default();
        let mut socket = Narrow { room: usize::MAX, taken: Vec::new() };
        out.push_text(&[&"x".repeat(100_000)], &mut spares);
        out.write_to(&mut socket, &mut spares).unwrap();
        assert_eq!(out.front.capacity(), 0);
        assert_eq!(spares.large.len(), 1, "the buffer is a spare now");
        out.push_text(&[&"x".repeat(MAX_LARGE_CAPACITY + 1)], &mut spares);
        out.write_to(&mut socket, &mut spares).unwrap();
        assert!(spares.large.is_empty(), "a larger buffer is not kept");
    }

    #[test]
    fn a_control_frame_is_never_too_long() {
        let mut out = SendQueue::default();
        out.push_control(Control::Pong, &[7; 200], &mut SpareBuffers::default());
        assert_eq!(out.len(), 2 + 125);
    }
}
