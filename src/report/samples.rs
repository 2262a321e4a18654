//! Accounts, failures and steps for the tests of this module.

use crate::domain::{
    AccountId, AccountOutcome, Cause, Change, ConflictClass, Failure, FailureKind, Item, Kind,
    OutcomeKind, ParameterName, Reason, Region, RoutePair, RouteState, SecretName, StateEntry,
    Step, Timestamp, Withheld,
};

pub(crate) fn account(number: u64) -> AccountId {
    AccountId::parse(&format!("{:012}", 111_122_220_000 + number)).expect("twelve digits")
}

pub(crate) fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

pub(crate) fn parameter(name: &str) -> Item {
    Item::Parameter(ParameterName::new(name))
}

pub(crate) fn secret(name: &str) -> Item {
    Item::Secret(SecretName::new(name))
}

/// A failure of one parameter in us-east-1.
pub(crate) fn failure(number: u64, name: &str, kind: FailureKind, message: &str) -> Failure {
    let cause = Cause::new(kind, message);
    Failure::of_item(&account(number), parameter(name), cause).in_region(&region("us-east-1"))
}

/// A conflict over the name of one parameter in us-east-1.
pub(crate) fn conflict(number: u64, name: &str, class: ConflictClass, message: &str) -> Failure {
    let cause = Cause::conflict(class, message);
    Failure { cause, ..failure(number, name, FailureKind::Conflict, message) }
}

/// A failure of an account as a whole.
pub(crate) fn account_failure(number: u64, kind: FailureKind, message: &str) -> Failure {
    Failure::of_account(&account(number), Cause::new(kind, message))
}

pub(crate) fn hub_failure(message: &str) -> Failure {
    Failure::of_hub(Cause::new(FailureKind::Unavailable, message)).in_region(&region("us-east-1"))
}

pub(crate) fn parameter_step(name: &str, change: Change) -> Step {
    let (region, item) = (region("us-east-1"), parameter(name));
    Step { region, item, change, because: vec![Reason::Missing], class: None }
}

/// An account whose route us-east-2=us-east-1 is frozen.
pub(crate) fn frozen(number: u64) -> AccountOutcome {
    let entry = StateEntry {
        state: RouteState::Frozen,
        serial: 2,
        since: Some(Timestamp::from_millis(1_700_000_000_000)),
        by: "arn:aws:sts::111122223333:assumed-role/operator/ann".to_owned(),
        reason: "us-east-2 fails".to_owned(),
        run: None,
    };
    let mut outcome = AccountOutcome::new(account(number));
    let pair = RoutePair::parse("us-east-2=us-east-1").expect("a pair");
    outcome.withheld.insert(pair, Withheld::State(entry));
    outcome
}

/// An organisation of five accounts: two in sync, one changed, one with conflicts, and one without the spoke role.
pub(crate) fn outcomes() -> Vec<AccountOutcome> {
    let mut outcomes: Vec<_> = (1..=5).map(|number| AccountOutcome::new(account(number))).collect();
    for outcome in outcomes.iter_mut().take(4) {
        outcome.count_all(Kind::Parameter, OutcomeKind::InSync, 1_200);
        outcome.count_all(Kind::Secret, OutcomeKind::InSync, 10);
    }
    if let [_, _, changed, conflicts, roleless] = outcomes.as_mut_slice() {
        changed.count_all(Kind::Parameter, OutcomeKind::Created, 3);
        conflicts.count_all(Kind::Parameter, OutcomeKind::Conflict, 2);
        conflicts.count(Kind::Secret, OutcomeKind::Failed);
        let held = "a parameter without the mark holds the name in us-east-1";
        conflicts.fail(conflict(4, "/shop/db/host", ConflictClass::Unmarked, held));
        conflicts.fail(conflict(4, "/shop/db/port", ConflictClass::Unmarked, held));
        let cause =
            Cause::new(FailureKind::MissingKey, "the key alias/app does not exist in us-east-1")
                .with_remedy(
                    "create alias/app in us-east-1, or name a different key in REPLICATOR_KMS_KEYS",
                );
        conflicts.fail(
            Failure::of_item(&account(4), secret("db/main"), cause).in_region(&region("us-east-1")),
        );
        roleless.fail(account_failure(
            5,
            FailureKind::NoSpokeRole,
            "AWS refused the role failover-replicator-spoke of account 111122220005",
        ));
    }
    outcomes
}
