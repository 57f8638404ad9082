//! The lists of a tool server: what is known of them, and listings under way.

use super::handshake::MAX_REPEATS;
use super::{ToolServer, Trouble};
use crate::relay::catalogue::{pause_after, Gathered, Items, Kind, PerKind, MAX_LIST_BYTES};
use crate::relay::reply::shortened;
use crate::relay::ToolState;
use crate::time::Moment;
use std::rc::Rc;
use std::time::Duration;
use ws::memory::allocated;

/// How long a burst of `list_changed` may take and still cost one listing, at first and when there
/// is no end of them.
const MIN_BURST: Duration = Duration::from_millis(100);
const MAX_BURST: Duration = Duration::from_secs(5);

/// In how many pages a list is read. A server that never stops listing is stopped by it.
const MAX_PAGES: u16 = 1000;

/// How long robots wait for a list of which something is known already.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// One list of a tool server: what is known of it, and the listing under way.
#[derive(Debug, Default)]
pub(in crate::relay) struct List {
    pub items: Rc<Items>,
    /// Whether they are all there were, or all there is room for.
    whole: bool,
    /// Whether it was answered, if only with an error, when it was last asked for.
    pub known: bool,
    /// The listing under way, and the one that was not answered in time.
    pub running: Option<Box<Listing>>,
    /// When to list again because the tool server said that the list has changed.
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
    pub(in crate::relay) fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|listing| !listing.given_up)
    }

    /// A listing has ended too early. A list that was whole stays as it was known.
    fn keep_what_came(&mut self, gathered: Gathered) {
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

    /// Takes a page of `listing`, and whether there is room for it, or an error.
    fn take_page(
        &mut self,
        now: Moment,
        kind: Kind,
        mut listing: Box<Listing>,
        answer: Result<(&str, bool), &str>,
    ) -> Listed {
        let method = kind.row().list;
        let notify = listing.notify;
        let done = |trouble| Listed::Done { notify, trouble };
        let next = match answer {
            Ok((page, true)) => listing.gathered.read_page(kind, page),
            Ok((_, false)) => {
                self.keep_what_came(listing.gathered);
                return done(Some(Trouble::NoMemory(method)));
            }
            Err(error) => {
                self.keep_what_came(listing.gathered);
                return done(Some(Trouble::ListRefused(method, shortened(error).to_owned())));
            }
        };
        let next = match next {
            Ok(next) => next,
            Err(error) => {
                self.keep_what_came(listing.gathered);
                return done(Some(Trouble::NoList(kind, error)));
            }
        };
        // The same page again and again would never end.
        let ends = listing.pages >= MAX_PAGES || listing.cursor == next;
        let trouble = match next {
            Some(next) if !ends => {
                listing.pages += 1;
                listing.cursor = Some(next);
                self.running = Some(listing);
                return Listed::NextPage;
            }
            _ if listing.gathered.cut => Some(Trouble::ListCut(method, listing.gathered.len())),
            Some(_) => Some(Trouble::ListTooLong(method)),
            None if listing.gathered.nameless > 0 => {
                Some(Trouble::Nameless(method, listing.gathered.nameless))
            }
            None => None,
        };
        self.whole = true;
        let cost = listing.gathered.len() + listing.gathered.memory() / 512;
        self.fresh_until = now.after(pause_after(cost));
        self.take(listing.gathered.finish());
        done(trouble)
    }

    fn take(&mut self, items: Items) {
        // A list that is the same as before changes nothing, so nothing is merged.
        if !self.items.is_same_as(&items) {
            self.items = Rc::new(items);
        }
    }

    /// How much memory the list and the listing under way take.
    pub(super) fn memory(&self) -> usize {
        let running = self.running.as_ref().map_or(0, |listing| {
            let cursor = listing.cursor.as_ref().map_or(0, |cursor| allocated(cursor.len()));
            allocated(size_of::<Listing>()) + listing.gathered.memory() + cursor
        });
        running + self.items.memory()
    }
}

/// A listing under way.
#[derive(Debug)]
pub(in crate::relay) struct Listing {
    /// The ids under which the page was asked for that is to come: an answer to any of them is it.
    ids: Vec<u32>,
    /// When that was, the last time.
    asked: Moment,
    /// When the page is late.
    pub(super) late_at: Moment,
    /// How often the page was asked for again.
    pub(super) repeats: u8,
    /// Nobody waits for it any more. A late answer still counts.
    pub(super) given_up: bool,
    pages: u16,
    gathered: Gathered,
    cursor: Option<Box<str>>,
    /// Whether robots are to be told even if the merged list stays as it is.
    notify: bool,
}

/// What an answer to a listing led to.
pub(in crate::relay) enum Listed {
    /// Nothing: no list was asked for.
    Nothing,
    /// The next page is to be asked for.
    NextPage,
    /// The list is whole, or will not become more whole than it is.
    Done {
        /// Robots are to be told even if the merged list stays as it is.
        notify: bool,
        /// What went wrong, for the log.
        trouble: Option<Trouble>,
    },
}

/// A listing that was not answered in time.
pub(in crate::relay) enum Late {
    /// It is the first list of tools: it is asked for again.
    Repeated,
    /// It is the first list of tools, was asked for often enough, and nothing of it came. The tool
    /// server stays `listing`.
    Abandoned,
    /// What was known before stays in use. Robots are to be told if `tell`.
    GivenUp { kind: Kind, notify: bool },
}

impl ToolServer {
    /// Whether a robot that asks for this list is owed a fresh one.
    pub(in crate::relay) fn must_be_asked(&self, kind: Kind, now: Moment) -> bool {
        let list = self.lists.of(kind);
        self.is_initialised()
            && (kind == Kind::Tools || self.declares(kind.row().capability))
            && (!list.known
                || (list.fresh_until <= now
                    && (list.again_at.is_some() || !self.announces_changes(kind))))
    }

    /// Begins a listing, unless one is under way. Returns the ids whose answers mean nothing any more;
    /// then the first page is to be asked for.
    pub(in crate::relay) fn start_listing(
        &mut self,
        now: Moment,
        kind: Kind,
        notify: bool,
    ) -> Option<Vec<u32>> {
        let list = self.lists.of_mut(kind);
        if list.is_running() {
            return None;
        }
        let has_changed = list.again_at.take().is_some();
        if has_changed {
            list.note_burst(now);
        }
        // An answer that is late may still come, and is as good as one to a new question.
        let late = list.running.take();
        let (mut listing, forgotten) = match late {
            Some(late) if late.cursor.is_none() && !has_changed => (late, Vec::new()),
            other => {
                let new = Box::new(Listing {
                    ids: Vec::new(),
                    asked: now,
                    late_at: now,
                    repeats: 0,
                    given_up: false,
                    pages: 1,
                    gathered: Gathered::default(),
                    cursor: None,
                    notify: false,
                });
                (new, other.map(|listing| listing.ids).unwrap_or_default())
            }
        };
        listing.notify |= notify || has_changed;
        list.running = Some(listing);
        Some(forgotten)
    }

    /// The page that the listing of `kind` has come to is asked for as `id`, for the first time or
    /// again, and comes by `late_at`. Returns its cursor, and an id whose answer means nothing any more.
    pub(in crate::relay) fn page_asked(
        &mut self,
        kind: Kind,
        id: u32,
        (now, late_at): (Moment, Moment),
    ) -> (Option<&str>, Option<u32>) {
        let Some(listing) = &mut self.lists.of_mut(kind).running else { return (None, Some(id)) };
        listing.ids.push(id);
        let is_full = listing.ids.len() > usize::from(MAX_REPEATS) + 1;
        let forgotten = is_full.then(|| listing.ids.remove(0));
        (listing.asked, listing.late_at) = (now, late_at);
        listing.given_up = false;
        (listing.cursor.as_deref(), forgotten)
    }

    /// Takes over what was known of the lists it has not been asked for yet: it is the server that
    /// was lost a moment ago.
    pub(in crate::relay) fn inherit(&mut self, mut known: PerKind<Rc<Items>>) {
        for kind in Kind::all().filter(|kind| *kind != Kind::Tools) {
            if self.declares(kind.row().capability) && !self.lists.of(kind).known {
                self.lists.of_mut(kind).items = std::mem::take(known.of_mut(kind));
            }
        }
    }

    /// The tool server says that a list has changed: it is asked for again, once for a burst. Returns
    /// whether it is a list the relay knows.
    pub(in crate::relay) fn list_changed(&mut self, now: Moment, kind: Kind) -> bool {
        let list = self.lists.of_mut(kind);
        let is_known = list.known || list.running.is_some();
        if is_known && list.again_at.is_none() {
            list.again_at = Some(now.after(list.pause(now)));
        }
        is_known
    }

    /// Whether a list is to be asked for because it has changed.
    pub(in crate::relay) fn is_list_due(&self, kind: Kind, now: Moment) -> bool {
        let list = self.lists.of(kind);
        !list.is_running() && list.again_at.is_some_and(|at| at <= now)
    }

    /// How much memory a page of a list may take.
    pub(in crate::relay) fn memory_of_page(page: &str) -> usize {
        page.len().min(MAX_LIST_BYTES)
    }

    /// Takes a page of a list, a `result` or an `error`; `has_room` says whether it may be kept.
    /// Returns the ids whose answers mean nothing any more, and what comes of the page.
    pub(in crate::relay) fn take_page(
        &mut self,
        now: Moment,
        kind: Kind,
        answer: Result<&str, &str>,
        has_room: bool,
    ) -> (Vec<u32>, Listed) {
        let list = self.lists.of_mut(kind);
        let Some(mut listing) = list.running.take() else { return (Vec::new(), Listed::Nothing) };
        listing.repeats = 0;
        let ids = std::mem::take(&mut listing.ids);
        list.known = true;
        (ids, list.take_page(now, kind, listing, answer.map(|page| (page, has_room))))
    }

    /// Looks after the listings that were not answered in time.
    pub(in crate::relay) fn late_lists(&mut self, now: Moment) -> Vec<Late> {
        let mut late = Vec::new();
        let is_first = self.state == ToolState::Listing;
        for kind in Kind::all() {
            let list = self.lists.of_mut(kind);
            let Some(listing) = list.running.as_mut().filter(|listing| !listing.given_up) else {
                continue;
            };
            if listing.late_at > now {
                continue;
            }
            let is_first = is_first && kind == Kind::Tools;
            if is_first && listing.repeats < MAX_REPEATS {
                listing.repeats += 1;
                late.push(Late::Repeated);
            } else {
                listing.given_up = true;
                // A late answer may still add to it.
                let gathered = listing.gathered.clone();
                // The first pages of a first list are news to every robot.
                let is_nothing = is_first && gathered.len() == 0;
                let notify = listing.notify || is_first;
                list.known = false;
                list.keep_what_came(gathered);
                late.push(match is_nothing {
                    true => Late::Abandoned,
                    false => Late::GivenUp { kind, notify },
                });
            }
        }
        late
    }

    /// Until when it is worthwhile to wait for a list that is on its way. What was known before
    /// does once this listing has had its time, whoever asks later.
    pub(in crate::relay) fn listing_until(&self, kind: Kind) -> Option<Moment> {
        let list = self.lists.of(kind);
        let listing = list.running.as_ref().filter(|listing| !listing.given_up)?;
        let is_known = list.known || list.items.len() > 0;
        let wait = if is_known { MAX_WAIT } else { Duration::MAX };
        Some(listing.asked.after(wait))
    }

    /// Gives up what is known of all lists.
    pub(in crate::relay) fn forget_lists(&mut self) {
        for kind in Kind::all() {
            let list = self.lists.of_mut(kind);
            list.items = Rc::default();
            if let Some(listing) = &mut list.running {
                listing.gathered = Gathered::default();
            }
        }
    }

    /// Pages that were asked for come within another `timeout`.
    pub(super) fn put_off_lists(&mut self, timeout: Duration) {
        for kind in Kind::all() {
            if let Some(listing) = &mut self.lists.of_mut(kind).running {
                listing.late_at = listing.asked.after(timeout);
            }
        }
    }
}
