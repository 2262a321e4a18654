//! Makes one replica's labels those of its source: reads both histories, decides, writes, and reads the source again.

use std::collections::BTreeSet;

use super::history::History;
use super::plan::{LabelPlan, plan};
use super::store::{Labelled, carry_out, history_at};
use crate::concurrency::in_parallel;
use crate::domain::{
    Cause, Change, FailureKind, OutcomeKind, ParameterName, Reason, Region, Version,
};
use crate::guard::{Occupant, Proposal, Ruling};
use crate::ownership::Ownership;
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::label_reads::Reads;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, decide};
use crate::parameters::results::{ItemResult, PassResult};
use crate::parameters::store::tags;
use crate::parameters::value_override::value_override;

/// Labels that move each time they are written are left to the next run.
const ROUNDS: usize = 2;

/// A source and its replica, which is the copy of that version.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// The source's name, as it is spelled there.
    pub(super) source_name: &'a ParameterName,
    /// The version that was copied.
    pub(super) source: Version,
    /// Where the replica is.
    pub(super) target: &'a Region,
    /// The replica's name, as it is spelled there.
    pub(super) name: &'a ParameterName,
    /// The version that is the copy.
    pub(super) replica: Version,
    /// Whether the replica has a value of the target's own, so that the source's older values are no good there.
    pub(super) own_value: bool,
    /// What was read of the two, where the guard is still to be asked. It let a write pass that labels belong to.
    pub(super) to_judge: Option<(&'a Observed, &'a Observed)>,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Synced {
    /// The labels are those of the source, but for what `lacks` tells; whether anything was written.
    Done { written: bool, lacks: Option<Cause> },
    /// They would be written.
    Planned,
    /// Source or replica is another by now.
    Moved,
    /// Not done.
    Failed(Cause),
}

/// What keeps labels from being placed.
pub(super) enum Stop {
    Moved,
    Failed(Cause),
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause)
    }
}

/// Makes the labels those of `source`, the source's history as it was read.
pub(super) async fn sync_labels(
    context: &RouteContext<'_>,
    pair: Pair<'_>,
    source: History,
) -> Synced {
    match synced(context, pair, source).await {
        Ok(synced) => synced,
        Err(Stop::Moved) => Synced::Moved,
        Err(Stop::Failed(cause)) => Synced::Failed(cause),
    }
}

async fn synced(
    context: &RouteContext<'_>,
    pair: Pair<'_>,
    mut source: History,
) -> Result<Synced, Stop> {
    let Pair { source_name, target, name, .. } = pair;
    let shown =
        |source: History| if pair.own_value { source.without_older_labels() } else { source };
    source = shown(source);
    let mut written = false;
    for _ in 0..ROUNDS {
        let mut replica = at(context, target, name, pair.replica, false).await?;
        if source.older_labelled().chain(replica.older_labelled()).next().is_some() {
            source =
                shown(readable(context, context.source, source_name, pair.source, source).await?);
            replica = readable(context, target, name, pair.replica, replica).await?;
        }
        let plan = plan(&source, &replica);
        let lacks = lacks(&plan, &source, &replica, target);
        if plan.steps.is_empty() {
            return Ok(Synced::Done { written, lacks });
        }
        match judged(context, pair).await? {
            Ruling::Proceed => {}
            Ruling::ReportOnly => return Ok(lacks.map_or(Synced::Planned, Synced::Failed)),
            Ruling::Refused(cause) => return Err(cause.into()),
        }
        for step in &plan.steps {
            match carry_out(context.session, target, name, step).await? {
                Labelled::Yes => written = true,
                Labelled::Gone => return Err(Stop::Moved),
            }
        }
        let now = shown(at(context, context.source, source_name, pair.source, false).await?);
        if now.labels() == source.labels() {
            return Ok(Synced::Done { written, lacks });
        }
        source = now;
    }
    Err(Stop::Moved)
}

/// The guard's word on a replica, by its tags as read now. A plan goes by the tags that were read so far.
async fn judged(context: &RouteContext<'_>, pair: Pair<'_>) -> Result<Ruling, Stop> {
    let Some((original, replica)) = pair.to_judge else { return Ok(Ruling::Proceed) };
    let mut replica = replica.clone();
    if context.policy.writing.allows() {
        let tags = tags(context.session, pair.target, pair.name).await?;
        replica.tags = tags.ok_or(Stop::Moved)?;
    }
    let case = context.case(pair.target, Some(original), Some(&replica), None);
    let is_copy = match case.ownership(context.plan_policy(context.parity())) {
        Ownership::Owned { provenance, .. } => {
            provenance.source == pair.source && provenance.names_replica(pair.replica)
        }
        _ => false,
    };
    if !is_copy {
        return Err(Stop::Moved);
    }
    let occupant = Occupant::Parameter(replica.evidence(context.session.account(), pair.target));
    let (source, target, change) = (context.source, pair.target, Change::Retag);
    let proposal = Proposal { source, target, change, occupant, claim: None };
    Ok(context.policy.judge(&proposal, context.session.now()))
}

/// A history that ends with `version`.
pub(super) async fn at(
    context: &RouteContext<'_>,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<History, Stop> {
    history_at(context.session, region, name, version, decrypt).await?.ok_or(Stop::Moved)
}

/// The same history with its values, or with the reason why AWS does not decrypt them.
pub(super) async fn readable(
    context: &RouteContext<'_>,
    region: &Region,
    name: &ParameterName,
    version: Version,
    mut history: History,
) -> Result<History, Stop> {
    if history.is_readable() || history.unreadable.is_some() {
        return Ok(history);
    }
    match at(context, region, name, version, true).await {
        Err(Stop::Failed(cause)) if !cause.kind.may_succeed_later() => {
            history.unreadable = Some(cause);
            Ok(history)
        }
        read => read,
    }
}

/// What the replica lacks of the source's labels once the plan is carried out.
fn lacks(plan: &LabelPlan, source: &History, replica: &History, target: &Region) -> Option<Cause> {
    let LabelPlan { steps: _, lacking, no_room, unknown } = plan;
    let named = |labels: &BTreeSet<String>| labels.iter().cloned().collect::<Vec<_>>().join(", ");
    if !unknown.is_empty() {
        let why = source.unreadable.as_ref().or(replica.unreadable.as_ref());
        let why = why.map_or_else(String::new, |cause| format!(": {}", cause.message));
        let message = format!(
            "labels of older versions ({}) were left as they are in {target}, since the values of all versions cannot be read{why}",
            named(unknown)
        );
        let kind = why_kind(source, replica);
        return Some(Cause::new(kind, message).mended_by(
            "take these labels off at the source, or make the keys of its older versions usable again; then `hubctl sweep --labels`",
        ));
    }
    if !lacking.is_empty() {
        let message = format!(
            "labels of older versions ({}) are not in {target}: no version of the replica has their values, and an older value is never written over a replica",
            named(lacking)
        );
        return Some(Cause::new(FailureKind::Unsupported, message).mended_by(
            "delete the replica by hand: the next sweep creates it anew with all its labelled versions; or move the labels at the source to a newer version",
        ));
    }
    (!no_room.is_empty()).then(|| {
        let message = format!(
            "labels ({}) are not in {target}: AWS takes 10 on a version, and no further version of the replica has their value",
            named(no_room)
        );
        Cause::new(FailureKind::Limit, message)
            .mended_by("take labels off the source's versions of this value")
    })
}

fn why_kind(source: &History, replica: &History) -> FailureKind {
    let why = source.unreadable.as_ref().or(replica.unreadable.as_ref());
    why.map_or(FailureKind::Unsupported, |cause| cause.kind)
}

/// Makes the labels equal of those candidates whose labels are read in any case, or whose source may be another one than
/// was copied, where no value was written: with a value, its labels went too.
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
            // A first version has no label of an earlier source.
            .filter(|(_, replica)| always || replica.parameter.version > 1)
            .filter(|(target, replica)| {
                is_equal(context, &candidate.name, target, original, replica, pass)
            })
            .collect();
        (!replicas.is_empty()).then_some((&candidate.name, original, replicas))
    });
    let followed = due.map(|(name, original, replicas)| async move {
        (name, follow_one(context, original, replicas).await)
    });
    for (name, ended) in in_parallel(followed).await {
        for (target, synced) in ended {
            end(context, name, target, synced, pass);
        }
    }
}

/// Whether the round found it equal, and wrote no value.
fn is_equal(
    context: &RouteContext<'_>,
    name: &ParameterName,
    target: &Region,
    original: &Observed,
    replica: &Observed,
    pass: &PassResult,
) -> bool {
    match pass.results.of(name, target) {
        Some(
            ItemResult::Left(OutcomeKind::InSync) | ItemResult::Counted(OutcomeKind::Retagged),
        ) => true,
        // Equal but for some tags that do not fit.
        Some(ItemResult::Failed { .. }) => {
            let case = context.case(target, Some(original), Some(replica), None);
            matches!(decide(case, context.plan_policy(context.parity())), Decision::InSync { .. })
        }
        _ => false,
    }
}

async fn follow_one<'a>(
    context: &RouteContext<'_>,
    original: &Observed,
    replicas: Vec<(&'a Region, &'a Observed)>,
) -> Vec<(&'a Region, Synced)> {
    // Histories are read slowly: after a stop none is begun, and the item is left to a later run.
    if context.policy.deadline.is_stopped() {
        return all(&replicas, || Synced::Moved);
    }
    let (name, version) = (&original.parameter.name, original.parameter.version());
    let source = match history_at(context.session, context.source, name, version, false).await {
        Ok(Some(source)) => source,
        Ok(None) => return all(&replicas, || Synced::Moved),
        Err(cause) => return all(&replicas, || Synced::Failed(cause.clone())),
    };
    let synced = replicas.into_iter().map(|(target, replica)| {
        let source = source.clone();
        async move {
            let pair = Pair {
                source_name: name,
                source: version,
                target,
                name: &replica.parameter.name,
                replica: replica.parameter.version(),
                own_value: matches!(value_override(&original.tags, target), Ok(Some(_))),
                to_judge: Some((original, replica)),
            };
            (target, sync_labels(context, pair, source).await)
        }
    });
    in_parallel(synced).await
}

fn all<'a>(
    replicas: &[(&'a Region, &'a Observed)],
    synced: impl Fn() -> Synced,
) -> Vec<(&'a Region, Synced)> {
    replicas.iter().map(|(target, _)| (*target, synced())).collect()
}

fn end(
    context: &RouteContext<'_>,
    name: &ParameterName,
    target: &Region,
    synced: Synced,
    pass: &mut PassResult,
) {
    // That some tags do not fit stays told.
    let was_equal = !matches!(pass.results.of(name, target), Some(ItemResult::Failed { .. }));
    let result = match synced {
        Synced::Done { lacks: Some(cause), .. } | Synced::Failed(cause) => {
            let account = context.session.account();
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), error_kind = %cause.kind, "{}", cause.message);
            ItemResult::Failed { region: target.clone(), cause }
        }
        Synced::Done { written: true, .. } if was_equal => {
            ItemResult::Counted(OutcomeKind::Retagged)
        }
        Synced::Planned if was_equal => ItemResult::Planned {
            change: Change::Retag,
            because: vec![Reason::Labels],
            class: None,
            reported: None,
        },
        Synced::Done { .. } | Synced::Planned => return,
        Synced::Moved => ItemResult::Counted(OutcomeKind::Pending),
    };
    pass.results.end(name, target, result);
}
