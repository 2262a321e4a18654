//! Orphans: replicas to remove, according to the reads so far.

use std::collections::BTreeMap;

use crate::domain::{
    ABSENT, ABSENT_REMEDY, Cause, FailureKind, OutcomeKind, ParameterName, Region,
};
use crate::ownership::{FoundBy, Tombstone};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, Disposal, Parity, Removal, decide};
use crate::parameters::results::{ItemResult, PassResult, RetryReason};

/// A replica to remove, according to the reads so far: its source no longer exists or does not want a replica.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    pub(super) name: ParameterName,
    pub(super) original: Option<Observed>,
    pub(super) replica: Observed,
    pub(super) found_by: Option<FoundBy>,
    /// The tombstone of an earlier run.
    tombstone: Option<Tombstone>,
    pub(super) disposal: Disposal,
    /// What the report says about the orphan, whatever the outcome.
    pub(super) reported: Option<Cause>,
}

impl Orphan {
    /// Whether an event or the owner's tag asks for the removal.
    pub(super) fn is_witnessed(&self) -> bool {
        self.original.is_some()
            || self.found_by == Some(FoundBy::Event)
            || self.tombstone.is_some_and(|tombstone| tombstone.by == FoundBy::Event)
    }

    /// Whether only a sweep's list says that the source no longer exists.
    pub(super) fn is_unwitnessed(&self) -> bool {
        let is_released = self.disposal == Disposal::Release;
        self.found_by == Some(FoundBy::List) && !self.is_witnessed() && !is_released
    }

    /// Whether no earlier sweep found this orphan.
    pub(super) fn is_new(&self) -> bool {
        self.tombstone.is_none()
    }
}

pub(super) type ByTarget = BTreeMap<Region, Vec<Orphan>>;

/// Decides which candidates are orphans, by target, the oldest tombstones first. All other candidates get their results
/// here.
pub(super) fn orphans(
    context: &RouteContext<'_>,
    candidates: Vec<Candidate>,
    pass: &mut PassResult,
) -> ByTarget {
    let mut orphans = ByTarget::new();
    for Candidate { name, original, replicas, read_by_name, found_by, .. } in candidates {
        for (target, replica) in replicas {
            let mut case = context.case(&target, original.as_ref(), replica.as_ref(), None);
            case.found_by = found_by;
            let decision = decide(case, context.plan_policy(Parity::ByProvenance));
            if matches!(decision, Decision::Conflict(_)) && !read_by_name {
                // Lists may lag, so a read by name decides about a conflict.
                pass.retry(&name, &target, RetryReason::Unwritten);
                continue;
            }
            if decision == Decision::Nothing && original.is_none() && read_by_name {
                let cause = Cause::new(FailureKind::Invalid, ABSENT).with_remedy(ABSENT_REMEDY);
                let outcome = OutcomeKind::Absent;
                pass.results.record(&name, &target, ItemResult::Noted { outcome, cause });
                continue;
            }
            if let Some(Decision::Remove(Removal { disposal, provenance, .. })) =
                context.record_unless_work(&name, &target, decision, &mut pass.results)
                && let Some(replica) = replica
            {
                orphans.entry(target).or_default().push(Orphan {
                    name: name.clone(),
                    original: original.clone(),
                    replica,
                    found_by,
                    tombstone: provenance.gone,
                    disposal,
                    reported: None,
                });
            }
        }
    }
    for replicas in orphans.values_mut() {
        replicas.sort_by_key(|one| (one.tombstone.is_none(), one.tombstone.map(|gone| gone.due)));
    }
    orphans
}
