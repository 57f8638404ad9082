//! Where the configured server is: for others, and from this machine.

use super::{Address, Kind};
use crate::lan::{self, Hint};
use crate::settings::{Loaded, Settings};
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

/// Whether `address` is that of the configured server, as this machine or others reach it. Nobody
/// else is to see its key.
pub fn is_own(settings: &Settings, address: &Address) -> bool {
    let public = settings.server.public_url.as_deref().and_then(|url| Address::read(url).ok());
    if public.is_some_and(|public| public.is_beside(address)) {
        return true;
    }
    // The language is that of an error nobody sees.
    let Ok(here) = here(settings, Language::default()) else { return false };
    here.is_beside(address)
        || Address { host: lan::guess(&listening(settings)).host, ..here }.is_beside(address)
}

/// The address that was given, or that of the configured server on this machine.
///
/// # Errors
/// What is wrong with the one that was given, or what keeps the other from being known.
pub fn named(settings: &Settings, at: Option<&str>, language: Language) -> Result<Address, String> {
    match at {
        Some(text) => Address::read(text).map_err(|why| why.text(language, text)),
        None => here(settings, language),
    }
}

/// The server at the address that was given, or the configured one, and its key.
///
/// # Errors
/// What is wrong with the address, or why there is no key for it.
pub fn keyed(
    loaded: &Loaded,
    given: Option<&str>,
    language: Language,
) -> Result<(Address, String), String> {
    let address = named(&loaded.settings, given, language)?;
    let key = match &address.key {
        Some(key) => key.clone(),
        None if given.is_none() || is_own(&loaded.settings, &address) => {
            loaded.settings.server.key.clone()
        }
        None => return Err(language.key_of_other(&address.base("http"))),
    };
    if key.is_empty() {
        return Err(language.status_key(loaded.file.display()));
    }
    Ok((address, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: &str, public_url: Option<&str>) -> Settings {
        let mut settings = Settings::default();
        settings.server.host = host.to_owned();
        settings.server.port = 8004;
        settings.server.public_url = public_url.map(str::to_owned);
        settings
    }

    #[test]
    fn the_configured_server_is_known_by_its_address() {
        let public = Some("https://mcp.example/x");
        for (host, public_url, given, expected) in [
            ("127.0.0.1", None, "http://127.0.0.1:8004", true),
            ("127.0.0.1", None, "ws://LocalHost:8004/mcp_endpoint/", true),
            ("0.0.0.0", None, "http://[::1]:8004/x", true),
            ("::", None, "127.0.0.1:8004", true),
            ("192.0.2.7", None, "http://192.0.2.7:8004", true),
            ("127.0.0.1", public, "https://MCP.example", true),
            ("127.0.0.1", public, "http://127.0.0.1:8004", true),
            ("127.0.0.1", None, "http://127.0.0.1:8005", false),
            ("127.0.0.1", None, "http://127.0.0.1", false),
            ("127.0.0.1", None, "https://127.0.0.1:8004", false),
            ("127.0.0.1", None, "http://localhost.example:8004", false),
            ("127.0.0.1", None, "http://127.0.0.1:8004@other:8004", false),
            ("192.0.2.7", None, "http://127.0.0.1:8004", false),
            ("127.0.0.1", public, "http://mcp.example:443", false),
            ("127.0.0.1", public, "https://mcp.example:8443", false),
            ("127.0.0.1", public, "https://mcp.example.org", false),
        ] {
            let given_address = Address::read(given).unwrap();
            let settings = settings(host, public_url);
            assert_eq!(is_own(&settings, &given_address), expected, "{host} {given}");
        }
    }
}
