//! What stays the same when a tool server connects again.

/// A tool server over time. One that comes back has the identity it had. Twins, several connections
/// of what seems to be one tool server, share one. They are numbered in the order in which they first
/// became ready, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity(u32);

impl Identity {
    /// The identity of a tool server that is not ready yet.
    pub(super) const UNKNOWN: Identity = Identity(0);

    /// The identity of the next new tool server.
    pub(super) fn next(self) -> Self {
        Identity(self.0 + 1)
    }

    pub(super) fn number(self) -> u32 {
        self.0
    }

    #[cfg(test)]
    pub(super) fn of(number: u32) -> Self {
        Identity(number)
    }
}

impl Default for Identity {
    fn default() -> Self {
        Identity::UNKNOWN
    }
}
