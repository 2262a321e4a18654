//! What the lists of a sweep settle by themselves.

use std::time::Duration;

use super::key_health::Keys;
use crate::domain::{ConflictClass, OutcomeKind, ParameterName, Region};
use crate::ownership::{Ownership, Provenance, is_marked, other_role};
use crate::parameters::context::RouteContext;
use crate::parameters::plan::{Case, Decision, decide};
use crate::parameters::results::ItemResults;
use crate::parameters::value_override::{ValueOverride, value_override};

/// How long the lists may lag: what was written so lately is read by name before it is called a conflict.
const LIST_LAG: Duration = Duration::from_mins(10);

impl RouteContext<'_> {
    /// Ends an item for which the lists are enough: equal, left alone, or surely somebody else's.
    pub(super) fn settled_by_lists(
        &self,
        name: &ParameterName,
        target: &Region,
        case: Case<'_>,
        keys: &Keys,
        results: &mut ItemResults,
    ) -> bool {
        let decision = decide(case, self.plan_policy(self.parity()));
        if matches!(decision, Decision::InSync { .. })
            && let Some(cause) = keys.refusal(target, case.replica)
        {
            results.fail(name, target, target, cause);
            return true;
        }
        match decision {
            // No list shows labels.
            Decision::InSync { .. } if self.policy.labels => return false,
            Decision::InSync { tags_left_out: 0 } => results.count(OutcomeKind::InSync),
            Decision::Leave(outcome) => results.count(outcome),
            Decision::Wait(due) => {
                results.count(OutcomeKind::Tombstoned);
                results.wait(name, target, due);
            }
            Decision::ReadHistory => return false,
            // The Tagging API may lag behind the step that put the tags right.
            Decision::Conflict(cause) if cause.class == Some(ConflictClass::DoesNotTake) => {
                return false;
            }
            // The Tagging API may not show the tags of what was just written: what is taken for a source may be a
            // replica of the opposite route.
            Decision::Conflict(_) if self.has_recent(case) => return false,
            // So may the consent to a value override, or the parameter that it references.
            Decision::Refuse(cause)
                if (cause.class.is_some() || references(case)) && self.has_recent(case) =>
            {
                return false;
            }
            decision => return self.ended(name, target, decision, results).is_none(),
        }
        true
    }

    /// Counts who wrote what provenance of this route names; whether the tags call it this route's replica.
    pub(super) fn count_writer(&self, case: Case<'_>, results: &mut ItemResults) -> bool {
        let Some(replica) = case.replica else { return false };
        let is_own = is_marked(&replica.tags)
            && Provenance::of(&replica.tags).is_some_and(|from| from.region == *self.source);
        if !is_own {
            return false;
        }
        let policy = self.plan_policy(self.parity());
        let evidence = replica.evidence(case.account, case.target);
        match (case.ownership(policy), other_role(evidence, case.judge_context(policy))) {
            // What this run takes over does not depend on the setting any more.
            (Ownership::Owned { by_trusted: true, .. }, _)
                if !(self.policy.take_over && self.policy.writing.allows()) =>
            {
                results.written_by.trusted += 1;
            }
            (Ownership::Owned { .. } | Ownership::NeedsHistory, _) => results.written_by.hub += 1,
            (_, Some(role)) => {
                *results.written_by.others.entry(role.to_owned()).or_default() += 1;
            }
            (_, None) => {}
        }
        true
    }

    fn has_recent(&self, case: Case<'_>) -> bool {
        let mut read = [case.original, case.replica, case.referenced].into_iter().flatten();
        read.any(|held| self.session.now().since(held.parameter.modified) < LIST_LAG)
    }
}

/// Whether the source's tags reference another parameter for this target.
fn references(case: Case<'_>) -> bool {
    case.original.is_some_and(|original| {
        matches!(
            value_override(&original.tags, case.target),
            Ok(Some(ValueOverride::FromParameter(_)))
        )
    })
}
