//! What the handling of one input may use and leave behind.

use super::complaints::Complaints;
use super::departures::Departures;
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
    pub departures: &'a mut Departures,
    pub complaints: &'a mut Complaints,
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
        departures: &'a mut Departures,
        complaints: &'a mut Complaints,
        wire: &'a mut dyn Wire,
    ) -> Self {
        let (earliest, forgotten) = (None, Vec::new());
        Turn { now, policy, traffic, held, departures, complaints, wire, earliest, forgotten }
    }

    /// A deadline has come up.
    pub(super) fn wake(&mut self, at: Moment) {
        if self.earliest.is_none_or(|earliest| at < earliest) {
            self.earliest = Some(at);
        }
    }

    /// Queues a message for a tool.
    pub(super) fn send_to_tool(&mut self, tool: Peer, pieces: &[&str]) -> Result<(), Congested> {
        self.send(tool, pieces)?;
        self.traffic.to_tools += 1;
        self.traffic.bytes_to_tools += size(pieces);
        Ok(())
    }

    /// Queues a message for a robot.
    pub(super) fn send_to_robot(&mut self, robot: Peer, pieces: &[&str]) -> Result<(), Congested> {
        self.send(robot, pieces)?;
        self.traffic.to_robots += 1;
        self.traffic.bytes_to_robots += size(pieces);
        Ok(())
    }

    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        if self.policy.debug {
            log::debug!("{peer} <- {}", pieces.concat());
        }
        let sent = self.wire.send(peer, pieces);
        if sent.is_err() {
            self.traffic.sends_refused += 1;
        }
        sent
    }

    /// A peer has said something.
    pub(super) fn note_heard(&self, peer: Peer, text: &str) {
        if self.policy.debug {
            log::debug!("{peer} -> {text}");
        }
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
