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
use crate::parameters::attempt::{Task, Values, Wrote, all_tags, provenance};
use crate::parameters::context::RouteContext;
use crate::parameters::model::IMAGE;
use crate::parameters::plan::{Marking, released_meanwhile, with_mark};
use crate::parameters::store::{ByName, Tagged, Valued, retag, tags, values};

/// How often, and how far apart, a replica is read back that does not yet show the version just written.
const READ_BACK_TRIES: u32 = 5;
const READ_BACK_PAUSE: Duration = Duration::from_millis(400);

/// Reads what was written over by name until it shows at least that version; only if version and value are those just
/// written may provenance follow, with the date read here. It also proves that the target's key decrypts.
pub(super) async fn read_back(
    context: &RouteContext<'_>,
    tasks: &[Task],
    wrote: Vec<Wrote>,
    values: &Values,
) -> Vec<Wrote> {
    let mut waiting: BTreeMap<Region, BTreeMap<ParameterName, Option<String>>> = BTreeMap::new();
    for (task, wrote) in tasks.iter().zip(&wrote) {
        if read_back_least(task, wrote).is_some() {
            waiting
                .entry(task.target.clone())
                .or_default()
                .insert(task.name.clone(), task.write.desired.key.clone());
        }
    }
    let reads = waiting.into_iter().map(|(target, names)| {
        let written = tasks.iter().zip(&wrote).filter(|(task, _)| task.target == target);
        let least: BTreeMap<&ParameterName, i64> = written
            .filter_map(|(task, wrote)| Some((&task.name, read_back_least(task, wrote)?)))
            .collect();
        async move { (target.clone(), read_until(context, &target, names, &least).await) }
    });
    let read: BTreeMap<Region, ByName<Valued>> =
        futures::future::join_all(reads).await.into_iter().collect();
    let proved = tasks.iter().zip(wrote).map(|(task, wrote)| {
        let back = read.get(&task.target).and_then(|names| names.get(&task.name));
        let Some(least) = read_back_least(task, &wrote) else { return wrote };
        match back {
            Some(Err(cause)) => Wrote::Failed(cause.clone()),
            Some(Ok(back)) if is_image(task) && !shows(back.as_ref(), least) => {
                Wrote::Failed(image_refused(task))
            }
            Some(Ok(Some(back))) if back.version.number == least => match wrote {
                Wrote::ReadBack(_) if task.value(values) == Some(&back.text) => {
                    Wrote::Proved(back.version)
                }
                Wrote::ReadBack(_) => Wrote::Moved(task.write.change.done()),
                created => created,
            },
            _ => Wrote::Moved(task.write.change.done()),
        }
    });
    look_underneath(context, tasks, proved.collect()).await
}

/// Writes the provenance of what was read back.
pub(super) async fn prove(context: &RouteContext<'_>, tasks: &[Task], wrote: Vec<Wrote>) -> Vec<Wrote> {
    let proved = tasks.iter().zip(wrote).map(|(task, wrote)| async move {
        match wrote {
            Wrote::Proved(replica) => prove_one(context, task, replica).await,
            Wrote::Anew(replica) => tag_anew(context, task, replica).await,
            wrote => wrote,
        }
    });
    in_parallel(proved).await
}

/// The version that a read of what was written must show at least, where it is to be read back: what was written over,
/// and the id of an image, which AWS looks at only once it has said yes.
fn read_back_least(task: &Task, wrote: &Wrote) -> Option<i64> {
    match wrote {
        Wrote::ReadBack(version) => Some(*version),
        Wrote::Created(_) if is_image(task) => Some(1),
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
    task: &Task,
    least: i64,
    value: Option<&SecretText>,
) -> Result<bool, Cause> {
    let (name, key) = (&task.write.desired.name, &task.write.desired.key);
    let names = BTreeMap::from([(name.clone(), key.clone())]);
    let least = BTreeMap::from([(name, least)]);
    let mut read = read_until(context, &task.target, names, &least).await;
    let back = read.remove(name).transpose()?.flatten();
    Ok(back.is_some_and(|back| {
        least.get(name) == Some(&back.version.number) && Some(&back.text) == value
    }))
}

fn is_image(task: &Task) -> bool {
    &*task.write.desired.data_type == IMAGE
}

fn image_refused(task: &Task) -> Cause {
    let target = &task.target;
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
async fn prove_one(context: &RouteContext<'_>, task: &Task, replica: Version) -> Wrote {
    let provenance = provenance(context, task, replica, false);
    let set = Tags::from([(PROVENANCE_KEY.to_owned(), provenance.to_string())]);
    let set = if task.write.marking == Marking::Never { set } else { with_mark(set) };
    let done = task.write.change.done();
    match retag(context.session, &task.target, &task.write.desired.name, &set, &[]).await {
        Ok(Tagged::Gone) => Wrote::Moved(done),
        Ok(Tagged::Yes) => Wrote::Done(done),
        Err(cause) => withdrawn(context, task, cause).await,
    }
}

/// Version 1 after a write over, or a history that begins anew: the replica had been deleted meanwhile, and its tags with
/// it. It gets all of them at once, so that it is known as the hub's if its source is gone too, and goes round again.
async fn tag_anew(context: &RouteContext<'_>, task: &Task, replica: Version) -> Wrote {
    let name = &task.write.desired.name;
    let held = match tags(context.session, &task.target, name).await {
        Ok(Some(held)) => held,
        Ok(None) => return Wrote::Moved(task.write.change.done()),
        Err(cause) => return Wrote::Failed(cause),
    };
    // Another invocation has tagged it, or a person has taken the mark off.
    if replica.number > 1 && (held.contains_key(PROVENANCE_KEY) || is_released(&held)) {
        return if is_marked(&held) {
            prove_one(context, task, replica).await
        } else {
            Wrote::Failed(released_meanwhile(task.case(context)))
        };
    }
    let set = all_tags(task, &provenance(context, task, replica, false));
    match retag(context.session, &task.target, name, &set, &[]).await {
        Ok(_) => Wrote::Moved(task.write.change.done()),
        Err(cause) => Wrote::Failed(cause),
    }
}
