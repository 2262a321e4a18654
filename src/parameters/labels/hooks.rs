//! The labels of what a round writes: the source's history before a value moves, and labels before provenance.

use std::collections::BTreeMap;

use super::history::History;
use super::plan::unblocking;
use super::store::carry_out;
use super::sync::{Pair, Placed, Stop, at, place, readable};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, Change, FailureKind, ParameterName, Version};
use crate::ownership::Ownership;
use crate::parameters::attempt::{Task, Wrote};
use crate::parameters::context::RouteContext;
use crate::parameters::label_reads::Reads;
use crate::parameters::results::{RetryReason, PassResult};

/// The histories of the sources that a round writes, or why they could not be read.
#[derive(Debug, Default)]
pub(in crate::parameters) struct Sources(BTreeMap<ParameterName, Result<History, Cause>>);

impl Sources {
    /// The history of a task's source that has labels, where it was read.
    pub(in crate::parameters) fn labelled(&self, task: &Task) -> Option<History> {
        let history = self.0.get(&task.name)?.as_ref().ok()?.clone();
        let history = if has_own_value(task) { history.without_older_labels() } else { history };
        Some(history).filter(History::has_labels)
    }
}

/// Reads the histories that these tasks need, each of exactly the version that was decided on. A task whose history may
/// be had at the next attempt ends here; one that is refused it goes on without, which is told in the end.
pub(in crate::parameters) async fn sources(
    context: &RouteContext<'_>,
    tasks: &mut Vec<Task>,
    pass: &mut PassResult,
) -> Sources {
    let needed: BTreeMap<ParameterName, Version> = tasks
        .iter()
        .filter(|task| needs(context, task))
        .map(|task| (task.name.clone(), task.source_version()))
        .collect();
    let reads = needed.into_iter().map(|(name, version)| async move {
        let read = source(context, &name, version).await;
        (name, read)
    });
    let mut read: BTreeMap<ParameterName, Result<History, Stop>> =
        in_parallel(reads).await.into_iter().collect();
    tasks.retain(|task| match read.get(&task.name) {
        Some(Err(Stop::Moved)) => {
            pass.retry(&task.name, &task.target, RetryReason::Unwritten);
            false
        }
        Some(Err(Stop::Failed(cause))) if cause.kind.may_pass() => {
            pass.results.fail(&task.name, &task.target, context.source, cause.clone());
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

async fn source(context: &RouteContext<'_>, name: &ParameterName, version: Version) -> Result<History, Stop> {
    let mut history = at(context, context.source, name, version, false).await?;
    if history.older_labelled().next().is_some() {
        history = readable(context, context.source, name, version, history).await?;
    }
    Ok(history.without_idle_values())
}

fn needs(context: &RouteContext<'_>, task: &Task) -> bool {
    let reads = context.labels.of_item(&task.name);
    match task.write.change {
        Change::Create | Change::Recreate => {
            reads > Reads::WithCreates || task.source_version().number > 1
        }
        Change::Update => {
            reads > Reads::WithCreates || is_half_done(task) || is_restarted(context, task)
        }
        Change::Retag | Change::Delete | Change::Tombstone | Change::Replicate => false,
    }
}

/// Whether the replica's labels are looked at though the source has none: one may have been taken off there, or be that of
/// an earlier source.
fn looks_for_stale(context: &RouteContext<'_>, task: &Task, source: &History) -> bool {
    context.labels.of_item(&task.name) == Reads::Always
        || is_half_done(task)
        || is_restarted(context, task)
        || copied_version(task).is_some_and(|copied| !source.keeps(copied))
}

/// The source's version that the replica is the copy of, by its provenance.
fn copied_version(task: &Task) -> Option<Version> {
    match &task.held {
        Ownership::Owned { provenance, .. } => Some(provenance.source),
        _ => None,
    }
}

/// Whether the source was deleted and created anew since it was copied: an event says so, or its number did not rise.
fn is_restarted(context: &RouteContext<'_>, task: &Task) -> bool {
    let now = task.source_version();
    copied_version(task).is_some_and(|copied| {
        let fell = copied != now && now.number <= copied.number;
        fell || context.labels.is_restarted(&task.name, copied)
    })
}

/// Whether the replica's value is one of the target's own.
fn has_own_value(task: &Task) -> bool {
    task.write.desired.value_override.is_some()
}

/// Whether an earlier write may have ended between value and labels.
fn is_half_done(task: &Task) -> bool {
    match (&task.held, task.replica_version()) {
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
    tasks: &[Task],
    wrote: Vec<Wrote>,
    sources: &Sources,
) -> Vec<(Wrote, Option<Cause>)> {
    let labelled = tasks.iter().zip(wrote).map(|(task, wrote)| async move {
        match (wrote, sources.0.get(&task.name)) {
            (wrote @ (Wrote::Proved(_) | Wrote::Done(_) | Wrote::Created(_)), Some(Err(cause))) => {
                (wrote, Some(cause.clone()))
            }
            (Wrote::Proved(replica), Some(Ok(source)))
                if source.has_labels() || looks_for_stale(context, task, source) =>
            {
                label_one(context, task, replica, source.clone()).await
            }
            (Wrote::Failed(cause), Some(Ok(source)))
                if cause.kind == FailureKind::Limit && task.write.change == Change::Update =>
            {
                (unblocked(context, task, source, cause).await, None)
            }
            (wrote, _) => (wrote, None),
        }
    });
    in_parallel(labelled).await
}

async fn label_one(
    context: &RouteContext<'_>,
    task: &Task,
    replica: Version,
    source: History,
) -> (Wrote, Option<Cause>) {
    let pair = Pair {
        source_name: &task.name,
        source: task.source_version(),
        target: &task.target,
        name: &task.write.desired.name,
        replica,
        own_value: has_own_value(task),
        to_judge: None,
    };
    match place(context, pair, source).await {
        Placed::Done { written: _, lacks } => (Wrote::Proved(replica), lacks),
        Placed::Moved | Placed::Planned => (Wrote::Moved(task.write.change.done()), None),
        Placed::Failed(cause) if cause.kind.may_pass() => (Wrote::Failed(cause), None),
        Placed::Failed(cause) => (Wrote::Proved(replica), Some(unread(&cause))),
    }
}

/// AWS refuses the 101st version while the oldest has a label. One that need not be there is taken away, and the item
/// goes round again.
async fn unblocked(context: &RouteContext<'_>, task: &Task, source: &History, refused: Cause) -> Wrote {
    let (target, name) = (&task.target, &task.write.desired.name);
    let Some(version) = task.replica_version() else { return Wrote::Failed(refused) };
    let read = async {
        let there = at(context, target, name, version, false).await?;
        readable(context, target, name, version, there).await
    };
    let replica = match read.await {
        Ok(replica) => replica,
        Err(Stop::Moved) => return Wrote::Retries,
        Err(Stop::Failed(_)) => return Wrote::Failed(refused),
    };
    if replica.versions().first().is_none_or(|oldest| oldest.labels.is_empty()) {
        return Wrote::Failed(refused);
    }
    let steps = unblocking(source, &replica);
    if steps.is_empty() {
        return Wrote::Failed(refused.mended_by(
            "move the label at the source to a newer version; or delete the replica by hand: the next sweep creates it anew with all its labelled versions",
        ));
    }
    for step in steps {
        if let Err(cause) = carry_out(context.session, target, name, &step).await {
            return Wrote::Failed(cause);
        }
    }
    Wrote::Retries
}
