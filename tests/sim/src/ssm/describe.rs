//! `DescribeParameters`: filters apply to each page after paging (FACTS 53, 54).

use serde_json::{Value, json};

use super::model::Parameter;
use super::name;
use crate::error::{Answer, AwsError};
use crate::pages;
use crate::state::{Call, World};

const PAGE: u64 = 50;
const VALUES_PER_FILTER: usize = 50;

pub(super) fn describe_parameters(world: &mut World, call: &Call<'_>) -> Answer {
    let size = call.size("MaxResults", PAGE)?;
    let filters = call.list("ParameterFilters");
    for filter in filters {
        check(filter)?;
    }
    let empty_first = world.settings.empty_pages;
    let with_session = world.settings.sessions.lists;
    let region = world.region(&call.account, &call.region);
    let token = call.text("NextToken");
    let position = pages::parse_token(token, call.now).ok_or_else(invalid_token)?;
    let at = call.listed_at();
    let all = region
        .parameters
        .range::<str, _>(position.rest())
        .filter_map(|(key, timeline)| Some((key.clone(), timeline.at(at)?)))
        .filter(|(_, parameter)| parameter.unseen_until <= at);
    let (page, next) = pages::page(all, &position, token.is_none(), size, empty_first);
    let shown: Vec<Value> = page
        .into_iter()
        .filter(|parameter| filters.iter().all(|filter| matches(filter, parameter)))
        .map(|parameter| {
            let arn = name::arn(&call.account, &call.region, &parameter.name);
            parameter.described(&arn, with_session, call.now)
        })
        .collect();
    let mut answer = json!({ "Parameters": shown });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

/// The error for an invalid token.
pub(super) fn invalid_token() -> AwsError {
    AwsError::new("InvalidNextToken", "The specified token isn't valid.")
}

fn check(filter: &Value) -> Result<(), AwsError> {
    let key = filter["Key"].as_str().unwrap_or_default();
    let known = ["Name", "Type", "KeyId", "Path", "Tier", "DataType"].contains(&key)
        || key.starts_with("tag:");
    if !known {
        let message = format!("The following filter key is not valid: {key}.");
        return Err(if key == "Label" {
            AwsError::new("InvalidFilterKey", message)
        } else {
            AwsError::validation(message)
        });
    }
    let option = filter["Option"].as_str().unwrap_or("Equals");
    let allowed: &[&str] = match key {
        "Path" => &["Recursive", "OneLevel", "Equals"],
        "Name" => &["Equals", "BeginsWith", "Contains"],
        _ => &["Equals", "BeginsWith"],
    };
    if !allowed.contains(&option) {
        let message = format!("The following filter option is not valid: {option}.");
        return Err(AwsError::new("InvalidFilterOption", message));
    }
    let values = values(filter);
    if values.len() > VALUES_PER_FILTER {
        return Err(AwsError::validation(format!(
            "A filter has at most {VALUES_PER_FILTER} values."
        )));
    }
    if key == "Path" && values.iter().any(|value| !value.starts_with('/')) {
        return Err(AwsError::validation("The parameter path must begin with a slash."));
    }
    Ok(())
}

fn values(filter: &Value) -> Vec<&str> {
    filter["Values"]
        .as_array()
        .map_or_else(Vec::new, |values| values.iter().filter_map(Value::as_str).collect())
}

fn matches(filter: &Value, parameter: &Parameter) -> bool {
    let key = filter["Key"].as_str().unwrap_or_default();
    let option = filter["Option"].as_str().unwrap_or("Equals");
    let latest = parameter.latest();
    let wanted = values(filter);
    if key == "Path" {
        let held = format!("/{}", name::key(&parameter.name));
        return wanted.iter().any(|path| {
            let below = held
                .strip_prefix(path.trim_end_matches('/'))
                .and_then(|rest| rest.strip_prefix('/'));
            below.is_some_and(|rest| {
                !rest.is_empty() && (option == "Recursive" || !rest.contains('/'))
            })
        });
    }
    let held = match key {
        "Name" => Some(parameter.name.as_str()),
        "Type" => Some(latest.kind.as_str()),
        "KeyId" => latest.key.as_deref(),
        "Tier" => Some(latest.tier),
        "DataType" => Some(latest.data_type.as_str()),
        tag => parameter.tags.get(tag.strip_prefix("tag:").unwrap_or(tag)).map(String::as_str),
    };
    let Some(held) = held else { return false };
    // A filter on a tag without values matches every value of the tag.
    wanted.is_empty() && key.starts_with("tag:")
        || wanted.iter().any(|wanted| match option {
            "BeginsWith" => held.starts_with(wanted),
            "Contains" => held.contains(wanted),
            // `/Foo` and `Foo` name the same parameter (FACTS 23).
            _ if key == "Name" => name::key(held) == name::key(wanted),
            _ => held == *wanted,
        })
}
