//! The simulator's clock. It follows tokio's clock from a fixed start time, so a test that pauses tokio's clock pauses
//! the simulated AWS too. A test can also let the time of day jump ahead while tokio's clock stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The default start time, in seconds since 1970.
pub const BEGINNING: u64 = 1_790_000_000;

/// A point in time, in milliseconds since 1970.
pub type Millis = u64;

/// The simulator's clock: the time of day of the simulated world. All clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    beginning: Millis,
    /// How far the clock is ahead of tokio's clock, in milliseconds.
    skipped: Arc<AtomicU64>,
}

/// The time of day of one process or machine, which can be ahead of the world's clock or behind it. All clones show the
/// same time.
#[derive(Clone, Debug)]
pub struct ProcessClock {
    world: Clock,
    /// The difference to the world's clock in milliseconds.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that starts at `seconds` since 1970.
    pub(crate) fn starting_at(seconds: u64) -> Self {
        Self { start: Instant::now(), beginning: seconds * 1000, skipped: Arc::default() }
    }

    /// An independent clock that shows the same time.
    pub(crate) fn fork(&self) -> Self {
        let skipped = Arc::new(AtomicU64::new(self.skipped.load(Ordering::SeqCst)));
        Self { skipped, ..*self }
    }

    /// The current time.
    pub fn now(&self) -> Millis {
        self.beginning + millis(self.since_beginning())
    }

    /// The current time in the type of the SDK's time source.
    pub fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.beginning) + self.since_beginning()
    }

    fn since_beginning(&self) -> Duration {
        self.start.elapsed() + Duration::from_millis(self.skipped.load(Ordering::SeqCst))
    }

    /// Lets the time of day jump ahead, for AWS and all processes. Tokio's clock, which is the monotonic clock of every
    /// process, does not move: so a process sees the time of a machine that was asleep.
    pub fn skip(&self, time: Duration) {
        self.skipped.fetch_add(millis(time), Ordering::SeqCst);
    }

    /// The clock of one process. It shows the world's time until a test changes it.
    pub fn of_process(&self) -> ProcessClock {
        ProcessClock { world: self.clone(), offset: Arc::default() }
    }
}

impl ProcessClock {
    /// The current time of the process.
    pub fn now(&self) -> Millis {
        self.world.now().saturating_add_signed(self.offset.load(Ordering::SeqCst))
    }

    /// The current time of the process in the type of the SDK's time source.
    pub fn system_time(&self) -> SystemTime {
        let offset = self.offset.load(Ordering::SeqCst);
        let distance = Duration::from_millis(offset.unsigned_abs());
        let world = self.world.system_time();
        if offset < 0 { world - distance } else { world + distance }
    }

    /// Sets the clock of this process ahead. Every other clock stays.
    pub fn set_ahead(&self, time: Duration) {
        self.offset.fetch_add(signed(time), Ordering::SeqCst);
    }

    /// Sets the clock of this process back. Every other clock stays.
    pub fn set_back(&self, time: Duration) {
        self.offset.fetch_sub(signed(time), Ordering::SeqCst);
    }
}

fn signed(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
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

    #[tokio::test(start_paused = true)]
    async fn the_time_of_day_jumps_while_the_monotonic_clock_stands_still() {
        let clock = Clock::starting_at(BEGINNING);
        let (process, other) = (clock.of_process(), clock.of_process());
        let monotonic = Instant::now();
        let fork = clock.fork();
        clock.clone().skip(Duration::from_mins(1));
        assert_eq!(monotonic.elapsed(), Duration::ZERO);
        let begun = BEGINNING * 1000;
        assert_eq!(clock.now(), begun + 60_000);
        assert_eq!(
            [process.now(), other.now(), fork.now()],
            [begun + 60_000, begun + 60_000, begun]
        );
        tokio::time::advance(Duration::from_secs(1)).await;
        process.clone().set_back(Duration::from_secs(5));
        assert_eq!([process.now(), other.now()], [begun + 56_000, begun + 61_000]);
        assert_eq!(clock.now(), begun + 61_000);
        process.set_ahead(Duration::from_secs(7));
        let of_day = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(of_day(process.system_time()), Duration::from_millis(begun + 63_000));
        assert_eq!(of_day(clock.system_time()), Duration::from_millis(clock.now()));
        process.set_back(Duration::from_secs(10));
        assert_eq!(of_day(process.system_time()), Duration::from_millis(process.now()));
    }
}
