//! Labels of versions (FACTS 64).

use serde_json::json;

use super::model::Parameter;
use super::{change_parameter, not_found};
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

fn check_version(parameter: &Parameter, named: &str, number: i64) -> Result<(), AwsError> {
    if parameter.versions.iter().any(|version| version.number == number) {
        return Ok(());
    }
    let message = format!("Systems Manager could not find version {number} of {named}.");
    Err(AwsError::new("ParameterVersionNotFound", message))
}

/// `LabelParameterVersion`. The default is the latest version. A label moves from its former version.
pub(super) fn label_parameter_version(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    let (labels, invalid): (Vec<String>, Vec<String>) =
        call.texts("Labels").into_iter().partition(|label| is_label(label));
    let number = change_parameter(world, call, &named, not_found, |parameter| {
        let number = call.input["ParameterVersion"].as_i64().unwrap_or(parameter.latest().number);
        check_version(parameter, &named, number)?;
        // One invalid label prevents all labels of the call.
        if invalid.is_empty() {
            parameter.labels.extend(labels.into_iter().map(|label| (label, number)));
        }
        if parameter.labels_of(number).len() > MOST {
            return Err(AwsError::new(
                "ParameterVersionLabelLimitExceeded",
                format!("A parameter version can have maximum {MOST} labels."),
            ));
        }
        Ok(number)
    })?;
    Ok(json!({"InvalidLabels": invalid, "ParameterVersion": number}))
}

pub(super) fn unlabel_parameter_version(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.needed("Name")?.to_owned();
    let number = call.input["ParameterVersion"]
        .as_i64()
        .ok_or_else(|| crate::state::missing("parameterVersion"))?;
    let (removed, invalid) = change_parameter(world, call, &named, not_found, |parameter| {
        check_version(parameter, &named, number)?;
        let (removed, invalid): (Vec<String>, Vec<String>) = call
            .texts("Labels")
            .into_iter()
            .partition(|label| parameter.labels.get(label) == Some(&number));
        parameter.labels.retain(|label, _| !removed.contains(label));
        Ok((removed, invalid))
    })?;
    Ok(json!({"RemovedLabels": removed, "InvalidLabels": invalid}))
}
