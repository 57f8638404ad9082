//! The load: one thread, one poll loop, both ends of every call.

use super::frames::Answers;
use super::peers::{MeasureError, Robot, Tool};
use super::process;
use super::relays::Relay;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// How long a relay may be silent while calls are under way.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The size of the read buffer.
const MAX_READ_BYTES: usize = 256 * 1024;

/// Which end of a call a connection is.
pub(crate) enum End {
    /// It answers.
    Tool(Tool),
    /// It calls.
    Robot(Robot),
}

struct Peer {
    socket: TcpStream,
    end: End,
    out: Vec<u8>,
    sent: usize,
}

/// The result of a round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    pub(crate) calls: usize,
    pub(crate) calls_per_second: f64,
    /// Half of the calls took no longer, in microseconds.
    pub(crate) p50: f64,
    /// 99 of 100 calls took no longer, in microseconds.
    pub(crate) p99: f64,
    /// Processor time of the relay, in microseconds per call.
    pub(crate) cpu_per_call: f64,
    /// The share of one processor that the relay used.
    pub(crate) relay_busy: f64,
    /// The share of one processor that this program used.
    pub(crate) own_busy: f64,
}

/// The load on one relay.
pub(crate) struct Generator {
    poll: Poll,
    peers: Vec<Peer>,
    answers: Answers,
    buffer: Vec<u8>,
    took: Vec<u32>,
}

impl Generator {
    /// Takes over connections after their handshake.
    pub(crate) fn new(ends: Vec<(std::net::TcpStream, End)>, answers: Answers) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut peers = Vec::new();
        for (number, (socket, end)) in ends.into_iter().enumerate() {
            socket.set_nonblocking(true)?;
            let mut socket = TcpStream::from_std(socket);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut socket, Token(number), both)?;
            peers.push(Peer { socket, end, out: Vec::new(), sent: 0 });
        }
        Ok(Generator { poll, peers, answers, buffer: vec![0; MAX_READ_BYTES], took: Vec::new() })
    }

    /// Keeps every robot calling for `length`, then waits for the calls under way.
    ///
    /// # Errors
    /// The relay does not relay correctly.
    pub(crate) fn round(&mut self, relay: &Relay, length: Duration) -> Result<Round, MeasureError> {
        self.took.clear();
        let own = std::process::id();
        let (relay_before, own_before) = (relay.cpu_nanos(), process::cpu_nanos(own));
        let begun = Instant::now();
        let mut sent = 0;
        for peer in &mut self.peers {
            if let End::Robot(robot) = &mut peer.end {
                sent += robot.fill(&mut peer.out);
                peer.write()?;
            }
        }
        let mut events = Events::with_capacity(1024);
        while self.took.len() < sent {
            match self.poll.poll(&mut events, Some(ANSWER_TIMEOUT)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|error| error.to_string())?,
            }
            if events.is_empty() {
                return Err(format!("silence; {} of {sent} calls answered", self.took.len()));
            }
            let goes_on = begun.elapsed() < length;
            for event in &events {
                let before = self.took.len();
                let slot = event.token().0;
                if event.is_writable() {
                    self.peers[slot].write()?;
                }
                if event.is_readable() {
                    self.read(slot, goes_on)?;
                }
                if goes_on {
                    sent += self.took.len() - before;
                }
            }
        }
        let elapsed = begun.elapsed();
        let relay_used = relay.cpu_nanos() - relay_before;
        let own_used = process::cpu_nanos(own) - own_before;
        Ok(self.summary(elapsed, relay_used, own_used))
    }

    fn read(&mut self, slot: usize, goes_on: bool) -> Result<(), MeasureError> {
        let peer = &mut self.peers[slot];
        loop {
            let count = match peer.socket.read(&mut self.buffer) {
                Ok(0) => return Err("the relay hung up".to_owned()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.to_string()),
            };
            let bytes = &self.buffer[..count];
            match &mut peer.end {
                End::Tool(tool) => tool.take(bytes, &self.answers, &mut peer.out)?,
                End::Robot(robot) => {
                    robot.take(bytes, Instant::now(), goes_on, &mut self.took, &mut peer.out)?;
                }
            }
            peer.write()?;
            if count < self.buffer.len() {
                return Ok(());
            }
        }
    }

    fn summary(&mut self, elapsed: Duration, relay_used: u64, own_used: u64) -> Round {
        let calls = self.took.len();
        let mut quantile = |share: f64| {
            let place = ((calls as f64 * share) as usize).min(calls - 1);
            let (_, value, _) = self.took.select_nth_unstable(place);
            f64::from(*value) / 1e3
        };
        let (p50, p99) = (quantile(0.5), quantile(0.99));
        let nanos = elapsed.as_nanos() as f64;
        Round {
            calls,
            calls_per_second: calls as f64 * 1e9 / nanos,
            p50,
            p99,
            cpu_per_call: relay_used as f64 / 1e3 / calls as f64,
            relay_busy: relay_used as f64 / nanos,
            own_busy: own_used as f64 / nanos,
        }
    }
}

impl Peer {
    fn write(&mut self) -> Result<(), MeasureError> {
        while self.sent < self.out.len() {
            match self.socket.write(&self.out[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }
}
