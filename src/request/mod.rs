//! Bytes → [`Request`]: a person's payload, an event, or a queue's batch of events, told apart by shape.
//!
//! Pure, and strict only where a person writes: an unknown field of a payload is refused, of an event ignored. An
//! event's fields may be missing, null or of any type; none of that is an error, at most a reason to ignore it.

mod arn;
mod batch;
mod cloudtrail;
mod envelope;
mod event;
mod native;
mod payload;
mod reconcile;

use serde_json::Value;

pub use batch::{RecordContent, Record};
pub use event::{EventSubject, Event, Ignored};
pub use payload::item_at;
pub use reconcile::{Accounts, Reconcile, RunOptions};

/// What the hub was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Make routes equal, as a payload asked.
    Reconcile(Reconcile),
    /// List the accounts in scope, for a state machine that spreads them.
    ListAccounts {
        /// Accounts in one batch of the answer; from 1 to 1,000.
        batch: usize,
        /// Where the answer before this one ended.
        page: Option<String>,
    },
    /// One event, or why it is ignored.
    Event(Result<Event, Ignored>),
    /// A queue's messages, in their order.
    Batch(Vec<Record>),
}

/// A request that a person has to write otherwise: nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; accepted is {accepted}")]
pub struct Refused {
    /// What is wrong.
    pub problem: String,
    /// What is accepted in its place.
    pub accepted: String,
}

impl Refused {
    /// From what is wrong and what is accepted in its place.
    pub fn new(problem: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self { problem: problem.into(), accepted: accepted.into() }
    }
}

const FORMS: &str = "a JSON object: a payload such as `{\"detail\":{\"name\":\"all\",\"operation\":\"sync\"}}`, an EventBridge event, or a batch of events from a queue";

/// Reads a request from JSON text.
///
/// # Errors
/// Text that is no JSON, and what [`from_value`] refuses.
pub fn parse(bytes: &[u8]) -> Result<Request, Refused> {
    // Editors of some systems put a byte order mark in front, which JSON does not know.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Refused::new("the request is empty", FORMS));
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => from_value(&value),
        Err(error) => Err(Refused::new(format!("the request is not JSON: {error}"), FORMS)),
    }
}

/// Reads a request from JSON.
///
/// # Errors
/// What is none of the three shapes; a payload with a fault; a batch whose messages have no id.
pub fn from_value(value: &Value) -> Result<Request, Refused> {
    match value {
        Value::Object(fields) if fields.contains_key("Records") => {
            batch::read(&fields["Records"]).map(Request::Batch)
        }
        Value::Object(_) if envelope::has_its_shape(value) => {
            Ok(Request::Event(envelope::read(value)))
        }
        Value::Object(fields) => payload::read(fields),
        other => Err(Refused::new(format!("the request is {}", sort(other)), FORMS)),
    }
}

/// What sort of JSON a value is, for a person; never the value itself, which may be a secret in the wrong place.
fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Whether a field is missing, null or an empty text: an empty `errorCode` is no failure.
fn says_nothing(field: &Value) -> bool {
    field.is_null() || field.as_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests;
