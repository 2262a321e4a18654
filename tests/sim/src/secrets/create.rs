//! `CreateSecret` (FACTS 89, 93, 94, 98).

use std::collections::BTreeMap;

use serde_json::json;

use super::model::{CURRENT, Secret};
use super::{change, replicate, store};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

const NAME: usize = 512;

pub(super) fn create_secret(world: &mut World, call: &Call<'_>) -> Answer {
    let name = call.needed("Name")?.to_owned();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
    if !(1..=NAME).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(AwsError::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    let value = change::value(call)?;
    let tags = change::checked_tags(call, &BTreeMap::new())?;
    let seed = world.settings.seed;
    let held = world.region(&call.account, &call.region).secrets.get(&name);
    match held.and_then(|timeline| timeline.now()) {
        Some(held) if held.deleted.is_some() => {
            return Err(AwsError::new(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        Some(held) => {
            // A repeated call with the same token and value is the same request (FACTS 93).
            let same = call.text("ClientRequestToken").and_then(|token| held.versions.get(token));
            if let (Some(version), Some(value)) = (same, &value)
                && version.value == *value
            {
                return Ok(
                    json!({"ARN": held.arn, "Name": name, "VersionId": call.text("ClientRequestToken")}),
                );
            }
            let message = format!("The operation failed because the secret {name} already exists.");
            return Err(AwsError::new("ResourceExistsException", message));
        }
        None => {}
    }
    let when = call.now.to_string();
    let suffix =
        crate::seed::letters(seed, &["secret", &call.account, &call.region, &name, &when], 6);
    let mut secret = Secret {
        arn: format!(
            "arn:aws:secretsmanager:{}:{}:secret:{name}-{suffix}",
            call.region, call.account
        ),
        name: name.clone(),
        description: call.text("Description").unwrap_or_default().to_owned(),
        key: change::key(world, call)?,
        was_tagged: !tags.is_empty(),
        tags,
        versions: BTreeMap::new(),
        primary: None,
        primary_account: None,
        replicas: BTreeMap::new(),
        owning_service: None,
        created: call.now,
        changed: call.now,
        deleted: None,
    };
    if let Some(value) = value {
        let id = change::version_id(world, call, &secret);
        secret.make_current(&id, value);
    }
    let mut answer = json!({"ARN": secret.arn, "Name": name});
    let current = secret.versions.iter().find(|(_, version)| version.stages.contains(CURRENT));
    if let Some((id, _)) = current {
        answer["VersionId"] = id.as_str().into();
    }
    if !call.list("AddReplicaRegions").is_empty() {
        replicate::begin(world, call, &mut secret)?;
        answer["ReplicationStatus"] = secret.replication();
    }
    store(world, call, secret);
    Ok(answer)
}
