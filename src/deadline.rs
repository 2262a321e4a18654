//! The moment at which work must be over: the end of an invocation, or a signal at a terminal. Asked before something
//! long is begun; it ends nothing by itself.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The end of an invocation, or none: a person at a terminal waits, and may stop the run from outside.
///
/// A stop is no end in time: nothing more is begun, and what was begun has all the time that it needs.
#[derive(Clone, Debug)]
pub struct Deadline {
    end: Option<Instant>,
    stop: Option<watch::Receiver<bool>>,
}

/// Stops the work that goes by a [`Deadline`].
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// From now on nothing is begun.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was said to stop.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }
}

impl Deadline {
    /// No end.
    pub const fn never() -> Self {
        Self { end: None, stop: None }
    }

    /// The end at `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self { end: Some(instant), stop: None }
    }

    /// No end in time, and what stops the work.
    pub fn stoppable() -> (Self, Stop) {
        let (stop, stopped) = watch::channel(false);
        (Self { end: None, stop: Some(stopped) }, Stop(stop))
    }

    /// How long is left, zero when it is over; `None` without an end in time.
    pub fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Whether something may be begun that needs so much time.
    pub fn leaves(&self, needed: Duration) -> bool {
        !self.is_stopped() && self.left().is_none_or(|left| left >= needed)
    }

    /// Whether it was said from outside that nothing more is to be begun.
    pub fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// What `reading` comes to; `None` if the stop is said first. Only for what writes nothing: it is dropped then.
    pub async fn unless_stopped<T>(&self, reading: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stopped() => None,
            read = reading => Some(read),
        }
    }

    /// Ends when the stop is said.
    async fn stopped(&self) {
        if let Some(stop) = &self.stop
            && stop.clone().wait_for(|stopped| *stopped).await.is_ok()
        {
            return;
        }
        // Nobody can say it any more.
        std::future::pending::<()>().await;
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

    #[tokio::test(start_paused = true)]
    async fn after_a_stop_nothing_is_begun_and_what_was_begun_has_all_its_time() {
        let (deadline, stop) = Deadline::stoppable();
        let begun = deadline.clone();
        assert!(begun.leaves(Duration::MAX) && !stop.is_stopped());
        assert_eq!(begun.unless_stopped(async { 7 }).await, Some(7));
        let reading = tokio::spawn(async move {
            let long = tokio::time::sleep(Duration::from_hours(1));
            begun.unless_stopped(long).await
        });
        tokio::task::yield_now().await;
        stop.stop();
        assert_eq!(reading.await.expect("no panic"), None);
        assert!(stop.is_stopped() && !deadline.leaves(Duration::ZERO));
        assert_eq!(deadline.left(), None, "no account is aborted");
        assert_eq!(deadline.unless_stopped(async { 7 }).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_can_stop_any_more_goes_on() {
        let (deadline, stop) = Deadline::stoppable();
        drop(stop);
        let long = async {
            tokio::time::sleep(Duration::from_mins(1)).await;
            7
        };
        assert_eq!(deadline.unless_stopped(long).await, Some(7));
    }
}
