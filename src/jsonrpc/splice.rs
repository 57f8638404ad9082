//! Writes a message again with other ids in place of its own (docs/protocol.md#pass-through).

use std::ops::Range;

/// The place of `part` in `whole`, of which it must be a slice.
pub fn place_in(whole: &str, part: &str) -> Option<Range<usize>> {
    let (before, after) = around(whole, part)?;
    Some(before.len()..whole.len().checked_sub(after.len())?)
}

/// The text before and after `part`, which must be a slice of `whole`.
#[inline(always)]
pub(crate) fn around<'a>(whole: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let (before, rest) = whole.split_at_checked(start)?;
    let (_, after) = rest.split_at_checked(part.len())?;
    Some((before, after))
}

/// Up to four parts of a message are replaced, such as its id, a name and a token.
const MAX_PIECES: usize = 9;

/// A message with some of its parts replaced, as the pieces it then consists of. Some may be empty.
#[derive(Debug)]
pub struct Splice<'a> {
    /// Those at even places are kept, those between them are new.
    pieces: [&'a str; MAX_PIECES],
    count: usize,
}

impl<'a> Splice<'a> {
    /// `text` as it is.
    pub fn of(text: &'a str) -> Self {
        Splice { pieces: [text, "", "", "", "", "", "", "", ""], count: 1 }
    }

    /// Writes `new` in place of `part`, which must be a slice of the text. Parts must not overlap.
    pub fn put(&mut self, part: &str, new: &'a str) {
        if self.count + 2 <= MAX_PIECES {
            let _ = (0..self.count).step_by(2).find_map(|at| self.cut(at, part, new));
        }
    }

    /// Cuts the piece at `at`, if `part` is in it.
    fn cut(&mut self, at: usize, part: &str, new: &'a str) -> Option<()> {
        let piece = *self.pieces.get(at)?;
        let (before, after) = around(piece, part)?;
        for behind in (at + 1..self.count).rev() {
            *self.pieces.get_mut(behind + 2)? = *self.pieces.get(behind)?;
        }
        let [first, second, third] = self.pieces.get_mut(at..)?.first_chunk_mut()?;
        (*first, *second, *third) = (before, new, after);
        self.count += 2;
        Some(())
    }

    /// The pieces, one after another.
    pub fn pieces(&self) -> &[&'a str] {
        self.pieces.get(..self.count).unwrap_or_default()
    }
}
