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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cause, Change};
    use crate::domain::{Kind, OutcomeKind, StateEntry};
    use crate::report::samples::{account, account_failure, failure, parameter_step, region};

    const ROUTES: &str = "us-east-2=us-east-1,us-west-2;eu-west-1=us-east-1";

    fn run() -> SweepRun {
        let routes = Routes::parse(ROUTES).expect("routes");
        SweepRun {
            execution: ExecutionName::parse("daily").ok(),
            started: Timestamp::from_millis(1_790_000_000_000),
            pairs: pairs_of(&routes),
            routes,
        }
    }

    fn pair(text: &str) -> RoutePair {
        RoutePair::parse(text).expect("a pair")
    }

    fn state(state: RouteState) -> Withheld {
        Withheld::State(StateEntry { state, serial: 3, ..StateEntry::none() })
    }

    fn record(run: &SweepRun, outcome: &mut AccountOutcome) -> AccountRecord {
        run.record(outcome, run.started).expect("a record")
    }

    /// Key, status, state and completeness of each put.
    fn puts(record: &AccountRecord) -> Vec<(String, String, String, bool)> {
        let puts = record.results.iter().map(|write| {
            let TableWrite::Put(item) = write else { panic!("{write:?}") };
            let text = |name: &str| item[name].as_s().expect("a text").clone();
            let complete = *item["complete"].as_bool().expect("a boolean");
            (
                format!("{}/{}", text("pk"), text("sk")),
                text("status"),
                text("route_state"),
                complete,
            )
        });
        puts.collect()
    }

    #[test]
    fn an_account_has_a_record_for_each_route_and_a_last_one_if_it_is_complete() {
        let mut outcome = AccountOutcome::new(account(1));
        outcome.count(Kind::Parameter, OutcomeKind::Created);
        outcome.steps.push(parameter_step("/new", Change::Create));
        outcome.withheld.insert(pair("us-east-2=us-west-2"), state(RouteState::Frozen));
        outcome.withheld.insert(pair("eu-west-1=us-east-1"), state(RouteState::New));
        let recorded = puts(&record(&run(), &mut outcome));
        let shown: Vec<String> = recorded
            .iter()
            .map(|(key, status, state, complete)| format!("{key} {status} {state} {complete}"))
            .collect();
        assert_eq!(
            shown,
            [
                "sweep#daily/111122220001#us-east-2=us-east-1 changed active true",
                "last#us-east-2=us-east-1/111122220001 changed active true",
                "sweep#daily/111122220001#us-east-2=us-west-2 frozen frozen false",
                "sweep#daily/111122220001#eu-west-1=us-east-1 frozen new false",
            ]
        );
        assert_eq!(
            (outcome.withheld.len(), outcome.steps.len()),
            (2, 1),
            "the outcome is unchanged"
        );
        let nameless = SweepRun { execution: None, ..run() };
        assert_eq!(puts(&record(&nameless, &mut outcome)).len(), 1);
    }

    #[test]
    fn an_account_that_was_not_compared_has_no_last_record() {
        let unfinished = AccountOutcome::unfinished(account(1));
        let mut unlisted = AccountOutcome::new(account(1));
        unlisted.fail(account_failure(1, FailureKind::AccessDenied, "no list"));
        let mut frozen = AccountOutcome::new(account(1));
        frozen.fail(failure(1, "/a", FailureKind::Frozen, "frozen meanwhile"));
        for (mut outcome, status, complete) in [
            (unfinished, "incomplete", false),
            (unlisted, "failed", true),
            (frozen, "frozen", false),
        ] {
            let recorded = puts(&record(&run(), &mut outcome));
            assert_eq!(recorded.len(), 3, "{recorded:?}");
            for (key, is, _, is_complete) in recorded {
                assert!(key.starts_with("sweep#daily/"), "{key}");
                assert_eq!((&*is, is_complete), (status, complete), "{key}");
            }
        }
    }

    #[test]
    fn an_unreadable_state_leaves_no_record() {
        let mut outcome = AccountOutcome::new(account(1));
        let cause = Cause::new(FailureKind::Frozen, "the table belongs to another hub");
        outcome.withheld.insert(pair("us-east-2=us-west-2"), Withheld::Unreadable(cause));
        assert!(run().record(&mut outcome, run().started).is_none());
    }

    #[test]
    fn a_failure_is_gone_only_where_the_sweep_looked() {
        let all = pairs_of(&run().routes);
        let looked = |compared: &[&str]| Looked {
            compared: compared.iter().map(|text| pair(text)).collect(),
            all: all.clone(),
        };
        let at = |looked: &Looked, name: &str| looked.at(Some(&region(name)));
        let everything =
            looked(&["us-east-2=us-east-1", "us-east-2=us-west-2", "eu-west-1=us-east-1"]);
        for name in ["us-east-2", "us-west-2", "us-east-1", "eu-west-1", "ap-south-1"] {
            assert!(at(&everything, name), "{name}");
        }
        let one = looked(&["us-east-2=us-east-1"]);
        assert!(at(&one, "us-east-2") && one.at(None));
        for name in ["us-west-2", "us-east-1", "eu-west-1", "ap-south-1"] {
            assert!(!at(&one, name), "{name}");
        }
        assert!(!looked(&[]).at(None));
        let mut outcome = AccountOutcome::new(account(1));
        outcome.withheld.insert(pair("eu-west-1=us-east-1"), state(RouteState::Frozen));
        let record = record(&run(), &mut outcome);
        let looked = record.looked.expect("the account is complete");
        assert!(at(&looked, "us-west-2") && !at(&looked, "us-east-1") && !at(&looked, "eu-west-1"));
    }

    #[test]
    fn a_region_that_is_source_and_target_needs_both() {
        let chain = "us-east-2=us-east-1;us-east-1=us-west-2";
        let all = pairs_of(&Routes::parse(chain).expect("routes"));
        for (compared, is_gone) in [(0, false), (1, false), (2, true)] {
            let looked = Looked { compared: all[..compared].to_vec(), all: all.clone() };
            assert_eq!(looked.at(Some(&region("us-east-1"))), is_gone, "{compared}");
        }
    }
}
