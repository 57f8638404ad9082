//! The catalogue: what tool servers offer, and what an agent makes of it for its robots.
//!
//! It is told what each tool server lists, and says what an agent offers. It knows no agent and no
//! connection.

mod items;
mod kind;
mod merge;
mod merged;
mod names;
mod offers;
mod patterns;
mod selection;
mod templates;
mod unused;

pub(super) use items::{print, Gathered, Items, PageError, MAX_LIST_BYTES};
pub(super) use kind::{Kind, PerKind, KINDS};
pub(super) use merge::{Conflict, MergeResult, Source};
pub(super) use merged::Offer;
pub(super) use offers::Offers;
pub(super) use unused::{Unused, UnusedPattern};

pub use patterns::Patterns;
pub use selection::{Selection, SelectionEntry, ServerRules, Texts, ALL_AGENTS};

use super::snapshot::ChosenTool;
use crate::time::Moment;
use selection::Choice;
#[cfg(any(debug_assertions, test))]
use selection::Chosen;
use std::sync::Arc;
use std::time::Duration;

/// How long the relay does something else after work that takes about `cost` microseconds, for its
/// part of the time to be a twentieth: nothing worth mentioning with the few items most agents have.
pub(super) fn pause_after(cost: usize) -> Duration {
    Duration::from_millis((cost / 50) as u64)
}

/// What an agent offers its robots, of every kind.
#[derive(Debug, Default)]
pub(super) struct MergedCatalogue {
    pub offers: PerKind<Offers>,
    notification: PerKind<ListNotification>,
    merging: PerKind<MergeDue>,
    /// The first deadline of both, and whether it may be another one by now.
    next: Option<Moment>,
    has_changed: bool,
    /// Which tools are chosen, and whether the list of tools was made by it.
    selection: Arc<Selection>,
    is_chosen: bool,
}

impl MergedCatalogue {
    /// The offer of `name`, or of a template that it can have been made from.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<Offer<'_>> {
        let template = || {
            let templates = self.offers.of(Kind::Templates);
            (kind == Kind::Resources).then(|| templates.find_template(name)).flatten()
        };
        self.offers.of(kind).find(name).or_else(template)
    }

    /// Takes over which tools are chosen. Says whether that has changed.
    pub(super) fn follow(&mut self, selection: &Arc<Selection>) -> bool {
        let is_new = !Arc::ptr_eq(&self.selection, selection);
        if is_new {
            self.selection = selection.clone();
            self.is_chosen = false;
        }
        is_new
    }

    /// Makes a list again from `sources`, the oldest tool server first, for `agent`. Nothing where it is made
    /// of just these.
    pub(super) fn merge(
        &mut self,
        agent: &str,
        kind: Kind,
        sources: &[Source<'_>],
    ) -> Option<MergeResult> {
        let offers = self.offers.of_mut(kind);
        let is_chosen = kind != Kind::Tools || std::mem::replace(&mut self.is_chosen, true);
        if is_chosen && offers.are_made_of(sources) {
            return None;
        }
        Some(offers.merge(kind, sources, self.selection.of(agent)))
    }

    /// Whether a tool that its tool server does not list may not be called, because the name `name` is
    /// hidden or renamed at the tool server `label`.
    pub(super) fn hides(&self, agent: &str, label: &str, name: &str) -> bool {
        let chosen = self.selection.of(agent);
        !matches!(chosen.choice(label, name, &mut String::new()), Choice::Offered(None))
    }

    /// Every tool of `agent`, offered or hidden.
    pub(super) fn chosen_tools(&self, agent: &str) -> Vec<ChosenTool<'_>> {
        self.offers.of(Kind::Tools).chosen(self.selection.of(agent))
    }

    /// Patterns and names of the selection that pick no tool of `agent`, see [`Unused::find`].
    pub(super) fn unused(
        &self,
        agent: &str,
        unused: &mut Unused,
        is_at_rest: bool,
    ) -> (Vec<UnusedPattern>, usize) {
        unused.find(self.selection.of(agent), self.offers.of(Kind::Tools), is_at_rest)
    }

    /// Whether a tool of this name is hidden, or offered under another name.
    pub(super) fn withholds(&self, name: &str) -> bool {
        self.offers.of(Kind::Tools).withholds(name)
    }

    /// Whether robots are to be told something of a list now.
    pub(super) fn is_notification_due(&self, kind: Kind, now: Moment) -> bool {
        let notification = self.notification.of(kind);
        notification.due && notification.not_before <= now
    }

    /// Whether a list is to be made again.
    pub(super) fn is_due(&self, kind: Kind) -> bool {
        self.merging.of(kind).due
    }

    /// Whether and when a list is made again, to be changed.
    pub(super) fn merging_mut(&mut self, kind: Kind) -> &mut MergeDue {
        self.has_changed = true;
        self.merging.of_mut(kind)
    }

    /// Whether and when robots are told that a list has changed, to be changed.
    pub(super) fn notification_mut(&mut self, kind: Kind) -> &mut ListNotification {
        self.has_changed = true;
        self.notification.of_mut(kind)
    }

    /// When there is a list to make again, or robots are to be told something.
    pub(super) fn next_deadline(&mut self) -> Option<Moment> {
        if std::mem::take(&mut self.has_changed) {
            self.next = self.first_deadline();
        }
        self.next
    }

    /// The same, looking at all kinds.
    pub(super) fn first_deadline(&self) -> Option<Moment> {
        let at = |due: bool, not_before: Moment| due.then_some(not_before);
        let all = Kind::all().flat_map(|kind| {
            let (merging, notification) = (self.merging.of(kind), self.notification.of(kind));
            [at(merging.due, merging.not_before), at(notification.due, notification.not_before)]
        });
        all.flatten().min()
    }

    /// What is listed can be found, and just what is chosen is listed: for tests and debug builds.
    ///
    /// # Panics
    /// Where it is not so. Long lists are not looked at.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn check_invariants(&self, agent: &str) {
        for kind in Kind::all().filter(|kind| self.offers.of(*kind).len() < 100) {
            let is_chosen = kind == Kind::Tools && self.is_chosen;
            let chosen = if is_chosen { self.selection.of(agent) } else { Chosen::default() };
            self.offers.of(kind).check_invariants(chosen);
        }
    }

    /// How much memory the merged lists take.
    pub(super) fn memory(&self) -> usize {
        Kind::all().map(|kind| self.offers.of(kind).memory()).sum()
    }
}

/// Whether and when robots are to be told that a list has changed.
#[derive(Debug, Default)]
pub(super) struct ListNotification {
    /// When they may be told again: a server that lists something else each time it is asked
    /// would otherwise have them ask forever.
    pub not_before: Moment,
    pub due: bool,
}

/// Whether and when a merged list is to be made again.
#[derive(Debug, Default)]
pub(super) struct MergeDue {
    pub due: bool,
    /// Robots are to be told even if the list stays as it is.
    pub notify: bool,
    /// The longer it takes, the longer it is before it is done again.
    pub not_before: Moment,
}
