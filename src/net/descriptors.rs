//! How many files the process may open, which is how many connections it may have.

/// Descriptors that are no connections: the terminal, the log, the listeners, the poll queue.
#[cfg(unix)]
const OWN: u64 = 32;

/// Asks the system for room for `wanted` connections, as far as it lets a process ask. Returns for
/// how many there is room, where that is fewer.
#[cfg(unix)]
pub(super) fn make_room(wanted: usize) -> Option<u64> {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    // Where the limit cannot even be read, running out of descriptors will tell.
    let limit = rlimit::increase_nofile_limit(wanted.saturating_add(OWN)).ok()?;
    let room = limit.saturating_sub(OWN);
    (room < wanted).then_some(room)
}

/// Other systems have no such limit, or none that can be asked for.
#[cfg(not(unix))]
pub(super) fn make_room(_wanted: usize) -> Option<u64> {
    None
}
