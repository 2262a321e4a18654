//! Carries a round's tasks out. What is written over is read back before its provenance is written ([`super::verify`]).
//!
//! Any crash on the way leaves a replica whose provenance does not name its version: visibly out of sync.

use std::time::Instant;

use super::recreate::recreate;
use super::sequence::{Hold, chains, is_recreation};
use crate::concurrency::in_parallel;
use crate::domain::{
    Cause, Change, FailureKind, MARK_KEY, OutcomeKind, PROVENANCE_KEY, SecretText, Tags,
};
use crate::ownership::{Ownership, is_marked};
use crate::parameters::attempt::{Task, Values, Wrote, created_tags, provenance};
use crate::parameters::context::RouteContext;
use crate::parameters::labels::{self, History, Sources};
use crate::parameters::plan::{Marking, PlannedWrite, released_meanwhile, with_mark};
use crate::parameters::store::{Created, Put, Tagged, create, retag, tags, update};

/// Writes each task; one's failure stops none of the others, but for a recreation of the same item elsewhere.
pub(super) async fn write(
    context: &RouteContext<'_>,
    tasks: &[Task],
    values: &Values,
    sources: &Sources,
) -> Vec<Wrote> {
    let chains = chains(tasks).into_iter().map(|chain| async move {
        let mut hold = None;
        let mut wrote = Vec::new();
        let last = chain.len().saturating_sub(1);
        for (at, place) in chain.into_iter().enumerate() {
            let Some(task) = tasks.get(place) else { continue };
            let one = match &hold {
                Some(hold) if is_recreation(task) => Hold::held(hold, task),
                _ => write_in_turn(context, task, values, sources).await,
            };
            if hold.is_none() && at < last {
                hold = Hold::after(context, task, &one, task.value(values)).await;
            }
            wrote.push((place, one));
        }
        wrote
    });
    let mut all: Vec<(usize, Wrote)> = in_parallel(chains).await.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, wrote)| wrote).collect()
}

async fn write_in_turn(context: &RouteContext<'_>, task: &Task, values: &Values, sources: &Sources) -> Wrote {
    let began = Instant::now();
    let labelled = sources.labelled(task);
    let wrote = write_one(context, task, task.value(values), labelled.as_ref()).await;
    logged(context, task, began, &wrote);
    wrote
}

fn logged(context: &RouteContext<'_>, task: &Task, began: Instant, wrote: &Wrote) {
    let (name, change) = (task.name.as_str(), task.write.change.word());
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (account, region) = (context.session.account(), &task.target);
    match wrote {
        Wrote::Failed(Cause { kind, message, .. }) | Wrote::Lost(Cause { kind, message, .. }) => {
            tracing::warn!(%account, %region, kind = "parameter", name, change, error_kind = %kind, elapsed_ms, "{message}");
        }
        _ => {}
    }
}

async fn write_one(
    context: &RouteContext<'_>,
    task: &Task,
    value: Option<&SecretText>,
    labelled: Option<&History>,
) -> Wrote {
    // Nothing of this chunk is written yet.
    if context.policy.deadline.is_stopped() {
        return Wrote::Late;
    }
    let done = match (task.write.change, value) {
        (Change::Create, Some(value)) => create_one(context, task, value, labelled).await,
        (Change::Recreate, Some(value)) => recreate(context, task, value, labelled).await,
        (Change::Update, Some(value)) => match marked_first(context, task).await {
            Ok(Tagged::Gone) => Ok(Wrote::Retries),
            Ok(Tagged::Yes) => update_one(context, task, value, labelled).await,
            Err(cause) => Err(cause),
        },
        (Change::Retag, _) => retag_one(context, task).await,
        (change, _) => {
            let message = format!("internal error: no way to {} was planned", change.word());
            Err(Cause::new(FailureKind::Bug, message))
        }
    };
    match done {
        Ok(wrote) => wrote,
        Err(refused) => withdrawn(context, task, refused).await,
    }
}

async fn create_one(
    context: &RouteContext<'_>,
    task: &Task,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<Wrote, Cause> {
    let Task { name, target, write, .. } = task;
    let location = context.session.location(target);
    let pause = context.recent.pause_before_create(&location, name, context.session.now());
    if !pause.is_zero() {
        if !context.policy.deadline.leaves(pause) {
            return Ok(Wrote::Retries);
        }
        tokio::time::sleep(pause).await;
    }
    if let Some(history) = labelled {
        return labels::create(context, task, history, value).await;
    }
    let (tags, policies) = (created_tags(context, task), write.policies_to_send.clone());
    let created = create(context.session, target, &write.desired, policies, value, &tags).await?;
    Ok(match created {
        Created::Yes => Wrote::Created(OutcomeKind::Created),
        Created::NameTaken => Wrote::Retries,
        Created::Unanswered(cause) => Wrote::Lost(cause),
    })
}

/// Puts the mark on what is taken over at a person's word, or was left without its tags, before anything else.
pub(super) async fn marked_first(context: &RouteContext<'_>, task: &Task) -> Result<Tagged, Cause> {
    if task.write.marking != Marking::First {
        return Ok(Tagged::Yes);
    }
    let mark = with_mark(Tags::new());
    retag(context.session, &task.target, &task.write.desired.name, &mark, &[]).await
}

async fn update_one(
    context: &RouteContext<'_>,
    task: &Task,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<Wrote, Cause> {
    let Task { target, write, .. } = task;
    let PlannedWrite { desired, set_tags, remove_tags, .. } = write;
    // Tags first: if they are refused, no value moves. Gone is the deletion of a replica under the write, which then makes
    // it anew, as version 1.
    retag(context.session, target, &desired.name, set_tags, remove_tags).await?;
    if let Some(ended) = missing_written(context, task, labelled).await? {
        return Ok(ended);
    }
    Ok(match update(context.session, target, write, value).await? {
        Put::Version(version) => Wrote::ReadBack(version),
        Put::Unanswered(cause) => Wrote::Lost(cause),
    })
}

async fn retag_one(context: &RouteContext<'_>, task: &Task) -> Result<Wrote, Cause> {
    let Task { target, write, .. } = task;
    if matches!(marked_first(context, task).await?, Tagged::Gone) {
        return Ok(Wrote::Retries);
    }
    let mut set = write.set_tags.clone();
    let renewed = match (&write.provenance, write.renew_provenance, task.replica_version()) {
        (Some(provenance), ..) => Some(provenance.to_string()),
        (None, true, Some(version)) => Some(provenance(context, task, version, false).to_string()),
        (None, true, None) => return Ok(Wrote::Retries),
        (None, false, _) => None,
    };
    if let Some(provenance) = renewed {
        set.insert(PROVENANCE_KEY.to_owned(), provenance);
    }
    let name = &write.desired.name;
    Ok(match retag(context.session, target, name, &set, &write.remove_tags).await? {
        Tagged::Yes => Wrote::Done(OutcomeKind::Retagged),
        Tagged::Gone => Wrote::Retries,
    })
}

/// What a refusal comes to. What was marked at a person's word gets its own tags back, and the mark comes off. What a
/// person released meanwhile is refused by the role's policy, and is a conflict and not a lack of rights.
pub(super) async fn withdrawn(context: &RouteContext<'_>, task: &Task, refused: Cause) -> Wrote {
    let (target, name) = (&task.target, &task.write.desired.name);
    if task.marks_for_a_person() {
        return match tags_as_before(context, task).await {
            Ok(()) => Wrote::Failed(refused),
            Err(cause) => {
                let message = format!(
                    "{}; its own tags could not be put back: {}",
                    refused.message, cause.message
                );
                Wrote::Failed(Cause { message, ..refused })
            }
        };
    }
    let is_owned = matches!(task.held, Ownership::Owned { .. });
    if is_owned && refused.kind == FailureKind::AccessDenied && task.replica.is_some() {
        let read = tags(context.session, target, name).await;
        if matches!(read, Ok(Some(tags)) if !is_marked(&tags)) {
            return Wrote::Failed(released_meanwhile(task.case(context)));
        }
    }
    Wrote::Failed(refused)
}

/// Puts a parameter's own tags back, and takes off what was set beside them. Its mark comes off last: AWS is told to
/// refuse tags on what is not marked.
async fn tags_as_before(context: &RouteContext<'_>, task: &Task) -> Result<(), Cause> {
    let Some(replica) = &task.replica else { return Ok(()) };
    let (target, name) = (&task.target, &task.write.desired.name);
    let own = |key: &&String| replica.tags.contains_key(*key);
    let is_ours = |key: &str| key == MARK_KEY || key == PROVENANCE_KEY;
    let mut lost = replica.tags.clone();
    lost.retain(|key, _| {
        let moved = task.write.set_tags.contains_key(key) || task.write.remove_tags.contains(key);
        moved && !is_ours(key)
    });
    retag(context.session, target, name, &lost, &[]).await?;
    let mut added: Vec<String> =
        task.write.set_tags.keys().filter(|key| !own(key)).cloned().collect();
    added.push(MARK_KEY.to_owned());
    retag(context.session, target, name, &Tags::new(), &added).await.map(drop)
}

/// Gives a replica that was left unfinished the labelled values that it lacks.
async fn missing_written(
    context: &RouteContext<'_>,
    task: &Task,
    labelled: Option<&History>,
) -> Result<Option<Wrote>, Cause> {
    match (&task.held, labelled) {
        (Ownership::Owned { provenance, .. }, Some(history)) if provenance.is_unfinished() => {
            labels::write_missing(context, task, history).await
        }
        _ => Ok(None),
    }
}
