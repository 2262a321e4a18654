//! The simulator's clock. It follows tokio's clock from a fixed start time, so a test that pauses tokio's clock pauses
//! the simulated AWS too.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The default start time, in seconds since 1970.
pub const BEGINNING: u64 = 1_790_000_000;

/// A point in time, in milliseconds since 1970.
pub type Millis = u64;

/// The simulator's clock. All copies show the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    beginning: Millis,
}

impl Clock {
    /// A clock that starts at `seconds` since 1970.
    pub(crate) fn starting_at(seconds: u64) -> Self {
        Self { start: Instant::now(), beginning: seconds * 1000 }
    }

    /// The current time.
    pub fn now(&self) -> Millis {
        self.beginning + millis(self.start.elapsed())
    }

    /// The current time in the type of the SDK's time source.
    pub fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.beginning) + self.start.elapsed()
    }
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Parses the date of a signature, such as `20261124T100000Z`.
pub(crate) fn parse_compact(text: &str) -> Option<Millis> {
    let rfc3339 = format!(
        "{}-{}-{}T{}:{}:{}Z",
        text.get(0..4)?,
        text.get(4..6)?,
        text.get(6..8)?,
        text.get(9..11)?,
        text.get(11..13)?,
        text.get(13..15)?
    );
    parse(&rfc3339)
}

/// Parses a date of RFC 3339.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    let format = aws_smithy_types::date_time::Format::DateTimeWithOffset;
    let date = aws_smithy_types::DateTime::from_str(text, format).ok()?;
    date.to_millis().ok()?.try_into().ok()
}

/// Formats a date by RFC 3339, in UTC.
pub(crate) fn format(at: Millis) -> String {
    let date = aws_smithy_types::DateTime::from_millis(i64::try_from(at).unwrap_or(i64::MAX));
    date.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default()
}

/// A date in the JSON protocols: seconds since 1970 with three decimals.
#[expect(clippy::cast_precision_loss, reason = "an f64 holds today's milliseconds exactly")]
pub(crate) fn json_date(at: Millis) -> serde_json::Value {
    (at as f64 / 1000.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_parsed_and_formatted() {
        assert_eq!(parse_compact("20261124T100001Z"), parse("2026-11-24T10:00:01Z"));
        assert_eq!(parse("2026-11-24T11:00:01.5+01:00"), parse("2026-11-24T10:00:01.500Z"));
        assert_eq!(format(parse("2026-11-24T10:00:01.123Z").unwrap()), "2026-11-24T10:00:01.123Z");
        assert_eq!(parse_compact("yesterday"), None);
    }
}
