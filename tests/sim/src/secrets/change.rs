//! Operations that change a primary: values, tags, deletion (FACTS 84 to 91, 93 to 95, 97).

use std::collections::BTreeMap;

use serde_json::json;

use super::model::{DEFAULT_KEY, Secret};
use super::{changeable, named, not_found, replicate, store};
use crate::clock::{Millis, json_date};
use crate::error::{Answer, AwsError};
use crate::kms;
use crate::state::{Call, World};

const VALUE_BYTES: usize = 65_536;
const TAGS: usize = 50;
const DAY: Millis = 24 * 3_600_000;

/// The secret value of a request.
pub(super) fn value(call: &Call<'_>) -> Result<Option<String>, AwsError> {
    let value = call.text("SecretString").or_else(|| call.text("SecretBinary"));
    if value.is_some_and(|value| value.len() > VALUE_BYTES) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to {VALUE_BYTES}"
        )));
    }
    Ok(value.map(str::to_owned))
}

/// The usable key of a request; `None` for the default key, which answers do not show (FACTS 91).
pub(super) fn key(world: &mut World, call: &Call<'_>) -> Result<Option<String>, AwsError> {
    let Some(named) = call.text("KmsKeyId").filter(|named| *named != DEFAULT_KEY) else {
        return Ok(None);
    };
    let ring = &world.region(&call.account, &call.region).ring;
    kms::usable(ring, &call.account, &call.region, named)
        .map_err(|why| AwsError::new("EncryptionFailure", why))?;
    Ok(Some(named.to_owned()))
}

/// The version id: the client request token, or an id of the simulator.
pub(super) fn version_id(world: &World, call: &Call<'_>, secret: &Secret) -> String {
    let made = || {
        let words =
            [secret.arn.as_str(), &call.now.to_string(), &secret.versions.len().to_string()];
        crate::seed::uuid(world.settings.seed, &words)
    };
    call.text("ClientRequestToken").map_or_else(made, str::to_owned)
}

/// The tags of a request, checked against the tags that the secret has.
pub(super) fn checked_tags(
    call: &Call<'_>,
    held: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, AwsError> {
    let given = call.tags("Tags");
    if given.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        let message = "Tag keys that begin with aws: are reserved.";
        return Err(AwsError::new("InvalidParameterException", message));
    }
    let mut all = held.clone();
    all.extend(given.clone());
    if all.keys().filter(|key| !key.starts_with("aws:")).count() > TAGS {
        let message = format!("A secret has at most {TAGS} tags.");
        return Err(AwsError::new("LimitExceededException", message));
    }
    Ok(given)
}

pub(super) fn put_secret_value(world: &mut World, call: &Call<'_>) -> Answer {
    let mut secret = changeable(world, call)?;
    let value = value(call)?.ok_or_else(|| {
        AwsError::new(
            "InvalidRequestException",
            "You must provide either SecretString or SecretBinary.",
        )
    })?;
    let id = version_id(world, call, &secret);
    if let Some(held) = secret.versions.get(&id) {
        if held.value != value {
            return Err(AwsError::new(
                "ResourceExistsException",
                format!(
                    "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                    secret.arn
                ),
            ));
        }
    } else {
        secret.make_current(&id, value);
        secret.changed = call.now;
        replicate::schedule_updates(world, call, &secret);
    }
    let answer = json!({"ARN": secret.arn, "Name": secret.name, "VersionId": id, "VersionStages": ["AWSCURRENT"]});
    store(world, call, secret);
    Ok(answer)
}

/// `UpdateSecret`: description, key and value of a primary, but only the key of a replica (FACTS 84, 103).
pub(super) fn update_secret(world: &mut World, call: &Call<'_>) -> Answer {
    let name = named(world, call)?;
    let held = world.accounts[&call.account].regions[&call.region].secrets[&name].now();
    let held = held.ok_or_else(not_found)?.clone();
    let names_more = ["SecretString", "SecretBinary", "Description"]
        .iter()
        .any(|member| call.text(member).is_some());
    let mut secret = match &held.primary {
        Some(_) if !names_more && call.text("KmsKeyId").is_some() => held,
        _ => changeable(world, call)?,
    };
    if call.text("KmsKeyId").is_some() {
        secret.key = key(world, call)?;
    }
    if let Some(text) = call.text("Description") {
        text.clone_into(&mut secret.description);
    }
    if let Some(value) = value(call)? {
        let id = version_id(world, call, &secret);
        secret.make_current(&id, value);
    }
    let answer = json!({"ARN": secret.arn, "Name": secret.name});
    if let Some(primary) = secret.primary.clone() {
        replicate::record_replica_key(world, call, &primary, &secret);
        secret.changed = call.now;
        store(world, call, secret);
    } else {
        changed(world, call, secret);
    }
    Ok(answer)
}

pub(super) fn tag_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let mut secret = changeable(world, call)?;
    let tags = checked_tags(call, &secret.tags)?;
    secret.was_tagged |= !tags.is_empty();
    secret.tags.extend(tags);
    changed(world, call, secret);
    Ok(json!({}))
}

pub(super) fn untag_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let mut secret = changeable(world, call)?;
    for key in call.texts("TagKeys") {
        secret.tags.remove(&key);
    }
    changed(world, call, secret);
    Ok(json!({}))
}

fn changed(world: &mut World, call: &Call<'_>, mut secret: Secret) {
    secret.changed = call.now;
    replicate::schedule_updates(world, call, &secret);
    store(world, call, secret);
}

pub(super) fn delete_secret(world: &mut World, call: &Call<'_>) -> Answer {
    let mut secret = changeable(world, call)?;
    if !secret.replicas.is_empty() {
        let regions: Vec<&str> = secret.replicas.keys().map(String::as_str).collect();
        return Err(AwsError::new(
            "InvalidParameterException",
            format!(
                "You can't delete secret {} that still has replica regions [{}]",
                secret.name,
                regions.join(", ")
            ),
        ));
    }
    let window = call.input["RecoveryWindowInDays"].as_u64();
    let force = call.flag("ForceDeleteWithoutRecovery");
    let invalid = |message: &str| Err(AwsError::new("InvalidParameterException", message));
    if force && window.is_some() {
        return invalid(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        );
    }
    if window.is_some_and(|days| !(7..=30).contains(&days)) {
        return invalid(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        );
    }
    let gone = call.now + if force { 0 } else { window.unwrap_or(30) * DAY };
    let answer = json!({"ARN": secret.arn, "Name": secret.name, "DeletionDate": json_date(gone)});
    if force {
        let horizon = world.horizon();
        let secrets = &mut world.region(&call.account, &call.region).secrets;
        secrets.entry(secret.name).or_default().set(call.now, None, horizon);
    } else {
        secret.deleted = Some((call.now, gone));
        store(world, call, secret);
    }
    Ok(answer)
}
