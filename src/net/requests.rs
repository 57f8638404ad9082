//! HTTP requests: answering them, at once or after a delay, and upgrading to a WebSocket.

use super::connection::{DelayedAnswer, Phase};
use super::head::{Head, Outcome};
use super::machine::ThisMachine;
use super::server::Server;
use crate::http::{self, Action, Context, RefusalReason, RequestError, Response, Upgrade};
use crate::ledger::Owner;
use crate::relay::Joining;
use std::net::IpAddr;
use std::time::Duration;
use ws::CloseFinder;

/// How many answers to one customer may be delayed at a time, so that one customer cannot use up all
/// connections. Further requests get a 503.
const MAX_DELAYED_PER_CUSTOMER: usize = 64;

/// The largest response, in bytes, charged to the address that asked. Only the key holder gets larger
/// ones, which are charged to the server.
const MAX_STRANGER_RESPONSE: usize = 64 * 1024;

impl Server {
    /// Handles `count` bytes of a head that have just been read.
    pub(super) fn handle_head(&mut self, slot: usize, count: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let Phase::Head(head) = &mut connection.phase else { return };
        let (mut head, peer) = (std::mem::take(head), connection.caller.address.ip());
        match self.read_head(&mut head, peer, Some(count)) {
            Outcome::Incomplete => {
                let held = head.held();
                if let Some(connection) = self.connections.get_mut(slot) {
                    connection.phase = Phase::Head(head);
                }
                self.connections.charge_head(slot, held);
                self.evict_heads();
            }
            Outcome::Whole { answer, rest, client } => {
                if let Some(client) = client {
                    self.connections.set_client(slot, client);
                }
                self.connections.charge_head(slot, 0);
                if self.connections.is_over(slot) {
                    return;
                }
                match answer {
                    Action::Respond(response) if response.is_slowed => {
                        let (bytes, close_finder) = (response.bytes, CloseFinder::default());
                        let answer = DelayedAnswer::Response { bytes, close: None, close_finder };
                        self.refuse(slot, answer, response.refused);
                    }
                    Action::Respond(response) => {
                        self.counters.refused += u64::from(response.status == 403);
                        self.respond(slot, &response);
                    }
                    Action::Upgrade(upgrade) => self.upgrade(slot, upgrade, &rest),
                    Action::CheckKey | Action::Reload => self.delay_key_check(slot, head),
                }
            }
        }
    }

    /// Reads `count` more bytes of a head; with `None`, a complete head whose key may be checked now.
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

    /// Answers a plain request and ends the connection.
    pub(super) fn respond(&mut self, slot: usize, response: &Response) {
        self.note_refusal(slot, response.refused);
        if response.bytes.len() > MAX_STRANGER_RESPONSE {
            self.connections.set_owner(slot, Owner::Server);
        }
        self.connections.push_bytes(slot, &response.bytes);
        self.connections.finish(slot, true);
        self.connections.charge_held(slot, 0);
    }

    fn upgrade(&mut self, slot: usize, upgrade: Upgrade, rest: &[u8]) {
        let agent = match upgrade.agent {
            Ok(agent) => agent,
            Err(reason) => {
                let mut close_finder = CloseFinder::default();
                close_finder.is_done(rest);
                let answer = DelayedAnswer::Response {
                    bytes: upgrade.bytes,
                    close: Some(reason),
                    close_finder,
                };
                return self.refuse(slot, answer, upgrade.refused);
            }
        };
        let language = self.settings.server.language;
        if self.connections.open >= self.settings.websocket.max_connections {
            self.counters.turned_away += 1;
            return self
                .respond(slot, &http::error_response(RequestError::TooManyConnections, language));
        }
        let limit = self.settings.websocket.connections_per_agent();
        if self.relay.connections_of(&agent) >= limit {
            self.counters.turned_away += 1;
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
        self.connections.has_shown_token(slot);
        self.connections.rearm(slot);
        let joining = Joining {
            side: upgrade.side,
            agent: &agent,
            server_id: upgrade.server_id.as_deref(),
            address: &address,
        };
        self.relay.joined(self.now, peer, joining, &mut self.connections);
        // The first frames may have come in the same read as the end of the head.
        if let Some(start) = self.buffer.get_mut(..rest.len()).filter(|_| !rest.is_empty()) {
            start.copy_from_slice(rest);
            self.handle_frames(slot, rest.len());
        }
    }

    /// Refuses a connection, with a delay if its address is refused again and again.
    fn refuse(&mut self, slot: usize, answer: DelayedAnswer, why: Option<RefusalReason>) {
        self.counters.refused += 1;
        self.note_refusal(slot, why);
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let delay = self.refusals.delay(connection.caller.ip(), self.now);
        self.delay_answer(slot, answer, delay);
    }

    /// Checks the key of a request, with a delay if its address is refused again and again.
    fn delay_key_check(&mut self, slot: usize, head: Box<Head>) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let delay = self.refusals.delay_of_key(connection.caller.ip(), self.now);
        let held = head.held();
        self.delay_answer(slot, DelayedAnswer::KeyCheck(head), delay);
        let phase = self.connections.get_mut(slot).map(|connection| &connection.phase);
        if matches!(phase, Some(Phase::Delayed { .. })) {
            self.connections.charge_head(slot, held);
            self.evict_heads();
        }
    }

    fn delay_answer(&mut self, slot: usize, answer: DelayedAnswer, delay: Duration) {
        if delay.is_zero() {
            return self.answer_now(slot, answer);
        }
        if !self.connections.delay_answer(slot, delay, answer, MAX_DELAYED_PER_CUSTOMER) {
            let language = self.settings.server.language;
            let response = http::error_response(RequestError::TooManyConnections, language);
            self.respond(slot, &Response { refused: None, ..response });
        }
    }

    /// Records and logs why a connection is refused or turned away.
    fn note_refusal(&mut self, slot: usize, why: Option<RefusalReason>) {
        if let (Some(why), Some(connection)) = (why, self.connections.get_mut(slot)) {
            let caller = connection.caller;
            self.note_refused(&caller, why);
        }
    }

    /// Gives a delayed answer.
    pub(super) fn answer_delayed(&mut self, slot: usize) {
        if let Some(answer) = self.connections.take_delayed(slot) {
            self.answer_now(slot, answer);
        }
    }

    /// Gives an answer without further delay.
    fn answer_now(&mut self, slot: usize, answer: DelayedAnswer) {
        match answer {
            DelayedAnswer::Response { bytes, close: None, .. } => {
                self.connections.push_bytes(slot, &bytes);
                self.connections.finish(slot, true);
            }
            DelayedAnswer::Response { bytes, close: Some(reason), close_finder: earlier } => {
                self.connections.push_bytes(slot, &bytes);
                self.connections.start_closing(slot, reason);
                let connection = self.connections.get_mut(slot);
                let phase = connection.map(|connection| &mut connection.phase);
                if let Some(Phase::Closing { close_finder, .. }) = phase {
                    *close_finder = earlier;
                    self.await_close(slot, 0);
                }
            }
            DelayedAnswer::KeyCheck(head) => self.check_key(slot, head),
        }
    }

    /// Checks the key of a request and answers it.
    fn check_key(&mut self, slot: usize, mut head: Box<Head>) {
        self.connections.charge_head(slot, 0);
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
            _ => return self.connections.finish(slot, false),
        };
        if response.is_slowed {
            self.counters.refused += 1;
            self.refusals.was_wrong(address, self.now);
        } else {
            self.refusals.was_right(address);
        }
        self.respond(slot, &response);
    }
}
