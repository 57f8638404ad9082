//! Attacks by those without a token.

use super::measure::{Report, Scale, Stage};
use super::peers::{one_stranger, stranger, Endings, Strangers};
use crate::common::{upgrade, Frame, TEXT};
use crate::load::{Target, MIB};
use std::net::Ipv4Addr;
use std::time::Duration;

pub(crate) fn refused_sockets_that_send_600_kb(scale: Scale) -> Report {
    let stage = Stage::new().with_answers_of(scale.pick(100_000, 1_500_000));
    stage.play(|target| refused(target, scale.pick(20, 119), 600_000, scale.time()))
}

pub(crate) fn refused_sockets_that_send_40_kb(scale: Scale) -> Report {
    let stage = Stage::new().with_answers_of(100_000);
    let stage = stage.set("websocket", "max_connections", 3000);
    stage.play(|target| refused(target, scale.pick(100, 1734), 40_000, scale.time()))
}

/// Sockets whose token is wrong, and that then begin a message as large as may be.
fn refused(target: &Target, count: usize, bytes: usize, time: Duration) {
    let opening = upgrade("/mcp_endpoint/mcp/?token=nonsense", &[]);
    let mut then = Frame::head_without_mask(0x80 | TEXT, 15 * MIB);
    then.resize(then.len() + bytes, b' ');
    let strangers = Strangers { count, source: stranger, opening: opening.as_bytes(), then: &then };
    let endings = strangers.stay(target, time);
    expect(&endings, &["101 1008", "503", "nothing"]);
    assert!(
        endings.contains_key("101 1008"),
        "nobody is told that the token is wrong: {endings:?}"
    );
}

pub(crate) fn half_heads(scale: Scale) -> Report {
    let stage = Stage::new().with_answers_of(1_500_000);
    let stage = stage.set("websocket", "max_connections", 10_000);
    stage.play(|target| {
        let start = "GET /mcp_endpoint/mcp/?token=x HTTP/1.1\r\nHost: localhost\r\nX: ";
        let opening = format!("{start:x<8180}");
        let count = scale.pick(300, 9000);
        let strangers =
            Strangers { count, source: stranger, opening: opening.as_bytes(), then: b"" };
        expect(&strangers.stay(target, scale.time()), &["nothing", "408", "503"]);
    })
}

pub(crate) fn silent_sockets_from_one_address(scale: Scale) -> Report {
    silent_sockets(scale, one_stranger)
}

pub(crate) fn silent_sockets_from_everywhere(scale: Scale) -> Report {
    silent_sockets(scale, stranger)
}

fn silent_sockets(scale: Scale, source: fn(usize) -> Ipv4Addr) -> Report {
    let stage = Stage::new().set("websocket", "max_connections", scale.pick(100, 1000));
    stage.play(|target| {
        let strangers = Strangers { count: scale.pick(200, 2100), source, opening: b"", then: b"" };
        expect(&strangers.stay(target, scale.time()), &["nothing", "408", "503"]);
    })
}

/// Panics where an attacker was answered anything else.
fn expect(endings: &Endings, documented: &[&str]) {
    eprintln!("  the attackers were answered: {endings:?}");
    let odd: Vec<_> =
        endings.keys().filter(|answer| !documented.contains(&answer.as_str())).collect();
    assert!(odd.is_empty(), "attackers were answered {odd:?}, among {endings:?}");
}
