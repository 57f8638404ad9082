//! How several tool servers make one catalogue: merging their lists, and the names of those who want
//! the same one.

use super::items::{print, Items};
use super::kind::Kind;
use super::merged::{number, Entry, Lister, Merged};
use super::names::Names;
use super::templates::Templates;
use crate::relay::reply::shortened;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use ws::memory::allocated;

/// How many items of one kind an agent offers.
pub(in crate::relay) const MAX_OFFERED: usize = 8_000;

/// How many bytes they have together: as much as a robot's queue takes, if nothing else is in it.
pub(super) const MAX_OFFERED_BYTES: usize = 16 << 20;

/// How many names that collide are told one by one.
const MAX_TOLD: usize = 10;

/// What one server brings to the merged list: a *line* is a server over time, so its twins, and
/// one that came back, are the same line.
#[derive(Clone, Copy)]
pub(in crate::relay) struct Source<'a> {
    pub line: u32,
    /// The label its items get where their names are taken.
    pub label: &'a str,
    pub items: &'a Rc<Items>,
}

/// What a merge led to.
#[derive(Debug, Default)]
pub(in crate::relay) struct MergeResult {
    /// Whether robots see another list than before.
    pub changed: bool,
    /// The first new conflicts of names.
    pub conflicts: Vec<Conflict>,
    /// How many more there are.
    pub more_conflicts: usize,
    /// The lines that have more items than there is room for, and how many were left out.
    pub left_out: Vec<(u32, usize)>,
}

/// An item whose name was taken: who else has it, and what it is offered as.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::relay) struct Conflict {
    pub name: String,
    pub offered: String,
    pub label: String,
}

/// One merge. Everything here takes as long as there are items, at most [`MAX_OFFERED`].
pub(super) struct Merging<'a> {
    kind: Kind,
    old: &'a Merged,
    /// The sources, each with as many of its items as there is room for.
    sources: Vec<(&'a Source<'a>, usize)>,
    /// Which line has which name.
    owners: HashMap<&'a str, u32>,
    merged: Merged,
    result: MergeResult,
}

impl<'a> Merging<'a> {
    pub(super) fn new(kind: Kind, old: &'a Merged, sources: &'a [Source<'a>]) -> Self {
        let mut result = MergeResult::default();
        let (mut room, mut bytes) = (MAX_OFFERED, MAX_OFFERED_BYTES);
        let mut taken = Vec::with_capacity(sources.len());
        for source in sources {
            let mut count = 0;
            for item in source.items.iter().take(room) {
                let Some(left) = bytes.checked_sub(item.raw.len() + 1) else { break };
                bytes = left;
                count += 1;
            }
            room -= count;
            if count < source.items.len() {
                result.left_out.push((source.line, source.items.len() - count));
            }
            if count > 0 {
                taken.push((source, count));
            }
        }
        let (owners, merged) = (HashMap::new(), Merged::default());
        Merging { kind, old, sources: taken, owners, merged, result }
    }

    pub(super) fn run(mut self) -> (Merged, MergeResult) {
        self.find_owners();
        let made_before = self.made_before();
        let is_kept: HashSet<&str> = made_before.values().copied().collect();
        let mut made = HashSet::new();
        let mut names = Names::default();
        for (place, (source, count)) in std::mem::take(&mut self.sources).into_iter().enumerate() {
            let mut seen = HashSet::new();
            self.merged.sources.push(Lister {
                line: source.line,
                items: source.items.clone(),
                start: self.merged.entries.len(),
                names: OnceCell::new(),
            });
            for (at, item) in source.items.iter().take(count).enumerate() {
                if !seen.insert(item.name) {
                    continue;
                }
                let mut entry = Entry { source: number(place), item: number(at), made: 0 };
                if self.owners.get(item.name) != Some(&source.line) {
                    if !self.kind.row().renamed {
                        continue;
                    }
                    let before = made_before.get(&(source.line, item.spelled_name));
                    let is_free =
                        |name: &str| !self.owners.contains_key(name) && !made.contains(name);
                    let offered = match before.filter(|name| is_free(name)) {
                        Some(name) => (*name).to_owned(),
                        None => names.distinct(source.label, item.name, |name| {
                            !is_free(name) || is_kept.contains(name)
                        }),
                    };
                    if self.old.find(&offered).is_none() {
                        self.conflict(source, item.name, &offered);
                    }
                    self.merged.names_bytes += allocated(offered.len() + 2);
                    self.merged.made.push(format!("\"{offered}\"").into());
                    entry.made = number(self.merged.made.len());
                    made.insert(offered);
                }
                self.merged.entries.push(entry);
                self.merged.names_bytes += item.name.len() + r#""",""#.len();
                let name = self.merged.made.last().filter(|_| entry.made > 0);
                let added = name.map_or(0, |name| print(name.as_bytes()));
                self.merged.print = print_of([self.merged.print, item.print, added]);
                let longer = name.map_or(0, |name| name.len());
                let shorter = name.map_or(0, |_| item.spelled_name.len());
                self.merged.bytes += (item.raw.len() + 1 + longer).saturating_sub(shorter);
            }
        }
        self.merged.entries.shrink_to_fit();
        self.merged.make_index();
        if self.kind == Kind::Templates {
            let merged = &self.merged;
            let names = (0..merged.entries.len()).map(|place| merged.name(place));
            self.merged.templates = Templates::new(names);
        }
        (self.merged, self.result)
    }

    fn conflict(&mut self, source: &Source<'_>, name: &str, offered: &str) {
        if self.result.conflicts.len() >= MAX_TOLD {
            self.result.more_conflicts += 1;
            return;
        }
        self.result.conflicts.push(Conflict {
            name: shortened(name).to_owned(),
            offered: offered.to_owned(),
            label: source.label.to_owned(),
        });
    }

    /// Who has which name: who had it keeps it, else the oldest that offers it.
    fn find_owners(&mut self) {
        for (source, count) in &self.sources {
            for item in source.items.iter().take(*count) {
                let before = self.old.find(item.name).and_then(|place| self.old.offer(place));
                let had_it = before
                    .is_some_and(|offer| offer.line == source.line && offer.own_name.is_none());
                if had_it {
                    self.owners.insert(item.name, source.line);
                } else {
                    self.owners.entry(item.name).or_insert(source.line);
                }
            }
        }
    }

    /// The names that were made for items of lines that are still there: they stay whoever else
    /// comes or goes.
    fn made_before(&self) -> HashMap<(u32, &'a str), &'a str> {
        let lines: HashSet<u32> = self.sources.iter().map(|(source, _)| source.line).collect();
        let places = 0..self.old.entries.len();
        let made = places.filter_map(|place| {
            let offer = self.old.offer(place)?;
            let kept = lines.contains(&offer.line);
            kept.then_some(((offer.line, offer.own_name?), self.old.name(place)))
        });
        made.collect()
    }
}

fn print_of(words: [u64; 3]) -> u64 {
    let [a, b, c] = words.map(u64::to_le_bytes);
    print(&[a, b, c].concat())
}
