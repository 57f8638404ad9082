//! The identity of each tool server: labels, twins, and those just lost.

use super::Agent;
use crate::relay::catalogue::{Kind, PerKind};
use crate::relay::diagnostics::{level, Topic};
use crate::relay::identity::Identity;
use crate::relay::roster::{distinct_label, Identified, Lost, Profile};
use crate::relay::table::ToolServerKey;
use crate::relay::tool_server::{Doubt, ToolServer, ToolServerInLog};
use crate::relay::turn::Turn;
use crate::relay::Peer;
use crate::time::Moment;
use std::time::Duration;

/// How long twins are there together before that is said: a tool server that has redialled leaves
/// a dead connection behind, which is found sooner.
const NOTICE_AFTER: Duration = Duration::from_secs(15);

fn profile(tool: &ToolServer) -> Profile<'_> {
    Profile {
        server_id: tool.server_id.as_deref(),
        is_introduced: tool.initialized.is_some(),
        own_name: tool.own_name(),
        label: &tool.label,
        identity: tool.identity,
        tools: &tool.lists.of(Kind::Tools).items,
    }
}

impl Agent {
    /// The `server_id` of a connection that has given the name of a managed tool server: that one keeps its name.
    pub(super) fn other_id(
        &self,
        turn: &mut Turn<'_>,
        peer: Peer,
        server_id: Option<&str>,
    ) -> Option<Box<str>> {
        let selection = &turn.policy.selection;
        let id = server_id.filter(|id| !peer.is_seat() && selection.server(id).is_some())?;
        let names = selection.servers().iter().map(|(name, _)| &**name);
        let other = distinct_label(id, &names.collect());
        let language = turn.policy.language;
        let (who, about) = (format!("[agent {:?}]", self.name), (&*self.name, Topic::NameTaken));
        let what = || language.name_is_managed(id, &other);
        turn.diagnostics.say((turn.now, turn.policy), about, &who, &what);
        Some(other)
    }

    /// Gives a tool server its label: what it calls itself, told apart from the others. A managed one always has
    /// its own name.
    pub(super) fn name_tool(&mut self, turn: &Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect(key) else { return };
        let base = match tool.server_id.as_deref().or(tool.own_name()) {
            Some(base) => base.to_owned(),
            None => format!("tool-{}", tool.order),
        };
        let is_seat = tool.peer.is_seat();
        let managed = turn.policy.selection.servers().iter().map(|(name, _)| &**name);
        let label = match is_seat {
            true => base.as_str().into(),
            false => {
                let others = self.tools.iter().filter(|(other, _)| *other != key);
                let taken = others.map(|(_, tool)| &*tool.label).chain(managed).collect();
                distinct_label(&base, &taken)
            }
        };
        // Others that have it get another one.
        let same = match is_seat {
            true => self.tools_where(&|other| other.label == label && !other.peer.is_seat()),
            false => Vec::new(),
        };
        if let Some(tool) = self.tools.expect_mut(key) {
            tool.identity_label = label.clone();
            tool.label = label;
        }
        same.into_iter().for_each(|other| self.name_tool(turn, other));
    }

    /// A tool server is gone, and may come back.
    pub(super) fn lose(&mut self, turn: &mut Turn<'_>, mut tool: ToolServer) {
        let mut items = PerKind::default();
        for kind in Kind::all() {
            *items.of_mut(kind) = std::mem::take(&mut tool.lists.of_mut(kind).items);
        }
        self.roster.lose(Lost {
            identity: tool.identity,
            label: tool.label,
            identity_label: tool.identity_label,
            own_name: tool.initialized.and_then(|result| result.name),
            server_id: tool.server_id,
            items,
            until: turn.now.after(turn.policy.reconnect_grace),
        });
    }

    /// Does not wait any longer for lost tool servers whose grace has ended.
    pub(super) fn give_up_lost(&mut self, turn: &mut Turn<'_>) {
        let tools = &self.tools;
        if self.roster.give_up(turn.now, |lost| may_be_back(lost, tools.values())) {
            turn.catalogue_changed();
            self.merge_all(turn);
        }
    }

    /// When the first of the lost tool servers is given up.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn first_grace(&self) -> Option<Moment> {
        self.roster.first_grace(|lost| may_be_back(lost, self.tools.values()))
    }

    /// A tool server has joined of which nobody will know what it offers.
    pub(super) fn forget_lost(&mut self, turn: &mut Turn<'_>) {
        // With others it is unknown which of them has come back, so those that offered nothing are
        // as good as back.
        let is_alone = self.transparent == self.tools.len();
        if self.roster.forget(|lost| lost.identity == Identity::UNKNOWN || is_alone) {
            self.merge_all(turn);
        }
    }

    /// Whether a tool server's changed list makes it the twin of others than before.
    pub(super) fn has_other_twins(&self, key: ToolServerKey) -> bool {
        let Some(tool) = self.tools.expect(key).map(profile) else { return false };
        let others = self.tools.iter().filter(|(other, _)| *other != key);
        let mut others = others.map(|(_, other)| profile(other));
        others.any(|other| {
            tool.has_name_of(&other)
                && other.offers_same(&tool) != (other.identity == tool.identity)
        })
    }

    /// Finds out which tool server over time one is that has just become ready: the one of its
    /// `server_id`, a twin's, one that was lost, or a new one.
    pub(super) fn find_identity(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let Some(tool) = self.tools.expect(key) else { return };
        let (own, old) = (profile(tool), tool.identity);
        let others = self.tools.iter().filter(|(other, _)| *other != key);
        let has_name = |other: &&ToolServer| own.has_name_of(&profile(other));
        let same_name: Vec<&ToolServer> = others.map(|(_, other)| other).filter(has_name).collect();
        let twin = same_name.iter().find(|other| profile(other).offers_same(&own));
        // One of them may be a dead connection that nobody has noticed yet.
        for elder in same_name.iter().filter(|other| other.order < tool.order) {
            turn.probe(elder.peer);
        }
        turn.catalogue_changed();
        let twin = twin.map(|twin| (twin.identity, &*twin.identity_label));
        let Identified { identity, label, lists } = self.roster.identify(&own, twin);
        let language = turn.policy.language;
        if let Some(tool) = self.tools.expect_mut(key) {
            tool.identity = identity;
            tool.identity_label = label;
            tool.inherit(lists);
            let count = tool.lists.of(Kind::Tools).items.len();
            let is_loop = turn.departures.is_loop(turn.now, &self.name, Some(&tool.label));
            log::log!(
                level(is_loop),
                "{}",
                language.tool_ready(ToolServerInLog(&self.name, tool), count)
            );
        }
        self.initialize_result = None;
        self.find_server(old);
        self.find_server(identity);
        // Where it has twins, the owner is told after a while, if they are still there.
        let at = self.has_twin(key).then(|| turn.now.after(NOTICE_AFTER));
        if let Some(tool) = self.tools.expect_mut(key) {
            tool.notice_at = at;
        }
        self.renew_subscriptions(turn);
    }

    /// Finds out again who serves an identity.
    pub(super) fn find_server(&mut self, identity: Identity) {
        let twins = self.tools.iter().filter(|(_, tool)| tool.identity == identity);
        let twins = twins.map(|(key, tool)| (key, tool.doubt.is_none(), tool.order));
        self.roster.choose(identity, twins);
    }

    fn has_twin(&self, key: ToolServerKey) -> bool {
        let identity = self.tools.expect(key).map_or(Identity::UNKNOWN, |tool| tool.identity);
        let mut tools = self.tools.iter();
        identity != Identity::UNKNOWN
            && tools.any(|(other, tool)| other != key && tool.identity == identity)
    }

    /// The tool server has not answered: it is the turn of its twin.
    pub(super) fn doubts(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, doubt: Doubt) {
        self.judge(turn, key, Some(doubt));
    }

    /// The tool server has answered: it may serve again.
    pub(super) fn trusts(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        self.judge(turn, key, None);
    }

    fn judge(&mut self, turn: &mut Turn<'_>, key: ToolServerKey, doubt: Option<Doubt>) {
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let identity = tool.identity;
        let old = std::mem::replace(&mut tool.doubt, doubt);
        if old.is_some() == doubt.is_some() || !self.has_twin(key) {
            return;
        }
        self.find_server(identity);
        self.initialize_result = None;
        turn.catalogue_changed();
        self.renew_subscriptions(turn);
        let serving = self.roster.serving(identity).and_then(|serving| self.tools.expect(serving));
        if let (Some(tool), Some(serving)) = (self.tools.expect(key), serving) {
            let language = turn.policy.language;
            let who = ToolServerInLog(&self.name, tool);
            match doubt {
                Some(_) => log::warn!("{}", language.twin_silent(who, &serving.label)),
                None => log::info!("{}", language.twin_answers(who, &serving.label)),
            }
        }
    }

    /// Does what is due for a tool server because of its twins. It may just have been pinged.
    pub(super) fn twin_time(&mut self, turn: &mut Turn<'_>, key: ToolServerKey) {
        let now = turn.now;
        let Some(tool) = self.tools.expect_mut(key) else { return };
        let due = |at: &mut Moment| *at <= now;
        let failed = tool.ping_fails_at.take_if(due).is_some() && tool.heard <= tool.pinged;
        let notice = tool.notice_at.take_if(due).is_some();
        let is_pinged = tool.last_ping.is_some() && tool.pinged == now;
        if failed {
            self.doubts(turn, key, Doubt::PingFailed);
        }
        if is_pinged && self.has_twin(key) {
            let at = now.after(turn.policy.handshake_timeout);
            if let Some(tool) = self.tools.expect_mut(key) {
                tool.ping_fails_at = Some(at);
            }
        }
        if notice {
            self.warn_of_twins(turn, key);
        }
    }

    /// The twins of a tool server that are in reserve, the oldest first, and the one that serves.
    pub(super) fn reserve_of(&self, key: ToolServerKey) -> Option<(&ToolServer, Vec<&ToolServer>)> {
        let identity = self.tools.expect(key)?.identity;
        let serving = self.tools.expect(self.roster.serving(identity)?)?;
        let twins =
            self.tools_where(&|tool| tool.identity == identity && tool.peer != serving.peer);
        let reserve = twins.iter().filter_map(|key| self.tools.expect(*key));
        Some((serving, reserve.collect()))
    }
}

/// Whether one of `tools` that is not ready yet may turn out to be the lost one.
fn may_be_back<'a>(lost: &Lost, mut tools: impl Iterator<Item = &'a ToolServer>) -> bool {
    let in_time = |tool: &ToolServer| tool.joined <= lost.until;
    tools.any(|tool| tool.is_settling() && in_time(tool) && lost.may_be(&profile(tool)))
}
