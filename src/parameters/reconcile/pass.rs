//! One round over a chunk of items: decide on fresh tags, read values, write, and read the source again.

use std::collections::{BTreeMap, BTreeSet};

use super::confirm::{confirm, stand_as_decided};
use super::execute::write;
use super::histories::read_where_needed;
use super::recreate::never_recreated;
use super::sequence::not_begun;
use super::verify::{read_back, write_provenance};
use crate::domain::{
    Cause, Change, ConflictClass, OutcomeKind, ParameterName, Reason, Region, Tags,
};
use crate::guard::{Claim, Proposal, Ruling};
use crate::ownership::{Ownership, restored};
use crate::parameters::attempt::{Values, Wanted, WriteAttempt, WriteState};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::{RouteContext, left_out, tier_stays};
use crate::parameters::labels;
use crate::parameters::model::{Observed, Parameter};
use crate::parameters::plan::{Decision, Parity, PlannedWrite, decide, not_adopted};
use crate::parameters::results::{ItemResult, PassResult, RetryReason};
use crate::parameters::store::{ByName, Valued, by_name_knowing, tags_of, values, versions};
use crate::parameters::value_override::{ValueOverride, value_override};

/// Makes the replicas of `candidates`, all of which have a source, equal to it.
pub(super) async fn reconcile_chunk(
    context: &RouteContext<'_>,
    mut candidates: Vec<Candidate>,
) -> PassResult {
    let mut pass = PassResult::default();
    let listed = listed(&candidates);
    freshen(context, &mut candidates, &mut pass).await;
    read_referenced(context, &mut candidates, &mut pass).await;
    read_where_needed(context, &mut candidates, &mut pass).await;
    let mut attempts = decided(context, &candidates, &listed, &mut pass);
    let source_values = source_values(context, &mut attempts, &mut pass).await;
    compare(context, &mut attempts, &source_values, &mut pass).await;
    let mut attempts = judged(context, attempts, &mut pass);
    let sources = labels::sources(context, &mut attempts, &mut pass).await;
    stand_as_decided(context, &mut attempts, &mut pass).await;
    let state = write(context, &attempts, &source_values, &sources).await;
    let read = read_back(context, &attempts, state, &source_values).await;
    let labelled = labels::label(context, &attempts, read, &sources).await;
    let (labelled, lacks): (Vec<WriteState>, Vec<Option<Cause>>) = labelled.into_iter().unzip();
    let mut outcomes = write_provenance(context, &attempts, labelled).await;
    confirm(context, &attempts, &mut outcomes).await;
    for ((attempt, state), lacks) in attempts.iter().zip(outcomes).zip(lacks) {
        match state {
            WriteState::Done(outcome) | WriteState::Created(outcome) => {
                let result = match lacks {
                    None => finished(context, attempt, ItemResult::Counted(outcome)),
                    Some(cause) => ItemResult::Failed { region: attempt.target.clone(), cause },
                };
                pass.results.end(&attempt.name, &attempt.target, result);
            }
            WriteState::Superseded(outcome) => {
                pass.results.end(&attempt.name, &attempt.target, ItemResult::Counted(outcome));
                pass.retry(&attempt.name, &attempt.target, RetryReason::Moved);
            }
            WriteState::Held(cause) => {
                let outcome = OutcomeKind::Held;
                let result = match cause {
                    Some(cause) => {
                        ItemResult::Reported { outcome, region: attempt.target.clone(), cause }
                    }
                    None => ItemResult::Noted { outcome, cause: never_recreated(attempt) },
                };
                pass.results.end(&attempt.name, &attempt.target, result);
            }
            WriteState::OutOfTime => {
                let pending = ItemResult::Counted(OutcomeKind::Pending);
                pass.results.end(&attempt.name, &attempt.target, pending);
            }
            WriteState::Retry
            | WriteState::Written(_)
            | WriteState::Verified(_)
            | WriteState::Recreated(_) => {
                pass.retry(&attempt.name, &attempt.target, RetryReason::Unwritten);
            }
            WriteState::Unanswered(cause) => {
                pass.retry(&attempt.name, &attempt.target, RetryReason::Unanswered(cause));
            }
            WriteState::Failed(cause) => {
                pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause);
            }
            WriteState::Unconfirmed(cause) => {
                pass.results.fail(&attempt.name, &attempt.target, context.source, cause);
            }
        }
    }
    labels::sync_unchanged(context, &candidates, &mut pass).await;
    pass
}

fn finished(context: &RouteContext<'_>, attempt: &WriteAttempt, result: ItemResult) -> ItemResult {
    let region = attempt.target.clone();
    if let (ItemResult::Counted(_), Ownership::ChangedInTarget { change, .. }) =
        (&result, &attempt.held)
        && attempt.write.claim == Some(Claim::Restore)
    {
        let (cause, outcome) = (restored(change, &attempt.target), OutcomeKind::Restored);
        return ItemResult::Reported { outcome, region, cause };
    }
    match attempt.write.desired.tags_left_out {
        0 if attempt.write.tier_stays => {
            ItemResult::Failed { region: attempt.target.clone(), cause: tier_stays() }
        }
        0 => result,
        tags => ItemResult::Failed { region: context.source.clone(), cause: left_out(tags) },
    }
}

/// Reads tags by name where a list was all that is known. A list's tags are never the ground for a write.
async fn freshen(
    context: &RouteContext<'_>,
    candidates: &mut Vec<Candidate>,
    pass: &mut PassResult,
) {
    let stale: Vec<ParameterName> =
        candidates.iter().filter(|c| !c.fresh).map(|c| c.name.clone()).collect();
    if stale.is_empty() {
        return;
    }
    let mut held: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
    for candidate in candidates.iter().filter(|c| !c.fresh) {
        for (target, replica) in &candidate.replicas {
            if let Some(replica) = replica {
                held.entry(target.clone()).or_default().push(replica.parameter.name.clone());
            }
        }
    }
    let in_targets = held.iter().map(|(target, names)| async move {
        (target.clone(), tags_of(context.session, target, names).await)
    });
    let (in_source, in_targets) = futures::join!(
        tags_of(context.session, context.source, &stale),
        futures::future::join_all(in_targets)
    );
    let in_targets: BTreeMap<Region, ByName<Tags>> = in_targets.into_iter().collect();
    candidates.retain_mut(|candidate| {
        if candidate.fresh {
            return true;
        }
        let name = &candidate.name;
        match (in_source.get(name), &mut candidate.original) {
            (Some(Ok(Some(tags))), Some(original)) => original.tags.clone_from(tags),
            (Some(Err(cause)), _) => {
                for target in candidate.replicas.keys() {
                    pass.results.fail(name, target, context.source, cause.clone());
                }
                return false;
            }
            // Gone since it was listed.
            _ => {
                for target in candidate.replicas.keys() {
                    pass.retry(name, target, RetryReason::Unwritten);
                }
                return false;
            }
        }
        candidate.replicas.retain(|target, replica| {
            let Some(held) = replica else { return true };
            match in_targets.get(target).and_then(|tags| tags.get(name)) {
                Some(Ok(Some(tags))) => held.tags.clone_from(tags),
                Some(Err(cause)) => {
                    pass.results.fail(name, target, target, cause.clone());
                    return false;
                }
                _ => {
                    pass.retry(name, target, RetryReason::Unwritten);
                    return false;
                }
            }
            true
        });
        candidate.fresh = true;
        true
    });
}

/// Reads the parameters that value overrides reference, by name: what a list shows of them, and of their owners' consent,
/// is no ground for a write either. One read for all that reference them; attributes that a list showed of the very
/// version that is read are not asked for again.
async fn read_referenced(
    context: &RouteContext<'_>,
    candidates: &mut [Candidate],
    pass: &mut PassResult,
) {
    let mut listed: BTreeMap<ParameterName, Parameter> = BTreeMap::new();
    let mut wanted: BTreeMap<ParameterName, Vec<(usize, Region)>> = BTreeMap::new();
    for (place, candidate) in candidates.iter_mut().enumerate() {
        for (_, Observed { parameter, .. }) in std::mem::take(&mut candidate.referenced) {
            listed.insert(parameter.name.clone(), parameter);
        }
        let Some(original) = &candidate.original else { continue };
        for target in candidate.replicas.keys() {
            // What its tags have wrong is told when it is decided on.
            if let Ok(Some(ValueOverride::FromParameter(name))) =
                value_override(&original.tags, target)
            {
                wanted.entry(name).or_default().push((place, target.clone()));
            }
        }
    }
    let names: Vec<ParameterName> = wanted.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let read = versions(context.session, context.source, &names).await;
    for (name, referenced) in by_name_knowing(context.session, context.source, read, listed).await {
        for (place, target) in wanted.remove(&name).unwrap_or_default() {
            let candidate = &mut candidates[place];
            match &referenced {
                Ok(Some(referenced)) => {
                    candidate.referenced.insert(target, referenced.clone());
                }
                Ok(None) => {}
                Err(cause) => {
                    candidate.replicas.remove(&target);
                    pass.results.fail(&candidate.name, &target, context.source, cause.clone());
                }
            }
        }
    }
}

/// Those of which only a list is known.
fn listed(candidates: &[Candidate]) -> BTreeSet<ParameterName> {
    candidates.iter().filter(|c| !c.fresh).map(|c| c.name.clone()).collect()
}

/// Whether a conflict says that a step did not take, by attributes from a list: it may lag behind that step, and be of a
/// replica that was recreated since.
fn is_to_be_read_by_name(decision: &Decision, held: &Ownership) -> bool {
    matches!(decision, Decision::Conflict(cause) if cause.class == Some(ConflictClass::DoesNotTake))
        && matches!(held, Ownership::Owned { .. })
}

fn decided(
    context: &RouteContext<'_>,
    candidates: &[Candidate],
    listed: &BTreeSet<ParameterName>,
    pass: &mut PassResult,
) -> Vec<WriteAttempt> {
    let mut attempts = Vec::new();
    for candidate in candidates {
        let Some(original) = &candidate.original else { continue };
        for (target, replica) in &candidate.replicas {
            let name = &candidate.name;
            let referenced = candidate.referenced.get(target);
            let case = context.case(target, Some(original), replica.as_ref(), referenced);
            let held = case.ownership(context.plan_policy(context.parity()));
            let attempt = |write: PlannedWrite, compare| WriteAttempt {
                name: name.clone(),
                target: target.clone(),
                original: original.clone(),
                replica: replica.clone(),
                referenced: referenced.cloned(),
                held: held.clone(),
                write,
                compare,
            };
            let parity =
                if candidate.moved.contains(target) { Parity::Rewrite } else { context.parity() };
            let decision = decide(case, context.plan_policy(parity));
            if listed.contains(name) && is_to_be_read_by_name(&decision, &held) {
                pass.retry(name, target, RetryReason::Unwritten);
                continue;
            }
            match context.ended(name, target, decision, &mut pass.results) {
                // What a target that cannot be read holds is not known: another is not left without it.
                Some(Decision::Write(write))
                    if let Some(cause) = waits(&write, candidate, target) =>
                {
                    pass.results.fail(name, target, target, cause);
                }
                Some(Decision::Write(write)) => attempts.push(attempt(write, false)),
                Some(Decision::Compare(write)) => attempts.push(attempt(write, true)),
                // Its source does not want it any more: the next round sees to that.
                Some(_) => pass.retry(name, target, RetryReason::Unwritten),
                None => {}
            }
        }
    }
    attempts
}

/// Why a recreation is not begun, where another target of the route could not be read.
fn waits(write: &PlannedWrite, candidate: &Candidate, target: &Region) -> Option<Cause> {
    let (unread, cause) = candidate.unread.as_ref()?;
    (write.change == Change::Recreate).then(|| not_begun(target, unread, cause))
}

/// The values that these tasks need, each of exactly the version that was decided on. A plan needs only those that
/// decide something.
async fn source_values(
    context: &RouteContext<'_>,
    attempts: &mut Vec<WriteAttempt>,
    pass: &mut PassResult,
) -> Values {
    let applies = context.policy.writing.allows();
    let needs = |attempt: &WriteAttempt| {
        attempt.compare || (applies && attempt.write.change != Change::Retag)
    };
    let wanted: Vec<Wanted> =
        attempts.iter().filter(|attempt| needs(attempt)).filter_map(WriteAttempt::reads).collect();
    let wanted = wanted.iter().map(|Wanted { name, key, .. }| (name, key.as_deref()));
    let mut read = values(context.session, context.source, wanted).await;
    attempts.retain(|attempt| {
        let (true, Some(Wanted { name, version, .. })) = (needs(attempt), attempt.reads()) else {
            return true;
        };
        match read.get(&name) {
            Some(Ok(Some(valued))) if valued.version == version => return true,
            Some(Err(cause)) => {
                pass.results.fail(&attempt.name, &attempt.target, context.source, cause.clone());
            }
            _ => pass.retry(&attempt.name, &attempt.target, RetryReason::Unwritten),
        }
        false
    });
    let mut valued = Values::new();
    while let Some((name, value)) = read.pop_first() {
        if let Ok(Some(value)) = value {
            valued.insert(name, value.text);
        }
    }
    valued
}

/// Settles the tasks that values decide: different ones become updates, equal ones with nothing to write are in sync.
async fn compare(
    context: &RouteContext<'_>,
    attempts: &mut Vec<WriteAttempt>,
    originals: &Values,
    pass: &mut PassResult,
) {
    let targets: BTreeSet<Region> = attempts
        .iter()
        .filter(|attempt| attempt.compare)
        .map(|attempt| attempt.target.clone())
        .collect();
    let reads = targets.iter().map(|target| {
        let wanted: Vec<_> = attempts
            .iter()
            .filter(|attempt| attempt.compare && attempt.target == *target)
            .map(|attempt| (&attempt.name, attempt.write.desired.key.as_deref()))
            .collect();
        async move { (target.clone(), values(context.session, target, wanted).await) }
    });
    let replicas: BTreeMap<Region, ByName<Valued>> =
        futures::future::join_all(reads).await.into_iter().collect();
    attempts.retain_mut(|attempt| {
        if !attempt.compare {
            return true;
        }
        let replica = replicas.get(&attempt.target).and_then(|read| read.get(&attempt.name));
        let decided_on = attempt.replica_version();
        match (attempt.value(originals), replica) {
            (Some(original), Some(Ok(Some(replica)))) if Some(replica.version) == decided_on => {
                if *original == replica.text {
                    let nothing = attempt.write.change == Change::Retag && attempt.write.is_empty();
                    if nothing {
                        let result =
                            finished(context, attempt, ItemResult::Left(OutcomeKind::InSync));
                        pass.results.end(&attempt.name, &attempt.target, result);
                    }
                    return !nothing;
                }
                if attempt.write.adopts() {
                    let cause = not_adopted(attempt.case(context), "different value");
                    pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause);
                    return false;
                }
                attempt.write.change = Change::Update;
                attempt.write.because.push(Reason::Value);
                true
            }
            // A replica that cannot be read is no good as a standby: it is written anew.
            (Some(_), Some(Err(cause)))
                if !cause.kind.may_succeed_later() && !attempt.write.adopts() =>
            {
                attempt.write.change = Change::Update;
                attempt.write.because.push(Reason::Unreadable);
                true
            }
            (_, Some(Err(cause))) => {
                pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause.clone());
                false
            }
            _ => {
                pass.retry(&attempt.name, &attempt.target, RetryReason::Unwritten);
                false
            }
        }
    });
}

/// The tasks that the guard lets through; the others end here.
fn judged(
    context: &RouteContext<'_>,
    attempts: Vec<WriteAttempt>,
    pass: &mut PassResult,
) -> Vec<WriteAttempt> {
    let mut go = Vec::new();
    for attempt in attempts {
        let change = attempt.write.change;
        let proposal = Proposal {
            source: context.source,
            target: &attempt.target,
            change,
            occupant: attempt.evidence(context),
            claim: attempt.write.claim,
        };
        match context.policy.judge(&proposal, context.session.now()) {
            Ruling::Proceed => go.push(attempt),
            Ruling::ReportOnly => {
                let PlannedWrite { because, class, .. } = attempt.write;
                let result = ItemResult::Planned { change, because, class, reported: None };
                pass.results.end(&attempt.name, &attempt.target, result);
            }
            Ruling::Refused(cause) => {
                pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause);
            }
        }
    }
    go
}
