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

/// The most writes of one BatchWriteItem.
pub(crate) const BATCH: usize = 25;
/// How often a batch is sent while DynamoDB leaves a part of it unprocessed. Every answer took some of it, or the SDK
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
