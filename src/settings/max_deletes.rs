//! The daily allowance of deletions: a number, or a percentage of the owned replicas.

use std::fmt;

/// The number of replicas that the hub may delete per UTC day, account and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxDeletes {
    /// An absolute number.
    Count(u64),
    /// A percentage of the owned replicas, from 0 to 100.
    Percent(u8),
}

/// The text is neither a number nor a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an integer nor a percentage from 0% to 100%")]
pub struct InvalidMaxDeletes;

impl MaxDeletes {
    /// The smallest limit that a percentage gives. Without it, 10% would stop ordinary deletes in a small account.
    pub const FLOOR_OF_A_PERCENTAGE: u64 = 5;

    /// Parses `25` or `10%`.
    pub fn parse(text: &str) -> Result<Self, InvalidMaxDeletes> {
        let text = text.trim();
        let (digits, is_percentage) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        // `u64::from_str` accepts a leading `+`.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidMaxDeletes);
        }
        let number: u64 = digits.parse().map_err(|_| InvalidMaxDeletes)?;
        if !is_percentage {
            return Ok(Self::Count(number));
        }
        match u8::try_from(number) {
            Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
            _ => Err(InvalidMaxDeletes),
        }
    }

    /// The number of replicas that may be deleted if the hub owns `owned`. The result may exceed `owned`.
    pub fn allowed(self, owned: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let hundredths = u128::from(owned) * u128::from(percent);
                // The conversion cannot fail: the percentage is at most 100, so the result is at most `owned`.
                let share = u64::try_from(hundredths / 100).unwrap_or(owned);
                share.max(Self::FLOOR_OF_A_PERCENTAGE)
            }
        }
    }
}

impl fmt::Display for MaxDeletes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_percentage_read_back() {
        for text in ["0", "25", "0%", "10%", "100%"] {
            assert_eq!(MaxDeletes::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(MaxDeletes::parse(" 10 % "), Ok(MaxDeletes::Percent(10)));
        for wrong in ["", "%", "-1", "+1", "1.5", "101%", "ten", "10%%", "18446744073709551616"] {
            assert_eq!(MaxDeletes::parse(wrong), Err(InvalidMaxDeletes), "{wrong}");
        }
    }

    #[test]
    fn a_percentage_never_means_fewer_than_five() {
        let allowed = |percent, owned| MaxDeletes::Percent(percent).allowed(owned);
        assert_eq!(allowed(10, 0), 5);
        assert_eq!(allowed(0, 1000), 5);
        assert_eq!(allowed(10, 50), 5);
        assert_eq!(allowed(10, 60), 6);
        assert_eq!(allowed(10, 69), 6);
        assert_eq!(allowed(100, 40), 40);
        assert_eq!(allowed(100, u64::MAX), u64::MAX);
        assert_eq!(MaxDeletes::Count(0).allowed(1000), 0);
        assert_eq!(MaxDeletes::Count(3).allowed(1), 3);
    }
}
