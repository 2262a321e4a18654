//! A queue's batch: each message's body is the text of one event.
//!
//! One message that cannot be read keeps none of the others from being done: it goes back alone, and ends in the
//! dead-letter queue.

use serde_json::Value;

use super::event::{Event, Ignored};
use super::{Refused, envelope, sort};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The queue's id of the message, by which it is sent back; never empty, since Lambda takes an empty one for the
    /// whole batch.
    pub message_id: String,
    /// What it holds.
    pub content: RecordContent,
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordContent {
    /// An event that names something of ours.
    Event(Event),
    /// An event of no concern.
    Ignored(Ignored),
    /// No event; why.
    Unreadable(String),
}

const FORM: &str = "`{\"Records\":[{\"messageId\":\"…\",\"body\":\"the JSON of an event\"}]}`, as a queue sends it";

pub(super) fn read(records: &Value) -> Result<Vec<Record>, Refused> {
    let Value::Array(records) = records else {
        return Err(Refused::new(format!("`Records` is {}", sort(records)), FORM));
    };
    records
        .iter()
        .enumerate()
        .map(|(index, record)| match record["messageId"].as_str() {
            Some(id) if !id.is_empty() => {
                Ok(Record { message_id: id.to_owned(), content: content(&record["body"]) })
            }
            _ => {
                let problem = format!("record {} of the batch has no `messageId`", index + 1);
                Err(Refused::new(problem, FORM))
            }
        })
        .collect()
}

fn content(body: &Value) -> RecordContent {
    let Value::String(body) = body else {
        return RecordContent::Unreadable(format!("the message's body is {}", sort(body)));
    };
    match serde_json::from_str::<Value>(body) {
        Ok(value) if envelope::has_its_shape(&value) => match envelope::read(&value) {
            Ok(event) => RecordContent::Event(event),
            Err(ignored) => RecordContent::Ignored(ignored),
        },
        Ok(_) => RecordContent::Unreadable("the message's body is JSON but no event".to_owned()),
        Err(error) => RecordContent::Unreadable(format!("the message's body is not JSON: {error}")),
    }
}
