//! What has happened in another thread, and waiting for it.

use super::TIMEOUT;
use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A list that only grows, and that can be waited on. Clones are the same list.
#[derive(Debug)]
pub struct Journal<T>(Arc<(Mutex<Vec<T>>, Condvar)>);

impl<T> Clone for Journal<T> {
    fn clone(&self) -> Self {
        Journal(Arc::clone(&self.0))
    }
}

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Journal(Arc::default())
    }
}

impl<T: Clone + Debug> Journal<T> {
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0 .0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry and wakes who waits.
    pub fn push(&self, entry: T) {
        self.lock().push(entry);
        self.0 .1.notify_all();
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<T> {
        self.lock().clone()
    }

    /// Waits until `found` finds what it looks for, [`TIMEOUT`] at most.
    pub fn wait<R>(&self, what: &str, found: impl FnMut(&[T]) -> Option<R>) -> R {
        self.wait_for(TIMEOUT, what, found)
    }

    /// As [`wait`](Self::wait), with a timeout of its own.
    pub fn wait_for<R>(
        &self,
        timeout: Duration,
        what: &str,
        found: impl FnMut(&[T]) -> Option<R>,
    ) -> R {
        self.try_wait(timeout, found)
            .unwrap_or_else(|all| panic!("{what}: not within {timeout:?}; what came: {all:#?}"))
    }

    /// Like [`wait_for`](Self::wait_for), but returns what came instead of panicking.
    pub fn try_wait<R>(
        &self,
        timeout: Duration,
        mut found: impl FnMut(&[T]) -> Option<R>,
    ) -> Result<R, Vec<T>> {
        let end = Instant::now() + timeout;
        let mut entries = self.lock();
        loop {
            if let Some(result) = found(&entries) {
                return Ok(result);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(entries.clone());
            }
            entries =
                self.0 .1.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
