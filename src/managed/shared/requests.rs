//! The requests under way to a shared server, and the ids they travel under.

use super::pages::PageKey;
use ws::memory::array_of;

/// The largest id towards the server: some keep ids in a signed integer of 32 bits.
const MAX_ID: u32 = i32::MAX as u32;

/// How many requests for one page may stay unanswered. A late answer to any of them counts.
const MAX_UNANSWERED: usize = 3;

/// How many requests for pages of all lists may stay unanswered: each page may have another cursor.
const MAX_UNANSWERED_PAGES: usize = 32;

/// How many may stay unanswered that end a subscription.
const MAX_UNSUBSCRIBING: usize = 16;

/// What an answer of the server is for.
#[derive(Debug)]
pub(super) enum Request {
    Initialize,
    Ping,
    /// The page of a list, and the number of the request.
    Page(PageKey, u64),
    /// A resource is of no interest any more. Nobody waits for the answer.
    Unsubscribe,
    /// A call of a seat, and the id that the agent gave. With `uri` it subscribes to a resource.
    Call {
        seat: usize,
        id: u32,
        uri: Option<Box<str>>,
    },
}

/// The requests under way.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// In the order of their ids.
    list: Vec<(u32, Request)>,
    last_id: u32,
}

impl Requests {
    /// Notes a request and gives it an id.
    pub(super) fn ask(&mut self, request: Request) -> u32 {
        let id = self.next_id();
        if let Err(place) = self.place_of(id) {
            self.list.insert(place, (id, request));
        }
        id
    }

    /// An id that no request has. Ids of requests before are not given again for long.
    pub(super) fn next_id(&mut self) -> u32 {
        loop {
            self.last_id = if self.last_id >= MAX_ID { 1 } else { self.last_id + 1 };
            if self.place_of(self.last_id).is_err() {
                return self.last_id;
            }
        }
    }

    pub(super) fn get(&self, id: u32) -> Option<&Request> {
        let place = self.place_of(id).ok()?;
        self.list.get(place).map(|(_, request)| request)
    }

    pub(super) fn take(&mut self, id: u32) -> Option<Request> {
        let place = self.place_of(id).ok()?;
        Some(self.list.remove(place).1)
    }

    /// Forgets all. Their ids are not given again.
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// Forgets the oldest requests for a page, and for pages, that were never answered. Returns their ids: they
    /// are to be withdrawn.
    pub(super) fn forget_pages(&mut self, page: &PageKey) -> Vec<u32> {
        let is_it = |request: &Request| matches!(request, Request::Page(key, _) if key == page);
        let mut ids = self.forget(MAX_UNANSWERED, &is_it);
        let is_page = |request: &Request| matches!(request, Request::Page(..));
        ids.extend(self.forget(MAX_UNANSWERED_PAGES, &is_page));
        ids
    }

    /// The same for those that end subscriptions.
    pub(super) fn forget_unsubscribing(&mut self) -> Vec<u32> {
        self.forget(MAX_UNSUBSCRIBING, &|request| matches!(request, Request::Unsubscribe))
    }

    /// Forgets the pings, which need not be withdrawn.
    pub(super) fn forget_pings(&mut self) {
        self.forget(0, &|request| matches!(request, Request::Ping));
    }

    /// Forgets the oldest requests that `is_meant` picks, all but `kept`. Returns their ids.
    pub(super) fn forget(&mut self, kept: usize, is_meant: &dyn Fn(&Request) -> bool) -> Vec<u32> {
        let count = self.list.iter().filter(|(_, request)| is_meant(request)).count();
        let (mut surplus, mut ids) = (count.saturating_sub(kept), Vec::new());
        self.list.retain(|(id, request)| {
            let is_forgotten = surplus > 0 && is_meant(request);
            if is_forgotten {
                surplus -= 1;
                ids.push(*id);
            }
            !is_forgotten
        });
        ids
    }

    /// The bytes of memory they take.
    pub(super) fn memory(&self) -> usize {
        array_of::<(u32, Request)>(self.list.capacity())
    }

    /// Where a request is, or would be.
    fn place_of(&self, id: u32) -> Result<usize, usize> {
        self.list.binary_search_by_key(&id, |(id, _)| *id)
    }
}
