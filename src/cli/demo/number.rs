//! Numbers that are calculated with as Python does: whole ones of 128 bits, and floats.

use super::ratio::ratio;
use Number::{Real, Whole};

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Python's `int`, but of at most 128 bits.
    Whole(i128),
    /// Python's `float`.
    Real(f64),
}

/// Two numbers are joined by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// A whole number has more than 128 bits, or a float is infinite.
    TooLarge,
    DivisionByZero,
    /// The root of a negative number, or infinity less infinity.
    NotReal,
}

impl Operator {
    pub(super) fn apply(self, left: Number, right: Number) -> Result<Number, NumberError> {
        match (left, right) {
            (Whole(left), Whole(right)) => self.apply_whole(left, right),
            _ => self.apply_real(left.to_real(), right.to_real()),
        }
    }

    fn apply_whole(self, a: i128, b: i128) -> Result<Number, NumberError> {
        if b == 0 && self.is_division() {
            return Err(NumberError::DivisionByZero);
        }
        // As Python does it, a remainder has the sign of the divisor.
        let remainder = a.checked_rem(b).unwrap_or_default();
        let is_past = remainder != 0 && (remainder < 0) != (b < 0);
        let result = match self {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide => return Ok(Real(quotient(a, b))),
            Operator::FloorDivide => a.checked_div(b).map(|result| result - i128::from(is_past)),
            Operator::Remainder => Some(if is_past { remainder + b } else { remainder }),
            Operator::Power if b < 0 => return self.apply_real(a as f64, b as f64),
            Operator::Power => match (a, u32::try_from(b)) {
                (_, Ok(b)) => a.checked_pow(b),
                (0 | 1, _) => Some(a),
                (-1, _) => Some(if b % 2 == 0 { 1 } else { -1 }),
                _ => None,
            },
        };
        result.map(Whole).ok_or(NumberError::TooLarge)
    }

    fn apply_real(self, a: f64, b: f64) -> Result<Number, NumberError> {
        let is_root_of_negative = || a < 0.0 && a.is_finite() && b.is_finite() && b.fract() != 0.0;
        let result = match self {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            _ if b == 0.0 && self.is_division() => return Err(NumberError::DivisionByZero),
            Operator::Divide => a / b,
            Operator::FloorDivide => floor_divided(a, b).0,
            Operator::Remainder => floor_divided(a, b).1,
            Operator::Power if a == 0.0 && b < 0.0 => return Err(NumberError::DivisionByZero),
            Operator::Power if is_root_of_negative() => return Err(NumberError::NotReal),
            Operator::Power => {
                let result = a.powf(b);
                if result.is_infinite() && a.is_finite() && b.is_finite() {
                    return Err(NumberError::TooLarge);
                }
                result
            }
        };
        Ok(Real(result))
    }

    fn is_division(self) -> bool {
        matches!(self, Operator::Divide | Operator::FloorDivide | Operator::Remainder)
    }
}

impl Number {
    pub(super) fn negated(self) -> Result<Number, NumberError> {
        match self {
            Whole(number) => number.checked_neg().map(Whole).ok_or(NumberError::TooLarge),
            Real(number) => Ok(Real(-number)),
        }
    }

    fn to_real(self) -> f64 {
        match self {
            Whole(number) => number as f64,
            Real(number) => number,
        }
    }

    /// The number as Python prints it, which is JSON as well.
    pub(super) fn written(self) -> Result<String, NumberError> {
        let number = match self {
            Whole(number) => return Ok(itoa::Buffer::new().format(number).to_owned()),
            Real(number) if number.is_nan() => return Err(NumberError::NotReal),
            Real(number) if number.is_infinite() => return Err(NumberError::TooLarge),
            Real(number) => number,
        };
        Ok(python_notation(&serde_json::to_string(&number).unwrap_or_default()))
    }
}

/// The notation that Python chooses for the digits of `text`: an exponent, of two digits at least, only below
/// 0.0001 and from 1e16 on. (The standard library does not write the same digits: of two numbers equally close
/// it prefers the larger one, and Python the even one.)
fn python_notation(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("-", text));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, decimals].concat();
    let digits = all.trim_start_matches('0');
    // The number is 0.DIGITS times ten to the power of `point`.
    let shift = whole.len() as i32 - (all.len() - digits.len()) as i32;
    let point = if digits.is_empty() { 1 } else { exponent.parse::<i32>().unwrap_or(0) + shift };
    let digits = digits.trim_end_matches('0');
    let zeros = |count: usize| "0".repeat(count);
    let number = match usize::try_from(point) {
        Ok(point @ 1..=16) => {
            let (whole, decimals) = digits.split_at(point.min(digits.len()));
            let decimals = if decimals.is_empty() { "0" } else { decimals };
            [whole, &zeros(point - whole.len()), ".", decimals].concat()
        }
        _ if (-3..=0).contains(&point) => ["0.", &zeros(-point as usize), digits].concat(),
        _ => {
            let (first, others) = digits.split_at(1.min(digits.len()));
            let dot = if others.is_empty() { "" } else { "." };
            let sign = if point < 1 { "-" } else { "+" };
            let exponent = itoa::Buffer::new().format((point - 1).unsigned_abs()).to_owned();
            [first, dot, others, "e", sign, &zeros(2 - exponent.len().min(2)), &exponent].concat()
        }
    };
    [sign, &number].concat()
}

/// `a / b`, rounded once.
fn quotient(a: i128, b: i128) -> f64 {
    let quotient = ratio(a.unsigned_abs(), b.unsigned_abs());
    if (a < 0) == (b < 0) {
        quotient
    } else {
        -quotient
    }
}

/// `a // b` and `a % b`, as Python's `float_divmod` makes them.
fn floor_divided(a: f64, b: f64) -> (f64, f64) {
    let mut remainder = a % b;
    let mut whole = (a - remainder) / b;
    if remainder == 0.0 {
        remainder = 0.0_f64.copysign(b);
    } else if (remainder < 0.0) != (b < 0.0) {
        remainder += b;
        whole -= 1.0;
    }
    if whole == 0.0 {
        return (0.0_f64.copysign(a / b), remainder);
    }
    let floor = whole.floor();
    (if whole - floor > 0.5 { floor + 1.0 } else { floor }, remainder)
}
