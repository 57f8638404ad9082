//! How several tools make one face: merging their lists, and the names of those who want the same
//! one (contract, section 4, "Several tools").

use super::catalogue::{Item, Kind};
use super::envelope::Splice;
use crate::sorted::sorted;
use std::collections::{BTreeMap, HashMap};

/// The longest name a language model may use for a tool.
const LONGEST_NAME: usize = 64;

/// What is put between a label and the name it tells apart.
const BETWEEN: &str = "__";

/// What one server brings to the merged list: a *line* is a server over time, so its twins, and
/// one that came back, are the same line.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub line: u32,
    /// The label its items get where their names are taken.
    pub label: &'a str,
    /// The place of the tool that serves it now; none while it is lost.
    pub tool: Option<usize>,
    pub items: &'a [Item],
}

/// An item as robots are offered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub line: u32,
    /// The place of the tool that serves it now; none while it is lost.
    pub tool: Option<usize>,
    /// Its own name as its tool spelled it, where it is offered under another.
    pub own_name: Option<Box<str>>,
    /// Its place in the list.
    place: usize,
}

impl Offer {
    /// Whether its name was made for it, and its line is still there. `sources` are in the order of
    /// their lines.
    fn is_made(&self, sources: &[Source<'_>]) -> bool {
        self.own_name.is_some()
            && sources.binary_search_by_key(&self.line, |source| source.line).is_ok()
    }
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
    by_name: BTreeMap<Box<str>, Offer>,
    /// The list as robots get it, without its brackets.
    text: String,
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
    pub(super) fn find(&self, name: &str) -> Option<&Offer> {
        self.list.as_ref()?.by_name.get(name)
    }

    /// Every name offered, with its offer.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Offer)> {
        let list = self.list.iter().flat_map(|list| &list.by_name);
        list.map(|(name, offer)| (&**name, offer))
    }

    /// The names a tool serves, as they are offered and in the order of the list.
    pub(super) fn names_of(&self, tool: usize) -> Vec<&str> {
        let own = self.iter().filter(|(_, offer)| offer.tool == Some(tool));
        let own = sorted(own.map(|(name, offer)| (offer.place, name)));
        own.into_iter().map(|(_, name)| name).collect()
    }

    /// How many names are offered.
    pub(super) fn len(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.by_name.len())
    }

    /// The elements of the list, separated by commas.
    pub(super) fn text(&self) -> &str {
        self.list.as_ref().map_or("", |list| &list.text)
    }

    /// How often the list has changed.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Makes the list anew from `sources`, the oldest line first. Who has a name keeps it as long
    /// as it offers it. Returns whether robots see another list than before, and the conflicts
    /// that are new.
    pub(super) fn merge(&mut self, kind: Kind, sources: &[Source<'_>]) -> (bool, Vec<Conflict>) {
        let (merged, conflicts) = self.merged(kind, sources);
        let changed = merged.text != self.text();
        self.version = self.version.wrapping_add(u32::from(changed));
        self.list = (!merged.by_name.is_empty()).then(|| Box::new(merged));
        (changed, conflicts)
    }

    fn merged(&self, kind: Kind, sources: &[Source<'_>]) -> (Merged, Vec<Conflict>) {
        let owners = self.owners(sources);
        let mut merged = Merged::default();
        let mut conflicts = Vec::new();
        // Which line offered a name last: its twins stand together.
        let mut seen = HashMap::new();
        let mut stems = HashMap::new();
        let made = self.names_made(sources);
        for source in sources {
            for item in source.items {
                if seen.insert(&*item.name, source.line) == Some(source.line) {
                    continue;
                }
                let own = owners.get(&*item.name) == Some(&source.line);
                if own {
                    merged.add(item.name.clone(), item, source, None);
                } else if kind.row().renamed {
                    let taken =
                        |name: &str| owners.contains_key(name) || merged.by_name.contains_key(name);
                    let before = made.get(&(source.line, item.spelled_name()));
                    let offered = match before.filter(|name| !taken(name)) {
                        Some(name) => (*name).to_owned(),
                        None => distinct_name(source.label, &item.name, &mut stems, |name| {
                            taken(name)
                                || self.find(name).is_some_and(|offer| offer.is_made(sources))
                        }),
                    };
                    if self.find(&offered).is_none() {
                        conflicts.push(Conflict {
                            name: item.name.to_string(),
                            offered: offered.clone(),
                            label: source.label.to_owned(),
                        });
                    }
                    let spelled = format!("\"{offered}\"");
                    merged.add(offered.into(), item, source, Some(&spelled));
                }
            }
        }
        merged.text.shrink_to_fit();
        (merged, conflicts)
    }

    /// The names made for items that are still there: they stay whoever else comes or goes.
    fn names_made(&self, sources: &[Source<'_>]) -> HashMap<(u32, &str), &str> {
        let made = self.iter().filter(|(_, offer)| offer.is_made(sources));
        made.filter_map(|(name, offer)| Some(((offer.line, offer.own_name.as_deref()?), name)))
            .collect()
    }

    /// Which line has which name: who had it keeps it, else the oldest that offers it.
    fn owners<'a>(&self, sources: &[Source<'a>]) -> HashMap<&'a str, u32> {
        let mut owners: HashMap<&'a str, u32> = HashMap::new();
        for source in sources {
            for item in source.items {
                let had_it = self
                    .find(&item.name)
                    .is_some_and(|offer| offer.line == source.line && offer.own_name.is_none());
                if had_it {
                    owners.insert(&*item.name, source.line);
                } else {
                    owners.entry(&*item.name).or_insert(source.line);
                }
            }
        }
        owners
    }
}

impl Merged {
    fn add(&mut self, name: Box<str>, item: &Item, source: &Source<'_>, renamed: Option<&str>) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        let mut splice = Splice::of(&item.raw);
        if let Some(spelled) = renamed {
            splice.put(item.spelled_name(), spelled);
        }
        self.text.extend(splice.pieces().iter().copied());
        let own_name = renamed.map(|_| item.spelled_name().into());
        let place = self.by_name.len();
        let offer = Offer { line: source.line, tool: source.tool, own_name, place };
        self.by_name.insert(name, offer);
    }
}

/// `LABEL__name` of characters a language model may use, at most 64, and not `taken`.
/// `stems` remembers which attempt at each name was the last, so that a thousand alike take no time.
fn distinct_name(
    label: &str,
    name: &str,
    stems: &mut HashMap<Box<str>, usize>,
    taken: impl Fn(&str) -> bool,
) -> String {
    let (label, name) = (plain(label), plain(name));
    let label = if label.trim_matches('_').is_empty() { "tool".to_owned() } else { label };
    let stem = numbered(&label, &name, 1);
    let mut attempt = stems.get(&*stem).map_or(1, |used| used.saturating_add(1));
    loop {
        let offered = numbered(&label, &name, attempt);
        if !taken(&offered) {
            stems.insert(stem.into(), attempt);
            return offered;
        }
        attempt = attempt.saturating_add(1);
    }
}

/// `LABEL__name`, from the second attempt on with its number behind it.
fn numbered(label: &str, name: &str, attempt: usize) -> String {
    let tail = if attempt == 1 { String::new() } else { format!("-{attempt}") };
    // The name says more than the label: the label gives way first, down to eight letters.
    let room = LONGEST_NAME.saturating_sub(BETWEEN.len() + tail.len());
    let for_label = room.saturating_sub(name.len()).max(8).min(label.len());
    let for_name = room.saturating_sub(for_label).min(name.len());
    let (label, name) = (label.get(..for_label), name.get(..for_name));
    format!("{}{BETWEEN}{}{tail}", label.unwrap_or_default(), name.unwrap_or_default())
}

/// The same word of letters, digits, `_` and `-` only.
fn plain(word: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    word.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Page;
    use super::*;

    fn items(kind: Kind, list: &str) -> Vec<Item> {
        let member = kind.row().member;
        Page::read(kind, &format!(r#"{{"{member}":{list}}}"#)).unwrap().items
    }

    fn source<'a>(line: u32, label: &'a str, items: &'a [Item]) -> Source<'a> {
        Source { line, label, tool: Some(line as usize), items }
    }

    #[test]
    fn items_are_offered_as_they_are_spelled() {
        let list = items(Kind::Tools, r#"[ {"name" : "a" , "n":1.50}, {"x":1,"name":"\u0062"}]"#);
        let mut offers = Offers::default();
        let (changed, conflicts) = offers.merge(Kind::Tools, &[source(1, "one", &list)]);
        assert!(changed && conflicts.is_empty());
        assert_eq!(offers.text(), r#"{"name" : "a" , "n":1.50},{"x":1,"name":"\u0062"}"#);
        assert!(offers.find("b").is_some());
        assert!(!offers.merge(Kind::Tools, &[source(1, "one", &list)]).0);
    }

    #[test]
    fn who_had_a_name_first_keeps_it_whatever_the_order_of_return() {
        let list = items(Kind::Tools, r#"[{"name":"search","d":"\/"}]"#);
        let (a, b) = (source(1, "a", &list), source(2, "b", &list));
        let mut offers = Offers::default();
        let (_, conflicts) = offers.merge(Kind::Tools, &[a, b]);
        assert_eq!(conflicts[0].offered, "b__search");
        assert_eq!(offers.text(), r#"{"name":"search","d":"\/"},{"name":"b__search","d":"\/"}"#);
        assert_eq!(offers.find("b__search").unwrap().own_name.as_deref(), Some("\"search\""));
        // The first goes for good: the name passes on, and is not given back.
        offers.merge(Kind::Tools, &[source(2, "b", &list)]);
        assert_eq!(offers.find("search").unwrap().line, 2);
        let (_, conflicts) =
            offers.merge(Kind::Tools, &[source(1, "a", &list), source(2, "b", &list)]);
        assert_eq!(offers.find("search").unwrap().line, 2);
        assert_eq!(conflicts[0].offered, "a__search");
        let (_, again) = offers.merge(Kind::Tools, &[source(1, "a", &list), source(2, "b", &list)]);
        assert!(again.is_empty(), "a conflict is told once");
    }

    #[test]
    fn a_tool_that_takes_up_a_name_later_does_not_get_it() {
        let (other, both) = (
            items(Kind::Tools, r#"[{"name":"x"}]"#),
            items(Kind::Tools, r#"[{"name":"x"},{"name":"search"}]"#),
        );
        let search = items(Kind::Tools, r#"[{"name":"search"}]"#);
        let mut offers = Offers::default();
        offers.merge(Kind::Tools, &[source(1, "old", &other), source(2, "new", &search)]);
        offers.merge(Kind::Tools, &[source(1, "old", &both), source(2, "new", &search)]);
        assert_eq!(offers.find("search").unwrap().line, 2);
        assert_eq!(offers.find("old__search").unwrap().line, 1);
    }

    #[test]
    fn a_distinct_name_is_one_a_language_model_may_use() {
        let long = "n".repeat(80);
        for (label, name) in
            [("home assistant", "查询"), ("计算器", "search"), ("l", &*long), (&*long, "n")]
        {
            let offered = distinct_name(label, name, &mut HashMap::new(), |_| false);
            assert!(offered.len() <= LONGEST_NAME && !offered.is_empty(), "{offered}");
            assert_eq!(plain(&offered), offered);
        }
        assert_eq!(
            distinct_name("计算器", "search", &mut HashMap::new(), |_| false),
            "tool__search"
        );
        assert_eq!(distinct_name("a", "s", &mut HashMap::new(), |name| name == "a__s"), "a__s-2");
        let tight = distinct_name(&long, &long, &mut HashMap::new(), |name| !name.ends_with("-3"));
        assert_eq!(tight.len(), LONGEST_NAME);
    }

    #[test]
    fn an_address_two_servers_have_is_listed_once() {
        let list = items(Kind::Resources, r#"[{"uri":"a://1"},{"uri":"a://1"}]"#);
        let mut offers = Offers::default();
        offers.merge(Kind::Resources, &[source(1, "a", &list), source(2, "b", &list)]);
        assert_eq!(offers.text(), r#"{"uri":"a://1"}"#);
    }
}
