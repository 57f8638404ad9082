//! What a shared server sends, and which seats get it.

use super::outbox::{About, Body};
use super::pages::PageKey;
use super::requests::Request;
use super::{News, SharedServer, ID};
use crate::managed::link::ToServer;
use crate::relay;
use crate::time::Moment;
use jsonrpc::message::last_member;
use jsonrpc::splice::place_in;
use jsonrpc::{Id, Message, Splice};
use std::rc::Rc;

impl SharedServer {
    /// The server sends something.
    pub(in crate::managed) fn take_from_server(
        &mut self,
        now: Moment,
        text: &str,
        server: &mut dyn ToServer,
    ) -> Option<News> {
        let text = text.trim_matches([' ', '\t', '\r', '\u{feff}']);
        if text.is_empty() {
            return None;
        }
        self.received = now;
        let Ok(message) = Message::read(text) else { return self.unreadable(text) };
        match (&message.method, message.id) {
            (None, Id::Given(spelled)) => {
                self.answered(now, relay::number(spelled)?, &message, server)
            }
            (Some(method), Id::Given(id)) => {
                let end = match &**method {
                    "ping" => r#","result":{}}"#,
                    _ => r#","error":{"code":-32601,"message":"Method not found"}}"#,
                };
                server.send(&[ID, id, end]);
                None
            }
            (Some(method), _) => {
                self.notified(&message, method);
                None
            }
            (None, _) if message.is_message() => None,
            (None, _) => Some(News::Unreadable),
        }
    }

    /// The server has sent what is no message. A request whose answer it must be gets it anyway, so that
    /// the relay answers the robot, and names what is wrong.
    fn unreadable(&mut self, text: &str) -> Option<News> {
        let mut found = Vec::new();
        relay::ids_in(text, &mut |id| found.push((relay::number_loosely(id), place_in(text, id))));
        let mut news = Some(News::Unreadable);
        for (shared, place) in found {
            let Some(shared) = shared else { continue };
            let receivers = match self.requests.take(shared) {
                None => continue,
                Some(Request::Initialize) => return Some(News::Refused(text.to_owned())),
                Some(Request::Ping | Request::Unsubscribe) => Vec::new(),
                Some(Request::Page(key, asked)) => {
                    self.pages.take(Moment::default(), (&key, asked), None, false)
                }
                Some(Request::Call { seat, id, .. }) => {
                    self.is_answered(seat, shared);
                    vec![(seat, id)]
                }
            };
            for (seat, id) in receivers {
                match place.clone().and_then(|place| text.get(place)) {
                    Some(spelled) => self.put_out(seat, text, spelled, id),
                    // It is inside a string. An answer without a result is as wrong.
                    None => {
                        let text = [ID, &id.to_string(), "}"].concat();
                        self.outbox.put(seat, Body::Whole(text.into()));
                    }
                }
            }
            news = None;
        }
        news
    }

    fn is_answered(&mut self, seat: usize, shared: u32) {
        if let Some(seat) = self.seats.get_mut(seat) {
            let before = seat.calls.len();
            seat.calls.retain(|(_, known)| *known != shared);
            self.calls -= before - seat.calls.len();
        }
    }

    fn answered(
        &mut self,
        now: Moment,
        shared: u32,
        message: &Message<'_>,
        server: &mut dyn ToServer,
    ) -> Option<News> {
        let request = self.requests.take(shared)?;
        // Any answer is as good as one to a ping.
        self.missed_pings = 0;
        match request {
            Request::Initialize => {
                let Some(Ok(result)) = message.answer() else {
                    return Some(News::Refused(message.error.unwrap_or(message.text).to_owned()));
                };
                self.initialize_result = Some(result.into());
                server.send(&[r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#]);
                return Some(News::Ready);
            }
            Request::Ping => self.answers_pings = true,
            Request::Unsubscribe => (),
            Request::Page(key, asked) => self.listed(now, (&key, asked), message),
            Request::Call { seat, id, uri } => {
                self.is_answered(seat, shared);
                if let Some(uri) = uri.filter(|_| message.result.is_some()) {
                    self.subscribe(seat, &uri);
                }
                if let Id::Given(spelled) = message.id {
                    self.put_out(seat, message.text, spelled, id);
                }
            }
        }
        None
    }

    /// A page of a list has come, for all that wait for it.
    fn listed(&mut self, now: Moment, asked: (&PageKey, u64), message: &Message<'_>) {
        let is_announced = self.announces(&asked.0 .0);
        let result: Option<Rc<str>> = message.result.map(Into::into);
        for (seat, id) in self.pages.take(now, asked, result.as_ref(), is_announced) {
            match (&result, message.id) {
                (Some(result), _) => self.answer(seat, id, result),
                (None, Id::Given(spelled)) => self.put_out(seat, message.text, spelled, id),
                _ => (),
            }
        }
    }

    /// Whether the server says when a list changes.
    fn announces(&self, method: &str) -> bool {
        let capability = method.split('/').next().unwrap_or_default();
        let initialize_result = self.initialize_result.as_deref().unwrap_or_default();
        let capabilities = last_member(initialize_result, "capabilities").unwrap_or_default();
        let capability = last_member(capabilities, capability).unwrap_or_default();
        last_member(capability, "listChanged") == Some("true")
    }

    fn notified(&mut self, message: &Message<'_>, method: &str) {
        match method {
            "notifications/progress" => {
                let params = message.read_params();
                let Some(token) = params.progress_token else { return };
                let request = relay::number(token).and_then(|shared| self.requests.get(shared));
                if let Some(&Request::Call { seat, id, .. }) = request {
                    self.put_out(seat, message.text, token, id);
                }
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => {
                let start = method.trim_start_matches("notifications/");
                self.pages.changed(start.trim_end_matches("list_changed"));
                self.outbox.tell(About::List(method.into()), message.text);
            }
            "notifications/resources/updated" => {
                let Some((uri, _)) = message.read_params().uri else { return };
                self.outbox.tell(About::Resource((*uri).into()), message.text);
            }
            // What is meant for all clients would tell one agent of another.
            _ => (),
        }
    }

    /// A message of the server for a seat, `id` in place of what the server calls it.
    fn put_out(&mut self, seat: usize, text: &str, spelled: &str, id: u32) {
        let digits = id.to_string();
        let mut splice = Splice::of(text);
        splice.put(spelled, &digits);
        self.outbox.put(seat, Body::Whole(splice.pieces().concat().into()));
    }
}
