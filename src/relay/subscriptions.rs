//! Which robots are subscribed to which resources.
//!
//! A tool server knows one client, the relay: it is told that nobody wants a resource any more
//! when the last robot does not, and is subscribed again when it has come back.

use super::agent::Agent;
use super::reply;
use super::turn::Turn;
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
const CAPABILITY: &str = "resources";

/// A resource that robots are subscribed to.
#[derive(Debug)]
struct Subscription {
    /// Their places in the agent.
    robots: Vec<usize>,
    /// Which tool server has it: its line, its label, and the connection that was told.
    line: u32,
    label: Box<str>,
    at: Peer,
}

/// All subscriptions of an agent, in the order of the addresses of the resources.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Vec<(Box<str>, Subscription)>);

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
    pub(super) fn robots(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().flat_map(|(_, kept)| kept.robots.iter().copied())
    }

    /// Whether the robot may be subscribed to one more resource, and to this one.
    fn has_room(&self, robot: usize, uri: &str) -> bool {
        let of_robot = self.0.iter().filter(|(_, kept)| kept.robots.contains(&robot)).count();
        uri.len() <= MAX_ADDRESS
            && (self.place(uri).is_ok() || self.0.len() < MAX_OF_AGENT)
            && of_robot < MAX_OF_ROBOT
    }

    /// Whether the robot is subscribed to the resource.
    fn has(&self, robot: usize, uri: &str) -> bool {
        self.get(uri).is_some_and(|kept| kept.robots.contains(&robot))
    }

    /// Where the subscription to a resource stands, or would stand.
    fn place(&self, uri: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(uri))
    }

    fn get(&self, uri: &str) -> Option<&Subscription> {
        self.0.get(self.place(uri).ok()?).map(|(_, kept)| kept)
    }
}

impl Agent {
    /// Whether a robot may subscribe to a resource: there is an end to what is kept for it.
    pub(super) fn may_subscribe(&self, turn: &mut Turn<'_>, robot: usize, uri: &str) -> bool {
        self.subscriptions.has(robot, uri)
            || (self.subscriptions.has_room(robot, uri)
                && turn.admits(memory_of(uri, "") + MEMORY_OF_ROBOT))
    }

    /// A robot's subscription is on its way to a tool server.
    pub(super) fn subscribed(&mut self, turn: &mut Turn<'_>, robot: usize, uri: &str, tool: usize) {
        let Some(tool) = self.tools.get(tool).filter(|tool| tool.declares(CAPABILITY)) else {
            return;
        };
        let place = self.subscriptions.place(uri);
        if let Err(place) = place {
            turn.keep(memory_of(uri, &tool.label));
            let kept = Subscription {
                robots: Vec::new(),
                line: tool.line,
                label: tool.label.clone(),
                at: tool.peer,
            };
            self.subscriptions.0.insert(place, (uri.into(), kept));
        }
        let (Ok(place) | Err(place)) = place;
        let Some((_, kept)) = self.subscriptions.0.get_mut(place) else { return };
        if !kept.robots.contains(&robot) {
            turn.keep(MEMORY_OF_ROBOT);
            kept.robots.push(robot);
        }
        (kept.line, kept.at) = (tool.line, tool.peer);
    }

    /// A robot does not want a resource any more. Returns whether others still do, so that the
    /// tool server must not hear of it.
    pub(super) fn unsubscribed(&mut self, turn: &mut Turn<'_>, robot: usize, uri: &str) -> bool {
        let Ok(at) = self.subscriptions.place(uri) else { return false };
        let Some((_, kept)) = self.subscriptions.0.get_mut(at) else { return false };
        if let Some(place) = kept.robots.iter().position(|other| *other == robot) {
            kept.robots.swap_remove(place);
            turn.free(MEMORY_OF_ROBOT);
        }
        if !kept.robots.is_empty() {
            return true;
        }
        turn.free(memory_of(uri, &kept.label));
        self.subscriptions.0.remove(at);
        false
    }

    /// A robot has left: what only it wanted is not wanted any more.
    pub(super) fn unsubscribe_all(&mut self, turn: &mut Turn<'_>, robot: usize) {
        let all = self.subscriptions.0.iter();
        let own = all.filter(|(_, kept)| kept.robots.contains(&robot));
        let own: Vec<(Box<str>, Peer)> = own.map(|(uri, kept)| (uri.clone(), kept.at)).collect();
        for (uri, at) in own {
            if !self.unsubscribed(turn, robot, &uri) {
                self.tell_subscription(turn, at, UNSUBSCRIBE, &uri);
            }
        }
    }

    /// Who serves which tools has changed: a tool server that has come back, or whose turn it is,
    /// is subscribed to what is wanted of it.
    pub(super) fn renew_subscriptions(&mut self, turn: &mut Turn<'_>) {
        if self.subscriptions.0.is_empty() {
            return;
        }
        let mut moved = Vec::new();
        for (uri, kept) in &mut self.subscriptions.0 {
            let of_line = self.serving.get(&kept.line).copied();
            let of_label = || {
                let mut tools = self.tools.iter();
                let found = tools.find(|(_, tool)| tool.line != 0 && tool.label == kept.label);
                found.map(|(place, _)| place)
            };
            let Some(tool) = of_line.or_else(of_label).and_then(|place| self.tools.get(place))
            else {
                continue;
            };
            if tool.peer != kept.at && tool.declares(CAPABILITY) {
                moved.push((uri.clone(), kept.at, tool.peer));
                (kept.line, kept.at) = (tool.line, tool.peer);
            }
        }
        for (uri, from, to) in moved {
            self.tell_subscription(turn, to, SUBSCRIBE, &uri);
            self.tell_subscription(turn, from, UNSUBSCRIBE, &uri);
        }
    }

    /// Sends a tool server a request of the relay's own about a resource, if it is there.
    fn tell_subscription(&mut self, turn: &mut Turn<'_>, to: Peer, method: &str, uri: &str) {
        let tool = self.tools.iter_mut().find(|(_, tool)| tool.peer == to);
        let Some((_, tool)) = tool.filter(|(_, tool)| tool.is_initialised()) else { return };
        let number = tool.asks_aside(&mut self.calls);
        let uri = reply::quoted(uri);
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"{method}","params":{{"uri":{uri}}}}}"#
        );
        let _ = turn.send_to_tool(to, &[&text]);
    }
}
