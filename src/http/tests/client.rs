//! The address of a client behind proxies.

use super::*;
use crate::settings::table;
use std::net::IpAddr;

/// The client behind `peer`, with these header lines.
fn found(trusted: &str, peer: &str, lines: &[&str]) -> Option<String> {
    let mut settings = settings();
    let row = table::row("security", "trusted_proxies").unwrap();
    let table::Kind::Text { set, .. } = row.kind else { panic!("another kind") };
    set(&mut settings, trusted).unwrap();
    let headers: Vec<_> = lines
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| httparse::Header { name, value: value.as_bytes() })
        .collect();
    let request = RequestHead { method: "GET", target: "/", headers: &headers };
    let peer: IpAddr = peer.parse().unwrap();
    client(&request, peer, &settings.security.trusted_proxies).map(|address| address.to_string())
}

#[test]
fn only_a_trusted_proxy_is_believed() {
    let forwarded = ["X-Forwarded-For: 203.0.113.9"];
    assert_eq!(found("10.0.0.1", "10.0.0.1", &forwarded).as_deref(), Some("203.0.113.9"));
    assert_eq!(found("10.0.0.0/8", "::ffff:10.0.0.1", &forwarded).as_deref(), Some("203.0.113.9"));
    assert_eq!(found("10.0.0.1", "10.0.0.2", &forwarded), None);
    assert_eq!(found("", "127.0.0.1", &forwarded), None);
    assert_eq!(found("10.0.0.1", "10.0.0.1", &["Forwarded: for=203.0.113.9"]), None);
}

#[test]
fn an_address_that_the_client_forged_is_ignored() {
    let forged = ["X-Forwarded-For: 198.51.100.1, 10.0.0.7, 203.0.113.9"];
    assert_eq!(found("10.0.0.0/8", "10.0.0.1", &forged).as_deref(), Some("203.0.113.9"));
    // Some proxies add a second header instead of appending to the client's.
    let two = ["X-Forwarded-For: 198.51.100.1", "x-forwarded-for: 203.0.113.9"];
    assert_eq!(found("10.0.0.0/8", "10.0.0.1", &two).as_deref(), Some("203.0.113.9"));
}

#[test]
fn a_chain_of_proxies_is_followed_while_they_are_trusted() {
    let chain = ["X-Forwarded-For: 198.51.100.1, 203.0.113.9,10.0.0.3 , 10.0.0.2"];
    assert_eq!(found("10.0.0.0/8", "10.0.0.1", &chain).as_deref(), Some("203.0.113.9"));
    assert_eq!(found("10.0.0.1", "10.0.0.1", &chain).as_deref(), Some("10.0.0.2"));
    let all_ours = ["X-Forwarded-For: 10.0.0.3, 10.0.0.2"];
    assert_eq!(found("10.0.0.0/8", "10.0.0.1", &all_ours).as_deref(), Some("10.0.0.3"));
    let endless = format!("X-Forwarded-For: 1.1.1.1{}", ", 10.0.0.2".repeat(500));
    assert_eq!(found("10.0.0.0/8", "10.0.0.1", &[&endless]).as_deref(), Some("10.0.0.2"));
}

#[test]
fn an_address_may_have_a_port_and_an_invalid_one_ends_the_list() {
    for (forwarded, address) in [
        ("203.0.113.9:4711", Some("203.0.113.9")),
        ("2001:db8::1", Some("2001:db8::1")),
        ("[2001:db8::1]", Some("2001:db8::1")),
        ("[2001:db8::1]:4711", Some("2001:db8::1")),
        ("::ffff:203.0.113.9", Some("203.0.113.9")),
        ("203.0.113.9, unknown", None),
        ("203.0.113.9, ", None),
        ("1.2.3", None),
        ("<script>\u{1b}", None),
    ] {
        let line = format!("X-Forwarded-For: {forwarded}");
        assert_eq!(found("10.0.0.1", "10.0.0.1", &[&line]).as_deref(), address, "{forwarded}");
    }
}
