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
mod templates;

pub(super) use items::{print, Gathered, Items, PageError, MAX_LIST_BYTES};
pub(super) use kind::{Kind, PerKind, KINDS};
pub(super) use merge::{Conflict, MergeResult, Source, MAX_OFFERED};
pub(super) use merged::Offer;
pub(super) use offers::Offers;

use crate::time::Moment;
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
    pub telling: PerKind<Telling>,
    pub merging: PerKind<MergeDue>,
}

impl MergedCatalogue {
    /// Who offers `name`, or a template that it can have been made from.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<Offer<'_>> {
        let template = || {
            let templates = self.offers.of(Kind::Templates);
            (kind == Kind::Resources).then(|| templates.find_template(name)).flatten()
        };
        self.offers.of(kind).find(name).or_else(template)
    }

    /// Whether a list is to be made anew.
    pub(super) fn is_due(&self, kind: Kind) -> bool {
        self.merging.of(kind).due
    }

    /// When there is a list to make anew, or robots are to be told something.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let at = |due: bool, not_before: Moment| due.then_some(not_before);
        let all = Kind::all().flat_map(|kind| {
            let (merging, telling) = (self.merging.of(kind), self.telling.of(kind));
            [at(merging.due, merging.not_before), at(telling.due, telling.not_before)]
        });
        all.flatten().min()
    }

    /// How much memory the merged lists take.
    pub(super) fn memory(&self) -> usize {
        Kind::all().map(|kind| self.offers.of(kind).memory()).sum()
    }
}

/// Whether and when robots are to be told that a list has changed.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// When they may be told again: a server that lists something else each time it is asked
    /// would otherwise have them ask for ever.
    pub not_before: Moment,
    pub due: bool,
}

/// Whether and when a merged list is to be made anew.
#[derive(Debug, Default)]
pub(super) struct MergeDue {
    pub due: bool,
    /// Robots are to be told even if the list stays as it is.
    pub tell: bool,
    /// The longer it takes, the longer it is before it is done again.
    pub not_before: Moment,
}
