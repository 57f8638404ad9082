//! Who was refused or turned away, and for which mistake, as far as it can be told.

use super::ask::Ask;
use crate::close::{CloseReason, RefusalReason};
use crate::moment::Moment;
use crate::token::{self, percent};
use std::net::IpAddr;

/// What was probably done wrong where `token` is refused with `close`.
pub(super) fn of_token(ask: &Ask<'_>, token: &[u8], close: CloseReason) -> RefusalReason {
    match close {
        CloseReason::TokenMissing if ask.field("key").is_some() => RefusalReason::ConsoleAddress,
        CloseReason::TokenMissing => RefusalReason::TokenMissing,
        CloseReason::TokenMalformed => RefusalReason::TokenMalformed,
        CloseReason::TokenWithoutAgent => RefusalReason::TokenWithoutAgent,
        _ if is_a_key(ask, token) => RefusalReason::KeyForToken,
        _ if token::is_whole(token) => RefusalReason::TokenOfAnotherKey,
        _ => RefusalReason::TokenMangled,
    }
}

/// Whether `token` is our key, or has the form of those we make. No token is as long.
fn is_a_key(ask: &Ask<'_>, token: &[u8]) -> bool {
    let token = percent::decode(token);
    let key = ask.context.settings.server.key.as_bytes();
    token::same_key(&token, key) || (token.len() == 32 && token.iter().all(u8::is_ascii_hexdigit))
}

/// Who was refused or turned away of late: one address for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentRefusal {
    /// Where the peer is; of an IPv4 peer that came over IPv6, the IPv4 address.
    pub address: IpAddr,
    /// What was wrong.
    pub reason: RefusalReason,
    /// How often, as long as it is remembered.
    pub count: u32,
    /// When it was the last time.
    pub last: Moment,
}
