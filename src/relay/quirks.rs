//! Kindness to known clients (contract, section 5): each rule is one function here.

use super::envelope::string;
use super::reply::quoted;
use super::scan;
use std::borrow::Cow;

/// How `xiaozhi-server` names itself in `initialize`.
const XIAOZHI_SERVER: &str = "XiaozhiMCPEndpointClient";

/// Whether the robot ignores `list_changed` but takes a second reply to its `tools/list`, and
/// shows only `result.error` of a failed call.
pub(super) fn is_xiaozhi_server(client_name: &str) -> bool {
    client_name == XIAOZHI_SERVER
}

/// What to write behind the opening brace of a `tools/call` result so that its failure is seen:
/// an `error` with the text of its first text content. Nothing where it did not fail, or says so
/// already.
pub(super) fn failure_told_twice(result: &str) -> Option<String> {
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
    let mut text = None;
    scan::elements(content?, &mut |part| {
        if text.is_none() {
            text = text_of(part);
        }
    })
    .ok()?;
    Some(format!(r#""error":{},"#, quoted(&text?)))
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
        );
        assert_eq!(told.as_deref(), Some(r#""error":"坏\n","#));
    }

    #[test]
    fn a_success_and_a_failure_that_is_told_already_stay_as_they_are() {
        for result in [
            r#"{"content":[{"type":"text","text":"x"}]}"#,
            r#"{"content":[{"type":"text","text":"x"}],"isError":false}"#,
            r#"{"content":[{"type":"text","text":"x"}],"isError":true,"error":"y"}"#,
            r#"{"content":[],"isError":true}"#,
            r#"{"content":7,"isError":true}"#,
            r#"["isError"]"#,
        ] {
            assert_eq!(failure_told_twice(result), None, "{result}");
        }
    }
}
