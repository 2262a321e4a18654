//! What is known of a secret in one Region, without its value. A fact that AWS left out stays unknown: it is not compared.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{DEFAULT_SECRET_KEY, Region, SecretName, Tags, Timestamp};

/// Key of the tag that AWS puts on the secrets that a service of its own made.
const OWNING_SERVICE_TAG: &str = "aws:secretsmanager:owningService";

/// A secret as one Region shows it: an original, a replica, or neither of this route's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    /// Its ARN. A replica's differs from its primary's in the Region alone; the six characters at the end are the same.
    pub(super) arn: String,
    /// Its name, which nothing else in this Region has: a secret scheduled for deletion holds its name too.
    pub(super) name: SecretName,
    /// The Region that AWS says it came from, as AWS spells it; left out for most that were never replicated.
    pub(super) primary_region: Option<String>,
    /// The AWS service that made it and manages it.
    pub(super) owning_service: Option<String>,
    /// Whether it is the replica of a secret in another account, which that account's owner keeps equal.
    pub(super) of_other_account: bool,
    /// Whether it is scheduled for deletion.
    pub(super) deleted: bool,
    /// Its key as AWS shows it; left out for the default key.
    pub(super) kms_key: Option<String>,
    /// Its tags, `aws:*` among them.
    pub(super) tags: Option<Tags>,
    /// The id of the version that is staged AWSCURRENT.
    pub(super) current_version: Option<String>,
    /// When anything of it changed last.
    pub(super) last_changed: Option<Timestamp>,
    /// What `DescribeSecret` says of its replicas; `None` for what a list gave, since no list says it.
    pub(super) replication: Option<BTreeMap<Region, Replication>>,
}

/// The secrets of one Region by name.
pub(super) type Listing = HashMap<SecretName, Secret>;

/// What a primary says of its replica in one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replication {
    /// How far it is.
    pub(super) status: Status,
    /// AWS's own words about it.
    pub(super) message: Option<String>,
    /// The replica's key, as AWS shows it.
    pub(super) kms_key: Option<String>,
}

/// How far a replica is, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The replica is there and follows its primary.
    InSync,
    /// Secrets Manager is at work on it.
    InProgress,
    /// Secrets Manager gave up on it.
    Failed,
    /// A word that is not known here.
    Other(String),
}

impl Secret {
    /// Its key, the default one where AWS names none.
    pub(super) fn kms_key(&self) -> &str {
        self.kms_key.as_deref().unwrap_or(DEFAULT_SECRET_KEY)
    }

    /// Whether `DescribeSecret` told it: current, where a list may lag by five minutes.
    pub(super) const fn is_described(&self) -> bool {
        self.replication.is_some()
    }

    /// Whether, seen in `region`, it is the replica of a secret elsewhere.
    pub(super) fn is_replica_in(&self, region: &Region) -> bool {
        self.primary_region.as_deref().is_some_and(|primary| primary != region.as_str())
    }

    /// Whether a service of AWS's owns it: only that service may change it.
    pub(super) fn is_service_owned(&self) -> bool {
        self.owning_service.is_some()
            || self.tags.as_ref().is_some_and(|tags| tags.contains_key(OWNING_SERVICE_TAG))
    }

    /// Why it is no source in `region` though it is not a replica there, and what to do; `None` where it is neither.
    pub(super) fn why_skipped(&self, region: &Region) -> Option<(&'static str, &'static str)> {
        if self.is_replica_in(region) {
            None
        } else if self.deleted {
            Some(("it is scheduled for deletion", "nothing; restore it if it is still needed"))
        } else {
            Some((
                "an AWS service owns it, and only that service may change it, so it is not replicated",
                "let the service make its own in the target Region, such as with the copy of its database",
            ))
        }
    }

    /// Whether both have one ARN but for the Region: the one is, or was, the other's replica.
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

    /// Whether version and tags agree, as far as both sides show them. `aws:*` tags are AWS's own business.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let version = match (&self.current_version, &other.current_version) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        let tags = match (&self.tags, &other.tags) {
            (Some(one), Some(two)) => of_user(one).eq(of_user(two)),
            _ => true,
        };
        version && tags
    }
}

fn of_user(tags: &Tags) -> impl Iterator<Item = (&String, &String)> {
    tags.iter().filter(|(key, _)| !key.starts_with("aws:"))
}

/// Whether `shown`, a replica's key, is certainly another than `wanted`. AWS shows a key by id or by alias, as it was
/// given; an id and an alias cannot be compared without asking KMS and are taken as equal, save the default key, which
/// is always shown as such.
pub(super) fn keys_differ(shown: &str, wanted: &str) -> bool {
    let (shown, wanted) = (bare_key(shown), bare_key(wanted));
    let is_alias = |key: &str| key.starts_with("alias/");
    shown != wanted
        && (shown == DEFAULT_SECRET_KEY
            || wanted == DEFAULT_SECRET_KEY
            || is_alias(shown) == is_alias(wanted))
}

/// `alias/NAME` or the id, of any spelling of a key.
fn bare_key(key: &str) -> &str {
    let resource =
        key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)).unwrap_or(key);
    resource.strip_prefix("key/").unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_spelling_are_compared_and_the_default_with_all() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1";
        assert!(!keys_differ(arn, "mrk-1"));
        assert!(!keys_differ("arn:aws:kms:us-east-1:111122223333:alias/a", "alias/a"));
        assert!(!keys_differ(arn, "alias/a"), "only KMS knows");
        assert!(keys_differ("alias/b", "alias/a"));
        assert!(keys_differ(arn, "mrk-2"));
        assert!(keys_differ(DEFAULT_SECRET_KEY, "alias/a"));
        assert!(keys_differ(arn, DEFAULT_SECRET_KEY));
    }
}
