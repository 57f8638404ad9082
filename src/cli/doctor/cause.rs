//! What an observation means: pure, from what came to why.

use super::paste::Flaw;
use crate::cli::client::http::{at, text_at, Answer};
use crate::cli::client::websocket::Refusal;
use crate::cli::client::Failure;
use crate::close::{CloseReason, RefusalReason};
use crate::escape::visible_start;
use crate::text::Language;
use serde_json::Value;

/// How much of a text of the server is shown, in characters.
const MAX_SHOWN_CHARS: usize = 120;

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The address itself is wrong.
    Pasted(Flaw),
    /// There was no answer.
    Failure(Failure),
    /// The answer shows another way: where to.
    Redirected(String),
    /// A proxy answers that it does not reach the server: its status.
    Gateway(u16),
    /// A proxy wants a password: its status.
    Guarded(u16),
    /// The server is there, but not at this path; and whether it is where no prefix is.
    WrongPath(bool),
    /// Somebody else answers: the status, and who it says it is.
    NotOurs(u16, String),
    /// All places are taken.
    Full,
    /// The key is not the server's; whether it is the one of our own configuration.
    WrongKey(bool),
    /// The server saw no upgrade in what was sent as one.
    UpgradeDropped,
    /// Somebody answered an upgrade with this status.
    UpgradeAnswered(u16),
    /// The origin is not allowed, or a proxy forbids it.
    UpgradeForbidden,
    /// What answers does not speak WebSocket soundly.
    WrongAccept,
    /// 1008: the token is not accepted.
    Token(CloseReason),
    /// Closed with this code and reason.
    Closed(u16, String),
    /// The connection ended in the middle.
    Cut,
    /// No answer to this method.
    Unanswered(&'static str),
    /// An error in answer to this method: code and message.
    Error(&'static str, i64, String),
    /// An answer to this method that is none.
    WrongAnswer(&'static str),
    /// The agent has no tool; the address a tool dials.
    NoTool(String),
    /// The connection did not survive some seconds of silence.
    CutWhenSilent,
}

impl Cause {
    /// What happened, why, and what to do.
    pub fn text(&self, language: Language) -> String {
        match self {
            Cause::Pasted(flaw) => flaw.text(language),
            Cause::Failure(failure) => failure.text(language),
            Cause::Redirected(to) => language.cause_redirected(to),
            Cause::Gateway(status) => language.cause_gateway(*status),
            Cause::Guarded(status) => language.cause_guarded(*status),
            Cause::WrongPath(false) => language.cause_wrong_path(),
            Cause::WrongPath(true) => language.cause_wrong_prefix(),
            Cause::NotOurs(status, who) => language.cause_not_ours(*status, who),
            Cause::Full => language.cause_full(),
            Cause::WrongKey(false) => language.cause_wrong_key(),
            Cause::WrongKey(true) => language.cause_wrong_own_key(),
            Cause::UpgradeDropped => language.cause_upgrade_dropped(),
            Cause::UpgradeAnswered(status) => language.cause_upgrade_answered(*status),
            Cause::UpgradeForbidden => language.cause_upgrade_forbidden(),
            Cause::WrongAccept => language.cause_wrong_accept(),
            Cause::Token(reason) => refused(*reason, language),
            Cause::Closed(code, reason) => language.cause_closed(*code, reason),
            Cause::Cut => language.cause_cut(),
            Cause::Unanswered(method) => language.cause_unanswered(method),
            Cause::Error(method, code, message) => language.cause_error(method, *code, message),
            Cause::WrongAnswer(method) => language.cause_wrong_answer(method),
            Cause::NoTool(address) => language.cause_no_tool(&quoted(address)),
            Cause::CutWhenSilent => language.cause_cut_when_silent(),
        }
    }
}

/// What stands between single quotes in a shell, so that it stays there.
fn quoted(text: &str) -> String {
    crate::escape::visible(text).replace('\'', r"'\''")
}

/// Why a token is refused. The server's log says more than its answer. A token that is cut was found
/// before it was sent.
fn refused(reason: CloseReason, language: Language) -> String {
    let mistake = match reason {
        CloseReason::TokenMissing => return language.cause_token_dropped(),
        CloseReason::TokenMalformed => RefusalReason::TokenMalformed,
        CloseReason::TokenWithoutAgent => RefusalReason::TokenWithoutAgent,
        _ => RefusalReason::TokenOfAnotherKey,
    };
    language.cause_token(reason.on_the_wire().1, language.refusal_reason(mistake))
}

/// A server of this kind, as its first page tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Its version.
    pub version: String,
    /// Whether it is the Python server that this one takes the place of.
    pub python: bool,
}

/// What the answer to `GET /mcp_endpoint/` shows.
///
/// # Errors
/// Why it is not the first page of a server of this kind.
pub fn of_home(answer: &Answer) -> Result<Home, Cause> {
    let json = answer.json();
    if answer.status == 200 && text_at(&json, "result.message") == "MCP Endpoint Server" {
        return Ok(Home {
            version: shown(text_at(&json, "result.version")),
            // Ours lets nobody keep an answer; the other does not say.
            python: !answer.header("cache-control").contains("no-store"),
        });
    }
    Err(of_answer(answer, &json))
}

/// Why `answer` is not what was asked for, whatever that was.
fn of_answer(answer: &Answer, json: &Value) -> Cause {
    let ours = at(json, "error.code").is_number();
    // What the Python server's framework says about paths it does not know.
    let pythons = text_at(json, "detail") == "Not Found";
    match answer.status {
        301 | 302 | 303 | 307 | 308 => Cause::Redirected(shown(answer.header("location"))),
        404 if ours || pythons => Cause::WrongPath(false),
        503 if ours => Cause::Full,
        502..=504 | 520..=526 => Cause::Gateway(answer.status),
        401 | 403 | 407 if !ours => Cause::Guarded(answer.status),
        // What servers with TLS answer to a request without.
        400 if says(answer, "HTTPS") => Cause::Failure(Failure::SpeaksTls),
        status => Cause::NotOurs(status, shown(answer.header("server"))),
    }
}

fn says(answer: &Answer, word: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(word)
}

/// What the console sees: how many tools and robots are connected.
///
/// # Errors
/// Why the console could not use the address. `own`: the key is the one of our configuration.
pub fn of_key(answer: &Answer, own: bool) -> Result<Option<(u64, u64)>, Cause> {
    let json = answer.json();
    // The Python server answers 200 in either case.
    if at(&json, "error.code").as_i64() == Some(-32004) {
        return Err(Cause::WrongKey(own));
    }
    if answer.status != 200 || text_at(&json, "result.status") != "success" {
        return Err(of_answer(answer, &json));
    }
    let count = |path: &str| at(&json, path).as_u64();
    let tools = count("result.connections.tool_connections");
    Ok(tools.zip(count("result.connections.robot_connections")))
}

/// Why there is no WebSocket, where a plain request was answered just before.
pub fn of_refusal(refusal: Refusal) -> Cause {
    let answer = match refusal {
        Refusal::Failure(Failure::Ended | Failure::Silent { connected: true }) => {
            return Cause::UpgradeAnswered(0)
        }
        Refusal::Failure(failure) => return Cause::Failure(failure),
        Refusal::WrongAccept => return Cause::WrongAccept,
        Refusal::Answer(answer) => answer,
    };
    let json = answer.json();
    match answer.status {
        426 => Cause::UpgradeDropped,
        403 => Cause::UpgradeForbidden,
        // The Python server does not know the path of a WebSocket without an upgrade, nor does it
        // take one without its last slash.
        200 | 400 | 404 | 405 => Cause::UpgradeAnswered(answer.status),
        // An answer of an upgrade has been read to the end of its head only.
        503 if !answer.header("retry-after").is_empty() && answer.header("server").is_empty() => {
            Cause::Full
        }
        _ => of_answer(&answer, &json),
    }
}

/// Why a server closed a WebSocket.
pub fn of_close(code: u16, reason: &str) -> Cause {
    let mut known = CloseReason::ALL.into_iter();
    match known.find(|known| known.on_the_wire() == (1008, reason) && code == 1008) {
        Some(known) => Cause::Token(known),
        None => Cause::Closed(code, shown(reason)),
    }
}

/// The result in the answer to `method`.
///
/// # Errors
/// Why there is none.
pub fn of_reply(method: &'static str, reply: &Value) -> Result<Value, Cause> {
    if let Some(code) = at(reply, "error.code").as_i64() {
        return Err(Cause::Error(method, code, shown(text_at(reply, "error.message"))));
    }
    match at(reply, "result") {
        Value::Object(result) => Ok(Value::Object(result.clone())),
        _ => Err(Cause::WrongAnswer(method)),
    }
}

/// A text of the server as it can be shown: one line, cut where it is long.
pub(super) fn shown(text: &str) -> String {
    visible_start(text, MAX_SHOWN_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Answer { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
    }

    const HOME: &str = r#"{"jsonrpc":"2.0","id":null,"result":{"message":"MCP Endpoint Server","version":"0.1","status":"running"}}"#;

    #[test]
    fn the_first_page_tells_this_server_from_the_python_one() {
        let ours = of_home(&answer(200, &[("Cache-Control", "no-store")], HOME)).unwrap();
        assert_eq!(ours, Home { version: "0.1".to_owned(), python: false });
        let python = of_home(&answer(200, &[("server", "uvicorn")], HOME)).unwrap();
        assert!(python.python);
    }

    #[test]
    fn who_else_answers_is_distinguished() {
        let full = r#"{"error":{"code":503}}"#;
        for (answer, cause) in [
            (answer(404, &[], r#"{"error":{"code":404}}"#), Cause::WrongPath(false)),
            (answer(404, &[], r#"{"detail":"Not Found"}"#), Cause::WrongPath(false)),
            (answer(404, &[("Server", "nginx")], "<html>"), Cause::NotOurs(404, "nginx".into())),
            (answer(200, &[], "<html>"), Cause::NotOurs(200, String::new())),
            (answer(200, &[], "{}"), Cause::NotOurs(200, String::new())),
            (
                answer(301, &[("Location", "https://h/")], ""),
                Cause::Redirected("https://h/".into()),
            ),
            (answer(502, &[], ""), Cause::Gateway(502)),
            (answer(504, &[], ""), Cause::Gateway(504)),
            (answer(503, &[], "<html>"), Cause::Gateway(503)),
            (answer(503, &[], full), Cause::Full),
            (answer(401, &[], ""), Cause::Guarded(401)),
            (
                answer(400, &[], "The plain HTTP request was sent to HTTPS port"),
                Cause::Failure(Failure::SpeaksTls),
            ),
        ] {
            assert_eq!(of_home(&answer).unwrap_err(), cause, "{answer:?}");
        }
    }

    #[test]
    fn a_wrong_key_is_known_from_either_server() {
        let wrong = r#"{"error":{"code":-32004,"message":"密钥验证失败"}}"#;
        for status in [200, 401] {
            assert_eq!(of_key(&answer(status, &[], wrong), false), Err(Cause::WrongKey(false)));
        }
        let old = r#"{"result":{"status":"success","message":"ok"}}"#;
        assert_eq!(of_key(&answer(200, &[], old), false), Ok(None));
        let new = r#"{"result":{"status":"success","connections":{"tool_connections":2,"robot_connections":1}}}"#;
        assert_eq!(of_key(&answer(200, &[], new), false), Ok(Some((2, 1))));
    }

    #[test]
    fn a_refused_upgrade_is_understood() {
        let of = |status, headers: &[(&str, &str)]| {
            of_refusal(Refusal::Answer(answer(status, headers, "")))
        };
        assert_eq!(of(426, &[]), Cause::UpgradeDropped);
        assert_eq!(of(503, &[("Retry-After", "5")]), Cause::Full);
        assert_eq!(of(503, &[("Retry-After", "5"), ("Server", "x")]), Cause::Gateway(503));
        assert_eq!(of(502, &[]), Cause::Gateway(502));
        assert_eq!(of(404, &[]), Cause::UpgradeAnswered(404));
        assert_eq!(of(403, &[]), Cause::UpgradeForbidden);
        assert_eq!(of_refusal(Refusal::Failure(Failure::Ended)), Cause::UpgradeAnswered(0));
        assert_eq!(of_refusal(Refusal::WrongAccept), Cause::WrongAccept);
    }

    #[test]
    fn an_address_stays_within_its_quotes_in_a_shell() {
        let cause = Cause::NoTool("ws://h/it's';x/mcp_endpoint/mcp/\u{1b}?token=T".to_owned());
        let whole = r"MCP_ENDPOINT='ws://h/it'\''s'\'';x/mcp_endpoint/mcp/\u{1b}?token=T' python";
        for language in [Language::Zh, Language::En] {
            let shown = cause.text(language);
            assert!(shown.contains(whole), "{shown}");
        }
    }

    #[test]
    fn every_reason_of_1008_is_a_cause_of_its_own() {
        for reason in CloseReason::ALL {
            let (code, text) = reason.on_the_wire();
            let cause = of_close(code, text);
            assert_eq!(cause == Cause::Token(reason), code == 1008, "{reason:?}");
        }
        assert_eq!(of_close(1008, "else"), Cause::Closed(1008, "else".to_owned()));
    }

    #[test]
    fn a_reply_without_a_result_is_no_reply() {
        let reply = |text: &str| of_reply("ping", &serde_json::from_str(text).unwrap());
        assert!(reply(r#"{"result":{}}"#).is_ok());
        assert_eq!(reply("{}"), Err(Cause::WrongAnswer("ping")));
        let error = reply(r#"{"error":{"code":-32001,"message":"no"}}"#);
        assert_eq!(error, Err(Cause::Error("ping", -32001, "no".to_owned())));
    }
}
