//! Verifies what was written: an overwritten replica is read back, and only then, after its labels, its provenance is
//! written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::execute::handle_refusal;
use super::histories::check_overwritten;
use crate::concurrency::in_parallel;
use crate::domain::{Cause, PROVENANCE_KEY, ParameterName, Region, SecretText, Tags, Version};
use crate::ownership::{is_marked, is_released};
use crate::parameters::attempt::{Values, WriteAttempt, WriteState, all_tags, provenance};
use crate::parameters::causes::image_refused;
use crate::parameters::context::RouteContext;
use crate::parameters::model::IMAGE;
use crate::parameters::plan::{MarkTiming, released_meanwhile, with_mark};
use crate::parameters::store::{ByName, Tagged, Valued, retag, tags, values};

/// Reads may lag: a replica is read again until it shows the written version, at most five times.
const READ_BACK_TRIES: u32 = 5;
const READ_BACK_PAUSE: Duration = Duration::from_millis(400);

/// Reads the written replicas by name until they show at least the written version. Provenance follows only if version and
/// value are those just written; it records the date of this read. The read also proves that the target's key decrypts.
pub(super) async fn read_back(
    context: &RouteContext<'_>,
    attempts: &mut [WriteAttempt],
    values: &Values,
) {
    let mut expected: BTreeMap<Region, ExpectedVersions> = BTreeMap::new();
    for attempt in attempts.iter() {
        if let Some(version) = version_to_read_back(attempt) {
            let key = attempt.write.desired.key.clone();
            let names = expected.entry(attempt.target.clone()).or_default();
            names.insert(attempt.name.clone(), Expected { version, key });
        }
    }
    let reads = expected.into_iter().map(|(target, names)| async move {
        let read = read_until_shown(context, &target, names).await;
        (target, read)
    });
    let read: BTreeMap<Region, ByName<Valued>> =
        futures::future::join_all(reads).await.into_iter().collect();
    for attempt in attempts.iter_mut() {
        let shown = read.get(&attempt.target).and_then(|names| names.get(&attempt.name));
        if let Some(state) = state_after_read_back(attempt, shown, values) {
            attempt.state = state;
        }
    }
    check_overwritten(context, attempts).await;
}

/// The state after the read-back; `None` if the state stays.
fn state_after_read_back(
    attempt: &WriteAttempt,
    shown: Option<&Result<Option<Valued>, Cause>>,
    values: &Values,
) -> Option<WriteState> {
    let version = version_to_read_back(attempt)?;
    let superseded = WriteState::Superseded(attempt.write.change.done());
    Some(match shown {
        Some(Err(cause)) => WriteState::Failed(cause.clone()),
        Some(Ok(shown)) if is_image(attempt) && !shows(shown.as_ref(), version) => {
            WriteState::Failed(image_refused(&attempt.target))
        }
        Some(Ok(Some(shown))) if shown.version.number == version => match attempt.state {
            WriteState::Written(_) if attempt.value(values) == Some(&shown.text) => {
                WriteState::Verified(shown.version)
            }
            WriteState::Written(_) => superseded,
            _ => return None,
        },
        _ => superseded,
    })
}

/// Writes the provenance of the verified replicas.
pub(super) async fn write_provenance(context: &RouteContext<'_>, attempts: &mut [WriteAttempt]) {
    let writes = attempts.iter_mut().map(|attempt| async move {
        match attempt.state {
            WriteState::Verified(replica) => {
                attempt.state = write_provenance_of(context, attempt, replica).await;
            }
            WriteState::Recreated(replica) => {
                attempt.state = tag_recreated(context, attempt, replica).await;
            }
            _ => {}
        }
    });
    in_parallel(writes).await;
}

/// The version that the read-back of an attempt must show; `None` if nothing is read back. An overwritten replica is read
/// back, and a new image parameter, because AWS validates AMI ids after PutParameter has succeeded.
fn version_to_read_back(attempt: &WriteAttempt) -> Option<i64> {
    match attempt.state {
        WriteState::Written(version) => Some(version),
        WriteState::Created(_) if is_image(attempt) => Some(1),
        _ => None,
    }
}

fn shows(shown: Option<&Valued>, version: i64) -> bool {
    shown.is_some_and(|shown| shown.version.number >= version)
}

/// Whether a read by name shows the replica that `attempt` created, with this version and value.
///
/// # Errors
/// The read failed.
pub(super) async fn is_shown(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    version: i64,
    value: Option<&SecretText>,
) -> Result<bool, Cause> {
    let (name, key) = (&attempt.write.desired.name, attempt.write.desired.key.clone());
    let names = ExpectedVersions::from([(name.clone(), Expected { version, key })]);
    let mut read = read_until_shown(context, &attempt.target, names).await;
    let shown = read.remove(name).transpose()?.flatten();
    Ok(shown.is_some_and(|shown| shown.version.number == version && Some(&shown.text) == value))
}

fn is_image(attempt: &WriteAttempt) -> bool {
    &*attempt.write.desired.data_type == IMAGE
}

/// What a read-back must show of a replica.
struct Expected {
    version: i64,
    key: Option<String>,
}

type ExpectedVersions = BTreeMap<ParameterName, Expected>;

async fn read_until_shown(
    context: &RouteContext<'_>,
    target: &Region,
    mut names: ExpectedVersions,
) -> ByName<Valued> {
    let mut all = ByName::new();
    for attempt in 1..=READ_BACK_TRIES {
        let wanted = names.iter().map(|(name, expected)| (name, expected.key.as_deref()));
        let read = values(context.session, target, wanted).await;
        for (name, valued) in read {
            let lags = match (&valued, names.get(&name)) {
                (Ok(shown), Some(expected)) => !shows(shown.as_ref(), expected.version),
                (Ok(_), None) | (Err(_), _) => false,
            };
            if !lags {
                names.remove(&name);
            }
            all.insert(name, valued);
        }
        if names.is_empty() {
            break;
        }
        tokio::time::sleep(READ_BACK_PAUSE * attempt).await;
    }
    all
}

/// Writes the provenance of an overwritten replica. The mark is written only where this write makes the replica owned, so
/// that a release by a person during the write is kept.
async fn write_provenance_of(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    replica: Version,
) -> WriteState {
    let provenance = provenance(context, attempt, replica, false);
    let set = Tags::from([(PROVENANCE_KEY.to_owned(), provenance.to_string())]);
    let set = if attempt.write.mark_timing == MarkTiming::Never { set } else { with_mark(set) };
    let done = attempt.write.change.done();
    match retag(context.session, &attempt.target, &attempt.write.desired.name, &set, &[]).await {
        Ok(Tagged::Gone) => WriteState::Superseded(done),
        Ok(Tagged::Yes) => WriteState::Done(done),
        Err(cause) => handle_refusal(context, attempt, cause).await,
    }
}

/// Tags a replica that was deleted under the write and created by the write: version 1, or a history that starts there.
/// All tags are written at once, so that the replica is owned even if its source no longer exists. The item needs another
/// pass.
async fn tag_recreated(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    replica: Version,
) -> WriteState {
    let name = &attempt.write.desired.name;
    let held = match tags(context.session, &attempt.target, name).await {
        Ok(Some(held)) => held,
        Ok(None) => return WriteState::Superseded(attempt.write.change.done()),
        Err(cause) => return WriteState::Failed(cause),
    };
    // Another invocation has set the tags, or a person has removed the mark.
    if replica.number > 1 && (held.contains_key(PROVENANCE_KEY) || is_released(&held)) {
        return if is_marked(&held) {
            write_provenance_of(context, attempt, replica).await
        } else {
            WriteState::Failed(released_meanwhile(attempt.case(context)))
        };
    }
    let set = all_tags(attempt, &provenance(context, attempt, replica, false));
    match retag(context.session, &attempt.target, name, &set, &[]).await {
        Ok(_) => WriteState::Superseded(attempt.write.change.done()),
        Err(cause) => WriteState::Failed(cause),
    }
}
