//! A merged list that is not empty: an index of the lists it was made of. It holds no text of its own.

use super::items::{Item, Items};
use super::templates::Templates;
use crate::relay::reply::quoted;
use crate::sorted::sorted;
use jsonrpc::Splice;
use std::cell::OnceCell;
use std::mem::size_of;
use std::rc::Rc;
use ws::memory::{allocated, array_of};

/// An item as robots are offered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) struct Offer<'a> {
    pub line: u32,
    /// Its own name as its tool server spelled it, where it is offered under another.
    pub own_name: Option<&'a str>,
}

/// A list that is not empty.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) sources: Vec<Lister>,
    pub(super) entries: Vec<Entry>,
    /// Names that were made because the items' own ones were taken, with quotes.
    pub(super) made: Vec<Box<str>>,
    /// The places in `entries`, in the order of the names.
    pub(super) index: Vec<u32>,
    pub(super) templates: Templates,
    /// How long the list is as text.
    pub(super) bytes: usize,
    /// What the names take that were made, and those a key holder is shown.
    pub(super) names_bytes: usize,
    /// A number made of it, for noticing changes.
    pub(super) print: u64,
}

/// A list that others are merged with.
#[derive(Debug)]
pub(super) struct Lister {
    pub(super) line: u32,
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
    /// One more than the place of its name in `made`; 0 where it has its own.
    pub(super) made: u32,
}

/// An item under another name.
pub(super) fn renamed<'a>(item: &Item<'a>, name: &'a str) -> Splice<'a> {
    let mut splice = Splice::of(item.raw);
    splice.put(item.spelled_name, name);
    splice
}

impl Merged {
    pub(super) fn item(&self, entry: &Entry) -> Option<Item<'_>> {
        self.sources.get(entry.source as usize)?.items.get(entry.item as usize)
    }

    /// The name made for an entry, with its quotes.
    pub(super) fn made(&self, entry: &Entry) -> Option<&str> {
        let place = entry.made.checked_sub(1)?;
        self.made.get(place as usize).map(|name| &**name)
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
        Some(Offer { line: self.sources.get(entry.source as usize)?.line, own_name })
    }

    /// The places of the entries of the source at `place`.
    pub(super) fn entries_of(&self, place: usize) -> std::ops::Range<usize> {
        let start = |place: usize| self.sources.get(place).map(|source| source.start);
        start(place).unwrap_or_default()..start(place + 1).unwrap_or(self.entries.len())
    }

    pub(super) fn names_of(&self, line: u32) -> Option<(usize, &str)> {
        let place = self.sources.binary_search_by_key(&line, |source| source.line).ok()?;
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
        let names = (0..self.entries.len()).map(|place| (self.name(place), number(place)));
        self.index = sorted(names).into_iter().map(|(_, place)| place).collect();
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

    pub(super) fn memory(&self) -> usize {
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

pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
