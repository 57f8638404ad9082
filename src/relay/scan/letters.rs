//! Sixteen letters of a string at once, and which of them are what.

use std::ops::{BitAnd, BitOr, Not, Shl, Shr};

/// How many letters are looked at together.
pub(super) const COUNT: usize = 16;

/// Letters, the first in the lowest place.
pub(super) trait Letters: Copy {
    /// Which of them are something: [`Letters::PLACE`] bits for each letter, the first lowest.
    type Marks: Copy
        + PartialEq
        + Not<Output = Self::Marks>
        + BitAnd<Output = Self::Marks>
        + BitOr<Output = Self::Marks>
        + Shl<u32, Output = Self::Marks>
        + Shr<u32, Output = Self::Marks>;

    /// No letter is marked.
    const NONE: Self::Marks;

    /// How many bits of the marks belong to one letter.
    const PLACE: u32;

    fn new(letters: [u8; COUNT]) -> Self;

    /// Those that are `byte`. Behind one that is, another may be marked that is not.
    fn equal(self, byte: u8) -> Self::Marks;

    /// Those below a blank, which may not be in a string. Behind one that is, another may be marked
    /// that is not.
    fn controls(self) -> Self::Marks;

    /// The place of the first letter marked, or [`COUNT`].
    fn first(marks: Self::Marks) -> usize;
}

/// What this machine is quickest with.
#[cfg(target_feature = "sse2")]
pub(super) type Native = vectors::Vector;
#[cfg(not(target_feature = "sse2"))]
pub(super) type Native = Words;

/// On any machine: as one large number, of which the arithmetic of every processor makes words.
#[derive(Clone, Copy)]
#[cfg_attr(target_feature = "sse2", allow(dead_code))]
pub(super) struct Words(u128);

const ONES: u128 = u128::from_le_bytes([1; COUNT]);
const HIGHEST: u128 = ONES << 7;

impl Letters for Words {
    /// The highest bit of each letter says it, the others are not set.
    type Marks = u128;
    const NONE: u128 = 0;
    const PLACE: u32 = 8;

    #[inline(always)]
    fn new(letters: [u8; COUNT]) -> Self {
        Words(u128::from_le_bytes(letters))
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> u128 {
        let differ = self.0 ^ (ONES * u128::from(byte));
        differ.wrapping_sub(ONES) & !differ & HIGHEST
    }

    #[inline(always)]
    fn controls(self) -> u128 {
        self.0.wrapping_sub(ONES * 0x20) & !self.0 & HIGHEST
    }

    #[inline(always)]
    fn first(marks: u128) -> usize {
        (marks.trailing_zeros() / Self::PLACE) as usize
    }
}

/// As a vector, of which the marks are exact.
#[cfg(target_feature = "sse2")]
mod vectors {
    use super::{Letters, COUNT};
    use safe_arch::{
        cmp_eq_mask_i8_m128i, load_unaligned_m128i, m128i, min_u8_m128i, move_mask_i8_m128i,
        set_splat_i8_m128i,
    };

    #[derive(Clone, Copy)]
    pub(in super::super) struct Vector(m128i);

    impl Vector {
        #[inline(always)]
        fn same(self, other: m128i) -> u16 {
            move_mask_i8_m128i(cmp_eq_mask_i8_m128i(self.0, other)) as u16
        }
    }

    impl Letters for Vector {
        type Marks = u16;
        const NONE: u16 = 0;
        const PLACE: u32 = 1;

        #[inline(always)]
        fn new(letters: [u8; COUNT]) -> Self {
            Vector(load_unaligned_m128i(&letters))
        }

        #[inline(always)]
        fn equal(self, byte: u8) -> u16 {
            self.same(set_splat_i8_m128i(byte as i8))
        }

        #[inline(always)]
        fn controls(self) -> u16 {
            self.same(min_u8_m128i(self.0, set_splat_i8_m128i(0x1F)))
        }

        #[inline(always)]
        fn first(marks: u16) -> usize {
            marks.trailing_zeros() as usize
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first letter marked is the first there is, and none is missing behind it.
    fn are_right<L: Letters>(letters: [u8; COUNT], marks: L::Marks, wanted: impl Fn(u8) -> bool) {
        let first = letters.iter().position(|letter| wanted(*letter)).unwrap_or(COUNT);
        assert_eq!(L::first(marks), first, "{letters:?}");
        for (place, letter) in letters.iter().enumerate() {
            let from_here = marks >> (L::PLACE * place as u32);
            let is_marked = L::first(from_here) == 0;
            assert!(is_marked || !wanted(*letter), "{letters:?} at {place}");
        }
    }

    fn look_at<L: Letters>(letters: [u8; COUNT]) {
        for byte in *b"\"\\n" {
            are_right::<L>(letters, L::new(letters).equal(byte), |letter| letter == byte);
        }
        are_right::<L>(letters, L::new(letters).controls(), |letter| letter < 0x20);
    }

    #[test]
    fn every_letter_is_marked_in_every_place() {
        for around in [b'x', b'"', b'\\', b'#', b']', b'o', 0, 0x1F, 0x20, 0x7F, 0xFF] {
            for letter in 0..=0xFF {
                for place in 0..COUNT {
                    let mut letters = [around; COUNT];
                    letters[place] = letter;
                    look_at::<Words>(letters);
                    look_at::<Native>(letters);
                }
            }
        }
    }
}
