//! `DeleteParameter` and `DeleteParameters` (FACTS 65, 67, 68).

use std::collections::BTreeSet;

use serde_json::json;

use super::{name, not_found};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

const NAMES_PER_CALL: usize = 10;

pub(super) fn delete_parameter(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    if remove(world, call, &named) { Ok(json!({})) } else { Err(not_found(&named)) }
}

pub(super) fn delete_parameters(world: &mut World, call: &Call<'_>) -> Answer {
    let names = call.texts("Names");
    if names.is_empty() || names.len() > NAMES_PER_CALL {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to {NAMES_PER_CALL}"
        )));
    }
    let names: BTreeSet<String> = names.into_iter().collect();
    let (deleted, invalid): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|named| remove(world, call, named));
    Ok(json!({"DeletedParameters": deleted, "InvalidParameters": invalid}))
}

/// Deletes a parameter and its history. Returns whether the parameter existed; an ARN matches no parameter.
fn remove(world: &mut World, call: &Call<'_>, named: &str) -> bool {
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    let Some(timeline) =
        region.parameters.get_mut(name::key(named)).filter(|timeline| timeline.now().is_some())
    else {
        return false;
    };
    timeline.set(call.now, None, horizon);
    true
}
