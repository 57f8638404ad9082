//! What servers answer, and what follows from it.

use super::{Gate, Output, Session, END_TIME, MAX_PAUSE, MIN_PAUSE};
use crate::escape::readable;
use crate::managed::http::events::Event;
use crate::managed::http::exchange::{Exchange, Purpose, ReadError, Step};
use crate::managed::http::failure::Failure;
use crate::managed::http::response::Content;
use crate::managed::shared::TOO_NEW;
use crate::relay;
use crate::time::Moment;
use crate::token::url::Url;
use jsonrpc::message::{last_member, string};
use jsonrpc::{scan, Id, Message};
use std::time::Duration;

/// How many redirects of one request are followed.
const MAX_REDIRECTS: u32 = 5;

/// How often in a row the rest of an answer is asked for, if nothing comes of it.
const MAX_RESUMES: u32 = 3;

impl Session {
    /// Bytes have come for an exchange.
    pub(in crate::managed::http) fn read(&mut self, now: Moment, key: usize, mut bytes: &[u8]) {
        let limit = self.limits.max_message_size;
        // Once it has its answer, or is dialled again, the rest means nothing.
        while let Some(exchange) = self.exchanges.get_mut(key).filter(|e| e.is_connected) {
            match exchange.next(&mut bytes, limit) {
                Ok(Step::Incomplete) => break,
                Ok(Step::Head) => self.head(now, key),
                Ok(Step::Event(event)) => self.event(now, key, &event),
                Ok(Step::End) => self.complete(now, key),
                Err(error) => self.failed(now, key, Failure::Read(error)),
            }
        }
        self.pump(now);
    }

    /// The connection of an exchange has ended.
    pub(in crate::managed::http) fn closed(&mut self, now: Moment, key: usize) {
        let exchange = self.exchanges.get_mut(key).filter(|exchange| exchange.is_connected);
        let Some(exchange) = exchange else { return };
        let is_unanswered = exchange.is_unanswered();
        match exchange.end() {
            Ok(()) => self.complete(now, key),
            Err(_) if is_unanswered => self.failed(now, key, Failure::Unanswered),
            // What has come of the stream counts, and of the reason for an error.
            Err(_) if exchange.is_stream() || exchange.has_failed() => self.complete(now, key),
            Err(error) => {
                self.failed(now, key, Failure::Read(ReadError::Response(error)));
            }
        }
        self.pump(now);
    }

    fn head(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let Some(head) = &exchange.head else { return };
        let (status, content) = (head.status, head.content);
        let is_success = (200..300).contains(&status);
        match exchange.purpose {
            Purpose::Delete => {
                self.drop_exchange(key);
                self.outputs.push_back(Output::Ended(None));
            }
            _ if matches!(status, 307 | 308) => self.redirect(now, key),
            // Its body says why.
            _ if !is_success => exchange.deadline = Some(now.after(END_TIME)),
            Purpose::Stream if content != Content::Events => {
                self.failed(now, key, Failure::NoStream);
            }
            Purpose::Stream => exchange.was_open = true,
            Purpose::Initialized => {
                self.drop_exchange(key);
                self.gate = Gate::Open;
                if !self.is_old {
                    self.open_stream(now);
                }
            }
            // The answer comes by the stream.
            Purpose::Notice => self.drop_exchange(key),
            _ if self.is_old => self.drop_exchange(key),
            _ if matches!(status, 202 | 204) => self.failed(now, key, Failure::NoAnswer),
            _ if content == Content::Html => self.failed(now, key, Failure::WebPage),
            // It is not sent again.
            _ => exchange.forget_request(),
        }
    }

    fn event(&mut self, now: Moment, key: usize, event: &Event) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        exchange.failures = 0;
        match &*event.name {
            "endpoint" if self.is_old && self.gate == Gate::Shut => {
                let url = self.service.url.join(&event.data);
                match url.ok().filter(|url| url.has_origin_of(&self.service.url)) {
                    Some(url) => {
                        exchange.deadline = None;
                        (self.post_url, self.gate) = (url, Gate::Narrow);
                        self.first_fault = None;
                    }
                    None => self.failed(now, key, Failure::BadEndpoint),
                }
            }
            // Without data it only has an id.
            "" | "message" if !event.data.trim().is_empty() => {
                self.deliver(now, key, &event.data);
            }
            _ => (),
        }
    }

    /// The response is complete.
    fn complete(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        if exchange.has_failed() {
            return self.refused(now, key);
        }
        if exchange.is_stream() {
            return self.stream_ended(now, key);
        }
        let body = std::mem::take(&mut exchange.body);
        let body = readable(&body);
        let body = body.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if body.is_empty() {
            return self.failed(now, key, Failure::NoAnswer);
        }
        if body.starts_with('<') {
            return self.failed(now, key, Failure::WebPage);
        }
        let mut messages = Vec::new();
        let is_list = scan::elements(body, &mut |message| messages.push(message)).is_ok();
        if !is_list {
            messages = vec![body];
        }
        messages.into_iter().for_each(|message| self.deliver(now, key, message));
        self.failed(now, key, Failure::NoAnswer);
    }

    /// The stream of an exchange has ended without the answer.
    fn stream_ended(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let is_stream = exchange.purpose == Purpose::Stream;
        let may_resume = exchange.events.last_id.is_some() && exchange.failures < MAX_RESUMES;
        if self.is_old || !(is_stream || may_resume) {
            return self.failed(now, key, Failure::Cut);
        }
        exchange.is_resumed = !is_stream;
        self.come_back(now, key);
    }

    /// Dials again after a pause, as long as the server asks for, or ever longer.
    fn come_back(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let pause = MIN_PAUSE.saturating_mul(1 << exchange.failures.min(6)).min(MAX_PAUSE);
        let pause = exchange.events.retry.filter(|_| exchange.failures == 0).unwrap_or(pause);
        exchange.failures += 1;
        // A server that asks for no pause at all would be asked without an end.
        exchange.restart(now, pause.max(Duration::from_millis(100)));
        self.outputs.push_back(Output::Close(key));
    }

    /// A message of the server.
    fn deliver(&mut self, now: Moment, key: usize, text: &str) {
        let Some(exchange) = self.exchanges.get(key) else { return };
        // Between the members of a message a line break means as much as a blank.
        let text = text.replace(['\r', '\n'], " ");
        let mut is_answer = false;
        match Message::read(&text) {
            Ok(message) => {
                is_answer = message.method.is_none() && answers(message.id, &exchange.id);
                if let (true, Purpose::Initialize) = (is_answer, exchange.purpose) {
                    self.id = exchange.head.as_ref().and_then(|head| head.session.clone());
                    let result = message.result.unwrap_or_default();
                    let version = last_member(result, "protocolVersion").and_then(string);
                    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
                    self.version = version.filter(|text| is_plain(text)).map(|text| (*text).into());
                }
            }
            Err(_) if !exchange.id.is_empty() => {
                return self.failed(now, key, Failure::NoMessage(self.start_of(&text)));
            }
            Err(_) => (),
        }
        self.outputs.push_back(Output::Message(text));
        if is_answer {
            self.drop_exchange(key);
        }
    }

    /// Follows a redirect, if it leads to the same server.
    fn redirect(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let is_old_stream = self.is_old && exchange.purpose == Purpose::Stream;
        let url = if is_old_stream { &mut self.service.url } else { &mut self.post_url };
        let location = exchange.head.as_ref().and_then(|head| head.location.as_deref());
        let target = url.join(location.unwrap_or_default());
        exchange.redirects += 1;
        let is_allowed = location.is_some() && exchange.redirects <= MAX_REDIRECTS;
        match target.ok().filter(|target| is_allowed && target.has_origin_of(url)) {
            Some(target) => {
                *url = target;
                exchange.restart(now, Duration::ZERO);
                self.outputs.push_back(Output::Close(key));
                self.dial(now, key);
            }
            None => {
                let to = place(url.join(location.unwrap_or_default()).ok());
                let to = self.start_of(&to);
                self.failed(now, key, Failure::Redirect(to));
            }
        }
    }

    /// The server has refused a request, and said why.
    pub(super) fn refused(&mut self, now: Moment, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let body = std::mem::take(&mut exchange.body);
        let body = readable(&body);
        if !exchange.id.is_empty() && is_error_for(&body, &exchange.id) {
            return self.deliver(now, key, &body);
        }
        let Some(exchange) = self.exchanges.get(key) else { return };
        let Some(head) = &exchange.head else { return };
        let status = head.status;
        let failure = match status {
            _ if exchange.purpose == Purpose::Initialize && is_too_new(&body) => Failure::TooNew,
            // The rest of an answer is not to be had.
            _ if exchange.is_resumed => Failure::Cut,
            401 | 403 => Failure::Denied(status),
            300..=399 => {
                let location = head.location.as_deref().unwrap_or_default();
                let to = place(self.post_url.join(location).ok());
                Failure::Redirect(self.start_of(&to))
            }
            // Servers without a stream answer the first GET so.
            404 if self.id.is_some() && (exchange.was_open || !exchange.is_get()) => {
                Failure::SessionLost
            }
            _ if head.content == Content::Html || body.trim().is_empty() => {
                Failure::Status(status, String::new())
            }
            _ => Failure::Status(status, [": ", &self.start_of(&body)].concat()),
        };
        self.failed(now, key, failure);
    }

    /// An exchange has failed.
    pub(super) fn failed(&mut self, now: Moment, key: usize, failure: Failure) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let (purpose, id) = (exchange.purpose, std::mem::take(&mut exchange.id));
        match (purpose, &failure) {
            (Purpose::Delete, _) => {
                self.drop_exchange(key);
                self.outputs.push_back(Output::Ended(None));
            }
            (Purpose::Stream, _) if self.is_old => self.lose(self.words(&failure)),
            // It has none to offer.
            (Purpose::Stream, Failure::SessionLost) => self.lose(self.words(&failure)),
            (Purpose::Stream, Failure::NoStream | Failure::Status(400..500, _)) => {
                self.drop_exchange(key);
            }
            (Purpose::Stream, _) => self.come_back(now, key),
            (Purpose::Initialize, Failure::Status(400 | 404 | 405, _)) if !self.is_old => {
                let fault = self.words(&failure);
                self.fall_back(now, key, id, fault);
            }
            (Purpose::Initialize | Purpose::Initialized, _) => self.lose(self.words(&failure)),
            (Purpose::Call | Purpose::Ping | Purpose::Notice, _) => {
                let why = self.words(&failure);
                self.drop_exchange(key);
                if purpose == Purpose::Call {
                    self.answer_failed(&id, &failure, why.clone());
                }
                let is_alive = self.exchanges.iter().any(|(_, exchange)| exchange.is_connected);
                let is_down = matches!(failure, Failure::Dial(_)) && !is_alive;
                if is_down || matches!(failure, Failure::SessionLost) {
                    self.lose(why);
                }
            }
        }
    }

    /// Tries the older transport: the server does not know this one.
    fn fall_back(&mut self, now: Moment, key: usize, id: Box<str>, fault: String) {
        let Some(exchange) = self.exchanges.try_remove(key) else { return };
        self.outputs.push_back(Output::Close(key));
        let again = Exchange::new(Purpose::Initialize, exchange.message, &id);
        self.waiting_bytes += again.message.len();
        self.waiting.push_front(again);
        (self.is_old, self.gate, self.first_fault) = (true, Gate::Shut, Some(fault));
        self.open_stream(now);
    }
}

/// Whether a reply with the id `given` answers the request with the id `ours`. Some send a number back as a
/// text, or as a double.
fn answers(given: Id<'_>, ours: &str) -> bool {
    let Id::Given(given) = given else { return false };
    relay::number(given).is_some_and(|number| ours.parse() == Ok(number))
}

/// Whether a text is the error that answers the request with this id.
fn is_error_for(text: &str, id: &str) -> bool {
    let text = text.trim().replace(['\r', '\n'], " ");
    let read = Message::read(&text);
    read.is_ok_and(|message| matches!(message.answer(), Some(Err(_))) && answers(message.id, id))
}

/// Whether a text is an error without an id that says that none of the versions asked for is spoken.
fn is_too_new(text: &str) -> bool {
    let text = text.trim().replace(['\r', '\n'], " ");
    let error = Message::read(&text).ok().and_then(|message| message.error);
    error.is_some_and(|error| last_member(error, "code") == Some(TOO_NEW))
}

/// Where an address leads, without its query: that may be secret.
fn place(url: Option<Url>) -> String {
    let Some(url) = url else { return String::new() };
    let scheme = if url.secure { "https://" } else { "http://" };
    let path = url.target.split('?').next().unwrap_or_default();
    [scheme, &url.authority(), path].concat()
}
