//! The labels of what a round writes: the source's history before a value moves, and labels before provenance.

use std::collections::BTreeMap;

use super::history::History;
use super::plan::unblocking;
use super::store::carry_out;
use super::sync::{Pair, Stop, Synced, at, readable, sync_labels};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, Change, FailureKind, ParameterName, Version};
use crate::ownership::Ownership;
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::context::RouteContext;
use crate::parameters::label_reads::Reads;
use crate::parameters::results::{PassResult, RetryReason};

/// The histories of the sources that a round writes, or why they could not be read.
#[derive(Debug, Default)]
pub(in crate::parameters) struct Sources(BTreeMap<ParameterName, Result<History, Cause>>);

impl Sources {
    /// The history of a task's source that has labels, where it was read.
    pub(in crate::parameters) fn labelled(&self, attempt: &WriteAttempt) -> Option<History> {
        let history = self.0.get(&attempt.name)?.as_ref().ok()?.clone();
        let history = if has_own_value(attempt) { history.without_older_labels() } else { history };
        Some(history).filter(History::has_labels)
    }
}

/// Reads the histories that these tasks need, each of exactly the version that was decided on. A task whose history may
/// be had at the next attempt ends here; one that is refused it goes on without, which is told in the end.
pub(in crate::parameters) async fn sources(
    context: &RouteContext<'_>,
    attempts: &mut Vec<WriteAttempt>,
    pass: &mut PassResult,
) -> Sources {
    let needed: BTreeMap<ParameterName, Version> = attempts
        .iter()
        .filter(|attempt| needs(context, attempt))
        .map(|attempt| (attempt.name.clone(), attempt.source_version()))
        .collect();
    let reads = needed.into_iter().map(|(name, version)| async move {
        let read = source(context, &name, version).await;
        (name, read)
    });
    let mut read: BTreeMap<ParameterName, Result<History, Stop>> =
        in_parallel(reads).await.into_iter().collect();
    attempts.retain(|attempt| match read.get(&attempt.name) {
        Some(Err(Stop::Moved)) => {
            pass.retry(&attempt.name, &attempt.target, RetryReason::Unwritten);
            false
        }
        Some(Err(Stop::Failed(cause))) if cause.kind.may_succeed_later() => {
            pass.results.fail(&attempt.name, &attempt.target, context.source, cause.clone());
            false
        }
        _ => true,
    });
    let mut sources = BTreeMap::new();
    while let Some((name, history)) = read.pop_first() {
        match history {
            Ok(history) => drop(sources.insert(name, Ok(history))),
            Err(Stop::Failed(cause)) => drop(sources.insert(name, Err(unread(&cause)))),
            Err(Stop::Moved) => {}
        }
    }
    Sources(sources)
}

async fn source(
    context: &RouteContext<'_>,
    name: &ParameterName,
    version: Version,
) -> Result<History, Stop> {
    let mut history = at(context, context.source, name, version, false).await?;
    if history.older_labelled().next().is_some() {
        history = readable(context, context.source, name, version, history).await?;
    }
    Ok(history.without_idle_values())
}

fn needs(context: &RouteContext<'_>, attempt: &WriteAttempt) -> bool {
    let reads = context.labels.of_item(&attempt.name);
    match attempt.write.change {
        Change::Create | Change::Recreate => {
            reads > Reads::WithCreates || attempt.source_version().number > 1
        }
        Change::Update => {
            reads > Reads::WithCreates || is_half_done(attempt) || is_restarted(context, attempt)
        }
        Change::Retag | Change::Delete | Change::Tombstone | Change::Replicate => false,
    }
}

/// Whether the replica's labels are looked at though the source has none: one may have been taken off there, or be that of
/// an earlier source.
fn looks_for_stale(context: &RouteContext<'_>, attempt: &WriteAttempt, source: &History) -> bool {
    context.labels.of_item(&attempt.name) == Reads::Always
        || is_half_done(attempt)
        || is_restarted(context, attempt)
        || copied_version(attempt).is_some_and(|copied| !source.keeps(copied))
}

/// The source's version that the replica is the copy of, by its provenance.
fn copied_version(attempt: &WriteAttempt) -> Option<Version> {
    match &attempt.held {
        Ownership::Owned { provenance, .. } => Some(provenance.source),
        _ => None,
    }
}

/// Whether the source was deleted and created anew since it was copied: an event says so, or its number did not rise.
fn is_restarted(context: &RouteContext<'_>, attempt: &WriteAttempt) -> bool {
    let now = attempt.source_version();
    copied_version(attempt).is_some_and(|copied| {
        let fell = copied != now && now.number <= copied.number;
        fell || context.labels.is_restarted(&attempt.name, copied)
    })
}

/// Whether the replica's value is one of the target's own.
fn has_own_value(attempt: &WriteAttempt) -> bool {
    attempt.write.desired.value_override.is_some()
}

/// Whether an earlier write may have ended between value and labels.
fn is_half_done(attempt: &WriteAttempt) -> bool {
    match (&attempt.held, attempt.replica_version()) {
        (Ownership::Owned { provenance, .. }, Some(replica)) => !provenance.names_replica(replica),
        _ => false,
    }
}

fn unread(cause: &Cause) -> Cause {
    let message = format!("its value is replicated, its labels are not: {}", cause.message);
    let remedy = format!("{}; then `hubctl sweep --labels`", cause.remedy());
    Cause::new(cause.kind, message).mended_by(remedy)
}

/// Puts the sources' labels on what was written and read back. Tells for each task, in their order, what it came to and
/// what its replica lacks.
pub(in crate::parameters) async fn label(
    context: &RouteContext<'_>,
    attempts: &[WriteAttempt],
    state: Vec<WriteState>,
    sources: &Sources,
) -> Vec<(WriteState, Option<Cause>)> {
    let labelled = attempts.iter().zip(state).map(|(attempt, state)| async move {
        match (state, sources.0.get(&attempt.name)) {
            (
                state @ (WriteState::Verified(_) | WriteState::Done(_) | WriteState::Created(_)),
                Some(Err(cause)),
            ) => (state, Some(cause.clone())),
            (WriteState::Verified(replica), Some(Ok(source)))
                if source.has_labels() || looks_for_stale(context, attempt, source) =>
            {
                label_one(context, attempt, replica, source.clone()).await
            }
            (WriteState::Failed(cause), Some(Ok(source)))
                if cause.kind == FailureKind::Limit && attempt.write.change == Change::Update =>
            {
                (unblocked(context, attempt, source, cause).await, None)
            }
            (state, _) => (state, None),
        }
    });
    in_parallel(labelled).await
}

async fn label_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    replica: Version,
    source: History,
) -> (WriteState, Option<Cause>) {
    let pair = Pair {
        source_name: &attempt.name,
        source: attempt.source_version(),
        target: &attempt.target,
        name: &attempt.write.desired.name,
        replica,
        own_value: has_own_value(attempt),
        to_judge: None,
    };
    match sync_labels(context, pair, source).await {
        Synced::Done { written: _, lacks } => (WriteState::Verified(replica), lacks),
        Synced::Moved | Synced::Planned => {
            (WriteState::Superseded(attempt.write.change.done()), None)
        }
        Synced::Failed(cause) if cause.kind.may_succeed_later() => {
            (WriteState::Failed(cause), None)
        }
        Synced::Failed(cause) => (WriteState::Verified(replica), Some(unread(&cause))),
    }
}

/// AWS refuses the 101st version while the oldest has a label. One that need not be there is taken away, and the item
/// goes round again.
async fn unblocked(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &History,
    refused: Cause,
) -> WriteState {
    let (target, name) = (&attempt.target, &attempt.write.desired.name);
    let Some(version) = attempt.replica_version() else { return WriteState::Failed(refused) };
    let read = async {
        let there = at(context, target, name, version, false).await?;
        readable(context, target, name, version, there).await
    };
    let replica = match read.await {
        Ok(replica) => replica,
        Err(Stop::Moved) => return WriteState::Retry,
        Err(Stop::Failed(_)) => return WriteState::Failed(refused),
    };
    if replica.versions().first().is_none_or(|oldest| oldest.labels.is_empty()) {
        return WriteState::Failed(refused);
    }
    let steps = unblocking(source, &replica);
    if steps.is_empty() {
        return WriteState::Failed(refused.mended_by(
            "move the label at the source to a newer version; or delete the replica by hand: the next sweep creates it anew with all its labelled versions",
        ));
    }
    for step in steps {
        if let Err(cause) = carry_out(context.session, target, name, &step).await {
            return WriteState::Failed(cause);
        }
    }
    WriteState::Retry
}
