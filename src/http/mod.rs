//! Answers HTTP requests (docs/protocol.md#plain-http). Pure: a request and a view go in, an action comes out.

mod client;
mod cors;
mod health;
mod json;
mod managed;
mod metrics;
mod page;
mod refusal;
mod reload;
mod request;
mod response;
mod routes;
mod selection;
mod status;
mod upgrade;

#[cfg(test)]
mod tests;

pub use crate::close::RefusalReason;
pub use client::client;
pub use refusal::RecentRefusal;
pub use reload::reloaded;
pub use response::{error_response, RequestError};
pub use selection::{chosen, save_is_slow, SelectionChange};

use crate::close::CloseReason;
use crate::ledger::{OwnerKind, Totals};
use crate::managed::ManagedStatus;
use crate::relay::{Relay, Side};
use crate::settings::Settings;
use crate::time::Moment;
use request::Request;
use routes::Handler;
use std::fmt;

/// A request head, parsed.
#[derive(Debug)]
pub struct RequestHead<'a> {
    /// `GET`, `HEAD`, …
    pub method: &'a str,
    /// The path and query, not decoded.
    pub target: &'a str,
    /// The headers, as received.
    pub headers: &'a [httparse::Header<'a>],
}

/// What a request is answered from.
#[derive(Debug)]
pub struct Context<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// The relay, for its counts and details.
    pub relay: &'a Relay,
    /// The counts of the shell.
    pub shell: ShellView,
    /// What is looked up only on request.
    pub machine: &'a dyn Machine,
    /// The current time, counted from the start of the server.
    pub now: Moment,
    /// Whether a key may be checked now. An address that guesses keys has to wait first.
    pub may_see_key: bool,
}

/// What takes time to find out, and so is looked up only on request.
pub trait Machine {
    /// How many bytes of memory the process occupies, if the system says so.
    fn memory(&self) -> Option<u64>;

    /// The host, guessed, and the port at which others reach this server.
    fn guessed_address(&self) -> (String, u16);

    /// The recent refusals, the newest first.
    fn refusals(&self) -> Vec<RecentRefusal>;

    /// How many bytes of memory are charged to an agent, if they are counted.
    fn memory_of(&self, _agent: &str) -> Option<usize> {
        None
    }

    /// The tool servers that the program runs or dials itself, in no particular order.
    fn managed(&self) -> Vec<ManagedStatus<'_>> {
        Vec::new()
    }
}

impl fmt::Debug for dyn Machine + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}

/// For benchmarks and fuzzing: nothing is known, and the guess is `localhost`.
impl Machine for () {
    fn memory(&self) -> Option<u64> {
        None
    }

    fn guessed_address(&self) -> (String, u16) {
        ("localhost".to_owned(), 0)
    }

    fn refusals(&self) -> Vec<RecentRefusal> {
        Vec::new()
    }
}

/// The counts of the shell.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShellView {
    /// Open connections of every kind.
    pub connections: usize,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections turned away since the start: too many of them, or no file descriptor left.
    pub turned_away: u64,
    /// Upgrades refused since the start for their token or origin.
    pub refused: u64,
    /// How often tool servers of the servers file were started again.
    pub managed_restarts: u64,
    /// Bytes in all queues and half-read messages now.
    pub queued_bytes: usize,
    /// Bytes received since the start.
    pub bytes_in: u64,
    /// Bytes sent since the start.
    pub bytes_out: u64,
    /// What the owners of each kind hold in memory, in the order of [`OwnerKind::ALL`].
    pub memory: [Totals; OwnerKind::ALL.len()],
    /// How many WebSockets and refused upgrades ended since the start, by reason.
    pub ends: CloseCounts,
}

/// How many connections ended for each reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloseCounts([u64; CloseReason::ALL.len()]);

impl CloseCounts {
    /// Counts a connection that ended for `reason`.
    pub fn note(&mut self, reason: CloseReason) {
        let index = CloseReason::ALL.iter().position(|other| *other == reason);
        if let Some(count) = index.and_then(|index| self.0.get_mut(index)) {
            *count += 1;
        }
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (CloseReason, u64)> + '_ {
        CloseReason::ALL.into_iter().zip(self.0)
    }
}

/// What the shell does about a request.
#[derive(Debug)]
pub enum Action {
    /// Send this response, then close.
    Respond(Response),
    /// Send the 101 response. From then on the connection is a WebSocket.
    Upgrade(Upgrade),
    /// Make the address wait if it guesses keys, then ask again with `may_see_key`.
    CheckKey,
    /// Read the settings again, then send the response that [`reloaded`] makes of the outcome.
    Reload,
    /// Take the body, change the selection, then send the response that [`chosen`] makes of the
    /// outcome.
    Choose(SelectionChange),
}

/// A plain response.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// What was wrong with the request, if the owner of the server should know.
    pub refused: Option<RefusalReason>,
    /// Whether to delay it, longer with each such response to the same address. Slows down guessing
    /// of keys.
    pub is_slowed: bool,
    /// The whole response, head and body, as it goes on the wire.
    pub bytes: Vec<u8>,
}

/// A granted upgrade. It is completed even if the token is then refused
/// (docs/protocol.md#refused-tokens).
#[derive(Debug)]
pub struct Upgrade {
    /// The whole 101 response, as it goes on the wire.
    pub bytes: Vec<u8>,
    /// Which endpoint the client asked for.
    pub side: Side,
    /// The agent that the token names, or why the connection is closed at once.
    pub agent: Result<String, CloseReason>,
    /// The likely mistake, if the token names no agent.
    pub refused: Option<RefusalReason>,
    /// The query parameter `server_id`.
    pub server_id: Option<String>,
}

/// What the shell does about the request with this head.
pub fn answer(head: &RequestHead<'_>, context: &Context<'_>) -> Action {
    let request = Request::new(head, context);
    let reply = match (routes::find(&request.path, &request.prefix), head.method) {
        (None, _) => routes::not_found(&request),
        (Some(found), method) if matches!(found.handler, Handler::Reload) => match method {
            "POST" if request.offers_key() && !context.may_see_key => return Action::CheckKey,
            "POST" if request.has_key() => return Action::Reload,
            "POST" => health::key_refused(&request),
            _ => routes::wrong_method(&request, "POST"),
        },
        (Some(found), "PUT") if matches!(found.handler, Handler::Selection) => {
            match selection::change(&request) {
                Ok(_) if !context.may_see_key => return Action::CheckKey,
                Ok(change) => return Action::Choose(change),
                Err(refusal) => refusal,
            }
        }
        (Some(_), "OPTIONS") => cors::preflight(&request),
        (Some(found), "GET" | "HEAD") => match found.handler {
            Handler::Keyed(_) | Handler::Selection
                if request.offers_key() && !context.may_see_key =>
            {
                return Action::CheckKey;
            }
            Handler::Page(page) | Handler::Keyed(page) => {
                upgrade::note_console_address(&request, page(&request, found.prefix))
            }
            Handler::Socket(side) => match upgrade::granted(&request, side) {
                Ok(upgrade) => return Action::Upgrade(upgrade),
                Err(refusal) => refusal,
            },
            Handler::Selection => selection::show(&request),
            Handler::Reload => routes::wrong_method(&request, "POST"),
        },
        (Some(found), _) if matches!(found.handler, Handler::Selection) => {
            routes::wrong_method(&request, "GET, HEAD, OPTIONS, PUT")
        }
        (Some(_), _) => routes::wrong_method(&request, routes::METHODS),
    };
    Action::Respond(cors::with_origin_header(reply, &request).finish(head.method == "HEAD"))
}
