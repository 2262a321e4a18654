//! Recreates a replica whose type or data type differs, because PutParameter does not change these attributes.
//!
//! AWS asks for a pause of half a minute between the delete and the create, without a standby. So the hub checks first what
//! it can: it verifies the key and reads the source's value and the replica's old form. If AWS refuses the new form
//! permanently, the hub restores the old form and records the refusal in the provenance, so that no sweep deletes the
//! standby for it again. A crash in between leaves a missing replica, which the next pass creates.

use std::time::Duration;

use super::brake::{NotReserved, give_one_back, reserve};
use super::delete::{DeleteExecutor, DeleteResult, Judgement, Reread};
use super::execute::{create_replica, set_mark_first};
use crate::deadline::reserve;
use crate::domain::{Cause, Change, OutcomeKind, Reason, SecretText, Tags};
use crate::ownership::{Provenance, RefusedForm};
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::causes::{
    old_form_lost, old_form_restored, old_name_taken, recreation_never, recreation_over_allowance,
    recreation_refused, recreation_without_key,
};
use crate::parameters::context::RouteContext;
use crate::parameters::labels::LabelHistory;
use crate::parameters::model::Observed;
use crate::parameters::plan::desired::Desired;
use crate::parameters::plan::{
    Decision, Parity, PlannedWrite, decide, retry_remedy, with_both, with_mark,
};
use crate::parameters::policies::Policies;
use crate::parameters::store::{Created, Tagged, Valued, create, tags, values};
use crate::recent_deletes::PAUSE_AFTER_DELETE;

/// Restoring the old form is tried again after lost answers and throttling.
const RESTORE_TRIES: u32 = 4;
const RESTORE_PAUSE: Duration = Duration::from_secs(2);

/// Deletes the replica of `attempt` and creates it again with `value`.
///
/// # Errors
/// AWS refused a call; the message says whether the old form was restored.
pub(super) async fn recreate(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&LabelHistory>,
) -> Result<WriteState, Cause> {
    let target = &attempt.target;
    let Some(replica) = &attempt.replica else { return Ok(WriteState::Retry) };
    if !context.policy.deadline.leaves(reserve::RECREATE) {
        return Ok(WriteState::OutOfTime);
    }
    check_key(context, attempt).await?;
    if matches!(set_mark_first(context, attempt).await?, Tagged::Gone) {
        return Ok(WriteState::Retry);
    }
    let name = &replica.parameter.name;
    let key = replica.parameter.key.as_deref();
    let mut held = values(context.session, target, [(name, key)]).await;
    let old = match held.remove(name) {
        Some(Ok(Some(Valued { text, version, .. }))) if version == replica.parameter.version() => {
            Some(text)
        }
        // An unreadable value is no loss.
        Some(Err(cause)) if !cause.kind.may_succeed_later() => None,
        Some(Err(cause)) => return Err(cause),
        _ => return Ok(WriteState::Retry),
    };
    let Some(present) = still_planned(context, attempt).await? else {
        return Ok(WriteState::Retry);
    };
    let reserved = reserve(context, target, 1, None).await.map_err(NotReserved::cause)?;
    if reserved == 0 {
        return Ok(WriteState::Held(no_allowance(context, attempt)));
    }
    match delete_old_form(context, attempt, &present).await {
        DeleteResult::Deleted => {}
        DeleteResult::Changed | DeleteResult::Kept(()) => return Ok(WriteState::Retry),
        DeleteResult::Failed(cause) => {
            give_one_back(context, target).await;
            return Err(cause);
        }
    }
    tokio::time::sleep(PAUSE_AFTER_DELETE).await;
    match create_replica(context, attempt, value, labelled, OutcomeKind::Recreated).await {
        Err(refused) if !refused.kind.may_succeed_later() => {
            Err(restore_old_form(context, attempt, &present, old, refused).await)
        }
        created => created,
    }
}

/// Deletes the old form, which was read again just before. After an unclear answer, it is deleted only if its tags are
/// still the same.
async fn delete_old_form(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    present: &Observed,
) -> DeleteResult<()> {
    let executor = DeleteExecutor::of(context, &attempt.target);
    let judge = |now: &Observed| {
        if now.tags == present.tags { Judgement::Delete } else { Judgement::Keep(()) }
    };
    let name = present.parameter.name.clone();
    let read = vec![(name.clone(), Reread::Unchanged(present.clone()))];
    let mut results = executor.delete_judged(read, &judge).await;
    results.remove(&name).unwrap_or(DeleteResult::Changed)
}

/// Why the allowance permits no recreation today; `None` if the settings forbid every deletion.
fn no_allowance(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Option<Cause> {
    let attribute = attribute(&attempt.write);
    (!context.policy.never_deletes())
        .then(|| recreation_over_allowance(&attribute, context.policy.max_deletes, &attempt.target))
}

/// Why a replica keeps its old form if the settings forbid every deletion.
pub(super) fn never_recreated(attempt: &WriteAttempt) -> Cause {
    recreation_never(&attribute(&attempt.write))
}

/// Checks the key of the new form. With an unusable key, AWS would refuse the create after the standby was deleted.
async fn check_key(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Result<(), Cause> {
    let Some(key) = &attempt.write.desired.key else { return Ok(()) };
    let checked = context.keys.ask(context.session, &attempt.target, key).await;
    checked.map_err(|cause| {
        recreation_without_key(&attribute(&attempt.write), &attempt.target, &cause)
    })
}

/// The attribute that makes the recreation necessary.
fn attribute(write: &PlannedWrite) -> String {
    Reason::attributes(&write.because)
}

/// The replica with its tags read by name just now, if the decision is still to recreate it.
async fn still_planned(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
) -> Result<Option<Observed>, Cause> {
    let Some(mut replica) = attempt.replica.clone() else { return Ok(None) };
    let Some(tags) = tags(context.session, &attempt.target, &replica.parameter.name).await? else {
        return Ok(None);
    };
    replica.tags = tags;
    let case = context.case(
        &attempt.target,
        Some(&attempt.original),
        Some(&replica),
        attempt.referenced.as_ref(),
    );
    let decision = decide(case, context.plan_policy(Parity::ByProvenance));
    let is_planned = matches!(decision, Decision::Write(write) if write.change == Change::Recreate);
    Ok(is_planned.then_some(replica))
}

/// Restores the old form of `present`. Returns the refusal, with what happened to the old form.
async fn restore_old_form(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    present: &Observed,
    old: Option<SecretText>,
    refused: Cause,
) -> Cause {
    let Some(old) = old else { return refused };
    let remedy = format!("{}; then {}", refused.remedy(), retry_remedy(attempt.case(context)));
    let restored = match try_restore(context, attempt, present, &old).await {
        Ok(Created::Yes) => old_form_restored(&attempt.target),
        Ok(Created::NameTaken) => old_name_taken(),
        Err(cause) | Ok(Created::Unanswered(cause)) => old_form_lost(&cause),
    };
    let message = recreation_refused(&attribute(&attempt.write), &refused, &restored);
    Cause { message, ..refused }.with_remedy(remedy)
}

/// Creates the old form again. Temporary failures are retried, because no standby exists until a create succeeds.
async fn try_restore(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    present: &Observed,
    old: &SecretText,
) -> Result<Created, Cause> {
    let form = Desired::like(&present.parameter);
    let policies = form.policies.to_send(&Policies::default(), context.session.now());
    let tags = restored_tags(attempt, present.tags.clone());
    let mut tries = 1;
    loop {
        let created =
            create(context.session, &attempt.target, &form, policies.clone(), old, &tags).await;
        let may_succeed_later = match &created {
            Ok(Created::Unanswered(_)) => true,
            Ok(Created::Yes | Created::NameTaken) => false,
            Err(cause) => cause.kind.may_succeed_later(),
        };
        if !may_succeed_later || tries == RESTORE_TRIES {
            return created;
        }
        tokio::time::sleep(RESTORE_PAUSE * tries).await;
        tries += 1;
    }
}

/// The tags of a restored replica, whose version is 1: the provenance names that version, the same source as before, and the
/// form that AWS refused.
fn restored_tags(attempt: &WriteAttempt, mut tags: Tags) -> Tags {
    tags.retain(|key, _| !key.starts_with("aws:"));
    let (version, form) = (attempt.source_version().number, attempt.write.desired.form);
    match Provenance::of(&tags) {
        Some(before) => {
            let refused = Some(RefusedForm { version, form });
            let restored = Provenance { replica: 1, written: None, refused, gone: None, ..before };
            with_both(tags, &restored)
        }
        // The old form was a create of the hub that had lost its tags. The role's policy denies a create without the mark.
        None => with_mark(tags),
    }
}
