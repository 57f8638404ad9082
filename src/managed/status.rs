//! What the key holder is shown of managed tool servers.

#[allow(unused_imports, reason = "a link may be a trait object, whose methods need no import")]
use super::link::Link as _;
use super::server::{Leaving, ManagedServer};
use super::supervisor::State;
use super::ManagedServers;

/// How an entry of the servers file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was started and has not answered yet.
    Starting,
    /// It has answered.
    Ready,
    /// It has ended, and will be started again.
    Restarting,
    /// It is to run no more.
    Stopped,
    /// It cannot run: its entry is wrong.
    Misconfigured,
}

impl Status {
    /// Every status, in the order of the metrics.
    pub const ALL: [Status; 5] = [
        Status::Starting,
        Status::Ready,
        Status::Restarting,
        Status::Stopped,
        Status::Misconfigured,
    ];

    /// The name in answers to programs: lower case, never translated.
    pub fn label(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Ready => "ready",
            Status::Restarting => "restarting",
            Status::Stopped => "stopped",
            Status::Misconfigured => "misconfigured",
        }
    }
}

/// One entry of the servers file. Secrets are masked in all texts.
#[derive(Debug)]
pub struct ManagedStatus<'a> {
    /// Its name.
    pub name: &'a str,
    /// What carries its messages: `stdio` or `http`; nothing for an entry that is wrong.
    pub kind: &'static str,
    /// How it is.
    pub status: Status,
    /// How often it was started again.
    pub restarts: u32,
    /// How it last ended, why it could not be started, or why the entry does not run.
    pub last_end: Option<&'a str>,
    /// The last lines of its standard error, the oldest first.
    pub last_lines: Vec<&'a str>,
    /// How many tools it offers, as far as agents have asked.
    pub tools: usize,
    /// How many agents use it.
    pub agents: usize,
    /// The agents that may use it; `None` is every agent.
    pub open_to: Option<&'a [String]>,
    /// The bytes of memory it takes here.
    pub memory: usize,
}

impl ManagedServers {
    /// Every entry of the servers file, in no particular order.
    pub fn status(&self) -> Vec<ManagedStatus<'_>> {
        // Loops: chained iterators take 3 KB more of the program.
        let mut found = Vec::new();
        for (_, server) in &self.servers {
            if server.leaving != Some(Leaving::Removed) {
                found.push(server.status());
            }
        }
        let wrong = (&self.misconfigured, Status::Misconfigured);
        for (entries, status) in [wrong, (&self.switched_off, Status::Stopped)] {
            for (name, why) in entries {
                found.push(ManagedStatus {
                    name,
                    kind: "",
                    status,
                    restarts: 0,
                    last_end: Some(why),
                    last_lines: Vec::new(),
                    tools: 0,
                    agents: 0,
                    open_to: None,
                    memory: 0,
                });
            }
        }
        found
    }

    /// How often tool servers were started again.
    pub fn restarts(&self) -> u64 {
        let restarts = self.servers.iter().map(|(_, server)| server.supervisor.restarts());
        restarts.map(u64::from).sum::<u64>() + self.restarts_of_gone
    }
}

impl ManagedServer {
    fn status(&self) -> ManagedStatus<'_> {
        ManagedStatus {
            name: &self.name,
            kind: self.link.kind(),
            status: match self.supervisor.state() {
                // The next one starts once it is over.
                _ if self.leaving.is_some() => Status::Restarting,
                State::Starting => Status::Starting,
                State::Ready => Status::Ready,
                State::Restarting => Status::Restarting,
                State::Stopped => Status::Stopped,
            },
            restarts: self.supervisor.restarts(),
            last_end: self.last_end.as_deref(),
            last_lines: self.link.last_lines(),
            tools: self.shared.tools(),
            agents: self.shared.seats(),
            open_to: self.config.agents.as_deref(),
            memory: self.charged,
        }
    }
}
