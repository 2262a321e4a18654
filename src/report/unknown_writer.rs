//! Detects a wrong spoke role name or a missing trusted writer. Such a setting turns every replica into a conflict; one
//! failure of the hub names the setting, in addition to the conflicts.

use crate::domain::{Cause, ConflictClass, Failure, WrittenBy, shown};

/// The smallest number of replicas that points to a setting. One or two replicas may have been written by hand, and their
/// conflicts already name the role.
const MIN_REPLICAS: u64 = 3;

/// A failure of the hub if one different role wrote most of the run's replicas last.
pub(super) fn one_other_role(written_by: &WrittenBy) -> Option<Failure> {
    let (role, many, all) =
        written_by.most_by_one_other_role().filter(|(_, many, _)| *many >= MIN_REPLICAS)?;
    let role = shown(role);
    let message = format!(
        "the role `{role}` last wrote {many} of {all} replicas, but the role is not the hub's spoke role"
    );
    let remedy = format!(
        "if `{role}` is a former spoke role or the predecessor's role, add `{role}` to REPLICATOR_TRUSTED_WRITERS; if `{role}` is the current spoke role, set REPLICATOR_SPOKE_ROLE_NAME to `{role}`"
    );
    let cause = Cause::conflict(ConflictClass::Claimed, message).with_remedy(remedy);
    Some(Failure::of_hub(cause))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, conflict};
    use super::super::{ExitCode, Report, Status};
    use super::*;
    use crate::domain::{AccountOutcome, Kind, OutcomeKind, Subject};

    fn outcome(number: u64, hub: u64, trusted: u64, others: &[(&str, u64)]) -> AccountOutcome {
        let others = others.iter().map(|(role, many)| ((*role).to_owned(), *many)).collect();
        let written_by = WrittenBy { hub, trusted, others };
        let mut outcome = AccountOutcome { written_by, ..AccountOutcome::new(account(number)) };
        outcome.count_all(Kind::Parameter, OutcomeKind::InSync, 10);
        outcome
    }

    fn report(outcomes: impl IntoIterator<Item = AccountOutcome>) -> Report {
        let mut report = Report::new();
        for outcome in outcomes {
            report.take(outcome);
        }
        report
    }

    #[test]
    fn one_role_that_wrote_most_replicas_of_a_run_is_one_failure_of_the_hub() {
        let mut outcomes = vec![outcome(1, 4, 0, &[("old", 3)]), outcome(2, 1, 1, &[("old", 4)])];
        outcomes[0].fail(conflict(1, "/a", ConflictClass::Claimed, "held"));
        let forwards = report(outcomes.clone()).response();
        outcomes.reverse();
        assert_eq!(forwards, report(outcomes).response());
        assert_eq!(forwards.failures.len(), 2);
        let Failure { account, region, subject, cause } = &forwards.failures[0];
        assert_eq!((account, region, subject), (&None, &None, &Subject::Hub));
        assert_eq!(cause.class, Some(ConflictClass::Claimed));
        insta::assert_snapshot!(cause.message, @"the role `old` last wrote 7 of 13 replicas, but the role is not the hub's spoke role");
        insta::assert_snapshot!(cause.remedy(), @"if `old` is a former spoke role or the predecessor's role, add `old` to REPLICATOR_TRUSTED_WRITERS; if `old` is the current spoke role, set REPLICATOR_SPOKE_ROLE_NAME to `old`");
    }

    #[test]
    fn a_run_with_that_failure_failed() {
        let response = report([outcome(1, 0, 0, &[("old", 3)])]).response();
        assert_eq!(response.status, Status::Failed);
        assert_eq!(ExitCode::of(&response), ExitCode::Failed);
    }

    #[test]
    fn few_replicas_several_roles_or_half_of_all_replicas_give_no_failure() {
        for (hub, trusted, others) in [
            (0, 0, vec![]),
            (0, 0, vec![("old", 2)]),
            (3, 0, vec![("old", 3)]),
            (0, 3, vec![("old", 3)]),
            (0, 0, vec![("old", 3), ("other", 3)]),
        ] {
            let response = report([outcome(1, hub, trusted, &others)]).response();
            assert_eq!(response.failures, [], "{hub} {trusted} {others:?}");
            assert_eq!(response.status, Status::InSync);
        }
    }

    #[test]
    fn replicas_that_depend_on_the_setting_are_counted_and_do_not_fail() {
        let response = report([outcome(1, 1, 2, &[]), outcome(2, 1, 5, &[])]).response();
        assert_eq!(response.totals.trusted_writers, 7);
        assert_eq!(response.status, Status::InSync);
        let json = serde_json::to_value(&response).expect("JSON");
        assert_eq!(json["totals"]["trusted_writers"], 7);
        let none = serde_json::to_value(report([outcome(1, 1, 0, &[])]).response()).expect("JSON");
        assert_eq!(none["totals"].get("trusted_writers"), None);
    }
}
