//! The tool servers that went, so that a person who looks a minute later learns why.

use crate::close::{CloseReason, Ending};
use crate::text::Language;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// For how long a tool server that went is shown, and counted whether it goes again and again.
const SHOWN_FOR: Duration = Duration::from_secs(600);

/// How many are remembered, over all agents; beyond that the oldest are forgotten.
const MAX_DEPARTURES: usize = 64;

/// How often a tool server went when it is taken to come and go in a loop, or to be in a war over
/// its `server_id`.
pub(super) const LOOP: u32 = 3;

/// A tool server that went.
#[derive(Debug)]
pub(super) struct Departure {
    agent: Box<str>,
    pub label: Box<str>,
    pub address: Box<str>,
    pub end: Ending,
    pub at: Moment,
    times: u32,
    replaced: u32,
}

/// The tool servers that went, the latest last: one entry for each label of an agent.
#[derive(Debug, Default)]
pub(super) struct Departures {
    entries: VecDeque<Departure>,
    bytes: usize,
}

/// A tool server that went, for the key holder.
#[derive(Debug, PartialEq, Eq)]
pub struct Departed<'a> {
    /// Its label.
    pub label: &'a str,
    /// Where it had dialled in from.
    pub address: &'a str,
    /// The name of the reason, never translated.
    pub reason: &'static str,
    /// The reason, for a person.
    pub reason_text: String,
    /// Seconds since it went.
    pub seconds_ago: u64,
    /// How often one of this label went in the last minutes.
    pub times: u32,
    /// How often that was because a newer connection took its `server_id`.
    pub replaced: u32,
}

impl Departures {
    /// A tool server of `agent` is gone. Returns how often one of that label went in the last minutes, and
    /// how often because it was replaced.
    pub(super) fn note(
        &mut self,
        now: Moment,
        agent: &str,
        (label, address): (&str, &str),
        end: &Ending,
    ) -> (u32, u32) {
        let before =
            self.entries.iter().position(|old| *old.agent == *agent && *old.label == *label);
        let before = before.and_then(|before| self.entries.remove(before));
        let before = before.filter(|old| now.since(old.at) < SHOWN_FOR);
        let (times, replaced) = before.map_or((0, 0), |old| (old.times, old.replaced));
        let times = times.saturating_add(1);
        let replaced = replaced.saturating_add((end.reason == CloseReason::Replaced).into());
        if self.entries.len() >= MAX_DEPARTURES {
            self.forget_one();
        }
        self.entries.push_back(Departure {
            agent: agent.into(),
            label: label.into(),
            address: address.into(),
            end: end.clone(),
            at: now,
            times,
            replaced,
        });
        let texts = self.entries.iter().flat_map(|old| [&old.agent, &old.label, &old.address]);
        let texts = texts.map(|text| allocated(text.len())).sum::<usize>();
        self.bytes = texts + array_of::<Departure>(self.entries.capacity());
        (times, replaced)
    }

    /// How many bytes of memory they take.
    pub(super) fn memory(&self) -> usize {
        self.bytes
    }

    /// Whether a tool server of the agent comes and goes in a loop: the one called `label`, or any
    /// where it is not known yet how one is called. Such are summed up in the log.
    pub(super) fn is_loop(&self, now: Moment, agent: &str, label: Option<&str>) -> bool {
        let mut recent = self.entries.iter().filter(|gone| now.since(gone.at) < SHOWN_FOR);
        recent.any(|gone| {
            let is_it = label.is_none_or(|label| *gone.label == *label);
            gone.times >= LOOP && *gone.agent == *agent && is_it
        })
    }

    /// Forgets the oldest of the agent that has the most, so that nobody's tool servers crowd out those of
    /// others.
    fn forget_one(&mut self) {
        let of = |agent: &str| self.entries.iter().filter(|gone| *gone.agent == *agent).count();
        // Of several it takes the last, which is the oldest this way round.
        let newest_first = self.entries.iter().enumerate().rev();
        let crowded = newest_first.max_by_key(|(_, gone)| of(&gone.agent));
        if let Some(place) = crowded.map(|(place, _)| place) {
            self.entries.remove(place);
        }
    }

    /// The one of `agent` that went last, however long ago.
    pub(super) fn last_of(&self, agent: &str) -> Option<&Departure> {
        self.entries.iter().rev().find(|gone| *gone.agent == *agent)
    }

    /// Those of the last minutes with their agents, the latest first.
    pub(super) fn recent(
        &self,
        now: Moment,
        language: Language,
    ) -> impl Iterator<Item = (&str, Departed<'_>)> {
        let recent = self.entries.iter().rev().filter(move |gone| now.since(gone.at) < SHOWN_FOR);
        recent.map(move |gone| {
            let departed = Departed {
                label: &gone.label,
                address: &gone.address,
                reason: gone.end.reason.label(),
                reason_text: language.ending(&gone.end),
                seconds_ago: now.since(gone.at).as_secs(),
                times: gone.times,
                replaced: gone.replaced,
            };
            (&*gone.agent, departed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::CloseReason;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn recent(departures: &Departures, seconds: u64) -> Vec<(&str, Departed<'_>)> {
        departures.recent(at(seconds), Language::En).collect()
    }

    #[test]
    fn a_tool_that_goes_again_and_again_is_one_entry_with_a_count() {
        let mut departures = Departures::default();
        departures.note(at(1), "a", ("x", "h:1"), &CloseReason::PeerVanished.into());
        departures.note(at(2), "a", ("y", "h:2"), &CloseReason::PeerClosed.into());
        departures.note(at(3), "b", ("x", "h:3"), &CloseReason::PeerClosed.into());
        departures.note(at(9), "a", ("x", "h:4"), &CloseReason::PingTimeout.into());
        let seen = recent(&departures, 10);
        let labels: Vec<_> = seen.iter().map(|(agent, gone)| (*agent, gone.label)).collect();
        assert_eq!(labels, [("a", "x"), ("b", "x"), ("a", "y")]);
        let latest = &seen[0].1;
        assert_eq!((latest.times, latest.seconds_ago, latest.address), (2, 1, "h:4"));
        assert_eq!(latest.reason, "ping_timeout");
    }

    #[test]
    fn after_some_minutes_a_tool_that_went_is_not_shown_any_more() {
        let mut departures = Departures::default();
        departures.note(at(1), "a", ("x", "h:1"), &CloseReason::PeerClosed.into());
        assert_eq!(recent(&departures, 600).len(), 1);
        assert!(recent(&departures, 601).is_empty());
        assert!(departures.last_of("a").is_some_and(|gone| &*gone.label == "x"), "but is known");
        assert!(departures.last_of("b").is_none());
        departures.note(at(700), "a", ("x", "h:1"), &CloseReason::PeerClosed.into());
        assert_eq!(recent(&departures, 700)[0].1.times, 1, "it starts afresh");
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut departures = Departures::default();
        for number in 0..1000 {
            departures.note(
                at(1),
                "a",
                (&number.to_string(), "h:1"),
                &CloseReason::PeerClosed.into(),
            );
        }
        departures.note(at(1), "b", ("x", "h:1"), &CloseReason::PeerClosed.into());
        for number in 0..1000 {
            departures.note(
                at(1),
                "a",
                (&number.to_string(), "h:1"),
                &CloseReason::PeerClosed.into(),
            );
        }
        let seen = recent(&departures, 2);
        assert_eq!((seen.len(), seen[0].1.label), (MAX_DEPARTURES, "999"));
        assert!(departures.last_of("b").is_some(), "a crowd of one agent harms no other");
    }
}
