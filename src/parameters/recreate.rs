//! What PutParameter does not change, the type and the data type, needs the replica deleted and created anew.
//!
//! For half a minute, which AWS asks for between the two, there is no standby. So the source's value and the replica's
//! old form are in hand before, and if AWS refuses the new form for good, the old one is put back; its provenance then
//! does not prove it, and it is visibly out of sync. A crash in between leaves a missing replica, which any next look
//! creates.

use std::time::Duration;

use super::labels::{self, History};
use super::plan::desired::Desired;
use super::plan::{Decision, Parity, decide, with_mark};
use super::policies::Policies;
use super::run::Run;
use super::store::{Created, Valued, create, delete, tags, values};
use super::task::{Task, Wrote, created_tags};
use crate::domain::{Cause, Change, OutcomeKind, SecretText};
use crate::recent_deletes::PAUSE_AFTER_DELETE;

/// Not begun with less time left than this: the pause, and the calls around it.
const NEEDED: Duration = Duration::from_secs(90);

/// Deletes the replica of `task` and creates it anew with `value`.
///
/// # Errors
/// Why AWS refused a part of it, and whether the old form is there again.
pub(super) async fn recreate(
    run: &Run<'_>,
    task: &Task,
    value: &SecretText,
    labelled: Option<&History>,
) -> Result<Wrote, Cause> {
    let Task { target, write, .. } = task;
    let Some(replica) = &task.replica else { return Ok(Wrote::Again) };
    if !run.rules.deadline.leaves(NEEDED) {
        return Ok(Wrote::Late);
    }
    let name = &replica.parameter.name;
    let key = replica.parameter.key.as_deref();
    let mut held = values(run.session, target, [(name, key)]).await;
    let old = match held.remove(name) {
        Some(Ok(Some(Valued { text, version, .. }))) if version == replica.parameter.version() => {
            Some(text)
        }
        // A value that nobody can read is no loss.
        Some(Err(cause)) if !cause.kind.may_pass() => None,
        Some(Err(cause)) => return Err(cause),
        _ => return Ok(Wrote::Again),
    };
    if !still_asked(run, task).await? {
        return Ok(Wrote::Again);
    }
    delete(run.session, target, std::slice::from_ref(name)).await?;
    let location = run.session.location(target);
    run.recent.remember(location, name.clone(), run.session.now());
    tokio::time::sleep(PAUSE_AFTER_DELETE).await;
    let anew = if let Some(history) = labelled {
        labels::create(run, task, history, value).await
    } else {
        let (tags, policies) = (created_tags(run, task), write.policies_to_send.clone());
        let created = create(run.session, target, &write.desired, policies, value, &tags).await;
        created.map(|created| match created {
            Created::Yes => Wrote::Created(OutcomeKind::Recreated),
            Created::NameTaken => Wrote::Again,
            Created::Unanswered(cause) => Wrote::Lost(cause),
        })
    };
    match anew {
        Ok(wrote) => Ok(wrote),
        Err(refused) if refused.kind.may_pass() => Err(refused),
        Err(refused) => Err(restored(run, task, old, refused).await),
    }
}

/// Whether the tags of what is to be deleted, read now by name, still say so.
async fn still_asked(run: &Run<'_>, task: &Task) -> Result<bool, Cause> {
    let Some(mut replica) = task.replica.clone() else { return Ok(false) };
    let Some(tags) = tags(run.session, &task.target, &replica.parameter.name).await? else {
        return Ok(false);
    };
    replica.tags = tags;
    let case =
        run.case(&task.target, Some(&task.original), Some(&replica), task.referenced.as_ref());
    let decision = decide(case, run.policy(Parity::ByProvenance));
    Ok(matches!(decision, Decision::Write(write) if write.change == Change::Recreate))
}

/// Puts the replica's old form back, with its old tags, and tells how that went beside why it was needed.
async fn restored(run: &Run<'_>, task: &Task, old: Option<SecretText>, refused: Cause) -> Cause {
    let (Some(old), Some(replica)) = (old, &task.replica) else { return refused };
    let form = Desired::like(&replica.parameter);
    let policies = form.policies.to_send(&Policies::default(), run.session.now());
    let mut tags = replica.tags.clone();
    tags.retain(|key, _| !key.starts_with("aws:"));
    // Its own create that had lost its tags, too: AWS is told to refuse a create without the mark.
    let tags = with_mark(tags);
    let back = create(run.session, &task.target, &form, policies, &old, &tags).await;
    let how = match back {
        Ok(Created::Yes) => "the replica has its old form again".to_owned(),
        Ok(Created::NameTaken) => "another writer has created a parameter in its place".to_owned(),
        Err(cause) | Ok(Created::Unanswered(cause)) => {
            format!("its old form could not be put back either: {}", cause.message)
        }
    };
    let what = task.write.because.join(", ");
    let message = format!("its {what} could not be changed: {}; {how}", refused.message);
    Cause { message, ..refused }
}
