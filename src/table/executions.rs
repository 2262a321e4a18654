//! What an execution is meant to sweep, and its end: further items of the partition `sweep#EXECUTION`.
//!
//! `expected#111122223333` holds the accounts of one page of the list or of one sweep, named by the first of them. Two
//! executions at once therefore do not take each other's accounts. `finish` holds the answer to the first `finish`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::calls::{Repeats, TableWrite};
use super::items::{Item, keyed, set_text, set_time, set_ttl, text};
use super::sweeps::{SweepRecord, partition, records};
use super::{Conditional, Table};
use crate::domain::{AccountId, Cause, ExecutionName, Timestamp};

/// As long as the results of the execution.
const KEPT: Duration = Duration::from_hours(90 * 24);
/// The sort key of the end of an execution.
const FINISH: &str = "finish";
/// The most accounts of one item: 75 KB of ids, and AWS accepts 400 KB.
const ACCOUNTS_PER_ITEM: usize = 5_000;

/// What the table has of one execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionRecords {
    /// The accounts that the execution is meant to sweep.
    pub expected: BTreeSet<AccountId>,
    /// The results so far.
    pub results: Vec<SweepRecord>,
    /// The answer to the first `finish`.
    pub finish: Option<FinishRecord>,
}

/// The answer to the first `finish` of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishRecord {
    /// The answer: one JSON document.
    pub answer: String,
    /// Whether its digest was published, or did not have to be.
    pub published: bool,
}

impl Table {
    /// Notes the accounts that an execution is meant to sweep. The same accounts may be noted again.
    ///
    /// # Errors
    /// The table is unreachable; a part of the accounts may be noted.
    pub async fn put_expected(
        &self,
        execution: &ExecutionName,
        accounts: &[AccountId],
        now: Timestamp,
    ) -> Result<(), Cause> {
        let writes = accounts.chunks(ACCOUNTS_PER_ITEM).filter_map(|accounts| {
            let first = accounts.first()?;
            let mut item = keyed(partition(execution), format!("expected#{first}"));
            let ids = accounts.iter().map(|account| AttributeValue::S(account.to_string()));
            item.insert("accounts".to_owned(), AttributeValue::L(ids.collect()));
            set_time(&mut item, "at", now);
            set_ttl(&mut item, now, KEPT);
            Some(TableWrite::Put(item))
        });
        self.write_all(writes.collect()).await
    }

    /// Everything that the table has of an execution.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn execution(&self, execution: &ExecutionName) -> Result<ExecutionRecords, Cause> {
        let items = self.all(&partition(execution)).await?;
        let finish = items.iter().find(|item| text(item, "sk") == Some(FINISH));
        Ok(ExecutionRecords {
            expected: items.iter().flat_map(expected).collect(),
            results: records(&items),
            finish: finish.and_then(|item| {
                Some(FinishRecord {
                    answer: text(item, "answer")?.to_owned(),
                    published: text(item, "published").is_some(),
                })
            }),
        })
    }

    /// Keeps the answer to the first `finish`. Refused if the execution has one.
    pub(crate) async fn begin_finish(
        &self,
        execution: &ExecutionName,
        answer: &str,
        now: Timestamp,
    ) -> Result<Conditional, Cause> {
        let mut item = keyed(partition(execution), FINISH);
        set_text(&mut item, "answer", answer);
        set_time(&mut item, "at", now);
        set_ttl(&mut item, now, KEPT);
        self.put_new(item).await
    }

    /// Notes that the digest of an execution was published, or did not have to be.
    pub(crate) async fn end_finish(
        &self,
        execution: &ExecutionName,
        now: Timestamp,
    ) -> Result<Conditional, Cause> {
        let request = self
            .connection()
            .dynamodb()
            .update_item()
            .table_name(self.name())
            .set_key(Some(keyed(partition(execution), FINISH)))
            .update_expression("SET #published = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#published", "published")
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        self.update(request, Repeats::Allowed).await
    }
}

fn expected(item: &Item) -> Vec<AccountId> {
    let ids = item.get("accounts").and_then(|ids| ids.as_l().ok());
    let parse = |id: &AttributeValue| AccountId::parse(id.as_s().ok()?).ok();
    ids.into_iter().flatten().filter_map(parse).collect()
}
