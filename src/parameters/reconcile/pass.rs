//! One pass over a chunk of items: read by name, decide, ask the guard, write, read back, label, write provenance, and read
//! the source again.

use std::collections::{BTreeMap, BTreeSet};

use super::confirm::{confirm, keep_unchanged};
use super::execute::write;
use super::histories::read_where_needed;
use super::read::{known_from_lists, read_referenced, read_tags};
use super::recreate::never_recreated;
use super::verify::{read_back, write_provenance};
use crate::domain::{Cause, Change, ConflictClass, OutcomeKind, ParameterName, Reason, Region};
use crate::guard::{Claim, Ruling};
use crate::ownership::{Ownership, restored};
use crate::parameters::attempt::{ValueRead, Values, WriteAttempt, WriteState};
use crate::parameters::candidate::Candidate;
use crate::parameters::causes::{recreation_waits, tags_left_out, tier_stays};
use crate::parameters::context::RouteContext;
use crate::parameters::labels;
use crate::parameters::plan::{Decision, Parity, PlannedWrite, decide, not_adopted};
use crate::parameters::results::{ItemResult, PassResult, RetryReason};
use crate::parameters::store::{ByName, Valued, values};

/// Makes the replicas of `candidates`, all of which have a source, equal to their sources.
pub(super) async fn reconcile_chunk(
    context: &RouteContext<'_>,
    mut candidates: Vec<Candidate>,
) -> PassResult {
    let mut pass = PassResult::default();
    let listed = known_from_lists(&candidates);
    read_tags(context, &mut candidates, &mut pass).await;
    read_referenced(context, &mut candidates, &mut pass).await;
    read_where_needed(context, &mut candidates, &mut pass).await;
    let mut attempts = decide_all(context, &candidates, &listed, &mut pass);
    let values = read_source_values(context, &mut attempts, &mut pass).await;
    compare_values(context, &mut attempts, &values, &mut pass).await;
    let mut attempts = judge_all(context, attempts, &mut pass);
    let histories = labels::read_source_histories(context, &mut attempts, &mut pass).await;
    keep_unchanged(context, &mut attempts, &mut pass).await;
    write(context, &mut attempts, &values, &histories).await;
    read_back(context, &mut attempts, &values).await;
    labels::write_labels(context, &mut attempts, &histories).await;
    write_provenance(context, &mut attempts).await;
    confirm(context, &mut attempts).await;
    for attempt in &attempts {
        record_attempt(context, attempt, &mut pass);
    }
    labels::sync_unchanged(context, &candidates, &mut pass).await;
    pass
}

/// Decides each item in each target. Returns the writes; everything else gets its result here.
fn decide_all(
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
            let ownership = case.ownership(context.plan_policy(context.parity()));
            let attempt = |write: PlannedWrite, compare| WriteAttempt {
                name: name.clone(),
                target: target.clone(),
                original: original.clone(),
                replica: replica.clone(),
                referenced: referenced.cloned(),
                ownership: ownership.clone(),
                write,
                compare,
                state: WriteState::Planned,
                missing_labels: None,
            };
            let parity =
                if candidate.moved.contains(target) { Parity::Rewrite } else { context.parity() };
            let decision = decide(case, context.plan_policy(parity));
            if listed.contains(name) && needs_attributes_by_name(&decision, &ownership) {
                pass.retry(name, target, RetryReason::Unwritten);
                continue;
            }
            match context.record_unless_work(name, target, decision, &mut pass.results) {
                Some(Decision::Write(write))
                    if let Some(cause) = recreation_must_wait(&write, candidate, target) =>
                {
                    pass.results.fail(name, target, target, cause);
                }
                Some(Decision::Write(write)) => attempts.push(attempt(write, false)),
                Some(Decision::Compare(write)) => attempts.push(attempt(write, true)),
                // The source does not want the replica any more; the next pass removes the replica.
                Some(_) => pass.retry(name, target, RetryReason::Unwritten),
                None => {}
            }
        }
    }
    attempts
}

/// Whether a conflict `does_not_take` may come from a list that still shows the attributes before a recreation.
fn needs_attributes_by_name(decision: &Decision, ownership: &Ownership) -> bool {
    matches!(decision, Decision::Conflict(cause) if cause.class == Some(ConflictClass::DoesNotTake))
        && matches!(ownership, Ownership::Owned { .. })
}

/// Why a replica may not be recreated yet: another target could not be read and may lack its replica.
fn recreation_must_wait(
    write: &PlannedWrite,
    candidate: &Candidate,
    target: &Region,
) -> Option<Cause> {
    let (unread, cause) = candidate.unread.as_ref()?;
    (write.change == Change::Recreate).then(|| recreation_waits(target, unread, cause))
}

/// Reads the values that the attempts need, each of exactly the version that the decision saw. A plan reads only the
/// values that decide something.
async fn read_source_values(
    context: &RouteContext<'_>,
    attempts: &mut Vec<WriteAttempt>,
    pass: &mut PassResult,
) -> Values {
    let applies = context.policy.writing.allows();
    let needs = |attempt: &WriteAttempt| {
        attempt.compare || (applies && attempt.write.change != Change::Retag)
    };
    let wanted: Vec<ValueRead> = attempts
        .iter()
        .filter(|attempt| needs(attempt))
        .filter_map(WriteAttempt::value_to_read)
        .collect();
    let wanted = wanted.iter().map(|ValueRead { name, key, .. }| (name, key.as_deref()));
    let mut read = values(context.session, context.source, wanted).await;
    attempts.retain(|attempt| {
        let (true, Some(ValueRead { name, version, .. })) =
            (needs(attempt), attempt.value_to_read())
        else {
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

/// Compares the values where they decide: a different value makes the write an update, an equal one a retag. An attempt
/// with nothing left to write ends here as in sync.
async fn compare_values(
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
        let replica = replicas.get(&attempt.target).and_then(|read| read.get(&attempt.name));
        !attempt.compare || compare_one(context, attempt, originals, replica, pass)
    });
}

/// Whether the write is still needed once the values are compared.
fn compare_one(
    context: &RouteContext<'_>,
    attempt: &mut WriteAttempt,
    originals: &Values,
    replica: Option<&Result<Option<Valued>, Cause>>,
    pass: &mut PassResult,
) -> bool {
    let update = |attempt: &mut WriteAttempt, because| {
        attempt.write.change = Change::Update;
        attempt.write.because.push(because);
        true
    };
    match (attempt.value(originals), replica) {
        (Some(original), Some(Ok(Some(replica))))
            if Some(replica.version) == attempt.replica_version() =>
        {
            if *original != replica.text {
                if !attempt.write.adopts() {
                    return update(attempt, Reason::Value);
                }
                let cause = not_adopted(attempt.case(context), "different value");
                pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause);
                return false;
            }
            let needs_write = attempt.write.change != Change::Retag || !attempt.write.is_empty();
            if !needs_write {
                let in_sync = ItemResult::Unchanged(OutcomeKind::InSync);
                let result = with_limits(context, attempt, in_sync);
                pass.results.record(&attempt.name, &attempt.target, result);
            }
            needs_write
        }
        // A replica that cannot be read is useless as a standby, so the hub overwrites it.
        (Some(_), Some(Err(cause)))
            if !cause.kind.may_succeed_later() && !attempt.write.adopts() =>
        {
            update(attempt, Reason::Unreadable)
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
}

/// Returns the attempts that the guard permits. The others get their results here.
fn judge_all(
    context: &RouteContext<'_>,
    attempts: Vec<WriteAttempt>,
    pass: &mut PassResult,
) -> Vec<WriteAttempt> {
    let mut permitted = Vec::new();
    for attempt in attempts {
        let change = attempt.write.change;
        let occupant = attempt.evidence(context);
        match context.judge(&attempt.target, change, occupant, attempt.write.claim) {
            Ruling::Proceed => permitted.push(attempt),
            Ruling::ReportOnly => {
                let PlannedWrite { because, class, .. } = attempt.write;
                let result = ItemResult::Planned { change, because, class, reported: None };
                pass.results.record(&attempt.name, &attempt.target, result);
            }
            Ruling::Refused(cause) => {
                pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause);
            }
        }
    }
    permitted
}

/// Records the result of an attempt after its last step.
fn record_attempt(context: &RouteContext<'_>, attempt: &WriteAttempt, pass: &mut PassResult) {
    let (name, target) = (&attempt.name, &attempt.target);
    match &attempt.state {
        WriteState::Done(outcome) | WriteState::Created(outcome) => {
            let result = match attempt.missing_labels.clone() {
                None => with_limits(context, attempt, ItemResult::Counted(*outcome)),
                Some(cause) => ItemResult::Failed { region: target.clone(), cause },
            };
            pass.results.record(name, target, result);
        }
        WriteState::Superseded(outcome) => {
            pass.results.record(name, target, ItemResult::Counted(*outcome));
            pass.retry(name, target, RetryReason::Moved);
        }
        WriteState::Held(cause) => {
            let outcome = OutcomeKind::Held;
            let result = match cause.clone() {
                Some(cause) => ItemResult::Reported { outcome, region: target.clone(), cause },
                None => ItemResult::Noted { outcome, cause: never_recreated(attempt) },
            };
            pass.results.record(name, target, result);
        }
        WriteState::OutOfTime => {
            pass.results.record(name, target, ItemResult::Counted(OutcomeKind::Pending));
        }
        WriteState::Planned
        | WriteState::Retry
        | WriteState::Written(_)
        | WriteState::Verified(_)
        | WriteState::Recreated(_) => pass.retry(name, target, RetryReason::Unwritten),
        WriteState::Unanswered(cause) => {
            pass.retry(name, target, RetryReason::Unanswered(cause.clone()));
        }
        WriteState::Failed(cause) => pass.results.fail(name, target, target, cause.clone()),
        WriteState::Unconfirmed(cause) => {
            pass.results.fail(name, target, context.source, cause.clone());
        }
    }
}

/// The result of a replica that is equal, except where AWS's limits or a restored change need a report.
fn with_limits(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    result: ItemResult,
) -> ItemResult {
    let region = attempt.target.clone();
    if let (ItemResult::Counted(_), Ownership::ChangedInTarget { change, .. }) =
        (&result, &attempt.ownership)
        && attempt.write.claim == Some(Claim::Restore)
    {
        let (cause, outcome) = (restored(change, &attempt.target), OutcomeKind::Restored);
        return ItemResult::Reported { outcome, region, cause };
    }
    match attempt.write.desired.tags_left_out {
        0 if attempt.write.tier_stays => ItemResult::Failed { region, cause: tier_stays() },
        0 => result,
        tags => ItemResult::Failed { region: context.source.clone(), cause: tags_left_out(tags) },
    }
}
