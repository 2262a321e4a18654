//! Managed replication, which is asynchronous (FACTS 80 to 87).

use std::collections::BTreeMap;

use serde_json::json;

use super::model::{DEFAULT_KEY, PendingReplication, Replica, Secret};
use super::{changeable, named, store};
use crate::clock::{Millis, millis};
use crate::error::{Answer, AwsError};
use crate::kms;
use crate::state::{Call, World};

const IN_SYNC: &str = "InSync";
const IN_PROGRESS: &str = "InProgress";
const FAILED: &str = "Failed";

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

/// `ReplicateSecretToRegions` answers before the replication starts.
pub(super) fn replicate_secret_to_regions(world: &mut World, call: &Call<'_>) -> Answer {
    let mut secret = changeable(world, call)?;
    begin(world, call, &mut secret)?;
    let answer = json!({"ARN": secret.arn, "ReplicationStatus": secret.replication()});
    store(world, call, secret);
    Ok(answer)
}

/// Schedules all requested replications, or none if one of them is invalid.
pub(super) fn begin(
    world: &mut World,
    call: &Call<'_>,
    secret: &mut Secret,
) -> Result<(), AwsError> {
    let asked: BTreeMap<String, Option<String>> = call
        .list("AddReplicaRegions")
        .iter()
        .map(|wanted| {
            let text = |member: &str| wanted[member].as_str().map(str::to_owned);
            (text("Region").unwrap_or_default(), text("KmsKeyId").filter(|key| key != DEFAULT_KEY))
        })
        .collect();
    for region in asked.keys() {
        if *region == call.region || !is_region(region) {
            return Err(invalid("Invalid replica region."));
        }
        if secret.replicas.get(region).is_some_and(|replica| replica.status != FAILED) {
            return Err(invalid(format!("The secret is already replicated to region {region}.")));
        }
    }
    if asked.is_empty() {
        return Err(invalid("AddReplicaRegions must name a Region."));
    }
    let at = call.now + millis(world.settings.replication);
    for (target, key) in asked {
        secret.replicas.insert(target.clone(), Replica { key, status: IN_PROGRESS, message: None });
        world.account(&call.account).pending_replications.push(PendingReplication {
            at,
            name: secret.name.clone(),
            source: call.region.clone(),
            target,
            force: call.flag("ForceOverwriteReplicaSecret"),
        });
    }
    secret.changed = call.now;
    Ok(())
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"].contains(&parts[0])
        && parts.len() >= 3
        && parts.last().is_some_and(|last| last.parse::<u8>().is_ok())
}

/// Schedules the update of the replicas after a change of their primary.
pub(super) fn schedule_updates(world: &mut World, call: &Call<'_>, secret: &Secret) {
    let at = call.now + millis(world.settings.replication);
    let replicas = secret.replicas.iter().filter(|(_, replica)| replica.status == IN_SYNC);
    for (target, _) in replicas {
        let due = PendingReplication {
            at,
            name: secret.name.clone(),
            source: call.region.clone(),
            target: target.clone(),
            force: false,
        };
        world.account(&call.account).pending_replications.push(due);
    }
}

/// Executes every replication that is due, and deletes the secrets whose recovery window has ended.
pub(crate) fn run_due_replications(world: &mut World, account: &str, now: Millis) {
    let horizon = world.horizon();
    let held = world.account(account);
    let mut due: Vec<PendingReplication> =
        held.pending_replications.extract_if(.., |due| due.at <= now).collect();
    due.sort_by_key(|due| due.at);
    for region in held.regions.values_mut() {
        for timeline in region.secrets.values_mut() {
            let gone = timeline.now().and_then(|secret| secret.deleted).map(|(_, gone)| gone);
            if let Some(gone) = gone.filter(|gone| *gone <= now) {
                timeline.set(gone, None, horizon);
            }
        }
    }
    for due in due {
        replicate(world, account, &due, horizon);
    }
}

fn replicate(world: &mut World, account: &str, due: &PendingReplication, horizon: Millis) {
    let is_disabled = world.account(account).disabled_regions.contains(&due.target);
    let primary = world
        .region(account, &due.source)
        .secrets
        .get(&due.name)
        .and_then(|timeline| timeline.now())
        .cloned();
    // The primary was deleted, or the replication to this Region was cancelled.
    let Some(mut primary) = primary else { return };
    let Some(wanted) = primary.replicas.get(&due.target).cloned() else { return };
    let arn = primary.arn_in(&due.source, &due.target);
    let target = world.region(account, &due.target);
    let held = target.secrets.get(&due.name).and_then(|timeline| timeline.now());
    let is_name_taken = held.is_some_and(|held| held.arn != arn || held.primary.is_none());
    let key = wanted
        .key
        .as_deref()
        .map_or(Ok(String::new()), |key| kms::usable(&target.ring, account, &due.target, key));
    let failure = if is_disabled {
        Some(format!("The Region {} is not enabled for this account.", due.target))
    } else if is_name_taken && !due.force {
        Some("Secret with this name already exists in this region".to_owned())
    } else {
        key.err()
    };
    let status = if failure.is_some() { FAILED } else { IN_SYNC };
    if failure.is_none() {
        let created = held.filter(|held| held.arn == arn).map_or(due.at, |held| held.created);
        let replica = Secret {
            arn,
            key: wanted.key.clone(),
            primary: Some(due.source.clone()),
            replicas: BTreeMap::new(),
            created,
            changed: due.at,
            ..primary.clone()
        };
        target.secrets.entry(due.name.clone()).or_default().set(due.at, Some(replica), horizon);
    }
    primary.replicas.insert(due.target.clone(), Replica { status, message: failure, ..wanted });
    let secrets = &mut world.region(account, &due.source).secrets;
    secrets.entry(due.name.clone()).or_default().set(due.at, Some(primary), horizon);
}

/// `RemoveRegionsFromReplication` deletes replicas at once and cancels pending replications (FACTS 86).
pub(super) fn remove_regions_from_replication(world: &mut World, call: &Call<'_>) -> Answer {
    let mut secret = changeable(world, call)?;
    let horizon = world.horizon();
    for target in call.texts("RemoveReplicaRegions") {
        if secret.replicas.remove(&target).is_none() {
            return Err(invalid(format!("The secret is not replicated to region {target}.")));
        }
        let arn = secret.arn_in(&call.region, &target);
        let secrets = &mut world.region(&call.account, &target).secrets;
        if let Some(timeline) = secrets.get_mut(&secret.name)
            && timeline.now().is_some_and(|held| held.arn == arn && held.primary.is_some())
        {
            timeline.set(call.now, None, horizon);
        }
        let due = &mut world.account(&call.account).pending_replications;
        due.retain(|due| {
            due.name != secret.name || due.source != call.region || due.target != target
        });
    }
    secret.changed = call.now;
    let answer = json!({"ARN": secret.arn, "ReplicationStatus": secret.replication()});
    store(world, call, secret);
    Ok(answer)
}

/// Records a key that was changed in the replica's Region, so that later updates use this key (FACTS 103).
pub(super) fn record_replica_key(
    world: &mut World,
    call: &Call<'_>,
    primary: &str,
    replica: &Secret,
) {
    let horizon = world.horizon();
    let secrets = &mut world.region(&call.account, primary).secrets;
    let Some(timeline) = secrets.get_mut(&replica.name) else { return };
    let Some(mut secret) = timeline.now().cloned() else { return };
    if let Some(known) = secret.replicas.get_mut(&call.region) {
        known.key.clone_from(&replica.key);
        timeline.set(call.now, Some(secret), horizon);
    }
}

/// `StopReplicationToReplica`, called in the replica's Region, turns the replica into an independent secret (FACTS 104).
pub(super) fn stop_replication_to_replica(world: &mut World, call: &Call<'_>) -> Answer {
    let name = named(world, call)?;
    let horizon = world.horizon();
    let held = world.region(&call.account, &call.region).secrets[&name].now().cloned();
    let mut replica = held.ok_or_else(super::not_found)?;
    let Some(primary) = replica.primary.take() else {
        return Err(invalid("The secret is not a replica."));
    };
    replica.changed = call.now;
    let answer = json!({ "ARN": replica.arn });
    store(world, call, replica);
    let secrets = &mut world.region(&call.account, &primary).secrets;
    if let Some(timeline) = secrets.get_mut(&name)
        && let Some(mut secret) = timeline.now().cloned()
    {
        secret.replicas.remove(&call.region);
        timeline.set(call.now, Some(secret), horizon);
    }
    Ok(answer)
}
