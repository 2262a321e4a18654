//! Reads the table for `status`.

use std::time::Duration;

use super::HubStatus;
use super::judge::{self, Execution, RouteRecords};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, RoutePair};
use crate::table::{KnownAccount, Table};

/// The longest wait for the hub's account, which only the heading shows.
const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads everything that the table says about these routes.
///
/// # Errors
/// The table is unreachable: the state of no route could be read.
pub async fn read(table: &Table, pairs: &[RoutePair], of_all: bool) -> Result<HubStatus, Cause> {
    let connection = table.connection();
    let caller = async {
        let asked = tokio::time::timeout(CALLER_TIMEOUT, connection.caller()).await;
        asked.ok().and_then(Result::ok).map(|caller| caller.account.clone())
    };
    let states = in_parallel(pairs.iter().map(|pair| table.state(pair)));
    let (account, mut states) = futures::join!(caller, states);
    if states.iter().all(Result::is_err)
        && let Some(Err(cause)) = states.pop()
    {
        return Err(cause);
    }
    let mut parts = Parts::default();
    let listed = parts.of("the accounts", table.accounts().await);
    let mut routes = Vec::new();
    for (pair, state) in pairs.iter().zip(states) {
        let (last, held) = futures::join!(table.last_sweeps(pair), table.held(pair));
        let last = parts.of(&format!("the last sweeps of {pair}"), last);
        let held = parts.of(&format!("the held events of {pair}"), held);
        routes.push(RouteRecords { pair: pair.clone(), state, last, held });
    }
    let in_scope = judge::accounts_in_scope(&listed, &routes);
    let failures = in_parallel(in_scope.iter().map(|account| table.known_failures(account))).await;
    let mut failures: Vec<_> =
        failures.into_iter().flat_map(|read| parts.of("known failures", read)).collect();
    failures.retain(|failure| of_all || judge::concerns(failure, pairs));
    let execution = match judge::last_execution(&listed, &routes) {
        Some(name) => {
            let records = parts.of(&format!("the sweep {name}"), table.execution(&name).await);
            let listed_at = judge::listed_at(&listed, &name);
            Some(Execution { name, records, listed_at })
        }
        None => None,
    };
    let now = connection.now();
    let route = |records: RouteRecords| {
        let RouteRecords { pair, last, .. } = &records;
        let sweep = |execution| judge::last_sweep(execution, last, &in_scope, pair, now);
        let last_sweep = execution.as_ref().map(sweep);
        judge::route(records, &in_scope, last_sweep)
    };
    let routes: Vec<_> = routes.into_iter().map(route).collect();
    Ok(HubStatus {
        at: now,
        account,
        region: connection.region().clone(),
        routes,
        failures,
        unreadable: parts.unreadable,
        in_scope,
        names: listed
            .into_iter()
            .map(|KnownAccount { account, name, .. }| (account, name))
            .collect(),
    })
}

/// The parts of the table that could not be read. The others are shown all the same.
#[derive(Default)]
struct Parts {
    unreadable: Vec<Cause>,
}

impl Parts {
    /// What was read; nothing if the part is unreadable, which is then noted once for each cause.
    fn of<T: Default>(&mut self, what: &str, read: Result<T, Cause>) -> T {
        read.unwrap_or_else(|cause| {
            let message = format!("{what} cannot be read: {}", cause.message);
            let cause = Cause { message, ..cause };
            if !self.unreadable.contains(&cause) {
                self.unreadable.push(cause);
            }
            T::default()
        })
    }
}
