//! Secrets Manager.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod model;
pub(crate) mod read;
pub(crate) mod replicate;

use crate::error::{Answer, AwsError};
use crate::state::{Call, World};
use model::Secret;

/// Executes an operation; `None` if the simulator does not implement the operation.
pub(crate) fn perform(world: &mut World, call: &Call<'_>) -> Option<Answer> {
    replicate::run_due_replications(world, &call.account, call.now);
    Some(match call.operation {
        "secretsmanager:CreateSecret" => create::create_secret(world, call),
        "secretsmanager:PutSecretValue" => change::put_secret_value(world, call),
        "secretsmanager:UpdateSecret" => change::update_secret(world, call),
        "secretsmanager:TagResource" => change::tag_resource(world, call),
        "secretsmanager:UntagResource" => change::untag_resource(world, call),
        "secretsmanager:DeleteSecret" => change::delete_secret(world, call),
        "secretsmanager:DescribeSecret" => read::describe_secret(world, call),
        "secretsmanager:ListSecrets" => read::list_secrets(world, call),
        "secretsmanager:ReplicateSecretToRegions" => {
            replicate::replicate_secret_to_regions(world, call)
        }
        "secretsmanager:RemoveRegionsFromReplication" => {
            replicate::remove_regions_from_replication(world, call)
        }
        "secretsmanager:StopReplicationToReplica" => {
            replicate::stop_replication_to_replica(world, call)
        }
        _ => return None,
    })
}

fn not_found() -> AwsError {
    AwsError::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

/// The name of the secret that a call identifies by name, ARN, or ARN without its suffix.
fn named(world: &World, call: &Call<'_>) -> Result<String, AwsError> {
    let id = call.needed("SecretId")?;
    let secrets = world.accounts.get(&call.account).and_then(|held| held.regions.get(&call.region));
    let secrets = secrets.map(|region| &region.secrets).ok_or_else(not_found)?;
    if secrets.contains_key(id) {
        return Ok(id.to_owned());
    }
    let is_named =
        |secret: &Secret| secret.arn == id || secret.arn.strip_suffix(&secret.suffix()) == Some(id);
    let found = secrets.iter().find(|(_, timeline)| timeline.now().is_some_and(is_named));
    found.map(|(name, _)| name.clone()).ok_or_else(not_found)
}

/// The secret that a call changes. The secret must not be scheduled for deletion, a replica, or owned by a service
/// (FACTS 84, 90, 95).
fn changeable(world: &World, call: &Call<'_>) -> Result<Secret, AwsError> {
    let name = named(world, call)?;
    let region = &world.accounts[&call.account].regions[&call.region];
    let secret = region.secrets[&name].now().ok_or_else(not_found)?;
    if secret.primary.is_some() || secret.primary_account.is_some() {
        return Err(AwsError::new(
            "InvalidParameterException",
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        ));
    }
    if secret.deleted.is_some() {
        return Err(AwsError::new(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    if let Some(service) = &secret.owning_service {
        return Err(AwsError::new(
            "InvalidRequestException",
            format!(
                "You can't perform this operation on the secret because it is managed by another service: {service}."
            ),
        ));
    }
    Ok(secret.clone())
}

fn store(world: &mut World, call: &Call<'_>, secret: Secret) {
    let horizon = world.horizon();
    let secrets = &mut world.region(&call.account, &call.region).secrets;
    secrets.entry(secret.name.clone()).or_default().set(call.now, Some(secret), horizon);
}
