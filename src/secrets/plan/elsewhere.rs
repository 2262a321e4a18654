//! A replica in a source Region: its primary is elsewhere, and only from there is it replicated.

use super::{Decision, Question, SETTLING};
use crate::domain::{OutcomeKind, Region};

use crate::secrets::causes;
use crate::secrets::model::{Secret, Status};

/// Whether the secret is a replica whose primary a route looks after: one that leads here, or into this target.
pub(super) fn is_of_a_route(question: &Question<'_>) -> bool {
    let Question { secret, source, target, routes, .. } = *question;
    secret.is_replica_in(source)
        && routes
            .iter()
            .filter(|route| secret.primary_region.as_deref() == Some(route.source.as_str()))
            .any(|route| route.targets.contains(source) || route.targets.contains(target))
}

/// Decides a replica whose primary no route looks after.
pub(super) fn plan(question: &Question<'_>) -> Decision {
    let Question { secret, held, source, target, looked, .. } = *question;
    let primary = secret.primary_region.as_deref().unwrap_or_default();
    let no_route = || Decision::Report(causes::no_route(secret, primary, source, target));
    let Some(held) = held else {
        return if looked { no_route() } else { Decision::LookCloser };
    };
    if !is_of_one_secret(question, held) {
        return if looked { no_route() } else { Decision::LookCloser };
    }
    // Only the primary itself says how its replica here is.
    let status = held.replication.as_ref().filter(|_| primary == target.as_str());
    match status.and_then(|replicas| replicas.get(source)).map(|replica| &replica.status) {
        Some(Status::InProgress) => return Decision::Await,
        Some(Status::Failed) => {
            let message = held.replication.as_ref().and_then(|all| all.get(source));
            let message = message.and_then(|replica| replica.message.as_deref());
            return Decision::Report(causes::replication_failed(held, message, target, source));
        }
        Some(Status::Other(word)) => {
            return Decision::Report(causes::unknown_status(held, word, source));
        }
        Some(Status::InSync) | None => {}
    }
    if held.agrees_with(secret) {
        return Decision::Leave(OutcomeKind::InSync);
    }
    if !looked || !secret.is_described() {
        return Decision::LookCloser;
    }
    let changed = secret.last_changed;
    if changed.is_some_and(|changed| question.now.since(changed) < SETTLING) {
        return Decision::Await;
    }
    Decision::Report(causes::unlike_elsewhere(secret, primary, source, target))
}

/// Whether the target holds the primary itself, or another replica of it.
fn is_of_one_secret(question: &Question<'_>, held: &Secret) -> bool {
    let Question { secret, target, .. } = *question;
    let primary = secret.primary_region.as_deref();
    let is_primary = |region: &Region| primary == Some(region.as_str());
    let fits = match held.primary_region.as_deref() {
        None => is_primary(target),
        other => other == primary,
    };
    fits && held.is_same_secret(secret) && !held.deleted && !held.of_other_account
}
