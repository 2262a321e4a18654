//! `DynamoDB`'s numbers: decimals with at most 38 significant digits (FACTS 126).

use std::cmp::Ordering;
use std::fmt;

use crate::error::AwsError;

const DIGITS: u32 = 38;
/// The largest and smallest power of ten of a number's first digit.
const LARGEST: i64 = 125;
const SMALLEST: i64 = -130;

/// A decimal without trailing zeros: `mantissa` times ten to the power of `exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    mantissa: i128,
    exponent: i64,
}

impl Decimal {
    /// Parses a number such as `12`, `-0.5` or `1.2E3`.
    pub(super) fn parse(text: &str) -> Result<Self, AwsError> {
        let invalid = || {
            let given = if text.is_empty() { String::new() } else { format!(": {text}") };
            let message = format!("The parameter cannot be converted to a numeric value{given}");
            AwsError::validation(message)
        };
        let (number, power) = match text.split_once(['e', 'E']) {
            Some((number, power)) => (number, power.parse::<i32>().map_err(|_| invalid())?),
            None => (text, 0),
        };
        let (sign, unsigned) = match number.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let significant = digits.trim_start_matches('0');
        let kept = significant.trim_end_matches('0');
        if kept.is_empty() {
            return Ok(Self { mantissa: 0, exponent: 0 });
        }
        if kept.len() > DIGITS as usize {
            return Err(AwsError::validation(
                "Attempting to store more than 38 significant digits in a Number",
            ));
        }
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        let zeros = length(significant) - length(kept);
        let exponent = i64::from(power) - length(fraction) + zeros;
        let mantissa: i128 = kept.parse().map_err(|_| invalid())?;
        Self { mantissa: sign * mantissa, exponent }.in_range()
    }

    /// The sum of two numbers.
    pub(super) fn plus(self, other: Self) -> Result<Self, AwsError> {
        let exponent = self.exponent.min(other.exponent);
        let aligned = |number: Self| {
            let shift = u32::try_from(number.exponent - exponent).ok()?;
            number.mantissa.checked_mul(10_i128.checked_pow(shift)?)
        };
        let sum = aligned(self).zip(aligned(other)).and_then(|(one, two)| one.checked_add(two));
        let Some(mantissa) = sum else {
            return Err(AwsError::validation(format!(
                "the simulator does not add numbers as far apart as {self} and {other}"
            )));
        };
        Self { mantissa, exponent }.without_zeros().in_range()
    }

    /// The number with the other sign.
    pub(super) fn negative(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
    }

    /// How many significant digits the number has.
    pub(super) fn digits(self) -> u32 {
        self.mantissa.unsigned_abs().checked_ilog10().map_or(1, |power| power + 1)
    }

    pub(super) fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    fn without_zeros(mut self) -> Self {
        if self.mantissa == 0 {
            return Self { mantissa: 0, exponent: 0 };
        }
        while self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent += 1;
        }
        self
    }

    /// The power of ten of the first digit.
    fn magnitude(self) -> i64 {
        i64::from(self.digits()) - 1 + self.exponent
    }

    fn in_range(self) -> Result<Self, AwsError> {
        let outside = match self.magnitude() {
            _ if self.mantissa == 0 => return Ok(self),
            magnitude if magnitude > LARGEST => ("overflow", "larger"),
            magnitude if magnitude < SMALLEST => ("underflow", "smaller"),
            _ if self.digits() > DIGITS => {
                return Err(AwsError::validation(
                    "Attempting to store more than 38 significant digits in a Number",
                ));
            }
            _ => return Ok(self),
        };
        Err(AwsError::validation(format!(
            "Number {}. Attempting to store a number with magnitude {} than supported range",
            outside.0, outside.1
        )))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs.is_ne() || self.mantissa == 0 {
            return signs;
        }
        let sizes = self.magnitude().cmp(&other.magnitude()).then_with(|| {
            // Both have the same first power of ten, so 38 digits hold each of them from there.
            let digits = |number: &Self| {
                let shift = DIGITS.saturating_sub(number.digits());
                number.mantissa.unsigned_abs() * 10_u128.pow(shift)
            };
            digits(self).cmp(&digits(other))
        });
        if self.is_negative() { sizes.reverse() } else { sizes }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let sign = if self.is_negative() { "-" } else { "" };
        let Ok(decimals) = usize::try_from(-self.exponent) else {
            let zeros = usize::try_from(self.exponent).unwrap_or_default();
            return write!(f, "{sign}{digits}{}", "0".repeat(zeros));
        };
        let padded = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = padded.split_at(padded.len() - decimals);
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn numbers_are_stored_without_superfluous_characters() {
        for (given, stored) in [
            ("007", "7"),
            ("1.50", "1.5"),
            ("-0.050", "-0.05"),
            ("1.2E3", "1200"),
            ("12e-1", "1.2"),
            ("+3", "3"),
            ("-0", "0"),
            ("0.000", "0"),
            ("1000", "1000"),
        ] {
            assert_eq!(number(given).to_string(), stored, "{given}");
        }
        let longest = "9".repeat(38);
        assert_eq!(number(&longest).to_string(), longest);
        for (given, message) in [
            ("", "cannot be converted to a numeric value"),
            ("1.2.3", "cannot be converted to a numeric value: 1.2.3"),
            ("NaN", "cannot be converted"),
            ("1e", "cannot be converted"),
            (&"9".repeat(39), "more than 38 significant digits"),
            ("1e126", "Number overflow"),
            ("1e-131", "Number underflow"),
        ] {
            let error = Decimal::parse(given).unwrap_err();
            assert!(error.message.contains(message), "{given}: {error}");
        }
    }

    #[test]
    fn numbers_are_added_and_compared_by_value() {
        let sum = |one: &str, two: &str| number(one).plus(number(two)).unwrap().to_string();
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("99", "1"), "100");
        assert_eq!(sum("5", "-5"), "0");
        assert_eq!(sum("1e3", "-0.5"), "999.5");
        assert_eq!(number("3").plus(number("5").negative()).unwrap().to_string(), "-2");
        assert!(number("1e100").plus(number("1")).is_err());
        let sorted = ["-100", "-2", "-1.5", "0", "0.01", "0.1", "2", "10", "11", "1e30"];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(number(one).cmp(&number(other)), at.cmp(&other_at), "{one} {other}");
            }
        }
    }
}
