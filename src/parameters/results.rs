//! The result of each item in each target, and how an account's outcome is made from these results.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    AccountId, AccountOutcome, Cause, Change, ConflictClass, Counts, Failure, FailureKind, Item,
    Kind, Ledger, OutcomeKind, ParameterName, Reason, Region, Step, Timestamp, TombstonedReplica,
    WrittenBy,
};

use super::candidate::Candidate;
use crate::partial_counts;

/// The result of one item in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ItemResult {
    /// The hub changed something.
    Counted(OutcomeKind),
    /// Nothing to do.
    Unchanged(OutcomeKind),
    /// Nothing to do; the report gives the reason, which is not a failure.
    Noted { outcome: OutcomeKind, cause: Cause },
    /// A failure, or a conflict if the cause is one; `region` is the Region in which the operator must look.
    Failed { region: Region, cause: Cause },
    /// The hub changed something that a person must know of.
    Reported { outcome: OutcomeKind, region: Region, cause: Cause },
    /// A step that a plan shows.
    Planned {
        change: Change,
        because: Vec<Reason>,
        /// The conflict that the step resolves, if the replica is not owned.
        class: Option<ConflictClass>,
        /// Why the brake delays the deletion.
        reported: Option<Cause>,
    },
}

impl ItemResult {
    /// The outcome to count; `None` for a planned step.
    const fn outcome(&self) -> Option<OutcomeKind> {
        match self {
            Self::Counted(outcome)
            | Self::Unchanged(outcome)
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

/// The results of one route's items. A later result replaces an earlier one, with two exceptions: `in_sync` after a change
/// keeps the change, and an update of a new replica keeps `created`.
#[derive(Debug, Default)]
pub(super) struct ItemResults {
    by_item: BTreeMap<(ParameterName, Region), ItemResult>,
    counts: Counts,
    region_failures: Vec<(Region, Cause)>,
    /// The due dates of tombstones.
    tombstones: BTreeMap<(ParameterName, Region), Timestamp>,
    /// The writers of the versions that provenance names.
    pub(super) written_by: WrittenBy,
    /// The sources that a sweep listed, and how many of them have an outcome.
    ledger: Ledger,
    /// The positions of the `INCLUDE_NAMES` globs that match a listed source.
    pub(super) matched_includes: BTreeSet<usize>,
}

impl ItemResults {
    /// Counts an item without naming it, as for most items of a sweep.
    pub(super) fn count(&mut self, outcome: OutcomeKind) {
        self.counts.add(outcome, 1);
    }

    /// The number of items that [`Self::count`] has counted.
    pub(super) fn counted(&self) -> u64 {
        self.counts.total()
    }

    /// The outcomes of all items except those in `retries`.
    pub(super) fn outcomes(&self, retries: &Retries) -> Counts {
        let mut counts = self.counts.clone();
        for ((name, target), result) in &self.by_item {
            let retried = retries.get(name).is_some_and(|targets| targets.contains_key(target));
            if let Some(outcome) = result.outcome().filter(|_| !retried) {
                counts.add(outcome, 1);
            }
        }
        counts
    }

    /// Records that a list shows `all` sources for `target`, of which `counted` have an outcome.
    pub(super) fn record_list(
        &mut self,
        source: &Region,
        target: &Region,
        all: usize,
        counted: u64,
    ) {
        self.ledger.list(Kind::Parameter, source, target, all);
        self.ledger.end(Kind::Parameter, source, target, counted);
    }

    /// Counts all listed sources as failed in a target that could not be listed.
    pub(super) fn fail_target(&mut self, source: &Region, target: &Region, all: usize) {
        self.counts.add(OutcomeKind::Failed, all as u64);
        self.record_list(source, target, all, all as u64);
    }

    /// Completes the ledger of a sweep with the listed items that have a named result.
    pub(super) fn close_ledger(
        &mut self,
        source: &Region,
        is_listed: impl Fn(&ParameterName) -> bool,
    ) {
        for (name, target) in self.by_item.keys() {
            if is_listed(name) {
                self.ledger.end(Kind::Parameter, source, target, 1);
            }
        }
    }

    pub(super) fn add_tombstone(&mut self, name: &ParameterName, target: &Region, due: Timestamp) {
        self.tombstones.insert((name.clone(), target.clone()), due);
    }

    pub(super) fn record(&mut self, name: &ParameterName, target: &Region, result: ItemResult) {
        let key = (name.clone(), target.clone());
        let keeps_earlier = match (self.by_item.get(&key), &result) {
            (
                Some(ItemResult::Counted(done)),
                ItemResult::Unchanged(OutcomeKind::InSync) | ItemResult::Noted { .. },
            ) => done.is_change(),
            (Some(ItemResult::Counted(OutcomeKind::Created)), ItemResult::Counted(later)) => {
                matches!(later, OutcomeKind::Updated | OutcomeKind::Retagged)
            }
            _ => false,
        };
        if !keeps_earlier {
            self.by_item.insert(key, result);
        }
    }

    /// Merges the results of a later pass.
    pub(super) fn absorb(&mut self, later: Self) {
        self.counts.merge(&later.counts);
        self.region_failures.extend(later.region_failures);
        // A later result replaces the tombstone too.
        self.tombstones.retain(|item, _| !later.by_item.contains_key(item));
        self.tombstones.extend(later.tombstones);
        self.written_by.merge(&later.written_by);
        for ((name, target), result) in later.by_item {
            self.record(&name, &target, result);
        }
    }

    /// Records a failure of an item; `region` is the Region in which the operator must look.
    pub(super) fn fail(
        &mut self,
        name: &ParameterName,
        target: &Region,
        region: &Region,
        cause: Cause,
    ) {
        self.record(name, target, ItemResult::Failed { region: region.clone(), cause });
    }

    /// The result of an item; `None` if the item was only counted.
    pub(super) fn get(&self, name: &ParameterName, target: &Region) -> Option<&ItemResult> {
        self.by_item.get(&(name.clone(), target.clone()))
    }

    /// Records a failure that affects the whole account in `region`.
    pub(super) fn fail_region(&mut self, region: &Region, cause: Cause) {
        self.region_failures.push((region.clone(), cause));
    }

    pub(super) fn into_outcome(self, account: &AccountId) -> AccountOutcome {
        let mut outcome = AccountOutcome::new(account.clone());
        outcome.parameters = self.counts;
        outcome.written_by = self.written_by;
        outcome.ledger = self.ledger;
        outcome.matched_includes = self.matched_includes;
        let tombstone =
            |((name, region), due)| TombstonedReplica { due, region, item: Item::Parameter(name) };
        outcome.tombstones = self.tombstones.into_iter().map(tombstone).collect();
        for (region, cause) in self.region_failures {
            outcome.fail(Failure::of_account(account, cause).in_region(&region));
        }
        for ((name, target), result) in self.by_item {
            let item = Item::Parameter(name);
            match result {
                ItemResult::Unchanged(left) => outcome.leave(Kind::Parameter, left, 1),
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
                    outcome.count(Kind::Parameter, cause.outcome());
                    outcome.fail(Failure::of_item(account, item, cause).in_region(&region));
                }
                ItemResult::Reported { outcome: counted, region, cause } => {
                    outcome.count(Kind::Parameter, counted);
                    outcome.fail(Failure::of_item(account, item, cause).in_region(&region));
                }
                ItemResult::Planned { change, because, class, reported } => {
                    if let Some(cause) = reported {
                        let failure = Failure::of_item(account, item.clone(), cause);
                        outcome.fail(failure.in_region(&target));
                    }
                    outcome.steps.push(Step { region: target, item, change, because, class });
                }
            }
        }
        outcome
    }
}

/// Why an item goes through another pass.
#[derive(Clone, Debug)]
pub(super) enum RetryReason {
    /// Something changed since it was read, and nothing was written.
    Unwritten,
    /// The source changed during the write, so the new provenance of the replica does not prove parity.
    Moved,
    /// The answer of the write was lost; AWS may have carried out the write.
    Unanswered(Cause),
}

/// The items that need another pass, by target.
pub(super) type Retries = BTreeMap<ParameterName, BTreeMap<Region, RetryReason>>;

/// The results of one pass over some items.
#[derive(Debug, Default)]
pub(super) struct PassResult {
    pub(super) results: ItemResults,
    pub(super) retries: Retries,
}

impl PassResult {
    /// The result of a pass that the deadline left no time for: everything is pending.
    pub(super) fn pending(candidates: &[Candidate]) -> Self {
        let mut pass = Self::default();
        for candidate in candidates {
            for target in candidate.replicas.keys() {
                pass.results.record(
                    &candidate.name,
                    target,
                    ItemResult::Counted(OutcomeKind::Pending),
                );
            }
        }
        pass
    }

    /// Adds the outcomes to the tally that is reported if the deadline cuts the account off.
    pub(super) fn note(&self) {
        partial_counts::add(Kind::Parameter, &self.results.outcomes(&self.retries));
    }

    pub(super) fn retry(&mut self, name: &ParameterName, target: &Region, why: RetryReason) {
        self.retries.entry(name.clone()).or_default().insert(target.clone(), why);
    }
}
