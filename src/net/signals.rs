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
    use signal_hook::flag::register_conditional_shutdown;
    use signal_hook_mio::v1_0::Signals as Source;
    use std::io::IsTerminal;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::Arc;

    /// Makes a write beyond the size that files may have fail, as any other that finds no room; otherwise
    /// the system ends the process at such a write.
    pub fn survive_full_files() {
        // Where that cannot be had the limit is seldom set.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    }

    /// Where signals arrive.
    pub(in crate::net) struct Signals {
        source: Source,
        terminal: Terminal,
        /// Set once the server stops: the next signal ends the process.
        stopping: Arc<AtomicBool>,
    }

    impl Signals {
        /// Starts to listen.
        pub(in crate::net) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let terminal = Terminal::at_start();
            let mut source = Source::new([SIGTERM, SIGINT, SIGHUP])?;
            registry.register(&mut source, token, mio::Interest::READABLE)?;
            let stopping = Arc::default();
            for signal in [SIGTERM, SIGINT] {
                // Whatever the loop does then: nobody has to wait for it.
                register_conditional_shutdown(signal, 0, Arc::clone(&stopping))?;
            }
            Ok(Signals { source, terminal, stopping })
        }

        /// What has arrived.
        pub(in crate::net) fn take(&mut self) -> Vec<Signal> {
            let (terminal, stopping) = (&self.terminal, &self.stopping);
            let meaning =
                |signal| meaning(signal, || terminal.is_gone(), || stopping.load(Ordering::SeqCst));
            self.source.pending().filter_map(meaning).collect()
        }

        /// From now on a signal to stop ends the process at once.
        pub(in crate::net) fn end_at_the_next(&self) {
            self.stopping.store(true, Ordering::SeqCst);
        }
    }

    /// What a signal asks for, if anything.
    fn meaning(
        signal: i32,
        terminal_is_gone: impl FnOnce() -> bool,
        is_stopping: impl FnOnce() -> bool,
    ) -> Option<Signal> {
        match signal {
            SIGHUP if !terminal_is_gone() => Some(Signal::Reload),
            // The system and the shell each send one for the same closed terminal: the second must
            // not cut the stop short.
            SIGHUP if is_stopping() => None,
            _ => Some(Signal::Stop),
        }
    }

    #[test]
    fn a_closed_terminal_stops_the_server_once_and_does_not_cut_the_stop_short() {
        let meaning = |signal, gone, stopping| meaning(signal, || gone, || stopping);
        assert_eq!(meaning(SIGHUP, false, false), Some(Signal::Reload));
        assert_eq!(meaning(SIGHUP, true, false), Some(Signal::Stop));
        assert_eq!(meaning(SIGHUP, true, true), None);
        assert_eq!(meaning(SIGTERM, true, true), Some(Signal::Stop));
    }

    /// The terminal that the server was started in. When it is closed the system sends SIGHUP, and
    /// nobody would see the server any more.
    struct Terminal {
        is_output: bool,
        is_error: bool,
    }

    impl Terminal {
        fn at_start() -> Self {
            // Who started it with `nohup` wants it to outlive the terminal.
            let outlives = ignores_hangup();
            Terminal {
                is_output: !outlives && io::stdout().is_terminal(),
                is_error: !outlives && io::stderr().is_terminal(),
            }
        }

        fn is_gone(&self) -> bool {
            (self.is_output && !io::stdout().is_terminal())
                || (self.is_error && !io::stderr().is_terminal())
        }
    }

    /// Whether SIGHUP was ignored when the process started. Only Linux tells; `nohup` also takes the
    /// terminal away from the outputs.
    fn ignores_hangup() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 1 << (SIGHUP - 1) != 0)
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

        /// The loop sees to it.
        pub(in crate::net) fn end_at_the_next(&self) {}
    }
}

pub use system::survive_full_files;
pub(super) use system::Signals;
