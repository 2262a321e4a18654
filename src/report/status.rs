//! The status of a run or of one account: the worst result wins.

use crate::domain::{AccountOutcome, Failure, FailureKind, OutcomeKind};

/// `status` in the response. The order of the declaration is the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Every replica was already equal.
    InSync,
    /// The run wrote something, and every replica is equal now.
    Changed,
    /// A plan found something to write.
    Drift,
    /// The deadline came first, or an item is still changing. The next run continues.
    Incomplete,
    /// A route is not active, so that the hub writes nothing there.
    Frozen,
    /// Something failed, or a conflict exists. An operator must correct it.
    Failed,
}

impl Status {
    /// Every status, from the best to the worst.
    pub const ALL: [Self; 6] =
        [Self::InSync, Self::Changed, Self::Drift, Self::Incomplete, Self::Frozen, Self::Failed];

    /// The value of `status` in responses, tables, digests and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Changed => "changed",
            Self::Drift => "drift",
            Self::Incomplete => "incomplete",
            Self::Frozen => "frozen",
            Self::Failed => "failed",
        }
    }

    /// The status of one account. Missing the deadline is not a failure, because the next run continues with the account.
    pub fn of(outcome: &AccountOutcome) -> Self {
        let counted = |kind| outcome.parameters.get(kind) + outcome.secrets.get(kind) > 0;
        let is_failure = |kind| !matches!(kind, FailureKind::NotInTime | FailureKind::Frozen);
        let failed = outcome.failures.iter().any(|failure| is_failure(failure.cause.kind));
        let frozen = |failure: &Failure| failure.cause.kind == FailureKind::Frozen;
        if failed || counted(OutcomeKind::Conflict) || counted(OutcomeKind::Failed) {
            Self::Failed
        } else if !outcome.withheld.is_empty() || outcome.failures.iter().any(frozen) {
            Self::Frozen
        } else if !outcome.complete || counted(OutcomeKind::Pending) || !outcome.failures.is_empty()
        {
            Self::Incomplete
        } else if !outcome.steps.is_empty() {
            Self::Drift
        } else if outcome.changed {
            Self::Changed
        } else {
            Self::InSync
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, failure, parameter_step};
    use super::*;
    use crate::domain::{Change, Kind};

    #[test]
    fn the_worst_result_wins() {
        let mut outcome = AccountOutcome::new(account(1));
        for kind in [
            OutcomeKind::InSync,
            OutcomeKind::Excluded,
            OutcomeKind::OutOfScope,
            OutcomeKind::Skipped,
        ] {
            outcome.count(Kind::Parameter, kind);
        }
        assert_eq!(Status::of(&outcome), Status::InSync);
        outcome.leave(Kind::Parameter, OutcomeKind::Tombstoned, 1);
        assert_eq!(Status::of(&outcome), Status::InSync, "an earlier run wrote the tombstone");
        outcome.count(Kind::Secret, OutcomeKind::Replicated);
        assert_eq!(Status::of(&outcome), Status::Changed);
        outcome.steps.push(parameter_step("/a", Change::Create));
        assert_eq!(Status::of(&outcome), Status::Drift);
        outcome.count(Kind::Parameter, OutcomeKind::Pending);
        assert_eq!(Status::of(&outcome), Status::Incomplete);
        outcome.count(Kind::Secret, OutcomeKind::Conflict);
        assert_eq!(Status::of(&outcome), Status::Failed);
    }

    #[test]
    fn a_missed_deadline_is_incomplete_and_any_other_failure_is_failed() {
        for kind in FailureKind::ALL {
            let mut outcome = AccountOutcome::new(account(1));
            outcome.fail(failure(1, "/a", kind, "why"));
            let expected = match kind {
                FailureKind::NotInTime => Status::Incomplete,
                FailureKind::Frozen => Status::Frozen,
                _ => Status::Failed,
            };
            assert_eq!(Status::of(&outcome), expected, "{kind}");
        }
        let unfinished = AccountOutcome { complete: false, ..AccountOutcome::new(account(1)) };
        assert_eq!(Status::of(&unfinished), Status::Incomplete);
    }

    #[test]
    fn severity_is_the_order_of_the_words() {
        let words: Vec<_> = Status::ALL.iter().map(|status| status.word()).collect();
        assert_eq!(words, ["in_sync", "changed", "drift", "incomplete", "frozen", "failed"]);
        assert!(Status::ALL.is_sorted());
    }
}
