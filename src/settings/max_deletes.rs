//! The brake on deletions: a number, or a share of what is owned.

use std::fmt;

/// How many replicas of one account, route and target a run may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxDeletes {
    /// So many.
    Count(u64),
    /// So many in a hundred of the replicas owned there; from 0 to 100.
    Percent(u8),
}

/// Text that is neither a number nor a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a whole number nor a percentage from 0% to 100%")]
pub struct InvalidMaxDeletes;

impl MaxDeletes {
    /// What a percentage allows at least: in a small account 10% would stop the day's work.
    pub const FLOOR_OF_A_PERCENTAGE: u64 = 5;

    /// Reads `25` or `10%`.
    pub fn parse(text: &str) -> Result<Self, InvalidMaxDeletes> {
        let text = text.trim();
        let (digits, is_percentage) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        // `u64::from_str` would take a `+` in front.
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

    /// How many of `owned` replicas may be deleted; may be more than `owned`.
    pub fn allowed(self, owned: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let hundredths = u128::from(owned) * u128::from(percent);
                // At most `owned`, since the percentage is at most 100.
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
