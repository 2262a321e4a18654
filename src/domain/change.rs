//! The changes of a plan, the outcomes of items, and the counts of outcomes.

/// The change that a step makes to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The replica does not exist.
    Create,
    /// Overwrites the value and the attributes.
    Update,
    /// Writes tags only.
    Retag,
    /// Deletes and creates the replica, because AWS offers no other way to make this change.
    Recreate,
    /// The source was deleted.
    Delete,
    /// The source is missing. A later sweep deletes the replica after the grace period.
    Tombstone,
    /// Asks Secrets Manager to replicate the secret.
    Replicate,
}

impl Change {
    /// The value of `change` in plans and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Retag => "retag",
            Self::Recreate => "recreate",
            Self::Delete => "delete",
            Self::Tombstone => "tombstone",
            Self::Replicate => "replicate",
        }
    }

    /// The outcome of an item after this change.
    pub const fn done(self) -> OutcomeKind {
        match self {
            Self::Create => OutcomeKind::Created,
            Self::Update => OutcomeKind::Updated,
            Self::Retag => OutcomeKind::Retagged,
            Self::Recreate => OutcomeKind::Recreated,
            Self::Delete => OutcomeKind::Deleted,
            Self::Tombstone => OutcomeKind::Tombstoned,
            Self::Replicate => OutcomeKind::Replicated,
        }
    }
}

/// The outcome of an item in one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeKind {
    /// Already equal.
    InSync,
    /// A new replica.
    Created,
    /// Value or attributes were overwritten.
    Updated,
    /// Only tags were written.
    Retagged,
    /// Deleted and created.
    Recreated,
    /// The hub overwrote a change that a different writer made in the target.
    Restored,
    /// The replica was deleted.
    Deleted,
    /// Has no source; a later sweep deletes it.
    Tombstoned,
    /// Would be deleted, but the brake holds the deletion back.
    Held,
    /// Secrets Manager replicates the secret now.
    Replicated,
    /// Not finished, or the source was changing. The next invocation continues.
    Pending,
    /// A parameter or secret that is not this route's replica holds the name in the target.
    Conflict,
    /// Excluded by the owner's tag.
    Excluded,
    /// Not in the settings' scope.
    OutOfScope,
    /// Not a source: a replica, service-owned, expired or scheduled for deletion. A note names each one that is not a
    /// replica.
    Skipped,
    /// Neither a source nor a replica exists.
    Absent,
    /// Not done. A failure gives the reason.
    Failed,
}

impl OutcomeKind {
    /// Every outcome, in the order of reports.
    pub const ALL: [Self; 17] = [
        Self::InSync,
        Self::Created,
        Self::Updated,
        Self::Retagged,
        Self::Recreated,
        Self::Restored,
        Self::Deleted,
        Self::Tombstoned,
        Self::Held,
        Self::Replicated,
        Self::Pending,
        Self::Conflict,
        Self::Excluded,
        Self::OutOfScope,
        Self::Skipped,
        Self::Absent,
        Self::Failed,
    ];

    /// The name in responses, tables and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Retagged => "retagged",
            Self::Recreated => "recreated",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
            Self::Tombstoned => "tombstoned",
            Self::Held => "held",
            Self::Replicated => "replicated",
            Self::Pending => "pending",
            Self::Conflict => "conflict",
            Self::Excluded => "excluded",
            Self::OutOfScope => "out_of_scope",
            Self::Skipped => "skipped",
            Self::Absent => "absent",
            Self::Failed => "failed",
        }
    }

    /// Whether the hub wrote something.
    pub const fn is_change(self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::Updated
                | Self::Retagged
                | Self::Recreated
                | Self::Restored
                | Self::Deleted
                | Self::Tombstoned
                | Self::Replicated
        )
    }
}

/// The number of items of one kind for each outcome. An item counts once for each target Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; OutcomeKind::ALL.len()]);

impl Counts {
    /// Adds `many` items.
    pub fn add(&mut self, kind: OutcomeKind, many: u64) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += many;
        }
    }

    /// The number of items with this outcome.
    pub fn get(&self, kind: OutcomeKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// The outcomes that occurred, in the order of reports.
    pub fn iter(&self) -> impl Iterator<Item = (OutcomeKind, u64)> + '_ {
        OutcomeKind::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Removes the items with this outcome and returns their number.
    pub fn take(&mut self, kind: OutcomeKind) -> u64 {
        self.0.get_mut(kind as usize).map_or(0, std::mem::take)
    }

    /// The number of all items.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
