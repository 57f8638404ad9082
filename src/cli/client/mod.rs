//! A small blocking client: what the commands beside the server ask it with.
//!
//! It dials as the manager console and devices do, every wait has an end, and what goes wrong is
//! told apart as far as it can be: [`Failure`].

pub mod address;
pub mod http;
pub mod own;
mod stream;
mod tls;
pub mod websocket;

pub use address::{Address, Kind};
pub use stream::{connects, Stream};
#[cfg(feature = "doctor")]
pub use tls::Distrust;

use crate::text::Language;
use std::time::Duration;

/// How long a server that runs may take to answer. After refused attempts from this address it takes up to
/// five seconds longer than usual.
pub const MAX_WAIT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The host has no address; what the system says about it.
    NoSuchHost(String),
    /// The machine is there, and nobody listens on the port.
    Refused,
    /// The machine cannot be reached; what the system says about it.
    Unreachable(String),
    /// Nobody said anything in time: not to the connection, where `connected` is false, or not
    /// to the request.
    Silent {
        /// Whether there was a connection.
        connected: bool,
    },
    /// The connection ended before the answer.
    Ended,
    /// What came is no HTTP; its beginning, fit to be shown.
    NotHttp(String),
    /// What came is TLS.
    SpeaksTls,
    /// TLS was tried, and the port does not speak it.
    #[cfg(feature = "doctor")]
    SpeaksNoTls,
    /// The certificate is not to be trusted.
    #[cfg(feature = "doctor")]
    Distrusted(Distrust),
    /// TLS failed otherwise; what `openssl` says about it.
    #[cfg(feature = "doctor")]
    Tls(String),
    /// There is no `openssl` to speak TLS with.
    NoOpenssl,
    /// The answer is longer than any of ours.
    TooLong,
}

impl Failure {
    /// What it is, why, and what to do.
    pub fn text(&self, language: Language) -> String {
        match self {
            Failure::NoSuchHost(said) => language.failure_no_host(said),
            Failure::Refused => language.failure_refused(),
            Failure::Unreachable(said) => language.failure_unreachable(said),
            Failure::Silent { connected: false } => language.failure_silent_host(),
            Failure::Silent { connected: true } => language.failure_silent(),
            Failure::Ended => language.failure_ended(),
            Failure::NotHttp(line) => language.failure_not_http(line),
            Failure::SpeaksTls => language.failure_speaks_tls(),
            #[cfg(feature = "doctor")]
            Failure::SpeaksNoTls => language.failure_speaks_no_tls(),
            #[cfg(feature = "doctor")]
            Failure::Distrusted(Distrust::Signer) => language.failure_signer(),
            #[cfg(feature = "doctor")]
            Failure::Distrusted(Distrust::Time) => language.failure_time(),
            #[cfg(feature = "doctor")]
            Failure::Distrusted(Distrust::Name) => language.failure_name(),
            #[cfg(feature = "doctor")]
            Failure::Tls(said) => language.failure_tls(said),
            Failure::NoOpenssl => language.failure_no_openssl(),
            Failure::TooLong => language.failure_too_long(),
        }
    }
}

/// What `ask` makes of a server that does `serve` with its only connection, as long as it lasts.
/// It has to come back by itself.
#[cfg(test)]
fn served<R: Send + 'static>(
    serve: impl FnOnce(&mut std::net::TcpStream) -> std::io::Result<()> + Send + 'static,
    ask: impl FnOnce(Address) -> R + Send + 'static,
) -> R {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = Address::read(&listener.local_addr().unwrap().to_string()).unwrap();
    std::thread::spawn(move || serve(&mut listener.accept().unwrap().0));
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(ask(address)));
    answers.recv_timeout(std::time::Duration::from_secs(20)).expect("it waits forever")
}
