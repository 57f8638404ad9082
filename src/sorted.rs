//! Sorting with little code, for short lists off the hot path.

use std::collections::BinaryHeap;

/// Returns the items in ascending order. Equal items may change places.
///
/// It sorts with a heap: the sorts of the standard library are faster, but each type sorted adds
/// 5 KB to the program.
pub fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    heap_sorted(items.into_iter().collect())
}

/// Not inlined: it is there once for each type.
#[inline(never)]
fn heap_sorted<T: Ord>(items: Vec<T>) -> Vec<T> {
    BinaryHeap::from(items).into_sorted_vec()
}
