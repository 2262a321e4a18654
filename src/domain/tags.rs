//! Tags, and the ones that mean something to the hub.

use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Key of the mark that every replica of a parameter carries.
pub const MARK_KEY: &str = "ReplicationStatus";
/// Value of the mark.
pub const MARK_VALUE: &str = "monitored-by-parameter-store-replication-lambda";
/// Key of the tag that says of which source, and of which version of it, a replica is the copy.
pub const PROVENANCE_KEY: &str = "ReplicationSource";
/// Key of the tag by which an owner takes an item out of replication.
pub const EXCLUDE_TAG: &str = "failover-replicator";
/// What the keys of tags that give a target its own value begin with.
pub const OVERRIDE_TAG_PREFIX: &str = "failover-replicator:value";
/// Key of the tag by which the owner of a parameter lets the replicas of others take its value: names and globs.
pub const LENDS_TO_TAG: &str = "failover-replicator:lends-to";
/// AWS allows 50 tags of a user's on a resource.
pub const TAG_LIMIT: usize = 50;
