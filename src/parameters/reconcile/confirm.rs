//! Confirms that nothing changed around a write: reads the targets again just before the writes, and the sources after
//! them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Cause, Change, OutcomeKind, ParameterName, Region, Tags, Version};
use crate::ownership::is_marked;
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::causes::unconfirmed;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{PlannedWrite, released_meanwhile};
use crate::parameters::results::{PassResult, RetryReason};
use crate::parameters::store::{ByName, tags_of, versions};

/// Keeps the attempts whose replicas still have the version that the decision saw, by a read by name. This read comes
/// before all writes of the chunk, tags included, so the evidence of ownership is at most one chunk of writes old.
pub(super) async fn keep_unchanged(
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

/// Confirms the completed attempts. The versions of their sources are read again, and the tags where the write used tags,
/// because no version changes with tags. The tags of an overwritten replica are read too, so that a release by a person
/// during the write is kept.
pub(super) async fn confirm(context: &RouteContext<'_>, attempts: &mut [WriteAttempt]) {
    let read = Confirmation::read(context, attempts).await;
    for attempt in attempts {
        if let Some(outcome) = completed(attempt)
            && let Some(state) = read.new_state(context, attempt, outcome)
        {
            attempt.state = state;
        }
    }
}

fn completed(attempt: &WriteAttempt) -> Option<OutcomeKind> {
    match attempt.state {
        WriteState::Done(outcome) | WriteState::Created(outcome) => Some(outcome),
        _ => None,
    }
}

/// What the sources and the overwritten replicas show after the writes.
struct Confirmation {
    versions: ByName<Version>,
    tags: ByName<Tags>,
    replica_tags: BTreeMap<Region, ByName<Tags>>,
}

impl Confirmation {
    async fn read(context: &RouteContext<'_>, attempts: &[WriteAttempt]) -> Self {
        let written = || attempts.iter().filter(|attempt| completed(attempt).is_some());
        let names: BTreeSet<ParameterName> =
            written().flat_map(WriteAttempt::decided_versions).map(|(name, _)| name).collect();
        let sources = written().filter(|attempt| used_tags(attempt)).map(|attempt| &attempt.name);
        let consents = written().filter_map(used_consent).map(|read| &read.parameter.name);
        let tagged: BTreeSet<ParameterName> = sources.chain(consents).cloned().collect();
        let (names, tagged): (Vec<_>, Vec<_>) =
            (names.into_iter().collect(), tagged.into_iter().collect());
        let mut overwritten: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
        for attempt in written().filter(|attempt| attempt.overwritten_version().is_some()) {
            let name = attempt.write.desired.name.clone();
            overwritten.entry(attempt.target.clone()).or_default().push(name);
        }
        let overwritten = overwritten.into_iter().map(|(target, names)| async move {
            let read = tags_of(context.session, &target, &names).await;
            (target, read)
        });
        let (versions, tags, replica_tags) = futures::join!(
            versions(context.session, context.source, &names),
            tags_of(context.session, context.source, &tagged),
            futures::future::join_all(overwritten)
        );
        Self { versions, tags, replica_tags: replica_tags.into_iter().collect() }
    }

    /// The state of an attempt that is not confirmed; `None` if nothing changed.
    fn new_state(
        &self,
        context: &RouteContext<'_>,
        attempt: &WriteAttempt,
        outcome: OutcomeKind,
    ) -> Option<WriteState> {
        match self.replica_tags.get(&attempt.target).and_then(|tags| tags.get(&attempt.name)) {
            Some(Ok(Some(tags))) if !is_marked(tags) => {
                return Some(WriteState::Failed(released_meanwhile(attempt.case(context))));
            }
            // Deleted meanwhile; the next pass creates it again.
            Some(Ok(None)) => return Some(WriteState::Superseded(outcome)),
            Some(Err(cause)) => return Some(WriteState::Unconfirmed(unconfirmed(cause.clone()))),
            Some(Ok(Some(_))) | None => {}
        }
        match self.source_is_unchanged(attempt) {
            Ok(true) => None,
            Ok(false) => Some(WriteState::Superseded(outcome)),
            Err(cause) => Some(WriteState::Unconfirmed(unconfirmed(cause))),
        }
    }

    /// Whether the source, and what a value override references, are as the decision saw them.
    fn source_is_unchanged(&self, attempt: &WriteAttempt) -> Result<bool, Cause> {
        let mut unchanged = true;
        for (name, decided) in attempt.decided_versions() {
            let version = self.versions.get(&name).cloned().transpose()?;
            unchanged &= version.flatten() == Some(decided);
        }
        let used = [used_tags(attempt).then_some(&attempt.original), used_consent(attempt)];
        for read in used.into_iter().flatten() {
            let tags = self.tags.get(&read.parameter.name).cloned().transpose()?;
            unchanged &= tags.flatten().as_ref() == Some(&read.tags);
        }
        Ok(unchanged)
    }
}

/// Whether the write used the source's tags.
fn used_tags(attempt: &WriteAttempt) -> bool {
    let PlannedWrite { change, set_tags, remove_tags, .. } = &attempt.write;
    matches!(change, Change::Create | Change::Recreate)
        || !set_tags.is_empty()
        || !remove_tags.is_empty()
}

/// The parameter whose value the write used. Its tags hold the consent of its owner.
fn used_consent(attempt: &WriteAttempt) -> Option<&Observed> {
    if attempt.write.change == Change::Retag { None } else { attempt.referenced_value() }
}
