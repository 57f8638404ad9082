//! The relay as a whole: any sequence of what may happen to it. After every step its own
//! invariants hold; what it sends is looked at in `world.rs`.
//!
//! Bytes are steps: one for what happens, one for whom, more for what is said (`words.rs`).
#![no_main]

#[path = "../python.rs"]
mod python;
mod words;
mod world;

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::relay::{Policy, Side};
use mcp_endpoint_server::text::Language;
use std::time::Duration;
use words::Bytes;
use world::World;

/// More steps say nothing that fewer do not.
const MAX_STEPS: usize = 400;

/// Never more peers than these at once.
const MAX_PEERS: usize = 16;

fuzz_target!(|data: &[u8]| {
    world::listen_to_the_log();
    let mut bytes = Bytes(data);
    let mut world = World::new(policy(0));
    for _ in 0..MAX_STEPS {
        if bytes.0.is_empty() {
            break;
        }
        step(&mut world, &mut bytes);
        world.look();
    }
    world.end();
});

fn step(world: &mut World, bytes: &mut Bytes<'_>) {
    let (what, who) = (bytes.one() % 16, bytes.one());
    match what {
        0 if world.count() < MAX_PEERS => {
            let server_id = [None, None, Some("pi"), Some("查 询")][usize::from(who / 3) % 4];
            world.join(Side::Tool, usize::from(who) % 3, server_id);
        }
        1 if world.count() < MAX_PEERS => {
            world.join(Side::Robot, usize::from(who) % 3, None);
        }
        2 => world.leave(who),
        3..=5 => {
            let Some(robot) = world.pick(Side::Robot, who) else { return };
            let text = words::of_robot(bytes, world.marker(robot));
            world.sends(robot, &text);
        }
        6 | 7 => {
            let Some(tool) = world.pick(Side::Tool, who) else { return };
            let which = bytes.one();
            let Some(asked) = world.take_asked(tool, which) else { return };
            let text = words::answer(bytes, &asked, world.marker(tool));
            world.sends(tool, &text);
        }
        8 => {
            let Some(tool) = world.pick(Side::Tool, who) else { return };
            let way = bytes.one();
            answer_all(world, tool, way);
        }
        9 => {
            let Some(tool) = world.pick(Side::Tool, who) else { return };
            let asked = world.asked(tool);
            let text = words::of_tool(bytes, &asked, world.marker(tool));
            world.sends(tool, &text);
        }
        10 => {
            const MILLIS: [u64; 10] = [1, 50, 100, 500, 1000, 2000, 5000, 10_000, 60_000, 300_000];
            world.wait(Duration::from_millis(MILLIS[usize::from(who) % MILLIS.len()]));
        }
        11 => {
            world.look_closely();
            world.wait_until_woken();
        }
        12 => world.toggle_congestion(who),
        13 => world.follow(policy(who)),
        14 => {
            let Some(peer) = world.pick_any(who) else { return };
            let length = usize::from(bytes.one());
            let text = words::raw(bytes.some(length));
            world.sends(peer, &text);
        }
        15 => {
            for _ in 0..3 {
                for tool in world.all(Side::Tool) {
                    answer_all(world, tool, who);
                }
            }
        }
        _ => (),
    }
}

/// A tool answers everything it was asked, as tools do.
fn answer_all(world: &mut World, tool: u32, way: u8) {
    for _ in 0..64 {
        let Some(asked) = world.take_asked(tool, 0) else { return };
        let same_way = [way, 0];
        let text = words::answer(&mut Bytes(&same_way), &asked, world.marker(tool));
        world.sends(tool, &text);
    }
}

fn policy(choice: u8) -> Policy {
    let bit = |bit: u8| choice & (1 << bit) != 0;
    let mut policy = Policy { handshake: !bit(0), quirks: !bit(1), ..Policy::default() };
    if bit(2) {
        policy.max_in_flight = 2;
    }
    if bit(3) {
        policy.max_held = 256;
    }
    if bit(4) {
        policy.tool_ping_interval = None;
    }
    if bit(5) {
        policy.reconnect_grace = Duration::ZERO;
    }
    if bit(6) {
        policy.request_timeout = Duration::from_secs(1);
        policy.handshake_timeout = Duration::from_millis(100);
    }
    if bit(7) {
        policy.language = Language::En;
        policy.debug = true;
    }
    policy
}
