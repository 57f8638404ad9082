//! What carries the messages of a managed tool server. `kinds::open` is the one place that knows the kinds.
//!
//! - **A child process** (`child_link`): a line of its standard output is a message.
//! - **HTTP exchanges** (`http`): each message is a request on a connection of its own.
//!
//! A link is *down* until [`Link::start`] has succeeded. Then it is *up* until [`Link::work`] returns
//! [`LinkEvent::Ended`]. When it starts and when it is to end is decided by the
//! [`Supervisor`](super::supervisor::Supervisor), which waits longer after each end. What is sent is decided by
//! [`SharedServer`](super::shared::SharedServer): `initialize` is the first message after each start. So a link knows
//! neither agents nor ids nor restarts; it only has:
//!
//! | question | answer |
//! | --- | --- |
//! | start | [`Link::start`]: words for the log, or why it does not work and what to do |
//! | text out | [`Link::queue`] takes messages, and says when there is no room for one |
//! | text in | [`Link::work`] calls `receive` for each message |
//! | end | [`LinkEvent`] with words; [`Link::end`] makes it end, in three steps |
//! | events | [`Outside::token`] makes the token of a part (a pipe or a socket, numbered by the link), [`Link::note_event`] gets its events |
//! | deadline | [`Link::deadline`]: then [`Link::work`] is called |
//! | memory | [`Link::memory`], charged to the entry after each call |
//!
//! No call blocks. An HTTP exchange that fails answers its own request with a JSON-RPC error through `receive`; what makes
//! the whole session useless (refused, 401, a session that is gone) is [`LinkEvent::Ended`]. A link has no timeouts
//! for requests: the relay withdraws a request with `notifications/cancelled`, which is sent as any message is.

use super::supervisor::EndStep;
use crate::text::Language;
use crate::time::Moment;
use mio::event::Event;
use mio::{Registry, Token, Waker};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// The way messages take to a tool server.
pub trait ToServer {
    /// Queues a message: the pieces, one after another, are one line. Returns whether there was room for it.
    fn send(&mut self, pieces: &[&str]) -> bool;

    /// How many messages in a row were sent before the queue was last empty: a number that changes then.
    fn emptied(&self) -> u32;

    /// How many bytes the queue may hold.
    fn limit(&self) -> usize;

    /// How many calls may be under way at once.
    fn places(&self) -> usize {
        usize::MAX
    }
}

/// What a link may use while it works.
pub struct Outside<'a> {
    /// The time.
    pub now: Moment,
    /// Where pipes and sockets are watched.
    pub registry: &'a Registry,
    /// The token for events of a part of this link. Parts are numbered below [`MAX_PARTS`].
    pub token: &'a dyn Fn(usize) -> Token,
    /// Wakes the loop up once a helper thread has found something out.
    pub waker: &'a Arc<Waker>,
    /// Room to read into, shared by all.
    pub buffer: &'a mut [u8],
    /// The size of the largest message, in bytes.
    pub max_message_size: usize,
    /// The largest queue, in bytes.
    pub max_queued: usize,
    /// The language of what people read.
    pub language: Language,
}

/// How many parts a link may have.
pub const MAX_PARTS: usize = 1 << 12;

/// What has become of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// It is of no use any more, and is to be ended for this reason.
    Faulty(String),
    /// It has ended, as people read it.
    Ended(String),
}

/// What carries the messages of one managed tool server.
pub trait Link {
    /// A name for it where a connection has an address.
    fn kind(&self) -> &'static str;

    /// Tells it which variables all entries name, and which its own names, both in their order: of the first a
    /// child inherits only the second, from its next start on.
    fn name_variables(&mut self, _named: &Rc<[String]>, _own: &[String]) {}

    /// Starts it. Returns what the log is to say of it.
    ///
    /// # Errors
    /// Why that is not possible, and what to do. The link is down then.
    fn start(&mut self, outside: &mut Outside<'_>) -> Result<String, String>;

    /// Where messages for the server go.
    fn queue(&mut self) -> &mut dyn ToServer;

    /// Takes one step of ending it. One that is down ignores this.
    fn end(&mut self, step: EndStep, outside: &mut Outside<'_>);

    /// Notes an event of a part. [`work`](Self::work) follows in the same turn.
    fn note_event(&mut self, part: usize, event: &Event);

    /// Whether there is more to be done, without an event.
    fn has_work(&self) -> bool;

    /// Reads and writes, a bounded amount. `receive` gets each message of the server, and the queue for what is
    /// answered at once. `may_have_ended`: a child process has ended, perhaps this one.
    fn work(
        &mut self,
        outside: &mut Outside<'_>,
        may_have_ended: bool,
        receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<LinkEvent>;

    /// When [`work`](Self::work) is to be called, at the latest.
    fn deadline(&self) -> Option<Moment> {
        None
    }

    /// The bytes of memory of everything it keeps.
    fn memory(&self) -> usize;

    /// Memory is spent, and this link holds the most: drops what is queued and what has come of a message. It is
    /// ended after this.
    fn drop_memory(&mut self);

    /// What the log says once the server called `name` has ended, and is started again after `wait`.
    fn end_text(&self, language: Language, name: &str, how: &str, wait: &str) -> String {
        match self.last_line() {
            None => language.child_ended(name, how, wait),
            Some(last) => language.child_ended_after(name, how, wait, last),
        }
    }

    /// The last of what it has said besides messages since its start.
    fn last_line(&self) -> Option<&str> {
        None
    }

    /// What the log says of what was read and is no message, so many times.
    fn unreadable_text(&self, language: Language, name: &str, count: u32) -> String {
        language.child_banner(name, count)
    }

    /// What it has said lately besides messages, the oldest first: the last lines of standard error.
    fn last_lines(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// In short: a link may hold secrets.
impl fmt::Debug for dyn Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
