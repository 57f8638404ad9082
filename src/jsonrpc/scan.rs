//! Walking over JSON without building anything: what is well-formed, and where each member
//! stands. It is JSON of one line: what passes the relay is, so a line break is taken for a fault.
//! Where a number may stand, `NaN`, `Infinity` and `-Infinity` may, too: Python writes and reads them.
//!
//! Every message passes through here whole, once, so this is written for speed. serde_json's
//! `RawValue` does the same work for several times the price, and allocates for it; it is what
//! this is tested against.

mod letters;
mod strings;

use std::borrow::Cow;
use strings::{first_mark, marked_end, string_end};

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place of the first byte that cannot stand there; the length of the text where it ends
    /// too early.
    pub at: usize,
}

type Scanned<T> = Result<T, SyntaxError>;

/// A key of an object.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// What stands between its quotes, as it is spelled: UTF-8.
    spelled: &'a [u8],
    has_escapes: bool,
}

impl<'a> Key<'a> {
    /// What it says.
    pub fn name(self) -> Cow<'a, str> {
        match std::str::from_utf8(self.spelled) {
            Ok(spelled) if self.has_escapes => unescaped(spelled),
            Ok(spelled) => Cow::Borrowed(spelled),
            Err(_) => Cow::Borrowed(""),
        }
    }

    /// What it says, in UTF-8: for those in a hurry.
    #[inline]
    pub(crate) fn bytes(self) -> Cow<'a, [u8]> {
        if self.has_escapes {
            match self.name() {
                Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                Cow::Owned(name) => Cow::Owned(name.into_bytes()),
            }
        } else {
            Cow::Borrowed(self.spelled)
        }
    }
}

/// Keys with escapes in them are rare.
#[cold]
fn unescaped(spelled: &str) -> Cow<'_, str> {
    let name = serde_json::from_str(&format!("\"{spelled}\""));
    // Halves of letters outside Unicode's first plane are JSON, but no text.
    name.map_or(Cow::Borrowed(spelled), Cow::Owned)
}

/// A walk over a text.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// Hears of each member of `object`, which must be the whole text: its key, and its value as it is
/// spelled.
///
/// # Errors
/// [`SyntaxError`] where the text is not one well-formed object. Members before the fault have been
/// heard of.
pub fn members<'a>(object: &'a str, mut hear: impl FnMut(Key<'a>, &'a str)) -> Scanned<()> {
    // One piece of program for all who hear: only messages are in a hurry.
    fn walk_members<'a>(object: &'a str, hear: &mut dyn FnMut(Key<'a>, &'a str)) -> Scanned<()> {
        walk(object, |key, scanner| {
            hear(key, scanner.value()?);
            Ok(())
        })
    }
    walk_members(object, &mut hear)
}

/// Hears of each element of `list`, which must be the whole text, as it is spelled.
///
/// # Errors
/// [`SyntaxError`] where the text is not one well-formed list. Elements before the fault have been
/// heard of.
pub fn elements<'a>(list: &'a str, hear: &mut dyn FnMut(&'a str)) -> Scanned<()> {
    let bytes = list.as_bytes();
    let mut scanner = Scanner { text: list, at: blanks_end(bytes, 0) };
    scanner.elements(&mut |element| {
        hear(element);
        true
    })?;
    end_at(bytes, scanner.at)
}

/// Is shown each key of `object`, which must be the whole text, and takes the value behind it
/// from the scanner.
///
/// # Errors
/// [`SyntaxError`] where the text is not one well-formed object, or what `visit` fails with.
#[inline]
pub fn walk<'a>(
    object: &'a str,
    visit: impl FnMut(Key<'a>, &mut Scanner<'a>) -> Scanned<()>,
) -> Scanned<()> {
    let bytes = object.as_bytes();
    let mut scanner = Scanner { text: object, at: blanks_end(bytes, 0) };
    scanner.object(visit)?;
    end_at(bytes, scanner.at)
}

/// Whether the whole text is one well-formed value, on one line.
pub fn is_json(text: &str) -> bool {
    check(text).is_ok()
}

/// Checks that the whole text is one well-formed value, on one line.
///
/// # Errors
/// [`SyntaxError`] where it is not.
pub fn check(text: &str) -> Scanned<()> {
    let bytes = text.as_bytes();
    end_at(bytes, value_end(bytes, blanks_end(bytes, 0))?)
}

/// JSON as every reader takes it: `null` for `NaN`, `Infinity` and `-Infinity`. `json` must be
/// well-formed values with anything but strings between them.
pub fn strict(json: &str) -> Cow<'_, str> {
    if !json.contains("NaN") && !json.contains("Infinity") {
        return Cow::Borrowed(json);
    }
    let (mut strict, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find(['"', 'N', 'I']) {
        let (before, behind) = rest.split_at(at);
        let end = match behind.as_bytes() {
            [b'"', ..] => string_end(behind.as_bytes(), 1).unwrap_or(behind.len()),
            [b'N', ..] => "NaN".len(),
            _ => INFINITY.len(),
        };
        let (part, after) = behind.split_at_checked(end).unwrap_or((behind, ""));
        if part.starts_with('"') {
            strict.push_str(before);
            strict.push_str(part);
        } else {
            strict.push_str(before.trim_end_matches('-'));
            strict.push_str("null");
        }
        rest = after;
    }
    strict.push_str(rest);
    Cow::Owned(strict)
}

impl<'a> Scanner<'a> {
    /// An object, each key of which is shown to `visit`, which takes the value behind it.
    #[inline(always)]
    fn object(&mut self, mut visit: impl FnMut(Key<'a>, &mut Self) -> Scanned<()>) -> Scanned<()> {
        let bytes = self.text.as_bytes();
        self.at = blanks_end(bytes, behind(bytes, self.at, b'{')?);
        if bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            visit(key, self)?;
            let at = blanks_end(bytes, self.at);
            match bytes.get(at) {
                Some(b',') => self.at = blanks_end(bytes, at + 1),
                Some(b'}') => {
                    self.at = at + 1;
                    return Ok(());
                }
                _ => return Err(SyntaxError { at }),
            }
        }
    }

    /// A key and the colon behind it.
    #[inline(always)]
    fn key(&mut self) -> Scanned<Key<'a>> {
        let bytes = self.text.as_bytes();
        let start = behind(bytes, self.at, b'"')?;
        let mark = first_mark(bytes, start);
        let has_escapes = bytes.get(mark) != Some(&b'"');
        let end = if has_escapes { marked_end(bytes, mark)? } else { mark + 1 };
        let spelled = bytes.get(start..end - 1).ok_or(SyntaxError { at: start })?;
        self.at = behind_colon(bytes, end)?;
        Ok(Key { spelled, has_escapes })
    }

    /// Whether a list comes next.
    pub fn is_at_list(&self) -> bool {
        self.text.as_bytes().get(self.at) == Some(&b'[')
    }

    /// Takes a list, each element of which is heard of, until `hear` says that it has heard enough.
    ///
    /// # Errors
    /// [`SyntaxError`] where there is no list, or where enough was heard.
    pub fn elements(&mut self, hear: &mut dyn FnMut(&'a str) -> bool) -> Scanned<()> {
        let bytes = self.text.as_bytes();
        self.at = blanks_end(bytes, behind(bytes, self.at, b'[')?);
        if bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if !hear(self.value()?) {
                return Err(SyntaxError { at: self.at });
            }
            let at = blanks_end(bytes, self.at);
            match bytes.get(at) {
                Some(b',') => self.at = blanks_end(bytes, at + 1),
                Some(b']') => {
                    self.at = at + 1;
                    return Ok(());
                }
                _ => return Err(SyntaxError { at }),
            }
        }
    }

    /// Takes any value, however deep, as it is spelled.
    ///
    /// # Errors
    /// [`SyntaxError`] where there is none.
    #[inline(always)]
    pub fn value(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        self.at = value_end(self.text.as_bytes(), start)?;
        self.text.get(start..self.at).ok_or(SyntaxError { at: start })
    }

    /// Passes over any value, however deep.
    ///
    /// # Errors
    /// [`SyntaxError`] where there is none.
    #[inline(always)]
    pub(crate) fn skip(&mut self) -> Scanned<()> {
        self.at = value_end(self.text.as_bytes(), self.at)?;
        Ok(())
    }

    /// Takes any value, as it is spelled. Where it is an object, its members are heard of, too.
    ///
    /// # Errors
    /// [`SyntaxError`] where there is none.
    #[inline(always)]
    pub fn value_with_members(
        &mut self,
        mut hear: impl FnMut(Key<'a>, &'a str),
    ) -> Scanned<&'a str> {
        let start = self.at;
        if self.text.as_bytes().get(start) != Some(&b'{') {
            return self.value();
        }
        self.object(|key, scanner| {
            hear(key, scanner.value()?);
            Ok(())
        })?;
        self.text.get(start..self.at).ok_or(SyntaxError { at: start })
    }
}

// From here on: where something ends that begins at `at`. Places instead of a scanner, for a place
// stays in a register.

/// Behind the byte that must come next.
#[inline(always)]
fn behind(bytes: &[u8], at: usize, wanted: u8) -> Scanned<usize> {
    match bytes.get(at) {
        Some(byte) if *byte == wanted => Ok(at + 1),
        _ => Err(SyntaxError { at }),
    }
}

#[inline(always)]
fn blanks_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        // The only blanks there may be on a line are among these, and all that stands at such a
        // place in well-formed JSON is above them.
        Some(..=b' ') => match bytes.get(at + 1) {
            // Most writers put a single blank, or none.
            Some(b'!'..) if bytes.get(at) == Some(&b' ') => at + 1,
            _ => last_blank_end(bytes, at),
        },
        _ => at,
    }
}

#[inline(never)]
fn last_blank_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Nothing but blanks may come any more.
fn end_at(bytes: &[u8], at: usize) -> Scanned<()> {
    match blanks_end(bytes, at) {
        end if end == bytes.len() => Ok(()),
        at => Err(SyntaxError { at }),
    }
}

#[inline(always)]
fn behind_colon(bytes: &[u8], at: usize) -> Scanned<usize> {
    Ok(blanks_end(bytes, behind(bytes, blanks_end(bytes, at), b':')?))
}

fn key_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    let end = string_end(bytes, behind(bytes, at, b'"')?)?;
    behind_colon(bytes, end)
}

#[inline(always)]
fn value_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at + 1),
        Some(b'-' | b'0'..=b'9') => number_end(bytes, at),
        _ => nested_end(bytes, at),
    }
}

/// Any value, and what it holds.
fn nested_end(bytes: &[u8], mut at: usize) -> Scanned<usize> {
    let mut nest = Nest::new();
    loop {
        match bytes.get(at) {
            Some(b'"') => at = string_end(bytes, at + 1)?,
            Some(b'{') => {
                at = blanks_end(bytes, at + 1);
                if bytes.get(at) != Some(&b'}') {
                    at = key_end(bytes, at)?;
                    nest.enter(true);
                    continue;
                }
                at += 1;
            }
            Some(b'[') => {
                at = blanks_end(bytes, at + 1);
                if bytes.get(at) != Some(&b']') {
                    nest.enter(false);
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
            at = blanks_end(bytes, at);
            match (bytes.get(at), in_object) {
                (Some(b','), _) => break,
                (Some(b'}'), true) | (Some(b']'), false) => nest.leave(),
                _ => return Err(SyntaxError { at }),
            }
            at += 1;
        }
        at = blanks_end(bytes, at + 1);
        if nest.innermost() == Some(true) {
            at = key_end(bytes, at)?;
        }
    }
}

fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Scanned<usize> {
    let comes = bytes.get(at..).is_some_and(|rest| rest.starts_with(word));
    comes.then_some(at + word.len()).ok_or(SyntaxError { at })
}

const INFINITY: &[u8] = b"Infinity";

fn number_end(bytes: &[u8], at: usize) -> Scanned<usize> {
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        // Behind the sign: nothing else that is no digit leads here.
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

/// What encloses a value: objects and lists, the innermost last. The first 63 need no memory.
struct Nest {
    /// One bit for each of the innermost, set for an object, and a set one above them all.
    bits: u64,
    /// Those further out, 63 at a time.
    outer: Vec<u64>,
}

impl Nest {
    fn new() -> Self {
        Nest { bits: 1, outer: Vec::new() }
    }

    fn enter(&mut self, object: bool) {
        if self.bits.leading_zeros() == 0 {
            self.outer.push(std::mem::replace(&mut self.bits, 1));
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

#[cfg(test)]
mod tests;
