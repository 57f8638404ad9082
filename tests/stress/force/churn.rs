//! Coming and going: nothing is left behind.

use crate::common::{Ending, Frame, Random, Server, LOG, TIMEOUT};
use crate::load::{alone, call, wait_until, Good, Target};
use crate::storm::come_and_go;

/// In how many rounds after another memory has to grow by more than a twentieth to be a leak.
const ROUNDS: usize = 4;

#[test]
fn thousands_of_connections_leave_nothing_behind() {
    let _machine = alone();
    churn(500, 3000);
}

#[test]
#[ignore = "a long campaign: cargo test --release --test stress hundred_thousand -- --ignored"]
fn a_hundred_thousand_connections_leave_nothing_behind() {
    let _machine = alone();
    churn(10_000, 100_000);
}

fn churn(warm_up: u64, count: u64) {
    let server =
        Server::builder().set("relay", "reconnect_grace", 1).set("server", "log_level", "WARN");
    let server = server.start();
    let target = Target::of(&server);
    let good = Good::start(&target, 1);
    let mut random = Random::new(7);
    come_and_go(&target, &mut random, warm_up);
    let mut before = target.settled(1);
    // A chance crowd may need more memory than any before it, but not again and again.
    let mut rounds = (0..ROUNDS).map(|_| {
        good.during(|| come_and_go(&target, &mut random, count));
        let after = target.settled(1);
        eprintln!("  (descriptors, resident): {before:?} before, {after:?} after");
        assert_eq!(after.0, before.0, "descriptors");
        let grown = after.1.saturating_sub(std::mem::replace(&mut before, after).1);
        grown <= after.1 / 20
    });
    assert!(rounds.any(|rests| rests), "each of {ROUNDS} rounds takes more memory");
    good.assert_unharmed();
}

#[test]
fn a_reset_in_the_middle_of_a_frame_is_noticed_and_forgotten() {
    let server = Server::start();
    let target = Target::of(&server);
    // A thread opens it, perhaps after the terminal has said that the server listens.
    wait_until("the log file is open", TIMEOUT, || !server.folder().read(LOG).is_empty());
    let before = target.usage.descriptors();
    for _ in 0..50 {
        let client = target.robot("a");
        let frame = Frame::text(&call(1)).bytes();
        client.send_bytes(&frame[..frame.len() / 2]);
        client.sender().cut(Ending::Reset);
        drop(client);
        let tool = target.mute_tool("a");
        tool.send_bytes([0x81]);
        tool.abort();
    }
    wait_until("they are forgotten", TIMEOUT, || target.usage.descriptors() <= before);
    assert_eq!(target.stats()["total_connections"], 0);
    assert_eq!(target.queued_bytes(), 0);
}
