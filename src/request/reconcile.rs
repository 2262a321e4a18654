//! The request to reconcile: accounts, route, item, and the options of the run.

use crate::domain::{AccountId, ExecutionName, Item, Purpose, Region};
use crate::ownership::Fingerprint;
use crate::settings::MaxDeletes;

/// The accounts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// All accounts of the organisation that are in scope.
    Organization,
    /// The account of the hub.
    Hub,
    /// The named accounts, each once, in their order. The hub makes no call to Organizations.
    These(Vec<AccountId>),
}

/// The options of one run, which differ from the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent option")]
pub struct RunOptions {
    /// Whether the run only plans and reports.
    pub plan: bool,
    /// Whether provenance is trusted. Otherwise the run compares values.
    pub trust: bool,
    /// Whether the run reads the labels of every item. No list shows labels.
    pub labels: bool,
    /// Whether the hub rewrites replicas that depend on `REPLICATOR_TRUSTED_WRITERS`. Only `hubctl` can set this option.
    pub take_over: bool,
    /// Whether the run includes named accounts that the settings exclude. Only `hubctl` can set this option.
    pub even_if_excluded: bool,
    /// The limit for deletes in this run, in place of `REPLICATOR_MAX_DELETES`.
    pub max_deletes: Option<MaxDeletes>,
    /// Whether an operator at a terminal set `max_deletes`. A payload cannot set this option.
    pub lifts_brake: bool,
    /// The id of the plan to execute; any other plan is refused. Only `hubctl` can set this option.
    pub expect: Option<Fingerprint>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            plan: false,
            trust: true,
            labels: false,
            take_over: false,
            even_if_excluded: false,
            max_deletes: None,
            lifts_brake: false,
            expect: None,
        }
    }
}

/// A request to reconcile routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// The accounts to reconcile.
    pub accounts: Accounts,
    /// Limits the request to the route from this Region. `work` refuses a Region without a route.
    pub region: Option<Region>,
    /// Limits the request to this item.
    pub item: Option<Item>,
    /// The options of the run.
    pub options: RunOptions,
    /// The purpose of the run. A payload can only request equality.
    pub purpose: Purpose,
    /// The name under which a sweep of everything records its results.
    pub execution: Option<ExecutionName>,
}
