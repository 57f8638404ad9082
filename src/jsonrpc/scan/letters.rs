//! Sixteen letters of a string at once.

/// How many letters are looked at together.
pub(super) const COUNT: usize = 16;

/// Letters that stand side by side in a string.
pub(super) trait Letters: Copy {
    fn new(letters: [u8; COUNT]) -> Self;

    /// The place of the first quote, backslash, or control character, which may not be in a string.
    fn first_mark(self) -> Option<usize>;

    /// The same in a part of a string with escapes, where a quote or the letter of a line break has to
    /// stand behind each backslash, and a quote nowhere else. `before` begins one letter earlier. May
    /// be a place before the first oddity, but never one behind it.
    fn first_oddity(self, before: Self) -> Option<usize>;
}

/// What this machine is quickest with.
#[cfg(target_feature = "sse2")]
pub(super) type Native = vector::Vector;
#[cfg(not(target_feature = "sse2"))]
pub(super) type Native = word::Word;

/// As one large number, of which the arithmetic of every processor makes some. The highest bit of a
/// letter marks it.
#[cfg(any(test, not(target_feature = "sse2")))]
pub(super) mod word {
    use super::{Letters, COUNT};

    #[derive(Clone, Copy)]
    pub(in super::super) struct Word(u128);

    const ONES: u128 = u128::from_le_bytes([1; COUNT]);
    const HIGHEST: u128 = ONES << 7;

    /// Those that are `byte`, and perhaps one behind one that is.
    #[inline(always)]
    fn equal(letters: u128, byte: u8) -> u128 {
        let differ = letters ^ (ONES * u128::from(byte));
        differ.wrapping_sub(ONES) & !differ & HIGHEST
    }

    /// The control characters, and perhaps one behind one.
    #[inline(always)]
    fn controls(letters: u128) -> u128 {
        letters.wrapping_sub(ONES * 0x20) & !letters & HIGHEST
    }

    #[inline(always)]
    fn first(marks: u128) -> Option<usize> {
        (marks != 0).then_some((marks.trailing_zeros() / 8) as usize)
    }

    impl Letters for Word {
        #[inline(always)]
        fn new(letters: [u8; COUNT]) -> Self {
            Word(u128::from_le_bytes(letters))
        }

        #[inline(always)]
        fn first_mark(self) -> Option<usize> {
            first(equal(self.0, b'"') | equal(self.0, b'\\') | controls(self.0))
        }

        #[inline(always)]
        fn first_oddity(self, before: Self) -> Option<usize> {
            let escaped = equal(before.0, b'\\');
            let quotes = equal(self.0, b'"');
            let odd = escaped & !(quotes | equal(self.0, b'n'));
            first(odd | (quotes & !escaped) | controls(self.0))
        }
    }
}

/// As a vector: safe_arch's, for that of the standard library needs `unsafe` before Rust 1.87.
#[cfg(target_feature = "sse2")]
mod vector {
    use super::{Letters, COUNT};
    use safe_arch::{
        bitandnot_m128i, bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, m128i,
        min_u8_m128i, move_mask_i8_m128i, set_splat_i8_m128i,
    };

    #[derive(Clone, Copy)]
    pub(in super::super) struct Vector(m128i);

    #[inline(always)]
    fn equal(letters: m128i, byte: u8) -> m128i {
        cmp_eq_mask_i8_m128i(letters, set_splat_i8_m128i(byte as i8))
    }

    #[inline(always)]
    fn controls(letters: m128i) -> m128i {
        cmp_eq_mask_i8_m128i(letters, min_u8_m128i(letters, set_splat_i8_m128i(0x1F)))
    }

    #[inline(always)]
    fn first(marks: m128i) -> Option<usize> {
        let marks = move_mask_i8_m128i(marks);
        (marks != 0).then_some(marks.trailing_zeros() as usize)
    }

    impl Letters for Vector {
        #[inline(always)]
        fn new(letters: [u8; COUNT]) -> Self {
            Vector(load_unaligned_m128i(&letters))
        }

        #[inline(always)]
        fn first_mark(self) -> Option<usize> {
            let marks = bitor_m128i(equal(self.0, b'"'), equal(self.0, b'\\'));
            first(bitor_m128i(marks, controls(self.0)))
        }

        #[inline(always)]
        fn first_oddity(self, before: Self) -> Option<usize> {
            let escaped = equal(before.0, b'\\');
            let quotes = equal(self.0, b'"');
            let odd = bitandnot_m128i(bitor_m128i(quotes, equal(self.0, b'n')), escaped);
            let ends = bitandnot_m128i(escaped, quotes);
            first(bitor_m128i(bitor_m128i(odd, ends), controls(self.0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::word::Word;
    use super::*;
    use crate::random::Random;

    #[test]
    fn every_letter_is_looked_at_in_every_place() {
        for around in [b'x', b'"', b'\\', b'#', b']', b'o', 0, 0x1F, 0x20, 0x7F, 0xFF] {
            for letter in 0..=0xFF {
                for place in 0..COUNT {
                    let mut letters = [around; COUNT];
                    letters[place] = letter;
                    let is_mark = |letter: &u8| matches!(letter, b'"' | b'\\' | 0..0x20);
                    let first = letters.iter().position(is_mark);
                    for found in
                        [Native::new(letters).first_mark(), Word::new(letters).first_mark()]
                    {
                        assert_eq!(found, first, "{letters:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_odd_behind_a_backslash_is_passed_over() {
        let spare = *b"\\\"n]#ox\x1f";
        let mut random = Random::new(1);
        for _ in 0..200_000 {
            let mut text = [b'x'; COUNT + 1];
            let mut escapes = false;
            for letter in &mut text {
                let number = random.number();
                // Mostly what is not odd.
                *letter = match number % 64 {
                    odd @ 0..8 => spare[odd as usize],
                    _ if escapes => spare[1 + (number >> 32) as usize % 2],
                    other => spare[[0, 2, 3, 4, 5, 6][other as usize % 6]],
                };
                escapes = *letter == b'\\';
            }
            let [before, letters]: [[u8; COUNT]; 2] =
                [text[..COUNT].try_into().unwrap(), text[1..].try_into().unwrap()];
            let is_odd = |place: &usize| match (text[*place], text[place + 1]) {
                (_, 0..0x20) => true,
                (b'\\', letter) => !matches!(letter, b'"' | b'n'),
                (_, letter) => letter == b'"',
            };
            let first = (0..COUNT).find(is_odd);
            let is_right = |found: Option<usize>| match (found, first) {
                (Some(found), Some(first)) => found <= first,
                (found, first) => found.is_some() || first.is_none(),
            };
            assert!(is_right(Word::new(letters).first_oddity(Word::new(before))), "{text:?}");
            let found = Native::new(letters).first_oddity(Native::new(before));
            assert!(is_right(found) && (found == first || cfg!(not(target_feature = "sse2"))));
        }
    }
}
