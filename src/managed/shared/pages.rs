//! The lists of a shared server, page by page, and who waits for them.

use crate::time::Moment;
use jsonrpc::message::last_member;
use std::rc::Rc;
use std::time::Duration;
use ws::memory::allocated;

/// How many pages are kept, and how many bytes of them.
const MAX_PAGES: usize = 256;
const MAX_BYTES: usize = 16 << 20;

/// How long a list counts that the server would not announce a change of: what several agents ask for at once
/// costs one request.
const FRESH: Duration = Duration::from_secs(1);

/// A method, and the cursor as it is spelled.
pub(super) type PageKey = (Box<str>, Option<Box<str>>);

/// A page of a list.
#[derive(Debug)]
struct Page {
    key: PageKey,
    /// The server's `result`, once it has come, and until when it counts.
    result: Option<(Rc<str>, Option<Moment>)>,
    /// How many tools it has.
    tools: usize,
    /// The seats that wait for it.
    waiting: Vec<Waiting>,
    /// The last request that was made before the page changed: answers up to this one are out of date.
    outdated: u64,
}

/// A seat that waits for a page.
#[derive(Debug)]
struct Waiting {
    seat: usize,
    id: u32,
    /// It has asked before the page changed, so an answer that is out of date is enough: it asks again because
    /// of the notification.
    takes_outdated: bool,
}

/// What is to be done for a seat that asks for a page.
#[derive(Debug)]
pub(super) enum Wanted {
    /// This result is its answer.
    Known(Rc<str>),
    /// The server was asked already.
    Awaited,
    /// The server is to be asked.
    Unknown,
}

/// The pages that are known or awaited.
#[derive(Debug, Default)]
pub(super) struct Pages {
    list: Vec<Page>,
    /// How many requests for pages were made.
    asked: u64,
}

impl Pages {
    /// The server is asked for a page. Returns the number of the request, which [`take`](Self::take) is given.
    pub(super) fn ask(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// A seat asks for a page. Unless it is known, the seat waits for it.
    pub(super) fn want(&mut self, now: Moment, key: &PageKey, seat: usize, id: u32) -> Wanted {
        if self.page(key).is_none() {
            let (key, outdated) = (key.clone(), self.asked);
            self.list.push(Page { key, result: None, tools: 0, waiting: Vec::new(), outdated });
        }
        let Some(page) = self.page(key) else { return Wanted::Unknown };
        if let Some((result, until)) = &page.result {
            if until.is_none_or(|until| now < until) {
                return Wanted::Known(Rc::clone(result));
            }
        }
        // One that asks again has waited for too long.
        let mut awaiting = page.waiting.iter().filter(|waiting| !waiting.takes_outdated).peekable();
        let is_awaited = awaiting.peek().is_some();
        let asks_again = awaiting.any(|waiting| waiting.seat == seat);
        page.waiting.push(Waiting { seat, id, takes_outdated: false });
        if is_awaited && !asks_again {
            Wanted::Awaited
        } else {
            Wanted::Unknown
        }
    }

    /// A seat does not wait for a page: the server could not be asked.
    pub(super) fn give_up(&mut self, key: &PageKey, seat: usize, id: u32) {
        if let Some(page) = self.page(key) {
            page.waiting.retain(|waiting| (waiting.seat, waiting.id) != (seat, id));
        }
        self.forget_useless();
    }

    /// Request number `asked` for a page is answered, with a `result` unless it is an error. Returns whose
    /// answer this is: seats, and their ids.
    pub(super) fn take(
        &mut self,
        now: Moment,
        (key, asked): (&PageKey, u64),
        result: Option<&Rc<str>>,
        is_announced: bool,
    ) -> Vec<(usize, u32)> {
        if self.list.len() > MAX_PAGES {
            self.forget_results();
        }
        let others = self.list.iter().filter(|page| page.key != *key).map(Page::bytes);
        let others = others.sum::<usize>();
        let Some(page) = self.page(key) else { return Vec::new() };
        let is_outdated = asked <= page.outdated;
        if !is_outdated {
            let kept = result.filter(|result| others.saturating_add(result.len()) <= MAX_BYTES);
            let until = (!is_announced).then(|| now.after(FRESH));
            page.result = kept.map(|result| (Rc::clone(result), until));
            page.tools = 0;
            if *page.key.0 == *"tools/list" {
                // Counted once: the status page asks every two seconds.
                let tools = kept.and_then(|result| last_member(result, "tools")).unwrap_or("[]");
                let _ = jsonrpc::scan::elements(tools, &mut |_| page.tools += 1);
            }
        }
        let mut answered = Vec::new();
        page.waiting.retain(|waiting| {
            let waits = is_outdated && !waiting.takes_outdated;
            answered.extend((!waits).then_some((waiting.seat, waiting.id)));
            waits
        });
        self.forget_useless();
        answered
    }

    /// The lists whose methods begin with `start` have changed. Who waits for a page gets it as it was before, too.
    pub(super) fn changed(&mut self, start: &str) {
        for page in self.list.iter_mut().filter(|page| page.key.0.starts_with(start)) {
            (page.result, page.outdated) = (None, self.asked);
            page.waiting.iter_mut().for_each(|waiting| waiting.takes_outdated = true);
        }
        self.forget_useless();
    }

    /// Gives up all results. The server is asked again where they are wanted.
    pub(super) fn forget_results(&mut self) {
        self.list.iter_mut().for_each(|page| page.result = None);
        self.forget_useless();
    }

    /// Whether a seat waits for a page.
    pub(super) fn is_awaited(&self, key: &PageKey) -> bool {
        self.list.iter().any(|page| page.key == *key && !page.waiting.is_empty())
    }

    /// A seat has left.
    pub(super) fn forget_seat(&mut self, seat: usize) {
        for page in &mut self.list {
            page.waiting.retain(|waiting| waiting.seat != seat);
        }
        self.forget_useless();
    }

    /// How many tools are known.
    pub(super) fn tools(&self) -> usize {
        self.list.iter().filter(|page| page.result.is_some()).map(|page| page.tools).sum()
    }

    fn page(&mut self, key: &PageKey) -> Option<&mut Page> {
        self.list.iter_mut().find(|page| page.key == *key)
    }

    fn forget_useless(&mut self) {
        self.list.retain(|page| page.result.is_some() || !page.waiting.is_empty());
    }

    /// The bytes of memory of the pages.
    pub(super) fn bytes(&self) -> usize {
        self.list.iter().map(Page::bytes).sum()
    }
}

impl Page {
    fn bytes(&self) -> usize {
        let cursor = self.key.1.as_ref().map_or(0, |cursor| allocated(cursor.len()));
        let result = self.result.as_ref().map_or(0, |(result, _)| allocated(result.len()));
        size_of::<Page>() + cursor + result
    }
}
