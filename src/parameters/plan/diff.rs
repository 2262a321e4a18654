//! How a replica differs from the desired one.

use super::desired::Desired;
use crate::domain::{MARK_KEY, PROVENANCE_KEY, Reason, Tags, Timestamp};
use crate::parameters::model::{Parameter, Tier, is_fixed_data_type};

/// The different attribute that PutParameter cannot change.
pub(super) fn needs_recreation(desired: &Desired, replica: &Parameter) -> Option<Reason> {
    if replica.value_type != desired.value_type {
        return Some(Reason::Type);
    }
    let is_fixed =
        [&desired.data_type, &replica.data_type].into_iter().any(|t| is_fixed_data_type(t));
    (is_fixed && replica.data_type != desired.data_type).then_some(Reason::DataType)
}

/// The different attributes that PutParameter can change. An advanced replica of a standard source does not differ: AWS
/// never turns a tier back.
pub(super) fn different_attributes(
    desired: &Desired,
    replica: &Parameter,
    now: Timestamp,
) -> Vec<Reason> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let mut different = Vec::new();
    if text(&desired.description) != text(&replica.description) {
        different.push(Reason::Description);
    }
    if text(&desired.pattern) != text(&replica.pattern) {
        different.push(Reason::Pattern);
    }
    if desired.data_type != replica.data_type {
        different.push(Reason::DataType);
    }
    if desired.tier == Tier::Advanced && replica.tier == Tier::Standard {
        different.push(Reason::Tier);
    }
    if let Some(key) = &desired.key
        && !replica.key.as_deref().is_some_and(|held| names_same_key(key, held))
    {
        different.push(Reason::Key);
    }
    if !desired.policies.are_on(&replica.policies, now) {
        different.push(Reason::Policies);
    }
    different
}

/// Whether two texts name one key: AWS may show the ARN of a key that was sent as an id or alias.
fn names_same_key(one: &str, other: &str) -> bool {
    let is_arn = |key: &str| key.starts_with("arn:");
    let id = |key: &str| {
        let name = key.rsplit(':').next().unwrap_or(key);
        name.strip_prefix("key/").unwrap_or(name).to_owned()
    };
    one == other || (is_arn(one) != is_arn(other) && id(one) == id(other))
}

/// Whether two texts may name one key: one is an alias and the other an id, so only KMS knows.
pub(super) fn is_incomparable_key(desired: &Desired, replica: &Parameter) -> bool {
    let is_alias =
        |key: &str| key.rsplit(':').next().is_some_and(|name| name.starts_with("alias/"));
    let aliases = [desired.key.as_deref(), replica.key.as_deref()].map(|key| key.map(is_alias));
    matches!(aliases, [Some(one), Some(other)] if one != other)
}

/// The tags to set and the keys to remove, so that the replica has the desired tags. Tags of AWS and of the hub are not
/// compared.
pub(super) fn tag_difference(desired: &Tags, replica: &Tags) -> (Tags, Vec<String>) {
    let set = desired
        .iter()
        .filter(|(key, value)| replica.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let is_others =
        |key: &&String| !key.starts_with("aws:") && *key != MARK_KEY && *key != PROVENANCE_KEY;
    let remove = replica
        .keys()
        .filter(is_others)
        .filter(|key| !desired.contains_key(*key))
        .cloned()
        .collect();
    (set, remove)
}
