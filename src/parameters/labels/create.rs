//! Writes the values of a labelled replica, from the oldest labelled value to the current one. Only a new or an unfinished
//! replica gets older values.

use super::history::LabelHistory;
use super::sync::{SyncError, history_of, with_values};
use crate::deadline::reserve;
use crate::domain::{Cause, Region, SecretText, Tags};
use crate::parameters::attempt::{WriteAttempt, WriteState, tags_of_unfinished};
use crate::parameters::context::RouteContext;
use crate::parameters::model::{TEXT, is_fixed_data_type};
use crate::parameters::plan::PlannedWrite;
use crate::parameters::store::{self, Created, Put, retag, update};

const FIRST: i64 = 1;

/// Creates a replica with the labelled values of `source` and then the current value.
///
/// # Errors
/// AWS refused a write.
pub(in crate::parameters) async fn create(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &LabelHistory,
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
    if let Some(ended) = write_older(context, attempt, FIRST, later, &tags).await? {
        return Ok(ended);
    }
    if is_late(context) {
        return Ok(WriteState::OutOfTime);
    }
    match update(context.session, target, write, current).await? {
        Put::Version(FIRST) => tag_after_deletion(context, attempt, &tags).await,
        Put::Version(written) => Ok(WriteState::Written(written)),
        Put::Unanswered(cause) => Ok(WriteState::Unanswered(cause)),
    }
}

/// Whether too little time is left for the remaining values. The provenance then marks the replica as unfinished, and the
/// item is reported as pending. A signal does not stop values that have begun.
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

/// Writes the labelled older values that an unfinished replica lacks. `None` if the current value may follow.
///
/// # Errors
/// A read failed, or AWS refused a write.
pub(in crate::parameters) async fn write_missing(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    source: &LabelHistory,
) -> Result<Option<WriteState>, Cause> {
    let (WriteAttempt { target, write, .. }, Some(version)) = (attempt, attempt.replica_version())
    else {
        return Ok(None);
    };
    let name = &write.desired.name;
    let read = async {
        let history = history_of(context, target, name, version, false).await?;
        with_values(context, target, name, version, history).await
    };
    let replica = match read.await {
        Ok(replica) => replica,
        Err(SyncError::Changed) => return Ok(Some(WriteState::Retry)),
        Err(SyncError::Failed(cause)) => return Err(cause),
    };
    if replica.unreadable.is_some() {
        return Ok(None);
    }
    let missing: Vec<&SecretText> =
        values(source).filter(|value| !replica.has_value(value)).collect();
    write_older(context, attempt, version.number, &missing, &tags_of_unfinished(context, attempt))
        .await
}

/// The labelled older values, the oldest first.
fn values(source: &LabelHistory) -> impl Iterator<Item = &SecretText> {
    source.older_labelled().filter_map(|kept| kept.value.as_ref())
}

/// Writes older values over the version `last`, each over the previous one. If AWS answers with an unexpected version,
/// another writer wrote in between: the hub overwrites nothing more, and the next pass finds that version in the history.
async fn write_older(
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
            Put::Version(FIRST) => {
                return tag_after_deletion(context, attempt, tags).await.map(Some);
            }
            Put::Version(written) if written == last + 1 => last = written,
            Put::Version(_) => return Ok(Some(WriteState::Retry)),
            Put::Unanswered(cause) => return Ok(Some(WriteState::Unanswered(cause))),
        }
    }
    Ok(None)
}

/// An update that wrote version 1: the replica and its tags were deleted meanwhile. Writes the tags again, so that the
/// replica is owned; the item needs another pass.
async fn tag_after_deletion(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    tags: &Tags,
) -> Result<WriteState, Cause> {
    retag(context.session, &attempt.target, &attempt.write.desired.name, tags, &[]).await?;
    Ok(WriteState::Superseded(attempt.write.change.done()))
}

/// The write for older values. Pattern and data type belong to the current value; older values need not match them. A data
/// type that AWS never changes applies to every version.
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
