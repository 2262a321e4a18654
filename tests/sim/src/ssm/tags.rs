//! Tags of parameters (FACTS 60 to 63, 66).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::model::Parameter;
use super::{change_parameter, get, name};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World, tag_list};

/// The maximum number of tags on a resource, without the tags of AWS.
pub(crate) const MOST: usize = 50;

/// Whether a resource with the tags `held` accepts these tags.
pub(super) fn check(
    given: &BTreeMap<String, String>,
    held: Option<&BTreeMap<String, String>>,
) -> Result<(), AwsError> {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    for (key, value) in given {
        if is_reserved(key) {
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
        .filter(|key| !is_reserved(key))
        .collect();
    if keys.len() > MOST {
        let message = format!("Tags on a resource can't exceed the limit of {MOST}.");
        return Err(AwsError::new("TooManyTagsError", message));
    }
    Ok(())
}

fn is_reserved(key: &str) -> bool {
    key.to_lowercase().starts_with("aws:")
}

/// The parameter that a call names, by its name without a leading slash.
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

fn change_tags(
    world: &mut World,
    call: &Call<'_>,
    change: impl FnOnce(&mut Parameter) -> Result<(), AwsError>,
) -> Answer {
    let key = resource(call)?;
    change_parameter(world, call, &key, invalid, change)?;
    Ok(json!({}))
}

/// `AddTagsToResource` adds all tags or none.
pub(super) fn add_tags_to_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let given = call.tags("Tags");
    change_tags(world, call, |parameter| {
        check(&given, Some(&parameter.tags))?;
        parameter.was_tagged |= !given.is_empty();
        parameter.tags.extend(given);
        Ok(())
    })
}

pub(super) fn remove_tags_from_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let keys = call.texts("TagKeys");
    change_tags(world, call, |parameter| {
        parameter.tags.retain(|key, _| is_reserved(key) || !keys.contains(key));
        Ok(())
    })
}

pub(super) fn list_tags_for_resource(world: &mut World, call: &Call<'_>) -> Answer {
    let key = resource(call)?;
    let region = world.region(&call.account, &call.region);
    let parameter = get::parameter_at(region, &key, call.read_at()).ok_or_else(|| invalid(&key))?;
    Ok(json!({"TagList": tag_list(&parameter.tags)}))
}
