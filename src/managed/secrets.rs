//! Text of managed tool servers, made fit to show: secrets of the servers file are masked first, then the text is
//! escaped, then cut. In another order a part of a secret would stay, or one with a quote would not be found.

use crate::escape::visible_start;
use crate::sorted::sorted;
use jsonrpc::message::quoted;

/// What stands for a secret.
const MASK: &str = "****";

/// `text` with every secret masked, also where it is spelled as in JSON.
pub fn masked(text: &str, secrets: &[String]) -> String {
    let mut found = Vec::new();
    let mut note = |form: &str| {
        let places = text.match_indices(form).map(|(start, found)| (start, start + found.len()));
        found.extend(places);
    };
    for secret in secrets {
        note(secret);
        let spelled = quoted(secret);
        let inside = spelled.get(1..spelled.len() - 1).unwrap_or_default();
        if inside != secret {
            note(inside);
        }
    }
    let (mut shown, mut end) = (String::new(), 0);
    // One may be a part of another, or overlap it.
    for (start, end_of_it) in sorted(found) {
        if start >= end {
            shown.push_str(text.get(end..start).unwrap_or_default());
            shown.push_str(MASK);
        }
        end = end.max(end_of_it);
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    shown
}

/// The start of `text` on one line, of at most `max_chars` characters, with every secret masked and every
/// character escaped that cannot be seen.
pub(super) fn fit_to_show(text: &str, secrets: &[String], max_chars: usize) -> String {
    let text = masked(text, secrets);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    visible_start(&words.join(" "), max_chars)
}

/// `text`, which was cut, without the part of a secret that it may end with.
#[cfg(all(unix, feature = "children"))]
pub(super) fn without_part<'a>(text: &'a str, secrets: &[String]) -> &'a str {
    let part = |secret: &String| {
        let mut lengths = secret.char_indices().rev().map(|(at, _)| at);
        lengths.find(|at| secret.get(..*at).is_some_and(|part| text.ends_with(part)))
    };
    let longest = secrets.iter().filter_map(part).max().unwrap_or_default();
    text.get(..text.len() - longest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(secrets: &[&str]) -> Vec<String> {
        secrets.iter().map(|secret| (*secret).to_owned()).collect()
    }

    #[test]
    fn no_spelling_and_no_overlap_shows_a_secret() {
        let secrets = secrets(&["Bearer abcdefgh", "abcdefgh", "fgh-quote\"\\\n1"]);
        for (text, shown) in [
            ("Bearer abcdefgh, abcdefgh.", "****, ****."),
            ("abcdefgh-quote\"\\\n1", "****"),
            (r#"{"a":"fgh-quote\"\\\n1"}"#, r#"{"a":"****"}"#),
            ("abcdefg", "abcdefg"),
        ] {
            assert_eq!(masked(text, &secrets), shown);
        }
    }

    #[test]
    fn what_is_cut_shows_no_part_of_a_secret() {
        let secrets = secrets(&["a long\nsecret\u{1b}", "小secrets"]);
        for length in 0..40 {
            let text = ["x".repeat(length), "a long\nsecret\u{1b}y\u{1b}".to_owned()].concat();
            let shown = fit_to_show(&text, &secrets, 20);
            assert!(!shown.contains('a') && shown.chars().count() <= 21 + 5, "{shown}");
        }
        assert_eq!(fit_to_show("a  \n b\u{1b}", &secrets, 20), r"a b\u{1b}");
    }

    #[test]
    #[cfg(all(unix, feature = "children"))]
    fn the_part_of_a_secret_before_a_cut_is_left_out() {
        let secrets = secrets(&["a long\nsecret\u{1b}", "小secrets"]);
        assert_eq!(without_part("x小sec", &secrets), "x");
        assert_eq!(without_part("x小", &secrets), "x");
        assert_eq!(without_part("xy", &secrets), "xy");
    }
}
