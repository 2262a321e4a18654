//! The facts about a secret in one Region, without the value. A fact that AWS omits stays unknown and is not compared.

use std::collections::{BTreeMap, HashMap};

use crate::concurrency::ReadOnce;
use crate::domain::{Cause, DEFAULT_SECRET_KEY, Region, SecretName, Tags, Timestamp};

/// The key of the tag that AWS sets on a secret that an AWS service created.
const OWNING_SERVICE_TAG: &str = "aws:secretsmanager:owningService";

/// A secret as one Region shows it: a primary or a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    /// The ARNs of a primary and its replica differ only in the Region; the six characters at the end are the same.
    pub(super) arn: String,
    /// Unique in the Region. A secret that is scheduled for deletion still holds its name.
    pub(super) name: SecretName,
    /// The Region of the primary, as AWS spells it. AWS omits it for most secrets that were never replicated.
    pub(super) primary_region: Option<String>,
    /// The AWS service that created the secret and manages it.
    pub(super) owning_service: Option<String>,
    /// Whether the primary is a secret of another account.
    pub(super) of_other_account: bool,
    /// Whether the secret is scheduled for deletion.
    pub(super) deleted: bool,
    /// The key as AWS shows it. AWS omits the default key.
    pub(super) kms_key: Option<String>,
    /// All tags, with those of AWS (`aws:*`).
    pub(super) tags: Option<Tags>,
    /// The id of the version with the staging label AWSCURRENT.
    pub(super) current_version: Option<String>,
    pub(super) last_changed: Option<Timestamp>,
    /// The replicas, from `DescribeSecret`. `None` for a secret from a list, because no list shows replicas.
    pub(super) replication: Option<BTreeMap<Region, Replication>>,
}

/// The secrets of one Region, by name.
pub(super) type SecretListing = HashMap<SecretName, Secret>;

/// The lists of a sweep, by Region. The routes of an account share them.
pub(super) type SecretLists = ReadOnce<Region, Result<SecretListing, Cause>>;

/// What the primary shows about its replica in one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replication {
    pub(super) status: ReplicationStatus,
    /// The reason for a failed replication, in the words of AWS.
    pub(super) message: Option<String>,
    /// The key of the replica, as AWS shows it.
    pub(super) kms_key: Option<String>,
}

/// The status that AWS gives a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReplicationStatus {
    /// The replica exists and follows the primary.
    InSync,
    /// Secrets Manager is creating or updating the replica.
    InProgress,
    /// Secrets Manager has stopped trying.
    Failed,
    /// A status that this version of the hub does not know.
    Other(String),
}

impl Secret {
    /// The key, or the default key if AWS shows none.
    pub(super) fn kms_key(&self) -> &str {
        self.kms_key.as_deref().unwrap_or(DEFAULT_SECRET_KEY)
    }

    /// Whether the facts are from `DescribeSecret`. They are then current, while a list may lag by five minutes.
    pub(super) const fn is_described(&self) -> bool {
        self.replication.is_some()
    }

    /// Whether the secret, read in `region`, is the replica of a primary in another Region.
    pub(super) fn is_replica_in(&self, region: &Region) -> bool {
        self.primary_region.as_deref().is_some_and(|primary| primary != region.as_str())
    }

    /// Whether an AWS service owns the secret. Only that service may change such a secret.
    pub(super) fn is_service_owned(&self) -> bool {
        self.owning_service.is_some()
            || self.tags.as_ref().is_some_and(|tags| tags.contains_key(OWNING_SERVICE_TAG))
    }

    /// The reason and the remedy for a skipped secret of `region`. `None` for a replica: its primary is replicated.
    pub(super) fn why_skipped(&self, region: &Region) -> Option<(&'static str, &'static str)> {
        if self.is_replica_in(region) {
            None
        } else if self.deleted {
            Some((
                "the secret is scheduled for deletion",
                "no action is necessary; restore the secret if you still need it",
            ))
        } else {
            Some((
                "an AWS service owns the secret and only that service may change it, so the hub does not replicate it",
                "let the service create a secret in the target Region, for example with a copy of the database",
            ))
        }
    }

    /// Whether the ARNs are equal except for the Region: one secret is, or was, the replica of the other.
    pub(super) fn is_same_secret(&self, other: &Self) -> bool {
        // arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX
        let without_region = |arn: &str| {
            let mut fields: Vec<String> = arn.splitn(7, ':').map(str::to_owned).collect();
            if let Some(region) = fields.get_mut(3) {
                region.clear();
            }
            fields
        };
        without_region(&self.arn) == without_region(&other.arn)
    }

    /// Whether version and tags are equal, as far as AWS shows both. Tags of AWS (`aws:*`) are not compared.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let version = match (&self.current_version, &other.current_version) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        let tags = match (&self.tags, &other.tags) {
            (Some(one), Some(two)) => user_tags(one).eq(user_tags(two)),
            _ => true,
        };
        version && tags
    }
}

fn user_tags(tags: &Tags) -> impl Iterator<Item = (&String, &String)> {
    tags.iter().filter(|(key, _)| !key.starts_with("aws:"))
}

/// Whether `shown`, the key of a replica, certainly differs from `wanted`. AWS shows a key as an id or as an alias, as the
/// writer specified it. Without a call to KMS an id and an alias cannot be compared, so they count as equal. The default
/// key is an exception: AWS always shows its alias.
pub(super) fn keys_differ(shown: &str, wanted: &str) -> bool {
    let (shown, wanted) = (bare_key(shown), bare_key(wanted));
    let is_alias = |key: &str| key.starts_with("alias/");
    shown != wanted
        && (shown == DEFAULT_SECRET_KEY
            || wanted == DEFAULT_SECRET_KEY
            || is_alias(shown) == is_alias(wanted))
}

/// Reduces any form of a key to `alias/NAME` or to the id.
fn bare_key(key: &str) -> &str {
    let resource =
        key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)).unwrap_or(key);
    resource.strip_prefix("key/").unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_form_are_compared_and_the_default_key_with_all() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1";
        assert!(!keys_differ(arn, "mrk-1"));
        assert!(!keys_differ("arn:aws:kms:us-east-1:111122223333:alias/a", "alias/a"));
        assert!(!keys_differ(arn, "alias/a"), "only KMS can compare an id with an alias");
        assert!(keys_differ("alias/b", "alias/a"));
        assert!(keys_differ(arn, "mrk-2"));
        assert!(keys_differ(DEFAULT_SECRET_KEY, "alias/a"));
        assert!(keys_differ(arn, DEFAULT_SECRET_KEY));
    }
}
