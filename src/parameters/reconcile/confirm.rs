//! Reads again what was decided on: the targets just before the writes, and the sources after them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Cause, Change, ParameterName, Region, Tags, Version};
use crate::ownership::is_marked;
use crate::parameters::attempt::{Task, Wrote};
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{PlannedWrite, released_meanwhile};
use crate::parameters::results::{RetryReason, PassResult};
use crate::parameters::store::{ByName, tags_of, versions};

/// Reads the targets' versions by name, before the first of these tasks' writes, tags included: what is not as it was
/// decided on goes round again. The proof of ownership is so at most as old as the writes of one chunk.
pub(super) async fn stand_as_decided(context: &RouteContext<'_>, tasks: &mut Vec<Task>, pass: &mut PassResult) {
    let mut held: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
    for task in tasks.iter() {
        if let Some(replica) = &task.replica {
            let name = replica.parameter.name.clone();
            held.entry(task.target.clone()).or_default().push(name);
        }
    }
    let reads = held.into_iter().map(|(target, names)| async move {
        let read = versions(context.session, &target, &names).await;
        (target, read)
    });
    let now: BTreeMap<Region, ByName<Version>> =
        futures::future::join_all(reads).await.into_iter().collect();
    tasks.retain(|task| {
        let Some(decided) = task.replica_version() else { return true };
        match now.get(&task.target).and_then(|now| now.get(&task.name)) {
            Some(Ok(Some(version))) if *version == decided => return true,
            Some(Err(cause)) => {
                pass.results.fail(&task.name, &task.target, &task.target, cause.clone());
            }
            _ => pass.retry(&task.name, &task.target, RetryReason::Unwritten),
        }
        false
    });
}

/// Reads the sources of what was written again, and their tags where a step used them: tags move no version. Of what was
/// written over, the replica's tags are read too: a release by a person meanwhile stands.
pub(super) async fn confirm(context: &RouteContext<'_>, tasks: &[Task], outcomes: &mut [Wrote]) {
    let written = || {
        let done = |(_, wrote): &(_, &Wrote)| matches!(wrote, Wrote::Done(_) | Wrote::Created(_));
        tasks.iter().zip(outcomes.iter()).filter(done).map(|(task, _)| task)
    };
    let names: BTreeSet<ParameterName> =
        written().flat_map(Task::stands_on).map(|(name, _)| name).collect();
    let sources = written().filter(|task| used_tags(task)).map(|task| &task.name);
    let consents = written().filter_map(used_consent).map(|lender| &lender.parameter.name);
    let tagged: BTreeSet<ParameterName> = sources.chain(consents).cloned().collect();
    let (names, tagged): (Vec<_>, Vec<_>) =
        (names.into_iter().collect(), tagged.into_iter().collect());
    let mut replicas: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
    for task in written().filter(|task| task.written_over().is_some()) {
        let name = task.write.desired.name.clone();
        replicas.entry(task.target.clone()).or_default().push(name);
    }
    let replicas = replicas.into_iter().map(|(target, names)| async move {
        let read = tags_of(context.session, &target, &names).await;
        (target, read)
    });
    let (now, tags, replicas) = futures::join!(
        versions(context.session, context.source, &names),
        tags_of(context.session, context.source, &tagged),
        futures::future::join_all(replicas)
    );
    let replicas: BTreeMap<Region, ByName<Tags>> = replicas.into_iter().collect();
    for (task, wrote) in tasks.iter().zip(outcomes) {
        let (Wrote::Done(outcome) | Wrote::Created(outcome)) = *wrote else { continue };
        let version_stands = |(name, version)| match now.get(&name) {
            Some(Ok(now)) => Ok(*now == Some(version)),
            Some(Err(cause)) => Err(cause.clone()),
            None => Ok(false),
        };
        let tags_stand = |read: &Observed| match tags.get(&read.parameter.name) {
            Some(Ok(tags)) => Ok(tags.as_ref() == Some(&read.tags)),
            Some(Err(cause)) => Err(cause.clone()),
            None => Ok(false),
        };
        let used = [used_tags(task).then_some(&task.original), used_consent(task)];
        match replicas.get(&task.target).and_then(|tags| tags.get(&task.name)) {
            Some(Ok(Some(tags))) if !is_marked(tags) => {
                *wrote = Wrote::Failed(released_meanwhile(task.case(context)));
                continue;
            }
            // Deleted meanwhile: the next look creates it again.
            Some(Ok(None)) => {
                *wrote = Wrote::Moved(outcome);
                continue;
            }
            Some(Err(cause)) => {
                *wrote = Wrote::Unconfirmed(unconfirmed(cause.clone()));
                continue;
            }
            Some(Ok(Some(_))) | None => {}
        }
        let stands = task.stands_on().into_iter().map(version_stands);
        let mut stands = stands.chain(used.into_iter().flatten().map(tags_stand));
        match stands.try_fold(true, |all, stands| stands.map(|stands| all && stands)) {
            Ok(true) => {}
            Ok(false) => *wrote = Wrote::Moved(outcome),
            Err(cause) => *wrote = Wrote::Unconfirmed(unconfirmed(cause)),
        }
    }
}

/// Whether the step wrote the source's tags.
fn used_tags(task: &Task) -> bool {
    let PlannedWrite { change, set_tags, remove_tags, .. } = &task.write;
    matches!(change, Change::Create | Change::Recreate)
        || !set_tags.is_empty()
        || !remove_tags.is_empty()
}

/// The parameter whose value the step wrote by its owner's consent, which is in its tags.
fn used_consent(task: &Task) -> Option<&Observed> {
    if task.write.change == Change::Retag { None } else { task.referenced_value() }
}

fn unconfirmed(mut cause: Cause) -> Cause {
    cause.message = format!(
        "written, but whether the source moved meanwhile could not be read: {}",
        cause.message
    );
    cause
}
