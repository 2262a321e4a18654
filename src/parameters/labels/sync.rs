//! Makes the labels of one replica equal to those of its source: reads both histories, plans, writes, and reads the source
//! again.

use std::collections::BTreeSet;

use super::history::LabelHistory;
use super::plan::{LabelPlan, plan};
use super::store::{LabelAnswer, carry_out, history_at};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, Change, OutcomeKind, ParameterName, Reason, Region, Version};
use crate::guard::Ruling;
use crate::ownership::Ownership;
use crate::parameters::candidate::Candidate;
use crate::parameters::causes::{
    labels_without_room, labels_without_values, labels_without_version,
};
use crate::parameters::context::RouteContext;
use crate::parameters::label_reads::Reads;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, decide};
use crate::parameters::results::{ItemResult, PassResult};
use crate::parameters::store::tags;
use crate::parameters::value_override::value_override;

/// If the source's labels change during every round, the next run continues.
const ROUNDS: usize = 2;

/// A source version and the replica version that copies it.
#[derive(Clone, Copy)]
pub(super) struct LabelledPair<'a> {
    /// The name as the source Region spells it.
    pub(super) source_name: &'a ParameterName,
    pub(super) source: Version,
    pub(super) target: &'a Region,
    /// The name as the target Region spells it.
    pub(super) name: &'a ParameterName,
    pub(super) replica: Version,
    /// Whether a value override applies, so that the source's older values do not belong on the replica.
    pub(super) has_value_override: bool,
    /// Source and replica, where the guard has not judged yet. `None` if the labels belong to a write that the guard
    /// permitted.
    pub(super) to_judge: Option<(&'a Observed, &'a Observed)>,
}

/// The result of a synchronisation.
#[derive(Debug)]
pub(super) enum SyncResult {
    /// The labels are equal, except those that `missing` names.
    Done {
        written: bool,
        missing: Option<Cause>,
    },
    /// A plan only: labels differ.
    Planned,
    /// Source or replica has another version now.
    Changed,
    Failed(Cause),
}

/// Why labels could not be synchronised.
pub(super) enum SyncError {
    /// Source or replica has another version now.
    Changed,
    Failed(Cause),
}

impl From<Cause> for SyncError {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause)
    }
}

/// Makes the labels of the replica equal to those of `source`, a history that was read before.
pub(super) async fn sync_labels(
    context: &RouteContext<'_>,
    pair: LabelledPair<'_>,
    source: LabelHistory,
) -> SyncResult {
    match try_sync(context, pair, source).await {
        Ok(result) => result,
        Err(SyncError::Changed) => SyncResult::Changed,
        Err(SyncError::Failed(cause)) => SyncResult::Failed(cause),
    }
}

async fn try_sync(
    context: &RouteContext<'_>,
    pair: LabelledPair<'_>,
    mut source: LabelHistory,
) -> Result<SyncResult, SyncError> {
    let LabelledPair { source_name, target, name, .. } = pair;
    let copied = |source: LabelHistory| {
        if pair.has_value_override { source.without_older_labels() } else { source }
    };
    source = copied(source);
    let mut written = false;
    for _ in 0..ROUNDS {
        let mut replica = history_of(context, target, name, pair.replica, false).await?;
        if source.older_labelled().chain(replica.older_labelled()).next().is_some() {
            let read = with_values(context, context.source, source_name, pair.source, source);
            source = copied(read.await?);
            replica = with_values(context, target, name, pair.replica, replica).await?;
        }
        let plan = plan(&source, &replica);
        let missing = missing_labels(&plan, &source, &replica, target);
        if plan.steps.is_empty() {
            return Ok(SyncResult::Done { written, missing });
        }
        match judge(context, pair).await? {
            Ruling::Proceed => {}
            Ruling::ReportOnly => {
                return Ok(missing.map_or(SyncResult::Planned, SyncResult::Failed));
            }
            Ruling::Refused(cause) => return Err(cause.into()),
        }
        for step in &plan.steps {
            match carry_out(context.session, target, name, step).await? {
                LabelAnswer::Done => written = true,
                LabelAnswer::Gone => return Err(SyncError::Changed),
            }
        }
        let now = history_of(context, context.source, source_name, pair.source, false).await?;
        let now = copied(now);
        if now.labels() == source.labels() {
            return Ok(SyncResult::Done { written, missing });
        }
        source = now;
    }
    Err(SyncError::Changed)
}

/// Asks the guard, with the replica's tags read by name just before. A plan uses the tags that were read earlier.
async fn judge(context: &RouteContext<'_>, pair: LabelledPair<'_>) -> Result<Ruling, SyncError> {
    let Some((original, replica)) = pair.to_judge else { return Ok(Ruling::Proceed) };
    let mut replica = replica.clone();
    if context.policy.writing.allows() {
        let tags = tags(context.session, pair.target, pair.name).await?;
        replica.tags = tags.ok_or(SyncError::Changed)?;
    }
    let case = context.case(pair.target, Some(original), Some(&replica), None);
    let is_copy = match case.ownership(context.plan_policy(context.parity())) {
        Ownership::Owned { provenance, .. } => {
            provenance.source == pair.source && provenance.names_replica(pair.replica)
        }
        _ => false,
    };
    if !is_copy {
        return Err(SyncError::Changed);
    }
    Ok(context.judge_replica(pair.target, Change::Retag, &replica, None))
}

/// A history whose current version is `version`.
pub(super) async fn history_of(
    context: &RouteContext<'_>,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<LabelHistory, SyncError> {
    history_at(context.session, region, name, version, decrypt).await?.ok_or(SyncError::Changed)
}

/// The history with its values, or with the reason why AWS does not decrypt them.
pub(super) async fn with_values(
    context: &RouteContext<'_>,
    region: &Region,
    name: &ParameterName,
    version: Version,
    mut history: LabelHistory,
) -> Result<LabelHistory, SyncError> {
    if history.is_readable() || history.unreadable.is_some() {
        return Ok(history);
    }
    match history_of(context, region, name, version, true).await {
        Err(SyncError::Failed(cause)) if !cause.kind.may_succeed_later() => {
            history.unreadable = Some(cause);
            Ok(history)
        }
        read => read,
    }
}

/// The labels that the replica still lacks once the plan is carried out.
fn missing_labels(
    plan: &LabelPlan,
    source: &LabelHistory,
    replica: &LabelHistory,
    target: &Region,
) -> Option<Cause> {
    let LabelPlan { steps: _, without_version, no_room, unknown } = plan;
    let list = |labels: &BTreeSet<String>| labels.iter().cloned().collect::<Vec<_>>().join(", ");
    if !unknown.is_empty() {
        let why = source.unreadable.as_ref().or(replica.unreadable.as_ref());
        return Some(labels_without_values(&list(unknown), target, why));
    }
    if !without_version.is_empty() {
        return Some(labels_without_version(&list(without_version), target));
    }
    (!no_room.is_empty()).then(|| labels_without_room(&list(no_room), target))
}

/// Synchronises the labels of candidates whose value the pass did not write: those whose labels are always read, and those
/// whose source may be a new one of the same name. A written value has brought its labels already.
pub(in crate::parameters) async fn sync_unchanged(
    context: &RouteContext<'_>,
    candidates: &[Candidate],
    pass: &mut PassResult,
) {
    let due = candidates.iter().filter_map(|candidate| {
        let original = candidate.original.as_ref()?;
        let name = &candidate.name;
        let always = context.labels.of_item(name) == Reads::Always;
        let copied = original.parameter.version();
        if !always && !context.labels.is_late_restart(name, copied) {
            return None;
        }
        let replicas: Vec<(&Region, &Observed)> = candidate
            .replicas
            .iter()
            .filter_map(|(target, replica)| Some((target, replica.as_ref()?)))
            // A replica in its first version cannot have labels of an earlier source.
            .filter(|(_, replica)| always || replica.parameter.version > 1)
            .filter(|(target, replica)| {
                is_equal(context, &candidate.name, target, original, replica, pass)
            })
            .collect();
        (!replicas.is_empty()).then_some((&candidate.name, original, replicas))
    });
    let syncs = due.map(|(name, original, replicas)| async move {
        (name, sync_item(context, original, replicas).await)
    });
    for (name, results) in in_parallel(syncs).await {
        for (target, result) in results {
            record_sync(context, name, target, result, pass);
        }
    }
}

/// Whether the pass found the replica equal and wrote no value.
fn is_equal(
    context: &RouteContext<'_>,
    name: &ParameterName,
    target: &Region,
    original: &Observed,
    replica: &Observed,
    pass: &PassResult,
) -> bool {
    match pass.results.get(name, target) {
        Some(
            ItemResult::Unchanged(OutcomeKind::InSync) | ItemResult::Counted(OutcomeKind::Retagged),
        ) => true,
        // Equal, except for tags that do not fit.
        Some(ItemResult::Failed { .. }) => {
            let case = context.case(target, Some(original), Some(replica), None);
            matches!(decide(case, context.plan_policy(context.parity())), Decision::InSync { .. })
        }
        _ => false,
    }
}

async fn sync_item<'a>(
    context: &RouteContext<'_>,
    original: &Observed,
    replicas: Vec<(&'a Region, &'a Observed)>,
) -> Vec<(&'a Region, SyncResult)> {
    // Reads of histories are slow: after a stop none begins, and a later run continues.
    if context.policy.deadline.is_stopped() {
        return all_targets(&replicas, || SyncResult::Changed);
    }
    let (name, version) = (&original.parameter.name, original.parameter.version());
    let source = match history_at(context.session, context.source, name, version, false).await {
        Ok(Some(source)) => source,
        Ok(None) => return all_targets(&replicas, || SyncResult::Changed),
        Err(cause) => return all_targets(&replicas, || SyncResult::Failed(cause.clone())),
    };
    let syncs = replicas.into_iter().map(|(target, replica)| {
        let source = source.clone();
        async move {
            let pair = LabelledPair {
                source_name: name,
                source: version,
                target,
                name: &replica.parameter.name,
                replica: replica.parameter.version(),
                has_value_override: matches!(value_override(&original.tags, target), Ok(Some(_))),
                to_judge: Some((original, replica)),
            };
            (target, sync_labels(context, pair, source).await)
        }
    });
    in_parallel(syncs).await
}

fn all_targets<'a>(
    replicas: &[(&'a Region, &'a Observed)],
    result: impl Fn() -> SyncResult,
) -> Vec<(&'a Region, SyncResult)> {
    replicas.iter().map(|(target, _)| (*target, result())).collect()
}

fn record_sync(
    context: &RouteContext<'_>,
    name: &ParameterName,
    target: &Region,
    result: SyncResult,
    pass: &mut PassResult,
) {
    // The report of tags that do not fit stays.
    let was_equal = !matches!(pass.results.get(name, target), Some(ItemResult::Failed { .. }));
    let result = match result {
        SyncResult::Done { missing: Some(cause), .. } | SyncResult::Failed(cause) => {
            let account = context.session.account();
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), error_kind = %cause.kind, "{}", cause.message);
            ItemResult::Failed { region: target.clone(), cause }
        }
        SyncResult::Done { written: true, .. } if was_equal => {
            ItemResult::Counted(OutcomeKind::Retagged)
        }
        SyncResult::Planned if was_equal => ItemResult::Planned {
            change: Change::Retag,
            because: vec![Reason::Labels],
            class: None,
            reported: None,
        },
        SyncResult::Done { .. } | SyncResult::Planned => return,
        SyncResult::Changed => ItemResult::Counted(OutcomeKind::Pending),
    };
    pass.results.record(name, target, result);
}
