//! What went wrong, in the words of the response, the digest and the alarms, and how to mend it.

use std::fmt;

use super::conflict::ConflictClass;
use super::item::Item;
use super::location::{AccountId, Region};

/// The class of a failure: `error_kind` everywhere that it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// AWS refused the spoke role an action.
    AccessDenied,
    /// The spoke role does not exist in the account, or does not trust the hub.
    NoSpokeRole,
    /// The name is held in the target by something that is not this route's replica.
    Conflict,
    /// A key is not there, or no key is known for the target.
    MissingKey,
    /// A key is there but disabled or being deleted.
    DisabledKey,
    /// AWS went on asking for fewer calls.
    Throttled,
    /// AWS did not answer, or answered with a fault of its own.
    Unavailable,
    /// AWS refused what was sent.
    Invalid,
    /// A limit of AWS's is reached.
    Limit,
    /// A policy of the organisation's refuses the source's tags.
    TagPolicy,
    /// More replicas would have been deleted than `MAX_DELETES` allows.
    TooManyDeletes,
    /// The hub cannot replicate this yet.
    Unsupported,
    /// The time was over before it was done.
    NotInTime,
    /// It does not fit where it should go.
    TooLarge,
    /// A fault of the hub's own.
    Bug,
}

impl FailureKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 15] = [
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
        Self::Bug,
    ];

    /// The word in responses, digests and alarms.
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
            Self::Bug => "bug",
        }
    }

    /// What an operator does about it, where the failure itself knows nothing better.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::AccessDenied => {
                "let the spoke role do the action that the message names; look for a service control policy or a key policy that denies it"
            }
            Self::NoSpokeRole => {
                "deploy the spoke stack into this account, and check that its role trusts the hub's role and external id"
            }
            Self::Conflict => {
                "rename or remove what holds the name in the target Region, or tag the source `failover-replicator=exclude`"
            }
            Self::MissingKey => {
                "create the key in the target Region, or name another in REPLICATOR_KMS_KEYS"
            }
            Self::DisabledKey => "enable the key, or cancel its deletion",
            Self::Throttled => {
                "nothing at once: the next sweep tries again; if it stays, lower REPLICATOR_SOURCE_QUOTA_SHARE or raise the account's quota"
            }
            Self::Unavailable => {
                "nothing at once: the next sweep tries again; if it stays, check the endpoint and AWS's health page"
            }
            Self::Invalid => "mend what the message names at the source",
            Self::Limit => {
                "free room under the limit that the message names, or ask AWS to raise it"
            }
            Self::TagPolicy => "mend the source's tags as the organisation's tag policy asks",
            Self::TooManyDeletes => {
                "if the deletions are meant, send a payload for this account with \"max_deletes\":\"100%\" beside `detail`; if not, restore the sources"
            }
            Self::Unsupported => "replicate this item by hand until the hub can",
            Self::NotInTime => "send the accounts in `remaining` again; the next sweep does it too",
            Self::TooLarge => "make it smaller",
            Self::Bug => "please report it with the log of this invocation",
        }
    }

    /// Whether the same work, tried again later and with nothing mended, may well succeed.
    pub const fn may_succeed_later(self) -> bool {
        matches!(
            self,
            Self::Throttled | Self::Unavailable | Self::NotInTime | Self::Bug | Self::NoSpokeRole
        )
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why something failed, before it is known what it was done for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Cause {
    /// The class.
    pub kind: FailureKind,
    /// One sentence for a person; never a value.
    pub message: String,
    /// A better remedy than the kind's own.
    pub remedy: Option<String>,
    /// What holds the name, of a conflict.
    pub class: Option<ConflictClass>,
}

impl Cause {
    /// A cause with its kind's own remedy.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: None, class: None }
    }

    /// A conflict over a name that something of this class holds.
    pub fn conflict(class: ConflictClass, message: impl Into<String>) -> Self {
        Self { class: Some(class), ..Self::new(FailureKind::Conflict, message) }
    }

    /// The same with a remedy of its own.
    #[must_use]
    pub fn mended_by(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        self.remedy.as_deref().unwrap_or(self.kind.remedy())
    }
}

/// What a failure is about: `kind` and `name` in the response.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One item.
    Item(Item),
    /// The account, or one Region of it.
    Account,
    /// The hub itself: Organizations, the topic.
    Hub,
}

impl Subject {
    /// The word in the response's `kind`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Item(item) => item.kind().word(),
            Self::Account => "account",
            Self::Hub => "hub",
        }
    }
}

/// A cause, with what it happened to and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The account, where it is one account's.
    pub account: Option<AccountId>,
    /// The Region in which to look: the source's when reading failed, the target's otherwise.
    pub region: Option<Region>,
    /// What it is about.
    pub subject: Subject,
    /// Why.
    pub cause: Cause,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_word_and_a_remedy_of_its_own() {
        let words: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.word()).collect();
        let remedies: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.remedy()).collect();
        assert_eq!((words.len(), remedies.len()), (15, 15));
    }
}
