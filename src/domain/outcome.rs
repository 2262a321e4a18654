//! What was done, counted and listed for one account.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Counts, OutcomeKind};
use super::conflict::ConflictClass;
use super::failure::{Cause, Failure, Subject};
use super::item::{Item, Kind};
use super::ledger::Ledger;
use super::location::{AccountId, Region};
use super::note::{Note, PENDING, PENDING_REMEDY};
use super::reason::Reason;
use super::timestamp::Timestamp;

/// One planned change of one replica, for `steps` in the response of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The target Region.
    pub region: Region,
    /// The item.
    pub item: Item,
    /// What is to be done.
    pub change: Change,
    /// Why.
    pub because: Vec<Reason>,
    /// What holds the name, where the step takes it over.
    pub class: Option<ConflictClass>,
}

/// A replica without a source, and from when on it may be deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TombstonedReplica {
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
    pub tombstones: Vec<TombstonedReplica>,
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
    /// The globs of `INCLUDE_NAMES`, by their places, that match the name of a source in a list.
    pub matched_includes: BTreeSet<usize>,
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
            tombstones: Vec::new(),
            pending: BTreeSet::new(),
            complete: true,
            left: false,
            notes: Vec::new(),
            ledger: Ledger::default(),
            changed: false,
            written_by: WrittenBy::default(),
            matched_includes: BTreeSet::new(),
        }
    }

    /// An account that nothing is known of: it is left to a later run.
    pub fn unfinished(account: AccountId) -> Self {
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
        self.tombstones.extend(other.tombstones);
        self.pending.extend(other.pending);
        self.complete &= other.complete;
        self.left |= other.left;
        self.notes.extend(other.notes);
        self.ledger.merge(other.ledger);
        self.changed |= other.changed;
        self.written_by.merge(&other.written_by);
        self.matched_includes.extend(other.matched_includes);
    }

    /// Whether the same work on `item`, tried again later, may well come to more: it is pending, or it failed for a
    /// reason that passes, or its account did.
    pub fn may_succeed_later(&self, item: &Item) -> bool {
        let passes = |failure: &Failure| match &failure.subject {
            Subject::Item(failed) => {
                failed.may_name_same_item(item) && failure.cause.kind.may_succeed_later()
            }
            Subject::Account | Subject::Hub => failure.cause.kind.may_succeed_later(),
        };
        self.pending.contains(item)
            || self.failures.iter().any(passes)
            || self.left
            || !self.complete && self.pending.is_empty()
    }

    /// Whether a failure is of `item`, or of the account as a whole.
    pub fn has_failure_of(&self, item: &Item) -> bool {
        self.failures.iter().any(|failure| match &failure.subject {
            Subject::Item(failed) => failed.may_name_same_item(item),
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
        assert!(outcome.may_succeed_later(&item("/a")) && !outcome.may_succeed_later(&item("/b")));
        let mut left = AccountOutcome::unfinished(outcome.account.clone());
        left.merge(outcome);
        assert!(left.may_succeed_later(&item("/a")) && left.may_succeed_later(&item("/b")));
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
