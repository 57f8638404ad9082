//! What is wrong with a tool server, and for how long that is shown.

use crate::relay::catalogue::{Kind, PageError};
use crate::relay::reply::shortened;
use crate::text::Language;
use crate::time::Moment;
use jsonrpc::Fault;
use std::time::Duration;

/// How long a trouble is shown that may be over, although nothing has proved that it is.
const SHOWN_FOR: Duration = Duration::from_secs(600);

/// What is wrong with a tool server, for the log and the status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Trouble {
    /// `initialize` was answered with an error, as it is spelled.
    HandshakeRefused(String),
    /// `initialize` was never answered.
    HandshakeSilent,
    /// A list was answered with an error, as it is spelled.
    ListRefused(&'static str, String),
    /// A list was not answered in time.
    ListSilent(&'static str),
    /// A list was answered with something that is none.
    NoList(Kind, PageError),
    /// A list never ends.
    ListTooLong(&'static str),
    /// A list has more items than are kept.
    ListCut(&'static str, usize),
    /// The agent has no room for this many items of a list.
    AgentFull(Kind, usize),
    /// The memory was needed for others, and its lists were given up.
    GaveWay,
    /// There is no memory for what was answered.
    NoMemory(&'static str),
    /// A member of the answer to `initialize` was left out for its size.
    InitializeCut(Box<str>),
    /// Elements of a list have no name.
    Nameless(&'static str, usize),
    /// It sent something that is not JSON-RPC.
    NotAMessage(Fault),
    /// The answer to a request of the relay cannot be read.
    Unreadable(&'static str, Fault),
}

impl Trouble {
    /// The request for a list that the trouble is about.
    fn method(&self) -> Option<&'static str> {
        match self {
            Trouble::ListRefused(method, _)
            | Trouble::ListSilent(method)
            | Trouble::ListTooLong(method)
            | Trouble::ListCut(method, _)
            | Trouble::NoMemory(method)
            | Trouble::Nameless(method, _)
            | Trouble::Unreadable(method, _) => Some(method),
            Trouble::NoList(kind, _) => Some(kind.row().list),
            // A list that finds room again ends it.
            Trouble::GaveWay => Some(Kind::Tools.row().list),
            Trouble::HandshakeRefused(_)
            | Trouble::HandshakeSilent
            | Trouble::AgentFull(..)
            | Trouble::InitializeCut(_)
            | Trouble::NotAMessage(_) => None,
        }
    }

    /// Whether the trouble is about the listing of `kind`.
    pub(in crate::relay) fn is_about(&self, kind: Kind) -> bool {
        self.method() == Some(kind.row().list)
    }

    /// Whether the trouble lasts until something ends it. The others are events: one robot's
    /// unanswered `resources/list` says nothing about the tool server an hour later.
    fn lasts(&self) -> bool {
        match self {
            Trouble::HandshakeRefused(_)
            | Trouble::HandshakeSilent
            | Trouble::AgentFull(..)
            | Trouble::NoMemory("initialize")
            | Trouble::InitializeCut(_) => true,
            Trouble::NotAMessage(_) => false,
            Trouble::Unreadable("initialize", _) => true,
            _ => self.is_about(Kind::Tools),
        }
    }

    /// Whether the trouble, which came up at `since`, is still shown at `now`.
    pub(in crate::relay) fn is_shown(&self, since: Moment, now: Moment) -> bool {
        self.lasts() || now.since(since) < SHOWN_FOR
    }

    /// What is wrong, for a person.
    pub(in crate::relay) fn text(&self, language: Language) -> String {
        match self {
            Trouble::HandshakeRefused(error) => language.handshake_refused(shortened(error)),
            Trouble::HandshakeSilent => language.handshake_silent(),
            Trouble::ListRefused(method, error) => language.list_refused(method, shortened(error)),
            Trouble::ListSilent(method) => language.list_silent(method),
            Trouble::NoList(kind, odd) => {
                let row = kind.row();
                match odd {
                    PageError::Odd(odd) => language.list_odd(row.list, row.member, odd),
                    PageError::Missing => language.list_missing(row.list, row.member),
                    PageError::Replaced(odd) => language.list_replaced(row.list, odd),
                }
            }
            Trouble::ListTooLong(method) => language.list_too_long(method),
            Trouble::ListCut(method, kept) => language.list_cut(method, *kept),
            Trouble::AgentFull(kind, left_out) => language.agent_full(kind.row().list, *left_out),
            Trouble::NoMemory(method) => language.no_memory(method),
            Trouble::GaveWay => language.lists_gave_way(),
            Trouble::InitializeCut(member) => language.hello_cut(member),
            Trouble::Nameless(method, count) => language.nameless(method, *count),
            Trouble::NotAMessage(fault) => language.tool_text_unreadable(&language.fault(*fault)),
            Trouble::Unreadable(method, fault) => {
                language.unreadable_answer(method, &language.fault(*fault))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpc::FaultKind;

    #[test]
    fn an_event_is_shown_for_some_minutes_and_what_lasts_until_it_is_over() {
        let fault = Fault { kind: FaultKind::EndsEarly, at: 0 };
        let at = |seconds| Moment::from_start(Duration::from_secs(seconds));
        for (trouble, lasts) in [
            (Trouble::HandshakeSilent, true),
            (Trouble::ListSilent("tools/list"), true),
            (Trouble::ListSilent("resources/list"), false),
            (Trouble::NotAMessage(fault), false),
            (Trouble::Unreadable("initialize", fault), true),
        ] {
            assert!(trouble.is_shown(at(10), at(609)), "{trouble:?}");
            assert_eq!(trouble.is_shown(at(10), at(610)), lasts, "{trouble:?}");
        }
    }
}
