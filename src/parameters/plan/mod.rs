//! Decides one item in one target from what was read of the source and of the replica. Pure: the time is an argument.
//!
//! A decision without a step means "in sync". The hub changes only what [`crate::ownership`] proves to be a replica of
//! this route. What else holds the name is a conflict, unless a setting or an operator lets the hub take it over.

mod comparison;
mod consent;
pub mod desired;
mod diff;
mod ownership;
mod present;
mod refused;
mod removal;
mod source;
mod write;

use self::present::decide_present;
use self::removal::decide_absent;
use super::model::Observed;
use crate::domain::{
    AccountId, Cause, FailureKind, KmsKeys, NameFilter, OutcomeKind, Region, Routes, Timestamp,
    Writers,
};
use crate::ownership::{ConflictContext, FoundBy, JudgeContext, Ownership, judge, objection};

pub(super) use ownership::{covered, not_adopted, released_meanwhile};
pub(super) use refused::retry_remedy;
pub use removal::{DeletePolicy, Disposal, Removal, wants_removal};
pub use write::{MarkTiming, PlannedWrite};
pub(super) use write::{with_both, with_mark};

/// What proves that an owned replica equals its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// Provenance: the hub reads no value of an item in sync.
    ByProvenance,
    /// The values: the hub compares them and writes only differences.
    ByValue,
    /// Nothing: the source changed while the replica was written, so the hub writes value and tags again.
    Rewrite,
}

/// The settings and options of one decision.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting or option")]
pub struct PlanPolicy<'a> {
    /// The names in scope.
    pub names: &'a NameFilter,
    /// Source key → target key.
    pub kms_keys: &'a KmsKeys,
    /// The roles whose versions count as the hub's.
    pub writers: &'a Writers,
    /// What proves that a replica equals its source.
    pub parity: Parity,
    /// `ON_CONFLICT=adopt`: an equal parameter without the hub's tags becomes a replica.
    pub adopt: bool,
    /// `resolve --take source`: the source overwrites what holds the name.
    pub take: bool,
    /// `ON_TARGET_CHANGE=restore`: the source overwrites a change in the target once.
    pub restore: bool,
    /// `sweep --take-over`: the hub writes replicas of trusted writers once more.
    pub take_over: bool,
    /// An operator named the item: the hub tries again what AWS permanently refused.
    pub retry_refused: bool,
    /// How replicas without a source are deleted.
    pub deletes: DeletePolicy,
    /// The current time.
    pub now: Timestamp,
}

/// One item in one target, as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The account of source and replica.
    pub account: &'a AccountId,
    /// The source Region.
    pub source: &'a Region,
    /// The target Region.
    pub target: &'a Region,
    /// All routes of the settings.
    pub routes: &'a Routes,
    /// The parameter of this name in the source Region.
    pub original: Option<&'a Observed>,
    /// The parameter of this name in the target Region.
    pub replica: Option<&'a Observed>,
    /// The parameter that the value override of the source references.
    pub referenced: Option<&'a Observed>,
    /// Since when the route is active, if its state matters.
    pub active_since: Option<Timestamp>,
    /// What reported that the source is gone: an event or a sweep's list. `None` if neither asked for this item.
    pub found_by: Option<FoundBy>,
}

impl<'a> Case<'a> {
    /// The route and the settings that ownership depends on.
    pub fn judge_context(&self, policy: PlanPolicy<'a>) -> JudgeContext<'a> {
        let only_route = self.routes.sources_into(self.target).count() == 1;
        let PlanPolicy { writers, now, .. } = policy;
        JudgeContext {
            source: self.source,
            active_since: self.active_since,
            only_route,
            writers,
            now,
        }
    }

    /// Who owns the parameter in the target.
    pub fn ownership(&self, policy: PlanPolicy<'a>) -> Ownership {
        match self.replica {
            None => Ownership::Vacant,
            Some(replica) => {
                judge(replica.evidence(self.account, self.target), self.judge_context(policy))
            }
        }
    }

    /// Whether this route reports leftovers that no source asks for: only the first route into the target does.
    fn reports_leftovers(&self) -> bool {
        self.routes.sources_into(self.target).next() == Some(self.source)
    }

    /// Whether a route leads from the target back to the source.
    fn leads_back(&self) -> bool {
        let back = self.routes.from_source(self.target);
        back.is_some_and(|route| route.targets.contains(self.source))
    }

    /// The cause that `report` makes from this item; `None` if nothing holds the name.
    fn reported(&self, report: impl FnOnce(ConflictContext<'_>) -> Option<Cause>) -> Option<Cause> {
        let replica = self.replica?;
        report(ConflictContext {
            account: self.account,
            source: self.source,
            target: self.target,
            name: &replica.parameter.name,
            source_exists: self.original.is_some(),
            held: &replica.evidence(self.account, self.target).present(),
        })
    }

    /// Why the hub does not change the parameter in the target.
    fn cause(&self, ownership: &Ownership) -> Cause {
        self.reported(|context| objection(ownership, context)).unwrap_or_else(|| {
            Cause::new(FailureKind::Bug, "internal error: conflict over a vacant name")
        })
    }

    fn conflict(&self, ownership: &Ownership) -> Decision {
        Decision::Conflict(self.cause(ownership))
    }
}

/// What to do about one item in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This route has nothing to do here.
    Nothing,
    /// The ownership depends on the history, which was not read.
    ReadHistory,
    /// Source and replica are equal.
    InSync {
        /// See [`Desired::tags_left_out`](desired::Desired::tags_left_out).
        tags_left_out: usize,
    },
    /// Nothing is written, and the item counts as this.
    Leave(OutcomeKind),
    /// The parameter is no longer a source. It counts as `skipped`, and the report names the reason.
    Skip(Cause),
    /// The replica has a tombstone and may be deleted from this time on.
    Wait(Timestamp),
    /// A parameter that the hub does not own holds the name in the target.
    Conflict(Cause),
    /// The source cannot be replicated.
    Refuse(Cause),
    /// The replica stays as it is for a reason in the target.
    Keep(Cause),
    /// Write the replica.
    Write(PlannedWrite),
    /// Compare the values: update the replica if they differ; otherwise retag it if its tags or provenance differ.
    Compare(PlannedWrite),
    /// Remove the replica.
    Remove(Removal),
}

/// Decides one item in one target.
pub fn decide<'a>(case: Case<'a>, policy: PlanPolicy<'a>) -> Decision {
    let ownership = case.ownership(policy);
    match (&ownership, case.original) {
        (Ownership::NeedsHistory, _) => Decision::ReadHistory,
        // The report names the covered version until an operator decides, whatever the source asks for.
        (Ownership::WrittenOver(_), _) if !policy.take => case.conflict(&ownership),
        (_, Some(original)) => decide_present(case, original, &ownership, policy),
        (_, None) => decide_absent(case, &ownership, policy),
    }
}

#[cfg(test)]
mod tests;
