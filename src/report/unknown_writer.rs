//! What the writers of all replicas say about the settings. A role that changed or was never named makes a conflict of
//! every replica; one failure says so, beside all of them.

use crate::domain::{Cause, ConflictClass, Failure, Subject, WrittenBy, shown};

/// From so many replicas on, one other role is a matter of the settings. Of one or two a person reads the conflicts
/// themselves, and a role that wrote them by hand would be called a setting that is missing.
const TREND: u64 = 3;

/// The failure of a run most of whose replicas one other role wrote last.
pub(super) fn one_other_role(written_by: &WrittenBy) -> Option<Failure> {
    let (role, many, all) =
        written_by.most_by_one_other_role().filter(|(_, many, _)| *many >= TREND)?;
    let role = shown(role);
    let message = format!(
        "{many} of {all} replicas were last written by the role `{role}`, which is not the hub's"
    );
    let remedy = format!(
        "if `{role}` is a former role of the hub or the predecessor's, add it to REPLICATOR_TRUSTED_WRITERS; if it is the role of the spokes, set REPLICATOR_SPOKE_ROLE_NAME to it"
    );
    Some(Failure {
        account: None,
        region: None,
        subject: Subject::Hub,
        cause: Cause::conflict(ConflictClass::Claimed, message).mended_by(remedy),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, conflict};
    use super::super::{ExitCode, Report, Status};
    use super::*;
    use crate::domain::{AccountOutcome, Kind, OutcomeKind};

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
        insta::assert_snapshot!(cause.message, @"7 of 13 replicas were last written by the role `old`, which is not the hub's");
        insta::assert_snapshot!(cause.remedy(), @"if `old` is a former role of the hub or the predecessor's, add it to REPLICATOR_TRUSTED_WRITERS; if it is the role of the spokes, set REPLICATOR_SPOKE_ROLE_NAME to it");
    }

    #[test]
    fn a_run_with_that_failure_failed() {
        let response = report([outcome(1, 0, 0, &[("old", 3)])]).response();
        assert_eq!(response.status, Status::Failed);
        assert_eq!(ExitCode::of(&response), ExitCode::Failed);
    }

    #[test]
    fn few_replicas_several_roles_or_half_of_all_are_no_trend() {
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
    fn replicas_that_depend_on_the_setting_are_summed_and_are_no_failure() {
        let response = report([outcome(1, 1, 2, &[]), outcome(2, 1, 5, &[])]).response();
        assert_eq!(response.totals.trusted_writers, 7);
        assert_eq!(response.status, Status::InSync);
        let json = serde_json::to_value(&response).expect("JSON");
        assert_eq!(json["totals"]["trusted_writers"], 7);
        let none = serde_json::to_value(report([outcome(1, 1, 0, &[])]).response()).expect("JSON");
        assert_eq!(none["totals"].get("trusted_writers"), None);
    }
}
