//! Removes orphans. An orphan must be owned by its tags as read just before, two reads of its source by name, seconds apart,
//! must agree, and the brake must allow the removal.
//!
//! An orphan is deleted, kept for a while with a tombstone in its provenance, or released if it was adopted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::absence::UnwitnessedAbsences;
use super::brake::{ListedByTarget, allow, give_back, hold_back_mass_absence};
use super::delete::{DeleteExecutor, DeleteResult, Judgement};
use super::histories::read_where_needed;
use super::orphans::{ByTarget, Orphan, orphans};
use crate::concurrency::in_parallel;
use crate::domain::{
    Cause, Need, OutcomeKind, PROVENANCE_KEY, ParameterName, Region, Tags, Timestamp,
};
use crate::guard::{Claim, Ruling};
use crate::ownership::{Provenance, Tombstone};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, Disposal, Parity, Removal, decide, wants_removal};
use crate::parameters::results::{ItemResult, PassResult, RetryReason};
use crate::parameters::store::{NAMES_PER_CALL, Tagged, mark_released, retag, tags_of, versions};

/// The pause between the two reads that must find a source absent.
const BETWEEN_READS: Duration = Duration::from_secs(2);

/// Removes the orphans among the candidates. In a sweep, `listed` is what the lists show, and orphans without a witness are
/// only collected: see [`super::absence`].
pub(super) async fn remove(
    context: &RouteContext<'_>,
    mut candidates: Vec<Candidate>,
    listed: Option<&ListedByTarget>,
) -> (PassResult, UnwitnessedAbsences) {
    let mut pass = PassResult::default();
    read_where_needed(context, &mut candidates, &mut pass).await;
    let mut orphans = orphans(context, candidates, &mut pass);
    let mut absences = UnwitnessedAbsences::default();
    if orphans.is_empty() {
        return (pass, absences);
    }
    let found = keep_orphans(context, &mut orphans, &mut pass).await;
    if let Some(listed) = listed {
        if hold_back_mass_absence(context, &mut orphans, (listed, &found), &mut pass) {
            absences.add_lost_route();
        }
        let mut unwitnessed = ByTarget::new();
        for (target, replicas) in &mut orphans {
            let collected = replicas.extract_if(.., |one| one.is_unwitnessed()).collect();
            unwitnessed.insert(target.clone(), collected);
        }
        absences.add(context.source, unwitnessed, listed.clone());
    }
    remove_orphans(context, orphans, listed, &mut pass).await;
    (pass, absences)
}

/// Removes orphans whose sources one read by name found absent, after a second read.
pub(super) async fn remove_orphans(
    context: &RouteContext<'_>,
    mut orphans: ByTarget,
    listed: Option<&ListedByTarget>,
    pass: &mut PassResult,
) {
    orphans.retain(|_, replicas| !replicas.is_empty());
    if orphans.is_empty() {
        return;
    }
    let granted = allow(context, &mut orphans, listed, pass).await;
    if context.policy.writing.allows() {
        tokio::time::sleep(BETWEEN_READS).await;
        keep_orphans(context, &mut orphans, pass).await;
    }
    let removals = orphans.into_iter().map(|(target, orphans)| async move {
        let results = remove_in(context, &target, &orphans).await;
        RemovalsIn { target, orphans, results }
    });
    let removals = futures::future::join_all(removals).await;
    if context.policy.writing.allows() {
        let deleted = removals
            .iter()
            .map(|removals| (removals.target.clone(), removals.counted_deletes()))
            .collect();
        give_back(context, &granted, &deleted).await;
    }
    confirm(context, removals, pass).await;
}

/// Keeps the orphans whose sources, as read by name, are still absent or still ask for the removal. The others need
/// another pass. Returns the targets of the others.
async fn keep_orphans(
    context: &RouteContext<'_>,
    orphans: &mut ByTarget,
    pass: &mut PassResult,
) -> BTreeSet<Region> {
    let still = still_orphaned(context, orphans.values().flatten().collect()).await;
    let mut found = BTreeSet::new();
    for (target, replicas) in orphans {
        replicas.retain(|Orphan { name, .. }| match still.get(name) {
            Some(Ok(true)) => true,
            Some(Err(cause)) => {
                pass.results.fail(name, target, context.source, cause.clone());
                false
            }
            Some(Ok(false)) | None => {
                found.insert(target.clone());
                pass.retry(name, target, RetryReason::Unwritten);
                false
            }
        });
    }
    found
}

/// Reads the sources of orphans by name: whether each is still absent, or still carries the tag that asks for the removal.
async fn still_orphaned(
    context: &RouteContext<'_>,
    orphans: Vec<&Orphan>,
) -> BTreeMap<ParameterName, Result<bool, Cause>> {
    let existed: BTreeMap<ParameterName, bool> =
        orphans.iter().map(|one| (one.name.clone(), one.original.is_some())).collect();
    let names: Vec<ParameterName> = existed.keys().cloned().collect();
    let existing: Vec<ParameterName> =
        existed.iter().filter(|(_, existed)| **existed).map(|(name, _)| name.clone()).collect();
    let (versions, tags) = futures::join!(
        versions(context.session, context.source, &names),
        tags_of(context.session, context.source, &existing)
    );
    let is_orphaned = |name: &ParameterName, existed: bool| {
        if !existed {
            return Ok(versions.get(name).cloned().transpose()?.flatten().is_none());
        }
        let tags = tags.get(name).cloned().transpose()?.flatten();
        Ok(tags.is_some_and(|tags| wants_removal(&tags)))
    };
    existed
        .into_iter()
        .map(|(name, existed)| {
            let is_orphaned = is_orphaned(&name, existed);
            (name, is_orphaned)
        })
        .collect()
}

/// The result for one orphan.
enum RemovalResult {
    /// Deleted or released.
    Done(OutcomeKind),
    /// Kept with a new tombstone, due at this time.
    Tombstoned(Timestamp),
    /// Not to be removed any more.
    Unchanged(OutcomeKind),
    /// Kept with an earlier tombstone, due at this time.
    Waiting(Timestamp),
    /// The replica changed or no longer exists; the item needs another pass.
    Changed,
    /// A step that a plan shows.
    Planned(Box<Removal>),
    /// AWS or the guard refused the removal.
    Failed(Cause),
    /// The deadline left no time to begin.
    OutOfTime,
}

impl RemovalResult {
    fn is_change(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Tombstoned(_))
    }
}

/// The orphans of one target and their results.
struct RemovalsIn {
    target: Region,
    orphans: Vec<Orphan>,
    results: BTreeMap<ParameterName, RemovalResult>,
}

impl RemovalsIn {
    /// The deleted orphans that count against the allowance.
    fn counted_deletes(&self) -> u64 {
        let is_counted = |one: &&Orphan| {
            let deleted = matches!(
                self.results.get(&one.name),
                Some(RemovalResult::Done(OutcomeKind::Deleted))
            );
            one.disposal == Disposal::Delete && deleted
        };
        self.orphans.iter().filter(is_counted).count() as u64
    }
}

/// Removes orphans in one target, ten at a time: the evidence of ownership is read just before these ten are deleted.
async fn remove_in(
    context: &RouteContext<'_>,
    target: &Region,
    orphans: &[Orphan],
) -> BTreeMap<ParameterName, RemovalResult> {
    let executor = DeleteExecutor::of(context, target);
    let mut results = BTreeMap::new();
    for orphans in orphans.chunks(NAMES_PER_CALL) {
        if context.policy.deadline.is_stopped() {
            let names = orphans.iter().map(|one| one.name.clone());
            results.extend(names.map(|name| (name, RemovalResult::OutOfTime)));
            continue;
        }
        let by_name: BTreeMap<&ParameterName, &Orphan> =
            orphans.iter().map(|one| (&one.replica.parameter.name, one)).collect();
        let judge = |replica: &Observed| {
            let Some(orphan) = by_name.get(&replica.parameter.name) else {
                return Judgement::Keep(Err(RemovalResult::Changed));
            };
            match judge(context, target, orphan, replica) {
                Ok(removal) if removal.disposal.deletes() => Judgement::Delete,
                judged => Judgement::Keep(judged),
            }
        };
        let read = executor.reread(orphans.iter().map(|one| &one.replica)).await;
        let mut retags = Vec::new();
        for (name, result) in executor.delete_judged(read, &judge).await {
            let result = match result {
                DeleteResult::Deleted => RemovalResult::Done(OutcomeKind::Deleted),
                DeleteResult::Changed => RemovalResult::Changed,
                DeleteResult::Failed(cause) => RemovalResult::Failed(cause),
                DeleteResult::Kept(Err(result)) => result,
                DeleteResult::Kept(Ok(removal)) => {
                    retags.push((name, removal));
                    continue;
                }
            };
            results.insert(name, result);
        }
        let retags = retags.into_iter().map(|(name, removal)| async move {
            let result = tombstone_or_release(context, target, &name, removal).await;
            (name, result)
        });
        results.extend(in_parallel(retags).await);
    }
    results
}

/// Judges a replica as it is now: planner and guard must still agree to the removal, and the brake to its kind.
fn judge(
    context: &RouteContext<'_>,
    target: &Region,
    orphan: &Orphan,
    replica: &Observed,
) -> Result<Removal, RemovalResult> {
    let mut case = context.case(target, orphan.original.as_ref(), Some(replica), None);
    case.found_by = orphan.found_by;
    let mut removal = match decide(case, context.plan_policy(Parity::ByProvenance)) {
        Decision::Remove(removal) => removal,
        Decision::Leave(outcome) => return Err(RemovalResult::Unchanged(outcome)),
        Decision::Wait(due) => return Err(RemovalResult::Waiting(due)),
        Decision::Conflict(cause) => return Err(RemovalResult::Failed(cause)),
        _ => return Err(RemovalResult::Changed),
    };
    removal.disposal = match (orphan.disposal, removal.disposal) {
        (Disposal::Tombstone(over_allowance), Disposal::Delete) => {
            Disposal::Tombstone(over_allowance)
        }
        // No allowance was reserved for this delete.
        (Disposal::DeleteDue, Disposal::Delete) => return Err(RemovalResult::Changed),
        (allowed, now) if allowed.change() == now.change() => now,
        _ => return Err(RemovalResult::Changed),
    };
    let claim = (removal.disposal == Disposal::Release).then_some(Claim::Release);
    match context.judge_replica(target, removal.disposal.change(), replica, claim) {
        Ruling::Proceed => Ok(removal),
        Ruling::ReportOnly => Err(RemovalResult::Planned(Box::new(removal))),
        Ruling::Refused(cause) => Err(RemovalResult::Failed(cause)),
    }
}

/// Writes a tombstone, or releases an adopted replica.
async fn tombstone_or_release(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
    Removal { disposal, provenance, .. }: Removal,
) -> RemovalResult {
    let tagged = match disposal {
        Disposal::Tombstone(tombstone) => {
            let provenance = Provenance { gone: Some(tombstone), ..provenance };
            let set = Tags::from([(PROVENANCE_KEY.to_owned(), provenance.to_string())]);
            retag(&context.session.needing(Need::Tombstone), target, name, &set, &[]).await
        }
        Disposal::Release | Disposal::Delete | Disposal::DeleteDue => {
            mark_released(context.session, target, name).await
        }
    };
    match (tagged, disposal) {
        (Ok(Tagged::Yes), Disposal::Tombstone(Tombstone { due, .. })) => {
            RemovalResult::Tombstoned(due)
        }
        (Ok(Tagged::Yes), _) => RemovalResult::Done(disposal.change().done()),
        (Ok(Tagged::Gone), _) => RemovalResult::Changed,
        (Err(cause), _) => RemovalResult::Failed(cause),
    }
}

/// Reads the sources once more, for all targets together: a source that returned meanwhile needs its replica again.
async fn confirm(context: &RouteContext<'_>, removals: Vec<RemovalsIn>, pass: &mut PassResult) {
    let is_changed = |removals: &RemovalsIn, name: &ParameterName| {
        removals.results.get(name).is_some_and(RemovalResult::is_change)
    };
    let changed = removals
        .iter()
        .flat_map(|all| all.orphans.iter().filter(|one| is_changed(all, &one.name)))
        .collect();
    let still = still_orphaned(context, changed).await;
    for RemovalsIn { target, orphans, results } in removals {
        let by_name: BTreeMap<&ParameterName, &Orphan> =
            orphans.iter().map(|one| (&one.name, one)).collect();
        for (name, result) in results {
            let is_change = result.is_change();
            if is_change && !matches!(still.get(&name), Some(Ok(true))) {
                pass.retry(&name, &target, RetryReason::Moved);
            }
            let is_reported = is_change || matches!(result, RemovalResult::Planned(_));
            let orphan = by_name.get(&name).filter(|_| is_reported);
            let reported = orphan.and_then(|one| one.reported.clone());
            record_removal(context, &target, &name, (result, reported), pass);
        }
    }
}

fn record_removal(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
    (result, reported): (RemovalResult, Option<Cause>),
    pass: &mut PassResult,
) {
    let changed = |outcome: OutcomeKind, reported: Option<Cause>| match reported {
        Some(cause) => ItemResult::Reported { outcome, region: target.clone(), cause },
        None => ItemResult::Counted(outcome),
    };
    let result = match result {
        RemovalResult::Done(outcome) => changed(outcome, reported),
        RemovalResult::Tombstoned(due) => {
            let result = changed(OutcomeKind::Tombstoned, reported);
            pass.results.record(name, target, result);
            return pass.results.add_tombstone(name, target, due);
        }
        RemovalResult::Waiting(due) => {
            let result = ItemResult::Unchanged(OutcomeKind::Tombstoned);
            pass.results.record(name, target, result);
            return pass.results.add_tombstone(name, target, due);
        }
        RemovalResult::Unchanged(outcome) => ItemResult::Unchanged(outcome),
        RemovalResult::OutOfTime => ItemResult::Counted(OutcomeKind::Pending),
        RemovalResult::Changed => return pass.retry(name, target, RetryReason::Unwritten),
        RemovalResult::Planned(removal) => {
            let (change, because) = (removal.disposal.change(), vec![removal.because]);
            ItemResult::Planned { change, because, class: None, reported }
        }
        RemovalResult::Failed(cause) => {
            let account = context.session.account();
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), error_kind = %cause.kind, "{}", cause.message);
            ItemResult::Failed { region: target.clone(), cause }
        }
    };
    pass.results.record(name, target, result);
}
