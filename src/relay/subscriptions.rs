//! Which robots are subscribed to which resources.
//!
//! A tool server knows one client, the relay: it is told that nobody wants a resource any more
//! when the last robot does not, and is subscribed again when it has come back.

use super::identity::Identity;
use super::table::RobotKey;
use super::Peer;
use ws::memory::allocated;

/// How many resources one robot may be subscribed to, and all robots of an agent together.
const MAX_OF_ROBOT: usize = 256;
const MAX_OF_AGENT: usize = 1024;

/// The longest address of a resource, in bytes: it is kept.
const MAX_ADDRESS: usize = 8 * 1024;

/// The requests.
pub(super) const SUBSCRIBE: &str = "resources/subscribe";
pub(super) const UNSUBSCRIBE: &str = "resources/unsubscribe";

/// The capability of a tool server that offers resources.
pub(super) const CAPABILITY: &str = "resources";

/// A resource that robots are subscribed to.
#[derive(Debug)]
struct Subscription {
    robots: Vec<RobotKey>,
    /// Which tool server has it: its identity, its label, and the connection that was told.
    identity: Identity,
    label: Box<str>,
    at: Peer,
}

/// All subscriptions of an agent, in the order of the addresses of the resources.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Vec<(Box<str>, Subscription)>);

/// How many bytes of memory a subscription takes with its first robot.
pub(super) fn memory_of_subscription(uri: &str) -> usize {
    memory_of(uri, "") + MEMORY_OF_ROBOT
}

/// How many bytes of memory a subscription takes, and a robot's part in it.
fn memory_of(uri: &str, label: &str) -> usize {
    allocated(uri.len()) + allocated(label.len()) + 2 * size_of::<(Box<str>, Subscription)>()
}
const MEMORY_OF_ROBOT: usize = 4 * size_of::<usize>();

impl Subscriptions {
    /// How many bytes of memory they take.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn memory(&self) -> usize {
        let all = self.0.iter();
        let memory = all
            .map(|(uri, kept)| memory_of(uri, &kept.label) + kept.robots.len() * MEMORY_OF_ROBOT);
        memory.sum()
    }

    /// Every robot that is subscribed to something, as often as it is.
    #[cfg(any(debug_assertions, test))]
    pub(super) fn robots(&self) -> impl Iterator<Item = RobotKey> + '_ {
        self.0.iter().flat_map(|(_, kept)| kept.robots.iter().copied())
    }

    /// Whether the robot may be subscribed to one more resource, and to this one.
    pub(super) fn has_room(&self, robot: RobotKey, uri: &str) -> bool {
        let of_robot = self.0.iter().filter(|(_, kept)| kept.robots.contains(&robot)).count();
        uri.len() <= MAX_ADDRESS
            && (self.place(uri).is_ok() || self.0.len() < MAX_OF_AGENT)
            && of_robot < MAX_OF_ROBOT
    }

    /// Whether the robot is subscribed to the resource.
    pub(super) fn has(&self, robot: RobotKey, uri: &str) -> bool {
        self.get(uri).is_some_and(|kept| kept.robots.contains(&robot))
    }

    /// Where the subscription to a resource stands, or would stand.
    fn place(&self, uri: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(uri))
    }

    fn get(&self, uri: &str) -> Option<&Subscription> {
        self.0.get(self.place(uri).ok()?).map(|(_, kept)| kept)
    }

    /// Whether nobody is subscribed to anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that a robot is subscribed to a resource of a tool server: with its identity, its label
    /// and its connection. Returns how many bytes of memory more are kept.
    pub(super) fn add(
        &mut self,
        robot: RobotKey,
        uri: &str,
        (identity, label, at): (Identity, &str, Peer),
    ) -> usize {
        let mut kept = 0;
        let place = self.place(uri);
        if let Err(place) = place {
            kept += memory_of(uri, label);
            let new = Subscription { robots: Vec::new(), identity, label: label.into(), at };
            self.0.insert(place, (uri.into(), new));
        }
        let (Ok(place) | Err(place)) = place;
        if let Some((_, subscription)) = self.0.get_mut(place) {
            if !subscription.robots.contains(&robot) {
                kept += MEMORY_OF_ROBOT;
                subscription.robots.push(robot);
            }
            (subscription.identity, subscription.at) = (identity, at);
        }
        kept
    }

    /// A robot does not want a resource any more. Returns how many bytes of memory fewer are kept,
    /// and whether other robots still want it.
    pub(super) fn remove(&mut self, robot: RobotKey, uri: &str) -> (usize, bool) {
        let Ok(place) = self.place(uri) else { return (0, false) };
        let Some((_, kept)) = self.0.get_mut(place) else { return (0, false) };
        let mut freed = 0;
        if let Some(place) = kept.robots.iter().position(|other| *other == robot) {
            kept.robots.swap_remove(place);
            freed += MEMORY_OF_ROBOT;
        }
        if !kept.robots.is_empty() {
            return (freed, true);
        }
        freed += memory_of(uri, &kept.label);
        self.0.remove(place);
        (freed, false)
    }

    /// What a robot is subscribed to, and the connections that were told.
    pub(super) fn of(&self, robot: RobotKey) -> Vec<(Box<str>, Peer)> {
        let own = self.0.iter().filter(|(_, kept)| kept.robots.contains(&robot));
        own.map(|(uri, kept)| (uri.clone(), kept.at)).collect()
    }

    /// Other tool servers may serve the resources now. `now_at` finds the identity and the connection of the
    /// tool server that had an identity and a label. Returns what has moved from one to another.
    pub(super) fn moved(
        &mut self,
        now_at: impl Fn(Identity, &str) -> Option<(Identity, Peer)>,
    ) -> Vec<(Box<str>, Peer, Peer)> {
        let mut moved = Vec::new();
        for (uri, kept) in &mut self.0 {
            if let Some((identity, to)) = now_at(kept.identity, &kept.label) {
                if to != kept.at {
                    moved.push((uri.clone(), kept.at, to));
                    (kept.identity, kept.at) = (identity, to);
                }
            }
        }
        moved
    }
}
