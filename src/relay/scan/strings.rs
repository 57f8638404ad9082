//! Where a string ends. Most of a message is strings, and most of a large one is one string.

use super::letters::{Letters, Native, COUNT};
use super::{NotJson, Scanned};

/// From among the letters of a string to behind its closing quote.
#[inline(always)]
pub(super) fn string_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    let mark = first_mark(bytes, at);
    match bytes.get(mark) {
        Some(b'"') => Ok(mark + 1),
        _ => marked_end(bytes, mark),
    }
}

/// The next byte from `at` on that is not just a letter of a string, or the end of the text.
#[inline(always)]
pub(super) fn first_mark(bytes: &[u8], at: usize) -> usize {
    // Most strings are short.
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(letters) => match Native::new(*letters).first_mark() {
            Some(place) => at + place,
            None => far_mark(bytes, at + COUNT),
        },
        None => far_mark(bytes, at),
    }
}

#[inline(never)]
fn far_mark(bytes: &[u8], mut at: usize) -> usize {
    loop {
        if let Some(place) = letters(bytes, at).first_mark() {
            return at + place;
        }
        at += COUNT;
    }
}

/// Where a string ends that has something else than a letter or its end at `mark`.
#[inline(never)]
pub(super) fn marked_end(bytes: &[u8], mark: usize) -> Scanned<usize> {
    match bytes.get(mark) {
        Some(b'\\') => escaped_end(bytes, mark),
        _ => Err(NotJson),
    }
}

/// The same from a backslash on. There tend to be many, such as in JSON within JSON, so sixteen
/// letters at once are passed over also where quotes and line breaks among them are escaped.
fn escaped_end(bytes: &[u8], mut at: usize) -> Scanned<usize> {
    loop {
        // There is a letter before, the opening quote at least. If it is a backslash, it escapes.
        let oddity = match bytes.get(at - 1..).and_then(<[u8]>::first_chunk) {
            Some(letters) => oddity_behind(letters),
            None => letters(bytes, at).first_oddity(letters(bytes, at - 1)),
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
                None | Some(0..0x20) => return Err(NotJson),
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
fn oddity_behind(letters: &[u8; COUNT + 1]) -> Option<usize> {
    let [before @ .., _] = letters;
    let [_, here @ ..] = letters;
    Native::new(*here).first_oddity(Native::new(*before))
}

/// Where the escape at `at` ends.
#[inline(always)]
fn escape_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match bytes.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err(NotJson),
        },
        _ => Err(NotJson),
    }
}

/// The letters from `at` on; zeroes behind the end of the text.
#[inline(always)]
fn letters(bytes: &[u8], at: usize) -> Native {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(letters) => Native::new(*letters),
        None => last_letters(bytes, at),
    }
}

#[inline(never)]
fn last_letters(bytes: &[u8], at: usize) -> Native {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let letters = match bytes.last_chunk() {
        Some(last) => {
            let passed = 8 * (COUNT - rest.len()) as u32;
            u128::from_le_bytes(*last).checked_shr(passed).unwrap_or(0)
        }
        None => rest.iter().rev().fold(0, |letters, byte| letters << 8 | u128::from(*byte)),
    };
    Native::new(letters.to_le_bytes())
}
