//! What a shared server has sent, and the seats that are yet to get it.

use super::{Seat, ID};
use crate::relay::Peer;
use slab::Slab;
use std::collections::VecDeque;
use std::rc::Rc;
use ws::memory::{allocated, array_of};

/// What is sent to one seat.
#[derive(Debug)]
pub(super) enum Body {
    Whole(Rc<str>),
    /// An id, and a result that several seats may get.
    Result(u32, Rc<str>),
}

impl Body {
    /// The message, of one line.
    fn text(self) -> Rc<str> {
        match self {
            Body::Whole(text) => text,
            Body::Result(id, result) => {
                [ID, &id.to_string(), r#","result":"#, &result, "}"].concat().into()
            }
        }
    }
}

/// What several seats are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// All: a list has changed. This is the method.
    List(Box<str>),
    /// Those that are subscribed to it: a resource has changed.
    Resource(Box<str>),
}

impl About {
    fn concerns(&self, seat: &Seat) -> bool {
        match self {
            About::List(_) => true,
            About::Resource(uri) => seat.subscription(uri).is_ok(),
        }
    }
}

#[derive(Debug)]
enum Entry {
    One(usize, Body),
    /// The seats from `next` on are yet to get it.
    Several {
        about: About,
        text: Rc<str>,
        next: usize,
    },
}

/// The messages for seats, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Entry>);

impl Outbox {
    /// A message for one seat.
    pub(super) fn put(&mut self, seat: usize, body: Body) {
        self.0.push_back(Entry::One(seat, body));
    }

    /// A notification for several seats. It says no more than an equal one that no seat has got yet.
    pub(super) fn tell(&mut self, about: About, text: &str) {
        let mut entries = self.0.iter();
        let is_said = entries.any(
            |entry| matches!(entry, Entry::Several { about: said, next: 0, .. } if *said == about),
        );
        if !is_said {
            self.0.push_back(Entry::Several { about, text: text.into(), next: 0 });
        }
    }

    /// The next message, and who gets it.
    pub(super) fn next(&mut self, seats: &Slab<Seat>) -> Option<(Peer, Rc<str>)> {
        loop {
            if let Entry::Several { about, text, next } = self.0.front_mut()? {
                let mut places = *next..seats.capacity();
                let found = places.find_map(|place| {
                    let seat = seats.get(place).filter(|seat| about.concerns(seat))?;
                    Some((place, seat.peer))
                });
                if let Some((place, peer)) = found {
                    *next = place + 1;
                    return Some((peer, Rc::clone(text)));
                }
            }
            if let Entry::One(seat, body) = self.0.pop_front()? {
                if let Some(seat) = seats.get(seat) {
                    return Some((seat.peer, body.text()));
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The seats are about to leave, so what has changed is nothing to them. Returns how many messages are left.
    pub(super) fn forget_changes(&mut self) -> usize {
        self.0.retain(|entry| matches!(entry, Entry::One(..)));
        self.0.len()
    }

    /// A seat has left.
    pub(super) fn forget_seat(&mut self, gone: usize) {
        self.0.retain(|entry| !matches!(entry, Entry::One(seat, _) if *seat == gone));
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        let texts = self.0.iter().map(|entry| match entry {
            Entry::One(_, Body::Whole(text)) | Entry::Several { text, .. } => allocated(text.len()),
            // Each of those that share it has a part.
            Entry::One(_, Body::Result(_, text)) => allocated(text.len()) / Rc::strong_count(text),
        });
        array_of::<Entry>(self.0.capacity()) + texts.sum::<usize>()
    }
}
