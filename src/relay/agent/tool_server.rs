//! What the relay asks tool servers on its own: `initialize`, lists, pings.

use super::Agent;
use crate::relay::calls::Request;
use crate::relay::catalogue::{Kind, KINDS};
use crate::relay::reply;
use crate::relay::table::ToolServerKey;
use crate::relay::tool_server::{Late, Listed, Repeat, ToolServer, ToolServerInLog, Trouble};
use crate::relay::turn::Turn;
use crate::relay::ToolState;
use jsonrpc::Fault;

impl Agent {
    /// Sends `initialize`, for the first time or again.
    pub(super) fn send_initialize(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        tool.handshake_sent(turn.now.after(turn.policy.handshake_timeout));
        let id = self.calls.ask(tool.key, Request::Initialize);
        // A full queue loses it; it is said again.
        let _ = turn.send_to_tool(tool.peer, &[&reply::initialize(id)]);
    }

    /// A tool server has sent `initialize` itself, so it can answer now: Node-RED answers nothing,
    /// or with a failure, before it has.
    pub(super) fn initialize_again(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        if self.tools.expect_mut(key).is_some_and(ToolServer::may_repeat_initialize) {
            self.send_initialize(turn, key);
        }
    }

    /// A tool server has answered `initialize`.
    pub(super) fn initialize_answered(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        answer: Result<&str, &str>,
    ) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        if tool.is_initialised() {
            return;
        }
        turn.catalogue_changed();
        let has_room =
            answer.map_or(true, |result| turn.admits(ToolServer::memory_of_initialize(result)));
        let taken = match has_room {
            true => tool.take_initialize(turn.now, answer),
            false => Err(Trouble::NoMemory("initialize")),
        };
        match taken {
            Ok(()) => {
                let _ = turn.send_to_tool(tool.peer, &[reply::INITIALIZED]);
                tool.ping_after(turn.now, turn.policy.tool_ping_interval);
                self.start_listing(turn, key, Kind::Tools, false);
                self.initialize_result = None;
                self.name_tool(turn, key);
                self.say_trouble(turn, key);
            }
            // A late refusal of an earlier attempt says nothing new.
            Err(_) if tool.state == ToolState::Opaque => (),
            Err(trouble) => self.tool_is_opaque(turn, key, trouble),
        }
        turn.tools_changed();
    }

    /// The handshake with a tool server has failed.
    pub(super) fn tool_is_opaque(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        trouble: Trouble,
    ) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let language = turn.policy.language;
        log::warn!(
            "{}",
            language.tool_opaque(ToolServerInLog(&self.name, tool), trouble.text(language))
        );
        tool.become_opaque(trouble, turn.now);
        turn.tools_changed();
    }

    /// Asks for the first page of a list, unless a listing is under way.
    pub(super) fn start_listing(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        kind: Kind,
        notify: bool,
    ) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let Some(forgotten) = tool.start_listing(turn.now, kind, notify) else { return };
        turn.catalogue_changed();
        for id in forgotten {
            self.calls.answer(tool.key, id);
        }
        self.ask_page(turn, key, kind);
    }

    /// Asks for the page that the listing of `kind` has come to, for the first time or again.
    fn ask_page(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, kind: Kind) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let (upstream, peer) = (tool.key, tool.peer);
        let id = self.calls.ask(upstream, Request::List(kind));
        let late_at = turn.now.after(turn.policy.handshake_timeout);
        let (cursor, forgotten) = tool.page_asked(kind, id, (turn.now, late_at));
        let text = reply::list(id, kind.row().list, cursor);
        if let Some(id) = forgotten {
            self.calls.answer(upstream, id);
        }
        let _ = turn.send_to_tool(peer, &[&text]);
    }

    /// A tool server has answered a page of a list, or `fault` is what is wrong with its answer.
    pub(super) fn tool_listed(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        kind: Kind,
        answer: Result<&str, &str>,
        fault: Option<Fault>,
    ) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        turn.catalogue_changed();
        let is_asked = tool.lists.of(kind).running.is_some();
        let has_room = match answer {
            Ok(page) if is_asked => turn.admits(ToolServer::memory_of_page(page)),
            _ => true,
        };
        let (forgotten, listed) = tool.take_page(turn.now, kind, answer, has_room);
        for id in forgotten {
            self.calls.answer(tool.key, id);
        }
        let (notify, trouble) = match listed {
            Listed::Nothing => return,
            Listed::NextPage => return self.ask_page(turn, key, kind),
            Listed::Done { notify, trouble } => (notify, trouble),
        };
        let trouble = fault.map(|fault| Trouble::Unreadable(kind.row().list, fault)).or(trouble);
        match trouble {
            Some(trouble) => {
                // The same trouble with every listing is said once.
                if tool.note_trouble(trouble, turn.now) {
                    self.say_trouble(turn, key);
                }
            }
            None => {
                tool.trouble.take_if(|trouble| trouble.is_about(kind));
            }
        }
        self.list_is_known(turn, key, kind, notify);
        turn.tools_changed();
    }

    /// A tool server says that lists have changed; says whether it was one the relay knows.
    pub(super) fn lists_changed(
        &mut self,
        turn: &mut Turn<'_>,
        key: ToolServerKey,
        method: &str,
    ) -> bool {
        let tool = self.tools.expect_mut(key).filter(|tool| tool.is_initialised());
        let Some(tool) = tool else { return false };
        let rows = KINDS.iter().filter(|row| row.changed == method);
        let mut is_known = false;
        for row in rows {
            is_known |= tool.list_changed(turn.now, row.kind);
        }
        is_known
    }

    /// A list was not answered in time.
    fn list_is_late(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, late: &Late) {
        if matches!(late, Late::Repeated) {
            self.ask_page(turn, key, Kind::Tools);
        } else {
            turn.catalogue_changed();
        }
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let language = turn.policy.language;
        let (kind, words) = match late {
            Late::Repeated => (Kind::Tools, language.tools_awaited()),
            Late::Abandoned => (Kind::Tools, language.tools_not_listed()),
            Late::GivenUp { kind, .. } => (*kind, language.list_silent(kind.row().list)),
        };
        let is_news = tool.note_trouble(Trouble::ListSilent(kind.row().list), turn.now);
        if is_news || matches!(late, Late::Abandoned) {
            log::warn!("{}", language.tool_trouble(ToolServerInLog(&self.name, tool), words));
        }
        if let Late::GivenUp { kind, notify } = late {
            self.list_is_known(turn, key, *kind, *notify);
        }
    }

    /// Does what is due for a tool server.
    pub(super) fn tool_time(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        // First, for a list that has changed meanwhile is then asked for again at once.
        for late in tool.late_lists(turn.now) {
            self.list_is_late(turn, key, &late);
        }
        let Some(tool) = self.tools.expect_mut(key) else { return };
        match tool.repeat_handshake(turn.now) {
            Repeat::GiveUp => self.tool_is_opaque(turn, key, Trouble::HandshakeSilent),
            repeat => {
                if repeat == Repeat::Send {
                    self.send_initialize(turn, key);
                }
                self.ping_if_due(turn, key);
                for kind in Kind::all() {
                    let tool = self.tools.expect(key);
                    if tool.is_some_and(|tool| tool.is_list_due(kind, turn.now)) {
                        self.start_listing(turn, key, kind, true);
                    }
                }
            }
        }
        self.twin_time(turn, key);
    }

    fn ping_if_due(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        if tool.ping_at.is_none_or(|at| at > turn.now) {
            return;
        }
        if let Some(unanswered) = tool.last_ping.take() {
            self.calls.answer(tool.key, unanswered);
        }
        let id = self.calls.ask(tool.key, Request::Ping);
        let is_sent = turn.send_to_tool(tool.peer, &[&reply::ping(id)]).is_ok();
        if !is_sent {
            self.calls.answer(tool.key, id);
        }
        tool.pinged(turn.now, is_sent.then_some(id));
        tool.ping_after(turn.now, turn.policy.tool_ping_interval);
    }

    /// Follows new settings.
    pub(in crate::relay) fn follow_policy(&mut self, turn: &mut Turn<'_>) {
        if self.catalogue.follow(&turn.policy.selection) {
            // At once, whatever has been merged before.
            let merging = self.catalogue.merging_mut(Kind::Tools);
            (merging.due, merging.not_before) = (true, turn.now);
        }
        let (interval, timeout) = (turn.policy.tool_ping_interval, turn.policy.handshake_timeout);
        for tool in self.tools.values_quietly() {
            tool.follow_policy(turn.now, interval, timeout);
        }
    }
}
