//! Labels of versions (FACTS 64).

use serde_json::json;

use super::{name, not_found};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

const MOST: usize = 10;
const LENGTH: usize = 100;

fn is_label(label: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let lower = label.to_lowercase();
    (1..=LENGTH).contains(&label.len())
        && label.chars().all(allowed)
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

fn version_not_found(named: &str, number: i64) -> AwsError {
    let message = format!("Systems Manager could not find version {number} of {named}.");
    AwsError::new("ParameterVersionNotFound", message)
}

/// `LabelParameterVersion`: the latest version where none is named; a label moves from where it was.
pub(super) fn label_parameter_version(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    let past = region.parameters.get_mut(name::key(&named)).ok_or_else(|| not_found(&named))?;
    let mut parameter = past.now().cloned().ok_or_else(|| not_found(&named))?;
    let number = call.input["ParameterVersion"].as_i64().unwrap_or(parameter.latest().number);
    if !parameter.versions.iter().any(|version| version.number == number) {
        return Err(version_not_found(&named, number));
    }
    let (labels, invalid): (Vec<String>, Vec<String>) =
        call.texts("Labels").into_iter().partition(|label| is_label(label));
    // An invalid one among them, and none is attached.
    if invalid.is_empty() {
        parameter.labels.extend(labels.into_iter().map(|label| (label, number)));
        if parameter.labels_of(number).len() > MOST {
            return Err(AwsError::new(
                "ParameterVersionLabelLimitExceeded",
                format!("A parameter version can have maximum {MOST} labels."),
            ));
        }
        past.set(call.now, Some(parameter), horizon);
    }
    Ok(json!({"InvalidLabels": invalid, "ParameterVersion": number}))
}

/// `UnlabelParameterVersion`.
pub(super) fn unlabel_parameter_version(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    let number = call.input["ParameterVersion"]
        .as_i64()
        .ok_or_else(|| crate::state::missing("parameterVersion"))?;
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    let past = region.parameters.get_mut(name::key(&named)).ok_or_else(|| not_found(&named))?;
    let mut parameter = past.now().cloned().ok_or_else(|| not_found(&named))?;
    if !parameter.versions.iter().any(|version| version.number == number) {
        return Err(version_not_found(&named, number));
    }
    let (removed, invalid): (Vec<String>, Vec<String>) = call
        .texts("Labels")
        .into_iter()
        .partition(|label| parameter.labels.get(label) == Some(&number));
    for label in &removed {
        parameter.labels.remove(label);
    }
    past.set(call.now, Some(parameter), horizon);
    Ok(json!({"RemovedLabels": removed, "InvalidLabels": invalid}))
}
