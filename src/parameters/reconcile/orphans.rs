//! What is not to be there, by what was read so far.

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

/// A replica that is not to be there, by what was read so far.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    pub(super) name: ParameterName,
    pub(super) original: Option<Observed>,
    pub(super) replica: Observed,
    pub(super) found_by: Option<FoundBy>,
    /// The tombstone that it has.
    tombstone: Option<Tombstone>,
    pub(super) disposal: Disposal,
    /// What a person is to know of it, whatever becomes of it.
    pub(super) reported: Option<Cause>,
}

impl Orphan {
    /// Whether an event, or its owner's tag, said that it may go.
    pub(super) fn is_witnessed(&self) -> bool {
        self.original.is_some()
            || self.found_by == Some(FoundBy::Event)
            || self.tombstone.is_some_and(|tombstone| tombstone.by == FoundBy::Event)
    }

    /// Whether it is to be deleted though a sweep alone says that its source is gone.
    pub(super) fn is_unwitnessed(&self) -> bool {
        let is_kept = self.disposal == Disposal::Release;
        self.found_by == Some(FoundBy::List) && !self.is_witnessed() && !is_kept
    }

    /// Whether no sweep found it without its source before.
    pub(super) fn is_new(&self) -> bool {
        self.tombstone.is_none()
    }
}

pub(super) type ByTarget = BTreeMap<Region, Vec<Orphan>>;

/// What is to be removed by what was read so far, by target, the oldest tombstones first; all else ends here.
pub(super) fn orphans(
    context: &RouteContext<'_>,
    candidates: Vec<Candidate>,
    pass: &mut PassResult,
) -> ByTarget {
    let mut orphans = ByTarget::new();
    for Candidate { name, original, replicas, fresh, found_by, .. } in candidates {
        for (target, replica) in replicas {
            let mut case = context.case(&target, original.as_ref(), replica.as_ref(), None);
            case.found_by = found_by;
            let decision = decide(case, context.plan_policy(Parity::ByProvenance));
            if matches!(decision, Decision::Conflict(_)) && !fresh {
                // By lists that may lag; what is read by name decides.
                pass.retry(&name, &target, RetryReason::Unwritten);
                continue;
            }
            // Read by name: there is neither a source nor a replica of one.
            if decision == Decision::Nothing && original.is_none() && fresh {
                let cause = Cause::new(FailureKind::Invalid, ABSENT).mended_by(ABSENT_REMEDY);
                let outcome = OutcomeKind::Absent;
                pass.results.end(&name, &target, ItemResult::Noted { outcome, cause });
                continue;
            }
            if let Some(Decision::Remove(Removal { disposal, provenance, .. })) =
                context.ended(&name, &target, decision, &mut pass.results)
                && let Some(replica) = replica
            {
                let (name, original) = (name.clone(), original.clone());
                let tombstone = provenance.gone;
                let (found_by, reported) = (found_by, None);
                let removal =
                    Orphan { name, original, replica, found_by, tombstone, disposal, reported };
                orphans.entry(target).or_default().push(removal);
            }
        }
    }
    for replicas in orphans.values_mut() {
        replicas.sort_by_key(|one| (one.tombstone.is_none(), one.tombstone.map(|gone| gone.due)));
    }
    orphans
}
