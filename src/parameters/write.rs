//! Carries a round's tasks out: writes, reads back what was written over, and only then, when labels are on, writes
//! provenance.
//!
//! Any crash on the way leaves a replica whose provenance does not name its version: visibly out of sync.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::apply::{Created, Tagged, create, retag, update};
use super::labels::{self, History, Sources};
use super::model::{IMAGE, Lender, Observed, Parameter, Version};
use super::observe::{ByName, Valued, values};
use super::plan::{Holder, Write};
use super::provenance::Provenance;
use super::recreate::recreate;
use super::run::Run;
use super::supply::Supply;
use crate::aws::at_once;
use crate::domain::{
    Cause, Change, FailureKind, MARK_KEY, MARK_VALUE, OutcomeKind, PROVENANCE_KEY, ParameterName,
    Region, SecretText, Tags,
};
use crate::guard::Claim;

/// How often, and how far apart, a replica is read back that does not yet show the version just written.
const READ_BACK_TRIES: u32 = 5;
const READ_BACK_PAUSE: Duration = Duration::from_millis(400);

/// A write of one item in one target, on its way.
pub(super) struct Task {
    pub(super) name: ParameterName,
    pub(super) target: Region,
    /// The source as it was read, and decided on.
    pub(super) original: Observed,
    /// The replica as it was read.
    pub(super) replica: Option<Observed>,
    /// The parameter that lends the value, as it was read.
    pub(super) lender: Option<Lender>,
    /// What holds the name, by its tags as read.
    pub(super) held: Holder,
    pub(super) write: Write,
    /// Whether values are still to decide between update and retag.
    pub(super) compare: bool,
}

/// The values that a round has in hand, by the name that they were read under.
pub(super) type Values = BTreeMap<ParameterName, SecretText>;

/// A value that a task needs.
pub(super) struct Wanted {
    /// The name of what holds it.
    pub(super) name: ParameterName,
    /// The key that encrypts it, where that is known.
    pub(super) key: Option<Box<str>>,
    /// The version that was decided on.
    pub(super) version: Version,
}

impl Task {
    /// The source's version that was decided on.
    pub(super) fn source_version(&self) -> Version {
        self.original.parameter.version()
    }

    /// The replica's version that was decided on.
    pub(super) fn replica_version(&self) -> Option<Version> {
        Some(self.replica.as_ref()?.parameter.version())
    }

    /// What it needs to read for its value; nothing where a tag holds that.
    pub(super) fn reads(&self) -> Option<Wanted> {
        let Parameter { key, .. } = &self.original.parameter;
        match (&self.write.desired.supply, self.lender) {
            (None, _) => Some(Wanted {
                name: self.name.clone(),
                key: key.clone(),
                version: self.source_version(),
            }),
            (Some(Supply::Lender(name)), Some(Lender { version, .. })) => {
                Some(Wanted { name: name.clone(), key: None, version })
            }
            (Some(Supply::Lender(_) | Supply::Text(_)), _) => None,
        }
    }

    /// Its value, among those that were read or in a tag.
    pub(super) fn value<'a>(&'a self, values: &'a Values) -> Option<&'a SecretText> {
        match &self.write.desired.supply {
            None => values.get(&self.name),
            Some(Supply::Text(text)) => Some(text),
            Some(Supply::Lender(name)) => values.get(name),
        }
    }

    /// By what it makes the hub's what is somebody's.
    pub(super) fn claim(&self) -> Option<Claim> {
        self.held.objection()?;
        Some(if self.write.adopts() { Claim::Adopt } else { Claim::Take })
    }

    /// The versions on which it was decided.
    pub(super) fn stands_on(&self) -> Vec<(ParameterName, Version)> {
        let mut versions = vec![(self.name.clone(), self.source_version())];
        if let (Some(Supply::Lender(name)), Some(lender)) =
            (&self.write.desired.supply, self.lender)
        {
            versions.push((name.clone(), lender.version));
        }
        versions
    }
}

/// What one task came to.
pub(super) enum Wrote {
    /// Finished but for the confirmation.
    Done(OutcomeKind),
    /// Created with all that belongs to it; finished but for the confirmation.
    Created(OutcomeKind),
    /// Written as this version; to be read back before labels and provenance follow.
    ReadBack(i64),
    /// Read back as this version, which is the copy; labels and then provenance are to follow.
    Proved(Version),
    /// The world moved before anything was written.
    Again,
    /// There was no time left to begin it.
    Late,
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
    values: &Values,
    sources: &Sources,
) -> Vec<Wrote> {
    let writes = tasks.iter().map(|task| async move {
        let began = Instant::now();
        let labelled = sources.labelled(task);
        let wrote = write_one(run, task, task.value(values), labelled.as_ref()).await;
        let (name, change) = (task.name.as_str(), task.write.change.word());
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (account, region) = (run.session.account(), &task.target);
        match &wrote {
            Wrote::Failed(Cause { kind, message, .. }) => {
                tracing::warn!(%account, %region, kind = "parameter", name, change, error_kind = %kind, elapsed_ms, "{message}");
            }
            Wrote::Again | Wrote::Late => {}
            Wrote::Done(_)
            | Wrote::Created(_)
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
    value: Option<&SecretText>,
    labelled: Option<&History>,
) -> Wrote {
    let Task { name, target, write, .. } = task;
    let Write { desired, .. } = write;
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
            let (tags, policies) = (created_tags(run, task), write.policies_to_send.clone());
            create(run.session, target, desired, policies, value, &tags).await.map(|created| {
                match created {
                    Created::Yes => Wrote::Created(OutcomeKind::Created),
                    Created::NameTaken => Wrote::Again,
                }
            })
        }
        (Change::Recreate, Some(value)) => recreate(run, task, value, labelled).await,
        (Change::Update, Some(value)) => {
            // Tags first: if they are refused, no value moves.
            match retag(run.session, target, &desired.name, &write.set_tags, &write.remove_tags)
                .await
            {
                // The deletion of a replica under our hands: the write makes it anew, as version 1.
                Ok(Tagged::Yes | Tagged::Gone) => {
                    match missing_written(run, task, labelled).await {
                        Ok(None) => {
                            update(run.session, target, write, value).await.map(Wrote::ReadBack)
                        }
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
                let Some(version) = task.replica_version() else { return Wrote::Again };
                let provenance = provenance(run, task, version, false).to_string();
                set.insert(PROVENANCE_KEY.to_owned(), provenance);
            }
            retag(run.session, target, &desired.name, &set, &write.remove_tags).await.map(
                |tagged| match tagged {
                    Tagged::Yes => Wrote::Done(OutcomeKind::Retagged),
                    Tagged::Gone => Wrote::Again,
                },
            )
        }
        (change, _) => {
            Err(Cause::new(FailureKind::Bug, format!("no way to {} was planned", change.word())))
        }
    };
    done.unwrap_or_else(Wrote::Failed)
}

/// All the tags of a replica that is created, which is then its version 1.
pub(super) fn created_tags(run: &Run<'_>, task: &Task) -> Tags {
    let first = Version { number: 1, ..task.source_version() };
    all_tags(task, &provenance(run, task, first, true))
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
    let unfinished = Version { number: Provenance::UNFINISHED, ..task.source_version() };
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
        source: task.source_version(),
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
        async move { (target.clone(), read_until(run, &target, names, &least).await) }
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
