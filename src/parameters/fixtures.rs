//! Parameters for the unit tests of this room.

use super::model::{Observed, Parameter, TEXT, Tier, ValueType};
use super::policies::Policies;
use crate::domain::{ParameterName, Region, Tags, Timestamp};

/// The ARN that AWS records for a version that the hub writes.
pub(super) const HUB: &str =
    "arn:aws:sts::111122223333:assumed-role/failover-replicator-spoke/failover-replicator";
/// Another writer.
pub(super) const PERSON: &str = "arn:aws:iam::111122223333:user/person";

pub(super) fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

pub(super) fn parameter(name: &str) -> Parameter {
    Parameter {
        name: ParameterName::new(name),
        value_type: ValueType::String,
        version: 3,
        modified: Timestamp::from_millis(1_700_000_000_123),
        writer: Some(PERSON.into()),
        description: None,
        pattern: None,
        tier: Tier::Standard,
        policies: Policies::default(),
        data_type: TEXT.into(),
        key: None,
    }
}

pub(super) fn observed(parameter: Parameter, tags: &[(&str, &str)]) -> Observed {
    let tags: Tags =
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Observed::new(parameter, tags)
}
