//! Where a robot's request goes, and what comes of it.

use super::ask::{Ask, Attempt, MAX_ID_BYTES};
use super::Agent;
use crate::close::CloseReason;
use crate::relay::bucket::AGENT_SHARE;
use crate::relay::calls::{memory_of_call, Call, Nature, Request};
use crate::relay::catalogue::{Kind, Offer};
use crate::relay::identity::Identity;
use crate::relay::quirks;
use crate::relay::reply::{self, shortened, Cause, Refusal};
use crate::relay::robot::RobotInLog;
use crate::relay::route::{self, Candidate, Group, Route};
use crate::relay::table::{RobotKey, ToolServerKey};
use crate::relay::tool_server::ToolServer;
use crate::relay::turn::Turn;
use crate::relay::waiting::Parked;
use crate::relay::ToolState;
use jsonrpc::{Id, Message, Params, Splice};

/// How many tool servers a robot's requests go to together, for each request it may have under way.
const MAX_CALLS_PER_REQUEST: usize = 8;

/// What a message costs besides its bytes where it goes to several.
const PER_MESSAGE: usize = 1 << 10;

impl Agent {
    /// Where a request for the item `name` goes.
    pub(super) fn route_named(&self, kind: Kind, name: Option<&str>) -> Route {
        let is_due = |kind| self.catalogue.is_due(kind);
        let is_stale = is_due(kind) || (kind == Kind::Resources && is_due(Kind::Templates));
        let Some(Offer { identity, own_name }) =
            name.and_then(|name| self.catalogue.find(kind, name))
        else {
            // It may be among what has come since the lists were merged; or its tool server may be
            // on its way back, unless one is there that may have it.
            let is_expected = self.roster.expects_unknown() && !self.may_be_anybodys();
            let name = name.filter(|_| kind == Kind::Tools);
            let is_withheld = name.is_some_and(|name| self.catalogue.withholds(name));
            if is_stale || (is_expected && !is_withheld) {
                return Route::Wait { for_lost: false };
            }
            if is_withheld {
                return Route::Nobody;
            }
            let route = self.route_anywhere(Group::All, &|_| false);
            return match (&route, name) {
                (Route::To(tools), Some(name)) if tools.iter().any(|t| self.hides(*t, name)) => {
                    Route::Nobody
                }
                _ => route,
            };
        };
        match self.roster.serving(identity) {
            Some(tool) => Route::Named(tool, own_name.map(Into::into)),
            None => Route::Wait { for_lost: self.roster.is_lost(identity) },
        }
    }

    /// Whether the selection hides the tool `name`, which the tool server `key` does not list.
    fn hides(&self, key: ToolServerKey, name: &str) -> bool {
        let tool = self.tools.expect(key).filter(|tool| tool.state != ToolState::Transparent);
        tool.is_some_and(|tool| self.catalogue.hides(&self.name, &tool.identity_label, name))
    }

    /// Whether a tool server is there of which nobody knows what it offers.
    fn may_be_anybodys(&self) -> bool {
        self.tools.iter().any(|(_, tool)| tool.is_unknown())
    }

    /// Whether what a robot says is passed on to the tool servers that joined while `handshake` was
    /// off. Each of them keeps its mode whoever asks, so it is for them to say; where an agent has
    /// tool servers of both modes, a robot meets those of its own.
    pub(super) fn passes_through(&self, robot: RobotKey) -> bool {
        let own = || self.robots.expect(robot).is_some_and(|robot| robot.transparent);
        route::passes_through(self.transparent, self.tools.len(), own)
    }

    /// Where a request goes that names no item: to the only server there is, else to those that
    /// are `able`, else to what cannot say what it is able to.
    pub(super) fn route_anywhere(&self, group: Group, able: &dyn Fn(&ToolServer) -> bool) -> Route {
        let candidates = self.tools.iter().map(|(key, tool)| {
            let is_meant = group == Group::All || tool.state == ToolState::Transparent;
            let identity = tool.identity;
            let serves =
                identity == Identity::UNKNOWN || self.roster.serving(identity) == Some(key);
            Candidate {
                key,
                order: tool.order,
                is_meant: is_meant && serves,
                is_able: tool.takes_messages() && able(tool),
                is_settling: tool.is_settling(),
                is_unknown: tool.is_unknown(),
            }
        });
        route::anywhere(candidates, self.roster.expects_any())
    }

    /// Sends a robot's request where `route` says. `nobody` is the answer where that is nowhere.
    /// Returns the first tool server it went to, if it went to one.
    pub(super) fn send_along(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        params: &Params<'_>,
        route: Route,
        nobody: Refusal<'_>,
    ) -> Option<ToolServerKey> {
        let parked = match ask.attempt {
            Attempt::Parked(parked) => Some(parked),
            _ => None,
        };
        match route {
            Route::To(tools) => return self.forward(turn, ask, params, &tools, None),
            Route::Named(tool, name) => {
                return self.forward(turn, ask, params, &[tool], name.as_deref());
            }
            Route::Wait { for_lost } => {
                let since = turn.now.after(turn.policy.request_timeout);
                let parked = Parked {
                    place: parked.map_or(0, |parked| parked.place),
                    robot: ask.robot,
                    id: ask.id.into(),
                    text: ask.message.text.into(),
                    deadline: parked.map_or(since, |parked| parked.deadline),
                    // If what it waited for first does not come, it says so.
                    for_lost: for_lost || parked.is_some_and(|parked| parked.for_lost),
                };
                self.park(turn, parked);
            }
            Route::NoTool => self.refuse(turn, ask.robot, ask.id, Refusal::NoTool),
            // It waited for a tool server that did not come back.
            Route::Nobody if parked.is_some_and(|parked| parked.for_lost) => {
                self.refuse(turn, ask.robot, ask.id, Refusal::NoTool);
            }
            Route::Nobody => self.refuse(turn, ask.robot, ask.id, nobody),
        }
        None
    }

    /// Whether one more request of the robot may be under way.
    pub(super) fn admit(&self, turn: &Turn<'_>, key: RobotKey) -> Result<(), Cause> {
        let most = turn.policy.max_in_flight;
        if self.load(key) >= most {
            return Err(Cause::TooManyInFlight(most));
        }
        Ok(())
    }

    fn forward(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        params: &Params<'_>,
        tools: &[ToolServerKey],
        name: Option<&str>,
    ) -> Option<ToolServerKey> {
        let Ask { robot: key, id, message, .. } = ask;
        if let Err(cause) = self.admit(turn, key) {
            self.refuse(turn, key, id, Refusal::NotForwarded(cause));
            return None;
        }
        if params.has_unclear_token {
            self.refuse(turn, key, id, Refusal::UnclearToken);
            return None;
        }
        if params.asked_token.is_some_and(|token| token.len() > MAX_ID_BYTES) {
            self.refuse(turn, key, id, Refusal::NotAMessage);
            return None;
        }
        let token_length = params.asked_token.map_or(0, str::len);
        let memory = memory_of_call(id.len() + token_length);
        if !turn.admits(memory.saturating_mul(tools.len())) {
            self.refuse(turn, key, id, Refusal::NotForwarded(Cause::MemorySpent));
            return None;
        }
        // A request to many tool servers is work for the relay, as one to many robots is.
        let others = tools.len().saturating_sub(1);
        let most = turn.policy.max_in_flight.saturating_mul(MAX_CALLS_PER_REQUEST);
        if others > 0 && self.calls.count_of(key).0 + others > most {
            let cause = Cause::TooManyInFlight(turn.policy.max_in_flight);
            self.refuse(turn, key, id, Refusal::NotForwarded(cause));
            return None;
        }
        let bytes = (message.text.len() + PER_MESSAGE).saturating_mul(others);
        if others > 0 && !self.fan_out.admits(turn.now, bytes, AGENT_SHARE) {
            self.refuse(turn, key, id, Refusal::NotForwarded(Cause::TooMuchAtOnce));
            return None;
        }
        let group = self.calls.new_group();
        let nature = match ask.method {
            "tools/call" => Nature::ToolCall,
            "initialize" => Nature::Initialize,
            _ => Nature::Other,
        };
        let deadline = turn.now.after(turn.policy.request_timeout);
        // An answer that is too large for the robot will have to be named.
        let kept_name = match &params.name {
            Some((name, _)) if self.robots.expect(key).is_some_and(|r| r.is_xiaozhi_server) => {
                shortened(name)
            }
            _ => "",
        };
        let mut digits = itoa::Buffer::new();
        let (mut sent, mut cause) = (None, Cause::ToolQueueFull);
        for tool_place in tools {
            let Some(tool) = self.tools.expect_quietly(*tool_place) else { continue };
            let call = Call::new(key, (id, kept_name), params.asked_token, nature, turn.now);
            let memory = call.memory();
            let deadline = tool.request_timeout.map_or(deadline, |wait| turn.now.after(wait));
            let (call, number) = self.calls.open(tool.key, group, deadline, call);
            let digits = digits.format(number);
            let mut splice = Splice::of(message.text);
            splice.put(id, digits);
            if let Some(token) = params.asked_token {
                splice.put(token, digits);
            }
            if let (Some(name), Some((_, spelled))) = (name, &params.name) {
                splice.put(spelled, name);
            }
            if turn.send_to_tool(tool.peer, splice.pieces()).is_err() {
                self.calls.close(call);
                if tool.peer.is_seat() {
                    cause = Cause::SeatQueueFull;
                }
                continue;
            }
            if tool.must_be_probed(turn.now) {
                turn.probe(tool.peer);
            }
            turn.keep(memory);
            turn.traffic.calls += 1;
            sent = sent.or(Some(*tool_place));
        }
        if sent.is_none() {
            self.refuse(turn, key, id, Refusal::NotForwarded(cause));
        }
        sent
    }

    /// Answers a robot's request with an error.
    pub(super) fn refuse(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        id: &str,
        why: Refusal<'_>,
    ) {
        why.count(turn.traffic);
        let language = turn.policy.language;
        // One that did not read may have been closed over the answer before this one.
        let Some(robot) = self.robots.get(key) else { return };
        if why == Refusal::NoTool {
            self.warn_of_no_tool(turn, robot);
        }
        let who = RobotInLog(&self.name, robot);
        log::debug!("{}", language.request_refused(who, why.code(), why.message(language)));
        let text = why.answer(id, &self.name, language);
        let peer = robot.peer;
        // Where even an error finds no room, the robot has not been reading for long: it is closed
        // rather than left without an answer.
        if turn.send_to_robot(peer, &[&text]).is_err() {
            turn.close(peer, CloseReason::NotReading);
            self.robot_left(turn, key, &CloseReason::NotReading.into());
        }
    }

    /// Sends a robot the answer to its request `id`, or an error where that finds no room or would
    /// end its session.
    pub(super) fn answer(&mut self, turn: &mut Turn<'_>, key: RobotKey, id: &str, pieces: &[&str]) {
        // It may have been closed over the answer before this one.
        let Some(robot) = self.robots.get(key) else { return };
        if let Some(size) = quirks::too_large_for(robot, turn.policy, pieces) {
            return self.refuse(turn, key, id, Refusal::TooLarge { size, of: "" });
        }
        if turn.send_to_robot(robot.peer, pieces).is_err() {
            self.refuse(turn, key, id, Refusal::NotForwarded(Cause::RobotQueueFull));
        }
    }

    /// A tool server has answered a robot's request.
    pub(super) fn deliver(
        &mut self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        call: &Call,
        message: &Message<'_>,
    ) {
        turn.traffic.calls_answered += 1;
        let mut is_doubted = false;
        if let Some(tool) = self.tools.expect_quietly(tool) {
            tool.answered = tool.answered.saturating_add(1);
            is_doubted = tool.doubt.is_some();
        }
        if is_doubted {
            self.trusts(turn, tool);
        }
        turn.traffic.latency.note(turn.now.since(call.since));
        if call.sibling().is_some() && message.result.is_none() {
            return;
        }
        let mut sibling = call.sibling();
        while let Some(key) = sibling {
            sibling = self.close_call(turn, key).and_then(|call| call.sibling());
            turn.traffic.calls_superseded += 1;
        }
        let Some(robot) = self.robots.expect(call.robot()) else { return };
        let Id::Given(id) = message.id else { return };
        let own_id = call.id();
        let reads_a_part = quirks::hold_for(robot, turn.policy);
        let rewritten = match call.nature {
            Nature::ToolCall if reads_a_part => quirks::rewritten(message, turn.policy.language),
            _ => None,
        };
        let mut splice = Splice::of(message.text);
        splice.put(id, own_id);
        if let Some(member) = message.surplus_member() {
            splice.put(member, "");
        }
        if let Some((part, words)) = &rewritten {
            splice.put(part, words);
        }
        let error = message.error.and_then(|error| Some((error, reply::error_object(error)?)));
        if let Some((part, object)) = &error {
            splice.put(part, object);
        }
        match quirks::too_large_for(robot, turn.policy, splice.pieces()) {
            None => self.answer(turn, call.robot(), own_id, splice.pieces()),
            Some(size) => self.answer_is_too_large(turn, tool, call, size),
        }
        self.send_list_again(turn, call.robot());
    }

    /// An answer would end the session of the robot it is for.
    #[cold]
    fn answer_is_too_large(
        &mut self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        call: &Call,
        size: usize,
    ) {
        let Some(tool) = self.tools.expect(tool) else { return };
        let language = turn.policy.language;
        let of = language.answer_of(call.name(), &tool.label);
        self.warn_of_large_answer(turn, call.robot(), &language.answer_too_large(size, &of));
        self.refuse(turn, call.robot(), call.id(), Refusal::TooLarge { size, of: &of });
    }

    /// A request at a tool server will not be answered by it.
    pub(super) fn call_failed(&mut self, turn: &mut Turn<'_>, call: &Call, why: Refusal<'_>) {
        match why {
            Refusal::ToolLost(_) => turn.traffic.calls_lost += 1,
            Refusal::TimedOut => turn.traffic.calls_timed_out += 1,
            _ => turn.traffic.calls_failed += 1,
        }
        if call.sibling().is_none() {
            self.refuse(turn, call.robot(), call.id(), why);
        }
    }

    /// What the relay itself asked, or a robot, is answered: takes it out.
    pub(super) fn take_request(
        &mut self,
        turn: &mut Turn<'_>,
        tool: ToolServerKey,
        number: u32,
    ) -> Option<Request> {
        let request = self.calls.answer(self.tools.expect(tool)?.key, number);
        if let Some(Request::Call(call)) = &request {
            turn.free(call.memory());
        }
        request
    }
}
