//! Starts and ends the managed replication of a secret. Requests never overwrite: if another secret holds the name in the
//! target, Secrets Manager leaves that secret unchanged and reports a failed replica.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::ReplicaRegionType;

use crate::aws::{self, Session};
use crate::domain::{Cause, DEFAULT_SECRET_KEY, Need, Region};

use super::model::Secret;

/// Requests a replica of `secret` in each Region with the given key. Secrets Manager answers before the replication
/// starts. Only `DescribeSecret` shows the result, for example a key that Secrets Manager cannot use.
///
/// # Errors
/// AWS refused the whole request. One invalid Region makes AWS refuse the other Regions of the request too.
pub(super) async fn replicate(
    session: &Session,
    secret: &Secret,
    source: &Region,
    kms_keys: &BTreeMap<&Region, String>,
) -> Result<(), Cause> {
    let regions = kms_keys.iter().map(|(region, key)| {
        // AWS uses the default key when the request names no key.
        let key = (key != DEFAULT_SECRET_KEY).then(|| key.clone());
        ReplicaRegionType::builder().region(region.as_str()).set_kms_key_id(key).build()
    });
    // With the ARN, AWS refuses the request if another secret has taken the name since the read.
    let request = session
        .secrets(source)
        .replicate_secret_to_regions()
        .secret_id(&secret.arn)
        .set_add_replica_regions(Some(regions.collect()))
        .force_overwrite_replica_secret(false);
    let intent = session.on_route(source, Need::Replicate).writes_to(kms_keys.keys().copied());
    match request.customize().interceptor(intent).send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(aws::cause(
            "secretsmanager:ReplicateSecretToRegions",
            &session.location(source),
            &error,
        )),
    }
}

/// Ends the replication of `secret` to these Regions. Secrets Manager then deletes the replicas.
///
/// # Errors
/// AWS refused the whole request.
pub(super) async fn end_replication(
    session: &Session,
    secret: &Secret,
    source: &Region,
    regions: &[&Region],
    need: Need,
) -> Result<(), Cause> {
    let names = regions.iter().map(ToString::to_string).collect();
    let request = session
        .secrets(source)
        .remove_regions_from_replication()
        .secret_id(&secret.arn)
        .set_remove_replica_regions(Some(names));
    let intent = session.on_route(source, need).writes_to(regions.iter().copied());
    match request.customize().interceptor(intent).send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(aws::cause(
            "secretsmanager:RemoveRegionsFromReplication",
            &session.location(source),
            &error,
        )),
    }
}
