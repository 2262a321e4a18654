//! A moment by both clocks of the process.
//!
//! The monotonic clock of a sleeping laptop stands still, and the wall clock of any machine can be set. The age of what
//! was read at a moment is therefore the greater of the two differences, and a wait is as long as the lesser one.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::SharedTimeSource;
use tokio::time::Instant;

/// A moment by the wall clock and by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: SystemTime,
    monotonic: Instant,
}

impl Moment {
    /// The present moment. `clock` is the wall clock.
    pub(super) fn now(clock: &SharedTimeSource) -> Self {
        Self { wall: clock.now(), monotonic: Instant::now() }
    }

    /// The time from this moment to `now` by the clock that advanced further; `None` if the wall clock went back.
    pub fn age(self, now: Self) -> Option<Duration> {
        let wall = now.wall.duration_since(self.wall).ok()?;
        Some(wall.max(now.monotonic.saturating_duration_since(self.monotonic)))
    }

    /// The time that has certainly passed from this moment to `now`: the lesser difference of both clocks, zero if the
    /// wall clock went back.
    pub fn passed(self, now: Self) -> Duration {
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        wall.min(now.monotonic.saturating_duration_since(self.monotonic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_age_is_the_greater_of_both_clocks_and_a_clock_that_went_back_has_none() {
        let monotonic = Instant::now();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let second = Duration::from_secs;
        let then = Moment { wall, monotonic };
        let at = |wall, seconds| Moment { wall, monotonic: monotonic + second(seconds) };
        assert_eq!(then.age(at(wall + second(3), 3)), Some(second(3)));
        assert_eq!(then.age(at(wall + second(60), 0)), Some(second(60)), "the process slept");
        assert_eq!(then.age(at(wall, 60)), Some(second(60)), "the wall clock stood still");
        assert_eq!(then.age(at(wall - second(1), 2)), None);
        assert_eq!(then.passed(at(wall + second(3), 4)), second(3));
        assert_eq!(then.passed(at(wall + second(60), 0)), Duration::ZERO, "the process slept");
        assert_eq!(then.passed(at(wall + second(60), 1)), second(1), "the wall clock was set");
        assert_eq!(then.passed(at(wall - second(1), 2)), Duration::ZERO);
    }
}
