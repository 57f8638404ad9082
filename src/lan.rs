//! Under which address others can reach this machine, as far as it can be guessed.

use crate::text::Language;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

/// What to print as the server's host, and what has to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The host.
    pub host: String,
    /// What its owner should know.
    pub hint: Option<Hint>,
}

/// Why a guessed address may be of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The server listens on this machine only.
    LoopbackOnly,
    /// The server runs in a container, whose own address means nothing outside.
    Container,
    /// The machine has no network.
    NoNetwork,
}

impl Hint {
    /// What its owner should know, in words.
    pub fn said(self, language: Language) -> String {
        match self {
            Hint::LoopbackOnly => language.hint_loopback(),
            Hint::Container => language.hint_container(),
            Hint::NoNetwork => language.hint_no_network(),
        }
    }
}

/// Guesses the host for a server that listens on `listening`.
pub fn guess(listening: &[SocketAddr]) -> Guess {
    let address = listening.first().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), SocketAddr::ip);
    if !address.is_unspecified() {
        let hint = address.is_loopback().then_some(Hint::LoopbackOnly);
        return Guess { host: address.to_string(), hint };
    }
    match outward_address() {
        Some(address) => {
            Guess { host: address.to_string(), hint: in_container().then_some(Hint::Container) }
        }
        None => Guess { host: Ipv4Addr::LOCALHOST.to_string(), hint: Some(Hint::NoNetwork) },
    }
}

/// The address this machine would use to speak to the world. Nothing is sent to find it out:
/// connecting a datagram socket only asks for the way. The far ends are addresses reserved for
/// documentation.
fn outward_address() -> Option<IpAddr> {
    let ways: [(IpAddr, IpAddr); 2] = [
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()),
    ];
    ways.into_iter().find_map(|(from, to)| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        let own = socket.local_addr().ok()?.ip();
        (!own.is_unspecified() && !own.is_loopback()).then_some(own)
    })
}

/// Whether this process runs in a container.
fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
}
