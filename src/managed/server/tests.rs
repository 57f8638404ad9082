//! A managed tool server on a link that a test plays.

use super::*;
use crate::ledger::{Ledger, Owner};
use crate::managed::link::{Link, ToServer};
use crate::managed::supervisor::EndStep;
use crate::settings::servers::{ToolChoice, Transport};
use crate::text::Language;
use mio::event::Event;
use mio::{Poll, Token, Waker};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What a test and its link share.
#[derive(Default)]
struct Played {
    /// What is queued for the server, and what the link has written.
    queued: Vec<String>,
    written: Vec<String>,
    /// What the server says at the next turn.
    says: Vec<String>,
    /// The server's process has ended.
    is_gone: bool,
}

struct PlayedLink(Rc<RefCell<Played>>);

impl ToServer for PlayedLink {
    fn send(&mut self, pieces: &[&str]) -> bool {
        self.0.borrow_mut().queued.push(pieces.concat());
        true
    }

    fn emptied(&self) -> u32 {
        0
    }

    fn limit(&self) -> usize {
        1 << 20
    }
}

impl Link for PlayedLink {
    fn kind(&self) -> &'static str {
        "played"
    }

    fn start(&mut self, _: &mut Outside<'_>) -> Result<String, String> {
        Ok(String::new())
    }

    fn queue(&mut self) -> &mut dyn ToServer {
        self
    }

    fn end(&mut self, _: EndStep, _: &mut Outside<'_>) {}

    fn note_event(&mut self, _: usize, _: &Event) {}

    fn has_work(&self) -> bool {
        false
    }

    fn work(
        &mut self,
        _: &mut Outside<'_>,
        may_have_ended: bool,
        receive: &mut dyn FnMut(&str, &mut dyn ToServer),
    ) -> Option<LinkEvent> {
        let says = std::mem::take(&mut self.0.borrow_mut().says);
        says.iter().for_each(|text| receive(text, self));
        let played = &mut *self.0.borrow_mut();
        played.written.append(&mut played.queued);
        (may_have_ended && played.is_gone).then(|| LinkEvent::Ended("gone".into()))
    }

    fn memory(&self) -> usize {
        0
    }

    fn drop_memory(&mut self) {}
}

struct Trial {
    server: ManagedServer,
    link: Rc<RefCell<Played>>,
    poll: Poll,
    waker: Arc<Waker>,
    now: Moment,
}

const PING_INTERVAL: Duration = Duration::from_secs(50);

impl Trial {
    /// A server that has just been started.
    fn started() -> Self {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let link = Rc::<RefCell<Played>>::default();
        let (now, account) =
            (Moment::default(), Ledger::default().open(Owner::Managed("it".into())));
        let since = (now, Duration::from_secs(10));
        let config = ServerConfig {
            transport: Transport::Http { url: String::new(), headers: Vec::new(), is_sse: false },
            agents: None,
            timeout: None,
            tools: ToolChoice::default(),
            secrets: Vec::new(),
        };
        let played = Box::new(PlayedLink(Rc::clone(&link)));
        let server = ManagedServer::new("it", &config, played, account, since);
        let mut trial = Trial { server, link, poll, waker, now };
        trial.turn();
        trial
    }

    /// A server that has answered `initialize`.
    fn ready() -> Self {
        let mut trial = Trial::started();
        let asked = trial.written().remove(0);
        let id = last_member(&asked, "id").unwrap();
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        trial.link.borrow_mut().says.push(answer);
        trial.turn();
        assert!(trial.written()[0].contains("notifications/initialized"));
        trial
    }

    fn turn(&mut self) -> Option<Ending> {
        self.turn_with(false)
    }

    fn turn_with(&mut self, may_have_ended: bool) -> Option<Ending> {
        let mut outside = Outside {
            now: self.now,
            registry: self.poll.registry(),
            token: &Token,
            waker: &self.waker,
            buffer: &mut [],
            max_message_size: 1 << 20,
            max_queued: 1 << 20,
            language: Language::En,
        };
        self.server.work(&mut outside, Some(PING_INTERVAL), may_have_ended)
    }

    /// How many messages are passed on in this turn.
    fn passed_on(&mut self) -> usize {
        std::iter::from_fn(|| self.server.next_message()).count()
    }

    fn written(&self) -> Vec<String> {
        std::mem::take(&mut self.link.borrow_mut().written)
    }
}

#[test]
fn a_ping_is_written_in_the_turn_in_which_it_is_due() {
    let mut trial = Trial::ready();
    let due = trial.server.deadline(Some(PING_INTERVAL)).unwrap();
    assert_eq!(due, trial.now.after(PING_INTERVAL));
    trial.now = due;
    trial.turn();
    let written = trial.written();
    assert!(written.len() == 1 && written[0].contains(r#""method":"ping""#), "{written:?}");
}

const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

#[test]
fn so_many_messages_are_passed_on_in_one_turn_and_nothing_is_read_before_the_others() {
    let mut trial = Trial::ready();
    let seats = 2 * MAX_MESSAGES_PER_TURN + 1;
    for seat in 0..seats {
        trial.server.shared.take_seat(Peer::seat(seat, 1));
    }
    trial.link.borrow_mut().says.push(CHANGED.into());
    trial.turn();
    assert_eq!(trial.passed_on(), MAX_MESSAGES_PER_TURN);
    // Meanwhile it sends more, and ends.
    trial.link.borrow_mut().says.push(CHANGED.into());
    trial.link.borrow_mut().is_gone = true;
    assert_eq!((trial.turn_with(true), trial.passed_on()), (None, MAX_MESSAGES_PER_TURN));
    assert_eq!((trial.turn(), trial.passed_on()), (None, 1));
    assert!(trial.turn().is_some(), "its end is not forgotten");
    assert_eq!(trial.passed_on(), 0, "who leaves is told of no change");
}

#[test]
fn all_answers_that_come_with_the_end_are_passed_on() {
    let mut trial = Trial::ready();
    for seat in 0..MAX_MESSAGES_PER_TURN {
        trial.server.shared.take_seat(Peer::seat(seat, 1));
        for id in 1..3 {
            let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
            let ManagedServer { shared, link, .. } = &mut trial.server;
            assert!(shared.take_from_relay(trial.now, seat, &call, link.queue()).is_ok());
        }
    }
    trial.turn();
    for call in trial.written() {
        let id = last_member(&call, "id").unwrap();
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        trial.link.borrow_mut().says.push(answer);
    }
    trial.link.borrow_mut().is_gone = true;
    assert!(trial.turn_with(true).is_some());
    assert_eq!(trial.passed_on(), 2 * MAX_MESSAGES_PER_TURN);
}
