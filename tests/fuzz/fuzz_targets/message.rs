//! Messages of any text: read, and written again with nothing changed but what is meant to be.
#![no_main]

use jsonrpc::message::string;
use jsonrpc::splice::place_in;
use jsonrpc::{read_line, Fault, Id, Message, MessageError, Params, Splice, Unread};
use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::relay::ids_in;
use python::without_words;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::ops::Range;

mod python;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    read_line(&mut (), &text, &mut |_, _| true, &mut |_, line, read| {
        line_is_the_text(line, &text);
        match read {
            Ok(message) => message_is_sound(message),
            Err(unread) => why_is_sound(unread, line),
        }
        let fault = Fault::of(&text, line, read.err());
        assert!(fault.at <= text.len(), "{fault:?} in {text:?}");
    });
    // Where there is no room for a copy nothing is passed on that has line breaks.
    read_line(&mut (), &text, &mut |_, _| false, &mut |_, line, read| {
        let fault = Fault::of(&text, line, read.err());
        assert!(fault.at <= text.len(), "{fault:?} in {text:?}");
        match read {
            Ok(_) => assert!(!line.contains(['\n', '\r'])),
            Err(unread) => id_is_sound(unread, line),
        }
    });
    ids_in(&text, &mut |id| assert!(id.len() <= text.len()));
    Message::each_of(&text, &mut |message| {
        assert!(is_json(message.text));
        true
    });
});

fn id_is_sound(unread: &Unread, line: &str) {
    if let Some(id) = unread.id_in(line) {
        assert!(is_json(id) && place_in(line, id).is_some());
    }
}

fn why_is_sound(unread: &Unread, line: &str) {
    let valid = is_json(line);
    match unread.why {
        // A member whose name is half a letter can be skipped, but not read.
        MessageError::NotJson => assert!(!valid || !has_names(line), "{line:?} is JSON"),
        MessageError::Batch => assert!(valid && line.trim_start().starts_with('[')),
        // What comes behind a member that is odd is not looked at.
        MessageError::NotAMessage => (),
        MessageError::NoRoom => panic!("there is room"),
    }
    id_is_sound(unread, line);
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(&without_words(text)).is_ok()
}

fn has_names(text: &str) -> bool {
    serde_json::from_str::<HashMap<String, IgnoredAny>>(&without_words(text)).is_ok()
}

fn line_is_the_text(line: &str, text: &str) {
    // It may be left out.
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) if line == text.trim_end_matches(['\r', '\n']) => {
            return assert!(!is_json(rest))
        }
        rest => rest.unwrap_or(text),
    };
    if !is_json(text) {
        // What is not a message goes nowhere.
        return assert_eq!(line, text.trim_end_matches(['\r', '\n']));
    }
    assert!(!line.contains(['\n', '\r']), "{line:?}");
    let blank = |c: char| if matches!(c, '\n' | '\r') { ' ' } else { c };
    let blanks: String = text.chars().map(blank).collect();
    // Where there is only one line, only its end is cut.
    let start = text.len() - text.trim_start_matches(['\r', '\n']).len();
    assert_eq!(line, &blanks[start..][..line.len()]);
    assert!(is_json(line), "{text:?} was JSON and is none any more");
    read_line(&mut (), line, &mut |_, _| true, &mut |_, again, _| assert_eq!(again, line));
}

fn message_is_sound(message: &Message<'_>) {
    let text = message.text;
    assert!(is_json(text), "{text:?} is no JSON");
    for part in [message.params, message.result, message.error].into_iter().flatten() {
        assert!(is_json(part) && place_in(text, part).map(|at| &text[at]) == Some(part));
    }
    // What a full parse finds is what was read.
    let value: Option<serde_json::Value> = serde_json::from_str(&without_words(text)).ok();
    if let Some(value) = &value {
        assert_eq!(value.get("method").and_then(|m| m.as_str()), message.method.as_deref());
        assert_eq!(value.get("id").is_some(), message.id != Id::Absent);
        answer_is_sound(message, value);
        let raw = message.params.map(without_words);
        let raw = raw.map(|raw| serde_json::from_str(&raw).expect("JSON"));
        assert_eq!(value.get("params"), raw.as_ref());
    }
    let params = message.read_params();
    params_are_sound(&params, message);

    // As a request to a tool: id, token and name are written anew.
    let id = match message.id {
        Id::Given(id) => Some(id),
        _ => None,
    };
    if let (Some(id), Some(value)) = (id, &value) {
        assert!(value["id"].is_string() || value["id"].is_number());
        assert_eq!(serde_json::from_str::<serde_json::Value>(id).ok().as_ref(), value.get("id"));
    }
    let name = params.name.as_ref().map(|(_, spelled)| *spelled);
    spliced(message, &[(id, "7"), (params.asked_token, "7"), (name, r#""n\u0065w""#)]);
    spliced(message, &[(name, r#""""#), (params.asked_token, "2147483647")]);
    spliced(message, &[(params.progress_token, r#""t""#)]);
    spliced(message, &[(params.request_id, "1"), (id, r#""小""#)]);
    // An error is written into a failed call's result.
    let result = message.result.filter(|result| result.starts_with('{'));
    if let Some(place) = result.and_then(|result| place_in(text, result)) {
        let inside = place.start + 1..place.start + 1;
        let mut splice = Splice::of(text);
        splice.put(&text[inside.clone()], r#""error":"x","#);
        assert_eq!(splice.pieces().concat(), replaced(text, vec![(inside, r#""error":"x","#)]));
    }
}

/// A success has no error, an error no result, and neither a method, once the surplus is left out.
fn answer_is_sound(message: &Message<'_>, value: &serde_json::Value) {
    let (result, error) = (value.get("result"), value.get("error"));
    // A word stands as `null` in `value`, and yet it is none.
    let is_word =
        message.error.is_some_and(|error| error != "null" && without_words(error) == "null");
    let is_set = |error: &serde_json::Value| !error.is_null() && *error != false;
    let failed = is_word || error.is_some_and(is_set);
    assert_eq!(result.is_some() && !failed, message.answer().is_some_and(|answer| answer.is_ok()));
    assert_eq!(failed, message.answer().is_some_and(|answer| answer.is_err()));
    let surplus = message.surplus_member();
    let has_both = result.is_some() && error.is_some();
    let is_in_request = message.method.is_some() && (result.is_some() || error.is_some());
    assert_eq!(surplus.is_some(), has_both || is_in_request);
    let Some(surplus) = surplus else { return };
    let mut splice = Splice::of(message.text);
    splice.put(surplus, "");
    let rest = without_words(&splice.pieces().concat());
    let rest: serde_json::Value = serde_json::from_str(&rest).expect("JSON");
    let mut expected = value.clone();
    let gone = match (has_both, failed) {
        (false, _) => "method",
        (true, true) => "result",
        (true, false) => "error",
    };
    expected.as_object_mut().map(|all| all.remove(gone));
    assert_eq!(rest, expected);
}

fn params_are_sound(params: &Params<'_>, message: &Message<'_>) {
    let named = [&params.name, &params.uri].into_iter().flatten();
    for (said, spelled) in named {
        assert_eq!(string(spelled).as_ref(), Some(said));
        assert_eq!(serde_json::from_str::<String>(spelled).ok().as_deref(), Some(&**said));
        assert!(place_in(message.text, spelled).is_some());
    }
    let raws = [params.asked_token, params.progress_token, params.request_id];
    for raw in raws.into_iter().flatten() {
        assert!(is_json(raw) && place_in(message.text, raw).is_some());
    }
}

/// Writes parts of the message anew: nothing else changes, and it stays JSON of one line.
fn spliced(message: &Message<'_>, parts: &[(Option<&str>, &str)]) {
    let mut splice = Splice::of(message.text);
    let mut edits = Vec::new();
    for (part, new) in parts {
        let place = part.and_then(|part| place_in(message.text, part));
        assert_eq!(place.is_some(), part.is_some(), "a part that stands nowhere");
        part.iter().for_each(|part| splice.put(part, new));
        edits.extend(place.map(|place| (place, *new)));
    }
    let written = splice.pieces().concat();
    assert_eq!(written, replaced(message.text, edits));
    assert!(is_json(&written), "{written:?}");
    let again = Message::read(&written).expect("a message");
    assert_eq!(again.method, message.method);
    assert_eq!((again.result, again.error), (message.result, message.error));
}

/// The plain way to do it: from the last place to the first.
fn replaced(text: &str, mut edits: Vec<(Range<usize>, &str)>) -> String {
    edits.sort_by_key(|(place, _)| place.start);
    assert!(edits.windows(2).all(|two| two[0].0.end <= two[1].0.start), "{edits:?} overlap");
    let mut text = text.to_owned();
    for (place, new) in edits.into_iter().rev() {
        text.replace_range(place, new);
    }
    text
}
