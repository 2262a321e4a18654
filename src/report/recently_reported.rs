//! What was told already. A failure that stays is told once an hour by one process, not by every sweep and event;
//! where it cannot be remembered, it is told again rather than not at all.

use std::collections::HashMap;
use std::time::Duration;

use super::response::Response;
use crate::domain::{AccountId, ConflictClass, Failure, FailureKind, Region, Subject, Timestamp};

/// How long a failure that was told is not told again.
const QUIET: Duration = Duration::from_hours(1);

/// Failures that are remembered: some 2 MB.
const BOUND: usize = 10_000;

/// What a failure is known by. Its message is no part of it: AWS puts another request id into each.
type FailureIdentity =
    (Option<AccountId>, Option<Region>, Subject, FailureKind, Option<ConflictClass>);

/// The failures that were told within the last hour.
#[derive(Debug, Default)]
pub struct RecentlyReported {
    sent: HashMap<FailureIdentity, Timestamp>,
}

/// What of a response was not told yet.
#[derive(Debug, PartialEq, Eq)]
pub struct NewFailures<'a> {
    /// Failures, in the order of the response.
    pub failures: Vec<&'a Failure>,
    /// Accounts not finished.
    pub remaining: Vec<&'a AccountId>,
    /// Failures that were told within the last hour.
    pub repeated: usize,
}

impl NewFailures<'_> {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.remaining.is_empty()
    }
}

impl RecentlyReported {
    /// What of `response` is new at `now`. Nothing is remembered by asking: a message may fail to go out.
    pub fn new_failures<'a>(&self, response: &'a Response, now: Timestamp) -> NewFailures<'a> {
        let is_news =
            |known: &FailureIdentity| self.sent.get(known).is_none_or(|sent| is_over(*sent, now));
        let failures: Vec<&Failure> =
            response.failures.iter().filter(|failure| is_news(&of_failure(failure))).collect();
        NewFailures {
            repeated: response.failures.len() - failures.len(),
            failures,
            remaining: response.remaining.iter().filter(|id| is_news(&of_remaining(id))).collect(),
        }
    }

    /// Remembers that `new_failures` went out at `now`.
    pub fn mark_sent(&mut self, new_failures: &NewFailures<'_>, now: Timestamp) {
        self.sent.retain(|_, sent| !is_over(*sent, now));
        let failures = new_failures.failures.iter().map(|failure| of_failure(failure));
        let remaining = new_failures.remaining.iter().map(|account| of_remaining(account));
        for known in failures.chain(remaining) {
            if self.sent.len() < BOUND {
                self.sent.insert(known, now);
            }
        }
    }
}

/// Whether what was told at `sent` may be told again. A clock that went back counts as a new hour.
fn is_over(sent: Timestamp, now: Timestamp) -> bool {
    now < sent || now.since(sent) >= QUIET
}

fn of_failure(failure: &Failure) -> FailureIdentity {
    let Failure { account, region, subject, cause } = failure;
    (account.clone(), region.clone(), subject.clone(), cause.kind, cause.class)
}

fn of_remaining(account: &AccountId) -> FailureIdentity {
    (Some(account.clone()), None, Subject::Account, FailureKind::NotInTime, None)
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::*;
    use crate::report::samples::{account, conflict, failure, hub_failure};

    fn at(minutes: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(Duration::from_mins(minutes))
    }

    fn response(failures: impl IntoIterator<Item = Failure>) -> Response {
        let mut report = Report::new();
        for failure in failures {
            report.fail(failure);
        }
        report.leave(account(9));
        report.response()
    }

    #[test]
    fn a_known_failure_is_told_once_an_hour() {
        let mut recently_reported = RecentlyReported::default();
        let known = response([failure(1, "/a", FailureKind::Conflict, "request 1")]);
        let new_failures = recently_reported.new_failures(&known, at(0));
        assert_eq!(
            (new_failures.failures.len(), new_failures.remaining.len(), new_failures.repeated),
            (1, 1, 0)
        );
        recently_reported.mark_sent(&new_failures, at(0));
        let again = response([
            failure(1, "/a", FailureKind::Conflict, "request 2"),
            failure(1, "/b", FailureKind::Conflict, "request 3"),
            failure(1, "/a", FailureKind::Limit, "request 4"),
        ]);
        let new_failures = recently_reported.new_failures(&again, at(59));
        assert_eq!(
            (new_failures.failures.len(), new_failures.remaining.len(), new_failures.repeated),
            (2, 0, 1)
        );
        recently_reported.mark_sent(&new_failures, at(59));
        let new_failures = recently_reported.new_failures(&again, at(60));
        assert_eq!(
            (new_failures.failures.len(), new_failures.repeated),
            (1, 2),
            "the first hour is over"
        );
    }

    #[test]
    fn a_conflict_that_becomes_one_of_another_class_is_news() {
        let mut recently_reported = RecentlyReported::default();
        let [before, after] = [ConflictClass::ChangedInTarget, ConflictClass::WrittenOver]
            .map(|class| response([conflict(1, "/a", class, "held")]));
        let new_failures = recently_reported.new_failures(&before, at(0));
        recently_reported.mark_sent(&new_failures, at(0));
        assert_eq!(recently_reported.new_failures(&before, at(1)).failures.len(), 0);
        assert_eq!(recently_reported.new_failures(&after, at(1)).failures.len(), 1);
    }

    #[test]
    fn what_did_not_go_out_stays_news() {
        let recently_reported = RecentlyReported::default();
        let known = response([hub_failure("no topic")]);
        assert_eq!(
            recently_reported.new_failures(&known, at(0)),
            recently_reported.new_failures(&known, at(1))
        );
        assert!(!recently_reported.new_failures(&known, at(1)).is_empty());
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgotten_is_told_again() {
        let mut recently_reported = RecentlyReported::default();
        let many = response((0..12_000).map(|n| failure(n, "/a", FailureKind::Conflict, "held")));
        let new_failures = recently_reported.new_failures(&many, at(0));
        recently_reported.mark_sent(&new_failures, at(0));
        assert_eq!(recently_reported.sent.len(), BOUND);
        let new_failures = recently_reported.new_failures(&many, at(1));
        assert_eq!((new_failures.failures.len(), new_failures.repeated), (2_000, 10_000));
        recently_reported
            .mark_sent(&NewFailures { failures: vec![], remaining: vec![], repeated: 0 }, at(120));
        assert_eq!(recently_reported.sent.len(), 0);
    }
}
