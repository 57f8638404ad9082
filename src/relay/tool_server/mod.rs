//! One tool server: what it said of itself, and its lists.
//!
//! It is told what happens, and says what is to be done about it. It sends nothing itself.

mod handshake;
mod listing;
mod trouble;

pub(super) use handshake::Repeat;
pub(super) use listing::{Late, Listed};
pub(super) use trouble::Trouble;

use super::bucket::Bucket;
use super::calls::{ToolKey, ENTRY_SIZE};
use super::catalogue::{Kind, PerKind};
use super::identity::Identity;
use super::initialize::InitializeResult;
use super::table::Member;
use super::{Peer, ToolState};
use crate::time::Moment;
use listing::List;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// How many answers that mean nothing are waited for, so that they are not taken for stray ones.
const MAX_ASIDE: usize = 32;

/// A request for a tool server that was silent this long also probes its connection.
const PROBE_AFTER: Duration = Duration::from_secs(5);

/// Why a tool server is not trusted to answer. It gets no requests while it has a twin that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It did not answer a request within `request_timeout`.
    TimedOut,
    /// It did not answer a `ping`, and has sent nothing since.
    PingFailed,
}

/// One connected tool server.
#[derive(Debug)]
pub(super) struct ToolServer {
    pub peer: Peer,
    /// Its number among all tool servers that ever joined its agent: the newest has the largest.
    pub order: u32,
    pub address: Box<str>,
    pub server_id: Option<Box<str>>,
    /// How long a request may stay unanswered, where that is not the policy's.
    pub request_timeout: Option<Duration>,
    pub label: Box<str>,
    /// The tool server over time that it is; 0 until it is ready.
    pub identity: Identity,
    /// The label of its identity, for the names of what it offers.
    pub identity_label: Box<str>,
    pub state: ToolState,
    pub joined: Moment,
    pub initialized: Option<InitializeResult>,
    pub lists: PerKind<List>,
    /// By what the table of calls knows it.
    pub key: ToolKey,
    pub trouble: Option<Trouble>,
    /// When that came up.
    pub trouble_since: Moment,
    /// How many requests of robots it has answered.
    pub answered: u32,
    /// How often `initialize` was sent again.
    pub repeats: u8,
    /// How often the tool server's own handshake made the relay send it again.
    pub early_repeats: u8,
    pub repeat_at: Option<Moment>,
    pub ping_at: Option<Moment>,
    pub last_ping: Option<u32>,
    /// The notifications and the progress it has sent of late.
    pub notifying: Bucket,
    pub progress: Bucket,
    /// When it was last sent a `ping`.
    pub pinged: Moment,
    /// When that counts as unanswered. Only asked where a twin could take its turn.
    pub ping_fails_at: Option<Moment>,
    /// When a text of it last came.
    pub heard: Moment,
    /// When the connection was last probed because of its silence.
    pub probed: Moment,
    /// Why it is not trusted to answer.
    pub doubt: Option<Doubt>,
    /// When the owner is told of its twins.
    pub notice_at: Option<Moment>,
    /// The ids of requests of the relay's own whose answers mean nothing, the oldest first.
    aside: VecDeque<u32>,
}

impl ToolServer {
    pub(super) fn new(peer: Peer, order: u32, address: &str, server_id: Option<&str>) -> Self {
        let label: Box<str> = server_id.map_or_else(|| format!("tool-{order}").into(), Into::into);
        ToolServer {
            peer,
            order,
            address: address.into(),
            server_id: server_id.map(Into::into),
            request_timeout: None,
            identity_label: label.clone(),
            label,
            identity: Identity::UNKNOWN,
            state: ToolState::Initializing,
            joined: Moment::default(),
            initialized: None,
            lists: PerKind::default(),
            key: ToolKey::default(),
            trouble: None,
            trouble_since: Moment::default(),
            answered: 0,
            repeats: 0,
            early_repeats: 0,
            repeat_at: None,
            ping_at: None,
            last_ping: None,
            notifying: Bucket::default(),
            progress: Bucket::default(),
            pinged: Moment::default(),
            ping_fails_at: None,
            heard: Moment::default(),
            probed: Moment::default(),
            doubt: None,
            notice_at: None,
            aside: VecDeque::new(),
        }
    }

    /// Whether `initialize` was answered.
    pub(super) fn is_initialised(&self) -> bool {
        matches!(self.state, ToolState::Listing | ToolState::Ready)
    }

    /// Whether what it offers is still unknown, and likely to be known in a moment.
    pub(super) fn is_settling(&self) -> bool {
        self.state == ToolState::Initializing
            || (self.state == ToolState::Listing && !self.is_late())
    }

    /// Whether its first list is late.
    fn is_late(&self) -> bool {
        let listing = self.lists.of(Kind::Tools).running.as_ref();
        listing.is_none_or(|listing| listing.repeats > 0 || listing.given_up)
    }

    /// Whether what it offers cannot be found out: it gets what cannot be routed elsewhere.
    pub(super) fn is_unknown(&self) -> bool {
        match self.state {
            ToolState::Opaque | ToolState::Transparent => true,
            ToolState::Listing => self.is_late(),
            _ => false,
        }
    }

    /// Whether a message of a robot may be sent to it.
    pub(super) fn takes_messages(&self) -> bool {
        self.state != ToolState::Initializing
    }

    /// Whether it declares a capability.
    pub(super) fn declares(&self, capability: &str) -> bool {
        match &self.initialized {
            Some(initialized) => initialized.declares(capability),
            None => false,
        }
    }

    /// Whether it announces changes of a list.
    fn announces_changes(&self, kind: Kind) -> bool {
        self.initialized.as_ref().is_some_and(|initialized| initialized.announces_changes(kind))
    }

    /// The name by which a server without `server_id` is known again.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.initialized.as_ref()?.name.as_deref()
    }

    /// Whether it has only the label it was given for want of a name.
    pub(super) fn is_nameless(&self) -> bool {
        self.server_id.is_none() && self.own_name().is_none()
    }

    /// How much memory its lists and its answer to `initialize` take.
    pub(super) fn catalogue_memory(&self) -> usize {
        let initialized = self.initialized.as_ref().map_or(0, InitializeResult::memory);
        Kind::all().map(|kind| self.lists.of(kind).memory()).sum::<usize>() + initialized
    }

    /// A request of the relay's own is sent whose answer means nothing. Returns the id of an older one
    /// that nobody has to know any more.
    pub(super) fn asked_aside(&mut self, id: u32) -> Option<u32> {
        self.aside.push_back(id);
        if self.aside.len() > MAX_ASIDE {
            return self.aside.pop_front();
        }
        None
    }

    /// A request is sent to it. Returns whether its connection is to be probed: behind a dead NAT entry
    /// nobody answers, and that is found out now, not at the next ping.
    pub(super) fn must_be_probed(&mut self, now: Moment) -> bool {
        let is_silent = now.since(self.heard.max(self.probed)) >= PROBE_AFTER;
        if is_silent {
            self.probed = now;
        }
        is_silent
    }
}

impl Member for ToolServer {
    fn next_deadline(&self) -> Option<Moment> {
        let lists =
            Kind::all().map(|kind| self.lists.of(kind)).flat_map(|list| match &list.running {
                Some(listing) if !listing.given_up => Some(listing.late_at),
                _ => list.again_at,
            });
        let own = [self.repeat_at, self.ping_at, self.ping_fails_at, self.notice_at];
        own.into_iter().flatten().chain(lists).min()
    }
}

impl ToolServer {
    /// How many bytes of memory it takes, but for its lists and robots' requests.
    pub(super) fn memory(&self) -> usize {
        let texts = [&*self.address, &*self.label, &*self.identity_label];
        let texts = texts.into_iter().chain(self.server_id.as_deref());
        // The relay's own requests are few.
        let own = array_of::<[u8; ENTRY_SIZE]>(7);
        allocated(size_of::<ToolServer>())
            + own
            + texts.map(|text| allocated(text.len())).sum::<usize>()
    }
}

/// A tool server as log lines name it.
pub(super) struct ToolServerInLog<'a>(pub &'a str, pub &'a ToolServer);

impl fmt::Display for ToolServerInLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ToolServerInLog(agent, tool) = self;
        write!(f, "[agent {agent:?} tool {:?} {} {}]", tool.label, tool.peer, tool.address)
    }
}
