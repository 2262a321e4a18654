//! What a sweep records of one account: its result on each route, and its failures. Pure: `record.rs` writes the records.

use std::collections::BTreeMap;

use crate::domain::{
    AccountId, AccountOutcome, ExecutionName, FailureKind, Region, Route, RoutePair, RouteState,
    Routes, Subject, Timestamp, Withheld,
};
use crate::report::Status;
use crate::table::{KnownFailure, StandingFailures, SweepRecord, TableWrite};

/// What the records of one sweep have in common.
#[derive(Clone, Debug)]
pub(super) struct SweepRun {
    pub(super) execution: Option<ExecutionName>,
    /// When the run began, before it read anything.
    pub(super) started: Timestamp,
    /// The routes that the run sweeps.
    pub(super) pairs: Vec<RoutePair>,
    /// The routes of the settings.
    pub(super) routes: Routes,
}

/// What a sweep writes about one account.
#[derive(Debug)]
pub(super) struct AccountRecord {
    pub(super) account: AccountId,
    /// The results, for the table.
    pub(super) results: Vec<TableWrite>,
    standing: StandingFailures,
    /// Where the sweep looked; `None` if it did not look everywhere that it was meant to.
    looked: Option<Looked>,
    finished: Timestamp,
}

/// The routes that a sweep compared completely.
#[derive(Clone, Debug)]
struct Looked {
    compared: Vec<RoutePair>,
    /// All routes of the settings.
    all: Vec<RoutePair>,
}

impl SweepRun {
    /// The record of a finished account; `None` if the state of a route could not be read. The table may then belong to
    /// another hub, and nothing is written into it.
    pub(super) fn record(
        &self,
        outcome: &mut AccountOutcome,
        finished: Timestamp,
    ) -> Option<AccountRecord> {
        let is_unreadable = |withheld: &Withheld| matches!(withheld, Withheld::Unreadable(_));
        if outcome.withheld.values().any(is_unreadable) {
            return None;
        }
        let status = status_of_active_routes(outcome);
        let mut failures: BTreeMap<FailureKind, u64> = BTreeMap::new();
        for failure in &outcome.failures {
            *failures.entry(failure.cause.kind).or_default() += 1;
        }
        let is_complete = outcome.complete && !failures.contains_key(&FailureKind::Frozen);
        let list_failed = outcome.failures.iter().any(|one| one.subject == Subject::Account);
        let mut results = Vec::new();
        let mut compared = Vec::new();
        for pair in &self.pairs {
            let state = match outcome.withheld.get(pair) {
                Some(Withheld::State(entry)) => entry.state,
                Some(Withheld::Unreadable(_)) | None => RouteState::Active,
            };
            let is_active = state == RouteState::Active;
            let record = SweepRecord {
                account: outcome.account.clone(),
                pair: pair.clone(),
                execution: self.execution.clone(),
                started: self.started,
                finished,
                status: if is_active { status } else { Status::Frozen }.word().to_owned(),
                state,
                complete: is_active && is_complete,
                parameters: outcome.parameters.clone(),
                secrets: outcome.secrets.clone(),
                failures: failures.clone(),
            };
            let is_compared = record.complete && !list_failed;
            results.extend(record.writes(is_compared));
            if is_compared {
                compared.push(pair.clone());
            }
        }
        let looked = Looked { compared, all: pairs_of(&self.routes) };
        Some(AccountRecord {
            account: outcome.account.clone(),
            results,
            standing: StandingFailures::of(&outcome.failures),
            looked: (is_complete && !list_failed).then_some(looked),
            finished,
        })
    }
}

impl AccountRecord {
    /// The writes that make the account's failures in the table equal to those of this sweep.
    pub(super) fn failures(self, known: Vec<KnownFailure>) -> Vec<TableWrite> {
        let Self { standing, looked, finished, .. } = self;
        let is_gone =
            |region: Option<&Region>| looked.as_ref().is_some_and(|looked| looked.at(region));
        standing.writes(known, finished, is_gone)
    }
}

impl Looked {
    /// Whether the sweep would have found a failure in this Region: it compared every route to the Region and, if the Region
    /// is a source, a route from it. In a Region without a route, a sweep of all routes decides.
    fn at(&self, region: Option<&Region>) -> bool {
        let Some(region) = region else { return !self.compared.is_empty() };
        let is_compared = |pair: &&RoutePair| self.compared.contains(pair);
        let mut into = self.all.iter().filter(|pair| pair.target == *region).peekable();
        let mut from = self.all.iter().filter(|pair| pair.source == *region).peekable();
        if into.peek().is_none() && from.peek().is_none() {
            return self.all.iter().all(|pair| self.compared.contains(pair));
        }
        let is_read = from.peek().is_none() || from.any(|pair| is_compared(&pair));
        is_read && into.all(|pair| is_compared(&pair))
    }
}

/// The status of the account on its active routes. The steps of a run that writes belong to routes without a record.
fn status_of_active_routes(outcome: &mut AccountOutcome) -> Status {
    let withheld = std::mem::take(&mut outcome.withheld);
    let steps = std::mem::take(&mut outcome.steps);
    let status = Status::of(outcome);
    outcome.withheld = withheld;
    outcome.steps = steps;
    status
}

/// Each source with each of its targets.
pub(super) fn pairs_of(routes: &Routes) -> Vec<RoutePair> {
    routes.iter().flat_map(pairs_of_route).collect()
}

/// The source with each of its targets.
pub(super) fn pairs_of_route(route: &Route) -> impl Iterator<Item = RoutePair> {
    route.targets.iter().map(|target| RoutePair::new(&route.source, target))
}
