//! A merged list that is not empty: an index of the lists it was made of. It holds no text of its own.

use super::items::{Item, Items};
use super::selection::{Choice, Chosen};
use super::templates::Templates;
use crate::relay::identity::Identity;
use crate::relay::snapshot::ChosenTool;
use crate::sorted::sorted;
use jsonrpc::message::{last_member, quoted, string};
use jsonrpc::Splice;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::mem::size_of;
use std::rc::Rc;
use ws::memory::{allocated, array_of};

/// How much of a description is shown, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// An item as robots are offered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) struct Offer<'a> {
    pub identity: Identity,
    /// Its own name as its tool server spelled it, where it is offered under another.
    pub own_name: Option<&'a str>,
}

/// A list that is not empty.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) sources: Vec<Lister>,
    pub(super) entries: Vec<Entry>,
    /// Names other than the items' own ones, with quotes.
    pub(super) made: Vec<Box<str>>,
    /// What is written into items to describe them: a JSON string in place of a description, or a
    /// whole member where there is none.
    pub(super) descriptions: Vec<Box<str>>,
    /// The sources and places of the items that are hidden or have another name, in the order of their
    /// own names.
    pub(super) withheld: Vec<(u32, u32)>,
    /// The places in `entries`, in the order of the names.
    pub(super) index: Vec<u32>,
    pub(super) templates: Templates,
    /// How long the list is as text.
    pub(super) bytes: usize,
    /// What names and descriptions take that items do not have themselves, and the names a key holder is
    /// shown.
    pub(super) names_bytes: usize,
    /// A number made of it, for noticing changes.
    pub(super) print: u64,
}

/// A list that others are merged with.
#[derive(Debug)]
pub(super) struct Lister {
    pub(super) identity: Identity,
    pub(super) label: Box<str>,
    pub(super) items: Rc<Items>,
    /// Where its entries begin.
    pub(super) start: usize,
    /// Its names as they are offered, as the elements of a JSON list. Made when they are first asked for.
    pub(super) names: OnceCell<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) source: u32,
    pub(super) item: u32,
    /// One more than the place of its name in `made`, with [`CHOSEN`] set where the owner renamed it; 0
    /// where it has its own name.
    pub(super) made: u32,
    /// One more than the place of its description in `descriptions`; 0 where it has its own.
    pub(super) described: u32,
}

/// Marks an item that the owner has renamed.
pub(super) const CHOSEN: u32 = 1 << 31;

impl Entry {
    /// Whether the item is offered as its tool server spelled it.
    fn is_plain(&self) -> bool {
        self.made == 0 && self.described == 0
    }

    /// Whether the owner has renamed it.
    pub(super) fn is_chosen(&self) -> bool {
        self.made & CHOSEN != 0
    }
}

/// The text in `list` whose place is one less than `number`.
fn text_at(list: &[Box<str>], number: u32) -> Option<&str> {
    list.get((number & !CHOSEN).checked_sub(1)? as usize).map(|text| &**text)
}

/// Where a description goes in an item: in place of its own, or before the first member.
fn described_at(raw: &str) -> &str {
    last_member(raw, "description").or_else(|| raw.get(1..1)).unwrap_or_default()
}

/// What describes an item as `text` in its place, and how long what it stands in place of is.
pub(super) fn description(raw: &str, text: &str) -> (usize, String) {
    match described_at(raw) {
        "" => (0, format!("\"description\":{},", quoted(text))),
        old => (old.len(), quoted(text)),
    }
}

impl Merged {
    pub(super) fn item(&self, entry: &Entry) -> Option<Item<'_>> {
        self.sources.get(entry.source as usize)?.items.get(entry.item as usize)
    }

    /// The name made for an entry, with its quotes.
    pub(super) fn made(&self, entry: &Entry) -> Option<&str> {
        text_at(&self.made, entry.made)
    }

    /// An item as it is offered.
    pub(super) fn spliced<'a>(&'a self, entry: &Entry, item: &Item<'a>) -> Splice<'a> {
        let mut splice = Splice::of(item.raw);
        if let Some(name) = self.made(entry) {
            splice.put(item.spelled_name, name);
        }
        if let Some(text) = text_at(&self.descriptions, entry.described) {
            splice.put(described_at(item.raw), text);
        }
        splice
    }

    /// Whether an item with this name is hidden, or offered under another name.
    pub(super) fn withholds(&self, name: &str) -> bool {
        let own = |(source, item): &(u32, u32)| {
            let source = self.sources.get(*source as usize);
            source.and_then(|source| source.items.name(*item as usize)).unwrap_or_default()
        };
        self.withheld.binary_search_by(|place| own(place).cmp(name)).is_ok()
    }

    /// The name of the entry at `place` as it is offered.
    pub(super) fn name(&self, place: usize) -> &str {
        let Some(entry) = self.entries.get(place) else { return "" };
        match self.made(entry) {
            Some(quoted) => quoted.get(1..quoted.len() - 1).unwrap_or_default(),
            None => {
                let source = self.sources.get(entry.source as usize);
                source.and_then(|source| source.items.name(entry.item as usize)).unwrap_or("")
            }
        }
    }

    pub(super) fn offer(&self, place: usize) -> Option<Offer<'_>> {
        let entry = self.entries.get(place)?;
        let own_name = self.made(entry).and_then(|_| Some(self.item(entry)?.spelled_name));
        Some(Offer { identity: self.sources.get(entry.source as usize)?.identity, own_name })
    }

    /// The places of the entries of the source at `place`.
    pub(super) fn entries_of(&self, place: usize) -> std::ops::Range<usize> {
        let start = |place: usize| self.sources.get(place).map(|source| source.start);
        start(place).unwrap_or_default()..start(place + 1).unwrap_or(self.entries.len())
    }

    pub(super) fn names_of(&self, identity: Identity) -> Option<(usize, &str)> {
        let place = self.sources.binary_search_by_key(&identity, |source| source.identity).ok()?;
        let places = self.entries_of(place);
        let count = places.len();
        let names = self.sources.get(place)?.names.get_or_init(|| {
            let mut text = String::new();
            for name in places.map(|place| self.name(place)) {
                text.push_str(if text.is_empty() { "" } else { "," });
                text.push_str(&quoted(name));
            }
            text.into()
        });
        Some((count, names))
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let at = self.index.binary_search_by(|place| self.name(*place as usize).cmp(name)).ok()?;
        self.index.get(at).map(|place| *place as usize)
    }

    /// Puts the place of every entry into the index.
    pub(super) fn make_index(&mut self) {
        let names = (0..self.entries.len()).map(|place| (self.name(place), place));
        self.index = sorted(names).into_iter().map(|(_, place)| number(place)).collect();
    }

    pub(super) fn pieces(&self) -> Vec<&str> {
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
            match entry.is_plain() {
                false => pieces.extend(self.spliced(entry, &item).pieces()),
                // What stands side by side in the list of a tool server is one piece.
                true => {
                    let mut last = entry.item;
                    let goes_on = |next: &Entry, last: u32| {
                        next.source == entry.source && next.item == last + 1 && next.is_plain()
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

    /// Every item, offered or hidden, by what was `chosen`.
    pub(super) fn chosen(&self, chosen: Chosen<'_>) -> Vec<ChosenTool<'_>> {
        let (mut found, mut buffer) = (Vec::new(), String::new());
        let mut entries = self.entries.iter().enumerate().peekable();
        for (source, lister) in self.sources.iter().enumerate() {
            for (at, item) in lister.items.iter().enumerate() {
                let is_it = |(_, entry): &(usize, &Entry)| {
                    entry.source as usize == source && entry.item as usize == at
                };
                let entry = entries.next_if(is_it);
                let choice = chosen.choice(&lister.label, item.name, &mut buffer);
                let is_locked = match (entry, choice) {
                    (Some(_), _) => false,
                    (None, Choice::Hidden { is_locked }) => is_locked,
                    // There is no room for it, or another one has its name.
                    (None, Choice::Offered(_)) => continue,
                };
                let offered = entry.map(|(place, _)| self.name(place));
                let count = |piece: &&str| piece.chars().count();
                let characters = match entry {
                    Some((_, entry)) => self.spliced(entry, &item).pieces().iter().map(count).sum(),
                    None => count(&item.raw),
                };
                let own = || last_member(item.raw, "description").and_then(string);
                let own_name = (&*lister.label, item.name);
                let text = offered.and_then(|name| chosen.description(name, own_name));
                let text = text.map(Cow::Borrowed);
                let text = text.or_else(own).unwrap_or_default();
                let mut description: String = text.chars().take(MAX_SHOWN_CHARS).collect();
                if description.len() < text.len() {
                    description.push('…');
                }
                found.push(ChosenTool {
                    label: &lister.label,
                    is_label_stable: false,
                    tool: item.name,
                    offered,
                    is_locked,
                    is_renamed: entry.is_some_and(|(_, entry)| entry.is_chosen()),
                    characters,
                    description,
                });
            }
        }
        found
    }

    pub(super) fn memory(&self) -> usize {
        let alone = self.sources.iter().filter(|source| Rc::strong_count(&source.items) == 1);
        allocated(size_of::<Merged>())
            + self.names_bytes
            + alone.map(|source| source.items.memory()).sum::<usize>()
            + array_of::<Lister>(self.sources.capacity())
            + self.sources.iter().map(|source| allocated(source.label.len())).sum::<usize>()
            + array_of::<Entry>(self.entries.capacity())
            + array_of::<Box<str>>(self.made.capacity() + self.descriptions.capacity())
            + array_of::<(u32, u32)>(self.withheld.capacity())
            + array_of::<u32>(self.index.capacity())
            + self.templates.memory()
    }
}

pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
