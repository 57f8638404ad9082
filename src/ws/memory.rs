//! What a buffer takes in memory: more than its length, and more than its capacity.

use std::mem::size_of;

/// What an allocation of `bytes` takes, the allocator's own share included; nothing takes nothing.
pub fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        // A word of its own, steps of two words, and never less than four.
        _ => {
            bytes.saturating_add(WORD).max(3 * WORD).saturating_add(2 * WORD - 1) & !(2 * WORD - 1)
        }
    }
}

const WORD: usize = size_of::<usize>();

/// What a `Vec`, `VecDeque` or `Box<[T]>` with room for `capacity` values takes besides itself.
pub fn array_of<T>(capacity: usize) -> usize {
    allocated(capacity.saturating_mul(size_of::<T>()))
}
