//! In what a replica differs from what it is to be.

use super::desired::Desired;
use crate::domain::{MARK_KEY, PROVENANCE_KEY, Tags, Timestamp};
use crate::parameters::model::{Parameter, Tier};

/// What differs that PutParameter does not change.
pub(super) fn needs_recreation(desired: &Desired, replica: &Parameter) -> Option<&'static str> {
    if replica.value_type != desired.value_type {
        return Some("type");
    }
    (replica.data_type != desired.data_type).then_some("data_type")
}

/// The attributes in which the replica differs from what it is to be, by name. A replica that is advanced where its
/// source is standard does not: AWS never turns the tier back.
pub(super) fn different_attributes(
    desired: &Desired,
    replica: &Parameter,
    now: Timestamp,
) -> Vec<&'static str> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let mut different = Vec::new();
    if text(&desired.description) != text(&replica.description) {
        different.push("description");
    }
    if text(&desired.pattern) != text(&replica.pattern) {
        different.push("pattern");
    }
    if desired.tier == Tier::Advanced && replica.tier == Tier::Standard {
        different.push("tier");
    }
    if desired.key.is_some() && desired.key.as_deref() != replica.key.as_deref() {
        different.push("key");
    }
    if !desired.policies.are_on(&replica.policies, now) {
        different.push("policies");
    }
    different
}

/// What to set and what to take off, so that the replica's tags, less the hub's and AWS's own, are the desired ones.
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
