//! Kindness to known clients (contract, section 5): each rule is one function here.

use super::envelope::{object, string};
use super::reply::quoted;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

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
    let members: HashMap<Cow<'_, str>, &RawValue> = object(Some(result))?;
    if members.get("isError")?.get() != "true" || members.contains_key("error") {
        return None;
    }
    let content: Vec<HashMap<Cow<'_, str>, &RawValue>> =
        members.get("content").and_then(|raw| serde_json::from_str(raw.get()).ok())?;
    let text = content.iter().find_map(|part| {
        let is_text = string(part.get("type")?.get())? == "text";
        is_text.then(|| string(part.get("text")?.get())).flatten()
    })?;
    Some(format!(r#""error":{},"#, quoted(&text)))
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
