//! Asks Secrets Manager for replicas, just those that were decided, or for their end. It never overwrites: a secret of
//! the name in the target ends as a failed replica, untouched.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::ReplicaRegionType;

use crate::aws::{self, Session};
use crate::domain::{Cause, DEFAULT_SECRET_KEY, Region};

use super::model::Secret;

/// Asks for a replica of `secret` in each Region, under its key. Secrets Manager answers before it has begun; what came
/// of it only `DescribeSecret` says, a key that it cannot use among that.
///
/// # Errors
/// The request as a whole was refused; one Region that AWS does not take refuses the others with it.
pub(super) async fn replicate(
    session: &Session,
    secret: &Secret,
    source: &Region,
    kms_keys: &BTreeMap<&Region, String>,
) -> Result<(), Cause> {
    let regions = kms_keys.iter().map(|(region, key)| {
        // The default key is what AWS takes where none is named.
        let key = (key != DEFAULT_SECRET_KEY).then(|| key.clone());
        ReplicaRegionType::builder().region(region.as_str()).set_kms_key_id(key).build()
    });
    // By ARN: should the name be another secret's by now, the request is refused.
    let request = session
        .secrets(source)
        .replicate_secret_to_regions()
        .secret_id(&secret.arn)
        .set_add_replica_regions(Some(regions.collect()))
        .force_overwrite_replica_secret(false);
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(aws::cause(
            "secretsmanager:ReplicateSecretToRegions",
            &session.location(source),
            &error,
        )),
    }
}

/// Ends the replication of `secret` into these Regions, which deletes its replicas there.
///
/// # Errors
/// The request as a whole was refused.
pub(super) async fn end_replication(
    session: &Session,
    secret: &Secret,
    source: &Region,
    regions: &[&Region],
) -> Result<(), Cause> {
    let regions = regions.iter().map(ToString::to_string).collect();
    let request = session
        .secrets(source)
        .remove_regions_from_replication()
        .secret_id(&secret.arn)
        .set_remove_replica_regions(Some(regions));
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(aws::cause(
            "secretsmanager:RemoveRegionsFromReplication",
            &session.location(source),
            &error,
        )),
    }
}
