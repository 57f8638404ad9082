//! One tool: what it said of itself, and its lists. What it is asked again and again stands in
//! `liveness.rs`.

use super::bucket::Bucket;
use super::calls::{CallTable, Request, ToolKey, ENTRY_SIZE};
use super::catalogue::{pause_after, Gathered, Items, Kind, PerKind, MAX_LIST_BYTES};
use super::hello::Hello;
use super::reply::shortened;
use super::trouble::Trouble;
use super::turn::Turn;
use super::{Congested, Peer, ToolState};
use crate::time::Moment;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use ws::memory::{allocated, array_of};

/// How long a burst of `list_changed` may take and still cost one listing, at first and when there
/// is no end of them.
const MIN_BURST: Duration = Duration::from_millis(100);
const MAX_BURST: Duration = Duration::from_secs(5);

/// How many answers that mean nothing are waited for, so that they are not taken for stray ones.
const MAX_ASIDE: usize = 32;

/// After how long a silence a request for a tool server has its connection probed.
const PROBE_AFTER: Duration = Duration::from_secs(5);

/// In how many pages a list is read. A server that never stops listing is stopped by it.
const MOST_PAGES: u16 = 1000;

/// Why a tool server is not trusted to answer. It gets no requests while it has a twin that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It did not answer a request within `request_timeout`.
    TimedOut,
    /// It did not answer a `ping`, and has sent nothing since.
    PingFailed,
}

/// One list of a tool: what is known of it, and the listing under way.
#[derive(Debug, Default)]
pub(super) struct List {
    pub items: Rc<Items>,
    /// Whether they are all there were, or all there is room for.
    whole: bool,
    /// Whether it was answered, if only with an error, when it was last asked for.
    pub known: bool,
    /// The listing under way, and the one that was not answered in time.
    pub running: Option<Box<Listing>>,
    /// When to list again because the tool said that the list has changed.
    pub again_at: Option<Moment>,
    /// How long a burst of `list_changed` may take: longer, the more of them come.
    burst: Duration,
    /// When the last burst is forgotten.
    calm_at: Moment,
    /// Until when robots are given what is known: a long list is not asked for at every request.
    fresh_until: Moment,
}

impl List {
    /// Whether somebody waits for a listing.
    pub(super) fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|listing| !listing.given_up)
    }

    /// A listing has ended too early. A list that was whole stays as it was known.
    pub(super) fn keep_what_came(&mut self, gathered: Gathered) {
        if !self.whole && gathered.len() > 0 {
            self.take(gathered.finish());
        }
    }

    /// How long to wait after a `list_changed` before the list is asked for.
    fn pause(&self, now: Moment) -> Duration {
        let for_long_lists = Duration::from_millis((self.items.len() / 4) as u64);
        let burst = if now < self.calm_at { self.burst } else { MIN_BURST };
        burst.max(for_long_lists)
    }

    /// The list is asked for after a burst of `list_changed`. Bursts that follow one another make
    /// the next pause longer.
    fn note_burst(&mut self, now: Moment) {
        let pause = self.pause(now);
        let comes_again = now < self.calm_at;
        self.burst = if comes_again { pause.saturating_mul(2).min(MAX_BURST) } else { pause };
        self.calm_at = now.after(self.burst.saturating_mul(4));
    }

    fn take(&mut self, items: Items) {
        // Who lists the same again changes nothing, and nothing is merged anew for it.
        if !self.items.is_same_as(&items) {
            self.items = Rc::new(items);
        }
    }

    /// How much memory the list and the listing under way take.
    fn memory(&self) -> usize {
        let running = self.running.as_ref().map_or(0, |listing| {
            let cursor = listing.cursor.as_ref().map_or(0, |cursor| allocated(cursor.len()));
            allocated(size_of::<Listing>()) + listing.gathered.memory() + cursor
        });
        running + self.items.memory()
    }
}

/// A listing under way.
#[derive(Debug)]
pub(super) struct Listing {
    /// The ids under which the page was asked for that is to come: an answer to any of them is it.
    pub numbers: Vec<u32>,
    /// When that was, the last time.
    pub asked: Moment,
    /// When the page is late.
    pub late_at: Moment,
    /// How often the page was asked for again.
    pub repeats: u8,
    /// Nobody waits for it any more. A late answer still counts.
    pub given_up: bool,
    pages: u16,
    pub gathered: Gathered,
    pub cursor: Option<Box<str>>,
    /// Whether robots are to be told even if the merged list stays as it is.
    pub tell: bool,
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

/// One connected tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub peer: Peer,
    /// How many tools joined its agent before it, plus one: the newest is the largest.
    pub order: u32,
    pub address: Box<str>,
    pub server_id: Option<Box<str>>,
    pub label: Box<str>,
    /// The tool server over time that it is; 0 until it is ready.
    pub identity: u32,
    /// The label of its identity, for the names of what it offers.
    pub identity_label: Box<str>,
    pub state: ToolState,
    pub joined: Moment,
    pub hello: Option<Hello>,
    pub lists: PerKind<List>,
    /// By what the table of calls knows it.
    pub key: ToolKey,
    pub trouble: Option<Trouble>,
    /// When that came up.
    pub trouble_since: Moment,
    /// How many requests of robots it has answered.
    pub answered: u32,
    /// How often `initialize` was sent again.
    pub repeats: u8,
    /// How often the tool server's own handshake made the relay send it again.
    pub invitations: u8,
    pub repeat_at: Option<Moment>,
    pub ping_at: Option<Moment>,
    pub last_ping: Option<u32>,
    /// The notifications and the progress it has sent of late.
    pub notifying: Bucket,
    pub progress: Bucket,
    /// When it was last sent a `ping`.
    pub pinged: Moment,
    /// When that counts as unanswered. Only asked where a twin could take its turn.
    pub ping_fails_at: Option<Moment>,
    /// When a text of it last came.
    pub heard: Moment,
    /// When the connection was last probed because of its silence.
    pub probed: Moment,
    /// Why it is not trusted to answer.
    pub doubt: Option<Doubt>,
    /// When the owner is told of its twins.
    pub notice_at: Option<Moment>,
    /// The ids of requests of the relay's own whose answers mean nothing, the oldest first.
    aside: VecDeque<u32>,
}

impl Tool {
    pub(super) fn new(peer: Peer, order: u32, address: &str, server_id: Option<&str>) -> Self {
        let label: Box<str> = server_id.map_or_else(|| format!("tool-{order}").into(), Into::into);
        Tool {
            peer,
            order,
            address: address.into(),
            server_id: server_id.map(Into::into),
            identity_label: label.clone(),
            label,
            identity: 0,
            state: ToolState::Shaking,
            joined: Moment::default(),
            hello: None,
            lists: PerKind::default(),
            key: ToolKey::default(),
            trouble: None,
            trouble_since: Moment::default(),
            answered: 0,
            repeats: 0,
            invitations: 0,
            repeat_at: None,
            ping_at: None,
            last_ping: None,
            notifying: Bucket::default(),
            progress: Bucket::default(),
            pinged: Moment::default(),
            ping_fails_at: None,
            heard: Moment::default(),
            probed: Moment::default(),
            doubt: None,
            notice_at: None,
            aside: VecDeque::new(),
        }
    }

    /// Whether `initialize` was answered.
    pub(super) fn is_initialised(&self) -> bool {
        matches!(self.state, ToolState::Listing | ToolState::Ready)
    }

    /// Whether what it offers is still unknown, and likely to be known in a moment.
    pub(super) fn is_settling(&self) -> bool {
        self.state == ToolState::Shaking || (self.state == ToolState::Listing && !self.is_late())
    }

    /// Whether its first list is late.
    fn is_late(&self) -> bool {
        let listing = self.lists.of(Kind::Tools).running.as_ref();
        listing.is_none_or(|listing| listing.repeats > 0 || listing.given_up)
    }

    /// Whether what it offers cannot be found out: it gets what cannot be routed elsewhere.
    pub(super) fn is_unknown(&self) -> bool {
        match self.state {
            ToolState::Opaque | ToolState::Transparent => true,
            ToolState::Listing => self.is_late(),
            _ => false,
        }
    }

    /// Whether a message of a robot may be sent to it.
    pub(super) fn takes_messages(&self) -> bool {
        self.state != ToolState::Shaking
    }

    /// Whether it declares a capability.
    pub(super) fn declares(&self, capability: &str) -> bool {
        match &self.hello {
            Some(hello) => hello.declares(capability),
            None => false,
        }
    }

    /// Whether it announces changes of a list.
    fn announces_changes(&self, kind: Kind) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.announces_changes(kind))
    }

    /// The name by which a server without `server_id` is known again.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.hello.as_ref()?.name.as_deref()
    }

    /// Whether it has only the label it was given for want of a name.
    pub(super) fn is_nameless(&self) -> bool {
        self.server_id.is_none() && self.own_name().is_none()
    }

    /// Whether a robot that asks for this list is owed a fresh one.
    pub(super) fn must_be_asked(&self, kind: Kind, now: Moment) -> bool {
        let list = self.lists.of(kind);
        self.is_initialised()
            && (kind == Kind::Tools || self.declares(kind.row().capability))
            && (!list.known
                || (list.fresh_until <= now
                    && (list.again_at.is_some() || !self.announces_changes(kind))))
    }

    /// Asks for the first page of a list, unless a listing is under way.
    pub(super) fn start_listing(
        &mut self,
        turn: &mut Turn<'_>,
        calls: &mut CallTable,
        kind: Kind,
        tell: bool,
    ) {
        let list = self.lists.of_mut(kind);
        if list.is_running() {
            return;
        }
        turn.catalogue_changed();
        let has_changed = list.again_at.take().is_some();
        if has_changed {
            list.note_burst(turn.now);
        }
        // An answer that is late may still come, and is as good as one to a new question.
        let late = list.running.take();
        let mut listing = match late {
            Some(late) if late.cursor.is_none() && !has_changed => late,
            other => {
                for number in other.iter().flat_map(|listing| &listing.numbers) {
                    calls.answer(self.key, *number);
                }
                Box::new(Listing {
                    numbers: Vec::new(),
                    asked: turn.now,
                    late_at: turn.now,
                    repeats: 0,
                    given_up: false,
                    pages: 1,
                    gathered: Gathered::default(),
                    cursor: None,
                    tell: false,
                })
            }
        };
        listing.tell |= tell || has_changed;
        list.running = Some(listing);
        self.ask_page(turn, calls, kind);
    }

    /// Takes over what was known of the lists it has not been asked for yet: it is the server that
    /// was lost a moment ago.
    pub(super) fn inherit(&mut self, mut known: PerKind<Rc<Items>>) {
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
            let at = turn.now.after(list.pause(turn.now));
            list.again_at = Some(at);
        }
    }

    /// Takes a page of a list, a `result` or an `error`.
    pub(super) fn hear_page(
        &mut self,
        turn: &mut Turn<'_>,
        calls: &mut CallTable,
        kind: Kind,
        answer: Result<&str, &str>,
    ) -> Listed {
        let method = kind.row().list;
        let list = self.lists.of_mut(kind);
        let Some(mut listing) = list.running.take() else { return Listed::GoesOn };
        self.page_came(calls, &mut listing);
        let list = self.lists.of_mut(kind);
        let tell = listing.tell;
        let done = |trouble| Listed::Done { tell, trouble };
        list.known = true;
        if answer.is_ok_and(|result| !turn.admits(result.len().min(MAX_LIST_BYTES))) {
            list.keep_what_came(listing.gathered);
            return done(Some(Trouble::NoMemory(method)));
        }
        let next = match answer.map(|result| listing.gathered.read_page(kind, result)) {
            Ok(Ok(next)) => next,
            failed => {
                list.keep_what_came(listing.gathered);
                return done(Some(match failed {
                    Err(error) => Trouble::ListRefused(method, shortened(error).to_owned()),
                    Ok(Err(error)) => Trouble::NoList(kind, error),
                    Ok(Ok(_)) => return done(None),
                }));
            }
        };
        // The same page again and again would never end.
        let ends = listing.pages >= MOST_PAGES || listing.cursor == next;
        let trouble = match next {
            Some(next) if !ends => {
                listing.pages += 1;
                listing.cursor = Some(next);
                self.lists.of_mut(kind).running = Some(listing);
                self.ask_page(turn, calls, kind);
                return Listed::GoesOn;
            }
            _ if listing.gathered.cut => Some(Trouble::ListCut(method, listing.gathered.len())),
            Some(_) => Some(Trouble::ListTooLong(method)),
            None if listing.gathered.nameless > 0 => {
                Some(Trouble::Nameless(method, listing.gathered.nameless))
            }
            None => None,
        };
        list.whole = true;
        let cost = listing.gathered.len() + listing.gathered.memory() / 512;
        list.fresh_until = turn.now.after(pause_after(cost));
        list.take(listing.gathered.finish());
        done(trouble)
    }

    /// How much memory its lists and its answer to `initialize` take.
    pub(super) fn catalogue_memory(&self) -> usize {
        let hello = self.hello.as_ref().map_or(0, Hello::memory);
        Kind::all().map(|kind| self.lists.of(kind).memory()).sum::<usize>() + hello
    }

    /// An id for a request of the relay's own whose answer means nothing.
    pub(super) fn asks_aside(&mut self, calls: &mut CallTable) -> u32 {
        let number = calls.ask(self.key, Request::Aside);
        self.aside.push_back(number);
        if self.aside.len() > MAX_ASIDE {
            let oldest = self.aside.pop_front();
            oldest.and_then(|oldest| calls.answer(self.key, oldest));
        }
        number
    }

    /// Passes a robot's request on.
    ///
    /// # Errors
    /// [`Congested`] where the tool's queue has no room for it.
    pub(super) fn take_call(
        &mut self,
        turn: &mut Turn<'_>,
        pieces: &[&str],
    ) -> Result<(), Congested> {
        turn.send_to_tool(self.peer, pieces)?;
        // Behind a dead NAT entry nobody answers: that is found out now, not at the next ping.
        if turn.now.since(self.heard.max(self.probed)) >= PROBE_AFTER {
            self.probed = turn.now;
            turn.probe(self.peer);
        }
        Ok(())
    }
}

impl Tool {
    /// How many bytes of memory it takes, but for its lists and robots' requests.
    pub(super) fn memory(&self) -> usize {
        let texts = [&*self.address, &*self.label, &*self.identity_label];
        let texts = texts.into_iter().chain(self.server_id.as_deref());
        // The relay's own requests are few.
        let own = array_of::<[u8; ENTRY_SIZE]>(7);
        allocated(size_of::<Tool>()) + own + texts.map(|text| allocated(text.len())).sum::<usize>()
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
