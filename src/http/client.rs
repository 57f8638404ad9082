//! Who a request is really from, where it comes through a proxy.

use super::Request;
use crate::settings::Network;
use std::net::{IpAddr, SocketAddr};

/// How many proxies one behind the other are followed.
const MOST: usize = 16;

/// The address of the client behind `peer`, as `X-Forwarded-For` tells it: each proxy writes behind
/// what was there whom it heard it from, so the list is believed from its end, as long as it is
/// told by one of `trusted`. What a client wrote there itself is never reached. Nothing where the
/// peer is no such proxy, or does not say.
///
/// `Forwarded` (RFC 7239) is not looked at: a proxy sets one of the two and passes the other on as
/// its client wrote it, and we cannot know which.
pub fn client(request: &Request<'_>, peer: IpAddr, trusted: &[Network]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let headers = request.headers.iter().rev();
    let named = headers.filter(|header| header.name.eq_ignore_ascii_case("x-forwarded-for"));
    let mut told = named.flat_map(|header| header.value.rsplit(|byte| *byte == b','));
    let mut found = None;
    for _ in 0..MOST {
        if !is_trusted(found.unwrap_or(peer)) {
            break;
        }
        let Some(next) = told.next().and_then(address) else { break };
        found = Some(next);
    }
    found
}

/// An address as proxies write it: alone, or with a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok();
    let parsed = parsed.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    parsed.map(|address| address.to_canonical())
}
