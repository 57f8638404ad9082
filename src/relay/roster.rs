//! Who a tool server is across reconnects: its label, its twins, and how long requests wait for it.
//! The names of tools stay with their [`Identity`].

use super::catalogue::{Items, Kind, PerKind};
use super::identity::Identity;
use super::numbers::NumberMap;
use super::table::ToolServerKey;
use crate::ledger::{table_of, GROWS};
use crate::time::{earlier, Moment};
use std::collections::HashSet;
use std::rc::Rc;
use ws::memory::allocated;

/// How many lost tool servers are waited for; beyond that the one lost first is given up.
const MAX_LOST: usize = 64;

/// A tool server that went a moment ago and may come back.
#[derive(Debug)]
pub(super) struct Lost {
    pub identity: Identity,
    pub label: Box<str>,
    pub identity_label: Box<str>,
    pub server_id: Option<Box<str>>,
    /// What it called itself.
    pub own_name: Option<Box<str>>,
    pub items: PerKind<Rc<Items>>,
    /// Until when requests wait for it.
    pub until: Moment,
}

impl Lost {
    /// Whether `server` may turn out to be it, as far as can be said while its lists are unknown.
    pub(super) fn may_be(&self, server: &Profile<'_>) -> bool {
        let same_name = || !server.is_introduced || server.own_name == self.own_name.as_deref();
        match self.server_id.as_deref() {
            Some(id) => server.server_id == Some(id),
            None => server.server_id.is_none() && same_name(),
        }
    }

    /// Whether it offered any of `tools`, or nothing at all.
    fn may_have_offered(&self, tools: &Items) -> bool {
        let before = self.items.of(Kind::Tools);
        before.len() == 0 || before.shares_a_name_with(tools)
    }

    /// How many bytes of memory it takes with its lists.
    pub(super) fn memory(&self) -> usize {
        let texts = [&*self.label, &*self.identity_label].into_iter();
        let texts = texts.chain(self.server_id.as_deref()).chain(self.own_name.as_deref());
        let lists = Kind::all().map(|kind| self.items.of(kind).memory());
        size_of::<Lost>() + texts.map(|text| allocated(text.len())).chain(lists).sum::<usize>()
    }
}

/// What tells who a connected tool server is.
pub(super) struct Profile<'a> {
    pub server_id: Option<&'a str>,
    /// Whether it has answered `initialize`.
    pub is_introduced: bool,
    /// What it calls itself.
    pub own_name: Option<&'a str>,
    pub label: &'a str,
    pub identity: Identity,
    pub tools: &'a Items,
}

impl Profile<'_> {
    /// Whether it and `other`, which has an identity, call themselves the same, and nobody says that
    /// they are different tool servers.
    pub(super) fn has_name_of(&self, other: &Profile<'_>) -> bool {
        self.server_id.or(other.server_id).is_none()
            && self.own_name.is_some()
            && self.own_name == other.own_name
            && other.identity != Identity::UNKNOWN
    }

    /// Whether both have the same set of tool names.
    pub(super) fn offers_same(&self, other: &Profile<'_>) -> bool {
        self.tools.has_names_of(other.tools)
    }
}

/// The identity of a tool server that has become ready.
pub(super) struct Identified {
    pub identity: Identity,
    /// The label of the identity.
    pub label: Box<str>,
    /// The lists it had when it was lost, if it was.
    pub lists: PerKind<Rc<Items>>,
}

/// The identities of the tool servers of an agent.
#[derive(Debug, Default)]
pub(super) struct Roster {
    last: Identity,
    /// The tool server that serves each identity.
    serving: NumberMap<Identity, ToolServerKey>,
    /// Those that went a moment ago, in the order they went.
    lost: Vec<Lost>,
    /// When the first of them is given up.
    grace_ends: Option<Moment>,
    /// Until when tool servers count as just lost, because the server has just started.
    expected_until: Option<Moment>,
    /// Until when managed tool servers are waited for that were started a moment ago.
    managed_until: Option<Moment>,
}

impl Roster {
    /// The tool server that serves an identity: the newest of its twins that is trusted.
    pub(super) fn serving(&self, identity: Identity) -> Option<ToolServerKey> {
        self.serving.get(&identity).copied()
    }

    /// All identities that are served, and by whom.
    pub(super) fn all_serving(&self) -> impl Iterator<Item = (Identity, ToolServerKey)> + '_ {
        self.serving.iter().map(|(identity, key)| (*identity, *key))
    }

    /// How many identities are served.
    pub(super) fn len(&self) -> usize {
        self.serving.len()
    }

    /// Finds out again who serves an identity: the newest of its twins that is trusted, else the newest.
    /// Of each there is its key, whether it is trusted, and how many came before it.
    pub(super) fn choose(
        &mut self,
        identity: Identity,
        twins: impl Iterator<Item = (ToolServerKey, bool, u32)>,
    ) {
        match twins.max_by_key(|(_, is_trusted, order)| (*is_trusted, *order)) {
            Some((key, ..)) if identity != Identity::UNKNOWN => self.serving.insert(identity, key),
            _ => self.serving.remove(&identity),
        };
    }

    /// A tool server is gone and may come back.
    pub(super) fn lose(&mut self, lost: Lost) {
        if self.lost.len() >= MAX_LOST {
            self.lost.remove(0);
        }
        self.grace_ends = Some(self.grace_ends.map_or(lost.until, |ends| ends.min(lost.until)));
        self.lost.push(lost);
    }

    /// Those that are lost.
    pub(super) fn lost(&self) -> &[Lost] {
        &self.lost
    }

    /// Whether the tool server of an identity is lost.
    pub(super) fn is_lost(&self, identity: Identity) -> bool {
        self.lost.iter().any(|lost| lost.identity == identity)
    }

    /// Whether a tool server may come back that requests have to wait for.
    pub(super) fn expects_any(&self) -> bool {
        !self.lost.is_empty() || self.expects_unknown()
    }

    /// Whether tool servers may come of which nothing is known yet.
    pub(super) fn expects_unknown(&self) -> bool {
        self.expected_until.is_some() || self.expects_managed()
    }

    /// Whether managed tool servers are waited for.
    pub(super) fn expects_managed(&self) -> bool {
        self.managed_until.is_some()
    }

    /// Waits for managed tool servers until then, or does not. Returns whether that has changed.
    pub(super) fn expect_managed(&mut self, until: Option<Moment>) -> bool {
        std::mem::replace(&mut self.managed_until, until) != until
    }

    /// Until `until` tool servers count as just lost.
    pub(super) fn expect_until(&mut self, until: Moment) {
        self.expected_until = Some(until);
    }

    /// Time has passed. Returns whether the time after a start is over just now.
    pub(super) fn time(&mut self, now: Moment) -> bool {
        let is_over = |until: &mut Option<Moment>| until.take_if(|until| *until <= now).is_some();
        is_over(&mut self.expected_until) | is_over(&mut self.managed_until)
    }

    /// Does not wait any longer for lost tool servers whose grace has ended, unless `may_be_back` says
    /// that one that has come since may turn out to be it. Returns whether one is given up.
    pub(super) fn give_up(&mut self, now: Moment, may_be_back: impl Fn(&Lost) -> bool) -> bool {
        let before = self.lost.len();
        if self.lost.iter().any(|lost| lost.until <= now) {
            self.lost.retain(|lost| lost.until > now || may_be_back(lost));
        }
        self.grace_ends = self.first_grace(may_be_back);
        self.lost.len() < before
    }

    /// When the first of the lost tool servers is given up. Looks at all of them.
    pub(super) fn first_grace(&self, may_be_back: impl Fn(&Lost) -> bool) -> Option<Moment> {
        let lost = self.lost.iter().filter(|lost| !may_be_back(lost));
        lost.map(|lost| lost.until).min()
    }

    /// Forgets the lost tool servers that `is_back` picks. Returns whether there were any.
    pub(super) fn forget(&mut self, is_back: impl Fn(&Lost) -> bool) -> bool {
        let before = self.lost.len();
        self.lost.retain(|lost| !is_back(lost));
        self.lost.len() < before
    }

    /// Which of the lost tool servers a new one is: the one of its `server_id`; else the one that
    /// called itself the same and offered the same; else the one of its label, if they have anything
    /// in common.
    fn lost_self(&self, server: &Profile<'_>) -> Option<&Lost> {
        let known = |lost: &&Lost| lost.identity != Identity::UNKNOWN && lost.may_be(server);
        let same = |lost: &&Lost| {
            server.server_id.is_some() || lost.items.of(Kind::Tools).has_names_of(server.tools)
        };
        let alike =
            |lost: &&Lost| *lost.label == *server.label && lost.may_have_offered(server.tools);
        let all = || self.lost.iter().filter(known);
        all().find(same).or_else(|| all().find(alike))
    }

    /// Finds out the identity of a tool server that has just become ready: that of its `twin`, of one
    /// that was lost, or a new one.
    pub(super) fn identify(
        &mut self,
        server: &Profile<'_>,
        twin: Option<(Identity, &str)>,
    ) -> Identified {
        let lost = || Some(self.lost_self(server)).flatten();
        let known = twin.or_else(|| lost().map(|lost| (lost.identity, &*lost.identity_label)));
        let (identity, label) = known.unwrap_or((self.last.next(), server.label));
        let label = label.into();
        let lost = self.lost.iter_mut().find(|lost| lost.identity == identity);
        let lists = lost.map(|lost| std::mem::take(&mut lost.items)).unwrap_or_default();
        self.last = self.last.max(identity);
        self.lost.retain(|lost| {
            let is_it = lost.identity == Identity::UNKNOWN && *lost.label == *server.label;
            lost.identity != identity && !is_it
        });
        Identified { identity, label, lists }
    }

    /// How many bytes of memory it takes, with the lists of those that are lost.
    pub(super) fn memory(&self) -> usize {
        self.lost_memory() + table_of::<Identity, usize>(GROWS * self.serving.len())
    }

    /// How many bytes of memory those take that are lost.
    pub(super) fn lost_memory(&self) -> usize {
        self.lost.iter().map(Lost::memory).sum()
    }

    /// When there is something to do: then, or later.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        earlier(earlier(self.grace_ends, self.expected_until), self.managed_until)
    }
}

/// A label that is not `taken`: `base`, or `base` and a number.
pub(super) fn distinct_label(base: &str, taken: &HashSet<&str>) -> Box<str> {
    let mut labels = (1u32..).map(|n| match n {
        1 => base.to_owned(),
        _ => format!("{base}-{n}"),
    });
    labels.find(|label| !taken.contains(&**label)).unwrap_or_else(|| base.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::super::table::Key;
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn lost(identity: Identity, server_id: Option<&str>, own_name: &str, until: u64) -> Lost {
        Lost {
            identity,
            label: own_name.into(),
            identity_label: own_name.into(),
            server_id: server_id.map(Into::into),
            own_name: Some(own_name.into()),
            items: PerKind::default(),
            until: at(until),
        }
    }

    fn profile<'a>(
        server_id: Option<&'a str>,
        own_name: Option<&'a str>,
        tools: &'a Items,
    ) -> Profile<'a> {
        let (is_introduced, label) = (own_name.is_some(), own_name.unwrap_or("tool-1"));
        Profile { server_id, is_introduced, own_name, label, identity: Identity::UNKNOWN, tools }
    }

    #[test]
    fn who_comes_back_has_the_identity_it_had() {
        let (mut roster, none) = (Roster::default(), Items::default());
        let first = roster.identify(&profile(Some("x"), Some("a"), &none), None);
        let other = roster.identify(&profile(None, Some("b"), &none), None);
        assert_eq!((first.identity, other.identity), (Identity::of(1), Identity::of(2)));
        roster.lose(lost(Identity::of(1), Some("x"), "a", 5));
        roster.lose(lost(Identity::of(2), None, "b", 6));
        assert_eq!(roster.next_deadline(), Some(at(5)));
        assert_eq!(
            roster.identify(&profile(Some("y"), Some("a"), &none), None).identity,
            Identity::of(3)
        );
        assert_eq!(
            roster.identify(&profile(Some("x"), Some("c"), &none), None).identity,
            Identity::of(1)
        );
        assert_eq!(
            roster.identify(&profile(None, Some("b"), &none), None).identity,
            Identity::of(2)
        );
        assert!(!roster.expects_any());
    }

    #[test]
    fn who_does_not_come_back_is_given_up_at_the_end_of_its_grace() {
        let mut roster = Roster::default();
        roster.lose(lost(Identity::of(1), None, "a", 5));
        roster.lose(lost(Identity::of(2), None, "b", 6));
        assert!(!roster.give_up(at(4), |_| false));
        assert!(!roster.give_up(at(5), |lost| lost.identity == Identity::of(1)), "it may be back");
        assert_eq!(roster.next_deadline(), Some(at(6)));
        assert!(
            roster.give_up(at(5), |_| false)
                && !roster.is_lost(Identity::of(1))
                && roster.is_lost(Identity::of(2))
        );
        for identity in 3..100 {
            roster.lose(lost(Identity::of(identity), None, "c", 9));
        }
        assert_eq!(roster.lost().len(), MAX_LOST);
    }

    #[test]
    fn the_newest_twin_that_is_trusted_serves() {
        let mut roster = Roster::default();
        let [one, other] = [ToolServerKey::of(7), ToolServerKey::of(3)];
        roster.choose(Identity::of(4), [(one, true, 1), (other, true, 2)].into_iter());
        assert_eq!(roster.serving(Identity::of(4)), Some(other));
        roster.choose(Identity::of(4), [(one, true, 1), (other, false, 2)].into_iter());
        assert_eq!(roster.serving(Identity::of(4)), Some(one));
        roster.choose(Identity::of(4), [].into_iter());
        assert_eq!((roster.serving(Identity::of(4)), roster.len()), (None, 0));
    }

    #[test]
    fn a_label_is_made_distinct_by_a_number() {
        let taken = ["x", "x-2", "y"].into();
        assert_eq!(&*distinct_label("x", &taken), "x-3");
        assert_eq!(&*distinct_label("z", &taken), "z");
    }
}
