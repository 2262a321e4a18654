//! Carries out the writes of a pass. An overwritten replica is read back before its provenance is written
//! ([`super::verify`]).
//!
//! A crash at any point leaves a replica whose provenance does not name its version: visibly out of sync.

use std::time::Instant;

use super::recreate::recreate;
use super::sequence::{Blocker, Chain, chains, is_recreation};
use crate::concurrency::in_parallel;
use crate::domain::{
    Cause, Change, FailureKind, MARK_KEY, OutcomeKind, PROVENANCE_KEY, SecretText, Tags,
};
use crate::ownership::{Ownership, is_marked};
use crate::parameters::attempt::{Values, WriteAttempt, WriteState, created_tags, provenance};
use crate::parameters::causes::{no_such_step, tags_not_restored};
use crate::parameters::context::RouteContext;
use crate::parameters::labels::{self, LabelHistory, SourceHistories};
use crate::parameters::plan::{MarkTiming, PlannedWrite, released_meanwhile, with_mark};
use crate::parameters::store::{Created, Put, Tagged, create, retag, tags, update};

/// Carries out each write. A failed write stops no other one, except the recreations of the same item in other targets.
pub(super) async fn write(
    context: &RouteContext<'_>,
    attempts: &mut [WriteAttempt],
    values: &Values,
    histories: &SourceHistories,
) {
    let chains = chains(attempts).into_iter();
    in_parallel(chains.map(|chain| write_chain(context, chain, values, histories))).await;
}

async fn write_chain(
    context: &RouteContext<'_>,
    chain: Chain<'_>,
    values: &Values,
    histories: &SourceHistories,
) {
    let mut blocker: Option<Blocker> = None;
    let last = chain.len().saturating_sub(1);
    for (place, attempt) in chain.into_iter().enumerate() {
        attempt.state = match &blocker {
            Some(blocker) if is_recreation(attempt) => blocker.blocked_state(attempt),
            _ => write_and_log(context, attempt, values, histories).await,
        };
        if blocker.is_none() && place < last {
            blocker = Blocker::after(context, attempt, attempt.value(values)).await;
        }
    }
}

async fn write_and_log(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    values: &Values,
    histories: &SourceHistories,
) -> WriteState {
    let began = Instant::now();
    let labelled = histories.labelled(attempt);
    let state = write_one(context, attempt, attempt.value(values), labelled.as_ref()).await;
    if let WriteState::Failed(cause) | WriteState::Unanswered(cause) = &state {
        log_failure(context, attempt, began, cause);
    }
    state
}

fn log_failure(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    began: Instant,
    Cause { kind, message, .. }: &Cause,
) {
    let (name, change) = (attempt.name.as_str(), attempt.write.change.word());
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (account, region) = (context.session.account(), &attempt.target);
    tracing::warn!(%account, %region, kind = "parameter", name, change, error_kind = %kind, elapsed_ms, "{message}");
}

async fn write_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: Option<&SecretText>,
    labelled: Option<&LabelHistory>,
) -> WriteState {
    if context.policy.deadline.is_stopped() {
        return WriteState::OutOfTime;
    }
    let done = match (attempt.write.change, value) {
        (Change::Create, Some(value)) => create_one(context, attempt, value, labelled).await,
        (Change::Recreate, Some(value)) => recreate(context, attempt, value, labelled).await,
        (Change::Update, Some(value)) => match set_mark_first(context, attempt).await {
            Ok(Tagged::Gone) => Ok(WriteState::Retry),
            Ok(Tagged::Yes) => update_one(context, attempt, value, labelled).await,
            Err(cause) => Err(cause),
        },
        (Change::Retag, _) => retag_one(context, attempt).await,
        (change, _) => Err(no_such_step(change)),
    };
    match done {
        Ok(state) => state,
        Err(refused) => handle_refusal(context, attempt, refused).await,
    }
}

async fn create_one(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&LabelHistory>,
) -> Result<WriteState, Cause> {
    let WriteAttempt { name, target, .. } = attempt;
    let location = context.session.location(target);
    let pause = context.recent.pause_before_create(&location, name, context.session.now());
    if !pause.is_zero() {
        if !context.policy.deadline.leaves(pause) {
            return Ok(WriteState::Retry);
        }
        tokio::time::sleep(pause).await;
    }
    create_replica(context, attempt, value, labelled, OutcomeKind::Created).await
}

/// Creates the replica in one call, or by one call for each labelled value. The result counts as `outcome`.
pub(super) async fn create_replica(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&LabelHistory>,
    outcome: OutcomeKind,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, write, .. } = attempt;
    if let Some(history) = labelled {
        return labels::create(context, attempt, history, value).await;
    }
    let (tags, policies) = (created_tags(context, attempt), write.policies_to_send.clone());
    let created = create(context.session, target, &write.desired, policies, value, &tags).await?;
    Ok(match created {
        Created::Yes => WriteState::Created(outcome),
        Created::NameTaken => WriteState::Retry,
        Created::Unanswered(cause) => WriteState::Unanswered(cause),
    })
}

/// Sets the mark before any other write, where the parameter is taken over or lost its tags.
pub(super) async fn set_mark_first(
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
    labelled: Option<&LabelHistory>,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, write, .. } = attempt;
    let PlannedWrite { desired, set_tags, remove_tags, .. } = write;
    // Tags come first: if AWS refuses them, the value stays as it is. If the replica no longer exists, the put creates it
    // again as version 1, which the read-back detects.
    retag(context.session, target, &desired.name, set_tags, remove_tags).await?;
    if let Some(ended) = write_missing_values(context, attempt, labelled).await? {
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
    if matches!(set_mark_first(context, attempt).await?, Tagged::Gone) {
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

/// The state after AWS refused a write. A parameter that `resolve` marked gets its earlier tags back. If the replica lost
/// its mark meanwhile, a person released it: the role's policy then denies the write, and the result is a conflict.
pub(super) async fn handle_refusal(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    refused: Cause,
) -> WriteState {
    let (target, name) = (&attempt.target, &attempt.write.desired.name);
    if attempt.mark_is_provisional() {
        return WriteState::Failed(match restore_tags(context, attempt).await {
            Ok(()) => refused,
            Err(cause) => tags_not_restored(refused, &cause),
        });
    }
    let is_owned = matches!(attempt.ownership, Ownership::Owned { .. });
    if is_owned && refused.kind == FailureKind::AccessDenied && attempt.replica.is_some() {
        let read = tags(context.session, target, name).await;
        if matches!(read, Ok(Some(tags)) if !is_marked(&tags)) {
            return WriteState::Failed(released_meanwhile(attempt.case(context)));
        }
    }
    WriteState::Failed(refused)
}

/// Restores the tags that the parameter had before the take-over. The mark is removed last, because the role's policy
/// denies tag calls on a parameter without the mark.
async fn restore_tags(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Result<(), Cause> {
    let Some(replica) = &attempt.replica else { return Ok(()) };
    let (target, name) = (&attempt.target, &attempt.write.desired.name);
    let is_hub_tag = |key: &str| key == MARK_KEY || key == PROVENANCE_KEY;
    let mut lost = replica.tags.clone();
    lost.retain(|key, _| {
        let changed =
            attempt.write.set_tags.contains_key(key) || attempt.write.remove_tags.contains(key);
        changed && !is_hub_tag(key)
    });
    retag(context.session, target, name, &lost, &[]).await?;
    let new_keys = attempt.write.set_tags.keys().filter(|key| !replica.tags.contains_key(*key));
    let mut added: Vec<String> = new_keys.cloned().collect();
    added.push(MARK_KEY.to_owned());
    retag(context.session, target, name, &Tags::new(), &added).await.map(drop)
}

/// Writes the labelled values that an unfinished replica lacks. `None` if the update may follow.
async fn write_missing_values(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    labelled: Option<&LabelHistory>,
) -> Result<Option<WriteState>, Cause> {
    match (&attempt.ownership, labelled) {
        (Ownership::Owned { provenance, .. }, Some(history)) if provenance.is_unfinished() => {
            labels::write_missing(context, attempt, history).await
        }
        _ => Ok(None),
    }
}
