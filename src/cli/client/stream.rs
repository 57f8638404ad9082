//! Bytes to a server and back, in the clear or through TLS, and never forever.

use super::tls::Tunnel;
use super::{Address, Failure};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long connecting to one address of a host may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a write may take. Requests are short: only a peer that does not read takes longer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(4);

/// A connection to a server.
#[derive(Debug)]
pub struct Stream(Way);

#[derive(Debug)]
enum Way {
    Plain(TcpStream),
    Tls(Tunnel),
}

/// Connects to the port and no more.
///
/// # Errors
/// Why that cannot be done.
pub fn connects(address: &Address, until: Instant) -> Result<TcpStream, Failure> {
    let places = (address.host.as_str(), address.port).to_socket_addrs();
    let places = places.map_err(|error| Failure::NoSuchHost(error.to_string()))?;
    let mut failure = Failure::NoSuchHost(String::new());
    for place in places {
        let left = until.saturating_duration_since(Instant::now()).min(CONNECT_TIMEOUT);
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&place, left) {
            Ok(stream) => {
                // Without these it is slower, and waits longer for a peer that does not read.
                let _ = stream.set_nodelay(true);
                let _ = stream.set_write_timeout(Some(WRITE_TIMEOUT));
                return Ok(stream);
            }
            Err(error) => failure = not_connected(&error),
        }
    }
    Err(failure)
}

fn not_connected(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::Silent { connected: false },
        _ => Failure::Unreachable(error.to_string()),
    }
}

impl Stream {
    /// Connects, with TLS where the address says so.
    ///
    /// # Errors
    /// Why that cannot be done. What is wrong with TLS shows at the first read only.
    pub fn open(address: &Address, until: Instant) -> Result<Self, Failure> {
        if address.secure {
            Tunnel::open(&address.host, address.port).map(|tunnel| Stream(Way::Tls(tunnel)))
        } else {
            connects(address, until).map(|stream| Stream(Way::Plain(stream)))
        }
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// The connection has ended, or nobody reads.
    pub fn send(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        let until = Instant::now() + WRITE_TIMEOUT;
        while !bytes.is_empty() {
            let sent = match &mut self.0 {
                Way::Plain(stream) => stream.write(bytes),
                Way::Tls(tunnel) => tunnel.socket().write(bytes),
            };
            match sent {
                Ok(count @ 1..) => bytes = bytes.get(count..).unwrap_or_default(),
                Ok(0) => return Err(self.ended(&ErrorKind::WriteZero.into())),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.ended(&error)),
            }
            if Instant::now() >= until && !bytes.is_empty() {
                return Err(Failure::Silent { connected: true });
            }
        }
        Ok(())
    }

    /// Reads what has come, and waits for it until `until`; 0: that was in vain.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, Failure> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let got = match &mut self.0 {
            Way::Plain(stream) => {
                stream.set_read_timeout(Some(left)).and_then(|()| stream.read(buffer))
            }
            Way::Tls(tunnel) => {
                let mut socket = tunnel.socket();
                socket.set_read_timeout(Some(left)).and_then(|()| socket.read(buffer))
            }
        };
        match got {
            Ok(0) => Err(self.ended(&ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(count),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(0),
                _ => Err(self.ended(&error)),
            },
        }
    }

    /// Why the connection ended: with TLS, what `openssl` said.
    fn ended(&mut self, error: &std::io::Error) -> Failure {
        match &mut self.0 {
            Way::Plain(_) if error.kind() == ErrorKind::WouldBlock => {
                Failure::Silent { connected: true }
            }
            Way::Plain(_) => Failure::Ended,
            Way::Tls(tunnel) => tunnel.why_ended(),
        }
    }
}
