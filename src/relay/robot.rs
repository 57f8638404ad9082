//! One robot: what it has asked, and what it waits for.

use super::catalogue::Kind;
use super::liveness::Awaited;
use super::table::Member;
use super::Peer;
use crate::ledger::GROWS;
use crate::time::Moment;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// How long a robot's `initialize` or list waits for tools.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// A message that is being answered, but not yet: everything behind it waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Its id, as it is spelled.
    pub id: Box<str>,
    /// The message.
    pub text: Box<str>,
    /// The lists it waits for, besides the hand-shakes.
    pub kinds: Vec<Kind>,
    /// Since when it has been waiting.
    pub since: Moment,
}

impl Waiting {
    /// When it is answered at the latest; at once where nothing is awaited.
    pub(super) fn ends(&self, awaited: &Awaited) -> Moment {
        let patience = self.since.after(PATIENCE);
        awaited.until(&self.kinds).map_or(self.since, |until| until.min(patience))
    }
}

/// A message that stands in line behind one that is being answered.
#[derive(Debug)]
pub(super) struct Queued {
    /// The id of a request, as it is spelled.
    pub id: Option<Box<str>>,
    /// The message.
    pub text: Box<str>,
    /// When it came.
    pub since: Moment,
}

/// One connected robot.
#[derive(Debug)]
pub(super) struct Robot {
    pub peer: Peer,
    pub address: Box<str>,
    /// When it will be wondered at that it has not said a word; nothing once it has.
    pub speaks_by: Option<Moment>,
    pub joined: Moment,
    /// Whether it joined while `handshake` was off.
    pub transparent: bool,
    /// The name it gave itself.
    pub client: Option<Box<str>>,
    /// Whether it has sent `notifications/initialized`.
    pub initialised: bool,
    /// Whether the rules for `xiaozhi-server` apply to it.
    pub is_xiaozhi_server: bool,
    /// What it waits for.
    pub waiting: Option<Box<Waiting>>,
    /// What it sent behind the message that waits.
    pub inbox: VecDeque<Queued>,
    /// How many of its requests wait in the agent for a tool.
    pub parked: usize,
    /// The id of its last `tools/list`, to answer it once more.
    pub last_list: Option<Box<str>>,
    /// Which version of the list it was sent last.
    pub list_seen: u32,
    /// Whether that reply is owed again, but a request in flight has the same id.
    pub list_owed: bool,
}

impl Robot {
    pub(super) fn new(peer: Peer, address: &str, joined: Moment) -> Self {
        Robot {
            peer,
            address: address.into(),
            speaks_by: None,
            joined,
            transparent: false,
            client: None,
            initialised: false,
            is_xiaozhi_server: false,
            waiting: None,
            inbox: VecDeque::new(),
            parked: 0,
            last_list: None,
            list_seen: 0,
            list_owed: false,
        }
    }
}

impl Waiting {
    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        memory_of_waiting(&self.text, &self.id)
    }
}

/// How many bytes of memory a message takes that is being answered.
pub(super) fn memory_of_waiting(text: &str, id: &str) -> usize {
    let kinds = array_of::<Kind>(Kind::all().count());
    allocated(text.len()) + allocated(id.len()) + allocated(size_of::<Waiting>()) + kinds
}

impl Queued {
    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        memory_of_queued(&self.text, self.id.as_deref())
    }
}

/// How many bytes of memory a message takes that stands behind another one.
pub(super) fn memory_of_queued(text: &str, id: Option<&str>) -> usize {
    let id = id.map_or(0, |id| allocated(id.len()));
    allocated(text.len()) + id + GROWS * size_of::<Queued>()
}

impl Robot {
    /// How many bytes of memory it takes, but for its requests.
    pub(super) fn memory(&self) -> usize {
        let of = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| allocated(text.len()));
        let texts = allocated(self.address.len()) + of(&self.client) + of(&self.last_list);
        allocated(size_of::<Robot>()) + texts
    }
}

impl Member for Robot {
    fn next_deadline(&self) -> Option<Moment> {
        self.speaks_by
    }
}

/// A robot as log lines name it.
pub(super) struct Who<'a>(pub &'a str, pub &'a Robot);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Who(agent, robot) = self;
        write!(f, "[agent {agent:?} robot {} {}]", robot.peer, robot.address)
    }
}
