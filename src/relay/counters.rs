//! What the relay counts, and the one table of it that `/stats`, the status page and `/metrics` are
//! written from.

use std::time::Duration;

/// How many of everything there is now. Names nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Agents with at least one connection.
    pub agents: usize,
    /// Connected tool servers.
    pub tools: usize,
    /// Connected robots.
    pub robots: usize,
    /// Tool names offered to robots, over all agents.
    pub offered: usize,
    /// Requests at tool servers that are not answered yet.
    pub in_flight: usize,
    /// Requests that wait inside the relay for a tool server.
    pub waiting: usize,
    /// Bytes of the requests that wait inside the relay.
    pub held_bytes: usize,
}

/// What has happened since the start. Only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages received from tool servers.
    pub from_tools: u64,
    /// Bytes of them.
    pub bytes_from_tools: u64,
    /// Messages received from robots.
    pub from_robots: u64,
    /// Bytes of them.
    pub bytes_from_robots: u64,
    /// Messages sent to tool servers.
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
    /// Of those, answered by their tool server.
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
    /// Replies of tool servers that nobody waits for: late, unknown, a second one, or without an id.
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
        self.call_outcomes().map(|(_, count)| count).sum()
    }

    /// The ways in which calls end, and how many did: never translated.
    pub fn call_outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let outcomes = COUNTERS.iter().filter(|counter| counter.family == CALL_OUTCOMES);
        outcomes.filter_map(|counter| Some((counter.label?.1, (counter.get)(self))))
    }
}

/// A counter of [`Traffic`]: where it is shown, and how it is got.
#[derive(Debug)]
pub struct Counter {
    /// The object in JSON in which it stands.
    pub section: Section,
    /// Its name there.
    pub name: &'static str,
    /// The place of its metric in [`FAMILIES`].
    pub family: usize,
    /// The label that tells it from others of its metric: a name and a value.
    pub label: Option<(&'static str, &'static str)>,
    /// Its value.
    pub get: fn(&Traffic) -> u64,
}

/// An object of counters in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `traffic`.
    Traffic,
    /// `errors`.
    Errors,
}

/// The metrics the counters belong to, in the order they are shown: name and help. All of them only
/// ever grow.
pub const FAMILIES: [(&str, &str); 8] = [
    ("messages_received_total", "Messages from peers."),
    ("messages_sent_total", "Messages to peers."),
    ("message_received_bytes_total", "Bytes of messages from peers."),
    ("message_sent_bytes_total", "Bytes of messages to peers."),
    ("calls_total", "Requests passed on, once for each tool server they went to."),
    (
        "call_outcomes_total",
        "What became of them; with requests_in_flight they add up to calls_total.",
    ),
    ("errors_total", "Errors that robots were answered with, by code."),
    ("dropped_total", "Messages that went nowhere."),
];

const MESSAGES_RECEIVED: usize = 0;
const MESSAGES_SENT: usize = 1;
const MESSAGE_RECEIVED_BYTES: usize = 2;
const MESSAGE_SENT_BYTES: usize = 3;
const CALLS: usize = 4;
const CALL_OUTCOMES: usize = 5;
const ERRORS: usize = 6;
const DROPPED: usize = 7;

/// All counters, in the order they are shown in JSON.
pub const COUNTERS: [Counter; 24] = [
    Counter {
        name: "from_tools",
        section: Section::Traffic,
        family: MESSAGES_RECEIVED,
        label: Some(("side", "tool")),
        get: |t| t.from_tools,
    },
    Counter {
        name: "bytes_from_tools",
        section: Section::Traffic,
        family: MESSAGE_RECEIVED_BYTES,
        label: Some(("side", "tool")),
        get: |t| t.bytes_from_tools,
    },
    Counter {
        name: "from_robots",
        section: Section::Traffic,
        family: MESSAGES_RECEIVED,
        label: Some(("side", "robot")),
        get: |t| t.from_robots,
    },
    Counter {
        name: "bytes_from_robots",
        section: Section::Traffic,
        family: MESSAGE_RECEIVED_BYTES,
        label: Some(("side", "robot")),
        get: |t| t.bytes_from_robots,
    },
    Counter {
        name: "to_tools",
        section: Section::Traffic,
        family: MESSAGES_SENT,
        label: Some(("side", "tool")),
        get: |t| t.to_tools,
    },
    Counter {
        name: "bytes_to_tools",
        section: Section::Traffic,
        family: MESSAGE_SENT_BYTES,
        label: Some(("side", "tool")),
        get: |t| t.bytes_to_tools,
    },
    Counter {
        name: "to_robots",
        section: Section::Traffic,
        family: MESSAGES_SENT,
        label: Some(("side", "robot")),
        get: |t| t.to_robots,
    },
    Counter {
        name: "bytes_to_robots",
        section: Section::Traffic,
        family: MESSAGE_SENT_BYTES,
        label: Some(("side", "robot")),
        get: |t| t.bytes_to_robots,
    },
    Counter {
        name: "calls",
        section: Section::Traffic,
        family: CALLS,
        label: None,
        get: |t| t.calls,
    },
    Counter {
        name: "calls_answered",
        section: Section::Traffic,
        family: CALL_OUTCOMES,
        label: Some(("outcome", "answered")),
        get: |t| t.calls_answered,
    },
    Counter {
        name: "calls_cancelled",
        section: Section::Traffic,
        family: CALL_OUTCOMES,
        label: Some(("outcome", "cancelled")),
        get: |t| t.calls_cancelled,
    },
    Counter {
        name: "calls_lost",
        section: Section::Traffic,
        family: CALL_OUTCOMES,
        label: Some(("outcome", "tool_lost")),
        get: |t| t.calls_lost,
    },
    Counter {
        name: "calls_timed_out",
        section: Section::Traffic,
        family: CALL_OUTCOMES,
        label: Some(("outcome", "timed_out")),
        get: |t| t.calls_timed_out,
    },
    Counter {
        name: "calls_failed",
        section: Section::Traffic,
        family: CALL_OUTCOMES,
        label: Some(("outcome", "failed")),
        get: |t| t.calls_failed,
    },
    Counter {
        name: "calls_superseded",
        section: Section::Traffic,
        family: CALL_OUTCOMES,
        label: Some(("outcome", "superseded")),
        get: |t| t.calls_superseded,
    },
    Counter {
        name: "replies_dropped",
        section: Section::Traffic,
        family: DROPPED,
        label: Some(("what", "reply")),
        get: |t| t.replies_dropped,
    },
    Counter {
        name: "messages_dropped",
        section: Section::Traffic,
        family: DROPPED,
        label: Some(("what", "unreadable")),
        get: |t| t.messages_dropped,
    },
    Counter {
        name: "notifications_dropped",
        section: Section::Traffic,
        family: DROPPED,
        label: Some(("what", "notification")),
        get: |t| t.notifications_dropped,
    },
    Counter {
        name: "sends_refused",
        section: Section::Traffic,
        family: DROPPED,
        label: Some(("what", "queue_full")),
        get: |t| t.sends_refused,
    },
    Counter {
        name: "no_tool",
        section: Section::Errors,
        family: ERRORS,
        label: Some(("code", "-32001")),
        get: |t| t.errors.no_tool,
    },
    Counter {
        name: "not_forwarded",
        section: Section::Errors,
        family: ERRORS,
        label: Some(("code", "-32002")),
        get: |t| t.errors.not_forwarded,
    },
    Counter {
        name: "tool_lost",
        section: Section::Errors,
        family: ERRORS,
        label: Some(("code", "-32003")),
        get: |t| t.errors.tool_lost,
    },
    Counter {
        name: "timed_out",
        section: Section::Errors,
        family: ERRORS,
        label: Some(("code", "-32005")),
        get: |t| t.errors.timed_out,
    },
    Counter {
        name: "bad_request",
        section: Section::Errors,
        family: ERRORS,
        label: Some(("code", "other")),
        get: |t| t.errors.bad_request,
    },
];

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_counter_is_shown_once() {
        let names: HashSet<_> = COUNTERS.iter().map(|c| (c.section as u8, c.name)).collect();
        assert_eq!(names.len(), COUNTERS.len());
        let samples: HashSet<_> = COUNTERS.iter().map(|c| (c.family, c.label)).collect();
        assert_eq!(samples.len(), COUNTERS.len());
        for family in 0..FAMILIES.len() {
            assert!(COUNTERS.iter().any(|counter| counter.family == family), "{family}");
        }
    }

    #[test]
    fn calls_end_in_one_of_the_ways_that_are_counted() {
        let mut traffic = Traffic { calls: 9, sends_refused: 5, ..Traffic::default() };
        assert_eq!(traffic.calls_ended(), 0);
        (traffic.calls_answered, traffic.calls_lost, traffic.calls_superseded) = (1, 2, 3);
        assert_eq!(traffic.calls_ended(), 6);
    }
}
