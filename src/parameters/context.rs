//! What the steps of a pass share: the session, the policy and the route. The planner and the guard are asked through
//! this context.

use super::causes::tags_left_out;
use super::label_reads::LabelReads;
use super::model::Observed;
use super::plan::{Case, Decision, DeletePolicy, Parity, PlanPolicy};
use super::results::{ItemResult, ItemResults};
use crate::aws::{KeyStates, Session};
use crate::domain::{Change, OutcomeKind, ParameterName, Purpose, Region, Scope, Take};
use crate::guard::{Claim, Occupant, Proposal, Ruling};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;
use crate::settings::{OnConflict, OnTargetChange};

/// One route of one account.
pub(super) struct RouteContext<'a> {
    pub(super) session: &'a Session,
    pub(super) policy: &'a RunPolicy,
    pub(super) recent: &'a RecentDeletes,
    pub(super) source: &'a Region,
    pub(super) labels: LabelReads,
    /// The states of the keys that recreated replicas need.
    pub(super) keys: KeyStates,
    /// Whether a person named the items.
    pub(super) by_person: bool,
}

impl<'a> RouteContext<'a> {
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
                grace: self.policy.grace(),
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
        let source = self.source;
        Case {
            account,
            source,
            target,
            routes,
            original,
            replica,
            referenced,
            active_since: self.policy.active_since(account, source, target),
            found_by: None,
        }
    }

    /// Asks the guard whether a planned change may be carried out.
    pub(super) fn judge(
        &self,
        target: &Region,
        change: Change,
        occupant: Occupant<'_>,
        claim: Option<Claim>,
    ) -> Ruling {
        let proposal = Proposal { source: self.source, target, change, occupant, claim };
        self.policy.judge(&proposal, self.session.now())
    }

    /// Asks the guard whether a planned change of an existing replica may be carried out.
    pub(super) fn judge_replica(
        &self,
        target: &Region,
        change: Change,
        replica: &Observed,
        claim: Option<Claim>,
    ) -> Ruling {
        let occupant = Occupant::Parameter(replica.evidence(self.session.account(), target));
        self.judge(target, change, occupant, claim)
    }

    /// Records the result of a decision that needs no work. Returns every other decision.
    pub(super) fn record_unless_work(
        &self,
        name: &ParameterName,
        target: &Region,
        decision: Decision,
        results: &mut ItemResults,
    ) -> Option<Decision> {
        match decision {
            Decision::Nothing => {}
            Decision::InSync { tags_left_out: 0 } => {
                results.record(name, target, ItemResult::Unchanged(OutcomeKind::InSync));
            }
            Decision::InSync { tags_left_out: tags } => {
                results.fail(name, target, self.source, tags_left_out(tags));
            }
            Decision::Leave(outcome) => {
                results.record(name, target, ItemResult::Unchanged(outcome));
            }
            Decision::Skip(cause) => {
                let outcome = OutcomeKind::Skipped;
                results.record(name, target, ItemResult::Noted { outcome, cause });
            }
            Decision::Wait(due) => {
                results.record(name, target, ItemResult::Unchanged(OutcomeKind::Tombstoned));
                results.add_tombstone(name, target, due);
            }
            Decision::Refuse(cause) => results.fail(name, target, self.source, cause),
            Decision::Conflict(cause) | Decision::Keep(cause) => {
                results.fail(name, target, target, cause);
            }
            Decision::ReadHistory
            | Decision::Write(_)
            | Decision::Compare(_)
            | Decision::Remove(_) => return Some(decision),
        }
        None
    }
}
