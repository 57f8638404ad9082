//! Signals: requests to stop, or to read the settings again.

use mio::{Registry, Token, Waker};
use std::io;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Stop. A second request stops at once.
    Stop,
    /// Read the settings again.
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no such signal"))]
    Reload,
    /// See which children have ended.
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no such signal"))]
    Child,
}

#[cfg(unix)]
mod system {
    use super::{io, Registry, Signal, Token, Waker};
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag::register_conditional_shutdown;
    use signal_hook_mio::v1_0::Signals as SignalSource;
    use std::io::IsTerminal;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::Arc;

    /// Makes a write beyond the file size limit (`ulimit -f`) return an error. By default the system
    /// kills the process with SIGXFSZ.
    pub fn survive_file_size_limit() {
        // If this fails, the server runs on: the limit is rarely set.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    }

    /// The source of signals.
    pub(in crate::net) struct Signals {
        source: SignalSource,
        terminal: Terminal,
        /// Whether the server is stopping.
        is_stopping: bool,
        /// Once it is set, the next SIGTERM or SIGINT ends the process.
        exits: Arc<AtomicBool>,
    }

    impl Signals {
        /// Starts to listen. Events come with `token`, which is that of `waker` as well.
        pub(in crate::net) fn new(
            registry: &Registry,
            token: Token,
            _waker: &Arc<Waker>,
        ) -> io::Result<Self> {
            let terminal = Terminal::at_start();
            let mut source = SignalSource::new([SIGTERM, SIGINT, SIGHUP, SIGCHLD])?;
            registry.register(&mut source, token, mio::Interest::READABLE)?;
            let exits = Arc::default();
            for signal in [SIGTERM, SIGINT] {
                // The signal handler ends the process, even if the loop hangs.
                register_conditional_shutdown(signal, 0, Arc::clone(&exits))?;
            }
            Ok(Signals { source, terminal, is_stopping: false, exits })
        }

        /// What has arrived.
        pub(in crate::net) fn take(&mut self) -> Vec<Signal> {
            let (terminal, is_stopping) = (&self.terminal, self.is_stopping);
            let meaning = |signal| meaning(signal, || terminal.is_gone(), || is_stopping);
            self.source.pending().filter_map(meaning).collect()
        }

        /// The server is stopping. With `exits` the next SIGTERM or SIGINT ends the process in the handler, which
        /// cannot end children.
        pub(in crate::net) fn stopping(&mut self, exits: bool) {
            self.is_stopping = true;
            self.exits.store(exits, Ordering::SeqCst);
        }
    }

    /// What a signal asks for; `None` if it is to be ignored.
    fn meaning(
        signal: i32,
        terminal_is_gone: impl FnOnce() -> bool,
        is_stopping: impl FnOnce() -> bool,
    ) -> Option<Signal> {
        match signal {
            SIGCHLD => Some(Signal::Child),
            SIGHUP if !terminal_is_gone() => Some(Signal::Reload),
            // The kernel and the shell each send SIGHUP for the same closed terminal. The second one
            // must not turn the stop into an immediate one.
            SIGHUP if is_stopping() => None,
            _ => Some(Signal::Stop),
        }
    }

    #[test]
    fn a_closed_terminal_is_one_request_to_stop() {
        let meaning = |signal, gone, stopping| meaning(signal, || gone, || stopping);
        assert_eq!(meaning(SIGHUP, false, false), Some(Signal::Reload));
        assert_eq!(meaning(SIGHUP, true, false), Some(Signal::Stop));
        assert_eq!(meaning(SIGHUP, true, true), None);
        assert_eq!(meaning(SIGTERM, true, true), Some(Signal::Stop));
    }

    /// The terminal that the server was started in. When it is closed, the kernel sends SIGHUP, and
    /// the server must stop rather than run on unseen.
    struct Terminal {
        is_output: bool,
        is_error: bool,
    }

    impl Terminal {
        fn at_start() -> Self {
            // With `nohup` the server must outlive the terminal.
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

    /// Whether SIGHUP was ignored when the process started. Only Linux provides this. Elsewhere it
    /// is enough that `nohup` redirects the outputs away from the terminal.
    fn ignores_hangup() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 1 << (SIGHUP - 1) != 0)
    }
}

#[cfg(not(unix))]
mod system {
    use super::{io, Registry, Signal, Token, Waker};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    /// Other systems have no such limit.
    pub fn survive_file_size_limit() {}

    /// The source of signals.
    pub(in crate::net) struct Signals(Arc<AtomicUsize>);

    impl Signals {
        /// Starts to listen. Events come with `token`, which is that of `waker` as well.
        pub(in crate::net) fn new(
            _registry: &Registry,
            _token: Token,
            waker: &Arc<Waker>,
        ) -> io::Result<Self> {
            let waker = Arc::clone(waker);
            let asked = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&asked);
            ctrlc::set_handler(move || {
                count.fetch_add(1, Ordering::SeqCst);
                // If waking fails, the loop sees the request at its next event.
                let _ = waker.wake();
            })
            .map_err(io::Error::other)?;
            Ok(Signals(asked))
        }

        /// What has arrived.
        pub(in crate::net) fn take(&mut self) -> Vec<Signal> {
            vec![Signal::Stop; self.0.swap(0, Ordering::SeqCst)]
        }

        /// Does nothing: here the loop handles the second request.
        pub(in crate::net) fn stopping(&mut self, _exits: bool) {}
    }
}

pub use system::survive_file_size_limit;
pub(super) use system::Signals;
