//! The response: what a run tells about itself, before it is fitted into JSON, a table or a digest.

use std::collections::BTreeMap;

use crate::domain::{AccountId, Change, Counts, Failure, Note, Region, Step, TombstonedReplica};
use crate::ownership::Fingerprint;

use super::status::Status;

/// Sums over all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    accounts: [u64; Status::ALL.len()],
    /// Parameters by how they ended; one counts once for each target.
    pub parameters: Counts,
    /// Secrets by how they ended; one counts once for each target.
    pub secrets: Counts,
    /// Replicas that depend on `REPLICATOR_TRUSTED_WRITERS`.
    pub trusted_writers: u64,
    /// What a plan would do in each target, over all its steps; `None` where the run was no plan.
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

    /// The statuses that occurred, from the best to the worst, and how many accounts ended so.
    pub fn accounts(&self) -> impl Iterator<Item = (Status, u64)> + '_ {
        Status::ALL.into_iter().zip(self.accounts).filter(|(_, count)| *count > 0)
    }
}

/// An account that is not in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// The account.
    pub account: AccountId,
    /// How it ended.
    pub status: Status,
    /// Its parameters by how they ended.
    pub parameters: Counts,
    /// Its secrets by how they ended.
    pub secrets: Counts,
}

/// A step of a plan, with its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlannedStep {
    /// The account.
    pub account: AccountId,
    /// The step.
    pub step: Step,
}

/// A replica with a tombstone, with its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TombstoneLine {
    /// When it is due, where, and what it is.
    pub replica: TombstonedReplica,
    /// The account.
    pub account: AccountId,
}

/// What came of a run. It serialises as the JSON that the Lambda answers, cut to [`RESPONSE_LIMIT`](super::RESPONSE_LIMIT);
/// the fields themselves hold more, and [`whole`](Self::whole) shows all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Response {
    /// The worst that happened.
    pub status: Status,
    /// Sums over all accounts.
    pub totals: Totals,
    /// The accounts not in sync, by id, save those that `remaining` alone tells of.
    pub accounts: Vec<AccountLine>,
    /// Failures by account, kind, Region and name.
    pub failures: Vec<Failure>,
    /// Failures that were counted but not kept.
    pub failures_dropped: u64,
    /// What a plan would do, by account and Region; `None` where the run was no plan.
    pub steps: Option<Vec<PlannedStep>>,
    /// Steps that were counted but not kept.
    pub steps_dropped: u64,
    /// The id of the plan, where one can be carried out by its id.
    pub plan_id: Option<Fingerprint>,
    /// What is named though nothing failed: by account, Region and name.
    pub notes: Vec<Note>,
    /// Notes that were counted but not kept.
    pub notes_dropped: u64,
    /// Replicas without a source, the first to be deleted first; [`Totals`] counts all of them.
    pub tombstones: Vec<TombstoneLine>,
    /// Whether a signal stopped the run.
    pub stopped: bool,
    /// Accounts not finished; sending them again goes on with them.
    pub remaining: Vec<AccountId>,
    /// Whether the brake held deletes back, in whatever failure, kept or not.
    pub(super) held_back: bool,
    /// Whether a failure is an internal error, kept or not.
    pub(super) internal_error: bool,
    /// Whether something is left to do by a later run with nothing mended.
    pub(super) unfinished: bool,
}
