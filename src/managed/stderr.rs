//! What a child writes to its standard error: which lines go into the log, and the last ones for the status
//! page. Secrets are masked in all of them.

use super::lines::Lines;
use super::secrets::{masked, without_part};
use crate::escape::visible;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// The longest line that is kept, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;

/// How many lines go into the log, in which time.
const MAX_LINES: u32 = 20;
const SPAN: Duration = Duration::from_secs(10);

/// How many of the last lines are shown, and how many bytes they may have in all.
const MAX_SHOWN_LINES: usize = 20;
const MAX_SHOWN_BYTES: usize = 4 << 10;

/// The standard error of one child.
#[derive(Debug, Default)]
pub(super) struct StandardError {
    lines: Lines,
    /// The last lines, the oldest first.
    last: VecDeque<String>,
    last_bytes: usize,
    /// Whether the last of them is of this run.
    has_spoken: bool,
    /// When the lines of the log are counted from zero again, how many there were, and how many were left out.
    span_ends: Moment,
    logged: u32,
    left_out: u32,
}

impl StandardError {
    /// Reads what has come. Calls `log` with each line for the log, and how many were left out before it.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        secrets: &[String],
        now: Moment,
        log: &mut dyn FnMut(&str, u32),
    ) {
        let mut lines = std::mem::take(&mut self.lines);
        let mut bytes = bytes;
        if self.logged >= MAX_LINES && now < self.span_ends {
            // Of a flood only the last lines are seen.
            let (skipped, rest) = bytes.split_at(start_of_last_lines(bytes));
            if !skipped.is_empty() {
                let count = skipped.iter().filter(|byte| **byte == b'\n').count();
                self.left_out =
                    self.left_out.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                lines = Lines::default();
                bytes = rest;
            }
        }
        lines.read_cutting(bytes, MAX_LINE_BYTES, &mut |line| self.line(line, secrets, now, log));
        self.lines = lines;
    }

    /// The child has ended: its last line may have no end.
    pub(super) fn end(&mut self, secrets: &[String], now: Moment, log: &mut dyn FnMut(&str, u32)) {
        let rest = self.lines.rest();
        self.line(&rest, secrets, now, log);
    }

    fn line(
        &mut self,
        line: &[u8],
        secrets: &[String],
        now: Moment,
        log: &mut dyn FnMut(&str, u32),
    ) {
        let is_cut = line.len() >= MAX_LINE_BYTES;
        let line = String::from_utf8_lossy(line);
        let line = match is_cut {
            true => without_part(line.trim_end_matches('\u{fffd}'), secrets),
            false => line.trim_end(),
        };
        let line = masked(line, secrets);
        let line = visible(&line).into_owned();
        if line.is_empty() {
            return;
        }
        if self.span_ends <= now {
            (self.span_ends, self.logged) = (now.after(SPAN), 0);
        }
        if self.logged < MAX_LINES {
            log(&line, std::mem::take(&mut self.left_out));
            self.logged += 1;
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
        self.has_spoken = true;
        let line = crate::escape::start_of(&line, MAX_SHOWN_BYTES).to_owned();
        self.last_bytes += line.len();
        self.last.push_back(line);
        while self.last.len() > MAX_SHOWN_LINES || self.last_bytes > MAX_SHOWN_BYTES {
            let Some(oldest) = self.last.pop_front() else { break };
            self.last_bytes -= oldest.len();
        }
    }

    /// A child was started. The lines of the one before are still shown.
    pub(super) fn started(&mut self) {
        self.has_spoken = false;
    }

    /// The last line of this run.
    pub(super) fn last_line(&self) -> Option<&str> {
        self.last.back().filter(|_| self.has_spoken).map(String::as_str)
    }

    /// The last lines, the oldest first.
    pub(super) fn last_lines(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        let lines = self.last.capacity() * size_of::<String>();
        self.lines.memory() + lines + self.last.iter().map(String::capacity).sum::<usize>()
    }
}

/// Where the last lines of `bytes` begin, as many as are shown.
fn start_of_last_lines(bytes: &[u8]) -> usize {
    let ends = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(MAX_SHOWN_LINES).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn read(from: &mut StandardError, text: &str, second: u64) -> Vec<(String, u32)> {
        let mut logged = Vec::new();
        let secrets = ["Bearer secret-token".to_owned(), "secret-token".to_owned()];
        from.read(text.as_bytes(), &secrets, at(second), &mut |line, left_out| {
            logged.push((line.to_owned(), left_out));
        });
        logged
    }

    #[test]
    fn twenty_lines_in_ten_seconds_go_into_the_log() {
        let mut child = StandardError::default();
        let many: String = (0..100).map(|number| format!("line {number}\n")).collect();
        assert_eq!(read(&mut child, &many, 1).len(), 20);
        assert_eq!(read(&mut child, "another\n", 10), []);
        assert_eq!(read(&mut child, "again\n", 11), [("again".to_owned(), 81)]);
        assert_eq!(read(&mut child, "more\n", 11), [("more".to_owned(), 0)]);
        let last: Vec<&str> = child.last_lines().collect();
        assert!(last.len() == 20 && last[19] == "more" && last[0] == "line 83", "{last:?}");
    }

    #[test]
    fn lines_are_bounded_masked_and_made_visible() {
        let mut child = StandardError::default();
        let flood = read(&mut child, &"x".repeat(1 << 20), 1);
        assert_eq!((flood.len(), flood[0].0.len()), (1, MAX_LINE_BYTES));
        assert!(child.memory() < 32 << 10);
        assert_eq!(child.last_lines().map(str::len).sum::<usize>(), MAX_SHOWN_BYTES);
        let lines = read(
            &mut child,
            "\nAuthorization: Bearer secret-token, secret-token\r\n\n\u{1b}[2J小\n",
            2,
        );
        let texts: Vec<&str> = lines.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["Authorization: ****, ****", "\\u{1b}[2J小"]);
    }

    #[test]
    fn a_line_that_is_cut_shows_no_part_of_a_secret() {
        for length in MAX_LINE_BYTES - 12..MAX_LINE_BYTES {
            let mut child = StandardError::default();
            let line = ["x".repeat(length), "secret-token, y\n".to_owned()].concat();
            let lines = read(&mut child, &line, 1);
            let text = lines[0].0.trim_start_matches('x');
            assert!(matches!(text, "" | "****"), "{text}");
        }
    }

    #[test]
    fn the_last_line_needs_no_end_and_bytes_need_not_be_text() {
        let mut child = StandardError::default();
        assert_eq!(read(&mut child, "no end", 1), []);
        assert_eq!(child.last_line(), None);
        let mut logged = Vec::new();
        child.end(&[], at(1), &mut |line, _| logged.push(line.to_owned()));
        child.read(b"\xff\xfe\n", &[], at(1), &mut |line, _| logged.push(line.to_owned()));
        assert_eq!(logged, ["no end", "\u{fffd}\u{fffd}"]);
        assert_eq!(child.last_line(), Some("\u{fffd}\u{fffd}"));
        // It is not why the next one ends.
        child.started();
        assert_eq!((child.last_line(), child.last_lines().count()), (None, 2));
    }
}
