//! How much one peer may make the relay send to others: so much at once, and so much a second.

use crate::time::Moment;

/// How many bytes may be sent at once.
const BURST: usize = 8 << 20;

/// How many bytes a millisecond may be sent in the long run.
const RATE: usize = 8 << 10;

/// What a message costs besides its bytes.
const MESSAGE: usize = 1 << 10;

/// How many times as much as one peer all peers of an agent may make the relay send to others.
pub(super) const AGENT_SHARE: usize = 4;

/// What has been sent of late.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// How many bytes were sent, less those that time has made up for.
    sent: usize,
    at: Moment,
}

impl Bucket {
    /// Whether one more message of `bytes` may be sent, by somebody who may send `share` times as much as one
    /// peer. A message that is larger than all that is left goes, the next one does not.
    pub(super) fn admits(&mut self, now: Moment, bytes: usize, share: usize) -> bool {
        let passed = usize::try_from(now.since(self.at).as_millis()).unwrap_or(usize::MAX);
        self.at = now;
        self.sent = self.sent.saturating_sub(passed.saturating_mul(RATE * share));
        let admits = self.sent < BURST * share;
        if admits {
            self.sent = self.sent.saturating_add(bytes).saturating_add(MESSAGE);
        }
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_and_then_so_much_a_second() {
        let at = |millis| Moment::from_start(Duration::from_millis(millis));
        let mut bucket = Bucket::default();
        let passed = (0..100_000).filter(|_| bucket.admits(at(1), 1024, 1)).count();
        assert_eq!(passed, BURST / 2048);
        let passed = (0..100_000).filter(|_| bucket.admits(at(1001), 1024, 1)).count();
        assert_eq!(passed, 4000);
        // One that is larger than the burst passes, if only seldom.
        assert!(bucket.admits(at(60_000), 16 << 20, 1) && !bucket.admits(at(60_100), 1, 1));
        assert!(bucket.admits(at(62_000), 1, 1));
    }
}
