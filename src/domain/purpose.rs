//! What a run is for. A payload or an event can only ask for equality; the rest is asked for at a terminal.

use std::collections::BTreeSet;

use super::place::{AccountId, Region};

/// What a run is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To make replicas equal to their sources.
    #[default]
    Equality,
    /// To remove replicas that left the settings' scope, and nothing else.
    Pruning(Leftovers),
    /// To make the replica of one named parameter equal to its source even where somebody's parameter is in the way.
    Resolving,
    /// To end the managed replication of one named secret.
    Releasing,
}

/// Where replicas left the scope that no route of the settings leads to any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Regions to look into besides the routes' targets.
    pub regions: BTreeSet<Region>,
    /// Accounts that the settings exclude by id: all their replicas are out of scope.
    pub accounts: BTreeSet<AccountId>,
}
