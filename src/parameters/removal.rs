//! Deletes replicas whose sources are gone: only what is this route's by its tags as read now, and whose source two
//! reads by name, seconds apart, found absent; and never more than the brake allows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::apply::delete;
use super::endings::Ending;
use super::model::Observed;
use super::observe::{ByName, NAMES_PER_CALL, marked, tags_of, versions};
use super::plan::{Decision, Parity, decide};
use super::provenance::Provenance;
use super::run::{Candidate, Round, Run};
use crate::domain::{
    Cause, Change, FailureKind, Location, OutcomeKind, ParameterName, Region, Tags,
};
use crate::guard::{Proposal, Ruling};

/// The two reads that must find a source absent are so far apart.
const BETWEEN_READS: Duration = Duration::from_secs(2);

/// Removes the replicas of `candidates`, all of which were read without a source. `owned` counts each target's
/// replicas of this route, where a list told, and `deleted` those that an earlier round deleted.
pub(super) async fn remove(
    run: &Run<'_>,
    candidates: Vec<Candidate>,
    owned: Option<&BTreeMap<Region, usize>>,
    deleted: &BTreeMap<Region, usize>,
) -> Round {
    let mut round = Round::default();
    let mut doomed = orphans(run, candidates, &mut round);
    if doomed.is_empty() {
        return round;
    }
    still_absent(run, &mut doomed, &mut round).await;
    brake(run, &mut doomed, owned, deleted, &mut round).await;
    if run.rules.writing.allows() && doomed.values().any(|names| !names.is_empty()) {
        tokio::time::sleep(BETWEEN_READS).await;
        still_absent(run, &mut doomed, &mut round).await;
    }
    let deletes = doomed.iter().map(|(target, names)| delete_in(run, target, names));
    let removed = futures::future::join_all(deletes).await;
    confirm(run, removed, &mut round).await;
    round
}

type Doomed = BTreeMap<Region, Vec<Candidate>>;

/// What is to be deleted by what was read so far, by target; all else ends here.
fn orphans(run: &Run<'_>, candidates: Vec<Candidate>, round: &mut Round) -> Doomed {
    let mut doomed = Doomed::new();
    for candidate in candidates {
        for (target, replica) in &candidate.replicas {
            let name = &candidate.name;
            match decide(run.case(target, None, replica.as_ref()), run.policy(Parity::ByProvenance))
            {
                Decision::Delete if run.rules.delete_grace_days > 0 => {
                    let message =
                        "its source is gone; grace periods are not supported yet, so it is kept";
                    let remedy = "set REPLICATOR_DELETE_GRACE_DAYS to 0 to have it deleted, or delete it by hand";
                    let cause = Cause::new(FailureKind::Unsupported, message).mended_by(remedy);
                    round.endings.fail(name, target, target, cause);
                }
                Decision::Delete => {
                    doomed.entry(target.clone()).or_default().push(candidate.clone());
                }
                // By lists that may lag; what is read by name decides.
                Decision::Conflict(_) if !candidate.fresh => round.go_again(name, target, false),
                Decision::Conflict(cause) | Decision::Keep(cause) => {
                    round.endings.fail(name, target, target, cause);
                }
                Decision::Leave(outcome) => {
                    round.endings.end(name, target, Ending::Counted(outcome));
                }
                Decision::Nothing
                | Decision::InSync { .. }
                | Decision::Refuse(_)
                | Decision::Write(_)
                | Decision::Compare(_) => {}
            }
        }
    }
    doomed
}

/// Keeps what is still absent from the source as read by name; what is there goes round again.
async fn still_absent(run: &Run<'_>, doomed: &mut Doomed, round: &mut Round) {
    let names: BTreeSet<ParameterName> =
        doomed.values().flatten().map(|candidate| candidate.name.clone()).collect();
    let read = versions(run.session, run.source, &names.into_iter().collect::<Vec<_>>()).await;
    for (target, candidates) in doomed {
        candidates.retain(|candidate| match read.get(&candidate.name) {
            Some(Ok(None)) => true,
            Some(Err(cause)) => {
                round.endings.fail(&candidate.name, target, run.source, cause.clone());
                false
            }
            Some(Ok(Some(_))) | None => {
                round.go_again(&candidate.name, target, false);
                false
            }
        });
    }
}

/// Holds a target's deletes back when they are too many, all of them.
async fn brake(
    run: &Run<'_>,
    doomed: &mut Doomed,
    owned: Option<&BTreeMap<Region, usize>>,
    deleted: &BTreeMap<Region, usize>,
    round: &mut Round,
) {
    for (target, candidates) in doomed.iter_mut().filter(|(_, asked)| !asked.is_empty()) {
        let deleted = deleted.get(target).copied().unwrap_or_default();
        let asked = candidates.len() + deleted;
        let owned = match owned {
            Some(owned) => Ok(owned.get(target).copied().unwrap_or_default()),
            // Few enough whatever there is: not worth a list.
            None if asked <= run.rules.deletes_always_allowed() => Ok(asked),
            None => marked(run.session, target)
                .await
                .map(|tags| count_owned(&tags, run.source) + deleted),
        };
        let judged =
            owned.and_then(|owned| run.rules.judge_deletes(asked, owned, run.source, target));
        if let Err(cause) = judged {
            for candidate in candidates.drain(..) {
                round.endings.fail(&candidate.name, target, target, cause.clone());
            }
            if cause.kind == FailureKind::TooManyDeletes {
                round.endings.fail_region(target, cause);
            }
        }
    }
}

fn count_owned(tags: &BTreeMap<ParameterName, Tags>, source: &Region) -> usize {
    tags.values()
        .filter(|tags| Provenance::of(tags).is_some_and(|provenance| provenance.region == *source))
        .count()
}

/// What became of one delete.
enum Removed {
    Gone,
    Planned,
    NotOurs,
    Failed(Cause),
}

/// Deletes in one target, ten at a time: what proves that they are ours is read just before, for those ten.
async fn delete_in<'a>(
    run: &Run<'_>,
    target: &'a Region,
    candidates: &[Candidate],
) -> (&'a Region, BTreeMap<ParameterName, Removed>) {
    let mut removed = BTreeMap::new();
    let replicas: Vec<&Observed> = candidates
        .iter()
        .filter_map(|candidate| candidate.replicas.get(target)?.as_ref())
        .collect();
    for replicas in replicas.chunks(NAMES_PER_CALL) {
        let go = proved(run, target, replicas, &mut removed).await;
        if go.is_empty() {
            continue;
        }
        let deleted = delete(run.session, target, &go).await;
        for name in go {
            let account = run.session.account();
            let outcome = match &deleted {
                Ok(()) => {
                    let location = Location { account: account.clone(), region: target.clone() };
                    run.recent.remember(location, name.clone(), run.session.now());
                    tracing::info!(%account, region = %target, kind = "parameter", name = name.as_str(), change = "delete", "deleted");
                    Removed::Gone
                }
                Err(cause) => Removed::Failed(cause.clone()),
            };
            removed.insert(name, outcome);
        }
    }
    (target, removed)
}

/// Those of `replicas`, by name, that their tags as read now say are ours and that the guard lets go; the others end in
/// `removed`.
async fn proved(
    run: &Run<'_>,
    target: &Region,
    replicas: &[&Observed],
    removed: &mut BTreeMap<ParameterName, Removed>,
) -> Vec<ParameterName> {
    // Names as the target spells them.
    let names: Vec<ParameterName> =
        replicas.iter().map(|replica| replica.parameter.name.clone()).collect();
    let tags: ByName<Tags> = if run.rules.writing.allows() {
        tags_of(run.session, target, &names).await
    } else {
        ByName::new()
    };
    let mut go = Vec::new();
    for (name, replica) in names.into_iter().zip(replicas) {
        let mut replica = (*replica).clone();
        match tags.get(&name) {
            // A plan tells what the tags that were read so far say.
            None => {}
            Some(Ok(Some(tags))) => replica.tags.clone_from(tags),
            Some(Ok(None)) => {
                removed.insert(name, Removed::Gone);
                continue;
            }
            Some(Err(cause)) => {
                removed.insert(name, Removed::Failed(cause.clone()));
                continue;
            }
        }
        let case = run.case(target, None, Some(&replica));
        let ended = match decide(case, run.policy(Parity::ByProvenance)) {
            Decision::Delete => {
                let change = Change::Delete;
                let proposal =
                    Proposal { source: run.source, target, change, vacant: false, ours: true };
                match run.rules.judge(&proposal) {
                    Ruling::Go => {
                        go.push(name);
                        continue;
                    }
                    Ruling::TellOnly => Removed::Planned,
                    Ruling::Held(cause) => Removed::Failed(cause),
                }
            }
            Decision::Keep(cause) => Removed::Failed(cause),
            _ => Removed::NotOurs,
        };
        removed.insert(name, ended);
    }
    go
}

/// Reads the sources once more, for all targets together: one that came back meanwhile is to have its replica again.
async fn confirm(
    run: &Run<'_>,
    removed: Vec<(&Region, BTreeMap<ParameterName, Removed>)>,
    round: &mut Round,
) {
    let gone: BTreeSet<ParameterName> = removed
        .iter()
        .flat_map(|(_, removed)| removed)
        .filter(|(_, removed)| matches!(removed, Removed::Gone))
        .map(|(name, _)| name.clone())
        .collect();
    let gone: Vec<ParameterName> = gone.into_iter().collect();
    let sources = versions(run.session, run.source, &gone).await;
    for (target, removed) in removed {
        for (name, removed) in removed {
            if matches!(removed, Removed::Gone) && !matches!(sources.get(&name), Some(Ok(None))) {
                round.go_again(&name, target, true);
            }
            end(run, target, &name, removed, round);
        }
    }
}

fn end(run: &Run<'_>, target: &Region, name: &ParameterName, removed: Removed, round: &mut Round) {
    match removed {
        Removed::Gone => {
            round.endings.end(name, target, Ending::Counted(OutcomeKind::Deleted));
        }
        Removed::Planned => {
            let ending = Ending::Planned { change: Change::Delete, because: vec!["source_gone"] };
            round.endings.end(name, target, ending);
        }
        Removed::NotOurs => {
            let message = "its source is gone, but its tags no longer say that it is this route's replica: it was kept";
            let cause = Cause::new(FailureKind::Conflict, message);
            round.endings.fail(name, target, target, cause);
        }
        Removed::Failed(cause) => {
            let account = run.session.account();
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), change = "delete", error_kind = %cause.kind, "{}", cause.message);
            round.endings.fail(name, target, target, cause);
        }
    }
}
