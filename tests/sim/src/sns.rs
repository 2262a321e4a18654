//! Amazon SNS: `Publish` (FACTS 114).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

const SUBJECT: usize = 100;
const MESSAGE_BYTES: usize = 262_144;

/// A message published to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The subject.
    pub subject: Option<String>,
    /// The message text; with `MessageStructure=json` the whole document.
    pub message: String,
    /// The string values of the message attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A topic with its published messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topic(pub(crate) Vec<Message>);

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameter", message)
}

pub(crate) fn publish(world: &mut World, call: &Call<'_>) -> Answer {
    let arn = call.text("TopicArn").unwrap_or_default();
    let mut parts = arn.strip_prefix("arn:aws:sns:").unwrap_or_default().splitn(3, ':');
    let (region, account, name) = (parts.next(), parts.next(), parts.next());
    let (Some(region), Some(account), Some(name)) = (region, account, name) else {
        return Err(invalid("Invalid parameter: TopicArn"));
    };
    if region != call.region {
        return Err(invalid("Invalid parameter: TopicArn Reason: A topic of another Region"));
    }
    let message = call.text("Message").unwrap_or_default().to_owned();
    let subject = call.text("Subject").map(str::to_owned);
    if subject.as_ref().is_some_and(|subject| {
        subject.is_empty()
            || subject.chars().count() >= SUBJECT
            || subject.chars().any(char::is_control)
    }) {
        return Err(invalid("Invalid parameter: Subject"));
    }
    let attributes = attributes(call.input);
    let bytes = message.len()
        + attributes.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if message.is_empty() || bytes > MESSAGE_BYTES {
        return Err(invalid("Invalid parameter: Message too long"));
    }
    if call.text("MessageStructure") == Some("json") {
        let document: Value = serde_json::from_str(&message).map_err(|_| {
            invalid("Invalid parameter: Message Structure - JSON message body failed to parse")
        })?;
        if !document["default"].is_string() {
            return Err(invalid(
                "Invalid parameter: Message Structure - No default entry in JSON message body",
            ));
        }
    }
    let id = crate::seed::uuid(world.settings.seed, &[arn, &message]);
    let topic = world
        .region(account, region)
        .topics
        .get_mut(name)
        .ok_or_else(|| AwsError::new("NotFound", "Topic does not exist").with_status(404))?;
    topic.0.push(Message { subject, message, attributes });
    Ok(json!({ "MessageId": id }))
}

/// Parses `MessageAttributes.entry.1.Name` and `….Value.StringValue`, the query protocol's form of a map.
fn attributes(input: &Value) -> BTreeMap<String, String> {
    let text = |member: String| input[member.as_str()].as_str().map(str::to_owned);
    (1..)
        .map_while(|n| {
            let name = text(format!("MessageAttributes.entry.{n}.Name"))?;
            Some((
                name,
                text(format!("MessageAttributes.entry.{n}.Value.StringValue")).unwrap_or_default(),
            ))
        })
        .collect()
}
