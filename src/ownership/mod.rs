//! Judges from evidence who owns a parameter in a target. Pure: the time is an argument.
//!
//! A tag is only a claim; the proof is the writer that AWS records with each version. The hub owns a replica if the
//! replica carries the mark and the provenance of this route, the provenance belongs to this parameter, and the hub wrote
//! the version that provenance names and every version after it. If provenance names the present version, the row of a
//! list proves this; otherwise the history does, and without a history the answer is [`Ownership::NeedsHistory`].

mod fingerprint;
mod history;
mod judge;
mod message;
mod provenance;

use crate::domain::{
    AccountId, ConflictClass, MARK_KEY, MARK_VALUE, OptOut, ParameterName, Region, Tags, Timestamp,
    Version, Writers,
};

pub use fingerprint::Fingerprint;
pub use history::{ForeignVersion, PastVersion};
pub use judge::{VersionsBetween, judge, other_role, versions_between};
pub use message::{ConflictContext, does_not_take, last, objection, restored};
pub use provenance::{FoundBy, Provenance, RefusedForm, Tombstone};

/// Everything that was read of a parameter in a target.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The account of the parameter.
    pub account: &'a AccountId,
    /// The Region of the parameter.
    pub target: &'a Region,
    /// The name of the parameter.
    pub name: &'a ParameterName,
    /// All tags of the parameter.
    pub tags: &'a Tags,
    /// The present version.
    pub version: Version,
    /// The ARN of the present version's writer, if AWS names one.
    pub writer: Option<&'a str>,
    /// The versions that AWS keeps, the oldest first and the present one last, if they were read.
    pub history: Option<&'a [PastVersion]>,
}

/// The route and the settings that a judgement depends on.
#[derive(Clone, Copy, Debug)]
pub struct JudgeContext<'a> {
    /// The source Region of the route.
    pub source: &'a Region,
    /// Since when the route is active, if its state matters. A change of another writer before that time was made while
    /// the route was not active, or in an earlier time of activity, and is not overwritten.
    pub active_since: Option<Timestamp>,
    /// Whether no other route leads into the target.
    pub only_route: bool,
    /// The roles whose versions count as the hub's.
    pub writers: &'a Writers,
    /// The current time.
    pub now: Timestamp,
}

/// Who owns a parameter in a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing holds the name.
    Vacant,
    /// The hub owns the replica of this route's source.
    Owned {
        /// The provenance in the tag.
        provenance: Provenance,
        /// Whether a trusted writer instead of the hub wrote the version that provenance names.
        by_trusted: bool,
    },
    /// The evidence lacks the history that decides.
    NeedsHistory,
    /// A replica of the hub whose present version another writer wrote.
    ChangedInTarget {
        /// The present version.
        change: ForeignVersion,
        /// An earlier version of another writer, directly under a version of the hub.
        covered: Option<ForeignVersion>,
        /// Whether the version that provenance names itself covered another writer's version with a different value.
        restored_before: bool,
        /// Whether the hub wrote the version that provenance names, and the replica was not adopted.
        restorable: bool,
    },
    /// A version of another writer with a different value lies directly under a version of the hub.
    WrittenOver(ForeignVersion),
    /// A parameter with the hub's tags, of which the hub never wrote the named version.
    Claimed(InvalidClaim),
    /// A parameter with neither of the hub's tags.
    Unmarked,
    /// A replica whose mark was removed, or a parameter that its owner declared released.
    Released {
        /// Whether the parameter itself carries `failover-replicator=exclude`.
        excluded: bool,
        /// A version of another writer, directly under a version of the hub.
        covered: Option<ForeignVersion>,
    },
    /// The replica of another Region's source.
    OtherRoute(Region),
    /// The mark and no readable provenance, where several routes lead.
    AmbiguousRoute,
    /// The mark and no readable provenance, where one route leads.
    MarkOnly {
        /// Whether the hub or a trusted writer wrote the present version.
        trusted: bool,
    },
    /// Only versions of the hub, with neither tag.
    UntaggedCreate {
        /// Whether this is version 1 and young enough that the hub sets the tags again.
        fresh: bool,
    },
}

/// Why the hub's tags on a parameter prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidClaim {
    /// The tag was copied from another parameter.
    OtherParameter,
    /// Another writer wrote the version that provenance names.
    OtherWriter(ForeignVersion),
    /// The history does not have the version that provenance names.
    NoSuchVersion,
}

impl Ownership {
    /// The class of the conflict; `None` if the hub may write the parameter.
    pub fn class(&self) -> Option<ConflictClass> {
        match self {
            Self::Vacant | Self::Owned { .. } | Self::NeedsHistory => None,
            Self::ChangedInTarget { .. } => Some(ConflictClass::ChangedInTarget),
            Self::WrittenOver(_) => Some(ConflictClass::WrittenOver),
            Self::Claimed(_) => Some(ConflictClass::Claimed),
            Self::Unmarked => Some(ConflictClass::Unmarked),
            Self::Released { .. } => Some(ConflictClass::Released),
            Self::OtherRoute(_) => Some(ConflictClass::OtherRoute),
            Self::AmbiguousRoute => Some(ConflictClass::Ambiguous),
            Self::MarkOnly { .. } => Some(ConflictClass::MarkOnly),
            Self::UntaggedCreate { .. } => Some(ConflictClass::UntaggedCreate),
        }
    }

    /// Whether `resolve --take source` may overwrite the parameter.
    pub fn may_be_taken(&self) -> bool {
        match self {
            Self::Vacant | Self::Owned { .. } | Self::NeedsHistory | Self::OtherRoute(_) => false,
            Self::ChangedInTarget { .. }
            | Self::WrittenOver(_)
            | Self::Claimed(_)
            | Self::Unmarked
            | Self::Released { .. }
            | Self::AmbiguousRoute
            | Self::MarkOnly { .. }
            | Self::UntaggedCreate { .. } => true,
        }
    }

    /// Whether a command may remove the hub's tags from the parameter.
    pub fn may_be_released(&self) -> bool {
        !matches!(self, Self::Vacant | Self::Unmarked | Self::OtherRoute(_))
    }
}

/// Whether the tags contain the mark.
pub fn is_marked(tags: &Tags) -> bool {
    tags.get(MARK_KEY).is_some_and(|value| value == MARK_VALUE)
}

/// Whether the tag `failover-replicator=released` is on the parameter.
pub fn is_released(tags: &Tags) -> bool {
    OptOut::of(tags) == Ok(Some(OptOut::Released))
}

impl Evidence<'_> {
    /// The present version, as reports name it.
    pub fn present(&self) -> ForeignVersion {
        ForeignVersion { number: self.version.number, writer: self.writer.map(Into::into) }
    }
}

#[cfg(test)]
mod tests;
