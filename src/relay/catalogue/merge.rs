//! How several tool servers make one catalogue: merging their lists, and the names of those who want
//! the same one.

use super::items::{print, Item, Items};
use super::kind::Kind;
use super::merged::{description, number, Entry, Lister, Merged, Offer, CHOSEN};
use super::names::Names;
use super::selection::{Choice, Chosen};
use super::templates::Templates;
use crate::relay::identity::Identity;
use crate::relay::reply::shortened;
use crate::sorted::sorted;
use jsonrpc::message::quoted;
use std::cell::OnceCell;
use std::collections::hash_map::Entry as MapEntry;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use ws::memory::allocated;

/// How many items of one kind an agent offers.
pub(in crate::relay) const MAX_OFFERED: usize = 8_000;

/// How many bytes they have together: as much as a robot's queue takes, if nothing else is in it.
pub(super) const MAX_OFFERED_BYTES: usize = 16 << 20;

/// How many items are looked at in one merge, those that are not offered included.
pub(super) const MAX_EXAMINED: usize = 4 * MAX_OFFERED;

/// How many names that collide are told one by one.
const MAX_CONFLICTS: usize = 10;

/// What one tool server brings to the merged list.
#[derive(Clone, Copy)]
pub(in crate::relay) struct Source<'a> {
    pub identity: Identity,
    /// The label by which its items are picked, and which they get where their names are taken.
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
    /// The tool servers that have more items than there is room for, in their order, and how many were left
    /// out.
    pub left_out: Vec<(Identity, usize)>,
    /// How many items were looked at, those that are not offered included.
    pub examined: usize,
}

/// An item whose name was taken: the label of its tool server, and what it is offered as.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::relay) struct Conflict {
    pub name: String,
    pub offered: String,
    pub label: String,
}

/// An item that is to be offered.
struct Wanted<'a> {
    item: Item<'a>,
    /// Its source and its place in it.
    source: u32,
    at: u32,
    /// Its name, where it is not to be its own.
    chosen: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// The name it is to be offered under.
    fn name(&self) -> &'a str {
        self.chosen.unwrap_or(self.item.name)
    }
}

/// The owner of a name.
struct Owner<'a> {
    identity: Identity,
    own_name: &'a str,
    /// Whether the name was chosen for it.
    is_chosen: bool,
}

/// One merge. Everything here takes as long as there are items, at most [`MAX_EXAMINED`].
pub(super) struct Merging<'a> {
    kind: Kind,
    old: &'a Merged,
    sources: &'a [Source<'a>],
    chosen: Chosen<'a>,
    /// The items to offer: as many as there is room for.
    wanted: Vec<Wanted<'a>>,
    owners: HashMap<&'a str, Owner<'a>>,
    merged: Merged,
    result: MergeResult,
}

impl<'a> Merging<'a> {
    pub(super) fn new(
        kind: Kind,
        old: &'a Merged,
        sources: &'a [Source<'a>],
        chosen: Chosen<'a>,
    ) -> Self {
        let mut merging = Merging {
            kind,
            old,
            sources,
            chosen: if kind == Kind::Tools { chosen } else { Chosen::default() },
            wanted: Vec::new(),
            owners: HashMap::new(),
            merged: Merged::default(),
            result: MergeResult::default(),
        };
        merging.choose();
        merging
    }

    /// Finds out what is to be offered.
    fn choose(&mut self) {
        let (mut bytes, mut buffer) = (MAX_OFFERED_BYTES, String::new());
        let (mut names, mut withheld) = (Vec::new(), Vec::new());
        for (place, source) in self.sources.iter().enumerate() {
            let place = number(place);
            for (at, item) in source.items.iter().enumerate() {
                let left = bytes.checked_sub(item.raw.len() + 1);
                let has_room =
                    self.wanted.len() < MAX_OFFERED && self.result.examined < MAX_EXAMINED;
                let Some(left) = left.filter(|_| has_room) else {
                    self.result.left_out.push((source.identity, source.items.len() - at));
                    break;
                };
                self.result.examined += 1;
                let choice = self.chosen.choice(source.label, item.name, &mut buffer);
                let at = number(at);
                if choice != Choice::Offered(None) {
                    names.push((item.name, withheld.len()));
                    withheld.push((place, at));
                }
                if let Choice::Offered(chosen) = choice {
                    bytes = left;
                    self.wanted.push(Wanted { item, source: place, at, chosen });
                }
            }
        }
        let order = sorted(names).into_iter();
        self.merged.withheld = order.filter_map(|(_, at)| withheld.get(at).copied()).collect();
    }

    pub(super) fn run(mut self) -> (Merged, MergeResult) {
        self.find_owners(false);
        self.find_owners(true);
        let made_before = self.made_before();
        let kept = made_before.iter().map(|(_, place)| self.old.name(*place));
        let is_kept: HashSet<&str> = kept.collect();
        // As a map: the program has one of this type.
        let mut made: HashMap<Box<str>, usize> = HashMap::new();
        let mut names = Names::default();
        let mut wanted = std::mem::take(&mut self.wanted).into_iter().peekable();
        for (place, source) in self.sources.iter().enumerate() {
            let mut seen = HashSet::new();
            self.merged.sources.push(Lister {
                identity: source.identity,
                label: source.label.into(),
                items: source.items.clone(),
                start: self.merged.entries.len(),
                names: OnceCell::new(),
            });
            while let Some(next) = wanted.next_if(|next| next.source as usize == place) {
                if !seen.insert(next.item.name) {
                    continue;
                }
                if self.has_its_name(source, &next) {
                    self.offer(&next, next.chosen);
                    continue;
                }
                if !self.kind.row().renamed {
                    continue;
                }
                let is_free =
                    |name: &str| !self.owners.contains_key(name) && !made.contains_key(name);
                let before = self.find_made(&made_before, next.item.spelled_name, source.identity);
                let before = before.map(|place| self.old.name(place));
                let before = before.filter(|name| next.chosen.is_none() && is_free(name));
                let offered = match before {
                    Some(name) => name.to_owned(),
                    None => names.distinct(source.label, next.name(), |name| {
                        !is_free(name) || is_kept.contains(name)
                    }),
                };
                if self.old.find(&offered).is_none() {
                    self.conflict(source, next.name(), &offered);
                }
                self.offer(&next, Some(&offered));
                made.insert(offered.into(), 0);
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

    /// Offers an item, under `name` where that is not its own.
    fn offer(&mut self, wanted: &Wanted<'_>, name: Option<&str>) {
        let Wanted { item, source, at, chosen } = wanted;
        let merged = &mut self.merged;
        let mut entry = Entry { source: *source, item: *at, made: 0, described: 0 };
        let mut length = item.raw.len() + 1;
        let (mut name_print, mut text_print) = (0, 0);
        if let Some(name) = name {
            let quoted = quoted(name);
            name_print = print(quoted.as_bytes());
            length = (length + quoted.len()).saturating_sub(item.spelled_name.len());
            merged.names_bytes += allocated(quoted.len());
            merged.made.push(quoted.into());
            entry.made = number(merged.made.len()) | if chosen.is_some() { CHOSEN } else { 0 };
        }
        let offered = name.unwrap_or(item.name);
        let label = self.sources.get(*source as usize).map_or("", |source| source.label);
        if let Some(text) = self.chosen.description(offered, (label, item.name)) {
            let (old, text) = description(item.raw, text);
            text_print = print(text.as_bytes());
            length = (length + text.len()).saturating_sub(old);
            merged.names_bytes += allocated(text.len());
            merged.descriptions.push(text.into());
            entry.described = number(merged.descriptions.len());
        }
        merged.entries.push(entry);
        merged.names_bytes += offered.len() + r#""",""#.len();
        merged.print = print_of([merged.print, item.print, name_print, text_print]);
        merged.bytes += length;
    }

    fn conflict(&mut self, source: &Source<'_>, name: &str, offered: &str) {
        if self.result.conflicts.len() >= MAX_CONFLICTS {
            self.result.more_conflicts += 1;
            return;
        }
        self.result.conflicts.push(Conflict {
            name: shortened(name).to_owned(),
            offered: offered.to_owned(),
            label: source.label.to_owned(),
        });
    }

    /// Whether an item is the one that has the name it is to be offered under.
    fn has_its_name(&self, source: &Source<'_>, wanted: &Wanted<'_>) -> bool {
        self.owners.get(wanted.name()).is_some_and(|owner| {
            owner.identity == source.identity
                && owner.own_name == wanted.item.name
                && owner.is_chosen == wanted.chosen.is_some()
        })
    }

    /// Finds the owner of each name: the one that had it, else the oldest that offers it. An item that
    /// has the name from its tool server comes before one for which the name was chosen.
    fn find_owners(&mut self, is_chosen: bool) {
        for wanted in self.wanted.iter().filter(|wanted| wanted.chosen.is_some() == is_chosen) {
            let (name, own_name) = (wanted.name(), wanted.item.name);
            let identity = self
                .sources
                .get(wanted.source as usize)
                .map_or(Identity::UNKNOWN, |source| source.identity);
            let before = self.old.find(name).and_then(|place| self.old.offer(place));
            let spelled = Some(wanted.item.spelled_name).filter(|_| is_chosen);
            let had_it =
                before.is_some_and(|old| old.identity == identity && old.own_name == spelled);
            let owner = Owner { identity, own_name, is_chosen };
            match self.owners.entry(name) {
                MapEntry::Occupied(mut other) => {
                    if had_it && other.get().is_chosen == is_chosen {
                        other.insert(owner);
                    }
                }
                MapEntry::Vacant(free) => drop(free.insert(owner)),
            }
        }
    }

    /// The places in the old list of the names that were made for items of tool servers that are still there,
    /// in the order of the items' own names, and then of the identities: they stay whoever else comes or
    /// goes.
    fn made_before(&self) -> Vec<(&'a str, usize)> {
        let places = self.old.entries.iter().enumerate();
        let made = places.filter(|(_, entry)| !entry.is_chosen()).filter_map(|(place, _)| {
            let Offer { identity, own_name } = self.old.offer(place)?;
            self.sources.binary_search_by_key(&identity, |source| source.identity).ok()?;
            Some((own_name?, place))
        });
        sorted(made)
    }

    /// The place of the name that was `made` for an item.
    fn find_made(
        &self,
        made: &[(&str, usize)],
        own_name: &str,
        identity: Identity,
    ) -> Option<usize> {
        let identity_of =
            |place| self.old.offer(place).map_or(Identity::UNKNOWN, |offer| offer.identity);
        let by_name = |(known, place): &(&str, usize)| {
            (*known).cmp(own_name).then_with(|| identity_of(*place).cmp(&identity))
        };
        made.get(made.binary_search_by(by_name).ok()?).map(|(_, place)| *place)
    }
}

fn print_of(words: [u64; 4]) -> u64 {
    let [a, b, c, d] = words.map(u64::to_le_bytes);
    print(&[a, b, c, d].concat())
}
