//! The members of a message that a relay must know, found in one pass over its text: those of the
//! message itself, and those of its `params` or its `result`.
//!
//! One loop reads both levels: so their code is there once, and the place in the text stays in a
//! register.

use crate::scan::{
    behind, behind_colon, blanks_end, first_mark, key_at, marked_end, string, value_end, Key,
    Notes, Scanned, SyntaxError,
};
use std::borrow::Cow;

/// A member the relay must know, as its place in [`Members`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    // Of the message:
    Id,
    Method,
    Error,
    Params,
    Result,
    Type,
    Payload,
    // Of its result:
    IsError,
    Content,
    // Of its params:
    Name,
    Uri,
    Meta,
    ProgressToken,
    RequestId,
    ClientInfo,
    ProtocolVersion,
    /// None of these.
    Other,
}

const COUNT: usize = Member::Other as usize;

/// What encloses a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Message,
    Params,
    Result,
}

/// The members found, as they are spelled; of one that occurs several times the last.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    values: [Option<&'a str>; COUNT],
    /// One bit for each member that occurs several times, and for each string without escapes.
    repeated: u16,
    plain: u16,
    /// Whether the content is a list of several elements.
    pub(crate) has_many_parts: bool,
    /// The first member of the message that the message has already.
    pub(crate) surplus: Option<&'a str>,
}

impl Default for Members<'_> {
    #[inline(always)]
    fn default() -> Self {
        Members {
            values: [None; COUNT],
            repeated: 0,
            plain: 0,
            has_many_parts: false,
            surplus: None,
        }
    }
}

impl<'a> Members<'a> {
    /// The value of a member.
    #[inline(always)]
    pub(crate) fn get(&self, member: Member) -> Option<&'a str> {
        self.values.get(member as usize).copied().flatten()
    }

    /// Whether a member occurs several times.
    #[inline(always)]
    pub(crate) fn is_repeated(&self, member: Member) -> bool {
        self.repeated >> member as u16 & 1 == 1
    }

    /// The content of a member that is a string.
    #[inline(always)]
    pub(crate) fn string(&self, member: Member) -> Option<Cow<'a, str>> {
        let raw = self.get(member)?;
        match self.plain >> member as u16 & 1 {
            1 => raw.get(1..raw.len() - 1).map(Cow::Borrowed),
            _ => string(raw),
        }
    }

    /// Reads the object at `at` in `text`. Returns where it ends.
    #[inline(never)]
    pub(crate) fn read(&mut self, text: &'a str, at: usize, notes: &mut Notes) -> Scanned<usize> {
        let bytes = text.as_bytes();
        let (mut level, mut level_start) = (Level::Message, at);
        let first = behind_version(bytes, behind(bytes, at, b'{')?);
        let mut at = blanks_end(bytes, first, notes);
        if first == level_start + 1 && bytes.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            let key = behind(bytes, at, b'"')?;
            let key_end = first_mark(bytes, key);
            let (mut start, mut member, mut is_plain);
            if bytes.get(key_end) == Some(&b'"') {
                start = behind_colon(bytes, key_end + 1, notes)?;
                member = level.member(bytes, key, key_end);
            } else {
                (start, member) = level.odd_member(bytes, at, notes)?;
            }
            is_plain = false;
            let inner = Level::of(member);
            if inner != Level::Message && bytes.get(start) == Some(&b'{') {
                at = blanks_end(bytes, start + 1, notes);
                if bytes.get(at) != Some(&b'}') {
                    (level, level_start) = (inner, start);
                    continue;
                }
                at += 1;
            } else if bytes.get(start) == Some(&b'"') {
                at = first_mark(bytes, start + 1);
                is_plain = bytes.get(at) == Some(&b'"');
                at = if is_plain { at + 1 } else { marked_end(bytes, at)? };
            } else if member == Member::Content && bytes.get(start) == Some(&b'[') {
                (at, self.has_many_parts) = list_end(bytes, start, notes)?;
            } else {
                at = value_end(bytes, start, notes)?;
            }
            loop {
                if member != Member::Other {
                    let value = text.get(start..at).ok_or(SyntaxError { at: start })?;
                    self.take(member, value, is_plain);
                }
                at = blanks_end(bytes, at, notes);
                match bytes.get(at) {
                    Some(b',') => break,
                    Some(b'}') => at += 1,
                    _ => return Err(SyntaxError { at }),
                }
                (start, member) = match level {
                    Level::Message => return Ok(at),
                    Level::Params => (level_start, Member::Params),
                    Level::Result => (level_start, Member::Result),
                };
                level = Level::Message;
            }
            at = blanks_end(bytes, at + 1, notes);
        }
    }

    #[inline(always)]
    fn take(&mut self, member: Member, value: &'a str, is_plain: bool) {
        let Some(place) = self.values.get_mut(member as usize) else { return };
        let before = place.replace(value);
        self.plain = self.plain & !(1 << member as u16) | u16::from(is_plain) << member as u16;
        if before.is_some() {
            self.take_again(member, value);
        }
    }

    #[cold]
    #[inline(never)]
    fn take_again(&mut self, member: Member, value: &'a str) {
        self.repeated |= 1 << member as u16;
        if (member as usize) < Member::Type as usize && self.surplus.is_none() {
            self.surplus = Some(value);
        }
    }
}

/// What is behind the member that nearly every message begins with; `at` is behind its brace.
#[inline(always)]
fn behind_version(bytes: &[u8], at: usize) -> usize {
    const SPREAD: &[u8] = br#""jsonrpc": "2.0","#;
    const DENSE: &[u8] = br#""jsonrpc":"2.0","#;
    match bytes.get(at..) {
        Some(rest) if rest.starts_with(SPREAD) => at + SPREAD.len(),
        Some(rest) if rest.starts_with(DENSE) => at + DENSE.len(),
        _ => at,
    }
}

/// Where the list at `at` ends, and whether it has several elements.
#[inline(never)]
fn list_end(bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<(usize, bool)> {
    let mut at = blanks_end(bytes, at + 1, notes);
    let (first, mut elements) = (at, 0_usize);
    loop {
        match bytes.get(at) {
            Some(b']') if at == first => return Ok((at + 1, false)),
            _ => at = value_end(bytes, at, notes)?,
        }
        elements += 1;
        at = blanks_end(bytes, at, notes);
        match bytes.get(at) {
            Some(b',') => at = blanks_end(bytes, at + 1, notes),
            Some(b']') => return Ok((at + 1, elements > 1)),
            _ => return Err(SyntaxError { at }),
        }
    }
}

impl Level {
    /// The level inside of a member, if that is one to look into; otherwise that of the message.
    #[inline(always)]
    fn of(member: Member) -> Self {
        match member {
            Member::Params => Level::Params,
            Member::Result => Level::Result,
            _ => Level::Message,
        }
    }

    /// Which member has the key that is the letters from `start` to `end`.
    #[inline(always)]
    fn member(self, bytes: &[u8], start: usize, end: usize) -> Member {
        let length = end.wrapping_sub(start);
        match bytes.get(start..).and_then(<[u8]>::first_chunk) {
            Some(letters) if length <= 8 => {
                self.short(u64::from_le_bytes(*letters).wrapping_shl(64 - 8 * length as u32))
            }
            _ => self.long(bytes.get(start..end).unwrap_or_default()),
        }
    }

    /// The place behind the key at `at`, and which member it names. The key has escapes, or is not a
    /// plain one.
    #[cold]
    #[inline(never)]
    fn odd_member(self, bytes: &[u8], at: usize, notes: &mut Notes) -> Scanned<(usize, Member)> {
        let (key, start) = key_at(bytes, at, notes)?;
        Ok((start, self.long(&Key::new(bytes, key).bytes())))
    }

    /// Which member has a key of at most eight letters.
    #[inline(always)]
    fn short(self, key: u64) -> Member {
        match self {
            Level::Message => match key {
                ID => Member::Id,
                METHOD => Member::Method,
                ERROR => Member::Error,
                PARAMS => Member::Params,
                RESULT => Member::Result,
                TYPE => Member::Type,
                PAYLOAD => Member::Payload,
                _ => Member::Other,
            },
            Level::Params => match key {
                NAME => Member::Name,
                URI => Member::Uri,
                META => Member::Meta,
                _ => Member::Other,
            },
            Level::Result => match key {
                IS_ERROR => Member::IsError,
                CONTENT => Member::Content,
                _ => Member::Other,
            },
        }
    }

    /// Which member has a key that is longer, or had escapes, or is near the end of the text.
    #[inline(never)]
    fn long(self, name: &[u8]) -> Member {
        match (self, name) {
            (_, [first, rest @ ..]) if rest.len() < 8 && *first != 0 => self.short(number_of(name)),
            (Level::Params, b"progressToken") => Member::ProgressToken,
            (Level::Params, b"requestId") => Member::RequestId,
            (Level::Params, b"clientInfo") => Member::ClientInfo,
            (Level::Params, b"protocolVersion") => Member::ProtocolVersion,
            _ => Member::Other,
        }
    }
}

/// The keys of at most eight letters as numbers.
const ID: u64 = number_of(b"id");
const METHOD: u64 = number_of(b"method");
const ERROR: u64 = number_of(b"error");
const PARAMS: u64 = number_of(b"params");
const RESULT: u64 = number_of(b"result");
const TYPE: u64 = number_of(b"type");
const PAYLOAD: u64 = number_of(b"payload");
const NAME: u64 = number_of(b"name");
const URI: u64 = number_of(b"uri");
const META: u64 = number_of(b"_meta");
const IS_ERROR: u64 = number_of(b"isError");
const CONTENT: u64 = number_of(b"content");

/// A key of one to eight letters as a number: the last letter is the highest byte. If the first letter
/// is not zero, no other key has the same number.
const fn number_of(mut key: &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 64 - 8 * key.len() as u32);
    while let [first, rest @ ..] = key {
        number |= (*first as u64) << shift;
        shift += 8;
        key = rest;
    }
    number
}
