//! `xiaozhi-server` shows only `result.error` of a failed call (docs/protocol.md#quirk-failed-calls).

use super::parts::{readable, Part};
use crate::text::Language;
use jsonrpc::message::quoted;
use jsonrpc::scan;

/// What to write behind the opening brace of a `tools/call` result so that its failure is seen: an
/// `error` with the texts of its text contents, or a plain sentence where there is none. Nothing where
/// it did not fail, or says so already. The texts are cut where they would take more than `room` bytes.
pub(super) fn error_member(result: &str, room: usize, language: Language) -> Option<String> {
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
        let text = Part::read(part).text.filter(|_| words.len() <= room).and_then(readable);
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            words.extend((!words.is_empty()).then_some('\n'));
            words.push_str(&text);
        }
    });
    if let Some(end) = end_within(&words, room) {
        words.truncate(end);
        words.push('…');
    }
    if words.is_empty() {
        words = language.failed_without_words();
    }
    Some(format!(r#""error":{},"#, quoted(&words)))
}

/// Where a text has to end to take at most `room` bytes as a JSON string; nothing where it fits.
fn end_within(text: &str, room: usize) -> Option<usize> {
    let mut size = 0;
    let (end, _) = text.char_indices().find(|(_, letter)| {
        size += match letter {
            '"' | '\\' => 2,
            '\0'..' ' => 6,
            _ => letter.len_utf8(),
        };
        size > room
    })?;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_with_half_a_pair_of_escapes_is_kept() {
        for (text, expected) in [
            (r"no \ud800 such\udc00 lamp \ud83d\ude00", "no \u{fffd} such\u{fffd} lamp 😀"),
            (r"\ud800\ud83d\ude00\\ud800\n\uDFFF", "\u{fffd}😀\\ud800\n\u{fffd}"),
        ] {
            let result = format!(
                r#"{{"n":1e999,"n":-0.0E+5,"content":[{{"type":"text","text":"{text}"}}],"isError":true}}"#
            );
            let shown = error_member(&result, 1000, Language::En).unwrap();
            assert_eq!(shown, format!(r#""error":{},"#, quoted(expected)));
        }
    }

    #[test]
    fn a_long_reason_is_cut() {
        for (letter, spelled) in [("x", "x"), ("查", "查"), ("\"", "\\\""), ("\u{1}", "\\u0001")]
        {
            let text = spelled.repeat(500);
            let result = format!(
                r#"{{"content":[{{"text":"{text}"}},{{"text":"{text}"}}],"isError":true}}"#
            );
            let shown = error_member(&result, 256, Language::En).unwrap();
            let quoted: String = serde_json::from_str(&shown[8..shown.len() - 1]).unwrap();
            let kept = quoted.strip_suffix('…').unwrap();
            assert!(letter.repeat(500).starts_with(kept), "{shown}");
            assert!((250..280).contains(&shown.len()), "{shown}");
        }
    }

    #[test]
    fn the_text_of_a_failed_call_becomes_its_error() {
        let shown = error_member(
            r#"{"content":[{"type":"image","data":""},{"type":"text","text":"\u574f\n"}],"isError":true}"#,
            1000,
            Language::En,
        );
        assert_eq!(shown.as_deref(), Some(r#""error":"坏\n","#));
        let several = r#"{"isError":true,"content":[{"type":"text","text":"a"},{"type":"text","text":""},{"text":"b","type":"text"}]}"#;
        let shown = error_member(several, 1000, Language::En);
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
            let shown = error_member(result, 1000, Language::En);
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
            assert_eq!(error_member(result, 1000, Language::En), None, "{result}");
        }
    }
}
