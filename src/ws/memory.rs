//! How much memory a buffer takes: more than its length, and more than its capacity.

use std::mem::size_of;

/// The bytes of memory an allocation of `bytes` takes, with the allocator's overhead; 0 for 0.
pub fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        // As in glibc: one word of overhead, a multiple of two words, at least four words.
        _ => {
            bytes.saturating_add(WORD).max(3 * WORD).saturating_add(2 * WORD - 1) & !(2 * WORD - 1)
        }
    }
}

const WORD: usize = size_of::<usize>();

/// The bytes on the heap of a `Vec`, `VecDeque` or `Box<[T]>` with room for `capacity` values.
pub fn array_of<T>(capacity: usize) -> usize {
    allocated(capacity.saturating_mul(size_of::<T>()))
}
