//! Walking over JSON without building anything: what is well-formed, and where each member
//! stands.
//!
//! Every message passes through here whole, once, so this is written for speed. serde_json's
//! `RawValue` does the same work for several times the price, and allocates for it; it is what
//! this is tested against.

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson;

type Scanned<T> = Result<T, NotJson>;

/// A walk over a text.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// Hears of each member of `object`, which must be the whole text: its key and its value, both as
/// they are spelled.
///
/// # Errors
/// [`NotJson`] where the text is not one well-formed object. Members before the fault have been
/// heard of.
pub fn members<'a>(object: &'a str, mut hear: impl FnMut(&'a str, &'a str)) -> Scanned<()> {
    let mut scanner = Scanner { text: object, at: 0 };
    scanner.blanks();
    scanner.expect(b'{')?;
    scanner.blanks();
    if !scanner.take(b'}') {
        loop {
            let key = scanner.key()?;
            let value = scanner.value()?;
            hear(key, value);
            scanner.blanks();
            if scanner.take(b'}') {
                break;
            }
            scanner.expect(b',')?;
            scanner.blanks();
        }
    }
    scanner.end()
}

/// Whether the whole text is one well-formed value.
pub fn is_json(text: &str) -> bool {
    let mut scanner = Scanner { text, at: 0 };
    scanner.blanks();
    scanner.value().is_ok() && scanner.end().is_ok()
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes `byte` where it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    fn expect(&mut self, byte: u8) -> Scanned<()> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Scanned<()> {
        self.blanks();
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    /// A key and the colon behind it.
    fn key(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        self.string()?;
        let key = self.text.get(start..self.at).ok_or(NotJson)?;
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Ok(key)
    }

    /// Any value, however deep, as it is spelled.
    fn value(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.nested()?,
        }
        self.text.get(start..self.at).ok_or(NotJson)
    }

    /// Any value, and what it holds.
    fn nested(&mut self) -> Scanned<()> {
        let mut nest = Nest::default();
        loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'{') => {
                    self.at += 1;
                    self.blanks();
                    if !self.take(b'}') {
                        self.key()?;
                        nest.enter(true);
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.blanks();
                    if !self.take(b']') {
                        nest.enter(false);
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return Err(NotJson),
            }
            if !self.goes_on(&mut nest)? {
                return Ok(());
            }
        }
    }

    /// Behind a value: closes what ends here. Says whether another value follows.
    fn goes_on(&mut self, nest: &mut Nest) -> Scanned<bool> {
        while let Some(in_object) = nest.innermost() {
            self.blanks();
            if self.take(b',') {
                self.blanks();
                if in_object {
                    self.key()?;
                }
                return Ok(true);
            }
            self.expect(if in_object { b'}' } else { b']' })?;
            nest.leave();
        }
        Ok(false)
    }

    fn word(&mut self, word: &[u8]) -> Scanned<()> {
        if !self.rest().starts_with(word) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Scanned<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn number(&mut self) -> Scanned<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Scanned<()> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        loop {
            at = plain_end(bytes, at);
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => at = escape_end(bytes, at)?,
                _ => return Err(NotJson),
            }
        }
    }
}

/// Where the escape at `at` ends.
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

/// How many plain letters in a row promise that there are many more.
const LONG_RUN: usize = 24;

/// The next byte of a string from `at` on that is not just a part of it: a quote, a backslash, or a
/// control character, which may not be there.
#[inline(always)]
fn plain_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    // Eight at a time where escapes are dense, …
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let marks = marks(u64::from_le_bytes(*eight));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
        // … and more where they are not.
        if at - start >= LONG_RUN {
            at = blocks_end(bytes, at);
        }
    }
    while bytes.get(at).is_some_and(|byte| !is_mark(*byte)) {
        at += 1;
    }
    at
}

/// Moves on over blocks of plain letters.
fn blocks_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<64>) {
        if block.iter().fold(false, |found, byte| found | is_mark(*byte)) {
            break;
        }
        at += 64;
    }
    at
}

/// Whether a byte ends a run of plain letters.
fn is_mark(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The same for eight bytes at once: the highest bit of the first of them that is a mark is the
/// lowest bit that is set.
fn marks(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zeroes = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quotes = zeroes(eight ^ (ONES * b'"' as u64));
    let backslashes = zeroes(eight ^ (ONES * b'\\' as u64));
    let controls = eight.wrapping_sub(ONES * 0x20) & !eight;
    (quotes | backslashes | controls) & (ONES << 7)
}

/// What encloses a value: objects and lists, the innermost last. The first 64 need no memory.
#[derive(Default)]
struct Nest {
    depth: usize,
    /// One bit each for the innermost, set for an object.
    bits: u64,
    /// Those further out, 64 at a time.
    outer: Vec<u64>,
}

impl Nest {
    fn enter(&mut self, object: bool) {
        if self.depth > 0 && self.depth % 64 == 0 {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth % 64 == 0 {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object; nothing outside of all.
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    fn agrees(text: &str) {
        let theirs = serde_json::from_str::<&RawValue>(text).is_ok();
        assert_eq!(is_json(text), theirs, "{text:?}");
        let mut ours = Some(Vec::new());
        if members(text, |key, value| ours.iter_mut().for_each(|all| all.push((key, value))))
            .is_err()
        {
            ours = None;
        }
        // A list is taken for an object by nobody here.
        let theirs = serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok();
        assert_eq!(ours.is_some(), theirs.is_some(), "{text:?}");
        for (key, value) in ours.unwrap_or_default() {
            let key: String = serde_json::from_str(key).unwrap();
            if let Some(theirs) = theirs.as_ref().and_then(|all| all.get(&key)) {
                assert!(theirs.get() == value || text.matches(&key).count() > 1, "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_json_is_what_serde_json_says() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let mixed = r#"{"a":["#.repeat(100) + "1" + &"]}".repeat(100);
        for text in [
            "",
            " ",
            "{}",
            " {\t} \n",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" : [ ] , \"b\" : { } }",
            "[1,2,[3,{\"x\":[]}]]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "]",
            "[}",
            "{]",
            "{\"a\":[}",
            "1",
            "-1",
            "-",
            "01",
            "-0",
            "0.5",
            ".5",
            "1.",
            "1e5",
            "1E+5",
            "1e-",
            "1e+5.0",
            "1.5e3x",
            "true",
            "tru",
            "truex",
            "null",
            "nul",
            "false",
            "NaN",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12G4\"",
            "\"\\ud800\"",
            "\"\u{1}\"",
            "\"\t\"",
            "\"小智\"",
            "\"a\u{7f}b\"",
            "{\"a\":\"\u{1f}\"}",
            "{} {}",
            "{}x",
            "{\"a\":1}}",
            "\u{feff}{}",
            "\u{a0}1",
            "[\"abcdefgh\",\"abcdefg\\\"\"]",
            &deep,
            &mixed,
            &deep[1..],
            &mixed[..mixed.len() - 1],
        ] {
            agrees(text);
        }
    }

    #[test]
    fn every_place_in_a_run_of_letters_is_looked_at() {
        for length in 0..100 {
            for mark in ["\"", "\\", "\u{1f}", "\\n", "\\u00e9", " ", "é", "小", "\u{7f}"] {
                for at in (0..=length).step_by(3) {
                    let text = format!("\"{}{mark}{}\"", "x".repeat(at), "y".repeat(length - at));
                    agrees(&text);
                    agrees(&format!("{{{text}:{text}}}"));
                }
            }
        }
    }

    #[test]
    fn mutations_of_a_message_are_judged_as_serde_json_judges_them() {
        let seed = r#" {"jsonrpc":"2.0","id":-1.5E+2,"a\u0062":[true,false,null,{"x":[]},"\\\"/"],"小":""}"#;
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let spare: Vec<char> = "{}[]\",:\\ \n0123456789eE+-.truefalsn/u小\u{1}".chars().collect();
        for _ in 0..20_000 {
            let mut letters: Vec<char> = seed.chars().collect();
            for _ in 0..=random(3) {
                let place = random(letters.len());
                match random(3) {
                    0 => letters[place] = spare[random(spare.len())],
                    1 => letters.insert(place, spare[random(spare.len())]),
                    _ => drop(letters.remove(place)),
                }
            }
            agrees(&letters.into_iter().collect::<String>());
        }
    }

    #[test]
    fn depth_costs_memory_only_by_the_bit_and_no_stack() {
        let deep = "[{\"a\":".repeat(100_000) + "0" + &"}]".repeat(100_000);
        assert!(is_json(&deep));
        assert!(!is_json(&deep.replacen("}]", "]}", 1)));
    }
}
