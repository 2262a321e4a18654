//! Reads again what was decided on: the targets just before the writes, and the sources after them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Cause, Change, ParameterName, Region, Tags, Version};
use crate::ownership::is_marked;
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{PlannedWrite, released_meanwhile};
use crate::parameters::results::{PassResult, RetryReason};
use crate::parameters::store::{ByName, tags_of, versions};

/// Reads the targets' versions by name, before the first of these tasks' writes, tags included: what is not as it was
/// decided on goes round again. The proof of ownership is so at most as old as the writes of one chunk.
pub(super) async fn stand_as_decided(
    context: &RouteContext<'_>,
    attempts: &mut Vec<WriteAttempt>,
    pass: &mut PassResult,
) {
    let mut held: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
    for attempt in attempts.iter() {
        if let Some(replica) = &attempt.replica {
            let name = replica.parameter.name.clone();
            held.entry(attempt.target.clone()).or_default().push(name);
        }
    }
    let reads = held.into_iter().map(|(target, names)| async move {
        let read = versions(context.session, &target, &names).await;
        (target, read)
    });
    let now: BTreeMap<Region, ByName<Version>> =
        futures::future::join_all(reads).await.into_iter().collect();
    attempts.retain(|attempt| {
        let Some(decided) = attempt.replica_version() else { return true };
        match now.get(&attempt.target).and_then(|now| now.get(&attempt.name)) {
            Some(Ok(Some(version))) if *version == decided => return true,
            Some(Err(cause)) => {
                pass.results.fail(&attempt.name, &attempt.target, &attempt.target, cause.clone());
            }
            _ => pass.retry(&attempt.name, &attempt.target, RetryReason::Unwritten),
        }
        false
    });
}

/// Reads the sources of what was written again, and their tags where a step used them: tags move no version. Of what was
/// written over, the replica's tags are read too: a release by a person meanwhile stands.
pub(super) async fn confirm(
    context: &RouteContext<'_>,
    attempts: &[WriteAttempt],
    outcomes: &mut [WriteState],
) {
    let written = || {
        let done = |(_, state): &(_, &WriteState)| {
            matches!(state, WriteState::Done(_) | WriteState::Created(_))
        };
        attempts.iter().zip(outcomes.iter()).filter(done).map(|(attempt, _)| attempt)
    };
    let names: BTreeSet<ParameterName> =
        written().flat_map(WriteAttempt::stands_on).map(|(name, _)| name).collect();
    let sources = written().filter(|attempt| used_tags(attempt)).map(|attempt| &attempt.name);
    let consents = written().filter_map(used_consent).map(|lender| &lender.parameter.name);
    let tagged: BTreeSet<ParameterName> = sources.chain(consents).cloned().collect();
    let (names, tagged): (Vec<_>, Vec<_>) =
        (names.into_iter().collect(), tagged.into_iter().collect());
    let mut replicas: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
    for attempt in written().filter(|attempt| attempt.written_over().is_some()) {
        let name = attempt.write.desired.name.clone();
        replicas.entry(attempt.target.clone()).or_default().push(name);
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
    for (attempt, state) in attempts.iter().zip(outcomes) {
        let (WriteState::Done(outcome) | WriteState::Created(outcome)) = *state else { continue };
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
        let used = [used_tags(attempt).then_some(&attempt.original), used_consent(attempt)];
        match replicas.get(&attempt.target).and_then(|tags| tags.get(&attempt.name)) {
            Some(Ok(Some(tags))) if !is_marked(tags) => {
                *state = WriteState::Failed(released_meanwhile(attempt.case(context)));
                continue;
            }
            // Deleted meanwhile: the next look creates it again.
            Some(Ok(None)) => {
                *state = WriteState::Superseded(outcome);
                continue;
            }
            Some(Err(cause)) => {
                *state = WriteState::Unconfirmed(unconfirmed(cause.clone()));
                continue;
            }
            Some(Ok(Some(_))) | None => {}
        }
        let stands = attempt.stands_on().into_iter().map(version_stands);
        let mut stands = stands.chain(used.into_iter().flatten().map(tags_stand));
        match stands.try_fold(true, |all, stands| stands.map(|stands| all && stands)) {
            Ok(true) => {}
            Ok(false) => *state = WriteState::Superseded(outcome),
            Err(cause) => *state = WriteState::Unconfirmed(unconfirmed(cause)),
        }
    }
}

/// Whether the step wrote the source's tags.
fn used_tags(attempt: &WriteAttempt) -> bool {
    let PlannedWrite { change, set_tags, remove_tags, .. } = &attempt.write;
    matches!(change, Change::Create | Change::Recreate)
        || !set_tags.is_empty()
        || !remove_tags.is_empty()
}

/// The parameter whose value the step wrote by its owner's consent, which is in its tags.
fn used_consent(attempt: &WriteAttempt) -> Option<&Observed> {
    if attempt.write.change == Change::Retag { None } else { attempt.referenced_value() }
}

fn unconfirmed(mut cause: Cause) -> Cause {
    cause.message = format!(
        "written, but whether the source moved meanwhile could not be read: {}",
        cause.message
    );
    cause
}
