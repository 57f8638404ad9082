//! The one face that all tools of an agent show to its robots: lists, `initialize`, and word that
//! something has changed.

use super::agent::Agent;
use super::catalogue::Kind;
use super::envelope::Envelope;
use super::liveness::Awaited;
use super::offers::Source;
use super::reply::{self, PROTOCOL_VERSION};
use super::robot::Waiting;
use super::scan;
use super::tool::{Hello, Tool};
use super::turn::Turn;
use crate::moment::Moment;
use crate::sorted::sorted;
use serde_json::{Map, Value};
use std::time::Duration;

/// How many names that collide are told one by one.
const MOST_TOLD: usize = 10;

/// How many further members of a hello are looked at for one that is written again, where the last
/// one counts.
const MOST_COMPARED: usize = 64;

/// How often robots are told at most that a list has changed.
const BETWEEN_TELLINGS: Duration = Duration::from_secs(1);

impl Agent {
    /// Something about the tools has changed: whoever waited for that is served.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) {
        self.give_up_lost(turn);
        if !self.parked.is_empty() {
            self.unpark(turn);
        }
        self.answer_waiting(turn);
        self.pay_lists_owed(turn);
    }

    /// What there is to wait for before a robot is answered.
    pub(super) fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        self.tools.iter().for_each(|(_, tool)| awaited.add(tool));
        awaited
    }

    /// When the first robot that waits is answered at the latest.
    pub(super) fn patience_ends(&self) -> Option<Moment> {
        let waiting = || self.robots.iter().filter_map(|(_, robot)| robot.waiting.as_deref());
        waiting().next()?;
        let awaited = self.awaited();
        waiting().map(|waiting| waiting.ends(&awaited)).min()
    }

    /// Asks the tools that `wanted` picks for a list anew.
    pub(super) fn refresh(
        &mut self,
        turn: &mut Turn<'_>,
        kind: Kind,
        wanted: impl Fn(&Tool) -> bool,
    ) {
        for place in self.tools_where(wanted) {
            if let Some(tool) = self.tools.get_mut(place) {
                tool.start_listing(turn, kind, false);
            }
        }
    }

    /// Makes every merged list anew.
    pub(super) fn merge_all(&mut self, turn: &mut Turn<'_>) {
        for kind in Kind::all() {
            self.merge(turn, kind);
        }
    }

    /// Makes one merged list anew, and tells the robots where it has changed, which it returns.
    pub(super) fn merge(&mut self, turn: &mut Turn<'_>, kind: Kind) -> bool {
        turn.catalogue_changed();
        let mut offers = std::mem::take(self.offers.of_mut(kind));
        let live = self.tools_where(|tool| tool.line != 0);
        let live = live.iter().filter_map(|place| {
            let tool = self.tools.get(*place)?;
            (self.serving(tool.line) == Some(*place)).then_some(Source {
                line: tool.line,
                label: &tool.line_label,
                tool: Some(*place),
                items: &tool.lists.of(kind).items,
            })
        });
        let lost = self.lost.iter().filter(|lost| lost.line != 0).map(|lost| Source {
            line: lost.line,
            label: &lost.line_label,
            tool: None,
            items: lost.items.of(kind),
        });
        let sources: Vec<Source<'_>> = live.chain(lost).collect();
        let order = sorted(sources.iter().enumerate().map(|(place, source)| (source.line, place)));
        let sources: Vec<Source<'_>> =
            order.iter().filter_map(|(_, place)| sources.get(*place).copied()).collect();
        let (changed, conflicts) = offers.merge(kind, &sources);
        let language = turn.policy.language;
        let more = conflicts.len().saturating_sub(MOST_TOLD);
        for conflict in conflicts.into_iter().take(MOST_TOLD) {
            log::warn!(
                "{}",
                language.name_conflict(
                    &self.name,
                    kind.row().noun,
                    &conflict.name,
                    &conflict.label,
                    &conflict.offered
                )
            );
        }
        if more > 0 {
            log::warn!("{}", language.more_conflicts(&self.name, more));
        }
        *self.offers.of_mut(kind) = offers;
        if changed {
            self.tell(turn, kind);
        }
        changed
    }

    /// Tells every initialised robot that a list has changed, now or when it is time again.
    pub(super) fn tell(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        let telling = self.telling.of_mut(kind);
        if telling.not_before > turn.now {
            telling.due = true;
            turn.wake(telling.not_before);
            return;
        }
        telling.due = false;
        telling.not_before = turn.now.after(BETWEEN_TELLINGS);
        let text = reply::notification(kind.row().changed);
        let waits_for_list = |waiting: &Waiting| waiting.kinds.contains(&kind);
        let version = self.offers.of(kind).version();
        let mut again = Vec::new();
        for (place, robot) in &mut self.robots {
            if robot.waiting.as_deref().is_some_and(waits_for_list) {
                continue;
            }
            if robot.is_xiaozhi_server && kind == Kind::Tools {
                robot.list_owed = robot.last_list.is_some() && robot.list_seen != version;
                again.push(place);
            } else if robot.initialised {
                let _ = turn.send_to_robot(robot.peer, &[&text]);
            }
        }
        for place in again {
            self.pay_list_owed(turn, place);
        }
    }

    /// Tells what could not be told before.
    pub(super) fn tell_if_due(&mut self, turn: &mut Turn<'_>) {
        for kind in Kind::all() {
            let telling = self.telling.of(kind);
            if telling.due && telling.not_before <= turn.now {
                self.tell(turn, kind);
            }
        }
    }

    /// When there is something to tell.
    pub(super) fn telling_due(&self) -> Option<Moment> {
        let tellings = Kind::all().map(|kind| self.telling.of(kind));
        tellings.filter(|telling| telling.due).map(|telling| telling.not_before).min()
    }

    /// Sends every robot that is owed its list again what it is owed.
    pub(super) fn pay_lists_owed(&mut self, turn: &mut Turn<'_>) {
        let owed = self.robots.iter().filter(|(_, robot)| robot.list_owed);
        for place in owed.map(|(place, _)| place).collect::<Vec<_>>() {
            self.pay_list_owed(turn, place);
        }
    }

    /// Sends a robot that ignores `list_changed` its list again, unless its id is in use.
    pub(super) fn pay_list_owed(&mut self, turn: &mut Turn<'_>, place: usize) {
        let Some(robot) = self.robots.get(place) else { return };
        let Some(id) = robot.last_list.as_deref().filter(|_| robot.list_owed) else { return };
        let in_use = robot.tickets.iter().any(|ticket| self.ticket_has_id(ticket, id))
            || self.parked.iter().any(|parked| parked.robot == place && &*parked.id == id)
            || robot.waiting.iter().any(|waiting| &*waiting.id == id)
            || robot.inbox.iter().any(|queued| queued.id.as_deref() == Some(id));
        if in_use {
            return;
        }
        let id = id.to_owned();
        self.answer_list(turn, place, Kind::Tools, &id);
    }

    /// Answers a robot's request for a list from what is known.
    pub(super) fn answer_list(&mut self, turn: &mut Turn<'_>, place: usize, kind: Kind, id: &str) {
        let list = std::mem::take(self.offers.of_mut(kind));
        if let Some(robot) = self.robots.get_mut(place).filter(|_| kind == Kind::Tools) {
            robot.list_seen = list.version();
            robot.list_owed = false;
        }
        let head = r#"{"jsonrpc":"2.0","id":"#;
        let member = kind.row().member;
        self.answer(
            turn,
            place,
            id,
            &[head, id, r#","result":{""#, member, r#"":["#, list.text(), "]}}"],
        );
        *self.offers.of_mut(kind) = list;
    }

    /// Answers a robot's `initialize`.
    pub(super) fn answer_initialize(
        &mut self,
        turn: &mut Turn<'_>,
        place: usize,
        id: &str,
        envelope: &Envelope<'_>,
    ) {
        self.meet(turn, place, envelope);
        let tools = self.tools_where(|tool| tool.hello.is_some());
        let mut tools: Vec<&Tool> =
            tools.iter().filter_map(|t| self.tools.get(*t)).map(|t| &**t).collect();
        tools.retain(|tool| {
            tool.line == 0
                || self
                    .serving(tool.line)
                    .and_then(|t| self.tools.get(t))
                    .is_some_and(|t| t.peer == tool.peer)
        });
        let hellos: Vec<&Hello> = tools.iter().filter_map(|tool| tool.hello.as_ref()).collect();
        let result = initialize_result(&hellos);
        let head = r#"{"jsonrpc":"2.0","id":"#;
        self.answer(turn, place, id, &[head, id, r#","result":"#, &result, "}"]);
    }
}

/// The `result` of `initialize` for the tools that said `hellos`.
fn initialize_result(hellos: &[&Hello]) -> String {
    let mut capabilities = Map::new();
    for hello in hellos {
        unite(&mut capabilities, &hello.capabilities);
    }
    let tools = capabilities.entry("tools").or_insert_with(|| Value::Object(Map::new()));
    match tools {
        Value::Object(tools) => {
            tools.insert("listChanged".to_owned(), Value::Bool(true));
        }
        odd => *odd = serde_json::json!({"listChanged": true}),
    }
    let version = hellos.iter().map(|hello| &*hello.version).min().unwrap_or(PROTOCOL_VERSION);
    let mut members = vec![
        format!(r#""protocolVersion":{}"#, reply::quoted(version)),
        // What was read as JSON is always written.
        format!(r#""capabilities":{}"#, serde_json::to_string(&capabilities).unwrap_or_default()),
    ];
    if let [only] = hellos {
        let mut own = Vec::new();
        let _ = scan::members(&only.result, |key, value| own.push((key.name(), value)));
        let written_later = |place: usize, name: &str| {
            own.iter().skip(place + 1).take(MOST_COMPARED).any(|(other, _)| *other == name)
        };
        for (place, (name, value)) in own.iter().enumerate() {
            let is_ours = ["protocolVersion", "capabilities"].contains(&&**name);
            if !is_ours && !written_later(place, name) {
                members.push(format!("{}:{value}", reply::quoted(name)));
            }
        }
        if only.server_info().is_none() {
            members.push(format!(r#""serverInfo":{}"#, reply::own_info()));
        }
    } else {
        members.push(format!(r#""serverInfo":{}"#, reply::own_info()));
        let instructions: Vec<&str> =
            hellos.iter().filter_map(|hello| hello.instructions.as_deref()).collect();
        if !instructions.is_empty() {
            members
                .push(format!(r#""instructions":{}"#, reply::quoted(&instructions.join("\n\n"))));
        }
    }
    format!("{{{}}}", members.join(","))
}

/// Adds what `more` can do to what `all` can do.
fn unite(all: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, value) in more {
        match (all.get_mut(name), value) {
            (Some(Value::Object(all)), Value::Object(more)) => unite(all, more),
            (Some(present), Value::Bool(true)) => *present = Value::Bool(true),
            (Some(_), _) => (),
            (None, value) => {
                all.insert(name.clone(), value.clone());
            }
        }
    }
}
