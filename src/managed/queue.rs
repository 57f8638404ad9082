//! The messages that wait for the standard input of a child.

use super::link::ToServer;
use std::io::{self, Write};
use ws::memory::allocated;

/// A queue of more than this is given back once it is empty.
const MAX_KEPT: usize = 16 << 10;

/// A queue of lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of them are written.
    written: usize,
    limit: usize,
    /// How often it was emptied.
    emptied: u32,
}

impl Queue {
    /// An empty queue for `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Queue { limit, ..Queue::default() }
    }

    /// Writes as much as `pipe` takes.
    pub(super) fn write_to(&mut self, pipe: &mut impl Write) -> io::Result<()> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match pipe.write(rest) {
                Ok(count) => self.written += count,
                Err(error) => {
                    // What is written is not kept forever where the queue never gets empty.
                    if self.written > self.bytes.len() / 2 {
                        self.bytes.drain(..self.written);
                        self.written = 0;
                    }
                    return Err(error);
                }
            }
        }
        if !self.bytes.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(MAX_KEPT);
            self.written = 0;
            self.emptied = self.emptied.wrapping_add(1);
        }
        Ok(())
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        allocated(self.bytes.capacity())
    }
}

impl ToServer for Queue {
    fn send(&mut self, pieces: &[&str]) -> bool {
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        let waiting = self.bytes.len() - self.written;
        if waiting > 0 && waiting.saturating_add(size) > self.limit {
            return false;
        }
        pieces.iter().for_each(|piece| self.bytes.extend_from_slice(piece.as_bytes()));
        self.bytes.push(b'\n');
        true
    }

    fn emptied(&self) -> u32 {
        self.emptied
    }

    fn limit(&self) -> usize {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    /// A pipe with room for so many bytes.
    struct Pipe(usize, Vec<u8>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.0 -= count;
            self.1.extend_from_slice(&bytes[..count]);
            if count == 0 {
                Err(ErrorKind::WouldBlock.into())
            } else {
                Ok(count)
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_queue_that_never_gets_empty_does_not_grow() {
        let (mut queue, mut pipe) = (Queue::new(100), Pipe(0, Vec::new()));
        for number in 0..1000 {
            assert!(queue.send(&["{", &format!("{number:018}"), "}"]));
            pipe.0 = if number == 0 { 5 } else { 21 };
            assert!(queue.write_to(&mut pipe).is_err());
        }
        assert!(queue.memory() < 200, "{}", queue.memory());
        assert_eq!(queue.emptied(), 0);
        pipe.0 = 100;
        queue.write_to(&mut pipe).unwrap();
        let expected: String = (0..1000).map(|number| format!("{{{number:018}}}\n")).collect();
        assert_eq!((String::from_utf8(pipe.1).unwrap(), queue.emptied()), (expected, 1));
    }

    #[test]
    fn what_exceeds_the_limit_is_refused_unless_nothing_waits() {
        let mut queue = Queue::new(10);
        assert!(queue.send(&["longer than ten"]) && !queue.send(&["x"]));
        queue.write_to(&mut Pipe(100, Vec::new())).unwrap();
        assert!(queue.send(&["x"]) && queue.send(&["y"]) && !queue.send(&["0123456789"]));
    }
}
