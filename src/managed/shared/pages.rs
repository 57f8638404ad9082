//! The lists of a shared server, page by page, and who waits for them.

use crate::time::Moment;
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
    /// The seats that wait for it, with their ids.
    waiting: Vec<(usize, u32)>,
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
pub(super) struct Pages(Vec<Page>);

impl Pages {
    /// A seat asks for a page. Unless it is known, the seat waits for it.
    pub(super) fn want(&mut self, now: Moment, key: &PageKey, seat: usize, id: u32) -> Wanted {
        if self.page(key).is_none() {
            self.0.push(Page { key: key.clone(), result: None, waiting: Vec::new() });
        }
        let Some(page) = self.page(key) else { return Wanted::Unknown };
        if let Some((result, until)) = &page.result {
            if until.is_none_or(|until| now < until) {
                return Wanted::Known(Rc::clone(result));
            }
        }
        // One that asks again has waited for too long.
        let is_awaited = !page.waiting.is_empty();
        let asks_again = page.waiting.iter().any(|(waiting, _)| *waiting == seat);
        page.waiting.push((seat, id));
        if is_awaited && !asks_again {
            Wanted::Awaited
        } else {
            Wanted::Unknown
        }
    }

    /// A seat does not wait for a page: the server could not be asked.
    pub(super) fn give_up(&mut self, key: &PageKey, seat: usize, id: u32) {
        if let Some(page) = self.page(key) {
            page.waiting.retain(|waiting| *waiting != (seat, id));
        }
        self.forget_useless();
    }

    /// A page has come, with its `result` unless it is an error. Returns who waits for it.
    pub(super) fn take(
        &mut self,
        now: Moment,
        key: &PageKey,
        result: Option<&Rc<str>>,
        is_announced: bool,
    ) -> Vec<(usize, u32)> {
        if self.0.len() > MAX_PAGES {
            self.changed("");
        }
        let others = self.0.iter().filter(|page| page.key != *key).map(Page::bytes).sum::<usize>();
        let Some(page) = self.page(key) else { return Vec::new() };
        let kept = result.filter(|result| others.saturating_add(result.len()) <= MAX_BYTES);
        let until = (!is_announced).then(|| now.after(FRESH));
        page.result = kept.map(|result| (Rc::clone(result), until));
        let waiting = std::mem::take(&mut page.waiting);
        self.forget_useless();
        waiting
    }

    /// The lists whose methods begin with `start` have changed. Who waits for a page still gets it, and asks
    /// again because of the notification.
    pub(super) fn changed(&mut self, start: &str) {
        for page in self.0.iter_mut().filter(|page| page.key.0.starts_with(start)) {
            page.result = None;
        }
        self.forget_useless();
    }

    /// Whether a seat waits for a page.
    pub(super) fn is_awaited(&self, key: &PageKey) -> bool {
        self.0.iter().any(|page| page.key == *key && !page.waiting.is_empty())
    }

    /// A seat has left.
    pub(super) fn forget_seat(&mut self, seat: usize) {
        for page in &mut self.0 {
            page.waiting.retain(|(waiting, _)| *waiting != seat);
        }
        self.forget_useless();
    }

    /// The results that are known of a method.
    pub(super) fn results<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a str> {
        let pages = self.0.iter().filter(move |page| *page.key.0 == *method);
        pages.filter_map(|page| page.result.as_ref().map(|(result, _)| &**result))
    }

    fn page(&mut self, key: &PageKey) -> Option<&mut Page> {
        self.0.iter_mut().find(|page| page.key == *key)
    }

    fn forget_useless(&mut self) {
        self.0.retain(|page| page.result.is_some() || !page.waiting.is_empty());
    }

    /// The bytes of memory of the pages.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(Page::bytes).sum()
    }
}

impl Page {
    fn bytes(&self) -> usize {
        let cursor = self.key.1.as_ref().map_or(0, |cursor| allocated(cursor.len()));
        let result = self.result.as_ref().map_or(0, |(result, _)| allocated(result.len()));
        size_of::<Page>() + cursor + result
    }
}
