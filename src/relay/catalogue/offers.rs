//! A merged list: what an agent offers of one kind, and who offers it.
//!
//! It holds no text of its own: it is an index of the lists it was made of.

use super::items::Items;
use super::kind::Kind;
use super::merge::{MergeResult, Merging, Source};
use super::merged::{Lister, Merged, Offer};
#[cfg(any(debug_assertions, test))]
use super::selection::Choice;
use super::selection::Chosen;
use crate::relay::identity::Identity;
use crate::relay::snapshot::ChosenTool;
use jsonrpc::Splice;
use std::rc::Rc;

/// The merged list of one kind, as it is and has been.
#[derive(Debug, Default)]
pub(in crate::relay) struct Offers {
    /// Most agents have most lists empty, which costs nothing.
    list: Option<Box<Merged>>,
    /// How often the list has changed.
    version: u32,
}

impl Offers {
    /// The offer of `name`.
    pub(in crate::relay) fn find(&self, name: &str) -> Option<Offer<'_>> {
        let list = self.list.as_ref()?;
        list.offer(list.find(name)?)
    }

    /// The offer of a template that `address` can have been made from.
    pub(in crate::relay) fn find_template(&self, address: &str) -> Option<Offer<'_>> {
        let list = self.list.as_ref()?;
        list.offer(list.templates.find(address, |place| list.name(place))?)
    }

    /// The names of a tool server as they are offered, as the elements of a JSON list, and how many.
    pub(in crate::relay) fn names_of(&self, identity: Identity) -> (usize, &str) {
        let list = self.list.as_ref();
        list.and_then(|list| list.names_of(identity)).unwrap_or_default()
    }

    /// How many names of each tool server are offered, in the order of the identities.
    pub(in crate::relay) fn counts(&self) -> impl Iterator<Item = (Identity, usize)> + '_ {
        let list = self.list.iter();
        list.flat_map(|list| {
            (0..list.sources.len()).filter_map(|place| {
                Some((list.sources.get(place)?.identity, list.entries_of(place).len()))
            })
        })
    }

    /// How many names are offered.
    pub(in crate::relay) fn len(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.entries.len())
    }

    /// How long the list is as text.
    pub(in crate::relay) fn bytes(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.bytes)
    }

    /// The elements of the list with commas between them, as the pieces they consist of.
    pub(in crate::relay) fn pieces(&self) -> Vec<&str> {
        self.list.as_ref().map(|list| list.pieces()).unwrap_or_default()
    }

    /// The name of the element at `at`, and the element as it is offered.
    pub(in crate::relay) fn element(&self, at: usize) -> Option<(&str, Splice<'_>)> {
        let list = self.list.as_ref()?;
        let entry = list.entries.get(at)?;
        let item = list.item(entry)?;
        Some((item.name, list.spliced(entry, &item)))
    }

    /// The element at `at` as its tool server spelled it.
    pub(in crate::relay) fn raw(&self, at: usize) -> &str {
        let list = self.list.as_ref();
        let item = list.and_then(|list| list.item(list.entries.get(at)?));
        item.map_or("", |item| item.raw)
    }

    /// How often the list has changed.
    pub(in crate::relay) fn version(&self) -> u32 {
        self.version
    }

    /// How much memory the list takes, without the lists it was made of as long as their tool
    /// servers have them, too.
    pub(in crate::relay) fn memory(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.memory())
    }

    /// Whether the list is made of just these lists.
    pub(in crate::relay) fn are_made_of(&self, sources: &[Source<'_>]) -> bool {
        let made_of = self.list.as_ref().map_or(&[][..], |list| &list.sources);
        let is_same = |(lister, source): (&Lister, &Source<'_>)| {
            lister.identity == source.identity
                && *lister.label == *source.label
                && Rc::ptr_eq(&lister.items, source.items)
        };
        made_of.len() == sources.len() && made_of.iter().zip(sources).all(is_same)
    }

    /// Whether an item of this name is hidden, or offered under another name.
    pub(in crate::relay) fn withholds(&self, name: &str) -> bool {
        self.list.as_ref().is_some_and(|list| list.withholds(name))
    }

    /// Every item, offered or hidden, by what was `chosen`.
    pub(super) fn chosen(&self, chosen: Chosen<'_>) -> Vec<ChosenTool<'_>> {
        self.list.as_ref().map(|list| list.chosen(chosen)).unwrap_or_default()
    }

    /// The lists it was made of, with their labels.
    pub(super) fn listers(&self) -> impl Iterator<Item = (&str, &Items)> {
        let listers = self.list.iter().flat_map(|list| &list.sources);
        listers.map(|lister| (&*lister.label, &*lister.items))
    }

    /// Every element is found by its name, and none is hidden by what was `chosen`, nor has another name:
    /// for tests and debug builds.
    ///
    /// # Panics
    /// Where it is not so.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn check_invariants(&self, chosen: Chosen<'_>) {
        let Some(list) = &self.list else { return };
        for (place, entry) in list.entries.iter().enumerate() {
            let name = list.name(place);
            assert_eq!(list.find(name), Some(place), "{name:?} is listed, and not found");
            let Some(source) = list.sources.get(entry.source as usize) else { continue };
            let own = source.items.name(entry.item as usize).unwrap_or_default();
            let new = match chosen.choice(&source.label, own, &mut String::new()) {
                Choice::Offered(new) => new,
                Choice::Hidden { .. } => unreachable!("{name:?} is listed, and hidden"),
            };
            if !chosen.is_empty() {
                assert_eq!(entry.is_chosen(), new.is_some(), "{name:?} has an odd name");
                let is_withheld = list.withholds(own);
                assert!(new.is_none() || is_withheld, "{own:?} is renamed, and callable");
            }
        }
    }

    /// Makes the list again from what was `chosen` of `sources`, the oldest tool server first. One
    /// that has a name keeps it as long as it offers it.
    pub(in crate::relay) fn merge(
        &mut self,
        kind: Kind,
        sources: &[Source<'_>],
        chosen: Chosen<'_>,
    ) -> MergeResult {
        let old = self.list.take().unwrap_or_default();
        let (merged, mut result) = Merging::new(kind, &old, sources, chosen).run();
        result.changed = merged.print != old.print || merged.entries.len() != old.entries.len();
        self.version = self.version.wrapping_add(u32::from(result.changed));
        let is_empty = merged.entries.is_empty() && merged.withheld.is_empty();
        self.list = (!is_empty).then(|| Box::new(merged));
        result
    }
}

#[cfg(test)]
mod tests;
