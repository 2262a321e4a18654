//! The outcome of one account: counts, failures, steps, tombstones and notes. The report adds up the accounts.

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
use super::route_state::{RoutePair, Withheld};
use super::timestamp::Timestamp;

/// One planned change of one replica, for `steps` in the response of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The target Region.
    pub region: Region,
    /// The parameter or secret.
    pub item: Item,
    /// The change to the replica.
    pub change: Change,
    /// The reasons of the step.
    pub because: Vec<Reason>,
    /// What holds the name, if the step takes it over.
    pub class: Option<ConflictClass>,
}

/// A replica without a source. A sweep deletes it after the due date, unless the source returns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TombstonedReplica {
    /// The earliest time of the deletion.
    pub due: Timestamp,
    /// The target Region.
    pub region: Region,
    /// The parameter.
    pub item: Item,
}

/// The numbers of an account's replicas by the writer of the version that provenance names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenBy {
    /// Written by the hub.
    pub hub: u64,
    /// Written by a role in `REPLICATOR_TRUSTED_WRITERS`: these replicas depend on that setting.
    pub trusted: u64,
    /// Written by a different role, by the role's name: the hub does not own these replicas.
    pub others: BTreeMap<String, u64>,
}

impl WrittenBy {
    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        let Self { hub, trusted, others } = other;
        self.hub += hub;
        self.trusted += trusted;
        for (role, many) in others {
            *self.others.entry(role.clone()).or_default() += many;
        }
    }

    /// The different role that wrote more than half of the replicas, with the number of its replicas and of all replicas.
    pub fn most_by_one_other_role(&self) -> Option<(&str, u64, u64)> {
        let all = self.hub + self.trusted + self.others.values().sum::<u64>();
        let (role, many) = self.others.iter().max_by_key(|(_, many)| **many)?;
        (*many * 2 > all).then_some((role, *many, all))
    }
}

/// The outcome of one account's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOutcome {
    /// `111122223333`.
    pub account: AccountId,
    /// Parameters by outcome.
    pub parameters: Counts,
    /// Secrets by outcome.
    pub secrets: Counts,
    /// Failures, including conflicts.
    pub failures: Vec<Failure>,
    /// The steps of a plan; empty in a run that writes.
    pub steps: Vec<Step>,
    /// Replicas without a source.
    pub tombstones: Vec<TombstonedReplica>,
    /// Items that were still changing after the last pass or at the deadline. A later run continues with them.
    pub pending: BTreeSet<Item>,
    /// Whether the run looked at every requested item; false if the deadline or a changing source left some.
    pub complete: bool,
    /// Whether the deadline left items that `pending` does not name.
    pub left: bool,
    /// What the report names although nothing failed.
    pub notes: Vec<Note>,
    /// Listed sources and sources with an outcome.
    pub ledger: Ledger,
    /// Whether the run wrote something.
    pub changed: bool,
    /// The writers of the replicas, if a list showed all replicas.
    pub written_by: WrittenBy,
    /// The indexes of the globs of `REPLICATOR_INCLUDE_NAMES` that match a listed source.
    pub matched_includes: BTreeSet<usize>,
    /// The routes that this run left alone or only planned, because they are not active.
    pub withheld: BTreeMap<RoutePair, Withheld>,
    /// The named items of these routes.
    pub held: Vec<(RoutePair, Item)>,
}

impl AccountOutcome {
    /// An outcome without any item.
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
            withheld: BTreeMap::new(),
            held: Vec::new(),
        }
    }

    /// An account that the run did not finish and whose items are unknown. A later run continues with it.
    pub fn unfinished(account: AccountId) -> Self {
        Self { complete: false, left: true, ..Self::new(account) }
    }

    /// Counts the outcome of one item in one target.
    pub fn count(&mut self, kind: Kind, outcome: OutcomeKind) {
        self.count_all(kind, outcome, 1);
    }

    /// Counts the outcome of `many` items in one target.
    pub fn count_all(&mut self, kind: Kind, outcome: OutcomeKind, many: u64) {
        self.leave(kind, outcome, many);
        self.changed |= outcome.is_change();
    }

    /// Counts `many` items that this run did not change, whatever their outcome says.
    pub fn leave(&mut self, kind: Kind, outcome: OutcomeKind, many: u64) {
        let counts = match kind {
            Kind::Parameter => &mut self.parameters,
            Kind::Secret => &mut self.secrets,
        };
        counts.add(outcome, many);
    }

    /// Adds a note for an item that is counted as pending in `target`.
    pub fn pending(&mut self, target: &Region, item: Item) {
        let (message, remedy) = (PENDING.into(), PENDING_REMEDY.into());
        self.note(target, item.clone(), OutcomeKind::Pending, message, remedy);
        self.pending.insert(item);
    }

    /// Adds a note for an item that is counted as `outcome`.
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

    /// Adds a failure for each difference between listed sources and sources with an outcome.
    pub fn audit(&mut self) {
        let failure = |(region, cause): (&Region, Cause)| {
            Failure::of_account(&self.account, cause).in_region(region)
        };
        let found: Vec<Failure> = self.ledger.differences().map(failure).collect();
        self.failures.extend(found);
    }

    /// Adds a failure once. A failure at the source would otherwise appear once for each target.
    pub fn fail(&mut self, failure: Failure) {
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }

    /// Adds the outcome of a different part of the same account.
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
        self.withheld.extend(other.withheld);
        self.held.extend(other.held);
    }

    /// Whether the same work on `item` may succeed later: the item is pending, or the item or its account failed for a
    /// temporary reason.
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

    /// Whether `item` or the account as a whole failed.
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
    fn items_that_the_deadline_left_may_succeed_later_beside_a_pending_item() {
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
    fn a_source_without_an_outcome_is_an_internal_error_of_the_account() {
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
