//! Walking over JSON without building anything: what is well-formed, and where each member
//! stands. Where a number may stand, `NaN`, `Infinity` and `-Infinity` may, too: Python writes and
//! reads them. What passes the relay is JSON of one line, so line breaks between values are noted.
//!
//! Every message passes through here whole, once, so this is written for speed. serde_json's
//! `RawValue` does the same work for several times the price, and allocates for it; it is what
//! this is tested against.

mod escapes;
mod letters;
mod strings;
mod values;

use std::borrow::Cow;
use strings::string_end;
use values::INFINITY;

pub(crate) use strings::{first_mark, marked_end};
pub(crate) use values::{behind, behind_colon, blanks_end, value_end};

pub use values::MAX_DEPTH;

/// A value is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place of the first byte that cannot stand there; the length of the text where it ends
    /// too early.
    pub at: usize,
}

pub(crate) type Scanned<T> = Result<T, SyntaxError>;

/// A text is not one JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The place of the first byte that cannot stand there; the length of the text where it ends
    /// too early.
    pub at: usize,
    /// Whether the text before it is one value.
    pub is_behind_value: bool,
}

impl From<SyntaxError> for TextError {
    #[inline]
    fn from(SyntaxError { at }: SyntaxError) -> Self {
        TextError { at, is_behind_value: false }
    }
}

/// What is noted on the way over a text.
#[derive(Debug, Default)]
pub struct Notes {
    /// Whether there is a line break between values or their parts.
    pub has_breaks: bool,
    /// Whether a value is nested deeper than [`MAX_DEPTH`].
    pub is_deep: bool,
}

/// A key of an object.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The text between its quotes, as spelled: UTF-8.
    spelled: &'a [u8],
    has_escapes: bool,
}

impl<'a> Key<'a> {
    pub(crate) fn new(bytes: &'a [u8], place: KeyPlace) -> Self {
        let spelled = bytes.get(place.start..place.end).unwrap_or_default();
        Key { spelled, has_escapes: place.has_escapes }
    }

    /// What it says.
    pub fn name(self) -> Cow<'a, str> {
        match std::str::from_utf8(self.spelled) {
            Ok(spelled) if self.has_escapes => unescaped(spelled),
            Ok(spelled) => Cow::Borrowed(spelled),
            Err(_) => Cow::Borrowed(""),
        }
    }

    /// What stands between its quotes.
    pub fn spelled(self) -> &'a str {
        std::str::from_utf8(self.spelled).unwrap_or_default()
    }

    /// The same as UTF-8 bytes, for the hot path.
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
    escapes::decoded(spelled).map_or(Cow::Borrowed(spelled), Cow::Owned)
}

/// The content of a JSON string; `None` if `raw` is not a string.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        escapes::decoded(inner).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// A walk over a text.
#[derive(Debug)]
pub struct Scanner<'a, 'n> {
    text: &'a str,
    at: usize,
    notes: &'n mut Notes,
}

/// Calls `visit` with the key and the value, as spelled, of each member of `object`, which must be
/// the whole text.
///
/// # Errors
/// [`TextError`] where the text is not one well-formed object. Members before the fault have been
/// heard of.
pub fn members<'a>(
    object: &'a str,
    mut visit: impl FnMut(Key<'a>, &'a str),
) -> Result<(), TextError> {
    // Not generic, so that it is compiled once. Only messages need the fast path.
    fn walk_members<'a>(
        object: &'a str,
        visit: &mut dyn FnMut(Key<'a>, &'a str),
    ) -> Result<(), TextError> {
        walk(object, |key, scanner| {
            visit(key, scanner.value()?);
            Ok(())
        })
    }
    walk_members(object, &mut visit)
}

/// Calls `visit` with each element, as spelled, of `list`, which must be the whole text.
///
/// # Errors
/// [`TextError`] where the text is not one well-formed list. Elements before the fault have been
/// heard of.
pub fn elements<'a>(list: &'a str, visit: &mut dyn FnMut(&'a str)) -> Result<(), TextError> {
    walk_elements(list, &mut |scanner| {
        visit(scanner.value()?);
        Ok(true)
    })
}

/// Is shown the place of each element of `list`, which must be the whole text, and takes it from the
/// scanner; says whether to go on.
///
/// # Errors
/// [`TextError`] where the text is not one well-formed list, or what `visit` fails with, or where it
/// does not want to go on.
pub fn walk_elements<'a>(
    list: &'a str,
    visit: &mut dyn FnMut(&mut Scanner<'a, '_>) -> Scanned<bool>,
) -> Result<(), TextError> {
    let mut notes = Notes::default();
    let mut scanner = Scanner::new(list, &mut notes);
    scanner.walk_elements(visit)?;
    scanner.end()
}

/// Calls `visit` with each key of `object`, which must be the whole text; `visit` consumes the
/// value.
///
/// # Errors
/// [`TextError`] where the text is not one well-formed object, or what `visit` fails with.
#[inline]
pub fn walk<'a>(
    object: &'a str,
    visit: impl FnMut(Key<'a>, &mut Scanner<'a, '_>) -> Scanned<()>,
) -> Result<(), TextError> {
    let mut notes = Notes::default();
    let mut scanner = Scanner::new(object, &mut notes);
    scanner.object(visit)?;
    scanner.end()
}

/// Calls `visit` where the value begins that must be the whole text; `visit` consumes it.
///
/// # Errors
/// [`TextError`] where the text is not one well-formed value, or what `visit` fails with.
pub fn walk_value<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(&mut Scanner<'a, '_>) -> Scanned<()>,
) -> Result<(), TextError> {
    let mut notes = Notes::default();
    let mut scanner = Scanner::new(text, &mut notes);
    visit(&mut scanner)?;
    scanner.end()
}

/// Whether the whole text is one well-formed value, on one line.
pub fn is_json(text: &str) -> bool {
    let mut notes = Notes::default();
    check(text, &mut notes).is_ok() && !notes.has_breaks
}

/// Checks that the whole text is one well-formed value.
///
/// # Errors
/// [`TextError`] where it is not.
pub fn check(text: &str, notes: &mut Notes) -> Result<(), TextError> {
    let mut scanner = Scanner::new(text, notes);
    scanner.value()?;
    scanner.end()
}

pub(crate) fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Where the first line break of a text is. A large one is looked through many bytes at a time.
pub(crate) fn first_break(text: &str) -> Option<usize> {
    let chunk = text
        .as_bytes()
        .chunks(256)
        .position(|bytes| bytes.iter().fold(false, |found, byte| found | is_break(*byte)));
    let before = 256 * chunk?;
    let within = text.as_bytes().get(before..)?.iter().position(|byte| is_break(*byte))?;
    Some(before + within)
}

/// JSON as every reader takes it: `null` for `NaN`, `Infinity` and `-Infinity`. `json` must be
/// well-formed values with anything but strings between them.
pub fn strict(json: &str) -> Cow<'_, str> {
    // A search for the words would be as large as all the rest of this file.
    if !json.as_bytes().contains(&b'N') && !json.as_bytes().contains(&b'I') {
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

/// The place of a key.
#[derive(Clone, Copy)]
pub(crate) struct KeyPlace {
    pub start: usize,
    pub end: usize,
    pub has_escapes: bool,
}

/// The place of the key at `at`, and what is behind its colon.
#[inline(always)]
pub(crate) fn key_at(bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<(KeyPlace, usize)> {
    let start = behind(bytes, at, b'"')?;
    let end = first_mark(bytes, start);
    if bytes.get(end) != Some(&b'"') {
        return odd_key_at(bytes, start, end, notes);
    }
    let key = KeyPlace { start, end, has_escapes: false };
    Ok((key, behind_colon(bytes, end + 1, notes)?))
}

/// The same for a key that has something else than a letter at `mark`.
#[cold]
#[inline(never)]
fn odd_key_at(
    bytes: &[u8],
    start: usize,
    mark: usize,
    notes: &mut Notes,
) -> Scanned<(KeyPlace, usize)> {
    let end = marked_end(bytes, mark)?;
    let key = KeyPlace { start, end: end - 1, has_escapes: true };
    Ok((key, behind_colon(bytes, end, notes)?))
}

impl<'a, 'n> Scanner<'a, 'n> {
    /// A walk that begins with the first thing in the text that is not a blank.
    #[inline(always)]
    pub(crate) fn new(text: &'a str, notes: &'n mut Notes) -> Self {
        let at = blanks_end(text.as_bytes(), 0, notes);
        Scanner { text, at, notes }
    }

    /// Nothing but blanks may come any more.
    #[inline(always)]
    pub(crate) fn end(&mut self) -> Result<(), TextError> {
        let bytes = self.text.as_bytes();
        match blanks_end(bytes, self.at, self.notes) {
            end if end == bytes.len() => Ok(()),
            at => Err(TextError { at, is_behind_value: true }),
        }
    }

    /// How many bytes of the text have been passed.
    #[inline(always)]
    pub fn place(&self) -> usize {
        self.at
    }

    /// Takes a piece of text. `end_of` gets the place where it begins, and finds the one where it ends.
    pub(crate) fn take(
        &mut self,
        end_of: impl FnOnce(&'a str, usize, &mut Notes) -> Scanned<usize>,
    ) -> Scanned<&'a str> {
        let start = self.at;
        self.at = end_of(self.text, start, self.notes)?;
        self.since(start)
    }

    /// What was passed since `start`.
    #[inline(always)]
    fn since(&self, start: usize) -> Scanned<&'a str> {
        self.text.get(start..self.at).ok_or(SyntaxError { at: start })
    }

    /// Consumes an object. Calls `visit` with each key; `visit` consumes the value.
    #[inline(always)]
    pub(crate) fn object(
        &mut self,
        mut visit: impl FnMut(Key<'a>, &mut Self) -> Scanned<()>,
    ) -> Scanned<()> {
        let bytes = self.text.as_bytes();
        self.at = blanks_end(bytes, behind(bytes, self.at, b'{')?, self.notes);
        if bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let (key, value) = key_at(bytes, self.at, self.notes)?;
            self.at = value;
            visit(Key::new(bytes, key), self)?;
            let at = blanks_end(bytes, self.at, self.notes);
            match bytes.get(at) {
                Some(b',') => self.at = blanks_end(bytes, at + 1, self.notes),
                Some(b'}') => {
                    self.at = at + 1;
                    return Ok(());
                }
                _ => return Err(SyntaxError { at }),
            }
        }
    }

    /// Whether a list comes next.
    pub fn is_at_list(&self) -> bool {
        self.text.as_bytes().get(self.at) == Some(&b'[')
    }

    /// Whether an object comes next.
    pub fn is_at_object(&self) -> bool {
        self.text.as_bytes().get(self.at) == Some(&b'{')
    }

    /// Consumes a list. Calls `visit` with each element and whether it is nested deeper than
    /// [`MAX_DEPTH`], until it returns false.
    ///
    /// # Errors
    /// [`SyntaxError`] if there is no list, or if `visit` returned false.
    pub fn elements(&mut self, visit: &mut dyn FnMut(&'a str, bool) -> bool) -> Scanned<()> {
        self.walk_elements(&mut |scanner| {
            scanner.notes.is_deep = false;
            let element = scanner.value()?;
            Ok(visit(element, scanner.notes.is_deep))
        })
    }

    /// Consumes an object. Calls `visit` with each key; `visit` consumes the value.
    ///
    /// # Errors
    /// [`SyntaxError`] if there is no object, or what `visit` fails with.
    pub fn walk_members(
        &mut self,
        visit: &mut dyn FnMut(Key<'a>, &mut Self) -> Scanned<()>,
    ) -> Scanned<()> {
        self.object(visit)
    }

    /// Consumes a list. Calls `visit` at each element, which `visit` consumes, until it returns
    /// false.
    ///
    /// # Errors
    /// [`SyntaxError`] if there is no list, if `visit` returned false, or what it fails with.
    pub fn walk_elements(
        &mut self,
        visit: &mut dyn FnMut(&mut Self) -> Scanned<bool>,
    ) -> Scanned<()> {
        let bytes = self.text.as_bytes();
        self.at = blanks_end(bytes, behind(bytes, self.at, b'[')?, self.notes);
        if bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if !visit(self)? {
                return Err(SyntaxError { at: self.at });
            }
            let at = blanks_end(bytes, self.at, self.notes);
            match bytes.get(at) {
                Some(b',') => self.at = blanks_end(bytes, at + 1, self.notes),
                Some(b']') => {
                    self.at = at + 1;
                    return Ok(());
                }
                _ => return Err(SyntaxError { at }),
            }
        }
    }

    /// Consumes any value, however deep; returns it as spelled.
    ///
    /// # Errors
    /// [`SyntaxError`] where there is none.
    #[inline(always)]
    pub fn value(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        self.at = value_end(self.text.as_bytes(), start, self.notes)?;
        self.since(start)
    }
}

#[cfg(test)]
mod tests;
