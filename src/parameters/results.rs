//! How each item ended in each target, until the account's outcome is made of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    AccountId, AccountOutcome, Cause, Change, ConflictClass, Counts, Failure, FailureKind, Item,
    Kind, Ledger, OutcomeKind, ParameterName, Reason, Region, Step, Subject, Timestamp,
    TombstonedReplica, WrittenBy,
};

use super::candidate::Candidate;
use crate::partial_counts;

/// How one item ended in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ItemResult {
    /// Something was done, and it counts as this.
    Counted(OutcomeKind),
    /// Nothing was to be done, and it counts as this.
    Left(OutcomeKind),
    /// Nothing was to be done, it counts as this, and this is why; it is no failure.
    Noted {
        /// What it counts as.
        outcome: OutcomeKind,
        /// Why.
        cause: Cause,
    },
    /// It counts as `failed` or `conflict`, and this is why.
    Failed {
        /// The Region in which to look.
        region: Region,
        /// Why.
        cause: Cause,
    },
    /// Something was done that counts as this, and a person is to know of it.
    Reported {
        /// What it counts as.
        outcome: OutcomeKind,
        /// The Region in which to look.
        region: Region,
        /// What is to be known.
        cause: Cause,
    },
    /// Only planned.
    Planned {
        /// What would be done.
        change: Change,
        /// Why.
        because: Vec<Reason>,
        /// What it takes over, where that is not owned.
        class: Option<ConflictClass>,
        /// What a person is to know of it: the brake holds the deletion back.
        reported: Option<Cause>,
    },
}

impl ItemResult {
    /// What it counts as; nothing where it is only planned.
    const fn outcome(&self) -> Option<OutcomeKind> {
        match self {
            Self::Counted(outcome)
            | Self::Left(outcome)
            | Self::Noted { outcome, .. }
            | Self::Reported { outcome, .. } => Some(*outcome),
            Self::Failed { cause, .. } => Some(match cause.kind {
                FailureKind::Conflict => OutcomeKind::Conflict,
                _ => OutcomeKind::Failed,
            }),
            Self::Planned { .. } => None,
        }
    }
}

/// The endings of one route's items. A later one replaces an earlier one, but neither finding
/// nothing left to do nor a second write hides what was done first.
#[derive(Debug, Default)]
pub(super) struct ItemResults {
    by_item: BTreeMap<(ParameterName, Region), ItemResult>,
    counts: Counts,
    wider: Vec<(Region, Cause)>,
    /// Replicas with a tombstone, and when it is due.
    tombstones: BTreeMap<(ParameterName, Region), Timestamp>,
    /// Who wrote the versions that the replicas' provenance names.
    pub(super) written_by: WrittenBy,
    /// What the list of a sweep showed, and what came to an outcome.
    ledger: Ledger,
    /// The globs of `INCLUDE_NAMES`, by their places, that match a source of the list.
    pub(super) matched_includes: BTreeSet<usize>,
}

impl ItemResults {
    /// Counts an item that needs no more said: most of a sweep's.
    pub(super) fn count(&mut self, outcome: OutcomeKind) {
        self.counts.add(outcome, 1);
    }

    /// How many items are only counted.
    pub(super) fn counted(&self) -> u64 {
        self.counts.total()
    }

    /// How all items ended that do not go round again.
    pub(super) fn outcomes(&self, retries: &Retries) -> Counts {
        let mut counts = self.counts.clone();
        for ((name, target), result) in &self.by_item {
            let goes_on = retries.get(name).is_some_and(|targets| targets.contains_key(target));
            if let Some(outcome) = result.outcome().filter(|_| !goes_on) {
                counts.add(outcome, 1);
            }
        }
        counts
    }

    /// Notes that a list showed so many sources for `target`, `by_lists` of which are counted already.
    pub(super) fn listed(&mut self, source: &Region, target: &Region, all: usize, by_lists: u64) {
        self.ledger.list(Kind::Parameter, source, target, all);
        self.ledger.end(Kind::Parameter, source, target, by_lists);
    }

    /// Counts all sources of a list as failed in a target that could not be listed; `cause` names it.
    pub(super) fn fail_target(&mut self, source: &Region, target: &Region, all: usize) {
        self.counts.add(OutcomeKind::Failed, all as u64);
        self.listed(source, target, all, all as u64);
    }

    /// Closes the books of a sweep: what stands in the list and has an ending of its own came to an outcome.
    pub(super) fn close(&mut self, source: &Region, is_listed: impl Fn(&ParameterName) -> bool) {
        for (name, target) in self.by_item.keys() {
            if is_listed(name) {
                self.ledger.end(Kind::Parameter, source, target, 1);
            }
        }
    }

    /// Notes that a replica has a tombstone.
    pub(super) fn wait(&mut self, name: &ParameterName, target: &Region, due: Timestamp) {
        self.tombstones.insert((name.clone(), target.clone()), due);
    }

    /// Notes how an item ended in `target`.
    pub(super) fn end(&mut self, name: &ParameterName, target: &Region, result: ItemResult) {
        let key = (name.clone(), target.clone());
        let stays = match (self.by_item.get(&key), &result) {
            (
                Some(ItemResult::Counted(done)),
                ItemResult::Left(OutcomeKind::InSync) | ItemResult::Noted { .. },
            ) => done.is_change(),
            (Some(ItemResult::Counted(OutcomeKind::Created)), ItemResult::Counted(later)) => {
                matches!(later, OutcomeKind::Updated | OutcomeKind::Retagged)
            }
            _ => false,
        };
        if !stays {
            self.by_item.insert(key, result);
        }
    }

    /// Takes a later round's endings in.
    pub(super) fn absorb(&mut self, later: Self) {
        self.counts.merge(&later.counts);
        self.wider.extend(later.wider);
        // What has a later end has no tombstone any more, unless that end says so.
        self.tombstones.retain(|item, _| !later.by_item.contains_key(item));
        self.tombstones.extend(later.tombstones);
        self.written_by.merge(&later.written_by);
        for ((name, target), result) in later.by_item {
            self.end(&name, &target, result);
        }
    }

    /// Notes a failure of an item; `region` is where to look.
    pub(super) fn fail(
        &mut self,
        name: &ParameterName,
        target: &Region,
        region: &Region,
        cause: Cause,
    ) {
        self.end(name, target, ItemResult::Failed { region: region.clone(), cause });
    }

    /// How an item ended in `target`, where it is not only counted.
    pub(super) fn of(&self, name: &ParameterName, target: &Region) -> Option<&ItemResult> {
        self.by_item.get(&(name.clone(), target.clone()))
    }

    /// Notes a failure of the account in `region`, which is no single item's.
    pub(super) fn fail_region(&mut self, region: &Region, cause: Cause) {
        self.wider.push((region.clone(), cause));
    }

    /// The account's outcome.
    pub(super) fn into_outcome(self, account: &AccountId) -> AccountOutcome {
        let mut outcome = AccountOutcome::new(account.clone());
        outcome.parameters = self.counts;
        outcome.written_by = self.written_by;
        outcome.ledger = self.ledger;
        outcome.matched_includes = self.matched_includes;
        let failure = |region, subject, cause| Failure {
            account: Some(account.clone()),
            region: Some(region),
            subject,
            cause,
        };
        let tombstone =
            |((name, region), due)| TombstonedReplica { due, region, item: Item::Parameter(name) };
        outcome.tombstones = self.tombstones.into_iter().map(tombstone).collect();
        for (region, cause) in self.wider {
            outcome.fail(failure(region, Subject::Account, cause));
        }
        for ((name, target), result) in self.by_item {
            let item = Item::Parameter(name);
            match result {
                ItemResult::Left(left) => outcome.leave(Kind::Parameter, left, 1),
                ItemResult::Counted(OutcomeKind::Pending) => {
                    outcome.count(Kind::Parameter, OutcomeKind::Pending);
                    outcome.complete = false;
                    outcome.pending(&target, item);
                }
                ItemResult::Counted(counted) => outcome.count(Kind::Parameter, counted),
                ItemResult::Noted { outcome: noted, cause } => {
                    outcome.leave(Kind::Parameter, noted, 1);
                    let remedy = cause.remedy().to_owned();
                    outcome.note(&target, item, noted, cause.message.into(), remedy.into());
                }
                ItemResult::Failed { region, cause } => {
                    let conflict = cause.kind == FailureKind::Conflict;
                    outcome.count(
                        Kind::Parameter,
                        if conflict { OutcomeKind::Conflict } else { OutcomeKind::Failed },
                    );
                    outcome.fail(failure(region, Subject::Item(item), cause));
                }
                ItemResult::Reported { outcome: counted, region, cause } => {
                    outcome.count(Kind::Parameter, counted);
                    outcome.fail(failure(region, Subject::Item(item), cause));
                }
                ItemResult::Planned { change, because, class, reported } => {
                    if let Some(cause) = reported {
                        let subject = Subject::Item(item.clone());
                        outcome.fail(failure(target.clone(), subject, cause));
                    }
                    outcome.steps.push(Step { region: target, item, change, because, class });
                }
            }
        }
        outcome
    }
}

/// Why an item goes round again.
#[derive(Clone, Debug)]
pub(super) enum RetryReason {
    /// What was read is not so any more, and nothing was written.
    Unwritten,
    /// Something was written for a source that moved meanwhile, so that what provenance says there proves nothing.
    Moved,
    /// Something may have been written: the answer of its write did not come.
    Unanswered(Cause),
}

/// Items to go round again, by target.
pub(super) type Retries = BTreeMap<ParameterName, BTreeMap<Region, RetryReason>>;

/// What came of one round of some items.
#[derive(Debug, Default)]
pub(super) struct PassResult {
    pub(super) results: ItemResults,
    pub(super) retries: Retries,
}

impl PassResult {
    /// A round that the deadline left no time for.
    pub(super) fn left(candidates: &[Candidate]) -> Self {
        let mut pass = Self::default();
        for candidate in candidates {
            for target in candidate.replicas.keys() {
                pass.results.end(
                    &candidate.name,
                    target,
                    ItemResult::Counted(OutcomeKind::Pending),
                );
            }
        }
        pass
    }

    /// Notes what ended in this round, should the deadline cut the account off.
    pub(super) fn note(&self) {
        partial_counts::note(Kind::Parameter, &self.results.outcomes(&self.retries));
    }

    pub(super) fn retry(&mut self, name: &ParameterName, target: &Region, why: RetryReason) {
        self.retries.entry(name.clone()).or_default().insert(target.clone(), why);
    }
}
