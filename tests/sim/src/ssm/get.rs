//! Reads by name: `GetParameter`, `GetParameters`, `GetParameterHistory` (FACTS 50 to 52, 55 to 58).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::model::{Parameter, Version};
use super::{name, not_found};
use crate::clock::{Millis, json_date};
use crate::error::{Answer, AwsError};
use crate::state::{Call, Region, World};
use crate::{kms, pages};

const NAMES_PER_CALL: usize = 10;
const HISTORY_PAGE: u64 = 50;

/// The parameter that a read sees at a time.
pub(super) fn parameter_at(region: &Region, key: &str, at: Millis) -> Option<Parameter> {
    let held = region.parameters.get(key)?.at(at)?;
    (held.unseen_until <= at).then(|| held.clone())
}

pub(super) fn get_parameter(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    let decrypt = call.flag("WithDecryption");
    let region = world.region(&call.account, &call.region);
    let parameter = read(region, call, &named, decrypt)?.ok_or_else(|| not_found(&named))?;
    Ok(json!({ "Parameter": parameter }))
}

pub(super) fn get_parameters(world: &mut World, call: &Call<'_>) -> Answer {
    let names = call.texts("Names");
    if names.is_empty() || names.len() > NAMES_PER_CALL {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to {NAMES_PER_CALL}"
        )));
    }
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        return Err(AwsError::validation("Duplicated parameter names are not allowed"));
    }
    let decrypt = call.flag("WithDecryption");
    let region = world.region(&call.account, &call.region);
    let mut found = Vec::new();
    let mut invalid = Vec::new();
    for named in names {
        match read(region, call, &named, decrypt) {
            Ok(Some(parameter)) => found.push(parameter),
            Ok(None) => invalid.push(named),
            Err(error) if error.code == "ParameterVersionNotFound" => invalid.push(named),
            // One unusable key fails the whole call (FACTS 51).
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|one: &Value, other| sort_key(one).cmp(&sort_key(other)));
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

/// The sort key of the answer: name, then version number (FACTS 50, 58).
fn sort_key(shown: &Value) -> (Option<&str>, Option<i64>, Option<&str>) {
    (shown["Name"].as_str(), shown["Version"].as_i64(), shown["Selector"].as_str())
}

/// Reads one name, ARN or selector at the time that the call reads from.
fn read(
    region: &Region,
    call: &Call<'_>,
    named: &str,
    decrypt: bool,
) -> Result<Option<Value>, AwsError> {
    let bare = name::from_arn(&call.account, &call.region, named);
    let (bare, selector) = match bare.rsplit_once(':') {
        Some((bare, selector)) => (bare, Some(selector)),
        None => (bare, None),
    };
    let Some(parameter) = parameter_at(region, name::key(bare), call.read_at()) else {
        return Ok(None);
    };
    let version = selected(&parameter, selector)?;
    let value = match &version.encrypted_under {
        Some(key) if decrypt => {
            kms::usable(&region.ring, &call.account, &call.region, key)
                .map_err(|why| AwsError::new("InvalidKeyId", why))?;
            version.value.clone()
        }
        Some(key) => encrypted(version, key),
        None => version.value.clone(),
    };
    let mut shown = json!({
        "Name": parameter.name,
        "Type": version.kind,
        "Value": value,
        "Version": version.number,
        "LastModifiedDate": json_date(version.modified),
        "ARN": name::arn(&call.account, &call.region, &parameter.name),
        "DataType": version.data_type,
    });
    if let Some(selector) = selector {
        shown["Selector"] = format!(":{selector}").into();
    }
    Ok(Some(shown))
}

/// A ciphertext: different for each version, and never the plain text.
fn encrypted(version: &Version, key: &str) -> String {
    let words = [key, &version.value, &version.number.to_string()];
    format!("AQICAH{}", crate::seed::letters(0, &words, 60))
}

fn selected<'a>(parameter: &'a Parameter, selector: Option<&str>) -> Result<&'a Version, AwsError> {
    let Some(selector) = selector else { return Ok(parameter.latest()) };
    // A label never starts with a digit (FACTS 64).
    let number = if selector.starts_with(|first: char| first.is_ascii_digit()) {
        selector.parse().ok()
    } else {
        parameter.labels.get(selector).copied()
    };
    let version = parameter.versions.iter().find(|version| Some(version.number) == number);
    version.map(AsRef::as_ref).ok_or_else(|| {
        let message =
            format!("Systems Manager could not find version {selector} of {}.", parameter.name);
        AwsError::new("ParameterVersionNotFound", message)
    })
}

pub(super) fn get_parameter_history(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    let size = call.size("MaxResults", HISTORY_PAGE)?;
    let empty_first = world.settings.empty_pages;
    let with_session = world.settings.sessions.histories;
    let region = world.region(&call.account, &call.region);
    let bare = name::from_arn(&call.account, &call.region, &named);
    let parameter =
        parameter_at(region, name::key(bare), call.read_at()).ok_or_else(|| not_found(&named))?;
    let token = call.text("NextToken");
    let position =
        pages::parse_token(token, call.now).ok_or_else(super::describe::invalid_token)?;
    let versions =
        parameter.versions.iter().map(|version| (format!("{:012}", version.number), version));
    let (versions, next) = pages::page(versions, &position, token.is_none(), size, empty_first);
    let mut shown = Vec::new();
    for version in versions {
        let value = match &version.encrypted_under {
            Some(key) if call.flag("WithDecryption") => {
                kms::usable(&region.ring, &call.account, &call.region, key)
                    .map_err(|why| AwsError::new("InvalidKeyId", why))?;
                version.value.clone()
            }
            Some(key) => encrypted(version, key),
            None => version.value.clone(),
        };
        let mut one = version.attributes(&parameter.name, with_session, call.now);
        one["Value"] = value.into();
        one["Labels"] = parameter.labels_of(version.number).into_iter().collect();
        shown.push(one);
    }
    let mut answer = json!({ "Parameters": shown });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
