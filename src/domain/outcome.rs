//! What was done, counted and listed for one account.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::clock::Timestamp;
use super::conflict::ConflictClass;
use super::failure::{Cause, Failure, Subject};
use super::item::{Item, Kind};
use super::ledger::Ledger;
use super::note::{Note, PENDING, PENDING_REMEDY};
use super::place::{AccountId, Region};

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

/// One planned change of one replica, for `steps` in the response of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The target Region.
    pub region: Region,
    /// The item.
    pub item: Item,
    /// What is to be done.
    pub change: Change,
    /// Why, in words such as `value`, `tags`, `missing`.
    pub because: Vec<&'static str>,
    /// What holds the name, where the step takes it over.
    pub class: Option<ConflictClass>,
}

/// A replica without a source, and from when on it may be deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// From this time on.
    pub due: Timestamp,
    /// The target Region.
    pub region: Region,
    /// The item.
    pub item: Item,
}

/// Who wrote the versions that the provenance of an account's replicas names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenBy {
    /// The hub.
    pub hub: u64,
    /// Roles that `REPLICATOR_TRUSTED_WRITERS` names: these replicas depend on that setting.
    pub trusted: u64,
    /// Other roles, by name: these replicas are not owned.
    pub others: BTreeMap<String, u64>,
}

impl WrittenBy {
    /// Takes `other`'s counts in.
    pub fn merge(&mut self, other: &Self) {
        let Self { hub, trusted, others } = other;
        self.hub += hub;
        self.trusted += trusted;
        for (role, many) in others {
            *self.others.entry(role.clone()).or_default() += many;
        }
    }

    /// The one other role that wrote more than half of all, and how many of how many.
    pub fn most_by_one_other_role(&self) -> Option<(&str, u64, u64)> {
        let all = self.hub + self.trusted + self.others.values().sum::<u64>();
        let (role, many) = self.others.iter().max_by_key(|(_, many)| **many)?;
        (*many * 2 > all).then_some((role, *many, all))
    }
}

/// All that came of one account's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOutcome {
    /// The account.
    pub account: AccountId,
    /// Parameters by how they ended.
    pub parameters: Counts,
    /// Secrets by how they ended.
    pub secrets: Counts,
    /// What failed, conflicts among it.
    pub failures: Vec<Failure>,
    /// What a plan would do; empty where it was done.
    pub steps: Vec<Step>,
    /// The replicas that have a tombstone.
    pub waiting: Vec<Waiting>,
    /// Items that still moved under our hands when time or patience was over; a later run is to look at them.
    pub pending: BTreeSet<Item>,
    /// Whether everything asked for was looked at; false when the deadline or a moving source left something.
    pub complete: bool,
    /// Whether the deadline left something that `pending` does not name.
    pub left: bool,
    /// What a person is to know of though nothing failed.
    pub notes: Vec<Note>,
    /// The sources that lists showed, and those of them that came to an outcome.
    pub ledger: Ledger,
    /// Whether something was written.
    pub changed: bool,
    /// Who wrote the replicas, where a list showed all of them.
    pub written_by: WrittenBy,
}

impl AccountOutcome {
    /// Nothing yet.
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            parameters: Counts::default(),
            secrets: Counts::default(),
            failures: Vec::new(),
            steps: Vec::new(),
            waiting: Vec::new(),
            pending: BTreeSet::new(),
            complete: true,
            left: false,
            notes: Vec::new(),
            ledger: Ledger::default(),
            changed: false,
            written_by: WrittenBy::default(),
        }
    }

    /// An account that nothing is known of: it is left to a later run.
    pub fn unlooked(account: AccountId) -> Self {
        Self { complete: false, left: true, ..Self::new(account) }
    }

    /// Counts one item's end in one target.
    pub fn count(&mut self, kind: Kind, outcome: OutcomeKind) {
        self.count_all(kind, outcome, 1);
    }

    /// Counts `many` items' end in one target.
    pub fn count_all(&mut self, kind: Kind, outcome: OutcomeKind, many: u64) {
        self.leave(kind, outcome, many);
        self.changed |= outcome.is_change();
    }

    /// Counts `many` items for which nothing was to be done.
    pub fn leave(&mut self, kind: Kind, outcome: OutcomeKind, many: u64) {
        let counts = match kind {
            Kind::Parameter => &mut self.parameters,
            Kind::Secret => &mut self.secrets,
        };
        counts.add(outcome, many);
    }

    /// Names an item that is still under way in `target`, and is counted so.
    pub fn pending(&mut self, target: &Region, item: Item) {
        let (message, remedy) = (PENDING.into(), PENDING_REMEDY.into());
        self.note(target, item.clone(), OutcomeKind::Pending, message, remedy);
        self.pending.insert(item);
    }

    /// Names an item that is counted as `outcome`, with the reason and the remedy.
    pub fn note(
        &mut self,
        region: &Region,
        item: Item,
        outcome: OutcomeKind,
        message: Cow<'static, str>,
        remedy: Cow<'static, str>,
    ) {
        self.notes.push(Note {
            account: Some(self.account.clone()),
            region: Some(region.clone()),
            subject: Subject::Item(item),
            outcome: Some(outcome),
            message,
            remedy,
        });
    }

    /// Reports each difference between the sources that were listed and the outcomes that they came to.
    pub fn audit(&mut self) {
        let account = Some(self.account.clone());
        let failure = |(region, cause): (&Region, Cause)| Failure {
            account: account.clone(),
            region: Some(region.clone()),
            subject: Subject::Account,
            cause,
        };
        let found: Vec<Failure> = self.ledger.differences().map(failure).collect();
        self.failures.extend(found);
    }

    /// Keeps a failure, once: what fails at the source would otherwise be told once for each target.
    pub fn fail(&mut self, failure: Failure) {
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }

    /// Takes another part of the same account's work in.
    pub fn merge(&mut self, other: Self) {
        self.parameters.merge(&other.parameters);
        self.secrets.merge(&other.secrets);
        for failure in other.failures {
            self.fail(failure);
        }
        self.steps.extend(other.steps);
        self.waiting.extend(other.waiting);
        self.pending.extend(other.pending);
        self.complete &= other.complete;
        self.left |= other.left;
        self.notes.extend(other.notes);
        self.ledger.merge(other.ledger);
        self.changed |= other.changed;
        self.written_by.merge(&other.written_by);
    }

    /// Whether the same work on `item`, tried again later, may well come to more: it is pending, or it failed for a
    /// reason that passes, or its account did.
    pub fn may_pass_later(&self, item: &Item) -> bool {
        let passes = |failure: &Failure| match &failure.subject {
            Subject::Item(failed) => failed.is_or_may_be(item) && failure.cause.kind.may_pass(),
            Subject::Account | Subject::Hub => failure.cause.kind.may_pass(),
        };
        self.pending.contains(item)
            || self.failures.iter().any(passes)
            || self.left
            || !self.complete && self.pending.is_empty()
    }

    /// Whether a failure is of `item`, or of the account as a whole.
    pub fn tells_of(&self, item: &Item) -> bool {
        self.failures.iter().any(|failure| match &failure.subject {
            Subject::Item(failed) => failed.is_or_may_be(item),
            Subject::Account | Subject::Hub => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::ParameterName;
    use super::*;

    fn item(name: &str) -> Item {
        Item::Parameter(ParameterName::new(name))
    }

    fn region(name: &str) -> Region {
        Region::parse(name).expect("a Region")
    }

    fn outcome() -> AccountOutcome {
        AccountOutcome::new(AccountId::parse("111122223333").expect("an account"))
    }

    #[test]
    fn what_the_deadline_left_may_pass_later_beside_a_pending_item_too() {
        let mut outcome = outcome();
        outcome.pending(&region("us-east-1"), item("/a"));
        outcome.complete = false;
        assert!(outcome.may_pass_later(&item("/a")) && !outcome.may_pass_later(&item("/b")));
        let mut left = AccountOutcome::unlooked(outcome.account.clone());
        left.merge(outcome);
        assert!(left.may_pass_later(&item("/a")) && left.may_pass_later(&item("/b")));
        assert_eq!(left.notes.len(), 1);
    }

    #[test]
    fn a_source_without_an_outcome_is_an_internal_error_of_its_account() {
        let (source, target) = (region("us-east-2"), region("us-east-1"));
        let mut outcome = outcome();
        outcome.ledger.list(Kind::Parameter, &source, &target, 2);
        outcome.ledger.end(Kind::Parameter, &source, &target, 2);
        outcome.audit();
        assert_eq!(outcome.failures, []);
        outcome.ledger.list(Kind::Parameter, &source, &target, 1);
        outcome.audit();
        let [failure] = outcome.failures.as_slice() else { panic!("{:?}", outcome.failures) };
        assert_eq!(failure.account.as_ref(), Some(&outcome.account));
        assert_eq!((&failure.region, &failure.subject), (&Some(target), &Subject::Account));
        assert!(
            failure.cause.message.contains("3 parameters")
                && failure.cause.message.contains("2 of them")
        );
    }
}
