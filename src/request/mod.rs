//! Parses bytes into a [`Request`]: a payload of an operator, an event, or a batch of events from a queue. The shape of
//! the JSON distinguishes them: a payload has the field `detail` or `failover`.
//!
//! Only payloads are strict: an unknown field of a payload is refused, and an unknown field of an event is ignored. The
//! fields of an event may be missing, null or of any type; the event is then ignored with a reason.

mod arn;
mod batch;
mod cloudtrail;
mod envelope;
mod event;
mod failover;
mod native;
mod payload;
mod reconcile;

use serde_json::Value;

use crate::domain::ExecutionName;

pub use batch::{DELIVERIES, Record, RecordContent};
pub use event::{Event, EventSubject, Ignored};
pub use failover::{FailoverRequest, FreezeRequest, ThawPlan, ThawRequest, reason, route};
pub use payload::item_at;
pub use reconcile::{Accounts, Reconcile, RunOptions};

/// A parsed request.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Reconcile routes, as a payload requests.
    Reconcile(Reconcile),
    /// List the accounts in scope, for a state machine that distributes them.
    ListAccounts {
        /// The number of accounts in one batch of the answer, from 1 to 1,000.
        batch: usize,
        /// The `next` of the previous answer.
        page: Option<String>,
        /// The execution whose sweeps the accounts are for.
        execution: Option<ExecutionName>,
    },
    /// Sum up an execution, at its end.
    Finish(ExecutionName),
    /// Change or show the states of routes.
    Failover(FailoverRequest),
    /// An event, or the reason to ignore it.
    Event(Result<Event, Ignored>),
    /// The messages of a queue, in their order.
    Batch(Vec<Record>),
}

/// A refused request. The hub did nothing; the operator has to correct the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; expected {accepted}")]
pub struct Refused {
    /// The reason for the refusal.
    pub problem: String,
    /// The accepted form.
    pub accepted: String,
}

impl Refused {
    /// Creates a refusal.
    pub fn new(problem: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self { problem: problem.into(), accepted: accepted.into() }
    }
}

const FORMS: &str = "a JSON object: a payload such as `{\"detail\":{\"name\":\"all\",\"operation\":\"sync\"}}`, an EventBridge event, or a batch of events from a queue";

/// Parses a request from JSON text.
///
/// # Errors
/// The text is not JSON, or [`from_value`] refuses it.
pub fn parse(bytes: &[u8]) -> Result<Request, Refused> {
    // Some editors write a byte order mark, which JSON does not permit.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Refused::new("the request is empty", FORMS));
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => from_value(&value),
        Err(error) => Err(Refused::new(format!("the request is not JSON: {error}"), FORMS)),
    }
}

/// Parses a request from a JSON value.
///
/// # Errors
/// The value has none of the three shapes, the payload is invalid, or a message of the batch has no id.
pub fn from_value(value: &Value) -> Result<Request, Refused> {
    match value {
        Value::Object(fields) if fields.contains_key("Records") => {
            batch::read(&fields["Records"]).map(Request::Batch)
        }
        Value::Object(_) if envelope::has_its_shape(value) => {
            Ok(Request::Event(envelope::read(value)))
        }
        Value::Object(fields) if fields.contains_key("failover") => {
            failover::read(fields).map(Request::Failover)
        }
        Value::Object(fields) => payload::read(fields),
        other => Err(Refused::new(format!("the request is {}", json_type(other)), FORMS)),
    }
}

/// The type of a JSON value, for a message. Messages never contain the value, which may be a secret in a wrong field.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether a field is missing, null or blank. An event with a blank `errorCode` reports a successful call.
fn is_blank(field: &Value) -> bool {
    field.is_null() || field.as_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests;
