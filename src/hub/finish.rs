//! Ends an execution: sums up its records, publishes one digest for the whole of it, and emits its metrics.
//!
//! The first `finish` keeps its answer in the table. A later one gives the same answer, and publishes only if the first one
//! has not done so within a minute. A digest may therefore be published twice if its answer was lost, and is never left
//! out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::record_account::pairs_of;
use super::{Answer, Hub, HubError, RunResult};
use crate::deadline::Deadline;
use crate::domain::{AccountId, Cause, ExecutionName, Failure, RoutePair, RouteRecord, Timestamp};
use crate::failover::request_id;
use crate::report::{ExecutionSummary, Report};
use crate::request::Refused;
use crate::table::{Conditional, FinishRecord, Table};

/// A `finish` publishes within this time, or does not publish: the topic has 30 s to answer.
const PUBLISHES_WITHIN: Duration = Duration::from_mins(1);
/// The pause between two looks at the first `finish`.
const PAUSE: Duration = Duration::from_secs(3);

impl Hub {
    /// The sum of an execution.
    pub(super) async fn finish(
        &self,
        execution: &ExecutionName,
        deadline: &Deadline,
    ) -> Result<RunResult, HubError> {
        let Some(table) = &self.table else {
            return Err(Refused::new(
                "the operation `finish` needs the table, which keeps the results of the execution",
                "a hub whose `REPLICATOR_TABLE` names the table that its stack made",
            )
            .into());
        };
        let states = self.states(table).await?;
        let records = table.execution(execution).await?;
        let names = table.accounts().await?;
        let names: BTreeMap<AccountId, String> =
            names.into_iter().map(|known| (known.account, known.name)).collect();
        let now = self.sweeps.now();
        let summary = ExecutionSummary::new(execution.as_str(), now, &records, &states, names);
        let answer = summary.json();
        let own = FinishRecord {
            answer: answer.to_string(),
            request: request_id(now),
            at: now,
            published: false,
        };
        let first = match records.finish {
            Some(first) => first,
            None => begin(table, execution, &own).await?,
        };
        let is_first = first.request == own.request;
        let mut answer: Value = serde_json::from_str(&first.answer).unwrap_or(answer);
        let is_published = first.published
            || !is_first && self.is_published_meanwhile(table, execution, first.at).await?;
        if !is_published && let Err(cause) = self.end(table, execution, &summary, deadline).await {
            let mut report = Report::new();
            report.fail(Failure::of_hub(cause));
            let reported = serde_json::to_value(report.response()).unwrap_or_default();
            answer["failures"] = reported["failures"].clone();
        }
        let metrics = if is_first { summary.metrics() } else { Vec::new() };
        Ok(RunResult { answer: Answer::Execution(answer), metrics })
    }

    async fn states(&self, table: &Table) -> Result<Vec<(RoutePair, RouteRecord)>, Cause> {
        let mut states = Vec::new();
        for pair in pairs_of(&self.settings.routes) {
            let read = table.state(&pair).await?;
            states.push((pair, read.record));
        }
        Ok(states)
    }

    /// Waits for the `finish` that gave the first answer, which publishes the digest. Whether it did: if it ended without
    /// that, the caller publishes.
    async fn is_published_meanwhile(
        &self,
        table: &Table,
        execution: &ExecutionName,
        first: Timestamp,
    ) -> Result<bool, Cause> {
        while self.sweeps.now().since(first) < PUBLISHES_WITHIN {
            tokio::time::sleep(PAUSE).await;
            let finish = table.execution(execution).await?.finish;
            if finish.is_some_and(|finish| finish.published) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Publishes the digest, and notes that this is done.
    async fn end(
        &self,
        table: &Table,
        execution: &ExecutionName,
        summary: &ExecutionSummary,
        deadline: &Deadline,
    ) -> Result<(), Cause> {
        if let (Some(digest), Some(topic)) = (summary.digest(), &self.settings.sns_topic) {
            self.send(topic, &digest, deadline).await?;
        }
        table.end_finish(execution, self.sweeps.now()).await.map(drop)
    }
}

/// Keeps the answer, or gives the answer of another `finish` that came first. A put whose answer was lost finds its own
/// record.
async fn begin(
    table: &Table,
    execution: &ExecutionName,
    own: &FinishRecord,
) -> Result<FinishRecord, Cause> {
    if table.begin_finish(execution, own).await? == Conditional::Written {
        return Ok(own.clone());
    }
    Ok(table.execution(execution).await?.finish.unwrap_or_else(|| own.clone()))
}
