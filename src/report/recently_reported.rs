//! Remembers the failures of recent digests, so that one process reports a persistent failure once an hour and not in
//! every run. If the memory is full, a failure is reported again.

use std::collections::HashMap;
use std::time::Duration;

use super::response::Response;
use crate::domain::{AccountId, ConflictClass, Failure, FailureKind, Region, Subject, Timestamp};

/// How long a failure is not reported again.
const QUIET: Duration = Duration::from_hours(1);

/// The most failures in memory: about 2 MB.
const BOUND: usize = 10_000;

/// What identifies a failure. The message does not: AWS puts a new request id into each message.
type FailureIdentity =
    (Option<AccountId>, Option<Region>, Subject, FailureKind, Option<ConflictClass>);

/// The failures of the digests of the last hour.
#[derive(Debug, Default)]
pub struct RecentlyReported {
    sent: HashMap<FailureIdentity, Timestamp>,
}

/// The failures and unfinished accounts of a response that no digest of the last hour reported.
#[derive(Debug, PartialEq, Eq)]
pub struct NewFailures<'a> {
    /// Failures, in the order of the response.
    pub failures: Vec<&'a Failure>,
    /// Accounts that are not finished.
    pub remaining: Vec<&'a AccountId>,
    /// The number of failures that a digest of the last hour reported.
    pub repeated: usize,
}

impl NewFailures<'_> {
    /// Whether there is nothing new to report.
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.remaining.is_empty()
    }
}

impl RecentlyReported {
    /// What is new in `response` at `now`. The caller calls [`Self::mark_sent`] once SNS has accepted the digest.
    pub fn new_failures<'a>(&self, response: &'a Response, now: Timestamp) -> NewFailures<'a> {
        let is_new = |identity: &FailureIdentity| {
            self.sent.get(identity).is_none_or(|sent| is_expired(*sent, now))
        };
        let failures: Vec<&Failure> =
            response.failures.iter().filter(|failure| is_new(&identity_of(failure))).collect();
        NewFailures {
            repeated: response.failures.len() - failures.len(),
            failures,
            remaining: response
                .remaining
                .iter()
                .filter(|id| is_new(&identity_of_unfinished(id)))
                .collect(),
        }
    }

    /// Remembers that a digest with `new_failures` was sent at `now`.
    pub fn mark_sent(&mut self, new_failures: &NewFailures<'_>, now: Timestamp) {
        self.sent.retain(|_, sent| !is_expired(*sent, now));
        let failures = new_failures.failures.iter().map(|failure| identity_of(failure));
        let remaining =
            new_failures.remaining.iter().map(|account| identity_of_unfinished(account));
        for identity in failures.chain(remaining) {
            if self.sent.len() < BOUND {
                self.sent.insert(identity, now);
            }
        }
    }
}

/// Whether a failure that was reported at `sent` may be reported again. A clock that went backwards counts as expired.
fn is_expired(sent: Timestamp, now: Timestamp) -> bool {
    now < sent || now.since(sent) >= QUIET
}

fn identity_of(failure: &Failure) -> FailureIdentity {
    let Failure { account, region, subject, cause } = failure;
    (account.clone(), region.clone(), subject.clone(), cause.kind, cause.class)
}

fn identity_of_unfinished(account: &AccountId) -> FailureIdentity {
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
    fn a_failure_is_reported_once_an_hour() {
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
    fn a_conflict_of_a_new_class_is_new() {
        let mut recently_reported = RecentlyReported::default();
        let [before, after] = [ConflictClass::ChangedInTarget, ConflictClass::WrittenOver]
            .map(|class| response([conflict(1, "/a", class, "held")]));
        let new_failures = recently_reported.new_failures(&before, at(0));
        recently_reported.mark_sent(&new_failures, at(0));
        assert_eq!(recently_reported.new_failures(&before, at(1)).failures.len(), 0);
        assert_eq!(recently_reported.new_failures(&after, at(1)).failures.len(), 1);
    }

    #[test]
    fn a_failure_without_a_sent_digest_stays_new() {
        let recently_reported = RecentlyReported::default();
        let known = response([hub_failure("no topic")]);
        assert_eq!(
            recently_reported.new_failures(&known, at(0)),
            recently_reported.new_failures(&known, at(1))
        );
        assert!(!recently_reported.new_failures(&known, at(1)).is_empty());
    }

    #[test]
    fn memory_is_bounded_and_a_forgotten_failure_is_reported_again() {
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
