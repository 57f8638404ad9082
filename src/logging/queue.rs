//! Lines on their way to a helper thread: bounded, so that a terminal nobody reads or a slow disk costs
//! lines, and never the time of whoever logs.

use super::lock;
use crate::settings::Logging;
use crate::text::Language;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How much may wait, in bytes. One longer line is taken where nothing waits.
const MAX_WAITING: usize = 256 << 10;

/// The stack of a helper thread, in bytes: it formats a sentence and calls the system.
const STACK: usize = 64 << 10;

/// What the helper thread is to do.
pub(super) enum Order {
    /// Write these whole lines.
    Write(Vec<u8>),
    /// Go on with other settings.
    Follow(Box<Logging>, Language),
    /// Open the file afresh.
    Reopen,
    /// End.
    End,
}

/// The way to a helper thread. It waits without a timer while there is nothing to do.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    orders: VecDeque<Order>,
    /// Bytes that wait, or are being written.
    waiting: usize,
    /// Lines lost since the last one that found room.
    lost: u32,
    /// Whether the thread is at work.
    is_busy: bool,
}

impl Queue {
    pub(super) fn new() -> Arc<Self> {
        let state = State { orders: VecDeque::new(), waiting: 0, lost: 0, is_busy: false };
        Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Starts the helper thread, which carries out every order. `work` says how many lines it lost.
    pub(super) fn start(
        self: &Arc<Self>,
        name: &str,
        mut work: Box<dyn FnMut(Order) -> u32 + Send>,
    ) {
        let queue = Arc::clone(self);
        let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        // Where there is no thread to be had the lines are lost when the queue is full; the server goes on.
        let _ = thread.spawn(move || loop {
            let order = queue.next();
            if matches!(order, Order::End) {
                return queue.done(0, 0);
            }
            let bytes = if let Order::Write(lines) = &order { lines.len() } else { 0 };
            let lost = work(order);
            queue.done(bytes, lost);
        });
    }

    /// Adds a line, its end included, or counts it as lost. It never waits.
    pub(super) fn push(&self, line: &[u8], language: Language) {
        let mut state = lock(&self.state);
        let notice = match state.lost {
            0 => Vec::new(),
            lost => notice(line, &language.log_lines_dropped(lost)),
        };
        let size = notice.len() + line.len();
        if state.waiting > 0 && state.waiting + size > MAX_WAITING {
            state.lost = state.lost.saturating_add(1);
            return;
        }
        state.lost = 0;
        state.waiting += size;
        match state.orders.back_mut() {
            Some(Order::Write(lines)) => {
                lines.extend_from_slice(&notice);
                lines.extend_from_slice(line);
            }
            _ => state.orders.push_back(Order::Write([&notice, line].concat())),
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Asks the thread for something else, once it has written what waits.
    pub(super) fn order(&self, order: Order) {
        lock(&self.state).orders.push_back(order);
        self.changed.notify_all();
    }

    /// Waits until everything is done, at most until `deadline`.
    pub(super) fn finish(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while state.is_busy || !state.orders.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn next(&self) -> Order {
        let mut state = lock(&self.state);
        loop {
            if let Some(order) = state.orders.pop_front() {
                state.is_busy = true;
                return order;
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

/// A warning with the time of the line that follows it.
pub(super) fn notice(line: &[u8], said: &str) -> Vec<u8> {
    let stamp = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    [stamp, b" [WARN] ", said.as_bytes(), b"\n"].concat()
}

/// How many lines these are.
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
    fn a_writer_that_is_stuck_costs_lines_and_the_loss_is_told() {
        let queue = Queue::new();
        let (go, wait) = channel::<()>();
        let (written, read) = channel();
        let work = move |order| {
            let Order::Write(lines) = order else { return 0 };
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
        assert!(text.starts_with("T [WARN] ") && text.contains(&format!(" {lost} ")), "{text}");
        go.send(()).unwrap();
    }

    #[test]
    fn orders_are_carried_out_one_after_another() {
        let queue = Queue::new();
        let (done, seen) = channel();
        queue.push(b"one\n", Language::En);
        queue.push(b"two\n", Language::En);
        queue.order(Order::Reopen);
        queue.push(&[b'x'; MAX_WAITING], Language::En);
        let work = move |order| {
            let _ = done.send(match order {
                Order::Write(lines) => String::from_utf8(lines).unwrap(),
                _ => "afresh".to_owned(),
            });
            0
        };
        queue.start("test", Box::new(work));
        queue.finish(soon());
        assert_eq!(
            seen.try_iter().collect::<Vec<_>>(),
            ["one\ntwo\n", "afresh"],
            "a third has no room"
        );
    }
}
