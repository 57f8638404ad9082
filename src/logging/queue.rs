//! A bounded queue of lines for a helper thread. If a terminal is not read or a disk is slow, lines are lost,
//! but the thread that logs never waits.

use super::lock;
use crate::helper;
use crate::settings::Logging;
use crate::text::Language;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much may wait. A longer line is accepted if the queue is empty.
const MAX_WAITING_BYTES: usize = 256 << 10;

/// The stack of a helper thread. It only formats a sentence and calls the system.
const STACK_BYTES: usize = 64 << 10;

/// A job for the helper thread.
pub(super) enum Job {
    /// Write these whole lines.
    Write(Vec<u8>),
    /// Use other settings from now on.
    Configure(Box<Logging>, Language),
    /// Open the file again.
    Reopen,
    /// End the thread.
    Stop,
}

/// The queue of a helper thread. The thread sleeps without a timer while the queue is empty.
pub(super) struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

struct QueueState {
    jobs: VecDeque<Job>,
    /// Bytes that wait or are being written.
    waiting: usize,
    /// Lines lost since the last one that was accepted.
    lost: u32,
    /// Whether the thread is at work.
    is_busy: bool,
}

impl Queue {
    pub(super) fn new() -> Arc<Self> {
        let state = QueueState { jobs: VecDeque::new(), waiting: 0, lost: 0, is_busy: false };
        Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Starts the helper thread. It calls `work` for every job; `work` returns how many lines it lost.
    pub(super) fn start(self: &Arc<Self>, name: &str, mut work: Box<dyn FnMut(Job) -> u32 + Send>) {
        let queue = Arc::clone(self);
        let work = move || loop {
            let job = queue.next();
            if matches!(job, Job::Stop) {
                return queue.done(0, 0);
            }
            let bytes = if let Job::Write(lines) = &job { lines.len() } else { 0 };
            let lost = work(job);
            queue.done(bytes, lost);
        };
        // If no thread can start, the queue fills and lines are lost, but the server runs.
        let _ = helper::start(name, STACK_BYTES, Box::new(work));
    }

    /// Adds a line with its line break, or counts it as lost. Never blocks.
    pub(super) fn push(&self, line: &[u8], language: Language) {
        let mut state = lock(&self.state);
        let notice = match state.lost {
            0 => Vec::new(),
            lost => notice(line, &language.log_lines_dropped(lost)),
        };
        let size = notice.len() + line.len();
        if state.waiting > 0 && state.waiting + size > MAX_WAITING_BYTES {
            state.lost = state.lost.saturating_add(1);
            return;
        }
        state.lost = 0;
        state.waiting += size;
        match state.jobs.back_mut() {
            Some(Job::Write(lines)) => {
                lines.extend_from_slice(&notice);
                lines.extend_from_slice(line);
            }
            _ => state.jobs.push_back(Job::Write([&notice, line].concat())),
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Adds a job that the thread does after everything before it.
    pub(super) fn submit(&self, job: Job) {
        lock(&self.state).jobs.push_back(job);
        self.changed.notify_all();
    }

    /// Waits until all jobs are done, at most until `deadline`.
    pub(super) fn finish(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while state.is_busy || !state.jobs.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn next(&self) -> Job {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.is_busy = true;
                return job;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, bytes: usize, lost: u32) {
        let mut state = lock(&self.state);
        state.is_busy = false;
        state.waiting = state.waiting.saturating_sub(bytes);
        state.lost = state.lost.saturating_add(lost);
        drop(state);
        self.changed.notify_all();
    }
}

/// A warning that starts with the time of `line`, the line it precedes.
pub(super) fn notice(line: &[u8], said: &str) -> Vec<u8> {
    let stamp = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    [stamp, b" [WARN] ", said.as_bytes(), b"\n"].concat()
}

/// The number of lines.
pub(super) fn count(lines: &[u8]) -> u32 {
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn a_stuck_writer_loses_lines_and_the_log_says_how_many() {
        let queue = Queue::new();
        let (go, wait) = channel::<()>();
        let (written, read) = channel();
        let work = move |job| {
            let Job::Write(lines) = job else { return 0 };
            written.send(lines).unwrap();
            wait.recv().unwrap();
            0
        };
        queue.start("test", Box::new(work));
        let line = [b"T [INFO] ".as_slice(), &[b'x'; 1000], b"\n"].concat();
        queue.push(&line, Language::En);
        assert_eq!(read.recv().unwrap(), line, "the writer is stuck from now on");
        (0..1000).for_each(|_| queue.push(&line, Language::En));
        let lost = lock(&queue.state).lost;
        assert!((700..1000).contains(&lost), "{lost}");
        queue.finish(Instant::now());
        go.send(()).unwrap();
        assert_eq!(count(&read.recv().unwrap()), 1000 - lost);
        go.send(()).unwrap();
        queue.finish(soon());
        queue.push(&line, Language::En);
        let text = String::from_utf8(read.recv().unwrap()).unwrap();
        assert!(
            text.starts_with("T [WARN] ") && text.contains(&format!(" missing here: {lost}.")),
            "{text}"
        );
        go.send(()).unwrap();
    }

    #[test]
    fn jobs_are_done_in_sequence() {
        let queue = Queue::new();
        let (done, seen) = channel();
        queue.push(b"one\n", Language::En);
        queue.push(b"two\n", Language::En);
        queue.submit(Job::Reopen);
        queue.push(&[b'x'; MAX_WAITING_BYTES], Language::En);
        let work = move |job| {
            let _ = done.send(match job {
                Job::Write(lines) => String::from_utf8(lines).unwrap(),
                _ => "reopened".to_owned(),
            });
            0
        };
        queue.start("test", Box::new(work));
        queue.finish(soon());
        assert_eq!(
            seen.try_iter().collect::<Vec<_>>(),
            ["one\ntwo\n", "reopened"],
            "the third line does not fit"
        );
    }
}
