//! Points in time: read from AWS, compared, and written into provenance and reports.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The milliseconds of the years 1 to 9999. The `time` crate reads the year 0 but does not write it, and rounding can
/// move the last half millisecond of 9999 into a year of five digits.
const WRITTEN: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

/// A point in time: whole milliseconds since 1970 in UTC.
///
/// Parameter Store sends dates as JSON numbers with three decimals, and the SDK reads them as binary fractions. Rounding
/// gives the same date from every source; truncation would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// From whole seconds since 1970 and additional nanoseconds, rounded to the millisecond.
    pub fn from_parts(seconds: i64, nanoseconds: u32) -> Self {
        let millis = i64::from((nanoseconds + 500_000) / 1_000_000);
        Self(seconds.saturating_mul(1000).saturating_add(millis))
    }

    /// From RFC 3339 in UTC (`2026-11-24T10:00:00.123Z`). `None` for another offset, a leap second, lower-case letters
    /// or a year outside 1 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let is_utc = text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
        let is_leap_second = text.get(17..19) == Some("60");
        if !is_utc || is_leap_second {
            return None;
        }
        let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let time = Self::from_parts(date.unix_timestamp(), date.nanosecond());
        WRITTEN.contains(&time.0).then_some(time)
    }

    /// The time after `duration`, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The number of the UTC day since 1970.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(24 * 60 * 60 * 1000)
    }

    /// The time that passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000);
        match date.ok().and_then(|date| date.format(&Rfc3339).ok()) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_fraction_is_rounded_to_the_nearest_millisecond() {
        let time = Timestamp::from_parts(1_700_000_000, 122_999_906);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.123Z");
        assert_eq!(Timestamp::from_parts(1, 999_999_999), Timestamp(2000));
    }

    #[test]
    fn a_written_date_reads_back_as_the_same_date() {
        let (first, last) = (WRITTEN.start, WRITTEN.end - 1);
        for millis in [first, -1, 0, 1, 999, 1_700_000_000_000, 1_700_000_000_120, last] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
        let unwritten = ["0000-12-31T23:59:59.999Z", "9999-12-31T23:59:59.9995Z"];
        let odd = ["2016-12-31T23:59:60Z", "2026-11-24t10:00:00z", "2026-11-24 10:00:00Z"];
        for wrong in ["yesterday", "2026-11-24T10:00:00+01:00", "2026-11-24T10:00:00+00:00"]
            .into_iter()
            .chain(odd)
            .chain(unwritten)
        {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }
}
