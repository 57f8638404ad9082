//! The system's side of a connection: what the poll watches, and what is read and written.

use super::events::EventSource;
use mio::net::TcpStream;
use mio::{Interest, Registry};
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

/// Whether a read that does not fill the buffer means that the socket is empty. That is so for the
/// edge-triggered queues of Linux (epoll(7)); elsewhere only `WouldBlock` means it.
const SHORT_READ_DRAINS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The socket of a connection, watched by the poll.
#[derive(Debug)]
pub(super) struct Socket(TcpStream);

impl Socket {
    /// Watches `stream` for the connection in `slot`.
    ///
    /// # Errors
    /// The system's error, if that is not possible.
    pub(super) fn watch(
        mut stream: TcpStream,
        slot: usize,
        registry: &Registry,
    ) -> io::Result<Self> {
        // Without it a small answer may wait for the acknowledgement of the one before (Nagle).
        let _ = stream.set_nodelay(true);
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, EventSource::Connection(slot).token(), both)?;
        Ok(Socket(stream))
    }

    /// Ends the watch.
    pub(super) fn unwatch(&mut self, registry: &Registry) {
        let _ = registry.deregister(&mut self.0);
    }

    /// Reads into `room`.
    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }

    /// Whether the socket may have more bytes after a read of `count` bytes into `room` bytes.
    pub(super) fn may_have_more(count: usize, room: usize) -> bool {
        !SHORT_READ_DRAINS || count == room
    }

    /// Tells the peer that nothing more will be sent.
    pub(super) fn end_sending(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
