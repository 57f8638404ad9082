//! A robot for one call: connects, initialises, lists, calls.

use super::arguments::shown;
use crate::cli::client::http::{at, json, text_at};
use crate::cli::client::websocket::{Event, Refusal, WebSocket};
use crate::cli::client::{Address, Failure, MAX_WAIT};
use crate::cli::doctor::cause::{of_close, of_refusal, Cause};
use crate::cli::output::complain;
use crate::text::Language;
use crate::token::Token;
use jsonrpc::message::{last_member, quoted};
use jsonrpc::scan::strict;
use jsonrpc::{Id, Message};
use std::time::{Duration, Instant};

/// How much longer than the server's own timeout an answer is waited for.
const SPARE_TIME: Duration = Duration::from_secs(10);

/// How many pages a list may have.
const MAX_PAGES: usize = 1000;

/// A robot that is connected.
pub(super) struct Robot {
    socket: WebSocket,
    /// Where the server is.
    base: String,
    language: Language,
    /// How long an answer is waited for.
    timeout: Duration,
    /// The id of the last request.
    last: u32,
}

impl Robot {
    /// Connects to `address` as a robot of `agent`, and initialises.
    ///
    /// # Errors
    /// Why that cannot be done, and what to do.
    pub(super) fn connect(
        address: Address,
        key: &str,
        agent: &str,
        request_timeout: Duration,
        language: Language,
    ) -> Result<Self, String> {
        let base = address.base("http");
        let token = Token::new(key, agent).in_address();
        let target = address.target(&format!("/call/?token={token}"));
        let dialled = WebSocket::dial(&address, &target, Instant::now() + MAX_WAIT);
        let socket = dialled.map_err(|refusal| match refusal {
            Refusal::Failure(failure) => language.no_answer(&base, &failure.text(language)),
            other => language.call_not_possible(&base, &of_refusal(other).text(language)),
        })?;
        let timeout = request_timeout.saturating_add(SPARE_TIME);
        let mut robot = Robot { socket, base, language, timeout, last: 0 };
        let params = format!(
            r#"{{"protocolVersion":"2024-11-05","capabilities":{{}},"clientInfo":{{"name":"call","version":"{}"}}}}"#,
            crate::VERSION
        );
        robot.ask("initialize", &params)?;
        let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        robot.socket.send(note).map_err(|failure| robot.failed(failure))?;
        Ok(robot)
    }

    /// The lists of tools, one for each page, as they are spelled.
    pub(super) fn tools(&mut self) -> Result<Vec<String>, String> {
        let mut lists = Vec::new();
        let mut params = "{}".to_owned();
        while lists.len() < MAX_PAGES {
            let page = self.ask("tools/list", &params)?;
            lists.extend(last_member(&page, "tools").map(str::to_owned));
            match last_member(&page, "nextCursor") {
                Some(cursor) if cursor != "null" => params = format!(r#"{{"cursor":{cursor}}}"#),
                _ => break,
            }
        }
        Ok(lists)
    }

    /// Calls `tool` with the JSON object `arguments`. Returns its result, as it is spelled.
    pub(super) fn call(&mut self, tool: &str, arguments: &str) -> Result<String, String> {
        let name = quoted(tool);
        let meta = r#""_meta":{"progressToken":1}"#;
        self.ask("tools/call", &format!(r#"{{"name":{name},"arguments":{arguments},{meta}}}"#))
    }

    /// Says good-bye.
    pub(super) fn leave(self) {
        self.socket.close();
    }

    /// Sends a request. Returns its result, as it is spelled.
    fn ask(&mut self, method: &'static str, params: &str) -> Result<String, String> {
        self.last += 1;
        let id = self.last.to_string();
        let request =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.socket.send(&request).map_err(|failure| self.failed(failure))?;
        let mut end = Instant::now() + self.timeout;
        loop {
            let text = match self.socket.next(end).map_err(|failure| self.failed(failure))? {
                Some(Event::Text(text)) => text,
                Some(Event::Closed(code, reason)) => return Err(self.closed(code, &reason)),
                None => return Err(self.wording(&Cause::Unanswered(method))),
            };
            let Ok(message) = Message::read(&text) else { continue };
            if message.method.as_deref() == Some("notifications/progress") {
                self.show_progress(message.params.unwrap_or_default());
                end = Instant::now() + self.timeout;
            } else if message.method.is_none() && message.id == Id::Given(&id) {
                return match message.answer() {
                    Some(Ok(result)) => Ok(result.to_owned()),
                    Some(Err(error)) => Err(self.refused(method, error)),
                    None => Err(self.wording(&Cause::WrongAnswer(method))),
                };
            }
        }
    }

    fn show_progress(&self, params: &str) {
        let number = |name| last_member(params, name).filter(|number| *number != "null");
        let of = number("total").map(|total| format!("/{}", shown(total))).unwrap_or_default();
        let done = shown(number("progress").unwrap_or_default());
        let message = json(&strict(params));
        let message = shown(text_at(&message, "message"));
        complain(&self.language.call_progress(&done, &of, &message).trim_end());
    }

    /// What an error says in answer to `method`.
    fn refused(&self, method: &str, error: &str) -> String {
        let error = json(&strict(error));
        let code = at(&error, "code").as_i64().unwrap_or_default();
        let details = text_at(&error, "data.details");
        let gap = if details.is_empty() { "" } else { ": " };
        let text = format!("{}{gap}{details}", text_at(&error, "message"));
        let text = crate::escape::visible_start(&text, 1000);
        self.language.call_refused(method, code, &text)
    }

    fn failed(&self, failure: Failure) -> String {
        self.wording(&match failure {
            Failure::Ended | Failure::Silent { .. } => Cause::Cut,
            other => Cause::Failure(other),
        })
    }

    fn closed(&self, code: u16, reason: &str) -> String {
        match of_close(code, reason) {
            // The key made the token, so the key is wrong.
            Cause::Token(_) => self.language.cause_wrong_own_key(),
            cause => self.wording(&cause),
        }
    }

    fn wording(&self, cause: &Cause) -> String {
        self.language.call_not_possible(&self.base, &cause.text(self.language))
    }
}
