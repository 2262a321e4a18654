//! What the steps of a round share: the route that is made equal, the items that are not proved equal yet, and what came
//! of a round.

use super::label_reads::LabelReads;
use super::model::Observed;
use super::plan::{Case, Decision, DeletePolicy, Parity, PlanPolicy};
use super::results::{ItemResult, ItemResults};
use crate::aws::{KeyStates, Session};
use crate::domain::{Cause, FailureKind, OutcomeKind, ParameterName, Purpose, Region, Scope, Take};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;
use crate::settings::{OnConflict, OnTargetChange};

/// One route of one account, being made equal.
pub(super) struct RouteContext<'a> {
    pub(super) session: &'a Session,
    pub(super) policy: &'a RunPolicy,
    pub(super) recent: &'a RecentDeletes,
    pub(super) source: &'a Region,
    pub(super) labels: LabelReads,
    /// What KMS says of the keys that replicas are to be recreated under.
    pub(super) keys: KeyStates,
    /// Whether a person named the items.
    pub(super) by_person: bool,
}

impl<'a> RouteContext<'a> {
    /// The route from `source`, made equal within `scope`.
    pub(super) fn new(
        session: &'a Session,
        policy: &'a RunPolicy,
        recent: &'a RecentDeletes,
        source: &'a Region,
        scope: &Scope,
    ) -> Self {
        let labels = LabelReads::of(scope, policy);
        let by_person = matches!(scope, Scope::Items(_)) && !policy.from_events;
        Self { session, policy, recent, source, labels, keys: KeyStates::default(), by_person }
    }
}

impl RouteContext<'_> {
    pub(super) fn parity(&self) -> Parity {
        if self.policy.trust { Parity::ByProvenance } else { Parity::ByValue }
    }

    pub(super) fn plan_policy(&self, parity: Parity) -> PlanPolicy<'_> {
        let now = self.session.now();
        PlanPolicy {
            names: &self.policy.names,
            kms_keys: &self.policy.kms_keys,
            parity,
            writers: &self.policy.writers,
            adopt: self.policy.on_conflict == OnConflict::Adopt,
            restore: self.policy.on_target_change == OnTargetChange::Restore,
            take_over: self.policy.take_over,
            retry_refused: self.by_person,
            take: self.policy.purpose == Purpose::Resolving(Take::Source),
            deletes: DeletePolicy {
                never: self.policy.never_deletes(),
                at_once: self.policy.lifts_brake,
                keep_until: self.policy.keep_until(now),
                latest_due: self.policy.latest_due(now),
            },
            now,
        }
    }

    pub(super) fn case<'a>(
        &'a self,
        target: &'a Region,
        original: Option<&'a Observed>,
        replica: Option<&'a Observed>,
        referenced: Option<&'a Observed>,
    ) -> Case<'a> {
        let (account, routes) = (self.session.account(), &self.policy.routes);
        let found_by = None;
        let source = self.source;
        Case { account, source, target, routes, original, replica, referenced, found_by }
    }

    /// Ends an item for which there is nothing to do in `target`; a decision to do something comes back.
    pub(super) fn ended(
        &self,
        name: &ParameterName,
        target: &Region,
        decision: Decision,
        results: &mut ItemResults,
    ) -> Option<Decision> {
        match decision {
            Decision::Nothing => {}
            Decision::InSync { tags_left_out: 0 } => {
                results.end(name, target, ItemResult::Left(OutcomeKind::InSync));
            }
            Decision::InSync { tags_left_out } => {
                results.fail(name, target, self.source, left_out(tags_left_out));
            }
            Decision::Leave(outcome) => results.end(name, target, ItemResult::Left(outcome)),
            Decision::Skip(cause) => {
                let outcome = OutcomeKind::Skipped;
                results.end(name, target, ItemResult::Noted { outcome, cause });
            }
            Decision::Wait(due) => {
                results.end(name, target, ItemResult::Left(OutcomeKind::Tombstoned));
                results.wait(name, target, due);
            }
            Decision::Refuse(cause) => results.fail(name, target, self.source, cause),
            Decision::Conflict(cause) | Decision::Keep(cause) => {
                results.fail(name, target, target, cause);
            }
            Decision::ReadHistory
            | Decision::Write(_)
            | Decision::Compare(_)
            | Decision::Remove(_) => {
                return Some(decision);
            }
        }
        None
    }
}

/// The replica is advanced, and its source is not any more.
pub(super) fn tier_stays() -> Cause {
    Cause::new(
        FailureKind::Limit,
        "the source's tier is standard now, and the replica's stays advanced, since AWS turns none back; all else is equal, and this is said once",
    )
    .mended_by("nothing, at the price of an advanced parameter; or delete the replica by hand, and the next sweep creates it anew")
}

/// Some of the source's tags do not fit beside the hub's two.
pub(super) fn left_out(tags: usize) -> Cause {
    Cause::new(
        FailureKind::Limit,
        format!(
            "the source has so many tags that {tags} of them, the last by key, do not fit on the replica beside the hub's two; all else is equal"
        ),
    )
    .mended_by("leave at most 48 tags on the source")
}
