//! Carries a round's tasks out: writes, reads back what was written over, and only then, when labels are on, writes
//! provenance.
//!
//! Any crash on the way leaves a replica whose provenance does not name its version: visibly out of sync.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::apply::{Created, Tagged, create, retag, update};
use super::labels::{self, History, Sources};
use super::model::Version;
use super::observe::{ByName, Valued, values};
use super::plan::{Holder, Write};
use super::provenance::Provenance;
use super::run::Run;
use crate::aws::at_once;
use crate::domain::{
    Cause, Change, FailureKind, MARK_KEY, MARK_VALUE, OutcomeKind, PROVENANCE_KEY, ParameterName,
    Region, Tags,
};

/// How often, and how far apart, a replica is read back that does not yet show the version just written.
const READ_BACK_TRIES: u32 = 5;
const READ_BACK_PAUSE: Duration = Duration::from_millis(400);

/// A write of one item in one target, on its way.
pub(super) struct Task {
    pub(super) name: ParameterName,
    pub(super) target: Region,
    /// The source's version that was read, and its tags.
    pub(super) original: Version,
    pub(super) original_tags: Tags,
    pub(super) source_key: Option<Box<str>>,
    pub(super) replica_version: Option<Version>,
    /// What holds the name, by its tags as read.
    pub(super) held: Holder,
    pub(super) write: Write,
    /// Whether values are still to decide between update and retag.
    pub(super) compare: bool,
}

/// What one task came to.
pub(super) enum Wrote {
    /// Finished but for the confirmation.
    Done(OutcomeKind),
    /// Written as this version; to be read back before provenance follows.
    ReadBack(i64),
    /// Read back as this version, which is the copy; labels and then provenance are to follow.
    Proved(Version),
    /// The world moved before anything was written.
    Again,
    /// The world moved while this was done.
    Moved(OutcomeKind),
    /// Refused.
    Failed(Cause),
    /// Done, but the source could not be read again.
    Unconfirmed(Cause),
}

pub(super) async fn write(
    run: &Run<'_>,
    tasks: &[Task],
    values: &BTreeMap<ParameterName, Valued>,
    sources: &Sources,
) -> Vec<Wrote> {
    let writes = tasks.iter().map(|task| async move {
        let began = Instant::now();
        let wrote = write_one(run, task, values.get(&task.name), sources.labelled(&task.name)).await;
        let (name, change) = (task.name.as_str(), task.write.change.word());
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (account, region) = (run.session.account(), &task.target);
        match &wrote {
            Wrote::Failed(Cause { kind, message, .. }) => {
                tracing::warn!(%account, %region, kind = "parameter", name, change, error_kind = %kind, elapsed_ms, "{message}");
            }
            Wrote::Again => {}
            Wrote::Done(_)
            | Wrote::ReadBack(_)
            | Wrote::Proved(_)
            | Wrote::Moved(_)
            | Wrote::Unconfirmed(_) => {
                tracing::info!(%account, %region, kind = "parameter", name, change, elapsed_ms, "written");
            }
        }
        wrote
    });
    at_once(writes).await
}

async fn write_one(
    run: &Run<'_>,
    task: &Task,
    value: Option<&Valued>,
    labelled: Option<&History>,
) -> Wrote {
    let Task { name, target, write, .. } = task;
    let desired_name = &write.desired.name;
    let done = match (write.change, value) {
        (Change::Create, Some(value)) => {
            let location = run.session.location(target);
            let pause = run.recent.pause_before_create(&location, name, run.session.now());
            if !pause.is_zero() {
                if !run.rules.deadline.leaves(pause) {
                    return Wrote::Again;
                }
                tokio::time::sleep(pause).await;
            }
            if let Some(history) = labelled {
                return labels::create(run, task, history, value)
                    .await
                    .unwrap_or_else(Wrote::Failed);
            }
            let written = Version { number: 1, ..value.version };
            let tags = all_tags(task, &provenance(run, task, written, true));
            create(run.session, target, write, &value.text, &tags).await.map(
                |created| match created {
                    Created::Yes => Wrote::Done(OutcomeKind::Created),
                    Created::NameTaken => Wrote::Again,
                },
            )
        }
        (Change::Update, Some(value)) => {
            // Tags first: if they are refused, no value moves.
            match retag(run.session, target, desired_name, &write.set_tags, &write.remove_tags)
                .await
            {
                // The deletion of a replica under our hands: the write makes it anew, as version 1.
                Ok(Tagged::Yes | Tagged::Gone) => {
                    match missing_written(run, task, labelled).await {
                        Ok(None) => update(run.session, target, write, &value.text)
                            .await
                            .map(Wrote::ReadBack),
                        Ok(Some(ended)) => Ok(ended),
                        Err(cause) => Err(cause),
                    }
                }
                Err(cause) => Err(cause),
            }
        }
        (Change::Retag, _) => {
            let mut set = write.set_tags.clone();
            if write.renew_provenance {
                let Some(replica) = task.replica_version else { return Wrote::Again };
                set.insert(
                    PROVENANCE_KEY.to_owned(),
                    provenance(run, task, replica, false).to_string(),
                );
            }
            retag(run.session, target, desired_name, &set, &write.remove_tags).await.map(|tagged| {
                match tagged {
                    Tagged::Yes => Wrote::Done(OutcomeKind::Retagged),
                    Tagged::Gone => Wrote::Again,
                }
            })
        }
        (change, _) => {
            Err(Cause::new(FailureKind::Bug, format!("no way to {} was planned", change.word())))
        }
    };
    done.unwrap_or_else(Wrote::Failed)
}

/// Gives a replica that was left unfinished the labelled values that it lacks.
async fn missing_written(
    run: &Run<'_>,
    task: &Task,
    labelled: Option<&History>,
) -> Result<Option<Wrote>, Cause> {
    match (&task.held, labelled) {
        (Holder::Ours(provenance), Some(history)) if provenance.is_unfinished() => {
            labels::write_missing(run, task, history).await
        }
        _ => Ok(None),
    }
}

/// All tags of a replica that is still being created, so that it is known as ours and is visibly out of sync.
pub(super) fn tags_of_unfinished(run: &Run<'_>, task: &Task) -> Tags {
    let unfinished = Version { number: Provenance::UNFINISHED, ..task.original };
    all_tags(task, &provenance(run, task, unfinished, true))
}

fn all_tags(task: &Task, provenance: &Provenance) -> Tags {
    let mut tags = task.write.desired.tags.clone();
    tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
    tags.insert(PROVENANCE_KEY.to_owned(), provenance.to_string());
    tags
}

/// What the tag says for `replica`, the version that holds what was read of the source.
fn provenance(run: &Run<'_>, task: &Task, replica: Version, created: bool) -> Provenance {
    Provenance {
        region: run.source.clone(),
        source: task.original,
        replica: replica.number,
        written: (!created).then_some(replica.modified),
        form: task.write.desired.form,
        adopted: task.write.adopted,
        gone: None,
    }
}

/// Reads what was written over by name until it shows at least that version; only if version and value are those just
/// written may provenance follow, with the date read here. It also proves that the target's key decrypts.
pub(super) async fn read_back(
    run: &Run<'_>,
    tasks: &[Task],
    wrote: Vec<Wrote>,
    originals: &BTreeMap<ParameterName, Valued>,
) -> Vec<Wrote> {
    let mut waiting: BTreeMap<Region, BTreeMap<ParameterName, Option<String>>> = BTreeMap::new();
    for (task, wrote) in tasks.iter().zip(&wrote) {
        if matches!(wrote, Wrote::ReadBack(_)) {
            waiting
                .entry(task.target.clone())
                .or_default()
                .insert(task.name.clone(), task.write.desired.key.clone());
        }
    }
    let reads = waiting.into_iter().map(|(target, names)| {
        let written = tasks.iter().zip(&wrote).filter(|(task, _)| task.target == target);
        let least: BTreeMap<&ParameterName, i64> = written
            .filter_map(|(task, wrote)| match wrote {
                Wrote::ReadBack(version) => Some((&task.name, *version)),
                _ => None,
            })
            .collect();
        async move { (target.clone(), read_until(run, &target, names, &least).await) }
    });
    let read: BTreeMap<Region, ByName<Valued>> =
        futures::future::join_all(reads).await.into_iter().collect();
    let proved = tasks.iter().zip(wrote).map(|(task, wrote)| {
        let back = read.get(&task.target).and_then(|names| names.get(&task.name));
        let Wrote::ReadBack(version) = wrote else { return wrote };
        match (back, originals.get(&task.name)) {
            (Some(Ok(Some(back))), Some(original))
                if back.version.number == version && back.text == original.text =>
            {
                Wrote::Proved(back.version)
            }
            (Some(Err(cause)), _) => Wrote::Failed(cause.clone()),
            _ => Wrote::Moved(task.write.change.done()),
        }
    });
    proved.collect()
}

/// Writes the provenance of what was read back.
pub(super) async fn prove(run: &Run<'_>, tasks: &[Task], wrote: Vec<Wrote>) -> Vec<Wrote> {
    let proved = tasks.iter().zip(wrote).map(|(task, wrote)| async move {
        match wrote {
            Wrote::Proved(replica) => prove_one(run, task, replica).await,
            wrote => wrote,
        }
    });
    at_once(proved).await
}

async fn read_until(
    run: &Run<'_>,
    target: &Region,
    mut names: BTreeMap<ParameterName, Option<String>>,
    least: &BTreeMap<&ParameterName, i64>,
) -> ByName<Valued> {
    let mut all = ByName::new();
    for attempt in 1..=READ_BACK_TRIES {
        let read =
            values(run.session, target, names.iter().map(|(name, key)| (name, key.as_deref())))
                .await;
        for (name, valued) in read {
            let lags = match &valued {
                Ok(Some(valued)) => {
                    least.get(&name).is_some_and(|least| valued.version.number < *least)
                }
                Ok(None) => true,
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

async fn prove_one(run: &Run<'_>, task: &Task, replica: Version) -> Wrote {
    // Version 1 after a write over: the replica had been deleted meanwhile, and its tags with it. It gets all of them at
    // once, so that it is known as ours if its source is gone too, and goes round again.
    let anew = task.write.change == Change::Update && replica.number == 1;
    let provenance = provenance(run, task, replica, false);
    let mut set = all_tags(task, &provenance);
    if !anew {
        set.retain(|key, _| key == MARK_KEY || key == PROVENANCE_KEY);
    }
    let done = task.write.change.done();
    match retag(run.session, &task.target, &task.write.desired.name, &set, &[]).await {
        Ok(Tagged::Gone) => Wrote::Moved(done),
        Ok(Tagged::Yes) if anew => Wrote::Moved(done),
        Ok(Tagged::Yes) => Wrote::Done(done),
        Err(cause) => Wrote::Failed(cause),
    }
}
