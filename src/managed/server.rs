//! One managed tool server: its link, its supervisor, and what its agents share.

use super::kinds::AnyLink;
#[allow(unused_imports, reason = "a link may be a trait object, whose methods need no import")]
use super::link::Link as _;
use super::link::{LinkEvent, Outside};
use super::secrets::{fit_to_show, masked};
use super::shared::{News, SharedServer, TOO_NEW};
use super::supervisor::{Action, State, Supervisor};
use crate::close::{CloseReason, Ending};
use crate::ledger::Account;
use crate::relay::Peer;
use crate::settings::servers::ServerConfig;
use crate::time::Moment;
use jsonrpc::message::last_member;
use log::Level;
use std::rc::Rc;
use std::time::Duration;

/// How long robots wait for a server that was started for the first time.
const AWAITED: Duration = Duration::from_secs(10);

/// How much of what a server answers to `initialize` is repeated, in characters.
const MAX_REFUSAL: usize = 300;

/// The time between two warnings of one kind.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// How many messages of a server are passed on in one turn.
const MAX_MESSAGES_PER_TURN: usize = 256;

/// Why a server is to end forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Its entry has changed: one with the same name takes its place.
    Replaced,
    /// Its entry is gone.
    Removed,
}

/// One managed tool server.
#[derive(Debug)]
pub(super) struct ManagedServer {
    pub name: Box<str>,
    pub config: ServerConfig,
    pub supervisor: Supervisor,
    pub shared: SharedServer,
    pub link: AnyLink,
    /// What it is charged to, and how much.
    pub account: Account,
    pub charged: usize,
    /// Whether it is to end forever, because the servers file does not have it any more.
    pub leaving: Option<Leaving>,
    /// How it last ended, or why it could not be started.
    pub last_end: Option<String>,
    /// How many messages may still be passed on in this turn.
    passable: usize,
    /// Whether its process may have ended since it was last looked for that.
    may_have_ended: bool,
    /// Why it is to be ended.
    fault: Option<String>,
    /// Whether it was ready since it last ended.
    was_ready: bool,
    /// Whether the log has how it last ended from an earlier end.
    is_said: bool,
    /// Until when robots wait for it.
    awaited_until: Moment,
    /// How many lines were no messages, since the log last had that.
    unreadable: u32,
    unreadable_logged: Option<Moment>,
}

impl ManagedServer {
    pub(super) fn new(
        name: &str,
        config: &ServerConfig,
        link: AnyLink,
        account: Account,
        (now, close_timeout): (Moment, Duration),
    ) -> Self {
        ManagedServer {
            name: name.into(),
            config: config.clone(),
            supervisor: Supervisor::new(now, close_timeout),
            shared: SharedServer::default(),
            link,
            account,
            charged: 0,
            leaving: None,
            last_end: None,
            passable: MAX_MESSAGES_PER_TURN,
            may_have_ended: false,
            fault: None,
            was_ready: false,
            is_said: false,
            awaited_until: now.after(AWAITED),
            unreadable: 0,
            unreadable_logged: None,
        }
    }

    /// Whether an agent may use it.
    pub(super) fn is_open_to(&self, agent: &str) -> bool {
        let agents = self.config.agents.as_deref();
        agents.is_none_or(|agents| agents.binary_search_by(|name| (**name).cmp(agent)).is_ok())
    }

    /// Until when robots wait for it, if they do.
    pub(super) fn awaited_until(&self, now: Moment) -> Option<Moment> {
        let is_awaited = self.supervisor.state() == State::Starting && self.awaited_until > now;
        is_awaited.then_some(self.awaited_until)
    }

    /// When it has something to do next.
    pub(super) fn deadline(&self, ping_interval: Option<Duration>) -> Option<Moment> {
        let own = [self.supervisor.deadline(), self.link.deadline()];
        own.into_iter().chain([self.shared.deadline(ping_interval)]).flatten().min()
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        size_of::<ManagedServer>() + self.link.memory() + self.shared.memory()
    }

    /// Does what is due. Returns why all seats must leave, if they must. They get what it has sent before.
    pub(super) fn work(
        &mut self,
        outside: &mut Outside<'_>,
        ping_interval: Option<Duration>,
        may_have_ended: bool,
    ) -> Option<Ending> {
        let (now, language) = (outside.now, outside.language);
        if self.supervisor.is_late(now) {
            self.is_faulty(now, language.child_late());
        }
        while let Some(action) = self.supervisor.act(now) {
            match action {
                Action::Start => self.start(outside),
                Action::End(step) => self.link.end(step, outside),
            }
        }
        let ManagedServer { shared, link, .. } = self;
        // The link writes a ping in the same turn.
        let mut news: Vec<News> =
            shared.time(now, ping_interval, link.queue()).into_iter().collect();
        let mut unreadable = 0;
        self.may_have_ended |= may_have_ended;
        let is_behind = self.passable == 0 && shared.has_messages();
        self.passable = MAX_MESSAGES_PER_TURN;
        let mut event = None;
        // What it has sent is passed on before it can send more.
        if !is_behind {
            let may_have_ended = std::mem::take(&mut self.may_have_ended);
            event = link.work(outside, may_have_ended, &mut |text, queue| match shared
                .take_from_server(now, text, queue)
            {
                Some(News::Unreadable) => unreadable += 1,
                other => news.extend(other),
            });
        }
        self.count_unreadable(unreadable, outside);
        for news in news {
            match news {
                News::Ready => {
                    self.supervisor.is_ready(now);
                    self.was_ready = true;
                    log::info!("{}", language.child_ready(&self.name));
                }
                News::Refused(what) => {
                    let why = match last_member(&what, "code") {
                        Some(TOO_NEW) => language.child_too_new(),
                        _ => {
                            let secrets = &self.config.secrets;
                            language.child_refused(&fit_to_show(&what, secrets, MAX_REFUSAL))
                        }
                    };
                    self.is_faulty(now, why);
                }
                News::Silent => self.is_faulty(now, language.child_silent()),
                News::Unreadable => (),
            }
        }
        let has_ended = matches!(event, Some(LinkEvent::Ended(_)));
        match event {
            Some(LinkEvent::Faulty(why)) => self.is_faulty(now, why),
            Some(LinkEvent::Ended(how)) => self.has_ended(how, outside),
            None => (),
        }
        let is_of_use = matches!(self.supervisor.state(), State::Starting | State::Ready);
        (!is_of_use && self.shared.is_ready()).then(|| {
            self.passable = self.shared.last_messages();
            let why = match self.leaving {
                Some(Leaving::Removed) => return CloseReason::NotNeeded.into(),
                Some(Leaving::Replaced) => Some(language.child_changed()),
                None => self.fault.clone().or_else(|| self.last_end.clone().filter(|_| has_ended)),
            };
            // Nothing is wrong with it: the program ends.
            if why.is_none() {
                return CloseReason::ServerStops.into();
            }
            Ending::of_managed(why.as_deref().unwrap_or_default())
        })
    }

    /// The next message for a seat that is to be passed on in this turn.
    pub(super) fn next_message(&mut self) -> Option<(Peer, Rc<str>)> {
        self.passable = self.passable.checked_sub(1)?;
        self.shared.next_message()
    }

    /// It is of no use: it is ended and started again.
    pub(super) fn is_faulty(&mut self, now: Moment, why: String) {
        if matches!(self.supervisor.state(), State::Starting | State::Ready) {
            self.supervisor.give_up(now);
            self.fault = Some(why);
        }
    }

    fn start(&mut self, outside: &mut Outside<'_>) {
        let language = outside.language;
        self.fault = None;
        match self.link.start(outside) {
            Ok(what) => {
                let what = masked(&what, &self.config.secrets);
                let level = if self.is_said { Level::Debug } else { Level::Info };
                log::log!(level, "{}", language.child_started(&self.name, &what));
                self.shared.started(outside.now, self.link.queue());
            }
            Err(why) => {
                let why = masked(&why, &self.config.secrets);
                let wait = self.supervisor.exited(outside.now).unwrap_or_default();
                let wait = language.duration(wait);
                // The same is said once.
                let is_news = self.last_end.as_ref() != Some(&why);
                let level = if is_news { Level::Error } else { Level::Debug };
                log::log!(level, "{}", language.child_not_started(&self.name, &why, &wait));
                self.last_end = Some(why);
            }
        }
    }

    fn has_ended(&mut self, how: String, outside: &mut Outside<'_>) {
        let language = outside.language;
        let how = match self.fault.take() {
            Some(fault) => [&fault, " (", &how, ")"].concat(),
            None => how,
        };
        // The same is said once.
        self.is_said = !self.was_ready && self.last_end.as_ref() == Some(&how);
        self.was_ready = false;
        match self.supervisor.exited(outside.now) {
            Some(wait) => {
                let wait = language.duration(wait);
                let level = if self.is_said { Level::Debug } else { Level::Warn };
                log::log!(level, "{}", self.link.end_text(language, &self.name, &how, &wait));
            }
            None => log::info!("{}", language.child_stopped(&self.name, &how)),
        }
        self.last_end = Some(how);
    }

    /// It has sent so many lines that are no messages. The log has that once a minute.
    fn count_unreadable(&mut self, count: u32, outside: &Outside<'_>) {
        self.unreadable = self.unreadable.saturating_add(count);
        let is_due =
            self.unreadable_logged.is_none_or(|at| at.after(BETWEEN_WARNINGS) <= outside.now);
        if self.unreadable > 0 && is_due {
            self.unreadable_logged = Some(outside.now);
            let count = std::mem::take(&mut self.unreadable);
            log::warn!("{}", self.link.unreadable_text(outside.language, &self.name, count));
        }
    }
}

#[cfg(test)]
#[cfg(all(unix, feature = "children"))]
mod tests;
