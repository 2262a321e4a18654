//! The labels of what a pass writes: the pass reads the source's history before it writes the value, and writes the labels
//! before the provenance.

use std::collections::BTreeMap;

use super::history::LabelHistory;
use super::plan::free_oldest;
use super::store::carry_out;
use super::sync::{LabelledPair, SyncError, SyncResult, history_of, sync_labels, with_values};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, Change, FailureKind, ParameterName, Version};
use crate::ownership::Ownership;
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::causes::{labels_failed, oldest_version_is_labelled};
use crate::parameters::context::RouteContext;
use crate::parameters::label_reads::Reads;
use crate::parameters::results::{PassResult, RetryReason};

/// The histories of the sources that a pass writes, or why a history could not be read.
#[derive(Debug, Default)]
pub(in crate::parameters) struct SourceHistories(
    BTreeMap<ParameterName, Result<LabelHistory, Cause>>,
);

impl SourceHistories {
    /// The history of the attempt's source, if it was read and has labels that the replica needs.
    pub(in crate::parameters) fn labelled(&self, attempt: &WriteAttempt) -> Option<LabelHistory> {
        let history = self.0.get(&attempt.name)?.as_ref().ok()?.clone();
        let history =
            if has_value_override(attempt) { history.without_older_labels() } else { history };
        Some(history).filter(LabelHistory::has_labels)
    }
}

/// Reads the histories that these attempts need, each of exactly the version that the decision saw. If the read may
/// succeed later, the attempt ends here; if AWS refuses the read, the value is written and the failure reported.
pub(in crate::parameters) async fn read_source_histories(
    context: &RouteContext<'_>,
    attempts: &mut Vec<WriteAttempt>,
    pass: &mut PassResult,
) -> SourceHistories {
    let needed: BTreeMap<ParameterName, Version> = attempts
        .iter()
        .filter(|attempt| needs_history(context, attempt))
        .map(|attempt| (attempt.name.clone(), attempt.source_version()))
        .collect();
    let reads = needed.into_iter().map(|(name, version)| async move {
        let read = read_source(context, &name, version).await;
        (name, read)
    });
    let mut read: BTreeMap<ParameterName, Result<LabelHistory, SyncError>> =
        in_parallel(reads).await.into_iter().collect();
    attempts.retain(|attempt| match read.get(&attempt.name) {
        Some(Err(SyncError::Changed)) => {
            pass.retry(&attempt.name, &attempt.target, RetryReason::Unwritten);
            false
        }
        Some(Err(SyncError::Failed(cause))) if cause.kind.may_succeed_later() => {
            pass.results.fail(&attempt.name, &attempt.target, context.source, cause.clone());
            false
        }
        _ => true,
    });
    let mut histories = BTreeMap::new();
    while let Some((name, history)) = read.pop_first() {
        match history {
            Ok(history) => drop(histories.insert(name, Ok(history))),
            Err(SyncError::Failed(cause)) => {
                histories.insert(name, Err(labels_failed(&cause)));
            }
            Err(SyncError::Changed) => {}
        }
    }
    SourceHistories(histories)
}

async fn read_source(
    context: &RouteContext<'_>,
    name: &ParameterName,
    version: Version,
) -> Result<LabelHistory, SyncError> {
    let mut history = history_of(context, context.source, name, version, false).await?;
    if history.older_labelled().next().is_some() {
        history = with_values(context, context.source, name, version, history).await?;
    }
    Ok(history.without_unlabelled_values())
}

fn needs_history(context: &RouteContext<'_>, attempt: &WriteAttempt) -> bool {
    let reads = context.labels.of_item(&attempt.name);
    match attempt.write.change {
        Change::Create | Change::Recreate => {
            reads > Reads::WithCreates || attempt.source_version().number > 1
        }
        Change::Update => {
            reads > Reads::WithCreates || is_unfinished(attempt) || is_restarted(context, attempt)
        }
        Change::Retag | Change::Delete | Change::Tombstone | Change::Replicate => false,
    }
}

/// Whether the replica may have labels although the source has none: a person removed them at the source, or they belong
/// to an earlier source of the same name.
fn may_have_stale_labels(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &LabelHistory,
) -> bool {
    context.labels.of_item(&attempt.name) == Reads::Always
        || is_unfinished(attempt)
        || is_restarted(context, attempt)
        || copied_version(attempt).is_some_and(|copied| !source.contains(copied))
}

/// The source's version that the replica copies, by its provenance.
fn copied_version(attempt: &WriteAttempt) -> Option<Version> {
    match &attempt.ownership {
        Ownership::Owned { provenance, .. } => Some(provenance.source),
        _ => None,
    }
}

/// Whether the source was deleted and created again since the copy: its version number did not increase, or an event
/// reports the deletion or the new first version.
fn is_restarted(context: &RouteContext<'_>, attempt: &WriteAttempt) -> bool {
    let now = attempt.source_version();
    copied_version(attempt).is_some_and(|copied| {
        let decreased = copied != now && now.number <= copied.number;
        decreased || context.labels.is_restarted(&attempt.name, copied)
    })
}

fn has_value_override(attempt: &WriteAttempt) -> bool {
    attempt.write.desired.value_override.is_some()
}

/// Whether an earlier write may have ended between value and labels.
fn is_unfinished(attempt: &WriteAttempt) -> bool {
    match (&attempt.ownership, attempt.replica_version()) {
        (Ownership::Owned { provenance, .. }, Some(replica)) => !provenance.names_replica(replica),
        _ => false,
    }
}

/// Writes the sources' labels to the verified replicas.
pub(in crate::parameters) async fn write_labels(
    context: &RouteContext<'_>,
    attempts: &mut [WriteAttempt],
    histories: &SourceHistories,
) {
    let writes = attempts.iter_mut().map(|attempt| async move {
        match (&attempt.state, histories.0.get(&attempt.name)) {
            (
                WriteState::Verified(_) | WriteState::Done(_) | WriteState::Created(_),
                Some(Err(cause)),
            ) => attempt.missing_labels = Some(cause.clone()),
            (WriteState::Verified(replica), Some(Ok(source)))
                if source.has_labels() || may_have_stale_labels(context, attempt, source) =>
            {
                let labelled = write_labels_of(context, attempt, *replica, source.clone()).await;
                (attempt.state, attempt.missing_labels) = labelled;
            }
            (WriteState::Failed(cause), Some(Ok(source)))
                if cause.kind == FailureKind::Limit && attempt.write.change == Change::Update =>
            {
                attempt.state = free_oldest_version(context, attempt, source, cause.clone()).await;
            }
            _ => {}
        }
    });
    in_parallel(writes).await;
}

async fn write_labels_of(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    replica: Version,
    source: LabelHistory,
) -> (WriteState, Option<Cause>) {
    let pair = LabelledPair {
        source_name: &attempt.name,
        source: attempt.source_version(),
        target: &attempt.target,
        name: &attempt.write.desired.name,
        replica,
        has_value_override: has_value_override(attempt),
        to_judge: None,
    };
    match sync_labels(context, pair, source).await {
        SyncResult::Done { written: _, missing } => (WriteState::Verified(replica), missing),
        SyncResult::Changed | SyncResult::Planned => {
            (WriteState::Superseded(attempt.write.change.done()), None)
        }
        SyncResult::Failed(cause) if cause.kind.may_succeed_later() => {
            (WriteState::Failed(cause), None)
        }
        SyncResult::Failed(cause) => (WriteState::Verified(replica), Some(labels_failed(&cause))),
    }
}

/// AWS refuses the 101st version while the oldest version has a label. Removes or moves the labels that need not stay
/// there; the item then needs another pass.
async fn free_oldest_version(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &LabelHistory,
    refused: Cause,
) -> WriteState {
    let (target, name) = (&attempt.target, &attempt.write.desired.name);
    let Some(version) = attempt.replica_version() else { return WriteState::Failed(refused) };
    let read = async {
        let history = history_of(context, target, name, version, false).await?;
        with_values(context, target, name, version, history).await
    };
    let replica = match read.await {
        Ok(replica) => replica,
        Err(SyncError::Changed) => return WriteState::Retry,
        Err(SyncError::Failed(_)) => return WriteState::Failed(refused),
    };
    if replica.versions().first().is_none_or(|oldest| oldest.labels.is_empty()) {
        return WriteState::Failed(refused);
    }
    let steps = free_oldest(source, &replica);
    if steps.is_empty() {
        return WriteState::Failed(oldest_version_is_labelled(refused));
    }
    for step in steps {
        if let Err(cause) = carry_out(context.session, target, name, &step).await {
            return WriteState::Failed(cause);
        }
    }
    WriteState::Retry
}
