//! Where a string ends. Most of a message is strings, and most of a large one is one string.

use super::letters::{Letters, Native, COUNT};
use super::{Scanned, SyntaxError};

/// From among the letters of a string to behind its closing quote.
#[inline(always)]
pub(super) fn string_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    end_by::<Native>(bytes, at)
}

#[inline(always)]
fn end_by<L: Letters>(bytes: &[u8], at: usize) -> Scanned<usize> {
    let mark = first_mark_by::<L>(bytes, at);
    match bytes.get(mark) {
        Some(b'"') => Ok(mark + 1),
        _ => marked_end_by::<L>(bytes, mark),
    }
}

/// The next byte from `at` on that is not just a letter of a string, or the end of the text.
#[inline(always)]
pub(crate) fn first_mark(bytes: &[u8], at: usize) -> usize {
    first_mark_by::<Native>(bytes, at)
}

#[inline(always)]
fn first_mark_by<L: Letters>(bytes: &[u8], at: usize) -> usize {
    // Most strings are short.
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(letters) => match L::new(*letters).first_mark() {
            Some(place) => at + place,
            None => far_mark::<L>(bytes, at + COUNT),
        },
        None => far_mark::<L>(bytes, at),
    }
}

#[inline(never)]
fn far_mark<L: Letters>(bytes: &[u8], mut at: usize) -> usize {
    loop {
        if let Some(place) = letters::<L>(bytes, at).first_mark() {
            return at + place;
        }
        at += COUNT;
    }
}

/// Where a string ends that has something else than a letter or its end at `mark`.
pub(crate) fn marked_end(bytes: &[u8], mark: usize) -> Scanned<usize> {
    marked_end_by::<Native>(bytes, mark)
}

#[inline(never)]
fn marked_end_by<L: Letters>(bytes: &[u8], mark: usize) -> Scanned<usize> {
    match bytes.get(mark) {
        Some(b'\\') => escaped_end::<L>(bytes, mark),
        _ => Err(SyntaxError { at: mark.min(bytes.len()) }),
    }
}

/// The same from a backslash on. There tend to be many, such as in JSON within JSON, so sixteen
/// letters at once are passed over also where quotes and line breaks among them are escaped.
fn escaped_end<L: Letters>(bytes: &[u8], mut at: usize) -> Scanned<usize> {
    loop {
        // There is a letter before, the opening quote at least. If it is a backslash, it escapes.
        let oddity = match bytes.get(at - 1..).and_then(<[u8]>::first_chunk) {
            Some(letters) => oddity_behind::<L>(letters),
            None => letters::<L>(bytes, at).first_oddity(letters(bytes, at - 1)),
        };
        let Some(place) = oddity else {
            at += COUNT;
            continue;
        };
        at += place;
        let escapes = |at: usize| bytes.get(at) == Some(&b'\\');
        at -= usize::from(escapes(at - 1));
        loop {
            match bytes.get(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at = escape_end(bytes, at)?,
                None | Some(0..0x20) => return Err(SyntaxError { at: at.min(bytes.len()) }),
                Some(_) => at += 1,
            }
            if !escapes(at - 1) && !escapes(at) {
                break;
            }
        }
    }
}

/// The place of the first oddity behind the first of these letters.
#[inline(always)]
fn oddity_behind<L: Letters>(letters: &[u8; COUNT + 1]) -> Option<usize> {
    let [before @ .., _] = letters;
    let [_, here @ ..] = letters;
    L::new(*here).first_oddity(L::new(*before))
}

/// Where the escape at `at` ends.
#[inline(always)]
fn escape_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match bytes.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err(SyntaxError { at }),
        },
        _ => Err(SyntaxError { at }),
    }
}

/// The letters from `at` on; zeroes behind the end of the text.
#[inline(always)]
fn letters<L: Letters>(bytes: &[u8], at: usize) -> L {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(letters) => L::new(*letters),
        None => last_letters(bytes, at),
    }
}

#[inline(never)]
fn last_letters<L: Letters>(bytes: &[u8], at: usize) -> L {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let letters = match bytes.last_chunk() {
        Some(last) => {
            let passed = 8 * (COUNT - rest.len()) as u32;
            u128::from_le_bytes(*last).checked_shr(passed).unwrap_or(0)
        }
        None => rest.iter().rev().fold(0, |letters, byte| letters << 8 | u128::from(*byte)),
    };
    L::new(letters.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::letters::word::Word;
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_string_ends_at_the_same_place_however_its_letters_are_looked_at() {
        let spare = *b"\\\\\\\"\"nnu#]oxyz0 \x1f\xe5";
        let mut random = Random::new(1);
        let mut random = |below: usize| random.place(below);
        for _ in 0..100_000 {
            let mut text = vec![b'"'];
            // Pairs, so that most escapes are ones and strings are long.
            for _ in 0..random(40) {
                match random(8) {
                    0 => text.push(spare[random(spare.len())]),
                    1 => text.extend(b"\\\\"),
                    2..4 => text.extend(b"\\\""),
                    4 => text.extend(b"\\n"),
                    5 => text.extend(b"\\u00e9"),
                    _ => text.extend(b"x]"),
                }
            }
            text.push(b'"');
            let end = end_by::<Native>(&text, 1);
            assert_eq!(end_by::<Word>(&text, 1), end, "{}", text.escape_ascii());
            if let (Ok(end), Ok(all)) = (end, std::str::from_utf8(&text)) {
                let string = serde_json::from_str::<&serde_json::value::RawValue>(&all[..end]);
                assert!(string.is_ok(), "{all}");
            }
        }
    }
}
