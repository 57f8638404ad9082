//! Tool servers that are HTTP services: a client of Streamable HTTP, and of the older HTTP+SSE
//! (docs/protocol.md#http-tool-servers).
//!
//! All but [`link`] and [`lookup`] is pure: bytes, the time and what became of connections go in; what to dial, to
//! write and to close, and the messages of the server come out.

pub mod events;
mod exchange;
mod failure;
mod link;
mod lookup;
pub mod response;
mod session;

pub(super) use link::HttpLink;
