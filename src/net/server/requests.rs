//! HTTP requests: answering them, at once or after a delay, and upgrading to a WebSocket.

use super::Server;
use crate::http::{
    self, Action, Context, RefusalReason, RequestError, Response, SelectionChange, Upgrade,
};
use crate::ledger::Owner;
use crate::net::connection::DelayedAnswer;
use crate::net::head::{Head, Outcome};
use crate::net::machine::ThisMachine;
use crate::net::transport::{Farewell, Transport};
use crate::relay::Joining;
use std::net::IpAddr;
use std::time::Duration;

/// The largest response, in bytes, charged to the address that asked. Only the key holder gets larger
/// ones, which are charged to the server.
const MAX_STRANGER_RESPONSE: usize = 64 * 1024;

/// What a client may wait for before it sends a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Server {
    /// Handles `count` bytes of a head that have just been read.
    pub(super) fn handle_head(&mut self, slot: usize, count: usize) {
        let Some(entry) = self.shell.table.get_mut(slot) else { return };
        let peer = entry.caller.address.ip();
        let Some(mut head) = entry.connection.take_head() else { return };
        match self.read_head(&mut head, peer, Some(count)) {
            Outcome::Incomplete => {
                if let Some(entry) = self.shell.table.get_mut(slot) {
                    entry.connection.return_head(head);
                }
                self.shell.charge_head(slot);
                self.evict_heads();
            }
            Outcome::Whole { answer, rest, client } => {
                if let Some(client) = client {
                    self.shell.set_client(slot, client);
                }
                self.shell.charge_head(slot);
                if self.shell.is_over(slot) {
                    return;
                }
                match answer {
                    Action::Respond(response) if response.is_slowed => {
                        let answer = DelayedAnswer::Response(response.bytes);
                        self.refuse(slot, answer, response.refused);
                    }
                    Action::Respond(response) => {
                        self.counters.refused += u64::from(response.status == 403);
                        self.respond(slot, &response);
                    }
                    Action::Upgrade(upgrade) => self.upgrade(slot, upgrade, &rest),
                    Action::Choose(change) => self.choose(slot, head, &change, &rest),
                    Action::CheckKey | Action::Reload => self.delay_key_check(slot, head),
                }
            }
        }
    }

    /// Answers that the head or the body comes too slowly.
    pub(super) fn refuse_slow_head(&mut self, slot: usize) {
        let head = self.shell.table.get_mut(slot).and_then(|entry| entry.connection.take_head());
        let error = match head.is_some_and(|head| head.has_body()) {
            true => RequestError::BodyTooSlow,
            false => RequestError::HeadTooSlow,
        };
        let response = http::error_response(error, self.shell.language());
        self.respond(slot, &response);
    }

    /// Reads `count` more bytes of a head; with `None`, a complete head whose key may be checked now.
    fn read_head(&self, head: &mut Head, peer: IpAddr, count: Option<usize>) -> Outcome {
        let context = Context {
            settings: &self.shell.settings,
            relay: &self.relay,
            shell: self.view(),
            machine: &ThisMachine {
                listeners: self.listeners.as_ref(),
                refusals: &self.refusals,
                ledger: &self.shell.budget.ledger,
                managed: &self.shell.managed,
                now: self.shell.now,
            },
            now: self.shell.now,
            may_see_key: count.is_none() || head.has_body(),
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
            self.shell.set_owner(slot, Owner::Server);
        }
        self.shell.push_bytes(slot, &response.bytes);
        self.shell.leave(slot, true);
        self.shell.charge(slot);
    }

    fn upgrade(&mut self, slot: usize, upgrade: Upgrade, rest: &[u8]) {
        let agent = match upgrade.agent {
            Ok(agent) => agent,
            Err(reason) => {
                let mut farewell = Farewell::web_socket();
                farewell.is_complete(rest);
                let response = upgrade.bytes;
                let answer = DelayedAnswer::Refusal { response, reason, farewell };
                return self.refuse(slot, answer, upgrade.refused);
            }
        };
        let language = self.shell.language();
        if self.shell.open >= self.shell.limits().max_connections {
            self.counters.turned_away += 1;
            return self
                .respond(slot, &http::error_response(RequestError::TooManyConnections, language));
        }
        let limit = self.shell.limits().connections_per_agent();
        let seats = self.shell.managed.seats_of(&agent);
        if self.relay.connections_of(&agent).saturating_sub(seats) >= limit {
            self.counters.turned_away += 1;
            if let Some(entry) = self.shell.table.get(slot) {
                let (caller, why) = (entry.caller, RefusalReason::TooManyOfAgent);
                self.note_refused_as(&caller, why, &language.agent_is_full(&agent, limit));
            }
            return self
                .respond(slot, &http::error_response(RequestError::TooManyOfAgent, language));
        }
        self.shell.push_bytes(slot, &upgrade.bytes);
        self.shell.open(slot, Transport::web_socket(), &agent);
        let Some(entry) = self.shell.table.get(slot) else { return };
        let (peer, address) = (entry.peer, entry.caller.to_string());
        let joining = Joining {
            side: upgrade.side,
            agent: &agent,
            server_id: upgrade.server_id.as_deref(),
            address: &address,
        };
        self.relay.joined(self.shell.now, peer, joining, &mut self.shell);
        self.seat(&agent);
        // The first frames may have come in the same read as the end of the head.
        if let Some(start) = self.buffer.get_mut(..rest.len()).filter(|_| !rest.is_empty()) {
            start.copy_from_slice(rest);
            self.handle_messages(slot, rest.len());
        }
    }

    /// Refuses a connection, with a delay if its address is refused again and again.
    fn refuse(&mut self, slot: usize, answer: DelayedAnswer, why: Option<RefusalReason>) {
        self.counters.refused += 1;
        self.note_refusal(slot, why);
        let Some(entry) = self.shell.table.get(slot) else { return };
        let delay = self.refusals.delay(entry.caller.ip(), self.shell.now);
        self.delay_answer(slot, answer, delay);
    }

    /// Checks the key of a request, with a delay if its address is refused again and again.
    fn delay_key_check(&mut self, slot: usize, head: Box<Head>) {
        let Some(entry) = self.shell.table.get(slot) else { return };
        let delay = self.refusals.delay_of_key(entry.caller.ip(), self.shell.now);
        self.delay_answer(slot, DelayedAnswer::KeyCheck(head), delay);
        if self.shell.table.get(slot).is_some_and(|entry| entry.connection.is_delayed()) {
            self.shell.charge_head(slot);
            self.evict_heads();
        }
    }

    fn delay_answer(&mut self, slot: usize, answer: DelayedAnswer, delay: Duration) {
        if delay.is_zero() {
            return self.answer_now(slot, answer);
        }
        if !self.shell.delay_answer(slot, delay, answer) {
            let language = self.shell.language();
            let response = http::error_response(RequestError::TooManyConnections, language);
            self.respond(slot, &Response { refused: None, ..response });
        }
    }

    /// Records and logs why a connection is refused or turned away.
    fn note_refusal(&mut self, slot: usize, why: Option<RefusalReason>) {
        if let (Some(why), Some(entry)) = (why, self.shell.table.get(slot)) {
            let caller = entry.caller;
            self.note_refused(&caller, why);
        }
    }

    /// Changes the selection, once the body of the request is there: `body` is what has come of it.
    fn choose(&mut self, slot: usize, mut head: Box<Head>, change: &SelectionChange, body: &[u8]) {
        if let Some(body) = body.get(..change.length) {
            return self.save_selection(slot, change, body);
        }
        head.await_body(change.length.saturating_sub(body.len()));
        let Some(entry) = self.shell.table.get_mut(slot) else { return };
        entry.connection.return_head(head);
        if change.expects_continue {
            self.shell.push_bytes(slot, CONTINUE);
        }
        self.shell.charge_head(slot);
        self.shell.rearm(slot);
        self.evict_heads();
    }

    /// Gives a delayed answer.
    pub(super) fn give_delayed(&mut self, slot: usize) {
        if let Some(answer) = self.shell.take_delayed(slot) {
            self.answer_now(slot, answer);
        }
    }

    /// Gives an answer without further delay.
    fn answer_now(&mut self, slot: usize, answer: DelayedAnswer) {
        match answer {
            DelayedAnswer::Response(bytes) | DelayedAnswer::Saving(bytes) => {
                if let Some(entry) = self.shell.table.get(slot) {
                    self.saver.withdraw(entry.peer);
                }
                self.shell.push_bytes(slot, &bytes);
                self.shell.leave(slot, true);
            }
            DelayedAnswer::Refusal { response, reason, farewell } => {
                self.shell.refuse(slot, &response, reason, farewell);
            }
            DelayedAnswer::KeyCheck(head) => self.check_key(slot, head),
        }
    }

    /// Checks the key of a request and answers it.
    fn check_key(&mut self, slot: usize, mut head: Box<Head>) {
        self.shell.charge_head(slot);
        if self.shell.is_over(slot) {
            return;
        }
        let Some(entry) = self.shell.table.get(slot) else { return };
        let (peer, address) = (entry.caller.address.ip(), entry.caller.ip());
        let response = match self.read_head(&mut head, peer, None) {
            Outcome::Whole { answer: Action::Respond(response), .. } => response,
            Outcome::Whole { answer: Action::Choose(change), rest, .. } => {
                self.refusals.was_right(address);
                return self.choose(slot, head, &change, &rest);
            }
            Outcome::Whole { answer: Action::Reload, .. } => {
                let outcome = self.reload();
                http::reloaded(&outcome, self.shell.language())
            }
            _ => return self.shell.leave(slot, false),
        };
        if response.is_slowed {
            self.counters.refused += 1;
            self.refusals.was_wrong(address, self.shell.now);
        } else {
            self.refusals.was_right(address);
        }
        self.respond(slot, &response);
    }
}
