//! The words that Python writes where a number may stand, for comparing with who does not read them.

/// The text with `null` for the words that Python writes where a number may stand: a word joins
/// nothing to its left or right that a number could be joined to.
pub(crate) fn without_words(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    let mut in_string = false;
    while let Some(letter) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| rest.starts_with(word));
        let length = match (in_string, letter, word) {
            (true, '\\', _) => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            (false, _, Some(word)) => word.len(),
            _ => letter.len_utf8(),
        };
        in_string ^= letter == '"';
        kept.push_str(if word.is_some() && !in_string { "null" } else { &rest[..length] });
        rest = &rest[length..];
    }
    kept
}
