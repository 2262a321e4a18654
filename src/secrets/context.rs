//! The data that all parts of one account's work on secrets share, and the functions that record outcomes.

use super::model::Secret;
use super::plan::{SecretDecision, SecretQuestion};
use crate::aws::{KeyStates, Session};
use crate::domain::{
    ABSENT, ABSENT_REMEDY, AccountOutcome, Cause, Failure, Item, Kind, OutcomeKind, Region,
    SecretName,
};
use crate::run_policy::RunPolicy;

/// The highest number of concurrent calls for one account.
pub(super) const CALLS: usize = 8;

/// One account, the rules of the run, and the known states of KMS keys.
#[derive(Clone, Copy)]
pub(super) struct SecretsContext<'a> {
    pub(super) session: &'a Session,
    pub(super) policy: &'a RunPolicy,
    pub(super) keys: &'a KeyStates,
}

impl SecretsContext<'_> {
    pub(super) fn empty_outcome(&self) -> AccountOutcome {
        AccountOutcome::new(self.session.account().clone())
    }

    /// The input of the plan for one secret in one target.
    pub(super) fn question<'q>(
        &'q self,
        secret: &'q Secret,
        held: Option<&'q Secret>,
        source: &'q Region,
        target: &'q Region,
    ) -> SecretQuestion<'q> {
        let RunPolicy { names, kms_keys, routes, .. } = self.policy;
        let read_by_name = held.is_some_and(Secret::is_described);
        let now = self.session.now();
        SecretQuestion { secret, held, read_by_name, source, target, routes, names, kms_keys, now }
    }

    /// Records a decision that needs no further work. Every other decision counts as pending.
    pub(super) fn record(
        &self,
        outcome: &mut AccountOutcome,
        secret: &Secret,
        (source, target): (&Region, &Region),
        decision: SecretDecision,
    ) {
        match decision {
            SecretDecision::Leave(kind) => self.count(outcome, secret, (source, target), kind),
            SecretDecision::Report(cause) => {
                self.report(outcome, &secret.name, (source, target), cause);
            }
            SecretDecision::ReportAtSource(cause) => {
                self.fail_at_source(outcome, &secret.name, source, [target], cause);
            }
            _ => self.count(outcome, secret, (source, target), OutcomeKind::Pending),
        }
    }

    /// Counts the outcome of one secret in one target. An outcome that an operator may act on also gets a note with the
    /// reason and a remedy.
    #[expect(clippy::unused_self, reason = "callers use it in the same way as `report`")]
    pub(super) fn count(
        &self,
        outcome: &mut AccountOutcome,
        secret: &Secret,
        (source, target): (&Region, &Region),
        counted: OutcomeKind,
    ) {
        outcome.ledger.end(Kind::Secret, source, target, 1);
        let item = Item::Secret(secret.name.clone());
        outcome.count(Kind::Secret, counted);
        if counted == OutcomeKind::Pending {
            outcome.pending(target, item);
            return;
        }
        let noted = match counted {
            OutcomeKind::Skipped => secret.why_skipped(source),
            OutcomeKind::Absent => Some((ABSENT, ABSENT_REMEDY)),
            _ => None,
        };
        if let Some((message, remedy)) = noted {
            outcome.note(source, item, counted, message.into(), remedy.into());
        }
    }

    /// Counts and reports a conflict or a failure of one secret in one target.
    pub(super) fn report(
        &self,
        outcome: &mut AccountOutcome,
        name: &SecretName,
        (source, target): (&Region, &Region),
        cause: Cause,
    ) {
        outcome.count(Kind::Secret, cause.outcome());
        outcome.ledger.end(Kind::Secret, source, target, 1);
        self.fail_item(outcome, name, target, cause);
    }

    /// Counts a secret as failed in each of these targets, and reports the failure once, in the source Region.
    pub(super) fn fail_at_source<'t>(
        &self,
        outcome: &mut AccountOutcome,
        name: &SecretName,
        source: &Region,
        targets: impl IntoIterator<Item = &'t Region>,
        cause: Cause,
    ) {
        for target in targets {
            outcome.count(Kind::Secret, OutcomeKind::Failed);
            outcome.ledger.end(Kind::Secret, source, target, 1);
        }
        self.fail_item(outcome, name, source, cause);
    }

    /// Reports a failure of the account in one Region.
    pub(super) fn fail_region(&self, outcome: &mut AccountOutcome, region: &Region, cause: Cause) {
        outcome.fail(Failure::of_account(self.session.account(), cause).in_region(region));
    }

    fn fail_item(
        &self,
        outcome: &mut AccountOutcome,
        name: &SecretName,
        region: &Region,
        cause: Cause,
    ) {
        let item = Item::Secret(name.clone());
        outcome.fail(Failure::of_item(self.session.account(), item, cause).in_region(region));
    }
}
