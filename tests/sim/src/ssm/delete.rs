//! `DeleteParameter` and `DeleteParameters` (FACTS 65, 67, 68).

use std::collections::BTreeSet;

use serde_json::json;

use super::{name, not_found};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

const NAMES_PER_CALL: usize = 10;

/// `DeleteParameter`.
pub(super) fn delete_parameter(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    if remove(world, call, &named) { Ok(json!({})) } else { Err(not_found(&named)) }
}

/// `DeleteParameters`.
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

/// Whether it was there. Its history ends, and an ARN is no name here.
fn remove(world: &mut World, call: &Call<'_>, named: &str) -> bool {
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    let Some(past) =
        region.parameters.get_mut(name::key(named)).filter(|past| past.now().is_some())
    else {
        return false;
    };
    past.set(call.now, None, horizon);
    true
}
