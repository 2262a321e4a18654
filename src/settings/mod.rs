//! Reads [`Settings`] from environment variables. All faults are reported together.
//!
//! Only this module reads the environment. For a value in Parameter Store (`ssm:/name`) the caller has the clients, so
//! the order is: `RawSettings::from_environment`, `references`, `with_fetched`, then `parse`.

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
pub use fault::{SettingFault, SettingProblem, SettingsError};
pub use known::{KnownSetting, PREFIX, known};
pub use matched::{Matched, Unmatched};
pub use max_deletes::{InvalidMaxDeletes, MaxDeletes};
pub use quota::{Bucket, QuotaOverride};
pub use raw::{RawSettings, Reference, runs_in_lambda};
pub use trusted_writers::ENDPOINT_VARIABLES;

use crate::domain::{KmsKeys, NameFilter, Region, Routes, TrustedWriters};

/// The SNS topic for digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The ARN of a standard topic.
    pub arn: String,
    /// The Region in the ARN. The hub calls SNS there.
    pub region: Region,
}

/// The setting `TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableSetting {
    /// The setting is missing: nothing may be written.
    Unset,
    /// `none`: every route is active, and nothing is recorded.
    NoTable,
    /// The name of the table in the hub's account and Region.
    Named(String),
}

/// The treatment of a replica's name that another parameter holds in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// The conflict is reported, and the parameter stays unchanged.
    Report,
    /// A parameter that is equal to the source is marked as a replica. Otherwise the conflict is reported. No value is
    /// overwritten in either case.
    Adopt,
}

/// The treatment of a replica that another writer changed in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTargetChange {
    /// The replica stays unchanged, and the change is reported.
    Report,
    /// The hub writes the value of the source once. A second change stays and is reported.
    Restore,
}

/// The checked settings. Each field has the name of its setting.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the documentation of the setting describes the field")]
pub struct Settings {
    pub routes: Routes,
    /// The name, without a path, of the role that the hub assumes in every account.
    pub spoke_role_name: String,
    /// The name, without a path, of the role that failover commands assume. Versions by this role never count as the hub's.
    pub failover_role_name: String,
    /// Further roles whose versions count as the versions that provenance names.
    pub trusted_writers: TrustedWriters,
    /// The external id that the spoke roles require.
    pub spoke_external_id: Option<String>,
    /// The role that `hubctl` assumes before any other call.
    pub operator_role_arn: Option<String>,
    /// The topic for digests. Always set for the Lambda.
    pub sns_topic: Option<Topic>,
    /// The hub's table. Always set for the Lambda.
    pub table: TableSetting,
    pub accounts: AccountFilter,
    pub names: NameFilter,
    pub kms_keys: KmsKeys,
    pub on_conflict: OnConflict,
    pub on_target_change: OnTargetChange,
    /// The number of days that a replica is kept after the deletion of its source.
    pub delete_grace_days: u32,
    pub max_deletes: MaxDeletes,
    /// The share of an account's quota that the hub may use in a Region that is the source of a route. Greater than 0, at
    /// most 1.
    pub source_quota_share: f64,
    /// The same share for every other Region.
    pub target_quota_share: f64,
    /// Quotas that differ from the AWS defaults. The most specific matching entry applies.
    pub quotas: Vec<QuotaOverride>,
    /// The number of accounts that a sweep processes concurrently; at least 1.
    pub account_concurrency: usize,
    /// The number of items in memory over all accounts.
    pub items_in_flight: usize,
    /// The number of concurrent event functions, which divide the quota between them; at least 1.
    pub event_concurrency: u32,
}
