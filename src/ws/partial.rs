//! Incomplete frames and messages, and the memory they take.

use crate::memory::allocated;
use crate::send::{free_buffer, SpareBuffers};

/// From this many bytes on, the beginning of a frame is kept in a spare buffer. A spare may be much
/// larger than the frame, and the connection is charged for all of it.
const MIN_SPARE_USE: usize = 1024;

/// How many bytes of a frame are read directly into its buffer at a time, in bytes. If less is
/// missing, a read into the shared buffer is better: it also gets what follows the frame.
const MIN_DIRECT_READ: usize = 4 * 1024;
const MAX_DIRECT_READ: usize = 64 * 1024;

/// The bytes of an incomplete frame, header included.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    /// The bytes received, followed by room with undefined content.
    memory: Vec<u8>,
    /// The number of bytes received.
    filled: usize,
}

impl Drop for Partial {
    fn drop(&mut self) {
        free_buffer(std::mem::take(&mut self.memory));
    }
}

impl Partial {
    /// The bytes received.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.get(..self.filled).unwrap_or_default()
    }

    /// The bytes received, for unmasking.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.filled).unwrap_or_default()
    }

    /// The number of bytes received.
    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    /// The bytes of memory it takes.
    pub(crate) fn held(&self) -> usize {
        allocated(self.memory.capacity())
    }

    /// Appends `bytes` of a frame that lacks `missing` bytes, with `bytes` counted as missing.
    pub(crate) fn add(&mut self, bytes: &[u8], missing: usize, spares: &mut SpareBuffers) {
        if self.memory.capacity() == 0 && bytes.len() >= MIN_SPARE_USE {
            self.memory = spares.take_uncleared(bytes.len());
        }
        if let Some(room) = self.make_room(bytes.len(), missing).get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.filled += bytes.len();
        }
    }

    /// Returns where to read the next bytes of a frame that lacks `missing` bytes; `None` if a
    /// direct read is not worth it. This may allocate, so the caller must update what it charges
    /// even if the read yields nothing.
    pub(crate) fn read_buffer(&mut self, missing: usize) -> Option<&mut [u8]> {
        let free = self.memory.len().saturating_sub(self.filled);
        let room = if free < MIN_DIRECT_READ { self.filled } else { free };
        let size = missing.min(room).min(MAX_DIRECT_READ);
        if size < MIN_DIRECT_READ {
            return None;
        }
        self.make_room(size, missing).get_mut(..size)
    }

    /// Notes that `count` bytes were read into [`Partial::read_buffer`].
    pub(crate) fn advance(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.memory.len());
    }

    /// Drops the frame and returns its buffer to `spares`.
    pub(crate) fn clear(&mut self, spares: &mut SpareBuffers) {
        self.filled = 0;
        spares.put_back(std::mem::take(&mut self.memory));
    }

    /// Returns room for at least `size` bytes after those received. If it must allocate, it doubles
    /// the buffer, but never beyond the end of the frame.
    fn make_room(&mut self, size: usize, missing: usize) -> &mut [u8] {
        let needed = self.filled + size;
        if self.memory.len() < needed {
            if self.memory.capacity() < needed {
                // Nothing behind `filled` needs to be copied.
                self.memory.truncate(self.filled);
                self.memory.reserve_exact(missing.min(size.max(self.filled)));
            }
            self.memory.resize(self.memory.capacity(), 0);
        }
        self.memory.get_mut(self.filled..).unwrap_or_default()
    }
}

/// The frames received of a fragmented message.
#[derive(Debug)]
pub(crate) struct Fragments {
    /// Whether it is a text message.
    pub is_text: bool,
    /// The payloads received.
    pub bytes: Vec<u8>,
}

impl Drop for Fragments {
    fn drop(&mut self) {
        free_buffer(std::mem::take(&mut self.bytes));
    }
}
