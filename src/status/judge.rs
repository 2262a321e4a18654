//! What the records of the table mean. Pure: the same records always give the same status.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{LastSweep, RouteStatus};
use crate::domain::{AccountId, Cause, ExecutionName, RoutePair, Timestamp};
use crate::report::Status;
use crate::table::{
    ExecutionRecords, HeldItem, KnownAccount, KnownFailure, StateRead, SweepRecord,
};

/// An account that the last lists no longer showed has left the organisation. An execution lists all accounts within 23
/// hours, and there is at most one a day.
const LISTED: Duration = Duration::from_hours(48);
/// A sweep that has recorded nothing for so long has ended without a word.
const SILENCE: Duration = Duration::from_hours(24);
/// A copy that no sweep has compared for longer is old: sweeps are daily, and one may fail.
const RECENT: Duration = Duration::from_hours(48);

/// What the table says about one route, as it was read.
#[derive(Debug)]
pub(super) struct RouteRecords {
    pub(super) pair: RoutePair,
    pub(super) state: Result<StateRead, Cause>,
    /// The last complete sweep of each account.
    pub(super) last: Vec<SweepRecord>,
    pub(super) held: Vec<HeldItem>,
}

/// Whether every account was compared not long before `now`.
pub(super) fn is_recent(oldest_copy: Option<Timestamp>, now: Timestamp) -> bool {
    oldest_copy.is_some_and(|oldest| now.since(oldest) <= RECENT)
}

/// The accounts in scope: those that the last lists showed. Without a list, those that a sweep has compared.
pub(super) fn accounts_in_scope(
    listed: &[KnownAccount],
    routes: &[RouteRecords],
) -> BTreeSet<AccountId> {
    let Some(newest) = listed.iter().map(|known| known.seen).max() else {
        let compared = routes.iter().flat_map(|route| &route.last);
        return compared.map(|record| record.account.clone()).collect();
    };
    let is_listed = |known: &&KnownAccount| newest.since(known.seen) <= LISTED;
    listed.iter().filter(is_listed).map(|known| known.account.clone()).collect()
}

/// The last sweep of the organisation: the one that listed the accounts last. Without a list, the last one that
/// compared an account.
pub(super) fn last_execution(
    listed: &[KnownAccount],
    routes: &[RouteRecords],
) -> Option<ExecutionName> {
    if let Some(newest) = listed.iter().max_by_key(|known| known.seen) {
        return Some(newest.execution.clone());
    }
    let compared = routes.iter().flat_map(|route| &route.last);
    compared.max_by_key(|record| record.finished)?.execution.clone()
}

/// The last sweep of the organisation, as it was read.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) name: ExecutionName,
    pub(super) records: ExecutionRecords,
    /// When a list of the execution first showed an account.
    pub(super) listed_at: Option<Timestamp>,
}

impl Execution {
    /// When the execution began; `None` if it has recorded nothing yet.
    fn began(&self) -> Option<Timestamp> {
        self.records.results.iter().map(|record| record.started).chain(self.listed_at).min()
    }
}

/// When an execution first listed an account.
pub(super) fn listed_at(listed: &[KnownAccount], execution: &ExecutionName) -> Option<Timestamp> {
    let of_execution = listed.iter().filter(|known| known.execution == *execution);
    of_execution.map(|known| known.seen).min()
}

/// The sweep on one route. `last` are the last complete sweeps of the accounts: one that a person started after the
/// execution counts in its place.
pub(super) fn last_sweep(
    execution: &Execution,
    last: &[SweepRecord],
    in_scope: &BTreeSet<AccountId>,
    pair: &RoutePair,
    now: Timestamp,
) -> LastSweep {
    let Execution { name, records, .. } = execution;
    let of_execution: BTreeMap<&AccountId, &SweepRecord> = records
        .results
        .iter()
        .filter(|record| record.pair == *pair)
        .map(|record| (&record.account, record))
        .collect();
    let began = execution.began();
    let counts = |record: &&SweepRecord| {
        !records.expected.contains(&record.account)
            || began.is_some_and(|began| record.started >= began)
    };
    let newer = last.iter().filter(counts).map(|record| (&record.account, record));
    let complete: BTreeMap<&AccountId, &SweepRecord> = of_execution
        .iter()
        .filter(|(_, record)| record.complete)
        .map(|(account, record)| (*account, *record))
        .chain(newer)
        .filter(|(account, _)| in_scope.contains(*account))
        .collect();
    let in_sync = complete.values().filter(|record| is_in_sync(record)).count();
    let failed = complete.len() - in_sync;
    let has_all = records.expected.iter().all(|account| of_execution.contains_key(account));
    let newest = of_execution.values().map(|record| record.finished).max();
    let reported = records.finish.as_ref().and_then(|finish| ended(&finish.answer));
    let finished = reported.or_else(|| newest.filter(|_| has_all));
    let is_silent = newest.or(began).is_none_or(|active| now.since(active) > SILENCE);
    LastSweep {
        execution: name.clone(),
        finished,
        is_under_way: finished.is_none() && !is_silent,
        accounts: in_scope.len() as u64,
        in_sync: in_sync as u64,
        failed: failed as u64,
        not_swept: (in_scope.len() - complete.len()) as u64,
    }
}

fn is_in_sync(record: &SweepRecord) -> bool {
    let words = [Status::InSync.word(), Status::Changed.word()];
    words.contains(&record.status.as_str()) && record.failures.is_empty()
}

/// The time in the answer to the first `finish` of an execution.
fn ended(answer: &str) -> Option<Timestamp> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    Timestamp::parse(answer["at"].as_str()?)
}

/// What the records of one route mean.
pub(super) fn route(
    records: RouteRecords,
    in_scope: &BTreeSet<AccountId>,
    last_sweep: Option<LastSweep>,
) -> RouteStatus {
    let RouteRecords { pair, state, last, mut held } = records;
    let last: BTreeMap<AccountId, Timestamp> =
        last.into_iter().map(|record| (record.account, record.started)).collect();
    let never_swept: Vec<AccountId> =
        in_scope.iter().filter(|account| !last.contains_key(*account)).cloned().collect();
    let oldest = in_scope.iter().filter_map(|account| last.get(account)).min().copied();
    // A complete sweep that began after the event has compared the item.
    held.retain(|one| last.get(&one.account).is_none_or(|started| *started <= one.at));
    held.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.item.name().cmp(b.item.name())));
    let oldest_copy = oldest.filter(|_| never_swept.is_empty());
    RouteStatus { pair, state, last_sweep, oldest_copy, never_swept, held }
}

/// Whether a failure concerns one of these routes: it is in one of their Regions, or in the whole account.
pub(super) fn concerns(failure: &KnownFailure, routes: &[RoutePair]) -> bool {
    failure.region.as_ref().is_none_or(|region| {
        routes.iter().any(|pair| pair.source == *region || pair.target == *region)
    })
}
