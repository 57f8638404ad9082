//! The limit of open files, which limits the number of connections.

/// File descriptors for other things: the terminal, the log, the listeners, the poll queue.
#[cfg(unix)]
const OWN_DESCRIPTORS: u64 = 32;

/// Raises the limit for `wanted` connections as far as the system allows. Returns the number of
/// connections there is room for if that is less.
#[cfg(unix)]
pub(super) fn raise_limit(wanted: usize) -> Option<u64> {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    // If the limit cannot be read, accept(2) reports when descriptors run out.
    let limit = rlimit::increase_nofile_limit(wanted.saturating_add(OWN_DESCRIPTORS)).ok()?;
    let room = limit.saturating_sub(OWN_DESCRIPTORS);
    (room < wanted).then_some(room)
}

/// Other systems have no such limit, or none that a process can raise.
#[cfg(not(unix))]
pub(super) fn raise_limit(_wanted: usize) -> Option<u64> {
    None
}
