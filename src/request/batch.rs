//! A batch of messages from a queue. The body of each message is the JSON text of one event.
//!
//! An unreadable message does not prevent the work on the other messages: only that message returns to the queue, and
//! after its last attempt it moves to the dead-letter queue.

use serde_json::Value;

use super::event::{Event, Ignored};
use super::{Refused, envelope, json_type};

/// A message of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The id of the message in the queue, which returns a failed message to the queue. Never empty, because Lambda
    /// treats an empty id as a failure of the whole batch.
    pub message_id: String,
    /// The event in the body.
    pub content: RecordContent,
    /// Whether the queue delivers the message for the last time: if the message returns, the queue moves it to the
    /// dead-letter queue.
    pub is_last_delivery: bool,
}

/// The body of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordContent {
    /// An event that the hub handles.
    Event(Event),
    /// An event that the hub does not handle.
    Ignored(Ignored),
    /// The body is not an event, for this reason.
    Unreadable(String),
}

/// How often the queue delivers a message: `maxReceiveCount` in the hub's template.
pub const DELIVERIES: u64 = 5;

const FORM: &str = "`{\"Records\":[{\"messageId\":\"…\",\"body\":\"the JSON of an event\"}]}`, as a queue sends it";

pub(super) fn read(records: &Value) -> Result<Vec<Record>, Refused> {
    let Value::Array(records) = records else {
        return Err(Refused::new(format!("`Records` is {}", json_type(records)), FORM));
    };
    records
        .iter()
        .enumerate()
        .map(|(index, record)| match record["messageId"].as_str() {
            Some(id) if !id.is_empty() => Ok(Record {
                message_id: id.to_owned(),
                content: content(&record["body"]),
                is_last_delivery: is_last_delivery(record),
            }),
            _ => {
                let problem = format!("record {} of the batch has no `messageId`", index + 1);
                Err(Refused::new(problem, FORM))
            }
        })
        .collect()
}

/// SQS sends the number of deliveries as a text. Without the number, no delivery counts as the last.
fn is_last_delivery(record: &Value) -> bool {
    let count = record["attributes"]["ApproximateReceiveCount"].as_str();
    count.and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count >= DELIVERIES)
}

fn content(body: &Value) -> RecordContent {
    let Value::String(body) = body else {
        return RecordContent::Unreadable(format!("the message body is {}", json_type(body)));
    };
    match serde_json::from_str::<Value>(body) {
        Ok(value) if envelope::has_its_shape(&value) => match envelope::read(&value) {
            Ok(event) => RecordContent::Event(event),
            Err(ignored) => RecordContent::Ignored(ignored),
        },
        Ok(_) => RecordContent::Unreadable("the message body is not an event".to_owned()),
        Err(error) => RecordContent::Unreadable(format!("the message body is not JSON: {error}")),
    }
}
