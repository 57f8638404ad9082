//! Requests: what a head asks for, and when it is answered.

use super::connection::{Phase, PutOff};
use super::head::{Head, Outcome};
use super::machine::ThisMachine;
use super::server::Server;
use crate::http::{self, Action, Context, RefusalReason, RequestError, Response, Upgrade};
use crate::ledger::Owner;
use crate::relay::Joining;
use std::net::IpAddr;
use std::time::Duration;
use ws::Skimmer;

/// How many answers to one customer are put off at a time: whoever makes more wait would take
/// everybody's place, and gets a 503.
const MAX_PUT_OFF: usize = 64;

/// A plain response larger than this is one to the key: what it takes is the server's own.
const LARGEST_FOR_STRANGERS: usize = 64 * 1024;

impl Server {
    /// Takes `count` bytes of a head that have just been read.
    pub(super) fn take_head(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Phase::Head(head) = &mut connection.phase else { return };
        let (mut head, peer) = (std::mem::take(head), connection.caller.address.ip());
        match self.read_head(&mut head, peer, Some(count)) {
            Outcome::Incomplete => {
                let held = head.held();
                if let Some(connection) = self.connections.get_mut(slot) {
                    connection.phase = Phase::Head(head);
                }
                self.connections.account_head(slot, held);
                self.thin_out_heads();
            }
            Outcome::Whole { answer, rest, client } => {
                if let Some(client) = client {
                    self.connections.named(slot, client);
                }
                self.connections.account_head(slot, 0);
                if self.connections.is_over(slot) {
                    return;
                }
                match answer {
                    Action::Respond(response) if response.is_slowed => {
                        let (bytes, skimmer) = (response.bytes, Skimmer::default());
                        let answer = PutOff::Answer { bytes, close: None, skimmer };
                        self.refuse(slot, answer, response.refused);
                    }
                    Action::Respond(response) => {
                        self.counted.refused += u64::from(response.status == 403);
                        self.respond(slot, &response);
                    }
                    Action::Upgrade(upgrade) => self.upgrade(slot, upgrade, &rest),
                    Action::CheckKey | Action::Reload => self.put_key_off(slot, head),
                }
            }
        }
    }

    /// Reads a head: `count` bytes more of it, or a whole one whose key may be looked at now.
    fn read_head(&self, head: &mut Head, peer: IpAddr, count: Option<usize>) -> Outcome {
        let context = Context {
            settings: &self.settings,
            relay: &self.relay,
            shell: self.view(),
            machine: &ThisMachine {
                listeners: self.listeners.as_ref(),
                refusals: &self.refusals,
                ledger: &self.connections.ledger,
                now: self.now,
            },
            now: self.now,
            may_see_key: count.is_none(),
        };
        match count {
            Some(count) => head.take(self.buffer.get(..count).unwrap_or_default(), peer, &context),
            None => head.answer(peer, &context),
        }
    }

    /// Answers a plain request, after which the connection ends.
    pub(super) fn respond(&mut self, slot: usize, response: &Response) {
        self.note_refusal(slot, response.refused);
        if response.bytes.len() > LARGEST_FOR_STRANGERS {
            self.connections.set_owner(slot, Owner::Server);
        }
        self.connections.push_bytes(slot, &response.bytes);
        self.connections.leave(slot, true);
        self.connections.account(slot, 0);
    }

    fn upgrade(&mut self, slot: usize, upgrade: Upgrade, rest: &[u8]) {
        let agent = match upgrade.agent {
            Ok(agent) => agent,
            Err(reason) => {
                let mut skimmer = Skimmer::default();
                skimmer.is_over(rest);
                let answer = PutOff::Answer { bytes: upgrade.bytes, close: Some(reason), skimmer };
                return self.refuse(slot, answer, upgrade.refused);
            }
        };
        let language = self.settings.server.language;
        if self.connections.open >= self.settings.websocket.max_connections {
            self.counted.turned_away += 1;
            return self
                .respond(slot, &http::error_response(RequestError::TooManyConnections, language));
        }
        let limit = self.settings.websocket.connections_per_agent();
        if self.relay.connections_of(&agent) >= limit {
            self.counted.turned_away += 1;
            if let Some(connection) = self.connections.get_mut(slot) {
                let (caller, why) = (connection.caller, RefusalReason::TooManyOfAgent);
                self.note_refused_as(&caller, why, &language.agent_is_full(&agent, limit));
            }
            return self
                .respond(slot, &http::error_response(RequestError::TooManyOfAgent, language));
        }
        self.connections.push_bytes(slot, &upgrade.bytes);
        let Some(connection) = self.connections.get_mut(slot) else { return };
        connection.phase = Phase::Open(Default::default());
        self.connections.set_owner(slot, Owner::Agent(agent.as_str().into()));
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let (peer, address) = (connection.peer, connection.caller.to_string());
        self.connections.open += 1;
        self.connections.is_no_stranger(slot);
        self.connections.rearm(slot);
        let joining = Joining {
            side: upgrade.side,
            agent: &agent,
            server_id: upgrade.server_id.as_deref(),
            address: &address,
        };
        self.relay.joined(self.now, peer, joining, &mut self.connections);
        // The first frames may have come with the head, which is shorter than the buffer.
        if let Some(start) = self.buffer.get_mut(..rest.len()).filter(|_| !rest.is_empty()) {
            start.copy_from_slice(rest);
            self.take_frames(slot, rest.len());
        }
    }

    /// Refuses a connection: at once, or later where its address is refused again and again.
    fn refuse(&mut self, slot: usize, answer: PutOff, why: Option<RefusalReason>) {
        self.counted.refused += 1;
        self.note_refusal(slot, why);
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let delay = self.refusals.delay(connection.caller.ip(), self.now);
        self.put_off(slot, answer, delay);
    }

    /// Looks at the key a request shows: at once, or later where its address is refused again and
    /// again.
    fn put_key_off(&mut self, slot: usize, head: Box<Head>) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let delay = self.refusals.delay_of_key(connection.caller.ip(), self.now);
        let held = head.held();
        self.put_off(slot, PutOff::Request(head), delay);
        let phase = self.connections.get_mut(slot).map(|connection| &connection.phase);
        if matches!(phase, Some(Phase::PutOff { .. })) {
            self.connections.account_head(slot, held);
            self.thin_out_heads();
        }
    }

    fn put_off(&mut self, slot: usize, answer: PutOff, delay: Duration) {
        if delay.is_zero() {
            return self.give(slot, answer);
        }
        if !self.connections.put_off(slot, delay, answer, MAX_PUT_OFF) {
            let language = self.settings.server.language;
            let response = http::error_response(RequestError::TooManyConnections, language);
            self.respond(slot, &Response { refused: None, ..response });
        }
    }

    /// Remembers why a connection is refused or turned away, and mentions it.
    fn note_refusal(&mut self, slot: usize, why: Option<RefusalReason>) {
        if let (Some(why), Some(connection)) = (why, self.connections.get_mut(slot)) {
            let caller = connection.caller;
            self.note_refused(&caller, why);
        }
    }

    /// Gives an answer that was put off.
    pub(super) fn answer_put_off(&mut self, slot: usize) {
        if let Some(answer) = self.connections.take_put_off(slot) {
            self.give(slot, answer);
        }
    }

    /// Gives an answer whose time has come.
    fn give(&mut self, slot: usize, answer: PutOff) {
        match answer {
            PutOff::Answer { bytes, close: None, .. } => {
                self.connections.push_bytes(slot, &bytes);
                self.connections.leave(slot, true);
            }
            PutOff::Answer { bytes, close: Some(reason), skimmer: seen } => {
                self.connections.push_bytes(slot, &bytes);
                self.connections.start_closing(slot, reason);
                let connection = self.connections.get_mut(slot);
                let phase = connection.map(|connection| &mut connection.phase);
                if let Some(Phase::Closing { skimmer, .. }) = phase {
                    *skimmer = seen;
                    self.await_close(slot, 0);
                }
            }
            PutOff::Request(head) => self.check_key(slot, head),
        }
    }

    /// Answers a request that shows a key.
    fn check_key(&mut self, slot: usize, mut head: Box<Head>) {
        self.connections.account_head(slot, 0);
        if self.connections.is_over(slot) {
            return;
        }
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let (peer, address) = (connection.caller.address.ip(), connection.caller.ip());
        let response = match self.read_head(&mut head, peer, None) {
            Outcome::Whole { answer: Action::Respond(response), .. } => response,
            Outcome::Whole { answer: Action::Reload, .. } => {
                let outcome = self.reload();
                http::reloaded(&outcome, self.settings.server.language)
            }
            _ => return self.connections.leave(slot, false),
        };
        if response.is_slowed {
            self.counted.refused += 1;
            self.refusals.was_wrong(address, self.now);
        } else {
            self.refusals.was_right(address);
        }
        self.respond(slot, &response);
    }
}
