//! What a report names though nothing failed: a source without an equal replica that is no person's fault, or a setting
//! that matches nothing.

use std::borrow::Cow;

use super::change::OutcomeKind;
use super::failure::Subject;
use super::location::{AccountId, Region};

/// One named thing, why it is as it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The account, where it is one account's.
    pub account: Option<AccountId>,
    /// The Region in which to look.
    pub region: Option<Region>,
    /// What it is about.
    pub subject: Subject,
    /// What it counts as, where it is an item.
    pub outcome: Option<OutcomeKind>,
    /// Why.
    pub message: Cow<'static, str>,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
}

/// Why an item is pending.
pub const PENDING: &str =
    "it was still changing, or Secrets Manager still at work on it, or the time was over";
/// What to do about it.
pub const PENDING_REMEDY: &str = "nothing at once: the next run goes on with it; if it stays, look for what writes it all the time";
/// Why an item is absent.
pub const ABSENT: &str = "neither the source nor a replica of it is there";
/// What to do about it.
pub const ABSENT_REMEDY: &str =
    "nothing if it was deleted; else check the name, the account and the Region";
