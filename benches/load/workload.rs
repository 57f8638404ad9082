//! Workloads. Their rounds alternate between two sides, so that other activity of the machine affects
//! both.

use super::dial::Dial;
use super::frames::{call, Answers};
use super::generator::{End, Generator, Round};
use super::peers::{MeasureError, Robot, Tool};
use super::relays::Relay;
use std::time::Duration;

/// The agents, their tools and their calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// How many agents, each with one robot.
    pub(crate) agents: usize,
    /// How many calls of each robot are under way.
    pub(crate) in_flight: usize,
    /// About how large a result is, in bytes.
    pub(crate) result: usize,
    /// How many tool servers an agent has.
    pub(crate) tools: usize,
    /// How many names each of them has, and how many of these the robot calls in turn.
    pub(crate) names: usize,
    pub(crate) called: usize,
    /// How many silent robots of other agents are connected, too.
    pub(crate) idle: usize,
}

/// One agent, one call under way, a small result.
pub(crate) const PLAIN: Workload =
    Workload { agents: 1, in_flight: 1, result: 200, tools: 1, names: 1, called: 1, idle: 0 };

/// One relay under one workload.
pub(crate) struct Side {
    relay: Relay,
    generator: Generator,
    rounds: Vec<Round>,
    /// Idle connections.
    _idle: Vec<std::net::TcpStream>,
}

impl Side {
    /// Connects all peers.
    pub(crate) fn new(relay: Relay, workload: Workload) -> Self {
        let answers = Answers::new(workload.result);
        let idle = idle_robots(&relay, workload.idle, 100);
        let mut ends = Vec::new();
        for agent in 0..workload.agents {
            let agent = format!("agent-{agent}");
            let mut calls = Vec::new();
            for tool in 0..workload.tools {
                let names: Vec<String> = (0..workload.names)
                    .map(|name| format!("self.light.set_scene_{tool}_{name:03}"))
                    .collect();
                let dial = Dial::tool(&relay, &agent, &format!("lights-{tool}"), &names);
                ends.push((dial.into_socket(), End::Tool(Tool::new())));
                calls.extend(names.iter().take(workload.called).map(|name| call(name)));
            }
            let robot = Robot::new(&calls, workload.in_flight, &answers, !relay.is_product);
            ends.push((Dial::robot(&relay, &agent).into_socket(), End::Robot(robot)));
        }
        let generator = Generator::new(ends, answers).expect("a poll queue");
        Side { relay, generator, rounds: Vec::new(), _idle: idle }
    }

    fn round(&mut self, length: Duration) -> Result<Round, MeasureError> {
        self.generator.round(&self.relay, length)
    }

    /// How many calls were answered during the measurement.
    pub(crate) fn calls(&self) -> usize {
        self.rounds.iter().map(|round| round.calls).sum()
    }

    /// The median of all rounds.
    pub(crate) fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }
}

/// Connects robots of `agents` agents that only do their handshake.
pub(crate) fn idle_robots(relay: &Relay, count: usize, agents: usize) -> Vec<std::net::TcpStream> {
    (0..count)
        .map(|robot| Dial::robot(relay, &format!("idle-{}", robot % agents)).into_socket())
        .collect()
}

/// Two sides, measured in turns.
pub(crate) struct Pair {
    pub(crate) first: Side,
    pub(crate) second: Side,
}

impl Pair {
    /// Runs one warm-up round and then `rounds` rounds on each side.
    ///
    /// # Errors
    /// One of the relays does not work.
    pub(crate) fn measure(&mut self, rounds: usize, length: Duration) -> Result<(), MeasureError> {
        let sides = [&mut self.first, &mut self.second];
        for side in sides {
            side.round(length / 4)?;
        }
        for _ in 0..rounds {
            for side in [&mut self.first, &mut self.second] {
                let round = side.round(length)?;
                side.rounds.push(round);
            }
        }
        Ok(())
    }

    /// The median ratio of adjacent rounds.
    pub(crate) fn ratio(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        let pairs = self.first.rounds.iter().zip(&self.second.rounds);
        median(pairs.map(|(first, second)| figure(first) / figure(second)).collect())
    }
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
