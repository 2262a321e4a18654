//! The buckets for API calls, and the setting for quotas that differ from the AWS defaults.

use std::fmt;

use crate::domain::{AccountId, Region};

/// A group of operations with one quota per account and Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// `GetParameter` and `GetParameters`, with `GetParametersByPath` of other callers: 40 calls per second together.
    SsmRead,
    /// Lists, writes, histories and labels of parameters: 3 calls per second each. AWS does not publish whether these
    /// operations share a quota, so the hub counts them together.
    SsmControl,
    /// Deletes of parameters: 3 calls per second.
    SsmDelete,
    /// Tag operations on one parameter. AWS publishes no quota; no case is known in which it refused 5 calls per second.
    SsmTags,
    /// Lists of the Tagging API: 15 calls per second.
    Tagging,
    /// `DescribeKey`: 100 calls per second, which is far below the quota of any Region.
    Kms,
    /// Start and end of the replication of secrets: 50 calls per second.
    SecretsWrite,
    /// `ListSecrets`: 100 calls per second. `DescribeSecret`, with a separate quota of 40,000, is counted here too.
    SecretsList,
    /// Lists of the organisation: AWS permits 8 calls per second for the account and all its tools; the hub uses half.
    Organizations,
    /// `AssumeRole`: 600 calls per second, counted for the hub's account.
    Sts,
    /// Reads and writes of the hub's table: 1,000 calls per second, the write rate of one partition.
    Table,
    /// `Publish`: 30 calls per second, which is far below the quota of any Region.
    Sns,
}

impl Bucket {
    /// Every bucket, in the order of the declaration.
    pub const ALL: [Self; 12] = [
        Self::SsmRead,
        Self::SsmControl,
        Self::SsmDelete,
        Self::SsmTags,
        Self::Tagging,
        Self::Kms,
        Self::SecretsWrite,
        Self::SecretsList,
        Self::Organizations,
        Self::Sts,
        Self::Table,
        Self::Sns,
    ];

    /// The name in the setting `QUOTAS`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SsmRead => "ssm.read",
            Self::SsmControl => "ssm.control",
            Self::SsmDelete => "ssm.delete",
            Self::SsmTags => "ssm.tags",
            Self::Tagging => "tagging",
            Self::Kms => "kms",
            Self::SecretsWrite => "secrets.write",
            Self::SecretsList => "secrets.list",
            Self::Organizations => "organizations",
            Self::Sts => "sts",
            Self::Table => "table",
            Self::Sns => "sns",
        }
    }

    /// The bucket with this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.word() == word)
    }

    /// The default quota per account and Region, in calls per second.
    pub const fn quota(self) -> f64 {
        match self {
            Self::SsmRead => 40.0,
            Self::SsmControl | Self::SsmDelete => 3.0,
            Self::SsmTags => 5.0,
            Self::Tagging => 15.0,
            Self::SecretsWrite => 50.0,
            Self::SecretsList | Self::Kms => 100.0,
            Self::Organizations => 4.0,
            Self::Sts => 600.0,
            Self::Table => 1000.0,
            Self::Sns => 30.0,
        }
    }

    /// Whether AWS counts the calls for the hub's account, whatever account they concern.
    pub const fn is_the_hubs_own(self) -> bool {
        matches!(self, Self::Organizations | Self::Sts | Self::Table | Self::Sns)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A quota that differs from the AWS default. `None` matches every account, Region or bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaOverride {
    /// Ignored for buckets that AWS counts for the hub's account.
    pub account: Option<AccountId>,
    /// The Region of the calls.
    pub region: Option<Region>,
    /// The bucket of the calls.
    pub bucket: Option<Bucket>,
    /// The whole quota of the account in calls per second. The hub uses a share of it.
    pub calls_per_second: f64,
}

impl QuotaOverride {
    /// Whether the entry applies to this bucket, account and Region. `account` is `None` for calls of the hub's account.
    pub fn covers(&self, account: Option<&AccountId>, region: &Region, bucket: Bucket) -> bool {
        (bucket.is_the_hubs_own() || self.account.is_none() || self.account.as_ref() == account)
            && self.region.as_ref().is_none_or(|own| own == region)
            && self.bucket.is_none_or(|own| own == bucket)
    }

    /// The rank between entries: a larger weight is more specific. The account ranks first, then the Region.
    pub fn weight(&self) -> u8 {
        u8::from(self.account.is_some()) * 4
            + u8::from(self.region.is_some()) * 2
            + u8::from(self.bucket.is_some())
    }
}
