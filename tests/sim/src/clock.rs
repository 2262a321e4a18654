//! The simulator's time: tokio's, from a fixed beginning. A test that pauses tokio's clock holds all of AWS still.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Seconds since 1970 at which a simulator begins unless told otherwise.
pub const BEGINNING: u64 = 1_790_000_000;

/// A point in time, in milliseconds since 1970.
pub type Millis = u64;

/// Where time comes from. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    beginning: Millis,
}

impl Clock {
    /// A clock that shows `seconds` since 1970 now.
    pub(crate) fn starting_at(seconds: u64) -> Self {
        Self { start: Instant::now(), beginning: seconds * 1000 }
    }

    /// The time, whole milliseconds.
    pub fn now(&self) -> Millis {
        self.beginning + millis(self.start.elapsed())
    }

    /// The time, for the SDK's own clock.
    pub fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.beginning) + self.start.elapsed()
    }
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `20261124T100000Z`, as signatures have it, in milliseconds.
pub(crate) fn parse_compact(text: &str) -> Option<Millis> {
    let spelled = format!(
        "{}-{}-{}T{}:{}:{}Z",
        text.get(0..4)?,
        text.get(4..6)?,
        text.get(6..8)?,
        text.get(9..11)?,
        text.get(11..13)?,
        text.get(13..15)?
    );
    parse(&spelled)
}

/// RFC 3339 in UTC, in milliseconds.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    let format = aws_smithy_types::date_time::Format::DateTimeWithOffset;
    let date = aws_smithy_types::DateTime::from_str(text, format).ok()?;
    date.to_millis().ok()?.try_into().ok()
}

/// RFC 3339 in UTC.
pub(crate) fn spell(at: Millis) -> String {
    let date = aws_smithy_types::DateTime::from_millis(i64::try_from(at).unwrap_or(i64::MAX));
    date.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default()
}

/// As the JSON protocols send dates: seconds, with three decimals.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit")]
pub(crate) fn json_date(at: Millis) -> serde_json::Value {
    (at as f64 / 1000.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        assert_eq!(parse_compact("20261124T100001Z"), parse("2026-11-24T10:00:01Z"));
        assert_eq!(parse("2026-11-24T11:00:01.5+01:00"), parse("2026-11-24T10:00:01.500Z"));
        assert_eq!(spell(parse("2026-11-24T10:00:01.123Z").unwrap()), "2026-11-24T10:00:01.123Z");
        assert_eq!(parse_compact("yesterday"), None);
    }
}
