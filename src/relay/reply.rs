//! The messages the relay itself writes (docs/protocol.md#errors-to-robots).

use super::Traffic;
use crate::escape::start_of;
use crate::text::Language;
use jsonrpc::message::quoted;
use jsonrpc::Fault;
use std::borrow::Cow;

/// The protocol version the relay speaks where nobody else decides.
pub(super) const PROTOCOL_VERSION: &str = "2024-11-05";

/// Said to a tool server once its `initialize` is answered.
pub(super) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// How much of a name or method that does not exist is repeated in the answer, in bytes.
const MAX_ECHO_BYTES: usize = 256;

/// Why a message could not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The tool server does not take what is queued for it.
    ToolQueueFull,
    /// The managed tool server does not take more from this agent, or from anybody.
    SeatQueueFull,
    /// The robot does not take what is queued for it.
    RobotQueueFull,
    /// Too much waits for tool servers of this agent already.
    TooMuchHeld,
    /// The memory is spent, and this agent holds the most.
    MemorySpent,
    /// The robot has this many requests under way, which is as many as it may.
    TooManyInFlight(usize),
    /// The agent's robots send too much that goes to several tool servers.
    TooMuchAtOnce,
    /// The answer of the tool server cannot be read.
    Unreadable(Fault),
    /// The robot is subscribed to as many resources as it may, or this one's address is too long.
    TooManySubscriptions,
}

impl Cause {
    fn text(self, language: Language) -> String {
        match self {
            Cause::ToolQueueFull => language.tool_queue_full(),
            Cause::SeatQueueFull => language.seat_queue_full(),
            Cause::RobotQueueFull => language.robot_queue_full(),
            Cause::TooMuchHeld => language.too_much_held(),
            Cause::MemorySpent => language.memory_spent(),
            Cause::TooManyInFlight(limit) => language.too_many_in_flight(limit),
            Cause::TooMuchAtOnce => language.too_much_at_once(),
            Cause::Unreadable(fault) => language.answer_unreadable(&language.fault(fault)),
            Cause::TooManySubscriptions => language.too_many_subscriptions(),
        }
    }
}

/// Why a robot's message is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal<'a> {
    /// The agent has no tool server.
    NoTool,
    /// The message could not be passed on.
    NotForwarded(Cause),
    /// The tool server went before it answered, for this reason.
    ToolLost(&'a str),
    /// The answer is this many bytes long and would end the robot's session; `of` says whose it is.
    TooLarge { size: usize, of: &'a str },
    /// Nothing came within `request_timeout`.
    TimedOut,
    /// Nobody offers what was asked for.
    UnknownName { noun: &'static str, name: &'a str },
    /// Nobody understands the method.
    UnknownMethod(&'a str),
    /// The message is not JSON.
    NotJson,
    /// The message is JSON, but no request.
    NotAMessage,
    /// The message is a list of messages.
    Batch,
    /// Its progress token is there twice, and cannot be replaced.
    UnclearToken,
}

impl Refusal<'_> {
    /// The error's code.
    pub(super) fn code(self) -> i32 {
        match self {
            Refusal::NoTool => -32001,
            Refusal::NotForwarded(_) | Refusal::TooLarge { .. } => -32002,
            Refusal::ToolLost(_) => -32003,
            Refusal::TimedOut => -32005,
            Refusal::NotAMessage | Refusal::Batch | Refusal::UnclearToken => -32600,
            Refusal::UnknownMethod(_) => -32601,
            Refusal::UnknownName { .. } => -32602,
            Refusal::NotJson => -32700,
        }
    }

    /// Counts the error.
    pub(super) fn count(self, traffic: &mut Traffic) {
        let errors = &mut traffic.errors;
        *match self {
            Refusal::NoTool => &mut errors.no_tool,
            Refusal::NotForwarded(_) | Refusal::TooLarge { .. } => &mut errors.not_forwarded,
            Refusal::ToolLost(_) => &mut errors.tool_lost,
            Refusal::TimedOut => &mut errors.timed_out,
            _ => &mut errors.bad_request,
        } += 1;
    }

    pub(super) fn message(self, language: Language) -> String {
        match self {
            Refusal::NoTool => language.no_tool(),
            Refusal::NotForwarded(_) | Refusal::TooLarge { .. } => language.not_forwarded(),
            Refusal::ToolLost(_) => language.tool_lost(),
            Refusal::TimedOut => language.timed_out(),
            Refusal::UnknownName { noun, name } => format!("Unknown {noun}: {}", shortened(name)),
            Refusal::UnknownMethod(method) => format!("Method not found: {}", shortened(method)),
            Refusal::NotJson => "Parse error".to_owned(),
            Refusal::NotAMessage | Refusal::Batch | Refusal::UnclearToken => {
                "Invalid Request".to_owned()
            }
        }
    }

    fn details(self, language: Language) -> String {
        match self {
            Refusal::NoTool => language.no_tool_details(),
            Refusal::NotForwarded(cause) => language.not_forwarded_details(cause.text(language)),
            Refusal::TooLarge { size, of } => {
                language.not_forwarded_details(language.answer_too_large(size, of))
            }
            Refusal::ToolLost(why) => language.tool_lost_details(why),
            Refusal::TimedOut => language.timed_out_details(),
            Refusal::UnknownName { .. } => language.unknown_name_details(),
            Refusal::UnknownMethod(_) => language.unknown_method_details(),
            Refusal::NotJson => language.not_json_details(),
            Refusal::NotAMessage => language.not_a_message_details(),
            Refusal::Batch => language.batch_details(),
            Refusal::UnclearToken => language.unclear_token_details(),
        }
    }

    /// The error as it is sent to a robot that asked as `id`.
    pub(super) fn answer(self, id: &str, agent: &str, language: Language) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{},"message":{},"data":{{"agent_id":{},"details":{}}}}}}}"#,
            self.code(),
            quoted(&self.message(language)),
            quoted(agent),
            quoted(&self.details(language)),
        )
    }
}

/// The start of `text`, as an error repeats it.
pub(super) fn shortened(text: &str) -> &str {
    start_of(text, MAX_ECHO_BYTES)
}

/// The `error` of a tool server as an object, where it is something else: clients look for the members.
pub(super) fn error_object(error: &str) -> Option<String> {
    let quoted = match error.as_bytes() {
        [b'{', ..] => return None,
        [b'"', ..] => Cow::Borrowed(error),
        _ => Cow::Owned(quoted(shortened(error))),
    };
    Some(format!(r#"{{"code":-32603,"message":{quoted}}}"#))
}

/// `initialize`, as the relay sends it to a tool server.
pub(super) fn initialize(id: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{{"protocolVersion":"{PROTOCOL_VERSION}","capabilities":{{}},"clientInfo":{}}}}}"#,
        own_info()
    )
}

/// The relay as the server or client it is.
pub(super) fn own_info() -> String {
    format!(r#"{{"name":"mcp-endpoint-server","version":"{}"}}"#, crate::VERSION)
}

/// A request for one page of a list, `cursor` as its tool server spelled it.
pub(super) fn list(id: u32, method: &str, cursor: Option<&str>) -> String {
    match cursor {
        None => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#),
        Some(cursor) => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"cursor":{cursor}}}}}"#
        ),
    }
}

/// `ping`.
pub(super) fn ping(id: u32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)
}

/// Tells a tool server that a request is not wanted any more.
pub(super) fn cancelled(id: u32, reason: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"{reason}"}}}}"#
    )
}

/// A notification without params.
pub(super) fn notification(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#)
}

/// Answers a tool server that asks for what the relay does not do.
pub(super) fn method_not_found(id: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"Method not found"}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_clients_look_for() {
        let text = Refusal::NoTool.answer("\"7\"", "a\"b", Language::Zh);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["id"], "7");
        assert_eq!(value["error"]["code"], -32001);
        assert_eq!(value["error"]["message"], "工具端未连接");
        assert_eq!(value["error"]["data"]["agent_id"], "a\"b");
        assert_eq!(value["error"]["data"]["details"], "请求的工具端连接不存在或已断开");
        assert!(value.get("result").is_none());
    }

    #[test]
    fn a_long_name_is_not_repeated_whole() {
        let name = "小".repeat(1000);
        let refusal = Refusal::UnknownName { noun: "tool", name: &name };
        assert!(refusal.message(Language::En).len() < 300);
        let odd = Refusal::UnknownMethod("a\nb");
        assert!(!odd.answer("1", "x", Language::En).contains('\n'));
    }
}
