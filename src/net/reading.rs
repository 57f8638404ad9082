//! Reading from a connection, according to its phase, and writing to it.

use super::connection::{DelayedAnswer, Phase};
use super::server::Server;
use crate::close::{CloseReason, Ending};
use std::io::{self, Read};
use tungstenite::protocol::frame::coding::Control;
use ws::{Incoming, Input, Progress};

/// A peer with more than this many bytes queued gets no pongs.
const MAX_QUEUED_FOR_PONG: usize = 64 * 1024;

/// How often one connection may be read from in one turn while a frame larger than the buffer is
/// incomplete: its bytes are in the processor's cache then.
const MAX_READS_PER_TURN: usize = 4;

/// Whether a read that does not fill the buffer means that the socket is empty. That is so for the
/// edge-triggered queues of Linux (epoll(7)); elsewhere only `WouldBlock` means it.
const SHORT_READ_DRAINS: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Server {
    /// Reads from a connection: once, or a few times if that may complete a large message. The rest
    /// is read in the next turn, so that a flood does not delay other connections.
    pub(super) fn read(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        connection.pending = false;
        for _ in 0..MAX_READS_PER_TURN {
            let goes_on = self.read_once(slot);
            self.reclaim_memory();
            if !goes_on {
                return;
            }
            // Only for a frame larger than the buffer: a flood of small messages nearly always
            // leaves a frame incomplete, too.
            let size = self.buffer.len();
            let connection = self.connections.get_mut(slot);
            if !connection.is_some_and(|c| c.is_mid_message_over(size)) {
                break;
            }
        }
        self.mark_pending(slot);
    }

    /// Reads once. Returns whether there may be more to read.
    fn read_once(&mut self, slot: usize) -> bool {
        let Some(connection) = self.connections.get_mut(slot) else { return false };
        let direct = match &mut connection.phase {
            Phase::Dead => return false,
            Phase::Open(receiver) => receiver.read_buffer(),
            _ => None,
        };
        let is_direct = direct.is_some();
        let room = direct.unwrap_or(&mut self.buffer);
        let size = room.len();
        match connection.socket.read(room) {
            Ok(0) => self.end_of_stream(slot),
            Ok(count) => {
                let more = connection.read_closed || !SHORT_READ_DRAINS || count == size;
                self.counters.bytes_in += count as u64;
                self.connections.note_received(slot);
                if is_direct {
                    self.handle_direct_read(slot, count);
                } else {
                    self.handle_bytes(slot, count);
                }
                return more;
            }
            // The buffer may have grown for this read, so its memory must be charged.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_direct => {
                self.handle_direct_read(slot, 0);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(_) => self.connections.kill(slot, CloseReason::PeerVanished),
        }
        false
    }

    /// Handles that the peer has closed its side.
    fn end_of_stream(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let answered = matches!(connection.phase, Phase::Leaving { .. });
        let delayed = matches!(connection.phase, Phase::Delayed { .. });
        if delayed || (answered && !connection.out.is_empty()) {
            // It may still be waiting for the answer.
            connection.read_closed = true;
        } else {
            let reason = if answered { CloseReason::Answered } else { CloseReason::PeerVanished };
            self.connections.kill(slot, reason);
        }
    }

    /// Handles `count` bytes just read into the shared buffer.
    fn handle_bytes(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        match &mut connection.phase {
            Phase::Head(_) => self.handle_head(slot, count),
            Phase::Open(_) => self.handle_frames(slot, count),
            Phase::Closing { .. } => self.await_close(slot, count),
            Phase::Delayed { answer, .. } => {
                if let DelayedAnswer::Response { close_finder, .. } = &mut **answer {
                    close_finder.is_done(self.buffer.get(..count).unwrap_or_default());
                }
                self.drop_unwanted(slot, count);
            }
            Phase::Leaving { .. } => self.drop_unwanted(slot, count),
            Phase::Dead => (),
        }
    }

    /// Handles `count` bytes read directly into the buffer of their frame.
    fn handle_direct_read(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Phase::Open(receiver) = &mut connection.phase else { return };
        receiver.advance(count);
        if receiver.is_mid_frame() {
            let held = receiver.held();
            self.connections.charge_held(slot, held);
        } else {
            self.handle_frames(slot, 0);
        }
    }

    /// Passes the messages of a WebSocket to the relay.
    pub(super) fn handle_frames(&mut self, slot: usize, count: usize) {
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
                Ok(Some(Incoming::Text(text))) => relay.text(now, peer, text, connections),
                Ok(Some(Incoming::Pong)) => (),
                Ok(Some(Incoming::Ping(payload))) => {
                    if connections.get_mut(slot).is_some_and(|c| c.out.len() <= MAX_QUEUED_FOR_PONG)
                    {
                        connections.push_control(slot, Control::Pong, payload);
                    }
                }
                Ok(Some(Incoming::Binary(text))) => {
                    let Some(connection) = connections.get_mut(slot) else { break None };
                    if let Some(due) = binary_frames.note((peer, text.is_some()), now) {
                        let (language, caller) = (settings.server.language, connection.caller);
                        if due.others > 0 {
                            log::warn!("{}", language.others_unsaid(due.others));
                        }
                        log::warn!(
                            "{}",
                            match text {
                                Some(_) => language.binary_read(peer, caller, due.count),
                                None => language.binary_ignored(peer, caller, due.count),
                            }
                        );
                    }
                    if let Some(text) = text {
                        relay.text(now, peer, text, connections);
                    }
                }
                Ok(Some(Incoming::Close(payload))) => break Some(Ending::of_close_frame(payload)),
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
                connections.charge_held(slot, held);
            }
            Some(Phase::Closing { close_finder, .. }) => {
                *close_finder = receiver.close_finder();
                is_over = close_finder.is_done(input.rest());
            }
            _ => (),
        }
        if is_over {
            self.connections.finish(slot, false);
        }
        match end {
            None => (),
            Some(end) if end.reason == CloseReason::PeerClosed => self.closed_by_peer(slot, end),
            Some(end) => self.close(slot, end),
        }
    }

    /// Answers the peer's close frame and ends the connection.
    fn closed_by_peer(&mut self, slot: usize, end: Ending) {
        let Some(connection) = self.connections.get_mut(slot).filter(|c| c.is_open()) else {
            return;
        };
        let peer = connection.peer;
        // The answer repeats the code, without the reason.
        let code = end.code().map(u16::to_be_bytes);
        let payload = code.as_ref().map_or(&[][..], |code| code);
        self.connections.push_control(slot, Control::Close, payload);
        self.connections.open = self.connections.open.saturating_sub(1);
        self.connections.ends.note(CloseReason::PeerClosed);
        self.connections.finish(slot, false);
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

    /// Looks for the peer's answer to the server's close frame.
    pub(super) fn await_close(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Phase::Closing { close_finder, .. } = &mut connection.phase else { return };
        if close_finder.is_done(self.buffer.get(..count).unwrap_or_default()) {
            self.connections.finish(slot, false);
        } else {
            self.drop_unwanted(slot, count);
        }
    }

    /// Drops `count` bytes of a connection that is refused, answered or closed. Ends the connection if
    /// it has sent too many.
    fn drop_unwanted(&mut self, slot: usize, count: usize) {
        let Server { connections, settings, .. } = self;
        let Some(connection) = connections.get_mut(slot) else { return };
        if connection.sends_too_much(count, &settings.websocket) {
            connections.kill(slot, CloseReason::Answered);
        }
    }

    /// Sends what is queued for a connection.
    pub(super) fn write(&mut self, slot: usize) {
        match self.connections.write(slot) {
            None => (),
            Some(Ok(Progress::Empty)) => self.handle_all_sent(slot),
            Some(Ok(Progress::Blocked(_))) => self.connections.rearm_earlier(slot),
            Some(Err(_)) => self.connections.kill(slot, CloseReason::PeerVanished),
        }
    }

    /// Handles that the send queue of a connection is empty: one that is leaving may end.
    fn handle_all_sent(&mut self, slot: usize) {
        let is_stopping = self.stopping.is_some();
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let ends = connection.read_closed;
        if ends && matches!(connection.phase, Phase::Closing { .. }) {
            // The peer can no longer answer the server's close frame.
            return self.connections.kill(slot, CloseReason::PeerVanished);
        }
        let Phase::Leaving { lingers, shut, .. } = &mut connection.phase else { return };
        if *lingers && !ends && !is_stopping {
            if !std::mem::replace(shut, true) {
                // This tells the peer that the answer is complete. It then closes its side.
                let _ = connection.socket.shutdown(std::net::Shutdown::Write);
            }
        } else {
            self.connections.kill(slot, CloseReason::Answered);
        }
    }
}
