//! What all parts of one account's work on its secrets share: its session, its rules, and the words of its outcome.

use super::model::Secret;
use super::plan::Question;
use crate::aws::{KeyStates, Session};
use crate::domain::{
    ABSENT, ABSENT_REMEDY, AccountOutcome, Cause, Failure, Item, Kind, OutcomeKind, Region,
    SecretName,
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
    pub(super) policy: &'a RunPolicy,
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
        let RunPolicy { names, kms_keys, routes, .. } = self.policy;
        let looked = held.is_some_and(Secret::is_described);
        let now = self.session.now();
        Question { secret, held, looked, source, target, routes, names, kms_keys, now }
    }

    /// Counts how one secret ended in one target, and names it with the reason unless it is equal, excluded, or a
    /// replica itself.
    #[expect(clippy::unused_self, reason = "it stands beside `report` and is called as it is")]
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
        let unnamed = match counted {
            OutcomeKind::Skipped => secret.why_skipped(source),
            OutcomeKind::Absent => Some((ABSENT, ABSENT_REMEDY)),
            _ => None,
        };
        if let Some((message, remedy)) = unnamed {
            outcome.note(source, item, counted, message.into(), remedy.into());
        }
    }

    /// Counts and reports what is wrong with one secret in one target.
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

    /// Counts a secret that fails in its own Region as failed in these targets, and reports it once.
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
