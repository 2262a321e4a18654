//! The hub's table in `DynamoDB`: route states, results of sweeps, known failures, allowances of deletions.
//!
//! Every item has the keys `pk` and `sk`. This module holds the calls; the files below hold one kind of item each. The
//! table is a log and a report: no item holds a value of a parameter or secret, nor the value of an override tag.
//!
//! The only operations are `Query`, `GetItem`, `PutItem`, `UpdateItem` and `BatchWriteItem`, each with a simple condition or none.

mod accounts;
mod calls;
mod deletes;
mod executions;
mod failures;
mod held;
mod items;
#[cfg(test)]
pub(crate) mod memory;
mod states;
mod sweeps;

use aws_sdk_dynamodb::types::AttributeValue;

pub use accounts::KnownAccount;
pub use deletes::DeleteDay;
pub use executions::{ExecutionRecords, FinishRecord};
pub use failures::{KnownFailure, NAMED};
pub use held::{HeldItem, HeldWhy};
pub use states::{StatePut, StateRead};
pub use sweeps::SweepRecord;

use crate::aws::{self, Connection};
use crate::domain::{Cause, FailureKind};

pub(crate) use calls::{BATCH, TableWrite};
pub(crate) use failures::StandingFailures;
pub(crate) use items::Item;

/// The attribute with the time after which `DynamoDB` removes an item, in seconds since 1970.
pub(crate) const TTL: &str = "ttl";

/// The hub's table.
#[derive(Clone, Debug)]
pub struct Table {
    connection: Connection,
    name: String,
    /// Names the table and the spoke role. A record with another home was copied here, or another hub wrote it.
    home: String,
}

/// The answer to a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conditional {
    /// The item was written.
    Written,
    /// The condition did not hold, and nothing was written.
    Refused,
}

impl Table {
    /// The table of this name in the hub's account and Region. No call is made.
    pub fn new(connection: Connection, name: &str, spoke_role: &str) -> Self {
        let home = format!("{}/{name} {spoke_role}", connection.region());
        Self { connection, name: name.to_owned(), home }
    }

    /// The name of the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection that makes the calls.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The cause if the table did not answer before the deadline.
    pub(crate) fn not_in_time(&self) -> Cause {
        let message = format!("{} did not answer before the deadline", self.place());
        Cause::new(FailureKind::Unavailable, message)
    }

    /// Where the calls go, for a message.
    fn place(&self) -> String {
        format!("the table {} in {}", self.name, self.connection.region())
    }

    fn failed<E, R>(
        &self,
        operation: &'static str,
        error: &aws_sdk_dynamodb::error::SdkError<E, R>,
    ) -> Cause
    where
        E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let cause = aws::cause(operation, &self.place(), error);
        if aws::code(error) == Some("ResourceNotFoundException") {
            return Cause { kind: FailureKind::Invalid, ..cause }.with_remedy(
                "correct REPLICATOR_TABLE, AWS_REGION or the credentials: the hub's stack makes the table in the hub's account and Region",
            );
        }
        cause
    }

    /// The newest item of a partition: the one with the highest sort key. The read is consistent.
    async fn newest(&self, pk: &str) -> Result<Option<Item>, Cause> {
        let request = self
            .connection
            .dynamodb()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true);
        let answer = request.send().await.map_err(|error| self.failed("dynamodb:Query", &error))?;
        Ok(answer.items.unwrap_or_default().into_iter().next())
    }

    /// Writes an item whose keys no item has.
    async fn put_new(&self, item: Item) -> Result<Conditional, Cause> {
        let request = self
            .connection
            .dynamodb()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)");
        match request.send().await {
            Ok(_) => Ok(Conditional::Written),
            Err(error) if aws::code(&error) == Some("ConditionalCheckFailedException") => {
                Ok(Conditional::Refused)
            }
            Err(error) => Err(self.failed("dynamodb:PutItem", &error)),
        }
    }
}
