//! The relay among peers that do whatever comes to their minds: seeded, so that what went wrong
//! can be looked at again.
//!
//! `SIMULATION_SEED=n cargo test --test core simulation::` plays one seed and tells everything;
//! `SIMULATION_SEEDS=n` plays the first n seeds.

mod actors;
mod checks;
mod choices;
mod play;
mod robots;
mod tools;

use play::Play;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// How many seeds are played, unless somebody asks for another number.
const SEEDS: u64 = 300;

/// How many things happen in each.
const STEPS: usize = 900;

/// Plays one seed; what went wrong, and what happened last.
fn play(seed: u64, loud: bool) -> Result<(), String> {
    let mut play = Play::new(seed, loud);
    let played = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..STEPS {
            play.step();
        }
        play.comes_to_rest();
        play.everybody_leaves();
    }));
    played.map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        format!("{}\nseed {seed}: {why}", play.last_events())
    })
}

#[test]
fn whatever_happens_the_promises_hold() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        let seed = seed.parse().expect("SIMULATION_SEED is a number");
        return play(seed, true).unwrap();
    }
    let seeds = std::env::var("SIMULATION_SEEDS")
        .map_or(SEEDS, |seeds| seeds.parse().expect("SIMULATION_SEEDS is a number"));
    let halves = [0, 1].map(|half| {
        std::thread::spawn(move || {
            (0..seeds).filter(|seed| seed % 2 == half).try_for_each(|seed| play(seed, false))
        })
    });
    for half in halves {
        if let Err(what) = half.join().unwrap() {
            panic!("{what}\nreplay it: SIMULATION_SEED=n cargo test --test core simulation::");
        }
    }
}
