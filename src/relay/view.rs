//! What the key holder is told of agents and tool servers.

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
