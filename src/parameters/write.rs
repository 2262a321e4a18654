//! Carries a round's tasks out. What is written over is read back before its provenance is written ([`super::proof`]).
//!
//! Any crash on the way leaves a replica whose provenance does not name its version: visibly out of sync.

use std::time::Instant;

use super::apply::{Created, Tagged, create, retag, update};
use super::labels::{self, History, Sources};
use super::plan::{Holder, Write};
use super::recreate::recreate;
use super::run::Run;
use super::task::{Task, Values, Wrote, created_tags, provenance};
use crate::aws::at_once;
use crate::domain::{Cause, Change, FailureKind, OutcomeKind, PROVENANCE_KEY, SecretText};

/// Writes each task; one's failure stops none of the others.
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
