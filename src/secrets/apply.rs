//! Asks Secrets Manager for replicas, just those that were decided. It never overwrites: a secret of the name in the
//! target ends as a failed replica, untouched.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::ReplicaRegionType;

use crate::aws::{self, Session};
use crate::domain::{Cause, DEFAULT_SECRET_KEY, Region};

use super::model::Secret;
use super::observe::location;

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
            &location(session, source),
            &error,
        )),
    }
}
