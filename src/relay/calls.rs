//! Requests under way to the tool servers of one agent, and the ids they travel under
//! (docs/protocol.md#upstream-ids).
//!
//! The table is the only owner of a call. It finds a call by its tool server and upstream id, and by
//! its robot and the robot's id. It keeps the calls of a robot, the requests at a tool server and the
//! deadlines in order. Entries are linked by their places in one array, so a call that comes and goes
//! allocates nothing while its id is short.

mod call;
#[cfg(any(debug_assertions, test))]
mod check;
mod entry;
#[cfg(test)]
mod tests;

pub(super) use self::call::{memory_of_call, Call, Nature, Request};
pub(super) use self::entry::ENTRY_SIZE;

use self::entry::{link, links, unlink, Ends, Entry, Links, List};
use super::table::{Key, RobotKey, ToolServerKey};
use crate::time::Moment;
use slab::Slab;

/// The largest upstream id: some tool servers keep ids in a signed 32-bit integer.
const MAX_UPSTREAM_ID: u32 = i32::MAX as u32;

/// No entry.
const NONE: u32 = u32::MAX;

/// 2^32 divided by the golden ratio, made odd.
const SPREAD: u32 = 0x9E37_79B1;

/// Only a table of more entries is shrunk.
const MIN_SHRINK: usize = 64;

/// The connection of a tool server, as the table knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ToolKey(u32);

/// A request in the table. Valid until [`CallTable::tidy`] is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallKey(u32);

/// What the table knows of a tool server.
#[derive(Debug)]
struct AtTool {
    /// The tool server, as long as it is there.
    place: Option<ToolServerKey>,
    last_id: u32,
    /// Whether ids have started again from 1.
    has_wrapped: bool,
    ends: Ends,
    calls: usize,
}

/// What the table knows of a robot.
#[derive(Debug, Default)]
struct OfRobot {
    ends: Ends,
    calls: usize,
    /// The number of requests these calls belong to. The calls of one request are adjacent.
    requests: usize,
}

/// The requests under way to the tool servers of one agent.
#[derive(Debug)]
pub(super) struct CallTable {
    entries: Vec<Entry>,
    free: u32,
    used: usize,
    calls: usize,
    /// The first entry of each hash of tool server and upstream id. A power of two, or nothing.
    heads: Vec<u32>,
    tools: Slab<AtTool>,
    robots: Vec<OfRobot>,
    due: Ends,
    /// The call whose deadline was set last: the next one nearly always comes behind it.
    last_due: u32,
    last_group: u32,
}

impl Default for CallTable {
    fn default() -> Self {
        CallTable {
            entries: Vec::new(),
            free: NONE,
            used: 0,
            calls: 0,
            heads: Vec::new(),
            tools: Slab::new(),
            robots: Vec::new(),
            due: Ends::default(),
            last_due: NONE,
            last_group: 0,
        }
    }
}

impl CallTable {
    /// A tool server has joined in `place`.
    pub(super) fn add_tool(&mut self, place: ToolServerKey) -> ToolKey {
        let place = Some(place);
        let tool =
            AtTool { place, last_id: 0, has_wrapped: false, ends: Ends::default(), calls: 0 };
        ToolKey(self.tools.insert(tool) as u32)
    }

    /// A tool server has left. What is under way to it stays until it is taken out.
    pub(super) fn tool_left(&mut self, tool: ToolKey) {
        if let Some(tool) = self.tools.get_mut(tool.0 as usize) {
            tool.place = None;
        }
    }

    /// Forgets a tool server that has left, with nothing under way to it any more.
    pub(super) fn forget_tool(&mut self, tool: ToolKey) {
        let gone = self.tools.try_remove(tool.0 as usize);
        debug_assert!(gone.is_some_and(|gone| gone.ends.first == NONE), "requests are left");
    }

    /// An upstream id that no request at the tool server has: from 1 up, below 2^31.
    pub(super) fn fresh_id(&mut self, tool: ToolKey) -> u32 {
        debug_assert!(self.tools.contains(tool.0 as usize), "a key without its tool server");
        loop {
            let Some(at_tool) = self.tools.get_mut(tool.0 as usize) else { return 0 };
            at_tool.last_id += 1;
            if at_tool.last_id > MAX_UPSTREAM_ID {
                (at_tool.last_id, at_tool.has_wrapped) = (1, true);
            }
            let (id, has_wrapped) = (at_tool.last_id, at_tool.has_wrapped);
            if !has_wrapped || self.find_at_tool(tool, id).is_none() {
                return id;
            }
        }
    }

    /// A number for one more request of a robot, which may make several calls.
    pub(super) fn new_group(&mut self) -> u32 {
        self.last_group = self.last_group.wrapping_add(1);
        self.last_group
    }

    /// Opens a call at a tool server. Returns it with its upstream id.
    pub(super) fn open(
        &mut self,
        tool: ToolKey,
        group: u32,
        deadline: Moment,
        call: Call,
    ) -> (CallKey, u32) {
        let robot = call.robot().place();
        let (at, id) = self.insert(tool, group, deadline, Request::Call(call));
        self.calls += 1;
        if let Some(tool) = self.tools.get_mut(tool.0 as usize) {
            tool.calls += 1;
        }
        if self.robots.len() <= robot {
            self.robots.resize_with(robot + 1, OfRobot::default);
        }
        if let Some(of_robot) = self.robots.get_mut(robot) {
            let last = of_robot.ends.last;
            of_robot.calls += 1;
            let is_another = self.entries.get(last as usize).is_none_or(|e| e.group != group);
            of_robot.requests += usize::from(is_another);
            link(&mut self.entries, &mut of_robot.ends, List::Robot, at, last);
        }
        self.arm(at, deadline);
        (CallKey(at), id)
    }

    /// Notes a request of the relay's own. Returns its upstream id.
    pub(super) fn ask(&mut self, tool: ToolKey, request: Request) -> u32 {
        self.insert(tool, 0, Moment::default(), request).1
    }

    fn insert(
        &mut self,
        tool: ToolKey,
        group: u32,
        deadline: Moment,
        request: Request,
    ) -> (u32, u32) {
        let id = self.fresh_id(tool);
        let mut at = self.free;
        if at == NONE {
            at = self.entries.len() as u32;
            if self.entries.len() >= self.heads.len() {
                self.rehash();
            }
            self.entries.push(Entry::free());
        }
        if let Some(entry) = self.entries.get_mut(at as usize) {
            self.free = entry.chain;
            // One by one: that copies less than a whole entry.
            (entry.id, entry.tool, entry.group) = (id, tool.0, group);
            entry.deadline = deadline;
            entry.request = request;
        }
        self.used += 1;
        let head = self.head(id, tool.0);
        self.chain(at, head);
        if let Some(tool) = self.tools.get_mut(tool.0 as usize) {
            let last = tool.ends.last;
            link(&mut self.entries, &mut tool.ends, List::Tool, at, last);
        }
        (at, id)
    }

    /// Takes out the request that an answer of `id` is for.
    pub(super) fn answer(&mut self, tool: ToolKey, id: u32) -> Option<Request> {
        let at = self.find_at_tool(tool, id)?;
        self.remove(at)
    }

    /// Takes a call out.
    pub(super) fn close(&mut self, call: CallKey) -> Option<Call> {
        match self.remove(call.0)? {
            Request::Call(call) => Some(call),
            _ => None,
        }
    }

    fn remove(&mut self, at: u32) -> Option<Request> {
        let entry = self.entries.get_mut(at as usize).filter(|entry| entry.id != 0)?;
        let (id, tool, group) = (entry.id, entry.tool, entry.group);
        entry.id = 0;
        let mut request = std::mem::replace(&mut entry.request, Request::Aside);
        let head = self.head(id, tool);
        self.unchain(at, head);
        if let Some(tool) = self.tools.get_mut(tool as usize) {
            tool.calls -= usize::from(matches!(request, Request::Call(_)));
            unlink(&mut self.entries, &mut tool.ends, List::Tool, at);
        }
        if let Request::Call(call) = &mut request {
            self.calls -= 1;
            if let Some(of_robot) = self.robots.get_mut(call.robot().place()) {
                let links = unlink(&mut self.entries, &mut of_robot.ends, List::Robot, at);
                let is_sibling = |at: &u32| {
                    self.entries.get(*at as usize).is_some_and(|entry| entry.group == group)
                };
                let sibling = [links.behind, links.before].into_iter().find(is_sibling);
                call.sibling = sibling.unwrap_or(NONE);
                of_robot.calls -= 1;
                of_robot.requests -= usize::from(sibling.is_none());
            }
            self.disarm(at);
        }
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.chain = self.free;
        }
        self.free = at;
        self.used -= 1;
        Some(request)
    }

    /// Sets a call's deadline among the others.
    fn arm(&mut self, at: u32, deadline: Moment) {
        let entries = &mut self.entries;
        let due = |entries: &[Entry], at: u32| entries.get(at as usize).map(|entry| entry.deadline);
        let mut before = self.last_due;
        loop {
            let behind =
                links(entries, List::Due, before).map_or(self.due.first, |links| links.behind);
            if due(entries, behind).is_none_or(|due| due > deadline) {
                break;
            }
            before = behind;
        }
        while due(entries, before).is_some_and(|due| due > deadline) {
            before = links(entries, List::Due, before).map_or(NONE, |links| links.before);
        }
        link(entries, &mut self.due, List::Due, at, before);
        self.last_due = at;
    }

    fn disarm(&mut self, at: u32) {
        let links = unlink(&mut self.entries, &mut self.due, List::Due, at);
        if self.last_due == at {
            self.last_due = links.before;
        }
    }

    /// Changes the deadline of a call. Returns the call.
    pub(super) fn put_off(&mut self, tool: ToolKey, id: u32, deadline: Moment) -> Option<&Call> {
        let at = self.find_at_tool(tool, id)?;
        let entry = self.entries.get_mut(at as usize)?;
        if matches!(entry.request, Request::Call(_)) && entry.deadline != deadline {
            entry.deadline = deadline;
            self.disarm(at);
            self.arm(at, deadline);
        }
        self.call_at(at)
    }

    /// The first call that is to be given up now.
    pub(super) fn late(&self, now: Moment) -> Option<CallKey> {
        self.next_deadline().filter(|deadline| *deadline <= now).map(|_| CallKey(self.due.first))
    }

    /// When the first call is given up.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.entries.get(self.due.first as usize).map(|entry| entry.deadline)
    }

    /// Whether a request is under way to the tool server as `id`.
    pub(super) fn has(&self, tool: ToolKey, id: u32) -> bool {
        self.find_at_tool(tool, id).is_some()
    }

    fn find_at_tool(&self, tool: ToolKey, id: u32) -> Option<u32> {
        let mut at = *self.heads.get(self.head(id, tool.0))?;
        loop {
            let entry = self.entries.get(at as usize)?;
            if entry.id == id && entry.tool == tool.0 {
                return Some(at);
            }
            at = entry.chain;
        }
    }

    /// The newest of a robot's calls that has `id`. Looks at all of them: robots cancel rarely, and an
    /// index by what they send could be filled with equal hashes.
    pub(super) fn find(&self, robot: RobotKey, id: &str) -> Option<CallKey> {
        let mut at = self.robots.get(robot.place())?.ends.last;
        loop {
            let call = self.call_at(at)?;
            if call.has_id(id) {
                return Some(CallKey(at));
            }
            let [Links { before, .. }, ..] = self.entries.get(at as usize)?.links;
            at = before;
        }
    }

    /// The oldest call of the request that `call` belongs to.
    pub(super) fn first_of_request(&self, call: CallKey) -> CallKey {
        let CallKey(mut at) = call;
        while let Some(entry) = self.entries.get(at as usize) {
            let [Links { before, .. }, ..] = entry.links;
            match self.entries.get(before as usize) {
                Some(other) if other.group == entry.group => at = before,
                _ => break,
            }
        }
        CallKey(at)
    }

    /// The oldest call of a robot.
    pub(super) fn first_of(&self, robot: RobotKey) -> Option<CallKey> {
        self.robots
            .get(robot.place())
            .map(|robot| CallKey(robot.ends.first))
            .filter(|call| call.0 != NONE)
    }

    /// The oldest request at a tool server, the relay's own included.
    pub(super) fn first_at(&self, tool: ToolKey) -> Option<CallKey> {
        let tool = self.tools.get(tool.0 as usize)?;
        Some(CallKey(tool.ends.first)).filter(|call| call.0 != NONE)
    }

    /// The place of the tool server a call is at, if that is still there, and the call's upstream id.
    pub(super) fn place_and_id(&self, call: CallKey) -> Option<(Option<ToolServerKey>, u32)> {
        let entry = self.entries.get(call.0 as usize)?;
        Some((self.tools.get(entry.tool as usize)?.place, entry.id))
    }

    fn call_at(&self, at: u32) -> Option<&Call> {
        match &self.entries.get(at as usize)?.request {
            Request::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Every call.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Call> {
        (0..self.entries.len()).filter_map(|at| self.call_at(at as u32))
    }

    /// How many calls there are.
    pub(super) fn len(&self) -> usize {
        self.calls
    }

    /// How many calls are at a tool server.
    pub(super) fn count_at(&self, tool: ToolKey) -> usize {
        self.tools.get(tool.0 as usize).map_or(0, |tool| tool.calls)
    }

    /// How many calls a robot has, and of how many requests.
    pub(super) fn count_of(&self, robot: RobotKey) -> (usize, usize) {
        self.robots.get(robot.place()).map_or((0, 0), |robot| (robot.calls, robot.requests))
    }

    /// Where a chain begins.
    fn head(&self, key: u32, owner: u32) -> usize {
        let hash = (key ^ owner.rotate_left(20)).wrapping_mul(SPREAD);
        (hash ^ hash >> 16) as usize & self.heads.len().wrapping_sub(1)
    }

    /// Puts an entry at the head of a chain.
    fn chain(&mut self, at: u32, head: usize) {
        debug_assert!(head < self.heads.len(), "a chain without its head");
        let Some(head) = self.heads.get_mut(head) else { return };
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.chain = std::mem::replace(head, at);
        }
    }

    fn unchain(&mut self, at: u32, head: usize) {
        debug_assert!(head < self.heads.len(), "a chain without its head");
        let Some(next) = self.entries.get(at as usize).map(|entry| entry.chain) else { return };
        let Some(head) = self.heads.get_mut(head) else { return };
        if *head == at {
            *head = next;
            return;
        }
        let mut before = *head;
        while let Some(entry) = self.entries.get_mut(before as usize) {
            if entry.chain == at {
                entry.chain = next;
                return;
            }
            before = entry.chain;
        }
        debug_assert!(false, "an entry is not in its chain");
    }

    /// Rebuilds the index, with room for one more entry.
    fn rehash(&mut self) {
        let size = (self.entries.len() + 1).next_power_of_two().max(8);
        self.heads = vec![NONE; size];
        for at in 0..self.entries.len() {
            if let Some(entry) = self.entries.get(at).filter(|entry| entry.id != 0) {
                let head = self.head(entry.id, entry.tool);
                self.chain(at as u32, head);
            }
        }
    }

    /// Frees the memory of unused entries, if a burst has left many. No key is valid any more.
    pub(super) fn tidy(&mut self) {
        if self.entries.len() > MIN_SHRINK && self.used < self.entries.len() / 8 {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let mut moved = vec![NONE; self.entries.len()];
        let mut entries = Vec::with_capacity(2 * self.used);
        for (entry, moved) in std::mem::take(&mut self.entries).into_iter().zip(&mut moved) {
            if entry.id != 0 {
                *moved = entries.len() as u32;
                entries.push(entry);
            }
        }
        let follow = |at: &mut u32| *at = moved.get(*at as usize).copied().unwrap_or(NONE);
        for links in entries.iter_mut().flat_map(|entry| &mut entry.links) {
            follow(&mut links.before);
            follow(&mut links.behind);
        }
        let tools = self.tools.iter_mut().map(|(_, tool)| &mut tool.ends);
        let robots = self.robots.iter_mut().map(|robot| &mut robot.ends);
        for ends in tools.chain(robots).chain([&mut self.due]) {
            follow(&mut ends.first);
            follow(&mut ends.last);
        }
        follow(&mut self.last_due);
        let robots =
            self.robots.iter().rposition(|robot| robot.calls > 0).map_or(0, |last| last + 1);
        self.robots.truncate(robots);
        self.robots.shrink_to_fit();
        self.tools.shrink_to_fit();
        self.entries = entries;
        self.free = NONE;
        self.rehash();
    }
}
