//! The deadline of a run: the end of a Lambda invocation, or a stop signal at a terminal.
//!
//! A deadline stops nothing by itself. Code asks it before it starts something long: is there enough time left
//! ([`Deadline::leaves`])? The time that a step needs is its reserve. All reserves are in `reserve`:
//!
//! | reserve | seconds | used in | why |
//! |---|---|---|---|
//! | `ANSWER` | 1 | `hub/notifications.rs` | to return the answer after the digest |
//! | `DIGEST` | 3 | `hub/record.rs`, `hub/held.rs` | to publish the digest after the last records |
//! | `REPORT` | 5 | `sweep.rs` | for the report and the digest: an account is aborted this long before the end |
//! | `ACCOUNT` | 20 | `sweep.rs` | to start an account, or to remove its orphans |
//! | `CHUNK` | 20 | `parameters/reconcile/mod.rs` | to start a chunk of parameters |
//! | `ITEM` | 3 | `parameters/reconcile/mod.rs` | in addition, for each parameter of the chunk |
//! | `EVENT_WAIT` | 20 | `parameters/reconcile/await_event.rs`, `secrets/await_creation.rs` | for the work after the wait; also the longest wait for one event |
//! | `RECREATE` | 90 | `parameters/reconcile/recreate.rs` | to delete a replica, pause 30 s, and create it again |
//! | `LABELLED_CREATE` | 20 | `parameters/labels/create.rs` | to write the current value and confirm it after an older, labelled value |
//! | `SECRET` | 5 | `secrets/ask.rs` | to decide and reconcile one secret |
//! | `LIST_PAGE` | 2 | `secrets/observe.rs` | to read one page of secrets |
//! | `REPLICA_READ` | 3 | `secrets/await_replicas.rs` | to read the state of new replicas once more |
//!
//! `ITEM` follows the default quotas: a sweep reads one history a second and writes 1.8 parameters a second, and all
//! chunks in progress must still confirm their writes. A pause before a create (`parameters/reconcile/execute.rs`) must
//! also fit before the deadline; its length varies.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The time that each step needs before the deadline. The table above says why.
pub(crate) mod reserve {
    use std::time::Duration;

    pub(crate) const ANSWER: Duration = Duration::from_secs(1);
    pub(crate) const DIGEST: Duration = Duration::from_secs(3);
    pub(crate) const REPORT: Duration = Duration::from_secs(5);
    pub(crate) const ACCOUNT: Duration = Duration::from_secs(20);
    pub(crate) const CHUNK: Duration = Duration::from_secs(20);
    pub(crate) const ITEM: Duration = Duration::from_secs(3);
    pub(crate) const EVENT_WAIT: Duration = Duration::from_secs(20);
    pub(crate) const RECREATE: Duration = Duration::from_secs(90);
    pub(crate) const LABELLED_CREATE: Duration = Duration::from_secs(20);
    pub(crate) const SECRET: Duration = Duration::from_secs(5);
    pub(crate) const LIST_PAGE: Duration = Duration::from_secs(2);
    pub(crate) const REPLICA_READ: Duration = Duration::from_secs(3);
}

/// When a run must end: at a point in time, on a stop signal, or never.
///
/// A stop signal sets no time limit: no new work starts, and work in progress may take as long as it needs.
#[derive(Clone, Debug)]
pub struct Deadline {
    end: Option<Instant>,
    stop: Option<watch::Receiver<bool>>,
}

/// Stops the runs that hold the matching [`Deadline`].
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// From now on, no new work starts.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }
}

impl Deadline {
    /// A deadline that never comes.
    pub const fn never() -> Self {
        Self { end: None, stop: None }
    }

    /// A deadline at `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self { end: Some(instant), stop: None }
    }

    /// A deadline without a time limit, and the handle that stops the work.
    pub fn stoppable() -> (Self, Stop) {
        let (stop, stopped) = watch::channel(false);
        (Self { end: None, stop: Some(stopped) }, Stop(stop))
    }

    /// The time left: zero after the deadline, `None` without a time limit.
    pub fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Whether new work that needs this much time may start.
    pub fn leaves(&self, needed: Duration) -> bool {
        !self.is_stopped() && self.left().is_none_or(|left| left >= needed)
    }

    /// Whether a stop signal came.
    pub fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// The result of `reading`; `None` if a stop signal comes first. Only for work that writes nothing, because it is
    /// dropped.
    pub async fn unless_stopped<T>(&self, reading: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stopped() => None,
            read = reading => Some(read),
        }
    }

    /// Completes when a stop signal comes.
    async fn stopped(&self) {
        if let Some(stop) = &self.stop
            && stop.clone().wait_for(|stopped| *stopped).await.is_ok()
        {
            return;
        }
        // The handle was dropped, so no signal can come.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_reserve_with_its_seconds() {
        let source = include_str!("deadline.rs");
        let rows = source.lines().filter(|line| line.starts_with("//! | `")).count();
        let mut constants = 0;
        for line in source.lines() {
            let line = line.trim();
            let Some(rest) = line.strip_prefix("pub(crate) const ") else { continue };
            let Some((name, value)) = rest.split_once(": Duration = Duration::from_secs(") else {
                continue;
            };
            let row = format!("//! | `{name}` | {} |", value.trim_end_matches(");"));
            assert!(source.contains(&row), "{row}");
            constants += 1;
        }
        assert_eq!(constants, rows);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_left_shrinks_to_zero() {
        let deadline = Deadline::at(Instant::now() + Duration::from_secs(90));
        assert!(deadline.leaves(Duration::from_secs(90)));
        assert!(!deadline.leaves(Duration::from_secs(91)));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(deadline.left(), Some(Duration::ZERO));
        assert!(deadline.leaves(Duration::ZERO));
    }

    #[test]
    fn without_a_time_limit_everything_fits() {
        assert_eq!(Deadline::never().left(), None);
        assert!(Deadline::never().leaves(Duration::MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_stop_no_work_starts_and_work_in_progress_may_finish() {
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
        assert_eq!(deadline.left(), None, "no account in progress is aborted");
        assert_eq!(deadline.unless_stopped(async { 7 }).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn work_continues_after_the_stop_handle_is_dropped() {
        let (deadline, stop) = Deadline::stoppable();
        drop(stop);
        let long = async {
            tokio::time::sleep(Duration::from_mins(1)).await;
            7
        };
        assert_eq!(deadline.unless_stopped(long).await, Some(7));
    }
}
