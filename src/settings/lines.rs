//! The lines of a configuration file, and what each of them is.
//!
//! The `ini` crate takes a line without `=` together with the section header below it for one
//! entry, and a `\` at a line's end for an invitation to go on; it tells no line numbers. So the
//! lines are looked at here first, by the rules of Python's configparser, and what is handed to it
//! is [`tidy`]. Writing the key back needs the places of things, too.

/// A line, without its end.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Where it begins in the text, in bytes.
    pub(super) start: usize,
    /// How many bytes of blanks it begins with.
    pub(super) indent: usize,
    /// How many bytes it has, its end included.
    pub(super) whole: usize,
    /// What it is.
    pub(super) shape: Shape<'a>,
}

/// What a line is. Texts are trimmed, comments cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape<'a> {
    /// Nothing, or a comment.
    Nothing,
    /// `[section]`
    Header(&'a str),
    /// `key = value`, or `key: value`; `at` is where the value begins in the line, behind the
    /// blanks, or right behind the sign where there is no value.
    Entry { key: &'a str, value: &'a str, at: usize },
    /// An indented line that goes on with the value above it.
    More(&'a str),
    /// Something else, which cannot be read.
    Wrong(Fault),
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It begins with `[`, but it is not `[name]` and no more.
    Header,
    /// It has no `=` or `:`, or nothing before it.
    Entry,
    /// It stands before the first section.
    Homeless,
}

/// Looks at each line of `text`. A byte order mark is no part of the first one.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(BOM);
    let mut in_section = false;
    let mut entry_depth = None;
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        let after = tail.strip_prefix("\r\n").unwrap_or(tail.get(1..).unwrap_or_default());
        let indent = line.len() - line.trim_start().len();
        let depth = line.chars().take_while(|c| c.is_whitespace()).count();
        let goes_on = entry_depth.is_some_and(|entry| depth > entry);
        let shape = shape(line, in_section, goes_on);
        match shape {
            // Below a header that cannot be read, not every line is to be told, too.
            Shape::Header(_) | Shape::Wrong(Fault::Header) => {
                (in_section, entry_depth) = (true, None);
            }
            Shape::Entry { .. } => entry_depth = Some(depth),
            _ => {}
        }
        let number = found.len() + 1;
        found.push(Line { number, start, indent, whole: rest.len() - after.len(), shape });
        rest = after;
    }
    found
}

/// What editors on Windows put before the first line.
const BOM: char = '\u{feff}';

fn shape(line: &str, in_section: bool, goes_on: bool) -> Shape<'_> {
    let said = without_comment(line);
    let content = said.trim();
    if content.is_empty() {
        return Shape::Nothing;
    }
    if goes_on {
        return Shape::More(content);
    }
    if let Some(header) = content.strip_prefix('[') {
        let name = header.strip_suffix(']').map(str::trim).unwrap_or_default();
        return if name.is_empty() || name.contains(['[', ']']) {
            Shape::Wrong(Fault::Header)
        } else {
            Shape::Header(name)
        };
    }
    let Some((key, value)) = said.split_once(['=', ':']).filter(|(key, _)| !key.trim().is_empty())
    else {
        return Shape::Wrong(Fault::Entry);
    };
    if !in_section {
        return Shape::Wrong(Fault::Homeless);
    }
    let blanks = if value.trim().is_empty() { 0 } else { value.len() - value.trim_start().len() };
    Shape::Entry { key: key.trim(), value: value.trim(), at: key.len() + 1 + blanks }
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

/// The same lines in the shape in which the `ini` crate reads them as we do: no comments, no
/// blanks before keys, a blank behind whatever could end in `\`.
pub(super) fn tidy(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    for line in lines {
        let pieces = match line.shape {
            Shape::Header(name) => ["[", name, " ]\n", ""],
            Shape::Entry { key, value, .. } => [key, " = ", value, " \n"],
            Shape::More(more) => [" ", more, " \n", ""],
            Shape::Nothing | Shape::Wrong(_) => continue,
        };
        text.extend(pieces);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Vec<Shape<'_>> {
        lines(text).into_iter().map(|line| line.shape).collect()
    }

    #[test]
    fn lines_end_as_in_python() {
        let starts: Vec<_> =
            lines("\u{feff}a\r\nb\rc\n\nd").iter().map(|l| (l.number, l.start, l.whole)).collect();
        assert_eq!(starts, [(1, 3, 3), (2, 6, 2), (3, 8, 2), (4, 10, 1), (5, 11, 1)]);
    }

    #[test]
    fn a_comment_begins_a_line_or_stands_behind_a_blank() {
        let text = "[s] ; one\n# two\n  ; three\na = b#c;d # four\ne = # five\nf=#g";
        assert_eq!(
            shapes(text),
            [
                Shape::Header("s"),
                Shape::Nothing,
                Shape::Nothing,
                Shape::Entry { key: "a", value: "b#c;d", at: 4 },
                Shape::Entry { key: "e", value: "", at: 3 },
                Shape::Entry { key: "f", value: "#g", at: 2 },
            ]
        );
    }

    #[test]
    fn a_deeper_line_goes_on_with_the_value_above() {
        let text = "[s]\n  a: 1\n\n   2\n  b = 3\nc = 4\n [x]\n[y]\n d = 5";
        let more = |line: &Line<'_>| matches!(line.shape, Shape::More(_));
        let going_on: Vec<_> = lines(text).into_iter().filter(more).map(|l| l.number).collect();
        assert_eq!(going_on, [4, 7]);
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let text = "a = 1\n[\n[]\n[a]b\n[[a]]\nwords\n= 1\n[s]\nwords\n: 1";
        let faults: Vec<_> = shapes(text)
            .into_iter()
            .filter_map(|shape| match shape {
                Shape::Wrong(fault) => Some(fault),
                _ => None,
            })
            .collect();
        let (homeless, header, entry) = (Fault::Homeless, Fault::Header, Fault::Entry);
        assert_eq!(faults, [homeless, header, header, header, header, entry, entry, entry, entry]);
    }
}
