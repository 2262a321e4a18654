//! Text of the environment → [`Settings`]; every fault is found and told at once.
//!
//! The only reader of environment variables. A value that stands elsewhere (`ssm:/name`) is fetched by the caller,
//! who has the clients for it: `RawSettings::from_environment`, `references`, `with_fetched`, then `parse`.

mod accounts;
mod fault;
mod known;
mod maps;
mod matched;
mod max_deletes;
mod parse;
mod quota;
mod raw;
mod trusted_writers;

pub use accounts::AccountFilter;
pub use fault::{Fault, SettingsError};
pub use known::{Known, PREFIX, known};
pub use matched::{Matched, Unmatched};
pub use max_deletes::{InvalidMaxDeletes, MaxDeletes};
pub use quota::{Bucket, QuotaOverride};
pub use raw::{RawSettings, Reference, runs_in_lambda};
pub use trusted_writers::ENDPOINT_VARIABLES;

use crate::domain::{KmsKeys, NameFilter, Region, Routes, TrustedWriters};

/// A shared SNS topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// The Region that the ARN names: where the topic is called.
    pub region: Region,
}

/// What becomes of a replica's name that something else holds in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// It is reported and left alone.
    Report,
    /// It is marked as a replica if it is equal to its source, else reported. Nothing is overwritten in either case.
    Adopt,
}

/// What becomes of a replica that another writer changed in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTargetChange {
    /// It is kept and reported.
    Report,
    /// The source's value is written over it once; a second time it is kept and reported.
    Restore,
}

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From which Region to which.
    pub routes: Routes,
    /// Name, without a path, of the role that is assumed in every account.
    pub spoke_role_name: String,
    /// Name, without a path, of the role that failover commands assume. Its versions are never the hub's.
    pub failover_role_name: String,
    /// Further roles whose versions count for the ones that provenance names.
    pub trusted_writers: TrustedWriters,
    /// The external id that the spoke roles ask for.
    pub spoke_external_id: Option<String>,
    /// A role that a terminal assumes before anything else.
    pub operator_role_arn: Option<String>,
    /// Where digests go. Always there when parsed for the Lambda.
    pub sns_topic: Option<Topic>,
    /// Which accounts of the organisation are in scope.
    pub accounts: AccountFilter,
    /// Which names are in scope.
    pub names: NameFilter,
    /// Source key → target key.
    pub kms_keys: KmsKeys,
    /// What becomes of a name that something else holds.
    pub on_conflict: OnConflict,
    /// What becomes of a replica that another writer changed in the target.
    pub on_target_change: OnTargetChange,
    /// Days for which a replica outlives its source.
    pub delete_grace_days: u32,
    /// How many replicas of an account's route and target one run may delete.
    pub max_deletes: MaxDeletes,
    /// Share of an account's quota that the hub may take in a Region that is any route's source; over 0, at most 1.
    pub source_quota_share: f64,
    /// The same in a Region that is no route's source.
    pub target_quota_share: f64,
    /// Quotas other than AWS's defaults; of several that fit the most specific holds.
    pub quotas: Vec<QuotaOverride>,
    /// Accounts that are looked at side by side; at least 1.
    pub account_concurrency: usize,
    /// Items that are held in memory at once, over all accounts.
    pub items_in_flight: usize,
    /// Functions that take events side by side, which divide the quota among them; at least 1.
    pub event_concurrency: u32,
}
