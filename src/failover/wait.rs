//! The wait after a freeze: until no request of a living process can be under way.

use std::time::Duration;

use crate::aws::{Connection, Moment};
use crate::deadline::{Deadline, reserve};
use crate::domain::{RouteRecord, Timestamp};

/// The longest life of a write after a change of the state. A write begins at most 10 s after a read of the state was
/// sent, connects within 3.1 s, and is answered or given up within 10 s.
pub const IN_FLIGHT: Duration = Duration::from_secs(24);

/// The time between two looks at both clocks. A clock that was set falsifies one interval at most.
const TICK: Duration = Duration::from_secs(1);
/// The shortest interval, so that a slow wall clock does not keep the process busy.
const SHORTEST_TICK: Duration = Duration::from_millis(10);
/// The greatest difference between the clocks of two operators: AWS refuses the signature of a clock that is more than five
/// minutes wrong. A repeated freeze that waits again costs seconds; one that does not wait may lose an owner's write.
const CLOCK_SKEW: Duration = Duration::from_mins(10);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitEnd {
    /// The whole time passed.
    Passed,
    /// A signal came, or too little time is left before the deadline.
    Interrupted,
}

/// Waits until [`IN_FLIGHT`] has passed since `answered`, by both clocks.
pub(super) async fn until_no_request_is_under_way(
    connection: &Connection,
    answered: Moment,
    deadline: &Deadline,
) -> WaitEnd {
    let (mut passed, mut last) = (Duration::ZERO, answered);
    loop {
        let left = IN_FLIGHT.saturating_sub(passed);
        if left.is_zero() {
            return WaitEnd::Passed;
        }
        // A part of the wait is worth nothing, because a repeated request begins the wait again.
        if !deadline.leaves(left + reserve::ANSWER) {
            return WaitEnd::Interrupted;
        }
        let tick = tokio::time::sleep(left.clamp(SHORTEST_TICK, TICK));
        if deadline.unless_stopped(tick).await.is_none() {
            return WaitEnd::Interrupted;
        }
        let now = connection.moment();
        passed += last.passed(now);
        last = now;
    }
}

/// Whether the last transition is so old that no request from the time before it is under way. False if the record does
/// not say when it was.
pub(super) fn has_stood(record: &RouteRecord, now: Timestamp) -> bool {
    let last = record.last.as_ref();
    last.is_some_and(|last| last.at.plus(IN_FLIGHT).plus(CLOCK_SKEW) < now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::fake::FakeAws;
    use crate::aws::{CONNECT_TIMEOUT, READ_TIMEOUT};
    use crate::domain::{Transition, TransitionRequest};
    use crate::route_gate::MAX_AGE;

    #[test]
    fn the_wait_is_longer_than_the_life_of_a_write() {
        assert!(MAX_AGE + CONNECT_TIMEOUT + READ_TIMEOUT < IN_FLIGHT);
    }

    async fn connection() -> Connection {
        FakeAws::new(|_| (200, String::new())).connect(|_| ()).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_time_passes_by_both_clocks() {
        let connection = connection().await;
        let began = tokio::time::Instant::now();
        let answered = connection.moment();
        let never = Deadline::never();
        let end = until_no_request_is_under_way(&connection, answered, &never).await;
        assert_eq!(end, WaitEnd::Passed);
        assert!((IN_FLIGHT..IN_FLIGHT + TICK).contains(&began.elapsed()), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_comes_first_costs_no_wait_and_a_signal_ends_the_wait() {
        let connection = connection().await;
        let began = tokio::time::Instant::now();
        let early = Deadline::at(began + IN_FLIGHT);
        let end = until_no_request_is_under_way(&connection, connection.moment(), &early).await;
        assert_eq!((end, began.elapsed()), (WaitEnd::Interrupted, Duration::ZERO));

        let (deadline, stop) = Deadline::stoppable();
        let wait = until_no_request_is_under_way(&connection, connection.moment(), &deadline);
        let signal = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stop.stop();
        };
        let (end, ()) = futures::join!(wait, signal);
        assert_eq!((end, began.elapsed().as_secs()), (WaitEnd::Interrupted, 5));
    }

    #[test]
    fn a_state_has_stood_if_its_last_transition_is_old() {
        let request = |seconds: i64| TransitionRequest {
            accounts: Vec::new(),
            by: String::new(),
            reason: String::new(),
            now: Timestamp::from_millis(seconds * 1000),
        };
        let frozen_at = |seconds| match RouteRecord::absent(3).freeze(&request(seconds)) {
            Ok(Transition::Next(record)) => *record,
            other => panic!("{other:?}"),
        };
        let now = Timestamp::from_millis(1_000_000);
        assert!(has_stood(&frozen_at(1000 - 625), now));
        assert!(!has_stood(&frozen_at(1000 - 624), now), "the clocks may differ");
        assert!(!has_stood(&frozen_at(1100), now), "a clock that is ahead");
        assert!(!has_stood(&RouteRecord { last: None, ..frozen_at(1) }, now));
    }
}
