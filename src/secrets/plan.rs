//! Decides one secret in one target, from what was read and nothing else. It never asks AWS to overwrite, and it asks
//! for a replica only where the primary itself says that it has none.

use std::time::Duration;

use crate::domain::{
    Cause, DEFAULT_SECRET_KEY, KmsKeys, NameFilter, OptOut, OutcomeKind, Region, Timestamp,
};

use super::causes;
use super::model::{Replication, Secret, Status, keys_differ};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// A difference that is younger than this is no drift: lists lag by five minutes, and a replica by its replication.
const SETTLING: Duration = Duration::from_mins(10);

/// One secret, one target, and what the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The secret in the source Region.
    pub(super) secret: &'a Secret,
    /// What holds its name in the target, as far as that is known.
    pub(super) held: Option<&'a Secret>,
    /// The route's source Region.
    pub(super) source: &'a Region,
    /// The target Region.
    pub(super) target: &'a Region,
    /// The names in scope.
    pub(super) names: &'a NameFilter,
    /// The mapping of keys.
    pub(super) kms_keys: &'a KmsKeys,
    /// The time.
    pub(super) now: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing; it counts so.
    Leave(OutcomeKind),
    /// Nothing; it counts as a conflict or a failure, and is reported.
    Report(Cause),
    /// Nothing; it counts as a failure, and is reported once, in the secret's own Region: the secret has to be mended.
    Refuse(Cause),
    /// The lists do not settle it: describe the secret, or, where that was done, what holds its name in the target.
    LookCloser,
    /// Secrets Manager is at work: look again in a moment.
    Await,
    /// Ask for a replica under this key.
    Replicate {
        /// The target's key.
        kms_key: String,
    },
}

/// What becomes of a secret whatever its targets hold; `None` where it depends on them.
pub(super) fn exemption(secret: &Secret, source: &Region, names: &NameFilter) -> Option<Decision> {
    // The replica of the opposite route, too: each secret has one primary, and only there is it looked at.
    if secret.is_replica_in(source) || secret.is_service_owned() || secret.deleted {
        return Some(Decision::Leave(OutcomeKind::Skipped));
    }
    let opt_out = secret.tags.as_ref().map_or(Ok(None), OptOut::of);
    // `remove` keeps the replica too: a secret's replica never goes by itself.
    if matches!(opt_out, Ok(Some(OptOut::Exclude | OptOut::Remove))) {
        return Some(Decision::Leave(OutcomeKind::Excluded));
    }
    if !names.matches(secret.name.as_str()) {
        return Some(Decision::Leave(OutcomeKind::OutOfScope));
    }
    opt_out.err().map(Decision::Refuse)
}

/// Decides. Once the secret and what holds its name are described, the answer is never to look closer.
pub(super) fn plan(question: &Question<'_>) -> Decision {
    let Question { secret, source, target, names, .. } = *question;
    if let Some(decision) = exemption(secret, source, names) {
        return decision;
    }
    match &secret.replication {
        None => by_lists(question),
        Some(replicas) => match replicas.get(target) {
            None => unasked(question),
            Some(replica) => asked(question, replica),
        },
    }
}

/// Only the lists have spoken.
fn by_lists(question: &Question<'_>) -> Decision {
    let Question { secret, held, source, target, .. } = *question;
    let Some(held) = held else { return Decision::LookCloser };
    if is_foreign(question, held) {
        return Decision::Report(causes::conflict(secret, held, source, target));
    }
    // The lists of two Regions may be of different minutes: a replica of another ARN is that of a secret replaced since.
    let settled = held.is_same_secret(secret)
        && key_fault(question, held.kms_key()).is_none()
        && (held.agrees_with(secret) || is_settling(question, held));
    if settled { Decision::Leave(OutcomeKind::InSync) } else { Decision::LookCloser }
}

/// The primary says that it has no replica in the target.
fn unasked(question: &Question<'_>) -> Decision {
    let Question { secret, held, source, target, kms_keys, .. } = *question;
    match held {
        None => match kms_keys.target_key(secret.kms_key(), source, target) {
            Ok(kms_key) => Decision::Replicate { kms_key },
            Err(cause) => Decision::Report(cause),
        },
        Some(held) if is_replica_of(question, held) => {
            // Its owner has just taken the Region out, maybe to delete the secret: left to the next sweep.
            Decision::Leave(OutcomeKind::Pending)
        }
        Some(held) if !is_foreign(question, held) && !held.is_described() => Decision::LookCloser,
        Some(held) => Decision::Report(causes::conflict(secret, held, source, target)),
    }
}

/// The primary says how its replica in the target is.
fn asked(question: &Question<'_>, replica: &Replication) -> Decision {
    let Question { secret, held, source, target, .. } = *question;
    match &replica.status {
        Status::InProgress => Decision::Await,
        Status::Failed => Decision::Report(match held {
            Some(held) if is_foreign(question, held) => {
                causes::conflict(secret, held, source, target)
            }
            _ => causes::replication_failed(secret, replica.message.as_deref(), source, target),
        }),
        Status::InSync => in_sync(question, replica),
        Status::Other(word) => Decision::Report(causes::unknown_status(secret, word, target)),
    }
}

/// The primary calls its replica in sync, which is newer knowledge than a list's.
fn in_sync(question: &Question<'_>, replica: &Replication) -> Decision {
    let Question { secret, held, source, target, .. } = *question;
    let shown = replica.kms_key.as_deref().or(held.map(Secret::kms_key));
    if let Some(cause) = shown.and_then(|shown| key_fault(question, shown)) {
        return Decision::Report(cause);
    }
    match held {
        Some(held) if !is_replica_of(question, held) => {
            if held.is_described() {
                Decision::Report(causes::conflict(secret, held, source, target))
            } else {
                Decision::LookCloser
            }
        }
        Some(held) if !held.agrees_with(secret) && !is_settling(question, held) => {
            if held.is_described() {
                Decision::Report(causes::stale(secret, source, target))
            } else {
                Decision::LookCloser
            }
        }
        _ => Decision::Leave(OutcomeKind::InSync),
    }
}

/// Whether `held` is a secret of its own, or a replica from a Region other than the source.
fn is_foreign(question: &Question<'_>, held: &Secret) -> bool {
    !held.is_replica_in(question.target)
        || held.primary_region.as_deref() != Some(question.source.as_str())
}

fn is_replica_of(question: &Question<'_>, held: &Secret) -> bool {
    !is_foreign(question, held) && held.is_same_secret(question.secret)
}

fn is_settling(question: &Question<'_>, held: &Secret) -> bool {
    let changed = question.secret.last_changed.max(held.last_changed);
    changed.is_some_and(|changed| question.now.since(changed) < SETTLING)
}

/// What is wrong with a replica's key. Where no key is known for the target, a customer key of its owner's choice is
/// right; only the default key would be weaker than the source's.
fn key_fault(question: &Question<'_>, shown: &str) -> Option<Cause> {
    let Question { secret, source, target, kms_keys, .. } = *question;
    match kms_keys.target_key(secret.kms_key(), source, target) {
        Ok(wanted) => keys_differ(shown, &wanted)
            .then(|| causes::other_key(secret, shown, &wanted, source, target)),
        Err(cause) => (!keys_differ(shown, DEFAULT_SECRET_KEY)).then_some(cause),
    }
}
