//! What makes a write provable: it is read back, and only then, when labels are on, provenance follows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::execute::withdrawn;
use super::histories::look_underneath;
use crate::concurrency::in_parallel;
use crate::domain::{
    Cause, FailureKind, PROVENANCE_KEY, ParameterName, Region, SecretText, Tags, Version,
};
use crate::ownership::{is_marked, is_released};
use crate::parameters::attempt::{Values, WriteAttempt, WriteState, all_tags, provenance};
use crate::parameters::context::RouteContext;
use crate::parameters::model::IMAGE;
use crate::parameters::plan::{MarkTiming, released_meanwhile, with_mark};
use crate::parameters::store::{ByName, Tagged, Valued, retag, tags, values};

/// How often, and how far apart, a replica is read back that does not yet show the version just written.
const READ_BACK_TRIES: u32 = 5;
const READ_BACK_PAUSE: Duration = Duration::from_millis(400);

/// Reads what was written over by name until it shows at least that version; only if version and value are those just
/// written may provenance follow, with the date read here. It also proves that the target's key decrypts.
pub(super) async fn read_back(
    context: &RouteContext<'_>,
    attempts: &[WriteAttempt],
    state: Vec<WriteState>,
    values: &Values,
) -> Vec<WriteState> {
    let mut waiting: BTreeMap<Region, BTreeMap<ParameterName, Option<String>>> = BTreeMap::new();
    for (attempt, state) in attempts.iter().zip(&state) {
        if read_back_least(attempt, state).is_some() {
            waiting
                .entry(attempt.target.clone())
                .or_default()
                .insert(attempt.name.clone(), attempt.write.desired.key.clone());
        }
    }
    let reads = waiting.into_iter().map(|(target, names)| {
        let written = attempts.iter().zip(&state).filter(|(attempt, _)| attempt.target == target);
        let least: BTreeMap<&ParameterName, i64> = written
            .filter_map(|(attempt, state)| Some((&attempt.name, read_back_least(attempt, state)?)))
            .collect();
        async move { (target.clone(), read_until(context, &target, names, &least).await) }
    });
    let read: BTreeMap<Region, ByName<Valued>> =
        futures::future::join_all(reads).await.into_iter().collect();
    let proved = attempts.iter().zip(state).map(|(attempt, state)| {
        let back = read.get(&attempt.target).and_then(|names| names.get(&attempt.name));
        let Some(least) = read_back_least(attempt, &state) else { return state };
        match back {
            Some(Err(cause)) => WriteState::Failed(cause.clone()),
            Some(Ok(back)) if is_image(attempt) && !shows(back.as_ref(), least) => {
                WriteState::Failed(image_refused(attempt))
            }
            Some(Ok(Some(back))) if back.version.number == least => match state {
                WriteState::Written(_) if attempt.value(values) == Some(&back.text) => {
                    WriteState::Verified(back.version)
                }
                WriteState::Written(_) => WriteState::Superseded(attempt.write.change.done()),
                created => created,
            },
            _ => WriteState::Superseded(attempt.write.change.done()),
        }
    });
    look_underneath(context, attempts, proved.collect()).await
}

/// Writes the provenance of what was read back.
pub(super) async fn write_provenance(
    context: &RouteContext<'_>,
    attempts: &[WriteAttempt],
    state: Vec<WriteState>,
) -> Vec<WriteState> {
    let proved = attempts.iter().zip(state).map(|(attempt, state)| async move {
        match state {
            WriteState::Verified(replica) => write_provenance_of(context, attempt, replica).await,
            WriteState::Recreated(replica) => tag_recreated(context, attempt, replica).await,
            state => state,
        }
    });
    in_parallel(proved).await
}

/// The version that a read of what was written must show at least, where it is to be read back: what was written over,
/// and the id of an image, which AWS looks at only once it has said yes.
fn read_back_least(attempt: &WriteAttempt, state: &WriteState) -> Option<i64> {
    match state {
        WriteState::Written(version) => Some(*version),
        WriteState::Created(_) if is_image(attempt) => Some(1),
        _ => None,
    }
}

fn shows(back: Option<&Valued>, least: i64) -> bool {
    back.is_some_and(|back| back.version.number >= least)
}

/// Whether a read by name shows what a task created, which is to have this version by now.
///
/// # Errors
/// Why it cannot be read.
pub(super) async fn is_shown(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    least: i64,
    value: Option<&SecretText>,
) -> Result<bool, Cause> {
    let (name, key) = (&attempt.write.desired.name, &attempt.write.desired.key);
    let names = BTreeMap::from([(name.clone(), key.clone())]);
    let least = BTreeMap::from([(name, least)]);
    let mut read = read_until(context, &attempt.target, names, &least).await;
    let back = read.remove(name).transpose()?.flatten();
    Ok(back.is_some_and(|back| {
        least.get(name) == Some(&back.version.number) && Some(&back.text) == value
    }))
}

fn is_image(attempt: &WriteAttempt) -> bool {
    &*attempt.write.desired.data_type == IMAGE
}

fn image_refused(attempt: &WriteAttempt) -> Cause {
    let target = &attempt.target;
    let message = format!(
        "ssm:PutParameter said yes in {target}, and what was written does not show: AWS found no image there of the id that the source's tag gives"
    );
    Cause::new(FailureKind::Invalid, message).mended_by(format!(
        "tag the source with the id of an image in {target} that the account may use"
    ))
}

async fn read_until(
    context: &RouteContext<'_>,
    target: &Region,
    mut names: BTreeMap<ParameterName, Option<String>>,
    least: &BTreeMap<&ParameterName, i64>,
) -> ByName<Valued> {
    let mut all = ByName::new();
    for attempt in 1..=READ_BACK_TRIES {
        let read =
            values(context.session, target, names.iter().map(|(name, key)| (name, key.as_deref())))
                .await;
        for (name, valued) in read {
            let lags = match &valued {
                Ok(back) => !least.get(&name).is_none_or(|least| shows(back.as_ref(), *least)),
                Err(_) => false,
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

/// Writes the provenance of a replica that was written over. The mark is not among the tags, unless the write is the one
/// that makes the parameter owned: a release by a person meanwhile stands.
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
        Err(cause) => withdrawn(context, attempt, cause).await,
    }
}

/// Version 1 after a write over, or a history that begins anew: the replica had been deleted meanwhile, and its tags with
/// it. It gets all of them at once, so that it is known as the hub's if its source is gone too, and goes round again.
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
    // Another invocation has tagged it, or a person has taken the mark off.
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
