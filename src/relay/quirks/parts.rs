//! `xiaozhi-server` reads `content[0].text` of a result, and nothing else. A result whose text is
//! elsewhere, too, is given to it as one text (docs/protocol.md#quirk-text-parts).

use super::MAX_MESSAGE;
use crate::relay::reply::shortened;
use jsonrpc::message::{last_member, quoted, string};
use jsonrpc::{scan, Message};
use std::borrow::Cow;

/// The `content` of a result as a list of one text. Nothing where the first part is the only text, or
/// where there is no part.
pub(in crate::relay) fn joined(message: &Message<'_>) -> Option<String> {
    let content = message.content?;
    // What nearly every tool server writes.
    if !message.has_many_parts && begins_with_text(content).is_some() {
        return None;
    }
    let mut joined = r#"[{"type":"text","text":""#.to_owned();
    let (start, mut parts, mut texts, mut first_is_text) = (joined.len(), 0, 0, false);
    scan::elements(content, &mut |part| {
        let part = Part::read(part);
        first_is_text |= parts == 0 && part.text.is_some();
        parts += 1;
        texts += usize::from(part.text.is_some());
        // What is too large for the robot anyway is not copied.
        if joined.len() > MAX_MESSAGE {
            return;
        }
        let name;
        let text = match part.text {
            Some(text) => text,
            None => {
                name = quoted(&format!("[{}]", shortened(&part.name())));
                &name
            }
        };
        let text = text.get(1..text.len() - 1).unwrap_or_default();
        if joined.len() > start && !text.is_empty() {
            joined.push_str("\\n");
        }
        joined.push_str(text);
    })
    .ok()?;
    if parts == 0 || (first_is_text && texts == 1) || joined.len() > MAX_MESSAGE {
        return None;
    }
    joined.push_str(r#""}]"#);
    Some(joined)
}

/// Whether the first part says at once that it is a text.
fn begins_with_text(content: &str) -> Option<&str> {
    let parts = ["[", "{", r#""type""#, ":", r#""text""#];
    parts.iter().try_fold(content, |rest, part| rest.trim_start().strip_prefix(part))
}

/// What a JSON string says. Half a pair of escapes, which is no letter, is read as one that is unknown.
pub(super) fn readable(raw: &str) -> Option<Cow<'_, str>> {
    let again = || {
        let whole = raw.starts_with('"').then(|| without_halves(raw))?;
        Some(Cow::Owned(string(&whole)?.into_owned()))
    };
    string(raw).or_else(again)
}

/// A JSON string with `\ufffd` in place of each half of a pair of escapes that stands alone.
fn without_halves(raw: &str) -> String {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (mut whole, mut rest) = (String::with_capacity(raw.len()), raw);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let next = escape.get(6..).and_then(unit);
        let (length, is_half) = match unit(escape) {
            Some(0xd800..=0xdbff) if matches!(next, Some(0xdc00..=0xdfff)) => (12, false),
            Some(0xd800..=0xdfff) => (6, true),
            _ => (2, false),
        };
        let Some((escape, behind)) = escape.split_at_checked(length) else { break };
        whole.extend([before, if is_half { "\\ufffd" } else { escape }]);
        rest = behind;
    }
    whole.push_str(rest);
    whole
}

/// A part of a result.
#[derive(Default)]
pub(super) struct Part<'a> {
    kind: Option<Cow<'a, str>>,
    /// The text of a text, as it is spelled.
    pub text: Option<&'a str>,
    mime: Option<Cow<'a, str>>,
    address: Option<Cow<'a, str>>,
}

impl<'a> Part<'a> {
    pub(super) fn read(part: &'a str) -> Self {
        let mut found = Part::default();
        let _ = scan::members(part, |key, value| match &*key.name() {
            "type" => found.kind = readable(value),
            "text" => found.text = Some(value).filter(|text| text.starts_with('"')),
            "mimeType" => found.mime = readable(value),
            "uri" => found.address = readable(value),
            "resource" => found.address = last_member(value, "uri").and_then(readable),
            _ => (),
        });
        found.text = found.text.filter(|_| found.kind.as_deref().is_none_or(|kind| kind == "text"));
        found
    }

    /// What is read in its place, where it is not text.
    fn name(&self) -> Cow<'_, str> {
        let kind = self.kind.as_deref().unwrap_or("?");
        match (kind, &self.mime, &self.address) {
            ("image" | "audio", Some(mime), _) => Cow::Borrowed(mime),
            ("resource" | "resource_link", _, Some(address)) => {
                Cow::Owned(format!("resource {address}"))
            }
            _ => Cow::Borrowed(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: &str) -> Option<String> {
        let text = format!(r#"{{"id":1,"result":{{"content":{content}}}}}"#);
        let joined = joined(&Message::read(&text).unwrap())?;
        let read: serde_json::Value = serde_json::from_str(&joined).unwrap();
        let parts = read.as_array().unwrap();
        assert_eq!((parts.len(), &parts[0]["type"]), (1, &"text".into()), "{joined}");
        Some(parts[0]["text"].as_str().unwrap().to_owned())
    }

    #[test]
    fn several_texts_become_one() {
        for (content, expected) in [
            (r#"[{"type":"text","text":"a"},{"text":"b","type":"text"}]"#, "a\nb"),
            (
                r#"[{"type":"text","text":"\u5c0f\n\"" } , {"type":"text","text":"\\"}]"#,
                "小\n\"\n\\",
            ),
            (r#"[{"type":"text","text":""},{"type":"text","text":"b"}]"#, "b"),
            (r#"[{"type":"text","text":"a"},{"type":"text","text":""}]"#, "a"),
            (r#"[{"text":"a"},{"text":"b"}]"#, "a\nb"),
            (r#"[7,{"type":"text","text":"a"}]"#, "[?]\na"),
            (
                r#"[{"type":"text","text":"a"},{"type":"image","mimeType":"image/png","data":""},{"type":"text","text":"b"}]"#,
                "a\n[image/png]\nb",
            ),
        ] {
            assert_eq!(shown(content).as_deref(), Some(expected), "{content}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (part, name) in [
            (r#"{"type":"image","data":"","mimeType":"image/png"}"#, "[image/png]"),
            (r#"{"type":"audio","data":"","mimeType":"audio\/wav"}"#, "[audio/wav]"),
            (r#"{"type":"image","data":""}"#, "[image]"),
            (
                r#"{"type":"resource","resource":{"uri":"file:///a","text":"x"}}"#,
                "[resource file:///a]",
            ),
            (r#"{"type":"resource_link","uri":"a://\"","name":"n"}"#, "[resource a://\"]"),
            (r#"{"type":"resource"}"#, "[resource]"),
            ("{}", "[?]"),
            ("null", "[?]"),
        ] {
            assert_eq!(shown(&format!("[{part}]")).as_deref(), Some(name), "{part}");
        }
        let long = format!(r#"[{{"type":"resource_link","uri":"{}"}}]"#, "x".repeat(10_000));
        assert!(shown(&long).unwrap().len() < 300);
    }

    #[test]
    fn a_result_whose_first_part_is_its_only_text_stays_as_it_is() {
        for content in [
            r#"[{"type":"text","text":"a"}]"#,
            r#"[ { "type" : "text", "text": "a"} ]"#,
            r#"[{"text":"a","type":"text"}]"#,
            r#"[{"text":"a"}]"#,
            // Nobody knows what is meant.
            r#"[{"type":"text","text":5}]"#,
            r#"[{"type":"text","text":"a"},{"type":"image"}]"#,
            "[]",
            "{}",
            r#""x""#,
            "null",
        ] {
            assert_eq!(shown(content), None, "{content}");
        }
        // Of a member that is there twice the last one counts.
        assert_eq!(shown(r#"[{}],"content":7"#), None);
        assert_eq!(shown(r#"7,"c\u006fntent":[{}]"#).as_deref(), Some("[?]"));
    }
}
