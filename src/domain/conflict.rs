//! Why the hub leaves alone what holds a name: the `class` of a conflict.

use std::fmt;

/// What holds a name that the hub may not write: `class` in failures and steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictClass {
    /// The hub's replica, but another writer wrote a version after the one that provenance names.
    ChangedInTarget,
    /// A version of another writer lies directly under one of the hub's, with another value.
    WrittenOver,
    /// It carries the hub's tags, but the hub never wrote the version that they name.
    Claimed,
    /// It carries neither of the hub's tags.
    Unmarked,
    /// A replica whose mark was taken off.
    Released,
    /// The replica of another Region's source.
    OtherRoute,
    /// It carries the mark and no readable provenance, and several routes lead into its Region.
    Ambiguous,
    /// It carries the mark and no readable provenance.
    MarkOnly,
    /// A create of the hub's that has neither of its tags.
    UntaggedCreate,
    /// A parameter in a source Region that carries the mark of a replica.
    MarkedSource,
    /// The hub carried a step out, and the reason for it is there again.
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
