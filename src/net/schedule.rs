//! Which connections are read from and written to in this turn, each once.

use super::table::Entry;

/// A list with room for more slots than this is freed once it is done.
const MAX_KEPT: usize = 1024;

/// The connections with something to do.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    to_read: Vec<usize>,
    to_write: Vec<usize>,
    /// Bytes of messages queued since all connections were last written to.
    pub fresh: usize,
}

impl Schedule {
    /// Whether there is something to do.
    pub(super) fn has_work(&self) -> bool {
        !self.to_read.is_empty() || !self.to_write.is_empty()
    }

    /// Notes that a connection may have something to read.
    pub(super) fn read_later(&mut self, slot: usize, entry: &mut Entry) {
        if !entry.is_to_read {
            entry.is_to_read = true;
            self.to_read.push(slot);
        }
    }

    /// Notes that a connection has something to write.
    pub(super) fn write_later(&mut self, slot: usize, entry: &mut Entry) {
        if !entry.is_to_write {
            entry.is_to_write = true;
            self.to_write.push(slot);
        }
    }

    /// Takes the list of connections to read from.
    pub(super) fn take_reads(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.to_read)
    }

    /// Keeps the memory of a list from [`take_reads`](Self::take_reads) that is done.
    pub(super) fn reuse_reads(&mut self, done: Vec<usize>) {
        reuse(done, &mut self.to_read);
    }

    /// Takes the list of connections to write to.
    pub(super) fn take_writes(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.to_write)
    }

    /// Keeps the memory of a list from [`take_writes`](Self::take_writes) that is done.
    pub(super) fn reuse_writes(&mut self, done: Vec<usize>) {
        reuse(done, &mut self.to_write);
        self.fresh = 0;
    }
}

/// Keeps the memory of a list that is done, unless there is a new one or it is large.
fn reuse(done: Vec<usize>, list: &mut Vec<usize>) {
    if list.is_empty() && done.capacity() <= MAX_KEPT {
        *list = done;
    }
}
