//! `xiaozhi-server` shows only `result.error` of a failed call (docs/protocol.md#quirk-failed-calls).

use super::parts::Part;
use crate::text::Language;
use jsonrpc::message::{quoted, string};
use jsonrpc::scan;

/// What to write behind the opening brace of a `tools/call` result so that its failure is seen: an
/// `error` with the texts of its text contents, or a plain sentence where there is none. Nothing where
/// it did not fail, or says so already.
pub(super) fn error_member(result: &str, language: Language) -> Option<String> {
    let (mut is_error, mut has_error, mut content) = (None, false, None);
    scan::members(result, |key, value| match &*key.name() {
        "isError" => is_error = Some(value),
        "error" => has_error = true,
        "content" => content = Some(value),
        _ => (),
    })
    .ok()?;
    if is_error != Some("true") || has_error {
        return None;
    }
    let mut words = String::new();
    let _ = scan::elements(content.unwrap_or_default(), &mut |part| {
        if let Some(text) = Part::read(part).text.and_then(string).filter(|text| !text.is_empty()) {
            words.extend((!words.is_empty()).then_some('\n'));
            words.push_str(&text);
        }
    });
    if words.is_empty() {
        words = language.failed_without_words();
    }
    Some(format!(r#""error":{},"#, quoted(&words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_failed_call_becomes_its_error() {
        let shown = error_member(
            r#"{"content":[{"type":"image","data":""},{"type":"text","text":"\u574f\n"}],"isError":true}"#,
            Language::En,
        );
        assert_eq!(shown.as_deref(), Some(r#""error":"坏\n","#));
        let several = r#"{"isError":true,"content":[{"type":"text","text":"a"},{"type":"text","text":""},{"text":"b","type":"text"}]}"#;
        let shown = error_member(several, Language::En);
        assert_eq!(shown.as_deref(), Some(r#""error":"a\nb","#));
    }

    #[test]
    fn a_failure_without_words_gets_a_sentence() {
        for result in [
            r#"{"content":[],"isError":true}"#,
            r#"{"content":7,"isError":true}"#,
            r#"{"content":[{"type":"image","data":""}],"isError":true}"#,
            r#"{"isError":true}"#,
        ] {
            let shown = error_member(result, Language::En);
            assert!(shown.is_some_and(|shown| shown.contains("failed")), "{result}");
        }
    }

    #[test]
    fn a_success_and_a_failure_that_is_reported_already_stay_as_they_are() {
        for result in [
            r#"{"content":[{"type":"text","text":"x"}]}"#,
            r#"{"content":[{"type":"text","text":"x"}],"isError":false}"#,
            r#"{"content":[{"type":"text","text":"x"}],"isError":true,"error":"y"}"#,
            r#"["isError"]"#,
        ] {
            assert_eq!(error_member(result, Language::En), None, "{result}");
        }
    }
}
