//! The results of sweeps: `sweep#EXECUTION` / `111122223333#us-east-2=us-east-1`, and the last complete one of each
//! account and route: `last#us-east-2=us-east-1` / `111122223333`.
//!
//! An account reports one outcome for all its routes. The records of its routes therefore have the same counts, the same
//! number of failures and the same status; only the state of the route, and with it `complete`, differs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Table;
use super::calls::TableWrite;
use super::items::{
    Item, account, counts, flag, keyed, number, numbers, set_counts, set_flag, set_number,
    set_numbers, set_text, set_time, set_ttl, text, time,
};
use crate::domain::{
    AccountId, Cause, Counts, ExecutionName, FailureKind, RoutePair, RouteState, Timestamp,
};

/// A person asks about a sweep of the last weeks. The last complete sweep of an account stays without a limit.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// The result of one account and one route in one sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepRecord {
    /// The account.
    pub account: AccountId,
    /// The route.
    pub pair: RoutePair,
    /// The execution; `None` for a sweep without a name.
    pub execution: Option<ExecutionName>,
    /// When the run began, before it read anything.
    pub started: Timestamp,
    /// When the account was finished.
    pub finished: Timestamp,
    /// The status of the account, as a response has it; `frozen` if the route was left alone.
    pub status: String,
    /// The state of the route for this account.
    pub state: RouteState,
    /// Whether the run looked at everything on this route.
    pub complete: bool,
    /// The account's parameters by outcome, over all its routes.
    pub parameters: Counts,
    /// The account's secrets by outcome, over all its routes.
    pub secrets: Counts,
    /// The account's failures by kind, over all its routes.
    pub failures: BTreeMap<FailureKind, u64>,
}

impl SweepRecord {
    /// The writes of this record: under its execution, and as the last complete one if it may replace that.
    pub(crate) fn writes(&self, may_be_last: bool) -> Vec<TableWrite> {
        let mut writes = Vec::new();
        if let Some(execution) = &self.execution {
            let mut item =
                self.item(partition(execution), format!("{}#{}", self.account, self.pair));
            set_ttl(&mut item, self.finished, KEPT);
            writes.push(TableWrite::Put(item));
        }
        if may_be_last {
            let item = self.item(format!("last#{}", self.pair), self.account.to_string());
            writes.push(TableWrite::Put(item));
        }
        writes
    }

    fn item(&self, pk: String, sk: String) -> Item {
        let mut item = keyed(pk, sk);
        set_text(&mut item, "account", self.account.as_str());
        set_text(&mut item, "route", self.pair.to_string());
        if let Some(execution) = &self.execution {
            set_text(&mut item, "execution", execution.as_str());
        }
        set_time(&mut item, "started", self.started);
        set_time(&mut item, "finished", self.finished);
        set_text(&mut item, "status", &self.status);
        set_text(&mut item, "route_state", self.state.word());
        set_flag(&mut item, "complete", self.complete);
        set_counts(&mut item, "parameters", &self.parameters);
        set_counts(&mut item, "secrets", &self.secrets);
        set_number(&mut item, "failures", self.failures.values().sum());
        let kinds = self.failures.iter().map(|(kind, many)| (kind.word(), *many));
        set_numbers(&mut item, "error_kinds", kinds);
        item
    }

    fn read(item: &Item) -> Option<Self> {
        let kind = |word: &str| FailureKind::ALL.into_iter().find(|kind| kind.word() == word);
        let failures: BTreeMap<FailureKind, u64> = numbers(item, "error_kinds")
            .filter_map(|(word, many)| Some((kind(word)?, many)))
            .collect();
        number(item, "failures")?;
        Some(Self {
            account: account(item, "account")?,
            pair: RoutePair::parse(text(item, "route")?).ok()?,
            execution: text(item, "execution").and_then(|name| ExecutionName::parse(name).ok()),
            started: time(item, "started")?,
            finished: time(item, "finished")?,
            status: text(item, "status")?.to_owned(),
            state: RouteState::parse(text(item, "route_state")?)?,
            complete: flag(item, "complete"),
            parameters: counts(item, "parameters"),
            secrets: counts(item, "secrets"),
            failures,
        })
    }
}

impl Table {
    /// The last complete sweep of each account on a route, by account. An item in another format is left out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn last_sweeps(&self, pair: &RoutePair) -> Result<Vec<SweepRecord>, Cause> {
        let items = self.all(&format!("last#{pair}")).await?;
        Ok(items.iter().filter_map(SweepRecord::read).collect())
    }
}

/// The partition of an execution.
pub(super) fn partition(execution: &ExecutionName) -> String {
    format!("sweep#{execution}")
}

/// The records of accounts among the items of an execution. Items of other kinds and formats are left out.
pub(super) fn records(items: &[Item]) -> Vec<SweepRecord> {
    items.iter().filter_map(SweepRecord::read).collect()
}
