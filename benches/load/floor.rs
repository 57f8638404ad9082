//! The floor: the cheapest possible relay on the same kind of poll loop.
//!
//! It completes the upgrade and then copies bytes between a tool server and the robot with the same token:
//! one read and one write per ready socket, one `poll` for all of them. It does not parse frames, so they
//! arrive as they were sent, including their mask.

use super::dial::ACCEPT;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::collections::HashMap;
use std::io::{self, Read, Write};

/// The argument that makes this program the floor.
pub(crate) const ARGUMENT: &str = "--floor";

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    socket: TcpStream,
    /// The other end, once both are connected.
    partner: Option<usize>,
    /// The head of its request, until it is complete.
    head: Option<Vec<u8>>,
    /// Bytes that its socket did not accept yet.
    waiting: Vec<u8>,
}

struct Floor {
    connections: Slab<Connection>,
    /// The connection that came first with a token.
    alone: HashMap<String, usize>,
    buffer: Vec<u8>,
}

/// Runs the floor until it is killed; prints its port first.
pub(crate) fn run() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address"))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?.port());
    let mut events = Events::with_capacity(1024);
    let mut floor =
        Floor { connections: Slab::new(), alone: HashMap::new(), buffer: vec![0; 64 * 1024] };
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => (),
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut socket, _)) = listener.accept() {
                    socket.set_nodelay(true)?;
                    let token = Token(floor.connections.vacant_key());
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut socket, token, both)?;
                    let head = Some(Vec::new());
                    let (partner, waiting) = (None, Vec::new());
                    floor.connections.insert(Connection { socket, partner, head, waiting });
                    floor.read(token.0)?;
                }
            } else {
                if event.is_writable() {
                    floor.write_waiting(event.token().0);
                }
                if event.is_readable() {
                    floor.read(event.token().0)?;
                }
            }
        }
    }
}

impl Floor {
    fn read(&mut self, slot: usize) -> io::Result<()> {
        loop {
            let Some(connection) = self.connections.get_mut(slot) else { return Ok(()) };
            let count = match connection.socket.read(&mut self.buffer) {
                Ok(0) => {
                    self.connections.remove(slot);
                    return Ok(());
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            match (&connection.head, connection.partner) {
                (Some(_), _) => self.handshake(slot, count),
                (None, Some(partner)) => self.pass_on(partner, count),
                (None, None) => (),
            }
            if count < self.buffer.len() {
                return Ok(());
            }
        }
    }

    fn pass_on(&mut self, partner: usize, count: usize) {
        let Some(partner) = self.connections.get_mut(partner) else { return };
        let bytes = &self.buffer[..count];
        let mut written = 0;
        if partner.waiting.is_empty() {
            written = partner.socket.write(bytes).unwrap_or(0);
        }
        partner.waiting.extend_from_slice(&bytes[written..]);
    }

    fn write_waiting(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let mut done = 0;
        while done < connection.waiting.len() {
            match connection.socket.write(&connection.waiting[done..]) {
                Ok(written) => done += written,
                Err(_) => break,
            }
        }
        connection.waiting.drain(..done);
    }

    fn handshake(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Some(head) = &mut connection.head else { return };
        head.extend_from_slice(&self.buffer[..count]);
        if !head.ends_with(b"\r\n\r\n") {
            return;
        }
        let text = String::from_utf8_lossy(head).into_owned();
        connection.head = None;
        let _ = connection.socket.write_all(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
            )
            .as_bytes(),
        );
        let line = text.lines().next().unwrap_or_default();
        let token = line.split("token=").nth(1).unwrap_or_default().to_owned();
        match self.alone.remove(&token) {
            None => drop(self.alone.insert(token, slot)),
            Some(partner) => {
                self.connections[slot].partner = Some(partner);
                self.connections[partner].partner = Some(slot);
            }
        }
    }
}
