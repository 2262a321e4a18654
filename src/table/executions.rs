//! What an execution is meant to sweep, and its end: further items of the partition `sweep#EXECUTION`.
//!
//! `expected#FIRST#LAST#MANY` holds the accounts of one page of the list or of one sweep. Two executions at once therefore
//! do not take each other's accounts. `finish` holds the answer to the first `finish`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::calls::{Repeats, TableWrite};
use super::items::{Item, keyed, set_text, set_time, set_ttl, text, time};
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
    /// Names the `finish` that gave the answer.
    pub request: String,
    /// When the answer was given.
    pub at: Timestamp,
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
            let (first, last) = (accounts.first()?, accounts.last()?);
            let key = format!("expected#{first}#{last}#{}", accounts.len());
            let mut item = keyed(partition(execution), key);
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
                    request: text(item, "request")?.to_owned(),
                    at: time(item, "at")?,
                    published: text(item, "published").is_some(),
                })
            }),
        })
    }

    /// Keeps the answer to the first `finish`. Refused if the execution has one.
    pub(crate) async fn begin_finish(
        &self,
        execution: &ExecutionName,
        finish: &FinishRecord,
    ) -> Result<Conditional, Cause> {
        let mut item = keyed(partition(execution), FINISH);
        set_text(&mut item, "answer", &finish.answer);
        set_text(&mut item, "request", &finish.request);
        set_time(&mut item, "at", finish.at);
        set_ttl(&mut item, finish.at, KEPT);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::memory::MemoryTable;
    use super::*;
    use crate::domain::{Counts, FailureKind, OutcomeKind, RoutePair, RouteState};
    use crate::report::samples::account;
    use crate::table::KnownAccount;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-28T10:00:00Z").expect("a time")
    }

    fn name(text: &str) -> ExecutionName {
        ExecutionName::parse(text).expect("a name")
    }

    fn record(number: u64, execution: Option<&str>) -> SweepRecord {
        let mut parameters = Counts::default();
        parameters.add(OutcomeKind::InSync, 12);
        parameters.add(OutcomeKind::Conflict, 1);
        SweepRecord {
            account: account(number),
            pair: RoutePair::parse("us-east-2=us-east-1").expect("a pair"),
            execution: execution.map(name),
            started: now(),
            finished: now(),
            status: "failed".to_owned(),
            state: RouteState::Active,
            complete: true,
            parameters,
            secrets: Counts::default(),
            failures: BTreeMap::from([(FailureKind::Conflict, 1)]),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_execution_has_its_accounts_its_results_and_its_end() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        let one = name("daily-2026-11-28");
        let accounts: Vec<AccountId> = (0..5_001).map(account).collect();
        table.put_expected(&one, &accounts, now()).await.expect("written");
        table.put_expected(&one, &accounts[..2], now()).await.expect("written");
        table.put_expected(&name("other"), &[account(9_000)], now()).await.expect("written");
        let [first, second] =
            [record(1, Some("daily-2026-11-28")), record(2, Some("daily-2026-11-28"))];
        table.write_all(first.writes(true)).await.expect("written");
        table.write_all(second.writes(false)).await.expect("written");
        table.write_all(record(3, None).writes(true)).await.expect("written");
        let read = table.execution(&one).await.expect("read");
        assert_eq!(read.results, [first.clone(), second]);
        assert_eq!(read.finish, None);
        assert_eq!(read.expected, accounts.into_iter().collect(), "a part replaces nothing");
        assert_eq!(table.last_sweeps(&first.pair).await, Ok(vec![first, record(3, None)]));
        let finish = |answer: &str| FinishRecord {
            answer: answer.to_owned(),
            request: answer.to_owned(),
            at: now(),
            published: false,
        };
        let put = table.begin_finish(&one, &finish("{}")).await;
        assert_eq!(put, Ok(Conditional::Written));
        let read = async || table.execution(&one).await.expect("read").finish.expect("the end");
        assert_eq!(read().await, finish("{}"));
        let again = table.begin_finish(&one, &finish("{1}")).await;
        assert_eq!(again, Ok(Conditional::Refused));
        assert_eq!(table.end_finish(&one, now()).await, Ok(Conditional::Written));
        assert_eq!(read().await, FinishRecord { published: true, ..finish("{}") });
        let nothing = table.end_finish(&name("other"), now()).await;
        assert_eq!(nothing, Ok(Conditional::Refused));
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_have_names_and_the_execution_that_listed_them() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        let known = |number, name: &str| KnownAccount {
            account: account(number),
            name: name.to_owned(),
            path: "o-a/r-b/".to_owned(),
            seen: now(),
            execution: self::name("daily-2026-11-28"),
        };
        let accounts: Vec<KnownAccount> = (0..30).map(|n| known(n, "shop")).collect();
        table.put_accounts(&accounts).await.expect("written");
        table.put_accounts(&[known(7, "renamed")]).await.expect("written");
        let read = table.accounts().await.expect("read");
        assert_eq!((read.len(), &*read[7].name, &*read[8].name), (30, "renamed", "shop"));
        assert_eq!(read[8], known(8, "shop"));
    }
}
