//! Reading from a connection, and doing what comes of it.

use super::Server;
use crate::close::{CloseReason, Ending};
use crate::log_throttle::Due;
use crate::net::connection::Action;
use crate::net::shell::Shell;
use crate::net::socket::Socket;
use std::io;
use ws::{Incoming, Input};

/// How often one connection may be read from in one turn while a message larger than the buffer is
/// incomplete: its bytes are in the processor's cache then.
const MAX_READS_PER_TURN: usize = 4;

impl Server {
    /// Reads from a connection: once, or a few times if that may complete a large message. The rest
    /// is read in the next turn, so that a flood does not delay other connections.
    pub(super) fn read(&mut self, slot: usize) {
        let Some(entry) = self.shell.table.get_mut(slot) else { return };
        entry.is_to_read = false;
        for _ in 0..MAX_READS_PER_TURN {
            let goes_on = self.read_once(slot);
            self.reclaim_memory();
            if !goes_on {
                return;
            }
            // Only for a message larger than the buffer: a flood of small messages nearly always
            // leaves one incomplete, too.
            let size = self.buffer.len();
            let entry = self.shell.table.get(slot);
            if !entry.is_some_and(|entry| entry.connection.is_mid_message_over(size)) {
                break;
            }
        }
        self.shell.read_later(slot);
    }

    /// Reads once. Returns whether there may be more to read.
    fn read_once(&mut self, slot: usize) -> bool {
        let Some(entry) = self.shell.table.get_mut(slot) else { return false };
        let connection = &mut entry.connection;
        if connection.is_dead() {
            return false;
        }
        let direct = connection.read_buffer();
        let is_direct = direct.is_some();
        let room = direct.unwrap_or(&mut self.buffer);
        let size = room.len();
        let (action, may_have_more) = match entry.socket.read(room) {
            Ok(0) => (connection.end_of_stream(), false),
            Ok(count) => {
                let more = connection.is_read_closed() || Socket::may_have_more(count, size);
                self.counters.bytes_in += count as u64;
                self.shell.note_received(slot);
                (self.take(slot, count, is_direct), more)
            }
            // The buffer may have grown for this read, so its memory must be charged.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_direct => {
                (connection.take_direct(0), false)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Action::Nothing, false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (Action::Nothing, true),
            Err(_) => (Action::End(CloseReason::PeerVanished), false),
        };
        self.act(slot, action);
        may_have_more
    }

    /// Gives a connection the `count` bytes that were read.
    fn take(&mut self, slot: usize, count: usize, is_direct: bool) -> Action {
        let shell = &mut self.shell;
        let Some(entry) = shell.table.get_mut(slot) else { return Action::Nothing };
        if is_direct {
            return entry.connection.take_direct(count);
        }
        let bytes = self.buffer.get(..count).unwrap_or_default();
        entry.connection.take(bytes, shell.now, &shell.settings.websocket)
    }

    /// Does what is to be done for a connection.
    pub(super) fn act(&mut self, slot: usize, action: Action) {
        match action {
            Action::Nothing => (),
            Action::ReadHead(count) => self.handle_head(slot, count),
            Action::ReadMessages(count) => self.handle_messages(slot, count),
            Action::Charge => self.shell.charge(slot),
            Action::ChargeHead => {
                self.shell.charge_head(slot);
                self.evict_heads();
            }
            Action::RefuseSlowHead => self.refuse_slow_head(slot),
            Action::GiveAnswer => self.give_delayed(slot),
            Action::TryToWrite => {
                self.write(slot);
                self.shell.end_if_stalled(slot);
            }
            Action::WriteLater => self.shell.has_queued(slot),
            Action::EndSending => {
                if let Some(entry) = self.shell.table.get(slot) {
                    entry.socket.end_sending();
                }
            }
            Action::Close(reason) => self.close(slot, reason),
            Action::End(reason) => self.shell.end(slot, reason),
        }
    }

    /// Passes the messages of a connection to the relay. `count` bytes are in the shared buffer.
    pub(super) fn handle_messages(&mut self, slot: usize, count: usize) {
        let Server { buffer, relay, shell, binary_frames, .. } = self;
        let (now, limit) = (shell.now, shell.limits().max_message_size);
        let Some(entry) = shell.table.get_mut(slot) else { return };
        let peer = entry.peer;
        let Some(mut reader) = entry.connection.take_reader() else { return };
        let mut input = Input::new(buffer.get_mut(..count).unwrap_or_default());
        let end = loop {
            match reader.next(&mut input, limit, &mut shell.budget.spares) {
                Ok(None) => break None,
                Ok(Some(Incoming::Text(text))) => relay.text(now, peer, text, shell),
                Ok(Some(Incoming::Pong)) => (),
                Ok(Some(Incoming::Ping(payload))) => shell.pong(slot, payload),
                Ok(Some(Incoming::Binary(text))) => {
                    if let Some(due) = binary_frames.note((peer, text.is_some()), now) {
                        log_binary(shell, slot, text.is_some(), due);
                    }
                    if let Some(text) = text {
                        relay.text(now, peer, text, shell);
                    }
                }
                Ok(Some(Incoming::Close(payload))) => break Some(Ending::of_close_frame(payload)),
                Err(error) => break Some(Ending::from(error)),
            }
            // The relay may have closed it.
            if !shell.is_open(slot) {
                break None;
            }
        };
        let Some(entry) = shell.table.get_mut(slot) else { return };
        let limits = &shell.settings.websocket;
        let action = entry.connection.return_reader(reader, input.rest(), now, limits);
        self.act(slot, action);
        if let Some(end) = end {
            self.close(slot, end);
        }
    }

    /// Closes an open connection, or answers the peer's close, and tells the relay.
    pub(super) fn close(&mut self, slot: usize, end: impl Into<Ending>) {
        let Some(entry) = self.shell.table.get(slot) else { return };
        let (peer, end) = (entry.peer, end.into());
        if !entry.connection.is_open() {
            return;
        }
        match end.reason {
            CloseReason::PeerClosed => self.shell.answer_close(slot, &end),
            reason => self.shell.close(slot, reason),
        }
        self.relay.left(self.shell.now, peer, end, &mut self.shell);
    }

    /// Sends what is queued for a connection.
    pub(super) fn write(&mut self, slot: usize) {
        let action = self.shell.write(slot);
        self.act(slot, action);
    }
}

/// Logs that a binary frame was read as text, or ignored.
fn log_binary(shell: &Shell, slot: usize, is_text: bool, due: Due) {
    let Some(entry) = shell.table.get(slot) else { return };
    let (language, peer, caller) = (shell.language(), entry.peer, entry.caller);
    if due.others > 0 {
        log::warn!("{}", language.others_unsaid(due.others));
    }
    log::warn!(
        "{}",
        match is_text {
            true => language.binary_read(peer, caller, due.count),
            false => language.binary_ignored(peer, caller, due.count),
        }
    );
}
