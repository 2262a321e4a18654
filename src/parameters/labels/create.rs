//! The values of a labelled replica, from the oldest labelled one to the current one.
//!
//! Only what is there anew, or was left unfinished, gets an older value.

use super::history::History;
use super::sync::{Stop, at, readable};
use crate::deadline::reserve;
use crate::domain::{Cause, Region, SecretText, Tags};
use crate::parameters::attempt::{WriteAttempt, WriteState, tags_of_unfinished};
use crate::parameters::context::RouteContext;
use crate::parameters::model::{TEXT, is_fixed_data_type};
use crate::parameters::plan::PlannedWrite;
use crate::parameters::store::{self, Created, Put, retag, update};

/// The version of a create.
const FIRST: i64 = 1;

/// Creates a replica with the labelled values of `source`, and then the current one.
///
/// # Errors
/// Why AWS refused a write.
pub(in crate::parameters) async fn create(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &History,
    current: &SecretText,
) -> Result<WriteState, Cause> {
    let WriteAttempt { target, write, .. } = attempt;
    let tags = tags_of_unfinished(context, attempt);
    let older: Vec<&SecretText> = values(source).collect();
    let Some((oldest, later)) = older.split_first() else {
        return Ok(match create_first(context, target, write, current, &tags).await? {
            Created::Yes => WriteState::Written(FIRST),
            Created::NameTaken => WriteState::Retry,
            Created::Unanswered(cause) => WriteState::Unanswered(cause),
        });
    };
    match create_first(context, target, &for_older(write), oldest, &tags).await? {
        Created::Yes => {}
        Created::NameTaken => return Ok(WriteState::Retry),
        Created::Unanswered(cause) => return Ok(WriteState::Unanswered(cause)),
    }
    if let Some(ended) = write_over(context, attempt, FIRST, later, &tags).await? {
        return Ok(ended);
    }
    if is_late(context) {
        return Ok(WriteState::OutOfTime);
    }
    match update(context.session, target, write, current).await? {
        Put::Version(FIRST) => anew(context, attempt, &tags).await,
        Put::Version(written) => Ok(WriteState::Written(written)),
        Put::Unanswered(cause) => Ok(WriteState::Unanswered(cause)),
    }
}

/// Whether the invocation ends before the rest is written. What is left so is unfinished by its own provenance, and
/// reported as not done. A signal ends nothing that was begun.
fn is_late(context: &RouteContext<'_>) -> bool {
    context.policy.deadline.left().is_some_and(|left| left < reserve::LABELLED_CREATE)
}

async fn create_first(
    context: &RouteContext<'_>,
    target: &Region,
    write: &PlannedWrite,
    value: &SecretText,
    tags: &Tags,
) -> Result<Created, Cause> {
    let policies = write.policies_to_send.clone();
    store::create(context.session, target, &write.desired, policies, value, tags).await
}

/// Writes the labelled older values that an unfinished replica lacks. `None`: the current one is to follow.
///
/// # Errors
/// What could not be read, or why AWS refused a write.
pub(in crate::parameters) async fn write_missing(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &History,
) -> Result<Option<WriteState>, Cause> {
    let (WriteAttempt { target, write, .. }, Some(version)) = (attempt, attempt.replica_version())
    else {
        return Ok(None);
    };
    let name = &write.desired.name;
    let read = async {
        let there = at(context, target, name, version, false).await?;
        readable(context, target, name, version, there).await
    };
    let there = match read.await {
        Ok(there) => there,
        Err(Stop::Moved) => return Ok(Some(WriteState::Retry)),
        Err(Stop::Failed(cause)) => return Err(cause),
    };
    if there.unreadable.is_some() {
        return Ok(None);
    }
    let missing: Vec<&SecretText> =
        values(source).filter(|value| !there.has_value(value)).collect();
    write_over(context, attempt, version.number, &missing, &tags_of_unfinished(context, attempt))
        .await
}

/// The labelled older values, the oldest first.
fn values(source: &History) -> impl Iterator<Item = &SecretText> {
    source.older_labelled().filter_map(|kept| kept.value.as_ref())
}

/// Writes older values over the version `last`, each over the one before. At another answered version another writer has
/// written in between, which the next look finds in the history: nothing more is written over it.
async fn write_over(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    mut last: i64,
    values: &[&SecretText],
    tags: &Tags,
) -> Result<Option<WriteState>, Cause> {
    let write = for_older(&attempt.write);
    for value in values {
        if is_late(context) {
            return Ok(Some(WriteState::OutOfTime));
        }
        match update(context.session, &attempt.target, &write, value).await? {
            Put::Version(FIRST) => return anew(context, attempt, tags).await.map(Some),
            Put::Version(written) if written == last + 1 => last = written,
            Put::Version(_) => return Ok(Some(WriteState::Retry)),
            Put::Unanswered(cause) => return Ok(Some(WriteState::Unanswered(cause))),
        }
    }
    Ok(None)
}

/// Version 1 after a write over: the replica was deleted meanwhile, and its tags with it. It gets them again, so that it
/// is known as ours, and goes round once more.
async fn anew(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    tags: &Tags,
) -> Result<WriteState, Cause> {
    retag(context.session, &attempt.target, &attempt.write.desired.name, tags, &[]).await?;
    Ok(WriteState::Superseded(attempt.write.change.done()))
}

/// Pattern and data type are the current value's; older ones need not match them. A data type that AWS does not change
/// was that of every version.
fn for_older(write: &PlannedWrite) -> PlannedWrite {
    let mut write = write.clone();
    write.desired.pattern = None;
    write.pattern_to_send = None;
    if !is_fixed_data_type(&write.desired.data_type) && &*write.desired.data_type != TEXT {
        write.desired.data_type = TEXT.into();
        write.data_type_to_send = Some(TEXT.into());
    }
    write
}
