//! Takes away replicas whose sources are gone, or do not want them: only what is this route's by its tags as read now,
//! and whose source two reads by name, seconds apart, found so; and never more than the brake allows.
//!
//! A replica is deleted, or kept for a while with a tombstone in its provenance, or let go if it was adopted.

use std::collections::BTreeMap;
use std::time::Duration;

use super::endings::Ending;
use super::histories::read_where_needed;
use super::model::Observed;
use super::plan::{Decision, Parity, Removal, Way, decide, wants_removal};
use super::release::take_off;
use super::run::{Candidate, GoAgain, Round, Run};
use super::store::{ByName, NAMES_PER_CALL, marked, tags_of, versions};
use super::store::{Tagged, delete, retag};
use crate::aws::at_once;
use crate::domain::{
    Cause, FailureKind, OutcomeKind, PROVENANCE_KEY, ParameterName, Region, Tags, Timestamp,
};
use crate::guard::{Claim, Held, Proposal, Ruling};
use crate::ownership::{FoundBy, Provenance, Tombstone};

/// The two reads that must find a source absent are so far apart.
const BETWEEN_READS: Duration = Duration::from_secs(2);
/// What the brake holds back of events' deletes is kept so long at least, so that a person has time to look.
const HELD_BACK: Duration = Duration::from_hours(7 * 24);

/// A replica that is not to be there, by what was read so far.
#[derive(Clone, Debug)]
struct Unwanted {
    name: ParameterName,
    original: Option<Observed>,
    replica: Observed,
    way: Way,
}

type ByTarget = BTreeMap<Region, Vec<Unwanted>>;

/// Removes those of the candidates' replicas that are not to be there. `owned` counts each target's replicas of this
/// route, where a list told, and `deleted` those that an earlier round deleted.
pub(super) async fn remove(
    run: &Run<'_>,
    mut candidates: Vec<Candidate>,
    owned: Option<&BTreeMap<Region, usize>>,
    deleted: &BTreeMap<Region, usize>,
) -> Round {
    let mut round = Round::default();
    read_where_needed(run, &mut candidates, &mut round).await;
    let mut unwanted = unwanted(run, candidates, &mut round);
    if unwanted.is_empty() {
        return round;
    }
    keep_unwanted(run, &mut unwanted, &mut round).await;
    let held = brake(run, &mut unwanted, owned, deleted, &mut round).await;
    if run.rules.writing.allows() && unwanted.values().any(|replicas| !replicas.is_empty()) {
        tokio::time::sleep(BETWEEN_READS).await;
        keep_unwanted(run, &mut unwanted, &mut round).await;
    }
    let removals = unwanted.iter().map(|(target, replicas)| {
        let held = held.get(target).copied();
        remove_in(run, target, replicas, held)
    });
    let removed = futures::future::join_all(removals).await;
    confirm(run, &unwanted, removed, &mut round).await;
    round
}

/// What is to be removed by what was read so far, by target; all else ends here.
fn unwanted(run: &Run<'_>, candidates: Vec<Candidate>, round: &mut Round) -> ByTarget {
    let mut unwanted = ByTarget::new();
    for Candidate { name, original, replicas, fresh, .. } in candidates {
        for (target, replica) in replicas {
            let case = run.case(&target, original.as_ref(), replica.as_ref(), None);
            let decision = decide(case, run.policy(Parity::ByProvenance));
            if matches!(decision, Decision::Conflict(_)) && !fresh {
                // By lists that may lag; what is read by name decides.
                round.go_again(&name, &target, GoAgain::Unwritten);
                continue;
            }
            if let Some(Decision::Remove(Removal { way, .. })) =
                run.ended(&name, &target, decision, &mut round.endings)
                && let Some(replica) = replica
            {
                let (name, original) = (name.clone(), original.clone());
                let removal = Unwanted { name, original, replica, way };
                unwanted.entry(target).or_default().push(removal);
            }
        }
    }
    unwanted
}

/// Keeps what its source, as read by name, still does not want there; the others go round again.
async fn keep_unwanted(run: &Run<'_>, unwanted: &mut ByTarget, round: &mut Round) {
    let still = still_unwanted(run, unwanted.values().flatten().collect()).await;
    for (target, replicas) in unwanted {
        replicas.retain(|Unwanted { name, .. }| match still.get(name) {
            Some(Ok(true)) => true,
            Some(Err(cause)) => {
                round.endings.fail(name, target, run.source, cause.clone());
                false
            }
            Some(Ok(false)) | None => {
                round.go_again(name, target, GoAgain::Unwritten);
                false
            }
        });
    }
}

/// Whether sources stand, as read by name, as they did when their replicas were found unwanted: absent, or there and
/// with the tag that asks for the removal.
async fn still_unwanted(
    run: &Run<'_>,
    unwanted: Vec<&Unwanted>,
) -> BTreeMap<ParameterName, Result<bool, Cause>> {
    let was_there: BTreeMap<ParameterName, bool> =
        unwanted.iter().map(|one| (one.name.clone(), one.original.is_some())).collect();
    let names: Vec<ParameterName> = was_there.keys().cloned().collect();
    let there: Vec<ParameterName> =
        was_there.iter().filter(|(_, there)| **there).map(|(name, _)| name.clone()).collect();
    let (versions, tags) = futures::join!(
        versions(run.session, run.source, &names),
        tags_of(run.session, run.source, &there)
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

/// Holds a target's deletes back when they are too many, all of them: a sweep leaves them, and finds them again. In the
/// place of those that events ask for tombstones are written; until when, is told by target.
async fn brake(
    run: &Run<'_>,
    unwanted: &mut ByTarget,
    owned: Option<&BTreeMap<Region, usize>>,
    deleted: &BTreeMap<Region, usize>,
    round: &mut Round,
) -> BTreeMap<Region, Timestamp> {
    let mut held = BTreeMap::new();
    for (target, replicas) in unwanted {
        let asked = replicas.iter().filter(|one| one.way == Way::Delete).count();
        if asked == 0 {
            continue;
        }
        let deleted = deleted.get(target).copied().unwrap_or_default();
        let asked = asked + deleted;
        let counted = match owned {
            Some(owned) => Ok(owned.get(target).copied().unwrap_or_default()),
            // Few enough whatever there is: not worth a list.
            None if asked <= run.rules.deletes_always_allowed() => Ok(asked),
            None => marked(run.session, target)
                .await
                .map(|tags| count_owned(&tags, run.source) + deleted),
        };
        let judged =
            counted.and_then(|counted| run.rules.judge_deletes(asked, counted, run.source, target));
        let Err(mut cause) = judged else { continue };
        if cause.kind == FailureKind::TooManyDeletes && run.rules.from_events {
            let until = run.rules.keep_for(HELD_BACK, run.session.now());
            cause = kept_until(&cause, until);
            held.insert(target.clone(), until);
        } else {
            replicas.retain(|Unwanted { name, way, .. }| {
                let stays = *way != Way::Delete;
                if !stays {
                    round.endings.fail(name, target, target, cause.clone());
                }
                stays
            });
        }
        if cause.kind == FailureKind::TooManyDeletes {
            round.endings.fail_region(target, cause);
        }
    }
    held
}

fn kept_until(cause: &Cause, until: Timestamp) -> Cause {
    let message = format!("{}, with tombstones until {until}", cause.message);
    Cause::new(cause.kind, message).mended_by(
        "if the deletions are meant, do nothing: sweeps delete what is due, within REPLICATOR_MAX_DELETES; if not, restore the sources, which undoes the tombstones",
    )
}

fn count_owned(tags: &BTreeMap<ParameterName, Tags>, source: &Region) -> usize {
    tags.values()
        .filter(|tags| Provenance::of(tags).is_some_and(|provenance| provenance.region == *source))
        .count()
}

/// What became of one replica.
enum Removed {
    /// It went.
    Done(OutcomeKind),
    /// It stands as it should, and counts as this.
    Left(OutcomeKind),
    /// It is gone, or another by now: it goes round again.
    Vanished,
    /// It would go, in this way and for this reason.
    Planned(Removal),
    /// It stays, since AWS or the guard refused.
    Failed(Cause),
    /// It was not begun.
    Late,
}

type Ended = BTreeMap<ParameterName, Removed>;

/// Removes in one target, ten at a time: what proves that they are ours is read just before, for those ten.
async fn remove_in(
    run: &Run<'_>,
    target: &Region,
    unwanted: &[Unwanted],
    held: Option<Timestamp>,
) -> Ended {
    let mut ended = Ended::new();
    for unwanted in unwanted.chunks(NAMES_PER_CALL) {
        if run.rules.deadline.is_stopped() {
            ended.extend(unwanted.iter().map(|one| (one.name.clone(), Removed::Late)));
            continue;
        }
        let go = proved(run, target, unwanted, held, &mut ended).await;
        let (deletes, retags): (Vec<_>, Vec<_>) =
            go.into_iter().partition(|(_, removal)| removal.way == Way::Delete);
        let deletes: Vec<ParameterName> = deletes.into_iter().map(|(name, _)| name).collect();
        if !deletes.is_empty() {
            let deleted = delete(run.session, target, &deletes).await;
            for name in deletes {
                let outcome = match &deleted {
                    Ok(()) => {
                        run.recent.remember(
                            run.session.location(target),
                            name.clone(),
                            run.session.now(),
                        );
                        Removed::Done(OutcomeKind::Deleted)
                    }
                    Err(cause) => Removed::Failed(cause.clone()),
                };
                ended.insert(name, outcome);
            }
        }
        let retags = retags.into_iter().map(|(name, removal)| async move {
            let outcome = keep(run, target, &name, removal).await;
            (name, outcome)
        });
        ended.extend(at_once(retags).await);
    }
    ended
}

/// Writes the tombstone of a replica that is kept for a while, or lets one go that was adopted.
async fn keep(
    run: &Run<'_>,
    target: &Region,
    name: &ParameterName,
    Removal { way, provenance, .. }: Removal,
) -> Removed {
    let tagged = match way {
        Way::Tombstone(until) => {
            let provenance = Provenance {
                gone: Some(Tombstone { due: until, by: FoundBy::List }),
                ..provenance
            };
            let set = Tags::from([(PROVENANCE_KEY.to_owned(), provenance.to_string())]);
            retag(run.session, target, name, &set, &[]).await
        }
        Way::Release | Way::Delete => take_off(run.session, target, name).await,
    };
    match tagged {
        Ok(Tagged::Yes) => Removed::Done(way.change().done()),
        Ok(Tagged::Gone) => Removed::Vanished,
        Err(cause) => Removed::Failed(cause),
    }
}

/// Those of the unwanted that are owned by what is read of them now by name, and that the guard lets go; the others end.
async fn proved(
    run: &Run<'_>,
    target: &Region,
    unwanted: &[Unwanted],
    held: Option<Timestamp>,
    ended: &mut Ended,
) -> Vec<(ParameterName, Removal)> {
    // Names as the target spells them.
    let names: Vec<ParameterName> =
        unwanted.iter().map(|one| one.replica.parameter.name.clone()).collect();
    let (tags, present) = if run.rules.writing.allows() {
        futures::join!(tags_of(run.session, target, &names), versions(run.session, target, &names))
    } else {
        (ByName::new(), ByName::new())
    };
    let mut go = Vec::new();
    for (name, Unwanted { original, replica, .. }) in names.into_iter().zip(unwanted) {
        let mut replica = replica.clone();
        match present.get(&name) {
            // A plan goes by what was read so far.
            None => {}
            Some(Ok(Some(version))) if *version == replica.parameter.version() => {}
            Some(Ok(_)) => {
                ended.insert(name, Removed::Vanished);
                continue;
            }
            Some(Err(cause)) => {
                ended.insert(name, Removed::Failed(cause.clone()));
                continue;
            }
        }
        match tags.get(&name) {
            None => {}
            Some(Ok(Some(tags))) => replica.tags.clone_from(tags),
            Some(Ok(None)) => {
                ended.insert(name, Removed::Vanished);
                continue;
            }
            Some(Err(cause)) => {
                ended.insert(name, Removed::Failed(cause.clone()));
                continue;
            }
        }
        let case = run.case(target, original.as_ref(), Some(&replica), None);
        let outcome = match decide(case, run.policy(Parity::ByProvenance)) {
            Decision::Remove(mut removal) => {
                if let (Way::Delete, Some(until)) = (removal.way, held) {
                    removal.way = Way::Tombstone(until);
                }
                let proposal = Proposal {
                    source: run.source,
                    target,
                    change: removal.way.change(),
                    held: Held::Parameter(replica.evidence(run.session.account(), target)),
                    claim: (removal.way == Way::Release).then_some(Claim::Release),
                };
                match run.rules.judge(&proposal, run.session.now()) {
                    Ruling::Go => {
                        go.push((name, removal));
                        continue;
                    }
                    Ruling::TellOnly => Removed::Planned(removal),
                    Ruling::Held(cause) => Removed::Failed(cause),
                }
            }
            Decision::Leave(outcome) => Removed::Left(outcome),
            Decision::Conflict(cause) => Removed::Failed(cause),
            // Its tags say something else by now.
            _ => Removed::Vanished,
        };
        ended.insert(name, outcome);
    }
    go
}

/// Reads the sources once more, for all targets together: one that came back meanwhile is to have its replica again.
async fn confirm(run: &Run<'_>, unwanted: &ByTarget, removed: Vec<Ended>, round: &mut Round) {
    let done = |ended: &Ended, name| matches!(ended.get(name), Some(Removed::Done(_)));
    let gone = unwanted
        .values()
        .zip(&removed)
        .flat_map(|(replicas, ended)| replicas.iter().filter(|one| done(ended, &one.name)))
        .collect();
    let still = still_unwanted(run, gone).await;
    for (target, ended) in unwanted.keys().zip(removed) {
        for (name, removed) in ended {
            if matches!(removed, Removed::Done(_)) && !matches!(still.get(&name), Some(Ok(true))) {
                round.go_again(&name, target, GoAgain::Moved);
            }
            end(run, target, &name, removed, round);
        }
    }
}

fn end(run: &Run<'_>, target: &Region, name: &ParameterName, removed: Removed, round: &mut Round) {
    let account = run.session.account();
    match removed {
        Removed::Done(outcome) => {
            tracing::info!(%account, region = %target, kind = "parameter", name = name.as_str(), outcome = outcome.word(), "removed");
            round.endings.end(name, target, Ending::Counted(outcome));
        }
        Removed::Left(outcome) => round.endings.end(name, target, Ending::Left(outcome)),
        Removed::Late => {
            round.endings.end(name, target, Ending::Counted(OutcomeKind::Pending));
        }
        Removed::Vanished => round.go_again(name, target, GoAgain::Unwritten),
        Removed::Planned(Removal { way, because, .. }) => {
            let (change, because) = (way.change(), vec![because]);
            let ending = Ending::Planned { change, because, class: None };
            round.endings.end(name, target, ending);
        }
        Removed::Failed(cause) => {
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), error_kind = %cause.kind, "{}", cause.message);
            round.endings.fail(name, target, target, cause);
        }
    }
}
