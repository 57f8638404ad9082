//! Kindness to known clients (docs/protocol.md#quirks): each rule is one function here.

mod references;

pub(super) use references::Schemas;

use super::catalogue::Offers;
use super::policy::Policy;
use super::reply::quoted;
use super::robot::Robot;
use crate::text::Language;
use jsonrpc::message::{last_member, string};
use jsonrpc::scan;
use std::borrow::Cow;

/// How `xiaozhi-server` names itself in `initialize`.
const XIAOZHI_SERVER: &str = "XiaozhiMCPEndpointClient";

/// Whether the robot ignores `list_changed` but takes a second reply to its `tools/list`, and
/// shows only `result.error` of a failed call.
pub(super) fn is_xiaozhi_server(client_name: &str) -> bool {
    client_name == XIAOZHI_SERVER
}

/// The largest message that `xiaozhi-server` takes: with a larger one its WebSocket library ends the
/// session, and none of its tools works any more.
const MAX_MESSAGE: usize = 1 << 20;

/// What stands around the elements of a page in a message, with the id, at most.
const MAX_AROUND: usize = 2048;

/// How large a message for `robot` is, where it is too large for it.
pub(super) fn too_large_for(robot: &Robot, policy: &Policy, pieces: &[&str]) -> Option<usize> {
    if !robot.is_xiaozhi_server || !policy.quirks {
        return None;
    }
    let size = pieces.iter().map(|piece| piece.len()).sum();
    (size > MAX_MESSAGE).then_some(size)
}

/// Whether a robot is given the list of tools in pages, and schemas without references.
pub(super) fn takes_pages(robot: &Robot, policy: &Policy) -> bool {
    robot.is_xiaozhi_server && policy.quirks
}

/// What `xiaozhi-server` is given of the list of tools in one message.
pub(super) struct Page<'a> {
    /// The pieces of its elements, with commas between them.
    pub pieces: Vec<&'a str>,
    /// Where the next page begins; nothing where this is the last.
    pub next: Option<usize>,
    /// The first element that is too large for any page, and how large it is.
    pub left_out: Option<(&'a str, usize)>,
}

/// The page of a list that begins with the element at `start`; `schemas` are those of the list.
pub(super) fn page<'a>(list: &'a Offers, schemas: &'a Schemas, start: usize) -> Page<'a> {
    let room = MAX_MESSAGE - MAX_AROUND;
    let mut page = Page { pieces: Vec::new(), next: None, left_out: None };
    let (mut at, mut bytes) = (start, 0);
    while let Some((name, mut element)) = list.element(at) {
        schemas.put(at, list.raw(at), &mut element);
        // With a comma.
        let size = element.pieces().iter().map(|piece| piece.len()).sum::<usize>() + 1;
        if size > room {
            page.left_out = page.left_out.or(Some((name, size)));
        } else if bytes + size > room {
            page.next = Some(at);
            break;
        } else {
            bytes += size;
            page.pieces.extend((!page.pieces.is_empty()).then_some(","));
            page.pieces.extend(element.pieces());
        }
        at += 1;
    }
    page
}

/// Where the page begins that a robot asks for: the cursor is what an earlier page gave it.
pub(super) fn page_start(robot: &Robot, policy: &Policy, params: Option<&str>) -> usize {
    if !robot.is_xiaozhi_server || !policy.quirks {
        return 0;
    }
    let cursor = params.and_then(|params| string(last_member(params, "cursor")?));
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default()
}

/// What to write behind the opening brace of a `tools/call` result so that its failure is seen: an
/// `error` with the texts of its text contents, or a plain sentence where there is none. Nothing where
/// it did not fail, or says so already.
pub(super) fn failure_told_twice(result: &str, language: Language) -> Option<String> {
    let (mut is_error, mut told, mut content) = (None, false, None);
    scan::members(result, |key, value| match &*key.name() {
        "isError" => is_error = Some(value),
        "error" => told = true,
        "content" => content = Some(value),
        _ => (),
    })
    .ok()?;
    if is_error != Some("true") || told {
        return None;
    }
    let mut words = String::new();
    let _ = scan::elements(content.unwrap_or_default(), &mut |part| {
        if let Some(text) = text_of(part).filter(|text| !text.is_empty()) {
            words.extend((!words.is_empty()).then_some('\n'));
            words.push_str(&text);
        }
    });
    if words.is_empty() {
        words = language.failed_without_words();
    }
    Some(format!(r#""error":{},"#, quoted(&words)))
}

/// The text of a text content.
fn text_of(part: &str) -> Option<Cow<'_, str>> {
    let (mut kind, mut text) = (None, None);
    scan::members(part, |key, value| match &*key.name() {
        "type" => kind = string(value),
        "text" => text = string(value),
        _ => (),
    })
    .ok()?;
    text.filter(|_| kind.as_deref() == Some("text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_failed_call_becomes_its_error() {
        let told = failure_told_twice(
            r#"{"content":[{"type":"image","data":""},{"type":"text","text":"\u574f\n"}],"isError":true}"#,
            Language::En,
        );
        assert_eq!(told.as_deref(), Some(r#""error":"坏\n","#));
        let several = r#"{"isError":true,"content":[{"type":"text","text":"a"},{"type":"text","text":""},{"text":"b","type":"text"}]}"#;
        let told = failure_told_twice(several, Language::En);
        assert_eq!(told.as_deref(), Some(r#""error":"a\nb","#));
    }

    #[test]
    fn a_failure_without_words_gets_a_sentence() {
        for result in [
            r#"{"content":[],"isError":true}"#,
            r#"{"content":7,"isError":true}"#,
            r#"{"content":[{"type":"image","data":""}],"isError":true}"#,
            r#"{"isError":true}"#,
        ] {
            let told = failure_told_twice(result, Language::En);
            assert!(told.is_some_and(|told| told.contains("failed")), "{result}");
        }
    }

    #[test]
    fn a_success_and_a_failure_that_is_told_already_stay_as_they_are() {
        for result in [
            r#"{"content":[{"type":"text","text":"x"}]}"#,
            r#"{"content":[{"type":"text","text":"x"}],"isError":false}"#,
            r#"{"content":[{"type":"text","text":"x"}],"isError":true,"error":"y"}"#,
            r#"["isError"]"#,
        ] {
            assert_eq!(failure_told_twice(result, Language::En), None, "{result}");
        }
    }
}
