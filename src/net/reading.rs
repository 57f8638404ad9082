//! What comes from a connection, by how far its life has come, and what goes out to it.

use super::connection::{Phase, PutOff};
use super::server::Server;
use crate::close::{CloseReason, Ending};
use std::io::{self, Read};
use tungstenite::protocol::frame::coding::Control;
use ws::Progress;
use ws::{Heard, Input};

/// A peer that does not take this many bytes is not sent pongs besides.
const NO_PONG_ABOVE: usize = 64 * 1024;

/// How often one connection is read from in one turn, where a message is coming that is larger
/// than the buffer: it is worked on while it is in the processor's cache.
const READS_OF_A_MESSAGE: usize = 4;

/// Whether a read that does not fill the buffer says that there is no more. The edge-triggered
/// queues of Linux do (epoll(7)); elsewhere only `WouldBlock` does.
const SHORT_READ_IS_ALL: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Server {
    /// Reads from a connection: once, or some times where that may complete a large message. What
    /// is left is read in the next turn, so that nobody has to wait for a flood.
    pub(super) fn read(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        connection.pending = false;
        for _ in 0..READS_OF_A_MESSAGE {
            let goes_on = self.read_once(slot);
            self.relieve();
            if !goes_on {
                return;
            }
            // A flood of small messages ends amid one nearly always.
            let size = self.buffer.len();
            let connection = self.connections.get_mut(slot);
            if !connection.is_some_and(|c| c.is_amid_a_message_over(size)) {
                break;
            }
        }
        self.mark_pending(slot);
    }

    /// Says whether there may be more to read.
    fn read_once(&mut self, slot: usize) -> bool {
        let Some(connection) = self.connections.get_mut(slot) else { return false };
        let direct = match &mut connection.phase {
            Phase::Dead => return false,
            Phase::Open(receiver) => receiver.room(),
            _ => None,
        };
        let is_direct = direct.is_some();
        let room = direct.unwrap_or(&mut self.buffer);
        let size = room.len();
        match connection.socket.read(room) {
            Ok(0) => self.end_of_stream(slot),
            Ok(count) => {
                let more = connection.ends || !SHORT_READ_IS_ALL || count == size;
                self.counted.bytes_in += count as u64;
                self.connections.heard(slot);
                if is_direct {
                    self.take_rest_of_frame(slot, count);
                } else {
                    self.take(slot, count);
                }
                return more;
            }
            // The room was made for nothing, but it is there and counts.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_direct => {
                self.take_rest_of_frame(slot, 0);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(_) => self.connections.kill(slot, CloseReason::PeerVanished),
        }
        false
    }

    /// The peer will send nothing more.
    fn end_of_stream(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let answered = matches!(connection.phase, Phase::Leaving { .. });
        let put_off = matches!(connection.phase, Phase::PutOff { .. });
        if put_off || (answered && !connection.out.is_empty()) {
            // It still wants to hear the answer.
            connection.ends = true;
        } else {
            let reason = if answered { CloseReason::Answered } else { CloseReason::PeerVanished };
            self.connections.kill(slot, reason);
        }
    }

    /// Takes `count` bytes that have just been read.
    fn take(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        match &mut connection.phase {
            Phase::Head(_) => self.take_head(slot, count),
            Phase::Open(_) => self.take_frames(slot, count),
            Phase::Closing { .. } => self.await_close(slot, count),
            Phase::PutOff { answer, .. } => {
                if let PutOff::Answer { skimmer, .. } = &mut **answer {
                    skimmer.is_over(self.buffer.get(..count).unwrap_or_default());
                }
                self.drop_unwanted(slot, count);
            }
            Phase::Leaving { .. } => self.drop_unwanted(slot, count),
            Phase::Dead => (),
        }
    }

    /// Takes `count` bytes that have been read to where their frame lies.
    fn take_rest_of_frame(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Phase::Open(receiver) = &mut connection.phase else { return };
        receiver.came(count);
        if receiver.is_amid_a_frame() {
            let held = receiver.held();
            self.connections.account(slot, held);
        } else {
            self.take_frames(slot, 0);
        }
    }

    /// Passes what a WebSocket says to the relay.
    pub(super) fn take_frames(&mut self, slot: usize, count: usize) {
        let Server { buffer, relay, connections, settings, binary_frames, now, .. } = self;
        let (now, limit) = (*now, settings.websocket.max_message_size);
        let Some(connection) = connections.get_mut(slot) else { return };
        let Phase::Open(receiver) = &mut connection.phase else { return };
        let mut receiver = std::mem::take(receiver);
        let peer = connection.peer;
        let mut input = Input::new(buffer.get_mut(..count).unwrap_or_default());
        let end = loop {
            match receiver.next(&mut input, limit, &mut connections.spares) {
                Ok(None) => break None,
                Ok(Some(Heard::Text(text))) => relay.text(now, peer, text, connections),
                Ok(Some(Heard::Pong)) => (),
                Ok(Some(Heard::Ping(payload))) => {
                    if connections.get_mut(slot).is_some_and(|c| c.out.len() <= NO_PONG_ABOVE) {
                        connections.push_control(slot, Control::Pong, payload);
                    }
                }
                Ok(Some(Heard::Binary(text))) => {
                    let Some(connection) = connections.get_mut(slot) else { break None };
                    if let Some(said) = binary_frames.note((peer, text.is_some()), now) {
                        let (language, caller) = (settings.server.language, connection.caller);
                        if said.others > 0 {
                            log::warn!("{}", language.others_unsaid(said.others));
                        }
                        log::warn!(
                            "{}",
                            match text {
                                Some(_) => language.binary_read(peer, caller, said.count),
                                None => language.binary_ignored(peer, caller, said.count),
                            }
                        );
                    }
                    if let Some(text) = text {
                        relay.text(now, peer, text, connections);
                    }
                }
                Ok(Some(Heard::Close(payload))) => break Some(Ending::of_close_frame(payload)),
                Err(error) => break Some(Ending::from(error)),
            }
            // The relay may have closed it.
            if !connections.get_mut(slot).is_some_and(|connection| connection.is_open()) {
                break None;
            }
        };
        let held = receiver.held();
        let mut is_over = false;
        match connections.get_mut(slot).map(|connection| &mut connection.phase) {
            Some(Phase::Open(place)) => {
                *place = receiver;
                connections.account(slot, held);
            }
            Some(Phase::Closing { skimmer, .. }) => {
                *skimmer = receiver.skimmer();
                is_over = skimmer.is_over(input.rest());
            }
            _ => (),
        }
        if is_over {
            self.connections.leave(slot, false);
        }
        match end {
            None => (),
            Some(end) if end.reason == CloseReason::PeerClosed => self.closed_by_peer(slot, end),
            Some(end) => self.close(slot, end),
        }
    }

    /// The peer has closed: it is answered, and the connection ends.
    fn closed_by_peer(&mut self, slot: usize, end: Ending) {
        let Some(connection) = self.connections.get_mut(slot).filter(|c| c.is_open()) else {
            return;
        };
        let peer = connection.peer;
        // The code is given back, and not the words: it is enough.
        let code = end.code().map(u16::to_be_bytes);
        let payload = code.as_ref().map_or(&[][..], |code| code);
        self.connections.push_control(slot, Control::Close, payload);
        self.connections.open = self.connections.open.saturating_sub(1);
        self.connections.ends.note(CloseReason::PeerClosed);
        self.connections.leave(slot, false);
        self.relay.left(self.now, peer, end, &mut self.connections);
    }

    /// Closes a WebSocket and tells the relay.
    pub(super) fn close(&mut self, slot: usize, end: impl Into<Ending>) {
        let Some(connection) = self.connections.get_mut(slot).filter(|c| c.is_open()) else {
            return;
        };
        let peer = connection.peer;
        let end = end.into();
        self.connections.start_closing(slot, end.reason);
        self.relay.left(self.now, peer, end, &mut self.connections);
    }

    /// Waits for the close frame that answers ours.
    pub(super) fn await_close(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Phase::Closing { skimmer, .. } = &mut connection.phase else { return };
        if skimmer.is_over(self.buffer.get(..count).unwrap_or_default()) {
            self.connections.leave(slot, false);
        } else {
            self.drop_unwanted(slot, count);
        }
    }

    /// Passes over `count` bytes of a connection that is refused, answered or closed.
    fn drop_unwanted(&mut self, slot: usize, count: usize) {
        let Server { connections, settings, .. } = self;
        let Some(connection) = connections.get_mut(slot) else { return };
        if connection.sends_too_much(count, &settings.websocket) {
            connections.kill(slot, CloseReason::Answered);
        }
    }

    /// Writes what waits for a connection.
    pub(super) fn write(&mut self, slot: usize) {
        match self.connections.write(slot) {
            None => (),
            Some(Ok(Progress::Empty)) => self.all_is_sent(slot),
            Some(Ok(Progress::Blocked(_))) => self.connections.rearm_earlier(slot),
            Some(Err(_)) => self.connections.kill(slot, CloseReason::PeerVanished),
        }
    }

    /// Nothing waits for a connection any more; one that was leaving may go.
    fn all_is_sent(&mut self, slot: usize) {
        let is_stopping = self.stopping.is_some();
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let ends = connection.ends;
        if ends && matches!(connection.phase, Phase::Closing { .. }) {
            // No answer to our close frame can come any more.
            return self.connections.kill(slot, CloseReason::PeerVanished);
        }
        let Phase::Leaving { lingers, shut, .. } = &mut connection.phase else { return };
        if *lingers && !ends && !is_stopping {
            if !std::mem::replace(shut, true) {
                // The peer sees the end of the answer, and we wait for its own end.
                let _ = connection.socket.shutdown(std::net::Shutdown::Write);
            }
        } else {
            self.connections.kill(slot, CloseReason::Answered);
        }
    }
}
