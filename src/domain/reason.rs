//! Why a step is planned: the words of `because` in plans.

use std::fmt;

/// A reason for a step. Reports show the words; code matches the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The target has no parameter of this name, or the secret has no replica there.
    Missing,
    /// The source has another version than the one that was copied.
    SourceVersion,
    /// The replica has another version than the one that the hub wrote.
    ReplicaVersion,
    /// An attribute, the key or the value override differs from what the hub sent last.
    Form,
    /// The values differ.
    Value,
    /// The replica's value cannot be read.
    Unreadable,
    /// The types differ.
    Type,
    /// The data types differ.
    DataType,
    /// The tiers differ.
    Tier,
    /// The KMS keys differ.
    Key,
    /// The descriptions differ.
    Description,
    /// The allowed patterns differ.
    Pattern,
    /// The parameter policies differ.
    Policies,
    /// The tags differ.
    Tags,
    /// The labels differ.
    Labels,
    /// A tag of the source overrides the value.
    Override,
    /// The source changed while its replica was written.
    Moved,
    /// The source returned, and the tombstone of the replica is removed.
    SourceReturned,
    /// The replica has no provenance yet.
    Provenance,
    /// A trusted writer wrote the replica, and the hub writes it once more.
    TakenOver,
    /// `ON_CONFLICT=adopt`: the parameter equals the source.
    Adopt,
    /// `hubctl resolve --take source` overwrites what holds the name.
    Conflict,
    /// `ON_TARGET_CHANGE=restore` overwrites a change in the target.
    ChangedInTarget,
    /// The source is gone.
    SourceGone,
    /// The tag `failover-replicator=remove` is on the source.
    RemoveTag,
    /// The replica left the scope of the settings.
    OutOfScope,
    /// The word `default` in `EXCLUDE_NAMES` excludes the name.
    ExcludedByDefault,
    /// A command releases the replica.
    Release,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 28] = [
        Self::Missing,
        Self::SourceVersion,
        Self::ReplicaVersion,
        Self::Form,
        Self::Value,
        Self::Unreadable,
        Self::Type,
        Self::DataType,
        Self::Tier,
        Self::Key,
        Self::Description,
        Self::Pattern,
        Self::Policies,
        Self::Tags,
        Self::Labels,
        Self::Override,
        Self::Moved,
        Self::SourceReturned,
        Self::Provenance,
        Self::TakenOver,
        Self::Adopt,
        Self::Conflict,
        Self::ChangedInTarget,
        Self::SourceGone,
        Self::RemoveTag,
        Self::OutOfScope,
        Self::ExcludedByDefault,
        Self::Release,
    ];

    /// The word in plans.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::SourceVersion => "source_version",
            Self::ReplicaVersion => "replica_version",
            Self::Form => "form",
            Self::Value => "value",
            Self::Unreadable => "unreadable",
            Self::Type => "type",
            Self::DataType => "data_type",
            Self::Tier => "tier",
            Self::Key => "key",
            Self::Description => "description",
            Self::Pattern => "pattern",
            Self::Policies => "policies",
            Self::Tags => "tags",
            Self::Labels => "labels",
            Self::Override => "override",
            Self::Moved => "moved",
            Self::SourceReturned => "source_returned",
            Self::Provenance => "provenance",
            Self::TakenOver => "taken_over",
            Self::Adopt => "adopt",
            Self::Conflict => "conflict",
            Self::ChangedInTarget => "changed_in_target",
            Self::SourceGone => "source_gone",
            Self::RemoveTag => "remove_tag",
            Self::OutOfScope => "out_of_scope",
            Self::ExcludedByDefault => "excluded_by_default",
            Self::Release => "release",
        }
    }

    /// The words of several reasons, with commas between.
    pub fn list(reasons: &[Self]) -> String {
        let words: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
        words.join(", ")
    }

    /// The names of attributes in a sentence: `type, data type`.
    pub fn attributes(reasons: &[Self]) -> String {
        Self::list(reasons).replace('_', " ")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_word_and_stands_in_the_list_once() {
        let words: std::collections::BTreeSet<_> =
            Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        assert_eq!(Reason::attributes(&[Reason::Type, Reason::DataType]), "type, data type");
    }
}
