//! API calls that CloudTrail recorded and EventBridge delivered.
//!
//! The shapes are from real records of `PutParameter` and `DeleteParameter` and from the Secrets Manager user guide. For the
//! other calls the rule of CloudTrail applies: a member keeps its name with a lower-case first letter (`ARN` is `aRN`, in
//! newer records `arn`). CloudTrail masks or omits all values, so an event never contains one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::event::{self, Event, EventSubject, Ignored, event_about};
use super::is_blank;
use crate::domain::{Expectation, Item, Kind, Location, shown};

/// The text that CloudTrail writes in place of a masked value.
const MASK: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Parses an event after the check of its envelope.
pub(super) fn read(event: &Value, service: Kind, location: Location) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let endpoint = match service {
        Kind::Parameter => "ssm.amazonaws.com",
        Kind::Secret => "secretsmanager.amazonaws.com",
    };
    if !detail["eventSource"].is_null() && detail["eventSource"] != endpoint {
        return Err(Ignored::new(format!("`detail.eventSource` is not {endpoint}")));
    }
    let Some(call) = detail["eventName"].as_str() else {
        return Err(Ignored::new("the event names no API call"));
    };
    if !is_blank(&detail["errorCode"]) {
        return failed(event, service, location, call);
    }
    match service {
        Kind::Parameter => parameter(event, location, call),
        Kind::Secret => secret(event, location, call),
    }
}

fn parameter(event: &Value, location: Location, call: &str) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let request = &detail["requestParameters"];
    let at = event::time(event);
    let expect = match call {
        "PutParameter" => {
            let version = detail["responseElements"]["version"].as_i64();
            Some(Expectation { version, at, ..Expectation::default() })
        }
        "DeleteParameter" | "DeleteParameters" => {
            Some(Expectation { at, absent: true, ..Expectation::default() })
        }
        "AddTagsToResource" | "RemoveTagsFromResource" => {
            // The same call tags documents, managed nodes and other resources.
            match request["resourceType"].as_str() {
                Some("Parameter") => Some(tags(request)),
                Some(other) => {
                    let other = shown(other);
                    return Err(Ignored::new(format!(
                        "{call} concerns the resource type `{other}`"
                    )));
                }
                None => return Err(Ignored::new(format!("{call} names no resource type"))),
            }
        }
        "LabelParameterVersion" | "UnlabelParameterVersion" => {
            Some(Expectation { labels: true, ..Expectation::default() })
        }
        _ => return Err(unhandled(call)),
    };
    let name = match call {
        "AddTagsToResource" | "RemoveTagsFromResource" => &request["resourceId"],
        "DeleteParameters" => &request["names"],
        _ => &request["name"],
    };
    let names = texts(name).or_else(|| resources(detail)).unwrap_or_default();
    let expect = expect.filter(|expect| *expect != Expectation::default());
    event_about(event, location, call, Kind::Parameter, names, expect.as_ref())
}

fn secret(event: &Value, location: Location, call: &str) -> Result<Event, Ignored> {
    match call {
        "CreateSecret"
        | "UpdateSecret"
        | "RestoreSecret"
        | "DeleteSecret"
        | "TagResource"
        | "UntagResource"
        | "ReplicateSecretToRegions" => {
            let names = secret_names(&event["detail"]).unwrap_or_default();
            // The run does not wait for the deletion, because a secret that is scheduled for deletion can be described. The
            // expectation only cancels the wait for an earlier creation.
            let at = event::time(event);
            let expect = match call {
                "CreateSecret" if at.is_some() => {
                    Some(Expectation { at, ..Expectation::default() })
                }
                "DeleteSecret" => Some(Expectation { at, absent: true, ..Expectation::default() }),
                _ => None,
            };
            event_about(event, location, call, Kind::Secret, names, expect.as_ref())
        }
        "RemoveRegionsFromReplication" => Err(Ignored::new(
            "the sweep handles RemoveRegionsFromReplication, because the owner may be deleting the secret",
        )),
        _ => Err(unhandled(call)),
    }
}

/// A failed call is ignored because it changed nothing. One failed call is handled: AWS refused to delete a secret with
/// replicas, and the owner needs a report.
fn failed(event: &Value, service: Kind, location: Location, call: &str) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let code = detail["errorCode"].as_str().unwrap_or("an error");
    let refused =
        service == Kind::Secret && call == "DeleteSecret" && code.starts_with("InvalidParameter");
    if !refused {
        let (call, code) = (shown(call), shown(code));
        return Err(Ignored::new(format!("{call} failed with {code}, so it changed nothing")));
    }
    let name = secret_names(detail).unwrap_or_default().into_iter().next();
    let Some(name) = name else {
        return Err(Ignored::new("a refused DeleteSecret names no secret"));
    };
    match event::item(Kind::Secret, name, &location)? {
        Item::Secret(name) => Ok(Event {
            location,
            name: call.to_owned(),
            at: event::time(event),
            subject: EventSubject::RefusedDelete(name),
            skipped: Vec::new(),
        }),
        Item::Parameter(_) => Err(Ignored::new("a refused DeleteSecret names no secret")),
    }
}

fn unhandled(call: &str) -> Ignored {
    Ignored::new(format!("the hub does not handle the API call {}", shown(call)))
}

/// The secret that a call names. The name in AWS's answer comes first, because the caller may have used the name, the ARN
/// or a part of the ARN, and several events of one secret should name one item. The caller's name and the ARN follow.
fn secret_names(detail: &Value) -> Option<Vec<&str>> {
    let (request, response) = (&detail["requestParameters"], &detail["responseElements"]);
    [&response["name"], &request["name"], &request["secretId"], &response["arn"], &response["aRN"]]
        .into_iter()
        .find_map(texts)
        .or_else(|| resources(detail))
}

/// A string, or the strings of an array. `None` if the value contains no string.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text.as_str()]),
        Value::Array(values) => Some(values.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
    .filter(|texts: &Vec<&str>| !texts.is_empty())
}

/// The ARNs in `resources`. They remain in a record with omitted parameters (over 100 KB) or with null.
fn resources(detail: &Value) -> Option<Vec<&str>> {
    let resources = detail["resources"].as_array()?;
    Some(resources.iter().filter_map(|resource| resource["ARN"].as_str()).collect())
}

/// The tags that a call set or removed. A masked value is not an expectation.
fn tags(request: &Value) -> Expectation {
    let set = request["tags"].as_array().into_iter().flatten().filter_map(|tag| {
        let (key, value) = (tag["key"].as_str()?, tag["value"].as_str()?);
        (value != MASK).then(|| (key.to_owned(), value.to_owned()))
    });
    let gone: BTreeSet<String> =
        texts(&request["tagKeys"]).into_iter().flatten().map(str::to_owned).collect();
    Expectation { tags_set: set.collect(), tags_gone: gone, ..Expectation::default() }
}
