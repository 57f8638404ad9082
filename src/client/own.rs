//! Where the configured server is: for others, and from this machine.

use super::{Address, Kind};
use crate::net::lan::{self, Hint};
use crate::settings::Settings;
use crate::text::Language;
use crate::token::address::Base;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// Where others reach a server with these settings that listens on `listening`, and what its
/// owner should know about that.
pub fn base(settings: &Settings, listening: &[SocketAddr]) -> (Base, Option<Hint>) {
    let server = &settings.server;
    if let Some(url) = &server.public_url {
        return (Base::public(url), None);
    }
    let port = listening.first().map_or(server.port, SocketAddr::port);
    let guess = lan::guess(listening);
    (Base::local(&guess.host, port, &server.path_prefix), guess.hint)
}

/// Where a server with these settings listens, as far as that can be known without it.
pub fn listening(settings: &Settings) -> Vec<SocketAddr> {
    let server = &settings.server;
    let found = (server.host.as_str(), server.port).to_socket_addrs();
    found.map(Iterator::collect).unwrap_or_default()
}

/// The server's address on this machine.
///
/// # Errors
/// What to do where it cannot be known.
pub fn here(settings: &Settings, language: Language) -> Result<Address, String> {
    let server = &settings.server;
    if server.port == 0 {
        return Err(language.port_unknown());
    }
    let host = match server.host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        // Where `::` takes both families, IPv6 may still be switched off.
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "localhost".to_owned(),
        _ => server.host.clone(),
    };
    Ok(Address {
        secure: false,
        websocket: None,
        host,
        port: server.port,
        prefix: String::new(),
        kind: Kind::Base,
        key: None,
        token: None,
    })
}

/// The address that was given, or that of the configured server on this machine.
///
/// # Errors
/// What is wrong with the one that was given, or what keeps the other from being known.
pub fn named(settings: &Settings, at: Option<&str>, language: Language) -> Result<Address, String> {
    match at {
        Some(text) => Address::read(text).map_err(|why| why.told(language, text)),
        None => here(settings, language),
    }
}
