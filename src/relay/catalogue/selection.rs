//! Which of its tools an agent offers, under which names, with which descriptions: the owner's choice
//! (docs/protocol.md#selection).

use super::patterns::Patterns;
use crate::sorted::sorted;
use std::mem::size_of;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// The longest name of a tool that is compared with patterns, in bytes. Where something is chosen, tools
/// with longer names are hidden.
pub(super) const MAX_NAME: usize = 256;

/// The name of the entry for all agents.
pub const ALL_AGENTS: &str = "*";

/// What the owner chose, for each agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The entries, in the order of the agents' names.
    entries: Vec<(Box<str>, SelectionEntry)>,
    /// What they were read from.
    text: Box<str>,
    /// How many patterns and names all entries have together.
    count: usize,
    memory: usize,
    /// What holds for the managed tool servers, in the order of their names.
    servers: Box<[(Box<str>, ServerRules)]>,
}

/// What the servers file says of one managed tool server, for every agent
/// (docs/protocol.md#managed-tool-servers).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRules {
    /// Which of its tools are offered, and with which descriptions, by their own names.
    pub tools: SelectionEntry,
    /// How long a request may stay unanswered, where that is not the setting `request_timeout`.
    pub request_timeout: Option<Duration>,
}

/// What the owner chose for one agent, or for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionEntry {
    /// Which tools are offered; all of them where it is missing.
    pub only: Option<Patterns>,
    /// Which of these are not.
    pub hide: Patterns,
    /// Under which names tools are offered: `TOOL` or `LABEL/TOOL`, and the new name.
    pub rename: Texts,
    /// The descriptions of tools, by the names they are offered under.
    pub describe: Texts,
    /// The number of its first pattern, among those of all entries.
    first: usize,
}

/// Texts, each with its key, in the order of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(Vec<(Box<str>, Box<str>)>);

impl Texts {
    /// Texts with their keys. Of equal keys one counts.
    pub fn new(texts: Vec<(Box<str>, Box<str>)>) -> Self {
        Texts(sorted(texts))
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        self.0.get(at).map(|(_, text)| &**text)
    }

    fn memory(&self) -> usize {
        let texts = self.0.iter().map(|(key, text)| allocated(key.len()) + allocated(text.len()));
        array_of::<(Box<str>, Box<str>)>(self.0.capacity()) + texts.sum::<usize>()
    }
}

/// What a pattern or a name of an entry is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Meant<'a> {
    /// Tools, by a pattern.
    Tools(&'a str),
    /// A tool, by the name it is offered under.
    Offered(&'a str),
}

impl SelectionEntry {
    fn count(&self) -> usize {
        let only = self.only.as_ref().map_or(0, Patterns::len);
        only + self.hide.len() + self.rename.0.len() + self.describe.0.len()
    }

    fn memory(&self) -> usize {
        let only = self.only.as_ref().map_or(0, Patterns::memory);
        only + self.hide.memory() + self.rename.memory() + self.describe.memory()
    }

    /// Its patterns and names, each with its number.
    pub(in crate::relay) fn meant(&self) -> impl Iterator<Item = (usize, Meant<'_>)> {
        let patterns = self.only.iter().flat_map(Patterns::iter).chain(self.hide.iter());
        let tools = patterns.chain(self.rename.keys()).map(Meant::Tools);
        let offered = self.describe.keys().map(Meant::Offered);
        (self.first..).zip(tools.chain(offered))
    }
}

impl Selection {
    /// The selection of these entries, by the names of the agents, which were read from `text`. Of
    /// equal names one counts.
    pub fn new(entries: Vec<(Box<str>, SelectionEntry)>, text: &str) -> Self {
        let mut entries = by_name(entries);
        let mut count = 0;
        for (_, entry) in &mut entries {
            entry.first = count;
            count += entry.count();
        }
        let kept = entries.iter().map(|(name, entry)| allocated(name.len()) + entry.memory());
        let memory =
            array_of::<(Box<str>, SelectionEntry)>(entries.capacity()) + kept.sum::<usize>();
        let memory = memory + allocated(text.len());
        Selection { entries, text: text.into(), count, memory, servers: Box::default() }
    }

    /// The same with these rules for managed tool servers.
    #[must_use]
    pub fn with_servers(mut self, servers: Vec<(Box<str>, ServerRules)>) -> Self {
        let kept = servers.iter().map(|(name, rules)| allocated(name.len()) + rules.tools.memory());
        self.memory += array_of::<(Box<str>, ServerRules)>(servers.len()) + kept.sum::<usize>();
        self.servers = by_name(servers).into();
        self
    }

    /// What holds for the managed tool servers, by their names.
    pub fn servers(&self) -> &[(Box<str>, ServerRules)] {
        &self.servers
    }

    /// What holds for the managed tool server `name`; `None` where there is none of this name.
    pub(in crate::relay) fn server(&self, name: &str) -> Option<&ServerRules> {
        rules_of(&self.servers, name)
    }

    /// The text it was read from; empty where there is no file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing is chosen for anybody.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many patterns and names there are.
    pub(in crate::relay) fn count(&self) -> usize {
        self.count
    }

    /// How much memory it takes.
    pub(in crate::relay) fn memory(&self) -> usize {
        size_of::<Selection>() + self.memory
    }

    /// The entries, by the names of the agents.
    pub(in crate::relay) fn entries(&self) -> impl Iterator<Item = (&str, &SelectionEntry)> {
        self.entries.iter().map(|(name, entry)| (&**name, entry))
    }

    /// The entry of this name.
    pub(in crate::relay) fn entry(&self, name: &str) -> Option<&SelectionEntry> {
        let at = self.entries.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.entries.get(at).map(|(_, entry)| entry)
    }

    /// What was chosen for an agent.
    pub(in crate::relay) fn of(&self, agent: &str) -> Chosen<'_> {
        let own = self.entry(agent).filter(|_| agent != ALL_AGENTS);
        Chosen { own, all: self.entry(ALL_AGENTS), servers: &self.servers }
    }
}

fn rules_of<'a>(servers: &'a [(Box<str>, ServerRules)], name: &str) -> Option<&'a ServerRules> {
    let at = servers.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
    servers.get(at).map(|(_, rules)| rules)
}

/// Entries in the order of their names.
fn by_name<T>(entries: Vec<(Box<str>, T)>) -> Vec<(Box<str>, T)> {
    let order = sorted(entries.iter().enumerate().map(|(at, (name, _))| (&**name, at)));
    let order: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
    let mut entries: Vec<_> = entries.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| entries.get_mut(at)?.take()).collect()
}

/// What was chosen for one agent: its own entry, and the one for all agents.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::relay) struct Chosen<'a> {
    pub own: Option<&'a SelectionEntry>,
    pub all: Option<&'a SelectionEntry>,
    servers: &'a [(Box<str>, ServerRules)],
}

/// Whether a tool is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Choice<'a> {
    /// Under its own name, or another one.
    Offered(Option<&'a str>),
    /// Not at all, by the entry for all agents, by the agent's own, or by the servers file.
    Hidden {
        /// Whether another one than the agent's own entry hides it.
        is_locked: bool,
    },
}

impl<'a> Chosen<'a> {
    /// Whether nothing was chosen.
    pub(in crate::relay) fn is_empty(&self) -> bool {
        self.own.is_none() && self.all.is_none()
    }

    /// Whether the tool `tool` of the server `label` is offered. `room` is used for a while.
    pub(in crate::relay) fn choice(
        &self,
        label: &str,
        tool: &str,
        room: &mut String,
    ) -> Choice<'a> {
        let server = rules_of(self.servers, label);
        if self.is_empty() && server.is_none() {
            return Choice::Offered(None);
        }
        // No model can use such a name, and to compare it takes long.
        if tool.len() > MAX_NAME {
            return Choice::Hidden { is_locked: false };
        }
        room.clear();
        room.push_str(label);
        room.push('/');
        room.push_str(tool);
        let full = &**room;
        let only = |entry: Option<&'a SelectionEntry>| entry.and_then(|entry| entry.only.as_ref());
        let hides =
            |entry: Option<&SelectionEntry>| entry.is_some_and(|entry| entry.hide.pick(full, tool));
        let leaves_out = |only: Option<&Patterns>| only.is_some_and(|only| !only.pick(full, tool));
        let of_server = server.map(|rules| &rules.tools);
        let is_locked = hides(of_server) || leaves_out(only(of_server));
        let is_locked = is_locked
            || hides(self.all)
            || (only(self.own).is_none() && leaves_out(only(self.all)));
        if is_locked || leaves_out(only(self.own)) || hides(self.own) {
            return Choice::Hidden { is_locked };
        }
        let of = |texts: &'a Texts| texts.get(full).or_else(|| texts.get(tool));
        let of = |entry: Option<&'a SelectionEntry>| entry.and_then(|entry| of(&entry.rename));
        Choice::Offered(of(self.own).or_else(|| of(self.all)).filter(|name| *name != tool))
    }

    /// The description that was chosen for a tool, by the name it is offered under, or by its server and its own
    /// name.
    pub(in crate::relay) fn description(
        &self,
        offered: &str,
        (label, tool): (&str, &str),
    ) -> Option<&'a str> {
        let of =
            |entry: Option<&'a SelectionEntry>| entry.and_then(|entry| entry.describe.get(offered));
        let of_server = || rules_of(self.servers, label)?.tools.describe.get(tool);
        of(self.own).or_else(|| of(self.all)).or_else(of_server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        Patterns::new(list.iter().map(|text| (*text).into()).collect())
    }

    fn texts(list: &[(&str, &str)]) -> Texts {
        Texts::new(list.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect())
    }

    fn choice<'a>(chosen: &Chosen<'a>, label: &str, tool: &str) -> Choice<'a> {
        chosen.choice(label, tool, &mut String::new())
    }

    const OFFERED: Choice<'_> = Choice::Offered(None);
    const HIDDEN: Choice<'_> = Choice::Hidden { is_locked: false };
    const LOCKED: Choice<'_> = Choice::Hidden { is_locked: true };

    #[test]
    fn only_comes_first_and_hide_takes_away() {
        let entry = SelectionEntry {
            only: Some(patterns(&["time/*", "home/HassTurn*"])),
            hide: patterns(&["*Off"]),
            ..SelectionEntry::default()
        };
        let selection = Selection::new(vec![("kitchen".into(), entry)], "");
        let chosen = selection.of("kitchen");
        assert_eq!(choice(&chosen, "time", "now"), OFFERED);
        assert_eq!(choice(&chosen, "home", "HassTurnOn"), OFFERED);
        assert_eq!(choice(&chosen, "home", "HassTurnOff"), HIDDEN);
        assert_eq!(choice(&chosen, "home", "HassLight"), HIDDEN);
        assert_eq!(choice(&selection.of("other"), "home", "HassLight"), OFFERED);
        assert!(selection.of("other").is_empty());
    }

    #[test]
    fn the_entries_of_an_agent_and_of_all_agents_are_joined() {
        let all = SelectionEntry {
            only: Some(patterns(&["a*"])),
            hide: patterns(&["*_debug"]),
            rename: texts(&[("a1", "one"), ("a2", "two")]),
            describe: texts(&[("one", "One."), ("two", "Two.")]),
            ..SelectionEntry::default()
        };
        let own = SelectionEntry {
            only: Some(patterns(&["b*"])),
            hide: patterns(&["b9"]),
            rename: texts(&[("s/b1", "uno"), ("b1", "eins"), ("b2", "b2")]),
            describe: texts(&[("one", "Uno.")]),
            ..SelectionEntry::default()
        };
        let selection = Selection::new(vec![("x".into(), own), ("*".into(), all)], "");
        let (own, other) = (selection.of("x"), selection.of("y"));
        // An agent's `only` takes the place of the one of all agents; `hide` counts with it.
        assert_eq!(choice(&own, "s", "b3"), OFFERED);
        assert_eq!(choice(&own, "s", "b9"), HIDDEN);
        assert_eq!(choice(&own, "s", "b_debug"), LOCKED);
        assert_eq!(choice(&own, "s", "a3"), HIDDEN);
        assert_eq!(choice(&other, "s", "a3"), OFFERED);
        assert_eq!(choice(&other, "s", "b3"), LOCKED);
        assert_eq!(choice(&other, "s", "a_debug"), LOCKED);
        // The longer key of a name says more.
        assert_eq!(choice(&own, "s", "b1"), Choice::Offered(Some("uno")));
        assert_eq!(choice(&own, "t", "b1"), Choice::Offered(Some("eins")));
        assert_eq!(choice(&own, "s", "b2"), OFFERED);
        assert_eq!(choice(&other, "s", "a1"), Choice::Offered(Some("one")));
        assert_eq!(own.description("one", ("s", "b1")), Some("Uno."));
        assert_eq!(own.description("two", ("s", "b1")), Some("Two."));
        assert_eq!(own.description("three", ("s", "b1")), None);
    }

    #[test]
    fn the_servers_file_chooses_from_the_tools_of_its_own_servers() {
        let all =
            SelectionEntry { rename: texts(&[("s/get", "fetch")]), ..SelectionEntry::default() };
        let tools = SelectionEntry {
            only: Some(patterns(&["get*"])),
            hide: patterns(&["get_debug"]),
            describe: texts(&[("get", "Gets.")]),
            ..SelectionEntry::default()
        };
        let rules = ServerRules { tools, request_timeout: None };
        let selection =
            Selection::new(vec![("*".into(), all)], "").with_servers(vec![("s".into(), rules)]);
        for chosen in [selection.of("x"), Selection::default().of("x")] {
            assert_eq!(choice(&chosen, "t", "put"), OFFERED);
        }
        let chosen = selection.of("x");
        assert_eq!(choice(&chosen, "s", "put"), LOCKED);
        assert_eq!(choice(&chosen, "s", "get_debug"), LOCKED);
        assert_eq!(choice(&chosen, "s", "get_one"), OFFERED);
        assert_eq!(choice(&chosen, "s", "get"), Choice::Offered(Some("fetch")));
        assert_eq!(chosen.description("fetch", ("s", "get")), Some("Gets."));
        assert_eq!(chosen.description("fetch", ("t", "get")), None);
        assert!(selection.server("s").is_some() && selection.server("t").is_none());
    }

    #[test]
    fn patterns_are_numbered_over_all_entries() {
        let entry = || SelectionEntry {
            only: Some(patterns(&["a", "b*"])),
            hide: patterns(&["c"]),
            rename: texts(&[("d", "e")]),
            describe: texts(&[("f", "g")]),
            ..SelectionEntry::default()
        };
        let selection = Selection::new(vec![("y".into(), entry()), ("x".into(), entry())], "");
        assert_eq!(selection.count(), 10);
        let (x, y) = (selection.of("x").own.unwrap(), selection.of("y").own.unwrap());
        let meant: Vec<_> = x.meant().collect();
        let tools = |(number, text)| (number, Meant::Tools(text));
        assert_eq!(meant[..4], [(0, "a"), (1, "b*"), (2, "c"), (3, "d")].map(tools));
        assert_eq!(meant[4..], [(4, Meant::Offered("f"))]);
        assert_eq!(y.meant().next().map(|(number, _)| number), Some(5));
        assert!(selection.memory() > 10 * size_of::<Box<str>>());
    }
}
