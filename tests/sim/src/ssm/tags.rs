//! Tags of parameters (FACTS 60 to 63, 66).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::model::Parameter;
use super::{get, name};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World, tag_list};

/// Tags that are not AWS's own, on one resource.
pub(crate) const MOST: usize = 50;

/// Whether tags may be written onto what has `held`.
pub(super) fn check(
    given: &BTreeMap<String, String>,
    held: Option<&BTreeMap<String, String>>,
) -> Result<(), AwsError> {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    for (key, value) in given {
        if is_awss(key) {
            return Err(AwsError::validation(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        let (key_length, value_length) = (key.chars().count(), value.chars().count());
        if !(1..=128).contains(&key_length) || value_length > 256 {
            return Err(AwsError::validation(
                "A tag's key has 1 to 128 characters, its value up to 256.",
            ));
        }
        if !key.chars().chain(value.chars()).all(allowed) {
            return Err(AwsError::validation(
                "A tag has letters, digits, spaces and the characters _ . : / = + - @ only.",
            ));
        }
    }
    let keys: BTreeSet<&String> = given
        .keys()
        .chain(held.into_iter().flat_map(BTreeMap::keys))
        .filter(|key| !is_awss(key))
        .collect();
    if keys.len() > MOST {
        let message = format!("Tags on a resource can't exceed the limit of {MOST}.");
        return Err(AwsError::new("TooManyTagsError", message));
    }
    Ok(())
}

fn is_awss(key: &str) -> bool {
    key.to_lowercase().starts_with("aws:")
}

/// The key of the parameter that a call names.
fn resource(call: &Call<'_>) -> Result<String, AwsError> {
    let kind = call.needed("ResourceType")?;
    if kind != "Parameter" {
        let message = format!("{kind} is not a resource type that is known here.");
        return Err(AwsError::new("InvalidResourceType", message));
    }
    Ok(name::key(call.needed("ResourceId")?).to_owned())
}

fn invalid(named: &str) -> AwsError {
    AwsError::new("InvalidResourceId", format!("The resource ID is not valid: {named}"))
}

fn change(
    world: &mut World,
    call: &Call<'_>,
    change: impl FnOnce(&mut Parameter) -> Result<(), AwsError>,
) -> Answer {
    let key = resource(call)?;
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    let past = region.parameters.get_mut(&key).ok_or_else(|| invalid(&key))?;
    let mut parameter = past.now().cloned().ok_or_else(|| invalid(&key))?;
    change(&mut parameter)?;
    past.set(call.now, Some(parameter), horizon);
    Ok(json!({}))
}

/// `AddTagsToResource`: all of them or none.
pub(super) fn add_tags_to_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let given = call.tags("Tags");
    change(world, call, |parameter| {
        check(&given, Some(&parameter.tags))?;
        parameter.was_tagged |= !given.is_empty();
        parameter.tags.extend(given);
        Ok(())
    })
}

/// `RemoveTagsFromResource`.
pub(super) fn remove_tags_from_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let keys = call.texts("TagKeys");
    change(world, call, |parameter| {
        parameter.tags.retain(|key, _| is_awss(key) || !keys.contains(key));
        Ok(())
    })
}

/// `ListTagsForResource`.
pub(super) fn list_tags_for_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let key = resource(call)?;
    let region = world.region(&call.account, &call.region);
    let parameter = get::seen(region, &key, call.read_at()).ok_or_else(|| invalid(&key))?;
    Ok(json!({"TagList": tag_list(&parameter.tags)}))
}
