//! What a run is for. A payload or an event can only ask for equality; the rest is asked for at a terminal.

use std::collections::BTreeSet;

use super::change::Change;
use super::item::Item;
use super::location::{AccountId, Region};

/// What a run is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To make replicas equal to their sources.
    #[default]
    Equality,
    /// To remove replicas that left the settings' scope, and nothing else.
    Pruning(Leftovers),
    /// To end the conflict over the name of one parameter as a person decided.
    Resolving(Take),
    /// To end the replication of one named item: a secret's managed replication is ended, a parameter's replicas stay and
    /// are their owner's from then on.
    Releasing,
}

/// Which side of a conflict a person keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The source: it is written over what is in the target.
    Source,
    /// The target: what is there stays, and is its owner's from then on.
    Target,
}

/// Where replicas left the scope that no route of the settings leads to any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Regions to look into besides the routes' targets.
    pub regions: BTreeSet<Region>,
    /// Accounts that the settings exclude by id: all their replicas are out of scope.
    pub accounts: BTreeSet<AccountId>,
    /// The steps of the plan that is carried out, and nothing else; `None` where it is only shown.
    pub only: Option<BTreeSet<PlanStep>>,
}

/// What identifies one step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanStep {
    /// The account.
    pub account: AccountId,
    /// The Region in which something is done.
    pub region: Region,
    /// The item.
    pub item: Item,
    /// What is done.
    pub change: Change,
}
