//! What a step does to a replica, what an item counts as, and the counts.

/// What a step does to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Nothing was there.
    Create,
    /// Value and attributes are written over.
    Update,
    /// Only tags are written.
    Retag,
    /// Deleted and created, since AWS changes this in no other way.
    Recreate,
    /// Its source is gone.
    Delete,
    /// Its source is gone; it is deleted when its grace period is over.
    Tombstone,
    /// Secrets Manager is asked to replicate.
    Replicate,
}

impl Change {
    /// The word in plans and logs.
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

    /// What an item counts as once the change is done.
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

/// How an item ended in one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeKind {
    /// Equal already.
    InSync,
    /// Written for the first time.
    Created,
    /// Written over.
    Updated,
    /// Tags written.
    Retagged,
    /// Deleted and written again.
    Recreated,
    /// Written over a change that another writer made in the target.
    Restored,
    /// Deleted.
    Deleted,
    /// Marked for deletion.
    Tombstoned,
    /// To be deleted, and kept: a brake holds the deletion back.
    Held,
    /// Managed replication was turned on.
    Replicated,
    /// Under way, or moving under our hands; looked at again by the next invocation.
    Pending,
    /// Held in the target by something that is not this route's replica.
    Conflict,
    /// Taken out by its owner's tag.
    Excluded,
    /// Out of the settings' scope.
    OutOfScope,
    /// Not a source: a replica itself, service-owned, expired or being deleted. What is no replica is named in a note.
    Skipped,
    /// Nowhere: neither a source nor a replica of one.
    Absent,
    /// Not done; a failure says why.
    Failed,
}

impl OutcomeKind {
    /// Every kind, in the order in which reports show them.
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

    /// The word in responses and tables.
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

    /// Whether something was written.
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

/// How many items of one kind ended in which way. An item counts once for each target Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; OutcomeKind::ALL.len()]);

impl Counts {
    /// Counts `many` more.
    pub fn add(&mut self, kind: OutcomeKind, many: u64) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += many;
        }
    }

    /// How many ended so.
    pub fn get(&self, kind: OutcomeKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// Takes `other`'s counts in.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// The kinds that occurred, in the order in which reports show them.
    pub fn iter(&self) -> impl Iterator<Item = (OutcomeKind, u64)> + '_ {
        OutcomeKind::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Takes a kind out, and returns how many there were of it.
    pub fn take(&mut self, kind: OutcomeKind) -> u64 {
        self.0.get_mut(kind as usize).map_or(0, std::mem::take)
    }

    /// How many items in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
