//! Sorting, where little is sorted seldom.

use std::collections::BinaryHeap;

/// The items in order.
///
/// By a heap: the sorts of the standard library are faster and each takes 5 KB of program for every
/// type that is sorted, which is as much as a room of this house.
pub fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().collect::<BinaryHeap<T>>().into_sorted_vec()
}
