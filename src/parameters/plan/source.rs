//! Whether a parameter in a source Region is a source at all.

use super::{Case, Decision, PlanPolicy};
use crate::domain::{Cause, ConflictClass, EXCLUDE_TAG, MARK_KEY, OutcomeKind, PROVENANCE_KEY};
use crate::ownership::{Ownership, Provenance, is_marked, is_released, judge, last};
use crate::parameters::model::Observed;

/// The decision for a parameter that is no source: it carries the mark of a replica, or the hub created it without its
/// tags. `None` for a source.
pub(super) fn not_a_source(
    case: Case<'_>,
    original: &Observed,
    policy: PlanPolicy<'_>,
) -> Option<Decision> {
    if is_marked(&original.tags) {
        return Some(if is_replica_here(case, original) {
            Decision::Leave(OutcomeKind::Skipped)
        } else {
            Decision::Refuse(marked_source(case, original))
        });
    }
    if is_released(&original.tags) {
        return None;
    }
    let judged = judge(original.evidence(case.account, case.source), case.judge_context(policy));
    matches!(judged, Ownership::UntaggedCreate { .. })
        .then(|| Decision::Refuse(untagged_create(case, original)))
}

/// Whether the parameter is the replica of another route that leads to the source Region.
fn is_replica_here(case: Case<'_>, original: &Observed) -> bool {
    Provenance::of(&original.tags).is_some_and(|provenance| {
        let route = case.routes.from_source(&provenance.region);
        route.is_some_and(|route| route.targets.contains(case.source))
            && provenance.is_of(case.account, case.source, &original.parameter.name)
    })
}

fn marked_source(case: Case<'_>, original: &Observed) -> Cause {
    let source = case.source;
    let message = format!(
        "the parameter in {source} carries the mark of a replica, so it is not replicated ({})",
        last(&original.evidence(case.account, source).present())
    );
    let remedy = format!(
        "if the parameter is a source, remove the tags `{MARK_KEY}` and `{PROVENANCE_KEY}` from it"
    );
    Cause::conflict(ConflictClass::MarkedSource, message).with_remedy(remedy)
}

fn untagged_create(case: Case<'_>, original: &Observed) -> Cause {
    let source = case.source;
    let message = format!(
        "the hub wrote the parameter in {source}, and the parameter carries neither of the hub's tags, so it is not replicated ({})",
        last(&original.evidence(case.account, source).present())
    );
    let remedy = format!(
        "if the parameter is a source, set the tag `{EXCLUDE_TAG}=released` on it; if it is a leftover, delete it"
    );
    Cause::conflict(ConflictClass::UntaggedCreate, message).with_remedy(remedy)
}
