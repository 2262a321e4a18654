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
use crate::parameters::attempt::{Values, WriteAttempt, WriteState, created_tags, provenance};
use crate::parameters::context::RouteContext;
use crate::parameters::labels::{self, History, Sources};
use crate::parameters::plan::{MarkTiming, PlannedWrite, released_meanwhile, with_mark};
use crate::parameters::store::{Created, Put, Tagged, create, retag, tags, update};

/// Writes each task; one's failure stops none of the others, but for a recreation of the same item elsewhere.
pub(super) async fn write(
    context: &RouteContext<'_>,
    attempts: &[WriteAttempt],
    values: &Values,
    sources: &Sources,
) -> Vec<WriteState> {
    let chains = chains(attempts).into_iter().map(|chain| async move {
        let mut hold = None;
        let mut state = Vec::new();
        let last = chain.len().saturating_sub(1);
        for (at, place) in chain.into_iter().enumerate() {
            let Some(attempt) = attempts.get(place) else { continue };
            let one = match &hold {
                Some(hold) if is_recreation(attempt) => Hold::held(hold, attempt),
                _ => write_in_turn(context, attempt, values, sources).await,
            };
            if hold.is_none() && at < last {
                hold = Hold::after(context, attempt, &one, attempt.value(values)).await;
            }
            state.push((place, one));
        }
        state
    });
    let mut all: Vec<(usize, WriteState)> =
        in_parallel(chains).await.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, state)| state).collect()
}

async fn write_in_turn(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    values: &Values,
    sources: &Sources,
) -> WriteState {
    let began = Instant::now();
    let labelled = sources.labelled(attempt);
    let state = write_one(context, attempt, attempt.value(values), labelled.as_ref()).await;
    logged(context, attempt, began, &state);
    state
}

fn logged(context: &RouteContext<'_>, attempt: &WriteAttempt, began: Instant, state: &WriteState) {
    let (name, change) = (attempt.name.as_str(), attempt.write.change.word());
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (account, region) = (context.session.account(), &attempt.target);
    match state {
        WriteState::Failed(Cause { kind, message, .. })
        | WriteState::Unanswered(Cause { kind, message, .. }) => {
            tracing::warn!(%account, %region, kind = "parameter", name, change, error_kind = %kind, elapsed_ms, "{message}");
        }
        _ => {}
    }
}

async fn write_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: Option<&SecretText>,
    labelled: Option<&History>,
) -> WriteState {
    // Nothing of this chunk is written yet.
    if context.policy.deadline.is_stopped() {
        return WriteState::OutOfTime;
    }
    let done = match (attempt.write.change, value) {
        (Change::Create, Some(value)) => create_one(context, attempt, value, labelled).await,
        (Change::Recreate, Some(value)) => recreate(context, attempt, value, labelled).await,
        (Change::Update, Some(value)) => match marked_first(context, attempt).await {
            Ok(Tagged::Gone) => Ok(WriteState::Retry),
            Ok(Tagged::Yes) => update_one(context, attempt, value, labelled).await,
            Err(cause) => Err(cause),
        },
        (Change::Retag, _) => retag_one(context, attempt).await,
        (change, _) => {
            let message = format!("internal error: no way to {} was planned", change.word());
            Err(Cause::new(FailureKind::Bug, message))
        }
    };
    match done {
        Ok(state) => state,
        Err(refused) => withdrawn(context, attempt, refused).await,
    }
}

async fn create_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<WriteState, Cause> {
    let WriteAttempt { name, target, write, .. } = attempt;
    let location = context.session.location(target);
    let pause = context.recent.pause_before_create(&location, name, context.session.now());
    if !pause.is_zero() {
        if !context.policy.deadline.leaves(pause) {
            return Ok(WriteState::Retry);
        }
        tokio::time::sleep(pause).await;
    }
    if let Some(history) = labelled {
        return labels::create(context, attempt, history, value).await;
    }
    let (tags, policies) = (created_tags(context, attempt), write.policies_to_send.clone());
    let created = create(context.session, target, &write.desired, policies, value, &tags).await?;
    Ok(match created {
        Created::Yes => WriteState::Created(OutcomeKind::Created),
        Created::NameTaken => WriteState::Retry,
        Created::Unanswered(cause) => WriteState::Unanswered(cause),
    })
}

/// Puts the mark on what is taken over at a person's word, or was left without its tags, before anything else.
pub(super) async fn marked_first(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
) -> Result<Tagged, Cause> {
    if attempt.write.mark_timing != MarkTiming::BeforeWrite {
        return Ok(Tagged::Yes);
    }
    let mark = with_mark(Tags::new());
    retag(context.session, &attempt.target, &attempt.write.desired.name, &mark, &[]).await
}

async fn update_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, write, .. } = attempt;
    let PlannedWrite { desired, set_tags, remove_tags, .. } = write;
    // Tags first: if they are refused, no value moves. Gone is the deletion of a replica under the write, which then makes
    // it anew, as version 1.
    retag(context.session, target, &desired.name, set_tags, remove_tags).await?;
    if let Some(ended) = missing_written(context, attempt, labelled).await? {
        return Ok(ended);
    }
    Ok(match update(context.session, target, write, value).await? {
        Put::Version(version) => WriteState::Written(version),
        Put::Unanswered(cause) => WriteState::Unanswered(cause),
    })
}

async fn retag_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, write, .. } = attempt;
    if matches!(marked_first(context, attempt).await?, Tagged::Gone) {
        return Ok(WriteState::Retry);
    }
    let mut set = write.set_tags.clone();
    let renewed = match (&write.provenance, write.renew_provenance, attempt.replica_version()) {
        (Some(provenance), ..) => Some(provenance.to_string()),
        (None, true, Some(version)) => {
            Some(provenance(context, attempt, version, false).to_string())
        }
        (None, true, None) => return Ok(WriteState::Retry),
        (None, false, _) => None,
    };
    if let Some(provenance) = renewed {
        set.insert(PROVENANCE_KEY.to_owned(), provenance);
    }
    let name = &write.desired.name;
    Ok(match retag(context.session, target, name, &set, &write.remove_tags).await? {
        Tagged::Yes => WriteState::Done(OutcomeKind::Retagged),
        Tagged::Gone => WriteState::Retry,
    })
}

/// What a refusal comes to. What was marked at a person's word gets its own tags back, and the mark comes off. What a
/// person released meanwhile is refused by the role's policy, and is a conflict and not a lack of rights.
pub(super) async fn withdrawn(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    refused: Cause,
) -> WriteState {
    let (target, name) = (&attempt.target, &attempt.write.desired.name);
    if attempt.marks_for_a_person() {
        return match tags_as_before(context, attempt).await {
            Ok(()) => WriteState::Failed(refused),
            Err(cause) => {
                let message = format!(
                    "{}; its own tags could not be put back: {}",
                    refused.message, cause.message
                );
                WriteState::Failed(Cause { message, ..refused })
            }
        };
    }
    let is_owned = matches!(attempt.held, Ownership::Owned { .. });
    if is_owned && refused.kind == FailureKind::AccessDenied && attempt.replica.is_some() {
        let read = tags(context.session, target, name).await;
        if matches!(read, Ok(Some(tags)) if !is_marked(&tags)) {
            return WriteState::Failed(released_meanwhile(attempt.case(context)));
        }
    }
    WriteState::Failed(refused)
}

/// Puts a parameter's own tags back, and takes off what was set beside them. Its mark comes off last: AWS is told to
/// refuse tags on what is not marked.
async fn tags_as_before(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Result<(), Cause> {
    let Some(replica) = &attempt.replica else { return Ok(()) };
    let (target, name) = (&attempt.target, &attempt.write.desired.name);
    let own = |key: &&String| replica.tags.contains_key(*key);
    let is_ours = |key: &str| key == MARK_KEY || key == PROVENANCE_KEY;
    let mut lost = replica.tags.clone();
    lost.retain(|key, _| {
        let moved =
            attempt.write.set_tags.contains_key(key) || attempt.write.remove_tags.contains(key);
        moved && !is_ours(key)
    });
    retag(context.session, target, name, &lost, &[]).await?;
    let mut added: Vec<String> =
        attempt.write.set_tags.keys().filter(|key| !own(key)).cloned().collect();
    added.push(MARK_KEY.to_owned());
    retag(context.session, target, name, &Tags::new(), &added).await.map(drop)
}

/// Gives a replica that was left unfinished the labelled values that it lacks.
async fn missing_written(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    labelled: Option<&History>,
) -> Result<Option<WriteState>, Cause> {
    match (&attempt.held, labelled) {
        (Ownership::Owned { provenance, .. }, Some(history)) if provenance.is_unfinished() => {
            labels::write_missing(context, attempt, history).await
        }
        _ => Ok(None),
    }
}
