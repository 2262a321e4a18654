//! The response: the result of a run, before it becomes JSON, a table or a digest.

use std::collections::BTreeMap;

use crate::domain::{AccountId, Change, Counts, Failure, Note, Region, Step, TombstonedReplica};
use crate::ownership::Fingerprint;

use super::status::Status;
use super::withheld::RouteNotActive;

/// Totals over all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    accounts: [u64; Status::ALL.len()],
    /// Parameters by outcome, once for each target.
    pub parameters: Counts,
    /// Secrets by outcome, once for each target.
    pub secrets: Counts,
    /// Replicas that depend on `REPLICATOR_TRUSTED_WRITERS`.
    pub trusted_writers: u64,
    /// The steps of a plan by target and change; `None` in a run that writes.
    pub planned: Option<BTreeMap<Region, BTreeMap<Change, u64>>>,
}

impl Totals {
    /// Counts one account.
    pub(super) fn count(&mut self, status: Status, parameters: &Counts, secrets: &Counts) {
        if let Some(count) = self.accounts.get_mut(status as usize) {
            *count += 1;
        }
        self.parameters.merge(parameters);
        self.secrets.merge(secrets);
    }

    /// Counts one step of a plan.
    pub(super) fn plan(&mut self, step: &Step) {
        let region = self.planned.get_or_insert_default().entry(step.region.clone()).or_default();
        *region.entry(step.change).or_default() += 1;
    }

    /// The statuses that occurred, from the best to the worst, with the numbers of accounts.
    pub fn accounts(&self) -> impl Iterator<Item = (Status, u64)> + '_ {
        Status::ALL.into_iter().zip(self.accounts).filter(|(_, count)| *count > 0)
    }
}

/// An account that is not in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// `111122223333`.
    pub account: AccountId,
    /// The account's status.
    pub status: Status,
    /// Parameters by outcome.
    pub parameters: Counts,
    /// Secrets by outcome.
    pub secrets: Counts,
}

/// A step of a plan, with its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlannedStep {
    /// `111122223333`.
    pub account: AccountId,
    /// The change to one replica.
    pub step: Step,
}

/// A replica with a tombstone, with its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TombstoneLine {
    /// The replica and the due date.
    pub replica: TombstonedReplica,
    /// `111122223333`.
    pub account: AccountId,
}

/// The result of a run. `Serialize` gives the answer of the Lambda, cut to [`RESPONSE_LIMIT`](super::RESPONSE_LIMIT).
/// The fields hold more entries, and [`whole`](Self::whole) serialises all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct Response {
    /// The worst status of any account or failure.
    pub status: Status,
    /// Totals over all accounts.
    pub totals: Totals,
    /// The accounts not in sync, by id, except those that only `remaining` lists.
    pub accounts: Vec<AccountLine>,
    /// Sorted by account, kind, Region and name; failures of the hub first.
    pub failures: Vec<Failure>,
    /// The number of failures that were not kept.
    pub failures_dropped: u64,
    /// The steps of a plan, by account and Region; `None` in a run that writes.
    pub steps: Option<Vec<PlannedStep>>,
    /// The number of steps that were not kept.
    pub steps_dropped: u64,
    /// The id of a plan that can be carried out by its id.
    pub plan_id: Option<Fingerprint>,
    /// Sorted by account, Region and name.
    pub notes: Vec<Note>,
    /// The number of notes that were not kept.
    pub notes_dropped: u64,
    /// The routes that the run left alone or only planned.
    pub routes_not_active: Vec<RouteNotActive>,
    /// Replicas without a source, by due date. [`Totals`] counts all of them.
    pub tombstones: Vec<TombstoneLine>,
    /// Whether a signal stopped the run.
    pub stopped: bool,
    /// Accounts that are not finished. A run of these accounts continues with them.
    pub remaining: Vec<AccountId>,
    /// Whether the brake held deletions back in any failure, kept or not.
    pub(super) held_back: bool,
    /// Whether any failure, kept or not, is an internal error.
    pub(super) internal_error: bool,
    /// Whether a later run has work left that needs no correction.
    pub(super) unfinished: bool,
}
