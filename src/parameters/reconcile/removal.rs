//! Takes away replicas whose sources are gone, or do not want them: only what is this route's by its tags as read now,
//! and whose source two reads by name, seconds apart, found so; and never more than the brake allows.
//!
//! A replica is deleted, or kept for a while with a tombstone in its provenance, or let go if it was adopted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::absence::Absent;
use super::brake::{ListedByTarget, allow, give_back, hold_mass_absence};
use super::delete::{Deleted, Executor, Now};
use super::histories::read_where_needed;
use super::orphans::{ByTarget, Orphan, orphans};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, OutcomeKind, PROVENANCE_KEY, ParameterName, Region, Tags, Timestamp};
use crate::guard::{Claim, Occupant, Proposal, Ruling};
use crate::ownership::{Provenance, Tombstone};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, Disposal, Parity, Removal, decide, wants_removal};
use crate::parameters::results::{ItemResult, PassResult, RetryReason};
use crate::parameters::store::{NAMES_PER_CALL, Tagged, mark_released, retag, tags_of, versions};

/// The two reads that must find a source absent are so far apart.
const BETWEEN_READS: Duration = Duration::from_secs(2);

/// Removes those of the candidates' replicas that are not to be there. In a sweep, `listed` says what the lists show,
/// and what is gone without a witness is only noted: see [`super::absence`].
pub(super) async fn remove(
    context: &RouteContext<'_>,
    mut candidates: Vec<Candidate>,
    listed: Option<&ListedByTarget>,
) -> (PassResult, Absent) {
    let mut pass = PassResult::default();
    read_where_needed(context, &mut candidates, &mut pass).await;
    let mut orphans = orphans(context, candidates, &mut pass);
    let mut absent = Absent::default();
    if orphans.is_empty() {
        return (pass, absent);
    }
    let found = keep_orphans(context, &mut orphans, &mut pass).await;
    if let Some(listed) = listed {
        if hold_mass_absence(context, &mut orphans, (listed, &found), &mut pass) {
            absent.lost_everything();
        }
        let mut unwitnessed = ByTarget::new();
        for (target, replicas) in &mut orphans {
            let noted = replicas.extract_if(.., |one| one.is_unwitnessed()).collect();
            unwitnessed.insert(target.clone(), noted);
        }
        absent.add(context.source, unwitnessed, listed.clone());
    }
    take_away(context, orphans, listed, &mut pass).await;
    (pass, absent)
}

/// Takes away what one read by name found unwanted, after a second one.
pub(super) async fn take_away(
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
    let removals = orphans.iter().map(|(target, replicas)| remove_in(context, target, replicas));
    let removed = futures::future::join_all(removals).await;
    if context.policy.writing.allows() {
        let deleted: BTreeMap<&Region, u64> =
            orphans.iter().zip(&removed).map(|((t, all), ended)| (t, taken(all, ended))).collect();
        give_back(context, &granted, |target| deleted.get(target).copied().unwrap_or_default());
    }
    confirm(context, &orphans, removed, pass).await;
}

/// How many of those that the allowance was asked for were deleted.
fn taken(orphans: &[Orphan], ended: &Ended) -> u64 {
    let deleted = |one: &&Orphan| {
        let done = ended.get(&one.name);
        one.disposal == Disposal::Delete
            && matches!(done, Some(Removed::Done(OutcomeKind::Deleted)))
    };
    orphans.iter().filter(deleted).count() as u64
}

/// Keeps what its source, as read by name, still does not want there; the others go round again. Says in which targets
/// some of these sources were found after all.
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

/// Whether sources stand, as read by name, as they did when their replicas were found unwanted: absent, or there and
/// with the tag that asks for the removal.
async fn still_orphaned(
    context: &RouteContext<'_>,
    orphans: Vec<&Orphan>,
) -> BTreeMap<ParameterName, Result<bool, Cause>> {
    let was_there: BTreeMap<ParameterName, bool> =
        orphans.iter().map(|one| (one.name.clone(), one.original.is_some())).collect();
    let names: Vec<ParameterName> = was_there.keys().cloned().collect();
    let there: Vec<ParameterName> =
        was_there.iter().filter(|(_, there)| **there).map(|(name, _)| name.clone()).collect();
    let (versions, tags) = futures::join!(
        versions(context.session, context.source, &names),
        tags_of(context.session, context.source, &there)
    );
    let stands = |name: &ParameterName, was_there: bool| {
        if !was_there {
            return Ok(versions.get(name).cloned().transpose()?.flatten().is_none());
        }
        let tags = tags.get(name).cloned().transpose()?.flatten();
        Ok(tags.is_some_and(|tags| wants_removal(&tags)))
    };
    was_there
        .into_iter()
        .map(|(name, was_there)| {
            let stands = stands(&name, was_there);
            (name, stands)
        })
        .collect()
}

/// What became of one replica.
enum Removed {
    /// It went.
    Done(OutcomeKind),
    /// It has got a tombstone, which is due then.
    Kept(Timestamp),
    /// It stands as it should, and counts as this.
    Left(OutcomeKind),
    /// It has a tombstone, which is due then.
    Waits(Timestamp),
    /// It is gone, or another by now: it goes round again.
    Vanished,
    /// It would go, in this way and for this reason.
    Planned(Box<Removal>),
    /// It stays, since AWS or the guard refused.
    Failed(Cause),
    /// It was not begun.
    Late,
}

type Ended = BTreeMap<ParameterName, Removed>;

/// Removes in one target, ten at a time: what proves that they are ours is read just before, for those ten.
async fn remove_in(context: &RouteContext<'_>, target: &Region, orphans: &[Orphan]) -> Ended {
    let executor = Executor { session: context.session, recent: context.recent, target };
    let mut ended = Ended::new();
    for orphans in orphans.chunks(NAMES_PER_CALL) {
        if context.policy.deadline.is_stopped() {
            ended.extend(orphans.iter().map(|one| (one.name.clone(), Removed::Late)));
            continue;
        }
        let by_name: BTreeMap<&ParameterName, &Orphan> =
            orphans.iter().map(|one| (&one.replica.parameter.name, one)).collect();
        let judged = |replica: &Observed| match by_name.get(&replica.parameter.name) {
            Some(one) => judge(context, target, one, replica),
            None => Err(Removed::Vanished),
        };
        let (mut deletes, mut retags) = (Vec::new(), Vec::new());
        for (name, now) in evidence(context, &executor, orphans).await {
            match now.and_then(|replica| judged(&replica).map(|removal| (replica, removal))) {
                Ok((replica, removal)) if removal.disposal.deletes() => {
                    deletes.push(replica);
                }
                Ok((_, removal)) => retags.push((name, removal)),
                Err(removed) => drop(ended.insert(name, removed)),
            }
        }
        let may_go =
            |replica: &Observed| judged(replica).is_ok_and(|removal| removal.disposal.deletes());
        for (name, deleted) in executor.delete(deletes, &may_go).await {
            let removed = match deleted {
                Deleted::Done => Removed::Done(OutcomeKind::Deleted),
                Deleted::Changed => Removed::Vanished,
                Deleted::Failed(cause) => Removed::Failed(cause),
            };
            ended.insert(name, removed);
        }
        let retags = retags.into_iter().map(|(name, removal)| async move {
            let outcome = keep(context, target, &name, removal).await;
            (name, outcome)
        });
        ended.extend(in_parallel(retags).await);
    }
    ended
}

/// What stands there now of these, by name as the target spells it; a plan goes by what was read so far.
async fn evidence(
    context: &RouteContext<'_>,
    executor: &Executor<'_>,
    orphans: &[Orphan],
) -> Vec<(ParameterName, Result<Observed, Removed>)> {
    let held: Vec<Observed> = orphans.iter().map(|one| one.replica.clone()).collect();
    let names = orphans.iter().map(|one| one.replica.parameter.name.clone());
    if !context.policy.writing.allows() {
        return names.zip(held.into_iter().map(Ok)).collect();
    }
    let now = executor.evidence_now(&held).await.into_iter().map(|now| match now {
        Now::Stands(replica) => Ok(replica),
        Now::Changed => Err(Removed::Vanished),
        Now::Unread(cause) => Err(Removed::Failed(cause)),
    });
    names.zip(now).collect()
}

/// How `replica`, as it stands now, goes, if plan and guard still say that it does, and in the way that the brake allowed.
fn judge(
    context: &RouteContext<'_>,
    target: &Region,
    orphans: &Orphan,
    replica: &Observed,
) -> Result<Removal, Removed> {
    let mut case = context.case(target, orphans.original.as_ref(), Some(replica), None);
    case.found_by = orphans.found_by;
    let mut removal = match decide(case, context.plan_policy(Parity::ByProvenance)) {
        Decision::Remove(removal) => removal,
        Decision::Leave(outcome) => return Err(Removed::Left(outcome)),
        Decision::Wait(due) => return Err(Removed::Waits(due)),
        Decision::Conflict(cause) => return Err(Removed::Failed(cause)),
        // Its tags say something else by now.
        _ => return Err(Removed::Vanished),
    };
    removal.disposal = match (orphans.disposal, removal.disposal) {
        (Disposal::Tombstone(beyond_allowance), Disposal::Delete) => {
            Disposal::Tombstone(beyond_allowance)
        }
        // Nothing was reserved for it.
        (Disposal::DeleteDue, Disposal::Delete) => return Err(Removed::Vanished),
        (allowed, now) if allowed.change() == now.change() => now,
        _ => return Err(Removed::Vanished),
    };
    let proposal = Proposal {
        source: context.source,
        target,
        change: removal.disposal.change(),
        occupant: Occupant::Parameter(replica.evidence(context.session.account(), target)),
        claim: (removal.disposal == Disposal::Release).then_some(Claim::Release),
    };
    match context.policy.judge(&proposal, context.session.now()) {
        Ruling::Proceed => Ok(removal),
        Ruling::ReportOnly => Err(Removed::Planned(Box::new(removal))),
        Ruling::Refused(cause) => Err(Removed::Failed(cause)),
    }
}

/// Writes the tombstone of a replica that is kept for a while, or lets one go that was adopted.
async fn keep(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
    Removal { disposal, provenance, .. }: Removal,
) -> Removed {
    let tagged = match disposal {
        Disposal::Tombstone(tombstone) => {
            let provenance = Provenance { gone: Some(tombstone), ..provenance };
            let set = Tags::from([(PROVENANCE_KEY.to_owned(), provenance.to_string())]);
            retag(context.session, target, name, &set, &[]).await
        }
        Disposal::Release | Disposal::Delete | Disposal::DeleteDue => {
            mark_released(context.session, target, name).await
        }
    };
    match (tagged, disposal) {
        (Ok(Tagged::Yes), Disposal::Tombstone(Tombstone { due, .. })) => Removed::Kept(due),
        (Ok(Tagged::Yes), _) => Removed::Done(disposal.change().done()),
        (Ok(Tagged::Gone), _) => Removed::Vanished,
        (Err(cause), _) => Removed::Failed(cause),
    }
}

/// Reads the sources once more, for all targets together: one that came back meanwhile is to have its replica again.
async fn confirm(
    context: &RouteContext<'_>,
    orphans: &ByTarget,
    removed: Vec<Ended>,
    pass: &mut PassResult,
) {
    let is_done = |removed: &Removed| matches!(removed, Removed::Done(_) | Removed::Kept(_));
    let done = |ended: &Ended, name| ended.get(name).is_some_and(is_done);
    let gone = orphans
        .values()
        .zip(&removed)
        .flat_map(|(replicas, ended)| replicas.iter().filter(|one| done(ended, &one.name)))
        .collect();
    let still = still_orphaned(context, gone).await;
    for ((target, replicas), ended) in orphans.iter().zip(removed) {
        let by_name: BTreeMap<&ParameterName, &Orphan> =
            replicas.iter().map(|one| (&one.name, one)).collect();
        for (name, removed) in ended {
            let is_done = is_done(&removed);
            if is_done && !matches!(still.get(&name), Some(Ok(true))) {
                pass.retry(&name, target, RetryReason::Moved);
            }
            let one =
                by_name.get(&name).filter(|_| is_done || matches!(removed, Removed::Planned(_)));
            let reported = one.and_then(|one| one.reported.clone());
            end(context, target, &name, (removed, reported), pass);
        }
    }
}

fn end(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
    (removed, reported): (Removed, Option<Cause>),
    pass: &mut PassResult,
) {
    let account = context.session.account();
    let done = |outcome: OutcomeKind, reported: Option<Cause>, pass: &mut PassResult| {
        let region = target.clone();
        let result = match reported {
            Some(cause) => ItemResult::Reported { outcome, region, cause },
            None => ItemResult::Counted(outcome),
        };
        pass.results.end(name, target, result);
    };
    match removed {
        Removed::Done(outcome) => done(outcome, reported, pass),
        Removed::Kept(due) => {
            done(OutcomeKind::Tombstoned, reported, pass);
            pass.results.wait(name, target, due);
        }
        Removed::Waits(due) => {
            pass.results.end(name, target, ItemResult::Left(OutcomeKind::Tombstoned));
            pass.results.wait(name, target, due);
        }
        Removed::Left(outcome) => pass.results.end(name, target, ItemResult::Left(outcome)),
        Removed::Late => {
            pass.results.end(name, target, ItemResult::Counted(OutcomeKind::Pending));
        }
        Removed::Vanished => pass.retry(name, target, RetryReason::Unwritten),
        Removed::Planned(removal) => {
            let (change, because) = (removal.disposal.change(), vec![removal.because]);
            let result = ItemResult::Planned { change, because, class: None, reported };
            pass.results.end(name, target, result);
        }
        Removed::Failed(cause) => {
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), error_kind = %cause.kind, "{}", cause.message);
            pass.results.fail(name, target, target, cause);
        }
    }
}
