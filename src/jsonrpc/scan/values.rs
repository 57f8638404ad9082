//! Finds the end of a value. Works on offsets instead of a scanner, because an offset stays in a
//! register.

use super::strings::string_end;
use super::{Notes, Scanned, SyntaxError};

/// How deep a value may be nested before that is noted: many readers of JSON go no deeper.
pub const MAX_DEPTH: usize = 4 * DEPTH_OF_WORD;

#[inline(always)]
pub(crate) fn behind(bytes: &[u8], at: usize, wanted: u8) -> Scanned<usize> {
    match bytes.get(at) {
        Some(byte) if *byte == wanted => Ok(at + 1),
        _ => Err(SyntaxError { at }),
    }
}

#[inline(always)]
pub(crate) fn blanks_end(bytes: &[u8], at: usize, notes: &mut Notes) -> usize {
    // All blanks are at most a space; every other valid byte here is larger.
    match bytes.get(at..) {
        // Most writers put a single blank, or none.
        Some([b'!'..=u8::MAX, ..]) => at,
        Some([b' ', b'!'..=u8::MAX, ..]) => at + 1,
        _ => last_blank_end(bytes, at, notes),
    }
}

#[inline(never)]
fn last_blank_end(bytes: &[u8], mut at: usize, notes: &mut Notes) -> usize {
    while let Some(b' ' | b'\t') = bytes.get(at) {
        at += 1;
    }
    match bytes.get(at) {
        Some(..=b' ') => last_break_end(bytes, at, notes),
        _ => at,
    }
}

#[inline(never)]
fn last_break_end(bytes: &[u8], mut at: usize, notes: &mut Notes) -> usize {
    while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = bytes.get(at) {
        notes.has_breaks |= matches!(byte, b'\r' | b'\n');
        at += 1;
    }
    at
}

/// What is behind a colon; `at` is behind the key.
#[inline(always)]
pub(crate) fn behind_colon(bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<usize> {
    match bytes.get(at..) {
        Some([b':', b' ', b'!'..=u8::MAX, ..]) => Ok(at + 2),
        Some([b':', b'!'..=u8::MAX, ..]) => Ok(at + 1),
        _ => behind_odd_colon(bytes, at, notes),
    }
}

#[inline(never)]
fn behind_odd_colon(bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<usize> {
    let colon = blanks_end(bytes, at, notes);
    Ok(blanks_end(bytes, behind(bytes, colon, b':')?, notes))
}

fn key_end(bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<usize> {
    let end = string_end(bytes, behind(bytes, at, b'"')?)?;
    behind_colon(bytes, end, notes)
}

#[inline(always)]
pub(crate) fn value_end(bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<usize> {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at + 1),
        Some(b'-' | b'0'..=b'9') => number_end(bytes, at),
        _ => nested_end(bytes, at, notes),
    }
}

/// Any value, and what it holds.
fn nested_end(bytes: &[u8], mut at: usize, notes: &mut Notes) -> Scanned<usize> {
    let mut nest = Nest::new();
    loop {
        match bytes.get(at) {
            Some(b'"') => at = string_end(bytes, at + 1)?,
            Some(b'{') => {
                at = blanks_end(bytes, at + 1, notes);
                if bytes.get(at) != Some(&b'}') {
                    at = key_end(bytes, at, notes)?;
                    nest.enter(true, notes);
                    continue;
                }
                at += 1;
            }
            Some(b'[') => {
                at = blanks_end(bytes, at + 1, notes);
                if bytes.get(at) != Some(&b']') {
                    nest.enter(false, notes);
                    continue;
                }
                at += 1;
            }
            Some(b'-' | b'0'..=b'9') => at = number_end(bytes, at)?,
            Some(b't') => at = word_end(bytes, at, b"true")?,
            Some(b'f') => at = word_end(bytes, at, b"false")?,
            Some(b'n') => at = word_end(bytes, at, b"null")?,
            Some(b'N') => at = word_end(bytes, at, b"NaN")?,
            Some(b'I') => at = word_end(bytes, at, INFINITY)?,
            _ => return Err(SyntaxError { at }),
        }
        // What ends behind the value, until another one follows.
        loop {
            let Some(in_object) = nest.innermost() else { return Ok(at) };
            at = blanks_end(bytes, at, notes);
            match (bytes.get(at), in_object) {
                (Some(b','), _) => break,
                (Some(b'}'), true) | (Some(b']'), false) => nest.leave(),
                _ => return Err(SyntaxError { at }),
            }
            at += 1;
        }
        at = blanks_end(bytes, at + 1, notes);
        if nest.innermost() == Some(true) {
            at = key_end(bytes, at, notes)?;
        }
    }
}

fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Scanned<usize> {
    let comes = bytes.get(at..).is_some_and(|rest| rest.starts_with(word));
    comes.then_some(at + word.len()).ok_or(SyntaxError { at })
}

pub(super) const INFINITY: &[u8] = b"Infinity";

fn number_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        // Behind the sign: nothing else that is not a digit leads here.
        Some(b'I') => return word_end(bytes, at, INFINITY),
        _ => digits_end(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits_end(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = digits_end(bytes, at)?;
    }
    Ok(at)
}

/// At least one digit.
#[inline(always)]
fn digits_end(bytes: &[u8], start: usize) -> Scanned<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at > start {
        Ok(at)
    } else {
        Err(SyntaxError { at })
    }
}

/// How many levels of nesting are kept in one word.
const DEPTH_OF_WORD: usize = 32;

/// What encloses a value: objects and lists, the innermost last. The first 32 need no memory.
struct Nest {
    /// One bit for each of the innermost, set for an object, and a set one above them all.
    bits: u64,
    /// Those further out, 32 at a time.
    outer: Vec<u64>,
}

impl Nest {
    fn new() -> Self {
        Nest { bits: 1, outer: Vec::new() }
    }

    fn enter(&mut self, object: bool, notes: &mut Notes) {
        if self.bits >> DEPTH_OF_WORD != 0 {
            self.outer.push(std::mem::replace(&mut self.bits, 1));
            notes.is_deep |= self.outer.len() * DEPTH_OF_WORD >= MAX_DEPTH;
        }
        self.bits = self.bits << 1 | u64::from(object);
    }

    fn leave(&mut self) {
        self.bits >>= 1;
        if self.bits == 1 {
            self.bits = self.outer.pop().unwrap_or(1);
        }
    }

    /// Whether the innermost is an object; nothing outside of all.
    fn innermost(&self) -> Option<bool> {
        (self.bits > 1).then_some(self.bits & 1 == 1)
    }
}
