//! The buckets that AWS counts calls into, and the setting that tells of other quotas than AWS's defaults.

use std::fmt;

use crate::domain::{AccountId, Region};

/// A group of operations that AWS counts together, within one account and Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// `GetParameter`, `GetParameters`, `GetParametersByPath`: 40 a second, shared by the three.
    SsmRead,
    /// Lists, writes, history and labels of parameters: 3 a second each. Whether AWS counts them together is not
    /// published, so they are taken together.
    SsmControl,
    /// Deletions of parameters: 3 a second.
    SsmDelete,
    /// Tags of parameters, one at a time. AWS publishes no quota; 5 a second are refused nowhere known.
    SsmTags,
    /// Lists of the Tagging API: 15 a second.
    Tagging,
    /// Keys described: 100 a second, far under any Region's quota.
    Kms,
    /// Replication of secrets and its end: 50 a second.
    SecretsWrite,
    /// Lists of secrets: 100 a second. `DescribeSecret`, with 40,000 a second of its own, is counted in.
    SecretsList,
    /// Lists of the organisation: 8 a second for the account, shared with all its other tools; half of it is taken.
    Organizations,
    /// Roles assumed: 600 a second, charged to the hub's own account.
    Sts,
    /// Messages published: 30 a second, far under any Region's quota.
    Sns,
}

impl Bucket {
    /// Every bucket, in the order of the declaration.
    pub const ALL: [Self; 11] = [
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
        Self::Sns,
    ];

    /// The word in the setting `QUOTAS`.
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
            Self::Sns => "sns",
        }
    }

    /// The bucket of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.word() == word)
    }

    /// Calls a second that AWS gives an account in a Region unless it bought more.
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
            Self::Sns => 30.0,
        }
    }

    /// Whether the hub's own account is charged, whichever account the call is about.
    pub const fn is_the_hubs_own(self) -> bool {
        matches!(self, Self::Organizations | Self::Sts | Self::Sns)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Calls a second where an account has another quota than AWS's default. `None` matches every account, Region or bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaOverride {
    /// The account. Without meaning for the buckets that are charged to the hub's own account.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// The bucket.
    pub bucket: Option<Bucket>,
    /// The account's whole quota in calls a second; the hub's share is taken from it.
    pub calls_per_second: f64,
}

impl QuotaOverride {
    /// Whether it is about this bucket of this place; `account` is `None` for the hub's own calls.
    pub fn covers(&self, account: Option<&AccountId>, region: &Region, bucket: Bucket) -> bool {
        (bucket.is_the_hubs_own() || self.account.is_none() || self.account.as_ref() == account)
            && self.region.as_ref().is_none_or(|own| own == region)
            && self.bucket.is_none_or(|own| own == bucket)
    }

    /// Larger is more specific: the account counts most, then the Region, then the bucket.
    pub fn weight(&self) -> u8 {
        u8::from(self.account.is_some()) * 4
            + u8::from(self.region.is_some()) * 2
            + u8::from(self.bucket.is_some())
    }
}
