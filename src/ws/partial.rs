//! A frame or a message that has not come whole, and the memory it takes meanwhile.

use crate::memory::allocated;
use crate::send::{release, Spares};

/// From how many bytes on the beginning of a frame gets a buffer that was used before, which may
/// be much larger; its whole memory is accounted for.
const WORTH_A_SPARE: usize = 1024;

/// How many bytes are read straight into their place at a time, at least and at most. With less of
/// a frame missing, what follows it is better read in the same breath.
const WORTH_A_READ: usize = 4 * 1024;
const MOST_AT_ONCE: usize = 64 * 1024;

/// The beginning of a frame.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    /// What has come, and room for more with anything in it.
    memory: Vec<u8>,
    came: usize,
}

impl Drop for Partial {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.memory));
    }
}

impl Partial {
    /// What has come.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.get(..self.came).unwrap_or_default()
    }

    /// What has come, to be unmasked.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.came).unwrap_or_default()
    }

    /// How many bytes have come.
    pub(crate) fn len(&self) -> usize {
        self.came
    }

    /// How many bytes of memory it takes.
    pub(crate) fn held(&self) -> usize {
        allocated(self.memory.capacity())
    }

    /// Adds what has come, of a frame that lacks `missing` bytes, these included.
    pub(crate) fn add(&mut self, bytes: &[u8], missing: usize, spares: &mut Spares) {
        if self.memory.capacity() == 0 && bytes.len() >= WORTH_A_SPARE {
            self.memory = spares.take_used(bytes.len());
        }
        if let Some(room) = self.make_room(bytes.len(), missing).get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.came += bytes.len();
        }
    }

    /// Where the rest of a large frame is to be read to that lacks `missing` bytes; nothing where
    /// that is not worth it. It may take memory for it, which counts whether anything comes or not.
    pub(crate) fn room(&mut self, missing: usize) -> Option<&mut [u8]> {
        let free = self.memory.len().saturating_sub(self.came);
        let room = if free < WORTH_A_READ { self.came } else { free };
        let size = missing.min(room).min(MOST_AT_ONCE);
        if size < WORTH_A_READ {
            return None;
        }
        self.make_room(size, missing).get_mut(..size)
    }

    /// So many bytes were read to [`Partial::room`].
    pub(crate) fn came(&mut self, count: usize) {
        self.came = self.came.saturating_add(count).min(self.memory.len());
    }

    /// Forgets it.
    pub(crate) fn clear(&mut self, spares: &mut Spares) {
        self.came = 0;
        spares.give(std::mem::take(&mut self.memory));
    }

    /// Room for `size` bytes or more behind what has come. Where memory is lacking there will be
    /// as much as has come besides, but never more than the frame takes.
    fn make_room(&mut self, size: usize, missing: usize) -> &mut [u8] {
        let needed = self.came + size;
        if self.memory.len() < needed {
            if self.memory.capacity() < needed {
                // Nobody wants what lies behind.
                self.memory.truncate(self.came);
                self.memory.reserve_exact(missing.min(size.max(self.came)));
            }
            self.memory.resize(self.memory.capacity(), 0);
        }
        self.memory.get_mut(self.came..).unwrap_or_default()
    }
}

/// A message of several frames.
#[derive(Debug)]
pub(crate) struct Fragments {
    /// Whether it is text.
    pub is_text: bool,
    /// What has come of it.
    pub bytes: Vec<u8>,
}

impl Drop for Fragments {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.bytes));
    }
}
