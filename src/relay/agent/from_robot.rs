//! What a robot says, and what becomes of it (docs/protocol.md#from-a-robot).

use super::ask::{Ask, Attempt, MAX_ID_BYTES};
use super::Agent;
use crate::relay::bucket::AGENT_SHARE;
use crate::relay::calls::{CallTable, ToolKey};
use crate::relay::catalogue::{Kind, KINDS};
use crate::relay::quirks;
use crate::relay::reply::{Cause, Refusal};
use crate::relay::route::{Group, Route};
use crate::relay::subscriptions::{SUBSCRIBE, UNSUBSCRIBE};
use crate::relay::table::RobotKey;
use crate::relay::tool_server::ToolServer;
use crate::relay::turn::Turn;
use crate::relay::waiting::{memory_of_queued, Queued};
use crate::relay::ToolState;
use jsonrpc::{Id, Message, MessageError, Params, Splice, Unread};

/// The longest name of a client that is kept, in bytes.
const MAX_CLIENT_NAME_BYTES: usize = 128;

impl Agent {
    /// A robot has sent a text.
    pub(in crate::relay) fn robot_sent(&mut self, turn: &mut Turn<'_>, key: RobotKey, text: &str) {
        turn.traffic.from_robots += 1;
        turn.traffic.bytes_from_robots += text.len() as u64;
        turn.read_line(text, &mut |turn, text, read| {
            let Some(robot) = self.robots.expect_quietly(key) else { return };
            robot.speaks_by = None;
            turn.log_received(robot.peer, text);
            let has_no_room = read.is_err_and(|unread| unread.why == MessageError::NoRoom);
            if self.waiting.is_delayed(key) && !has_no_room {
                self.queue_behind(turn, key, text, read);
            } else {
                let since = turn.now;
                self.handle_robot(turn, key, text, read, Attempt::First { since });
            }
        });
    }

    /// Keeps a message until the one before it is answered. A cancellation may be of just that
    /// one and does not wait.
    fn queue_behind(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        text: &str,
        read: Result<&Message<'_>, &Unread>,
    ) {
        if let Ok(message) = read {
            if message.method.as_deref() == Some("notifications/cancelled") {
                self.cancelled(turn, key, message);
                if let Id::Given(id) = message.id {
                    self.answer_empty(turn, key, id);
                }
                return;
            }
        }
        let request_id = match read.map(|message| (message.id, message.method.is_some())) {
            Ok((Id::Given(id), true)) => Some(id),
            _ => None,
        };
        let room = if self.load(key) >= turn.policy.max_in_flight {
            Err(Cause::TooManyInFlight(turn.policy.max_in_flight))
        } else {
            self.admit_waiting(turn, memory_of_queued(text, request_id))
        };
        match (room, request_id) {
            (Ok(()), id) => {
                let (id, text, since) = (id.map(Into::into), text.into(), turn.now);
                self.waiting.queue(key, Queued { id, text, since });
            }
            (Err(cause), Some(id)) => {
                self.refuse(turn, key, id, Refusal::NotForwarded(cause));
            }
            (Err(_), None) => turn.traffic.messages_dropped += 1,
        }
    }

    /// A text that has waited is looked at again.
    pub(super) fn read_again(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        text: &str,
        attempt: Attempt<'_>,
    ) {
        self.handle_robot(turn, key, text, Message::take_apart(text).as_ref(), attempt);
    }

    fn handle_robot(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        text: &str,
        read: Result<&Message<'_>, &Unread>,
        attempt: Attempt<'_>,
    ) {
        let message = match read {
            Ok(message) => message,
            Err(unread) => {
                turn.traffic.messages_dropped += 1;
                let id = unread.id_in(text);
                if unread.why == MessageError::NoRoom && id.is_none() {
                    // It may be a notification, which is never answered.
                    return;
                }
                let refusal = match unread.why {
                    MessageError::NotJson => Refusal::NotJson,
                    MessageError::Batch => Refusal::Batch,
                    MessageError::NotAMessage => Refusal::NotAMessage,
                    MessageError::NoRoom => Refusal::NotForwarded(Cause::MemorySpent),
                };
                return self.refuse(turn, key, id.unwrap_or("null"), refusal);
            }
        };
        let is_notification = |method: &str| method.starts_with("notifications/");
        match (message.method.as_deref(), message.id) {
            (Some(method), Id::Absent) => self.robot_notifies(turn, key, method, message),
            // Some serialise every member they know of.
            (Some(method), Id::Null) if is_notification(method) => {
                self.robot_notifies(turn, key, method, message);
            }
            (Some(_), Id::Given(id)) if id.len() > MAX_ID_BYTES => {
                self.refuse(turn, key, "null", Refusal::NotAMessage);
            }
            (Some(method), Id::Given(id)) => {
                self.robot_asks(turn, Ask { robot: key, id, method, message, attempt });
            }
            (None, _) if message.result.is_some() || message.error.is_some() => {
                turn.traffic.messages_dropped += 1;
                self.warn_of_reply(turn, key);
            }
            (_, id) => {
                turn.traffic.messages_dropped += 1;
                let id = if let Id::Given(id) = id { id } else { "null" };
                self.refuse(turn, key, id, Refusal::NotAMessage);
            }
        }
    }

    fn robot_notifies(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        method: &str,
        message: &Message<'_>,
    ) {
        match method {
            "notifications/cancelled" => return self.cancelled(turn, key, message),
            "notifications/initialized" => {
                if let Some(robot) = self.robots.expect_mut(key) {
                    robot.initialised = true;
                }
                if !self.passes_through(key) {
                    return;
                }
                let own = |tool: &ToolServer| tool.state == ToolState::Transparent;
                return self.notify_tools(turn, message, &own);
            }
            _ => (),
        }
        self.notify_tools(turn, message, &ToolServer::takes_messages);
    }

    /// Passes a notification on to the tool servers that `wanted` picks.
    fn notify_tools(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message<'_>,
        wanted: &dyn Fn(&ToolServer) -> bool,
    ) {
        let params = message.read_params();
        if params.has_unclear_token {
            turn.traffic.messages_dropped += 1;
            return;
        }
        let mut is_first = true;
        for (_, tool) in self.tools.iter().filter(|(_, tool)| wanted(tool)) {
            // What goes to many is work for the relay, as in the other direction.
            let bytes = message.text.len();
            if !is_first && !self.fan_out.admits(turn.now, bytes, AGENT_SHARE) {
                turn.traffic.notifications_dropped += 1;
                continue;
            }
            is_first = false;
            let mut digits = itoa::Buffer::new();
            let mut splice = Splice::of(message.text);
            own_ids(&mut splice, message, &params, (&mut self.calls, tool.key), &mut digits);
            let _ = turn.send_to_tool(tool.peer, splice.pieces());
        }
    }

    /// A robot does not want an answer any more: the newest request of that id is over.
    fn cancelled(&mut self, turn: &mut Turn<'_>, key: RobotKey, message: &Message<'_>) {
        let params = message.read_params();
        let Some(id) = params.request_id.filter(|_| !params.has_unclear_token) else { return };
        if self.withdraw_waiting(turn, key, id) {
            return self.send_list_again(turn, key);
        }
        let mut next = self.calls.find(key, id).map(|call| self.calls.first_of_request(call));
        if next.is_none() {
            return;
        }
        while let Some(call) = next {
            let at = self.calls.place_and_id(call);
            next = self.close_call(turn, call).and_then(|call| call.sibling());
            turn.traffic.calls_cancelled += 1;
            let Some((Some(tool), number)) = at else { continue };
            let Some(tool) = self.tools.expect(tool) else { continue };
            let mut digits = itoa::Buffer::new();
            let number = digits.format(number);
            let mut splice = Splice::of(message.text);
            splice.put(id, number);
            let mut digits = itoa::Buffer::new();
            own_ids(&mut splice, message, &params, (&mut self.calls, tool.key), &mut digits);
            let _ = turn.send_to_tool(tool.peer, splice.pieces());
        }
        self.send_list_again(turn, key);
    }

    pub(super) fn robot_asks(&mut self, turn: &mut Turn<'_>, ask: Ask<'_>) {
        // Nearly all are calls of tools.
        if ask.method == "tools/call" && !self.passes_through(ask.robot) {
            return self.ask_item(turn, Kind::Tools, ask);
        }
        // Some give their notifications an id.
        if ask.method.starts_with("notifications/") {
            self.robot_notifies(turn, ask.robot, ask.method, ask.message);
            return self.answer_empty(turn, ask.robot, ask.id);
        }
        if self.passes_through(ask.robot) {
            return self.pass_on(turn, ask);
        }
        let row_of_use = || KINDS.iter().find(|row| row.uses.contains(&ask.method));
        match ask.method {
            "initialize" => self.ask_initialize(turn, ask),
            "ping" => self.ask_ping(turn, ask),
            method => match KINDS.iter().find(|row| row.list == method) {
                Some(row) => self.ask_list(turn, row.kind, ask),
                None => match row_of_use() {
                    Some(row) => self.ask_item(turn, row.kind, ask),
                    None => self.ask_others(turn, ask),
                },
            },
        }
    }

    /// Passes any request on to the tool servers that joined while `handshake` was off.
    fn pass_on(&mut self, turn: &mut Turn<'_>, ask: Ask<'_>) {
        if self.robots.expect(ask.robot).is_some_and(|robot| !robot.transparent) {
            // It will be served by the relay again when others come.
            match ask.method {
                "initialize" => self.note_client(turn, ask.robot, ask.message),
                "tools/list" => self.last_listed(turn, ask.robot, ask.id),
                _ => (),
            }
        }
        let params = ask.message.read_params();
        let route = self.route_anywhere(Group::Transparent, &|_| true);
        self.send_along(turn, ask, &params, route, Refusal::UnknownMethod(ask.method));
    }

    fn ask_initialize(&mut self, turn: &mut Turn<'_>, ask: Ask<'_>) {
        if let Some(wait) = self.must_wait(turn, ask, &[]) {
            return self.delay(turn, ask, wait, &[]);
        }
        self.answer_initialize(turn, ask.robot, ask.id, ask.message);
    }

    fn ask_ping(&mut self, turn: &mut Turn<'_>, ask: Ask<'_>) {
        let route = match self.tools.is_empty() {
            false => return self.answer_empty(turn, ask.robot, ask.id),
            true if !self.roster.expects_any() => Route::NoTool,
            true => Route::Wait { for_lost: true },
        };
        self.send_along(turn, ask, &Params::default(), route, Refusal::NoTool);
    }

    fn answer_empty(&mut self, turn: &mut Turn<'_>, key: RobotKey, id: &str) {
        self.answer(turn, key, id, &[r#"{"jsonrpc":"2.0","id":"#, id, r#","result":{}}"#]);
    }

    fn ask_list(&mut self, turn: &mut Turn<'_>, kind: Kind, ask: Ask<'_>) {
        let robot = self.robots.expect(ask.robot).filter(|_| kind == Kind::Tools);
        let start = robot.map_or(0, |r| quirks::page_start(r, turn.policy, ask.message.params));
        // Before the first page the tool servers may have to be asked.
        if start == 0 {
            if matches!(ask.attempt, Attempt::First { .. }) {
                let now = turn.now;
                self.refresh(turn, kind, &|tool| tool.must_be_asked(kind, now));
            }
            if let Some(wait) = self.must_wait(turn, ask, &[kind]) {
                return self.delay(turn, ask, wait, &[kind]);
            }
        }
        if kind == Kind::Tools {
            self.last_listed(turn, ask.robot, ask.id);
        }
        self.answer_list(turn, ask.robot, kind, ask.id, start);
    }

    fn ask_item(&mut self, turn: &mut Turn<'_>, kind: Kind, ask: Ask<'_>) {
        if kind != Kind::Tools && matches!(ask.attempt, Attempt::First { .. }) {
            // Nobody may have asked for these lists yet; an address may be one of a template.
            let kinds: &[Kind] = match kind {
                Kind::Resources => &[Kind::Resources, Kind::Templates],
                _ => &[kind],
            };
            let now = turn.now;
            for kind in kinds {
                self.refresh(turn, *kind, &|tool| {
                    !tool.lists.of(*kind).known && tool.must_be_asked(*kind, now)
                });
            }
            if let Some(wait) = self.must_wait(turn, ask, kinds) {
                return self.delay(turn, ask, wait, kinds);
            }
        }
        let params = ask.message.read_params();
        let asked = match kind.row().key {
            "uri" => &params.uri,
            _ => &params.name,
        };
        let name = asked.as_ref().map(|(name, _)| &**name);
        let route = self.route_named(kind, name);
        let nobody = Refusal::UnknownName { noun: kind.row().noun, name: name.unwrap_or("") };
        let Some(uri) = name.filter(|_| ask.method.ends_with("subscribe")) else {
            self.send_along(turn, ask, &params, route, nobody);
            return;
        };
        if ask.method == UNSUBSCRIBE {
            if self.unsubscribed(turn, ask.robot, uri) {
                return self.answer_empty(turn, ask.robot, ask.id);
            }
        } else if !self.may_subscribe(turn, ask.robot, uri) {
            let why = Refusal::NotForwarded(Cause::TooManySubscriptions);
            return self.refuse(turn, ask.robot, ask.id, why);
        }
        let sent = self.send_along(turn, ask, &params, route, nobody);
        if let Some(tool) = sent.filter(|_| ask.method == SUBSCRIBE) {
            self.subscribed(turn, ask.robot, uri, tool);
        }
    }

    fn ask_others(&mut self, turn: &mut Turn<'_>, ask: Ask<'_>) {
        let params = ask.message.read_params();
        let word = ask.method.split('/').next().unwrap_or(ask.method);
        let capability = if word == "completion" { "completions" } else { word };
        let route = self.route_anywhere(Group::All, &|tool| tool.declares(capability));
        self.send_along(turn, ask, &params, route, Refusal::UnknownMethod(ask.method));
    }

    /// Remembers who a robot says it is.
    pub(super) fn note_client(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        message: &Message<'_>,
    ) {
        let params = message.read_params();
        let name = params.client_name.as_deref().unwrap_or("");
        if let Some(robot) = self.robots.expect_mut(key) {
            robot.is_xiaozhi_server = turn.policy.quirks && quirks::is_xiaozhi_server(name);
            let is_shown = (1..=MAX_CLIENT_NAME_BYTES).contains(&name.len());
            let before = robot.memory();
            robot.client = is_shown.then(|| name.into());
            turn.replace(before, robot.memory());
        }
    }
}

/// An id that a notification carries though it must not, and the progress tokens in it, are the
/// robot's own. The tool server gets a number in their place that none of its requests has.
fn own_ids<'a>(
    splice: &mut Splice<'a>,
    message: &Message<'a>,
    params: &Params<'a>,
    (calls, tool): (&mut CallTable, ToolKey),
    digits: &'a mut itoa::Buffer,
) {
    let id = match message.id {
        Id::Given(id) => Some(id),
        _ => None,
    };
    let parts = [id, params.asked_token, params.progress_token];
    if parts.iter().any(Option::is_some) {
        let number = digits.format(calls.fresh_id(tool));
        parts.into_iter().flatten().for_each(|part| splice.put(part, number));
    }
}
