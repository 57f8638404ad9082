//! Where a string ends. Most of a message is strings, and most of a large one is one string.

use super::letters::{Letters, Native, COUNT};
use super::{NotJson, Scanned};

/// From among the letters of a string to behind its closing quote.
pub(super) fn string_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    end_by::<Native>(bytes, at)
}

/// The next byte from `at` on that is not just a letter of a string, or the end of the text.
#[inline(always)]
pub(super) fn first_mark(bytes: &[u8], at: usize) -> usize {
    first_mark_by::<Native>(bytes, at)
}

#[inline(always)]
pub(super) fn end_by<L: Letters>(bytes: &[u8], at: usize) -> Scanned<usize> {
    let mark = first_mark_by::<L>(bytes, at);
    match bytes.get(mark) {
        Some(b'"') => Ok(mark + 1),
        Some(b'\\') => escaped_end::<L>(bytes, mark),
        _ => Err(NotJson),
    }
}

/// From a backslash on. There tend to be many, such as in JSON within JSON, so sixteen letters at
/// once are passed over also where quotes and line breaks among them are escaped.
fn escaped_end<L: Letters>(bytes: &[u8], mut at: usize) -> Scanned<usize> {
    // Set for the letter at `at` where a backslash stands before it.
    let mut first = L::NONE;
    loop {
        let here: L = letters(bytes, at);
        let escapes = here.equal(b'\\');
        let escaped = escapes << L::PLACE | first;
        let quotes = here.equal(b'"');
        let odd = (escaped & !(quotes | here.equal(b'n'))) | (quotes & !escaped);
        // What is marked without reason makes it odd at worst.
        if odd | here.controls() == L::NONE {
            first = escapes >> (L::PLACE * (COUNT as u32 - 1));
            at += COUNT;
            continue;
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

#[inline(always)]
fn first_mark_by<L: Letters>(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let here: L = letters(bytes, at);
        let marks = here.equal(b'"') | here.equal(b'\\') | here.controls();
        if marks != L::NONE {
            return at + L::first(marks);
        }
        at += COUNT;
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
    let mut letters = [0; COUNT];
    let rest = bytes.get(at..).unwrap_or(&[]);
    letters.iter_mut().zip(rest).for_each(|(letter, byte)| *letter = *byte);
    L::new(letters)
}
