//! What the key holder is shown of agents, robots and tool servers.

use super::departures::Departed;

/// The state of a tool server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolState {
    /// `initialize` was sent and is not answered yet.
    Initializing,
    /// Initialised; the first list of its tools is on the way.
    Listing,
    /// Initialised, its tools are known.
    Ready,
    /// The handshake failed. It gets messages that have no other receiver.
    Opaque,
    /// `handshake = false`: the relay knows nothing of it and passes everything on.
    Transparent,
}

impl ToolState {
    /// Every state.
    #[cfg(test)]
    pub(crate) const ALL: [ToolState; 5] = [
        ToolState::Initializing,
        ToolState::Listing,
        ToolState::Ready,
        ToolState::Opaque,
        ToolState::Transparent,
    ];

    /// The state's name in answers to programs: lower case, never translated.
    pub fn label(self) -> &'static str {
        match self {
            ToolState::Initializing => "initializing",
            ToolState::Listing => "listing",
            ToolState::Ready => "ready",
            ToolState::Opaque => "opaque",
            ToolState::Transparent => "transparent",
        }
    }
}

/// One agent, for the key holder.
#[derive(Debug, Default)]
pub struct AgentStatus<'a> {
    /// Its id.
    pub id: &'a str,
    /// How often the list of its tools has changed since it was first seen. A tool server that comes or
    /// goes may change who serves a name and leave this as it is.
    pub revision: u32,
    /// How many tool names robots are offered.
    pub offered: usize,
    /// Requests that wait for a tool server to come back.
    pub waiting: usize,
    /// How many bytes of memory the relay keeps for it.
    pub kept: usize,
    /// Its robots.
    pub robots: Vec<RobotStatus<'a>>,
    /// Its tool servers, in the order they came.
    pub tools: Vec<ToolStatus<'a>>,
    /// The tool servers that went in the last minutes, the latest first. One of them may be back.
    pub lost: Vec<Departed<'a>>,
}

/// One connected robot.
#[derive(Debug)]
pub struct RobotStatus<'a> {
    /// Its connection, as the log names it.
    pub connection: String,
    /// Where it dialled in from.
    pub address: &'a str,
    /// The name it gave itself when it said `initialize`.
    pub client: Option<&'a str>,
    /// Seconds since it connected.
    pub connected_seconds: u64,
    /// Its requests that are not answered yet.
    pub in_flight: usize,
}

/// One connected tool server.
#[derive(Debug)]
pub struct ToolStatus<'a> {
    /// Its connection, as the log names it.
    pub connection: String,
    /// Its label, unique within the agent.
    pub label: &'a str,
    /// Where it dialled in from.
    pub address: &'a str,
    /// `serverInfo` as it sent it: JSON; nothing yet, or longer than is shown here.
    pub server_info: Option<&'a str>,
    /// How far it has come.
    pub state: ToolState,
    /// Seconds since it connected.
    pub connected_seconds: u64,
    /// Requests it has not answered yet.
    pub in_flight: usize,
    /// Requests it has answered.
    pub answered: u32,
    /// How many tool names it serves.
    pub tools_count: usize,
    /// Those names as robots are offered them: the elements of a JSON list. Only where they were asked
    /// for.
    pub names: &'a str,
    /// How many it has. More than it serves where a twin of it serves them.
    pub own_count: usize,
    /// Whether a twin of it serves them.
    pub in_reserve: bool,
    /// What last went wrong with it.
    pub last_error: Option<String>,
}

/// A tool of an agent as it is chosen, for the key holder.
#[derive(Debug)]
pub struct ChosenTool<'a> {
    /// The label of its tool server, as patterns name it.
    pub label: &'a str,
    /// Whether that label is the tool server's own, and not one made to be unique.
    pub is_label_stable: bool,
    /// Its own name.
    pub tool: &'a str,
    /// The name it is offered under; `None` if it is hidden.
    pub offered: Option<&'a str>,
    /// Whether the entry for all agents hides it.
    pub is_locked: bool,
    /// Whether the owner has renamed it.
    pub is_renamed: bool,
    /// How many characters it has, as it is offered.
    pub characters: usize,
    /// The beginning of its description.
    pub description: String,
}

/// What the tools of one agent are, for a person who wants to call one.
#[derive(Debug, Default)]
pub struct Catalogue<'a> {
    /// The id of the agent.
    pub agent: &'a str,
    /// See [`AgentStatus::revision`].
    pub revision: u32,
    /// The labels of the tool servers, each with the names it serves: the elements of a JSON list.
    pub servers: Vec<(&'a str, &'a str)>,
    /// The elements of the list as robots get it, every one spelled as its tool server spelled it,
    /// separated by commas.
    pub tools: String,
}
