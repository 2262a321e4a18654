//! The calls that the kinds of items share: reads of a partition page by page, and writes in batches.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};

use super::items::{Item, keyed};
use super::{Conditional, Table};
use crate::aws;
use crate::domain::{Cause, FailureKind};

/// The most writes of one `BatchWriteItem`.
pub(crate) const BATCH: usize = 25;
/// How often a batch is sent while `DynamoDB` leaves a part of it unprocessed. Every answer took some of it, or the SDK
/// has repeated the call already.
const TRIES: u32 = 6;
/// The pause before a batch is repeated, doubled each time.
const PAUSE: Duration = Duration::from_millis(100);

/// One write of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableWrite {
    /// Replaces the item with these keys.
    Put(Item),
    /// Removes the item with these keys.
    Delete {
        /// The partition.
        pk: String,
        /// The sort key.
        sk: String,
    },
}

/// Whether the SDK may repeat an update whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// A second update does no harm.
    Allowed,
    /// A second update would do harm, so the call is sent once.
    Never,
}

impl Table {
    /// One item, by a consistent read.
    pub(super) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Cause> {
        let request = self
            .connection()
            .dynamodb()
            .get_item()
            .table_name(self.name())
            .set_key(Some(keyed(pk, sk)))
            .consistent_read(true);
        let answer = request.send().await;
        Ok(answer.map_err(|error| self.failed("dynamodb:GetItem", &error))?.item)
    }

    /// All items of a partition, by consistent reads.
    pub(super) async fn all(&self, pk: &str) -> Result<Vec<Item>, Cause> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = self
                .connection()
                .dynamodb()
                .query()
                .table_name(self.name())
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let answer = request.send().await;
            let answer = answer.map_err(|error| self.failed("dynamodb:Query", &error))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Carries out the writes, [`BATCH`] at a time. No two of them may have the same keys. A write may have happened even
    /// if this fails, and each may be repeated.
    ///
    /// # Errors
    /// The first failure; the later batches are then not sent.
    pub(crate) async fn write_all(&self, writes: Vec<TableWrite>) -> Result<(), Cause> {
        let mut rest = writes.into_iter();
        loop {
            let batch = rest.by_ref().take(BATCH).map(request).collect::<Result<Vec<_>, _>>()?;
            if batch.is_empty() {
                return Ok(());
            }
            self.write_batch(batch).await?;
        }
    }

    async fn write_batch(&self, batch: Vec<WriteRequest>) -> Result<(), Cause> {
        const OPERATION: &str = "dynamodb:BatchWriteItem";
        let all = batch.len();
        let mut left = batch;
        let mut pause = PAUSE;
        for turn in 0..TRIES {
            if turn > 0 {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            let items = HashMap::from([(self.name().to_owned(), left)]);
            let request =
                self.connection().dynamodb().batch_write_item().set_request_items(Some(items));
            let answer = request.send().await.map_err(|error| self.failed(OPERATION, &error))?;
            let unprocessed = answer.unprocessed_items.unwrap_or_default();
            left = unprocessed.into_values().flatten().collect();
            if left.is_empty() {
                return Ok(());
            }
        }
        let message = format!(
            "{OPERATION} left {} of {all} writes undone in {} after {TRIES} calls",
            left.len(),
            self.place()
        );
        Err(Cause::new(FailureKind::Throttled, message))
    }

    /// Sends an update with a condition.
    pub(super) async fn update(
        &self,
        request: UpdateItemFluentBuilder,
        repeats: Repeats,
    ) -> Result<Conditional, Cause> {
        let sent = match repeats {
            Repeats::Allowed => request.send().await,
            Repeats::Never => {
                let once = Config::builder().retry_config(RetryConfig::disabled());
                request.customize().config_override(once).send().await
            }
        };
        match sent {
            Ok(_) => Ok(Conditional::Written),
            Err(error) if aws::code(&error) == Some("ConditionalCheckFailedException") => {
                Ok(Conditional::Refused)
            }
            Err(error) => Err(self.failed("dynamodb:UpdateItem", &error)),
        }
    }
}

/// The write as the SDK sends it. The SDK refuses only a write without an item or keys.
fn request(write: TableWrite) -> Result<WriteRequest, Cause> {
    let request = WriteRequest::builder();
    let built = match write {
        TableWrite::Put(item) => PutRequest::builder()
            .set_item(Some(item))
            .build()
            .map(|put| request.put_request(put).build()),
        TableWrite::Delete { pk, sk } => DeleteRequest::builder()
            .set_key(Some(keyed(pk, sk)))
            .build()
            .map(|delete| request.delete_request(delete).build()),
    };
    built.map_err(|error| {
        Cause::new(FailureKind::Bug, format!("internal error: a write of the table: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::items::set_text;
    use super::super::memory::MemoryTable;
    use super::*;
    use crate::aws::fake::json_error;

    fn puts(many: usize) -> Vec<TableWrite> {
        let put = |n: usize| {
            let mut item = keyed("numbers", format!("{n:03}"));
            set_text(&mut item, "name", n.to_string());
            TableWrite::Put(item)
        };
        (0..many).map(put).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn writes_are_sent_in_batches_and_what_is_unprocessed_is_sent_again() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        table.write_all(puts(60)).await.expect("written");
        assert_eq!(memory.items().len(), 60);
        // 25, 5 left; 25, 5 left; 10.
        assert_eq!(memory.fake.sent("BatchWriteItem").len(), 5);
        let read = table.all("numbers").await.expect("read");
        let names: Vec<_> =
            read.iter().filter_map(|item| super::super::items::text(item, "name")).collect();
        let expected: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        assert_eq!(names, expected, "thirty pages");
        let delete =
            |n: usize| TableWrite::Delete { pk: "numbers".to_owned(), sk: format!("{n:03}") };
        table.write_all((0..59).map(delete).collect()).await.expect("deleted");
        assert_eq!(memory.items().len(), 1);
        table.write_all(Vec::new()).await.expect("nothing to write");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_stays_unprocessed_is_throttled() {
        let memory = MemoryTable::new(|sent| {
            let asked: serde_json::Value = serde_json::from_str(&sent.body).ok()?;
            let items = asked.get("RequestItems")?;
            Some((200, serde_json::json!({ "UnprocessedItems": items }).to_string()))
        });
        let cause = memory.table().await.write_all(puts(30)).await.expect_err("nothing is written");
        assert_eq!(cause.kind, FailureKind::Throttled);
        assert!(cause.message.contains("left 25 of 25 writes undone in the table hub"), "{cause}");
        assert_eq!(memory.fake.sent("BatchWriteItem").len(), 6, "the second batch is not sent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_table_names_the_setting() {
        let memory = MemoryTable::new(|_| Some(json_error(400, "ResourceNotFoundException")));
        let table = memory.table().await;
        for cause in [
            table.write_all(puts(1)).await.expect_err("no table"),
            table.all("numbers").await.expect_err("no table"),
            table.get("numbers", "001").await.expect_err("no table"),
        ] {
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.remedy().contains("REPLICATOR_TABLE"), "{}", cause.remedy());
        }
    }
}
