//! What a tool server says, and what becomes of it (docs/protocol.md#from-a-tool-server).

use super::Agent;
use crate::relay::bucket::AGENT_SHARE;
use crate::relay::calls::Request;
use crate::relay::catalogue::{Kind, KINDS};
use crate::relay::ids::ids_in;
use crate::relay::numbers::{number, number_loosely};
use crate::relay::quirks;
use crate::relay::reply::{self, Cause, Refusal, PROTOCOL_VERSION};
use crate::relay::table::ToolServerKey;
use crate::relay::tool_server::{Doubt, ToolServerInLog, Trouble};
use crate::relay::turn::Turn;
use crate::relay::{Peer, ToolState};
use jsonrpc::line::BYTE_ORDER_MARK;
use jsonrpc::message::{quoted, string};
use jsonrpc::splice::place_in;
use jsonrpc::{Fault, FaultKind, Id, Message, MessageError, Splice, Unread};

impl Agent {
    /// A tool server has sent a text.
    pub(in crate::relay) fn tool_sent(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        text: &str,
    ) {
        turn.traffic.from_tools += 1;
        turn.traffic.bytes_from_tools += text.len() as u64;
        let Some(tool) = self.tools.expect_quietly(key) else { return };
        tool.heard = turn.now;
        let peer = tool.peer;
        turn.read_line(text, &mut |turn, line, read| {
            turn.log_received(peer, line);
            match read {
                Ok(message) if message.is_message() => {
                    self.handle_tool(turn, key, peer, message);
                }
                read => self.handle_odd_text(turn, key, peer, (text, line), read),
            }
        });
    }

    /// A tool server has sent `text`, which is not a message as it stands; `line` is it without line
    /// breaks.
    #[cold]
    fn handle_odd_text(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        peer: Peer,
        (text, line): (&str, &str),
        read: Result<&Message<'_>, &Unread>,
    ) {
        let is_understood = match read {
            Ok(message) => {
                let inner = message.wrapped();
                inner.is_some_and(|inner| self.handle_wrapped(turn, key, peer, (text, line), inner))
            }
            Err(unread) => {
                unread.why == MessageError::Batch
                    && self.handle_batch(turn, key, (text, line), line)
            }
        };
        if !is_understood {
            let id = match read.map(|message| message.id) {
                Ok(Id::Given(id)) => Some(id),
                _ => None,
            };
            self.not_understood(turn, key, text, id, Fault::of(text, line, read.err()));
        }
    }

    /// Hears of what a tool server has wrapped, as it is spelled: a message, a list of replies, or a
    /// message as a string. Says whether it is one of these.
    fn handle_wrapped(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        peer: Peer,
        sent: (&str, &str),
        inner: &str,
    ) -> bool {
        let mut handle = |turn: &mut Turn<'_>, message: Option<&Message<'_>>| {
            let message = message.filter(|message| message.is_message());
            message.inspect(|message| self.handle_tool(turn, key, peer, message)).is_some()
        };
        match inner.as_bytes() {
            [b'[', ..] => self.handle_batch(turn, key, sent, inner),
            [b'"', ..] if turn.keeps_copy(inner.len()) => {
                let said = string(inner).unwrap_or_default();
                let mut is_understood = false;
                turn.read_line(&said, &mut |turn, _, read| is_understood = handle(turn, read.ok()));
                turn.free(inner.len());
                is_understood
            }
            _ => handle(turn, Message::read(inner).ok().as_ref()),
        }
    }

    /// Hears of the replies in a list, which was sent in `text`; says whether there are any. `line` is
    /// the text without line breaks.
    fn handle_batch(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        (text, line): (&str, &str),
        list: &str,
    ) -> bool {
        let (mut found, mut has_faults) = (false, false);
        Message::each_of(list, &mut |message| {
            let is_answer = || self.is_answer(key, message);
            let fault = Fault::of_element(message);
            has_faults |= fault.is_some();
            if fault.is_none() && message.answer().is_some() {
                // A list may be long: one that is dropped is named for all.
                if message.method.is_none() && !found || is_answer() {
                    self.tool_replies(turn, key, message);
                } else {
                    turn.traffic.replies_dropped += 1;
                }
                found = true;
            }
            true
        });
        if found && has_faults {
            let before = text.len() - text.trim_start_matches([BYTE_ORDER_MARK, '\r', '\n']).len();
            Message::each_of(list, &mut |message| {
                if let Some(mut fault) = Fault::of_element(message) {
                    let place = place_in(line, message.text).unwrap_or_default();
                    fault.at += before + place.start;
                    self.not_understood(turn, key, message.text, None, fault);
                }
                true
            });
        }
        found
    }

    fn handle_tool(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        peer: Peer,
        message: &Message<'_>,
    ) {
        match (message.method.as_deref(), message.id) {
            (None, _) => self.tool_replies(turn, key, message),
            // Some write their answer into the request.
            (Some(_), _) if message.answer().is_some() && self.is_answer(key, message) => {
                self.tool_replies(turn, key, message);
            }
            (Some(method), Id::Given(id)) => {
                if KINDS.iter().any(|row| row.list == method || row.uses.contains(&method)) {
                    self.warn_of_request(turn, key, method);
                }
                answer_tool(turn, peer, method, id, message);
                if method == "initialize" {
                    self.initialize_again(turn, key);
                }
            }
            (Some(method), _) => self.tool_notifies(turn, key, method, message),
        }
    }

    /// Whether a request is under way that a reply answers.
    fn is_answer(&self, key: ToolServerKey, message: &Message<'_>) -> bool {
        let Id::Given(id) = message.id else { return false };
        let tool = self.tools.expect(key);
        number(id).is_some_and(|number| tool.is_some_and(|tool| self.calls.has(tool.key, number)))
    }

    /// What a tool server has sent cannot be read. The requests whose ids are found in it will get no
    /// other answer.
    fn not_understood(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        text: &str,
        id: Option<&str>,
        fault: Fault,
    ) {
        match fault.kind {
            FaultKind::NoAnswer => turn.traffic.replies_dropped += 1,
            _ => turn.traffic.messages_dropped += 1,
        }
        let mut over = Vec::new();
        let mut end = |number: Option<u32>| {
            over.extend(number.and_then(|number| self.take_request(turn, key, number)));
        };
        match id {
            Some(id) => end(number(id)),
            None => ids_in(text, &mut |id| end(number_loosely(id))),
        }
        self.warn_of_text(turn, key, fault, !over.is_empty());
        if over.is_empty() {
            if let Some(tool) = self.tools.expect_mut(key) {
                tool.note_trouble(Trouble::NotAMessage(fault), turn.now);
            }
        }
        let why = Refusal::NotForwarded(Cause::Unreadable(fault));
        for request in over {
            match request {
                Request::Ping | Request::Aside => (),
                Request::Call(call) => {
                    self.call_failed(turn, &call, why);
                    self.send_list_again(turn, call.robot());
                }
                Request::Initialize => {
                    if self.tools.expect(key).is_some_and(|t| t.state == ToolState::Initializing) {
                        self.tool_is_opaque(turn, key, Trouble::Unreadable("initialize", fault));
                    }
                }
                Request::List(kind) => self.tool_listed(turn, key, kind, Err(""), Some(fault)),
            }
        }
    }

    fn tool_replies(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, message: &Message<'_>) {
        let number = match message.id {
            Id::Given(id) => number(id),
            _ => None,
        };
        let Some(answer) = message.answer() else { return };
        let request = number.and_then(|number| self.take_request(turn, key, number));
        match request {
            None => {
                turn.traffic.replies_dropped += 1;
                let id = match message.id {
                    Id::Given(id) => id,
                    _ => "null",
                };
                self.warn_of_answer(turn, key, id, message.error);
                // It is late, but the tool server answers.
                if self.tools.expect(key).is_some_and(|tool| tool.doubt.is_some()) {
                    self.trusts(turn, key);
                }
            }
            Some(Request::Aside) => (),
            Some(Request::Ping) => {
                if let Some(tool) = self.tools.expect_mut(key) {
                    tool.ping_fails_at = None;
                }
                if self.tools.expect(key).is_some_and(|t| t.doubt == Some(Doubt::PingFailed)) {
                    self.trusts(turn, key);
                }
            }
            Some(Request::Call(call)) => self.deliver(turn, key, &call, message),
            Some(Request::Initialize) => self.initialize_answered(turn, key, answer),
            Some(Request::List(kind)) => self.tool_listed(turn, key, kind, answer, None),
        }
    }

    /// Says what is wrong with a tool server.
    pub(super) fn say_trouble(&self, turn: &Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect(key) else { return };
        let Some(trouble) = &tool.trouble else { return };
        let language = turn.policy.language;
        log::warn!(
            "{}",
            language.tool_trouble(ToolServerInLog(&self.name, tool), trouble.text(language))
        );
    }

    /// A list of a tool server is as whole as it will be.
    pub(super) fn list_is_known(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        kind: Kind,
        notify: bool,
    ) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let is_first = kind == Kind::Tools && tool.state == ToolState::Listing;
        if is_first {
            tool.state = ToolState::Ready;
        }
        if is_first || (kind == Kind::Tools && self.has_other_twins(key)) {
            self.find_identity(turn, key);
            self.merge_all(turn);
        } else if kind != Kind::Tools && self.is_first_listed(kind) {
            // The owner of a name is found when all have answered. It is not the quickest one.
        } else {
            self.merge(turn, kind, notify);
        }
    }

    /// Whether a tool server is being asked for a list for the first time.
    fn is_first_listed(&self, kind: Kind) -> bool {
        let mut lists = self.tools.iter().map(|(_, tool)| tool.lists.of(kind));
        lists.any(|list| list.is_running() && !list.known)
    }

    fn tool_notifies(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        method: &str,
        message: &Message<'_>,
    ) {
        match method {
            "notifications/progress" => self.progress(turn, key, message),
            // Its own handshake is over. One that refused ours before may not refuse it now.
            "notifications/initialized" => {
                if self.tools.expect(key).is_some_and(|tool| tool.state == ToolState::Opaque) {
                    self.initialize_again(turn, key);
                }
            }
            // The relay has answered the request already.
            "notifications/cancelled" => (),
            _ if self.lists_changed(turn, key, method) => (),
            _ => self.forward_to_robots(turn, key, message.text),
        }
    }

    fn progress(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, message: &Message<'_>) {
        let params = message.read_params();
        let Some(token) = params.progress_token else { return };
        let Some(number) = number(token) else { return };
        let Some(tool) = self.tools.expect_quietly(key) else { return };
        let wait = tool.request_timeout.unwrap_or(turn.policy.request_timeout);
        let deadline = turn.now.after(wait);
        let Some(call) = self.calls.put_off(tool.key, number, deadline) else { return };
        let (Some(robot), Some(own)) = (self.robots.expect(call.robot()), call.token()) else {
            return;
        };
        if !tool.progress.admits(turn.now, message.text.len(), 1) {
            turn.traffic.notifications_dropped += 1;
            return self.warn_of_notifications(turn, key);
        }
        let mut splice = Splice::of(message.text);
        splice.put(token, own);
        match quirks::too_large_for(robot, turn.policy, splice.pieces()) {
            None => drop(turn.send_to_robot(robot.peer, splice.pieces())),
            Some(_) => turn.traffic.notifications_dropped += 1,
        }
    }

    /// Passes a notification on to every robot that has finished its handshake, as long as its
    /// tool server does not make the relay send too much.
    fn forward_to_robots(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, text: &str) {
        let Some(tool) = self.tools.expect_quietly(key) else { return };
        let mut dropped = 0;
        for (_, robot) in self.robots.iter().filter(|(_, robot)| robot.initialised) {
            if quirks::too_large_for(robot, turn.policy, &[text]).is_some() {
                turn.traffic.notifications_dropped += 1;
                continue;
            }
            let admits = tool.notifying.admits(turn.now, text.len(), 1)
                && self.fan_out.admits(turn.now, text.len(), AGENT_SHARE);
            if admits {
                let _ = turn.send_to_robot(robot.peer, &[text]);
            } else {
                dropped += 1;
            }
        }
        turn.traffic.notifications_dropped += dropped;
        if dropped > 0 {
            self.warn_of_notifications(turn, key);
        }
    }
}

/// Answers what a tool server asks of the relay.
fn answer_tool(turn: &mut Turn<'_>, tool: Peer, method: &str, id: &str, message: &Message<'_>) {
    let text = match method {
        "ping" => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#),
        "initialize" => {
            let params = message.read_params();
            let version = params.protocol_version.as_deref().unwrap_or(PROTOCOL_VERSION);
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":{},"capabilities":{{}},"serverInfo":{}}}}}"#,
                quoted(version),
                reply::own_info()
            )
        }
        _ => reply::method_not_found(id),
    };
    let _ = turn.send_to_tool(tool, &[&text]);
}
