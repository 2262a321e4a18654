//! Failures: the kind, a message, a remedy, and the account, Region and item. The response, the digest and the metrics
//! show them.

use std::fmt;

use super::change::OutcomeKind;
use super::conflict::ConflictClass;
use super::item::Item;
use super::location::{AccountId, Region};

/// The kind of a failure: `error_kind` in responses, digests, logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// AWS refused an action to the spoke role.
    AccessDenied,
    /// The account has no spoke role, or the role does not trust the hub.
    NoSpokeRole,
    /// A parameter or secret that is not this route's replica holds the name in the target.
    Conflict,
    /// A key does not exist, or no key is mapped for the target.
    MissingKey,
    /// A key is disabled or scheduled for deletion.
    DisabledKey,
    /// AWS throttled the calls until the retries ended.
    Throttled,
    /// AWS did not answer, or reported an internal error.
    Unavailable,
    /// AWS refused the request, or the hub refused what it read.
    Invalid,
    /// A limit of AWS is reached.
    Limit,
    /// A tag policy of the organisation refuses the source's tags.
    TagPolicy,
    /// The run would have deleted more replicas than `REPLICATOR_MAX_DELETES` allows.
    TooManyDeletes,
    /// The hub cannot replicate this item.
    Unsupported,
    /// The deadline came before the work was done.
    NotInTime,
    /// A document exceeds the size limit of its destination.
    TooLarge,
    /// The state of the route does not allow the write, or the state could not be read.
    Frozen,
    /// An internal error of the hub.
    Bug,
}

impl FailureKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 16] = [
        Self::AccessDenied,
        Self::NoSpokeRole,
        Self::Conflict,
        Self::MissingKey,
        Self::DisabledKey,
        Self::Throttled,
        Self::Unavailable,
        Self::Invalid,
        Self::Limit,
        Self::TagPolicy,
        Self::TooManyDeletes,
        Self::Unsupported,
        Self::NotInTime,
        Self::TooLarge,
        Self::Frozen,
        Self::Bug,
    ];

    /// The value of `error_kind`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::NoSpokeRole => "no_spoke_role",
            Self::Conflict => "conflict",
            Self::MissingKey => "missing_key",
            Self::DisabledKey => "disabled_key",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Invalid => "invalid",
            Self::Limit => "limit",
            Self::TagPolicy => "tag_policy",
            Self::TooManyDeletes => "too_many_deletes",
            Self::Unsupported => "unsupported",
            Self::NotInTime => "not_in_time",
            Self::TooLarge => "too_large",
            Self::Frozen => "frozen",
            Self::Bug => "bug",
        }
    }

    /// The remedy for a cause without a specific remedy.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::AccessDenied => {
                "allow the spoke role the action that the message names; check the service control policies and the key policy for a deny"
            }
            Self::NoSpokeRole => {
                "deploy the spoke stack into this account; check that the spoke role trusts the hub's role and external id"
            }
            Self::Conflict => {
                "rename or delete the parameter or secret that holds the name in the target Region, or set the tag `failover-replicator=exclude` on the source"
            }
            Self::MissingKey => {
                "create the key in the target Region, or name a different key in REPLICATOR_KMS_KEYS"
            }
            Self::DisabledKey => "enable the key, or cancel its deletion",
            Self::Throttled => {
                "no action now: the next sweep tries again; if the failure persists, lower REPLICATOR_SOURCE_QUOTA_SHARE or raise the account's quota"
            }
            Self::Unavailable => {
                "no action now: the next sweep tries again; if the failure persists, check the endpoint and the AWS Health Dashboard"
            }
            Self::Invalid => "correct at the source what the message names",
            Self::Limit => {
                "reduce the usage of the limit that the message names, or ask AWS to raise the limit"
            }
            Self::TagPolicy => {
                "change the source's tags to comply with the organisation's tag policy"
            }
            Self::TooManyDeletes => {
                "if the deletions are intended, run `hubctl sweep --account ID --max-deletes 100%`; otherwise restore the sources"
            }
            Self::Unsupported => "replicate this item by hand; the hub does not support it",
            Self::NotInTime => {
                "run a sweep of the accounts in `remaining`, or wait for the next sweep"
            }
            Self::TooLarge => "reduce the size of what the message names",
            Self::Frozen => {
                "no action while the route is frozen: a sweep after `hubctl thaw` writes what is missing"
            }
            Self::Bug => "report this error to the maintainers with the log of this invocation",
        }
    }

    /// Whether the same work may succeed later without a correction.
    pub const fn may_succeed_later(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::Unavailable
                | Self::NotInTime
                | Self::Frozen
                | Self::Bug
                | Self::NoSpokeRole
        )
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why an operation failed. [`Failure`] adds the account, the Region and the item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Cause {
    /// Shown as `error_kind`.
    pub kind: FailureKind,
    /// One sentence for a person. It never contains a value of a parameter or secret.
    pub message: String,
    /// Replaces the remedy of the kind.
    pub remedy: Option<String>,
    /// Conflicts only: what holds the name.
    pub class: Option<ConflictClass>,
}

impl Cause {
    /// A cause with the remedy of its kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: None, class: None }
    }

    /// A conflict of this class.
    pub fn conflict(class: ConflictClass, message: impl Into<String>) -> Self {
        Self { class: Some(class), ..Self::new(FailureKind::Conflict, message) }
    }

    /// The same cause with a specific remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The outcome of an item that fails with this cause.
    pub fn outcome(&self) -> OutcomeKind {
        match self.kind {
            FailureKind::Conflict => OutcomeKind::Conflict,
            FailureKind::Frozen => OutcomeKind::Pending,
            _ => OutcomeKind::Failed,
        }
    }

    /// A command to run or a setting to change.
    pub fn remedy(&self) -> &str {
        self.remedy.as_deref().unwrap_or(self.kind.remedy())
    }
}

/// The subject of a failure or a note: `kind` and `name` in the response.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One item.
    Item(Item),
    /// The account as a whole, or one Region of the account.
    Account,
    /// The hub itself, for example its topic or its settings.
    Hub,
}

impl Subject {
    /// The value of `kind` in the response.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Item(item) => item.kind().word(),
            Self::Account => "account",
            Self::Hub => "hub",
        }
    }
}

/// A cause with its account, Region and subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `None` for a failure of the hub.
    pub account: Option<AccountId>,
    /// The Region in which the operator looks: the source if a read failed, otherwise the target.
    pub region: Option<Region>,
    /// The item, the account or the hub.
    pub subject: Subject,
    /// The reason and the remedy.
    pub cause: Cause,
}

impl Failure {
    /// A failure of the hub itself: Organizations, the topic, the settings.
    pub fn of_hub(cause: Cause) -> Self {
        Self { account: None, region: None, subject: Subject::Hub, cause }
    }

    /// A failure of a whole account.
    pub fn of_account(account: &AccountId, cause: Cause) -> Self {
        let account = Some(account.clone());
        Self { account, region: None, subject: Subject::Account, cause }
    }

    /// A failure of one item of `account`.
    pub fn of_item(account: &AccountId, item: Item, cause: Cause) -> Self {
        Self { subject: Subject::Item(item), ..Self::of_account(account, cause) }
    }

    /// The same failure with the Region in which to look.
    #[must_use]
    pub fn in_region(self, region: &Region) -> Self {
        Self { region: Some(region.clone()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_distinct_word_and_a_distinct_remedy() {
        let words: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.word()).collect();
        let remedies: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.remedy()).collect();
        assert_eq!((words.len(), remedies.len()), (16, 16));
    }
}
