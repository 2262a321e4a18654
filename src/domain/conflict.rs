//! The classes of conflicts: why the hub does not write to the parameter that holds a name.

use std::fmt;

/// The class of a conflict: `class` in failures and steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictClass {
    /// The hub's replica, but a different writer wrote a version after the version that provenance names.
    ChangedInTarget,
    /// A version of a different writer, with a different value, lies directly under a version of the hub.
    WrittenOver,
    /// The hub's tags, but the hub did not write the version that the tags name.
    Claimed,
    /// Neither of the hub's tags.
    Unmarked,
    /// A replica whose mark was removed.
    Released,
    /// A replica of a source in a different Region.
    OtherRoute,
    /// The mark without readable provenance, in a Region that is the target of several routes.
    Ambiguous,
    /// The mark without readable provenance.
    MarkOnly,
    /// Created by the hub, but without the hub's tags.
    UntaggedCreate,
    /// A parameter in a source Region that has the mark of a replica.
    MarkedSource,
    /// The hub carried out a step, and the reason for the step is still present.
    DoesNotTake,
}

impl ConflictClass {
    /// Every class, in the order of the declaration.
    pub const ALL: [Self; 11] = [
        Self::ChangedInTarget,
        Self::WrittenOver,
        Self::Claimed,
        Self::Unmarked,
        Self::Released,
        Self::OtherRoute,
        Self::Ambiguous,
        Self::MarkOnly,
        Self::UntaggedCreate,
        Self::MarkedSource,
        Self::DoesNotTake,
    ];

    /// The word in responses and digests.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ChangedInTarget => "changed_in_target",
            Self::WrittenOver => "written_over",
            Self::Claimed => "claimed",
            Self::Unmarked => "unmarked",
            Self::Released => "released",
            Self::OtherRoute => "other_route",
            Self::Ambiguous => "ambiguous",
            Self::MarkOnly => "mark_only",
            Self::UntaggedCreate => "untagged_create",
            Self::MarkedSource => "marked_source",
            Self::DoesNotTake => "does_not_take",
        }
    }
}

impl fmt::Display for ConflictClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
