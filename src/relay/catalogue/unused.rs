//! Patterns and names of a selection that pick no tool: most of them are misspelt.

use super::offers::Offers;
use super::patterns::fits;
use super::selection::{Chosen, Meant, Selection, MAX_NAME};
use crate::sorted::sorted;
use crate::spelling::edits;

/// How many are reported at a time.
const MAX_REPORTED: usize = 10;

/// How many bytes of names are compared with patterns at a time.
const MAX_COMPARED: usize = 4 << 20;

/// Among how many names the nearest one is looked for at a time.
const MAX_CANDIDATES: usize = 1_000;

/// What is known of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Nothing yet.
    Open,
    /// It has picked a tool.
    Used,
    /// It was reported.
    Reported,
}

/// Which patterns are still to be looked at: each is reported once, and none that has picked a tool.
#[derive(Debug, Default)]
pub(in crate::relay) struct Unused {
    /// By the numbers of the patterns.
    marks: Vec<Mark>,
}

/// A pattern that picks no tool, and the name of a tool that is nearest to it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::relay) struct UnusedPattern {
    pub pattern: String,
    pub nearest: String,
}

impl Unused {
    /// Goes on with the patterns of `new` in place of those of `old`. What was reported and is in the same
    /// entry still is not reported again.
    pub(in crate::relay) fn follow(&mut self, old: &Selection, new: &Selection) {
        let before = std::mem::replace(&mut self.marks, vec![Mark::Open; new.count()]);
        for (name, entry) in new.entries() {
            let Some(old) = old.entry(name) else { continue };
            let reported = |(number, _): &(usize, _)| before.get(*number) == Some(&Mark::Reported);
            let reported = sorted(old.meant().filter(reported).map(|(_, meant)| key(meant)));
            for (number, meant) in entry.meant() {
                if reported.binary_search(&key(meant)).is_ok() {
                    if let Some(mark) = self.marks.get_mut(number) {
                        *mark = Mark::Reported;
                    }
                }
            }
        }
    }

    /// How much memory it takes.
    pub(in crate::relay) fn memory(&self) -> usize {
        self.marks.capacity()
    }

    /// The patterns that pick no tool of `offers` although their tool server is there. A pattern that
    /// names no tool server is meant for any: it counts in the agent's own entry only, and only where
    /// no tool server is expected (`is_at_rest`). Says also how much work it was, in microseconds.
    pub(in crate::relay) fn find(
        &mut self,
        chosen: Chosen<'_>,
        offers: &Offers,
        is_at_rest: bool,
    ) -> (Vec<UnusedPattern>, usize) {
        let (mut found, mut room, mut candidates) = (Vec::new(), MAX_COMPARED, MAX_CANDIDATES);
        // Searched once for each pattern.
        let labels = sorted(offers.listers().map(|(label, _)| label));
        let entries = [(chosen.all, false), (chosen.own, true)];
        let entries = entries.into_iter().filter_map(|(entry, is_own)| Some((entry?, is_own)));
        for (entry, is_own) in entries {
            for (number, meant) in entry.meant() {
                let Some(mark) = self.marks.get_mut(number) else { continue };
                if *mark != Mark::Open || found.len() >= MAX_REPORTED {
                    continue;
                }
                let (text, label) = match meant {
                    Meant::Offered(name) => (name, None),
                    Meant::Tools(pattern) => (pattern, label_of(pattern)),
                };
                let is_there = match label {
                    Some(label) => labels.binary_search(&label).is_ok(),
                    None => is_own && is_at_rest && !labels.is_empty(),
                };
                // Most of the work: not for tool servers that are elsewhere.
                if !is_there {
                    continue;
                }
                let is_used = match meant {
                    Meant::Offered(name) => Some(offers.find(name).is_some()),
                    Meant::Tools(pattern) => picks(offers, pattern, label, &mut room),
                };
                *mark = match is_used {
                    Some(true) => Mark::Used,
                    Some(false) => Mark::Reported,
                    None => Mark::Open,
                };
                if *mark == Mark::Reported {
                    let nearest = nearest(offers, text, label, &mut candidates);
                    found.push(UnusedPattern { pattern: text.to_owned(), nearest });
                }
            }
        }
        (found, (MAX_COMPARED - room) / 1024 + (MAX_CANDIDATES - candidates))
    }
}

/// What makes a pattern the same after a change.
fn key(meant: Meant<'_>) -> (&str, usize) {
    match meant {
        Meant::Tools(pattern) => (pattern, 0),
        Meant::Offered(name) => (name, 1),
    }
}

/// The label in a pattern, where it has one that is written out.
fn label_of(pattern: &str) -> Option<&str> {
    let (label, _) = pattern.split_once('/')?;
    (!label.contains('*')).then_some(label)
}

/// Whether a pattern picks a tool; `None` if that would take too long.
fn picks(offers: &Offers, pattern: &str, label: Option<&str>, room: &mut usize) -> Option<bool> {
    if !pattern.contains('*') && (offers.find(pattern).is_some() || offers.withholds(pattern)) {
        return Some(true);
    }
    let mut full = String::new();
    for (known, items) in offers.listers() {
        for name in items.iter().map(|item| item.name).filter(|name| name.len() <= MAX_NAME) {
            *room = room.checked_sub(known.len() + name.len() + pattern.len())?;
            // `LABEL/…` picks tools of other tool servers only by names with a slash of their own.
            if label.is_some_and(|label| !known.starts_with(label)) && !name.contains('/') {
                continue;
            }
            full.clear();
            full.extend([known, "/", name]);
            if fits(pattern, name) || fits(pattern, &full) {
                return Some(true);
            }
        }
    }
    Some(false)
}

/// The name that is nearest to what `pattern` picks: of the tool server `label`, if there is one.
fn nearest(offers: &Offers, pattern: &str, label: Option<&str>, candidates: &mut usize) -> String {
    let wanted = label.map_or(pattern, |label| pattern.get(label.len() + 1..).unwrap_or_default());
    let wanted = wanted.replace('*', "");
    let listers = offers.listers().filter(|(known, _)| label.is_none_or(|label| label == *known));
    let names = listers.flat_map(|(_, items)| items.iter().map(|item| item.name));
    let names = names.filter(|name| name.len() <= MAX_NAME).take(*candidates);
    let mut count = 0;
    let name = names.inspect(|_| count += 1).min_by_key(|name| edits(name, &wanted));
    *candidates -= count;
    let name = name.unwrap_or_default();
    label.map_or(name.to_owned(), |label| [label, "/", name].concat())
}
