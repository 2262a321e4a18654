//! What all parts of one account's work on its secrets share: its session, its rules, and the words of its outcome.

use super::model::Secret;
use super::plan::Question;
use crate::aws::{KeyStates, Session};
use crate::domain::{
    AccountOutcome, Cause, Failure, FailureKind, Item, Kind, OutcomeKind, Region, SecretName,
    Subject,
};
use crate::run_policy::RunPolicy;

/// Calls of one account that are under way at once.
pub(super) const CALLS: usize = 8;

/// One account's secrets, and the rules for them.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    /// The account.
    pub(super) session: &'a Session,
    /// What may be done.
    pub(super) rules: &'a RunPolicy,
    /// What KMS says of the keys.
    pub(super) keys: &'a KeyStates,
}

impl Slice<'_> {
    /// An outcome with nothing in it.
    pub(super) fn nothing(&self) -> AccountOutcome {
        AccountOutcome::new(self.session.account().clone())
    }

    /// The question of one secret in one target, now, with what is known of the target.
    pub(super) fn question<'q>(
        &'q self,
        secret: &'q Secret,
        held: Option<&'q Secret>,
        source: &'q Region,
        target: &'q Region,
    ) -> Question<'q> {
        let RunPolicy { names, kms_keys, routes, .. } = self.rules;
        let looked = held.is_some_and(Secret::is_described);
        let now = self.session.now();
        Question { secret, held, looked, source, target, routes, names, kms_keys, now }
    }

    /// Counts and reports what is wrong with one secret in one target.
    pub(super) fn report(
        &self,
        outcome: &mut AccountOutcome,
        name: &SecretName,
        target: &Region,
        cause: Cause,
    ) {
        let conflict = cause.kind == FailureKind::Conflict;
        let counted = if conflict { OutcomeKind::Conflict } else { OutcomeKind::Failed };
        outcome.count(Kind::Secret, counted);
        self.fail(outcome, Subject::Item(Item::Secret(name.clone())), target, cause);
    }

    /// Counts a secret that fails in its own Region as failed in so many targets, and reports it once.
    pub(super) fn fail_at_source(
        &self,
        outcome: &mut AccountOutcome,
        name: &SecretName,
        source: &Region,
        targets: usize,
        cause: Cause,
    ) {
        for _ in 0..targets {
            outcome.count(Kind::Secret, OutcomeKind::Failed);
        }
        self.fail(outcome, Subject::Item(Item::Secret(name.clone())), source, cause);
    }

    /// Reports what is wrong in one Region.
    pub(super) fn fail(
        &self,
        outcome: &mut AccountOutcome,
        subject: Subject,
        region: &Region,
        cause: Cause,
    ) {
        let account = Some(self.session.account().clone());
        outcome.fail(Failure { account, region: Some(region.clone()), subject, cause });
    }
}
