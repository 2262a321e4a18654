//! Divides the work of an account by the states of its routes: what is written, what is only planned, and what is left
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Permission, RouteGate};
use crate::domain::{
    AccountId, Assignment, Item, Region, Route, RoutePair, Scope, SecretName, Withheld,
};

/// The work of one account, divided.
#[derive(Debug, Default)]
pub struct Division {
    /// The routes that are active.
    pub write: Vec<Assignment>,
    /// The routes without a record, which are only planned.
    pub plan: Vec<Assignment>,
    /// The routes that are not active, with their states.
    pub withheld: BTreeMap<RoutePair, Withheld>,
    /// The named items of these routes.
    pub held: Vec<(RoutePair, Item)>,
}

impl Division {
    fn withhold(&mut self, pair: RoutePair, withheld: Withheld, items: impl Iterator<Item = Item>) {
        self.held.extend(items.map(|item| (pair.clone(), item)));
        self.withheld.insert(pair, withheld);
    }
}

impl RouteGate {
    /// Divides the work of an account. `from_events`: a route without a record is left alone, because a sweep plans it.
    pub async fn divide(
        &self,
        account: &AccountId,
        assignments: Vec<Assignment>,
        from_events: bool,
    ) -> Division {
        let mut division = Division::default();
        for Assignment { route, scope } in assignments {
            let (mut write, mut plan) = (Vec::new(), Vec::new());
            for target in route.targets {
                let pair = RoutePair::new(&route.source, &target);
                let withheld = match self.permission(account, &pair).await {
                    Permission::Write => {
                        write.push(target);
                        continue;
                    }
                    Permission::Plan(entry) => {
                        if !from_events {
                            plan.push(target);
                        }
                        Withheld::State(entry)
                    }
                    Permission::Leave(entry) => Withheld::State(entry),
                    Permission::Unreadable(cause) => Withheld::Unreadable(cause),
                };
                let named = match &scope {
                    Scope::Items(wanted) => wanted.as_slice(),
                    Scope::Everything => &[],
                };
                division.withhold(pair, withheld, named.iter().map(|one| one.item.clone()));
            }
            for (targets, side) in [(write, &mut division.write), (plan, &mut division.plan)] {
                if !targets.is_empty() {
                    let route = Route { source: route.source.clone(), targets };
                    side.push(Assignment { route, scope: scope.clone() });
                }
            }
        }
        division
    }

    /// Leaves those refused deletions of secrets that no active route concerns. The others are read in the source Region.
    pub async fn divide_refused(
        &self,
        account: &AccountId,
        refused: &mut BTreeSet<(Region, SecretName)>,
        division: &mut Division,
    ) {
        let mut read = BTreeSet::new();
        for (source, secret) in std::mem::take(refused) {
            let targets = self.routes.from_source(&source).map(|route| route.targets.clone());
            let mut withheld = Vec::new();
            let mut is_active = false;
            for target in targets.unwrap_or_default() {
                let pair = RoutePair::new(&source, &target);
                match self.permission(account, &pair).await {
                    Permission::Write => is_active = true,
                    Permission::Plan(entry) | Permission::Leave(entry) => {
                        withheld.push((pair, Withheld::State(entry)));
                    }
                    Permission::Unreadable(cause) => {
                        withheld.push((pair, Withheld::Unreadable(cause)));
                    }
                }
            }
            if is_active {
                read.insert((source, secret));
                continue;
            }
            for (pair, why) in withheld {
                division.withhold(pair, why, std::iter::once(Item::Secret(secret.clone())));
            }
        }
        *refused = read;
    }
}
