//! The doctor in broken set-ups, each of them real: what stops people from having their tools at
//! hand, and whether it is called by its name.

mod addresses;
mod others;
mod proxies;
mod servers;
mod tls;
pub(crate) mod visit;
