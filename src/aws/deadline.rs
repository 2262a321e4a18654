//! The moment at which work must be over. Asked before something long is begun; it ends nothing by itself.

use std::time::Duration;

use tokio::time::Instant;

/// The end of an invocation, or none: a person at a terminal waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No end.
    pub const fn never() -> Self {
        Self(None)
    }

    /// The end at `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// How long is left, zero when it is over; `None` without an end.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Whether at least `needed` is left.
    pub fn leaves(self, needed: Duration) -> bool {
        self.left().is_none_or(|left| left >= needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_shrinks_to_nothing() {
        let deadline = Deadline::at(Instant::now() + Duration::from_secs(90));
        assert!(deadline.leaves(Duration::from_secs(90)));
        assert!(!deadline.leaves(Duration::from_secs(91)));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(deadline.left(), Some(Duration::ZERO));
        assert!(deadline.leaves(Duration::ZERO));
    }

    #[test]
    fn without_an_end_everything_fits() {
        assert_eq!(Deadline::never().left(), None);
        assert!(Deadline::never().leaves(Duration::MAX));
    }
}
