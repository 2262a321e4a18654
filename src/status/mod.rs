//! `status`: what the hub's table says about the routes, the sweeps, the held events and the known failures.
//!
//! Only the table is read, so `status` works while the source Region, us-east-1 and the accounts are out of reach.
//! `read.rs` reads, `judge.rs` decides what the records mean, and the other files show the result.

mod json;
mod judge;
mod read;
#[cfg(test)]
mod tests;
#[cfg(feature = "cli")]
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    AccountId, Cause, ExecutionName, Region, RoutePair, RouteState, StateEntry, Timestamp,
};
use crate::table::{HeldItem, KnownFailure, StateRead};

pub use read::read;
#[cfg(feature = "cli")]
pub use text::text;

/// The answer to `status`.
#[derive(Debug)]
pub struct HubStatus {
    /// The time of the answer.
    pub at: Timestamp,
    /// The hub's own account; `None` if STS did not answer.
    pub account: Option<AccountId>,
    /// The hub's own Region.
    pub region: Region,
    /// The routes of the request, in the order of the settings.
    pub routes: Vec<RouteStatus>,
    /// The failures that the last sweeps found, by account.
    pub failures: Vec<KnownFailure>,
    /// The parts of the table that could not be read.
    pub unreadable: Vec<Cause>,
    /// The accounts in scope: those that the last lists of the organisation showed.
    pub in_scope: BTreeSet<AccountId>,
    /// The names of the accounts that a list has shown.
    pub names: BTreeMap<AccountId, String>,
}

/// What the table says about one route.
#[derive(Debug)]
pub struct RouteStatus {
    /// The route.
    pub pair: RoutePair,
    /// The state, or why it is unreadable.
    pub state: Result<StateRead, Cause>,
    /// The last sweep of the organisation; `None` if the table has none.
    pub last_sweep: Option<LastSweep>,
    /// The time since when every account has been compared completely; `None` if an account never was.
    pub oldest_copy: Option<Timestamp>,
    /// The accounts that no sweep has ever compared completely on this route.
    pub never_swept: Vec<AccountId>,
    /// The items of events that the hub did not handle, and that no complete sweep has compared since, the last first.
    pub held: Vec<HeldItem>,
}

/// One sweep of the organisation on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSweep {
    /// The name of the execution.
    pub execution: ExecutionName,
    /// When the sweep ended; `None` while it is under way, or if it ended without a word.
    pub finished: Option<Timestamp>,
    /// Whether the sweep has not ended, and wrote something in the last hours.
    pub is_under_way: bool,
    /// The accounts in scope.
    pub accounts: u64,
    /// The accounts that are in sync.
    pub in_sync: u64,
    /// The accounts with a failure, a conflict or an unfinished item.
    pub failed: u64,
    /// The accounts that neither the sweep nor a later one compared completely, or not yet.
    pub not_swept: u64,
}

impl RouteStatus {
    /// The state of the route itself, if it is readable.
    pub fn entry(&self) -> Option<&StateEntry> {
        self.state.as_ref().ok().map(|read| &read.record.route)
    }

    /// Whether the route is active for every account.
    pub fn is_active(&self) -> bool {
        self.state.as_ref().is_ok_and(|read| {
            let record = &read.record;
            record.route.state == RouteState::Active && record.exceptions().next().is_none()
        })
    }

    /// Whether the last sweep found every account in sync, or has not ended, and no copy is old at `now`.
    pub fn is_swept(&self, now: Timestamp) -> bool {
        let is_good =
            |sweep: &LastSweep| sweep.failed == 0 && (sweep.not_swept == 0 || sweep.is_under_way);
        self.last_sweep.as_ref().is_some_and(is_good) && judge::is_recent(self.oldest_copy, now)
    }

    /// Whether nothing on this route needs a person at `now`.
    pub fn is_clean(&self, now: Timestamp) -> bool {
        self.is_active() && self.is_swept(now) && self.held.is_empty()
    }
}

impl HubStatus {
    /// Whether nothing needs a person.
    pub fn is_clean(&self) -> bool {
        self.routes.iter().all(|route| route.is_clean(self.at))
            && self.failures.is_empty()
            && self.unreadable.is_empty()
    }

    /// The number of known failures; a cause without names counts each of its failures.
    pub fn failures_total(&self) -> u64 {
        self.failures.iter().map(|failure| failure.failures.max(1)).sum()
    }

    /// The name of an account in the organisation; empty if it is not known.
    pub fn name(&self, account: &AccountId) -> &str {
        self.names.get(account).map_or("", String::as_str)
    }
}
