//! Reports secrets that AWS refused to delete because they have replicas, and tells the owner how to continue.

use std::collections::BTreeSet;

use super::model::Secret;
use super::observe;
use crate::aws::Session;
use crate::domain::{
    AccountId, AccountOutcome, Cause, Failure, FailureKind, Item, Kind, Region, SecretName,
};

/// Reports each refused deletion. A secret that has no replicas any more, or that is scheduled for deletion, is not
/// reported.
pub async fn refused_deletes(
    session: &Session,
    refused: &BTreeSet<(Region, SecretName)>,
) -> AccountOutcome {
    let mut outcome = AccountOutcome::new(session.account().clone());
    for (source, name) in refused {
        let cause = match observe::describe(session, source, name.as_str()).await {
            Ok(secret) => {
                secret.and_then(|secret| kept_by_replicas(&secret, source, session.account()))
            }
            Err(cause) => Some(cause),
        };
        if let Some(cause) = cause {
            outcome.count(Kind::Secret, cause.outcome());
            let item = Item::Secret(name.clone());
            outcome.fail(Failure::of_item(session.account(), item, cause).in_region(source));
        }
    }
    outcome
}

fn kept_by_replicas(secret: &Secret, source: &Region, account: &AccountId) -> Option<Cause> {
    let replicas =
        secret.replication.as_ref().filter(|replicas| !replicas.is_empty() && !secret.deleted)?;
    let regions: Vec<&str> = replicas.keys().map(Region::as_str).collect();
    let message = format!(
        "AWS refused to delete this secret because it has replicas in {}",
        regions.join(", ")
    );
    let remedy = format!(
        "run `hubctl release secret {} --account {account} --region {source} --yes`, then delete the secret again before the next sweep",
        secret.name,
    );
    Some(Cause::new(FailureKind::Conflict, message).with_remedy(remedy))
}
