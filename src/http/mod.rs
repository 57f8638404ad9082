//! What a plain request gets (docs/protocol.md#plain-http): pure, a request and a view in, an answer out.

mod ask;
mod client;
mod cors;
mod health;
mod json;
mod metrics;
mod page;
mod refusal;
mod reload;
mod response;
mod routes;
mod status;
mod upgrade;

#[cfg(test)]
mod tests;

pub use crate::close::RefusalReason;
pub use client::client;
pub use refusal::RecentRefusal;
pub use reload::reloaded;
pub use response::{plain, Trouble};

use crate::close::CloseReason;
use crate::ledger::{OwnerKind, Totals};
use crate::moment::Moment;
use crate::relay::{Relay, Side};
use crate::settings::Settings;
use ask::Ask;
use routes::Handler;
use std::fmt;

/// A request head, parsed.
#[derive(Debug)]
pub struct Request<'a> {
    /// `GET`, `HEAD`, …
    pub method: &'a str,
    /// The path and query, as they came.
    pub target: &'a str,
    /// The headers, as they came.
    pub headers: &'a [httparse::Header<'a>],
}

/// What an answer is made from.
#[derive(Debug)]
pub struct Context<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// The relay, for what it tells about itself.
    pub relay: &'a Relay,
    /// What the shell tells about itself.
    pub shell: ShellView,
    /// What is found out only when somebody asks for it.
    pub machine: &'a dyn Machine,
    /// Now, which is also how long the server has been running.
    pub now: Moment,
    /// Whether a key may be looked at: whoever guesses keys has to wait before.
    pub may_see_key: bool,
}

/// What costs a look around, and so is found out only when somebody asks for it.
pub trait Machine {
    /// How many bytes of memory the process occupies; nothing where the system does not say.
    fn memory(&self) -> Option<u64>;

    /// A guess at the host under which others reach this server, and its port.
    fn reached_at(&self) -> (String, u16);

    /// Who was refused or turned away of late, the newest first.
    fn refusals(&self) -> Vec<RecentRefusal>;

    /// How many bytes of memory are kept for an agent; nothing where nobody keeps count.
    fn kept_for(&self, _agent: &str) -> Option<usize> {
        None
    }
}

impl fmt::Debug for dyn Machine + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}

/// No machine to ask: nothing is known, and nobody else can reach the server.
impl Machine for () {
    fn memory(&self) -> Option<u64> {
        None
    }

    fn reached_at(&self) -> (String, u16) {
        ("localhost".to_owned(), 0)
    }

    fn refusals(&self) -> Vec<RecentRefusal> {
        Vec::new()
    }
}

/// What the shell tells about itself: counts only.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShellView {
    /// Open connections of every kind.
    pub connections: usize,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections turned away since the start: too many, or no descriptor left.
    pub turned_away: u64,
    /// Upgrades refused since the start: token, origin.
    pub refused: u64,
    /// Bytes waiting in all queues and half-read messages now.
    pub queued_bytes: usize,
    /// Bytes received since the start.
    pub bytes_in: u64,
    /// Bytes sent since the start.
    pub bytes_out: u64,
    /// What the owners of each kind hold in memory, in the order of [`OwnerKind::ALL`].
    pub memory: [Totals; OwnerKind::ALL.len()],
    /// How WebSockets ended since the start, and upgrades that were refused.
    pub ends: Ends,
}

/// How often connections ended for each reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends([u64; CloseReason::ALL.len()]);

impl Ends {
    /// One ended for `reason`.
    pub fn note(&mut self, reason: CloseReason) {
        let place = CloseReason::ALL.iter().position(|other| *other == reason);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += 1;
        }
    }

    /// Every reason with how often it was one.
    pub fn iter(&self) -> impl Iterator<Item = (CloseReason, u64)> + '_ {
        CloseReason::ALL.into_iter().zip(self.0)
    }
}

/// What the shell is to do about a request.
#[derive(Debug)]
pub enum Answer {
    /// Send this response, then close.
    Respond(Response),
    /// Send the 101 response; from then on it is a WebSocket.
    Upgrade(Upgrade),
    /// Wait as long as the address has to, then ask again with a [`Context`] that may see the key.
    CheckKey,
    /// Read the settings again, and answer [`reloaded`] what came of it.
    Reload,
}

/// A plain response. The shell adds nothing to it.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// What was wrong with the request, where its owner should know.
    pub refused: Option<RefusalReason>,
    /// Whether it is to come ever later, the more such responses the same address gets: whoever
    /// guesses keys gets them.
    pub is_slowed: bool,
    /// The whole response, head and body, as it goes on the wire.
    pub bytes: Vec<u8>,
}

/// An upgrade that is granted. It is completed even where the token is refused then
/// (docs/protocol.md#refused-tokens).
#[derive(Debug)]
pub struct Upgrade {
    /// The whole 101 response as it goes on the wire.
    pub bytes: Vec<u8>,
    /// Which endpoint was dialled.
    pub side: Side,
    /// The agent the token names, or why the connection is to be closed at once.
    pub agent: Result<String, CloseReason>,
    /// What was probably done wrong where no agent is named.
    pub refused: Option<RefusalReason>,
    /// `server_id` of the address.
    pub server_id: Option<String>,
}

/// What is to be done about `request`.
pub fn answer(request: &Request<'_>, context: &Context<'_>) -> Answer {
    let ask = Ask::new(request, context);
    let reply = match (routes::find(&ask.path, &ask.prefix), request.method) {
        (None, _) => routes::not_found(&ask),
        (Some(found), method) if matches!(found.handler, Handler::Reload) => match method {
            "POST" if ask.claims_the_key() && !context.may_see_key => return Answer::CheckKey,
            "POST" if ask.has_key() => return Answer::Reload,
            "POST" => health::key_refused(&ask),
            _ => routes::wrong_method(&ask, "POST"),
        },
        (Some(_), "OPTIONS") => cors::preflight(&ask),
        (Some(found), "GET" | "HEAD") => match found.handler {
            Handler::Keyed(_) if ask.claims_the_key() && !context.may_see_key => {
                return Answer::CheckKey;
            }
            Handler::Page(page) | Handler::Keyed(page) => {
                upgrade::hinted(&ask, page(&ask, found.prefix))
            }
            Handler::Socket(side) => match upgrade::granted(&ask, side) {
                Ok(upgrade) => return Answer::Upgrade(upgrade),
                Err(refusal) => refusal,
            },
            Handler::Reload => routes::wrong_method(&ask, "POST"),
        },
        (Some(_), _) => routes::wrong_method(&ask, routes::METHODS),
    };
    Answer::Respond(cors::marked(reply, &ask).finish(request.method == "HEAD"))
}
