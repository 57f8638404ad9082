//! TLS by the program `openssl`. A library for it would double ours, which speaks TLS nowhere
//! else: the server leaves it to a proxy.

use super::Failure;
#[cfg(feature = "doctor")]
use crate::escape::visible_start;

/// Why a certificate is not trusted.
#[cfg(feature = "doctor")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody this machine trusts has signed it, or a certificate in between is not sent.
    Signer,
    /// It is over, or has not begun.
    Time,
    /// It is for another name.
    Name,
}

#[cfg(all(unix, feature = "doctor"))]
pub(super) use unix::Tunnel;

#[cfg(not(all(unix, feature = "doctor")))]
pub(super) use elsewhere::Tunnel;

#[cfg(all(unix, feature = "doctor"))]
mod unix {
    use super::{why, Failure};
    use std::io::Read;
    use std::net::IpAddr;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    /// The most that is read of what `openssl` says, in bytes.
    const MAX_STDERR_BYTES: u64 = 16 * 1024;

    /// A running `openssl s_client`, and the socket that is its input and output: unlike a pipe
    /// it can be read with a timeout.
    #[derive(Debug)]
    pub(in crate::cli::client) struct Tunnel {
        child: Child,
        socket: UnixStream,
    }

    impl Tunnel {
        /// Starts one.
        pub(in crate::cli::client) fn open(host: &str, port: u16) -> Result<Self, Failure> {
            let failed = |error: std::io::Error| Failure::Tls(error.to_string());
            let (socket, theirs) = UnixStream::pair().map_err(failed)?;
            let output = theirs.try_clone().map_err(failed)?;
            let mut command = Command::new("openssl");
            command.args(["s_client", "-quiet", "-verify_return_error", "-connect"]);
            // An address stands in a certificate differently from a name, and is not asked for.
            if host.parse::<IpAddr>().is_ok() {
                let place = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                command.arg(format!("{place}:{port}")).args(["-noservername", "-verify_ip", host]);
            } else {
                command.arg(format!("{host}:{port}"));
                command.args(["-servername", host, "-verify_hostname", host]);
            }
            command.stdin(Stdio::from(OwnedFd::from(theirs)));
            command.stdout(Stdio::from(OwnedFd::from(output))).stderr(Stdio::piped());
            let child = command.spawn().map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Failure::NoOpenssl,
                _ => failed(error),
            })?;
            // `command` goes with the ends it holds, so that the end of the child is seen.
            socket.set_write_timeout(Some(Duration::from_secs(4))).map_err(failed)?;
            Ok(Tunnel { child, socket })
        }

        pub(in crate::cli::client) fn socket(&self) -> &UnixStream {
            &self.socket
        }

        /// What it said before it ended.
        pub(in crate::cli::client) fn why_ended(&mut self) -> Failure {
            let _ = self.child.kill();
            let mut said = Vec::new();
            if let Some(stderr) = self.child.stderr.take() {
                let _ = stderr.take(MAX_STDERR_BYTES).read_to_end(&mut said);
            }
            why(&String::from_utf8_lossy(&said))
        }
    }

    impl Drop for Tunnel {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(not(all(unix, feature = "doctor")))]
mod elsewhere {
    use super::Failure;
    use std::net::TcpStream;

    /// There is none: it was left out, or pipes cannot be read with a timeout here.
    #[derive(Debug)]
    pub(in crate::cli::client) enum Tunnel {}

    impl Tunnel {
        pub(in crate::cli::client) fn open(_: &str, _: u16) -> Result<Self, Failure> {
            Err(Failure::NoOpenssl)
        }

        pub(in crate::cli::client) fn socket(&self) -> &TcpStream {
            match *self {}
        }

        pub(in crate::cli::client) fn why_ended(&mut self) -> Failure {
            match *self {}
        }
    }
}

/// What `openssl` said, understood. Its numbers and words are the same in every language.
#[cfg(feature = "doctor")]
#[cfg_attr(not(unix), allow(dead_code))]
fn why(said: &str) -> Failure {
    let verify = said.split_once("verify error:num=").map(|(_, rest)| rest);
    let number = verify.and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let distrust = match number {
        // Of X509_V_ERR_…: not yet valid, expired; name, address.
        "9" | "10" => Some(Distrust::Time),
        "62" | "64" => Some(Distrust::Name),
        "" => None,
        _ => Some(Distrust::Signer),
    };
    if let Some(distrust) = distrust {
        return Failure::Distrusted(distrust);
    }
    let no_tls = ["wrong version number", "packet length too long", "http request"];
    if no_tls.iter().any(|words| said.contains(words)) {
        return Failure::SpeaksNoTls;
    }
    // A peer that goes without TLS's own farewell, as many do.
    if said.contains("unexpected eof") && !said.contains("alert") {
        return Failure::Ended;
    }
    let error = said.lines().find(|line| line.contains("error:"));
    match error {
        Some(line) => {
            Failure::Tls(visible_start(line.rsplit(':').next().unwrap_or(line).trim(), 120))
        }
        None => Failure::Ended,
    }
}

#[cfg(all(test, feature = "doctor"))]
mod tests {
    use super::*;

    #[test]
    fn what_openssl_says_is_understood() {
        for (said, failure) in [
            (
                "depth=0 CN = x\nverify error:num=18:self-signed certificate\n",
                Failure::Distrusted(Distrust::Signer),
            ),
            ("verify error:num=20:unable to get", Failure::Distrusted(Distrust::Signer)),
            ("verify error:num=10:certificate has expired", Failure::Distrusted(Distrust::Time)),
            ("verify error:num=62:hostname mismatch", Failure::Distrusted(Distrust::Name)),
            ("verify error:num=64:IP address mismatch", Failure::Distrusted(Distrust::Name)),
            (
                "4057:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:x.c:1:\n",
                Failure::SpeaksNoTls,
            ),
            ("", Failure::Ended),
            ("depth=2 O = x\nverify return:1\nread:errno=0\n", Failure::Ended),
            ("error:0A000126:SSL routines::unexpected eof while reading:a.c:1:", Failure::Ended),
        ] {
            assert_eq!(why(said), failure, "{said}");
        }
        let other = "80:error:0A000410:SSL routines:x:sslv3 alert handshake failure:a.c:1:SSL alert number 40";
        assert_eq!(why(other), Failure::Tls("SSL alert number 40".to_owned()));
    }
}
