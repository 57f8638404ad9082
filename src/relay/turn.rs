//! What the handling of one input may use and leave behind.

use super::{Congested, Peer, Policy, Traffic, Wire};
use crate::close::CloseReason;
use crate::moment::Moment;

/// One input being handled.
pub(super) struct Turn<'a> {
    pub now: Moment,
    pub policy: &'a Policy,
    pub traffic: &'a mut Traffic,
    /// Bytes of requests that wait inside the relay, over all agents.
    pub held: &'a mut usize,
    wire: &'a mut dyn Wire,
    /// The earliest of the deadlines that came up.
    pub earliest: Option<Moment>,
    /// Peers that were closed and must be forgotten.
    pub forgotten: Vec<Peer>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        now: Moment,
        policy: &'a Policy,
        traffic: &'a mut Traffic,
        held: &'a mut usize,
        wire: &'a mut dyn Wire,
    ) -> Self {
        Turn { now, policy, traffic, held, wire, earliest: None, forgotten: Vec::new() }
    }

    /// A deadline has come up.
    pub(super) fn wake(&mut self, at: Moment) {
        if self.earliest.is_none_or(|earliest| at < earliest) {
            self.earliest = Some(at);
        }
    }

    /// Queues a message for a tool.
    pub(super) fn send_to_tool(&mut self, tool: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let sent = self.wire.send(tool, pieces);
        let bytes = size(pieces);
        let traffic = &mut self.traffic;
        match sent {
            Ok(()) => {
                traffic.to_tools += 1;
                traffic.bytes_to_tools += bytes;
            }
            Err(Congested) => traffic.sends_refused += 1,
        }
        sent
    }

    /// Queues a message for a robot.
    pub(super) fn send_to_robot(&mut self, robot: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let sent = self.wire.send(robot, pieces);
        let bytes = size(pieces);
        let traffic = &mut self.traffic;
        match sent {
            Ok(()) => {
                traffic.to_robots += 1;
                traffic.bytes_to_robots += bytes;
            }
            Err(Congested) => traffic.sends_refused += 1,
        }
        sent
    }

    /// Closes a peer for good: it is forgotten at once.
    pub(super) fn close(&mut self, peer: Peer, reason: CloseReason) {
        self.wire.close(peer, reason);
        self.forgotten.push(peer);
    }

    /// Finds out whether a peer lives.
    pub(super) fn probe(&mut self, peer: Peer) {
        self.wire.probe(peer);
    }
}

fn size(pieces: &[&str]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}
