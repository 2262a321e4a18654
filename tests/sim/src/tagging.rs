//! The Resource Groups Tagging API: `GetResources` (FACTS 70 to 72).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Millis;
use crate::error::{Answer, AwsError};
use crate::pages::{self, Position};
use crate::ssm::name;
use crate::state::{Call, World, tag_list};

const PAGE: u64 = 100;
const TOKEN_LIFE: Millis = 15 * 60 * 1000;

pub(crate) fn get_resources(world: &mut World, call: &Call<'_>) -> Answer {
    let size = call
        .size("ResourcesPerPage", PAGE)
        .map_err(|error| AwsError::new("InvalidParameterException", error.message))?;
    let token = call.text("PaginationToken").filter(|token| !token.is_empty());
    let expired = || {
        AwsError::new(
            "PaginationTokenExpiredException",
            "The pagination token has expired. Call GetResources again without it.",
        )
    };
    let position = pages::parse_token(token, call.now).ok_or_else(expired)?;
    if position.started + TOKEN_LIFE < call.now {
        return Err(expired());
    }
    let kinds = call.texts("ResourceTypeFilters");
    let asks_for = |kind: &str| {
        let service = kind.split(':').next().unwrap_or_default();
        kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind || wanted == service)
    };
    let arns = call.texts("ResourceARNList");
    let filters = call.list("TagFilters");
    let at = call.tagged_at();
    let empty_first = world.settings.empty_pages;
    let region = world.region(&call.account, &call.region);
    let mut found: BTreeMap<String, &BTreeMap<String, String>> = BTreeMap::new();
    let is_asked_for = |arn: &String, tags: &BTreeMap<String, String>| {
        (arns.is_empty() || arns.contains(arn)) && filters.iter().all(|filter| has(filter, tags))
    };
    if asks_for("ssm:parameter") {
        // The ARNs of parameters sort as their names do.
        let prefix = name::arn(&call.account, &call.region, "");
        let after = position.after.as_deref().and_then(|arn| arn.strip_prefix(&prefix));
        let rest = Position { after: after.map(str::to_owned), started: position.started };
        let parameters = region.parameters.range::<str, _>(rest.rest());
        let tagged = parameters
            .filter_map(|(_, timeline)| timeline.at(at))
            .filter(|parameter| parameter.was_tagged && parameter.unseen_until <= at)
            .map(|parameter| {
                let arn = name::arn(&call.account, &call.region, &parameter.name);
                (arn, &parameter.tags)
            })
            .filter(|(arn, tags)| is_asked_for(arn, tags));
        // One item more than the page holds shows whether a next page exists.
        found.extend(tagged.take(size + 1));
    }
    if asks_for("secretsmanager:secret") {
        let secrets = region.secrets.values().filter_map(|timeline| timeline.at(at));
        let tagged = secrets
            .filter(|secret| secret.was_tagged && secret.deleted.is_none())
            .filter(|secret| is_asked_for(&secret.arn, &secret.tags));
        found.extend(tagged.map(|secret| (secret.arn.clone(), &secret.tags)));
    }
    let items = found.into_iter().map(|(arn, tags)| (arn.clone(), (arn, tags)));
    let (page, next) = pages::page(items, &position, token.is_none(), size, empty_first);
    let shown: Vec<Value> = page
        .into_iter()
        .map(|(arn, tags)| json!({"ResourceARN": arn, "Tags": tag_list(tags)}))
        .collect();
    Ok(json!({"ResourceTagMappingList": shown, "PaginationToken": next.unwrap_or_default()}))
}

/// Whether the tags match a filter. A filter without values matches every value of its key.
fn has(filter: &Value, tags: &BTreeMap<String, String>) -> bool {
    let held = tags.get(filter["Key"].as_str().unwrap_or_default());
    let values = filter["Values"].as_array().map_or(&[][..], Vec::as_slice);
    held.is_some_and(|held| values.is_empty() || values.iter().any(|value| value == held.as_str()))
}
