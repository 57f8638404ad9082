//! Lines out of bytes as they come from a pipe.

/// A line is longer than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineTooLong;

/// Collects the start of a line whose end has not come yet. A line that comes whole is not copied.
#[derive(Debug, Default)]
pub(super) struct Lines {
    start: Vec<u8>,
    /// Whether the rest of a line that was cut is skipped.
    is_skipping: bool,
}

/// Buffers of more than this are freed after a line.
const MAX_KEPT_BYTES: usize = 4 << 10;

impl Lines {
    /// Calls `take` with each line that ends in `bytes`, without its end.
    ///
    /// # Errors
    /// [`LineTooLong`] where a line has more than `limit` bytes.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        limit: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), LineTooLong> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.start.len() + piece.len() > limit.saturating_add(2) {
                return Err(LineTooLong);
            }
            let Some(end) = piece.strip_suffix(b"\n") else {
                self.start.extend_from_slice(piece);
                break;
            };
            let line = if self.start.is_empty() {
                end
            } else {
                self.start.extend_from_slice(end);
                &self.start
            };
            take(line.strip_suffix(b"\r").unwrap_or(line));
            self.start.clear();
            self.start.shrink_to(MAX_KEPT_BYTES);
        }
        Ok(())
    }

    /// The same, but a line is cut where it is too long.
    pub(super) fn read_cutting(&mut self, bytes: &[u8], limit: usize, take: &mut dyn FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if !self.is_skipping {
                let room = limit.saturating_sub(self.start.len());
                self.start.extend_from_slice(text.get(..room).unwrap_or(text));
                self.is_skipping = text.len() > room;
                if self.is_skipping || ends {
                    take(self.start.strip_suffix(b"\r").unwrap_or(&self.start));
                    self.start.clear();
                    self.start.shrink_to(MAX_KEPT_BYTES);
                }
            }
            self.is_skipping &= !ends;
        }
    }

    /// What has come behind the last line end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.is_skipping = false;
        std::mem::take(&mut self.start)
    }

    /// The bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.start.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &[u8]) -> String {
        String::from_utf8_lossy(line).into_owned()
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let bytes = "{\"a\":1}\r\n\n小米\nthe last".as_bytes();
        for size in 1..=bytes.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for piece in bytes.chunks(size) {
                lines.read(piece, 100, &mut |line| found.push(text(line))).unwrap();
            }
            assert_eq!(found, ["{\"a\":1}", "", "小米"], "{size}");
            assert_eq!(text(&lines.rest()), "the last");
            assert_eq!(lines.memory(), 0);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_an_error() {
        for size in [1, 3, 64] {
            let mut lines = Lines::default();
            let whole = [&[b'x'; 20][..], b"\r\n"].concat();
            let mut found = 0;
            let mut read = |bytes: &[u8]| lines.read(bytes, 20, &mut |_| found += 1);
            assert!(whole.chunks(size).all(|piece| read(piece).is_ok()));
            assert!([b'x'; 64].chunks(size).any(|piece| read(piece).is_err()));
            assert_eq!(found, 1);
        }
    }

    #[test]
    fn a_line_is_cut_once_and_its_rest_is_skipped() {
        for size in 1..20 {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for piece in b"0123456789abc\nnext\r\n01234567\n".chunks(size) {
                lines.read_cutting(piece, 8, &mut |line| found.push(text(line)));
            }
            assert_eq!(found, ["01234567", "next", "01234567"], "{size}");
        }
    }
}
