//! Decides one secret in one target, from what was read and nothing else. It never asks AWS to overwrite, and it asks
//! for a replica only where the primary itself says that it has none, or none that came about.

mod elsewhere;

use std::time::Duration;

use crate::domain::{
    Cause, DEFAULT_SECRET_KEY, KmsKeys, NameFilter, OVERRIDE_TAG_PREFIX, OptOut, OutcomeKind,
    Region, Routes, Timestamp,
};

use super::causes;
use super::model::{Replication, Secret, Status, keys_differ};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// A replica that changed less long ago may still be on its way, and so may one whose primary did.
const SETTLING: Duration = Duration::from_mins(10);

/// One secret, one target, and what the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The secret in the source Region.
    pub(super) secret: &'a Secret,
    /// What holds its name in the target, as far as that is known.
    pub(super) held: Option<&'a Secret>,
    /// Whether `held` was asked of the target by name; a list may lag by five minutes.
    pub(super) looked: bool,
    /// The route's source Region.
    pub(super) source: &'a Region,
    /// The target Region.
    pub(super) target: &'a Region,
    /// All routes of the settings.
    pub(super) routes: &'a Routes,
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
    /// The replica is not as its primary, which may have changed just now: look again in a moment, and report this if
    /// it stays so.
    Follow(Cause),
    /// Ask for a replica under this key.
    Replicate {
        /// The target's key.
        kms_key: String,
    },
    /// Ask once more, under this key, for a replica that failed; report this where that is not done or does not help.
    AskAgain {
        /// The target's key.
        kms_key: String,
        /// Why it failed.
        failed: Cause,
    },
}

/// What becomes of a secret whatever its targets hold; `None` where it depends on them.
pub(super) fn exemption(question: &Question<'_>) -> Option<Decision> {
    let Question { secret, source, target, names, .. } = *question;
    // The replica of a route's primary, too: each secret has one primary, and only there is it looked at.
    let is_no_source = secret.is_service_owned()
        || secret.deleted
        || secret.of_other_account
        || elsewhere::is_of_a_route(question);
    if is_no_source {
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
    if let Err(cause) = opt_out {
        return Some(Decision::Refuse(cause));
    }
    let suffix = format!("/{target}");
    let is_override = |key: &&String| {
        let rest = key.strip_prefix(OVERRIDE_TAG_PREFIX);
        let rest = rest.map(|rest| rest.strip_prefix("-from").unwrap_or(rest));
        rest.is_some_and(|rest| rest.is_empty() || rest == suffix)
    };
    let tag = secret.tags.iter().flat_map(|tags| tags.keys()).find(is_override)?;
    Some(Decision::Refuse(causes::no_override(tag, source)))
}

/// Decides. Once the secret and what holds its name are described, the answer is never to look closer.
pub(super) fn plan(question: &Question<'_>) -> Decision {
    let Question { secret, source, target, .. } = *question;
    if let Some(decision) = exemption(question) {
        return decision;
    }
    if secret.is_replica_in(source) {
        return elsewhere::plan(question);
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
    let Question { secret, held, .. } = *question;
    let Some(held) = held else { return Decision::LookCloser };
    if is_foreign(question, held) {
        return conflict(question, held);
    }
    // The lists of two Regions may be of different minutes: a replica of another ARN is that of a secret replaced since.
    let settled = held.is_same_secret(secret)
        && key_fault(question, held.kms_key()).is_none()
        && held.agrees_with(secret);
    if settled { Decision::Leave(OutcomeKind::InSync) } else { Decision::LookCloser }
}

/// The primary says that it has no replica in the target.
fn unasked(question: &Question<'_>) -> Decision {
    let Question { held, .. } = *question;
    match held {
        None => match target_key(question) {
            Ok(kms_key) => Decision::Replicate { kms_key },
            Err(cause) => Decision::Report(cause),
        },
        Some(held) if is_replica_of(question, held) => {
            // Its owner has just taken the Region out, maybe to delete the secret: left to the next sweep.
            Decision::Leave(OutcomeKind::Pending)
        }
        Some(held) if !is_foreign(question, held) && !question.looked => Decision::LookCloser,
        Some(held) => conflict(question, held),
    }
}

/// The primary says how its replica in the target is.
fn asked(question: &Question<'_>, replica: &Replication) -> Decision {
    let Question { secret, target, .. } = *question;
    match &replica.status {
        Status::InProgress => Decision::Await,
        Status::Failed => failed(question, replica),
        Status::InSync => in_sync(question, replica),
        Status::Other(word) => Decision::Report(causes::unknown_status(secret, word, target)),
    }
}

/// Secrets Manager gave the replica up: it is asked once more, unless another secret holds the name.
fn failed(question: &Question<'_>, replica: &Replication) -> Decision {
    let Question { secret, held, source, target, .. } = *question;
    if let Some(held) = held.filter(|held| !is_replica_of(question, held)) {
        return if is_foreign(question, held) || question.looked {
            conflict(question, held)
        } else {
            Decision::LookCloser
        };
    }
    let failed = causes::replication_failed(secret, replica.message.as_deref(), source, target);
    match target_key(question) {
        Ok(kms_key) => Decision::AskAgain { kms_key, failed },
        Err(cause) => Decision::Report(cause),
    }
}

/// The primary calls its replica in sync, which is newer knowledge than a list's.
fn in_sync(question: &Question<'_>, replica: &Replication) -> Decision {
    let Question { secret, held, source, target, looked, .. } = *question;
    // The replica's own word is the newer one: its key may have been changed in its Region.
    let shown = match held.filter(|held| looked && is_replica_of(question, held)) {
        Some(held) => Some(held.kms_key()),
        None => replica.kms_key.as_deref().or(held.map(Secret::kms_key)),
    };
    if let Some(cause) = shown.and_then(|shown| key_fault(question, shown)) {
        return if looked { Decision::Report(cause) } else { Decision::LookCloser };
    }
    match held {
        None if looked => unlike(question, None, causes::not_there(secret, source, target)),
        Some(held) if is_replica_of(question, held) && held.agrees_with(secret) => {
            Decision::Leave(OutcomeKind::InSync)
        }
        _ if !looked => Decision::LookCloser,
        Some(held) if is_replica_of(question, held) => {
            unlike(question, Some(held), causes::stale(secret, held, source, target))
        }
        Some(held) => conflict(question, held),
        None => Decision::LookCloser,
    }
}

/// Both were read by name and differ. How long they have differed is as long ago as the replica changed last: a primary
/// may change again and again.
fn unlike(question: &Question<'_>, replica: Option<&Secret>, cause: Cause) -> Decision {
    let is_young = |changed: Option<Timestamp>| {
        changed.is_some_and(|changed| question.now.since(changed) < SETTLING)
    };
    if is_young(replica.and_then(|replica| replica.last_changed)) {
        Decision::Await
    } else if is_young(question.secret.last_changed) {
        Decision::Follow(cause)
    } else {
        Decision::Report(cause)
    }
}

/// Something else holds the name. Its owner may have said that it is to stay so.
fn conflict(question: &Question<'_>, held: &Secret) -> Decision {
    let Question { secret, source, target, .. } = *question;
    let says_so =
        held.tags.as_ref().is_some_and(|tags| OptOut::of(tags) == Ok(Some(OptOut::Exclude)));
    if says_so && causes::is_promoted(secret, held, target) {
        return Decision::Leave(OutcomeKind::Excluded);
    }
    Decision::Report(causes::conflict(secret, held, source, target))
}

/// Whether `held` is a secret of its own, or a replica from a Region other than the source.
fn is_foreign(question: &Question<'_>, held: &Secret) -> bool {
    !held.is_replica_in(question.target)
        || held.of_other_account
        || held.primary_region.as_deref() != Some(question.source.as_str())
}

fn is_replica_of(question: &Question<'_>, held: &Secret) -> bool {
    !is_foreign(question, held) && held.is_same_secret(question.secret)
}

/// The key in the target for what encrypts the secret.
pub(super) fn target_key(question: &Question<'_>) -> Result<String, Cause> {
    let Question { secret, source, target, kms_keys, .. } = *question;
    kms_keys.target_key(secret.kms_key(), source, target)
}

/// What is wrong with a replica's key. A customer key is right where the default one was expected, or where no key is
/// known for the target; the default one never is where the source has a customer key.
fn key_fault(question: &Question<'_>, shown: &str) -> Option<Cause> {
    let Question { secret, target, .. } = *question;
    match target_key(question) {
        Ok(wanted) if wanted == DEFAULT_SECRET_KEY => None,
        Ok(wanted) => {
            keys_differ(shown, &wanted).then(|| causes::other_key(secret, shown, &wanted, target))
        }
        Err(cause) => (!keys_differ(shown, DEFAULT_SECRET_KEY)).then_some(cause),
    }
}
