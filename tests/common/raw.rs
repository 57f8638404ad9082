//! A socket without opinions, and plain HTTP on it.

use super::TIMEOUT;
use serde_json::Value;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How a connection ended without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The end of the stream.
    End,
    /// A reset.
    Reset,
}

/// A TCP connection, and what it has received but nobody has read.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// What has come and was not taken yet.
    pub pending: Vec<u8>,
    /// How long a read waits; `None`: forever.
    pub timeout: Option<Duration>,
}

impl Raw {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)
            .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        Raw { stream, pending: Vec::new(), timeout: Some(TIMEOUT) }
    }

    /// Connects from an address of this machine.
    pub fn connect_from(source: [u8; 4], address: SocketAddr) -> Self {
        Self::dial_from(source.into(), address)
            .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"))
    }

    /// Connects from an address of this machine, where the server takes it.
    pub fn dial_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<Self> {
        use socket2::{Domain, Protocol, Socket, Type};
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect_timeout(&address.into(), TIMEOUT)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Raw { stream, pending: Vec::new(), timeout: Some(TIMEOUT) })
    }

    /// Connects with a receive buffer as small as the system makes one, so that not reading is
    /// felt soon.
    pub fn connect_narrow(address: SocketAddr) -> Self {
        use socket2::{Domain, Protocol, Socket, Type};
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
        let socket = socket.unwrap();
        socket.set_recv_buffer_size(1024).unwrap();
        socket.connect_timeout(&address.into(), TIMEOUT).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        Raw { stream, pending: Vec::new(), timeout: Some(TIMEOUT) }
    }

    /// Sends bytes as far as the server takes them; says whether it took all.
    pub fn offer(&self, bytes: impl AsRef<[u8]>) -> bool {
        (&self.stream).write_all(bytes.as_ref()).is_ok()
    }

    /// Reads what comes until the end or until `timeout` is over: how it ended, if it did.
    pub fn read_for(&mut self, timeout: Duration) -> Option<Ending> {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            // A moment more, because `more` panics where its deadline has passed.
            if let Err(ending) = self.more(Some(deadline + Duration::from_millis(10))) {
                return Some(ending);
            }
        }
        None
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends bytes, in one write where the system lets it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes what it is sent");
    }

    /// Sends bytes one by one, each in a packet of its own.
    pub fn drip(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.send([*byte]);
        }
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends with a reset.
    pub fn abort(self) {
        reset_on_close(&self.stream);
    }

    /// Waits for more bytes; `deadline` is where the timeout ends.
    pub fn more(&mut self, deadline: Option<Instant>) -> Result<(), Ending> {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        assert!(left != Some(Duration::ZERO), "nothing more came after: {:?}", self.shown());
        self.stream.set_read_timeout(left).unwrap();
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(Ending::End),
            Ok(count) => {
                self.pending.extend(&buffer[..count]);
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(()),
                _ => Err(Ending::Reset),
            },
        }
    }

    /// When the timeout ends, counted from now.
    pub fn deadline(&self) -> Option<Instant> {
        self.timeout.map(|timeout| Instant::now() + timeout)
    }

    /// Reads up to and with `end`.
    pub fn read_until(&mut self, end: &[u8]) -> Vec<u8> {
        let deadline = self.deadline();
        loop {
            if let Some(at) = self.pending.windows(end.len()).position(|window| window == end) {
                return self.pending.drain(..at + end.len()).collect();
            }
            if let Err(ending) = self.more(deadline) {
                panic!("the connection ended ({ending:?}) after: {}", self.shown());
            }
        }
    }

    /// Reads an HTTP head, as text.
    pub fn read_head(&mut self) -> String {
        String::from_utf8(self.read_until(b"\r\n\r\n")).unwrap()
    }

    /// Reads to the end, and says how it came.
    pub fn read_to_end(&mut self) -> (Vec<u8>, Ending) {
        let deadline = self.deadline();
        loop {
            if let Err(ending) = self.more(deadline) {
                return (std::mem::take(&mut self.pending), ending);
            }
        }
    }

    /// Whether the connection has ended, as far as can be seen without waiting.
    pub fn has_ended(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let mut buffer = [0; 1024];
        let read = self.stream.read(&mut buffer);
        self.stream.set_nonblocking(false).unwrap();
        match read {
            Ok(count) => {
                self.pending.extend(&buffer[..count]);
                count == 0
            }
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

/// Makes closing a socket send a reset instead of an end.
pub fn reset_on_close(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// A response to a plain request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Status line and headers as they came.
    pub head: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Reads a whole response: head, body, end of the connection.
    pub fn read(raw: &mut Raw) -> Self {
        let head = raw.read_head();
        let (body, ending) = raw.read_to_end();
        assert_eq!(ending, Ending::End, "a reset instead of an end after: {head}");
        Self::from_parts(head, body)
    }

    /// Takes a head apart.
    pub fn from_parts(head: String, body: Vec<u8>) -> Self {
        let mut lines = head.lines();
        let status_line = lines.next().unwrap();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in: {status_line}"));
        let headers = lines
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("not a header: {line}")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Response { status, head, headers, body }
    }

    /// The value of a header, whose name is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text())
            .unwrap_or_else(|error| panic!("{error} in: {}", self.text()))
    }
}
