//! The address of a client that connects through a proxy.

use super::RequestHead;
use crate::settings::Network;
use std::net::{IpAddr, SocketAddr};

/// The longest chain of proxies that is followed.
const MAX_PROXIES: usize = 16;

/// The address of the client behind `peer`, according to `X-Forwarded-For`. `None` if `peer` is not
/// a trusted proxy, or sends no address.
///
/// Each proxy appends the address that connected to it. So this reads the list from its end, and stops at
/// the first address that is not in `trusted`: whatever precedes it may be forged by the client.
///
/// `Forwarded` (RFC 7239) is ignored. A proxy sets one of the two headers and passes the other one
/// through unchecked, and the server cannot know which.
pub fn client(head: &RequestHead<'_>, peer: IpAddr, trusted: &[Network]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let headers = head.headers.iter().rev();
    let named = headers.filter(|header| header.name.eq_ignore_ascii_case("x-forwarded-for"));
    let mut addresses = named.flat_map(|header| header.value.rsplit(|byte| *byte == b','));
    let mut found = None;
    for _ in 0..MAX_PROXIES {
        if !is_trusted(found.unwrap_or(peer)) {
            break;
        }
        let Some(next) = addresses.next().and_then(address) else { break };
        found = Some(next);
    }
    found
}

/// An address as proxies write it: with or without a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok();
    let parsed = parsed.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    parsed.map(|address| address.to_canonical())
}
