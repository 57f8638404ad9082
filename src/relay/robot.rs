//! One robot: what it said of itself, and what it was last sent.

use super::table::Member;
use super::Peer;
use crate::time::Moment;
use std::fmt;
use ws::memory::allocated;

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
    /// The id of its last `tools/list`, to answer it once more.
    pub last_list: Option<Box<str>>,
    /// Which version of the list it was sent last.
    pub list_seen: u32,
    /// Whether the reply must be sent again as soon as no request in flight has its id.
    pub list_outdated: bool,
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
            last_list: None,
            list_seen: 0,
            list_outdated: false,
        }
    }
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
pub(super) struct RobotInLog<'a>(pub &'a str, pub &'a Robot);

impl fmt::Display for RobotInLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RobotInLog(agent, robot) = self;
        write!(f, "[agent {agent:?} robot {} {}]", robot.peer, robot.address)
    }
}
