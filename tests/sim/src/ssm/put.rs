//! `PutParameter` (FACTS 20 to 38).

use std::sync::Arc;

use serde_json::json;

use super::model::{Parameter, VERSIONS_KEPT, Version};
use super::tier::{STANDARD, STANDARD_LIMIT};
use super::{checks, data_type, name, policies, tags, tier};
use crate::clock::Millis;
use crate::error::{Answer, AwsError};
use crate::kms;
use crate::state::{Call, EarlyCreate, Region, World};
use crate::timeline::Timeline;

/// The pause that AWS asks for between a delete and a create (FACTS 34).
pub(crate) const PAUSE_AFTER_DELETE: Millis = 30_000;
const DEFAULT_KEY: &str = "alias/aws/ssm";

pub(super) fn put_parameter(world: &mut World, call: &Call<'_>) -> Answer {
    let early_create = world.settings.early_create;
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    let given = call.needed("Name")?.trim_matches(' ').to_owned();
    let value = call.needed("Value")?.to_owned();
    let overwrite = call.flag("Overwrite");
    let given_tags = call.tags("Tags");
    if overwrite && !given_tags.is_empty() {
        return Err(AwsError::validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    name::check(&call.account, &call.region, &given)?;
    let key = name::key(&given).to_owned();
    let timeline = region.parameters.get(&key);
    let held = timeline.and_then(|timeline| timeline.now());
    if held.is_some() && !overwrite {
        return Err(AwsError::new(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    let too_early = timeline
        .and_then(Timeline::gone_since)
        .map(|gone| gone + PAUSE_AFTER_DELETE)
        .filter(|end| call.now < *end);
    if too_early.is_some() && early_create == EarlyCreate::Refused {
        return Err(AwsError::new(
            "TooManyUpdates",
            "There are concurrent updates for a resource that supports one update at a time.",
        ));
    }
    tags::check(&given_tags, None)?;
    let version = next_version(region, call, held, value)?;
    let stays_standard = held.is_some_and(|held| held.latest().tier == STANDARD);
    if version.tier == STANDARD && !stays_standard && standard_count(region) >= STANDARD_LIMIT {
        let message =
            format!("You have exceeded the {STANDARD_LIMIT} parameters of the standard tier.");
        return Err(AwsError::new("ParameterLimitExceeded", message));
    }
    let mut parameter = match held {
        Some(held) => held.clone(),
        None => Parameter {
            name: given,
            versions: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            was_tagged: !given_tags.is_empty(),
            tags: given_tags,
            unseen_until: too_early
                .filter(|_| early_create == EarlyCreate::Unseen)
                .unwrap_or_default(),
        },
    };
    make_room(&mut parameter)?;
    let answer = json!({"Version": version.number, "Tier": version.tier});
    if let Some(end) = policies::end(&version.policies) {
        region.expiries.insert((end, key.clone()));
    }
    parameter.versions.push(Arc::new(version));
    region.parameters.entry(key).or_default().set(call.now, Some(parameter), horizon);
    Ok(answer)
}

/// The version that a request creates. `held` is the existing parameter.
fn next_version(
    region: &Region,
    call: &Call<'_>,
    held: Option<&Parameter>,
    value: String,
) -> Result<Version, AwsError> {
    let latest = held.map(Parameter::latest);
    let held = latest.map(|latest| (latest.kind.as_str(), latest.data_type.as_str()));
    let (kind, data_type) = checks::resolve(call.text("Type"), call.text("DataType"), held)?;
    let policies = match (call.text("Policies"), latest) {
        (Some(text), _) => policies::read(text, call.now)?,
        (None, Some(latest)) => latest.policies.clone(),
        (None, None) => Vec::new(),
    };
    let kept = |member, kept: Option<&String>| {
        call.text(member).map(str::to_owned).or_else(|| kept.cloned()).unwrap_or_default()
    };
    let description = kept("Description", latest.map(|latest| &latest.description));
    let pattern = kept("AllowedPattern", latest.map(|latest| &latest.pattern));
    checks::check_texts(&description, &pattern, &value)?;
    data_type::check_value(&data_type, &kind, &value)?;
    let tier = tier::resolve(
        call.text("Tier"),
        latest.map(|latest| latest.tier),
        value.len(),
        !policies.is_empty(),
    )?;
    let (key, encrypted_under) = match (kind.as_str(), call.text("KeyId")) {
        ("SecureString", named) => {
            let named = named.unwrap_or(DEFAULT_KEY);
            let id = kms::usable(&region.ring, &call.account, &call.region, named)
                .map_err(|why| AwsError::new("InvalidKeyId", why))?;
            (Some(named.to_owned()), Some(id))
        }
        (_, None) => (None, None),
        (_, Some(_)) => {
            return Err(AwsError::validation(
                "KeyId is required for SecureString type parameter only.",
            ));
        }
    };
    Ok(Version {
        number: latest.map_or(1, |latest| latest.number + 1),
        value,
        kind,
        tier,
        description,
        pattern,
        data_type,
        key,
        encrypted_under,
        policies,
        modified: call.now,
        user: call.caller.arn.clone(),
    })
}

/// Drops the oldest of 100 versions, unless that version has a label (FACTS 29).
fn make_room(parameter: &mut Parameter) -> Result<(), AwsError> {
    if parameter.versions.len() < VERSIONS_KEPT {
        return Ok(());
    }
    let oldest = parameter.versions[0].number;
    if !parameter.labels_of(oldest).is_empty() {
        return Err(AwsError::new(
            "ParameterMaxVersionLimitExceeded",
            format!(
                "You attempted to create a new version of {} by calling the PutParameter API with the overwrite flag. Version {oldest}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
                parameter.name
            ),
        ));
    }
    parameter.versions.remove(0);
    Ok(())
}

fn standard_count(region: &Region) -> usize {
    // Counting reads every parameter, so it runs only near the limit.
    if region.parameters.len() < STANDARD_LIMIT {
        return 0;
    }
    let standard = |parameter: &&Parameter| parameter.latest().tier == STANDARD;
    region.parameters.values().filter_map(|timeline| timeline.now()).filter(standard).count()
}
