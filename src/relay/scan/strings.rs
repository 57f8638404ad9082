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
        Some(letters) => match marks(Native::new(*letters)) {
            Native::NONE => first_mark_by::<Native>(bytes, at + COUNT),
            marks => at + Native::first(marks),
        },
        None => first_mark_by::<Native>(bytes, at),
    }
}

/// Where a string ends that has something else than letters at `mark`.
#[inline(never)]
fn marked_end(bytes: &[u8], mark: usize) -> Scanned<usize> {
    match bytes.get(mark) {
        Some(b'\\') => escaped_end::<Native>(bytes, mark),
        _ => Err(NotJson),
    }
}

/// As [`string_end`], from a backslash on. There tend to be many, such as in JSON within JSON, so sixteen letters at
/// once are passed over also where quotes and line breaks among them are escaped.
fn escaped_end<L: Letters>(bytes: &[u8], mut at: usize) -> Scanned<usize> {
    // Set for the letter at `at` where a backslash stands before it.
    let mut first = L::NONE;
    loop {
        let here: L = letters(bytes, at);
        let escapes = here.equal(b'\\');
        let escaped = escapes << L::PLACE | first;
        let quotes = here.equal(b'"');
        let ends = quotes & !escaped;
        let odd = (escaped & !(quotes | here.equal(b'n'))) | here.controls();
        // What is marked without reason makes it odd at worst.
        if ends | odd == L::NONE {
            first = escapes >> (L::PLACE * (COUNT as u32 - 1));
            at += COUNT;
            continue;
        }
        let end = at + L::first(ends);
        if L::first(ends) < L::first(odd) && bytes.get(end) == Some(&b'"') {
            return Ok(end + 1);
        }
        // One by one, up to the next sixteen or behind.
        let next = at + COUNT;
        at -= usize::from(first != L::NONE);
        first = L::NONE;
        while at < next {
            match bytes.get(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at = escape_end(bytes, at)?,
                None | Some(0..0x20) => return Err(NotJson),
                Some(_) => at += 1,
            }
        }
    }
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

#[inline(never)]
fn first_mark_by<L: Letters>(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let marks = marks::<L>(letters(bytes, at));
        if marks != L::NONE {
            return at + L::first(marks);
        }
        at += COUNT;
    }
}

/// All that is not just a letter of a string. The first is exact.
#[inline(always)]
fn marks<L: Letters>(letters: L) -> L::Marks {
    letters.equal(b'"') | letters.equal(b'\\') | letters.controls()
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
