//! What the lines of a configuration file say, by the rules of Python's configparser.
//!
//! This module reads lines, comments and indentation; the `ini` crate reads each header and each
//! entry, one at a time. Given a whole file, the crate tells no line numbers and no places, joins
//! a line without `=` and the header below it into one entry, and adds every indented line to the
//! value above it.

use ini::{Ini, ParseOption};
use std::ops::Range;

/// What editors on Windows put before the first line.
pub(super) const BOM: char = '\u{feff}';

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Its sections, in order; repeated ones are apart.
    pub(super) sections: Vec<Section>,
    /// The lines that cannot be read.
    pub(super) errors: Vec<(usize, LineError)>,
}

/// A section.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The line of its header, counted from 1.
    pub(super) line: usize,
    /// Empty if the header cannot be read.
    pub(super) name: String,
    /// The place in the text, in bytes, of the blanks before the header.
    pub(super) indent: Range<usize>,
    /// Where the line after the header begins.
    pub(super) next_line: usize,
    pub(super) entries: Vec<Entry>,
}

/// One `key = value`, or `key: value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) line: usize,
    /// The place of the blanks before the key.
    pub(super) indent: Range<usize>,
    pub(super) key: String,
    pub(super) value: String,
    /// The place of the value; right behind the `=` or `:` if there is no value.
    pub(super) place: Range<usize>,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineError {
    /// It begins with `[`, but it is not `[name]` and no more.
    BadHeader,
    /// It has no `=` or `:`, or nothing before it.
    BadEntry,
    /// It stands before the first section.
    NoSection,
}

impl Content {
    /// Reads each line of `text`. A byte order mark is not part of the first one.
    pub(super) fn read(text: &str) -> Content {
        let mut content = Content::default();
        let mut rest = text.trim_start_matches(BOM);
        let mut number = 0;
        let mut entry_depth = None;
        while !rest.is_empty() {
            number += 1;
            let start = text.len() - rest.len();
            let (line, tail) = rest.split_at(rest.find(['\n', '\r']).unwrap_or(rest.len()));
            rest = tail.strip_prefix("\r\n").unwrap_or(tail.get(1..).unwrap_or_default());
            let line = without_comment(line).trim_end();
            let said = line.trim_start();
            if said.is_empty() {
                continue;
            }
            let indent = start..start + line.len() - said.len();
            let end = start + line.len();
            let depth = line.chars().take_while(|c| c.is_whitespace()).count();
            let section = content.sections.last_mut();
            if entry_depth.is_some_and(|entry| depth > entry) {
                if let Some(entry) = section.and_then(|section| section.entries.last_mut()) {
                    entry.continue_with(said, end);
                }
                continue;
            }
            let error = match (read_line(said), section) {
                (Some(Line::Header(name)), _) => {
                    let next_line = text.len() - rest.len();
                    let section =
                        Section { line: number, name, indent, next_line, ..Section::default() };
                    content.sections.push(section);
                    entry_depth = None;
                    continue;
                }
                (Some(Line::Entry(key, value)), Some(section)) => {
                    let place = end - value.len()..end;
                    section.entries.push(Entry { line: number, indent, key, value, place });
                    entry_depth = Some(depth);
                    continue;
                }
                (Some(Line::Entry(..)), None) => LineError::NoSection,
                (None, _) if said.starts_with('[') => {
                    // The lines below it belong to a section without a name, so they are not reported as well.
                    content.sections.push(Section::default());
                    entry_depth = None;
                    LineError::BadHeader
                }
                (None, _) => LineError::BadEntry,
            };
            content.errors.push((number, error));
        }
        content
    }

    /// The last entry of this name, which is the one that counts.
    pub(super) fn last(&self, section: &str, key: &str) -> Option<&Entry> {
        let sections = self.sections.iter().filter(|one| one.is(section));
        let mut entries = sections.flat_map(|section| &section.entries);
        entries.rfind(|entry| entry.key.eq_ignore_ascii_case(key))
    }
}

impl Section {
    /// Whether this is its name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Entry {
    /// Adds an indented line, which ends at `end`, to the value.
    fn continue_with(&mut self, line: &str, end: usize) {
        if !self.value.is_empty() {
            self.value.push('\n');
        }
        self.value.push_str(line);
        self.place.end = end;
    }
}

/// What the crate reads in one line.
enum Line {
    Header(String),
    Entry(String, String),
}

/// Reads one line, without blanks around it.
fn read_line(line: &str) -> Option<Line> {
    let option = ParseOption {
        enabled_quote: false,
        enabled_escape: true,
        enabled_indented_mutiline_value: false,
        enabled_preserve_key_leading_whitespace: false,
    };
    // A backslash is an ordinary character here. The crate takes it for one only if it is escaped.
    let ini = Ini::load_from_str_opt(&line.replace('\\', r"\\"), option).ok()?;
    let mut sections = ini.iter();
    // The first section is what stands before all headers. It is always there.
    let (_, entries) = sections.next()?;
    match (entries.iter().next(), sections.next(), sections.next()) {
        (Some((key, value)), None, _) => Some(Line::Entry(key.to_owned(), value.to_owned())),
        (None, Some((Some(name), entries)), None) => {
            let is_header = entries.is_empty() && !name.is_empty() && !name.contains('[');
            is_header.then(|| Line::Header(name.to_owned()))
        }
        _ => None,
    }
}

/// The line up to a `#` or `;` that stands at its beginning or behind a blank.
fn without_comment(line: &str) -> &str {
    let mut blank = true;
    for (at, c) in line.char_indices() {
        if blank && matches!(c, '#' | ';') {
            return line.get(..at).unwrap_or_default();
        }
        blank = c.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The header and the entries of one section.
    fn section(text: &str) -> Section {
        let content = Content::read(text);
        assert_eq!(content.errors, []);
        let [section] = <[Section; 1]>::try_from(content.sections).unwrap();
        section
    }

    #[test]
    fn lines_end_as_in_python() {
        let text = "\u{feff}[s]\r\na=\rb=1\n\nd=";
        let section = section(text);
        assert_eq!((section.line, section.indent, section.next_line), (1, 3..3, 8));
        let entries = section.entries.into_iter();
        let places: Vec<_> = entries.map(|one| (one.line, one.indent.start, one.place)).collect();
        assert_eq!(places, [(2, 8, 10..10), (3, 11, 13..14), (5, 16, 18..18)]);
    }

    #[test]
    fn a_comment_begins_a_line_or_stands_behind_a_blank() {
        let text = "[s] ; one\n# two\n  ; three\na = b#c;d # four\ne = # five\nf=#g";
        let section = section(text);
        assert_eq!(section.name, "s");
        let entries = section.entries.iter();
        let said: Vec<_> = entries
            .map(|entry| (entry.line, &entry.key[..], &entry.value[..], &text[entry.place.clone()]))
            .collect();
        assert_eq!(said, [(4, "a", "b#c;d", "b#c;d"), (5, "e", "", ""), (6, "f", "#g", "#g")]);
        let behind_the_sign: Vec<_> =
            section.entries.iter().map(|e| &text[..e.place.start]).collect();
        assert!(behind_the_sign[1].ends_with("\ne ="), "{behind_the_sign:?}");
    }

    #[test]
    fn a_deeper_line_goes_on_with_the_value_above() {
        let text = "[s]\n  a: 1\n\n   2\n  b = 3\nc = 4\n [x]\n[y]\n d = 5";
        let content = Content::read(text);
        let headers: Vec<_> =
            content.sections.iter().map(|one| (one.line, &one.name[..])).collect();
        assert_eq!(headers, [(1, "s"), (8, "y")]);
        let entries = content.sections.iter().flat_map(|section| &section.entries);
        let said: Vec<_> = entries
            .map(|entry| (entry.line, &entry.value[..], &text[entry.place.clone()]))
            .collect();
        assert_eq!(
            said,
            [(2, "1\n2", "1\n\n   2"), (5, "3", "3"), (6, "4\n[x]", "4\n [x]"), (9, "5", "5")]
        );
    }

    #[test]
    fn backslashes_quotes_and_percent_signs_are_letters_like_others() {
        let text =
            "[a\\]\nb\\ = c:\\logs\\\nd = \"e\" 'f' \\x41 %(g)s 100%\n\\=\\=\\\\\n[h]\ni = \\\n";
        let content = Content::read(text);
        assert_eq!(content.errors, []);
        let said: Vec<_> = content
            .sections
            .iter()
            .flat_map(|one| {
                one.entries.iter().map(|e| (e.line, &one.name[..], &e.key[..], &e.value[..]))
            })
            .collect();
        let expected = [
            (2, "a\\", "b\\", "c:\\logs\\"),
            (3, "a\\", "d", "\"e\" 'f' \\x41 %(g)s 100%"),
            (4, "a\\", "\\", "\\=\\\\"),
            (6, "h", "i", "\\"),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_cannot_be_read_is_distinguished() {
        let text = "a = 1\n[\n[]\n[a]b\n[[a]]\nwords\n= 1\n[s]\nwords\n: 1";
        let (outside, header, entry) =
            (LineError::NoSection, LineError::BadHeader, LineError::BadEntry);
        let errors = [outside, header, header, header, header, entry, entry, entry, entry];
        let lines = [1, 2, 3, 4, 5, 6, 7, 9, 10];
        let expected: Vec<_> = lines.into_iter().zip(errors).collect();
        assert_eq!(Content::read(text).errors, expected);
        for text in ["[a]b = 1", "[a] [b]", "[a]]", "[a[b]", "[a];c", "[a", "[\\", "[a]=b", "[]b=1"]
        {
            assert_eq!(Content::read(text).errors, [(1, LineError::BadHeader)], "{text}");
        }
    }

    /// What the text says by the rules of Python's configparser, read in the plainest way: lines
    /// and names of sections, and lines, keys and values of entries.
    fn plainly(text: &str) -> Option<Vec<(usize, String, Option<String>)>> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut said: Vec<(usize, String, Option<String>)> = Vec::new();
        let mut depth = None;
        for (number, line) in (1..).zip(text.trim_start_matches(BOM).split('\n')) {
            let starts = line.char_indices().find(|(at, c)| {
                let is_free = line[..*at].chars().next_back().is_none_or(char::is_whitespace);
                matches!(c, '#' | ';') && is_free
            });
            let line = starts.map_or(line, |(at, _)| &line[..at]).trim_end();
            let indent = line.chars().take_while(|c| c.is_whitespace()).count();
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if depth.is_some_and(|depth| indent > depth) {
                let value = said.last_mut()?.2.as_mut()?;
                *value = format!("{value}\n{line}").trim().to_owned();
            } else if line.starts_with('[') {
                let name = line.strip_prefix('[')?.strip_suffix(']')?.trim();
                if name.is_empty() || name.contains(['[', ']']) {
                    return None;
                }
                said.push((number, name.to_owned(), None));
                depth = None;
            } else {
                let (key, value) = line.split_once(['=', ':'])?;
                if key.trim().is_empty() || said.is_empty() {
                    return None;
                }
                said.push((number, key.trim().to_owned(), Some(value.trim().to_owned())));
                depth = Some(indent);
            }
        }
        Some(said)
    }

    #[test]
    fn lines_are_read_as_python_reads_them() {
        let pieces = [
            "[s]\n", "[t]\n", "a", "b = ", ":", "=", "\n", "\r\n", " ", "\t", "\\", "#", ";", "]",
            "[", "\r", "x", "中", "\u{3000}", "\"", "%",
        ];
        let mut random = Random::new(7);
        let mut read = 0;
        for _ in 0..40_000 {
            let mut text = "[s]\n".to_owned();
            for _ in 0..12 {
                text.push_str(pieces[random.place(pieces.len())]);
            }
            let content = Content::read(&text);
            let mut said = Vec::new();
            for section in content.sections {
                said.push((section.line, section.name, None));
                for entry in section.entries {
                    let place = &text[entry.place];
                    let is_one_line = !place.contains(['\n', '\r']);
                    assert!(!is_one_line || place == entry.value, "{text:?}: {place:?}");
                    said.push((entry.line, entry.key, Some(entry.value)));
                }
            }
            let said = content.errors.is_empty().then_some(said);
            read += usize::from(said.is_some());
            assert_eq!(said, plainly(&text), "{text:?}");
        }
        assert!(read > 1000, "only {read} texts could be read");
    }
}
