//! The tags that the hub reads and writes.

use std::collections::BTreeMap;

/// A map from tag keys to tag values.
pub type Tags = BTreeMap<String, String>;

/// Key of the mark that every replica of a parameter carries.
pub const MARK_KEY: &str = "ReplicationStatus";
/// Value of the mark.
pub const MARK_VALUE: &str = "monitored-by-parameter-store-replication-lambda";
/// Key of the provenance tag: the source and the source version of a replica.
pub const PROVENANCE_KEY: &str = "ReplicationSource";
/// Key of the opt-out tag. The owner of an item sets it on the source.
pub const EXCLUDE_TAG: &str = "failover-replicator";
/// Prefix of the keys of the tags that override the value in a target.
pub const OVERRIDE_TAG_PREFIX: &str = "failover-replicator:value";
/// Key of the tag with which the owner of a parameter allows other parameters to use its value in an override. The value
/// lists names and globs.
pub const LENDS_TO_TAG: &str = "failover-replicator:lends-to";
/// AWS allows 50 user tags on a resource.
pub const TAG_LIMIT: usize = 50;
