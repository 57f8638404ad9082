use super::*;
use crate::random::Random;
use python::without_words;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[path = "../../../tests/fuzz/fuzz_targets/python.rs"]
mod python;

fn agrees(text: &str) {
    let plain = &*without_words(text);
    let theirs = serde_json::from_str::<&RawValue>(plain).is_ok();
    let mut notes = Notes::default();
    let checked = check(text, &mut notes);
    if text.contains(['\n', '\r']) {
        assert!(!is_json(text), "{text:?} has more lines than one");
        assert_eq!(checked.is_ok(), theirs, "{text:?}");
        return assert!(notes.has_breaks || !theirs, "{text:?}");
    }
    assert!(!notes.has_breaks);
    assert_eq!(is_json(text), theirs, "{text:?}");
    assert!(!theirs || strict(text) == *plain, "{text:?}");
    if let Err(TextError { at, is_behind_value }) = checked {
        // All that comes before the fault is the beginning of something well-formed.
        assert!(at <= text.len(), "{text:?}");
        let before: String = text
            .chars()
            .scan(0, |end, letter| {
                *end += letter.len_utf8();
                (*end <= at).then_some(letter)
            })
            .collect();
        assert!(!is_behind_value || is_json(&before), "{text:?} at {at}");
        if let Err(TextError { at: earlier, .. }) = check(&before, &mut notes) {
            // A word, a number or an escape may be cut in its midst.
            assert!(earlier + 9 > before.len(), "{text:?} at {at}, {before:?} at {earlier}");
        }
    }
    let mut ours = Some(Vec::new());
    if members(text, |key, value| ours.iter_mut().for_each(|all| all.push((key, value)))).is_err() {
        ours = None;
    }
    // Here a list is not read as an object.
    let theirs = serde_json::from_str::<BTreeMap<String, &RawValue>>(plain).ok();
    assert_eq!(ours.is_some(), theirs.is_some(), "{text:?}");
    let mut ours_in_a_list = Vec::new();
    let is_list = elements(text, &mut |element| ours_in_a_list.push(element)).is_ok();
    let theirs_in_a_list = serde_json::from_str::<Vec<&RawValue>>(plain).ok();
    assert_eq!(is_list, theirs_in_a_list.is_some(), "{text:?}");
    if let Some(theirs) = theirs_in_a_list {
        let theirs: Vec<&str> = theirs.iter().map(|raw| raw.get()).collect();
        let ours: Vec<String> = ours_in_a_list.iter().copied().map(without_words).collect();
        assert_eq!(ours, theirs, "{text:?}");
    }
    for (key, value) in ours.unwrap_or_default() {
        let key = key.name();
        if let Some(theirs) = theirs.as_ref().and_then(|all| all.get(&*key)) {
            assert!(
                theirs.get() == without_words(value) || text.matches(&*key).count() > 1,
                "{text:?}"
            );
        }
    }
}

#[test]
fn every_bracket_is_closed_by_its_own_however_deep_it_is() {
    // In step with no power of two.
    let brackets: Vec<(&str, &str)> =
        (0..200).map(|at| if at % 5 < 2 { ("{\"a\":", "}") } else { ("[", "]") }).collect();
    let opened: String = brackets.iter().map(|(open, _)| *open).collect();
    for depth in [1, 2, 31, 32, 33, 34, 62, 63, 64, 65, 66, 126, 127, 128, 129, 200] {
        let opened: String = brackets.iter().take(depth).map(|(open, _)| *open).collect();
        let closed: String = brackets.iter().take(depth).rev().map(|(_, close)| *close).collect();
        assert!(is_json(&format!("{opened}1{closed}")), "{depth}");
        // Back in, and out again.
        assert!(is_json(&format!("[{opened}1{closed},{opened}1{closed}]")), "{depth}");
        assert!(!is_json(&format!("{opened}1{closed}]")), "{depth}");
        let mut notes = Notes::default();
        let text = format!("[[{opened}1{closed},2],[]]");
        assert!(check(&text, &mut notes).is_ok());
        assert_eq!(notes.is_deep, depth + 2 > MAX_DEPTH, "{depth}");
    }
    for wrong in 0..brackets.len() {
        let other = |close| if close == "]" { "}" } else { "]" };
        let closed = brackets.iter().enumerate().rev();
        let closed: String = closed
            .map(|(at, (_, close))| if at == wrong { other(*close) } else { *close })
            .collect();
        assert!(!is_json(&format!("{opened}1{closed}")), "{wrong}");
    }
}

#[test]
fn what_is_json_is_what_serde_json_says() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let mixed = r#"{"a":["#.repeat(100) + "1" + &"]}".repeat(100);
    for text in [
        "",
        " ",
        "{}",
        " {\t} \n",
        "\n{}",
        "{\r}",
        "[1,\n2]",
        " {\t} ",
        "{\"a\":1}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" : [ ] , \"b\" : { } }",
        "[1,2,[3,{\"x\":[]}]]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "[}",
        "{]",
        "{\"a\":[}",
        "1",
        "-1",
        "-",
        "01",
        "-0",
        "0.5",
        ".5",
        "1.",
        "1e5",
        "1E+5",
        "1e-",
        "1e+5.0",
        "1.5e3x",
        "true",
        "tru",
        "truex",
        "null",
        "nul",
        "false",
        "NaN",
        "[NaN, Infinity ,-Infinity]",
        "{\"NaN\":NaN,\"a\":{\"-Infinity\":-Infinity},\"b\":\"NaN\\\" Infinity\"}",
        "{NaN:1}",
        "-NaN",
        "+Infinity",
        "--Infinity",
        "- Infinity",
        "1NaN",
        "NaN1",
        "-1Infinity",
        "Infinity-",
        "NaNNaN",
        "Na",
        "nan",
        "Inf",
        "-Inf",
        "[-I]",
        "[-",
        "\"\"",
        "\"",
        "\"\\\"",
        "\"\\\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\ud800\"",
        "\"\u{1}\"",
        "\"\t\"",
        "\"小智\"",
        "\"a\u{7f}b\"",
        "{\"a\":\"\u{1f}\"}",
        "{} {}",
        "{}x",
        "{\"a\":1}}",
        "\u{feff}{}",
        "\u{a0}1",
        "[\"abcdefgh\",\"abcdefg\\\"\"]",
        &deep,
        &mixed,
        &deep[1..],
        &mixed[..mixed.len() - 1],
    ] {
        agrees(text);
    }
}

#[test]
fn every_place_in_a_run_of_letters_is_looked_at() {
    for length in 0..100 {
        for mark in [
            "\"",
            "\\",
            "\u{1f}",
            "\\n",
            "\\u00e9",
            " ",
            "é",
            "小",
            "\u{7f}",
            "\\\"",
            "\\\\",
            "\\n\\n\\\"x\\\"",
            "\\\"\"",
            "\\n\\\u{1f}",
            "\\\"x\\xn",
        ] {
            for at in (0..=length).step_by(3) {
                let text = format!("\"{}{mark}{}\"", "x".repeat(at), "y".repeat(length - at));
                agrees(&text);
                agrees(&format!("{{{text}:{text}}}"));
            }
        }
    }
}

#[test]
fn mutations_of_a_message_are_judged_as_serde_json_judges_them() {
    let seed = r#" {"jsonrpc":"2.0","id":-1.5E+2,"a\u0062":[NaN,true,false,null,{"x":[-Infinity]},"\\\"/"],"小":""}"#;
    let mut random = Random::new(7);
    let mut random = |below: usize| random.place(below);
    let spare: Vec<char> =
        "{}[]\",:\\ \n0123456789eE+-.truefalsnNaIinity/u小\u{1}".chars().collect();
    for _ in 0..20_000 {
        let mut letters: Vec<char> = seed.chars().collect();
        for _ in 0..=random(3) {
            let place = random(letters.len());
            match random(4) {
                3 => {
                    let word = ["NaN", "-Infinity", "Infinity"][random(3)];
                    letters.splice(place..place, word.chars());
                }
                0 => letters[place] = spare[random(spare.len())],
                1 => letters.insert(place, spare[random(spare.len())]),
                _ => drop(letters.remove(place)),
            }
        }
        agrees(&letters.into_iter().collect::<String>());
    }
}

#[test]
fn depth_costs_memory_only_by_the_bit_and_no_stack() {
    let deep = "[{\"a\":".repeat(100_000) + "0" + &"}]".repeat(100_000);
    assert!(is_json(&deep));
    assert!(!is_json(&deep.replacen("}]", "]}", 1)));
}
