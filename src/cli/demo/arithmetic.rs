//! Arithmetic expressions, read and calculated as Python does.
//!
//! ```text
//! sum     = product {("+" | "-") product}
//! product = factor {("*" | "/" | "//" | "%") factor}
//! factor  = ("-" | "+") factor | power
//! power   = atom ["**" factor]
//! atom    = number | "(" sum ")"
//! ```

use super::number::{Number, NumberError, Operator};
use super::ratio::decimal;

/// The longest expression, in bytes.
const MAX_BYTES: usize = 4096;

/// How deep parentheses, signs and powers may be nested.
const MAX_DEPTH: u32 = 100;

/// Why an expression has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArithmeticError {
    /// The character at this place, counted from 1, is not expected there.
    Unexpected(usize),
    EndsEarly,
    TooLong,
    TooDeep,
    Number(NumberError),
}

impl From<NumberError> for ArithmeticError {
    fn from(error: NumberError) -> Self {
        ArithmeticError::Number(error)
    }
}

/// The result of an expression, as Python prints it.
pub(super) fn calculate(expression: &str) -> Result<String, ArithmeticError> {
    if expression.len() > MAX_BYTES {
        return Err(ArithmeticError::TooLong);
    }
    let mut reader = Reader { text: expression, rest: expression, depth: 0 };
    let result = reader.sum()?;
    if !reader.rest.is_empty() {
        return Err(reader.unexpected());
    }
    Ok(result.written()?)
}

/// Reads an expression and calculates it on the way.
struct Reader<'a> {
    text: &'a str,
    /// What is not read yet. Blanks before it are.
    rest: &'a str,
    depth: u32,
}

const SUMS: &[(&str, Operator)] = &[("+", Operator::Add), ("-", Operator::Subtract)];
const PRODUCTS: &[(&str, Operator)] = &[
    ("//", Operator::FloorDivide),
    ("/", Operator::Divide),
    ("*", Operator::Multiply),
    ("%", Operator::Remainder),
];

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<Number, ArithmeticError> {
        self.chain(SUMS, Self::product)
    }

    fn product(&mut self) -> Result<Number, ArithmeticError> {
        self.chain(PRODUCTS, Self::factor)
    }

    /// Operands with operators of one precedence between them, from left to right.
    fn chain(
        &mut self,
        operators: &[(&str, Operator)],
        operand: fn(&mut Self) -> Result<Number, ArithmeticError>,
    ) -> Result<Number, ArithmeticError> {
        let mut result = operand(self)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            result = operator.apply(result, operand(self)?)?;
        }
        Ok(result)
    }

    fn factor(&mut self) -> Result<Number, ArithmeticError> {
        // All that is nested passes here.
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ArithmeticError::TooDeep);
        }
        let result = if self.take("-") {
            self.factor()?.negated()?
        } else if self.take("+") {
            self.factor()?
        } else {
            let base = self.atom()?;
            match self.take("**") {
                true => Operator::Power.apply(base, self.factor()?)?,
                false => base,
            }
        };
        self.depth -= 1;
        Ok(result)
    }

    fn atom(&mut self) -> Result<Number, ArithmeticError> {
        if !self.take("(") {
            return self.number();
        }
        let result = self.sum()?;
        if self.take(")") {
            Ok(result)
        } else {
            Err(self.unexpected())
        }
    }

    fn number(&mut self) -> Result<Number, ArithmeticError> {
        self.skip_blanks();
        let whole = digits(self.rest);
        let mut len = whole;
        if self.behind(len).starts_with('.') {
            let decimals = digits(self.behind(len + 1));
            len += if whole + decimals > 0 { 1 + decimals } else { 0 };
        }
        if len > 0 && self.behind(len).starts_with(['e', 'E']) {
            let sign = usize::from(self.behind(len + 1).starts_with(['+', '-']));
            let exponent = digits(self.behind(len + 1 + sign));
            len += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        let spelled = self.rest.get(..len).unwrap_or_default().replace('_', "");
        // Python does not know whether 010 is ten or eight.
        let is_octal = spelled.starts_with('0') && spelled.bytes().any(|digit| digit != b'0');
        if len == 0 || len == whole && is_octal {
            return Err(self.unexpected());
        }
        let number = if len == whole {
            spelled.parse().map(Number::Whole).map_err(|_| NumberError::TooLarge)?
        } else {
            let (mantissa, exponent) = spelled.split_once(['e', 'E']).unwrap_or((&spelled, "0"));
            let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let limit = if exponent.starts_with('-') { i32::MIN } else { i32::MAX };
            let exponent: i32 = exponent.parse().unwrap_or(limit);
            let exponent = exponent.saturating_sub(decimals.len() as i32);
            Number::Real(decimal(&[whole, decimals].concat(), exponent))
        };
        self.rest = self.behind(len);
        Ok(number)
    }

    /// Takes `sign` if it is next. The first character of `**` is not a `*`.
    fn take(&mut self, sign: &str) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(sign) {
            Some(rest) if sign != "*" || !rest.starts_with('*') => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn behind(&self, len: usize) -> &'a str {
        self.rest.get(len..).unwrap_or_default()
    }

    fn unexpected(&self) -> ArithmeticError {
        let read = self.text.len() - self.rest.len();
        match self.rest.is_empty() {
            true => ArithmeticError::EndsEarly,
            false => ArithmeticError::Unexpected(
                1 + self.text.get(..read).unwrap_or_default().chars().count(),
            ),
        }
    }
}

/// How many bytes at the start of `text` are digits, with single underscores between them.
fn digits(text: &str) -> usize {
    let mut len = 0;
    let mut is_digit_before = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => (len, is_digit_before) = (at + 1, true),
            b'_' if is_digit_before => is_digit_before = false,
            _ => break,
        }
    }
    len
}
