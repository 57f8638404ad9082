//! What robots are told of an agent's tool servers: lists, `initialize`, and that something has changed.

use super::Agent;
use crate::relay::catalogue::{
    pause_after, Conflict, Kind, MergeResult, Offers, Source, UnusedPattern,
};
use crate::relay::identity::Identity;
use crate::relay::initialize::{self, InitializeResult};
use crate::relay::quirks::{self, Schemas};
use crate::relay::reply;
use crate::relay::table::{RobotKey, ToolServerKey};
use crate::relay::tool_server::{ToolServer, Trouble};
use crate::relay::turn::Turn;
use crate::sorted::in_order;
use jsonrpc::Message;
use std::time::Duration;

/// How often robots are told at most that a list has changed.
const MIN_NOTIFICATION_INTERVAL: Duration = Duration::from_secs(1);

/// How many bytes of lists are sent unasked in the long run, see [`Agent::send_list_again`].
const LIST_BYTES_A_MILLISECOND: usize = 16 << 10;

impl Agent {
    /// Serves the requests that waited for what has changed, as far as that can be done now.
    pub(super) fn serve_waiting(&mut self, turn: &mut Turn<'_>) {
        self.give_up_lost(turn);
        self.merge_if_due(turn);
        if self.waiting.has_round() {
            self.retry_parked(turn);
        }
        self.answer_delayed(turn);
        self.send_lists_again(turn);
    }

    /// Something is left to be done once the other agents have had their turn.
    pub(in crate::relay) fn go_on_later(&mut self, turn: &mut Turn<'_>) {
        self.unfinished = Some(turn.now);
    }

    /// Asks the tool servers that `wanted` picks for a list again.
    pub(super) fn refresh(
        &mut self,
        turn: &mut Turn<'_>,
        kind: Kind,
        wanted: &dyn Fn(&ToolServer) -> bool,
    ) {
        for key in self.tools_where(wanted) {
            self.start_listing(turn, key, kind, false);
        }
    }

    /// Makes every merged list again, at once or when it is time again.
    pub(super) fn merge_all(&mut self, turn: &mut Turn<'_>) {
        for kind in Kind::all() {
            self.merge(turn, kind, false);
        }
    }

    /// Makes every merged list again at once: what they were made of has to be given up.
    pub(super) fn merge_all_now(&mut self, turn: &mut Turn<'_>) {
        Kind::all().for_each(|kind| self.merge_now(turn, kind));
        turn.tools_changed();
    }

    /// Makes one merged list again, at once or when it is time again. Robots are told where it has
    /// changed, and with `tell` in any case.
    pub(super) fn merge(&mut self, turn: &mut Turn<'_>, kind: Kind, notify: bool) {
        let merging = self.catalogue.merging_mut(kind);
        merging.due = true;
        merging.notify |= notify;
        if merging.not_before > turn.now || turn.is_spent() {
            merging.not_before = merging.not_before.max(turn.now);
            return;
        }
        self.merge_now(turn, kind);
    }

    /// Makes the merged lists that could not be made before.
    fn merge_if_due(&mut self, turn: &mut Turn<'_>) {
        for kind in Kind::all() {
            if self.catalogue.is_due(kind) {
                self.merge(turn, kind, false);
            }
        }
    }

    fn merge_now(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        turn.catalogue_changed();
        let live = self.roster.all_serving().filter_map(|(identity, key)| {
            let tool = self.tools.expect(key)?;
            Some((identity, &*tool.identity_label, &tool.lists.of(kind).items))
        });
        let lost = self
            .roster
            .lost()
            .iter()
            .map(|lost| (lost.identity, &*lost.identity_label, lost.items.of(kind)));
        let all = live
            .chain(lost)
            .filter(|(identity, _, items)| *identity != Identity::UNKNOWN && items.len() > 0);
        let all: Vec<_> = all.collect();
        let identities = all.iter().map(|(identity, ..)| identity.number());
        let order = in_order(identities.zip(0..)).into_iter();
        let sources = order.filter_map(|place| all.get(place));
        let sources: Vec<Source<'_>> = sources
            .map(|(identity, label, items)| Source { identity: *identity, label, items })
            .collect();
        let result = self.catalogue.merge(&self.name, kind, &sources);
        let examined = result.as_ref().map_or(0, |result| result.examined);
        let cost = examined + sources.len() + self.roster.len();
        turn.work += cost;
        let merging = self.catalogue.merging_mut(kind);
        merging.due = false;
        let round = &mut self.waiting.round;
        round.again |= round.from.is_some_and(|from| from > 0);
        let notify = std::mem::take(&mut merging.notify);
        let Some(result) = result else {
            if notify {
                self.notify_robots(turn, kind);
            }
            return;
        };
        if kind == Kind::Tools && result.changed {
            self.schemas = Schemas::default();
        }
        self.catalogue.merging_mut(kind).not_before = turn.now.after(pause_after(cost));
        self.log_conflicts(turn, kind, &result);
        self.note_left_out(turn, kind, &result);
        if kind == Kind::Tools {
            self.report_unused(turn);
            if result.changed {
                self.warn_of_many(turn);
            }
        }
        if result.changed || notify {
            self.notify_robots(turn, kind);
        }
    }

    /// Says which patterns of the selection pick nothing, as soon as that can be told.
    pub(super) fn report_unused(&self, turn: &mut Turn<'_>) {
        let is_settling = self.tools.iter().any(|(_, tool)| tool.is_settling());
        let is_at_rest = !is_settling && !self.roster.expects_any();
        let (found, cost) = self.catalogue.unused(&self.name, turn.unused, is_at_rest);
        turn.work += cost;
        for unused in found {
            let UnusedPattern { pattern, nearest } = unused;
            let (pattern, nearest) = (reply::shortened(&pattern), reply::shortened(&nearest));
            log::warn!("{}", turn.policy.language.unused_pattern(&self.name, pattern, nearest));
        }
    }

    /// Says that the agent offers more tools than are good for a model.
    fn warn_of_many(&self, turn: &Turn<'_>) {
        let (count, most) = (self.catalogue.offers.of(Kind::Tools).len(), turn.policy.warn_above);
        if most > 0 && count > most {
            log::warn!("{}", turn.policy.language.many_tools(&self.name, count, most));
        }
    }

    fn log_conflicts(&self, turn: &Turn<'_>, kind: Kind, result: &MergeResult) {
        let language = turn.policy.language;
        for Conflict { name, label, offered } in &result.conflicts {
            let noun = kind.row().noun;
            log::warn!("{}", language.name_conflict(&self.name, noun, name, label, offered));
        }
        if result.more_conflicts > 0 {
            log::warn!("{}", language.more_conflicts(&self.name, result.more_conflicts));
        }
    }

    /// Says of which tool servers items are left out because the agent has no room for them.
    fn note_left_out(&mut self, turn: &Turn<'_>, kind: Kind, result: &MergeResult) {
        let servers: Vec<ToolServerKey> = self.roster.all_serving().map(|(_, key)| key).collect();
        for key in servers {
            let Some(tool) = self.tools.expect_mut(key) else { continue };
            let is_reported = matches!(tool.trouble, Some(Trouble::AgentFull(of, _)) if of == kind);
            let at =
                result.left_out.binary_search_by_key(&tool.identity, |(identity, _)| *identity);
            match at.ok().and_then(|at| result.left_out.get(at)) {
                Some((_, count)) => {
                    tool.note_trouble(Trouble::AgentFull(kind, *count), turn.now);
                    if !is_reported {
                        self.say_trouble(turn, key);
                    }
                }
                None if is_reported => tool.trouble = None,
                None => (),
            }
        }
    }

    /// Tells every initialised robot that a list has changed, now or when it is time again.
    pub(super) fn notify_robots(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        let notification = self.catalogue.notification_mut(kind);
        if notification.not_before > turn.now {
            notification.due = true;
            return;
        }
        notification.due = false;
        let text = reply::notification(kind.row().changed);
        let version = self.catalogue.offers.of(kind).version();
        let (mut wait, bytes) = (MIN_NOTIFICATION_INTERVAL, self.catalogue.offers.of(kind).bytes());
        for (key, robot) in self.robots.iter_quietly() {
            let delayed = self.waiting.delayed(key);
            if delayed.is_some_and(|delayed| delayed.kinds.contains(&kind)) {
                continue;
            }
            if kind == Kind::Tools && quirks::hold_for(robot, turn.policy) {
                robot.list_outdated = robot.last_list.is_some() && robot.list_seen != version;
                wait += Duration::from_millis((bytes / LIST_BYTES_A_MILLISECOND) as u64);
            } else if robot.initialised {
                let _ = turn.send_to_robot(robot.peer, &[&text]);
            }
        }
        self.catalogue.notification_mut(kind).not_before = turn.now.after(wait);
        self.send_lists_again(turn);
    }

    /// Tells what could not be told before.
    pub(super) fn notify_robots_if_due(&mut self, turn: &mut Turn<'_>) {
        for kind in Kind::all() {
            if self.catalogue.is_notification_due(kind, turn.now) {
                self.notify_robots(turn, kind);
            }
        }
    }

    /// Sends every robot that is owed its list again what it is owed, as many as can be served at
    /// once.
    pub(super) fn send_lists_again(&mut self, turn: &mut Turn<'_>) {
        let outdated = self.robots.iter().filter(|(_, robot)| robot.list_outdated);
        for key in outdated.map(|(key, _)| key).collect::<Vec<_>>() {
            if turn.is_spent() {
                return self.go_on_later(turn);
            }
            self.send_list_again(turn, key);
        }
    }

    /// Remembers the id of a robot's `tools/list`, to answer it once more.
    pub(super) fn last_listed(&mut self, turn: &mut Turn<'_>, robot: RobotKey, id: &str) {
        let Some(robot) = self.robots.expect_mut(robot) else { return };
        let before = robot.memory();
        robot.last_list = Some(id.into());
        turn.replace(before, robot.memory());
    }

    /// Sends a robot that ignores `list_changed` its list again, unless its id is in use.
    pub(super) fn send_list_again(&mut self, turn: &mut Turn<'_>, key: RobotKey) {
        // It may have been closed over the answer before this one.
        let Some(robot) = self.robots.get(key) else { return };
        let Some(id) = robot.last_list.as_deref().filter(|_| robot.list_outdated) else { return };
        if self.calls.find(key, id).is_some() || self.waiting.has(key, id) {
            return;
        }
        let id = id.to_owned();
        self.answer_list(turn, key, Kind::Tools, &id, 0);
    }

    /// Answers a robot's request for a list from what is known: from the element at `start` on, where
    /// it is given the list in pages.
    pub(super) fn answer_list(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        kind: Kind,
        id: &str,
        start: usize,
    ) {
        let Some(robot) = self.robots.expect_mut(key) else { return };
        let list = std::mem::take(self.catalogue.offers.of_mut(kind));
        let is_first_page = kind == Kind::Tools && start == 0;
        if is_first_page {
            robot.list_seen = list.version();
            robot.list_outdated = false;
        }
        let member = kind.row().member;
        let mut pieces = vec![r#"{"jsonrpc":"2.0","id":"#, id, r#","result":{""#, member, r#"":["#];
        let mut next = itoa::Buffer::new();
        // In pages, and with schemas without references.
        let in_pages = kind == Kind::Tools && quirks::hold_for(robot, turn.policy);
        let end = if in_pages { self.make_schemas(turn, &list, start) } else { start };
        let schemas = std::mem::take(&mut self.schemas);
        if in_pages {
            let page = quirks::page(&list, &schemas, (start, end));
            pieces.extend(page.pieces);
            match page.next {
                Some(at) => pieces.extend([r#"],"nextCursor":""#, next.format(at), r#""}}"#]),
                None => pieces.push("]}}"),
            }
            if let Some((name, size)) = page.left_out {
                let words = turn.policy.language.offer_too_large(name, size);
                self.warn_of_large_answer(turn, key, &words);
            }
        } else {
            pieces.extend(list.pieces());
            pieces.push("]}}");
        }
        self.answer(turn, key, id, &pieces);
        self.schemas = schemas;
        *self.catalogue.offers.of_mut(kind) = list;
    }

    /// Makes the schemas that `xiaozhi-server` can read, once for each list: those of the page that begins
    /// at `start`. Returns where the page ends at the latest.
    fn make_schemas(&mut self, turn: &mut Turn<'_>, list: &Offers, start: usize) -> usize {
        let before = self.schemas.memory();
        let (end, work) = self.schemas.make(list, start);
        turn.work += work;
        if self.schemas.memory() != before {
            turn.catalogue_changed();
        }
        if let Some((name, count)) = self.schemas.cut() {
            let words = turn.policy.language.schemas_cut(&self.name, name, count);
            log::warn!("{words}");
        }
        end
    }

    /// Answers a robot's `initialize`.
    pub(super) fn answer_initialize(
        &mut self,
        turn: &mut Turn<'_>,
        key: RobotKey,
        id: &str,
        message: &Message<'_>,
    ) {
        self.note_client(turn, key, message);
        let result = match self.initialize_result.take() {
            Some(result) => result,
            None => {
                turn.catalogue_changed();
                self.united_initialize()
            }
        };
        let head = r#"{"jsonrpc":"2.0","id":"#;
        self.answer(turn, key, id, &[head, id, r#","result":"#, &result, "}"]);
        self.initialize_result = Some(result);
    }

    /// The answer to `initialize` for all tool servers together. Twins speak once.
    fn united_initialize(&self) -> Box<str> {
        let mut tools = self.tools_where(&|tool| tool.initialized.is_some());
        tools.retain(|key| {
            let identity = self.tools.expect(*key).map_or(Identity::UNKNOWN, |tool| tool.identity);
            identity == Identity::UNKNOWN || self.roster.serving(identity) == Some(*key)
        });
        let tools = tools.iter().filter_map(|key| self.tools.expect(*key));
        let results: Vec<&InitializeResult> =
            tools.filter_map(|tool| tool.initialized.as_ref()).collect();
        initialize::united(&results)
    }
}
