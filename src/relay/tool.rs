//! One tool: its hand-shake, its lists, its liveness.

use super::catalogue::{Item, Kind, PerKind};
use super::envelope::{last_member, object, place_in, string};
use super::in_flight::{Call, InFlight, Request};
use super::reply::{self, shortened, PROTOCOL_VERSION};
use super::scan;
use super::turn::Turn;
use super::{Congested, Peer, ToolState};
use crate::moment::Moment;
use crate::text::Language;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// How often `initialize` is said again before a tool is taken for opaque.
const REPEATS: u8 = 3;

/// How long a burst of `list_changed` may take and still cost one listing.
const BURST: Duration = Duration::from_millis(100);

/// The largest answer to `initialize`, which is kept, and the longest name in it that becomes a
/// label, in bytes.
const LARGEST_HELLO: usize = 256 << 10;
const LONGEST_OWN_NAME: usize = 128;

/// How many bytes one list of one tool may hold, and in how many pages. A thousand tools with
/// long schemas are far below it; a server that never stops listing is stopped by it.
const LARGEST_LIST: usize = 4 << 20;
const MOST_PAGES: u16 = 1000;

/// A tool's answer to `initialize`.
#[derive(Debug)]
pub(super) struct Hello {
    /// The protocol version it chose.
    pub version: String,
    /// What it declares it can do.
    pub capabilities: Map<String, Value>,
    /// `serverInfo.name`, where it has one.
    pub name: Option<String>,
    /// `instructions`, where it has some.
    pub instructions: Option<String>,
    /// The whole answer as it is spelled: an object.
    pub result: Box<str>,
    /// Where its `serverInfo` stands in it.
    server_info: Option<Range<usize>>,
}

impl Hello {
    /// Reads the `result` of `initialize`; nothing where it is not an object.
    fn read(result: &str) -> Option<Self> {
        scan::members(result, |_, _| ()).ok()?;
        let text = |name: &str| string(last_member(result, name)?);
        let info = last_member(result, "serverInfo");
        let name = info.and_then(|info| string(last_member(info, "name")?));
        let name = name.filter(|name| !name.trim().is_empty() && name.len() <= LONGEST_OWN_NAME);
        Some(Hello {
            version: text("protocolVersion").unwrap_or(Cow::Borrowed(PROTOCOL_VERSION)).into(),
            capabilities: object(last_member(result, "capabilities")).unwrap_or_default(),
            name: name.map(Into::into),
            instructions: text("instructions").map(Into::into),
            result: result.into(),
            server_info: info.and_then(|info| place_in(result, info)),
        })
    }

    /// `serverInfo` as it is spelled.
    pub(super) fn server_info(&self) -> Option<&str> {
        self.result.get(self.server_info.clone()?)
    }
}

/// One list of a tool: what is known of it, and the listing under way.
#[derive(Debug, Default)]
pub(super) struct List {
    pub items: Vec<Item>,
    /// Whether it was answered, if only with an error, when it was last asked for.
    pub known: bool,
    /// The listing under way.
    pub running: Option<Box<Listing>>,
    /// When to list again because the tool said that the list has changed.
    pub again_at: Option<Moment>,
}

/// A listing under way.
#[derive(Debug)]
pub(super) struct Listing {
    /// The id of the page asked for.
    number: u32,
    /// When the listing began.
    pub since: Moment,
    pages: u16,
    bytes: usize,
    gathered: Vec<Item>,
    cursor: Option<Box<str>>,
    /// Whether robots are to be told even if the merged list stays as it is.
    tell: bool,
}

/// What an answer to a listing led to.
pub(super) enum Listed {
    /// The next page was asked for.
    GoesOn,
    /// The list is whole, or will not become more whole than it is.
    Done {
        /// Robots are to be told even if the merged list stays as it is.
        tell: bool,
        /// What went wrong, for the log.
        trouble: Option<Trouble>,
    },
}

/// What is wrong with a tool, for the log and the status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// `initialize` was answered with an error, as it is spelled.
    HandshakeRefused(String),
    /// `initialize` was never answered.
    HandshakeSilent,
    /// A list was answered with an error, as it is spelled.
    ListRefused(&'static str, String),
    /// A list was not answered in time.
    ListSilent(&'static str),
    /// A list is too long, or never ends.
    ListTooLong(&'static str),
    /// Elements of a list have no name.
    Nameless(&'static str, usize),
    /// It sent something that is not JSON-RPC.
    NotAMessage,
}

impl Trouble {
    /// What is wrong, for a person.
    pub(super) fn told(&self, language: Language) -> String {
        match self {
            Trouble::HandshakeRefused(error) => language.handshake_refused(shortened(error)),
            Trouble::HandshakeSilent => language.handshake_silent(),
            Trouble::ListRefused(method, error) => language.list_refused(method, shortened(error)),
            Trouble::ListSilent(method) => language.list_silent(method),
            Trouble::ListTooLong(method) => language.list_too_long(method),
            Trouble::Nameless(method, count) => language.nameless(method, *count),
            Trouble::NotAMessage => language.not_a_message(),
        }
    }
}

/// One connected tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub peer: Peer,
    /// How many tools joined its agent before it, plus one: the newest is the largest.
    pub order: u32,
    pub address: Box<str>,
    pub server_id: Option<Box<str>>,
    pub label: Box<str>,
    /// The server over time that it is; 0 until it is ready.
    pub line: u32,
    /// The label of that server, for the names of what it offers.
    pub line_label: Box<str>,
    pub state: ToolState,
    pub joined: Moment,
    pub hello: Option<Hello>,
    pub lists: PerKind<List>,
    pub in_flight: InFlight,
    pub trouble: Option<Trouble>,
    /// How many requests of robots it has answered.
    pub answered: u32,
    repeats: u8,
    repeat_at: Option<Moment>,
    ping_at: Option<Moment>,
    last_ping: Option<u32>,
}

impl Tool {
    pub(super) fn new(peer: Peer, order: u32, address: &str, server_id: Option<&str>) -> Self {
        let label: Box<str> = server_id.map_or_else(|| format!("tool-{order}").into(), Into::into);
        Tool {
            peer,
            order,
            address: address.into(),
            server_id: server_id.map(Into::into),
            line_label: label.clone(),
            label,
            line: 0,
            state: ToolState::Shaking,
            joined: Moment::default(),
            hello: None,
            lists: PerKind::default(),
            in_flight: InFlight::default(),
            trouble: None,
            answered: 0,
            repeats: 0,
            repeat_at: None,
            ping_at: None,
            last_ping: None,
        }
    }

    /// Whether `initialize` was answered.
    pub(super) fn is_initialised(&self) -> bool {
        matches!(self.state, ToolState::Listing | ToolState::Ready)
    }

    /// Whether it is still unknown what the tool offers.
    pub(super) fn is_settling(&self) -> bool {
        matches!(self.state, ToolState::Shaking | ToolState::Listing)
    }

    /// Whether a message of a robot may be sent to it.
    pub(super) fn takes_messages(&self) -> bool {
        self.state != ToolState::Shaking
    }

    /// Whether it declares a capability. Who cannot be asked may have any.
    pub(super) fn declares(&self, capability: &str) -> bool {
        match &self.hello {
            Some(hello) => hello.capabilities.contains_key(capability),
            None => self.state == ToolState::Transparent,
        }
    }

    /// Whether it announces changes of a list.
    fn announces_changes(&self, kind: Kind) -> bool {
        let declared = self.hello.as_ref().and_then(|h| h.capabilities.get(kind.row().capability));
        declared.and_then(|declared| declared.get("listChanged")) == Some(&Value::Bool(true))
    }

    /// Sends `initialize`, for the first time or again.
    pub(super) fn shake_hands(&mut self, turn: &mut Turn<'_>) {
        let number = self.in_flight.fresh();
        self.in_flight.insert(number, Request::Initialize);
        let at = turn.now.after(turn.policy.handshake_timeout);
        self.repeat_at = Some(at);
        turn.wake(at);
        // A full queue loses it; it is said again.
        let _ = turn.send_to_tool(self.peer, &[&reply::initialize(number)]);
    }

    /// Takes the answer to `initialize`, a `result` or an `error`. Returns whether it makes the
    /// tool initialised.
    pub(super) fn hear_hello(
        &mut self,
        turn: &mut Turn<'_>,
        answer: Result<&str, &str>,
    ) -> Result<(), Trouble> {
        if self.is_initialised() {
            return Ok(());
        }
        let refused = |raw: &str| Trouble::HandshakeRefused(shortened(raw).to_owned());
        let result = answer.map_err(refused)?;
        if result.len() > LARGEST_HELLO {
            return Err(Trouble::ListTooLong("initialize"));
        }
        let hello = Hello::read(result).ok_or_else(|| refused("{}"))?;
        self.hello = Some(hello);
        self.state = ToolState::Listing;
        self.trouble = None;
        self.repeat_at = None;
        let _ = turn.send_to_tool(self.peer, &[reply::INITIALIZED]);
        self.ping_at = turn.policy.tool_ping_interval.map(|wait| turn.now.after(wait));
        if let Some(at) = self.ping_at {
            turn.wake(at);
        }
        self.start_listing(turn, Kind::Tools, false);
        Ok(())
    }

    /// The name by which a server without `server_id` is known again.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.hello.as_ref()?.name.as_deref()
    }

    /// Whether it has only the label it was given for want of a name.
    pub(super) fn is_nameless(&self) -> bool {
        self.server_id.is_none() && self.own_name().is_none()
    }

    /// Gives up shaking hands.
    pub(super) fn become_opaque(&mut self, trouble: Trouble) {
        self.state = ToolState::Opaque;
        // What it sent instead of an answer says more than that it did not answer.
        if self.trouble != Some(Trouble::NotAMessage) {
            self.trouble = Some(trouble);
        }
        self.repeat_at = None;
    }

    /// Whether a robot that asks for this list is owed a fresh one.
    pub(super) fn must_be_asked(&self, kind: Kind) -> bool {
        let list = self.lists.of(kind);
        self.is_initialised()
            && (kind == Kind::Tools || self.declares(kind.row().capability))
            && (!list.known || list.again_at.is_some() || !self.announces_changes(kind))
    }

    /// Asks for the first page of a list, unless a listing is under way.
    pub(super) fn start_listing(&mut self, turn: &mut Turn<'_>, kind: Kind, tell: bool) {
        let list = self.lists.of_mut(kind);
        if list.running.is_some() {
            return;
        }
        let has_changed = list.again_at.take().is_some();
        let number = self.in_flight.fresh();
        self.in_flight.insert(number, Request::List(kind));
        list.running = Some(Box::new(Listing {
            number,
            since: turn.now,
            pages: 1,
            bytes: 0,
            gathered: Vec::new(),
            cursor: None,
            tell: tell || has_changed,
        }));
        turn.wake(turn.now.after(turn.policy.handshake_timeout));
        let _ = turn.send_to_tool(self.peer, &[&reply::list(number, kind.row().list, None)]);
    }

    /// Takes over what was known of the lists it has not been asked for yet: it is the server that
    /// was lost a moment ago.
    pub(super) fn inherit(&mut self, mut known: PerKind<Vec<Item>>) {
        for kind in Kind::all().filter(|kind| *kind != Kind::Tools) {
            if self.declares(kind.row().capability) && !self.lists.of(kind).known {
                self.lists.of_mut(kind).items = std::mem::take(known.of_mut(kind));
            }
        }
    }

    /// The tool says that a list has changed: it is asked again, once for a burst.
    pub(super) fn hear_list_changed(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        let list = self.lists.of_mut(kind);
        if list.again_at.is_none() {
            let at = turn.now.after(BURST);
            list.again_at = Some(at);
            turn.wake(at);
        }
    }

    /// Takes a page of a list, a `result` or an `error`.
    pub(super) fn hear_page(
        &mut self,
        turn: &mut Turn<'_>,
        kind: Kind,
        answer: Result<&str, &str>,
    ) -> Listed {
        let method = kind.row().list;
        let list = self.lists.of_mut(kind);
        let Some(mut listing) = list.running.take() else { return Listed::GoesOn };
        if let Some(at) = list.again_at {
            turn.wake(at);
        }
        let tell = listing.tell;
        let done = |trouble| Listed::Done { tell, trouble };
        list.known = true;
        let page = match answer.map(|result| super::catalogue::Page::read(kind, result)) {
            Ok(Some(page)) => page,
            Ok(None) => return done(Some(Trouble::ListRefused(method, "{}".to_owned()))),
            // What was known stays known.
            Err(error) => {
                let error = shortened(error).to_owned();
                return done(Some(Trouble::ListRefused(method, error)));
            }
        };
        listing.bytes += page.items.iter().map(Item::size).sum::<usize>();
        listing.gathered.extend(page.items);
        let mut trouble = (page.nameless > 0).then_some(Trouble::Nameless(method, page.nameless));
        let too_long = listing.bytes > LARGEST_LIST || listing.pages >= MOST_PAGES;
        match page.next {
            // The same page again and again would never end.
            Some(next) if !too_long && listing.cursor.as_ref() != Some(&next) => {
                let number = self.in_flight.fresh();
                self.in_flight.insert(number, Request::List(kind));
                let text = reply::list(number, method, Some(&next));
                listing.number = number;
                listing.pages += 1;
                listing.cursor = Some(next);
                self.lists.of_mut(kind).running = Some(listing);
                let _ = turn.send_to_tool(self.peer, &[&text]);
                return Listed::GoesOn;
            }
            Some(_) => trouble = Some(Trouble::ListTooLong(method)),
            None if listing.bytes > LARGEST_LIST => trouble = Some(Trouble::ListTooLong(method)),
            None => (),
        }
        if listing.bytes <= LARGEST_LIST {
            listing.gathered.shrink_to_fit();
            list.items = listing.gathered;
        }
        done(trouble)
    }

    /// Gives up listings that were not answered in time; returns which.
    pub(super) fn give_up_listings(&mut self, turn: &mut Turn<'_>) -> Vec<(Kind, bool)> {
        let mut given_up = Vec::new();
        for kind in Kind::all() {
            let list = self.lists.of_mut(kind);
            let late = |listing: &mut Box<Listing>| {
                listing.since.after(turn.policy.handshake_timeout) <= turn.now
            };
            if let Some(listing) = list.running.take_if(late) {
                self.in_flight.remove(listing.number);
                list.known = false;
                self.trouble = Some(Trouble::ListSilent(kind.row().list));
                given_up.push((kind, listing.tell));
            }
        }
        given_up
    }

    /// Does what is due: `initialize` again, a ping, a list that has changed. An error is what
    /// makes the tool opaque.
    pub(super) fn time(&mut self, turn: &mut Turn<'_>) -> Result<(), Trouble> {
        let due = |at: &mut Moment| *at <= turn.now;
        if self.repeat_at.take_if(due).is_some() {
            if self.repeats >= REPEATS {
                return Err(Trouble::HandshakeSilent);
            }
            self.repeats += 1;
            self.shake_hands(turn);
        }
        if self.ping_at.is_some_and(|at| at <= turn.now) {
            self.ping(turn);
        }
        for kind in Kind::all() {
            let list = self.lists.of(kind);
            if list.running.is_none() && list.again_at.is_some_and(|at| at <= turn.now) {
                self.start_listing(turn, kind, true);
            }
        }
        Ok(())
    }

    fn ping(&mut self, turn: &mut Turn<'_>) {
        if let Some(unanswered) = self.last_ping.take() {
            self.in_flight.remove(unanswered);
        }
        let number = self.in_flight.fresh();
        let sent = turn.send_to_tool(self.peer, &[&reply::ping(number)]);
        if sent.is_ok() {
            self.in_flight.insert(number, Request::Ping);
            self.last_ping = Some(number);
        }
        self.ping_at = turn.policy.tool_ping_interval.map(|wait| turn.now.after(wait));
        if let Some(at) = self.ping_at {
            turn.wake(at);
        }
    }

    /// Follows a changed `tool_ping_interval`.
    pub(super) fn follow_policy(&mut self, turn: &mut Turn<'_>) {
        if self.is_initialised() {
            self.ping_at = turn.policy.tool_ping_interval.map(|wait| turn.now.after(wait));
        }
    }

    /// When [`Tool::time`] and [`Tool::give_up_listings`] have something to do, and when the
    /// first request at the tool is given up.
    pub(super) fn deadline(&self, listing_timeout: Duration) -> Option<Moment> {
        let lists =
            Kind::all().map(|kind| self.lists.of(kind)).flat_map(|list| match &list.running {
                Some(listing) => Some(listing.since.after(listing_timeout)),
                None => list.again_at,
            });
        let own = [self.repeat_at, self.ping_at, self.in_flight.first_deadline()];
        own.into_iter().flatten().chain(lists).min()
    }

    /// A robot's request under way is over: takes it out.
    pub(super) fn end_call(&mut self, turn: &mut Turn<'_>, number: u32) -> Option<Call> {
        let Some(Request::Call(call)) = self.in_flight.remove(number) else { return None };
        turn.free(call.memory());
        Some(call)
    }

    /// Passes a robot's request on under `number`.
    ///
    /// # Errors
    /// [`Congested`] where the tool's queue has no room for it.
    pub(super) fn take_call(
        &mut self,
        turn: &mut Turn<'_>,
        number: u32,
        pieces: &[&str],
        call: Call,
    ) -> Result<(), Congested> {
        turn.send_to_tool(self.peer, pieces)?;
        turn.wake(call.deadline);
        turn.keep(call.memory());
        self.in_flight.insert(number, Request::Call(call));
        turn.traffic.calls += 1;
        Ok(())
    }
}

/// A tool as log lines name it.
pub(super) struct Who<'a>(pub &'a str, pub &'a Tool);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Who(agent, tool) = self;
        write!(f, "[agent {agent:?} tool {:?} {} {}]", tool.label, tool.peer, tool.address)
    }
}
