//! What PutParameter does not change, the type and the data type, needs the replica deleted and created anew.
//!
//! For half a minute, which AWS asks for between the two, there is no standby. So what can be checked is checked before:
//! the key, the source's value and the replica's old form are in hand. If AWS refuses the new form for good, the old one
//! is put back; its provenance remembers what was refused, so that no sweep takes the standby away for it again. A crash
//! in between leaves a missing replica, which any next look creates.

use std::time::Duration;

use super::brake::{give_one_back, reserve};
use super::delete::{Deleted, Executor};
use super::execute::marked_first;
use crate::domain::{Cause, Change, FailureKind, OutcomeKind, Reason, SecretText, Tags};
use crate::ownership::{Provenance, RefusedForm};
use crate::parameters::attempt::{WriteAttempt, WriteState, created_tags};
use crate::parameters::context::RouteContext;
use crate::parameters::labels::{self, History};
use crate::parameters::plan::desired::Desired;
use crate::parameters::plan::{
    Decision, Parity, PlannedWrite, decide, retry_remedy, with_both, with_mark,
};
use crate::parameters::policies::Policies;
use crate::parameters::store::{Created, Tagged, Valued, create, tags, values};
use crate::recent_deletes::PAUSE_AFTER_DELETE;

use crate::parameters::model::Observed;

/// Not begun with less time left than this: the pause, and the calls around it.
const NEEDED: Duration = Duration::from_secs(90);
/// How often, and how far apart, the old form is put back where AWS does not answer, or asks for fewer calls.
const RESTORE_TRIES: u32 = 4;
const RESTORE_PAUSE: Duration = Duration::from_secs(2);

/// Deletes the replica of `attempt` and creates it anew with `value`.
///
/// # Errors
/// Why AWS refused a part of it, and whether the old form is there again.
pub(super) async fn recreate(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, .. } = attempt;
    let Some(replica) = &attempt.replica else { return Ok(WriteState::Retry) };
    if !context.policy.deadline.leaves(NEEDED) {
        return Ok(WriteState::OutOfTime);
    }
    check_key(context, attempt).await?;
    if matches!(marked_first(context, attempt).await?, Tagged::Gone) {
        return Ok(WriteState::Retry);
    }
    let name = &replica.parameter.name;
    let key = replica.parameter.key.as_deref();
    let mut held = values(context.session, target, [(name, key)]).await;
    let old = match held.remove(name) {
        Some(Ok(Some(Valued { text, version, .. }))) if version == replica.parameter.version() => {
            Some(text)
        }
        // A value that nobody can read is no loss.
        Some(Err(cause)) if !cause.kind.may_succeed_later() => None,
        Some(Err(cause)) => return Err(cause),
        _ => return Ok(WriteState::Retry),
    };
    let Some(present) = still_asked(context, attempt).await? else { return Ok(WriteState::Retry) };
    if reserve(context, target, 1, None).await? == 0 {
        return Ok(WriteState::Held(no_allowance(context, attempt)));
    }
    match away(context, attempt, present.clone()).await {
        Deleted::Done => {}
        Deleted::Changed => return Ok(WriteState::Retry),
        Deleted::Failed(cause) => {
            give_one_back(context, target);
            return Err(cause);
        }
    }
    tokio::time::sleep(PAUSE_AFTER_DELETE).await;
    match anew(context, attempt, value, labelled).await {
        Err(refused) if !refused.kind.may_succeed_later() => {
            Err(restored(context, attempt, &present, old, refused).await)
        }
        created => created,
    }
}

/// Deletes the old form, if its tags say what they said.
async fn away(context: &RouteContext<'_>, attempt: &WriteAttempt, present: Observed) -> Deleted {
    let executor =
        Executor { session: context.session, recent: context.recent, target: &attempt.target };
    let name = present.parameter.name.clone();
    let may_go = |now: &Observed| now.tags == present.tags;
    let mut deleted = executor.delete(vec![present.clone()], &may_go).await;
    deleted.remove(&name).unwrap_or(Deleted::Changed)
}

/// Why a recreation waits: none where the settings say that nothing is ever deleted.
fn no_allowance(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Option<Cause> {
    let message = format!(
        "its {} differs, which only a deletion changes, and REPLICATOR_MAX_DELETES ({}) allows no more deletions in {} today: it keeps its old form",
        attribute(&attempt.write),
        context.policy.max_deletes,
        attempt.target
    );
    let cause = Cause::new(FailureKind::TooManyDeletes, message).mended_by(
        "nothing at once: a sweep of the next day changes it; or raise REPLICATOR_MAX_DELETES",
    );
    (!context.policy.never_deletes()).then_some(cause)
}

/// Why a replica keeps its old form where nothing is ever deleted.
pub(super) fn never_recreated(attempt: &WriteAttempt) -> Cause {
    let message = format!(
        "its {} differs, which only a deletion changes, and REPLICATOR_MAX_DELETES is 0: it keeps its old form and value",
        attribute(&attempt.write)
    );
    let remedy = "raise REPLICATOR_MAX_DELETES, or delete the replica by hand: the next sweep creates it anew";
    Cause::new(FailureKind::TooManyDeletes, message).mended_by(remedy)
}

/// Looks at the key that is to encrypt the replica, where it has one: without it the create would be refused, and the
/// standby would have been away for nothing.
async fn check_key(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Result<(), Cause> {
    let Some(key) = &attempt.write.desired.key else { return Ok(()) };
    context.keys.ask(context.session, &attempt.target, key).await.map_err(|cause| {
        let message = format!(
            "its {} is not changed, and the replica in {} stays as it is: {}",
            attribute(&attempt.write),
            attempt.target,
            cause.message
        );
        Cause { message, ..cause }
    })
}

/// What makes the recreation needed.
fn attribute(write: &PlannedWrite) -> String {
    Reason::attributes(&write.because)
}

/// The replica that is to be deleted, with its tags read now by name, where they still say so.
async fn still_asked(
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
    let is_asked = matches!(decision, Decision::Write(write) if write.change == Change::Recreate);
    Ok(is_asked.then_some(replica))
}

async fn anew(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, write, .. } = attempt;
    if let Some(history) = labelled {
        return labels::create(context, attempt, history, value).await;
    }
    let (tags, policies) = (created_tags(context, attempt), write.policies_to_send.clone());
    let created = create(context.session, target, &write.desired, policies, value, &tags).await?;
    Ok(match created {
        Created::Yes => WriteState::Created(OutcomeKind::Recreated),
        Created::NameTaken => WriteState::Retry,
        Created::Unanswered(cause) => WriteState::Unanswered(cause),
    })
}

/// Puts the old form of `present` back, and tells how that went beside why it was needed.
async fn restored(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    present: &Observed,
    old: Option<SecretText>,
    refused: Cause,
) -> Cause {
    let Some(old) = old else { return refused };
    let remedy = format!("{}; then {}", refused.remedy(), retry_remedy(attempt.case(context)));
    let how = match put_back(context, attempt, present, &old).await {
        Ok(Created::Yes) => format!(
            "the replica in {} has its old form again, and the change is not tried again for this version of the source",
            attempt.target
        ),
        Ok(Created::NameTaken) => "something holds its name again".to_owned(),
        Err(cause) | Ok(Created::Unanswered(cause)) => {
            format!("its old form could not be put back either: {}", cause.message)
        }
    };
    let what = attribute(&attempt.write);
    let message = format!("its {what} could not be changed: {}; {how}", refused.message);
    Cause { message, ..refused }.mended_by(remedy)
}

/// Creates the old form again, several times where that may help: there is no standby until it is done.
async fn put_back(
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
        let back =
            create(context.session, &attempt.target, &form, policies.clone(), old, &tags).await;
        let may_succeed_later = match &back {
            Ok(Created::Unanswered(_)) => true,
            Ok(Created::Yes | Created::NameTaken) => false,
            Err(cause) => cause.kind.may_succeed_later(),
        };
        if !may_succeed_later || tries == RESTORE_TRIES {
            return back;
        }
        tokio::time::sleep(RESTORE_PAUSE * tries).await;
        tries += 1;
    }
}

/// The tags of a replica that has its old form again, as version 1: its provenance names that version, the same source
/// as before, and what AWS refused.
fn restored_tags(attempt: &WriteAttempt, mut tags: Tags) -> Tags {
    tags.retain(|key, _| !key.starts_with("aws:"));
    let (version, form) = (attempt.source_version().number, attempt.write.desired.form);
    match Provenance::of(&tags) {
        Some(before) => {
            let refused = Some(RefusedForm { version, form });
            let restored = Provenance { replica: 1, written: None, refused, gone: None, ..before };
            with_both(tags, &restored)
        }
        // A create by the hub without its tags. The role's policy denies a create without the mark.
        None => with_mark(tags),
    }
}
