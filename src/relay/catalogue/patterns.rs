//! Patterns that pick tools: `*` stands for any text, everything else for itself.

use crate::sorted::sorted;
use ws::memory::{allocated, array_of};

/// A pattern with a `*` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wild {
    text: Box<str>,
    /// One more than the place, in this table, of the pattern with the next shorter beginning that
    /// is one of this one's, too; 0 where there is none.
    shorter: usize,
}

/// Patterns, in an order in which those that may match are found without a look at the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Those without a `*`.
    exact: Vec<Box<str>>,
    /// The others, in the order of what they begin with.
    wild: Vec<Wild>,
}

impl Patterns {
    /// These patterns, in any order.
    pub fn new(patterns: Vec<Box<str>>) -> Self {
        let (wild, exact): (Vec<_>, Vec<_>) = patterns.into_iter().partition(|p| p.contains('*'));
        let mut table: Vec<Wild> = Vec::with_capacity(wild.len());
        // By their beginnings: `a*` comes before `a+`, though `*` does not.
        let order = sorted(wild.iter().enumerate().map(|(at, text)| (beginning(text), at)));
        for (start, at) in order {
            let mut shorter = table.len();
            while let Some(before) = shorter.checked_sub(1).and_then(|at| table.get(at)) {
                if start.starts_with(beginning(&before.text)) {
                    break;
                }
                shorter = before.shorter;
            }
            let text = wild.get(at).cloned().unwrap_or_default();
            table.push(Wild { text, shorter });
        }
        Patterns { exact: sorted(exact), wild: table }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.exact.len() + self.wild.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every pattern.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().map(|text| &**text).chain(self.wild.iter().map(|wild| &*wild.text))
    }

    /// Whether a pattern matches the whole of `full`, a tool's `LABEL/TOOL`, or the whole of `tool`, with
    /// which it ends.
    pub fn pick(&self, full: &str, tool: &str) -> bool {
        // A pattern that begins with a star and matches the tool matches the full name, too.
        self.match_whole(full, false) || self.match_whole(tool, true)
    }

    /// Whether a pattern matches the whole of `subject`.
    fn match_whole(&self, subject: &str, without_star_first: bool) -> bool {
        if self.exact.binary_search_by(|text| (**text).cmp(subject)).is_ok() {
            return true;
        }
        let is_before = |wild: &Wild| beginning(&wild.text) <= subject;
        let mut next = self.wild.partition_point(is_before);
        // Every beginning of the subject stands on the way from here to ever shorter ones.
        while let Some(wild) = next.checked_sub(1).and_then(|at| self.wild.get(at)) {
            // The empty beginning is the last one on the way.
            if without_star_first && wild.text.starts_with('*') {
                return false;
            }
            if fits(&wild.text, subject) {
                return true;
            }
            next = wild.shorter;
        }
        false
    }

    /// How much memory they take.
    pub(super) fn memory(&self) -> usize {
        let texts = self.iter().map(|text| allocated(text.len()));
        array_of::<Box<str>>(self.exact.capacity())
            + array_of::<Wild>(self.wild.capacity())
            + texts.sum::<usize>()
    }
}

/// What a pattern begins with, whatever stands for its stars.
fn beginning(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or_default()
}

/// Whether a pattern matches the whole of `subject`. Each part between two stars is looked for once,
/// behind the one before it, so this takes no longer than both are.
pub(super) fn fits(pattern: &str, subject: &str) -> bool {
    let Some((first, others)) = pattern.split_once('*') else { return pattern == subject };
    let Some(mut rest) = subject.strip_prefix(first) else { return false };
    let (middle, last) = others.rsplit_once('*').unwrap_or(("", others));
    for part in middle.split('*') {
        // Looking for a part takes as long as the part is, too.
        if part.len() > rest.len() {
            return false;
        }
        let Some(behind) = behind(rest, part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// What is behind the first `part` in `text`.
fn behind<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    // The standard library's search takes long to begin, and most parts are short.
    if part.is_empty() || part.len() > 16 {
        return text.split_once(part).map(|(_, behind)| behind);
    }
    let mut windows = text.as_bytes().windows(part.len());
    let at = windows.position(|window| window == part.as_bytes())?;
    text.get(at + part.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_and_a_star_spans_everything() {
        for (pattern, subject, expected) in [
            ("add", "add", true),
            ("add", "Add", false),
            ("add", "adder", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("time/*", "time/now", true),
            ("time/*", "time/", true),
            ("time/*", "time", false),
            ("*/now", "time/now", true),
            ("t*e/n*w", "time/now", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*a", "aba", true),
            ("a*b*b", "ab", false),
            ("*b*", "abc", true),
            ("a**c", "abc", true),
            ("***", "x", true),
            ("查*", "查询", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, subject), expected, "{pattern} {subject}");
            let patterns = Patterns::new(vec![pattern.into()]);
            assert_eq!(patterns.match_whole(subject, false), expected, "{pattern} {subject}");
        }
    }

    #[test]
    fn many_patterns_find_what_one_after_the_other_does() {
        let parts = ["", "a", "b", "ab", "*", "a*", "*b", "/", "+"];
        let join = |a, b, c| [parts[a], parts[b], parts[c]].concat();
        let count = parts.len();
        let all = (0..count * count * count)
            .map(|n| join(n % count, n / count % count, n / count / count));
        let all: Vec<String> = all.collect();
        // Different thirds of the patterns, so that some are missing from every chain.
        for first in 0..7 {
            let some: Vec<&String> = all.iter().skip(first).step_by(7).collect();
            let patterns = Patterns::new(some.iter().map(|text| text.as_str().into()).collect());
            for subject in &all {
                let expected = some.iter().any(|pattern| fits(pattern, subject));
                assert_eq!(patterns.match_whole(subject, false), expected, "{subject}");
                let end = subject.get(1..).unwrap_or_default();
                let expected = expected || some.iter().any(|pattern| fits(pattern, end));
                assert_eq!(patterns.pick(subject, end), expected, "{subject} {end}");
            }
        }
    }
}
