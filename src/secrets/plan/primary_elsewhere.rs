//! Decides a replica in a source Region. Secrets Manager replicates a secret only from the Region of its primary.

use super::{PROPAGATION_TIME, SecretDecision, SecretQuestion};
use crate::domain::{OutcomeKind, Region};

use crate::secrets::causes;
use crate::secrets::model::{ReplicationStatus, Secret};

/// Whether the secret is a replica, and a route leads from the Region of its primary to this source or to this target.
pub(super) fn has_route(question: &SecretQuestion<'_>) -> bool {
    let SecretQuestion { secret, source, target, routes, .. } = *question;
    secret.is_replica_in(source)
        && routes
            .iter()
            .filter(|route| secret.primary_region.as_deref() == Some(route.source.as_str()))
            .any(|route| route.targets.contains(source) || route.targets.contains(target))
}

/// Decides a replica whose primary has no route to this source or target.
pub(super) fn plan(question: &SecretQuestion<'_>) -> SecretDecision {
    let SecretQuestion { secret, held, source, target, read_by_name, .. } = *question;
    let primary = secret.primary_region.as_deref().unwrap_or_default();
    let no_route = || SecretDecision::Report(causes::no_route(secret, primary, source, target));
    let Some(held) = held else {
        return if read_by_name { no_route() } else { SecretDecision::ReadByName };
    };
    if !has_same_primary(question, held) {
        return if read_by_name { no_route() } else { SecretDecision::ReadByName };
    }
    // Only the primary shows the status of its replica in the source Region.
    let replicas = held.replication.as_ref().filter(|_| primary == target.as_str());
    if let Some(replica) = replicas.and_then(|replicas| replicas.get(source)) {
        match &replica.status {
            ReplicationStatus::InProgress => return SecretDecision::AwaitReplica,
            ReplicationStatus::Failed => {
                let message = replica.message.as_deref();
                let cause = causes::replication_failed(held, message, target, source);
                return SecretDecision::Report(cause);
            }
            ReplicationStatus::Other(word) => {
                return SecretDecision::Report(causes::unknown_status(held, word, source));
            }
            ReplicationStatus::InSync => {}
        }
    }
    if held.agrees_with(secret) {
        return SecretDecision::Leave(OutcomeKind::InSync);
    }
    if !read_by_name || !secret.is_described() {
        return SecretDecision::ReadByName;
    }
    let changed = secret.last_changed;
    if changed.is_some_and(|changed| question.now.since(changed) < PROPAGATION_TIME) {
        return SecretDecision::AwaitReplica;
    }
    SecretDecision::Report(causes::differs_from_target(secret, primary, source, target))
}

/// Whether the target holds the primary itself, or another replica of the same primary.
fn has_same_primary(question: &SecretQuestion<'_>, held: &Secret) -> bool {
    let SecretQuestion { secret, target, .. } = *question;
    let primary = secret.primary_region.as_deref();
    let is_primary = |region: &Region| primary == Some(region.as_str());
    let fits = match held.primary_region.as_deref() {
        None => is_primary(target),
        other => other == primary,
    };
    fits && held.is_same_secret(secret) && !held.deleted && !held.of_other_account
}
