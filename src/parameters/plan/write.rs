//! The write that a decision asks for.

use super::desired::{Desired, data_type_to_send};
use crate::domain::{
    Change, ConflictClass, MARK_KEY, MARK_VALUE, PROVENANCE_KEY, Reason, Tags, Timestamp,
};
use crate::guard::Claim;
use crate::ownership::{Fingerprint, Provenance};
use crate::parameters::model::{TEXT, Tier};
use crate::parameters::policies::Policies;

/// When a write adds the mark to a parameter that does not carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkTiming {
    /// Never. An update of a replica writes only provenance, so that a release during the update stands.
    Never,
    /// Before anything else, because the spoke role may tag only what carries the mark.
    BeforeWrite,
    /// Together with the provenance, after the value was read back.
    WithProvenance,
}

/// The write that a decision asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWrite {
    /// `create`, `update`, `retag` or `recreate`.
    pub change: Change,
    /// Why the hub writes.
    pub because: Vec<Reason>,
    /// The desired replica.
    pub desired: Desired,
    /// The tier to send: an advanced replica stays advanced.
    pub tier: Tier,
    /// The allowed pattern to send: an empty pattern removes the replica's, `None` keeps it.
    pub pattern_to_send: Option<Box<str>>,
    /// The data type to send: `None` keeps the replica's.
    pub data_type_to_send: Option<Box<str>>,
    /// The policies to send: an empty list removes the replica's, `None` keeps them.
    pub policies_to_send: Option<String>,
    /// Whether the replica stays advanced only because AWS never turns a tier back.
    pub tier_stays: bool,
    /// Tags to add or change on the replica, without the hub's two.
    pub set_tags: Tags,
    /// Keys of tags to remove from the replica.
    pub remove_tags: Vec<String>,
    /// Whether a retag writes provenance for the version that was read. Creates and updates always do.
    pub renew_provenance: bool,
    /// The provenance that a retag writes as it is, because the present one is still right in everything else.
    pub provenance: Option<Provenance>,
    /// Whether the replica was adopted; later writes keep this.
    pub adopted: bool,
    /// When the write adds the mark.
    pub mark_timing: MarkTiming,
    /// Why the write may change a parameter that the hub does not own.
    pub claim: Option<Claim>,
    /// The conflict that the write resolves.
    pub class: Option<ConflictClass>,
    /// The keys of provenance that this release does not know.
    pub unknown: String,
}

impl PlannedWrite {
    /// Whether the write adopts a parameter. The hub adopts only if the values are equal.
    pub fn adopts(&self) -> bool {
        self.claim == Some(Claim::Adopt)
    }

    /// Whether there is nothing to write if the values are equal.
    pub fn is_empty(&self) -> bool {
        self.set_tags.is_empty()
            && self.remove_tags.is_empty()
            && !self.renew_provenance
            && self.provenance.is_none()
    }

    /// A hash over the tags that the write changes.
    pub(super) fn tag_change(&self) -> Fingerprint {
        Fingerprint::of_tag_change(&self.set_tags, &self.remove_tags)
    }

    /// The write that creates `desired`.
    pub(super) fn creation(desired: Desired, now: Timestamp) -> Self {
        Self {
            change: Change::Create,
            because: with_override(vec![Reason::Missing], &desired),
            tier: desired.tier,
            pattern_to_send: desired.pattern.clone(),
            data_type_to_send: data_type_to_send(&desired, TEXT),
            policies_to_send: desired.policies.to_send(&Policies::default(), now),
            tier_stays: false,
            set_tags: Tags::new(),
            remove_tags: Vec::new(),
            renew_provenance: true,
            provenance: None,
            adopted: false,
            mark_timing: MarkTiming::Never,
            claim: None,
            class: None,
            unknown: String::new(),
            desired,
        }
    }
}

/// How the hub takes over a parameter that it does not own.
pub(super) struct Takeover {
    pub(super) because: Reason,
    pub(super) mark_timing: MarkTiming,
    pub(super) claim: Option<Claim>,
    pub(super) class: Option<ConflictClass>,
    /// Whether an equal parameter needs only its tags: the hub itself wrote the value.
    pub(super) tags_suffice: bool,
}

/// Adds the reason `override` if the value does not come from the source.
pub(super) fn with_override(mut because: Vec<Reason>, desired: &Desired) -> Vec<Reason> {
    if desired.value_override.is_some() {
        because.push(Reason::Override);
    }
    because
}

/// Adds the mark.
pub(in crate::parameters) fn with_mark(mut tags: Tags) -> Tags {
    tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
    tags
}

/// Adds the mark and this provenance.
pub(in crate::parameters) fn with_both(tags: Tags, provenance: &Provenance) -> Tags {
    let mut tags = with_mark(tags);
    tags.insert(PROVENANCE_KEY.to_owned(), provenance.to_string());
    tags
}
