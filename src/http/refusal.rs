//! Recent refusals, and the likely mistake behind each.

use super::request::Request;
use crate::close::{CloseReason, RefusalReason};
use crate::time::Moment;
use crate::token::{self, percent};
use std::net::IpAddr;

/// The likely mistake behind a `token` that is refused with `close`.
pub(super) fn of_token(request: &Request<'_>, token: &[u8], close: CloseReason) -> RefusalReason {
    match close {
        CloseReason::TokenMissing if request.parameter("key").is_some() => {
            RefusalReason::ConsoleAddress
        }
        CloseReason::TokenMissing => RefusalReason::TokenMissing,
        CloseReason::TokenMalformed => RefusalReason::TokenMalformed,
        CloseReason::TokenWithoutAgent => RefusalReason::TokenWithoutAgent,
        _ if looks_like_key(request, token) => RefusalReason::KeyForToken,
        _ if token::has_token_form(token) => RefusalReason::TokenOfAnotherKey,
        _ => RefusalReason::TokenMangled,
    }
}

/// Whether `token` is our key, or looks like one that this program made: 32 hexadecimal digits.
fn looks_like_key(request: &Request<'_>, token: &[u8]) -> bool {
    let token = percent::decode(token);
    let key = request.context.settings.server.key.as_bytes();
    token::same_key(&token, key) || (token.len() == 32 && token.iter().all(u8::is_ascii_hexdigit))
}

/// The recent refusals of one address for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentRefusal {
    /// The address of the peer. An IPv4 address in IPv6 form is written as IPv4.
    pub address: IpAddr,
    /// What was wrong.
    pub reason: RefusalReason,
    /// How many times, while they are remembered.
    pub count: u32,
    /// When it last happened.
    pub last: Moment,
}
