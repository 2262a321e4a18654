//! The purpose of a run. Payloads and events can only ask for [`Purpose::Equality`]; the other purposes come from
//! `hubctl` commands.

use std::collections::BTreeSet;

use super::change::Change;
use super::item::Item;
use super::location::{AccountId, Region};
use super::route_state::Need;

/// The purpose of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Make replicas equal to their sources.
    #[default]
    Equality,
    /// Remove only the replicas that are no longer in the settings' scope (`hubctl prune`).
    Pruning(Leftovers),
    /// Resolve the conflict over one parameter as an operator decided (`hubctl resolve`).
    Resolving(Take),
    /// End the replication of one item (`hubctl release`): the hub ends a secret's managed replication; a parameter's
    /// replicas stay and belong to their owner.
    Releasing,
}

impl Purpose {
    /// The need of the purpose's writes.
    pub const fn need(&self) -> Need {
        match self {
            Self::Equality => Need::Replicate,
            Self::Pruning(_) => Need::Prune,
            Self::Resolving(_) => Need::Resolve,
            Self::Releasing => Need::Release,
        }
    }
}

/// The side of a conflict that the operator keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The source's value overwrites the target.
    Source,
    /// The target stays unchanged and belongs to its owner.
    Target,
}

/// Where `prune` looks in addition to the routes of the settings, and which steps it may carry out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Regions in addition to the routes' targets.
    pub regions: BTreeSet<Region>,
    /// Accounts that the settings exclude by id. All their replicas are out of scope.
    pub accounts: BTreeSet<AccountId>,
    /// The steps of the confirmed plan; nothing else is carried out. `None` shows the plan only.
    pub only: Option<BTreeSet<PlanStep>>,
}

/// The identity of one step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanStep {
    /// The account of the replica.
    pub account: AccountId,
    /// The Region of the replica.
    pub region: Region,
    /// The parameter or secret.
    pub item: Item,
    /// What the step does to the replica.
    pub change: Change,
}
