//! How several tool servers make one catalogue: merging their lists, and the names of those who want
//! the same one.
//!
//! A merged list holds no text of its own: it is an index of the lists it was made of.

use super::catalogue::Kind;
use super::items::{print, Item, Items};
use super::names::Names;
use super::templates::Templates;
use crate::sorted::sorted;
use jsonrpc::Splice;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::mem::size_of;
use std::rc::Rc;
use ws::memory::{allocated, array_of};

/// How many items of one kind an agent offers.
pub(super) const MAX_OFFERED: usize = 8_000;

/// How many bytes they have together: as much as a robot's queue takes, if nothing else is in it.
const MAX_OFFERED_BYTES: usize = 16 << 20;

/// How many names that collide are told one by one.
pub(super) const MAX_TOLD: usize = 10;

/// What one server brings to the merged list: a *line* is a server over time, so its twins, and
/// one that came back, are the same line.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub line: u32,
    /// The label its items get where their names are taken.
    pub label: &'a str,
    pub items: &'a Rc<Items>,
}

/// An item as robots are offered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    pub line: u32,
    /// Its own name as its tool server spelled it, where it is offered under another.
    pub own_name: Option<&'a str>,
}

/// The merged list of one kind, as it is and has been.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// Most agents have most lists empty, which costs nothing.
    list: Option<Box<Merged>>,
    /// How often the list has changed.
    version: u32,
}

/// A list that is not empty.
#[derive(Debug, Default)]
struct Merged {
    sources: Vec<Lister>,
    entries: Vec<Entry>,
    /// Names that were made because the items' own ones were taken, with quotes.
    made: Vec<Box<str>>,
    /// The places in `entries`, in the order of the names.
    index: Vec<u32>,
    templates: Templates,
    /// How long the list is as text.
    bytes: usize,
    /// What the names take that were made, and those a key holder is shown.
    names_bytes: usize,
    /// A number made of it, for noticing changes.
    print: u64,
}

/// A list that others are merged with.
#[derive(Debug)]
struct Lister {
    line: u32,
    items: Rc<Items>,
    /// Where its entries begin.
    start: usize,
    /// Its names as they are offered, as the elements of a JSON list. Made when they are first asked for.
    names: OnceCell<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    source: u32,
    item: u32,
    /// One more than the place of its name in `made`; 0 where it has its own.
    made: u32,
}

/// What a merge led to.
#[derive(Debug, Default)]
pub(super) struct MergeResult {
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
pub(super) struct Conflict {
    pub name: String,
    pub offered: String,
    pub label: String,
}

impl Offers {
    /// Who offers `name`.
    pub(super) fn find(&self, name: &str) -> Option<Offer<'_>> {
        let list = self.list.as_ref()?;
        list.offer(list.find(name)?)
    }

    /// Who offers a template that `address` can have been made from.
    pub(super) fn find_template(&self, address: &str) -> Option<Offer<'_>> {
        let list = self.list.as_ref()?;
        list.offer(list.templates.find(address, |place| list.name(place))?)
    }

    /// The names of a line as they are offered, as the elements of a JSON list, and how many.
    pub(super) fn names_of(&self, line: u32) -> (usize, &str) {
        let list = self.list.as_ref();
        list.and_then(|list| list.names_of(line)).unwrap_or_default()
    }

    /// How many names of each line are offered, in the order of the lines.
    pub(super) fn counts(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        let list = self.list.iter();
        list.flat_map(|list| {
            (0..list.sources.len()).filter_map(|place| {
                Some((list.sources.get(place)?.line, list.entries_of(place).len()))
            })
        })
    }

    /// How many names are offered.
    pub(super) fn len(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.entries.len())
    }

    /// How long the list is as text.
    pub(super) fn bytes(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.bytes)
    }

    /// The elements of the list with commas between them, as the pieces they consist of.
    pub(super) fn pieces(&self) -> Vec<&str> {
        self.list.as_ref().map(|list| list.pieces()).unwrap_or_default()
    }

    /// The name of the element at `at`, and the element as it is offered.
    pub(super) fn element(&self, at: usize) -> Option<(&str, Splice<'_>)> {
        let list = self.list.as_ref()?;
        let entry = list.entries.get(at)?;
        let item = list.item(entry)?;
        let offered = match list.made(entry) {
            Some(name) => renamed(&item, name),
            None => Splice::of(item.raw),
        };
        Some((item.name, offered))
    }

    /// How often the list has changed.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// How much memory the list takes, without the lists it was made of as long as their tool
    /// servers have them, too.
    pub(super) fn memory(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.memory())
    }

    /// Whether the list is made of just these lists.
    pub(super) fn are_made_of(&self, sources: &[Source<'_>]) -> bool {
        let made_of = self.list.as_ref().map_or(&[][..], |list| &list.sources);
        let is_same = |(lister, source): (&Lister, &Source<'_>)| {
            lister.line == source.line && Rc::ptr_eq(&lister.items, source.items)
        };
        made_of.len() == sources.len() && made_of.iter().zip(sources).all(is_same)
    }

    /// Makes the list anew from `sources`, the oldest line first. Who has a name keeps it as long
    /// as it offers it.
    pub(super) fn merge(&mut self, kind: Kind, sources: &[Source<'_>]) -> MergeResult {
        let old = self.list.take().unwrap_or_default();
        let (merged, mut result) = Merging::new(kind, &old, sources).run();
        result.changed = merged.print != old.print || merged.entries.len() != old.entries.len();
        self.version = self.version.wrapping_add(u32::from(result.changed));
        self.list = (!merged.entries.is_empty()).then(|| Box::new(merged));
        result
    }
}

/// An item under another name.
fn renamed<'a>(item: &Item<'a>, name: &'a str) -> Splice<'a> {
    let mut splice = Splice::of(item.raw);
    splice.put(item.spelled_name, name);
    splice
}

impl Merged {
    fn item(&self, entry: &Entry) -> Option<Item<'_>> {
        self.sources.get(entry.source as usize)?.items.get(entry.item as usize)
    }

    /// The name made for an entry, with its quotes.
    fn made(&self, entry: &Entry) -> Option<&str> {
        let place = entry.made.checked_sub(1)?;
        self.made.get(place as usize).map(|name| &**name)
    }

    /// The name of the entry at `place` as it is offered.
    fn name(&self, place: usize) -> &str {
        let Some(entry) = self.entries.get(place) else { return "" };
        match self.made(entry) {
            Some(quoted) => quoted.get(1..quoted.len() - 1).unwrap_or_default(),
            None => {
                let source = self.sources.get(entry.source as usize);
                source.and_then(|source| source.items.name(entry.item as usize)).unwrap_or("")
            }
        }
    }

    fn offer(&self, place: usize) -> Option<Offer<'_>> {
        let entry = self.entries.get(place)?;
        let own_name = self.made(entry).and_then(|_| Some(self.item(entry)?.spelled_name));
        Some(Offer { line: self.sources.get(entry.source as usize)?.line, own_name })
    }

    /// The places of the entries of the source at `place`.
    fn entries_of(&self, place: usize) -> std::ops::Range<usize> {
        let start = |place: usize| self.sources.get(place).map(|source| source.start);
        start(place).unwrap_or_default()..start(place + 1).unwrap_or(self.entries.len())
    }

    fn names_of(&self, line: u32) -> Option<(usize, &str)> {
        let place = self.sources.binary_search_by_key(&line, |source| source.line).ok()?;
        let places = self.entries_of(place);
        let count = places.len();
        let names = self.sources.get(place)?.names.get_or_init(|| {
            let mut text = String::new();
            for name in places.map(|place| self.name(place)) {
                text.push_str(if text.is_empty() { "" } else { "," });
                text.push_str(&super::reply::quoted(name));
            }
            text.into()
        });
        Some((count, names))
    }

    fn find(&self, name: &str) -> Option<usize> {
        let at = self.index.binary_search_by(|place| self.name(*place as usize).cmp(name)).ok()?;
        self.index.get(at).map(|place| *place as usize)
    }

    /// Puts the place of every entry into the index.
    fn make_index(&mut self) {
        let names = (0..self.entries.len()).map(|place| (self.name(place), number(place)));
        self.index = sorted(names).into_iter().map(|(_, place)| place).collect();
    }

    fn pieces(&self) -> Vec<&str> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(entry) = self.entries.get(at) {
            if at > 0 {
                pieces.push(",");
            }
            let (Some(source), Some(item)) =
                (self.sources.get(entry.source as usize), self.item(entry))
            else {
                break;
            };
            match self.made(entry) {
                Some(name) => pieces.extend(renamed(&item, name).pieces()),
                // What stands side by side in the list of a tool server is one piece.
                None => {
                    let mut last = entry.item;
                    let goes_on = |next: &Entry, last: u32| {
                        next.source == entry.source && next.item == last + 1 && next.made == 0
                    };
                    while self.entries.get(at + 1).is_some_and(|next| goes_on(next, last)) {
                        at += 1;
                        last += 1;
                    }
                    pieces.push(source.items.run(entry.item as usize, last as usize));
                }
            }
            at += 1;
        }
        pieces
    }

    fn memory(&self) -> usize {
        let alone = self.sources.iter().filter(|source| Rc::strong_count(&source.items) == 1);
        allocated(size_of::<Merged>())
            + self.names_bytes
            + alone.map(|source| source.items.memory()).sum::<usize>()
            + array_of::<Lister>(self.sources.capacity())
            + array_of::<Entry>(self.entries.capacity())
            + array_of::<Box<str>>(self.made.capacity())
            + array_of::<u32>(self.index.capacity())
            + self.templates.memory()
    }
}

/// One merge. Everything here takes as long as there are items, at most [`MAX_OFFERED`].
struct Merging<'a> {
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
    fn new(kind: Kind, old: &'a Merged, sources: &'a [Source<'a>]) -> Self {
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

    fn run(mut self) -> (Merged, MergeResult) {
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
            name: super::reply::shortened(name).to_owned(),
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

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
