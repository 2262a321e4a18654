//! Notes: what a report names although nothing failed, such as a pending or absent item, or a setting that matches
//! nothing.

use std::borrow::Cow;

use super::change::OutcomeKind;
use super::failure::Subject;
use super::location::{AccountId, Region};

/// The subject of a note, the reason, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// `None` if the note is about the hub.
    pub account: Option<AccountId>,
    /// The Region in which the operator looks.
    pub region: Option<Region>,
    /// The item, the account or the hub.
    pub subject: Subject,
    /// How an item is counted.
    pub outcome: Option<OutcomeKind>,
    /// The reason, in one sentence.
    pub message: Cow<'static, str>,
    /// What to do.
    pub remedy: Cow<'static, str>,
}

/// The reason for a pending item.
pub const PENDING: &str = "the item was still changing, Secrets Manager was still replicating it, or the deadline came first";
/// The remedy for a pending item.
pub const PENDING_REMEDY: &str = "no action now: the next run continues; if the item stays pending, find out what changes it continuously";
/// The reason for an absent item.
pub const ABSENT: &str = "neither the source nor a replica exists";
/// The remedy for an absent item.
pub const ABSENT_REMEDY: &str =
    "no action if the item was deleted; otherwise check the name, the account and the Region";
