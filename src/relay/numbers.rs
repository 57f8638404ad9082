//! The numbers the server itself gives out: hashing them, and knowing them again.
//!
//! Nobody outside chooses them, so nobody can choose them to collide, and the hash need not be
//! the careful one of the standard library, which costs more than the look-up.

use jsonrpc::message::string;
use jsonrpc::scan;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are numbers of our own.
pub(super) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// Multiplies, and turns the well-mixed upper half down to where tables look.
#[derive(Debug, Default)]
pub(super) struct NumberHasher(u64);

/// 2^64 divided by the golden ratio, made odd.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(number)).wrapping_mul(SPREAD);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }
}

/// A number of at most this many digits fits.
const DIGITS: usize = 9;

/// The number of an id or token sent to a tool server, in any spelling; `None` if the relay cannot
/// have sent it. `spelled` is a JSON value.
#[inline]
pub fn number(spelled: &str) -> Option<u32> {
    let mut number: u32 = 0;
    if spelled.len() > DIGITS {
        return number_in_other_form(spelled);
    }
    for byte in spelled.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return number_in_other_form(spelled);
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    (number > 0 && !spelled.starts_with('0')).then_some(number)
}

/// The same for an id in a text that is not JSON: it may have zeroes or a plus before it, or other
/// quotes.
#[cold]
pub fn number_loosely(spelled: &str) -> Option<u32> {
    number(spelled).or_else(|| {
        let inner = spelled.trim_matches(['"', '\'', ' ']);
        number(inner.trim_start_matches(['+', '0']))
    })
}

/// The same for a number spelled like `3.0`, `3e0` or `0.3E+1`, or for a string with such a number.
/// Programs that store numbers as doubles or strings send them back like this.
#[cold]
fn number_in_other_form(spelled: &str) -> Option<u32> {
    let text = string(spelled).unwrap_or(Cow::Borrowed(spelled));
    let text = text.trim();
    if !text.starts_with(|first: char| first.is_ascii_digit()) || !scan::is_json(text) {
        return None;
    }
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = i64::try_from(whole.len()).ok()?.checked_add(power.parse().ok()?)?;
    let mut number: u32 = 0;
    let mut behind = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if behind < places {
            number = number.checked_mul(10)?.checked_add(digit)?;
        } else if digit != 0 {
            return None;
        }
        behind += 1;
    }
    // Multiplied until it is large enough, or too large.
    while number > 0 && behind < places {
        number = number.checked_mul(10)?;
        behind += 1;
    }
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_the_relay_may_have_sent_are_numbers() {
        assert_eq!(number("17"), Some(17));
        for odd in ["0", "-1", "01", "+1", "4294967296", "", "null", "NaN", "true", "[1]", "\"\""] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_id_that_is_no_json_is_known_by_its_digits() {
        for spelled in ["30", "030", "+30", "'30'", "'030'", "\"030\"", "0030.0"] {
            assert_eq!(number_loosely(spelled), Some(30), "{spelled}");
        }
        for odd in ["", "0", "00", "-30", "''", "3x", "0x1E", "None"] {
            assert_eq!(number_loosely(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_number_is_known_in_every_spelling() {
        for spelled in [
            "30",
            "30.0",
            "3e1",
            "3E+1",
            "300e-1",
            "0.30e2",
            "0.0003E5",
            "30.000",
            "\"30\"",
            "\"30.0\"",
            "\"3e1\"",
            "\"\\u0033\\u0030\"",
            "0.30e000000000002",
            "30e0",
            "30000000000e-9",
            "\" 30\\t\"",
        ] {
            assert_eq!(number(spelled), Some(30), "{spelled}");
        }
        for odd in [
            "30.5",
            "3.05e1",
            "-30",
            "-30.0",
            "\"-30\"",
            "\"030\"",
            "\"+30\"",
            "\"30x\"",
            "\"3e\"",
            "\"30 1\"",
            "\"\\\"30\\\"\"",
            "0.0",
            "0e5",
            "3e99",
            "3e-99",
            "3e99999999999999999999",
            "3e-99999999999999999999",
            "29.99999999999999999999",
            "30.00000000000000000001",
            "0x1E",
        ] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }
}
