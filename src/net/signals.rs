//! What the operating system asks of the server: to stop, or to read its settings again.

use mio::{Registry, Token};
use std::io;

/// A request of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Stop; asked twice, stop at once.
    Stop,
    /// Read the settings again.
    #[cfg_attr(not(unix), allow(dead_code, reason = "elsewhere there is no such signal"))]
    Reload,
}

#[cfg(unix)]
mod system {
    use super::{io, Registry, Signal, Token};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook_mio::v1_0::Signals as Source;

    /// Makes a write beyond the size that files may have fail, as any other that finds no room; otherwise
    /// the system ends the process at such a write.
    pub fn survive_full_files() {
        // Where that cannot be had the limit is seldom set.
        let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default());
    }

    /// Where signals arrive.
    pub(in crate::net) struct Signals(Source);

    impl Signals {
        /// Starts to listen.
        pub(in crate::net) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let mut source = Source::new([SIGTERM, SIGINT, SIGHUP])?;
            registry.register(&mut source, token, mio::Interest::READABLE)?;
            Ok(Signals(source))
        }

        /// What has arrived.
        pub(in crate::net) fn take(&mut self) -> Vec<Signal> {
            let meaning = |signal| if signal == SIGHUP { Signal::Reload } else { Signal::Stop };
            self.0.pending().map(meaning).collect()
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{io, Registry, Signal, Token};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    /// Elsewhere there is no such limit.
    pub fn survive_full_files() {}

    /// Where signals arrive.
    pub(in crate::net) struct Signals(Arc<AtomicUsize>);

    impl Signals {
        /// Starts to listen.
        pub(in crate::net) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let waker = mio::Waker::new(registry, token)?;
            let asked = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&asked);
            ctrlc::set_handler(move || {
                count.fetch_add(1, Ordering::SeqCst);
                // Where waking fails the next event will do.
                let _ = waker.wake();
            })
            .map_err(io::Error::other)?;
            Ok(Signals(asked))
        }

        /// What has arrived.
        pub(in crate::net) fn take(&mut self) -> Vec<Signal> {
            vec![Signal::Stop; self.0.swap(0, Ordering::SeqCst)]
        }
    }
}

pub use system::survive_full_files;
pub(super) use system::Signals;
