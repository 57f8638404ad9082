//! Floats from exact numbers, rounded once and to the even one as IEEE 754 wants it. The standard library's
//! way to read floats would add 15 KB to the program.

/// A whole number from zero up, in parts of 32 bits, the lowest first and none of them zero at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Large(Vec<u32>);

impl Large {
    /// Becomes `self * factor + add`.
    fn multiply_add(&mut self, factor: u32, add: u32) {
        let mut carry = u64::from(add);
        for part in &mut self.0 {
            carry += u64::from(*part) * u64::from(factor);
            *part = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Subtracts `other` unless it is larger. Returns whether it did.
    fn subtract(&mut self, other: &Large) -> bool {
        if self.is_below(other) {
            return false;
        }
        let mut borrow = false;
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        for (part, other) in self.0.iter_mut().zip(others) {
            let (less, one) = part.overflowing_sub(other);
            let (less, two) = less.overflowing_sub(u32::from(borrow));
            (*part, borrow) = (less, one || two);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        true
    }

    fn is_below(&self, other: &Large) -> bool {
        let parts = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(parts).is_lt()
    }
}

/// The float nearest to `DIGITS * 10 ^ exponent`.
pub(super) fn decimal(digits: &str, exponent: i32) -> f64 {
    let digits = digits.trim_start_matches('0');
    // Floats go from 5e-324 to 1.8e308.
    let magnitude = exponent.saturating_add(digits.len() as i32);
    match magnitude {
        _ if digits.is_empty() => return 0.0,
        ..=-330 => return 0.0,
        -329..=310 => (),
        _ => return f64::INFINITY,
    }
    let (mut upper, mut lower) = (Large(Vec::new()), Large(vec![1]));
    digits.bytes().for_each(|digit| upper.multiply_add(10, u32::from(digit & 15)));
    let scaled = if exponent < 0 { &mut lower } else { &mut upper };
    (0..exponent.unsigned_abs()).for_each(|_| scaled.multiply_add(10, 0));
    divided(upper, lower)
}

/// The float nearest to `upper / lower`. `lower` is not zero.
pub(super) fn ratio(upper: u128, lower: u128) -> f64 {
    let large = |number: u128| {
        let mut large = Large(Vec::new());
        (0..4).rev().for_each(|part| {
            if number >> (32 * part) > 0 {
                large.0.insert(0, (number >> (32 * part)) as u32);
            }
        });
        large
    };
    if upper == 0 {
        return 0.0;
    }
    divided(large(upper), large(lower))
}

/// `upper / lower`; neither is zero.
fn divided(mut upper: Large, mut lower: Large) -> f64 {
    // Both are doubled until the quotient is at least one and less than two.
    let mut power = 0;
    while upper.is_below(&lower) {
        upper.multiply_add(2, 0);
        power -= 1;
    }
    loop {
        let mut twice = lower.clone();
        twice.multiply_add(2, 0);
        if upper.is_below(&twice) {
            break;
        }
        lower = twice;
        power += 1;
    }
    // Two bits more than a float keeps, and one that says whether anything is left.
    let mut bits: u64 = 0;
    for _ in 0..55 {
        bits = bits << 1 | u64::from(upper.subtract(&lower));
        upper.multiply_add(2, 0);
    }
    let bits = bits << 1 | u64::from(!upper.0.is_empty());
    // In two steps, since one may be beyond all floats.
    let power = power - 55;
    bits as f64 * 2.0_f64.powi(power / 2) * 2.0_f64.powi(power - power / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn decimals_are_read_as_the_standard_library_reads_them() {
        let mut random = Random::new(1);
        for _ in 0..300 {
            let float = f64::from_bits(random.number());
            let float = if float.is_finite() { float.abs() } else { 1.5 };
            // Its shortest form, one with more digits than there are, and one beside a middle.
            for text in [format!("{float:e}"), format!("{float:.25e}"), format!("{float:.16e}")] {
                let (mantissa, exponent) = text.split_once('e').unwrap();
                let digits = mantissa.replace('.', "");
                let exponent = exponent.parse::<i32>().unwrap() - digits.len() as i32 + 1;
                let expected: f64 = text.parse().unwrap();
                let found = decimal(&digits, exponent);
                // Below the normal floats it rounds twice.
                let slack = if expected < f64::MIN_POSITIVE { 1 } else { 0 };
                let distance = found.to_bits().abs_diff(expected.to_bits());
                assert!(distance <= slack, "{text}: {found:e}");
            }
        }
        assert_eq!(decimal("9007199254740993", 0), 9007199254740992.0);
        assert_eq!(decimal("9007199254740993000000000000000000000001", -24), 9007199254740994.0);
        assert_eq!(decimal(&"9".repeat(4000), -4000), 1.0);
        assert_eq!(decimal(&format!("{}1", "0".repeat(4000)), i32::MAX), f64::INFINITY);
        assert_eq!(decimal("1", i32::MIN), 0.0);
        assert_eq!(decimal("000", i32::MAX), 0.0);
    }
}
