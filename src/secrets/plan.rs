//! Decides one secret in one target. The decision depends only on the facts in [`SecretQuestion`]. The plan never
//! overwrites a secret. It requests a replica only if the primary itself shows no replica or a failed replica.

mod primary_elsewhere;

use std::time::Duration;

use crate::domain::{
    Cause, DEFAULT_SECRET_KEY, KmsKeys, NameFilter, OVERRIDE_TAG_PREFIX, OptOut, OutcomeKind,
    Region, Routes, Timestamp,
};

use super::causes;
use super::model::{Replication, ReplicationStatus, Secret, keys_differ};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The time in which Secrets Manager may still copy a change from the primary to the replica.
const PROPAGATION_TIME: Duration = Duration::from_mins(10);

/// One secret, one target, and all facts that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecretQuestion<'a> {
    /// The secret in the source Region.
    pub(super) secret: &'a Secret,
    /// The secret with the same name in the target, if one is known.
    pub(super) held: Option<&'a Secret>,
    /// Whether `held` is from a read by name in the target. A list may lag by five minutes.
    pub(super) read_by_name: bool,
    pub(super) source: &'a Region,
    pub(super) target: &'a Region,
    /// All routes of the settings.
    pub(super) routes: &'a Routes,
    pub(super) names: &'a NameFilter,
    pub(super) kms_keys: &'a KmsKeys,
    pub(super) now: Timestamp,
}

/// The next step for one secret in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SecretDecision {
    /// No work. The secret gets this count.
    Leave(OutcomeKind),
    /// No work. The secret counts as a conflict or a failure of the target, and the cause is reported.
    Report(Cause),
    /// No work. The secret counts as a failure, and the cause is reported once, in the source Region, because the owner
    /// has to correct the source.
    ReportAtSource(Cause),
    /// The lists are not sufficient. Describe the source first; if the source is described, read the target by name.
    ReadByName,
    /// Secrets Manager is working on the replica. Read the secret again later.
    AwaitReplica,
    /// The replica differs from the primary, which has changed recently. Read the secret again later, and report this
    /// cause if the difference remains.
    AwaitOrReport(Cause),
    /// Request a replica.
    Replicate {
        /// The key in the target.
        kms_key: String,
    },
    /// Request a failed replica again. Report the cause if the run makes no request or if the replica fails again.
    ReplicateAgain {
        /// The key in the target.
        kms_key: String,
        /// The cause of the failed replica.
        failed: Cause,
    },
}

/// The decision for a secret that the hub does not replicate, whatever the target holds. `None` for every other secret.
pub(super) fn exemption(question: &SecretQuestion<'_>) -> Option<SecretDecision> {
    let SecretQuestion { secret, source, target, names, .. } = *question;
    // A replica whose primary has a route is skipped: the run decides that secret at the primary.
    let is_not_a_source = secret.is_service_owned()
        || secret.deleted
        || secret.of_other_account
        || primary_elsewhere::has_route(question);
    if is_not_a_source {
        return Some(SecretDecision::Leave(OutcomeKind::Skipped));
    }
    let opt_out = secret.tags.as_ref().map_or(Ok(None), OptOut::of);
    // `remove` keeps the replica too: the hub never deletes the replica of a secret on its own decision.
    if matches!(opt_out, Ok(Some(OptOut::Exclude | OptOut::Remove))) {
        return Some(SecretDecision::Leave(OutcomeKind::Excluded));
    }
    if !names.matches(secret.name.as_str()) {
        return Some(SecretDecision::Leave(OutcomeKind::OutOfScope));
    }
    if let Err(cause) = opt_out {
        return Some(SecretDecision::ReportAtSource(cause));
    }
    let suffix = format!("/{target}");
    let is_override = |key: &&String| {
        let rest = key.strip_prefix(OVERRIDE_TAG_PREFIX);
        let rest = rest.map(|rest| rest.strip_prefix("-from").unwrap_or(rest));
        rest.is_some_and(|rest| rest.is_empty() || rest == suffix)
    };
    let tag = secret.tags.iter().flat_map(|tags| tags.keys()).find(is_override)?;
    Some(SecretDecision::ReportAtSource(causes::unsupported_override(tag, source)))
}

/// Decides one secret in one target. The decision is never [`SecretDecision::ReadByName`] if both the secret and the
/// target were read by name.
pub(super) fn plan(question: &SecretQuestion<'_>) -> SecretDecision {
    let SecretQuestion { secret, source, target, .. } = *question;
    if let Some(decision) = exemption(question) {
        return decision;
    }
    if secret.is_replica_in(source) {
        return primary_elsewhere::plan(question);
    }
    match &secret.replication {
        None => by_lists(question),
        Some(replicas) => match replicas.get(target) {
            None => without_replica(question),
            Some(replica) => with_replica(question, replica),
        },
    }
}

/// Decides from lists alone.
fn by_lists(question: &SecretQuestion<'_>) -> SecretDecision {
    let SecretQuestion { secret, held, .. } = *question;
    let Some(held) = held else { return SecretDecision::ReadByName };
    if is_foreign(question, held) {
        return conflict(question, held);
    }
    // The lists of two Regions may be from different minutes. A replica with another ARN may belong to a secret that was
    // replaced in between.
    let in_sync = held.is_same_secret(secret)
        && key_fault(question, held.kms_key()).is_none()
        && held.agrees_with(secret);
    if in_sync { SecretDecision::Leave(OutcomeKind::InSync) } else { SecretDecision::ReadByName }
}

/// Decides for a primary that shows no replica in the target.
fn without_replica(question: &SecretQuestion<'_>) -> SecretDecision {
    let SecretQuestion { held, .. } = *question;
    match held {
        None => match target_key(question) {
            Ok(kms_key) => SecretDecision::Replicate { kms_key },
            Err(cause) => SecretDecision::Report(cause),
        },
        Some(held) if is_replica_of(question, held) => {
            // The owner has just removed the Region, perhaps to delete the secret. The next sweep decides again.
            SecretDecision::Leave(OutcomeKind::Pending)
        }
        Some(held) if !is_foreign(question, held) && !question.read_by_name => {
            SecretDecision::ReadByName
        }
        Some(held) => conflict(question, held),
    }
}

/// Decides by the status that the primary shows for the replica in the target.
fn with_replica(question: &SecretQuestion<'_>, replica: &Replication) -> SecretDecision {
    let SecretQuestion { secret, target, .. } = *question;
    match &replica.status {
        ReplicationStatus::InProgress => SecretDecision::AwaitReplica,
        ReplicationStatus::Failed => failed(question, replica),
        ReplicationStatus::InSync => in_sync(question, replica),
        ReplicationStatus::Other(word) => {
            SecretDecision::Report(causes::unknown_status(secret, word, target))
        }
    }
}

/// Decides for a failed replica: requests the replica again, unless another secret holds the name.
fn failed(question: &SecretQuestion<'_>, replica: &Replication) -> SecretDecision {
    let SecretQuestion { secret, held, source, target, .. } = *question;
    if let Some(held) = held.filter(|held| !is_replica_of(question, held)) {
        return if is_foreign(question, held) || question.read_by_name {
            conflict(question, held)
        } else {
            SecretDecision::ReadByName
        };
    }
    let failed = causes::replication_failed(secret, replica.message.as_deref(), source, target);
    match target_key(question) {
        Ok(kms_key) => SecretDecision::ReplicateAgain { kms_key, failed },
        Err(cause) => SecretDecision::Report(cause),
    }
}

/// Decides for a replica that the primary shows as in sync. The primary's answer is newer than any list.
fn in_sync(question: &SecretQuestion<'_>, replica: &Replication) -> SecretDecision {
    let SecretQuestion { secret, held, source, target, read_by_name, .. } = *question;
    // The replica's key can be changed in the target Region, so the read by name is newer than the primary's answer.
    let shown = match held.filter(|held| read_by_name && is_replica_of(question, held)) {
        Some(held) => Some(held.kms_key()),
        None => replica.kms_key.as_deref().or(held.map(Secret::kms_key)),
    };
    if let Some(cause) = shown.and_then(|shown| key_fault(question, shown)) {
        return if read_by_name {
            SecretDecision::Report(cause)
        } else {
            SecretDecision::ReadByName
        };
    }
    match held {
        None if read_by_name => {
            different(question, None, causes::missing_in_target(secret, source, target))
        }
        Some(held) if is_replica_of(question, held) && held.agrees_with(secret) => {
            SecretDecision::Leave(OutcomeKind::InSync)
        }
        _ if !read_by_name => SecretDecision::ReadByName,
        Some(held) if is_replica_of(question, held) => {
            different(question, Some(held), causes::stale(secret, held, source, target))
        }
        Some(held) => conflict(question, held),
        None => SecretDecision::ReadByName,
    }
}

/// Decides for a replica that was read by name and differs from the primary. The replica's last change gives the age of
/// the difference, because a primary may change repeatedly.
fn different(
    question: &SecretQuestion<'_>,
    replica: Option<&Secret>,
    cause: Cause,
) -> SecretDecision {
    let is_recent = |changed: Option<Timestamp>| {
        changed.is_some_and(|changed| question.now.since(changed) < PROPAGATION_TIME)
    };
    if is_recent(replica.and_then(|replica| replica.last_changed)) {
        SecretDecision::AwaitReplica
    } else if is_recent(question.secret.last_changed) {
        SecretDecision::AwaitOrReport(cause)
    } else {
        SecretDecision::Report(cause)
    }
}

/// Decides for a name that another secret holds. The owner of a promoted replica can exclude it by tag.
fn conflict(question: &SecretQuestion<'_>, held: &Secret) -> SecretDecision {
    let SecretQuestion { secret, source, target, .. } = *question;
    let is_excluded =
        held.tags.as_ref().is_some_and(|tags| OptOut::of(tags) == Ok(Some(OptOut::Exclude)));
    if is_excluded && causes::is_promoted(secret, held, target) {
        return SecretDecision::Leave(OutcomeKind::Excluded);
    }
    SecretDecision::Report(causes::conflict(secret, held, source, target))
}

/// Whether `held` is not a replica from the source Region.
fn is_foreign(question: &SecretQuestion<'_>, held: &Secret) -> bool {
    !held.is_replica_in(question.target)
        || held.of_other_account
        || held.primary_region.as_deref() != Some(question.source.as_str())
}

fn is_replica_of(question: &SecretQuestion<'_>, held: &Secret) -> bool {
    !is_foreign(question, held) && held.is_same_secret(question.secret)
}

/// The key in the target that corresponds to the secret's key.
pub(super) fn target_key(question: &SecretQuestion<'_>) -> Result<String, Cause> {
    let SecretQuestion { secret, source, target, kms_keys, .. } = *question;
    kms_keys.target_key(secret.kms_key(), source, target)
}

/// The fault of a replica's key. A customer key is accepted if the default key was expected or if the settings give no
/// key for the target. The default key is never accepted if the source has a customer key, because it is weaker.
fn key_fault(question: &SecretQuestion<'_>, shown: &str) -> Option<Cause> {
    let SecretQuestion { secret, target, .. } = *question;
    match target_key(question) {
        Ok(wanted) if wanted == DEFAULT_SECRET_KEY => None,
        Ok(wanted) => keys_differ(shown, &wanted)
            .then(|| causes::different_key(secret, shown, &wanted, target)),
        Err(cause) => (!keys_differ(shown, DEFAULT_SECRET_KEY)).then_some(cause),
    }
}
