//! Helper threads. Each does one thing that may block, so that the loop never does.

use std::io;
use std::thread::Builder;

/// Starts a helper thread. `stack` is the size of its stack, in bytes.
///
/// # Errors
/// The system's error, if no thread can start.
pub fn start(name: &str, stack: usize, work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    Builder::new().name(name.to_owned()).stack_size(stack).spawn(work).map(drop)
}
