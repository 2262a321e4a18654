//! `DescribeSecret` and `ListSecrets` (FACTS 80, 88, 92, 96).

use serde_json::{Value, json};

use super::model::{DEFAULT_KEY, Secret};
use super::not_found;
use crate::error::{Answer, AwsError};
use crate::pages;
use crate::state::{Call, World};

const PAGE: u64 = 100;

pub(super) fn describe_secret(world: &mut World, call: &Call<'_>) -> Answer {
    let id = call.needed("SecretId")?;
    let at = call.read_at();
    let is_named = |secret: &&Secret| {
        secret.name == id
            || secret.arn == id
            || secret.arn.strip_suffix(&secret.suffix()) == Some(id)
    };
    let secrets = &world.region(&call.account, &call.region).secrets;
    let secret = secrets
        .values()
        .filter_map(|timeline| timeline.at(at))
        .find(is_named)
        .ok_or_else(not_found)?;
    let mut shown = secret.summary(&call.region);
    if let Some(stages) = secret.stages() {
        shown["VersionIdsToStages"] = stages;
    }
    if secret.primary.is_some() {
        let key = secret.key.as_deref().unwrap_or(DEFAULT_KEY);
        let own = json!({"Region": call.region, "KmsKeyId": key, "Status": "InSync"});
        shown["ReplicationStatus"] = json!([own]);
    } else if !secret.replicas.is_empty() {
        shown["ReplicationStatus"] = secret.replication();
    }
    Ok(shown)
}

/// `ListSecrets` applies its filters after paging, as SSM's lists do.
pub(super) fn list_secrets(world: &mut World, call: &Call<'_>) -> Answer {
    let size = call.size("MaxResults", PAGE)?;
    let planned = call.flag("IncludePlannedDeletion");
    let token = call.text("NextToken");
    let position = pages::parse_token(token, call.now).ok_or_else(|| {
        AwsError::new("InvalidNextTokenException", "The NextToken value is invalid.")
    })?;
    let at = call.listed_at();
    let empty_first = world.settings.empty_pages;
    let secrets = &world.region(&call.account, &call.region).secrets;
    let all = secrets.iter().filter_map(|(name, timeline)| Some((name.clone(), timeline.at(at)?)));
    let (page, next) = pages::page(all, &position, token.is_none(), size, empty_first);
    let shown: Vec<Value> = page
        .into_iter()
        .filter(|secret| planned || secret.deleted.is_none())
        .filter(|secret| call.list("Filters").iter().all(|filter| matches(filter, secret)))
        .map(|secret| {
            let mut shown = secret.summary(&call.region);
            if let Some(stages) = secret.stages() {
                shown["SecretVersionsToStages"] = stages;
            }
            shown
        })
        .collect();
    let mut answer = json!({ "SecretList": shown });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

fn matches(filter: &Value, secret: &Secret) -> bool {
    let held: Vec<&str> = match filter["Key"].as_str().unwrap_or_default() {
        "name" => vec![&secret.name],
        "description" => vec![&secret.description],
        "tag-key" => secret.tags.keys().map(String::as_str).collect(),
        "tag-value" => secret.tags.values().map(String::as_str).collect(),
        "primary-region" => secret.primary.as_deref().into_iter().collect(),
        "owning-service" => secret.owning_service.as_deref().into_iter().collect(),
        _ => return true,
    };
    let values = filter["Values"].as_array().map_or(&[][..], Vec::as_slice);
    values.iter().filter_map(Value::as_str).any(|wanted| match wanted.strip_prefix('!') {
        Some(unwanted) => !held.iter().any(|held| held.starts_with(unwanted)),
        None => held.iter().any(|held| held.starts_with(wanted)),
    })
}
