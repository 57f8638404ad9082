//! Saves changes of the selection, one after the other, in a helper thread: a disk may be slow.

use crate::helper;
use crate::relay::Peer;
use crate::settings::selection::{Change, ChangeError, Changed};
use crate::text::Language;
use mio::Waker;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many changes may wait. Each is at most 64 KiB.
const MAX_WAITING: usize = 8;

/// The stack of the thread.
const STACK_BYTES: usize = 256 << 10;

/// What came of a change.
pub(super) type Outcome = Result<Changed, ChangeError>;

/// The changes that are to be saved.
#[derive(Debug)]
pub(super) struct Saver {
    waker: Arc<Waker>,
    /// What came of the change that the thread makes.
    outcome: Arc<Mutex<Option<Outcome>>>,
    /// Who asked for the change that the thread makes, and in which language.
    current: Option<(Peer, Language)>,
    waiting: VecDeque<(Peer, Change)>,
}

impl Saver {
    /// `waker` wakes the loop up when a change has been made.
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Saver { waker, outcome: Arc::default(), current: None, waiting: VecDeque::new() }
    }

    /// Whether there is nothing to save.
    pub(super) fn is_idle(&self) -> bool {
        self.current.is_none()
    }

    /// Whether no more changes may wait.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// Makes the change that `peer` asks for, after those before it.
    pub(super) fn add(&mut self, peer: Peer, change: Change) {
        self.waiting.push_back((peer, change));
        if self.is_idle() {
            self.start_next();
        }
    }

    /// Forgets the change that `peer` asks for, if it still waits.
    pub(super) fn withdraw(&mut self, peer: Peer) {
        self.waiting.retain(|(other, _)| *other != peer);
    }

    /// What came of the change that was made last, and for whom.
    pub(super) fn take(&mut self) -> Option<(Peer, Language, Outcome)> {
        let outcome = lock(&self.outcome).take()?;
        let (peer, language) = self.current.take()?;
        self.start_next();
        Some((peer, language, outcome))
    }

    fn start_next(&mut self) {
        let Some((peer, change)) = self.waiting.pop_front() else { return };
        let language = change.language;
        self.current = Some((peer, language));
        let (outcome, waker) = (Arc::clone(&self.outcome), Arc::clone(&self.waker));
        let finish = move |result| {
            *lock(&outcome) = Some(result);
            // If waking fails, the loop sees the outcome at its next wake-up.
            let _ = waker.wake();
        };
        let failed = finish.clone();
        let work = move || finish(change.make());
        if let Err(error) = helper::start("save", STACK_BYTES, Box::new(work)) {
            failed(Err(ChangeError::NotWritten(language.not_writable(error))));
        }
    }
}

fn lock(outcome: &Mutex<Option<Outcome>>) -> MutexGuard<'_, Option<Outcome>> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}
