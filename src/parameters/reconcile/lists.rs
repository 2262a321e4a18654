//! A sweep of one route: the lists of source and targets decide most items, and a pass reconciles the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::absence::UnwitnessedAbsences;
use super::brake::ListedByTarget;
use super::key_health::KeyHealth;
use crate::concurrency::ReadOnce;
use crate::domain::{Cause, ConflictClass, Kind, OutcomeKind, ParameterName, Region, Route};
use crate::ownership::{FoundBy, Ownership, Provenance, is_marked, other_role};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::{Listing, Observed};
use crate::parameters::plan::{Case, Decision, decide};
use crate::parameters::results::{ItemResults, Retries};
use crate::parameters::value_override::{ValueOverride, value_override};
use crate::partial_counts;

/// Lists may lag this much: a parameter written within this time is read by name before it is reported as a conflict.
const LIST_LAG: Duration = Duration::from_mins(10);

/// The lists of a sweep, by Region. The routes of an account share them.
pub(super) type Lists = ReadOnce<Region, Result<Listing, Cause>>;

/// The lists of one route, once its source and at least some targets could be listed.
struct RouteLists<'a> {
    originals: &'a Listing,
    targets: Vec<(&'a Region, &'a Listing)>,
    /// The first target that could not be listed, with the reason.
    unread: Option<(Region, Cause)>,
}

impl RouteContext<'_> {
    /// Reconciles all items of the route.
    pub(super) async fn reconcile_everything(
        &self,
        route: &Route,
        listings: &Lists,
    ) -> (ItemResults, UnwitnessedAbsences) {
        let mut results = ItemResults::default();
        let Some(lists) = self.route_lists(route, listings, &mut results) else {
            return (results, UnwitnessedAbsences::default());
        };
        let originals = lists.originals;
        let names = originals.keys().map(ParameterName::as_str);
        results.matched_includes = self.policy.names.matched_includes(names);
        let keys = KeyHealth::read(self, &lists.targets, &mut results).await;
        let (candidates, listed) = self.undecided(&lists, &keys, &mut results);
        partial_counts::add(Kind::Parameter, &results.outcomes(&Retries::new()));
        let (retries, absences) = self.pass(candidates, Some(&listed), &mut results).await;
        let mut results = self.second_pass(retries, &BTreeSet::new(), results).await;
        results.close_ledger(self.source, |name| originals.contains_key(name));
        (results, absences)
    }

    /// The lists of the route. Records each location that could not be listed; `None` if the source could not.
    fn route_lists<'a>(
        &self,
        route: &'a Route,
        listings: &'a Lists,
        results: &mut ItemResults,
    ) -> Option<RouteLists<'a>> {
        let (mut targets, mut unread) = (Vec::new(), None);
        for region in &route.targets {
            match listings.get(region) {
                Some(Ok(listing)) => targets.push((region, listing)),
                Some(Err(cause)) => {
                    results.fail_region(region, cause.clone());
                    unread.get_or_insert_with(|| (region.clone(), cause.clone()));
                    if let Some(Ok(originals)) = listings.get(self.source) {
                        results.fail_target(self.source, region, originals.len());
                    }
                }
                None => {}
            }
        }
        match listings.get(self.source)? {
            Ok(originals) => Some(RouteLists { originals, targets, unread }),
            Err(cause) => {
                results.fail_region(self.source, cause.clone());
                None
            }
        }
    }

    /// Records what the lists decide. Returns the other items, and what the lists show of each target's replicas.
    fn undecided(
        &self,
        lists: &RouteLists<'_>,
        keys: &KeyHealth,
        results: &mut ItemResults,
    ) -> (Vec<Candidate>, ListedByTarget) {
        let RouteLists { originals, targets, unread } = lists;
        let mut candidates: BTreeMap<ParameterName, Candidate> = BTreeMap::new();
        let mut listed = ListedByTarget::new();
        for (target, replicas) in targets {
            let mut decided = 0;
            let orphans = replicas.keys().filter(|name| !originals.contains_key(*name));
            for name in originals.keys().chain(orphans) {
                let (original, replica) = (originals.get(name), replicas.get(name));
                let referenced =
                    original.and_then(|original| referenced_in(originals, original, target));
                let mut case = self.case(target, original, replica, referenced);
                case.found_by = original.is_none().then_some(FoundBy::List);
                if self.count_writer(case, results) {
                    let listed = listed.entry((*target).clone()).or_default();
                    listed.owned += 1;
                    listed.with_source += usize::from(original.is_some());
                }
                let counted = results.counted();
                if self.decided_by_lists(name, target, case, keys, results) {
                    if original.is_some() {
                        decided += results.counted() - counted;
                    }
                    continue;
                }
                let candidate = candidates.entry(name.clone()).or_insert_with(|| Candidate {
                    name: name.clone(),
                    original: original.cloned(),
                    replicas: BTreeMap::new(),
                    read_by_name: false,
                    unread: unread.clone(),
                    referenced: BTreeMap::new(),
                    found_by: original.is_none().then_some(FoundBy::List),
                    moved: BTreeSet::new(),
                });
                candidate.replicas.insert((*target).clone(), replica.cloned());
                if let Some(referenced) = referenced {
                    candidate.referenced.insert((*target).clone(), referenced.clone());
                }
            }
            results.record_list(self.source, target, originals.len(), decided);
        }
        (candidates.into_values().collect(), listed)
    }

    /// Records an item that the lists decide: in sync, left alone, or certainly a conflict. Returns whether they do.
    fn decided_by_lists(
        &self,
        name: &ParameterName,
        target: &Region,
        case: Case<'_>,
        keys: &KeyHealth,
        results: &mut ItemResults,
    ) -> bool {
        let decision = decide(case, self.plan_policy(self.parity()));
        if matches!(decision, Decision::InSync { .. })
            && let Some(cause) = keys.problem(target, case.replica)
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
                results.add_tombstone(name, target, due);
            }
            Decision::ReadHistory => return false,
            // The Tagging API may lag behind the step that corrected the tags.
            Decision::Conflict(cause) if cause.class == Some(ConflictClass::DoesNotTake) => {
                return false;
            }
            // The Tagging API may not show the tags of a recent write yet: an apparent source may be a replica of the
            // opposite route.
            Decision::Conflict(_) if self.has_recent(case) => return false,
            // The same holds for a parameter that a value override references, and for the consent of its owner.
            Decision::Refuse(cause)
                if (cause.class.is_some() || references(case)) && self.has_recent(case) =>
            {
                return false;
            }
            decision => {
                return self.record_unless_work(name, target, decision, results).is_none();
            }
        }
        true
    }

    /// Counts the writer of a replica whose tags name this route. Returns whether they do.
    fn count_writer(&self, case: Case<'_>, results: &mut ItemResults) -> bool {
        let Some(replica) = case.replica else { return false };
        let is_own = is_marked(&replica.tags)
            && Provenance::of(&replica.tags).is_some_and(|from| from.region == *self.source);
        if !is_own {
            return false;
        }
        let policy = self.plan_policy(self.parity());
        let evidence = replica.evidence(case.account, case.target);
        match (case.ownership(policy), other_role(evidence, case.judge_context(policy))) {
            // This run takes the replica over, so the replica no longer depends on the setting.
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

/// Whether a value override of the source references another parameter for this target.
fn references(case: Case<'_>) -> bool {
    case.original.is_some_and(|original| {
        matches!(
            value_override(&original.tags, case.target),
            Ok(Some(ValueOverride::FromParameter(_)))
        )
    })
}

/// The parameter that a value override of `original` references for `target`, as the list shows it.
fn referenced_in<'a>(
    originals: &'a Listing,
    original: &Observed,
    target: &Region,
) -> Option<&'a Observed> {
    match value_override(&original.tags, target) {
        Ok(Some(ValueOverride::FromParameter(name))) => originals.get(&name),
        _ => None,
    }
}
