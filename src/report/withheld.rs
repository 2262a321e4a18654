//! The routes that a run left alone or only planned, because they are not active.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::wording::many;
use crate::domain::{Failure, RoutePair, RouteState, StateEntry, Withheld};

/// A route that is not active for some accounts of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteNotActive {
    /// The route.
    pub route: RoutePair,
    /// The state, of the route or of single accounts.
    pub entry: StateEntry,
    /// The accounts of the run in this state.
    pub accounts: u64,
}

impl RouteNotActive {
    /// One sentence for a person.
    pub fn sentence(&self) -> String {
        let Self { route, entry, accounts } = self;
        let accounts = many(usize::try_from(*accounts).unwrap_or(usize::MAX), "account");
        let effect = match entry.state {
            RouteState::New => format!(
                "the hub only plans until `hubctl thaw --route {route}` (reading the plan first: `hubctl thaw --route {route} --plan`)"
            ),
            _ => "the hub writes nothing there".to_owned(),
        };
        format!("Route {route} is {entry}, {accounts}: {effect}.")
    }
}

/// Counts the accounts of each route and state.
#[derive(Clone, Debug, Default)]
pub(super) struct WithheldRoutes {
    states: BTreeMap<(RoutePair, RouteState, u64), (StateEntry, u64)>,
    unreadable: BTreeSet<RoutePair>,
}

impl WithheldRoutes {
    /// Counts an account whose route the run left alone. Returns the failure of the hub if the state was unreadable, once
    /// for each route.
    pub(super) fn count(&mut self, route: RoutePair, withheld: Withheld) -> Option<Failure> {
        match withheld {
            Withheld::State(entry) => {
                let key = (route, entry.state, entry.serial);
                self.states.entry(key).or_insert((entry, 0)).1 += 1;
                None
            }
            Withheld::Unreadable(cause) => {
                let failure = Failure::of_hub(cause).in_region(&route.target);
                self.unreadable.insert(route).then_some(failure)
            }
        }
    }

    pub(super) fn lines(&self) -> Vec<RouteNotActive> {
        let line = |((route, ..), (entry, accounts)): (&(RoutePair, _, _), &(StateEntry, u64))| {
            RouteNotActive { route: route.clone(), entry: entry.clone(), accounts: *accounts }
        };
        self.states.iter().map(line).collect()
    }
}

/// The JSON of a route that is not active.
pub(super) struct RouteNotActiveView<'a>(pub(super) &'a RouteNotActive);

impl Serialize for RouteNotActiveView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RouteNotActive { route, entry, accounts } = self.0;
        let mut object = serializer.serialize_struct("RouteNotActive", 6)?;
        object.serialize_field("route", &route.to_string())?;
        object.serialize_field("state", entry.state.word())?;
        object.serialize_field("since", &entry.since.map(|since| since.to_string()))?;
        object.serialize_field("by", &entry.by)?;
        object.serialize_field("reason", &entry.reason)?;
        object.serialize_field("accounts", accounts)?;
        object.end()
    }
}
