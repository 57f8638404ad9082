//! What the relay tells about itself: counts for everybody, details for who has the key.

use std::time::Duration;

/// How many of everything there is now. Names nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Agents with at least one connection.
    pub agents: usize,
    /// Connected tools.
    pub tools: usize,
    /// Connected robots.
    pub robots: usize,
    /// Tool names offered to robots, over all agents.
    pub offered: usize,
    /// Requests at tools that are not answered yet.
    pub in_flight: usize,
    /// Requests that wait inside the relay for a tool.
    pub waiting: usize,
    /// Bytes of the requests that wait inside the relay.
    pub held_bytes: usize,
}

/// What has happened since the start. Only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages received from tools.
    pub from_tools: u64,
    /// Bytes of them.
    pub bytes_from_tools: u64,
    /// Messages received from robots.
    pub from_robots: u64,
    /// Bytes of them.
    pub bytes_from_robots: u64,
    /// Messages sent to tools.
    pub to_tools: u64,
    /// Bytes of them.
    pub bytes_to_tools: u64,
    /// Messages sent to robots.
    pub to_robots: u64,
    /// Bytes of them.
    pub bytes_to_robots: u64,
    /// Calls: requests of robots passed on, counted once for each tool server they were passed on
    /// to. Each is in flight, or has ended in one of the ways below: see [`Traffic::calls_ended`].
    pub calls: u64,
    /// Of those, answered by their tool.
    pub calls_answered: u64,
    /// Of those, cancelled by the robot or ended by its leaving.
    pub calls_cancelled: u64,
    /// Of those, lost because the tool server went.
    pub calls_lost: u64,
    /// Of those, given up after `request_timeout`.
    pub calls_timed_out: u64,
    /// Of those, answered with what cannot be read, or given up for want of memory.
    pub calls_failed: u64,
    /// Of those, ended because another tool server answered the same request first.
    pub calls_superseded: u64,
    /// How long those that were answered took.
    pub latency: Latency,
    /// Errors the relay sent to robots, by code.
    pub errors: Errors,
    /// Replies of tools that nobody waits for: late, unknown, a second one, or without an id.
    pub replies_dropped: u64,
    /// Messages that could not be read, and replies from robots.
    pub messages_dropped: u64,
    /// Notifications that were not passed on because there were too many, counted by receiver.
    pub notifications_dropped: u64,
    /// Messages that found their receiver's queue full.
    pub sends_refused: u64,
}

impl Traffic {
    /// How many calls are not in flight any more.
    pub fn calls_ended(&self) -> u64 {
        let outcomes = self.call_outcomes();
        outcomes.iter().map(|(_, count)| count).sum()
    }

    /// The ways in which calls end, and how many did: never translated.
    pub fn call_outcomes(&self) -> [(&'static str, u64); 6] {
        [
            ("answered", self.calls_answered),
            ("cancelled", self.calls_cancelled),
            ("tool_lost", self.calls_lost),
            ("timed_out", self.calls_timed_out),
            ("failed", self.calls_failed),
            ("superseded", self.calls_superseded),
        ]
    }
}

/// How long answered calls took, sorted into classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many calls took at most as long as the bound of the same place; the last class holds
    /// those that took longer than all bounds.
    pub classes: [u64; Latency::BOUNDS.len() + 1],
    /// All their durations together, in milliseconds.
    pub sum: u64,
}

impl Latency {
    /// The upper bounds of the classes, in milliseconds.
    pub const BOUNDS: [u64; 12] =
        [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000, 60_000, 300_000];

    /// A call was answered after `took`.
    pub(super) fn note(&mut self, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let class = Self::BOUNDS.iter().position(|bound| took <= *bound);
        if let Some(count) = self.classes.get_mut(class.unwrap_or(Self::BOUNDS.len())) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(took);
    }
}

/// How often the relay answered a robot with each of its errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// -32001.
    pub no_tool: u64,
    /// -32002.
    pub not_forwarded: u64,
    /// -32003.
    pub tool_lost: u64,
    /// -32005.
    pub timed_out: u64,
    /// -32600, -32601, -32602 and -32700 together.
    pub bad_request: u64,
}

/// How far a tool has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolState {
    /// `initialize` was sent and is not answered yet.
    Shaking,
    /// Initialised; the first list of its tools is on the way.
    Listing,
    /// Initialised, its tools are known.
    Ready,
    /// It did not shake hands; it gets whatever cannot be routed elsewhere.
    Opaque,
    /// `handshake = false`: the relay knows nothing of it and passes everything on.
    Transparent,
}

impl ToolState {
    /// The state's name in answers to programs: lower case, never translated.
    pub fn label(self) -> &'static str {
        match self {
            ToolState::Shaking => "initializing",
            ToolState::Listing => "listing",
            ToolState::Ready => "ready",
            ToolState::Opaque => "opaque",
            ToolState::Transparent => "transparent",
        }
    }
}

/// One connected tool, for who may see it.
#[derive(Clone, Debug)]
pub struct ToolView {
    /// Its label, unique within the agent.
    pub label: String,
    /// Where it dialled in from.
    pub address: String,
    /// How far it has come.
    pub state: ToolState,
    /// How many tools it serves.
    pub tools_count: usize,
    /// Their names as robots are offered them: the elements of a JSON list.
    pub tools: String,
    /// `serverInfo` as it sent it: JSON, or nothing yet.
    pub server_info: Option<String>,
    /// Seconds since it connected.
    pub connected_seconds: u64,
    /// Requests it has not answered yet.
    pub in_flight: usize,
    /// What last went wrong with it.
    pub last_error: Option<String>,
}

/// One agent, for who may see it.
#[derive(Clone, Debug, Default)]
pub struct AgentView {
    /// How many robots are connected.
    pub robots: usize,
    /// How many tool names robots are offered.
    pub offered: usize,
    /// How many bytes of memory the relay keeps for it.
    pub kept: usize,
    /// Its tools, in the order they came.
    pub tools: Vec<ToolView>,
}

/// Everything about everybody: agent ids, in order, and their agents.
pub type Details = Vec<(String, AgentView)>;
