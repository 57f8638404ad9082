//! Sorting with little code, for short lists off the hot path.

use std::collections::BinaryHeap;

/// Returns the items in ascending order. Equal items may change places.
///
/// It sorts with a heap: the sorts of the standard library are faster, but each type sorted adds
/// 5 KB to the program.
pub fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    heap_sorted(items.into_iter().collect())
}

/// The places of items, each given with its number, in the order of the numbers. Places above `u32::MAX` do
/// not occur.
pub fn in_order(items: impl Iterator<Item = (u32, usize)>) -> Vec<usize> {
    let packed = items.map(|(number, place)| (u64::from(number) << 32) | place as u64);
    sorted(packed).into_iter().map(|packed| packed as u32 as usize).collect()
}

/// Not inlined: it is there once for each type.
#[inline(never)]
fn heap_sorted<T: Ord>(items: Vec<T>) -> Vec<T> {
    BinaryHeap::from(items).into_sorted_vec()
}
